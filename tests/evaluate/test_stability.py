"""Spread of predictions over the views of an expression."""

import numpy as np
import pytest

from pain3d.evaluate.stability import stability

SUBJECT = np.repeat([f"S{i}" for i in range(10)], 12)
EXPRESSION = np.tile(np.repeat(np.arange(4), 3), 10)


def test_one_reading_for_one_face_is_wholly_stable():
    found = stability(EXPRESSION.astype(float), SUBJECT, EXPRESSION, draws=50)
    assert (found.sd.value, found.range.value, found.icc1.value) == (0, 0, 1)
    assert (found.expressions, found.views) == (40, 3)


def test_against_a_one_way_anova_whatever_the_order():
    rng = np.random.default_rng(0)
    prediction = rng.normal(size=40).repeat(3) + rng.normal(0, 0.5, 120)
    table = prediction.reshape(40, 3)
    between, within = 3 * table.mean(1).var(ddof=1), table.var(axis=1, ddof=1).mean()
    order = rng.permutation(120)
    found = stability(prediction[order], SUBJECT[order], EXPRESSION[order], draws=100)
    assert found.icc1.value == pytest.approx((between - within) / (between + 2 * within))
    assert found.sd.value == pytest.approx(table.std(axis=1, ddof=1).mean())
    assert found.range.value == pytest.approx(np.ptp(table, axis=1).mean())
    assert found.icc1.interval is not None
    assert found.icc1.interval[0] < found.icc1.value < found.icc1.interval[1]


def test_expressions_that_lack_a_view_are_left_out():
    keep = np.arange(120) != 5
    assert stability(np.arange(120.0)[keep], SUBJECT[keep], EXPRESSION[keep], draws=0).expressions == 39


def test_what_cannot_be_told():
    one = stability(np.zeros(5), SUBJECT[:5], np.arange(5), draws=0)
    assert one.sd.reason == "no expression was seen from two views"
    same = stability(np.ones(120), SUBJECT, EXPRESSION, draws=10)
    assert same.icc1.reason == "all predictions are the same"
