"""The template head: one neutral, average head, on which skins are painted for everybody."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image
from scipy.ndimage import gaussian_filter, map_coordinates

from pain3d.face.assets import asset_root
from pain3d.face.mesh import FaceMesh

MASK_BLUR_TEXELS = {"lips": 2.0, "ears": 1.5}
"""Softens the borders of the masks, in texels of the 1024 that they are read at."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Template:
    """Geometry to paint by, and its place in the texture layout that the masks of the assets use."""

    mesh: FaceMesh
    base_uvs: Float[np.ndarray, "vertex 2"]
    """Texture coordinates of `base.obj`, v up; NaN or 0 off the body skin."""


def masks(
    base_uvs: Float[np.ndarray, "n 2"], names: Iterable[str] = tuple(MASK_BLUR_TEXELS)
) -> dict[str, Float[np.ndarray, " n"]]:
    """Share 0..1 of vermilion (``lips``) and outer ear (``ears``) at some places of the layout of `base.obj`."""
    out = {}
    for name in names:
        image = _mask(name)
        size = len(image)
        uv = np.nan_to_num(base_uvs)
        at = np.stack([(1.0 - uv[:, 1]) * size - 0.5, uv[:, 0] * size - 0.5])
        soft = gaussian_filter(image.astype(np.float32) / 255.0, MASK_BLUR_TEXELS[name])
        out[name] = map_coordinates(soft, at, order=1, mode="nearest") * (uv != 0).any(axis=1)
    return out


def _mask(name: str) -> UInt8[np.ndarray, "size size"]:
    with Image.open(asset_root() / f"mpfb2/textures/mpfb_{name}.jpg") as file:
        return np.asarray(file.convert("L").reduce(2))
