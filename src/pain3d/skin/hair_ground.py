"""HairGround: the skin that hair grows on and lies against, with where on a head each of its points is."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from pain3d.face.mesh import FaceMesh, Part
from pain3d.skin.fields import Field, build_fields, canonical_mm
from pain3d.skin.template import Template, masks


@dataclass(frozen=True, kw_only=True, eq=False)
class HairGround:
    """Found once per head model."""

    vertices: Int[np.ndarray, " point"]
    """Skin vertices, one for each point."""
    position_mm: Float[np.ndarray, "point 3"]
    """Canonical coordinates on the template."""
    fields: Float[np.ndarray, "point field"]
    """As in `pain3d.skin.fields.Field`."""
    triangles: Int[np.ndarray, "triangle 3"]
    """Of the skin, as indices into `vertices`."""

    @classmethod
    def of(cls, template: Template) -> HairGround:
        """The ground of a head model, from its template head."""
        mesh = template.mesh
        topology = mesh.topology
        cover = masks(template.base_uvs)
        position = canonical_mm(mesh.vertices_m, topology.landmarks)
        fields = build_fields(position, topology.landmarks, cover["lips"], cover["ears"])
        triangles = topology.triangles[topology.part == Part.SKIN]
        _, first, point = np.unique(topology.point_of[triangles.ravel()], return_index=True, return_inverse=True)
        vertices = triangles.ravel()[first]
        return cls(
            vertices=vertices,
            position_mm=position[vertices],
            fields=fields[vertices].astype(np.float64),
            triangles=point.reshape(-1, 3),
        )

    @cached_property
    def above_garment(self) -> Bool[np.ndarray, " triangle"]:
        """Triangles that may bear hair: nothing low on the neck."""
        return np.all(self.fields[self.triangles, Field.COLLAR] < -20.0, axis=1)

    def scattered(
        self, rng: np.random.Generator, head: FaceMesh, dense: Float[np.ndarray, " point"], count: int
    ) -> tuple[Int[np.ndarray, " ribbon"], Float[np.ndarray, "ribbon 3"]]:
        """Triangles and places in them, spread evenly over the area, as often as `dense` (0..1) allows.

        Args:
            rng: decides where.
            head: the head in the shape that bears the hair.
            dense: for each point, 0..1.
            count: how many; none where `dense` is 0 everywhere.
        """
        corners = head.vertices_m[self.vertices].astype(np.float64)[self.triangles]
        area = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)
        weight = area * dense[self.triangles].mean(axis=1) * self.above_garment
        if weight.sum() == 0.0:
            return np.zeros(0, np.int64), np.zeros((0, 3))
        bounds = np.cumsum(weight)
        # one draw in each of `count` equal shares of the area: no bare patches, no clumps
        at = (np.arange(count) + rng.random(count)) / count * bounds[-1]
        triangle = np.searchsorted(bounds, at, side="right").clip(0, len(bounds) - 1)
        u, v = rng.random((2, count))
        over = u + v > 1
        u, v = np.where(over, 1 - u, u), np.where(over, 1 - v, v)
        return triangle, np.stack([1 - u - v, u, v], axis=1)
