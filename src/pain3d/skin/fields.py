"""Where things are on a face: smooth fields over the vertices of the template head, in millimetres.

Everything is placed by canonical coordinates: the template's own position, moved and scaled piece by piece so that its
landmarks fall where those of the unmodified MakeHuman head lie (origin between the eyeballs, +x subject's left, +y up,
+z out of the face). Most fields use |x|: both sides alike; paint breaks the symmetry.
"""

from __future__ import annotations

from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int


class Field(IntEnum):
    """Columns of the field table."""

    BLOOD = 0
    """Natural logarithm of the blood content relative to plain skin, at flush 1."""
    MELANIN = 1
    """Natural logarithm of the melanin content relative to plain skin."""
    VENOUS = 2
    """0..1: shadow below the eyes where slow blood shines through."""
    OIL = 3
    """0..1: T-zone."""
    PORE = 4
    """0..1: how far open the pores are."""
    BEARD = 5
    """0..1: density of a full beard."""
    SCALP = 6
    """Millimetres inside the average hairline; negative outside."""
    BALD = 7
    """Baldness at which the hair here is lost; above 1 never."""
    BROW_S = 8
    """0 at the inner end of the brow, 1 at the outer end; may run over."""
    BROW_T = 9
    """Millimetres above the middle line of the brow."""
    LIP = 10
    """Share of vermilion, 0..1; 0.5 at its border."""
    LID = 11
    """Millimetres outside the lid margin, along the skin."""
    FACE = 12
    """0..1: front of the face, where fine detail is worth its time."""
    COLLAR = 13
    """Millimetres below a crew neckline; negative above."""
    EAR = 14
    """0..1."""
    NAPE = 15
    """0..1: behind the ears, where hair may grow down over the neck."""


FIELDS = len(Field)

_CANONICAL_Y = {8: -112.0, 57: -80.0, 51: -60.5, 33: -48.0}
"""Heights of chin, lower lip, upper lip and nose base on the MakeHuman base head [mm]; the eyes stand at 0."""
_OUTER_EYE_X = 44.5
_NOSE_TIP_Z = 43.0


def canonical_mm(
    positions_m: Float[np.ndarray, "vertex 3"], landmarks: Int[np.ndarray, "68"]
) -> Float[np.ndarray, "vertex 3"]:
    """Canonical coordinates of points of the template.

    Args:
        positions_m: the template, metres.
        landmarks: index of each iBUG-68 landmark in it.
    """
    mm = np.asarray(positions_m, dtype=np.float64) * 1000.0
    marks = mm[landmarks]
    source = np.array([*(marks[k, 1] for k in _CANONICAL_Y), 0.0, 100.0])
    target = np.array([*_CANONICAL_Y.values(), 0.0, 100.0])
    if (np.diff(source) <= 1.0).any():
        raise ValueError(
            "landmarks: chin, lips, nose and eyes of the template do not lie one above the other; "
            "give the neutral head in its own frame (+y up, origin between the eyeballs)"
        )
    y = np.interp(mm[:, 1], source, target)
    y = np.where(mm[:, 1] < source[0], mm[:, 1] - source[0] + target[0], y)
    y = np.where(mm[:, 1] > source[-1], mm[:, 1], y)
    scale = _OUTER_EYE_X / np.abs(marks[[36, 45], 0]).mean()
    return np.stack([mm[:, 0] * scale, y, mm[:, 2] + (_NOSE_TIP_Z - marks[30, 2])], axis=1)


def smoothstep(low: float, high: float, x: np.ndarray) -> np.ndarray:
    """0 below `low`, 1 above `high`, smooth between; falls where `low` > `high`."""
    t = np.clip((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


def polyline(
    points: Float[np.ndarray, "n d"], line: Float[np.ndarray, "m d"]
) -> tuple[Float[np.ndarray, " n"], Float[np.ndarray, "n d"]]:
    """Position along a polyline, 0..1 (its end segments run on), and the nearest point of it."""
    best = np.full(len(points), np.inf)
    along = np.zeros(len(points))
    nearest = np.zeros_like(points)
    lengths = np.linalg.norm(np.diff(line, axis=0), axis=1)
    start = np.concatenate([[0.0], np.cumsum(lengths)])
    for k in range(len(lengths)):
        direction = (line[k + 1] - line[k]) / lengths[k]
        free = ((points - line[k]) * direction).sum(axis=1)
        low = -np.inf if k == 0 else 0.0
        high = np.inf if k == len(lengths) - 1 else lengths[k]
        t = np.clip(free, low, high)
        at = line[k] + t[:, None] * direction
        distance = np.square(points - at).sum(axis=1)
        closer = distance < best
        best[closer] = distance[closer]
        along[closer] = (start[k] + t[closer]) / start[-1]
        nearest[closer] = at[closer]
    return along, nearest


def build_fields(
    position_mm: Float[np.ndarray, "vertex 3"],
    landmarks: Int[np.ndarray, "68"],
    lip: Float[np.ndarray, " vertex"],
    ear: Float[np.ndarray, " vertex"],
) -> Float[np.ndarray, "vertex field"]:
    """All fields at the vertices of the template.

    Args:
        position_mm: canonical coordinates.
        landmarks: vertex of each iBUG-68 landmark.
        lip: share of vermilion.
        ear: share of outer ear.
    """
    out = np.zeros((len(position_mm), FIELDS))
    ax, y, z = np.abs(position_mm[:, 0]), position_mm[:, 1], position_mm[:, 2]
    front = smoothstep(-28.0, -4.0, z)

    def spot(cx: float, cy: float, sx: float, sy: float) -> np.ndarray:
        return np.exp(-0.5 * (((ax - cx) / sx) ** 2 + ((y - cy) / sy) ** 2)) * front

    lid = _lid_distance(position_mm, landmarks)
    near_eye = np.exp(-((np.maximum(lid, 0.0) / 7.0) ** 2)) * front
    rim = np.exp(-((np.maximum(lid, 0.0) / 1.3) ** 2)) * front
    neck = smoothstep(-105.0, -125.0, y)
    out[:, Field.BLOOD] = (
        0.55 * spot(38, -28, 14, 12) + 0.65 * spot(0, -38, 11, 9) + 0.30 * spot(15, -42, 5, 7)
        + 0.25 * spot(0, -99, 15, 9) + 0.25 * near_eye + 0.75 * rim + 0.75 * ear
        - 0.10 * spot(0, 50, 45, 18) - 0.12 * neck - 0.15 * spot(18, -52, 30, 6)
    )  # fmt: skip
    upper = smoothstep(-2.0, 6.0, y)
    out[:, Field.MELANIN] = (
        0.18 * near_eye + 0.14 * near_eye * upper + 0.10 * spot(0, 50, 45, 18) + 0.08 * spot(0, -68, 34, 18)
        - 0.06 * spot(36, -25, 16, 14) + 0.10 * spot(0, -8, 10, 14) + 0.10 * smoothstep(-10, -50, z) * (1 - neck)
        - 0.05 * neck
    )  # fmt: skip
    out[:, Field.VENOUS] = np.exp(-(((lid - 5.0) / 5.0) ** 2)) * smoothstep(0, -6, y) * front * spot(26, -10, 14, 9)
    oil = 0.8 * spot(0, 48, 28, 20) + 1.0 * spot(0, -25, 13, 26) + 0.6 * spot(0, -97, 14, 10)
    out[:, Field.OIL] = np.clip(oil + 0.35 * spot(36, -20, 14, 12), 0, 1)
    pore = 1.0 * spot(0, -30, 15, 14) + 0.9 * spot(26, -28, 13, 14) + 0.45 * spot(0, 40, 30, 20)
    out[:, Field.PORE] = np.clip(pore + 0.45 * spot(0, -98, 16, 10), 0, 1)
    out[:, Field.BEARD] = _beard(ax, y, z, lip) * (1.0 - ear)
    scalp = _inside_hairline(ax, y, z)
    out[:, Field.SCALP] = np.where(ear > 0.4, -20.0, scalp)
    out[:, Field.BALD] = _bald_time(ax, y, z, scalp)
    out[:, Field.BROW_S], out[:, Field.BROW_T] = _brow(position_mm, landmarks)
    out[:, Field.LIP] = lip
    out[:, Field.LID] = lid
    out[:, Field.FACE] = front * (1.0 - neck)
    out[:, Field.COLLAR] = -172.0 - 0.42 * (z + 60.0) + 0.0012 * ax**2 - y
    out[:, Field.EAR] = ear
    behind = -(z + 65.0)
    nape = smoothstep(0.02, 0.32, behind / np.maximum(np.hypot(ax, behind), 1.0))
    out[:, Field.NAPE] = nape * (1.0 - np.clip(2.5 * ear, 0.0, 1.0))
    return out.astype(np.float32)


def _lid_distance(position_mm: np.ndarray, landmarks: np.ndarray) -> np.ndarray:
    """Distance [mm] outside the ellipse through the lid landmarks, in the frontal plane; both sides folded."""
    marks = position_mm[landmarks]
    right = np.concatenate([marks[36:42], marks[42:48]])
    x, y = np.abs(right[:, 0]), right[:, 1]
    cx, cy = (x.max() + x.min()) / 2, (y.max() + y.min()) / 2
    a, b = max((x.max() - x.min()) / 2, 5.0), max((y.max() - y.min()) / 2, 3.0)
    dx, dy = np.abs(position_mm[:, 0]) - cx, position_mm[:, 1] - cy
    rho = np.hypot(dx / a, dy / b)
    distance = (rho - 1.0) * np.hypot(dx, dy) / np.maximum(rho, 1e-3)
    return np.where(position_mm[:, 2] > -15.0, distance, 60.0)


def _beard(ax: np.ndarray, y: np.ndarray, z: np.ndarray, lip: np.ndarray) -> np.ndarray:
    """Density of a full beard: moustache, chin, jaw, and cheeks below a line from sideburn to mouth."""
    cheek_line = np.interp(ax, [0, 12, 24, 30, 45, 58, 66, 72, 90], [-50, -52, -52, -56, -52, -40, -22, 0, 0])
    below = smoothstep(7.0, -13.0, y - cheek_line)
    forward = smoothstep(-60.0, -50.0, z)
    throat = smoothstep(-150.0, -122.0, y + 0.45 * (z + 20.0))
    philtrum = 1.0 - 0.45 * np.exp(-((ax / 3.0) ** 2)) * smoothstep(-62.0, -56.0, y)
    beside_lip = 1.0 - 0.8 * np.exp(-(((ax - 13.0) / 8.0) ** 2 + ((y + 84.0) / 3.5) ** 2))
    return below * forward * throat * philtrum * beside_lip * (1.0 - smoothstep(0.15, 0.5, lip))


_HAIRLINE_DEG = np.array([0, 12, 24, 34, 43, 52, 60, 67, 73, 76, 79, 85, 88, 96, 105, 112, 118, 130, 150, 180.0])
_HAIRLINE_MM = np.array([69, 70, 69, 65, 57, 48, 42, 33, 18, 0, -16, -17, 6, 13, 9, -8, -34, -60, -74, -78.0])
"""Height of the average hairline around the head, by the angle from straight ahead about the axis x = 0, z = -65."""
_MM_PER_DEGREE = 1.35


def _azimuth(ax: np.ndarray, z: np.ndarray) -> np.ndarray:
    return np.degrees(np.arctan2(ax, z + 65.0))


def _inside_hairline(ax: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
    """Signed distance to the hairline, on the cylinder about its axis unrolled."""
    angle = _azimuth(ax, z)
    line = np.stack([_HAIRLINE_DEG * _MM_PER_DEGREE, _HAIRLINE_MM], axis=1)
    points = np.stack([angle * _MM_PER_DEGREE, y], axis=1)
    _, nearest = polyline(points, line)
    distance = np.linalg.norm(points - nearest, axis=1)
    return np.where(y >= np.interp(angle, _HAIRLINE_DEG, _HAIRLINE_MM), distance, -distance)


def _bald_time(ax: np.ndarray, y: np.ndarray, z: np.ndarray, scalp: np.ndarray) -> np.ndarray:
    """When hair is lost, after the stages of Norwood: temples, then forelock and crown, then all but the fringe."""
    angle = _azimuth(ax, z)
    temples = np.exp(-(((angle - 38.0) / 17.0) ** 2)) * smoothstep(20.0, 50.0, y)
    front = np.maximum(0.08 + np.maximum(scalp, 0.0) / 100.0 - 0.24 * temples, 0.0)
    crown = 0.42 + np.sqrt(ax**2 + (y - 100.0) ** 2 + (z + 115.0) ** 2) / 150.0
    top = np.minimum(front, crown)
    fringe = np.clip((90.0 - y) / 60.0, 0.0, 1.0) * np.clip((angle - 40.0) / 45.0, 0.0, 1.0)
    return top + 2.0 * fringe


_BROW_LIFT_MM = np.array([1.2, 0.2, -0.8, -1.0, -1.0])
"""From the landmarks to the middle of the brow; a low inner end would look like a frown at rest."""


def _brow(position_mm: np.ndarray, landmarks: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(s, t) along and across the brow; landmarks mark its upper half, so the middle line lies a little lower."""
    marks = position_mm[landmarks]
    fold = np.array([-1.0, 1.0, 1.0])
    line = (marks[[21, 20, 19, 18, 17]] * fold + marks[22:27]) / 2.0
    line[:, 1] += _BROW_LIFT_MM
    points = position_mm * np.where(position_mm[:, :1] < 0, fold, 1.0)
    s, nearest = polyline(points, line)
    delta = points - nearest
    distance = np.linalg.norm(delta, axis=1)
    return s, np.where(delta[:, 1] >= 0, distance, -distance)
