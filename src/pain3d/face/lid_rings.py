"""Edge loops of `base.obj` around the eyes: the lids, found by counting.

Counted as rings outwards from the back of the socket, loop 13 is the visible edge of the lids, 11 to 13 are the margin
that faces the other lid, 14 to 19 the lid skin up to the fold; brow, nose and cheek follow.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int

from pain3d.face.coarse import CoarseModel

SOCKET_POLE = 11915
"""Vertex of `base.obj` at the back of the left socket."""
MARGIN_RING = 13
"""The visible edge of the lids."""
LAST_RING = 25
"""The last ring that is counted."""
HELD_TO = (14, 20)
"""Up to the first ring no target moves the skin, because lids do; from the second on every target moves it fully."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LidRings:
    """Coarse vertices around the eyes by the edge loop that they lie on."""

    ring: Float[np.ndarray, "2 coarse"]
    """Left and right eye: how many quads from the pole of the socket; `LAST_RING` + 1 beyond."""
    held: Float[np.ndarray, " coarse"]
    """1 where targets must not move the skin, because lids do; 0 away from the eyes."""


def lid_rings(coarse: CoarseModel) -> LidRings:
    """Count rings outwards from the back of both sockets."""
    left = int(coarse.index_of([SOCKET_POLE])[0])
    opposite = coarse.base_m[left] * np.array((-1, 1, 1), dtype=np.float32)
    right = int(np.square(coarse.base_m - opposite).sum(axis=1).argmin())
    ring = np.stack([_rings_from(pole, coarse) for pole in (left, right)])
    held = 1 - smooth_step((ring.min(axis=0) - HELD_TO[0]) / (HELD_TO[1] - HELD_TO[0]))
    return LidRings(ring=ring, held=held)


def _rings_from(pole: int, coarse: CoarseModel) -> Float[np.ndarray, " coarse"]:
    ring = np.full(len(coarse.base_m), LAST_RING + 1.0)
    reached = np.zeros(len(ring), dtype=bool)
    reached[pole] = True
    ring[pole] = 0
    for k in range(1, LAST_RING + 1):
        touched = coarse.quads[reached[coarse.quads].any(axis=1)].ravel()
        fresh = touched[~reached[touched]]
        reached[fresh] = True
        ring[fresh] = k
    return ring


def smooth_step(t: np.ndarray) -> np.ndarray:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def margin_loop(
    on_margin: Bool[np.ndarray, " coarse"], coarse: CoarseModel, matrix: sp.csr_matrix
) -> Int[np.ndarray, " loop"]:
    """Fine points of a closed loop of coarse edges, in order: corner, middle of the edge, corner, ...

    In a Catmull-Clark matrix the largest entry of a corner's row is its own vertex; the row of the middle of an edge
    has two of 3/8.
    """
    ends = np.stack([coarse.quads, np.roll(coarse.quads, -1, axis=1)], axis=2).reshape(-1, 2)
    edges = np.unique(np.sort(ends[on_margin[ends].all(axis=1)], axis=1), axis=0)
    point_of_corner: dict[int, int] = {}
    point_of_edge: dict[tuple[int, int], int] = {}
    for row in np.unique(matrix.tocsc()[:, np.flatnonzero(on_margin)].indices):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        main = np.sort(matrix.indices[span][matrix.data[span] > 0.37])
        if len(main) == 1:
            point_of_corner[int(main[0])] = int(row)
        elif len(main) == 2:
            point_of_edge[int(main[0]), int(main[1])] = int(row)
    loop: list[int] = []
    a, b = int(edges[0, 0]), int(edges[0, 1])
    for _ in range(len(edges)):
        loop += [point_of_corner[a], point_of_edge[min(a, b), max(a, b)]]
        onwards = edges[(edges == b).any(axis=1) & ~(edges == a).any(axis=1)]
        a, b = b, int(onwards[0][onwards[0] != b][0])
    return np.array(loop)
