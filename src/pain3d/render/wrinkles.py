# pyright: reportArgumentType=false, reportGeneralTypeIssues=false
# Warp's types confuse the checker.
"""The relief of a pose in device memory: one small texture with levels, beside the skin's own."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import warp as wp
from jaxtyping import UInt8

from pain3d.render import shading, wrinkle_kernels
from pain3d.render.kernels import vec4b
from pain3d.render.textures import halvings
from pain3d.skin.maps import WrinkleRelief

LEVELS = 6
REST = (128, 128, 255, 128)
"""A texel where nothing is folded: no slope, open, blood as at rest."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WrinklesOnDevice:
    """What the kernels read."""

    struct: shading.Wrinkles
    height_mm: wp.array | None
    """(size, size), where it was asked for; None at rest as well."""


def upload_wrinkles(relief: WrinkleRelief | None, device: str, *, keep_height: bool) -> WrinklesOnDevice:
    """Encode the relief of a pose; what is flat costs nothing.

    Args:
        relief: none for a face without living wrinkles.
        device: Warp device.
        keep_height: whether pictures will be asked how high it is.

    Raises:
        ValueError: if its size is not a power of two from 64 on.
    """
    struct = shading.Wrinkles()
    if relief is None or relief.is_flat:
        struct.size = 0
        return WrinklesOnDevice(struct=struct, height_mm=None)
    size = relief.size
    if size < 64 or size & (size - 1):
        raise ValueError(f"wrinkles: {size} texels a side; the renderer needs a power of two from 64 on")
    texture = wp.array(_at_rest(size), dtype=vec4b, device=device)
    height = wp.array(relief.on_grid(relief.height_mm), dtype=wp.float32, device=device)
    wp.launch(
        wrinkle_kernels.encode_wrinkles,
        dim=len(relief.texel),
        inputs=[
            wp.array(relief.texel, dtype=wp.int32, device=device),
            wp.array(relief.blood, dtype=wp.float32, device=device),
            height,
            texture,
        ],
        device=device,
    )
    for first, finer in halvings(size, LEVELS):
        wp.launch(
            wrinkle_kernels.halve_wrinkles,
            dim=(finer // 2, finer // 2),
            inputs=[first, finer, texture],
            device=device,
        )
    struct.size = size
    struct.relief = texture
    struct.tint = wp.vec3(*relief.tint)
    return WrinklesOnDevice(struct=struct, height_mm=height if keep_height else None)


@cache
def _at_rest(size: int) -> UInt8[np.ndarray, "texel 4"]:
    """All levels of a texture without wrinkles, one after the other."""
    return np.tile(np.array(REST, np.uint8), (sum((size >> level) ** 2 for level in range(LEVELS)), 1))
