"""What the renderer derives from a topology once: neighbours, parts of vertices, texture density."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from pain3d.face.mesh import Part, Topology

MAX_NEIGHBOURS = 8
INNER_LIPS = slice(60, 68)


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Fixed tables of a topology."""

    neighbours: Int[np.ndarray, "vertex 8"]
    """int32 vertices one edge away, texture seams bridged; -1 fills up."""
    vertex_part: UInt8[np.ndarray, " vertex"]
    uv_area: Float[np.ndarray, " triangle"]
    """float32, twice the area in the atlas (0..1 squared)."""
    skin_triangles: Int[np.ndarray, "skin 3"]
    """int32; these cast shadow."""
    lash_triangles: Int[np.ndarray, " lash"]
    """int32 numbers of the lash triangles."""

    @classmethod
    def of(cls, topology: Topology) -> Layout:
        """The tables of this topology."""
        triangles = topology.triangles
        vertex_part = np.zeros(len(topology.uvs), np.uint8)
        for corner in range(3):
            vertex_part[triangles[:, corner]] = topology.part
        a, b, c = (topology.uvs[triangles[:, k]].astype(np.float64) for k in range(3))
        cross = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
        return cls(
            neighbours=_neighbours(topology),
            vertex_part=vertex_part,
            uv_area=np.abs(cross).astype(np.float32),
            skin_triangles=np.ascontiguousarray(triangles[topology.part == Part.SKIN], dtype=np.int32),
            lash_triangles=np.flatnonzero(topology.part == Part.LASH).astype(np.int32),
        )


def _neighbours(topology: Topology) -> Int[np.ndarray, "vertex 8"]:
    point_of = topology.point_of.astype(np.int64)
    points = int(point_of.max()) + 1 if len(point_of) else 0
    vertex_of = np.zeros(points, np.int64)
    vertex_of[point_of[::-1]] = np.arange(len(point_of))[::-1]
    corners = point_of[topology.triangles.astype(np.int64)]
    pairs = np.concatenate([corners[:, [i, j]] for i, j in ((0, 1), (1, 2), (2, 0), (1, 0), (2, 1), (0, 2))])
    pairs = pairs[pairs[:, 0] != pairs[:, 1]]
    pairs = np.stack(np.divmod(np.unique(pairs[:, 0] * points + pairs[:, 1]), max(points, 1)), axis=1)
    first = np.searchsorted(pairs[:, 0], np.arange(points))
    rank = np.arange(len(pairs)) - first[pairs[:, 0]]
    kept = rank < MAX_NEIGHBOURS
    table = np.full((points, MAX_NEIGHBOURS), -1, np.int32)
    table[pairs[kept, 0], rank[kept]] = vertex_of[pairs[kept, 1]]
    return np.ascontiguousarray(table[point_of])
