"""Bench: where everything that the page shows is made, one thing after another, and the last few are kept.

Nothing here belongs to a visitor: whatever is returned is a function of what was asked, so that any number of browsers
share a bench without seeing each other.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from pain3d.data.images import encode_rgb
from pain3d.errors import DataError
from pain3d.evaluate.overlay import laid_over
from pain3d.evaluate.overlay_files import attention_over
from pain3d.evaluate.predict import read_face
from pain3d.gltf import textures
from pain3d.gltf.export import export_glb, quick_glb
from pain3d.model.detect import find_faces
from pain3d.model.prediction import Prediction
from pain3d.skin.looks import PROCEDURAL
from pain3d.studio.guide import HEAT_MM
from pain3d.studio.kept import Kept
from pain3d.synth.face_files import face_contents
from pain3d.synth.portrait import Portrait, photograph, portrait_view
from pain3d.synth.sitter import Sitter
from pain3d.synth.studio import Sitting, prepare, studio
from pain3d.synth.subject import Subject, painter

if TYPE_CHECKING:
    from pain3d.model.vitpain import ViTPain

READER = "vitpain-tiny"
"""The bundled model that reads the pictures."""
FACE = Path("face.png")
"""What an exported picture is called, and the command line writes."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Reading:
    """What the model says about a picture."""

    prediction: Prediction | None
    """None where the detector finds no face."""
    attention: UInt8[np.ndarray, "side side 3"] | None
    """Where it looked, over the picture."""


class Bench:
    """Not for several threads at once: give its work to one."""

    def __init__(self) -> None:
        self._subjects: Kept[Subject, Subject] = Kept(6)
        self._sittings: Kept[Subject, Sitting] = Kept(3)
        self._heads: Kept[Subject, bytes] = Kept(4)
        self._files: Kept[Subject, bytes] = Kept(2)
        self._skins: Kept[Subject, dict[str, bytes]] = Kept(4)
        self._portraits: Kept[Sitter, Portrait] = Kept(6)
        self._readings: Kept[Sitter, Reading] = Kept(12)

    def warm_up(self) -> None:
        """Make once what the first visitor would wait for."""
        prepare()
        studio("cpu")
        painter()
        _ = self.reader

    @cached_property
    def reader(self) -> ViTPain | None:
        """The bundled model; None where there is none."""
        if not (resources.files("pain3d") / "checkpoints" / READER / "config.json").is_file():
            return None
        from pain3d.model.vitpain import ViTPain  # torch takes seconds to load: the page is there before

        return ViTPain.from_pretrained(READER)

    def subject(self, sitter: Sitter) -> Subject:
        """Who sits; asked for the same again, the same object, with all that was made for it."""
        return self._subjects.get(sitter.subject, lambda: sitter.subject)

    def head(self, sitter: Sitter) -> bytes:
        """The head to move in a browser, a .glb, in a skin that is painted at once."""
        first = self.subject(_painted(sitter))
        return self._heads.get(first, lambda: quick_glb(first))

    def measured(self) -> bytes:
        """One byte for each vertex of the face: 1 where the heatmap measures."""
        return studio("cpu").renderer.topology.measured.astype(np.uint8).tobytes()

    def skin(self, sitter: Sitter, name: str) -> bytes:
        """A picture of the skin that was asked for, in place of the head's: colour, roughness or relief."""
        subject = self.subject(sitter)
        return self._skins.get(subject, lambda: _pictures(subject))[name]

    def glb(self, sitter: Sitter) -> bytes:
        """The file that `pain3d.export_glb` writes."""
        subject = self.subject(sitter)
        return self._files.get(subject, lambda: _exported(subject))

    def portrait(self, sitter: Sitter) -> Portrait:
        """The renderer's picture."""
        return self._portraits.get(sitter, lambda: self._taken(sitter))

    def face(self, sitter: Sitter, kind: str) -> bytes:
        """A file of the face as `pain3d face face.png` writes it: image, heatmap, segmentation or labels."""
        return face_contents(self.portrait(sitter), FACE)[kind]

    def heat(self, sitter: Sitter) -> bytes:
        """JPEG of the picture with its heatmap laid over."""
        portrait = self.portrait(sitter)
        return encode_rgb(laid_over(portrait.image, portrait.heatmap, largest=HEAT_MM))

    def reading(self, sitter: Sitter) -> Reading:
        """What the bundled model says about the picture.

        Raises:
            DataError: where there is no bundled model.
        """
        return self._readings.get(sitter, lambda: self._read(sitter))

    def attention(self, sitter: Sitter) -> bytes:
        """JPEG of the picture with the model's attention laid over.

        Raises:
            DataError: where there is no bundled model, or it finds no face.
        """
        shown = self.reading(sitter).attention
        if shown is None:
            raise DataError("attention: the detector finds no face in this picture; turn the head less")
        return encode_rgb(shown)

    def _taken(self, sitter: Sitter) -> Portrait:
        subject = self.subject(sitter)
        sitting = self._sittings.get(subject, lambda: _seated(subject))
        view = portrait_view(subject, sitter.resolution, light=sitter.light, background=sitter.background)
        scene = view.turned(yaw=sitter.yaw, pitch=sitter.pitch, roll=0.0).scene(sitter.resolution)
        return photograph(sitting, sitter.expression, scene)

    def _read(self, sitter: Sitter) -> Reading:
        if self.reader is None:
            raise DataError(f"{READER}: this installation comes without it; pictures are not read")
        picture = self.portrait(sitter).image
        faces = find_faces(picture)
        if not faces:
            return Reading(prediction=None, attention=None)
        prediction = read_face(self.reader, picture, faces[0].box_xyxy, None)
        return Reading(prediction=prediction, attention=attention_over(picture, prediction))


def _painted(sitter: Sitter) -> Sitter:
    return replace(sitter, looks=replace(sitter.looks, skin=PROCEDURAL))


def _seated(subject: Subject) -> Sitting:
    prepare(looks=subject.looks)
    return studio("cpu").seat(subject)


_MAPS: dict[str, Callable[[Subject], bytes]] = {
    "colour": lambda subject: textures.colour(subject.maps),
    "roughness": lambda subject: textures.roughness(subject.maps),
    "relief": lambda subject: textures.relief(subject.maps, painter().atlas),
}
SKIN_MAPS = tuple(_MAPS)


def _pictures(subject: Subject) -> dict[str, bytes]:
    return {name: made(subject) for name, made in _MAPS.items()}


def _exported(subject: Subject) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        return export_glb(subject, Path(folder) / "head.glb").file.read_bytes()


def plain(reading: Reading, expression_pspi: float) -> dict[str, Any]:
    """A reading as plain values, beside the PSPI that the picture was made with."""
    said = None if reading.prediction is None else reading.prediction.to_json()
    return {"model": READER, "true_pspi": expression_pspi, "face": said is not None, "reading": said}
