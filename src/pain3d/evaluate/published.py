"""The official definitions of the metrics, exactly, for a column that stands beside a published one.

They are weaker than ours in stated ways: what cannot be computed counts 0.0, thresholds come from the subjects that the
model was trained on, and folds count alike whatever their size. Nothing here is used by our own figures.

Source: the code of 3DPain/ViTPain as released (TaatiTeam/Pain-in-3D).
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Bool, Float

from pain3d.errors import ArgumentError
from pain3d.evaluate.metrics import CONSTANT, checked
from pain3d.evaluate.ranking import auroc, f1
from pain3d.evaluate.score import Score, missing
from pain3d.model.heads import THRESHOLDS

CANDIDATES: Float[np.ndarray, "200"] = np.linspace(0, 6, 200)
"""Thresholds that are tried on the fold's training subjects."""

FOLDS = 5
T_QUANTILE = 2.776
"""Of Student's t with four degrees of freedom, at 97.5 %, as it is printed in tables."""

MACRO_F1, PCC = "macro F1", "PCC"
NAMES: tuple[str, ...] = (
    PCC,
    *(f"AUROC@{t}" for t in THRESHOLDS),
    *(f"F1@{t}" for t in THRESHOLDS),
    MACRO_F1,
)
"""In the order of the tables."""

Vector = Float[np.ndarray, " frame"]


@dataclass(frozen=True, kw_only=True)
class FoldScores:
    """One fold by the official definitions."""

    fold: str
    thresholds: tuple[float, ...]
    """For PSPI >= 1, 2, 3."""
    values: Mapping[str, float]
    """By `NAMES`; never NaN."""
    notes: Mapping[str, str] = field(default_factory=dict)
    """Which values are 0.0 because they cannot be computed, and why."""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {
            "fold": self.fold,
            "thresholds": list(self.thresholds),
            "values": dict(self.values),
            "notes": dict(self.notes),
        }


@dataclass(frozen=True, kw_only=True)
class Published:
    """A figure as it is published: the unweighted mean over folds, and plus-minus."""

    mean: float
    half_width: float | None
    """2.776 sd / sqrt(5), sd with n - 1; None for another number of folds, where there is no such definition."""
    footnotes: tuple[str, ...]
    """Folds whose figure counts 0.0 because it cannot be computed."""

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return {"mean": self.mean, "half_width": self.half_width, "footnotes": list(self.footnotes)}


def published_threshold(positive: Bool[np.ndarray, " frame"], score: Vector) -> float:
    """Of `CANDIDATES`, where calling a frame from this score on has the best F1; the lowest of equals.

    Where no frame is positive every F1 is 0 and the lowest candidate, 0, is the answer. A NaN score is never called.
    """
    checked(positive, score)
    positive = np.asarray(positive, bool)
    called_from = np.searchsorted(CANDIDATES, score, side="right")  # NaN sorts last: it would be called by all
    called_from[np.isnan(score)] = 0
    size = len(CANDIDATES) + 1
    hits = np.bincount(called_from[positive], minlength=size)[::-1].cumsum()[::-1][1:]
    called = np.bincount(called_from, minlength=size)[::-1].cumsum()[::-1][1:]
    # One division of whole numbers: equal F1 come out equal to the bit, and argmax takes the first of them.
    values = 2 * hits / np.maximum(called + positive.sum(), 1)
    return float(CANDIDATES[int(np.argmax(values))])


def published_fold(fold: str, *, training: tuple[Vector, Vector], test: tuple[Vector, Vector]) -> FoldScores:
    """Score one fold.

    Args:
        fold: its name.
        training: coded and predicted PSPI (0..16) of the frames of the fold's training subjects, validation subjects
            among them: they give the thresholds.
        test: likewise, of the held-out subjects.

    Raises:
        ArgumentError: if there are no frames in one of them.
    """
    for name, (truth, _) in (("training", training), ("test", test)):
        if not len(truth):
            raise ArgumentError(f"{name}: fold {fold} has no frames there; the published figures need some")
    truth, score = test
    thresholds = tuple(published_threshold(training[0] >= t, training[1]) for t in THRESHOLDS)
    with np.errstate(invalid="ignore"):
        calls = {t: score >= threshold for t, threshold in zip(THRESHOLDS, thresholds, strict=True)}
    found: dict[str, Score] = {PCC: _pearson(truth, score)}
    found |= {f"AUROC@{t}": auroc(truth >= t, score) for t in THRESHOLDS}
    found |= {f"F1@{t}": f1(truth >= t, call) for t, call in calls.items()}
    values = {name: one.value if one.known else 0.0 for name, one in found.items()}
    values[MACRO_F1] = float(np.mean([values[f"F1@{t}"] for t in THRESHOLDS]))
    notes = {name: one.reason for name, one in found.items() if one.reason is not None}
    return FoldScores(fold=fold, thresholds=thresholds, values=values, notes=notes)


def _pearson(truth: Vector, score: Vector) -> Score:
    """Not `metrics.pcc`, which holds a variance that is rounding error for none."""
    if not np.isfinite(score).all():
        return missing("the predictor told NaN")
    if np.ptp(truth) == 0 or np.ptp(score) == 0:
        return missing(CONSTANT)
    x, y = (np.asarray(v, np.float64) - np.mean(v, dtype=np.float64) for v in (truth, score))
    return Score(value=float(np.clip(x @ y / (np.linalg.norm(x) * np.linalg.norm(y)), -1, 1)))


def published(folds: Sequence[FoldScores]) -> dict[str, Published]:
    """Means over folds, by `NAMES`.

    Raises:
        ArgumentError: if there are none. That no fold of a protocol is missing is for the caller to see to.
    """
    if not folds:
        raise ArgumentError("folds: none; the published figures are means over folds")
    return {name: _mean([(f.fold, f.values[name], f.notes.get(name)) for f in folds]) for name in NAMES}


def _mean(scores: Sequence[tuple[str, float, str | None]]) -> Published:
    values = [value for _, value, _ in scores]
    half = T_QUANTILE * float(np.std(values, ddof=1)) / math.sqrt(FOLDS) if len(values) == FOLDS else None
    footnotes = tuple(f"fold {fold} counts 0.0: {note}" for fold, _, note in scores if note is not None)
    return Published(mean=float(np.mean(values)), half_width=half, footnotes=footnotes)
