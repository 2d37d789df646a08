"""FrameStyle: which glasses a subject owns, drawn from its seed alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from pain3d.skin.traits import Rgb
from pain3d.streams import stream
from pain3d.worn.materials import ACETATES, METALS

Shape = Literal["round", "rectangular", "aviator", "half_rim"]
SHAPES: tuple[Shape, ...] = get_args(Shape)


@dataclass(frozen=True, kw_only=True)
class FrameStyle:
    """Shape and make of a pair of glasses."""

    shape: Shape
    metal: bool
    """Thin wire with nose pads; else thick acetate that sits on the nose."""
    colour: Rgb
    """Mirrored colour of metal, colour of acetate; linear."""
    width: float
    """Width of a lens, 1 is usual."""


def frame_style(seed: int) -> FrameStyle:
    """The glasses of the subject with this seed; age, sex and group play no part."""
    rng = stream(seed, "frame")
    shape = SHAPES[int(rng.integers(len(SHAPES)))]
    thin = rng.random() < 0.5
    metal = shape == "aviator" or (thin and shape != "half_rim")
    palette = METALS if metal else ACETATES
    return FrameStyle(
        shape=shape, metal=metal, colour=palette[int(rng.integers(len(palette)))], width=float(rng.uniform(0.94, 1.04))
    )


_OUTLINES: dict[Shape, tuple[float, float, float, float]] = {
    "round": (0.90, 0.92, 2.1, 0.0),
    "rectangular": (1.0, 0.66, 4.2, 0.04),
    "aviator": (1.04, 0.86, 2.5, 0.26),
    "half_rim": (1.0, 0.68, 3.2, 0.06),
}
"""Width, height by width, squareness, droop towards the temple."""


def lens_outline(shape: Shape, width_mm: float, count: int) -> Float[np.ndarray, "count 2"]:
    """Around the lens of the subject's left eye, from its middle: x to the temple, y up; counter-clockwise from x.

    Args:
        width_mm: of a lens of usual shape.
        count: points, evenly spaced in angle.
    """
    wide, high, corner, droop = _OUTLINES[shape]
    turn = np.arange(count) * (2 * np.pi / count)
    c, s = np.cos(turn), np.sin(turn)
    x, y = np.sign(c) * np.abs(c) ** (2 / corner), np.sign(s) * np.abs(s) ** (2 / corner)
    # the nasal side below is cut away for the nose, the temporal side above is drawn out
    x = np.where(x < 0, x * (1.0 + droop * np.minimum(y, 0.0)), x * (1.0 + 0.3 * droop * np.minimum(y, 0.0)))
    y = y + 0.25 * droop * x * (y > 0)
    return np.stack([x * wide, y * wide * high], axis=1) * (width_mm / 2)
