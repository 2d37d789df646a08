"""Pictures from files, PIL images and arrays, upright and in sRGB."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageOps

from pain3d.errors import ArgumentError, DataError

PictureLike = str | Path | Image.Image | np.ndarray
"""A path, a PIL image, or a uint8 array [height, width, 3] (or [height, width], grey)."""


_FORMATS = ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP", "PPM")
"""What is opened: Pillow knows others that run programs on what a file says, as Ghostscript on PostScript."""


def read_picture(source: PictureLike) -> UInt8[np.ndarray, "height width 3"]:
    """RGB 0..255, turned upright as the camera noted (EXIF); transparent parts become black.

    Raises:
        DataError: if a file is missing, damaged or no picture.
        ArgumentError: if an array is of another shape or type.
    """
    if isinstance(source, np.ndarray):
        return _from_array(source)
    if isinstance(source, Image.Image):
        return _rgb(source)
    path = Path(source)
    try:
        with warnings.catch_warnings():
            # Pillow warns from 89 megapixels on, as cameras reach, and refuses twice as many as decompression bombs.
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            with Image.open(path, formats=_FORMATS) as image:
                return _rgb(image)
    except FileNotFoundError as error:
        raise DataError(f"{path}: there is no such file; check the name") from error
    except IsADirectoryError as error:
        raise DataError(f"{path}: is a folder; name the pictures in it, as in {path}/*.jpg") from error
    except Image.DecompressionBombError as error:
        most = 2 * (Image.MAX_IMAGE_PIXELS or 0) // 1_000_000
        raise DataError(f"{path}: has more than {most} megapixels; shrink it first, a face needs few") from error
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(
            f"{path}: is not a picture that can be read ({error}); give a JPEG, PNG or WebP file"
        ) from error


def name_of(source: PictureLike) -> str:
    """What an error calls a picture."""
    return str(source) if isinstance(source, (str, Path)) else "image"


def _rgb(image: Image.Image) -> UInt8[np.ndarray, "height width 3"]:
    upright = ImageOps.exif_transpose(image)
    if upright.mode.startswith("I;16"):  # Pillow would clip 16 bits at 255, which leaves a white picture
        upright = Image.fromarray((np.asarray(upright) >> 8).astype(np.uint8))
    if upright.mode in ("RGBA", "LA", "PA") or "transparency" in upright.info:
        layer = upright.convert("RGBA")
        ground = Image.new("RGBA", layer.size, (0, 0, 0, 255))
        upright = Image.alpha_composite(ground, layer)
    return np.asarray(upright.convert("RGB"))


def _from_array(array: np.ndarray) -> UInt8[np.ndarray, "height width 3"]:
    if array.dtype != np.uint8 or array.size == 0 or array.ndim not in (2, 3) or array.shape[2:] not in ((), (3,)):
        raise ArgumentError(
            f"image: an array of {array.dtype} and shape {array.shape}; give uint8 0..255 of shape [height, width, 3]"
        )
    return np.repeat(array[..., None], 3, axis=2) if array.ndim == 2 else array
