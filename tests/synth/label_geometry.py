"""What the tests of the labels know by themselves: cameras, rays, surfaces and travel, in plain NumPy and float64."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import KDTree

from pain3d.data.sample import Sample
from pain3d.face.mesh import FaceMesh, Part, Region
from pain3d.face.model import Head
from pain3d.facs import AU_NAMES

PAIN = ("AU4", "AU6", "AU7", "AU9", "AU10", "AU43")
"""The units of pain, written out again."""
HEATED = (Region.SKIN, Region.LIPS, Region.BROWS)
NEAREST_TRIANGLES = 40


@dataclass(frozen=True, kw_only=True)
class Eye:
    """A camera as the `camera` column says."""

    focal_px: np.ndarray
    centre_px: np.ndarray
    rotation: np.ndarray
    translation_m: np.ndarray

    @classmethod
    def of(cls, column: np.ndarray) -> Eye:
        values = np.asarray(column, np.float64)
        pose = values[4:].reshape(3, 4)
        return cls(focal_px=values[:2], centre_px=values[2:4], rotation=pose[:, :3], translation_m=pose[:, 3])

    def seen(self, points_m: np.ndarray) -> np.ndarray:
        """Points of the head frame in the camera's."""
        return np.einsum("ij,...j->...i", self.rotation, np.asarray(points_m, np.float64)) + self.translation_m

    def pixels(self, points_m: np.ndarray) -> np.ndarray:
        """Where points of the head frame fall on the picture."""
        seen = self.seen(points_m)
        return seen[..., :2] / seen[..., 2:] * self.focal_px + self.centre_px

    def rays(self, rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
        """Camera-frame rays of depth 1 through pixel centres."""
        places = np.stack([columns, rows], axis=1) + 0.5
        return np.concatenate([(places - self.centre_px) / self.focal_px, np.ones((len(rows), 1))], axis=1)


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where pixels lie on a mesh."""

    triangle: np.ndarray
    """-1: the ray meets none of the triangles near the depth that was stated."""
    weights: np.ndarray
    """Barycentric, (pixel, 3)."""
    off_m: np.ndarray
    """Between the depth that was stated and that of the triangle."""

    def read(self, mesh: FaceMesh, values: np.ndarray) -> np.ndarray:
        """Values of vertices at these places."""
        return (values[mesh.topology.triangles[self.triangle]] * self.weights).sum(axis=1)


def places_on(mesh: FaceMesh, eye: Eye, rows: np.ndarray, columns: np.ndarray, depth_m: np.ndarray) -> Places:
    """The triangle that each pixel shows: of those that its ray meets, the one at the depth that is stated."""
    drawn = np.flatnonzero(mesh.topology.part != Part.LASH)
    corners = eye.seen(mesh.vertices_m)[mesh.topology.triangles[drawn]]
    rays = eye.rays(rows, columns)
    near = KDTree(corners.mean(axis=1)).query(rays * depth_m[:, None], k=NEAREST_TRIANGLES)[1]
    a, b, c = (corners[near, k] for k in range(3))
    # the ray leaves a, b and c on these sides: volumes with its three edges
    sides = [np.einsum("pki,pi->pk", np.cross(u, v), rays) for u, v in ((b, c), (c, a), (a, b))]
    total = sides[0] + sides[1] + sides[2]
    weights = np.stack(sides, axis=2) / np.where(total == 0, np.nan, total)[..., None]
    met = (total < 0) & (weights.min(axis=2) > -0.02)
    off = np.abs((weights * np.stack([a, b, c], axis=2)[..., 2]).sum(axis=2) - depth_m[:, None])
    best = np.where(met, off, np.inf).argmin(axis=1)
    rows_of = np.arange(len(rays))
    found = met[rows_of, best]
    return Places(
        triangle=np.where(found, drawn[near[rows_of, best]], -1),
        weights=weights[rows_of, best],
        off_m=np.where(found, off[rows_of, best], np.inf),
    )


def vector(**intensities: float) -> np.ndarray:
    """AU vector in the order of the package."""
    return np.array([float(intensities.get(name, 0.0)) for name in AU_NAMES])


def without(vector: np.ndarray, names: tuple[str, ...]) -> np.ndarray:
    """The same with these units at rest."""
    return np.array([0.0 if name in names else value for name, value in zip(AU_NAMES, vector, strict=True)])


def travel_mm(head: Head, moved: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """How far each vertex lies from itself in two AU vectors."""
    apart = head.pose(moved).vertices_m.astype(np.float64) - head.pose(rest).vertices_m.astype(np.float64)
    return np.sqrt(np.square(apart).sum(axis=1)) * 1000


def some_pixels(mask: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of up to `most` pixels of a mask, spread over it."""
    rows, columns = np.nonzero(mask)
    step = max(1, len(rows) // most)
    return rows[::step], columns[::step]


def inside(polygon: np.ndarray, side: int, margin_px: float) -> np.ndarray:
    """Mask of the pixels whose centres lie at least `margin_px` inside a convex polygon."""
    middle = polygon.mean(axis=0)
    y, x = np.mgrid[:side, :side] + 0.5
    out = np.ones((side, side), bool)
    for a, b in zip(polygon, np.roll(polygon, -1, axis=0), strict=True):
        along = (b - a) / np.linalg.norm(b - a)
        normal = np.array([-along[1], along[0]])
        if normal @ (middle - a) < 0:
            normal = -normal
        out &= (x - a[0]) * normal[0] + (y - a[1]) * normal[1] > margin_px
    return out


def aus_of(sample: Sample) -> np.ndarray:
    """The AU columns of a row as they are stored."""
    return np.array([sample.row[name] for name in AU_NAMES], np.float64)
