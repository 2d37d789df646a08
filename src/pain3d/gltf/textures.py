"""Pictures of a glTF material: colour, roughness and relief of a skin; lashes and strands of hair with holes."""

from __future__ import annotations

import io

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from pain3d.data.images import encode_rgb
from pain3d.face.atlas_layout import CELLS
from pain3d.skin.atlas import SkinAtlas
from pain3d.skin.maps import SkinMaps
from pain3d.streams import stream

STRAND_TILES = 4
"""Pictures of a ribbon side by side, so that neighbours differ."""
_TILE = (256, 64)
"""Rows and columns of one."""
_STRANDS = 9
_LASHES = 46
_LASH_SHAPE = (128, 512)
_STEEPEST = 1.5
"""Slope that relief is held to: a texel beside a strand of painted hair would turn away from all light."""


def colour(maps: SkinMaps) -> bytes:
    """JPEG of the albedo, 4:4:4."""
    return encode_rgb(maps.albedo)


def roughness(maps: SkinMaps) -> bytes:
    """PNG whose green channel is roughness, and whose blue one, metal, is none."""
    picture = np.zeros((*maps.roughness.shape, 3), np.uint8)
    picture[..., 1] = maps.roughness
    return encode_rgb(picture, "png")


def relief(maps: SkinMaps, atlas: SkinAtlas) -> bytes:
    """PNG of normals in tangent space, x to the right of the picture and y up, made from height and size of texels."""
    pitch_mm = np.full(maps.size**2, float(np.sqrt(np.median(atlas.area_mm2))))
    pitch_mm[atlas.texel] = np.sqrt(atlas.area_mm2)
    pitch_mm = np.maximum(pitch_mm, 0.05).reshape(maps.size, maps.size)
    down, right = (np.clip(slope / pitch_mm, -_STEEPEST, _STEEPEST) for slope in np.gradient(maps.height_mm))
    normals = np.stack([-right, down, np.ones_like(down)], axis=-1)
    normals /= np.sqrt(np.square(normals).sum(axis=-1, keepdims=True))
    return encode_rgb(np.round(127.5 * (normals + 1)).astype(np.uint8), "png")


def lashes(maps: SkinMaps) -> bytes:
    """PNG with holes of a card of lashes: u along the lid, v from root to tip."""
    cell = CELLS["lashes"]
    row, column = (int(0.5 * (low + high) * maps.size) for low, high in ((cell.v0, cell.v1), (cell.u0, cell.u1)))
    cover, _ = _hairs(stream(0, "glb lashes"), _LASH_SHAPE, _LASHES, lean=0.9, width=0.32)
    return _with_holes(np.broadcast_to(maps.albedo[row, column], (*_LASH_SHAPE, 3)), cover)


def strands() -> bytes:
    """PNG with holes of `STRAND_TILES` ribbons side by side: v from root to tip; grey, to be multiplied by a colour."""
    tiles = [
        _hairs(stream(0, "glb strands", tile), _TILE, _STRANDS, lean=0.25, width=0.62) for tile in range(STRAND_TILES)
    ]
    cover = np.concatenate([cover for cover, _ in tiles], axis=1)
    tone = np.concatenate([tone for _, tone in tiles], axis=1)
    return _with_holes(np.repeat(np.round(255 * tone).astype(np.uint8)[..., None], 3, axis=2), cover)


def _hairs(
    rng: np.random.Generator, shape: tuple[int, int], count: int, *, lean: float, width: float
) -> tuple[Float[np.ndarray, "row column"], Float[np.ndarray, "row column"]]:
    """Cover and tone of hairs that grow from row 0, thinner towards their tips."""
    v = (np.arange(shape[0])[:, None] + 0.5) / shape[0]
    u = (np.arange(shape[1])[None] + 0.5) / shape[1]
    cover, tone = np.zeros(shape), np.full(shape, 0.7)
    for hair in range(count):
        long = rng.uniform(0.65, 0.98)
        middle = (hair + rng.uniform(0.2, 0.8) + rng.uniform(-lean, lean) * v * v) / count
        half = width * np.clip(1 - v / long, 0, 1) ** 0.5 / count
        here = np.clip(1.5 * (1 - np.abs(u - middle) / np.maximum(half, 1e-6)), 0, 1) * (v < long)
        tone = np.where(here > cover, rng.uniform(0.6, 1.0), tone)
        cover = np.maximum(cover, here)
    return cover, tone


def _with_holes(rgb: UInt8[np.ndarray, "row column 3"], cover: Float[np.ndarray, "row column"]) -> bytes:
    alpha = np.round(255 * cover).astype(np.uint8)
    out = io.BytesIO()
    Image.fromarray(np.dstack([rgb, alpha])).save(out, "PNG", compress_level=6)
    return out.getvalue()
