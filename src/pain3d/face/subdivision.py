"""One Catmull-Clark step as one sparse matrix, over all of a mesh or a part of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True, kw_only=True, eq=False)
class Subdivision:
    """The result of subdividing one topology once."""

    matrix: sp.csr_matrix
    """float32 (new points, old points): new = matrix @ old. Old points keep their numbers; edge and face points
    follow."""
    triangles: Int[np.ndarray, "triangle 3"]
    face_of: Int[np.ndarray, " triangle"]
    """The quad that each triangle came from."""


def split_edges(quads: Int[np.ndarray, "quad 4"], refined: Bool[np.ndarray, " quad"]) -> Bool[np.ndarray, "quad 4"]:
    """Which edge k (corner k to k + 1) of each quad gets a point: those of which at least one side is refined."""
    edge_of, edges = _edges(quads)
    flagged = np.zeros(len(edges), dtype=bool)
    flagged[edge_of[refined]] = True
    return flagged[edge_of]


def subdivide(
    quads: Int[np.ndarray, "quad 4"],
    refined: Bool[np.ndarray, " quad"],
    split: Bool[np.ndarray, "quad 4"],
    points: int,
    diagonal: Bool[np.ndarray, " quad"],
) -> Subdivision:
    """Catmull-Clark on the refined quads; the others are cut into triangles that meet them without cracks.

    A point moves only when refined quads surround it; along borders, seams and the rim of the refined region points
    stay put and edge points are midpoints. Texture coordinates subdivided with the same flags therefore keep the
    outline of their charts.

    Args:
        quads: corners of each quad.
        refined: which quads to subdivide.
        split: as `split_edges` gave for the points; the texture topology is passed the points' flags, for a seam
            does not end a crack.
        points: how many points there are.
        diagonal: for a quad that stays whole: cut it from corner 1 to 3 instead of 0 to 2.
    """
    edge_of, edges = _edges(quads)
    has_point = np.zeros(len(edges), dtype=bool)
    has_point[edge_of[split]] = True
    edge_point = np.where(has_point, points + np.cumsum(has_point) - 1, -1)
    face_point = points + int(has_point.sum()) + np.cumsum(refined) - 1

    stacked = sp.vstack(
        [
            _vertex_rows(quads, refined, edge_of, edges, points),
            _edge_rows(quads, refined, edge_of, edges, points)[has_point],
            _face_rows(quads, points)[refined],
        ],
        format="csr",
    )
    matrix = sp.csr_matrix(stacked, dtype=np.float32)
    triangles, face_of = _triangulate(quads, refined, edge_point[edge_of], face_point, diagonal)
    return Subdivision(matrix=matrix, triangles=triangles, face_of=face_of)


class SmoothNormals:
    """Unit normals of the points of one topology, weighted by the areas of the triangles around each."""

    def __init__(self, triangles: Int[np.ndarray, "triangle 3"], points: int) -> None:
        # contiguous runs of native integers: three times as fast to gather by as rows of int32
        self._corners = np.ascontiguousarray(triangles.T, dtype=np.intp)
        ones = np.ones(triangles.size, dtype=np.float32)
        columns = np.tile(np.arange(len(triangles)), 3)
        self._around = sp.csr_matrix((ones, (self._corners.ravel(), columns)), shape=(points, len(triangles)))

    def __call__(self, points_m: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Normals for these positions; (0, 0, 1) for a point whose triangles have all collapsed."""
        first, second, third = self._corners
        axes = np.ascontiguousarray(points_m.T)
        origin = [axis.take(first) for axis in axes]
        u = [axis.take(second) - start for axis, start in zip(axes, origin, strict=True)]
        v = [axis.take(third) - start for axis, start in zip(axes, origin, strict=True)]
        faces = np.empty((len(first), 3), dtype=np.float32)
        faces[:, 0] = u[1] * v[2] - u[2] * v[1]
        faces[:, 1] = u[2] * v[0] - u[0] * v[2]
        faces[:, 2] = u[0] * v[1] - u[1] * v[0]
        normals = self._around @ faces
        length = np.sqrt(normals[:, 0] ** 2 + normals[:, 1] ** 2 + normals[:, 2] ** 2)
        flat = length < 1e-16
        normals[flat] = (0, 0, 1)
        length[flat] = 1
        return normals / length[:, None]


def _edges(quads: Int[np.ndarray, "quad 4"]) -> tuple[Int[np.ndarray, "quad 4"], Int[np.ndarray, "edge 2"]]:
    ends = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=2), axis=2).reshape(-1, 2)
    edges, edge_of = np.unique(ends, axis=0, return_inverse=True)
    return edge_of.reshape(quads.shape), edges


def _incidence(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int], value: float = 1.0) -> sp.csr_matrix:
    return sp.csr_matrix((np.full(rows.size, value), (rows.ravel(), columns.ravel())), shape=shape)


def _face_rows(quads: np.ndarray, points: int) -> sp.csr_matrix:
    rows = np.repeat(np.arange(len(quads)), 4)
    return _incidence(rows, quads, (len(quads), points), 0.25)


def _smooth_edges(refined: np.ndarray, edge_of: np.ndarray, edges: np.ndarray) -> np.ndarray:
    sides = np.bincount(edge_of.ravel(), minlength=len(edges))
    refined_sides = np.bincount(edge_of[refined].ravel(), minlength=len(edges))
    return (sides == 2) & (refined_sides == 2)


def _edge_rows(
    quads: np.ndarray, refined: np.ndarray, edge_of: np.ndarray, edges: np.ndarray, points: int
) -> sp.csr_matrix:
    middles = _incidence(np.repeat(np.arange(len(edges)), 2), edges, (len(edges), points), 0.5)
    faces_at_edge = _incidence(edge_of, np.repeat(np.arange(len(quads)), 4), (len(edges), len(quads)))
    smooth = _smooth_edges(refined, edge_of, edges).astype(float)
    smoothed = 0.5 * middles + 0.25 * (faces_at_edge @ _face_rows(quads, points))
    return (sp.diags(smooth) @ smoothed + sp.diags(1 - smooth) @ middles).tocsr()


def _vertex_rows(
    quads: np.ndarray, refined: np.ndarray, edge_of: np.ndarray, edges: np.ndarray, points: int
) -> sp.csr_matrix:
    still = np.ones(points, dtype=bool)
    still[quads[refined].ravel()] = False
    still[quads[~refined].ravel()] = True
    rim = ~_smooth_edges(refined, edge_of, edges)
    still[edges[rim].ravel()] = True

    valence = np.maximum(np.bincount(quads.ravel(), minlength=points), 1).astype(float)
    faces_at_point = _incidence(quads, np.repeat(np.arange(len(quads)), 4), (points, len(quads)))
    edges_at_point = _incidence(edges, np.repeat(np.arange(len(edges)), 2), (points, len(edges)))
    middles = _incidence(np.repeat(np.arange(len(edges)), 2), edges, (len(edges), points), 0.5)
    moving = (~still).astype(float)
    return (
        sp.diags(moving / valence**2) @ (faces_at_point @ _face_rows(quads, points))
        + sp.diags(moving * 2 / valence**2) @ (edges_at_point @ middles)
        + sp.diags(np.where(still, 1.0, (valence - 3) / valence))
    ).tocsr()


def _triangulate(
    quads: np.ndarray, refined: np.ndarray, edge_points: np.ndarray, face_point: np.ndarray, diagonal: np.ndarray
) -> tuple[Int[np.ndarray, "triangle 3"], Int[np.ndarray, " triangle"]]:
    whole = ~refined & (edge_points < 0).all(axis=1)
    triangles: list[np.ndarray] = []
    faces: list[np.ndarray] = []
    centres = face_point[refined]
    for k in range(4):  # four small quads, each cut through the centre, so that mirrored quads are cut alike
        corner, after, before = quads[refined, k], edge_points[refined, k], edge_points[refined, k - 1]
        triangles += [np.stack([corner, after, centres], axis=1), np.stack([corner, centres, before], axis=1)]
        faces += [np.flatnonzero(refined)] * 2
    for flipped, cuts in ((False, ((0, 1, 2), (0, 2, 3))), (True, ((1, 2, 3), (1, 3, 0)))):
        chosen = whole & (diagonal == flipped)
        for cut in cuts:
            triangles.append(quads[chosen][:, cut])
            faces.append(np.flatnonzero(chosen))
    for face in np.flatnonzero(~refined & ~whole):
        fan = _fan(quads[face], edge_points[face])
        triangles.append(fan)
        faces.append(np.full(len(fan), face))
    face_of = np.concatenate(faces)
    order = np.argsort(face_of, kind="stable")
    return np.concatenate(triangles)[order].astype(np.int32), face_of[order].astype(np.int32)


def _fan(quad: np.ndarray, edge_points: np.ndarray) -> np.ndarray:
    """Triangles of a quad with points on some of its edges, all from the first of these."""
    first = int(np.argmax(edge_points >= 0))
    ring: list[int] = []
    for k in range(first, first + 4):
        if edge_points[k % 4] >= 0:
            ring.append(int(edge_points[k % 4]))
        ring.append(int(quad[(k + 1) % 4]))
    return np.array([[ring[0], ring[i], ring[i + 1]] for i in range(1, len(ring) - 1)])
