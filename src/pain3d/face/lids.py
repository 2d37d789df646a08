"""Eyelids: they turn about the eyeball, meet along one line, and never touch the eye.

A blendshape moves a lid along a chord, through the eyeball, and by the same millimetres on every face; lids slide over
a sphere, and how far they have to go depends on the eye. So no target moves the lid margins here. Each fine skin vertex
near the eye turns about the horizontal axis through the centre of the eyeball, by a share of the *aperture* of its own
column: the angle between upper and lower margin at its x, measured on this subject. A lid that drops by the whole
aperture closes the eye, on any face, exactly.

Then all skin is lifted off the eyeball, inner layers less than outer ones, so that none comes through another.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from pain3d.face.coarse import CoarseModel
from pain3d.face.lid_rings import LAST_RING, MARGIN_RING, lid_rings, margin_loop, smooth_step

FOLLOWS_TO = (13, 21)
FOLLOWS_FROM = (5, 10)
"""Outwards from the margin up to the first ring of `FOLLOWS_TO`, and inwards down to the second of `FOLLOWS_FROM`, skin
turns fully with the margin; from the other two rings on it does not turn."""

FOLD_ROOM = 0.5
"""Skin around the eye keeps at least this share of its distance, by angle, from the margin: cheek and brow crowd the
lids in pain, but never slide over them."""
FOLD_SOFT = 0.02
"""Radians over which crowding sets in."""
FOLD_FADE = (21, 25)
"""Rings over which the rule fades out."""
FOLD_APERTURE = 0.25
"""Aperture [rad] from which the rule applies fully: beyond the corners of the eye there is no margin to crowd."""

SPREAD_RINGS = 3.0
"""Rings over which lid skin leaves its own column for the mean of those around it, to round the corners of the eye."""
SPREAD_M = np.arange(-4, 5) * 0.8e-3
"""The columns around."""

CLEARANCE = 1.035
"""Skin stays outside this many radii of the eyeball; the cornea bulges to 1.028."""
SOFTNESS_M = 0.5e-3
"""Height above the clearance below which skin is compressed instead of cut off, so that layers keep their order."""
OUTSIDE_M = 0.35e-3
"""How much further out than the inside of the lids their outside stays."""

REST_DROP = 0.13
REST_LIFT = 0.06
"""How far the lids of an awake, relaxed face rest inside the wide-open eye of `base.obj`, in apertures of that mesh."""
MEETING = 0.15
"""Where closing lids meet, as a share of the open aperture above the lower lid: the lower lid hardly moves ..."""
MEETING_CORNER = 0.6
"""... except towards the corners of the eye, which keeps the line of closed lids free of hooks."""
GAP_M = 0.03e-3
"""Gap that stays between closed lids."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LidMotion:
    """How far the lids of the left and the right eye go."""

    upper_lid_drop: Float[np.ndarray, "2"]
    upper_lid_lift: Float[np.ndarray, "2"]
    lower_lid_lift: Float[np.ndarray, "2"]
    """In relaxed apertures."""
    closure: Float[np.ndarray, "2"]
    """0 open, 1 closed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LidTopology:
    """Which fine points the lids of one eye move, on any head."""

    points: Int[np.ndarray, " lid"]
    follow: Float[np.ndarray, " lid"]
    """How much each of them turns with the margin of its column."""
    spread: Float[np.ndarray, " lid"]
    """How much it looks at the columns beside its own: 0 on the margin, 1 on the skin further out."""
    floor_m: Float[np.ndarray, " lid"]
    """Its least height above the clearance: 0 inside the lids, `OUTSIDE_M` outside."""
    crowd: Float[np.ndarray, " lid"]
    """How much of the rule against folds (`FOLD_ROOM`) applies to it."""
    margin: Int[np.ndarray, " loop"]
    """Fine points along the visible edge of the lids, once around."""


def build_lids(coarse: CoarseModel, matrix: sp.csr_matrix) -> tuple[LidTopology, LidTopology]:
    """Find the lids of the left and of the right eye in the subdivided skin.

    Args:
        coarse: the coarse model.
        matrix: fine points from coarse vertices.
    """
    left, right = (_topology(ring, coarse, matrix) for ring in lid_rings(coarse).ring)
    return left, right


def _topology(coarse_ring: Float[np.ndarray, " coarse"], coarse: CoarseModel, matrix: sp.csr_matrix) -> LidTopology:
    fine = matrix @ coarse_ring
    points = np.flatnonzero(fine < LAST_RING)
    ring = fine[points]
    spread = smooth_step((ring - MARGIN_RING) / SPREAD_RINGS)
    return LidTopology(
        points=points,
        follow=1 - np.maximum(_ramp(ring, FOLLOWS_TO), 1 - _ramp(ring, FOLLOWS_FROM)),
        spread=spread,
        floor_m=OUTSIDE_M * _ramp(ring, (MARGIN_RING - 2, MARGIN_RING)),
        crowd=np.minimum(spread, 1 - _ramp(ring, FOLD_FADE)),
        margin=margin_loop(coarse_ring == MARGIN_RING, coarse, matrix),
    )


def _ramp(ring: Float[np.ndarray, " lid"], span: tuple[int, int]) -> Float[np.ndarray, " lid"]:
    """0 up to the first ring of a span, 1 from the second on."""
    return smooth_step((ring - span[0]) / (span[1] - span[0]))


class Lids:
    """The eyelids of one person."""

    def __init__(
        self,
        topology: tuple[LidTopology, LidTopology],
        neutral_m: Float[np.ndarray, "point 3"],
        centres_m: Float[np.ndarray, "2 3"],
        radii_m: Float[np.ndarray, "2"],
    ) -> None:
        """Measure the aperture.

        Args:
            topology: from `build_lids`.
            neutral_m: fine points of this person before any lid motion, head frame.
            centres_m: of the left and the right eyeball.
            radii_m: of the eyeballs.
        """
        self.topology = topology
        self.centres_m = centres_m
        self.radii_m = radii_m
        self._eyes = tuple(
            _Eye.measure(lid, neutral_m, centre_m, float(radius_m))
            for lid, centre_m, radius_m in zip(topology, centres_m, radii_m, strict=True)
        )

    def settle(self, points_m: Float[np.ndarray, "point 3"], motion: LidMotion) -> Float[np.ndarray, "point 3"]:
        """Turn the lids and lift all skin off the eyeballs.

        Args:
            points_m: fine points as subdivided from what `Rig.displace` gave.
            motion: from `Rig.lid_motion`.

        Returns:
            A copy; nothing changes away from the eyes.
        """
        out = points_m.copy()
        upper, lower, closing = margin_shares(motion)
        for k, eye in enumerate(self._eyes):
            mine = self.topology[k].points
            limit_m = CLEARANCE * self.radii_m[k] + self.topology[k].floor_m
            lid = _lift_off(points_m[mine] - self.centres_m[k], limit_m)
            lid = eye.turn(lid, upper[k], lower[k], closing[k], motion.closure[k])
            out[mine] = _stay_out(lid, limit_m) + self.centres_m[k]
        return out


@dataclass(frozen=True, kw_only=True, eq=False)
class _Eye:
    """How each lid point of one eye answers to the margins, in radians and metres; see `margin_shares`."""

    upper: Float[np.ndarray, " lid"]
    lower: Float[np.ndarray, " lid"]
    closing: Float[np.ndarray, " lid"]
    level: Float[np.ndarray, " lid"]
    """Change of distance from the axis that brings both margins to one depth when they meet."""
    side: Float[np.ndarray, " lid"]
    """1 above the upper margin, -1 below the lower, 0 between."""
    room: Float[np.ndarray, " lid"]
    """The least elevation (below: the greatest) a point may have while the margins stand as in the mesh."""
    margin: Float[np.ndarray, " lid"]
    """Aperture of its column, by which the margin moves."""
    meeting: Float[np.ndarray, " lid"]
    crowd: Float[np.ndarray, " lid"]

    @staticmethod
    def measure(
        topology: LidTopology, neutral_m: Float[np.ndarray, "point 3"], centre_m: np.ndarray, radius_m: float
    ) -> _Eye:
        loop = _lift_off(neutral_m[topology.margin] - centre_m, CLEARANCE * radius_m + OUTSIDE_M)
        lid = _lift_off(neutral_m[topology.points] - centre_m, CLEARANCE * radius_m + topology.floor_m)
        x = lid[:, 0]
        columns, rims = _profile(loop)
        low, high = _at(x, columns, rims[0]), _at(x, columns, rims[1])
        aperture = high[:, 0] - low[:, 0]
        openings = (rims[1] - rims[0])[:, 0]
        around = np.mean([np.interp(x + dx, columns, openings) for dx in SPREAD_M], axis=0)
        reach = aperture + topology.spread * (around - aperture)
        reach = topology.follow * np.maximum(reach - GAP_M / radius_m, 0)
        height = np.clip((_elevation(lid) - low[:, 0]) / np.maximum(aperture, 1e-3), 0, 1)
        uneven = topology.follow * (low[:, 1] - high[:, 1])
        above = _elevation(lid) > (low[:, 0] + high[:, 0]) / 2
        rim = np.where(above, high[:, 0], low[:, 0])
        return _Eye(
            upper=reach * height,
            lower=reach * (1 - height),
            closing=reach * (_meeting(loop[:, 0], x) - height),
            level=uneven * (height - 0.5),
            side=np.where(above, 1.0, -1.0),
            room=rim + FOLD_ROOM * (_elevation(lid) - rim),
            margin=np.maximum(aperture - GAP_M / radius_m, 0),
            meeting=_meeting(loop[:, 0], x),
            crowd=topology.crowd * smooth_step(around / FOLD_APERTURE),
        )

    def turn(
        self, lid: Float[np.ndarray, "lid 3"], upper: float, lower: float, closing: float, closure: float
    ) -> Float[np.ndarray, "lid 3"]:
        """Rotate points about the x axis, +z towards +y."""
        angle = self.upper * upper + self.lower * lower + self.closing * closing
        angle += self._uncrowd(_elevation(lid) + angle, upper, lower, closing)
        distance = np.sqrt(np.square(lid[:, 1]) + np.square(lid[:, 2]))
        scale = 1 + closure * self.level / np.maximum(distance, 1e-3)
        sine, cosine = np.sin(angle) * scale, np.cos(angle) * scale
        out = lid.copy()
        out[:, 1] = lid[:, 1] * cosine + lid[:, 2] * sine
        out[:, 2] = lid[:, 2] * cosine - lid[:, 1] * sine
        return out

    def _uncrowd(
        self, elevation: Float[np.ndarray, " lid"], upper: float, lower: float, closing: float
    ) -> Float[np.ndarray, " lid"]:
        """How far to turn points away from the margin so that each keeps its room."""
        above = self.side > 0
        risen = self.margin * (np.where(above, upper, lower) + closing * (self.meeting - above))
        short = (self.room + risen - elevation) * self.side
        eased = np.square(np.clip(short + FOLD_SOFT, 0, 2 * FOLD_SOFT)) / (4 * FOLD_SOFT)
        return self.crowd * self.side * np.maximum(eased, short)


def margin_shares(
    motion: LidMotion,
) -> tuple[Float[np.ndarray, "2"], Float[np.ndarray, "2"], Float[np.ndarray, "2"]]:
    """In apertures of the mesh: how far above their place in the mesh the upper and the lower margin of each eye stand
    before closing, and how much of the distance between them closing takes away."""
    relaxed = 1 - REST_DROP - REST_LIFT
    upper = -REST_DROP + relaxed * (motion.upper_lid_lift - motion.upper_lid_drop)
    lower = REST_LIFT + relaxed * motion.lower_lid_lift
    return upper, lower, motion.closure * (1 + upper - lower)


def _meeting(loop_x: Float[np.ndarray, " loop"], x: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"]:
    """Where in its column's aperture each point meets the other lid: 0 at the lower margin, 1 at the upper."""
    low, high = loop_x.min(), loop_x.max()
    off_centre = np.clip(np.abs(2 * x - low - high) / (high - low), 0, 1)
    return MEETING + (MEETING_CORNER - MEETING) * off_centre**3


def _elevation(points: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, " point"]:
    return np.arctan2(points[:, 1], points[:, 2])


def _profile(loop: Float[np.ndarray, "loop 3"]) -> tuple[Float[np.ndarray, " loop"], Float[np.ndarray, "2 loop 2"]]:
    """The lids' edge by columns: x of each, and (elevation, distance from the axis) of the lower and the upper margin
    there; equal at the corners."""
    columns = np.sort(loop[:, 0])
    polar = np.stack([_elevation(loop), np.hypot(loop[:, 1], loop[:, 2])], axis=1)
    here, after = loop[:, 0], np.roll(loop[:, 0], -1)
    along = (columns[:, None] - here) / np.where(after == here, 1e-12, after - here)
    crossing = polar + along[:, :, None] * (np.roll(polar, -1, axis=0) - polar)
    crosses = (along >= -1e-9) & (along <= 1 + 1e-9)
    rows = np.arange(len(columns))
    low = crossing[rows, np.where(crosses, crossing[:, :, 0], np.inf).argmin(axis=1)]
    high = crossing[rows, np.where(crosses, crossing[:, :, 0], -np.inf).argmax(axis=1)]
    return columns, np.stack([low, high])


def _at(x: np.ndarray, columns: np.ndarray, values: np.ndarray) -> Float[np.ndarray, "point 2"]:
    return np.stack([np.interp(x, columns, values[:, k]) for k in range(2)], axis=1)


def _lift_off(
    points: Float[np.ndarray, "point 3"], limit_m: float | Float[np.ndarray, " point"]
) -> Float[np.ndarray, "point 3"]:
    """Move points outwards, beyond a distance; points well outside stay, and points on one ray keep their order."""
    distance = np.sqrt(np.square(points).sum(axis=1))
    above = np.minimum((distance - limit_m) / SOFTNESS_M, 1.0)
    lifted = np.where(above < 1, limit_m + SOFTNESS_M * np.exp(above - 1), distance)
    return points * (lifted / distance)[:, None]


def _stay_out(
    points: Float[np.ndarray, "point 3"], limit_m: Float[np.ndarray, " point"]
) -> Float[np.ndarray, "point 3"]:
    """The same for what turning may have pushed in: a plain limit."""
    distance = np.sqrt(np.square(points).sum(axis=1))
    return points * np.maximum(limit_m / distance, 1)[:, None]
