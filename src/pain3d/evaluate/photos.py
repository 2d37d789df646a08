"""A model run over the frames of a dataset as `pain3d predict` reads photos: the face is found, its place is not known.

Training cuts the face out by its true landmarks, prediction by the detector's box. What is told to people about a
photo (intervals, thresholds, probabilities) must hold for the second.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import torch
from jaxtyping import Float, Int, UInt8

from pain3d.data.reader import Dataset, open_dataset
from pain3d.data.sample import Sample
from pain3d.errors import ArgumentError
from pain3d.evaluate.crops import neutral_of
from pain3d.evaluate.inference import checked_policy
from pain3d.evaluate.table import truth_table, with_predictions
from pain3d.facs import PAIN_AUS
from pain3d.model.crop import Square, cut, square_of_box, square_of_landmarks
from pain3d.model.detect import find_faces
from pain3d.model.heads import THRESHOLDS
from pain3d.model.vitpain import ViTPain
from pain3d.places import Place
from pain3d.streams import stream

Advance = Callable[[int, int], None]
"""(done, of) frames."""

BATCH = 32


@dataclass(frozen=True, kw_only=True, eq=False)
class Photos:
    """Frames that were read as photos, and those in which no face was found."""

    table: pa.Table
    """Truth and prediction of the frames whose face was found, as from `predict_table`."""
    missed: pa.Table
    """Truth of those in which none was found (or none in the neutral picture)."""
    rows: Int[np.ndarray, " found"]
    """Row of each frame of `table` in the split."""
    shift: Float[np.ndarray, "found 2"]
    """Centre of the square that was cut minus that of the landmarks' square, in sides of the latter."""
    scale: Float[np.ndarray, " found"]
    """Side of the square that was cut over that of the landmarks' square."""


def predict_photos(
    model: ViTPain,
    dataset: str | Place,
    split: str | None = "val",
    *,
    frames: int | None = None,
    seed: int = 0,
    device: str | torch.device = "cpu",
    on_progress: Advance | None = None,
) -> Photos:
    """Find, cut and read the faces of a split's frames.

    Args:
        model: reads pictures. One that compares gets a neutral frame of another view, found likewise.
        dataset: folder of a finished dataset.
        split: ``train``, ``val`` or ``test``; None for all frames.
        frames: about how many, the same number of each subject, drawn by `seed`; None: all.
        seed: of the frames and of their neutral frames.
        device: where to compute; the model is moved there.
        on_progress: called with (done, of) frames.

    Raises:
        ArgumentError: if the model reads heatmaps, or compares and the dataset has one view only.
        DataError: if the split is empty, a shard damaged, or the detector not installed.
    """
    if model.config.input != "rgb":
        raise ArgumentError(
            "model: reads heatmaps (a teacher), in which no face can be found; give a student or rgb model"
        )
    opened = open_dataset(dataset, split)
    truth = truth_table(opened)
    chosen = chosen_rows(truth, frames, seed)
    everyone = open_dataset(dataset, None) if model.config.neutral is not None else opened
    found: list[_Found] = []
    for done, row in enumerate(chosen, 1):
        one = _found(model, opened[int(row)], int(row), everyone, seed)
        found += [one] if one is not None else []
        if on_progress is not None:
            on_progress(done, len(chosen))
    rows = np.array([one.row for one in found], np.int64)
    outputs = _outputs(model.to(device), found)
    named = with_predictions(
        truth.take(rows),
        pspi=outputs[:, 0],
        aus=outputs[:, 1:7],
        logits=outputs[:, 7:],
        neutral_ids=[one.neutral_id for one in found],
        policy=checked_policy(model, None),
    )
    return Photos(
        table=named,
        missed=truth.take(np.setdiff1d(chosen, rows)),
        rows=rows,
        shift=np.array([one.shift for one in found]).reshape(-1, 2),
        scale=np.array([one.scale for one in found]),
    )


def chosen_rows(truth: pa.Table, frames: int | None, seed: int) -> Int[np.ndarray, " row"]:
    """About `frames` rows, rising: the same number of each subject, drawn by the seed; at least one of each."""
    if frames is None:
        return np.arange(len(truth))
    if frames < 1:
        raise ArgumentError(f"frames: {frames} is below 1; give for example 1200")
    subject = np.array(truth.column("subject_id").to_pylist())
    names = np.unique(subject)
    each = max(1, round(frames / len(names)))
    drawn = [_drawn(np.flatnonzero(subject == name), each, seed, name) for name in names]
    return np.sort(np.concatenate(drawn))


def _drawn(rows: np.ndarray, count: int, seed: int, subject: str) -> np.ndarray:
    return stream(seed, "photos", subject).permutation(rows)[:count]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Found:
    row: int
    crop: UInt8[np.ndarray, "size size 3"]
    neutral: UInt8[np.ndarray, "size size 3"] | None
    neutral_id: str
    shift: tuple[float, float]
    scale: float


def _found(model: ViTPain, sample: Sample, row: int, everyone: Dataset, seed: int) -> _Found | None:
    square = _square(sample, model)
    if square is None:
        return None
    known = square_of_landmarks(sample.landmarks, model.config.crop)
    neutral, neutral_id = None, ""
    if model.config.neutral is not None:
        other = neutral_of(everyone, sample, seed)
        beside = _square(other, model)
        if beside is None:
            return None
        neutral, neutral_id = cut(other.image, beside, model.config.image_size), other.frame_id
    return _Found(
        row=row,
        crop=cut(sample.image, square, model.config.image_size),
        neutral=neutral,
        neutral_id=neutral_id,
        shift=((square.cx - known.cx) / known.side, (square.cy - known.cy) / known.side),
        scale=square.side / known.side,
    )


def _square(sample: Sample, model: ViTPain) -> Square | None:
    faces = find_faces(sample.image)
    return square_of_box(faces[0].box_xyxy, model.config.crop) if faces else None


def _outputs(model: ViTPain, found: list[_Found]) -> Float[np.ndarray, "found 10"]:
    """PSPI, six AUs and three logits of each."""
    parts = [np.empty((0, 1 + len(PAIN_AUS) + len(THRESHOLDS)))]
    model.eval()
    for start in range(0, len(found), BATCH):
        some = found[start : start + BATCH]
        crops = np.stack([one.crop for one in some])
        neutrals = [one.neutral[None] for one in some if one.neutral is not None]
        with torch.inference_mode():
            features = model(_tensor(crops, model), _tensor(np.stack(neutrals), model) if neutrals else None)
        outputs = [features.pspi[:, None], features.aus, features.ordinal_logits]
        parts.append(torch.cat(outputs, dim=1).double().cpu().numpy())
    return np.concatenate(parts)


def _tensor(crops: UInt8[np.ndarray, "*batch size size 3"], model: ViTPain) -> torch.Tensor:
    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(crops, -1, -3))).to(model.device).float() / 255
