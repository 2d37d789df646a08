"""Whether one face gets one reading: the spread of predictions over the views of an expression."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from pain3d.evaluate.bootstrap import DRAWS, LEVEL, with_interval
from pain3d.evaluate.metrics import Metric, share
from pain3d.evaluate.score import Score, missing


@dataclass(frozen=True, kw_only=True)
class Stability:
    """Over all expressions that were seen from every view."""

    sd: Score
    """Mean over expressions of the standard deviation over views."""
    range: Score
    """Mean over expressions of largest minus smallest."""
    icc1: Score
    """ICC(1,1) of Shrout & Fleiss (1979): views are drawn for each expression anew, so they are no fixed raters."""
    expressions: int
    views: int


def icc1_of(views: int) -> Metric:
    """ICC(1,1) from the mean (as truth) and the variance over views (as prediction) of each expression."""

    def kernel(mean: np.ndarray, within: np.ndarray, weights: np.ndarray) -> np.ndarray:
        count = weights.sum(axis=1)
        centred = mean - mean.mean()
        average = weights @ centred / count
        spread = np.maximum(weights @ centred**2 - count * average**2, 0.0)
        between = views * spread / np.where(count > 1, count - 1, np.nan)
        rest = weights @ within / count
        return (between - rest) / (between + (views - 1) * rest)

    return Metric(
        name="icc1",
        kernel=kernel,
        why=lambda mean, within: "all predictions are the same" if np.ptp(mean) == 0 and not within.any() else None,
        higher_is_better=True,
    )


def stability(
    prediction: Float[np.ndarray, " frame"],
    subject: Shaped[np.ndarray, " frame"],
    expression_id: Shaped[np.ndarray, " frame"],
    *,
    draws: int = DRAWS,
    level: float = LEVEL,
    seed: int = 0,
) -> Stability:
    """Spread over the views of each expression; expressions with fewer views than the most are left out."""
    keys = np.array([f"{s}/{int(e)}" for s, e in zip(subject, expression_id, strict=True)], dtype=str)
    order = np.argsort(keys, kind="stable")
    names, starts, counts = np.unique(keys[order], return_index=True, return_counts=True)
    views = int(counts.max()) if len(names) else 0
    if views < 2:
        nothing = missing("no expression was seen from two views")
        return Stability(sd=nothing, range=nothing, icc1=nothing, expressions=0, views=views)
    starts = starts[counts == views]
    rows = order[starts[:, None] + np.arange(views)]
    table, owner = np.asarray(prediction, float)[rows], np.asarray(subject, dtype=str)[rows[:, 0]]

    def mean_of(values: np.ndarray) -> Score:
        return with_interval(share, values, values, owner, draws=draws, level=level, seed=seed)

    icc1 = with_interval(
        icc1_of(views), table.mean(1), table.var(1, ddof=1), owner, draws=draws, level=level, seed=seed
    )
    return Stability(
        sd=mean_of(table.std(axis=1, ddof=1)),
        range=mean_of(np.ptp(table, axis=1)),
        icc1=icc1,
        expressions=len(table),
        views=views,
    )
