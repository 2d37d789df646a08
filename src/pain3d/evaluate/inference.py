"""A model run over the frames of a dataset: truth and prediction side by side, as `table` says."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from typing import get_args

import numpy as np
import pyarrow as pa
import torch

from pain3d.data.reader import Dataset, open_dataset
from pain3d.errors import ArgumentError
from pain3d.evaluate.table import NeutralPolicy, truth_table, with_predictions
from pain3d.model.vitpain import ViTPain
from pain3d.places import Place
from pain3d.train.frames import Batch, FrameDataset
from pain3d.train.frames_config import FramesConfig

Advance = Callable[[int, int], None]
"""(done, of) frames."""


def predict_table(
    model: ViTPain,
    dataset: str | Place,
    split: str | None = "test",
    *,
    neutral: NeutralPolicy | None = None,
    shots: int = 1,
    seed: int = 0,
    batch: int = 32,
    device: str | torch.device = "cpu",
    subjects: tuple[str, ...] | None = None,
    neutral_frames: tuple[str, ...] | None = None,
    on_progress: Advance | None = None,
) -> pa.Table:
    """Run a model, in evaluation mode, over the frames of a split.

    With the policy `reference`, frames that serve as references are left out: the table has no row of them.

    Args:
        model: reads pictures or, if it is a teacher, the true heatmaps of the dataset.
        dataset: folder of a finished dataset.
        split: ``train``, ``val`` or ``test``; None for all frames.
        neutral: where the neutral reference comes from; by default another view for a model that wants one, or, of an
            imported dataset, the frame that neutral_frame_id names.
        shots: neutral references a frame; more than one wants a dataset with as many other views.
        seed: of the draw of the neutral references.
        batch: frames at once.
        device: where to compute; the model is moved there.
        subjects: whose frames; None: everyone's.
        neutral_frames: frames that serve as references in place of neutral_frame_id; with `reference` alone.
        on_progress: called with (done, of) frames.

    Raises:
        ArgumentError: if `neutral` does not go with the model, or the heatmap scales differ.
        DataError: if the split is empty or a shard damaged.
    """
    opened = open_dataset(dataset, split)
    policy = checked_policy(model, neutral, imported=opened.manifest.source is not None)
    _check_scale(model, opened)
    config = dataclasses.replace(frames_config(model, policy, shots), subjects=subjects, neutral_frames=neutral_frames)
    frames = FrameDataset(dataset, split, config, seed)
    truth = truth_table(opened).take(frames.labels.rows[frames.chosen])
    model = model.to(device).eval()
    parts: list[_Part] = []
    for start in range(0, len(frames.chosen), batch):
        numbers = frames.chosen[start : start + batch]
        parts.append(_predicted(model, frames.batch(numbers, 0), torch.device(device)))
        if on_progress is not None:
            on_progress(start + len(numbers), len(frames.chosen))
    return _joined(truth, parts, policy)


def checked_policy(model: ViTPain, neutral: NeutralPolicy | None, *, imported: bool = False) -> NeutralPolicy:
    """The policy itself, or the default of model and dataset; an ArgumentError where they contradict each other."""
    wants = model.config.neutral is not None
    if neutral is None:
        return ("reference" if imported else "other_view") if wants else "none"
    if neutral not in get_args(NeutralPolicy):
        raise ArgumentError(f"neutral: {neutral!r} is unknown; choose none, other_view, same_view or reference")
    if wants != (neutral != "none"):
        rule = "compares with a neutral reference" if wants else "reads one picture and takes no neutral reference"
        choose = "other_view, same_view or reference" if wants else "none"
        raise ArgumentError(f"neutral: {neutral!r}, but this model {rule}; choose {choose}, or leave it out")
    return neutral


def frames_config(model: ViTPain, policy: NeutralPolicy, shots: int = 1) -> FramesConfig:
    """How frames are read for this model, without augmentation and in the dataset's own order."""
    return FramesConfig(
        size=model.config.image_size,
        crop=model.config.crop,
        neutral=None if policy == "none" else policy,
        neutral_shots=shots,
        heatmap=model.config.input == "heatmap",
        modality="grey" if model.config.channels == 1 else "colour",
        augment=None,
        balance=False,
    )


class _Part:
    """What the model said about one batch."""

    def __init__(self, batch: Batch, pspi: np.ndarray, aus: np.ndarray, logits: np.ndarray) -> None:
        self.frame_ids, self.neutral_ids = list(batch.frame_ids), batch.neutral_ids
        self.pspi, self.aus, self.logits = pspi, aus, logits


@torch.inference_mode()
def _predicted(model: ViTPain, batch: Batch, device: torch.device) -> _Part:
    batch = batch.to(device)
    heat = model.config.input == "heatmap"
    image, neutral = (batch.heatmap, batch.neutral_heatmap) if heat else (batch.image, batch.neutral)
    features = model(image, neutral if model.config.neutral is not None else None)
    outputs = (features.pspi, features.aus, features.ordinal_logits)
    pspi, aus, logits = (output.detach().float().cpu().numpy() for output in outputs)
    return _Part(batch, pspi, aus, logits)


def _joined(truth: pa.Table, parts: Sequence[_Part], policy: NeutralPolicy) -> pa.Table:
    """Predictions beside the truth by frame id, whatever the order they came in."""
    ids = [frame_id for part in parts for frame_id in part.frame_ids]
    place = {frame_id: i for i, frame_id in enumerate(ids)}
    if len(place) != len(truth) or len(ids) != len(truth):
        raise AssertionError(f"{len(ids)} predictions, {len(place)} distinct, for {len(truth)} frames")
    order = np.array([place[frame_id] for frame_id in truth.column("frame_id").to_pylist()])
    neutrals = [" ".join(row) for part in parts for row in (part.neutral_ids or [[]] * len(part.frame_ids))]
    return with_predictions(
        truth,
        pspi=np.concatenate([part.pspi for part in parts])[order],
        aus=np.concatenate([part.aus for part in parts])[order],
        logits=np.concatenate([part.logits for part in parts])[order],
        neutral_ids=[neutrals[i] for i in order],
        policy=policy,
    )


def _check_scale(model: ViTPain, dataset: Dataset) -> None:
    scale = dataset.manifest.heatmap_max_mm
    if model.config.input == "heatmap" and model.config.heatmap_max_mm != scale:
        raise ArgumentError(
            f"model: reads heatmaps on a scale of {model.config.heatmap_max_mm:g} mm, but {dataset.path} has "
            f"{scale:g} mm; train a teacher on a dataset of this scale"
        )
