"""Laws of the balanced design: they hold for any number of subjects."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pain3d.demographics import (
    AGE_BANDS,
    CELLS,
    ETHNICITIES,
    SEXES,
    SPLITS,
    age_band_of,
    age_range,
    cell_of,
    checked_ethnicity,
    checked_sex,
    split_of,
    subject_id,
)


def test_every_prefix_has_margins_within_one():
    margins = [Counter(dict.fromkeys(groups, 0)) for groups in (AGE_BANDS, SEXES, ETHNICITIES)]
    for subject in range(600):
        cell = cell_of(subject)
        for counts, group in zip(margins, (cell.age_band, cell.sex, cell.ethnicity), strict=True):
            counts[group] += 1
            assert max(counts.values()) - min(counts.values()) <= 1


@given(st.integers(0, 10**6))
def test_any_fifty_in_a_row_fill_every_cell(first):
    assert len({cell_of(subject) for subject in range(first, first + CELLS)}) == CELLS


def test_the_paper_s_2500_subjects():
    cells = Counter(cell_of(subject) for subject in range(2500))
    splits = Counter(split_of(subject) for subject in range(2500))
    each = Counter((cell_of(subject), split_of(subject)) for subject in range(2500))
    assert set(cells.values()) == {50}
    assert splits == {"train": 1750, "val": 500, "test": 250}
    for cell in cells:
        assert [each[cell, split] for split in SPLITS] == [35, 10, 5]


@given(st.integers(0, 10**5))
def test_every_ten_subjects_hold_seven_two_one(block):
    splits = Counter(split_of(10 * block + place) for place in range(10))
    assert splits == {"train": 7, "val": 2, "test": 1}


@pytest.mark.parametrize("age", range(18, 96))
def test_every_age_has_one_band(age):
    band = age_band_of(age)
    assert age_range(band)[0] <= age <= age_range(band)[1]
    assert sum(low <= age <= high for low, high in map(age_range, AGE_BANDS)) == 1


@pytest.mark.parametrize(
    ("call", "value", "message"),
    [
        (age_band_of, 17, "age_years: 17 is outside 18..95, the ages pain3d models"),
        (age_band_of, 96, "age_years: 96 is outside 18..95, the ages pain3d models"),
        (checked_sex, "woman", "sex: 'woman' is unknown; choose one of female, male"),
        (
            checked_ethnicity,
            "latino",
            "ethnicity: 'latino' is unknown; choose one of black, east_asian, middle_eastern, south_asian, white",
        ),
    ],
)
def test_errors(call, value, message):
    with pytest.raises(ValueError) as caught:
        call(value)
    assert str(caught.value) == message


def test_subject_ids():
    assert [subject_id(number) for number in (0, 42, 99999, 123456)] == ["s00000", "s00042", "s99999", "s123456"]
