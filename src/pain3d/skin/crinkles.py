"""Crinkles: the net of fine creases that thins old skin, drawn along its tension lines."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pain3d.skin.ground import Ground, pick
from pain3d.skin.kernels import GROOVE
from pain3d.skin.strokes import Strokes, along_skin
from pain3d.skin.traits import SkinTraits
from pain3d.streams import stream

CRINKLES = 3400
"""On the whole face and neck at strength 1."""
_LATERAL_CANTHUS_MM = np.array([44.5, 0.0])
_EYE_MM = np.array([32.0, 0.0])


def crinkles(traits: SkinTraits, ground: Ground) -> Strokes:
    """Short creases, most around the eyes and on the cheeks; a third of them cross the others."""
    rng = stream(traits.seed, "crinkles")
    worn = float(np.clip(1.25 * traits.wrinkles - 0.25, 0.0, 1.2))
    patch = ground.bare
    at = pick(rng, ground.worn, int(CRINKLES * worn))
    n = len(at)
    start = patch.position_mm[at].astype(np.float64)
    way = tension_lines(start) + rng.normal(0, 0.22, (n, 3))
    crossing = rng.random(n) < 0.3
    way[crossing] = np.cross(way[crossing], patch.normal[at][crossing])
    reach = rng.uniform(2.0, 6.0, n) * np.where(crossing, 0.6, 1.0)
    return Strokes(
        root=patch.root[at],
        start_mm=start,
        end_mm=start + along_skin(way, patch.normal[at]) * reach[:, None],
        half_width_mm=rng.uniform(0.45, 0.8, n),
        strength=rng.uniform(0.03, 0.16, n) * (0.5 + 0.5 * worn),
        shade=np.zeros(n, dtype=np.int64),
        layer=np.full(n, GROOVE),
    )


def tension_lines(position_mm: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Directions in which relaxed skin creases at canonical places, after Borges (1984).

    Across the forehead, the chin and the neck; around the eye, and away from its outer corner; parallel to the
    nasolabial fold on the cheek; upright on the lips.
    """
    side = np.where(position_mm[:, 0] < 0, -1.0, 1.0)
    x, y = np.abs(position_mm[:, 0]), position_mm[:, 1]
    fold = np.array([0.40, -0.92]) + np.stack([-0.010 * (x - 20), np.zeros_like(x)], axis=1)
    level = np.broadcast_to(np.array([1.0, 0.0]), fold.shape)
    upright = np.stack([0.05 * x, np.full_like(x, 4.0)], axis=1)
    away = np.stack([x, y], axis=1) - _LATERAL_CANTHUS_MM
    from_eye = np.stack([x, y], axis=1) - _EYE_MM
    around = np.stack([-from_eye[:, 1], from_eye[:, 0]], axis=1)
    ways = (
        (level, np.exp(-(((y - 55) / 26) ** 2))),
        (around, 1.5 * np.exp(-(((from_eye**2).sum(axis=1) / 18**2) ** 2))),
        (away, 2.5 * np.exp(-(((x - 58) / 12) ** 2) - (y / 16) ** 2)),
        (fold, np.exp(-(((y + 45) / 30) ** 2)) * (x > 14)),
        (upright, 2.0 * np.exp(-((x / 24) ** 2) - ((y + 57) / 7) ** 2)),
        (level, np.exp(-(((y + 98) / 12) ** 2)) + 2.0 / (1.0 + np.exp((y + 118) / 4))),
    )
    doubled = np.zeros(len(x), dtype=complex)  # an axis has no sign: twice its angle has
    for way, weight in ways:
        angle = np.arctan2(way[:, 1], way[:, 0])
        doubled += weight * np.exp(2j * angle)
    angle = 0.5 * np.angle(doubled)
    return np.stack([side * np.cos(angle), np.sin(angle), np.zeros_like(x)], axis=1)
