"""Errors, agreement and ranking, against SciPy, scikit-learn, an ANOVA written out, and laws."""

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference

from pain3d.errors import ArgumentError
from pain3d.evaluate.curves import reliability
from pain3d.evaluate.metrics import bias, ccc, icc21, icc31, kappa, mae, pcc, rmse, share
from pain3d.evaluate.ranking import auprc, auroc, ece, f1, false_positive_rate, precision, recall, specificity
from pain3d.evaluate.score import Score, missing

AGREEMENT = (mae, rmse, bias, pcc, ccc, icc31, icc21, kappa, share)
RANKING = (auroc, auprc, f1, precision, recall, specificity, false_positive_rate)


def drawn(seed, frames=200, *, tied=False):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 17, frames).astype(float)
    prediction = np.clip(truth + rng.normal(0, 3, frames), 0, 16)
    return truth, np.rint(prediction) if tied else prediction


def anova(truth, prediction):
    """Mean squares of a two-way ANOVA without replication, by its definition."""
    table = np.stack([truth, prediction], axis=1)
    n, k = table.shape
    grand = table.mean()
    frames = k * ((table.mean(1) - grand) ** 2).sum() / (n - 1)
    raters = n * ((table.mean(0) - grand) ** 2).sum() / (k - 1)
    rest = ((table - table.mean(1, keepdims=True) - table.mean(0) + grand) ** 2).sum() / ((n - 1) * (k - 1))
    return frames, raters, rest


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tied", [False, True])
def test_agreement_equals_independent_implementations(seed, tied):
    truth, prediction = drawn(seed, tied=tied)
    frames, raters, rest = anova(truth, prediction)
    n = len(truth)
    covariance = np.cov(truth, prediction, ddof=0)
    expected = {
        mae: reference.mean_absolute_error(truth, prediction),
        rmse: reference.root_mean_squared_error(truth, prediction),
        pcc: stats.pearsonr(truth, prediction)[0],
        ccc: 2 * covariance[0, 1] / (np.trace(covariance) + (truth.mean() - prediction.mean()) ** 2),
        icc31: (frames - rest) / (frames + rest),
        icc21: (frames - rest) / (frames + rest + 2 * (raters - rest) / n),
        kappa: reference.cohen_kappa_score(
            truth.astype(int), np.rint(prediction).astype(int), weights="quadratic", labels=range(17)
        ),
    }
    for metric, value in expected.items():
        assert metric(truth, prediction).value == pytest.approx(value, abs=1e-10), metric.name


def test_icc_by_hand():
    # Three frames, raters (1, 2), (3, 3), (5, 7): grand mean 3.5; row means 1.5, 3, 6;
    # MSR = 2(4 + .25 + 6.25)/2 = 10.5;
    # column means 3, 4: MSC = 3(.25 + .25) = 1.5; total 23.5 = 21 + 1.5 + SSE, so MSE = 1/2.
    truth, prediction = np.array([1.0, 3, 5]), np.array([2.0, 3, 7])
    assert icc31(truth, prediction).value == pytest.approx(10 / 11)
    assert icc21(truth, prediction).value == pytest.approx(10 / (11 + 2 * (1.5 - 0.5) / 3))


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("weighted", [False, True])
def test_ranking_equals_scikit_learn(seed, tied, weighted):
    truth, score = drawn(seed, tied=tied)
    positive, called = truth >= 5, score >= 6
    weights = np.random.default_rng(seed).uniform(0, 2, len(truth)) if weighted else np.ones(len(truth))
    kwargs: dict[str, Any] = {"sample_weight": weights}
    expected = {
        auroc: (reference.roc_auc_score(positive, score, **kwargs), score),
        auprc: (reference.average_precision_score(positive, score, **kwargs), score),
        f1: (reference.f1_score(positive, called, **kwargs), called),
        precision: (reference.precision_score(positive, called, **kwargs), called),
        recall: (reference.recall_score(positive, called, **kwargs), called),
        specificity: (reference.recall_score(~positive, ~called, **kwargs), called),
        false_positive_rate: (1 - reference.recall_score(~positive, ~called, **kwargs), called),
    }
    for metric, (value, prediction) in expected.items():
        assert metric(positive, prediction, weights).value == pytest.approx(value, abs=1e-10), metric.name


@pytest.mark.parametrize("metric", [*AGREEMENT, *RANKING], ids=lambda m: m.name)
def test_weights_are_repetition_and_order_is_nothing(metric):
    rng = np.random.default_rng(3)
    truth, prediction = drawn(3, 60, tied=True)
    if metric in RANKING:
        truth = truth >= 5
        prediction = prediction if metric in (auroc, auprc) else prediction >= 6
    weights = rng.integers(0, 4, len(truth))
    repeated = metric(np.repeat(truth, weights), np.repeat(prediction, weights)).value
    assert metric(truth, prediction, weights).value == pytest.approx(repeated, abs=1e-10)
    order = rng.permutation(len(truth))
    assert metric(truth[order], prediction[order], weights[order]).value == pytest.approx(repeated, abs=1e-10)


def test_identical_predictions_agree_wholly():
    truth, _ = drawn(1)
    for metric in (pcc, ccc, icc31, icc21, kappa):
        assert metric(truth, truth).value == pytest.approx(1)
    assert mae(truth, truth).value == rmse(truth, truth).value == 0


def test_a_shift_spoils_absolute_agreement_only():
    truth, prediction = drawn(2)
    for metric in (pcc, icc31):
        assert metric(truth, prediction + 3).value == pytest.approx(metric(truth, prediction).value)
    for metric in (ccc, icc21):
        assert metric(truth, truth + 3).value < 0.95


def test_auroc_heeds_order_alone():
    truth, score = drawn(4, tied=True)
    assert auroc(truth > 3, np.exp(score / 3)).value == pytest.approx(auroc(truth > 3, score).value)
    assert auroc(truth > 3, -score).value == pytest.approx(1 - auroc(truth > 3, score).value)
    assert auroc(truth > 3, np.ones(len(truth))).value == 0.5


CONSTANT, RISING = np.full(9, 2.0), np.arange(9.0)
NONE, ALL = np.zeros(9, bool), np.ones(9, bool)


@pytest.mark.parametrize(
    ("metric", "truth", "prediction", "reason"),
    [
        (pcc, RISING, CONSTANT, "the truth or the prediction is constant"),
        (pcc, CONSTANT, RISING, "the truth or the prediction is constant"),
        (icc31, CONSTANT, CONSTANT, "truth and prediction are both constant"),
        (icc21, CONSTANT, CONSTANT, "truth and prediction are both constant"),
        (ccc, CONSTANT, CONSTANT, "truth and prediction are both constant"),
        (kappa, CONSTANT, CONSTANT, "truth and prediction are both constant"),
        (icc31, np.ones(1), np.zeros(1), "truth and prediction are both constant"),
        (auroc, ALL, RISING, "every frame is positive"),
        (auroc, NONE, RISING, "no frame is positive"),
        (auprc, NONE, RISING, "no frame is positive"),
        (f1, NONE, ALL, "no frame is positive"),
        (precision, RISING > 4, NONE, "no frame was called positive"),
        (specificity, ALL, ALL, "every frame is positive"),
        (auroc, RISING > 4, np.full(9, np.nan), "the predictor does not tell it, or told NaN"),
        (ece, RISING > 4, np.full(9, np.nan), "the predictor does not tell it, or told NaN"),
        (mae, RISING, np.full(9, np.nan), "the predictor does not tell it, or told NaN"),
        *((metric, np.zeros(0), np.zeros(0), "no frames") for metric in (*AGREEMENT, *RANKING, ece)),
    ],
)
def test_what_cannot_be_computed_is_nan_with_a_reason(metric, truth, prediction, reason):
    score = metric(truth, prediction)
    assert math.isnan(score.value)
    assert score.reason == reason
    assert score.to_json() == {"value": None, "low": None, "high": None, "reason": reason}


def test_rounding_error_makes_no_correlation_of_a_constant():
    truth = np.random.default_rng(0).normal(3, 1, 1000)
    for constant in (0.0, 0.1, 1e6):
        assert np.isnan(pcc.values(truth, np.full(1000, constant), np.ones((1, 1000))))


def test_a_constant_prediction_has_no_consistency():
    assert icc31(RISING, CONSTANT).value == pytest.approx(0)


def test_many_weightings_at_once_equal_one_at_a_time():
    truth, prediction = drawn(6, 50, tied=True)
    weights = np.random.default_rng(0).integers(0, 3, (7, 50)).astype(float)
    for metric in (*AGREEMENT, auroc, auprc):
        t = truth >= 4 if metric in RANKING else truth
        singly = [metric(t, prediction, w).value for w in weights]
        np.testing.assert_allclose(metric.values(t, prediction, weights), singly)


def test_ece_by_hand_and_the_curve_beside_it():
    probability = np.repeat([0.1, 0.9], 10)
    positive = np.array([True] * 3 + [False] * 7 + [True] * 8 + [False] * 2)
    assert ece(positive, probability).value == pytest.approx(0.5 * 0.2 + 0.5 * 0.1)
    curve = reliability(positive, probability)
    np.testing.assert_allclose(curve, [[0.1, 0.9], [0.3, 0.8], [0.5, 0.5]])
    assert len(reliability(positive, np.full(20, np.nan)).mass) == 0


def test_bins_hold_equal_mass():
    probability = np.random.default_rng(0).beta(1, 8, 1000)
    curve = reliability(probability > 0.1, probability)
    np.testing.assert_allclose(curve.mass, 0.1, atol=0.002)
    assert (np.diff(curve.predicted) > 0).all()


def test_arrays_that_do_not_fit_are_refused():
    with pytest.raises(ArgumentError, match=r"truth, prediction: shapes \(3,\) and \(2,\)"):
        mae(np.zeros(3), np.zeros(2))
    with pytest.raises(ArgumentError, match="weights: shape"):
        mae(np.zeros(3), np.zeros(3), np.array([1.0, -1, 1]))
    with pytest.raises(ValueError, match="NaN without a reason"):
        Score(value=math.nan)
    assert not missing("why").known
