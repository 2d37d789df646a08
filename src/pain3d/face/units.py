"""What each Action Unit does to the face: recipes over shapes, and shapes over the CC0 targets. Data, no behaviour.

A *shape* is one thing that muscles do to the skin, written for the left half of the face and mirrored for the right.
A *recipe* says which shapes an Action Unit calls, and how much of each at full intensity. Two units that pull on the
same tissue call the same shape, so that the rig can let them saturate instead of adding up.

The three races' versions of the expression units differ by less than 3 % (cosines .97 to 1.00), so their mean is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Window:
    """Where a shape acts: 1 inside a box of the template head frame, 0 a soft margin further out; None is unbounded.

    Millimetres; x counts outwards from the middle of the face on either side.
    """

    x: tuple[float | None, float | None] = (None, None)
    y: tuple[float | None, float | None] = (None, None)
    soft: float = 8.0
    outside: float = 0.0
    """What is left of the shape outside."""


@dataclass(frozen=True, kw_only=True)
class Push:
    """A smooth bump: every skin vertex within `radius` of a vertex moves, that vertex by the whole of `by`."""

    vertex: int
    """Number in `base.obj`, on the left side or the midline."""
    radius: float
    """mm on the template."""
    by: tuple[float, float, float]
    """mm: outwards (to the left on the left side), up, forwards."""


@dataclass(frozen=True, kw_only=True)
class Shape:
    """A displacement field of the left half of the face at full strength."""

    targets: Mapping[str, float]
    """Weights of left-sided or unsided targets; of an unsided one the left half is taken, faded over the midline.
    ``unit/...`` are the 52 face units, ``expression/...`` the 34 expression units."""
    window: Window | None = None
    pushes: tuple[Push, ...] = field(default=())


SHAPES: Mapping[str, Shape] = {
    "brow_lower": Shape(
        targets={"unit/browDownLeft": 1.0, "expression/eyebrows-left-down": 0.45},
        pushes=(
            Push(vertex=220, radius=14.0, by=(0.0, -1.0, 0.6)),  # the procerus gathers skin over the nasal root
            Push(vertex=7006, radius=12.0, by=(-0.8, 0.0, 1.0)),  # the corrugator swells over the inner brow
        ),
    ),
    "brow_inner_up": Shape(targets={"unit/browInnerUp": 0.85, "expression/eyebrows-left-inner-up": 0.8}),
    "brow_outer_up": Shape(targets={"unit/browOuterUpLeft": 0.75, "expression/eyebrows-left-extern-up": 0.55}),
    "cheek_raise": Shape(
        targets={"unit/cheekSquintLeft": 0.85},
        window=Window(y=(None, -14.0), soft=16.0, outside=0.2),
        pushes=(
            Push(vertex=11910, radius=24.0, by=(0.8, 2.0, 4.2)),  # the apple of the cheek
            Push(vertex=11677, radius=14.0, by=(0.2, 1.2, 1.6)),  # the infraorbital triangle
            Push(vertex=11479, radius=16.0, by=(0.0, 0.5, 0.8)),  # the pouch under the eye
            Push(vertex=11683, radius=12.0, by=(0.2, 0.5, 1.0)),  # the nasolabial fold deepens
            Push(vertex=11700, radius=12.0, by=(-0.6, 0.6, 1.0)),  # skin bunches at the outer corner
        ),
    ),
    "lid_gather": Shape(targets={"unit/eyeSquintLeft": 0.9}),
    "lid_widen": Shape(targets={"unit/eyeWideLeft": 0.8}, window=Window(y=(0.0, None))),
    "nose_wrinkle": Shape(
        targets={"expression/nose-left-elevation": 0.55, "unit/noseSneerLeft": 0.8},
        window=Window(y=(None, 4.0), outside=0.3),
        pushes=(
            Push(vertex=6900, radius=13.0, by=(0.3, 1.6, 1.4)),  # skin bunches on the side of the bridge
            Push(vertex=6904, radius=9.0, by=(0.0, 0.6, 1.2)),  # and at the root
            Push(vertex=11715, radius=11.0, by=(0.2, 1.4, 1.2)),  # and beside it
            Push(vertex=307, radius=16.0, by=(0.0, 1.4, 0.0)),  # the tip follows the wings
            Push(vertex=11683, radius=12.0, by=(0.4, 1.4, 1.6)),  # the cheek beside the wing
            Push(vertex=11750, radius=7.0, by=(0.0, 0.6, -0.8)),  # the crease around it
        ),
    ),
    "lip_raise": Shape(
        targets={"unit/mouthUpperUpLeft": 0.85, "expression/mouth-elevation": 0.5},
        pushes=(
            Push(vertex=11669, radius=9.0, by=(0.0, -1.6, 0.0)),  # less of the wing, which is AU9's
            Push(vertex=11684, radius=13.0, by=(0.5, 1.4, 2.0)),  # the cheek over the nasolabial fold
            Push(vertex=11934, radius=8.0, by=(0.0, 0.5, -1.0)),  # the fold
            Push(vertex=5072, radius=20.0, by=(0.0, 1.7, 0.3)),  # skin under the nose crowds, but does not fold
        ),
    ),
    "corner_pull": Shape(targets={"unit/mouthSmileLeft": 0.7}),
    "corner_drop": Shape(targets={"unit/mouthFrownLeft": 1.1}),
    "chin_raise": Shape(
        targets={"unit/mouthShrugLower": 0.9, "unit/mouthShrugUpper": 0.5},
        pushes=(
            Push(vertex=5162, radius=22.0, by=(0.0, 1.8, 1.2)),  # the boss of the chin
            Push(vertex=5072, radius=20.0, by=(0.0, 1.9, 0.3)),  # as for the raised lip
        ),
    ),
    "lip_stretch": Shape(targets={"unit/mouthStretchLeft": 1.1}),
    "lips_part": Shape(targets={"unit/mouthLowerDownLeft": 0.75, "expression/mouth-parling": 0.5}),
    "jaw_drop": Shape(targets={"unit/jawOpen": 1.0}),
}
"""Fields of displacement by name."""

LID_MOTIONS = ("upper_lid_drop", "upper_lid_lift", "lower_lid_lift", "closure")
"""Not fields: amounts that `pain3d.face.lids` turns into rotations of the lids about the eyeball. The first three are
fractions of the neutral aperture; closure is 0 open, 1 closed."""

RECIPES: Mapping[str, Mapping[str, float]] = {
    "AU1": {"brow_inner_up": 1.0},
    "AU2": {"brow_outer_up": 1.0},
    "AU4": {"brow_lower": 1.0},
    "AU5": {"upper_lid_lift": 0.38, "lid_widen": 1.0},
    "AU6": {"cheek_raise": 1.0, "lower_lid_lift": 0.22},
    "AU7": {"lid_gather": 1.0, "upper_lid_drop": 0.24, "lower_lid_lift": 0.26},
    "AU9": {"nose_wrinkle": 1.0},
    "AU10": {"lip_raise": 1.0},
    "AU12": {"corner_pull": 1.0, "lower_lid_lift": 0.05},
    "AU15": {"corner_drop": 1.0},
    "AU17": {"chin_raise": 1.0},
    "AU20": {"lip_stretch": 1.0},
    "AU25": {"lips_part": 1.0},
    "AU26": {"jaw_drop": 0.30},
    "AU27": {"jaw_drop": 0.85},
    "AU43": {"closure": 1.0},
}
"""How much of each shape an Action Unit calls at full intensity."""
