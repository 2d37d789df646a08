"""Hospital gown: pale cotton with a small print, painted over the garment of a skin's maps."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from pain3d.face.mesh import Region
from pain3d.skin.atlas import SkinAtlas
from pain3d.skin.fields import smoothstep
from pain3d.skin.maps import SkinMaps
from pain3d.skin.tone import srgb_bytes, srgb_to_linear
from pain3d.skin.traits import Rgb, SkinTraits
from pain3d.streams import stream

CLOTHS: tuple[Rgb, ...] = ((0.60, 0.66, 0.70), (0.52, 0.64, 0.70), (0.56, 0.67, 0.62), (0.66, 0.66, 0.64))
INKS: tuple[Rgb, ...] = ((0.05, 0.12, 0.33), (0.03, 0.22, 0.24), (0.16, 0.10, 0.32), (0.30, 0.06, 0.10))
PITCH_MM = 13.0
"""From motif to motif in a row; rows are staggered."""
SEAM = 0.5
"""Share of a normal that points forwards or backwards on chest and back, not on the shoulders."""


def gown_traits(traits: SkinTraits, seed: int) -> SkinTraits:
    """The same person in a gown."""
    rng = stream(seed, "gown")
    return replace(traits, garment="gown", garment_colour=CLOTHS[int(rng.integers(len(CLOTHS)))])


def printed(maps: SkinMaps, atlas: SkinAtlas, seed: int) -> SkinMaps:
    """The maps of a skin in a gown, with a print on the cloth.

    Args:
        maps: painted from `gown_traits`.
        atlas: that they were painted on.
        seed: of the subject.
    """
    rng = stream(seed, "gown print")
    ink = np.array(INKS[int(rng.integers(len(INKS)))])
    diamond = bool(rng.random() < 0.5)
    cloth = maps.region.ravel()[atlas.texel] == Region.GARMENT
    texel = atlas.texel[cloth]
    share = _motifs(
        *_laid_flat(atlas.position_mm[texel], atlas.normal[cloth]), np.sqrt(atlas.area_mm2[cloth]), diamond=diamond
    )[:, None]
    albedo = maps.albedo.reshape(-1, 3).copy()
    linear = srgb_to_linear(albedo[texel])
    # folds and weave shade the ink as they shade the cloth
    shade = linear.mean(axis=1, keepdims=True) / max(float(linear.mean()), 1e-6)
    albedo[texel] = srgb_bytes(linear * (1.0 - share) + ink * shade * share)
    return replace(maps, albedo=albedo.reshape(maps.albedo.shape))


def _laid_flat(
    place_mm: Float[np.ndarray, "texel 3"], normal: Float[np.ndarray, "texel 3"]
) -> tuple[Float[np.ndarray, " texel"], Float[np.ndarray, " texel"]]:
    """Millimetres across and down the cloth: one piece for chest and back, one for each shoulder, as gowns are sewn."""
    x, y, z = place_mm.astype(np.float64).T
    # a slope of 45 degrees makes 1.41 of what one of its legs does
    chest = np.abs(normal[:, 2]) > SEAM
    away = np.sign(normal[:, 2])
    across = np.where(chest, x, 0.8 * (np.abs(x) - y) * np.sign(x))
    down = np.where(chest, 0.8 * (y - away * z), z)
    return across, down


def _motifs(
    across: Float[np.ndarray, " texel"],
    down: Float[np.ndarray, " texel"],
    texel_mm: Float[np.ndarray, " texel"],
    *,
    diamond: bool,
) -> Float[np.ndarray, " texel"]:
    """Share of ink: diamonds with a hole, or dots, in staggered rows."""
    tall = 0.8 * PITCH_MM
    row = np.floor(down / tall)
    column = across / PITCH_MM + 0.5 * (row % 2)
    u, v = (column - np.floor(column) - 0.5) * PITCH_MM, (down / tall - row - 0.5) * tall
    soft = 0.6 * texel_mm
    if diamond:
        edge = 3.6 - (1.35 * np.abs(u) + np.abs(v))
        hole = 1.5 - (1.35 * np.abs(u) + np.abs(v))
        return smoothstep(-1.0, 1.0, edge / soft) * (1.0 - 0.8 * smoothstep(-1.0, 1.0, hole / soft))
    return smoothstep(-1.0, 1.0, (2.1 - np.hypot(u, v)) / soft)
