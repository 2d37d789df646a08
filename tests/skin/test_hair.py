"""Hair stands where hair is painted, as high as the traits say, and moves nothing that is measured."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from scipy.spatial import KDTree

from pain3d.demographics import ETHNICITIES, SEXES
from pain3d.expressions import Expression
from pain3d.face import makehuman
from pain3d.face.mesh import FaceMesh, Region
from pain3d.skin.atlas import SkinAtlas
from pain3d.skin.fields import Field
from pain3d.skin.hair import Scalp, with_hair
from pain3d.skin.procedural import Painter
from pain3d.skin.template import Template, masks
from pain3d.skin.traits import MAX_HAIR_DROP_MM, MAX_HAIR_VOLUME_MM, SkinTraits, sample_traits


@pytest.fixture(scope="module")
def scalp(template: Template) -> Scalp:
    return Scalp.of(template)


def person(seed: int = 1, **change: object) -> SkinTraits:
    drawn = sample_traits(np.random.default_rng(seed), age_years=35, sex="female", ethnicity="white")
    return dataclasses.replace(drawn, **{"hair_volume_mm": 22.0, "hair_drop_mm": 0.0, "baldness": 0.0} | change)  # type: ignore[arg-type]


PEOPLE = [
    sample_traits(np.random.default_rng(seed), age_years=20 + 3 * seed, sex=sex, ethnicity=ethnicity)
    for seed, (sex, ethnicity) in enumerate((s, e) for s in SEXES for e in ETHNICITIES)
]


def moved_mm(before: FaceMesh, after: FaceMesh) -> np.ndarray:
    return 1000 * np.linalg.norm(after.vertices_m.astype(float) - before.vertices_m, axis=1)


@pytest.mark.parametrize("traits", PEOPLE)
def test_no_vertex_moves_further_than_the_hair_is_thick(scalp: Scalp, template: Template, traits: SkinTraits) -> None:
    lift = scalp.lift_mm(traits)
    assert lift.dtype == np.float32
    assert np.isfinite(lift).all()
    assert lift.min() >= 0
    assert 0.2 * traits.hair_volume_mm < lift.max() <= traits.hair_volume_mm <= MAX_HAIR_VOLUME_MM
    moved = moved_mm(template.mesh, with_hair(template.mesh, scalp, lift))
    np.testing.assert_allclose(moved[scalp.vertices], lift, atol=2e-4)


def test_face_ears_neck_anatomy_and_landmarks_stay_to_the_bit(scalp: Scalp, template: Template) -> None:
    mesh = template.mesh
    hairy = with_hair(mesh, scalp, scalp.lift_mm(person(hairline_mm=-6.0, hair_volume_mm=MAX_HAIR_VOLUME_MM)))
    still = np.all(hairy.vertices_m == mesh.vertices_m, axis=1)
    assert still[mesh.topology.landmarks].all()
    assert still[masks(template.base_uvs)["ears"] > 0.4].all()
    marks = 1000 * mesh.landmarks_m
    mm = 1000 * mesh.vertices_m
    face = (mm[:, 1] < marks[17:27, 1].max() + 20) & (mm[:, 2] > marks[[36, 45], 2].mean() - 15)
    assert face.sum() > 5000
    assert still[face].all()
    assert still[mm[:, 1] < marks[8, 1]].all()
    assert still[~mesh.topology.measured].all()
    assert (~still).sum() > 1000


def test_points_across_a_texture_seam_stay_together(scalp: Scalp, template: Template) -> None:
    hairy = with_hair(template.mesh, scalp, scalp.lift_mm(person()))
    point_of = template.mesh.topology.point_of
    _, first = np.unique(point_of, return_index=True)
    assert len(first) < len(point_of)
    assert (hairy.vertices_m == hairy.vertices_m[first[point_of]]).all()
    assert (hairy.normals == hairy.normals[first[point_of]]).all()


def test_bald_heads_keep_their_skull(scalp: Scalp) -> None:
    lift = scalp.lift_mm(person(baldness=1.0))
    y = scalp.position_mm[:, 1]
    assert (lift[y > 85] == 0).all()
    assert lift[y < 45].max() > 1
    assert (lift <= scalp.lift_mm(person(baldness=0.5))).all()


@pytest.mark.parametrize("traits", PEOPLE)
def test_no_bare_skin_is_lifted(scalp: Scalp, atlas: SkinAtlas, painter: Painter, traits: SkinTraits) -> None:
    """Where the maps say skin, hair stands at most a third as high as on the top."""
    lift = scalp.lift_mm(traits)
    region = painter.paint(traits).region.ravel()[atlas.texel]
    scalp_texels = atlas.fields[:, Field.SCALP] > -12
    position = atlas.position_mm[atlas.texel]
    # vertices and texels share canonical coordinates
    distance, nearest = KDTree(position[scalp_texels]).query(scalp.position_mm)
    near = distance < 1.0
    bare = near & (region[scalp_texels][nearest] == Region.SKIN)
    high = near & (lift > 0.33 * traits.hair_volume_mm)
    assert bare.sum() > 20
    assert (bare & high).sum() <= 0.02 * high.sum()


def test_long_hair_hangs_behind_the_ears_and_nowhere_else(scalp: Scalp, template: Template) -> None:
    short, long = (scalp.lift_mm(person(hair_drop_mm=drop)) for drop in (0.0, MAX_HAIR_DROP_MM))
    longer = long > short + 0.5
    assert longer.sum() > 50
    assert (scalp.position_mm[longer, 2] < -65).all()
    collar = -150.0
    assert scalp.position_mm[longer, 1].min() > collar
    hairy = with_hair(template.mesh, scalp, long)
    ears = masks(template.base_uvs)["ears"] > 0.4
    assert (hairy.vertices_m[ears] == template.mesh.vertices_m[ears]).all()


def test_thicker_hair_stands_higher_everywhere(scalp: Scalp) -> None:
    before = np.zeros(len(scalp.vertices))
    for volume in (1.0, 4.0, 10.0, 18.0, MAX_HAIR_VOLUME_MM):
        lift = scalp.lift_mm(person(hair_volume_mm=volume))
        deep = scalp.inside_mm > 30
        assert (lift[deep] > before[deep]).all()
        before = lift


def test_sides_are_tapered_and_seeds_differ(scalp: Scalp) -> None:
    x, y = np.abs(scalp.position_mm[:, 0]), scalp.position_mm[:, 1]
    side = (x > 60) & (y < 45) & (scalp.inside_mm > 20)
    faded, full = (scalp.lift_mm(person(hair_sides=share))[side].mean() for share in (0.3, 0.9))
    assert faded < 0.5 * full
    one, two = person(seed=1), dataclasses.replace(person(seed=1), seed=99)
    assert not np.array_equal(scalp.lift_mm(one), scalp.lift_mm(two))
    assert scalp.lift_mm(one).tobytes() == scalp.lift_mm(one).tobytes()


def test_normals_are_unit_and_those_of_the_lifted_surface(scalp: Scalp, template: Template) -> None:
    mesh = template.mesh
    hairy = with_hair(mesh, scalp, scalp.lift_mm(person()))
    np.testing.assert_allclose(np.linalg.norm(hairy.normals, axis=1), 1.0, atol=1e-5)
    whole = makehuman.load().smooth_normals
    first = np.unique(mesh.topology.point_of, return_index=True)[1]
    expected = whole(hairy.vertices_m[first])[mesh.topology.point_of]
    np.testing.assert_allclose(hairy.normals[scalp.shaded], expected[scalp.shaded], atol=1e-4)
    untouched = np.setdiff1d(np.arange(len(mesh.normals)), scalp.shaded)
    assert (hairy.normals[untouched] == mesh.normals[untouched]).all()


def test_without_hair_nothing_changes(scalp: Scalp, template: Template) -> None:
    none = with_hair(template.mesh, scalp, np.zeros(len(scalp.vertices), np.float32))
    assert (none.vertices_m == template.mesh.vertices_m).all()
    np.testing.assert_allclose(none.normals, template.mesh.normals, atol=1e-5)


def test_hair_keeps_its_thickness_in_every_expression(scalp: Scalp) -> None:
    model = makehuman.load()
    identity = model.sample(np.random.default_rng(5), age_years=40, sex="female", ethnicity="black")
    head, lift = model.head(identity), scalp.lift_mm(person())
    for expression in (Expression(), Expression(AU1=5, AU2=5, AU43=1, AU27=5)):
        posed = head.express(expression)
        moved = moved_mm(posed, with_hair(posed, scalp, lift))
        np.testing.assert_allclose(moved[scalp.vertices], lift, atol=2e-4)


def test_women_wear_more_hair_than_men() -> None:
    volumes = {
        sex: np.median(
            [
                sample_traits(np.random.default_rng(k), age_years=30, sex=sex, ethnicity="white").hair_volume_mm
                for k in range(60)
            ]
        )
        for sex in SEXES
    }
    assert volumes["female"] > 1.6 * volumes["male"]
