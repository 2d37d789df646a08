"""Cut a picture down to the face, pixel by pixel: smaller files, and nothing resampled."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pain3d.data.images import encode_rgb
from pain3d.data.importers.reading import SourcePicture
from pain3d.errors import DataError

CROP_SCALE = 1.75
"""Side of the square over the longer extent of the landmarks: what training cuts (1.35), and room for it to jitter by a
quarter."""
CROP_LIFT = 0.05
"""How far its centre lies above the middle of the landmarks, in sides: the forehead stays."""


def cropped(
    picture: SourcePicture, landmarks: Float[np.ndarray, "68 2"], where: str
) -> tuple[SourcePicture, Float[np.ndarray, "68 2"]]:
    """The square around the face in whole pixels, as far as the picture reaches, and the landmarks in it.

    Raises:
        DataError: if the landmarks lie outside the picture.
    """
    height, width = picture.pixels.shape[:2]
    low, high = landmarks.min(axis=0), landmarks.max(axis=0)
    half = float((high - low).max()) * CROP_SCALE / 2
    cx, cy = (low + high) / 2 - (0.0, 2 * half * CROP_LIFT)
    left, top = max(0, round(cx - half)), max(0, round(cy - half))
    right, bottom = min(width, round(cx + half)), min(height, round(cy + half))
    if right - left < 2 or bottom - top < 2:
        raise DataError(
            f"{where}: its landmarks, x {low[0]:.0f}..{high[0]:.0f}, y {low[1]:.0f}..{high[1]:.0f}, "
            f"lie outside the {width} x {height} pixels"
        )
    pixels = np.ascontiguousarray(picture.pixels[top:bottom, left:right])
    moved = (landmarks - (left, top)).astype(np.float32)
    return SourcePicture(encoded=encode_rgb(pixels, "png"), pixels=pixels), moved
