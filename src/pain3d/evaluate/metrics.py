"""How near predicted intensities are to the truth: errors, correlation, agreement.

A metric is computed for many weightings of the same frames at once, because a bootstrap draw is a weighting: a frame
of weight 2 counts as two frames. With m = sum of the weights, ICC and kappa are those of m frames.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Shaped

from pain3d.errors import ArgumentError
from pain3d.evaluate.score import Score, missing
from pain3d.facs import MAX_PSPI

Values = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
Why = Callable[[np.ndarray, np.ndarray], str | None]

NO_FRAMES = "no frames"
CONSTANT = "the truth or the prediction is constant"
_TINY = 1e-12
"""A variance below this share of the mean square is rounding error."""


@dataclass(frozen=True, kw_only=True)
class Metric:
    """A figure of truth and prediction; call it for a `Score`."""

    name: str
    kernel: Values
    """Truth, prediction, weights [draw, frame] -> values [draw], NaN where undefined."""
    why: Why
    """Why the value is NaN, from truth and prediction of the frames that count."""
    higher_is_better: bool

    def __call__(
        self,
        truth: Shaped[np.ndarray, " frame"],
        prediction: Shaped[np.ndarray, " frame"],
        weights: Float[np.ndarray, " frame"] | None = None,
    ) -> Score:
        """The figure for frames, each counted once or by its weight.

        Raises:
            ArgumentError: if the arrays differ in length or a weight is negative or not finite.
        """
        weights = checked(truth, prediction, weights)
        if not (weights > 0).any():
            return missing(NO_FRAMES)
        value = float(self.values(truth, prediction, weights[None])[0])
        return Score(value=value) if np.isfinite(value) else missing(self.reason(truth, prediction, weights))

    def values(
        self,
        truth: Shaped[np.ndarray, " frame"],
        prediction: Shaped[np.ndarray, " frame"],
        weights: Float[np.ndarray, "draw frame"],
    ) -> Float[np.ndarray, " draw"]:
        """The figure under each weighting; NaN where it is undefined."""
        with np.errstate(divide="ignore", invalid="ignore"):
            found = self.kernel(np.asarray(truth, float), np.asarray(prediction, float), np.asarray(weights, float))
        return np.where(np.isfinite(found), found, np.nan)

    def reason(self, truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> str:
        """Why the figure is undefined for frames weighted so."""
        counts = weights > 0
        truth, prediction = np.asarray(truth, float)[counts], np.asarray(prediction, float)[counts]
        if not len(truth):
            return NO_FRAMES
        if not (np.isfinite(truth).all() and np.isfinite(prediction).all()):
            return "the predictor does not tell it, or told NaN"
        return self.why(truth, prediction) or "too few frames"


def checked(
    truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray | None = None
) -> Float[np.ndarray, " frame"]:
    """The weights, 1 each if none are given."""
    if truth.shape != prediction.shape or truth.ndim != 1:
        raise ArgumentError(
            f"truth, prediction: shapes {truth.shape} and {prediction.shape}; give one number a frame in both"
        )
    if weights is None:
        return np.ones(len(truth))
    weights = np.asarray(weights, float)
    if weights.shape != truth.shape or not (np.isfinite(weights) & (weights >= 0)).all():
        raise ArgumentError(f"weights: shape {weights.shape} for {len(truth)} frames; give one number >= 0 a frame")
    return weights


def _mean(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    return weights @ values / weights.sum(axis=1)


@dataclass(frozen=True)
class _Moments:
    """Weighted means and variances (divided by m) of truth and prediction, one of each a draw."""

    count: np.ndarray
    truth: np.ndarray
    prediction: np.ndarray
    truth_variance: np.ndarray
    prediction_variance: np.ndarray
    covariance: np.ndarray


def _moments(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> _Moments:
    # One shift for both keeps every difference of them, and spares the squares from cancellation.
    shift = truth.mean() if len(truth) else 0.0
    t, p = truth - shift, prediction - shift
    t_mean, p_mean = _mean(t, weights), _mean(p, weights)
    return _Moments(
        weights.sum(axis=1),
        t_mean,
        p_mean,
        _variance(_mean(t * t, weights), t_mean),
        _variance(_mean(p * p, weights), p_mean),
        _mean(t * p, weights) - t_mean * p_mean,
    )


def _variance(square: np.ndarray, mean: np.ndarray) -> np.ndarray:
    variance = square - mean**2
    return np.where(variance > _TINY * square, variance, 0.0)


def _pcc(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
    m = _moments(truth, prediction, weights)
    spread = np.sqrt(m.truth_variance * m.prediction_variance)
    # NaN, not the clipped infinity that a covariance of rounding error over 0 would be.
    return np.clip(m.covariance / np.where(spread > 0, spread, np.nan), -1, 1)


def _ccc(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
    m = _moments(truth, prediction, weights)
    return 2 * m.covariance / (m.truth_variance + m.prediction_variance + (m.truth - m.prediction) ** 2)


def _mean_squares(
    truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Mean squares of frames, of the two raters, and of the rest, of a two-way ANOVA; and the number of frames."""
    m = _moments(truth, prediction, weights)
    both = m.truth_variance + m.prediction_variance
    unbiased = m.count / np.where(m.count > 1, m.count - 1, np.nan)
    frames = unbiased * (both + 2 * m.covariance) / 2
    rest = unbiased * (both - 2 * m.covariance) / 2
    raters = m.count * (m.truth - m.prediction) ** 2 / 2
    return frames, raters, rest, m.count


def _icc31(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
    frames, _, rest, _ = _mean_squares(truth, prediction, weights)
    return (frames - rest) / (frames + rest)


def _icc21(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
    frames, raters, rest, count = _mean_squares(truth, prediction, weights)
    return (frames - rest) / (frames + rest + 2 * (raters - rest) / count)


def _kappa(truth: np.ndarray, prediction: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """With squared distances, agreement by chance needs the first two moments of the margins only."""
    a, b = (np.clip(np.rint(values), 0, MAX_PSPI) for values in (truth, prediction))
    by_chance = _mean(a * a, weights) + _mean(b * b, weights) - 2 * _mean(a, weights) * _mean(b, weights)
    return 1 - _mean((a - b) ** 2, weights) / np.where(by_chance > 1e-9, by_chance, np.nan)


def _both_constant(truth: np.ndarray, prediction: np.ndarray) -> str | None:
    return "truth and prediction are both constant" if np.ptp(truth) == 0 and np.ptp(prediction) == 0 else None


def _one_constant(truth: np.ndarray, prediction: np.ndarray) -> str | None:
    return CONSTANT if np.ptp(truth) == 0 or np.ptp(prediction) == 0 else None


def _none(truth: np.ndarray, prediction: np.ndarray) -> str | None:
    return None


mae = Metric(name="mae", kernel=lambda t, p, w: _mean(np.abs(t - p), w), why=_none, higher_is_better=False)
rmse = Metric(name="rmse", kernel=lambda t, p, w: np.sqrt(_mean((t - p) ** 2, w)), why=_none, higher_is_better=False)
bias = Metric(name="bias", kernel=lambda t, p, w: _mean(p - t, w), why=_none, higher_is_better=False)
pcc = Metric(name="pcc", kernel=_pcc, why=_one_constant, higher_is_better=True)
"""Pearson's correlation."""
ccc = Metric(name="ccc", kernel=_ccc, why=_both_constant, higher_is_better=True)
"""Lin's concordance, Biometrics 45 (1989)."""
icc31 = Metric(name="icc31", kernel=_icc31, why=_both_constant, higher_is_better=True)
"""ICC(3,1) of Shrout & Fleiss, Psychol. Bull. 86 (1979): consistency. 0 for a constant prediction."""
icc21 = Metric(name="icc21", kernel=_icc21, why=_both_constant, higher_is_better=True)
"""ICC(2,1), likewise: absolute agreement. McGraw & Wong's ICC(A,1), Psychol. Methods 1 (1996)."""
kappa = Metric(name="kappa", kernel=_kappa, why=_both_constant, higher_is_better=True)
"""Quadratic-weighted kappa of PSPI rounded to 0..16."""
share = Metric(name="share", kernel=lambda t, p, w: _mean(p, w), why=_none, higher_is_better=True)
"""Mean of the prediction, whatever the truth: coverage, a rate of calls."""
