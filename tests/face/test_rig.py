"""Laws of the rig, measured on landmark geometry of every stratum."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rig_measures import LEFT_LANDMARKS, aperture_mm, cells, head_of, skin, travel_mm, vector

from pain3d.demographics import Cell
from pain3d.face import makehuman
from pain3d.face.makehuman import MakeHuman, MakeHumanHead
from pain3d.face.rig import Rig, amounts, intensity_to_weight, mirror_of, side_weights
from pain3d.face.units import LID_MOTIONS, RECIPES, SHAPES
from pain3d.facs import AU_INDEX, AU_NAMES, PAIN_AUS

ALL_CELLS = list(cells())
few = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
intensity_vectors = st.lists(st.floats(0, 5), min_size=16, max_size=16).map(
    lambda values: np.array([v / 5 if k == AU_INDEX["AU43"] else v for k, v in enumerate(values)])
)


@pytest.fixture(scope="module")
def model() -> MakeHuman:
    return makehuman.load()


@pytest.fixture(scope="module")
def heads(model: MakeHuman) -> list[MakeHumanHead]:
    """One person of each stratum, moving evenly."""
    return [head_of(model, cell) for cell in ALL_CELLS]


@pytest.fixture(scope="module")
def uneven(model: MakeHuman) -> MakeHumanHead:
    """A person with expressiveness and asymmetry as drawn."""
    return head_of(model, Cell(age_band="45-59", sex="male", ethnicity="south_asian"), seed=3, even=False)


@pytest.mark.parametrize(
    ("au", "landmark", "axis", "least_mm"),
    [
        ("AU1", "inner brow", +2, 4.0),
        ("AU2", "outer brow", +2, 4.0),
        ("AU4", "inner brow", -2, 4.0),  # lowers the brows
        ("AU4", "inner brow", -1, 2.0),  # and draws them together
        ("AU6", "cheek", +2, 3.0),
        ("AU9", "nose wing", +2, 2.0),
        ("AU10", "upper lip", +2, 3.0),
        ("AU12", "lip corner", +2, 4.0),
        ("AU12", "lip corner", +1, 2.0),
        ("AU12", "lip corner", -3, 2.0),  # back
        ("AU15", "lip corner", -2, 4.0),
        ("AU17", "chin", +2, 1.0),
        ("AU17", "lower lip", +2, 2.0),
        ("AU20", "lip corner", +1, 4.0),
        ("AU25", "lower lip", -2, 2.0),
        ("AU26", "chin", -2, 5.0),
        ("AU27", "chin", -2, 14.0),
    ],
)
def test_units_move_what_facs_says(
    heads: list[MakeHumanHead], au: str, landmark: str, axis: int, least_mm: float
) -> None:
    for head in heads:
        along = travel_mm(head, landmark, **{au: 5.0})[abs(axis) - 1] * np.sign(axis)
        assert along >= least_mm, (au, landmark, head.identity)


def test_lids_answer_to_their_own_units(heads: list[MakeHumanHead]) -> None:
    for head in heads:
        rest = aperture_mm(head, skin(head))
        assert (aperture_mm(head, skin(head, AU5=5)) > rest + 1).all()
        assert (aperture_mm(head, skin(head, AU6=5)) < rest - 0.4).all()
        assert (aperture_mm(head, skin(head, AU7=5)) < rest - 1.5).all()


def test_au9_is_told_from_au4_and_au10(heads: list[MakeHumanHead]) -> None:
    for head in heads:
        brow = [np.linalg.norm(travel_mm(head, "inner brow", **{au: 5.0})) for au in ("AU9", "AU4")]
        wing = [travel_mm(head, "nose wing", **{au: 5.0})[1] for au in ("AU9", "AU10")]
        lip = [travel_mm(head, "upper lip", **{au: 5.0})[1] for au in ("AU9", "AU10")]
        assert brow[0] <= brow[1] / 2
        assert wing[0] >= wing[1]
        assert lip[1] >= 3 * max(lip[0], 0)


@pytest.mark.parametrize("seed", [0, 1])
def test_separability_survives_personal_expressiveness(model: MakeHuman, seed: int) -> None:
    """The worst case of U(.85, 1.15) for each pair."""
    for cell in ALL_CELLS[seed::7]:
        head = head_of(model, cell, seed)

        def with_scales(head: MakeHumanHead = head, **scales: float) -> MakeHumanHead:
            expressiveness = np.ones(16)
            for name, value in scales.items():
                expressiveness[AU_INDEX[name]] = value
            return head.model.head(dataclasses.replace(head.identity, expressiveness=expressiveness))

        strong9 = with_scales(AU9=1.15, AU4=0.85, AU10=0.85)
        weak9 = with_scales(AU9=0.85, AU10=1.15)
        brow = [np.linalg.norm(travel_mm(strong9, "inner brow", **{au: 5.0})) for au in ("AU9", "AU4")]
        lip = [travel_mm(strong9, "upper lip", **{au: 5.0})[1] for au in ("AU9", "AU10")]
        wing = [travel_mm(weak9, "nose wing", **{au: 5.0})[1] for au in ("AU9", "AU10")]
        assert brow[0] <= brow[1] / 2
        assert lip[1] >= 3 * lip[0]
        assert wing[0] >= wing[1]


def test_speech_leaves_the_jaw_alone(heads: list[MakeHumanHead], model: MakeHuman) -> None:
    teeth = model.coarse.groups["helper-lower-teeth"]
    for head in heads[::7]:
        for au in ("AU25", "AU15", "AU17"):
            moved = head.rig.displace(vector(**{au: 5}))[teeth] - head.neutral_m[teeth]
            assert np.abs(moved).max() < 1.5e-3, au
        dropped = head.rig.displace(vector(AU26=5))[teeth] - head.neutral_m[teeth]
        assert dropped[:, 1].min() < -5e-3
        assert dropped[:, 1].max() < -1e-3


@given(vectors=intensity_vectors)
@few
def test_neutral_is_zero_and_zero_is_neutral(uneven: MakeHumanHead, vectors: np.ndarray) -> None:
    assert np.array_equal(uneven.rig.displace(np.zeros(16)), uneven.neutral_m)
    if vectors.max() > 0.1:
        moved = uneven.lids.settle(
            uneven.model.skin.matrix @ uneven.rig.displace(vectors), uneven.rig.lid_motion(vectors)
        )
        assert np.abs(moved - skin(uneven)).max() > 0


@pytest.mark.parametrize("au", AU_NAMES)
def test_each_unit_grows_strictly(heads: list[MakeHumanHead], au: str) -> None:
    top = 1.0 if au == "AU43" else 5.0
    for head in heads[::11]:
        rest = skin(head)
        travels = [
            float(np.linalg.norm(skin(head, **{au: level}) - rest, axis=1).max()) for level in np.linspace(0, top, 11)
        ]
        assert travels[0] == 0
        assert (np.diff(travels) > 0).all(), travels


@given(vectors=intensity_vectors, k=st.integers(0, 15), share=st.floats(0.05, 1))
@few
def test_more_of_a_unit_is_more_of_every_shape_it_calls(
    uneven: MakeHumanHead, vectors: np.ndarray, k: int, share: float
) -> None:
    less = vectors.copy()
    less[k] *= 1 - share
    grown = amounts(side_weights(uneven.identity, vectors)) - amounts(side_weights(uneven.identity, less))
    assert (grown >= 0).all()
    called = [i for i, name in enumerate((*SHAPES, *LID_MOTIONS)) if name in RECIPES[AU_NAMES[k]]]
    if vectors[k] > 1e-2:
        assert (grown[called] > 0).all()


@given(vectors=intensity_vectors)
@few
def test_swapping_the_asymmetry_mirrors_the_displacement(
    model: MakeHuman, uneven: MakeHumanHead, vectors: np.ndarray
) -> None:
    mirror = mirror_of(model.coarse)
    neutral = ((uneven.neutral_m + uneven.neutral_m[mirror] * (-1, 1, 1)) / 2).astype(np.float32)  # people are not even
    swapped = dataclasses.replace(uneven.identity, asymmetry=-uneven.identity.asymmetry)
    one, two = (
        Rig(model.fields, identity, neutral).displace(vectors) - neutral for identity in (uneven.identity, swapped)
    )
    # float32 columns of lips that meet are found to a few micrometres
    np.testing.assert_allclose(two[mirror] * (-1, 1, 1), one, atol=1e-5)


def test_mirror_is_a_symmetry_of_the_mesh(model: MakeHuman) -> None:
    mirror = mirror_of(model.coarse)
    assert np.array_equal(mirror[mirror], np.arange(len(mirror)))
    assert np.array_equal(model.coarse.base_m[mirror], model.coarse.base_m * np.float32((-1, 1, 1)))


def test_the_weaker_side_moves_less_and_au43_is_even(uneven: MakeHumanHead) -> None:
    identity = dataclasses.replace(uneven.identity, asymmetry=np.full(16, 0.25), expressiveness=np.full(16, 1.1))
    weights = side_weights(identity, vector(**{au: 5 for au in AU_NAMES if au != "AU43"}, AU43=1))
    even = AU_INDEX["AU43"]
    np.testing.assert_allclose(np.delete(weights, even, axis=0), np.tile([1.1, 0.825], (15, 1)))
    assert weights[even].tolist() == [1, 1]


def test_the_curve_is_monotone_through_the_facs_levels() -> None:
    assert intensity_to_weight(np.array([0.0, 5.0])).tolist() == [0, 1]
    assert (np.diff(intensity_to_weight(np.linspace(0, 5, 101))) > 0).all()


@pytest.mark.parametrize(("au", "value"), [("AU4", 5.5), ("AU43", 2.0), ("AU6", -1.0), ("AU7", float("nan"))])
def test_a_wrong_intensity_is_named(uneven: MakeHumanHead, au: str, value: float) -> None:
    with pytest.raises(ValueError, match=rf"{au}: intensity {value:g} is outside 0\.\."):
        uneven.rig.displace(vector(**{au: value}))


def test_everything_at_once_stays_a_face(heads: list[MakeHumanHead]) -> None:
    """All pain at 5 moves no skin further than 1.5 times the strongest unit does alone."""
    pain = {au: 1.0 if au == "AU43" else 5.0 for au in PAIN_AUS}
    for head in heads[::7]:
        rest = skin(head)
        alone = max(np.linalg.norm(skin(head, **{au: v}) - rest, axis=1).max() for au, v in pain.items())
        assert np.linalg.norm(skin(head, **pain) - rest, axis=1).max() < 1.5 * alone


def test_recipes_cover_the_units_and_use_every_shape() -> None:
    assert tuple(RECIPES) == AU_NAMES
    assert {name for recipe in RECIPES.values() for name in recipe} == {*SHAPES, *LID_MOTIONS}
    assert len(LEFT_LANDMARKS) == 8
