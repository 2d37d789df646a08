"""The gown: a print on the cloth alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pain3d.face.mesh import Region
from pain3d.skin.looks import PLAIN
from pain3d.synth.subject import Subject, painter
from pain3d.worn.gown import gown_traits, printed


@pytest.mark.parametrize("seed", [1, 4])
def test_only_the_cloth_is_printed(seed):
    plain = Subject.sample(seed)
    traits = gown_traits(plain.skin_traits, seed)
    assert traits.garment == "gown"
    assert traits.skin_tone_mst == plain.skin_traits.skin_tone_mst
    before = painter().paint(traits)
    after = printed(before, painter().atlas, seed)
    changed = (before.albedo != after.albedo).any(axis=2)
    assert changed.any()
    assert (before.region[changed] == Region.GARMENT).all()
    np.testing.assert_array_equal(before.height_mm, after.height_mm)
    np.testing.assert_array_equal(after.albedo, printed(before, painter().atlas, seed).albedo)


def test_the_skin_above_the_gown_is_the_same():
    plain, gowned = Subject.sample(2, looks=PLAIN), Subject.sample(2, looks=replace(PLAIN, gown=1.0))
    face = np.isin(plain.maps.region, (Region.LIPS, Region.BROWS))
    np.testing.assert_array_equal(plain.maps.albedo[face], gowned.maps.albedo[face])
    assert plain.maps.ita_degrees == gowned.maps.ita_degrees
    assert gowned.worn == ("gown",)
    assert gowned.wardrobe is None
