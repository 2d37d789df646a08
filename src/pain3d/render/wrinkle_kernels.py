# type: ignore  # Warp's types say something else to a checker than to its compiler
# Warp: what changes is made by int() and float(); no tuples
"""Warp kernels for the relief of a pose: its compact texture, its levels, and what of it each pixel shows."""

from __future__ import annotations

import warp as wp

from pain3d.render.kernels import CPU_FLAGS, packed_triangle, vec4b
from pain3d.render.materials import BLOOD_STEP, SLOPE_STEP_MM, LitVertex, pixel_ray, shows_heat, uv_at, weights

# Kernels are never differentiated, and no flag may trade exact arithmetic for speed.
wp.set_module_options(
    {"enable_backward": False, "fast_math": False, "fuse_fp": False, "cpu_compiler_flags": CPU_FLAGS, "max_unroll": 4}
)

CREASE_PER_MM = wp.constant(1.0)
"""A furrow sees 1 / (1 + depth / mm) of the sky: half of it where it is 1 mm deep."""


@wp.kernel
def encode_wrinkles(
    texel: wp.array(dtype=wp.int32),
    blood: wp.array(dtype=float),
    height_mm: wp.array2d(dtype=float),
    # out: level 0
    relief: wp.array(dtype=vec4b),
):
    """Slopes in the steps of the skin's own relief, openness, blood."""
    k = wp.tid()
    i = texel[k]
    size = height_mm.shape[0]
    y = i / size
    x = i % size
    du = height_mm[y, wp.min(x + 1, size - 1)] - height_mm[y, wp.max(x - 1, 0)]
    dv = height_mm[wp.min(y + 1, size - 1), x] - height_mm[wp.max(y - 1, 0), x]
    # slopes are millimetres for a step of 1/1024 of the atlas
    per_step = 0.5 * float(size) / (1024.0 * SLOPE_STEP_MM)
    open_sky = 1.0 / (1.0 + CREASE_PER_MM * wp.max(-height_mm[y, x], 0.0))
    relief[i] = vec4b(
        wp.uint8(wp.clamp(du * per_step + 128.5, 0.0, 255.0)),
        wp.uint8(wp.clamp(dv * per_step + 128.5, 0.0, 255.0)),
        wp.uint8(255.0 * open_sky + 0.5),
        wp.uint8(wp.clamp(blood[k] / BLOOD_STEP + 128.5, 0.0, 255.0)),
    )


@wp.kernel
def halve_wrinkles(
    first: int,
    size: int,
    # in and out: levels one after the other; `first` and `size` name the finer one
    relief: wp.array(dtype=vec4b),
):
    """The next level: means of four texels."""
    y, x = wp.tid()
    half = size // 2
    total = wp.vec4i(2, 2, 2, 2)
    for k in range(4):
        t = relief[first + (2 * y + k // 2) * size + 2 * x + k % 2]
        total += wp.vec4i(int(t[0]), int(t[1]), int(t[2]), int(t[3]))
    relief[first + size * size + y * half + x] = vec4b(
        wp.uint8(total[0] / 4), wp.uint8(total[1] / 4), wp.uint8(total[2] / 4), wp.uint8(total[3] / 4)
    )


@wp.kernel
def read_wrinkles(
    triangles: wp.array(dtype=wp.vec3i),
    lit: wp.array(dtype=LitVertex),
    nearest: wp.array(dtype=wp.int64),
    segmentation: wp.array(dtype=wp.uint8),
    size: int,
    focal_px: float,
    centre_px: wp.vec2,
    height_mm: wp.array2d(dtype=float),
    # out
    wrinkles_mm: wp.array(dtype=float),
):
    """How far the relief lies above or below the skin at rest at each pixel centre, on skin, lips and brows alone."""
    i = wp.tid()
    if not shows_heat(segmentation[i]):
        return
    corners = triangles[packed_triangle(nearest[i])]
    a = lit[corners[0]]
    b = lit[corners[1]]
    c = lit[corners[2]]
    uv = uv_at(a, b, c, weights(a.position, b.position, c.position, pixel_ray(i, size, focal_px, centre_px)))
    side = height_mm.shape[0]
    x = wp.clamp(uv[0] * float(side) - 0.5, 0.0, float(side) - 1.001)
    y = wp.clamp(uv[1] * float(side) - 0.5, 0.0, float(side) - 1.001)
    ix = int(x)
    iy = int(y)
    fx = x - float(ix)
    fy = y - float(iy)
    top = height_mm[iy, ix] * (1.0 - fx) + height_mm[iy, ix + 1] * fx
    low = height_mm[iy + 1, ix] * (1.0 - fx) + height_mm[iy + 1, ix + 1] * fx
    wrinkles_mm[i] = wp.abs(top * (1.0 - fy) + low * fy)
