"""How skins vary over people."""

from __future__ import annotations

import dataclasses
import pickle

import numpy as np
import pytest

from pain3d.demographics import ETHNICITIES, SEXES
from pain3d.skin.traits import TONE_SHARES, SkinTraits, sample_traits


def people(count: int, **fixed: object) -> list[SkinTraits]:
    rng = np.random.default_rng(5)
    out = []
    for k in range(count):
        who = {"age_years": 18 + k % 78, "sex": SEXES[k % 2], "ethnicity": ETHNICITIES[k % 5], **fixed}
        out.append(sample_traits(rng, **who))  # type: ignore[arg-type]
    return out


def test_same_stream_same_traits_and_they_travel_between_processes() -> None:
    first, second = people(20), people(20)
    assert first == second
    assert pickle.loads(pickle.dumps(first)) == first  # noqa: S301
    assert len({traits.seed for traits in first}) == 20


def test_plain_numbers_only() -> None:
    for traits in people(10):
        for value in dataclasses.astuple(traits):
            assert type(value) in (int, float, bool, str, tuple)


@pytest.mark.parametrize("ethnicity", ETHNICITIES)
def test_tones_follow_their_shares(ethnicity: str) -> None:
    tones = [traits.skin_tone_mst for traits in people(1500, ethnicity=ethnicity)]
    for tone, share in TONE_SHARES[ethnicity].items():  # type: ignore[index]
        assert np.mean(np.array(tones) == tone) == pytest.approx(share, abs=0.045)


def test_all_tones_are_reached_over_the_groups() -> None:
    assert {traits.skin_tone_mst for traits in people(1500)} == set(range(1, 11))


def test_age_brings_wrinkles_grey_hair_and_bags() -> None:
    young, old = people(200, age_years=24), people(200, age_years=82)
    for name in ("wrinkles", "grey", "eye_bags", "age_spots", "sclera_yellow", "teeth_yellow", "baldness"):
        assert np.mean([getattr(t, name) for t in old]) > np.mean([getattr(t, name) for t in young]) + 0.05
    assert all(t.wrinkles < 0.05 and t.grey == 0 for t in young)


def test_men_alone_have_beards_and_go_bald() -> None:
    women, men = people(200, sex="female"), people(200, sex="male")
    assert all(t.beard == 0 and t.baldness == 0 for t in women)
    assert len({round(t.beard, 1) for t in men}) > 3
    assert 0.1 < np.mean([t.beard > 0.3 for t in men]) < 0.8


def test_make_up_is_rare_and_not_for_everyone() -> None:
    assert 0.05 < np.mean([t.make_up > 0 for t in people(300, sex="female")]) < 0.5


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"age_years": 12}, "age_years: 12 is outside 18..95, the ages pain3d models"),
        ({"sex": "other"}, "sex: 'other' is unknown; choose one of female, male"),
        ({"ethnicity": "martian"}, "ethnicity: 'martian' is unknown; choose one of black, east_asian, "),
        ({"skin_tone_mst": 11}, "skin_tone_mst: 11 is outside 1..10, the Monk scale; 1 is the lightest"),
    ],
)
def test_errors_name_the_argument(change: dict[str, object], message: str) -> None:
    who = {"age_years": 30, "sex": "male", "ethnicity": "white", **change}
    with pytest.raises(ValueError) as error:
        sample_traits(np.random.default_rng(0), **who)  # type: ignore[arg-type]
    assert str(error.value).startswith(message)
