"""What the anatomy tests share: heads of all cells, posed, with their skin and parts apart."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from pain3d.demographics import age_range, cell_of
from pain3d.face.anatomy import anatomy_parts
from pain3d.face.coarse import CoarseModel, load_coarse
from pain3d.face.eyes import Eyes, eyeballs
from pain3d.face.identity import sample_identity
from pain3d.face.lashes import Lashes
from pain3d.face.lids import Lids, build_lids
from pain3d.face.mesh import Part
from pain3d.face.rig import Rig, build_fields
from pain3d.face.skin_mesh import SkinMesh, load_skin
from pain3d.face.teeth import Dentition
from pain3d.face.tongue import Tongue
from pain3d.facs import Expression


@cache
def coarse() -> CoarseModel:
    return load_coarse()


@cache
def skin() -> SkinMesh:
    return load_skin(coarse())


@cache
def parts() -> tuple[Eyes, Dentition, Tongue, Lashes]:
    eyes, dentition, tongue, lashes = anatomy_parts(coarse())
    assert isinstance(eyes, Eyes) and isinstance(dentition, Dentition)
    assert isinstance(tongue, Tongue) and isinstance(lashes, Lashes)
    return eyes, dentition, tongue, lashes


@cache
def skin_triangles() -> Int[np.ndarray, "triangle 3"]:
    return skin().point_of[skin().triangles]


@dataclass(frozen=True, kw_only=True, eq=False)
class Pose:
    posed_m: Float[np.ndarray, "coarse 3"]
    neutral_m: Float[np.ndarray, "coarse 3"]
    body_m: Float[np.ndarray, "body 3"]
    centres_m: Float[np.ndarray, "2 3"]
    radii_m: Float[np.ndarray, "2"]

    def place(self, part: Eyes | Dentition | Tongue | Lashes) -> Float[np.ndarray, "point 3"]:
        return part.place(self.posed_m, self.neutral_m, self.body_m)


class Person:
    """Subject `number` of the balanced design, or of another seed."""

    def __init__(self, number: int) -> None:
        cell = cell_of(number)
        first, last = age_range(cell.age_band)
        identity = sample_identity(
            np.random.default_rng(number),
            age_years=first + number % (last - first + 1),
            sex=cell.sex,
            ethnicity=cell.ethnicity,
        )
        self._neutral_m = coarse().blend(identity.shape)
        self._rig = Rig(_fields(), identity, self._neutral_m)
        self._centres_m, self._radii_m = eyeballs(self._neutral_m, coarse().coarse_of)
        self._lids = Lids(_lid_topology(), skin().matrix @ self._neutral_m, self._centres_m, self._radii_m)

    def pose(self, **intensities: float) -> Pose:
        vector = Expression(**intensities).vector  # pyright: ignore[reportArgumentType]
        posed_m = self._rig.displace(vector)
        return Pose(
            posed_m=posed_m,
            neutral_m=self._neutral_m,
            body_m=self._lids.settle(skin().matrix @ posed_m, self._rig.lid_motion(vector)),
            centres_m=self._centres_m,
            radii_m=self._radii_m,
        )


@cache
def _fields():
    return build_fields(coarse())


@cache
def _lid_topology():
    return build_lids(coarse(), skin().matrix)


def poke_mm(points_m: Float[np.ndarray, "point 3"], body_m: Float[np.ndarray, "body 3"]) -> Float[np.ndarray, " point"]:
    """How far points stand in front of skin that they should be behind, along z; 0 where they do not.

    Straight behind a point in the open mouth lies the back of the cavity; behind one in the flesh the inside of a lip,
    which faces away; behind one that came through, the outside of lip or cheek.
    """
    triangles = skin_triangles()
    middle = points_m.mean(axis=0)
    near = (np.abs(body_m[triangles].mean(axis=1) - middle) < (0.06, 0.06, 0.08)).all(axis=1)
    corners = body_m[triangles[near]].astype(np.float64)
    outside = skin().part[near] == Part.SKIN
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0])
    steep = np.abs(area) < 1e-12
    area = np.where(steep, 1.0, area)
    poke = np.zeros(len(points_m))
    for k, p in enumerate(points_m.astype(np.float64)):
        wb = ((p[0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (p[1] - a[:, 1]) * (c[:, 0] - a[:, 0])) / area
        wc = ((b[:, 0] - a[:, 0]) * (p[1] - a[:, 1]) - (b[:, 1] - a[:, 1]) * (p[0] - a[:, 0])) / area
        wa = 1 - wb - wc
        depth = p[2] - (wa * a[:, 2] + wb * b[:, 2] + wc * c[:, 2])
        behind = np.flatnonzero((wa >= 0) & (wb >= 0) & (wc >= 0) & ~steep & (depth > 0))
        if len(behind):
            first = behind[depth[behind].argmin()]
            if area[first] > 0 and outside[first]:
                poke[k] = depth[first] * 1000
    return poke
