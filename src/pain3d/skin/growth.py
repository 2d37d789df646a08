"""Grows the hair of a head: ribbons start on the scalp, follow the comb, lie on what is below, hang, and end."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float, Int

from pain3d.face.mesh import FaceMesh
from pain3d.skin.combing import KNOT_MM, combed, hides_face
from pain3d.skin.fields import Field, smoothstep
from pain3d.skin.hair_ground import HairGround
from pain3d.skin.haircut import Haircut
from pain3d.skin.knots import knot_ribbons
from pain3d.skin.ribbons import Ribbons, joined, no_ribbons, unit
from pain3d.skin.traits import SkinTraits
from pain3d.streams import stream

TRIANGLES = 10_000
"""Of the hair of a head, without a knot."""
LONG_TRIANGLES = 7_000
"""Of long hair, whose ribbons lie over each other all the way down."""
SHORT_MM = 60.0
SHORT_POINTS, POINTS = 6, 10
"""Points of a ribbon that is shorter than `SHORT_MM` and straight, and of all others."""
STEPS = 3
"""From one point of a ribbon to the next, as it grows."""
TIED_MM = 16.0
"""How near to the middle of a knot ribbons end."""


def head_ribbons(traits: SkinTraits, haircut: Haircut, ground: HairGround, cap: FaceMesh) -> Ribbons:
    """The hair of the head.

    Args:
        traits: with the scalp that lies under this haircut.
        haircut: as `haircut_of` draws it.
        ground: of the head model.
        cap: the neutral head with its thickness of hair.
    """
    if haircut.length_mm == 0.0:
        return no_ribbons(points_of(haircut))
    rng = stream(traits.seed, "ribbons")
    inside = ground.fields[:, Field.SCALP] - traits.hairline_mm
    kept = smoothstep(-0.15, 0.15, ground.fields[:, Field.BALD] - 1.3 * traits.baldness)
    dense = smoothstep(-1.0, 5.0, inside) * kept * (ground.fields[:, Field.EAR] < 0.3)
    triangles = LONG_TRIANGLES if haircut.style == "long" else TRIANGLES
    count = int(triangles / (2 * points_of(haircut) - 2) * np.clip(traits.hair_density, 0.4, 1.0))
    triangle, share = ground.scattered(rng, cap, dense, count)
    walker = _Walker(traits, haircut, ground, cap, rng, len(triangle))
    grown = walker.grown(triangle, share)
    return joined([grown, knot_ribbons(rng, haircut, grown)]) if haircut.comb == "knot" and len(grown) else grown


def points_of(haircut: Haircut) -> int:
    """Points along each ribbon."""
    straight = haircut.wave_length_mm > 0.7 * haircut.length_mm
    return SHORT_POINTS if haircut.length_mm < SHORT_MM and straight else POINTS


class _Walker:
    """Grows ribbons point by point, all at once."""

    def __init__(
        self,
        traits: SkinTraits,
        haircut: Haircut,
        ground: HairGround,
        cap: FaceMesh,
        rng: np.random.Generator,
        count: int,
    ) -> None:
        from scipy.spatial import KDTree  # slow to import; only subjects with ribbons need it

        self._traits, self._haircut, self._rng = traits, haircut, rng
        # hair falls before and behind the ears as if they were not there: what they hide is not seen
        solid = np.flatnonzero(ground.fields[:, Field.EAR] < 0.15)
        self._root_ground, self._root_surface = ground, cap.vertices_m[ground.vertices].astype(np.float64) * 1000.0
        self._position_mm, self._fields = ground.position_mm[solid], ground.fields[solid]
        self._surface = self._root_surface[solid]
        self._normal = cap.normals[ground.vertices[solid]].astype(np.float64)
        self._tree = KDTree(self._surface)
        self._layer = rng.random(count)
        self._stray = rng.random(count) < 0.35 * haircut.frizz
        self._wander = rng.normal(0.0, 1.0, (count, 3))

    def grown(self, triangle: Int[np.ndarray, " ribbon"], share: Float[np.ndarray, "ribbon 3"]) -> Ribbons:
        haircut, ground, rng = self._haircut, self._root_ground, self._rng
        count = len(triangle)
        corners = ground.triangles[triangle]
        root = (self._root_surface[corners] * share[..., None]).sum(axis=1)
        start = (ground.position_mm[corners] * share[..., None]).sum(axis=1)
        length = self._lengths(start)
        count_points = points_of(haircut)
        step = length / (STEPS * (count_points - 1))
        clearance = 0.4 + self._layer * haircut.lift_mm + np.where(self._stray, rng.uniform(0.5, 3.0, count), 0.0)
        points, normals = np.empty((count, count_points, 3)), np.empty((count, count_points, 3))
        nearest = self._nearest(root)
        points[:, 0], normals[:, 0] = root, self._normal[nearest]
        heading = combed(haircut, start, normals[:, 0], self._wander)
        ends = np.full(count, count_points)
        at = root
        for k in range(1, STEPS * (count_points - 1) + 1):
            heading = self._turned(heading, nearest, at)
            ahead = at + heading * step[:, None]
            nearest = self._nearest(ahead)
            normal = self._normal[nearest]
            away = ((ahead - self._surface[nearest]) * normal).sum(axis=1)
            rise = clearance * min(1.0, k / (2 * STEPS))
            lacking = np.maximum(rise - away, 0.0)
            loose = self._off_scalp(nearest) | (haircut.comb == "out")
            held = np.where(loose, 0.0, np.maximum(away - rise, 0.0))
            ahead = ahead + normal * (lacking - 0.6 * held)[:, None]
            ends = np.where(self._arrived(nearest, ahead), np.minimum(ends, -(-k // STEPS)), ends)
            grows = (ends * STEPS > k)[:, None]
            heading = np.where(grows, unit(ahead - at), heading)
            at = np.where(grows, ahead, at)
            if k % STEPS == 0:
                points[:, k // STEPS] = at
                normals[:, k // STEPS] = np.where(grows, normal, normals[:, k // STEPS - 1])
        self._ease(points, ends)
        self._wave(points, normals, length)
        grown = np.linalg.norm(np.diff(points, axis=1), axis=2).sum(axis=1)
        least = 0.6 if haircut.comb == "parting" else 0.35
        width = self._half_width(count) * (grown > least * length)  # no stubs along the hairline
        along = np.linspace(0.0, 1.0, count_points)
        taper = np.interp(along, (0.0, 0.25, 0.6, 1.0), (0.7, 1.0, 0.9, 0.2))
        cut = np.where(ends < count_points, ends - 1, count_points)[:, None]
        taper = taper * (np.arange(count_points) < cut)
        return Ribbons(
            root=ground.vertices[corners],
            share=share,
            points_m=points / 1000.0,
            normals=unit(normals),
            half_width_m=width[:, None] * taper / 1000.0,
            layer=self._layer,
            seed=rng.integers(0, 1 << 20, count),
            beard=np.zeros(count, dtype=bool),
        )

    def _nearest(self, at: Float[np.ndarray, "ribbon 3"]) -> Int[np.ndarray, " ribbon"]:
        """The point of the skin next to each place."""
        return np.asarray(self._tree.query(at)[1])

    def _turned(
        self, heading: Float[np.ndarray, "ribbon 3"], nearest: Int[np.ndarray, " ribbon"], at: np.ndarray
    ) -> Float[np.ndarray, "ribbon 3"]:
        """Where each ribbon grows next: as it is combed on the scalp, down where it hangs."""
        comb = self._haircut.comb
        hangs = comb not in ("out", "knot")
        free = self._off_scalp(nearest)[:, None] & hangs
        wanted = combed(self._haircut, self._position_mm[nearest], self._normal[nearest], self._wander)
        wanted = np.where(free, heading, wanted) + 0.16 * self._wander
        heading = unit(0.6 * heading + 0.4 * wanted) * np.where(free, (0.6, 1.0, 1.0), 1.0)
        inward = -np.sign(at[:, :1]) * smoothstep(70.0, 105.0, np.abs(at[:, :1])) * (1.0, 0.0, 0.0)
        pull = np.where(free, 0.4, 0.04) * hangs
        return unit(heading * (1 - pull) + (np.array([0.0, -1.0, 0.0]) + 0.3 * inward) * pull)

    def _lengths(self, start: Float[np.ndarray, "ribbon 3"]) -> Float[np.ndarray, " ribbon"]:
        """Millimetres: long hair is cut at one height, short hair shorter at temples and nape."""
        haircut = self._haircut
        length = haircut.length_mm * self._rng.uniform(0.78, 1.0, len(start))
        if haircut.style in ("bob", "long"):
            top = 105.0 - start[:, 1]
            return np.maximum(length - 0.95 * top, 0.3 * length)
        if haircut.style in ("short", "parted", "receding"):
            return length * np.interp(start[:, 1], (-40.0, 10.0, 80.0), (0.35, 0.45, 1.0))
        return length

    def _half_width(self, count: int) -> Float[np.ndarray, " ribbon"]:
        """Millimetres: clumps, and single strands that stray."""
        broad = {"out": 2.0, "whorl": 1.9, "back": 2.3}.get(self._haircut.comb, 5.2)
        width = broad * self._rng.uniform(0.7, 1.2, count)
        return np.where(self._stray, 0.35 * width, width)

    def _off_scalp(self, nearest: Int[np.ndarray, " ribbon"]) -> Bool[np.ndarray, " ribbon"]:
        """Where nothing holds hair any more: past the hairline; long hair from the ears down."""
        outside = self._fields[nearest, Field.SCALP] - self._traits.hairline_mm < 0.0
        return outside | ((self._position_mm[nearest, 1] < 14.0) & (self._haircut.comb == "parting"))

    def _arrived(
        self, nearest: Int[np.ndarray, " ribbon"], at: Float[np.ndarray, "ribbon 3"]
    ) -> Bool[np.ndarray, " ribbon"]:
        """Whether a ribbon ends here: before the face, or in the knot."""
        below = self._traits.hairline_mm - self._fields[nearest, Field.SCALP]
        ended = hides_face(self._haircut, self._position_mm[nearest], below)
        if self._haircut.style in KNOT_MM:
            ended |= np.linalg.norm(at - KNOT_MM[self._haircut.style], axis=1) < TIED_MM
        return ended

    def _ease(self, points: np.ndarray, ends: Int[np.ndarray, " ribbon"]) -> None:
        """Take the kinks out of hair that hangs, in place."""
        if self._haircut.comb not in ("parting", "knot"):
            return
        inner = (np.arange(1, points.shape[1] - 1) < ends[:, None] - 1)[..., None]
        eased = 0.25 * points[:, :-2] + 0.5 * points[:, 1:-1] + 0.25 * points[:, 2:]
        points[:, 1:-1] = np.where(inner, eased, points[:, 1:-1])

    def _wave(self, points: np.ndarray, normals: np.ndarray, length: Float[np.ndarray, " ribbon"]) -> None:
        """Bend the lines into waves or coils, in place; roots stay."""
        haircut = self._haircut
        if haircut.wave_mm == 0.0:
            return
        count, along = len(points), np.linspace(0.0, 1.0, points.shape[1])
        tangent = unit(np.gradient(points, axis=1) + 1e-9)
        aside = unit(np.cross(tangent, normals))
        turns = np.minimum(length / haircut.wave_length_mm, (points.shape[1] - 1) / 2.5)
        phase = self._rng.uniform(0, 2 * np.pi, count)
        angle = phase[:, None] + 2 * np.pi * turns[:, None] * along
        size = haircut.wave_mm * smoothstep(0.0, 0.35, along) * self._rng.uniform(0.6, 1.2, count)[:, None]
        points += aside * (size * np.sin(angle))[..., None]
        points += normals * (0.5 * size * (1.0 + np.cos(angle)))[..., None]
