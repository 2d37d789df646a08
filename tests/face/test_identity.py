from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pain3d.demographics import AGE_BANDS, ETHNICITIES, SEXES, age_range, cell_of
from pain3d.face.coarse import LOCAL_PAIRS, MACROS, RACES, CoarseModel, load_coarse, target_weights
from pain3d.face.identity import MIXTURES, child_share, old_share, sample_identity
from pain3d.face.model import Identity
from pain3d.face.variety import face_descriptor, nearest_pair, worst_outlier
from pain3d.streams import stream


@pytest.fixture(scope="module")
def coarse() -> CoarseModel:
    return load_coarse()


def crowd(n: int, seed: int, cells: int) -> list[Identity]:
    """n people, from the first `cells` of the balanced design."""
    people = []
    for k in range(n):
        cell, rng = cell_of(k % cells), stream(seed, "crowd", k)
        low, high = age_range(cell.age_band)
        people.append(
            sample_identity(rng, age_years=int(rng.integers(low, high + 1)), sex=cell.sex, ethnicity=cell.ethnicity)
        )
    return people


@given(
    seed=st.integers(0, 2**32), age=st.integers(18, 95), sex=st.sampled_from(SEXES), who=st.sampled_from(ETHNICITIES)
)
def test_everybody_is_within_bounds(seed: int, age: int, sex: str, who: str) -> None:
    identity = sample_identity(np.random.default_rng(seed), age_years=age, sex=sex, ethnicity=who)
    shape = identity.shape
    assert 0 <= shape["child"] <= 0.1 and 0 <= shape["old"] <= 1 - shape["child"]
    assert (shape["male"] > 0.85) == (sex == "male") and (shape["male"] < 0.15) == (sex == "female")
    assert sum(shape[race] for race in RACES) == pytest.approx(1)
    local = {name: value for name, value in shape.items() if name not in MACROS}
    assert max(map(abs, local.values())) < 0.85
    assert all(value >= 0 for name, value in local.items() if name not in LOCAL_PAIRS)
    assert identity.expressiveness.shape == identity.asymmetry.shape == (16,)
    assert 0.85 <= identity.expressiveness.min() <= identity.expressiveness.max() <= 1.15
    assert np.abs(identity.asymmetry).max() <= 0.3
    assert min(target_weights(shape).values()) >= 0


def test_a_person_is_a_function_of_the_stream() -> None:
    a, b = (sample_identity(stream(3, "x"), age_years=50, sex="male", ethnicity="black") for _ in range(2))
    assert dict(a.shape) == dict(b.shape) and np.array_equal(a.asymmetry, b.asymmetry)


def test_every_name_exists(coarse: CoarseModel) -> None:
    for person in crowd(20, 1, 50):
        assert set(target_weights(person.shape)) <= set(coarse.target_names)


def test_age_shares_are_monotone() -> None:
    ages = range(18, 96)
    assert np.diff([old_share(age) for age in ages]).min() >= 0 and old_share(25) == 0 and old_share(90) == 1
    assert np.diff([child_share(age) for age in ages]).max() <= 0 and child_share(25) == 0


def test_mixtures_are_shares() -> None:
    assert set(MIXTURES) == set(ETHNICITIES)
    assert all(sum(shares) == pytest.approx(1) for shares in MIXTURES.values())


def test_sides_move_together_but_not_as_one() -> None:
    people = crowd(100, 2, 50)
    left = np.array([person.shape["eyes/l-eye-trans-out"] for person in people])
    right = np.array([person.shape["eyes/r-eye-trans-out"] for person in people])
    assert np.corrcoef(left, right)[0, 1] > 0.95
    assert (left != right).all()


@pytest.mark.parametrize("cells", [50, 1])
def test_no_look_alikes_and_no_caricatures(coarse: CoarseModel, cells: int) -> None:
    """Of 200 people of all cells, and of one: the two most alike stay apart, the oddest stays ordinary."""
    descriptor = face_descriptor(coarse, crowd(200, 3, cells))
    assert nearest_pair(descriptor).rms > 1.0
    # the average of 20 standard normal directions is 4.5; 7.5 has one chance in a million a head
    assert worst_outlier(descriptor).mahalanobis < 7.5


def test_groups_differ_more_than_their_members_do_by_chance(coarse: CoarseModel) -> None:
    means = {}
    for sex, who in itertools.product(SEXES, ETHNICITIES):
        people = [sample_identity(stream(4, sex, who, k), age_years=35, sex=sex, ethnicity=who) for k in range(12)]
        means[sex, who] = face_descriptor(coarse, people).mean(axis=0)
    for a, b in itertools.combinations(means, 2):
        assert np.sqrt(np.square(means[a] - means[b]).sum(axis=1).mean()) > 0.9, (a, b)


def test_reports_find_a_planted_twin_and_a_planted_giant(coarse: CoarseModel) -> None:
    descriptor = face_descriptor(coarse, crowd(40, 5, 50))
    descriptor[7] = descriptor[31] + 0.01
    descriptor[12] *= 1.6
    pair = nearest_pair(descriptor)
    assert (pair.first, pair.second) == (7, 31) and pair.rms == pytest.approx(0.01 * 3**0.5, rel=0.3)
    assert worst_outlier(descriptor).index == 12


def test_age_bands_look_their_age(coarse: CoarseModel) -> None:
    """The mean face moves on with every band."""
    young = None
    distances = []
    for band in AGE_BANDS:
        low, high = age_range(band)
        age = (low + high) // 2
        people = [sample_identity(stream(6, k), age_years=age, sex="female", ethnicity="white") for k in range(12)]
        mean = face_descriptor(coarse, people).mean(axis=0)
        young = mean if young is None else young
        distances.append(float(np.sqrt(np.square(mean - young).sum(axis=1).mean())))
    assert np.diff(distances).min() > 0.2
