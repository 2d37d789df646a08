"""A look at the validation subjects during training: the score by which best/ is chosen and early stopping decides.

Validation subjects alone are looked at; test subjects never are. The frames are a fixed sample without augmentation,
with fixed neutral partners from another view (where the configuration uses neutrals), the same at every look and for
every seed of a run, so that scores compare.

The default score is Lin's concordance correlation (1989) of PSPI, 2 cov / (var + var + (difference of means)^2). It is
1 only where prediction equals truth, and 0 for any constant: the mean absolute error alone rewards predicting the
median when most frames show little, and Pearson's correlation alone does not see a wrong scale or offset.
"""

from __future__ import annotations

import dataclasses
import math
from typing import TYPE_CHECKING

import numpy as np
import torch
from jaxtyping import Float, Int

from pain3d.errors import DataError
from pain3d.places import Place
from pain3d.streams import stream
from pain3d.train.config import ChooseBy
from pain3d.train.frames import Batch, FrameDataset
from pain3d.train.frames_config import FramesConfig
from pain3d.train.losses import TaskWeights, task_loss

if TYPE_CHECKING:
    from pain3d.model.vitpain import ViTPain

VALIDATION_SEED = 0
"""Of the sample and of its neutral partners; not the run's seed, so that runs of all seeds are judged on one sample."""

Vector = Float[np.ndarray, " frame"]


class Validation:
    """The sample, and what a model makes of it."""

    def __init__(self, dataset: FrameDataset, *, frames: int, batch_size: int) -> None:
        """Choose at most `frames` frames.

        Raises:
            DataError: if the dataset has no validation frames.
        """
        self._dataset, self._batch_size = dataset, batch_size
        self.indices = dataset.chosen[sample_indices(len(dataset.chosen), frames)]

    def __call__(self, model: ViTPain, task: TaskWeights, device: torch.device) -> dict[str, float]:
        """Loss terms, and mae, rmse, pcc, ccc of PSPI and au_mae (mean over AU4..AU10 of the absolute error)."""
        was_training = model.training
        model.eval()
        try:
            with torch.inference_mode():
                return self._looked_at(model, task, device)
        finally:
            model.train(was_training)

    def _looked_at(self, model: ViTPain, task: TaskWeights, device: torch.device) -> dict[str, float]:
        losses: dict[str, float] = {}
        predicted, truth, errors = [], [], []
        for start in range(0, len(self.indices), self._batch_size):
            chosen = self.indices[start : start + self._batch_size]
            batch = self._dataset.batch(chosen, 0).to(device)
            features = model(*inputs(model.config.input, batch))
            for name, value in task_loss(features, batch, task).items():
                losses[name] = losses.get(name, 0.0) + float(value) * len(chosen)
            predicted.append(features.pspi.float().cpu().numpy())
            truth.append(batch.pspi.float().cpu().numpy())
            errors.append((features.aus[:, :5].float() - batch.aus[:, :5]).abs().cpu().numpy())
        means = {f"loss/{name}": value / len(self.indices) for name, value in losses.items()}
        scores = agreement(np.concatenate(predicted), np.concatenate(truth))
        return means | scores | {"au_mae": _mean_of_coded(np.concatenate(errors))}


def _mean_of_coded(errors: Float[np.ndarray, "frame 5"]) -> float:
    """Mean over the frames of the mean over their coded AUs; NaN where no frame has any."""
    coded = ~np.isnan(errors)
    some = coded.any(axis=1)
    means = np.where(coded, errors, 0)[some].sum(axis=1) / coded[some].sum(axis=1)
    return float(means.mean()) if some.any() else math.nan


def validation_frames(dataset: Place, frames: FramesConfig, subjects: tuple[str, ...] | None = None) -> FrameDataset:
    """The validation frames as a run looks at them: none augmented, none favoured, and no maps but those it reads.

    Args:
        dataset: folder of a finished dataset.
        frames: how the run reads its training frames.
        subjects: whose frames, of any split; None: those of the validation split.
    """
    plain = dataclasses.replace(
        frames, augment=None, balance=False, pain_weight=1.0, max_frames=None, au_heatmaps=False, subjects=subjects
    )
    return FrameDataset(dataset, "val" if subjects is None else None, plain, VALIDATION_SEED)


def sample_indices(available: int, wanted: int) -> Int[np.ndarray, " frame"]:
    """At most `wanted` of the frames, in the order of the files; a larger sample holds the smaller ones.

    Raises:
        DataError: if there are none.
    """
    if available == 0:
        raise DataError(
            "dataset: no validation frames, by which the best model is chosen; generate one with at least ten subjects"
        )
    chosen = stream(VALIDATION_SEED, "validation frames").permutation(available)[:wanted]
    return np.sort(chosen)


def inputs(kind: str, batch: Batch) -> tuple[torch.Tensor, torch.Tensor | None]:
    """What a model of this input reads of a batch: picture and neutral, or heatmap and its neutral.

    Raises:
        DataError: if the batch has no heatmap for a model that reads them.
    """
    if kind == "rgb":
        return batch.image, batch.neutral
    if batch.heatmap is None:
        raise DataError("dataset: its frames came without heatmaps, which this model reads; set frames.heatmap=True")
    return batch.heatmap, batch.neutral_heatmap


def agreement(predicted: Vector, truth: Vector) -> dict[str, float]:
    """mae, rmse, pcc and ccc; NaN where the two have no variance to speak of."""
    predicted, truth = predicted.astype(np.float64), truth.astype(np.float64)
    difference = predicted - truth
    covariance = float(((predicted - predicted.mean()) * (truth - truth.mean())).mean())
    spread = float(predicted.var() * truth.var())
    scale = float(predicted.var() + truth.var() + difference.mean() ** 2)
    return {
        "mae": float(np.abs(difference).mean()),
        "rmse": math.sqrt(float((difference**2).mean())),
        "pcc": covariance / math.sqrt(spread) if spread > 0 else math.nan,
        "ccc": 2 * covariance / scale if scale > 0 else math.nan,
    }


def score(values: dict[str, float], choose_by: ChooseBy) -> float:
    """The higher the better; minus infinity where it cannot be computed."""
    value = -values["mae"] if choose_by == "mae" else values["ccc"]
    return value if math.isfinite(value) else -math.inf
