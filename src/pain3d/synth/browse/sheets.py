"""Thumbnails packed into sheets of tiles: two pictures for 16 frames, one of faces and one of heat.

A browser loads a sheet when it shows one of its tiles. Frame i is tile i mod 16 of sheet i // 16, row by row.
"""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from jaxtyping import UInt8
from PIL import Image

from pain3d.synth.preview import hot

ACROSS = 4
"""Tiles in each row and each column of a sheet. Frames that pass a filter lie far apart, so that a browser decodes a
sheet or two for each pair in sight: with 8 x 8 tiles, scrolling takes two to three times as long as with 4 x 4."""
TILES = ACROSS**2

_JPEG_QUALITY = 80
_LEVELS = 64
"""Of a heat tile: a quarter of a millimetre each on the default scale. 256 would take 1.6 times the bytes."""

Put = Callable[[str, bytes], None]
"""Takes the name of a file and its content."""


def face_name(number: int) -> str:
    """``faces-00012.jpg``."""
    return f"faces-{number:05d}.jpg"


def heat_name(number: int) -> str:
    """``heat-00012.png``."""
    return f"heat-{number:05d}.png"


class Sheets:
    """Packs tiles as they come, and holds one sheet at a time."""

    def __init__(self, side: int, put: Put, *, heat: bool) -> None:
        """Begin.

        Args:
            side: pixels along each side of a tile, a multiple of 16, so that no JPEG block crosses from tile to tile.
            put: is given each sheet when it is full.
            heat: whether there are heatmaps.
        """
        self._side = side
        self._put = put
        self._heat = heat
        self._frames = 0
        self._clear()

    def add(
        self, face: UInt8[np.ndarray, "height width 3"], heat: UInt8[np.ndarray, "heat_height heat_width"] | None
    ) -> None:
        """The next frame: a face that fits into a tile, and its heatmap as stored, of any size; None: it has none."""
        row, column = divmod(self._frames % TILES, ACROSS)
        height, width = face.shape[:2]
        top = row * self._side + (self._side - height) // 2
        left = column * self._side + (self._side - width) // 2
        self._faces[top : top + height, left : left + width] = face
        if heat is not None and heat.any():
            small = Image.fromarray(heat).resize((width, height), Image.Resampling.BOX)
            levels = np.rint(np.asarray(small) * np.float32((_LEVELS - 1) / 255))
            self._levels[top : top + height, left : left + width] = levels.astype(np.uint8)
        self._frames += 1
        if self._frames % TILES == 0:
            self._flush()

    def close(self) -> None:
        """Hand over the last sheet, which may not be full."""
        if self._frames % TILES:
            self._flush()

    def _flush(self) -> None:
        number = (self._frames - 1) // TILES
        self._put(face_name(number), _encoded(Image.fromarray(self._faces), "JPEG", quality=_JPEG_QUALITY))
        if self._heat:
            picture = Image.fromarray(self._levels, "P")
            palette, opacity = heat_palette()
            picture.putpalette(palette)
            self._put(heat_name(number), _encoded(picture, "PNG", transparency=opacity))
        self._clear()

    def _clear(self) -> None:
        size = ACROSS * self._side
        self._faces = np.zeros((size, size, 3), np.uint8)
        self._levels = np.zeros((size, size), np.uint8)


def heat_palette() -> tuple[bytes, bytes]:
    """RGB and opacity of each level: laid over the darkened grey face they give what `preview.overlay` draws."""
    share = np.linspace(0, 1, _LEVELS)
    opacity = np.minimum(1.0, share * 6.0)
    return np.rint(hot(share)).astype(np.uint8).tobytes(), np.rint(255 * opacity).astype(np.uint8).tobytes()


def _encoded(picture: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()
