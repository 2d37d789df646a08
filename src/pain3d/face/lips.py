"""Lips: they do not pass through each other, and stay closed unless a unit parts them.

Targets that raise the lower lip, lower the upper one or pull the corners know nothing of the other lip. As with the
lids, edge loops of `base.obj` say what lies across: loops are counted outwards from the seam between skin and mouth
cavity, negative inwards, and each is cut at the corners of the mouth into an upper and a lower chain.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from pain3d.face.atlas_layout import CHARTS
from pain3d.face.coarse import CoarseModel
from pain3d.face.skin_mesh import load_charts

TOUCHING = (0, 1, 2)
"""Loops that face the other lip."""
FOLLOWS_OUT = (3, 10)
"""Out to the first loop lips give way as a whole, from the second on skin stays."""
FOLLOWS_IN = (1, 4)
"""The same inwards."""
SEAL_M = 0.2e-3
"""Overlap of lips at rest, so that no teeth show between them from any side."""
PASSES = 2
"""Subdivision spreads a push to the columns beside: the second pass takes what the first has left."""
COLUMNS = np.linspace(-0.96, 0.96, 49)
"""Where lips are compared: 0 in the middle, 1 at the corner of the mouth."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LipTopology:
    """What the lips of all heads share."""

    upper: tuple[Int[np.ndarray, " upper_chain"], ...]
    """For each loop of `TOUCHING` the coarse vertices of the upper lip, from the right corner to the left."""
    lower: tuple[Int[np.ndarray, " lower_chain"], ...]
    smooth: sp.csr_matrix
    """(coarse, coarse): where subdivision takes the vertices of these loops; it thins lips. Other rows are 0."""
    gives_way: Int[np.ndarray, " lip"]
    """Coarse vertices that contact moves."""
    direction: Float[np.ndarray, " lip"]
    """Up (positive, upper lip) or down, and how far of half the overlap."""


def build_lips(coarse: CoarseModel) -> LipTopology:
    """Find the lips: the loops around the seam between the charts of head and mouth."""
    chart = load_charts(coarse)
    skin, cavity = (np.unique(coarse.quads[chart == CHARTS.index(name)]) for name in ("head", "mouth"))
    seam = np.intersect1d(skin, cavity)
    loops = {0: seam}
    for sign, allowed, last in ((1, skin, FOLLOWS_OUT[1]), (-1, cavity, FOLLOWS_IN[1])):
        seen = seam
        for k in range(1, last):
            touched = np.unique(coarse.quads[np.isin(coarse.quads, loops[sign * (k - 1)]).any(axis=1)])
            loops[sign * k] = np.setdiff1d(np.intersect1d(touched, allowed), seen)
            seen = np.union1d(seen, touched)
    lips = np.concatenate(list(loops.values()))
    ends = np.stack([coarse.quads, np.roll(coarse.quads, -1, axis=1)], axis=2).reshape(-1, 2)
    edges = np.unique(np.sort(ends[np.isin(ends, lips).all(axis=1)], axis=1), axis=0)
    upper, lower, gives_way, direction = [], [], [], []
    for k, members in loops.items():
        above, below = _cut_at_corners(coarse, edges[np.isin(edges, members).all(axis=1)])
        if k in TOUCHING:
            upper.append(above)
            lower.append(below)
        share = _fade(k, FOLLOWS_OUT) if k >= 0 else _fade(-k, FOLLOWS_IN)
        for chain, sign in ((above[1:-1], 1.0), (below[1:-1], -1.0)):
            gives_way.append(chain)
            direction.append(np.full(len(chain), sign * share))
    return LipTopology(
        upper=tuple(upper),
        lower=tuple(lower),
        smooth=_catmull_clark(coarse, np.unique(np.concatenate([*upper, *lower]))),
        gives_way=np.concatenate(gives_way),
        direction=np.concatenate(direction),
    )


def _catmull_clark(coarse: CoarseModel, members: np.ndarray) -> sp.csr_matrix:
    """Rows that give the new places of some vertices: (faces + 2 edges + (n - 3) itself) / n around each."""
    rows, columns, shares = [], [], []
    near = coarse.quads[np.isin(coarse.quads, members).any(axis=1)]
    for vertex in members:
        quads = near[(near == vertex).any(axis=1)]
        n = len(quads)
        at = (quads == vertex).argmax(axis=1)
        beside = np.take_along_axis(quads, np.stack([(at + 1) % 4, (at + 3) % 4], axis=1), axis=1)
        parts = ((quads.ravel(), 0.25 / n**2), (beside.ravel(), 0.5 / n**2), (np.array([vertex]), (n - 2) / n))
        for others, share in parts:  # each edge is met twice, from both its quads
            rows.append(np.full(len(others), vertex))
            columns.append(others)
            shares.append(np.full(len(others), share, dtype=np.float32))
    entries = (np.concatenate(shares), (np.concatenate(rows), np.concatenate(columns)))
    return sp.csr_matrix(entries, shape=(len(coarse.base_m),) * 2)


def _fade(k: int, span: tuple[int, int]) -> float:
    t = min(max((span[1] - k) / (span[1] - span[0]), 0.0), 1.0)
    return t * t * (3 - 2 * t)


def _cut_at_corners(coarse: CoarseModel, edges: Int[np.ndarray, "edge 2"]) -> tuple[np.ndarray, np.ndarray]:
    """Upper and lower chain of a closed loop of edges, both from the right corner of the mouth to the left."""
    loop = [int(edges[0, 0]), int(edges[0, 1])]
    while len(loop) < len(edges):
        near = edges[(edges == loop[-1]).any(axis=1) & ~(edges == loop[-2]).any(axis=1)]
        loop.append(int(near[0][near[0] != loop[-1]][0]))
    x = coarse.base_m[loop, 0]
    ring = np.roll(loop, -int(x.argmin()))
    left = int(np.flatnonzero(ring == loop[int(x.argmax())])[0])
    one, two = ring[: left + 1], np.append(ring[left:], ring[0])[::-1]
    if coarse.base_m[one, 1].mean() > coarse.base_m[two, 1].mean():
        return one, two
    return two, one


def lip_gaps(topology: LipTopology, coarse_m: Float[np.ndarray, "coarse 3"]) -> Float[np.ndarray, "loop column"]:
    """Height of the upper lip over the lower one after subdivision, loop by loop, at `COLUMNS` [m]."""
    smooth_m = topology.smooth @ coarse_m
    gaps = []
    for upper, lower in zip(topology.upper, topology.lower, strict=True):
        x = COLUMNS * _half_width(smooth_m, upper) + smooth_m[upper[[0, -1]], 0].mean()
        gaps.append(_height(smooth_m[upper], x) - _height(smooth_m[lower], x))
    return np.stack(gaps)


def meet_lips(
    topology: LipTopology,
    coarse_m: Float[np.ndarray, "coarse 3"],
    rest_gaps_m: Float[np.ndarray, "loop column"],
    sealed: float,
) -> Float[np.ndarray, "coarse 3"]:
    """Push lips apart where they overlap more than at rest; pull them together where nothing parts them.

    Args:
        topology: from `build_lips`.
        coarse_m: coarse vertices of a pose.
        rest_gaps_m: `lip_gaps` of the same person at rest.
        sealed: 1 to keep closed what is closed at rest, 0 to let lips part.

    Returns:
        New vertices, or `coarse_m` itself when nothing is to be done.
    """
    allowed = np.minimum(rest_gaps_m, 0)
    at_rest = (rest_gaps_m - allowed).min(axis=0)
    met = coarse_m
    for _ in range(PASSES):
        gap = (lip_gaps(topology, met) - allowed).min(axis=0)
        apart = np.maximum(-gap, 0) - sealed * np.maximum(gap - at_rest, 0)
        if np.abs(apart).max() == 0:
            break
        met = _push(topology, met, apart)
    return met


def seal_lips(topology: LipTopology, coarse_m: Float[np.ndarray, "coarse 3"]) -> Float[np.ndarray, "coarse 3"]:
    """Bring the lips of a face at rest together, or apart, until they just touch in every column."""
    sealed = coarse_m
    for _ in range(PASSES):
        sealed = _push(topology, sealed, -lip_gaps(topology, sealed).min(axis=0) - SEAL_M)
    return sealed


def _push(
    topology: LipTopology, coarse_m: Float[np.ndarray, "coarse 3"], apart_m: Float[np.ndarray, " column"]
) -> Float[np.ndarray, "coarse 3"]:
    outer = topology.upper[-1]
    lips = topology.gives_way
    middle = coarse_m[outer[[0, -1]], 0].mean()
    column = (coarse_m[lips, 0] - middle) / _half_width(coarse_m, outer)
    out = coarse_m.copy()
    push = np.interp(column, COLUMNS, apart_m)
    out[lips, 1] += (topology.direction * 0.5 * push).astype(out.dtype)
    return out


def _half_width(coarse_m: np.ndarray, chain: np.ndarray) -> float:
    return float(coarse_m[chain[-1], 0] - coarse_m[chain[0], 0]) / 2


def _height(chain_m: np.ndarray, x: np.ndarray) -> Float[np.ndarray, " column"]:
    order = np.argsort(chain_m[:, 0], kind="stable")
    return np.interp(x, chain_m[order, 0], chain_m[order, 1])
