"""Painted skins."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pain3d.demographics import ETHNICITIES
from pain3d.face.mesh import Part, Region
from pain3d.skin.atlas import SkinAtlas, cell_texels
from pain3d.skin.fields import Field
from pain3d.skin.maps import SkinMaps
from pain3d.skin.procedural import Painter, hair_albedo, paint
from pain3d.skin.template import Template
from pain3d.skin.tone import cielab, srgb_to_linear, target_ita_degrees
from pain3d.skin.traits import SkinTraits, sample_traits


def person(seed: int = 1, **change: object) -> SkinTraits:
    plain = {"age_years": 40, "sex": "male", "ethnicity": "white", "skin_tone_mst": 4}
    who = {key: change.pop(key, value) for key, value in plain.items()}
    return dataclasses.replace(sample_traits(np.random.default_rng(seed), **who), **change)  # type: ignore[arg-type]


def values(atlas: SkinAtlas, texels: np.ndarray) -> np.ndarray:
    return texels.reshape(atlas.size**2, -1)[atlas.texel]


def test_skin_tone_comes_out_as_asked(tones: dict[int, tuple[SkinTraits, SkinMaps]]) -> None:
    for tone, (_, maps) in tones.items():
        assert maps.skin_tone_mst == tone
        assert maps.ita_degrees == pytest.approx(target_ita_degrees(tone), abs=5), tone


@pytest.mark.parametrize("ethnicity", ETHNICITIES)
def test_skin_tone_holds_for_every_group_and_complexion(painter: Painter, ethnicity: str) -> None:
    for seed in range(3):
        traits = sample_traits(np.random.default_rng(seed), age_years=30 + 25 * seed, sex="male", ethnicity=ethnicity)  # type: ignore[arg-type]
        maps = painter.paint(traits)
        assert maps.ita_degrees == pytest.approx(target_ita_degrees(traits.skin_tone_mst), abs=5)


def test_same_traits_same_bytes_and_another_seed_another_skin(painter: Painter, atlas: SkinAtlas) -> None:
    first, second = painter.paint(person()), paint(person(), atlas)
    other = painter.paint(dataclasses.replace(person(), seed=7))
    for name in ("albedo", "height_mm", "roughness", "region"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
        assert (getattr(first, name) != getattr(other, name)).any()


def test_regions_have_plausible_areas(atlas: SkinAtlas, tones: dict[int, tuple[SkinTraits, SkinMaps]]) -> None:
    """Square centimetres on the template; vermilion, brows, scalp and shirt of adults."""
    skin = atlas.part == Part.SKIN
    for traits, maps in tones.values():
        region = values(atlas, maps.region)[:, 0]
        area = {r: atlas.area_mm2[skin & (region == r)].sum() / 100 for r in Region}
        assert 6 < area[Region.LIPS] < 20
        assert 1.5 < area[Region.BROWS] < 14
        assert 60 < area[Region.HAIR] < 900 or traits.baldness > 0.5
        assert area[Region.GARMENT] > 300
        assert area[Region.SKIN] > 400
        assert set(np.unique(region[skin])) <= {
            Region.SKIN, Region.LIPS, Region.BROWS, Region.HAIR, Region.GARMENT
        }  # fmt: skip


def test_colour_is_continuous_across_texture_seams(atlas: SkinAtlas, template: Template, painter: Painter) -> None:
    """Both sides of a seam show the same skin: points that lie on two charts or edges have nearly the same colour."""
    maps = painter.paint(person(sex="female", age_years=30, freckles=0.0, moles=0, age_spots=0.0))
    topology = template.mesh.topology
    skin = np.unique(topology.triangles[topology.part == Part.SKIN])
    order = skin[np.argsort(topology.point_of[skin], kind="stable")]
    same = np.flatnonzero(np.diff(topology.point_of[order]) == 0)
    one, two = order[same], order[same + 1]
    texel = np.clip((topology.uvs * atlas.size).astype(int), 0, atlas.size - 1)
    a, b = (maps.albedo[texel[v, 1], texel[v, 0]].astype(int) for v in (one, two))
    regions = maps.region[texel[one, 1], texel[one, 0]], maps.region[texel[two, 1], texel[two, 0]]
    assert len(one) > 20
    bare = (regions[0] == regions[1]) & (regions[0] == Region.SKIN)
    difference = np.abs(a - b).max(axis=1)
    assert np.median(difference[bare]) <= 6 and np.percentile(difference[bare], 95) <= 25
    assert (regions[0] == regions[1]).mean() > 0.9


def test_the_neck_is_the_same_skin_as_the_face(atlas: SkinAtlas, tones: dict[int, tuple[SkinTraits, SkinMaps]]) -> None:
    position = atlas.position_mm[atlas.texel]
    neck = (atlas.part == Part.SKIN) & (position[:, 1] < -118) & (np.abs(position[:, 0]) < 40)
    for tone, (traits, maps) in tones.items():
        albedo, region = values(atlas, maps.albedo), values(atlas, maps.region)[:, 0]
        bare = neck & (region == Region.SKIN) & (atlas.fields[:, Field.BEARD] < 0.05)
        cheek = maps.albedo.reshape(-1, 3)[atlas.measured]
        a, b = (cielab(srgb_to_linear(x).mean(axis=0)) for x in (albedo[bare], cheek))
        assert np.linalg.norm(a - b) < 9, (tone, traits)


def test_wrinkles_deepen_with_age_and_where_they_belong(atlas: SkinAtlas, painter: Painter) -> None:
    position = atlas.position_mm[atlas.texel]
    forehead = (np.abs(position[:, 0]) < 30) & (np.abs(position[:, 1] - 46) < 16) & (position[:, 2] > 0)
    relief = []
    for age in (20, 45, 65, 90):
        rough = [
            values(atlas, painter.paint(person(seed, age_years=age, sex="female")).height_mm)[forehead].std()
            for seed in range(2)
        ]
        relief.append(np.mean(rough))
    assert relief[0] < relief[1] < relief[3] and relief[2] < 1.2 * relief[3]
    assert relief[3] > 2 * relief[0]


def test_lips_are_redder_than_the_skin_around(atlas: SkinAtlas, tones: dict[int, tuple[SkinTraits, SkinMaps]]) -> None:
    for traits, maps in tones.values():
        albedo, region = values(atlas, maps.albedo), values(atlas, maps.region)[:, 0]
        lips = cielab(srgb_to_linear(albedo[region == Region.LIPS]).mean(axis=0))
        cheek = cielab(srgb_to_linear(maps.albedo.reshape(-1, 3)[atlas.measured]).mean(axis=0))
        assert lips[1] > cheek[1] + (1.5 if traits.skin_tone_mst < 8 else 0.5)  # pigment hides blood
        gloss = values(atlas, maps.roughness)[:, 0]
        assert gloss[region == Region.LIPS].mean() < gloss[region == Region.SKIN].mean() - 15


def test_brows_are_darker_than_skin_and_beards_show(atlas: SkinAtlas, painter: Painter) -> None:
    position = atlas.position_mm[atlas.texel]
    chin = (atlas.fields[:, Field.BEARD] > 0.7) & (position[:, 1] < -80)
    light = []
    for beard in (0.0, 0.35, 1.0):
        maps = painter.paint(
            person(hair_eumelanin=6.0, grey=0.0, beard=beard, beard_moustache_only=False, age_years=30)
        )
        albedo, region = values(atlas, maps.albedo).astype(float), values(atlas, maps.region)[:, 0]
        light.append(albedo[chin].mean())
        brow = albedo[region == Region.BROWS].mean()
        assert brow < 0.8 * maps.albedo.reshape(-1, 3)[atlas.measured].mean()
    assert light[0] > light[1] + 5 > light[2] + 15


def test_baldness_takes_the_crown_and_leaves_the_fringe(atlas: SkinAtlas, painter: Painter) -> None:
    position = atlas.position_mm[atlas.texel]
    crown = (position[:, 1] > 100) & (atlas.part == Part.SKIN)
    nape = (position[:, 2] < -130) & (np.abs(position[:, 1] + 20) < 20) & (atlas.part == Part.SKIN)
    for baldness, expected in ((0.0, 0.99), (1.0, 0.02)):
        maps = painter.paint(person(baldness=baldness, hairline_mm=0.0))
        hair = values(atlas, maps.region)[:, 0] == Region.HAIR
        assert abs(hair[crown].mean() - expected) < 0.05
        assert hair[nape].mean() > 0.9


def test_hair_runs_from_fair_to_black_and_red() -> None:
    fair, brown, black = (hair_albedo(e, 0.1) for e in (0.25, 1.5, 8.0))
    assert (fair > brown).all() and (brown > black).all() and black.max() < 0.03
    red = hair_albedo(0.4, 1.4)
    assert red[0] / red[1] > 1.3 * fair[0] / fair[1]


def test_eyes_teeth_and_lashes_fill_their_cells(tones: dict[int, tuple[SkinTraits, SkinMaps]]) -> None:
    for traits, maps in tones.values():
        row, column, rows, columns = cell_texels("eyes", maps.size)
        eye = maps.albedo[row : row + rows, column : column + columns].astype(float)
        y, x = np.mgrid[:rows, :columns]
        r = np.hypot((x + 0.5) / columns - 0.5, (y + 0.5) / rows - 0.5)
        pupil, iris, white = (
            eye[r < 0.06].mean(),
            eye[(r > 0.15) & (r < 0.2)].mean(),
            eye[(r > 0.31) & (r < 0.38)].mean(),
        )
        assert pupil < 25 < iris < white - 30
        assert 130 < white < 215
        row, column, rows, columns = cell_texels("teeth_gums", maps.size)
        teeth = maps.albedo[row : row + rows, column : column + columns // 2].astype(float)
        incisors = teeth[: rows // 4, 6 * columns // 28 : 8 * columns // 28].reshape(-1, 3).mean(axis=0)
        assert incisors[0] > incisors[2] and 130 < incisors.mean() < 230, traits
        row, column, rows, columns = cell_texels("lashes", maps.size)
        assert maps.albedo[row : row + rows, column : column + columns].mean() < 110


def test_texels_beyond_the_charts_repeat_their_neighbours(atlas: SkinAtlas, painter: Painter) -> None:
    maps = painter.paint(person())
    for texels in (maps.albedo.reshape(-1, 3), maps.roughness.ravel(), maps.height_mm.ravel()):
        np.testing.assert_array_equal(texels[atlas.empty], texels[atlas.nearest])
