"""Intervals by drawing subjects again, never frames: the frames of one subject are not independent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int, Shaped

from pain3d.errors import ArgumentError
from pain3d.evaluate.metrics import Metric, checked
from pain3d.evaluate.score import Score, missing
from pain3d.streams import stream

DRAWS = 2000
LEVEL = 0.95
LEAST_DEFINED = 0.95
"""Below this share of draws in which a figure is defined, the rest would be a biased sample."""

_CHUNK = 250
"""Draws held in memory at once: 250 x 4,000 frames are 8 MB."""


def subject_draws(subjects: int, draws: int, rng: np.random.Generator) -> Int[np.ndarray, "draw subject"]:
    """How often each subject is drawn, with replacement."""
    return rng.multinomial(subjects, np.full(subjects, 1 / subjects), size=draws)


def percentile_interval(values: Float[np.ndarray, " draw"], level: float = LEVEL) -> tuple[float, float] | None:
    """The middle `level` of the draws; None if too many of them are undefined."""
    defined = values[np.isfinite(values)]
    if not len(values) or len(defined) < LEAST_DEFINED * len(values):
        return None
    low, high = np.quantile(defined, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)


def frame_weights(
    subject: Shaped[np.ndarray, " frame"], weights: Float[np.ndarray, " frame"], draws: int, seed: int
) -> Iterator[Float[np.ndarray, "draw frame"]]:
    """Weights of the frames, some draws at a time: the same for the same subjects and seed, whatever is measured."""
    names, member = np.unique(np.asarray(subject, dtype=str), return_inverse=True)
    rng = stream(seed, "bootstrap", "subjects")
    for first in range(0, draws, _CHUNK):
        counts = subject_draws(len(names), min(_CHUNK, draws - first), rng)
        yield counts[:, member] * weights


def with_interval(
    metric: Metric,
    truth: Shaped[np.ndarray, " frame"],
    prediction: Shaped[np.ndarray, " frame"],
    subject: Shaped[np.ndarray, " frame"],
    *,
    weights: Float[np.ndarray, " frame"] | None = None,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> Score:
    """A figure with the percentile interval of a bootstrap over subjects.

    Args:
        metric: what is measured.
        truth: of each frame.
        prediction: of each frame.
        subject: whose frame it is.
        weights: how much each frame counts; 1 if left out.
        draws: bootstrap draws; 0 for no interval.
        level: share of the draws inside.
        seed: of the draws.
    """
    weights = checked(truth, prediction, weights)
    point = metric(truth, prediction, weights)
    if not point.known or draws == 0:
        return point
    values = [metric.values(truth, prediction, drawn) for drawn in frame_weights(subject, weights, draws, seed)]
    return interval_of(point, np.concatenate(values), len(np.unique(np.asarray(subject, dtype=str))), level)


def interval_of(point: Score, values: Float[np.ndarray, " draw"], subjects: int, level: float) -> Score:
    """The figure with its interval, or with the reason why it has none."""
    if subjects < 2:
        return replace(point, reason="no interval: fewer than two subjects")
    interval = percentile_interval(values, level)
    if interval is None:
        return replace(point, reason="no interval: undefined in more than 5 % of the draws of subjects")
    return point.between(*interval)


def paired_difference(
    metric: Metric,
    truth: Shaped[np.ndarray, " frame"],
    first: Shaped[np.ndarray, "run frame"],
    second: Shaped[np.ndarray, "run frame"],
    subject: Shaped[np.ndarray, " frame"],
    *,
    weights: Float[np.ndarray, " frame"] | None = None,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> Score:
    """Mean over training runs of `metric` of the first arm minus that of the second.

    Run i of both arms shares its training seed. Each draw takes runs and subjects with replacement, the same ones for
    both arms, and the same subjects for all runs: the interval holds for new seeds and new subjects.

    Raises:
        ArgumentError: if the arms differ in shape or do not fit the truth.
    """
    if first.shape != second.shape or first.ndim != 2 or first.shape[1:] != truth.shape or not len(first):
        raise ArgumentError(
            f"first, second: shapes {first.shape} and {second.shape} for truth {truth.shape}; "
            f"give both arms as [run, frame] with the same runs"
        )
    weights = checked(truth, first[0], weights)
    if not (weights > 0).any():
        return missing("no frames")
    runs = len(first)
    pairs = list(zip(first, second, strict=True))
    point = _differences(metric, truth, pairs, weights[None])[0].mean()
    if not np.isfinite(point):
        return missing("undefined for at least one run")
    drawn = [_differences(metric, truth, pairs, w) for w in frame_weights(subject, weights, draws, seed)]
    if not drawn:
        return Score(value=float(point))
    if runs < 2:
        return Score(value=float(point), reason="no interval: fewer than two runs")
    counts = subject_draws(runs, draws, stream(seed, "bootstrap", "runs"))
    # A run that was not drawn must not spoil the draw it is undefined in.
    by_run = np.concatenate(drawn)
    values = np.where(counts > 0, by_run * counts, 0.0).sum(axis=1) / runs
    return interval_of(Score(value=float(point)), values, len(np.unique(np.asarray(subject, dtype=str))), level)


def _differences(
    metric: Metric, truth: np.ndarray, pairs: list[tuple[np.ndarray, np.ndarray]], weights: np.ndarray
) -> Float[np.ndarray, "draw run"]:
    return np.stack([metric.values(truth, a, weights) - metric.values(truth, b, weights) for a, b in pairs], axis=1)
