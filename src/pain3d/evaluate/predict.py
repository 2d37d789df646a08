"""Photos to readings: find the faces, read each, and say in plain words what was found."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import UInt8

from pain3d.data.sample import Sample
from pain3d.errors import ArgumentError, UserError
from pain3d.evaluate.overlay_files import write_overlay
from pain3d.facs import PAIN_AUS
from pain3d.model.detect import MOST_FACES, find_faces, one_face
from pain3d.model.face import crop_face, crop_neutrals
from pain3d.model.prediction import Prediction
from pain3d.pictures import read_picture

if TYPE_CHECKING:
    from pain3d.model.vitpain import ViTPain

Box = tuple[float, float, float, float]
Neutrals = UInt8[np.ndarray, "shot size size 3"]
WORDING = "PSPI is observer-coded facial expression, not felt pain. Trained on synthetic faces. Not a medical device."


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One face of one picture."""

    file: Path
    face: int
    """From 1, the largest first."""
    faces: int
    """How many the picture shows."""
    prediction: Prediction
    overlay: Path | None = None
    """Picture of the reading, where one was asked for."""

    def text(self, *, all_faces: bool) -> str:
        """For people, five lines."""
        read = self.prediction
        of = f", face {self.face} of {self.faces}" if all_faces and self.faces > 1 else ""
        lines = [f"{self.file}{of}: PSPI {read.pspi:.1f} of 16{_interval(read)}"]
        lines.append("  " + "  ".join(f"{name} {read.aus[name]:.1f}" for name in PAIN_AUS[:-1]) + _closed(read))
        lines.append("  " + "  ".join(f"P(PSPI >= {t}) {value:.2f}" for t, value in read.probabilities.items()))
        if read.box is not None:
            lines.append("  box " + ",".join(f"{edge:.0f}" for edge in read.box))
        if self.faces > 1 and not all_faces:
            lines.append(f"  note: {self.faces} faces; the largest was read (--all-faces reads every one)")
        if self.overlay is not None:
            lines.append(f"  overlay: {self.overlay}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        overlay = None if self.overlay is None else str(self.overlay)
        return {
            "file": str(self.file),
            "face": self.face,
            "faces": self.faces,
            **self.prediction.to_json(),
            "overlay": overlay,
        }


@dataclass(frozen=True, kw_only=True)
class Readings:
    """What was read, and what could not be."""

    readings: tuple[Reading, ...]
    failures: tuple[tuple[Path, str], ...]
    """File and reason."""
    all_faces: bool

    @property
    def ok(self) -> bool:
        """Whether every picture was read."""
        return not self.failures

    def text(self) -> str:
        """For people."""
        read = [reading.text(all_faces=self.all_faces) for reading in self.readings]
        return "\n".join([*read, *(f"not read: {reason}" for _, reason in self.failures), WORDING])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "readings": [reading.to_json() for reading in self.readings],
            "failures": [{"file": str(file), "reason": reason} for file, reason in self.failures],
            "wording": WORDING,
        }


def read_images(
    model: ViTPain,
    images: Sequence[Path | str],
    *,
    neutral: Sequence[Path | str] = (),
    box: Box | None = None,
    all_faces: bool = False,
    overlay: Path | str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> Readings:
    """Read pictures of any size; one that cannot be read does not keep the others from it.

    Args:
        model: reads pictures, not heatmaps.
        images: files.
        neutral: pictures of the same person at rest, for a model that compares.
        box: the face (left, top, right, bottom in pixels) in every picture; None: it is detected.
        all_faces: read every face, not the largest alone.
        overlay: folder for a PNG of each reading.
        on_progress: told (done, of) after each picture.

    Raises:
        ArgumentError: if the model reads heatmaps, or neutral pictures are missing or refused.
        UserError: the picture's own, if there is only one and it cannot be read; that of a neutral picture.
    """
    if box is not None and all_faces:
        raise ArgumentError("box: given beside --all-faces; a box names one face: leave out one of the two")
    references = neutral_crops(model, neutral)
    readings: list[Reading] = []
    failures: list[tuple[Path, str]] = []
    for done, image in enumerate(map(Path, images), 1):
        try:
            readings += _read(model, image, references, box, all_faces, overlay, number=done if len(images) > 1 else 0)
        except ArgumentError:
            raise
        except UserError as error:
            if len(images) == 1:
                raise
            failures.append((image, str(error)))
        if on_progress is not None:
            on_progress(done, len(images))
    return Readings(readings=tuple(readings), failures=tuple(failures), all_faces=all_faces)


def neutral_crops(model: ViTPain, neutral: Sequence[Path | str]) -> Neutrals | None:
    """The neutral faces, cut out once.

    Raises:
        ArgumentError: if the model reads heatmaps, needs neutral pictures and has none, or has some and takes none.
        DataError: if one cannot be read or shows no face.
    """
    if model.config.input != "rgb":
        raise ArgumentError("model: reads heatmaps (a teacher), not pictures; give a student or an rgb model")
    if model.config.neutral is not None and not neutral:
        raise ArgumentError(
            "neutral: this model compares with the same person's face at rest; give a picture with --neutral IMG, or "
            "a model that needs none"
        )
    if model.config.neutral is None and neutral:
        raise ArgumentError("neutral: this model takes no neutral picture; leave it out, or give a model that compares")
    return crop_neutrals([Path(one) for one in neutral] or None, model.config)


def read_face(
    model: ViTPain, picture: UInt8[np.ndarray, "height width 3"], box: Box, neutrals: Neutrals | None
) -> Prediction:
    """Read the face in a box."""
    crop = crop_face(picture, model.config, box)
    (prediction,) = model.predict_crops(crop.pixels[None], None if neutrals is None else neutrals[None])
    return prediction.at(box=crop.box, square=crop.square, size=crop.size)


def said_of_frames(model: ViTPain, samples: Sequence[Sample], name: str) -> dict[str, str]:
    """One line for each frame of a dataset, found and cropped as a photo would be; none where no face is found."""
    said = {}
    for sample in samples:
        faces = find_faces(sample.image)
        if faces:
            neutral = None
            if model.config.neutral is not None:
                neutral = crop_neutrals([sample.neutral.image], model.config)
            read = read_face(model, sample.image, faces[0].box_xyxy, neutral)
            units = ", ".join(f"{unit} {read.aus[unit]:.1f}" for unit in PAIN_AUS[:-1])
            said[sample.frame_id] = (
                f"{name} reads PSPI {read.pspi:.1f}{_interval(read)}: {units}, {_closed(read).strip()}"
            )
    return said


def _read(
    model: ViTPain,
    image: Path,
    neutrals: Neutrals | None,
    box: Box | None,
    all_faces: bool,
    overlay: Path | str | None,
    number: int,
) -> list[Reading]:
    picture = read_picture(image)
    boxes = [box] if box is not None else [face.box_xyxy for face in find_faces(picture)]
    if not boxes:
        boxes = [one_face(picture, str(image)).box_xyxy]  # says kindly that there is none
    readings = []
    for face, one in enumerate(boxes[: MOST_FACES if all_faces else 1], 1):
        prediction = read_face(model, picture, one, neutrals)
        path = None
        if overlay is not None:
            parts = [f"{number:04d}" if number else "", image.stem, f"face{face}" if all_faces else ""]
            path = write_overlay(Path(overlay) / ("-".join(filter(None, parts)) + ".png"), picture, prediction)
        readings.append(Reading(file=image, face=face, faces=len(boxes), prediction=prediction, overlay=path))
    return readings


def _interval(read: Prediction) -> str:
    return "" if read.interval is None else f" (90 % interval {read.interval[0]:.1f} to {read.interval[1]:.1f})"


def _closed(read: Prediction) -> str:
    return f"  eyes closed {100 * read.aus['AU43']:.0f} %"
