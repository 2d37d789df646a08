"""From a photo to the crop that a model reads: find the face, take the square of the crop policy, cut."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import UInt8

from pain3d.errors import ArgumentError
from pain3d.model.config import ViTPainConfig
from pain3d.model.crop import Square, cut, square_of_box
from pain3d.model.detect import one_face
from pain3d.pictures import PictureLike, name_of, read_picture

LEAST_SIDE = 4.0
"""Pixels of a face's box: a smaller one is a slip of the keyboard."""


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceCrop:
    """A face, cut out."""

    pixels: UInt8[np.ndarray, "size size 3"]
    box: tuple[float, float, float, float]
    """Left, top, right, bottom of the face in the picture."""
    square: Square
    """What was cut."""
    size: tuple[int, int]
    """Width and height of the picture."""


def crop_face(source: PictureLike, config: ViTPainConfig, box: Sequence[float] | None = None) -> FaceCrop:
    """Cut the face out of a picture.

    Args:
        box: the face, if it is known; None: the detector finds it.

    Raises:
        NoFaceError: if no face is found.
        DataError: if a file is no readable picture.
        ArgumentError: if the box is no box.
    """
    image = read_picture(source)
    face = one_face(image, name_of(source)).box_xyxy if box is None else _checked(box)
    height, width = image.shape[:2]
    _refuse_outside(face, width, height)
    square = square_of_box(face, config.crop)
    pixels = cut(image, square, config.image_size)
    return FaceCrop(pixels=pixels, box=face, square=square, size=(width, height))


def crop_neutrals(
    sources: PictureLike | Sequence[PictureLike] | None, config: ViTPainConfig, box: Sequence[float] | None = None
) -> UInt8[np.ndarray, "shot size size 3"] | None:
    """The faces of the neutral pictures; None if there are none."""
    if sources is None:
        return None
    several = list(sources) if isinstance(sources, (list, tuple)) else [sources]
    if not several:
        raise ArgumentError("neutral: an empty list; give at least one picture, or None")
    return np.stack([crop_face(source, config, box).pixels for source in several])  # pyright: ignore[reportArgumentType]


def _refuse_outside(box: Sequence[float], width: int, height: int) -> None:
    """A box in which there is nothing to read; one that only reaches out of the picture is as good as any."""
    left, top, right, bottom = box
    if left >= width or top >= height or right <= 0 or bottom <= 0 or min(right - left, bottom - top) < LEAST_SIDE:
        raise ArgumentError(
            f"box: {left:g},{top:g},{right:g},{bottom:g} shows no face of the {width} x {height} pixels: it must reach "
            f"into the picture and be {LEAST_SIDE:g} pixels wide and high at least; give left,top,right,bottom"
        )


def _checked(box: Sequence[float]) -> tuple[float, float, float, float]:
    edges = [float(edge) for edge in box]
    if len(edges) != 4 or not np.isfinite(edges).all() or edges[2] <= edges[0] or edges[3] <= edges[1]:
        raise ArgumentError(
            f"box: {tuple(edges)} is not left, top, right, bottom in pixels with right > left and bottom > top"
        )
    left, top, right, bottom = edges
    return left, top, right, bottom
