"""Fit a `Calibration` on validation subjects: thresholds, probabilities, and intervals that hold for a new subject."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Float, Shaped

from pain3d.errors import ArgumentError
from pain3d.evaluate.metrics import checked
from pain3d.evaluate.table import column, logits_of
from pain3d.facs import MAX_PSPI
from pain3d.model.calibration import Calibration
from pain3d.model.heads import THRESHOLDS

LEAST_SUBJECTS = 30
"""A range of predictions with fewer subjects than this gets no interval of its own: its quantile would be noise."""

_STEPS = 100


def fit(
    pspi: Float[np.ndarray, " frame"],
    predicted: Float[np.ndarray, " frame"],
    logits: Float[np.ndarray, "frame 3"],
    subject: Shaped[np.ndarray, " frame"],
    *,
    coverage: float = 0.9,
    bins: int = 5,
    provenance: Mapping[str, Any] | None = None,
) -> Calibration:
    """All that validation subjects teach.

    Args:
        pspi: coded PSPI of each frame.
        predicted: PSPI as the model reads it.
        logits: of PSPI >= 1, 2, 3; NaN where the predictor has none, which leaves probabilities unscaled.
        subject: whose frame it is.
        coverage: share of frames of a new subject whose coded PSPI the interval is to hold.
        bins: ranges of predicted PSPI with a width of their own, fewer if they lack subjects.
        provenance: kept with the result.

    Raises:
        ArgumentError: if there are no frames, or a threshold has one class only.
    """
    subject = np.asarray(subject, dtype=str)
    if not len(pspi) or not np.isfinite(predicted).all():
        raise ArgumentError(f"predicted: {len(pspi)} frames, not all finite or none; calibrate on validation frames")
    positives = [pspi >= t for t in THRESHOLDS]
    thresholds = [best_threshold(positive, predicted) for positive in positives]
    platt = [platt_scaling(positive, logits[:, i]) for i, positive in enumerate(positives)]
    edges = conformal_edges(predicted, subject, bins)
    member = np.searchsorted(edges, predicted, side="right")
    error = np.abs(pspi - predicted)
    radii = [conformal_radius(error[member == b], subject[member == b], coverage) for b in range(len(edges) + 1)]
    return Calibration(
        thresholds=(thresholds[0], thresholds[1], thresholds[2]),
        radii=tuple(radii),
        edges=edges,
        coverage=coverage,
        slopes=(platt[0][0], platt[1][0], platt[2][0]),
        intercepts=(platt[0][1], platt[1][1], platt[2][1]),
        provenance={"frames": len(pspi), "subjects": len(np.unique(subject)), **(provenance or {})},
    )


def calibration_of(validation: pa.Table, provenance: Mapping[str, Any]) -> Calibration:
    """Thresholds, probabilities and intervals from the prediction table of validation subjects.

    Args:
        validation: from `inference.predict_table` or `photos.predict_photos`.
        provenance: kept with the result, beside the number of frames and subjects.
    """
    subjects = column(validation, "subject_id").astype(str)
    values = column(validation, "PSPI"), column(validation, "pred_PSPI")
    return fit(*values, logits_of(validation), subjects, provenance=provenance)


def best_threshold(
    positive: Shaped[np.ndarray, " frame"],
    score: Float[np.ndarray, " frame"],
    weights: Float[np.ndarray, " frame"] | None = None,
) -> float:
    """Where calling a frame positive from this score on gives the best F1; the lowest of equals.

    It lies half-way to the next lower score, so that rounding cannot move a frame across.

    Raises:
        ArgumentError: if all frames are positive, or none is.
    """
    weights = checked(positive, score, weights)
    _two_classes(positive)
    values, place = np.unique(np.asarray(score, float), return_inverse=True)
    hits = np.bincount(place, weights * positive)[::-1].cumsum()[::-1]
    called = np.bincount(place, weights)[::-1].cumsum()[::-1]
    f1 = 2 * hits / (called + hits[0])
    best = int(np.argmax(f1 >= f1.max() - 1e-12))
    return float(values[best] if best == 0 else (values[best - 1] + values[best]) / 2)


def threshold_at_specificity(
    positive: Shaped[np.ndarray, " frame"], score: Float[np.ndarray, " frame"], specificity: float = 0.95
) -> float:
    """The lowest threshold that leaves at least this share of the negative frames uncalled.

    Raises:
        ArgumentError: if all frames are positive, or none is.
    """
    _two_classes(positive)
    negative = np.sort(np.asarray(score, float)[~np.asarray(positive, bool)])
    uncalled = int(np.ceil(specificity * len(negative) - 1e-9))
    if uncalled == 0:
        return float(negative[0])
    return float(np.nextafter(negative[uncalled - 1], np.inf))


def conformal_radius(
    error: Float[np.ndarray, " frame"], subject: Shaped[np.ndarray, " frame"], coverage: float
) -> float:
    """Half width that holds a frame of a new subject with chance `coverage`.

    Subjects are exchangeable, their frames are not. Each of K subjects has weight 1/(K+1), shared by its frames, and
    the unseen one has 1/(K+1) at infinity (Lee, Barber & Willett, *Distribution-free inference with hierarchical
    data*, 2023). Too few subjects for the coverage give the whole scale.
    """
    names, member, counts = np.unique(np.asarray(subject, dtype=str), return_inverse=True, return_counts=True)
    order = np.argsort(error, kind="stable")
    mass = np.cumsum((1 / ((len(names) + 1) * counts))[member][order])
    reached = int(np.searchsorted(mass, coverage - 1e-9))
    return float(error[order][reached]) if reached < len(error) else MAX_PSPI


def conformal_edges(
    predicted: Float[np.ndarray, " frame"], subject: Shaped[np.ndarray, " frame"], bins: int
) -> tuple[float, ...]:
    """Borders of ranges with equally many frames: as many ranges, up to `bins`, as leave each enough subjects."""
    for ranges in range(bins, 1, -1):
        edges = np.unique(np.quantile(predicted, np.arange(1, ranges) / ranges))
        member = np.searchsorted(edges, predicted, side="right")
        least = min(len(np.unique(subject[member == b])) for b in range(len(edges) + 1))
        if least >= LEAST_SUBJECTS:
            return tuple(float(edge) for edge in edges)
    return ()


def platt_scaling(positive: Shaped[np.ndarray, " frame"], logit: Float[np.ndarray, " frame"]) -> tuple[float, float]:
    """Slope and intercept by maximum likelihood, with the softened targets of Platt (1999), by Newton's method.

    (1, 0), which leaves the logits alone, if there are none or if they point the wrong way.
    """
    if not np.isfinite(logit).all() or np.ptp(logit) == 0:
        return 1.0, 0.0
    ups = int(np.sum(positive))
    downs = len(positive) - ups
    target = np.where(positive, (ups + 1) / (ups + 2), 1 / (downs + 2))
    design = np.stack([np.asarray(logit, float), np.ones(len(logit))], axis=1)
    found = np.array([0.0, np.log((ups + 1) / (downs + 1))])
    loss = _log_loss(design @ found, target)
    for _ in range(_STEPS):
        probability = 0.5 * (1 + np.tanh(0.5 * (design @ found)))
        gradient = design.T @ (probability - target)
        curvature = (design.T * (probability * (1 - probability))) @ design + 1e-9 * np.eye(2)
        step = np.linalg.solve(curvature, gradient)
        while (after := _log_loss(design @ (found - step), target)) > loss + 1e-9 and np.abs(step).max() > 1e-10:
            step = step / 2
        found, loss = found - step, after
        if np.abs(step).max() < 1e-8:
            break
    return (float(found[0]), float(found[1])) if found[0] > 0 else (1.0, 0.0)


def _log_loss(logit: np.ndarray, target: np.ndarray) -> float:
    return float(np.sum(np.logaddexp(0, logit) - target * logit))


def _two_classes(positive: np.ndarray) -> None:
    share = np.mean(positive) if len(positive) else 0.0
    if share in (0.0, 1.0):
        raise ArgumentError(
            f"positive: {100 * share:.0f} % of {len(positive)} frames; a threshold needs frames of both classes"
        )
