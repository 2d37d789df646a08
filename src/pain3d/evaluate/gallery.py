"""The frames that a model read worst, as pictures for a report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import UInt8
from PIL import Image

from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError
from pain3d.evaluate.table import column
from pain3d.places import Place

FRAMES = 12
EACH_SUBJECT = 2
"""At most so many frames of one subject: one person's failure should not fill the gallery."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A frame and its error."""

    frame_id: str
    subject_id: str
    truth: float
    guess: float

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"frame_id": self.frame_id, "subject_id": self.subject_id, "PSPI": self.truth, "pred_PSPI": self.guess}


def worst_frames(table: pa.Table, frames: int = FRAMES) -> list[Failure]:
    """The frames of a prediction table with the largest absolute errors of PSPI, worst first."""
    truth, guess = column(table, "PSPI"), column(table, "pred_PSPI")
    ids, subjects = (table.column(name).to_pylist() for name in ("frame_id", "subject_id"))
    taken: Counter[str] = Counter()
    found: list[Failure] = []
    # Ties by name, so that the order of the table decides nothing.
    for row in np.lexsort((np.array(ids, dtype=str), -np.nan_to_num(np.abs(truth - guess), nan=-1.0))):
        if len(found) == frames:
            break
        if taken[subjects[row]] < EACH_SUBJECT:
            taken[subjects[row]] += 1
            found.append(
                Failure(frame_id=ids[row], subject_id=subjects[row], truth=float(truth[row]), guess=float(guess[row]))
            )
    return found


def pictures_of(dataset: Place, failures: list[Failure]) -> dict[str, UInt8[np.ndarray, "side side 3"]]:
    """The central square of each frame's picture, by frame id.

    Raises:
        DataError: if the dataset is not there or damaged.
        ArgumentError: if it lacks one of the frames.
    """
    opened = open_dataset(dataset)
    try:
        return {failure.frame_id: _central(opened.find(failure.frame_id).image) for failure in failures}
    except ArgumentError as error:
        raise ArgumentError(f"data: {dataset} is not the dataset that was scored: {error}") from None


def _central(picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "side side 3"]:
    image = Image.fromarray(picture)
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return np.asarray(image.crop((left, top, left + side, top + side)))
