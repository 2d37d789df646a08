"""The body surface at render resolution: subdivided points, texture coordinates in the atlas, parts, landmarks."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int, UInt8

from pain3d.face.atlas_layout import CHARTS, chart_of_quads, lay_out
from pain3d.face.cache import Arrays, cached
from pain3d.face.coarse import CoarseModel
from pain3d.face.landmarks import landmark_points
from pain3d.face.mesh import Part
from pain3d.face.subdivision import split_edges, subdivide

REFINED_ABOVE_M = 0.53
"""Height on the base mesh above which skin is subdivided; garment covers what lies below."""
THROAT_BEHIND_M = 0.115
"""Depth on the base mesh behind which the cavity of the mouth is not subdivided: nobody sees it."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SkinMesh:
    """Body skin and the cavities that belong to its mesh."""

    matrix: sp.csr_matrix
    """float32 (points, coarse vertices)."""
    triangles: Int[np.ndarray, "triangle 3"]
    """Into render vertices."""
    uvs: Float[np.ndarray, "vertex 2"]
    """float32, atlas."""
    base_uvs: Float[np.ndarray, "vertex 2"]
    """float32, the picture of the whole body that `base.obj` has: v up. Masks that come with it are looked up here."""
    part: UInt8[np.ndarray, " triangle"]
    point_of: Int[np.ndarray, " vertex"]
    measured: Bool[np.ndarray, " vertex"]
    landmarks: Int[np.ndarray, "68"]
    chart: UInt8[np.ndarray, " triangle"]
    """Index into `CHARTS`."""


def load_skin(coarse: CoarseModel) -> SkinMesh:
    """The skin from the cache, or built the first time."""
    arrays = cached("skin", lambda: _to_arrays(build_skin(coarse)))
    rows, columns = arrays.pop("shape")
    matrix = sp.csr_matrix(
        (arrays.pop("data"), arrays.pop("indices"), arrays.pop("indptr")), shape=(int(rows), int(columns))
    )
    return SkinMesh(matrix=matrix, **arrays)


def load_charts(coarse: CoarseModel) -> UInt8[np.ndarray, " quad"]:
    """`chart_of_quads` from the cache, or found the first time."""
    return cached("charts", lambda: {"chart": chart_of_quads(coarse)})["chart"]


def _to_arrays(skin: SkinMesh) -> Arrays:
    matrix = skin.matrix
    return {
        "shape": np.array(matrix.shape),
        "data": matrix.data,
        "indices": matrix.indices,
        "indptr": matrix.indptr,
        **{field.name: getattr(skin, field.name) for field in fields(skin) if field.name != "matrix"},
    }


def build_skin(coarse: CoarseModel) -> SkinMesh:
    """Subdivide the body and lay it out in the atlas."""
    chart = load_charts(coarse)
    middle = coarse.base_m[coarse.quads].mean(axis=1)
    throat = (chart == CHARTS.index("mouth")) & (middle[:, 2] < THROAT_BEHIND_M)
    refined = (middle[:, 1] > REFINED_ABOVE_M) & ~throat
    split = split_edges(coarse.quads, refined)
    corners = coarse.base_m[coarse.quads]
    diagonal = np.linalg.norm(corners[:, 3] - corners[:, 1], axis=1) < np.linalg.norm(
        corners[:, 2] - corners[:, 0], axis=1
    )
    fine = subdivide(coarse.quads, refined, split, len(coarse.original), diagonal)
    fine_uv = subdivide(coarse.quad_uvs, refined, split, len(coarse.uvs), diagonal)
    atlas = fine_uv.matrix @ lay_out(coarse, chart)

    pairs = np.stack([fine.triangles.ravel(), fine_uv.triangles.ravel()], axis=1)
    unique, inverse = np.unique(pairs, axis=0, return_inverse=True)
    points, point_of = np.unique(unique[:, 0], return_inverse=True)
    triangles = inverse.reshape(-1, 3).astype(np.int32)
    triangle_chart = chart[fine.face_of]
    cavity = triangle_chart == CHARTS.index("mouth")
    part = np.where(cavity, Part.MOUTH, Part.SKIN).astype(np.uint8)
    measured = np.zeros(len(unique), dtype=bool)
    measured[triangles[triangle_chart == CHARTS.index("head")]] = True
    matrix = fine.matrix[points]
    outer = np.unique(point_of[measured])
    landmarks = landmark_points(coarse, matrix @ coarse.base_m, outer)
    return SkinMesh(
        matrix=matrix,
        triangles=triangles,
        uvs=atlas[unique[:, 1]].astype(np.float32),
        base_uvs=(fine_uv.matrix @ coarse.uvs)[unique[:, 1]].astype(np.float32),
        part=part,
        point_of=point_of.astype(np.int32),
        measured=measured,
        landmarks=_vertices_of(landmarks, point_of),
        chart=triangle_chart,
    )


def _vertices_of(points: Int[np.ndarray, " n"], point_of: Int[np.ndarray, " vertex"]) -> Int[np.ndarray, " n"]:
    """The first vertex of each point; vertices stand in the order of their points."""
    return np.searchsorted(point_of, points).astype(np.int32)
