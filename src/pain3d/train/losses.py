"""What the labels ask of a model: PSPI, the Action Units and the ordinal probabilities.

Every term is a mean over the batch, in float32 whatever the autocast, on outputs brought to 0..1. Terms come back
unweighted, so that they compare between runs; `total` is their weighted sum.

Real data codes fewer Action Units than ours, and may come without landmarks: a label that is NaN is not known, its
entry is left out of the mean, and a term without any known label is 0.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from pain3d.errors import ArgumentError
from pain3d.facs import MAX_INTENSITY, MAX_PSPI
from pain3d.model.heads import THRESHOLDS

if TYPE_CHECKING:
    from pain3d.model.features import Features
    from pain3d.train.frames import Batch

PSPI_BEND = 1 / MAX_PSPI
"""Smooth L1 is quadratic within one point of PSPI, the coder's own step, and linear beyond: it serves MAE without a
kink at the label."""

AU_BEND = 1 / MAX_INTENSITY
"""The same for one level of intensity."""


LANDMARK_BEND = 0.01
"""About a pixel of a crop of 112."""


@dataclass(frozen=True, kw_only=True)
class TaskWeights:
    """Weights of the terms. A term of weight 0 is not computed.

    PSPI and intensities are scaled sigmoids, whose slope is at most a quarter of the logit's in cross-entropy: with .25
    for the latter, no term shouts the others down at the start.
    """

    pspi: float = 1.0
    """Smooth L1 of PSPI / 16."""

    aus: float = 1.0
    """Smooth L1 of AU4, AU6, AU7, AU9, AU10 / 5, mean over those that are coded."""

    au43: float = 0.25
    """Binary cross-entropy of AU43."""

    ordinal: float = 0.25
    """Binary cross-entropy of PSPI >= 1, 2, 3, mean over the three."""

    landmarks: float = 0.0
    """Smooth L1 of the 68 landmarks in sides of the crop, for a model with that head. The face's geometry is what the
    Action Units are read from: with a weight of 15, a model from scratch learns within a few thousand frames what it
    does not find in ten thousand without."""

    def __post_init__(self) -> None:
        check_weights(self)


def check_weights(weights: object, *, also: tuple[str, ...] = ()) -> None:
    """Every field of the dataclass is a finite number >= 0, except those named in `also`.

    Raises:
        ArgumentError: if one is not.
    """
    for field in fields(weights):  # pyright: ignore[reportArgumentType]
        if field.name in also:
            continue
        value = getattr(weights, field.name)
        number = isinstance(value, (int, float)) and not isinstance(value, bool)
        if not (number and math.isfinite(value) and value >= 0):
            raise ArgumentError(
                f"{type(weights).__name__}.{field.name}: {value!r} is not a finite number >= 0; "
                f"write for example {field.name}=1.0, or 0.0 to leave the term out"
            )


def task_loss(features: Features, batch: Batch, weights: TaskWeights) -> dict[str, Tensor]:
    """The terms of positive weight, unweighted, and `total`, their weighted sum (without terms, a 0 without graph)."""
    terms: dict[str, Callable[[], Tensor]] = {
        "pspi": lambda: pspi_loss(features.pspi, batch.pspi),
        "aus": lambda: au_loss(features.aus, batch.aus),
        "au43": lambda: closure_loss(features.au43_logit, batch.aus[:, 5]),
        "ordinal": lambda: bernoulli_loss(features.ordinal_logits, ordinal_targets(batch.pspi)),
        "landmarks": lambda: landmark_loss(features.landmarks, batch.landmarks),
    }
    return weighted(terms, {name: getattr(weights, name) for name in terms}, features.pspi)


def weighted(
    terms: Mapping[str, Callable[[], Tensor]], weights: Mapping[str, float], like: Tensor
) -> dict[str, Tensor]:
    """Call the terms of positive weight outside autocast and add `total`; `like` says on which device."""
    with torch.autocast(like.device.type, enabled=False):
        found = {name: term() for name, term in terms.items() if weights[name] > 0}
        total = torch.zeros((), device=like.device)
        for name, value in found.items():
            total = total + weights[name] * value
    return {**found, "total": total}


def pspi_loss(predicted: Float[Tensor, " batch"], target: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Mean smooth L1 of PSPI / 16."""
    return functional.smooth_l1_loss(predicted.float() / MAX_PSPI, target.float() / MAX_PSPI, beta=PSPI_BEND)


def au_loss(predicted: Float[Tensor, "batch 6"], target: Float[Tensor, "batch 6"]) -> Float[Tensor, ""]:
    """Mean smooth L1 of the coded intensities / 5; AU43, the last column, is not looked at."""
    scaled, truth = predicted[:, :5].float() / MAX_INTENSITY, target[:, :5].float() / MAX_INTENSITY
    coded = ~truth.isnan()
    return known_mean(functional.smooth_l1_loss(scaled, truth.nan_to_num(), beta=AU_BEND, reduction="none"), coded)


def closure_loss(logit: Float[Tensor, " batch"], closed: Float[Tensor, " batch"]) -> Float[Tensor, ""]:
    """Mean binary cross-entropy of AU43 where it is coded."""
    truth = closed.float()
    entropy = functional.binary_cross_entropy_with_logits(logit.float(), truth.nan_to_num(), reduction="none")
    return known_mean(entropy, ~truth.isnan())


def bernoulli_loss(logit: Float[Tensor, "..."], probability: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    """Mean binary cross-entropy; unweighted by class, so that the probabilities stay calibrated."""
    return functional.binary_cross_entropy_with_logits(logit.float(), probability.float())


def landmark_loss(
    predicted: Float[Tensor, "batch 68 2"] | None, target: Float[Tensor, "batch 68 2"]
) -> Float[Tensor, ""]:
    """Mean smooth L1 of the known landmarks, quadratic within `LANDMARK_BEND`.

    Raises:
        ArgumentError: if the model has no landmark head.
    """
    if predicted is None:
        raise ArgumentError(
            "task.landmarks: above 0, but the model has no landmark head; set it to 0, or model.landmarks to True"
        )
    truth = target.float()
    distance = functional.smooth_l1_loss(predicted.float(), truth.nan_to_num(), beta=LANDMARK_BEND, reduction="none")
    return known_mean(distance, ~truth.isnan())


def known_mean(values: Float[Tensor, "*shape"], known: Bool[Tensor, "*shape"]) -> Float[Tensor, ""]:
    """The mean of the values where the label is known; 0, without a gradient, where none is."""
    return torch.where(known, values, 0.0).sum() / known.sum().clamp_min(1)


def ordinal_targets(pspi: Float[Tensor, " batch"]) -> Float[Tensor, "batch 3"]:
    """1 where PSPI >= 1, 2, 3."""
    return (pspi[:, None] >= torch.tensor(THRESHOLDS, device=pspi.device)).float()
