# pyright: reportArgumentType=false, reportGeneralTypeIssues=false
# Warp's types confuse the checker.
"""A subject's surface in device memory: compact textures with levels, and what is baked on the face at rest."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import warp as wp
from jaxtyping import Float

from pain3d.face.atlas_layout import CELLS
from pain3d.face.gaze import TurnedEyes
from pain3d.face.mesh import FaceMesh, Part
from pain3d.render import kernels, shading
from pain3d.render.film import linear_root_table, srgb_to_linear
from pain3d.render.layout import Layout
from pain3d.render.lighting import LOWEST, SPREAD_STEPS, key_axes
from pain3d.skin.maps import SkinMaps

LEVELS = 8
SKY_DIRECTIONS = 32
SKY_SIDE = 128
SKY_HALF_M = 0.2
SKY_CENTRE_M = (0.0, -0.04, -0.07)
LOBE_BANDS = (1.0, *[3 * 0.875] * 3, *[15 * 0.67] * 2, 2.5 * 0.67, 15 * 0.67, 3.75 * 0.67)
"""Turns sums over directions into what a mirror of skin's roughness sees (von Mises-Fisher lobe of sharpness 8, bands 0
to 2), harmonic by harmonic, by the addition theorem."""
SPREAD_MM = (3.2, 1.3, 0.6)
"""How far red, green and blue light travel under the skin (standard deviation; d'Eon & Luebke, GPU Gems 3, ch. 14)."""
SLOPE_STEP_MM = 0.004
"""One step of a stored slope, for a texture of 1024 texels; see `shading.SLOPE_STEP_MM`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SkinOnDevice:
    """Textures and baked tables of one subject."""

    maps: SkinMaps
    struct: shading.Skin
    lash_cell: wp.vec4
    lash_albedo: Float[np.ndarray, "3"]
    """Linear."""


def upload_skin(
    maps: SkinMaps,
    neutral: FaceMesh,
    layout: Layout,
    skin_triangles: wp.array,
    neighbours: wp.array,
    device: str,
    wet: TurnedEyes | None,
) -> SkinOnDevice:
    """Encode the maps and bake the face at rest; `wet` says where wet eyes look; with none, eyes and mouth are matt.

    Raises:
        ValueError: if the maps' size is not a power of two from 256 to 8192.
    """
    size = maps.size
    if size & (size - 1) or not 256 <= size <= 8192:
        raise ValueError(f"skin maps: {size} texels a side; the renderer needs a power of two from 256 to 8192")
    skin = shading.Skin()
    skin.size = size
    if wet is not None:
        skin.wet = 1
        eyes = CELLS["eyes"]
        skin.eye_cell = wp.vec4(eyes.u0, eyes.v0, eyes.u1, eyes.v1)
        skin.left_look = wp.vec4(*wet.left.direction, wet.left.limbus_sine)
        skin.right_look = wp.vec4(*wet.right.direction, wet.right.limbus_sine)
    skin.colour, skin.relief = _textures(maps, device)
    skin.region = wp.array(maps.region, dtype=wp.uint8, device=device)
    vertices = wp.array(neutral.vertices_m.astype(np.float32), dtype=wp.vec3, device=device)
    normals = wp.array(neutral.normals.astype(np.float32), dtype=wp.vec3, device=device)
    skin.occlusion, skin.walls = _occlusion(vertices, normals, skin_triangles, neighbours, device)
    spacing_mm2 = _spacing_mm2(neutral, layout)
    skin.spacing_m = wp.array(np.sqrt(spacing_mm2) * np.float32(1e-3), dtype=wp.float32, device=device)
    skin.spread = wp.array(_spread(spacing_mm2, layout), dtype=wp.vec3, device=device)
    cell = CELLS["lashes"]
    middle = round((cell.v0 + cell.v1) / 2 * size), round((cell.u0 + cell.u1) / 2 * size)
    return SkinOnDevice(
        maps=maps,
        struct=skin,
        lash_cell=wp.vec4(cell.u0, cell.v0, cell.u1, cell.v1),
        lash_albedo=srgb_to_linear(maps.albedo[middle].astype(np.float64) / 255),
    )


def halvings(size: int, levels: int) -> Iterator[tuple[int, int]]:
    """First texel and side of each level that the next one is made from; levels lie one after the other."""
    first = 0
    for level in range(levels - 1):
        side = size >> level
        yield first, side
        first += side * side


def _textures(maps: SkinMaps, device: str) -> tuple[wp.array, wp.array]:
    size = maps.size
    texels = sum((size >> level) ** 2 for level in range(LEVELS))
    colour = wp.empty(texels, dtype=kernels.vec4b, device=device)
    relief = wp.empty(texels, dtype=kernels.vec4b, device=device)
    wp.launch(
        kernels.encode_textures,
        dim=(size, size),
        inputs=[
            wp.array(maps.albedo, dtype=wp.uint8, device=device),
            wp.array(np.asarray(maps.height_mm, np.float32), dtype=wp.float32, device=device),
            wp.array(maps.roughness, dtype=wp.uint8, device=device),
            wp.array(linear_root_table(), dtype=wp.uint8, device=device),
            SLOPE_STEP_MM * 1024 / size,
            colour,
            relief,
        ],
        device=device,
    )
    for first, finer in halvings(size, LEVELS):
        wp.launch(
            kernels.halve_textures,
            dim=(finer // 2, finer // 2),
            inputs=[first, finer, colour, relief],
            device=device,
        )
    return colour, relief


def _occlusion(
    vertices: wp.array, normals: wp.array, skin_triangles: wp.array, neighbours: wp.array, device: str
) -> tuple[wp.array, wp.array]:
    """Bent normal and open share of the sky for each vertex, and where it is walled off, from depth maps all around."""
    gathered = wp.zeros(len(vertices), dtype=wp.vec4, device=device)
    possible = wp.zeros(len(vertices), dtype=wp.float32, device=device)
    walls = wp.zeros((len(vertices), 9), dtype=wp.float32, device=device)
    map = kernels.DepthMap()
    map.centre_m, map.half_m = wp.vec3(SKY_CENTRE_M), SKY_HALF_M
    map.height = wp.empty((SKY_SIDE, SKY_SIDE), dtype=wp.int32, device=device)
    for k in range(SKY_DIRECTIONS):
        y = 1 - (2 * k + 1) / SKY_DIRECTIONS
        turn, radius = k * math.pi * (3 - math.sqrt(5)), math.sqrt(1 - y * y)
        direction = np.array([radius * math.cos(turn), y, radius * math.sin(turn)])
        right, up = key_axes(direction)
        map.right, map.up, map.direction = wp.vec3(right), wp.vec3(up), wp.vec3(direction)
        map.height.fill_(LOWEST)
        wp.launch(
            kernels.draw_depth_map, dim=len(skin_triangles), inputs=[skin_triangles, vertices, map], device=device
        )
        wp.launch(
            kernels.gather_occlusion,
            dim=len(vertices),
            inputs=[vertices, normals, map, gathered, possible, walls],
            device=device,
        )
    band_gain = wp.array(np.array(LOBE_BANDS, np.float32) / SKY_DIRECTIONS, dtype=wp.float32, device=device)
    occlusion = wp.empty(len(vertices), dtype=wp.vec4, device=device)
    smooth_walls = wp.empty((len(vertices), 9), dtype=wp.float32, device=device)
    wp.launch(
        kernels.settle_occlusion,
        dim=len(vertices),
        inputs=[normals, neighbours, gathered, possible, walls, band_gain, occlusion, smooth_walls],
        device=device,
    )
    return occlusion, smooth_walls


def _spacing_mm2(neutral: FaceMesh, layout: Layout) -> Float[np.ndarray, " vertex"]:
    """Mean squared distance of each vertex from its neighbours; float32."""
    table = layout.neighbours
    known = table >= 0
    points = neutral.vertices_m
    squares = np.zeros(len(points), np.float32)
    for k in range(table.shape[1]):
        away = points[table[:, k]] - points
        squares += np.where(known[:, k], (away * away).sum(axis=1), 0)
    return (squares / np.maximum(known.sum(axis=1), 1) * np.float32(1e6)).astype(np.float32)


def _spread(spacing_mm2: Float[np.ndarray, " vertex"], layout: Layout) -> Float[np.ndarray, "vertex 3"]:
    """Share of a vertex's key light that one step exchanges with its neighbours; depends on their distance."""
    reach = np.array([2 * mm * mm / SPREAD_STEPS for mm in SPREAD_MM], np.float32)
    share = np.clip(reach / np.maximum(spacing_mm2, 0.05)[:, None], 0, 0.8).astype(np.float32)
    share[layout.vertex_part != Part.SKIN] = 0
    return share
