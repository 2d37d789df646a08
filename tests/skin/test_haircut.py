"""Haircuts: every style is worn, by whom it is likely, and the scalp below agrees."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from pain3d.demographics import ETHNICITIES, SEXES
from pain3d.skin.haircut import SHAVED_MM, STYLES, haircut_of, scalp_under
from pain3d.skin.traits import SkinTraits, sample_traits
from pain3d.streams import stream


def crowd(age_years: int, sex: str, count: int = 120) -> list[SkinTraits]:
    return [
        sample_traits(stream(seed, "skin"), age_years=age_years, sex=sex, ethnicity=ETHNICITIES[seed % 5])  # type: ignore[arg-type]
        for seed in range(count)
    ]


@pytest.fixture(scope="module")
def worn() -> dict[tuple[int, str], Counter[str]]:
    return {
        (age, sex): Counter(haircut_of(traits).style for traits in crowd(age, sex)) for age in (25, 80) for sex in SEXES
    }


def test_every_style_is_worn(worn):
    assert set().union(*worn.values()) == set(STYLES)


def test_no_group_wears_one_style_alone(worn):
    for counts in worn.values():
        assert len(counts) >= 5
        assert max(counts.values()) < 0.7 * sum(counts.values())


def test_long_hair_gets_rarer_with_age_and_receding_hair_more_frequent(worn):
    assert worn[80, "female"]["long"] < worn[25, "female"]["long"]
    assert worn[80, "male"]["receding"] > worn[25, "male"]["receding"]


def test_a_haircut_is_a_function_of_the_traits():
    for traits in crowd(40, "female", 10):
        assert haircut_of(traits) == haircut_of(traits)


def test_hair_reaches_as_far_as_its_style_says():
    for traits in crowd(30, "female") + crowd(60, "male"):
        cut = haircut_of(traits)
        assert (cut.length_mm == 0) == (cut.style in ("bald", "buzz"))
        assert 0 <= cut.length_mm <= 390
        assert abs(cut.parting_mm) <= 35
        assert 0 <= cut.fringe_mm <= 28
        assert np.isfinite([cut.lift_mm, cut.wave_mm, cut.wave_length_mm, cut.frizz]).all()


def test_the_scalp_below_changes_hair_alone():
    for traits in crowd(45, "male"):
        cut = haircut_of(traits)
        below = scalp_under(traits, cut)
        changed = {name for name, value in vars(traits).items() if value != getattr(below, name)}
        assert changed <= {
            *("hairline_mm", "hair_volume_mm", "hair_length_mm", "hair_sides", "hair_fringe_mm", "hair_drop_mm"),
            *("hair_tufts", "hair_sweep", "hair_shade"),
        }
        assert (below.hairline_mm == SHAVED_MM) == (cut.style == "bald")
