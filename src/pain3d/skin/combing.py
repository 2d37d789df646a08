"""Which way hair lies, by canonical places on the head, and where it would hide the face."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from pain3d.skin.fields import smoothstep
from pain3d.skin.haircut import Haircut
from pain3d.skin.ribbons import unit

CROWN_MM = np.array([6.0, 112.0, -112.0])
KNOT_MM = {"bun": np.array([0.0, 62.0, -168.0]), "ponytail": np.array([0.0, 78.0, -166.0])}
"""Where hair is tied, behind the head."""
FACE_Z_MM = -22.0
"""What lies before this is the front of the face, which hair must not hide."""
FACE_Y_MM = (-125.0, 34.0)
"""From the throat to the brows."""
BEFORE_EAR_MM = (58.0, -42.0)
"""Cheeks and temples: nearer to the middle, and further forward, than this."""


def combed(
    haircut: Haircut,
    place_mm: Float[np.ndarray, "ribbon 3"],
    normal: Float[np.ndarray, "ribbon 3"],
    wander: Float[np.ndarray, "ribbon 3"],
) -> Float[np.ndarray, "ribbon 3"]:
    """Unit direction of growth: along the surface, but for coils.

    Args:
        haircut: how the hair is combed.
        place_mm: canonical coordinates.
        normal: of the surface there.
        wander: what is each ribbon's own, of about unit length.
    """
    if haircut.comb == "out":
        return unit(normal + 0.55 * wander)
    x, z = place_mm[:, 0], place_mm[:, 2]
    if haircut.comb == "knot":
        way = KNOT_MM[haircut.style] - place_mm
    elif haircut.comb == "back":
        way = np.stack([0.0 * x, 0.25 - 1.2 * smoothstep(-70.0, -140.0, z), 0.0 * x - 1.0], axis=1)
    elif haircut.comb == "parting":
        aside = x - haircut.parting_mm
        behind = smoothstep(-95.0, -135.0, z)
        down = -0.25 - 0.4 * smoothstep(30.0, 80.0, np.abs(aside)) - 1.2 * behind
        way = np.stack([np.sign(aside) * (1.0 - 0.8 * behind), down, -0.15 * (1.0 - behind)], axis=1)
    else:
        way = place_mm - CROWN_MM
    along = unit(way)
    return unit(along - normal * (along * normal).sum(axis=1, keepdims=True) + 1e-6)


def hides_face(
    haircut: Haircut, place_mm: Float[np.ndarray, "ribbon 3"], below_hairline_mm: Float[np.ndarray, " ribbon"]
) -> Bool[np.ndarray, " ribbon"]:
    """Whether hair over these canonical places would hide what should be seen."""
    x, y, z = place_mm.T
    low, high = FACE_Y_MM
    front = (z > FACE_Z_MM) & (y > low)
    too_far = front & (below_hairline_mm > haircut.fringe_mm)
    side, forward = BEFORE_EAR_MM
    before_ear = (np.abs(x) < side) & (z > forward) & (below_hairline_mm > 9.0) & (y > -110.0)
    return too_far | before_ear | (front & (y < high))
