"""The tongue: the helper of the base mesh, subdivided once and shaped to lie within our dental arches."""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float

from pain3d.face.assets import read_base_mesh
from pain3d.face.cache import Arrays, cached
from pain3d.face.coarse import CoarseModel
from pain3d.face.mesh import Part
from pain3d.face.parts import AnatomyPart, PartTopology
from pain3d.face.subdivision import split_edges, subdivide
from pain3d.face.teeth import LOWER_FRONT, LOWER_LEFT, LOWER_RIGHT, arch_frame

WIDTH = (0.70, 0.86)
"""Of the helper's width, at the tip and at the back: the helper is 51 mm wide, and there are 28 mm between the lower
premolars, 36 between the molars."""
SINK_M = (0.0015, 0.0065)
"""How much lower than the helper it lies, at the tip and at the back: the helper's back hides the throat."""
ROUND_M = 0.004
"""How much lower still its sides lie: the helper's back is flat."""
TIP_TO_BACK_M = (0.012, 0.042)
"""Distances behind the tip between which the first of each pair turns into the second."""


class Tongue(AnatomyPart):
    """1,792 triangles that move with the jaw."""

    cell = "tongue"

    def __init__(self, coarse: CoarseModel) -> None:
        """Build the tongue, or read it from the cache."""
        arrays = cached("tongue", lambda: _build(coarse))
        self._matrix = sp.csr_matrix((arrays["data"], arrays["indices"], arrays["indptr"]), shape=arrays["shape"])
        self._vertices = arrays["vertices"]
        self._narrowed = (1 - arrays["width"])[:, None].astype(np.float32)
        self._sunk_m = arrays["sink_m"][:, None].astype(np.float32)
        self._jaw = [coarse.coarse_of[list(group)] for group in (LOWER_FRONT, LOWER_LEFT, LOWER_RIGHT)]
        triangles = arrays["triangles"]
        self.topology = PartTopology(
            triangles=triangles,
            uvs=arrays["uvs"],
            part=np.full(len(triangles), Part.TONGUE, np.uint8),
            point_of=np.arange(len(arrays["uvs"]), dtype=np.int32),
        )

    def place(
        self,
        posed_m: Float[np.ndarray, "coarse 3"],
        neutral_m: Float[np.ndarray, "coarse 3"],
        body_m: Float[np.ndarray, "body 3"],
    ) -> Float[np.ndarray, "point 3"]:
        """Points of the tongue."""
        origin, axes = arch_frame(posed_m, self._jaw)
        across, up = axes[0].astype(np.float32), axes[1].astype(np.float32)
        points = self._matrix @ posed_m[self._vertices]
        aside = ((points - origin.astype(np.float32)) * across).sum(axis=1, keepdims=True)
        return points - self._narrowed * aside * across - self._sunk_m * up


def _build(coarse: CoarseModel) -> Arrays:
    base = read_base_mesh()
    of_base = base.quads[base.quad_groups == "helper-tongue"]
    originals, quads = np.unique(of_base, return_inverse=True)
    quads = quads.reshape(-1, 4)
    all_of_it = np.ones(len(quads), dtype=bool)
    fine = subdivide(quads, all_of_it, split_edges(quads, all_of_it), len(originals), ~all_of_it)
    points = fine.matrix @ (base.vertices_dm[originals].astype(np.float32) / 10)
    behind = points[:, 2].max() - points[:, 2]
    back = np.clip((behind - TIP_TO_BACK_M[0]) / (TIP_TO_BACK_M[1] - TIP_TO_BACK_M[0]), 0, 1)
    aside = points[:, 0] / np.abs(points[:, 0]).max()
    return {
        "width": WIDTH[0] + (WIDTH[1] - WIDTH[0]) * back,
        "sink_m": SINK_M[0] + (SINK_M[1] - SINK_M[0]) * back + ROUND_M * np.square(aside),
        "data": fine.matrix.data,
        "indices": fine.matrix.indices,
        "indptr": fine.matrix.indptr,
        "shape": np.array(fine.matrix.shape),
        "vertices": coarse.index_of(originals),
        "triangles": fine.triangles.astype(np.int32),
        "uvs": _from_above(points),
    }


def _from_above(points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 2"]:
    """Texture coordinates: u towards the subject's left, v from the root (0) to the tip (1); both sides share them."""
    low, high = points.min(axis=0), points.max(axis=0)
    relative = (points - low) / (high - low)
    return relative[:, [0, 2]].astype(np.float32)
