"""Shapes of single teeth: crowns as stacks of superellipses, in the coordinates of the tooth.

m runs along the arch, l outwards (to lip or cheek), h from the biting edge to the root; millimetres. Sizes are
those of average adults (Wheeler's Dental Anatomy, 9th ed., tables of crown length and diameters).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

Kind = Literal["incisor", "canine", "premolar", "molar"]


@dataclass(frozen=True, kw_only=True)
class Tooth:
    """Crown of one tooth."""

    kind: Kind
    width_mm: float
    """Mesiodistal, at the contacts with its neighbours."""
    height_mm: float
    """Of the crown, biting edge to gum line at mid-face."""
    depth_mm: float
    """Labiolingual."""
    lift_mm: float = 0.0
    """How far the biting edge stays behind the occlusal plane."""

    @property
    def bites(self) -> bool:
        """Front teeth bite with an edge, the others grind with a table."""
        return self.kind in ("incisor", "canine")


UPPER = (
    Tooth(kind="incisor", width_mm=8.5, height_mm=10.4, depth_mm=7.0),
    Tooth(kind="incisor", width_mm=6.6, height_mm=9.0, depth_mm=6.0, lift_mm=0.7),
    Tooth(kind="canine", width_mm=7.6, height_mm=10.0, depth_mm=8.0),
    Tooth(kind="premolar", width_mm=7.1, height_mm=8.5, depth_mm=9.0, lift_mm=0.3),
    Tooth(kind="premolar", width_mm=6.7, height_mm=7.8, depth_mm=9.0, lift_mm=0.3),
    Tooth(kind="molar", width_mm=10.0, height_mm=7.2, depth_mm=10.8, lift_mm=0.3),
    Tooth(kind="molar", width_mm=9.4, height_mm=6.8, depth_mm=10.6, lift_mm=0.5),
)
"""Central incisor to second molar."""

LOWER = (
    Tooth(kind="incisor", width_mm=5.3, height_mm=9.0, depth_mm=6.0),
    Tooth(kind="incisor", width_mm=5.8, height_mm=9.2, depth_mm=6.3),
    Tooth(kind="canine", width_mm=6.8, height_mm=10.4, depth_mm=7.5),
    Tooth(kind="premolar", width_mm=7.0, height_mm=8.6, depth_mm=7.7, lift_mm=1.2),
    Tooth(kind="premolar", width_mm=7.1, height_mm=8.0, depth_mm=8.2, lift_mm=1.6),
    Tooth(kind="molar", width_mm=11.0, height_mm=7.4, depth_mm=10.4, lift_mm=1.8),
    Tooth(kind="molar", width_mm=10.3, height_mm=7.0, depth_mm=10.2, lift_mm=1.8),
)

_GRINDING = (
    (1.35, 0.74, 0.40, -0.40, 2.0),
    (1.00, 0.84, 0.47, -0.46, 2.3),
    (0.50, 1.04, 0.50, -0.50, 2.7),
    (0.14, 0.92, 0.38, -0.38, 2.7),
    (0.00, 0.58, 0.22, -0.22, 2.4),
)
RINGS: Mapping[Kind, tuple[tuple[float, float, float, float, float], ...]] = {
    "incisor": (
        (1.35, 0.60, 0.36, -0.42, 2.0),
        (1.00, 0.76, 0.43, -0.45, 2.2),
        (0.70, 0.97, 0.47, -0.32, 2.6),
        (0.38, 1.05, 0.46, -0.02, 3.0),
        (0.10, 1.03, 0.42, 0.16, 3.6),
        (0.00, 0.97, 0.37, 0.21, 4.0),
    ),
    "canine": (
        (1.35, 0.62, 0.38, -0.45, 2.0),
        (1.00, 0.78, 0.46, -0.48, 2.1),
        (0.68, 0.94, 0.50, -0.36, 2.2),
        (0.36, 1.04, 0.48, -0.06, 2.3),
        (0.13, 0.90, 0.40, 0.10, 2.4),
        (0.00, 0.62, 0.31, 0.18, 2.6),
    ),
    "premolar": _GRINDING,
    "molar": _GRINDING,
}
"""Rings from root to edge: height in crown heights, half width in half widths, facial and lingual surface in depths,
exponent of the superellipse. The last ring of teeth that grind lies on their cusps, and a hollow is inside it."""

FRONT_SEGMENTS = 14
BACK_SEGMENTS = 12
FOSSA_MM = 1.9
"""Depth of the hollow between the cusps."""


def segments_of(tooth: Tooth) -> int:
    """Points around the tooth."""
    return FRONT_SEGMENTS if tooth.bites else BACK_SEGMENTS


def crown(tooth: Tooth) -> tuple[Float[np.ndarray, "point 3"], Int[np.ndarray, "triangle 3"]]:
    """Points (m, l, h) in millimetres and triangles, counter-clockwise seen from outside where m, l and h are
    right-handed in the order (l, m, h); the last point closes the biting end."""
    rings = np.array(RINGS[tooth.kind])
    turn = np.arange(segments_of(tooth)) * (2 * np.pi / segments_of(tooth))
    points = np.concatenate([_ring(tooth, row, turn) for row in rings])
    edge = points[-len(turn) :]
    tip = np.array([0.0, edge[:, 1].mean(), 0.0 if tooth.bites else FOSSA_MM])
    points = np.concatenate([points, tip[None]])
    points[:, 2] += tooth.lift_mm
    return points, _stack_triangles(len(rings), len(turn))


def faces_mm(
    tooth: Tooth, m: Float[np.ndarray, " place"], h: Float[np.ndarray, " place"]
) -> tuple[Float[np.ndarray, " place"], Float[np.ndarray, " place"]]:
    """Facial and lingual surface of the crown, outwards, at places along its width (-1..1) and height (0..1)."""
    rings = np.array(RINGS[tooth.kind])[::-1]
    facial, lingual, exponent = (np.interp(h, rings[:, 0], rings[:, k]) for k in (2, 3, 4))
    middle, half = (facial + lingual) / 2, (facial - lingual) / 2
    narrowed = half * (1 - np.minimum(np.abs(m), 0.98) ** exponent) ** (1 / exponent)
    return (middle + narrowed) * tooth.depth_mm, (middle - narrowed) * tooth.depth_mm


def _ring(tooth: Tooth, row: np.ndarray, turn: np.ndarray) -> Float[np.ndarray, "point 3"]:
    height, width, facial, lingual, exponent = row
    c, s = np.cos(turn), np.sin(turn)
    across = np.sign(c) * np.abs(c) ** (2 / exponent)
    along = np.sign(s) * np.abs(s) ** (2 / exponent)
    m = across * width * tooth.width_mm / 2
    outwards = ((facial + lingual) / 2 + along * (facial - lingual) / 2) * tooth.depth_mm
    h = height * tooth.height_mm + _cusps(tooth, height, across, along)
    return np.stack([m, outwards, h], axis=1)


def _cusps(tooth: Tooth, height: float, across: np.ndarray, along: np.ndarray) -> Float[np.ndarray, " point"]:
    """How the edge falls away from its highest points [mm]."""
    fade = np.clip(1 - height / 0.5, 0, 1)
    if tooth.kind == "incisor":
        return fade * 0.5 * np.abs(across) ** 4
    if tooth.kind == "canine":
        return fade * 1.7 * np.abs(across)
    if height > 0.01:
        return np.zeros_like(across)
    if tooth.kind == "premolar":
        return 1.2 * np.square(across) + 0.7 * (along < 0) * np.abs(along)
    return 0.9 - 0.9 * np.abs(2 * across * along) ** 0.7


def _stack_triangles(rings: int, segments: int) -> Int[np.ndarray, "triangle 3"]:
    here = np.arange(segments)
    after = (here + 1) % segments
    first = np.arange(rings - 1)[:, None] * segments
    a, b = first + here, first + after
    bands = np.stack([np.stack([a, b, b + segments], -1), np.stack([a, b + segments, a + segments], -1)], axis=2)
    last = (rings - 1) * segments
    fan = np.stack([last + here, last + after, np.full(segments, rings * segments)], axis=1)
    return np.concatenate([bands.reshape(-1, 3), fan])
