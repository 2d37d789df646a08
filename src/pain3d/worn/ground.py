"""WornGround: where on every head of the model things are worn, found once on the template head."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pain3d.face.mesh import FaceMesh, Part
from pain3d.skin.fields import canonical_mm
from pain3d.skin.template import Template, masks
from pain3d.worn.cannula import CannulaPath

EAR_REST_MM = np.array([75.0, 2.0, -70.0])
"""Where an ear meets the head on top, in canonical coordinates: temples and tubes rest there."""
EAR = 0.05
"""Share of ear from which a vertex counts as one of the ear."""


@dataclass(frozen=True, kw_only=True, eq=False)
class WornGround:
    """Numbers of vertices of the head model."""

    skin: Int[np.ndarray, " skin"]
    """Vertices of the head's skin, ears apart, one for each point."""
    ear_rests: Int[np.ndarray, "2"]
    """Where the subject's left and right ear meet the head on top."""
    eyes: tuple[Int[np.ndarray, " left"], Int[np.ndarray, " right"]]
    """Vertices of the subject's left and right eyeball."""
    cannula: CannulaPath

    @classmethod
    def of(cls, template: Template) -> WornGround:
        """The ground of a head model, from its template head."""
        topology = template.mesh.topology
        ear = masks(template.base_uvs, ["ears"])["ears"]
        place = canonical_mm(template.mesh.vertices_m, topology.landmarks)
        vertices = np.unique(topology.triangles[topology.part == Part.SKIN])
        _, first = np.unique(topology.point_of[vertices], return_index=True)
        skin = vertices[first]
        skin = skin[ear[skin] < EAR]
        eyes = np.unique(topology.triangles[topology.part == Part.EYE])
        rests = [
            skin[np.square(place[skin] - EAR_REST_MM * (side, 1.0, 1.0)).sum(axis=1).argmin()] for side in (1.0, -1.0)
        ]
        return cls(
            skin=skin,
            ear_rests=np.array(rests),
            eyes=(eyes[place[eyes, 0] > 0], eyes[place[eyes, 0] < 0]),
            cannula=CannulaPath.of(template),
        )


class Clearance:
    """How far points lie outside the skin of heads: the same head at rest and moving."""

    def __init__(self, ground: WornGround, meshes: tuple[FaceMesh, ...]) -> None:
        from scipy.spatial import KDTree  # slow to import

        self._points = [mesh.vertices_m[ground.skin].astype(np.float64) * 1000.0 for mesh in meshes]
        self._normals = [mesh.normals[ground.skin].astype(np.float64) for mesh in meshes]
        self._trees = [KDTree(points) for points in self._points]

    def outside_mm(self, places_mm: Float[np.ndarray, "place 3"]) -> Float[np.ndarray, " place"]:
        """Distance along the normal of the nearest skin, negative inside; the least over all meshes."""
        found = []
        for points, normals, tree in zip(self._points, self._normals, self._trees, strict=True):
            nearest = tree.query(places_mm)[1]
            found.append(((places_mm - points[nearest]) * normals[nearest]).sum(axis=1))
        return np.min(found, axis=0)

    def skin_at(self, place_mm: Float[np.ndarray, "3"]) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
        """Nearest point of the skin at rest, and its normal."""
        nearest = int(self._trees[0].query(place_mm)[1])
        return self._points[0][nearest], self._normals[0][nearest]
