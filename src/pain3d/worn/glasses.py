"""Glasses: rims, lenses, bridge, pads and temples, fitted to a head at rest; rigid, they follow the head alone.

The front is a slightly bent pane before the eyes, leaning in below (pantoscopic angle). It is moved forwards until its
rims clear the skin of the face at rest and at full strain, so that cheeks and brows move behind it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from pain3d.face.mesh import FaceMesh
from pain3d.worn.frames import FrameStyle, lens_outline
from pain3d.worn.ground import Clearance, WornGround
from pain3d.worn.materials import LENS, METALS, PAD, acetate, metal
from pain3d.worn.solids import Material, Solid, joined, resampled, sweep, unit

LEAN = np.tan(np.radians(8.0))
"""Pantoscopic angle: opticians fit 7 to 12 degrees."""
FRONT_RADIUS_MM = 210.0
"""Bend of the front around the face."""
LENS_RADIUS_MM = 95.0
"""Base curve of the lenses' front face (5.5 dioptres)."""
VERTEX_MM = (11.0, 24.0)
"""Least and most distance from the cornea to the lens; opticians fit 12 to 14."""
RIM_CLEAR_MM = 0.6
"""Rims stay this far off the skin, which nothing moves closer."""
LENS_WIDTH_MM = (41.0, 56.0)
BELOW_PUPIL_MM = 3.0
"""The middle of a lens lies this far below the pupil."""
RIM_POINTS = 56
WIRE_MM = (0.75, 0.75)
ACETATE_MM = (2.1, 1.6)
FINE_MM = (0.55, 0.55)
BAR_MM = (2.5, 1.7)
"""Half width in the pane and half thickness: metal rim, acetate rim, wire and bar of a half rim."""
TEMPLES_Z_MM = -35.0
"""The face counts as far back as this."""
LEFT_FREE_MM = 15.5
"""Half of what lenses leave of the width of a face, for the nose, rims and hinges."""
LEAST_NOSE_MM = 8.0
"""Half of the least distance between lenses."""
STEP_MM = 0.5
PAD_FROM_RIM_MM = np.array([-2.5, -2.0, -6.0])
"""From the innermost point of a rim to where its nose pad lies."""
BACK_MM, BEHIND_MM, TIP_MM = np.array([0.0, 0.0, -4.0]), np.array([0.5, -2.0, -14.0]), np.array([-3.0, -24.0, -10.0])
"""Steps of a temple: from the corner to the straight part, over the ear, and down behind it."""

FLAT = 4.5
"""Squareness of bars cut from a sheet."""

FRAME, GLASS, SILICONE, WIRE = range(4)
"""Materials, in the order of `glasses_materials`."""


def glasses_materials(style: FrameStyle) -> tuple[Material, ...]:
    """What the solid's numbers of materials stand for."""
    return (metal(style.colour) if style.metal else acetate(style.colour), LENS, PAD, metal(METALS[0]))


@dataclass(frozen=True, kw_only=True)
class _Front:
    """The bent, leaning pane that rims and lenses lie in."""

    pupil_y_mm: float
    z_mm: float
    """At the middle of the face, at the height of the pupils."""

    def at(self, xy: Float[np.ndarray, "point 2"]) -> Float[np.ndarray, "point 3"]:
        """Points of the pane at these places of the face."""
        z = self.z_mm + LEAN * (xy[:, 1] - self.pupil_y_mm) - np.square(xy[:, 0]) / (2 * FRONT_RADIUS_MM)
        return np.concatenate([xy, z[:, None]], axis=1)

    def normal(self, xy: Float[np.ndarray, "point 2"]) -> Float[np.ndarray, "point 3"]:
        """Unit normals of the pane, away from the face."""
        ones = np.ones(len(xy))
        return unit(np.stack([xy[:, 0] / FRONT_RADIUS_MM, -LEAN * ones, ones], axis=1))


@dataclass(frozen=True, kw_only=True)
class _Measures:
    """What an optician measures on a head, millimetres."""

    pupil: tuple[float, float, float]
    """Of the subject's left eye, the right one mirrored: x, y, and z of the cornea."""
    half_face: float
    """Half width of the face at the temples."""
    ears: Float[np.ndarray, "2 3"]
    """Where the left and the right ear meet the head on top."""

    @classmethod
    def of(cls, ground: WornGround, rest: FaceMesh) -> _Measures:
        apex = [eye[rest.vertices_m[eye, 2].argmax()] for eye in ground.eyes]
        pupils = rest.vertices_m[apex].astype(np.float64) * 1000.0
        x, y, z = float(np.abs(pupils[:, 0]).mean()), float(pupils[:, 1].mean()), float(pupils[:, 2].max())
        skin = rest.vertices_m[ground.skin].astype(np.float64) * 1000.0
        temples = (np.abs(skin[:, 1] - y) < 10.0) & (skin[:, 2] > TEMPLES_Z_MM)
        return cls(
            pupil=(x, y, z),
            half_face=float(np.abs(skin[temples, 0]).max()),
            ears=rest.vertices_m[ground.ear_rests].astype(np.float64) * 1000.0,
        )


def fitted_glasses(style: FrameStyle, ground: WornGround, rest: FaceMesh, strained: tuple[FaceMesh, ...]) -> Solid:
    """A pair of glasses on a head.

    Args:
        style: which glasses.
        ground: of the head model.
        rest: the bare head at rest.
        strained: the same head with its cheeks and brows at full strain.
    """
    clear = Clearance(ground, (rest, *strained))
    measures = _Measures.of(ground, rest)
    pupil_x, pupil_y, cornea_z = measures.pupil
    width = float(np.clip((measures.half_face - LEFT_FREE_MM) * style.width, *LENS_WIDTH_MM))
    # lenses are set a little towards the nose of the eyes' middle, where faces are wide enough
    middle = np.array([max(pupil_x - 1.0, LEAST_NOSE_MM + width / 2), pupil_y - BELOW_PUPIL_MM])
    xy = lens_outline(style.shape, width, RIM_POINTS) + middle
    bridge_xy = _bridge_line(xy, style)
    rims_xy = np.concatenate([xy, xy * (-1.0, 1.0), bridge_xy])
    half_thick = (WIRE_MM if style.metal else ACETATE_MM)[1]
    start_z = cornea_z + VERTEX_MM[0] + pupil_x**2 / (2 * FRONT_RADIUS_MM)
    front = _pushed_clear(_Front(pupil_y_mm=pupil_y, z_mm=start_z), rims_xy, half_thick + RIM_CLEAR_MM, clear)
    rims = _rims(front, xy, style)
    parts = [*rims, *(rim.mirrored() for rim in rims), *_bridges(front, xy, bridge_xy, style)]
    if style.metal or style.shape == "half_rim":
        parts += _pads(front, xy, clear, FRAME if style.metal else WIRE)
    for side, ear in ((1.0, measures.ears[0]), (-1.0, measures.ears[1])):
        temple = _temple(front, xy, style, measures.half_face, ear * (side, 1.0, 1.0), side, clear)
        parts.append(temple if side > 0 else temple.mirrored())
    return joined(parts)


def _pushed_clear(front: _Front, xy: np.ndarray, need_mm: float, clear: Clearance) -> _Front:
    """The pane, moved forwards in small steps until rims clear the skin, or stand as far off as glasses may."""
    for _ in range(round((VERTEX_MM[1] - VERTEX_MM[0]) / STEP_MM)):
        if (clear.outside_mm(front.at(xy)) > need_mm).all():
            break
        front = replace(front, z_mm=front.z_mm + STEP_MM)
    return front


def _rims(front: _Front, xy: np.ndarray, style: FrameStyle) -> list[Solid]:
    """The left rim with its lens; of a half rim the upper bar, and a wire below."""
    around, away = front.at(xy), front.normal(xy)
    lens = _lens(front, xy)
    if style.metal:
        half = np.tile(WIRE_MM, (len(xy), 1))
        return [sweep(around, away, half, closed=True, material=FRAME), lens]
    if style.shape != "half_rim":
        half = np.tile(ACETATE_MM, (len(xy), 1))
        return [sweep(around, away, half, closed=True, material=FRAME, corner=FLAT), lens]
    upper = xy[np.r_[len(xy) - 1, 0 : len(xy) // 2 + 2]]
    swell = np.sin(np.linspace(0.25, np.pi - 0.15, len(upper)))[:, None] ** 0.7
    bar = sweep(front.at(upper), front.normal(upper), swell * BAR_MM, closed=False, material=FRAME, corner=FLAT)
    return [sweep(around, away, np.tile(FINE_MM, (len(xy), 1)), closed=True, material=WIRE), lens, bar]


def _bridges(front: _Front, xy: np.ndarray, bridge_xy: np.ndarray, style: FrameStyle) -> list[Solid]:
    """The bridge over the nose, and the bar above it that aviators have."""
    thin = style.metal or style.shape == "half_rim"
    half = WIRE_MM if style.metal else (0.9, 0.9) if thin else ACETATE_MM
    out = [
        sweep(
            front.at(bridge_xy) + _arched(bridge_xy),
            front.normal(bridge_xy),
            np.tile(half, (len(bridge_xy), 1)),
            closed=False,
            material=FRAME if style.metal or not thin else WIRE,
            corner=2.0 if thin else FLAT,
        )
    ]
    if style.shape == "aviator":
        top = xy[:, 1].max() - 2.0
        inner = xy[np.abs(xy[:, 1] - top).argsort()[:6]][:, 0].min()
        bar_xy = np.stack([np.linspace(-inner, inner, 9), np.full(9, top)], axis=1)
        half = np.tile(WIRE_MM, (9, 1))
        out.append(sweep(front.at(bar_xy), front.normal(bar_xy), half, closed=False, material=FRAME))
    return out


def _bridge_line(xy: np.ndarray, style: FrameStyle) -> Float[np.ndarray, "point 2"]:
    """From rim to rim over the nose, low on thick frames."""
    nasal = xy[np.argmin(xy[:, 0])]
    height = nasal[1] + (4.0 if style.metal else 5.0)
    start = xy[np.argmin(np.abs(xy[:, 1] - height) + 1000.0 * (xy[:, 0] > nasal[0] + 12.0))]
    x = np.linspace(-start[0], start[0], 13)
    lift = 2.2 * (1.0 - np.square(x / start[0]))
    return np.stack([x, start[1] + lift], axis=1)


def _arched(xy: np.ndarray) -> Float[np.ndarray, "point 3"]:
    """Bridges stand out before the pane."""
    out = np.zeros((len(xy), 3))
    out[:, 2] = 1.5 * (1.0 - np.square(xy[:, 0] / np.abs(xy[:, 0]).max()))
    return out


def _lens(front: _Front, xy: np.ndarray) -> Solid:
    """A bulged pane inside a rim, seen from both sides."""
    middle = xy.mean(axis=0)
    rings = np.array([0.0, 0.35, 0.7, 1.0])
    flat = (middle + rings[:, None, None] * (xy - middle)).reshape(-1, 2)
    off = np.square(flat - middle).sum(axis=1)
    edge = np.square(xy - middle).sum(axis=1).mean()
    points = front.at(flat)
    points[:, 2] += (edge - off) / (2 * LENS_RADIUS_MM)
    normals = front.normal(flat)
    normals[:, :2] += (flat - middle) / LENS_RADIUS_MM
    normals = unit(normals)
    count = len(xy)
    ring, j = np.arange(len(rings) - 1)[:, None] * count, np.arange(count)[None]
    beside = (j + 1) % count
    a, b, c, d = ring + j, ring + count + j, ring + count + beside, ring + beside
    triangles = np.concatenate([np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)])
    return Solid(
        points_mm=np.concatenate([points, points]),
        normals=np.concatenate([normals, -normals]),
        triangles=np.concatenate([triangles, triangles[:, ::-1] + len(points)]).astype(np.int64),
        material=np.full(2 * len(triangles), GLASS),
    )


def _pads(front: _Front, xy: np.ndarray, clear: Clearance, wire: int) -> list[Solid]:
    """Nose pads on the flanks of the nose, each on a thin arm from its rim."""
    nasal = xy[np.argmin(xy[:, 0])] - (0.0, 3.0)
    start = front.at(nasal[None])[0]
    out = []
    for side in (1.0, -1.0):
        flip = np.array([side, 1.0, 1.0])
        skin, normal = clear.skin_at((start + PAD_FROM_RIM_MM) * flip)
        skin, normal = skin * flip, normal * flip
        centre = skin + normal * 1.2
        down = np.array([0.25, -1.0, 0.25])
        down = unit(down - normal * (down * normal).sum())
        line = centre + np.linspace(-5.5, 5.5, 9)[:, None] * down
        swell = np.sqrt(np.maximum(1.0 - np.square(np.linspace(-0.96, 0.96, 9)), 0.0))[:, None]
        pad = sweep(line, np.tile(normal, (9, 1)), swell * (2.8, 0.9), closed=False, material=SILICONE)
        knee = (start + centre) / 2 + (1.2, 0.0, -1.0)
        arm_line = resampled(np.stack([start, knee, centre + normal * 0.6]), 7)
        arm = sweep(
            arm_line, np.tile((0.0, 1.0, 0.0), (7, 1)), np.full((7, 2), 0.4), closed=False, material=wire, sides=6
        )
        out += [part if side > 0 else part.mirrored() for part in (pad, arm)]
    return out


def _temple(
    front: _Front, xy: np.ndarray, style: FrameStyle, half_face: float, ear: np.ndarray, side: float, clear: Clearance
) -> Solid:
    """From the rim's outer edge straight to the ear and down behind it, outside the skin; for the left side."""
    outer = xy[np.argmax(xy[:, 0] + 0.25 * xy[:, 1])]
    hinge_x = max(half_face - 1.0, float(outer[0]) + 2.5)
    start = front.at(outer[None])[0]
    corner = front.at(np.array([[hinge_x, outer[1] + 0.5]]))[0] - (0.0, 0.0, 1.0)
    flat = (0.7, 0.9) if style.metal else (1.2, 2.3)
    rest = ear + np.array([flat[0] + 0.8, flat[1] + 1.0, 0.0])
    behind = rest + BEHIND_MM
    tip = behind + TIP_MM
    back = corner + BACK_MM
    line = np.concatenate(
        [resampled(np.stack([start, corner, back]), 8)[:-1], resampled(np.stack([back, rest]), 24)[:-1],
         resampled(np.stack([rest, behind, tip]), 12)]
    )  # fmt: skip
    for _ in range(4):
        line[1:-1] = 0.5 * line[1:-1] + 0.25 * (line[2:] + line[:-2])
    flip = np.array([side, 1.0, 1.0])
    for _ in range(12):
        short = flat[0] + 0.4 - clear.outside_mm(line * flip)
        line[8:, 0] += np.clip(short[8:], 0.0, 3.0)
        line[1:-1, 0] = 0.5 * line[1:-1, 0] + 0.25 * (line[2:, 0] + line[:-2, 0])
    thick = np.broadcast_to(flat, (len(line), 2)).copy()
    if not style.metal:
        thick[:, 1] *= np.interp(np.arange(len(line)), (0, 8, 30, len(line) - 1), (1.0, 1.0, 0.75, 1.0))
    # `up` of the sweep is the face's: the bar is upright, its width across points away from the head
    up = np.tile((0.0, 1.0, 0.0), (len(line), 1))
    return sweep(line, up, thick, closed=False, material=FRAME, sides=12, corner=2.0 if style.metal else FLAT)
