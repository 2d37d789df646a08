"""RUN/: claimed for one configuration, refused to another, left alone when finished.

RUN/config.json      what is trained, on what, with which versions
RUN/metrics.jsonl    RUN/tensorboard/    RUN/checkpoints/step-0000123/
RUN/best/            the model of the best validation score, in `from_pretrained` form
RUN/summary.json     there once the run is finished
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pain3d import __version__
from pain3d.data.files import TEMPORARY_SUFFIX, write_atomically
from pain3d.data.findings import listed
from pain3d.data.manifest import Manifest, manifest_bytes
from pain3d.errors import DataError, OutputError, storage_error
from pain3d.outside import json_of
from pain3d.places import Place, location
from pain3d.train.config import TrainConfig, differences
from pain3d.train.state import CHECKPOINTS, recovered

CONFIG, SUMMARY, BEST = "config.json", "summary.json", "best"
VALIDATION = "validation.json"
"""In best/: the step it was taken after, and its scores."""
FORMAT = "pain3d run"
VERSION = 1
PACKAGES = ("torch", "transformers", "peft", "accelerate", "safetensors", "numpy", "pillow", "pyarrow")


def description(
    config: TrainConfig,
    dataset: Place,
    manifest: Manifest,
    *,
    processes: int,
    teacher_sha256: str | None,
    init: Mapping[str, Any] | None = None,
    mixed: Manifest | None = None,
) -> dict[str, Any]:
    """The content of RUN/config.json.

    Args:
        config: of the run.
        dataset: its folder.
        manifest: of the dataset.
        processes: that train together.
        teacher_sha256: of the teacher's weights.
        init: what was loaded of the model that the run starts from, its `weights_sha256` among it.
        mixed: manifest of the dataset that is mixed in.
    """
    return {
        "format": FORMAT,
        "version": VERSION,
        "recipe": config.recipe,
        "config": config.to_json(),
        "processes": processes,
        "dataset": _about(dataset, manifest),
        "mix": None if config.mix is None or mixed is None else _about(location(config.mix.dataset), mixed),
        "teacher_sha256": teacher_sha256,
        "init": None if init is None else dict(init),
        "packages": {"pain3d": __version__, **{name: version(name) for name in PACKAGES}},
    }


def _about(dataset: Place, manifest: Manifest) -> dict[str, Any]:
    return {
        "path": str(dataset),
        "seed": manifest.seed,
        "pain3d_version": manifest.pain3d_version,
        "schema_version": manifest.schema_version,
        "frames": manifest.frames,
        "manifest_sha256": hashlib.sha256(manifest_bytes(manifest)).hexdigest(),
    }


def check(run: Path, wanted: Mapping[str, Any], identity: Mapping[str, Any]) -> list[str]:
    """Refuse a folder that is not new, empty, or this very run; changes nothing. Returns the packages that differ.

    Args:
        wanted: the description of the run asked for.
        identity: what of its configuration must agree.

    Raises:
        OutputError: if `run` is a file, holds other files, or another run.
        DataError: if its config.json is damaged.
    """
    if not run.exists():
        return []
    if not run.is_dir():
        raise OutputError(f"{run}: is a file; name a new or empty folder")
    if not (run / CONFIG).exists():
        _refuse_other_files(run)
        return []
    found = _read(run / CONFIG)
    differing = differences(_compared(wanted, identity), _compared(found, identity))
    if differing:
        raise OutputError(
            f"{run}: holds another run ({listed(differing)}); name a new folder, or ask for the same run to go on "
            f"with it; nothing was changed"
        )
    return differences(wanted["packages"], found["packages"])


def claim(run: Path, wanted: Mapping[str, Any]) -> None:
    """Write RUN/config.json if there is none, and clear away what a killed run left half written.

    Raises:
        StorageError: if the folder cannot be written.
    """
    try:
        (run / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(run, error) from error
    recovered(run / BEST)
    recovered(run / CHECKPOINTS / "step")
    if not (run / CONFIG).exists():
        write_json(run / CONFIG, wanted)


def read_summary(run: Path) -> dict[str, Any] | None:
    """RUN/summary.json; None while the run is not finished.

    Raises:
        DataError: if it is damaged.
    """
    return _read(run / SUMMARY) if (run / SUMMARY).exists() else None


def read_best(run: Path) -> dict[str, Any]:
    """Step and validation scores of the model in best/.

    Raises:
        DataError: if the file is missing or damaged.
    """
    return _read(run / BEST / VALIDATION)


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write whole or not at all.

    Raises:
        StorageError: if the disk is full, read-only, or fails.
    """
    write_atomically(path, (json.dumps(content, indent=2, allow_nan=False) + "\n").encode())


def _compared(content: Mapping[str, Any], identity: Mapping[str, Any]) -> dict[str, Any]:
    """The part of a description that two runs must share; fields that only one of them has count."""
    content = {**_BEFORE, **content}
    config = {name: value for name, value in {**_BEFORE_CONFIG, **content["config"]}.items() if name in identity}
    config["frames"] = {**_BEFORE_FRAMES, **config["frames"]}
    if config["mix"] is not None:
        config["mix"] = {name: value for name, value in config["mix"].items() if name != "dataset"}
    shared = {name: content[name] for name in ("version", "processes", "teacher_sha256")}
    for name in ("dataset", "mix"):
        about = content[name]
        shared[name] = about and {part: value for part, value in about.items() if part != "path"}
    init = content["init"] and content["init"]["weights_sha256"]
    return {**shared, "init.weights_sha256": init, "config": config}


_BEFORE: Mapping[str, Any] = {"mix": None, "init": None}
_BEFORE_CONFIG: Mapping[str, Any] = {"freeze": "nothing", "val_subjects": None, "mix": None}
_BEFORE_FRAMES: Mapping[str, Any] = {"neutral_frames": None, "pain_weight": 1.0, "subjects": None}
"""What runs did that were begun before these entries were there."""


def _read(path: Path) -> dict[str, Any]:
    try:
        content = json_of(path.read_bytes())
        if content["format"] == FORMAT:
            return content
        why = f"format {content['format']!r}"
    except (OSError, ValueError, KeyError, TypeError) as error:
        why = str(error)
    raise DataError(f"{path}: no {FORMAT}, or damaged ({why}); restore it from a copy, or train into another folder")


def _refuse_other_files(run: Path) -> None:
    others = sorted(path.name for path in run.iterdir() if not path.match(f".*{TEMPORARY_SUFFIX}"))
    others = [name for name in others if name != CHECKPOINTS]
    if others:
        listed = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise OutputError(f"{run}: holds other files ({listed}); name a new or empty folder; nothing was changed")
