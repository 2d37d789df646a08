"""Ribbons of hair: within their budget, rooted in the skin in every pose, off the face, the same for the same seed."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest

from pain3d.expressions import Expression
from pain3d.face import makehuman
from pain3d.face.model import Head
from pain3d.skin.beards import FULL_BEARD, beard_ribbons
from pain3d.skin.beards import TRIANGLES as BEARD_TRIANGLES
from pain3d.skin.growth import SHORT_POINTS, TRIANGLES, head_ribbons
from pain3d.skin.hair import Scalp, with_hair
from pain3d.skin.hair_ground import HairGround
from pain3d.skin.haircut import STYLES, haircut_of, scalp_under
from pain3d.skin.knots import RIBBONS as KNOT_RIBBONS
from pain3d.skin.ribbons import Ribbons, joined, no_ribbons
from pain3d.skin.template import Template
from pain3d.skin.traits import SkinTraits, sample_traits
from pain3d.streams import stream

PAIN = Expression(AU4=5, AU6=4, AU7=4, AU9=5, AU25=4, AU26=5)
GROWN = [style for style in STYLES if style not in ("bald", "buzz")]


@cache
def template() -> Template:
    model = makehuman.load()
    return Template(mesh=model.template, base_uvs=model.base_uvs)


@cache
def ground() -> HairGround:
    return HairGround.of(template())


@cache
def head(sex: str) -> Head:
    model = makehuman.load()
    return model.head(model.sample(stream(3, "test"), age_years=50, sex=sex, ethnicity="white"))  # type: ignore[arg-type]


@cache
def wearer(style: str) -> SkinTraits:
    """The first of a crowd who wears this style."""
    for seed in range(400):
        sex, group = ("female", "male")[seed % 2], ("black", "white")[seed // 2 % 2]
        traits = sample_traits(stream(seed, "skin"), age_years=35 + seed % 30, sex=sex, ethnicity=group)  # type: ignore[arg-type]
        if haircut_of(traits).style == style:
            return traits
    raise AssertionError(f"nobody wears {style}")


@cache
def worn(style: str) -> Ribbons:
    traits = wearer(style)
    cut = haircut_of(traits)
    below = scalp_under(traits, cut)
    scalp = Scalp.of(template())
    return head_ribbons(below, cut, ground(), with_hair(head(traits.sex).neutral, scalp, scalp.lift_mm(below)))


def bearded() -> SkinTraits:
    for seed in range(100):
        traits = sample_traits(stream(seed, "skin"), age_years=40, sex="male", ethnicity="white")
        if traits.beard >= FULL_BEARD and not traits.beard_moustache_only:
            return traits
    raise AssertionError("nobody has a beard")


@pytest.mark.parametrize("style", GROWN)
def test_ribbons_are_finite_and_within_their_budget(style):
    ribbons = worn(style)
    count, points, _ = ribbons.points_m.shape
    assert 0 < count * 2 * (points - 1) <= TRIANGLES + KNOT_RIBBONS * 2 * (points - 1)
    for values in (ribbons.points_m, ribbons.normals, ribbons.half_width_m):
        assert np.isfinite(values).all()
    assert (ribbons.half_width_m >= 0).all()
    assert ribbons.half_width_m.max() < 0.01
    assert ((ribbons.layer >= 0) & (ribbons.layer <= 1)).all()
    np.testing.assert_allclose(ribbons.share.sum(axis=1), 1)


@pytest.mark.parametrize("style", GROWN)
def test_hair_leaves_eyes_nose_and_mouth_free(style):
    ribbons = worn(style)
    x, y, z = np.moveaxis(ribbons.points_m[ribbons.half_width_m > 0] * 1000, -1, 0)
    before_face = (np.abs(x) < 45) & (y < 25) & (y > -105) & (z > -15)
    assert not before_face.any()


@pytest.mark.parametrize("style", ["long", "afro", "bun"])
def test_the_same_traits_grow_the_same_hair(style):
    traits = wearer(style)
    cut = haircut_of(traits)
    below = scalp_under(traits, cut)
    scalp = Scalp.of(template())
    again = head_ribbons(below, cut, ground(), with_hair(head(traits.sex).neutral, scalp, scalp.lift_mm(below)))
    for name, values in vars(worn(style)).items():
        np.testing.assert_array_equal(values, getattr(again, name), err_msg=name)


def test_at_rest_ribbons_are_where_they_grew():
    ribbons = worn("short")
    rest = head(wearer("short").sex).neutral
    points, normals = ribbons.posed(rest, rest)
    np.testing.assert_allclose(points, ribbons.points_m, atol=1e-7)
    np.testing.assert_allclose(normals, ribbons.normals, atol=1e-6)


def test_a_beard_keeps_to_the_skin_that_moves():
    traits = bearded()
    rest, moved = head("male").neutral, head("male").express(PAIN)
    beard = beard_ribbons(traits, ground(), rest, SHORT_POINTS)
    assert beard.beard.all()
    assert 0 < len(beard) * 2 * (SHORT_POINTS - 1) <= BEARD_TRIANGLES
    points, _ = beard.posed(rest, moved)
    root_of = {mesh: (mesh.vertices_m[beard.root] * beard.share[..., None]).sum(axis=1) for mesh in (rest, moved)}
    assert np.linalg.norm(root_of[moved] - root_of[rest], axis=1).max() > 0.005  # the jaw dropped
    np.testing.assert_allclose(points[:, 0], root_of[moved], atol=1e-6)
    length = [np.linalg.norm(np.diff(line, axis=1), axis=2).sum(axis=1) for line in (beard.points_m, points)]
    np.testing.assert_allclose(length[1], length[0], rtol=1e-3)


def test_hair_of_the_scalp_hardly_moves_in_pain():
    rest, moved = head("male").neutral, head("male").express(PAIN)
    for style in ("short", "receding"):
        if wearer(style).sex == "male":
            points, _ = worn(style).posed(rest, moved)
            travelled = np.linalg.norm(points - worn(style).points_m, axis=2)
            assert np.median(travelled) < 0.0005


def test_shaven_chins_bear_no_ribbons():
    shaven = sample_traits(stream(1, "skin"), age_years=40, sex="female", ethnicity="white")
    assert len(beard_ribbons(shaven, ground(), head("female").neutral, SHORT_POINTS)) == 0


def test_sets_are_joined_in_order():
    both = joined([worn("short"), no_ribbons(worn("short").points_m.shape[1]), worn("short")])
    assert len(both) == 2 * len(worn("short"))
    np.testing.assert_array_equal(both.seed[: len(worn("short"))], worn("short").seed)
