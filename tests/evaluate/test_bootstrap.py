"""Intervals over subjects: the same as a plain loop, and they hold the truth as often as they say."""

import numpy as np
import pytest

from pain3d.errors import ArgumentError
from pain3d.evaluate.bootstrap import (
    frame_weights,
    paired_difference,
    percentile_interval,
    subject_draws,
    with_interval,
)
from pain3d.evaluate.metrics import mae, pcc, share
from pain3d.evaluate.ranking import auroc
from pain3d.streams import stream

SUBJECT = np.repeat([f"S{i:05d}" for i in range(12)], 5)


def readings(seed=0, runs=None):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 17, len(SUBJECT)).astype(float)
    return truth, truth + rng.normal(0, 2, len(SUBJECT) if runs is None else (runs, len(SUBJECT)))


@pytest.mark.parametrize("metric", [mae, pcc, auroc], ids=lambda m: m.name)
def test_the_interval_is_that_of_a_plain_loop(metric):
    truth, prediction = readings()
    truth = truth >= 8 if metric is auroc else truth
    counts = subject_draws(12, 60, stream(5, "bootstrap", "subjects"))
    values = []
    for draw in counts:
        rows = np.concatenate([np.flatnonzero(np.unique(SUBJECT)[i] == SUBJECT) for i in np.repeat(range(12), draw)])
        values.append(metric(truth[rows], prediction[rows]).value)
    found = with_interval(metric, truth, prediction, SUBJECT, draws=60, seed=5)
    assert found.interval == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))
    assert found.value == metric(truth, prediction).value


def test_seed_alone_decides():
    truth, prediction = readings()
    one, again, other = (with_interval(mae, truth, prediction, SUBJECT, draws=300, seed=s) for s in (1, 1, 2))
    assert one == again
    assert one != other


def test_all_frames_of_a_subject_have_one_count():
    weights = np.concatenate(list(frame_weights(SUBJECT, np.ones(len(SUBJECT)), 300, 0)))
    assert weights.shape == (300, 60)
    assert (weights.reshape(300, 12, 5) == weights[:, ::5, None]).all()
    assert (weights.sum(axis=1) == 60).all()


def test_why_there_is_no_interval():
    truth, prediction = readings()
    alone = with_interval(mae, truth, prediction, np.full(60, "S1"), draws=10)
    assert alone.interval is None
    assert alone.reason == "no interval: fewer than two subjects"
    rare = SUBJECT == "S00000"
    assert with_interval(auroc, rare, prediction, SUBJECT, draws=200).reason == (
        "no interval: undefined in more than 5 % of the draws of subjects"
    )
    assert (
        with_interval(pcc, truth, np.zeros(60), SUBJECT, draws=10).reason == "the truth or the prediction is constant"
    )
    assert percentile_interval(np.array([])) is None


def test_the_paired_difference_is_that_of_a_plain_loop():
    truth, first = readings(1, runs=4)
    _, second = readings(2, runs=4)
    subjects = subject_draws(12, 40, stream(3, "bootstrap", "subjects"))
    runs = subject_draws(4, 40, stream(3, "bootstrap", "runs"))
    values = []
    for drawn, of_runs in zip(subjects, runs, strict=True):
        rows = np.concatenate([np.arange(5 * i, 5 * i + 5) for i in np.repeat(range(12), drawn)])
        values.append(
            np.mean(
                [
                    mae(truth[rows], first[r][rows]).value - mae(truth[rows], second[r][rows]).value
                    for r in np.repeat(range(4), of_runs)
                ]
            )
        )
    found = paired_difference(mae, truth, first, second, SUBJECT, draws=40, seed=3)
    assert found.interval == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))


def test_an_arm_does_not_differ_from_itself():
    truth, first = readings(1, runs=3)
    found = paired_difference(pcc, truth, first, first, SUBJECT, draws=50)
    assert (found.value, found.interval) == (0.0, (0.0, 0.0))
    swapped = paired_difference(mae, truth, first, first + 1, SUBJECT, draws=50)
    back = paired_difference(mae, truth, first + 1, first, SUBJECT, draws=50)
    assert swapped.interval is not None
    assert back.interval == pytest.approx((-swapped.interval[1], -swapped.interval[0]))


def test_what_is_refused_or_missing():
    truth, first = readings(1, runs=3)
    with pytest.raises(ArgumentError, match="first, second"):
        paired_difference(mae, truth, first, first[:2], SUBJECT)
    one = paired_difference(mae, truth, first[:1], first[1:2], SUBJECT, draws=10)
    assert one.reason == "no interval: fewer than two runs"
    assert paired_difference(pcc, truth, first * 0, first, SUBJECT).reason == "undefined for at least one run"


def test_the_interval_holds_the_mean_as_often_as_it_says():
    rng = np.random.default_rng(0)
    subject = np.repeat(np.arange(40), 5).astype(str)
    held = 0
    for seed in range(600):
        values = np.repeat(rng.normal(0, 1, 40), 5) + rng.normal(0, 0.5, 200)
        interval = with_interval(share, values, values, subject, draws=300, seed=seed).interval
        held += interval is not None and interval[0] <= 0 <= interval[1]
    # Percentile intervals of 40 subjects hold about 93 %, not 95 (Efron & Tibshirani 1993, ch. 13); 600 trials: +- 1 %.
    assert 0.90 <= held / 600 <= 0.96


def test_the_paired_interval_holds_the_difference_for_new_runs_and_subjects():
    rng = np.random.default_rng(1)
    subject = np.repeat(np.arange(40), 3).astype(str)
    held = 0
    for seed in range(200):
        of_run, of_subject = rng.normal(0, 0.3, (10, 1)), np.repeat(rng.normal(0, 1, 40), 3)
        gain = of_run + of_subject + rng.normal(0, 0.5, (10, 120))
        common = rng.normal(0, 5, (10, 120))
        found = paired_difference(share, np.zeros(120), common + gain, common, subject, draws=300, seed=seed)
        held += found.interval is not None and found.interval[0] <= 0 <= found.interval[1]
    assert 0.88 <= held / 200 <= 0.99
