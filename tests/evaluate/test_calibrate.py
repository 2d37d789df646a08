"""Thresholds, probabilities and intervals fitted on validation subjects."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from pain3d.errors import ArgumentError
from pain3d.evaluate.calibrate import (
    best_threshold,
    conformal_edges,
    conformal_radius,
    fit,
    platt_scaling,
    threshold_at_specificity,
)
from pain3d.evaluate.ranking import f1, specificity
from pain3d.model.calibration import Calibration


def simulated(rng, subjects=80, frames=20):
    subject = np.repeat(np.arange(subjects), frames).astype(str)
    pspi = np.where(rng.random(len(subject)) < 0.3, 0, rng.integers(0, 17, len(subject))).astype(float)
    error = np.repeat(rng.normal(0, 0.7, subjects), frames) + rng.normal(0, 1, len(subject)) * (0.3 + pspi / 8)
    predicted = np.clip(pspi + error, 0, 16)
    logits = np.stack([2 * (predicted - t + 0.5) for t in (1, 2, 3)], axis=1)
    return pspi, predicted, logits, subject


@pytest.mark.parametrize("seed", range(5))
def test_the_best_threshold_is_that_of_trying_all(seed):
    rng = np.random.default_rng(seed)
    score = np.rint(rng.normal(0, 3, 80))
    positive = score + rng.normal(0, 3, 80) > 1
    tried = {t: f1(positive, score >= t).value for t in np.unique(score)}
    found = best_threshold(positive, score)
    assert f1(positive, score >= found).value == pytest.approx(max(tried.values()))
    lowest = min(t for t, value in tried.items() if value >= max(tried.values()) - 1e-12)
    assert (score >= found).sum() == (score >= lowest).sum()


def test_ties_go_to_the_lowest_threshold():
    # From 0 on: precision 1/2, recall 1, F1 2/3; from 1 on: precision 2/3, recall 2/3 ... of three positives in six.
    positive = np.array([True, False, False, False, True, True])
    score = np.array([0.0, 0, 0, 1, 1, 1])
    assert f1(positive, score >= 0).value == f1(positive, score >= 1).value == pytest.approx(2 / 3)
    assert best_threshold(positive, score) == 0


def test_weights_of_a_threshold_are_repetition():
    rng = np.random.default_rng(0)
    score, weights = rng.normal(size=50), rng.integers(1, 4, 50)
    positive = score + rng.normal(size=50) > 0.5
    assert best_threshold(positive, score, weights.astype(float)) == best_threshold(
        np.repeat(positive, weights), np.repeat(score, weights)
    )


def test_a_threshold_for_a_specificity_is_the_lowest_that_keeps_it():
    score = np.concatenate([np.arange(100.0), np.arange(50, 150)])
    positive = np.repeat([False, True], 100)
    found = threshold_at_specificity(positive, score, 0.95)
    assert specificity(positive, score >= found).value == 0.95
    assert specificity(positive, score >= found - 1).value < 0.95


def test_one_class_has_no_threshold():
    with pytest.raises(ArgumentError, match="positive: 100 % of 4 frames"):
        best_threshold(np.ones(4, bool), np.arange(4.0))
    with pytest.raises(ArgumentError, match="positive: 0 % of 4 frames"):
        threshold_at_specificity(np.zeros(4, bool), np.arange(4.0))


def test_radius_by_hand():
    # Nine subjects of one frame: 90 % of ten (with the unseen one) is the ninth error. Eight: the whole scale.
    error, subject = np.arange(1.0, 10), np.arange(9).astype(str)
    assert conformal_radius(error, subject, 0.9) == 9
    assert conformal_radius(error[:8], subject[:8], 0.9) == 16
    assert conformal_radius(np.repeat(error, 3), np.repeat(subject, 3), 0.9) == 9
    assert conformal_radius(np.zeros(0), np.zeros(0), 0.9) == 16


def test_a_subject_of_many_frames_counts_as_one():
    subject = np.concatenate([np.arange(19).astype(str), np.full(1000, "many")])
    error = np.concatenate([np.ones(19), np.full(1000, 9.0)])
    assert conformal_radius(error, subject, 0.9) == 1


def test_ranges_are_dropped_where_subjects_lack():
    rng = np.random.default_rng(0)
    predicted = rng.uniform(0, 16, 2000)
    assert len(conformal_edges(predicted, np.repeat(np.arange(100), 20).astype(str), 5)) == 4
    assert conformal_edges(predicted, np.repeat(np.arange(10), 200).astype(str), 5) == ()


def test_platt_scaling_is_logistic_regression():
    rng = np.random.default_rng(0)
    logit = rng.normal(0, 3, 20000)
    positive = rng.random(20000) < 1 / (1 + np.exp(-(0.5 * logit - 0.7)))
    slope, intercept = platt_scaling(positive, logit)
    reference = LogisticRegression(C=1e9, tol=1e-8).fit(logit[:, None], positive)
    assert slope == pytest.approx(reference.coef_[0, 0], abs=2e-3)
    assert intercept == pytest.approx(reference.intercept_[0], abs=2e-3)


@pytest.mark.parametrize("logit", [np.full(6, np.nan), np.ones(6), -np.arange(6.0)])
def test_logits_that_tell_nothing_are_left_alone(logit):
    assert platt_scaling(np.arange(6) >= 3, logit) == (1.0, 0.0)


def test_separable_logits_stay_finite():
    slope, intercept = platt_scaling(np.arange(20) >= 10, np.arange(20) * 30.0 - 285)
    assert 0 < slope < 100
    assert np.isfinite(intercept)


def test_intervals_hold_new_subjects_as_often_as_promised(tmp_path):
    held, narrow, wide, calibrations = [], [], [], []
    for seed in range(15):
        rng = np.random.default_rng(seed)
        calibration = fit(*simulated(rng), provenance={"seed": seed})
        pspi, predicted, logits, _ = simulated(rng)
        found = calibration.apply(predicted, logits)
        inside = (found.low <= pspi) & (pspi <= found.high)
        held.append(inside.mean())
        narrow.append(calibration.radii[0])
        wide.append(calibration.radii[-1])
        calibrations.append(calibration)
    assert 0.89 <= np.mean(held) <= 0.93
    assert np.mean(narrow) < np.mean(wide)
    last = calibrations[-1]
    last.write(tmp_path)
    assert Calibration.read(tmp_path) == last
    assert last.provenance == {"frames": 1600, "subjects": 80, "seed": 14}


def test_nothing_to_calibrate_on_is_refused():
    with pytest.raises(ArgumentError, match="calibrate on validation frames"):
        fit(np.zeros(2), np.full(2, np.nan), np.zeros((2, 3)), np.array(["a", "b"]))
