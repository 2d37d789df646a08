"""How different skins are."""

from __future__ import annotations

import dataclasses

import numpy as np

from pain3d.face.variety import nearest_pair
from pain3d.skin.atlas import SkinAtlas
from pain3d.skin.maps import SkinMaps
from pain3d.skin.procedural import Painter
from pain3d.skin.traits import SkinTraits, sample_traits
from pain3d.skin.variety import colour_descriptor


def test_the_same_skin_is_at_no_distance_and_tones_apart(
    atlas: SkinAtlas, tones: dict[int, tuple[SkinTraits, SkinMaps]]
) -> None:
    skins = [maps for _, maps in tones.values()]
    descriptor = colour_descriptor([*skins, skins[3]], atlas)
    assert len(descriptor) == 11 and 200 < descriptor.shape[1] < 900
    pair = nearest_pair(descriptor)
    assert (pair.first, pair.second) == (3, 10) and pair.rms < 1e-3
    assert nearest_pair(descriptor[:10]).rms > 2
    lightness = descriptor[:10, :, 0].mean(axis=1)
    assert (np.diff(lightness) < 0).all()


def test_one_group_tone_and_age_still_gives_different_faces(atlas: SkinAtlas, painter: Painter) -> None:
    traits = [
        sample_traits(np.random.default_rng(k), age_years=60, sex="female", ethnicity="white", skin_tone_mst=3)
        for k in range(12)
    ]
    same_traits = [dataclasses.replace(traits[0], seed=k) for k in range(12)]
    for people, least in ((traits, 1.0), (same_traits, 0.5)):
        assert nearest_pair(colour_descriptor([painter.paint(one) for one in people], atlas)).rms > least
