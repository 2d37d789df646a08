"""Anchors: places on the skin of the template head, bound to its triangles, found again on any head in any pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pain3d.face.mesh import FaceMesh
from pain3d.worn.solids import unit

NEIGHBOURS = 24
"""Triangles, nearest by their middles, among which the one below a place is looked for."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Anchors:
    """Barycentric places; `...` is any shape of theirs."""

    corners: Int[np.ndarray, "*place 3"]
    """Vertices of the triangle of each."""
    share: Float[np.ndarray, "*place 3"]

    @classmethod
    def bound(
        cls,
        places: Float[np.ndarray, "*place 3"],
        positions: Float[np.ndarray, "vertex 3"],
        triangles: Int[np.ndarray, "triangle 3"],
    ) -> Anchors:
        """The places of a surface nearest to these.

        Args:
            places: in the coordinates of `positions`.
            positions: of the surface's vertices.
            triangles: of the surface.
        """
        from scipy.spatial import KDTree  # slow to import

        flat = places.reshape(-1, 3)
        corners = positions[triangles]
        near = np.asarray(KDTree(corners.mean(axis=1)).query(flat, k=NEIGHBOURS)[1])
        share = _shares(flat[:, None], corners[near])
        found = (corners[near] * share[..., None]).sum(axis=2)
        best = np.square(found - flat[:, None]).sum(axis=2).argmin(axis=1)
        row = np.arange(len(flat))
        shape = places.shape[:-1]
        return cls(corners=triangles[near[row, best]].reshape(*shape, 3), share=share[row, best].reshape(*shape, 3))

    def on(self, mesh: FaceMesh) -> tuple[Float[np.ndarray, "*place 3"], Float[np.ndarray, "*place 3"]]:
        """Points [mm] and unit normals of the places on a head of the model, in its pose."""
        share = self.share[..., None]
        points = (mesh.vertices_m[self.corners].astype(np.float64) * share).sum(axis=-2) * 1000.0
        return points, unit((mesh.normals[self.corners].astype(np.float64) * share).sum(axis=-2))


def _shares(places: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Barycentric coordinates of the places' feet on triangles, kept inside."""
    a, b, c = (corners[..., k, :] for k in range(3))
    ab, ac, ap = b - a, c - a, places - a
    d00, d01, d11 = (ab * ab).sum(-1), (ab * ac).sum(-1), (ac * ac).sum(-1)
    d20, d21 = (ap * ab).sum(-1), (ap * ac).sum(-1)
    area = np.maximum(d00 * d11 - d01 * d01, 1e-12)
    v, w = (d11 * d20 - d01 * d21) / area, (d00 * d21 - d01 * d20) / area
    share = np.clip(np.stack([1.0 - v - w, v, w], axis=-1), 0.0, None)
    return share / share.sum(axis=-1, keepdims=True)
