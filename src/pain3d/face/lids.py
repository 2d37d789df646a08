"""Eyelids: they turn about the eyeball, meet along one line, and never touch the eye.

A blendshape moves a lid along a chord, through the eyeball, and by the same millimetres on every face; lids slide over a
sphere, and how far they have to go depends on the eye. So no target moves the lid margins here. Each fine skin vertex
near the eye turns about the horizontal axis through the centre of the eyeball, by a share of the *aperture* of its own
column: the angle between upper and lower margin at its x, measured on this subject. A lid that drops by the whole
aperture closes the eye, on any face, exactly.

The edge loops of `base.obj` around the eye make this simple. Counted as rings from the back of the socket, ring 13 is the
visible edge of the lids, 11 to 13 the margin that faces the other lid, 14 to 19 the lid skin up to the fold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int

from pain3d.face.coarse import CoarseModel

SOCKET_POLE = 11915
"""Vertex of `base.obj` at the back of the left socket."""
MARGIN_RING = 13
"""The visible edge of the lids."""
LAST_RING = 25
"""Rings beyond lie on brow, nose and cheek."""

HELD_TO = (14, 20)
"""Up to the first ring no target moves the skin at all, from the second on every target moves it fully."""
FOLLOWS_TO = (13, 21)
FOLLOWS_FROM = (5, 10)
"""Outwards from the margin up to the first ring of `FOLLOWS_TO`, and inwards down to the second of `FOLLOWS_FROM`, skin
turns fully with the margin; from the other two rings on it does not turn."""

FOLD_ROOM = 0.5
"""Skin around the eye keeps at least this share of its distance, by angle, from the margin: cheek and brow crowd the lids in
pain, but never slide over them."""
FOLD_SOFT = 0.02
"""Radians over which crowding sets in."""
FOLD_FADE = (21, 25)
"""Rings over which the rule fades out."""
FOLD_APERTURE = 0.25
"""Aperture [rad] from which the rule applies fully: beyond the corners of the eye there is no margin to crowd."""

SPREAD_RINGS = 3.0
"""Rings over which lid skin leaves its own column for the mean of those around it, which rounds the corners of the eye."""
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
class LidRings:
    """Coarse vertices around the eyes by the edge loop that they lie on."""

    ring: Float[np.ndarray, "2 coarse"]
    """Left and right eye: how many quads from the pole of the socket; `LAST_RING` + 1 beyond."""
    held: Float[np.ndarray, " coarse"]
    """1 where targets must not move the skin, because lids do; 0 away from the eyes."""


def lid_rings(coarse: CoarseModel) -> LidRings:
    """Count rings outwards from the back of both sockets."""
    left = int(coarse.index_of([SOCKET_POLE])[0])
    opposite = coarse.base_m[left] * np.float32((-1, 1, 1))
    right = int(np.square(coarse.base_m - opposite).sum(axis=1).argmin())
    ring = np.stack([_rings_from(pole, coarse) for pole in (left, right)])
    held = 1 - _smooth_step((ring.min(axis=0) - HELD_TO[0]) / (HELD_TO[1] - HELD_TO[0]))
    return LidRings(ring=ring, held=held)


def _rings_from(pole: int, coarse: CoarseModel) -> Float[np.ndarray, " coarse"]:
    ring = np.full(len(coarse.base_m), LAST_RING + 1.0)
    reached = np.zeros(len(ring), dtype=bool)
    reached[pole] = True
    ring[pole] = 0
    for k in range(1, LAST_RING + 1):
        touched = coarse.quads[reached[coarse.quads].any(axis=1)].ravel()
        fresh = touched[~reached[touched]]
        reached[fresh] = True
        ring[fresh] = k
    return ring


def _smooth_step(t: np.ndarray) -> np.ndarray:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


@dataclass(frozen=True, kw_only=True, eq=False)
class LidTopology:
    """What the lids of all heads share: which fine points they move. One entry for the left and one for the right eye."""

    points: tuple[Int[np.ndarray, " lid"], Int[np.ndarray, " lid"]]
    """Fine points around each eye."""
    follow: tuple[Float[np.ndarray, " lid"], Float[np.ndarray, " lid"]]
    """How much each of them turns with the margin of its column."""
    spread: tuple[Float[np.ndarray, " lid"], Float[np.ndarray, " lid"]]
    """How much it looks at the columns beside its own: 0 on the margin, 1 on the skin further out."""
    floor_m: tuple[Float[np.ndarray, " lid"], Float[np.ndarray, " lid"]]
    """Its least height above the clearance: 0 inside the lids, `OUTSIDE_M` outside."""
    crowd: tuple[Float[np.ndarray, " lid"], Float[np.ndarray, " lid"]]
    """How much of the rule against folds (`FOLD_ROOM`) applies to it."""
    margin: tuple[Int[np.ndarray, " loop"], Int[np.ndarray, " loop"]]
    """Fine points along the visible edge of the lids, once around."""


def build_lids(coarse: CoarseModel, matrix: sp.csr_matrix) -> LidTopology:
    """Find the lids in the subdivided skin.

    Args:
        coarse: the coarse model.
        matrix: fine points from coarse vertices.
    """
    rings = lid_rings(coarse)
    fine = [matrix @ ring for ring in rings.ring]
    points = [np.flatnonzero(ring < LAST_RING) for ring in fine]
    follow, spread, crowd, floor_m = [], [], [], []
    for ring, mine in zip(fine, points, strict=True):
        outwards = (ring[mine] - FOLLOWS_TO[0]) / (FOLLOWS_TO[1] - FOLLOWS_TO[0])
        inwards = (FOLLOWS_FROM[1] - ring[mine]) / (FOLLOWS_FROM[1] - FOLLOWS_FROM[0])
        follow.append(1 - _smooth_step(np.maximum(outwards, inwards)))
        spread.append(_smooth_step((ring[mine] - MARGIN_RING) / SPREAD_RINGS))
        floor_m.append(OUTSIDE_M * _smooth_step((ring[mine] - MARGIN_RING + 2) / 2))
        crowd.append(
            np.minimum(spread[-1], 1 - _smooth_step((ring[mine] - FOLD_FADE[0]) / (FOLD_FADE[1] - FOLD_FADE[0])))
        )
    margin = [_margin_loop(ring == MARGIN_RING, coarse, matrix) for ring in rings.ring]
    return LidTopology(
        points=(points[0], points[1]),
        follow=(follow[0], follow[1]),
        spread=(spread[0], spread[1]),
        floor_m=(floor_m[0], floor_m[1]),
        crowd=(crowd[0], crowd[1]),
        margin=(margin[0], margin[1]),
    )


def _margin_loop(
    on_margin: Bool[np.ndarray, " coarse"], coarse: CoarseModel, matrix: sp.csr_matrix
) -> Int[np.ndarray, " loop"]:
    """Fine points of a closed loop of coarse edges, in order: corner, middle of the edge, corner, ...

    In a Catmull-Clark matrix the largest entry of a corner's row is its own vertex; the row of the middle of an edge
    has two of 3/8.
    """
    ends = np.stack([coarse.quads, np.roll(coarse.quads, -1, axis=1)], axis=2).reshape(-1, 2)
    edges = np.unique(np.sort(ends[on_margin[ends].all(axis=1)], axis=1), axis=0)
    point_of_corner: dict[int, int] = {}
    point_of_edge: dict[tuple[int, int], int] = {}
    for row in np.unique(matrix.tocsc()[:, np.flatnonzero(on_margin)].indices):
        span = slice(matrix.indptr[row], matrix.indptr[row + 1])
        main = np.sort(matrix.indices[span][matrix.data[span] > 0.37])
        if len(main) == 1:
            point_of_corner[int(main[0])] = int(row)
        elif len(main) == 2:
            point_of_edge[int(main[0]), int(main[1])] = int(row)
    loop: list[int] = []
    a, b = int(edges[0, 0]), int(edges[0, 1])
    for _ in range(len(edges)):
        loop += [point_of_corner[a], point_of_edge[min(a, b), max(a, b)]]
        onwards = edges[(edges == b).any(axis=1) & ~(edges == a).any(axis=1)]
        a, b = b, int(onwards[0][onwards[0] != b][0])
    return np.array(loop)


class Lids:
    """The eyelids of one person."""

    def __init__(
        self,
        topology: LidTopology,
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
        self._eyes = tuple(_Eye.measure(topology, neutral_m, eye, centres_m[eye], radii_m[eye]) for eye in range(2))

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
            mine = self.topology.points[k]
            limit_m = CLEARANCE * self.radii_m[k] + self.topology.floor_m[k]
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
        topology: LidTopology, neutral_m: Float[np.ndarray, "point 3"], eye: int, centre_m: np.ndarray, radius_m: float
    ) -> _Eye:
        loop = _lift_off(neutral_m[topology.margin[eye]] - centre_m, CLEARANCE * radius_m + OUTSIDE_M)
        lid = _lift_off(neutral_m[topology.points[eye]] - centre_m, CLEARANCE * radius_m + topology.floor_m[eye])
        x = lid[:, 0]
        low, high = _profile(loop, x)
        aperture = high[:, 0] - low[:, 0]
        beside = [_profile(loop, x + dx) for dx in SPREAD_M]
        around = np.mean([(up - down)[:, 0] for down, up in beside], axis=0)
        reach = aperture + topology.spread[eye] * (around - aperture)
        reach = topology.follow[eye] * np.maximum(reach - GAP_M / radius_m, 0)
        height = np.clip((_elevation(lid) - low[:, 0]) / np.maximum(aperture, 1e-3), 0, 1)
        uneven = topology.follow[eye] * (low[:, 1] - high[:, 1])
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
            crowd=topology.crowd[eye] * _smooth_step(around / FOLD_APERTURE),
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


def _profile(
    loop: Float[np.ndarray, "loop 3"], x: Float[np.ndarray, " point"]
) -> tuple[Float[np.ndarray, "point 2"], Float[np.ndarray, "point 2"]]:
    """(elevation, distance from the axis) of the lower and of the upper margin at given x; equal beyond the corners."""
    columns = np.sort(loop[:, 0])
    polar = np.stack([_elevation(loop), np.hypot(loop[:, 1], loop[:, 2])], axis=1)
    here, after = loop[:, 0], np.roll(loop[:, 0], -1)
    along = (columns[:, None] - here) / np.where(after == here, 1e-12, after - here)
    crossing = polar + along[:, :, None] * (np.roll(polar, -1, axis=0) - polar)
    crosses = (along >= -1e-9) & (along <= 1 + 1e-9)
    rows = np.arange(len(columns))
    low = crossing[rows, np.where(crosses, crossing[:, :, 0], np.inf).argmin(axis=1)]
    high = crossing[rows, np.where(crosses, crossing[:, :, 0], -np.inf).argmax(axis=1)]
    return _at(x, columns, low), _at(x, columns, high)


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
