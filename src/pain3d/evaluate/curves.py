"""Reliability: what was observed where a probability was promised."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped


class Reliability(NamedTuple):
    """One point for each bin that holds frames, by rising probability."""

    predicted: Float[np.ndarray, " bin"]
    """Mean probability."""
    observed: Float[np.ndarray, " bin"]
    """Share of positive frames."""
    mass: Float[np.ndarray, " bin"]
    """Share of all frames; sums to 1."""


def equal_mass_bins(
    probability: Float[np.ndarray, " frame"], weights: Float[np.ndarray, " frame"], bins: int
) -> Int[np.ndarray, " frame"]:
    """Bin 0..bins-1 of each frame, each of about the same weight; equal probabilities share a bin."""
    values, place = np.unique(probability, return_inverse=True)
    mass = np.bincount(place, weights, minlength=len(values))
    middle = (np.cumsum(mass) - 0.5 * mass) / max(mass.sum(), np.finfo(float).tiny)
    return np.minimum((middle * bins).astype(np.int64), bins - 1)[place]


def reliability(
    positive: Shaped[np.ndarray, " frame"],
    probability: Float[np.ndarray, " frame"],
    weights: Float[np.ndarray, " frame"] | None = None,
    bins: int = 10,
) -> Reliability:
    """Observed against predicted share of positives, in bins of equal mass; empty without finite probabilities."""
    weights = np.ones(len(probability)) if weights is None else weights
    use = np.isfinite(probability) & (weights > 0)
    p, y, w = probability[use], positive[use].astype(float), weights[use]
    member = equal_mass_bins(p, w, bins)
    mass = np.bincount(member, w, minlength=bins)
    filled = mass > 0
    predicted, observed = (np.bincount(member, w * v, minlength=bins)[filled] / mass[filled] for v in (p, y))
    return Reliability(predicted, observed, mass[filled] / max(mass.sum(), np.finfo(float).tiny))
