"""A figure by group, and the worst gap between groups; which distractor an expression can have been."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from pain3d.errors import ArgumentError
from pain3d.evaluate.bootstrap import DRAWS, LEVEL, frame_weights, interval_of
from pain3d.evaluate.metrics import Metric, checked
from pain3d.evaluate.score import Score, missing
from pain3d.expressions import CONFOUNDS, DISTRACTORS
from pain3d.facs import AU_NAMES
from pain3d.streams import stream

MONK_THIRDS: Mapping[str, tuple[int, int]] = {"1-3": (1, 3), "4-7": (4, 7), "8-10": (8, 10)}
"""Light, medium and dark tones of the Monk scale; the middle one is wider, since ten does not divide by three."""

GROUP_NAMES: Mapping[str, str] = {
    "age_band": "age",
    "sex": "sex",
    "ethnicity": "appearance group",
    "monk_third": "Monk skin tone",
    "turn": "turn of the head",
}
"""What people read of the columns that frames are grouped by."""

SHUFFLES = 500


@dataclass(frozen=True, kw_only=True)
class GroupTable:
    """A figure for each group."""

    rows: Mapping[str, Score]
    """By the group's name, in alphabetical order."""
    worst_gap: Score
    """Largest minus smallest value. A gap is never negative, so its interval cannot hold 0: compare `chance_gap`."""
    extremes: tuple[str, str] | None
    """The groups of the smallest and the largest value."""
    chance_gap: float
    """95 % quantile of the gap when whole subjects are dealt to the groups at random; NaN if subjects are in several
    groups or the gap is undefined."""


def monk_third(tone: Shaped[np.ndarray, " frame"]) -> Shaped[np.ndarray, " frame"]:
    """Third of the Monk scale, "1-3", "4-7" or "8-10", of skin tones 1..10."""
    tone = np.asarray(tone, float)
    if not ((tone >= 1) & (tone <= 10)).all():
        raise ArgumentError(f"tone: {tone[~((tone >= 1) & (tone <= 10))][:3]} are outside 1..10, the Monk scale")
    lasts = [last for _, last in MONK_THIRDS.values()]
    return np.array(list(MONK_THIRDS), dtype=object)[np.searchsorted(lasts, tone)]


def by_group(
    metric: Metric,
    truth: Shaped[np.ndarray, " frame"],
    prediction: Shaped[np.ndarray, " frame"],
    group: Shaped[np.ndarray, " frame"],
    subject: Shaped[np.ndarray, " frame"],
    *,
    weights: Float[np.ndarray, " frame"] | None = None,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> GroupTable:
    """A figure by group with intervals; every draw takes the same subjects for all groups, which the gap needs."""
    weights = checked(truth, prediction, weights)
    group, subject = np.asarray(group, dtype=str), np.asarray(subject, dtype=str)
    masks = {str(name): group == name for name in np.unique(group)}
    points = {name: metric(truth[m], prediction[m], weights[m]) for name, m in masks.items()}
    drawn = (
        [
            np.stack([metric.values(truth[m], prediction[m], w[:, m]) for m in masks.values()], axis=1)
            for w in frame_weights(subject, weights, draws, seed)
        ]
        if masks
        else []
    )
    values = np.concatenate(drawn) if drawn else np.empty((0, len(masks)))
    rows = {
        name: _row(points[name], values[:, i], len(np.unique(subject[mask])), level)
        for i, (name, mask) in enumerate(masks.items())
    }
    known = {name: score.value for name, score in points.items() if score.known}
    if len(known) < 2:
        return GroupTable(rows=rows, worst_gap=missing("fewer than two groups"), extremes=None, chance_gap=np.nan)
    extremes = min(known, key=known.__getitem__), max(known, key=known.__getitem__)
    gap = Score(value=known[extremes[1]] - known[extremes[0]])
    gaps = np.ptp(values[:, [name in known for name in masks]], axis=1)
    return GroupTable(
        rows=rows,
        worst_gap=_row(gap, gaps, len(np.unique(subject)), level),
        extremes=extremes,
        chance_gap=_chance_gap(metric, truth, prediction, group, subject, weights, seed) if draws else np.nan,
    )


def _row(point: Score, values: np.ndarray, subjects: int, level: float) -> Score:
    return interval_of(point, values, subjects, level) if point.known and len(values) else point


def _chance_gap(
    metric: Metric,
    truth: np.ndarray,
    prediction: np.ndarray,
    group: np.ndarray,
    subject: np.ndarray,
    weights: np.ndarray,
    seed: int,
) -> float:
    """See `GroupTable.chance_gap`."""
    _, first, member = np.unique(subject, return_index=True, return_inverse=True)
    names, labels = np.unique(group[first], return_inverse=True)
    if (names[labels][member] != group).any():
        return np.nan
    rng = stream(seed, "bootstrap", "shuffled groups")
    dealt = np.stack([rng.permutation(labels) for _ in range(SHUFFLES)])[:, member]
    values = np.stack([metric.values(truth, prediction, weights * (dealt == i)) for i in range(len(names))], axis=1)
    gaps = np.ptp(values, axis=1)
    return float(np.quantile(gaps[np.isfinite(gaps)], 0.95)) if np.isfinite(gaps).any() else np.nan


def names_admitting(aus: Mapping[str, float]) -> tuple[str, ...]:
    """The distractors and confounds whose ranges hold these intensities; units they do not name must be 0.

    Where ranges overlap, every name that fits is given: intensities alone cannot tell them apart. A dataset's own
    schedule (`table.what_it_is`) knows the one that was drawn, so reports use that.
    """
    table = {**DISTRACTORS, **CONFOUNDS}
    return tuple(
        name
        for name, ranges in table.items()
        if all(ranges.get(unit, (0, 0))[0] <= aus.get(unit, 0) <= ranges.get(unit, (0, 0))[1] for unit in AU_NAMES)
    )
