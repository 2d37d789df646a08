"""One face with chosen Action Units as files: the picture, its heatmap and segmentation, its labels as JSON."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pain3d.data.files import write_atomically
from pain3d.data.images import encode_heatmap, encode_rgb, encode_segmentation
from pain3d.data.schema import HEATMAP_MAX_MM
from pain3d.errors import ArgumentError
from pain3d.synth.generate import PREPARING
from pain3d.synth.portrait import Portrait, render
from pain3d.synth.rows import palette_of
from pain3d.synth.sitter import Sitter
from pain3d.synth.studio import prepare


@dataclass(frozen=True, kw_only=True)
class FaceFiles:
    """What was written."""

    picture: Path
    labels: dict[str, Any]
    """What stands in the JSON file."""

    def text(self) -> str:
        """Where the files lie and what they show, for people."""
        names = "\n".join(f"  {name:<13}{path}" for name, path in self.labels["files"].items())
        return f"{self.labels['subject']}\n{self.labels['expression']}, PSPI {self.labels['PSPI']:g}\n{names}"


def write_face(out: Path, sitter: Sitter, *, on_phase: Callable[[str], None] = lambda said: None) -> FaceFiles:
    """Make one face and write ``OUT.png``, ``OUT.heatmap.png``, ``OUT.segmentation.png`` and ``OUT.json``.

    Args:
        out: the picture; the others lie beside it.
        sitter: who, what, how.
        on_phase: called with what begins, in words.

    Raises:
        ArgumentError: for a file that is no PNG or in no folder.
        StorageError: if a file cannot be written.
    """
    if out.suffix.lower() != ".png":
        raise ArgumentError(f"out: {out} does not end in .png; name the picture, as in face.png")
    if not out.parent.is_dir():
        raise ArgumentError(f"out: the folder {out.parent} does not exist; make the folder first, or name another")
    on_phase(PREPARING)
    prepare(looks=sitter.looks)
    on_phase("making the face")
    portrait = render(
        sitter.subject,
        sitter.expression,
        yaw=sitter.yaw,
        pitch=sitter.pitch,
        light=sitter.light,
        background=sitter.background,
        resolution=sitter.resolution,
    )
    files = _beside(out)
    for kind, content in face_contents(portrait, out).items():
        write_atomically(files[kind], content)
    labels = _labels(portrait) | {"files": {kind: str(path) for kind, path in files.items()}}
    return FaceFiles(picture=out, labels=labels)


def face_contents(portrait: Portrait, out: Path) -> dict[str, bytes]:
    """What `write_face` writes, by what it is: image, heatmap, segmentation, labels.

    Args:
        portrait: what the files show.
        out: name of the picture; the labels name all files.
    """
    labels = _labels(portrait) | {"files": {kind: path.name for kind, path in _beside(out).items()}}
    return {
        "image": encode_rgb(portrait.image, "png"),
        "heatmap": encode_heatmap(portrait.heatmap),
        "segmentation": encode_segmentation(portrait.segmentation, palette_of(portrait.subject.looks)),
        "labels": (json.dumps(labels, indent=2, allow_nan=False) + "\n").encode(),
    }


def _beside(out: Path) -> dict[str, Path]:
    return {
        "image": out,
        "heatmap": out.with_suffix(".heatmap.png"),
        "segmentation": out.with_suffix(".segmentation.png"),
        "labels": out.with_suffix(".json"),
    }


def _labels(portrait: Portrait) -> dict[str, Any]:
    who, camera = portrait.subject, portrait.frame.camera
    return {
        "subject": repr(who),
        "seed": who.seed,
        "age_years": who.age_years,
        "sex": who.sex,
        "ethnicity": who.ethnicity,
        "looks": asdict(who.looks),
        "worn": list(who.worn),
        "expression": repr(portrait.expression),
        "aus": dict(portrait.expression.items()),
        "PSPI": portrait.expression.pspi,
        "yaw": camera.yaw,
        "pitch": camera.pitch,
        "roll": camera.roll,
        "camera": [float(value) for value in camera.floats],
        "landmarks": portrait.landmarks.astype(float).tolist(),
        "heatmap_max_mm": HEATMAP_MAX_MM,
        "palette": {entry.name: entry.index for entry in palette_of(who.looks)},
    }
