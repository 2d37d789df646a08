"""The default head model: CC0 MakeHuman shapes, subdivided once, in one texture atlas.

A pose goes: rig moves the coarse vertices -> one sparse matrix makes the fine skin -> lids are laid over the eyeballs
-> anatomy is placed -> normals.
"""

from __future__ import annotations

from functools import cache, cached_property

import numpy as np
from jaxtyping import Float

from pain3d.demographics import Ethnicity, Sex
from pain3d.face.anatomy import anatomy_parts
from pain3d.face.atlas_layout import CELLS
from pain3d.face.coarse import CoarseModel, load_coarse
from pain3d.face.eyes import eyeballs
from pain3d.face.identity import average_identity, sample_identity
from pain3d.face.lids import Lids, build_lids
from pain3d.face.lips import seal_lips
from pain3d.face.mesh import FaceMesh, Topology
from pain3d.face.model import Head, HeadModel, Identity
from pain3d.face.parts import AnatomyPart, checked_cell
from pain3d.face.rig import Rig, build_fields
from pain3d.face.skin_mesh import SkinMesh, load_skin
from pain3d.face.subdivision import SmoothNormals


class MakeHuman(HeadModel):
    """Heads from the MakeHuman assets; `load` makes the one instance a process needs."""

    def __init__(self, coarse: CoarseModel, skin: SkinMesh, anatomy: tuple[AnatomyPart, ...]) -> None:
        self.coarse = coarse
        self.skin = skin
        self.anatomy = anatomy
        self.fields = build_fields(coarse)
        self.lid_topology = build_lids(coarse, skin.matrix)
        self.topology = _compose(skin, anatomy)
        point_of = self.topology.point_of
        self.point_of = point_of.astype(np.intp)
        self.smooth_normals = SmoothNormals(point_of[self.topology.triangles], int(point_of.max()) + 1)

    def sample(self, rng: np.random.Generator, *, age_years: int, sex: Sex, ethnicity: Ethnicity) -> Identity:
        return sample_identity(rng, age_years=age_years, sex=sex, ethnicity=ethnicity)

    def head(self, identity: Identity) -> MakeHumanHead:
        return MakeHumanHead(self, identity)

    @cached_property
    def template(self) -> FaceMesh:
        """The average young head: what a map that all heads share is laid out on."""
        return self.head(average_identity()).neutral

    @property
    def base_uvs(self) -> Float[np.ndarray, "vertex 2"]:
        """Texture coordinates of `base.obj` (v up) of the body's vertices; 0 for anatomy."""
        uvs = np.zeros_like(self.topology.uvs)
        uvs[: len(self.skin.base_uvs)] = self.skin.base_uvs
        return uvs

    def compose(
        self,
        posed_m: Float[np.ndarray, "coarse 3"],
        neutral_m: Float[np.ndarray, "coarse 3"],
        skin_m: Float[np.ndarray, "point 3"],
    ) -> FaceMesh:
        """Skin and anatomy as one mesh with normals."""
        placed = [part.place(posed_m, neutral_m, skin_m) for part in self.anatomy]
        points_m = np.concatenate([skin_m, *placed], dtype=np.float32)
        normals = self.smooth_normals(points_m)
        first = len(skin_m)
        for part, part_m in zip(self.anatomy, placed, strict=True):
            own = part.normals(part_m)
            if own is not None:
                normals[first : first + len(part_m)] = own
            first += len(part_m)
        return FaceMesh(
            topology=self.topology,
            vertices_m=points_m.take(self.point_of, axis=0),
            normals=normals.take(self.point_of, axis=0),
        )


class MakeHumanHead(Head):
    """One person."""

    def __init__(self, model: MakeHuman, identity: Identity) -> None:
        self.identity = identity
        self.topology = model.topology
        self.model = model
        self.neutral_m: Float[np.ndarray, "coarse 3"] = seal_lips(model.fields.lips, model.coarse.blend(identity.shape))
        """Coarse vertices at rest, head frame."""
        self.rig = Rig(model.fields, identity, self.neutral_m)
        centres_m, radii_m = eyeballs(self.neutral_m, model.coarse.coarse_of)
        self.lids = Lids(model.lid_topology, model.skin.matrix @ self.neutral_m, centres_m, radii_m)

    def pose(self, intensities: Float[np.ndarray, "16"]) -> FaceMesh:
        posed_m = self.rig.displace(intensities)
        skin_m = self.lids.settle(self.model.skin.matrix @ posed_m, self.rig.lid_motion(intensities))
        return self.model.compose(posed_m, self.neutral_m, skin_m)


@cache
def load() -> MakeHuman:
    """The default head model; the first call on a machine parses the assets."""
    coarse = load_coarse()
    return MakeHuman(coarse, load_skin(coarse), anatomy_parts(coarse))


def _compose(skin: SkinMesh, anatomy: tuple[AnatomyPart, ...]) -> Topology:
    triangles, uvs, parts, point_of = [skin.triangles], [skin.uvs], [skin.part], [skin.point_of]
    vertices, points = len(skin.uvs), int(skin.point_of.max()) + 1
    for piece in anatomy:
        own = piece.topology
        triangles.append(own.triangles + vertices)
        uvs.append(CELLS[checked_cell(piece)].place(own.uvs))
        parts.append(own.part)
        point_of.append(own.point_of + points)
        vertices += len(own.uvs)
        points += int(own.point_of.max()) + 1
    measured = np.zeros(vertices, dtype=bool)
    measured[: len(skin.uvs)] = skin.measured
    return Topology(
        triangles=np.concatenate(triangles).astype(np.int32),
        uvs=np.concatenate(uvs).astype(np.float32),
        part=np.concatenate(parts).astype(np.uint8),
        point_of=np.concatenate(point_of).astype(np.int32),
        landmarks=skin.landmarks,
        measured=measured,
    )
