"""Figures by group, the worst gap, and which distractor an expression can have been."""

import numpy as np
import pytest

from pain3d.errors import ArgumentError
from pain3d.evaluate.bootstrap import with_interval
from pain3d.evaluate.groups import by_group, monk_third, names_admitting
from pain3d.evaluate.metrics import mae
from pain3d.evaluate.ranking import false_positive_rate, specificity
from pain3d.expressions import CONFOUNDS, DISTRACTORS, sample_confound, sample_distractor
from pain3d.facs import AU_NAMES
from pain3d.streams import stream

SUBJECT = np.repeat(np.arange(60), 4).astype(str)
BAND = np.repeat(np.array(["18-29", "75-95", "30-44"], dtype=object), 80)


def test_rows_are_the_figure_of_each_group_and_the_gap_is_theirs():
    rng = np.random.default_rng(0)
    truth = rng.uniform(0, 16, 240)
    prediction = truth + np.where(BAND == "75-95", 3, 1) * rng.choice([-1, 1], 240)
    table = by_group(mae, truth, prediction, BAND, SUBJECT, draws=200)
    assert list(table.rows) == ["18-29", "30-44", "75-95"]
    assert [row.value for row in table.rows.values()] == pytest.approx([1, 1, 3])
    assert table.worst_gap.value == pytest.approx(2)
    assert table.worst_gap.interval == pytest.approx((2, 2))
    assert table.extremes is not None
    assert table.extremes[1] == "75-95"
    assert table.chance_gap < 1.5


def test_without_a_difference_the_gap_is_one_of_chance():
    rng = np.random.default_rng(1)
    truth = np.zeros(240)
    table = by_group(mae, truth, rng.normal(0, 1, 240), BAND, SUBJECT, draws=200)
    assert table.worst_gap.value < 1.5 * table.chance_gap
    assert by_group(mae, truth, truth, SUBJECT.astype(int) % 2 == np.arange(240) % 2, SUBJECT, draws=5).chance_gap != 0


def test_one_group_is_the_plain_figure_and_has_no_gap():
    rng = np.random.default_rng(2)
    truth, prediction = rng.normal(size=(2, 240))
    table = by_group(mae, truth, prediction, np.full(240, "all"), SUBJECT, draws=100, seed=4)
    assert table.rows["all"] == with_interval(mae, truth, prediction, SUBJECT, draws=100, seed=4)
    assert table.worst_gap.reason == "fewer than two groups"


def test_a_group_without_negatives_says_so():
    positive = BAND == "18-29"
    rows = by_group(specificity, positive, np.zeros(240), BAND, SUBJECT, draws=50).rows
    assert rows["18-29"].reason == "every frame is positive"
    assert rows["30-44"].value == 1


def test_false_positives_by_distractor():
    name = np.tile(np.array(["smile", "yawn"], dtype=object), 120)
    table = by_group(false_positive_rate, np.zeros(240, bool), name == "yawn", name, SUBJECT, draws=50)
    assert {key: row.value for key, row in table.rows.items()} == {"smile": 0, "yawn": 1}
    assert np.isnan(table.chance_gap)


def test_no_frames_no_rows():
    nothing = np.zeros(0)
    table = by_group(mae, nothing, nothing, nothing, nothing, draws=5)
    assert table.rows == {}
    assert not table.worst_gap.known


def test_thirds_of_the_monk_scale():
    assert list(monk_third(np.arange(1, 11))) == ["1-3"] * 3 + ["4-7"] * 4 + ["8-10"] * 3
    with pytest.raises(ArgumentError, match=r"tone: \[0\.\] are outside 1..10"):
        monk_third(np.array([0, 5]))


@pytest.mark.parametrize("name", [*DISTRACTORS, *CONFOUNDS])
def test_an_expression_admits_the_name_it_was_drawn_for(name):
    draw = sample_distractor if name in DISTRACTORS else sample_confound
    for i in range(40):
        expression = draw(stream(i, name), name)
        aus = dict(zip(AU_NAMES, expression.vector, strict=True))
        assert name in names_admitting(aus)


def test_ranges_that_overlap_name_both():
    assert names_admitting({"AU12": 3, "AU25": 1}) == ("smile",)
    assert names_admitting({"AU1": 2}) == ()
    assert names_admitting({"AU4": 2, "AU12": 3}) == ()
