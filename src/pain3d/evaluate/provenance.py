"""What a report says about data, model and program: plain values that stand in metrics.json."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import shlex
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from pain3d import __version__
from pain3d.data.manifest import Manifest, manifest_bytes
from pain3d.places import Place
from pain3d.train.config import TrainConfig

PACKAGES = ("torch", "transformers", "peft", "accelerate", "numpy", "scipy", "pillow", "pyarrow")
"""Whose versions a figure may depend on."""


def versions() -> dict[str, str]:
    """Of pain3d and the packages that figures depend on."""
    return {"pain3d": __version__, **{name: version(name) for name in PACKAGES}}


def dataset_facts(path: str | Place, manifest: Manifest) -> dict[str, Any]:
    """Where a dataset lies, what it is, and a hash that names all of its files."""
    return {
        "path": str(path),
        "manifest_sha256": hashlib.sha256(manifest_bytes(manifest)).hexdigest(),
        "frames": manifest.frames,
        "pain3d_version": manifest.pain3d_version,
        "seed": manifest.seed,
        "source": _plain(manifest.source),
        "design": _plain(manifest.design),
    }


def is_synthetic(manifest: Manifest) -> bool:
    """Whether every face is known to be synthetic: ours, and those of the released 3D-Pain."""
    return manifest.source is None or manifest.source.kind == "3dpain"


def training_facts(config: TrainConfig, init_sha256: str | None) -> dict[str, Any]:
    """How a model was trained, as far as a reader of a report asks."""
    weighting = "every PSPI level equally often" if config.frames.balance else "frames as they come"
    if config.frames.pain_weight != 1:
        weighting = f"frames with PSPI >= 1 seen {config.frames.pain_weight:g} times as often"
    names = ("recipe", "samples", "batch_size", "lr", "lr_heads", "seed", "init")
    mix = None if config.mix is None else f"{100 * config.mix.ratio:g} % of the frames from {config.mix.dataset}"
    facts = {name: vars(config)[name] for name in names}
    return {**facts, "init_sha256": init_sha256, "weighting": weighting, "mix": mix}


def command_of(words: Sequence[str]) -> str:
    """The command line, quoted so that a shell reads it as it was."""
    return shlex.join(["pain3d", *words])


def _plain(value: Any) -> Mapping[str, Any] | None:
    return None if value is None else json.loads(json.dumps(dataclasses.asdict(value)))
