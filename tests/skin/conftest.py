"""One head model, atlas and painter for all tests of the skin."""

from __future__ import annotations

import numpy as np
import pytest

from pain3d.demographics import ETHNICITIES, SEXES, Ethnicity
from pain3d.face import makehuman
from pain3d.skin.atlas import SkinAtlas, bake_atlas
from pain3d.skin.maps import SkinMaps
from pain3d.skin.procedural import Painter
from pain3d.skin.template import Template
from pain3d.skin.tone import nearest_tone, target_ita_degrees
from pain3d.skin.traits import TONE_SHARES, SkinTraits, sample_traits

SIZE = 512
"""A quarter of the texels of the real atlas: enough to test by."""


@pytest.fixture(scope="session")
def template() -> Template:
    model = makehuman.load()
    return Template(mesh=model.template, base_uvs=model.base_uvs)


@pytest.fixture(scope="session")
def atlas(template: Template) -> SkinAtlas:
    return bake_atlas(template, SIZE)


@pytest.fixture(scope="session")
def painter(atlas: SkinAtlas) -> Painter:
    return Painter(atlas)


def group_with(tone: int) -> Ethnicity:
    """An appearance group that has a Monk tone."""
    return next(group for group in ETHNICITIES if tone in TONE_SHARES[group])


@pytest.fixture(scope="session")
def tones(painter: Painter) -> dict[int, tuple[SkinTraits, SkinMaps]]:
    """One skin of each Monk tone; ages, sexes and groups vary along the way."""
    out = {}
    for tone in range(1, 11):
        traits = sample_traits(
            np.random.default_rng(tone),
            age_years=15 + 8 * tone,
            sex=SEXES[tone % 2],
            ethnicity=group_with(tone),
            skin_tone_mst=tone,
        )
        out[tone] = (traits, painter.paint(traits))
    assert all(nearest_tone(target_ita_degrees(tone)) == tone for tone in out)
    return out
