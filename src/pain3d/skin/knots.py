"""Buns and tails: the ribbons behind the point where hair is tied."""

from __future__ import annotations

import numpy as np

from pain3d.skin.combing import KNOT_MM
from pain3d.skin.haircut import Haircut
from pain3d.skin.ribbons import Ribbons, unit

RIBBONS = 70
BUN_MM = 25.0
"""Radius of a bun."""


def knot_ribbons(rng: np.random.Generator, haircut: Haircut, grown: Ribbons) -> Ribbons:
    """A bun of wound ribbons, or a tail that hangs; bound where the hair next to it is."""
    count = RIBBONS
    knot = KNOT_MM[haircut.style]
    along = np.linspace(0.0, 1.0, grown.points_m.shape[1])
    if haircut.style == "bun":
        axis = unit(rng.normal(0.0, 1.0, (count, 3)) * (0.5, 0.5, 1.0))
        across = unit(np.cross(axis, rng.normal(0.0, 1.0, (count, 3))))
        angle = rng.uniform(0.0, 2 * np.pi, count)[:, None] + np.pi * 1.1 * along
        third = np.cross(axis, across)
        normals = across[:, None] * np.cos(angle)[..., None] + third[:, None] * np.sin(angle)[..., None]
        normals = unit(normals + axis[:, None] * rng.uniform(-0.5, 0.5, (count, 1, 1)))
        points = knot + normals * BUN_MM * rng.uniform(0.85, 1.05, (count, 1, 1)) * (1.0, 1.0, 0.8)
        width = np.full(count, 5.0)
    else:
        out = rng.normal(0.0, 1.0, (count, 3)) * (1.0, 0.6, 0.6)
        fall = along**1.3
        back = np.sin(np.minimum(along * 2.2, 1.0) * np.pi / 2)
        length = haircut.length_mm * 1.3 * rng.uniform(0.75, 1.0, count)
        path = np.stack([0.0 * along, 14.0 * np.sin(np.pi * np.minimum(along * 3, 1)), -34.0 * back], axis=1)
        points = knot + path[None] + out[:, None] * (5.0 + 9.0 * along[None, :, None])
        points[..., 1] -= length[:, None] * fall
        normals = unit(out[:, None] + np.array([0.0, 0.1, -1.0]) + 0.0 * points)
        width = np.full(count, 4.5)
    nearest = np.argmin(np.linalg.norm(grown.points_m[:, -1] * 1000.0 - knot, axis=1))
    return Ribbons(
        root=np.repeat(grown.root[nearest][None], count, axis=0),
        share=np.repeat(grown.share[nearest][None], count, axis=0),
        points_m=points / 1000.0,
        normals=normals,
        half_width_m=width[:, None] * np.interp(along, (0, 0.2, 0.8, 1), (0.5, 1, 1, 0.5)) / 1000.0,
        layer=rng.random(count),
        seed=rng.integers(0, 1 << 20, count),
        beard=np.zeros(count, dtype=bool),
    )
