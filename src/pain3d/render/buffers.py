# pyright: reportArgumentType=false, reportGeneralTypeIssues=false
# Warp's types confuse the checker.
"""Device memory that a renderer keeps between pictures of one size."""

from __future__ import annotations

import numpy as np
import warp as wp

from pain3d.render import shading

EDGE_OFFSETS = np.array([(1, -3), (-1, 3), (5, 1), (-3, -5), (-5, 5), (-7, -1), (3, 7), (7, -7)], np.int32) * 16
"""The usual eight rotated sample places of a pixel, in 1/256 pixel from its centre."""


class PictureBuffers:
    """Everything whose size depends on the resolution."""

    def __init__(self, resolution: int, device: str) -> None:
        pixels = resolution * resolution
        slots = pixels
        extras = 3 * pixels

        def empty(shape, dtype) -> wp.array:
            return wp.empty(shape, dtype=dtype, device=device)

        self.resolution = resolution
        self.pixels = pixels
        self.nearest = empty((resolution, resolution), wp.int64)
        self.slot = empty((resolution, resolution), wp.int32)
        self.edge_tile = empty(((resolution + 7) // 8, (resolution + 7) // 8), wp.uint8)
        self.slot_pixel = empty(slots, wp.int32)
        self.counters = empty(2, wp.int32)
        self.samples = empty((slots, 8), wp.int64)
        self.group_fragment = empty((slots, 4), wp.int32)
        self.group_weight = empty((slots, 4), wp.int32)
        self.extra_triangle = empty(extras, wp.int32)
        self.extra_place = empty(extras, wp.vec2i)
        self.colour = empty(pixels + extras, shading.vec3b)
        self.segmentation = empty(pixels, wp.uint8)
        self.depth_m = empty(pixels, wp.float32)
        self.heatmap_mm = empty(pixels, wp.float32)
        self.covered = empty((resolution, resolution), wp.int32)


class MeshBuffers:
    """Everything whose size depends on the topology."""

    def __init__(self, vertices: int, triangles: int, device: str) -> None:
        self.screen = wp.empty(vertices, dtype=wp.vec2i, device=device)
        self.nearness = wp.empty(vertices, dtype=wp.float32, device=device)
        self.texture_level = wp.zeros(triangles, dtype=wp.int32, device=device)
        self.lit = wp.empty(vertices, dtype=shading.LitVertex, device=device)
        self.key = wp.empty(vertices, dtype=wp.vec3, device=device)
        self.key_next = wp.empty(vertices, dtype=wp.vec3, device=device)
