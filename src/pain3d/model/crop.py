"""The one crop policy: the square of a picture that a model sees, from landmarks in training, from a box in prediction.

Coordinates are those of the dataset: pixels, x to the right, y down, pixel centres at .5.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from pain3d.errors import ArgumentError

MAX_OVERHANG = 8.0
"""A square may be this many times as large as the picture's longer side: more is a mistake, and would fill memory."""

_FINER = 1.25
"""Resolution of the crop before a turn over that after: bilinear sampling then loses little sharpness, at a third of
the cost of bicubic."""


@dataclass(frozen=True, kw_only=True)
class CropPolicy:
    """How large the square is and where it lies; the defaults keep the forehead, where AU1, AU2 and AU4 show."""

    landmark_scale: float = 1.35
    """Side of the square over the longer extent of the 68 landmarks."""
    landmark_lift: float = 0.05
    """How far the square's centre lies above the middle of the landmarks' extent, in sides of the square."""
    box_scale: float = 1.175
    """Side of the square over the root of the area of the detector's box. Measured on 520 of our frames: the square
    from the box differs from that of the landmarks by 3 % in side and 2 % in place (standard deviations)."""
    box_lift: float = -0.0865
    """How far the square's centre lies above the middle of the detector's box, in sides of the square."""

    def __post_init__(self) -> None:
        for name in ("landmark_scale", "box_scale"):
            value = getattr(self, name)
            if not 0.5 <= value <= 4.0:
                raise ArgumentError(f"{name}: {value} is outside 0.5..4; 1.35 keeps the face and a margin")
        for name in ("landmark_lift", "box_lift"):
            value = getattr(self, name)
            if not -0.5 <= value <= 0.5:
                raise ArgumentError(f"{name}: {value} is outside -0.5..0.5 sides; 0.05 keeps the forehead")


@dataclass(frozen=True, kw_only=True)
class Square:
    """A square of a picture; parts may lie outside of it, and are black then."""

    cx: float
    """Centre, pixels."""
    cy: float
    side: float
    """Pixels."""

    def __post_init__(self) -> None:
        if not (math.isfinite(self.cx) and math.isfinite(self.cy) and 0 < self.side < math.inf):
            raise ArgumentError(
                f"square: centre {self.cx}, {self.cy} with side {self.side} is none; give finite pixels, a side above 0"
            )

    @property
    def box(self) -> tuple[float, float, float, float]:
        """Left, top, right, bottom."""
        half = self.side / 2
        return self.cx - half, self.cy - half, self.cx + half, self.cy + half

    def moved(self, dx: float, dy: float, scale: float) -> Square:
        """The square shifted by shares of its side, then scaled about its centre."""
        return Square(cx=self.cx + dx * self.side, cy=self.cy + dy * self.side, side=self.side * scale)


def square_of_landmarks(landmarks: Float[np.ndarray, "68 2"], policy: CropPolicy) -> Square:
    """The square around the face's landmarks.

    Raises:
        ArgumentError: if the landmarks are not finite or all in one place.
    """
    low, high = np.asarray(landmarks, np.float64).min(axis=0), np.asarray(landmarks, np.float64).max(axis=0)
    side = float((high - low).max()) * policy.landmark_scale
    cx, cy = (low + high) / 2
    return Square(cx=float(cx), cy=float(cy) - policy.landmark_lift * side, side=side)


def square_of_box(box: Sequence[float], policy: CropPolicy) -> Square:
    """The square that training would have cut, from the detector's box (left, top, right, bottom).

    Raises:
        ArgumentError: if the box is empty or not finite.
    """
    left, top, right, bottom = (float(value) for value in box)
    if not (math.isfinite(left + top + right + bottom) and right > left and bottom > top):
        raise ArgumentError(
            f"box: {left:g}, {top:g}, {right:g}, {bottom:g} is empty; give left, top, right, bottom in pixels"
        )
    side = math.sqrt((right - left) * (bottom - top)) * policy.box_scale
    return Square(cx=(left + right) / 2, cy=(top + bottom) / 2 - policy.box_lift * side, side=side)


def square_of_picture(width: int, height: int) -> Square:
    """The central square of a picture: for pictures that were cut to the face before, without landmarks or a box."""
    return Square(cx=width / 2, cy=height / 2, side=float(min(width, height)))


def cut(
    image: UInt8[np.ndarray, "height width *channel"],
    square: Square,
    size: int,
    *,
    angle: float = 0.0,
    flip: bool = False,
) -> UInt8[np.ndarray, "size size *channel"]:
    """The square as a picture of `size` pixels a side; what lies outside of the picture is black.

    Training, prediction, pictures and heatmaps all come through here. Shrinking averages (Pillow's antialiased
    triangle); a turn is a second step at nearly the final scale, so that nothing aliases.

    Args:
        image: colour, or one grey map.
        square: what to cut.
        size: side of the result, pixels.
        angle: degrees that the content turns counter-clockwise about the square's centre.
        flip: whether the result is mirrored left to right, after the turn.
    """
    return np.asarray(cut_picture(Image.fromarray(np.ascontiguousarray(image)), square, size, angle=angle, flip=flip))


def cut_picture(
    picture: Image.Image, square: Square, size: int, *, angle: float = 0.0, flip: bool = False
) -> Image.Image:
    """`cut` for a picture of Pillow's, mode RGB or L."""
    if size < 1:
        raise ArgumentError(f"size: {size} is below 1; give the side of the crop in pixels, for example 112")
    if square.side > MAX_OVERHANG * max(picture.size):
        raise ArgumentError(
            f"square: a side of {square.side:.0f} pixels on a picture of {picture.width} x {picture.height}; "
            f"it may be {MAX_OVERHANG:g} times as large at most"
        )
    found = _turned(picture, square, size, angle) if angle else _resized(picture, square, size)
    return found.transpose(Image.Transpose.FLIP_LEFT_RIGHT) if flip else found


def place(
    points: Float[np.ndarray, "point 2"], square: Square, size: int, *, angle: float = 0.0, flip: bool = False
) -> Float[np.ndarray, "point 2"]:
    """Where points of the picture lie in the crop that `cut` makes with the same arguments, pixels of the crop."""
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    offset = (np.asarray(points, np.float64) - (square.cx, square.cy)) * (size / square.side)
    turned = offset @ np.array([[cos, -sin], [sin, cos]]) + size / 2
    if flip:
        turned[:, 0] = size - turned[:, 0]
    return turned


def _turned(picture: Image.Image, square: Square, size: int, angle: float) -> Image.Image:
    cos, sin = math.cos(math.radians(angle)), math.sin(math.radians(angle))
    rim = size * (abs(cos) + abs(sin) - 1) / 2 + 2
    whole = math.ceil((size + 2 * rim) * _FINER)
    finer = whole / (size + 2 * rim)
    wider = _resized(picture, square.moved(0, 0, 1 + 2 * rim / size), whole)
    centre, middle = size / 2, whole / 2
    # From the result back to the wider crop: the inverse of the turn in `place`.
    c, s = finer * cos, finer * sin
    matrix = (c, -s, middle - c * centre + s * centre, s, c, middle - s * centre - c * centre)
    return wider.transform((size, size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR)


def _resized(picture: Image.Image, square: Square, size: int) -> Image.Image:
    left, top, right, bottom = square.box
    rim = math.ceil(max(square.side / size, 1.0)) + 1  # what the triangle reaches beyond the square
    x0, y0 = math.floor(left) - rim, math.floor(top) - rim
    region = picture.crop((x0, y0, math.ceil(right) + rim, math.ceil(bottom) + rim))
    box = (left - x0, top - y0, right - x0, bottom - y0)
    return region.resize((size, size), Image.Resampling.BILINEAR, box, reducing_gap=3.0)
