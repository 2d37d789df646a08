"""How well frames with and without pain are told apart: by rank, by a threshold, by probability."""

from __future__ import annotations

import numpy as np

from pain3d.evaluate.curves import equal_mass_bins
from pain3d.evaluate.metrics import Metric
from pain3d.model.heads import THRESHOLDS

BINS = 10


def _tied(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weight of positives and of negatives at each distinct score, rising; [draw, distinct]."""
    if not np.isfinite(score).all():
        nothing = np.full((len(weights), 1), np.nan)
        return nothing, nothing
    order = np.argsort(score, kind="stable")
    ranked = score[order]
    starts = np.flatnonzero(np.concatenate([[True], ranked[1:] != ranked[:-1]]))
    w = weights[:, order]
    is_positive = positive[order]
    return np.add.reduceat(w * is_positive, starts, axis=1), np.add.reduceat(w * (1 - is_positive), starts, axis=1)


def _auroc(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    up, down = _tied(positive, score, weights)
    below = np.cumsum(down, axis=1) - 0.5 * down
    return (up * below).sum(axis=1) / (up.sum(axis=1) * down.sum(axis=1))


def _auprc(positive: np.ndarray, score: np.ndarray, weights: np.ndarray) -> np.ndarray:
    up, down = (part[:, ::-1] for part in _tied(positive, score, weights))
    hits, alarms = np.cumsum(up, axis=1), np.cumsum(down, axis=1)
    called = hits + alarms
    precision = np.divide(hits, called, out=np.zeros_like(hits), where=called != 0)
    return (up * precision).sum(axis=1) / hits[:, -1]


def _f1(positive: np.ndarray, called: np.ndarray, weights: np.ndarray) -> np.ndarray:
    total = weights @ positive
    return 2 * (weights @ (positive * called)) / np.where(total > 0, total + weights @ called, np.nan)


def _macro_f1(pspi: np.ndarray, bits: np.ndarray, weights: np.ndarray) -> np.ndarray:
    called = bits.astype(int)
    each = [
        _f1((pspi >= t).astype(float), ((called >> i) & 1).astype(float), weights) for i, t in enumerate(THRESHOLDS)
    ]
    return np.mean(each, axis=0)


def _precision(positive: np.ndarray, called: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ (positive * called) / (weights @ called)


def _recall(positive: np.ndarray, called: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ (positive * called) / (weights @ positive)


def _alarms(positive: np.ndarray, called: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ ((1 - positive) * called) / (weights @ (1 - positive))


def _ece(positive: np.ndarray, probability: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Bins are laid once, by the frames as they are, so that every draw is judged on the same ones."""
    if not np.isfinite(probability).all():
        return np.full(len(weights), np.nan)
    member = equal_mass_bins(probability, np.ones(len(probability)), BINS)
    gaps = (positive - probability)[:, None] * (member[:, None] == np.arange(BINS))
    return np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1)


def _one_class(positive: np.ndarray, _: np.ndarray) -> str | None:
    if positive.all():
        return "every frame is positive"
    return None if positive.any() else "no frame is positive"


def _no_positive(positive: np.ndarray, _: np.ndarray) -> str | None:
    return None if positive.any() else "no frame is positive"


def _no_highest(pspi: np.ndarray, _: np.ndarray) -> str | None:
    return None if (pspi >= THRESHOLDS[-1]).any() else f"no frame has PSPI >= {THRESHOLDS[-1]}"


def _no_negative(positive: np.ndarray, _: np.ndarray) -> str | None:
    return "every frame is positive" if positive.all() else None


def _none_called(_: np.ndarray, called: np.ndarray) -> str | None:
    return None if called.any() else "no frame was called positive"


def _any(_: np.ndarray, __: np.ndarray) -> str | None:
    return None


auroc = Metric(name="auroc", kernel=_auroc, why=_one_class, higher_is_better=True)
"""Chance that a positive frame scores above a negative one; ties count half."""
auprc = Metric(name="auprc", kernel=_auprc, why=_no_positive, higher_is_better=True)
"""Average precision: the step-wise area, without interpolation."""
f1 = Metric(name="f1", kernel=_f1, why=_no_positive, higher_is_better=True)
macro_f1 = Metric(name="macro_f1", kernel=_macro_f1, why=_no_highest, higher_is_better=True)
"""Mean F1 of PSPI >= 1, 2, 3: of PSPI, and of `call_bits`."""
precision = Metric(name="precision", kernel=_precision, why=_none_called, higher_is_better=True)
recall = Metric(name="recall", kernel=_recall, why=_no_positive, higher_is_better=True)
false_positive_rate = Metric(name="false_positive_rate", kernel=_alarms, why=_no_negative, higher_is_better=False)
specificity = Metric(
    name="specificity", kernel=lambda t, c, w: 1 - _alarms(t, c, w), why=_no_negative, higher_is_better=True
)
ece = Metric(name="ece", kernel=_ece, why=_any, higher_is_better=False)
"""Expected calibration error over ten bins of equal mass."""


def call_bits(flags: np.ndarray) -> np.ndarray:
    """Decisions [frame, threshold] as one number a frame, for `macro_f1`: bit i is that of threshold i."""
    return (flags.astype(int) << np.arange(flags.shape[1])).sum(axis=1).astype(float)
