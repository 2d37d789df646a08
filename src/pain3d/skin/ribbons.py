"""Ribbons: narrow strips of hair on a head at rest, that move with the skin under their roots.

Each ribbon is a clump of strands. All of a subject's ribbons have the same number of points.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Bool, Float, Int

from pain3d.face.mesh import FaceMesh


@dataclass(frozen=True, kw_only=True, eq=False)
class Ribbons:
    """Hair of one subject, on its neutral head."""

    root: Int[np.ndarray, "ribbon 3"]
    """Vertices of the triangle that each ribbon is bound to."""
    share: Float[np.ndarray, "ribbon 3"]
    """Barycentric place of its root there."""
    points_m: Float[np.ndarray, "ribbon point 3"]
    """Middle line at rest."""
    normals: Float[np.ndarray, "ribbon point 3"]
    """Away from the head."""
    half_width_m: Float[np.ndarray, "ribbon point"]
    layer: Float[np.ndarray, " ribbon"]
    """0 next to the scalp, 1 outermost."""
    seed: Int[np.ndarray, " ribbon"]
    """Decides the strands of each ribbon, 0..2^20-1."""
    beard: Bool[np.ndarray, " ribbon"]
    """True for hair of the face, which does not hide what moves below it from the labels."""

    def __len__(self) -> int:
        return len(self.root)

    def posed(self, rest: FaceMesh, mesh: FaceMesh) -> tuple[np.ndarray, np.ndarray]:
        """Points and normals [ribbon, point, 3] of the head in another pose: each ribbon turns with its root.

        Args:
            rest: the neutral head that the ribbons were grown on.
            mesh: the same head in any pose.
        """
        turn = np.einsum("rij,rkj->rik", self._frames(mesh), self._frames(rest))
        before, after = self._roots(rest), self._roots(mesh)
        points = np.einsum("rij,rpj->rpi", turn, self.points_m - before[:, None]) + after[:, None]
        return points.astype(np.float32), np.einsum("rij,rpj->rpi", turn, self.normals).astype(np.float32)

    def _roots(self, mesh: FaceMesh) -> Float[np.ndarray, "ribbon 3"]:
        return (mesh.vertices_m[self.root].astype(np.float64) * self.share[..., None]).sum(axis=1)

    def _frames(self, mesh: FaceMesh) -> Float[np.ndarray, "ribbon 3 3"]:
        """Columns: along the first edge of the root's triangle, its normal, and across both."""
        corners = mesh.vertices_m[self.root].astype(np.float64)
        along = unit(corners[:, 1] - corners[:, 0])
        up = unit(np.cross(along, corners[:, 2] - corners[:, 0]))
        return np.stack([along, up, np.cross(along, up)], axis=2)


def rims(
    points_m: Float[np.ndarray, "ribbon point 3"],
    normals: Float[np.ndarray, "ribbon point 3"],
    half_width_m: Float[np.ndarray, "ribbon point"],
) -> Float[np.ndarray, "vertex 3"]:
    """float32, metres: both edges of every ribbon, point after point along it."""
    aside = np.cross(np.gradient(points_m, axis=1), normals)
    aside /= np.maximum(np.sqrt(np.square(aside).sum(axis=-1, keepdims=True)), 1e-9)
    aside *= half_width_m[..., None]
    return np.stack([points_m - aside, points_m + aside], axis=2).astype(np.float32).reshape(-1, 3)


def joined(sets: Sequence[Ribbons]) -> Ribbons:
    """Several sets as one."""
    return Ribbons(**{part.name: np.concatenate([getattr(one, part.name) for one in sets]) for part in fields(Ribbons)})


def no_ribbons(points: int) -> Ribbons:
    """A set that holds none."""
    return Ribbons(
        root=np.zeros((0, 3), np.int64),
        share=np.zeros((0, 3)),
        points_m=np.zeros((0, points, 3)),
        normals=np.zeros((0, points, 3)),
        half_width_m=np.zeros((0, points)),
        layer=np.zeros(0),
        seed=np.zeros(0, np.int64),
        beard=np.zeros(0, bool),
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1 along the last axis; those of length 0 stay so."""
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)
