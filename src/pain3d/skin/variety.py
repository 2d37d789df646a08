"""How different skins are: the colour of the face in patches, free of light."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from jaxtyping import Float

from pain3d.face.mesh import Part
from pain3d.skin.atlas import SkinAtlas
from pain3d.skin.fields import Field
from pain3d.skin.maps import SkinMaps
from pain3d.skin.tone import cielab, srgb_to_linear

PATCH_MM = 6.0


def colour_descriptor(skins: Iterable[SkinMaps], atlas: SkinAtlas) -> Float[np.ndarray, "skin patch 3"]:
    """CIELAB of the mean albedo in patches of `PATCH_MM` over the front of the face, hairline to chin, brows and lips
    included. The distance of two patches is a difference of colour, delta E (1976).

    Args:
        skins: maps over `atlas`.
        atlas: of the head model.
    """
    place = atlas.position_mm[atlas.texel]
    face = (atlas.part == Part.SKIN) & (atlas.fields[:, Field.FACE] > 0.5) & (atlas.fields[:, Field.SCALP] < -8)
    column, row = (np.floor(place[face][:, k] / PATCH_MM).astype(np.int64) for k in (0, 1))
    _, patch = np.unique(row * 1000 + column, return_inverse=True)
    area = atlas.area_mm2[face].astype(np.float64)
    whole = np.bincount(patch, area)
    kept = whole > 0.5 * PATCH_MM**2
    out = []
    for skin in skins:
        linear = srgb_to_linear(skin.albedo.reshape(-1, 3)[atlas.texel[face]])
        mean = np.stack([np.bincount(patch, area * linear[:, k]) / whole for k in range(3)], axis=1)
        out.append(cielab(mean[kept]))
    return np.stack(out)
