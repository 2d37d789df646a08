"""Marks and crinkles: what tells one skin from another of its age."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pain3d.demographics import ETHNICITIES
from pain3d.face.mesh import Part, Region
from pain3d.skin.atlas import SkinAtlas
from pain3d.skin.crinkles import crinkles, tension_lines
from pain3d.skin.ground import Ground
from pain3d.skin.kernels import GROOVE, SCAR, SPOT, VESSEL
from pain3d.skin.marks import ARTERY, VEIN, broken_vessels, marks, pimples, scars, spots, veins
from pain3d.skin.procedural import Painter
from pain3d.skin.tone import target_ita_degrees
from pain3d.skin.traits import SkinTraits, sample_traits

CLEAR = {"freckles": 0.0, "moles": 0, "age_spots": 0.0, "pimples": 0, "vessels": 0.0, "veins": 0.0, "scars": 0}


@pytest.fixture(scope="module")
def ground(atlas: SkinAtlas) -> Ground:
    return Ground(atlas)


def person(**change: object) -> SkinTraits:
    traits = sample_traits(np.random.default_rng(3), age_years=70, sex="female", ethnicity="white", skin_tone_mst=3)
    return dataclasses.replace(traits, **{**CLEAR, "make_up": 0.0, **change})  # type: ignore[arg-type]


def test_a_clear_skin_has_no_marks(ground: Ground) -> None:
    assert len(marks(person(), ground)) == 0


@pytest.mark.parametrize(
    ("draw", "trait", "some", "layer", "shade"),
    [
        (spots, "moles", 9, SPOT, 0),
        (pimples, "pimples", 12, VESSEL, ARTERY),
        (broken_vessels, "vessels", 0.7, VESSEL, ARTERY),
        (veins, "veins", 0.8, VESSEL, VEIN),
        (scars, "scars", 3, SCAR, 0),
    ],
)
def test_each_kind_follows_its_trait(
    ground: Ground, atlas: SkinAtlas, draw: object, trait: str, some: float, layer: int, shade: int
) -> None:
    assert callable(draw)
    drawn = draw(person(**{trait: some}), ground)
    assert len(drawn) >= 3 and (drawn.layer == int(layer)).all() and (drawn.shade == shade).all()
    near = np.linalg.norm(drawn.start_mm - atlas.position_mm[drawn.root], axis=1)
    assert near.max() < 8 and ((drawn.strength > 0) & (drawn.strength <= 1)).all()
    again, other = draw(person(**{trait: some}), ground), draw(person(**{trait: some}, seed=9), ground)
    np.testing.assert_array_equal(drawn.start_mm, again.start_mm)
    assert len(other) != len(drawn) or not np.array_equal(other.start_mm, drawn.start_mm)


def test_vessels_redden_scars_pale_and_only_there(painter: Painter, ground: Ground) -> None:
    """Colour moves under the strokes, and nowhere else by more than the shift that keeps the tone."""
    plain = painter.paint(person())
    for change, direction in (({"vessels": 1.0}, (1.0, -1.0, 0.0)), ({"scars": 6}, (0.3, 0.4, 0.3))):
        traits = person(**change)
        maps = painter.paint(traits)
        root = marks(traits, ground).root
        bare = plain.region.ravel()[root] == Region.SKIN
        change_of_colour = maps.albedo.astype(float) - plain.albedo
        shift = np.median(change_of_colour[plain.region == Region.SKIN], axis=0)
        there = (change_of_colour.reshape(-1, 3)[root[bare]] - shift).mean(axis=0)
        assert np.abs(shift).max() <= 2
        assert there @ np.array(direction) > 2.0
        moved = np.abs(change_of_colour - shift).max(axis=2).ravel() > 6
        assert moved.mean() < 0.02


def test_old_skin_crinkles_and_young_skin_does_not(ground: Ground) -> None:
    assert len(crinkles(person(wrinkles=0.1), ground)) == 0
    some, more = (crinkles(person(wrinkles=w), ground) for w in (0.5, 1.0))
    assert 300 < len(some) < len(more) and (more.layer == int(GROOVE)).all()


def test_tension_lines_mirror_and_lie_as_in_a_face() -> None:
    at = np.array([[10.0, 55, 30], [30, -50, 20], [62, 0, -10], [32, -14, 10], [4, -57, 40], [20, -130, 0]])
    way = tension_lines(at)
    mirrored = tension_lines(at * [-1, 1, 1]) * [-1, 1, 1]
    np.testing.assert_allclose(np.abs((way * mirrored).sum(axis=1)), 1.0, atol=1e-6)
    slope = np.degrees(np.arctan2(way[:, 1], way[:, 0])) % 180
    across = np.minimum(slope, 180 - slope)
    assert across[0] < 5 and across[5] < 5  # forehead and neck: across
    assert 100 < slope[1] < 130  # cheek: down and outwards, as the nasolabial fold
    assert across[2] < 15 and across[3] < 25  # away from the eye's corner; around it below
    assert across[4] > 75  # lips: upright


@pytest.mark.parametrize("ethnicity", ETHNICITIES)
def test_tone_is_met_whatever_lies_on_the_skin(painter: Painter, ethnicity: str) -> None:
    for seed, age in enumerate((22, 85)):
        traits = sample_traits(np.random.default_rng(seed), age_years=age, sex="female", ethnicity=ethnicity)  # type: ignore[arg-type]
        traits = dataclasses.replace(traits, freckles=1.0, vessels=1.0, pimples=60, age_spots=1.0)
        ita = painter.paint(traits).ita_degrees
        assert ita == pytest.approx(target_ita_degrees(traits.skin_tone_mst), abs=1.5)


def test_lips_have_creases_that_run_upright(atlas: SkinAtlas, painter: Painter) -> None:
    height = painter.paint(person(wrinkles=0.0)).height_mm
    region = painter.paint(person()).region
    lips = (region == Region.LIPS).ravel()[atlas.texel] & (atlas.part == Part.SKIN)
    place, value = atlas.position_mm[atlas.texel][lips], height.ravel()[atlas.texel][lips]
    middle = np.abs(place[:, 0]) < 12
    place, value = place[middle], value[middle]
    columns = np.round(place[:, 0] / 0.5).astype(int)
    within = np.mean([value[columns == k].std() for k in np.unique(columns)])
    between = np.std([value[columns == k].mean() for k in np.unique(columns)])
    assert value.std() > 0.01 and between > 0.3 * within
