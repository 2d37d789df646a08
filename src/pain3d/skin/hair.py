"""The thickness of hair: scalp vertices are lifted off the skull, so that heads have the outline of a haircut.

How far depends on the subject's traits and on where a vertex lies on the template head: nothing at the hairline, the
ears and where hair is lost, the full thickness on the top, a share of it at the sides. The same fields place the
painted hair. Every pose of a subject is lifted by the same amounts, along its own normals.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import map_coordinates

from pain3d.face.mesh import FaceMesh, Part, Topology
from pain3d.face.subdivision import SmoothNormals
from pain3d.skin.fields import Field, build_fields, canonical_mm, smoothstep
from pain3d.skin.template import Template, masks
from pain3d.skin.traits import MAX_HAIR_DROP_MM, MAX_HAIR_VOLUME_MM, SkinTraits
from pain3d.streams import stream

START_MM = 2.5
"""How far inside the hairline hair begins to stand out: painted hair reaches its line unevenly, and skin stays down."""
RAMP_MM = (7.0, 12.0)
"""How far inside that hair stands at its full height: short hair, and the fullest."""
SIDES_Y_MM = (5.0, 82.0)
"""Canonical heights between which the thickness grows from that of the sides to that of the top."""
CROWN_AXIS = np.array([0.055, 0.775, -0.63])
"""From the middle of the head to the crown, around which hair is combed."""
HEAD_CENTRE_MM = np.array([0.0, 25.0, -60.0])
TUFT_MM = 26.0
"""Size of the tufts that break the outline; the mesh of the scalp (7 mm) carries no finer ones."""
LATTICE = 16
"""Cells of the periodic noise that tufts are made of, along each axis."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Scalp:
    """The vertices that may bear hair, found once per head model."""

    vertices: Int[np.ndarray, " scalp"]
    """Vertices of the mesh that may be lifted."""
    position_mm: Float[np.ndarray, "scalp 3"]
    """Canonical coordinates on the template."""
    inside_mm: Float[np.ndarray, " scalp"]
    """Millimetres inside the average hairline."""
    nape: Float[np.ndarray, " scalp"]
    """0..1: where hair may reach down over the neck."""
    bald_at: Float[np.ndarray, " scalp"]
    """Baldness at which the hair here is lost."""
    clear: Float[np.ndarray, " scalp"]
    """1 on the scalp, 0 on the ears."""
    shaded: Int[np.ndarray, " shaded"]
    """Vertices whose normal changes when hair is lifted: those above and their neighbours."""
    shaded_point: Int[np.ndarray, " shaded"]
    """Which of the patch's points each of them is."""
    patch: Int[np.ndarray, " point"]
    """One vertex for each point around the scalp, in the order of `patch_normals`."""
    patch_normals: SmoothNormals

    @classmethod
    def of(cls, template: Template) -> Scalp:
        """The scalp of a head model, from its template head."""
        mesh = template.mesh
        topology = mesh.topology
        ear = masks(template.base_uvs, ["ears"])["ears"]
        position = canonical_mm(mesh.vertices_m, topology.landmarks)
        fields = build_fields(position, topology.landmarks, np.zeros(len(position)), ear)
        skin = np.zeros(len(position), dtype=bool)
        skin[topology.triangles[topology.part == Part.SKIN]] = True
        inside = fields[:, Field.SCALP] + MAX_HAIR_DROP_MM * fields[:, Field.NAPE]
        lowest = -12.0  # hairlines come down by 11 mm at most
        bearing = skin & (inside > lowest) & (ear < 0.4)
        bearing[topology.landmarks] = False
        vertices = np.flatnonzero(bearing)
        near = _touching(topology, bearing)
        around = _touching(topology, near)
        point_of, patch = _points(topology, around)
        triangles = topology.triangles[around[topology.triangles].all(axis=1)]
        shaded = np.flatnonzero(near)
        return cls(
            vertices=vertices,
            position_mm=position[vertices],
            inside_mm=fields[vertices, Field.SCALP].astype(np.float64),
            nape=fields[vertices, Field.NAPE].astype(np.float64),
            bald_at=fields[vertices, Field.BALD].astype(np.float64),
            clear=smoothstep(0.4, 0.05, ear[vertices]),
            shaded=shaded,
            shaded_point=point_of[shaded],
            patch=patch,
            patch_normals=SmoothNormals(point_of[triangles], len(patch)),
        )

    def lift_mm(self, traits: SkinTraits) -> Float[np.ndarray, " scalp"]:
        """Thickness of the hair of one subject over each of `vertices`, 0..`traits.hair_volume_mm`, float32."""
        y, z = self.position_mm[:, 1], self.position_mm[:, 2]
        reach = np.interp(traits.hair_volume_mm, (0.0, MAX_HAIR_VOLUME_MM), RAMP_MM)
        inside = self.inside_mm - traits.hairline_mm + traits.hair_drop_mm * self.nape
        inside = np.clip((inside - START_MM) / reach, 0.0, 1.0)
        rise = np.sin(0.5 * np.pi * inside) * smoothstep(0.0, 0.5, inside)
        kept = smoothstep(-0.2, 0.1, self.bald_at - 1.3 * traits.baldness)
        top = smoothstep(*SIDES_Y_MM, y)
        long = traits.hair_drop_mm / MAX_HAIR_DROP_MM
        low = smoothstep(10.0, -50.0, y)
        nape = 1.0 - 0.35 * (1.0 - long) * low * smoothstep(-90.0, -130.0, z)
        shape = traits.hair_sides * nape * (1.0 - top) + top
        shape += np.sqrt(long) * low * self.nape * (1.25 - shape)  # long hair hangs straight past the narrow neck
        swept = 1.0 + traits.hair_sweep * np.clip(self.position_mm[:, 0] / 60.0, -1.0, 1.0) * top
        tufts = 1.0 + traits.hair_tufts * self._tufts(traits.seed)
        share = np.clip(0.8 * shape * swept * tufts, 0.0, 1.0)
        return (traits.hair_volume_mm * share * rise * kept * self.clear).astype(np.float32)

    def _tufts(self, seed: int) -> Float[np.ndarray, " scalp"]:
        """Noise of -1..1, drawn out twice along the way hair is combed."""
        table = stream(seed, "tufts").uniform(-1, 1, (LATTICE, LATTICE, LATTICE))
        along = self.position_mm - HEAD_CENTRE_MM
        height = (along * CROWN_AXIS).sum(axis=1)  # no BLAS: its sums depend on the machine
        flat = along - height[:, None] * CROWN_AXIS
        at = (flat + 0.5 * height[:, None] * CROWN_AXIS) / TUFT_MM
        return map_coordinates(table, at.T, order=1, mode="grid-wrap")


def with_hair(mesh: FaceMesh, scalp: Scalp, lift_mm: Float[np.ndarray, " scalp"]) -> FaceMesh:
    """The mesh with its hair: scalp vertices moved along their normals, and normals made anew there.

    Args:
        mesh: a head of the model that `scalp` belongs to, in any pose.
        lift_mm: as `Scalp.lift_mm` gives it.

    Returns:
        A new mesh; vertices that bear no hair keep their place to the bit.
    """
    vertices_m, normals = mesh.vertices_m.copy(), mesh.normals.copy()
    at = scalp.vertices
    vertices_m[at] += mesh.normals[at] * (lift_mm[:, None] * np.float32(0.001))
    normals[scalp.shaded] = scalp.patch_normals(vertices_m[scalp.patch])[scalp.shaded_point]
    return FaceMesh(topology=mesh.topology, vertices_m=vertices_m, normals=normals)


def _touching(topology: Topology, chosen: Bool[np.ndarray, " vertex"]) -> Bool[np.ndarray, " vertex"]:
    """Vertices of all triangles that reach a chosen point, over texture seams as well."""
    points = np.zeros(int(topology.point_of.max()) + 1, dtype=bool)
    points[topology.point_of[chosen]] = True
    corners = topology.point_of[topology.triangles]
    out = np.zeros_like(points)
    out[corners[points[corners].any(axis=1)]] = True
    return out[topology.point_of]


def _points(
    topology: Topology, chosen: Bool[np.ndarray, " vertex"]
) -> tuple[Int[np.ndarray, " vertex"], Int[np.ndarray, " point"]]:
    """Numbers 0.. of the points of the chosen vertices (-1 for all others), and one vertex of each."""
    vertices = np.flatnonzero(chosen)
    _, first, number = np.unique(topology.point_of[vertices], return_index=True, return_inverse=True)
    out = np.full(len(chosen), -1)
    out[vertices] = number
    return out, vertices[first]
