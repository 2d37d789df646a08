"""Where everything lies in the texture atlas: one square, u to the subject's left, v down, row 0 at the top.

MakeHuman's picture of the head lies sideways, gives the scalp as much room as the face, and squeezes eyes, nose and
mouth into dots. Here the head's chart is flattened anew, left half first and mirrored: the face, brow to chin and ear
to ear, nearly true to its area at 0.33 mm a texel of a 1024 atlas, scalp, ears and neck at two to three times that.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int, UInt8

from pain3d.face.coarse import CoarseModel
from pain3d.face.flatten import flatten, rest_shapes


class AtlasCell(NamedTuple):
    """A rectangle of the atlas, in 0..1."""

    u0: float
    v0: float
    u1: float
    v1: float

    def place(self, uvs: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Atlas coordinates of points given in 0..1 within the cell."""
        low = np.array([self.u0, self.v0])
        return low + np.asarray(uvs) * (np.array([self.u1, self.v1]) - low)


CELLS: Mapping[str, AtlasCell] = {
    "head": AtlasCell(0.004, 0.004, 0.996, 0.756),
    "torso": AtlasCell(0.004, 0.764, 0.496, 0.996),
    "eyes": AtlasCell(0.504, 0.764, 0.616, 0.876),
    "teeth_gums": AtlasCell(0.624, 0.764, 0.996, 0.876),
    "tongue": AtlasCell(0.504, 0.884, 0.616, 0.996),
    "lashes": AtlasCell(0.624, 0.884, 0.736, 0.996),
    "mouth": AtlasCell(0.744, 0.884, 0.876, 0.996),
    "socket_left": AtlasCell(0.884, 0.884, 0.996, 0.936),
    "socket_right": AtlasCell(0.884, 0.944, 0.996, 0.996),
}
"""Cells never touch: 8 texels of 1024 lie between any two, 4 around the edge."""

CHARTS = ("head", "mouth", "torso", "socket_right", "socket_left")
"""Pieces of the body's texture that a portrait keeps; each fills the cell of its name."""

FACE_SCALE, EAR_SCALE, REST_SCALE = 1.3, 0.45, 0.4
"""Wanted lengths in the head's chart, relative to one another."""
APERTURE_STRETCH = (1.8, 3.0)
"""How far the slits between lids and lips open in the chart, across and up; they hold no texels anyone sees, but keep
upper and lower rims from sliding over one another."""


def chart_of_quads(coarse: CoarseModel) -> UInt8[np.ndarray, " quad"]:
    """Index into `CHARTS` of each quad of the body."""
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


def lay_out(coarse: CoarseModel, chart: UInt8[np.ndarray, " quad"]) -> Float[np.ndarray, "uv 2"]:
    """Atlas coordinates of the coarse texture coordinates."""
    atlas = np.zeros_like(coarse.uvs)
    for k, name in enumerate(CHARTS):
        mine = np.unique(coarse.quad_uvs[chart == k])
        picture = _head_picture(coarse, chart == k)[mine] if name == "head" else coarse.uvs[mine] * (1, -1)
        low, high = picture.min(axis=0), picture.max(axis=0)
        atlas[mine] = CELLS[name].place((picture - low) / (high - low))
    return atlas


def face_weight(middle_m: Float[np.ndarray, "n 3"], normals: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, " n"]:
    """1 on the face of the base mesh (brow to chin, ear to ear), 0 on scalp, throat and neck, with a soft rim.

    Args:
        middle_m: places on the base mesh, head frame.
        normals: unit normals there.
    """
    x_free = middle_m * (0, 1, 1)
    jaw = -0.108 + 0.65 * np.maximum(0, -middle_m[:, 2] - 0.015)
    below_brow = np.clip((0.06 - middle_m[:, 1]) / 0.03, 0, 1)
    above_jaw = np.clip((middle_m[:, 1] - jaw + 0.006) / 0.012, 0, 1)
    before_ear = np.clip((middle_m[:, 2] + 0.092) / 0.03, 0, 1)
    off_lips = np.linalg.norm(middle_m - (0, -0.065, 0.01), axis=1) > 0.025
    throat = (x_free[:, 1] < -0.07) & off_lips
    not_under = np.where(throat, np.clip((normals[:, 1] + 0.75) / 0.3, 0, 1), 1)
    return below_brow * above_jaw * before_ear * not_under


def _head_picture(coarse: CoarseModel, in_head: Bool[np.ndarray, " quad"]) -> Float[np.ndarray, "uv 2"]:
    """The head's chart, flattened: x to the subject's left, y DOWN; other rows are unset."""
    base_m = (coarse.base_m - coarse.eye_middle(coarse.base_m)).astype(np.float64)
    point_of = np.zeros(len(coarse.uvs), dtype=np.int64)
    point_of[coarse.quad_uvs[in_head]] = coarse.quads[in_head]
    all_uvs = np.unique(coarse.quad_uvs[in_head])
    upright = coarse.uvs[:, ::-1] * (1, -1)
    upright = upright - ((upright[all_uvs, 0].min() + upright[all_uvs, 0].max()) / 2, 0)

    left = coarse.quad_uvs[in_head & (base_m[coarse.quads].mean(axis=1)[:, 0] > 0)]
    used, quads = np.unique(left, return_inverse=True)
    quads = quads.reshape(-1, 4)
    points = base_m[point_of[used]]
    start = upright[used]
    middle = (np.abs(points[:, 0]) < 1e-5) & (np.abs(start[:, 0]) < 1e-3)
    start[middle, 0] = 0
    anchor = np.arange(len(start)) == np.flatnonzero(middle)[0]  # else the chart as a whole could slide up and down
    fixed = np.stack([middle, anchor], axis=1)
    flat = _flatten_half(points, start, quads, fixed)

    picture = np.zeros_like(coarse.uvs)
    picture[used] = flat * (1, -1)
    right = np.setdiff1d(all_uvs, used)
    # a seam point has one place on either side of the chart: match by place in space and in the file's picture at once
    here = np.concatenate([points, upright[used]], axis=1)
    there = np.concatenate([base_m[point_of[right]], upright[right]], axis=1) * (-1, 1, 1, -1, 1)
    from scipy.spatial import KDTree  # slow to import; only what is not cached yet needs it

    _, twin = KDTree(here).query(there)
    picture[right] = picture[used[twin]] * (-1, 1)
    return picture


def _flatten_half(
    points: Float[np.ndarray, "uv 3"],
    start: Float[np.ndarray, "uv 2"],
    quads: Int[np.ndarray, "quad 4"],
    fixed: Bool[np.ndarray, "uv 2"],
) -> Float[np.ndarray, "uv 2"]:
    cuts = ((0, 1, 2), (0, 2, 3), (0, 1, 3), (1, 2, 3))  # both ways, so that neither diagonal is favoured
    skin = np.concatenate([quads[:, cut] for cut in cuts])
    rest = rest_shapes(points, skin)
    area = np.linalg.det(rest) / 2
    edges = points[skin[:, 1:]] - points[skin[:, :1]]
    normals = np.cross(edges[:, 0], edges[:, 1]) / (2 * area[:, None])
    middle = points[skin].mean(axis=1)
    face = face_weight(middle, normals)
    ear = (middle[:, 0] > 0.068) & (middle[:, 1] > -0.06) & (middle[:, 1] < 0.03) & (middle[:, 2] < -0.07)
    scale = np.where(ear, EAR_SCALE, REST_SCALE + (FACE_SCALE - REST_SCALE) * face)
    rest *= scale[:, None, None]

    start = start * np.sqrt((area * scale**2).sum() / _signed_areas(start, skin).sum())
    gaps = _aperture_triangles(points, start, quads, fixed[:, 0])
    opened = np.pad(start * APERTURE_STRETCH, ((0, 0), (0, 1)))
    gap_rest = rest_shapes(opened, gaps)
    weights = np.concatenate([area * (0.35 + 0.65 * face), 0.1 * np.linalg.det(gap_rest) / 2]) / area.sum()
    return flatten(start, np.concatenate([skin, gaps]), np.concatenate([rest, gap_rest]), weights, fixed)


def _signed_areas(flat: Float[np.ndarray, "point 2"], triangles: Int[np.ndarray, "t 3"]) -> Float[np.ndarray, " t"]:
    a, b = (flat[triangles[:, k]] - flat[triangles[:, 0]] for k in (1, 2))
    return (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2


def _aperture_triangles(
    points: np.ndarray, start: np.ndarray, quads: np.ndarray, middle: Bool[np.ndarray, " uv"]
) -> Int[np.ndarray, "triangle 3"]:
    """Triangles that fill the slit of the eye and the half slit of the mouth."""
    ladders: list[list[int]] = []
    for chain in _border_chains(quads, middle):
        place = points[chain]
        if place[:, 2].min() < -0.04 or place[:, 1].max() > 0.05:
            continue  # the outline of the chart
        if chain[0] == chain[-1]:  # closed: start at a corner of the eye
            ring = chain[:-1]
            corner = int(np.argmax(points[ring, 0]))
            ring = ring[corner:] + ring[:corner]
            ladders.append([ring[-1], ring[1], ring[0]])
            chain = ring[1:]
        low, high = 0, len(chain) - 1
        while high - low > 2:
            a, b, c, d = chain[low], chain[low + 1], chain[high - 1], chain[high]
            ways = (([d, b, a], [d, c, b]), ([d, c, a], [c, b, a]))
            ladders += max(ways, key=lambda way: _signed_areas(start, np.array(way)).min())
            low, high = low + 1, high - 1
        if high - low == 2:
            ladders.append([chain[high], chain[low + 1], chain[low]])
    return np.array(ladders)


def _border_chains(quads: np.ndarray, middle: Bool[np.ndarray, " uv"]) -> list[list[int]]:
    """Runs of border edges, in the direction of their quads; a closed run repeats its first point."""
    edges = np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)])
    _, kind, count = np.unique(np.sort(edges, axis=1), axis=0, return_inverse=True, return_counts=True)
    border = edges[(count[kind.ravel()] == 1) & ~middle[edges].all(axis=1)]
    after = {int(a): int(b) for a, b in border}
    open_starts = sorted(set(after) - set(after.values()))
    chains: list[list[int]] = []
    while after:
        chain = [open_starts.pop(0) if open_starts else min(after)]
        while chain[-1] in after:
            chain.append(after.pop(chain[-1]))
        chains.append(chain)
    return chains
