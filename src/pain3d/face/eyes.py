"""Eyeballs: sclera and cornea as one surface, iris and pupil painted on it.

The helper eyes of `base.obj` say where an eyeball lies and how large it is. They are larger than life (radius 13 to
16 mm, where an eye has 12), because the lids are modelled on them; the iris follows the gap between the lids.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from pain3d.face.mesh import Part
from pain3d.face.parts import AnatomyPart, PartTopology

EYE_VERTICES = (np.arange(14598, 14670), np.arange(14670, 14742))
"""Vertices of `base.obj` on the left and the right helper eye."""

IRIS_OF_FISSURE = 0.212
IRIS_RADIUS_RANGE_M = (4.7e-3, 5.9e-3)
"""Radius of the iris in widths of the gap between the lids, and its bounds. Adults: 5.85 +- 0.2 mm (Ruefer et al.
2005) in a gap of 28 mm; the heads' gaps are 20 to 26 mm wide, and an iris of life size in them looks like a doll's."""

FISSURE = ((6847, 6805), (63, 21))
"""Vertices of `base.obj` at the inner and the outer corner of the left and the right eye."""
LID_MIDDLES = ((6785, 6828), (1, 44))
"""Middle of the edge of the upper and of the lower lid."""

IRIS_UV_RADIUS = 0.27
"""Distance from the pupil's centre (.5, .5) to the limbus in the cell "eyes"; u grows towards the temple, v down.

Inside, the texture is a picture of the iris from the front; outside, radius grows evenly with the angle from the
optical axis, up to `SCLERA_ANGLE` at .5. The corners of the cell are free.
"""

SCLERA_ANGLE = np.radians(105.0)
"""Where the eyeball ends behind the lids, from the optical axis."""

CORNEAL_BULGE = 0.028
"""Height of the cornea above the sphere, in radii: 0.45 mm, which makes the radius of curvature at the apex 8.7 mm
(an eye's: 7.8). Lids are kept outside 1.035 radii, so the cornea never comes through them."""

GAZE_TARGET_M = (0.0, 0.0, 1.0)
"""What a face looks at: a camera at a metre, so that the lines of sight converge by 1.7 degrees each. Looking ahead, an
iris stands in the middle between the lids at rest, which on some heads lies 15 degrees below the eyeball's centre."""

ANGLE_KAPPA = np.tan(np.radians(3.5))
"""Slope by which the axis of the cornea lies temporal of the line of sight (angle kappa, 3 to 5 degrees in adults);
eyes without it look crossed."""

SEGMENTS = 40
IRIS_RINGS = np.array([0.18, 0.36, 0.55, 0.74, 0.88, 0.96, 1.0])
"""Radii of rings in radii of the iris."""
SCLERA_RINGS = np.array([0.05, 0.13, 0.25, 0.4, 0.58, 0.78, 1.0])
"""Rings between the limbus (0) and the end of the eyeball (1), by angle."""


def fit_sphere(points_m: Float[np.ndarray, "point 3"]) -> tuple[Float[np.ndarray, "3"], float]:
    """Centre and radius of the sphere nearest to points, in the algebraic least-squares sense."""
    middle = points_m.mean(axis=0)
    rows = points_m.astype(np.float64) - middle
    squares = np.square(rows).sum(axis=1)
    # |p|^2 = 2 p.c + (r^2 - |c|^2) with sum(p) = 0 leaves three equations for c
    covariance = np.einsum("pi,pj->ij", rows, rows)
    right = np.einsum("pi,p->i", rows, squares) / 2
    centre = _solve_3x3(covariance, right)
    radius = float(np.sqrt(squares.mean() + np.square(centre).sum()))
    return middle + centre, radius


def eyeballs(
    coarse_m: Float[np.ndarray, "coarse 3"], coarse_of: Int[np.ndarray, " base"]
) -> tuple[Float[np.ndarray, "2 3"], Float[np.ndarray, "2"]]:
    """Centres and radii [m] of the left and the right eyeball.

    Args:
        coarse_m: vertices of a head.
        coarse_of: number among them of each vertex of `base.obj`.
    """
    fits = [fit_sphere(coarse_m[coarse_of[vertices]]) for vertices in EYE_VERTICES]
    return np.stack([centre for centre, _ in fits]), np.array([radius for _, radius in fits])


class Eyes(AnatomyPart):
    """Both eyeballs, 2 x 1,080 triangles; they look at a point and never move with an expression."""

    cell = "eyes"

    def __init__(
        self, coarse_of: Int[np.ndarray, " base"], gaze_target_m: tuple[float, float, float] = GAZE_TARGET_M
    ) -> None:
        """Build the topology.

        Args:
            coarse_of: number in the coarse model of each vertex of `base.obj`.
            gaze_target_m: the point that both eyes look at, in the frame of the head.
        """
        self._coarse_of = coarse_of
        self._gaze_target_m = np.array(gaze_target_m)
        triangles = _polar_triangles(len(IRIS_RINGS) + len(SCLERA_RINGS), SEGMENTS)
        count = 1 + (len(IRIS_RINGS) + len(SCLERA_RINGS)) * SEGMENTS
        self._turn = np.arange(SEGMENTS) * (2 * np.pi / SEGMENTS)
        uvs = _polar_uvs(self._turn)
        mirrored = np.stack([1 - uvs[:, 0], uvs[:, 1]], axis=1)
        self.topology = PartTopology(
            triangles=np.concatenate([triangles, triangles + count]).astype(np.int32),
            uvs=np.concatenate([uvs, mirrored]).astype(np.float32),
            part=np.full(2 * len(triangles), Part.EYE, np.uint8),
            point_of=np.arange(2 * count, dtype=np.int32),
        )

    def place(
        self,
        posed_m: Float[np.ndarray, "coarse 3"],
        neutral_m: Float[np.ndarray, "coarse 3"],
        body_m: Float[np.ndarray, "body 3"],
    ) -> Float[np.ndarray, "point 3"]:
        """Points of the left and the right eyeball."""
        eyes = [self._eye(neutral_m, side) for side in range(2)]
        return np.concatenate(eyes).astype(np.float32)

    def _eye(self, neutral_m: np.ndarray, side: int) -> Float[np.ndarray, "point 3"]:
        centre, radius = fit_sphere(neutral_m[self._coarse_of[EYE_VERTICES[side]]])
        inner, outer = neutral_m[self._coarse_of[list(FISSURE[side])]]
        width = float(np.sqrt(np.square(outer - inner, dtype=np.float64).sum()))
        iris = min(max(IRIS_OF_FISSURE * width, IRIS_RADIUS_RANGE_M[0]), IRIS_RADIUS_RANGE_M[1])
        ahead = self._gaze_target_m - centre
        lids = neutral_m[self._coarse_of[list(LID_MIDDLES[side])]] - centre
        pitch = np.arctan2(lids[:, 1], lids[:, 2]).mean()
        temporal = 1.0 if side == 0 else -1.0
        lowered = ahead + ahead[2] * np.array([temporal * ANGLE_KAPPA, np.tan(pitch), 0])
        return centre + _look(self._local(radius, iris), lowered)

    def _local(self, radius: float, iris_radius: float) -> Float[np.ndarray, "point 3"]:
        """An eyeball around the origin that looks along +z."""
        across, along = _profile(radius, iris_radius)
        ring = np.stack([np.cos(self._turn), np.sin(self._turn)], axis=1)
        points = np.empty((len(across), SEGMENTS, 3))
        points[:, :, :2] = across[:, None, None] * ring
        points[:, :, 2] = along[:, None]
        apex = np.array([[0, 0, radius * (1 + CORNEAL_BULGE)]])
        return np.concatenate([apex, points.reshape(-1, 3)])


def _profile(radius: float, iris_radius: float) -> tuple[Float[np.ndarray, " ring"], Float[np.ndarray, " ring"]]:
    """Distance from the optical axis and position along it of each ring."""
    iris = IRIS_RINGS * iris_radius
    limbus_angle = np.arcsin(iris_radius / radius)
    bulge = CORNEAL_BULGE * radius * np.square(1 - np.square(IRIS_RINGS))
    angle = limbus_angle + SCLERA_RINGS * (SCLERA_ANGLE - limbus_angle)
    across = np.concatenate([iris, radius * np.sin(angle)])
    along = np.concatenate([np.sqrt(radius**2 - np.square(iris)) + bulge, radius * np.cos(angle)])
    return across, along


def _look(points: Float[np.ndarray, "point 3"], direction: Float[np.ndarray, "3"]) -> Float[np.ndarray, "point 3"]:
    """Turn +z to a direction: about y first, then up or down, without roll (Listing's law, near enough)."""
    x, y, z = direction / np.sqrt(np.square(direction).sum())
    level = np.sqrt(x * x + z * z)
    right, up = np.array([z, 0, -x]) / level, np.array([-x * y, level * level, -z * y]) / level
    return points[:, :1] * right + points[:, 1:2] * up + points[:, 2:] * np.array([x, y, z])


def _polar_triangles(rings: int, segments: int) -> Int[np.ndarray, "triangle 3"]:
    """A cap of rings around vertex 0, seen from +z."""
    here = np.arange(segments)
    after = (here + 1) % segments
    fan = np.stack([np.zeros(segments, np.int64), 1 + here, 1 + after], axis=1)
    inner = 1 + np.arange(rings - 1)[:, None] * segments
    a, b = inner + here, inner + after
    bands = np.stack([np.stack([a, a + segments, b + segments], -1), np.stack([a, b + segments, b], -1)], axis=2)
    return np.concatenate([fan, bands.reshape(-1, 3)])


def _polar_uvs(turn: Float[np.ndarray, " segment"]) -> Float[np.ndarray, "vertex 2"]:
    """Texture coordinates of the left eye, whose temple lies towards +x."""
    radius = np.concatenate([IRIS_RINGS * IRIS_UV_RADIUS, IRIS_UV_RADIUS + SCLERA_RINGS * (0.5 - IRIS_UV_RADIUS)])
    ring = np.stack([np.cos(turn), -np.sin(turn)], axis=1)
    return np.concatenate([[[0.5, 0.5]], 0.5 + (radius[:, None, None] * ring).reshape(-1, 2)])


def _solve_3x3(matrix: Float[np.ndarray, "3 3"], right: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    """Cramer's rule: LAPACK's answer may differ between processors."""
    a, b, c = matrix[:, 0], matrix[:, 1], matrix[:, 2]
    determinant = _triple(a, b, c)
    return np.array([_triple(right, b, c), _triple(a, right, c), _triple(a, b, right)]) / determinant


def _triple(a: np.ndarray, b: np.ndarray, c: np.ndarray) -> float:
    return float(
        a[0] * (b[1] * c[2] - b[2] * c[1]) + a[1] * (b[2] * c[0] - b[0] * c[2]) + a[2] * (b[0] * c[1] - b[1] * c[0])
    )
