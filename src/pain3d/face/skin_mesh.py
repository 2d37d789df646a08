"""The body surface at render resolution: subdivided points, texture coordinates in the atlas, parts, landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int, UInt8

from pain3d.face.atlas_layout import CELLS
from pain3d.face.coarse import CoarseModel
from pain3d.face.mesh import Part
from pain3d.face.subdivision import split_edges, subdivide

REFINED_ABOVE_M = 0.53
"""Height on the base mesh above which skin is subdivided; garment covers what lies below."""
EYE_HEIGHT_M = 0.728


@dataclass(frozen=True, kw_only=True, eq=False)
class SkinMesh:
    """Body skin and the cavities that belong to its mesh."""

    matrix: sp.csr_matrix
    """float32 (points, coarse vertices)."""
    triangles: Int[np.ndarray, "triangle 3"]
    """Into render vertices."""
    uvs: Float[np.ndarray, "vertex 2"]
    part: UInt8[np.ndarray, " triangle"]
    point_of: Int[np.ndarray, " vertex"]
    measured: Bool[np.ndarray, " vertex"]
    landmarks: Int[np.ndarray, "68"]
    chart: UInt8[np.ndarray, " triangle"]
    """Index into `CHARTS`."""


CHARTS = ("head", "mouth", "torso", "socket_right", "socket_left")
"""Texture charts of the body that a portrait keeps, by the atlas cell that each fills."""


def chart_of_quads(coarse: CoarseModel) -> UInt8[np.ndarray, " quad"]:
    """Which of `CHARTS` each quad of the body lies in."""
    n = len(coarse.uvs)
    ends = np.concatenate([coarse.quad_uvs[:, [k, (k + 1) % 4]] for k in range(4)])
    graph = sp.coo_matrix((np.ones(len(ends)), (ends[:, 0], ends[:, 1])), shape=(n, n))
    _, component = sp.csgraph.connected_components(graph, directed=False)
    of_quad = component[coarse.quad_uvs[:, 0]]
    middle = coarse.base_m[coarse.quads].mean(axis=1)
    chart = np.zeros(len(of_quad), dtype=np.uint8)
    for label in np.unique(of_quad):
        mine = of_quad == label
        low, high = middle[mine].min(axis=0), middle[mine].max(axis=0)
        if high[1] > 0.8:
            name = "head"
        elif low[1] < 0.6:
            name = "torso"
        elif high[0] < 0:
            name = "socket_right"
        elif low[0] > 0:
            name = "socket_left"
        else:
            name = "mouth"
        chart[mine] = CHARTS.index(name)
    return chart


def build_skin(coarse: CoarseModel) -> SkinMesh:
    """Subdivide the body and lay it out in the atlas."""
    chart = chart_of_quads(coarse)
    middle = coarse.base_m[coarse.quads].mean(axis=1)
    refined = middle[:, 1] > REFINED_ABOVE_M
    split = split_edges(coarse.quads, refined)
    corners = coarse.base_m[coarse.quads]
    diagonal = np.linalg.norm(corners[:, 3] - corners[:, 1], axis=1) < np.linalg.norm(
        corners[:, 2] - corners[:, 0], axis=1
    )
    fine = subdivide(coarse.quads, refined, split, len(coarse.original), diagonal)
    fine_uv = subdivide(coarse.quad_uvs, refined, split, len(coarse.uvs), diagonal)
    atlas = fine_uv.matrix @ _first_layout(coarse, chart)

    pairs = np.stack([fine.triangles.ravel(), fine_uv.triangles.ravel()], axis=1)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    points, point_of = np.unique(unique[:, 0], return_inverse=True)
    triangles = inverse.reshape(-1, 3).astype(np.int32)
    triangle_chart = chart[fine.face_of]
    cavity = triangle_chart == CHARTS.index("mouth")
    part = np.where(cavity, Part.MOUTH, Part.SKIN).astype(np.uint8)
    measured = np.zeros(len(unique), dtype=bool)
    measured[triangles[triangle_chart == CHARTS.index("head")]] = True
    return SkinMesh(
        matrix=fine.matrix[points],
        triangles=triangles,
        uvs=atlas[unique[:, 1]].astype(np.float32),
        part=part,
        point_of=point_of.astype(np.int32),
        measured=measured,
        landmarks=_first_landmarks(coarse.base_m, fine.matrix[points] @ coarse.base_m, point_of),
        chart=triangle_chart,
    )


def _first_layout(coarse: CoarseModel, chart: np.ndarray) -> np.ndarray:
    out = np.zeros_like(coarse.uvs)
    for k, name in enumerate(CHARTS):
        mine = np.unique(coarse.quad_uvs[chart == k])
        uv = coarse.uvs[mine]
        uv = np.stack([1 - uv[:, 1], uv[:, 0]], axis=1) if name == "head" else np.stack([uv[:, 0], 1 - uv[:, 1]], axis=1)
        uv = (uv - uv.min(axis=0)) / np.ptp(uv, axis=0)
        out[mine] = CELLS[name].place(uv)
    return out


def _first_landmarks(base: np.ndarray, points: np.ndarray, point_of: np.ndarray) -> np.ndarray:
    return np.zeros(68, dtype=np.int32)
