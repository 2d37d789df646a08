"""The official definitions against plain loops over scikit-learn and SciPy, on random and on degenerate predictions."""

from __future__ import annotations

import math
import warnings

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as reference

from pain3d.errors import ArgumentError
from pain3d.evaluate.metrics import pcc
from pain3d.evaluate.published import (
    CANDIDATES,
    NAMES,
    FoldScores,
    published,
    published_fold,
    published_threshold,
)
from pain3d.evaluate.ranking import auroc, f1


def plain_f1(positive, called):
    hits = sum(p and c for p, c in zip(positive, called, strict=True))
    false = sum(p != c for p, c in zip(positive, called, strict=True))
    return 2 * hits / (2 * hits + false) if hits else 0.0


def plain_threshold(positive, score, measure=plain_f1):
    """Try every candidate; a strict > keeps the lowest of equals."""
    best, chosen = -1.0, None
    for candidate in np.linspace(0, 6, 200):
        called = [not math.isnan(s) and s >= candidate for s in score.tolist()]
        value = measure(positive.tolist(), called)
        if value > best:
            best, chosen = value, candidate
    return chosen


def scikit_f1(positive, called):
    return reference.f1_score(positive, called, zero_division=0.0)


@pytest.mark.parametrize("seed", range(2))
def test_thresholds_equal_those_by_scikit_learn(seed):
    rng = np.random.default_rng(seed)
    truth = rng.integers(0, 5, 40)
    score = np.round(np.clip(truth + rng.normal(0, 2, 40), 0, 16), seed)
    for t in (1, 3):
        assert published_threshold(truth >= t, score) == plain_threshold(truth >= t, score, scikit_f1)


def plain_fold(training, test):
    """The figures of one fold, written out; NaN scores are never called, and spoil correlation and ranking."""
    truth, score = test
    values = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        value = stats.pearsonr(truth, score)[0] if len(truth) > 1 else math.nan
    values["PCC"] = 0.0 if math.isnan(value) else value
    for t in (1, 2, 3):
        positive = truth >= t
        one_class = positive.all() or not positive.any()
        values[f"AUROC@{t}"] = (
            0.0 if one_class or np.isnan(score).any() else float(reference.roc_auc_score(positive, score))
        )
        with np.errstate(invalid="ignore"):
            called = score >= plain_threshold(training[0] >= t, training[1])
        values[f"F1@{t}"] = float(reference.f1_score(positive, called, zero_division=0.0))
    values["macro F1"] = (values["F1@1"] + values["F1@2"] + values["F1@3"]) / 3
    return values


LEVELS = st.sampled_from([0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 4.0, 7.0, 16.0])
SCORES = st.one_of(
    st.floats(0, 16, width=32),
    st.sampled_from([0.0, 0.5, 1.0, 1.0, 3.0, 6.0, 16.0, *(float(c) for c in CANDIDATES[::25])]),
)
NAN = st.one_of(SCORES, st.just(math.nan))


def frames(score):
    pairs = st.lists(st.tuples(LEVELS, score), min_size=1, max_size=25)
    return pairs.map(lambda rows: tuple(np.array(part, float) for part in zip(*rows, strict=True)))


CONSTANT = (np.array([0.0, 1, 2, 3]), np.full(4, 1.0))
ALL_PAIN = (np.array([3.0, 4, 5, 6]), np.array([0.1, 2.0, 2.0, 5.9]))
NO_PAIN = (np.zeros(4), np.array([0.0, 0.0, 1.0, 2.0]))


@settings(deadline=None, max_examples=40)
@given(training=frames(NAN), test=frames(NAN))
@example(training=CONSTANT, test=CONSTANT)
@example(training=ALL_PAIN, test=NO_PAIN)
@example(training=NO_PAIN, test=ALL_PAIN)
@example(training=ALL_PAIN, test=(np.array([0.0, 1]), np.array([np.nan, 1.0])))
@example(training=CONSTANT, test=(np.array([2.0]), np.array([2.0])))
def test_a_fold_equals_plain_loops(training, test):
    found = published_fold("1", training=training, test=test)
    assert found.values == pytest.approx(plain_fold(training, test), abs=1e-9)
    assert found.thresholds == tuple(plain_threshold(training[0] >= t, training[1]) for t in (1, 2, 3))
    assert tuple(found.values) == NAMES and all(math.isfinite(value) for value in found.values.values())


@settings(deadline=None, max_examples=40)
@given(test=frames(NAN))
def test_zero_stands_in_exactly_where_ours_say_nothing(test):
    """A footnote if and only if our figure is null, and the same value where it is not."""
    truth, score = test
    found = published_fold("1", training=ALL_PAIN, test=test)
    ours = {"PCC": pcc(truth, score), **{f"AUROC@{t}": auroc(truth >= t, score) for t in (1, 2, 3)}}
    with np.errstate(invalid="ignore"):
        ours |= {
            f"F1@{t}": f1(truth >= t, score >= threshold)
            for t, threshold in zip((1, 2, 3), found.thresholds, strict=True)
        }
    for name, score_ in ours.items():
        if name == "PCC" and score_.known != (name not in found.notes):
            continue  # a spread of rounding error only, which ours takes for a constant
        assert score_.known == (name not in found.notes), name
        assert found.values[name] == (pytest.approx(score_.value, abs=1e-9) if score_.known else 0.0)
        if not score_.known:
            assert score_.to_json()["value"] is None and score_.reason


def test_the_threshold_by_hand():
    positive, score = np.array([False, True, True]), np.array([1.0, 2.0, 3.0])
    between = CANDIDATES[(CANDIDATES > 1) & (CANDIDATES <= 2)]
    assert published_threshold(positive, score) == between[0]  # all of them are perfect
    assert published_threshold(np.zeros(3, bool), score) == 0.0
    assert published_threshold(np.ones(3, bool), score) == 0.0
    assert published_threshold(positive, np.full(3, 16.0)) == 0.0
    assert published_threshold(positive, np.full(3, np.nan)) == 0.0


def test_a_score_on_a_candidate_is_called():
    on = float(CANDIDATES[77])
    assert published_threshold(np.array([False, True]), np.array([np.nextafter(on, 0), on])) == on


@given(values=st.lists(st.floats(0, 1), min_size=5, max_size=5))
def test_plus_minus_over_five_folds(values):
    found = published([_fold(str(i), value) for i, value in enumerate(values)])["PCC"]
    assert found.mean == pytest.approx(sum(values) / 5)
    mean = sum(values) / 5
    spread = math.sqrt(sum((value - mean) ** 2 for value in values) / 4)
    assert found.half_width == pytest.approx(2.776 * spread / math.sqrt(5), abs=1e-12)
    assert stats.t.ppf(0.975, 4) == pytest.approx(2.776, abs=5e-4)


def test_other_numbers_of_folds_have_no_published_interval():
    assert published([_fold("a", 0.5), _fold("b", 0.6)])["PCC"].half_width is None
    with pytest.raises(ArgumentError, match="folds: none"):
        published([])


def test_footnotes_name_the_folds():
    folds = [_fold(str(i), 0.5) for i in range(4)]
    degenerate = published_fold("4", training=ALL_PAIN, test=NO_PAIN)
    found = published([*folds, degenerate])
    assert found["AUROC@1"].footnotes == ("fold 4 counts 0.0: no frame is positive",)
    assert found["AUROC@1"].mean == pytest.approx(0.4)
    assert found["PCC"].footnotes == ("fold 4 counts 0.0: the truth or the prediction is constant",)


def test_a_fold_without_frames_is_refused():
    with pytest.raises(ArgumentError, match="test: fold 3 has no frames"):
        published_fold("3", training=ALL_PAIN, test=(np.zeros(0), np.zeros(0)))


def _fold(name, value):
    return FoldScores(fold=name, thresholds=(0.0, 0.0, 0.0), values=dict.fromkeys(NAMES, value))
