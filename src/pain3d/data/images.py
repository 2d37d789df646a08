"""Pictures and label maps to bytes and back: the only encoders and decoders of the dataset.

Equal arrays give equal bytes for the same Pillow build; the manifest records that build. PNGs use zlib level 1 with the
run-length strategy: on heatmaps and segmentations it is as fast as level 1 alone and a quarter smaller
(`benchmarks/encoding.py`).
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, UInt8, UInt16
from PIL import Image

from pain3d.data.schema import HEATMAP_MAX_MM, WRINKLES_MAX_MM
from pain3d.errors import ArgumentError, DataError

ImageFormat = Literal["jpeg", "png", "webp", "webp-lossless"]
IMAGE_FORMATS: tuple[ImageFormat, ...] = get_args(ImageFormat)

DEPTH_UNIT_MM = 0.1
MAX_DEPTH_M = 6.5535
"""What 16 bits of 0.1 mm hold."""

MAX_SIDE = 16_384
"""Pictures with a longer side are refused before they are decoded."""

JPEG_QUALITY = 95
_ZLIB_RLE = 3
_LEAST_PALETTE = 17
"""Pillow packs pictures with up to 16 colours into 4 bits a pixel; one black entry more keeps the contract's 8."""
_FILE_FORMATS = ("JPEG", "PNG", "WEBP")


@dataclass(frozen=True, kw_only=True)
class PaletteEntry:
    """One class of the segmentation."""

    index: int
    name: str
    color: tuple[int, int, int]
    """sRGB 0..255, for people to look at."""


Palette = tuple[PaletteEntry, ...]


def encode_rgb(rgb: UInt8[np.ndarray, "height width 3"], image_format: ImageFormat = "jpeg") -> bytes:
    """A colour picture as JPEG (quality 95, 4:4:4), PNG, or WebP (quality 95 or lossless)."""
    picture = Image.fromarray(np.ascontiguousarray(rgb))
    match image_format:
        case "jpeg":
            return _saved(picture, "JPEG", quality=JPEG_QUALITY, subsampling=0)
        case "png":
            return _png(picture)
        case "webp":
            return _saved(picture, "WEBP", quality=JPEG_QUALITY, method=4)
        case "webp-lossless":
            return _saved(picture, "WEBP", lossless=True, quality=0, method=0)
    raise ArgumentError(f"image_format: {image_format!r} is unknown; choose one of {', '.join(IMAGE_FORMATS)}")


def heatmap_values(displacement_mm: Float[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width"]:
    """round(mm / HEATMAP_MAX_MM * 255), larger displacements saturate.

    Raises:
        ArgumentError: if a displacement is negative or NaN.
    """
    if not displacement_mm.min(initial=0.0) >= 0:
        raise ArgumentError("heatmap: negative or NaN displacement; give millimetres, 0 where nothing moved")
    return _grey_values(displacement_mm, HEATMAP_MAX_MM)


def _grey_values(mm: Float[np.ndarray, "height width"], max_mm: float) -> UInt8[np.ndarray, "height width"]:
    scaled = mm.astype(np.float32, copy=False) * np.float32(255 / max_mm)
    return np.minimum(np.rint(scaled), np.float32(255)).astype(np.uint8)


def encode_heatmap(displacement_mm: Float[np.ndarray, "height width"]) -> bytes:
    """Displacement of the visible skin, millimetres, as 8-bit grey PNG."""
    return _png(Image.fromarray(heatmap_values(displacement_mm)))


def decode_heatmap(encoded: bytes, heatmap_max_mm: float = HEATMAP_MAX_MM) -> Float[np.ndarray, "height width"]:
    """Millimetres, float32, exact to half a step (0.03 mm) below the maximum."""
    return decode_grey(encoded) * np.float32(heatmap_max_mm / 255)


def encode_wrinkles(relief_mm: Float[np.ndarray, "height width"]) -> bytes:
    """Relief that Action Units fold, millimetres up or down, as 8-bit grey PNG; more than `WRINKLES_MAX_MM` saturates.

    Raises:
        ArgumentError: if a value is negative or NaN.
    """
    if not relief_mm.min(initial=0.0) >= 0:
        raise ArgumentError("wrinkles: negative or NaN relief; give its absolute value in millimetres, 0 at rest")
    return _png(Image.fromarray(_grey_values(relief_mm, WRINKLES_MAX_MM)))


def decode_wrinkles(encoded: bytes, wrinkles_max_mm: float = WRINKLES_MAX_MM) -> Float[np.ndarray, "height width"]:
    """Millimetres, float32, exact to half a step (0.006 mm) below the maximum."""
    return decode_grey(encoded) * np.float32(wrinkles_max_mm / 255)


def encode_segmentation(classes: UInt8[np.ndarray, "height width"], palette: Sequence[PaletteEntry]) -> bytes:
    """Classes as 8-bit palette PNG; the pixel value is the class."""
    picture = Image.fromarray(np.ascontiguousarray(classes))
    entries = max(_LEAST_PALETTE, *(entry.index + 1 for entry in palette))
    colors = bytearray(3 * entries)
    for entry in palette:
        colors[3 * entry.index : 3 * entry.index + 3] = bytes(entry.color)
    picture.putpalette(bytes(colors))
    return _png(picture)


def encode_depth(depth_m: Float[np.ndarray, "height width"]) -> bytes:
    """Depth along the viewing axis, metres, 0 for background, as 16-bit PNG in steps of 0.1 mm; saturates at 6.55 m."""
    if not depth_m.min(initial=0.0) >= 0:
        raise ArgumentError("depth: negative or NaN value; give metres in front of the camera, 0 for background")
    steps = np.minimum(np.rint(depth_m.astype(np.float64) * (1000 / DEPTH_UNIT_MM)), 65535).astype(np.uint16)
    return _png(Image.fromarray(steps))


def decode_depth(encoded: bytes) -> Float[np.ndarray, "height width"]:
    """Metres, float32; 0 is background."""
    picture = _opened(encoded)
    if picture.mode not in ("I;16", "I"):
        raise DataError(f"depth: the picture is of mode {picture.mode}, not 16-bit grey")
    steps: UInt16[np.ndarray, "height width"] = np.asarray(picture).astype(np.uint16)
    return steps * np.float32(DEPTH_UNIT_MM / 1000)


def encode_normals(normals: Float[np.ndarray, "height width 3"]) -> bytes:
    """Unit vectors as RGB PNG: value = 128 + round(127 * component); the zero vector (background) is black."""
    values = np.rint(normals * np.float32(127)) + np.float32(128)
    values[~normals.any(axis=2)] = 0
    return _png(Image.fromarray(np.clip(values, 0, 255).astype(np.uint8)))


def decode_normals(encoded: bytes) -> Float[np.ndarray, "height width 3"]:
    """Unit vectors to about half a degree, float32; zero on background."""
    values = decode_rgb(encoded)
    normals = (values.astype(np.float32) - np.float32(128)) / np.float32(127)
    normals[~values.any(axis=2)] = 0
    length = np.sqrt(np.square(normals).sum(axis=2, keepdims=True))
    return np.divide(normals, length, out=normals, where=length > 0)


def decode_rgb(encoded: bytes) -> UInt8[np.ndarray, "height width 3"]:
    """The colour picture.

    Raises:
        DataError: if the bytes are no JPEG, PNG or WebP, are cut short, or hold more than `MAX_SIDE` pixels a side.
    """
    return np.array(_opened(encoded).convert("RGB"))


def decode_small(encoded: bytes, side: int) -> UInt8[np.ndarray, "height width 3"]:
    """The colour picture, scaled so that its longer side has `side` pixels.

    A JPEG is decoded at the eighth, quarter or half that is still larger: several times as fast as whole.

    Raises:
        DataError: as `decode_rgb`.
    """
    picture = _header(encoded)
    scale = side / max(picture.size)
    size = max(1, round(picture.width * scale)), max(1, round(picture.height * scale))
    picture.draft("RGB", size)
    return np.array(_load(picture).convert("RGB").resize(size, Image.Resampling.LANCZOS))


def decode_grey(encoded: bytes) -> UInt8[np.ndarray, "height width"]:
    """Values of an 8-bit grey or palette picture, colours ignored.

    Raises:
        DataError: as `decode_rgb`, or if the picture is neither grey nor palette.
    """
    picture = _opened(encoded)
    if picture.mode not in ("L", "P"):
        raise DataError(f"the picture is of mode {picture.mode}, not 8-bit grey or palette")
    return np.array(picture)


decode_segmentation = decode_grey
"""Classes of a segmentation, uint8."""


def check_decodes(encoded: bytes) -> tuple[int, int]:
    """Width and height of a picture, after reading it to its end.

    A JPEG is decoded at an eighth of its size: all its entropy-coded data is read, and the pixels are not needed.

    Raises:
        DataError: as `decode_rgb`.
    """
    picture = _header(encoded)
    size = picture.size
    picture.draft("RGB", (size[0] // 8, size[1] // 8))
    _load(picture)
    return size


def _opened(encoded: bytes) -> Image.Image:
    return _load(_header(encoded))


def _header(encoded: bytes) -> Image.Image:
    try:
        picture = Image.open(io.BytesIO(encoded), formats=_FILE_FORMATS)
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise DataError(f"the picture cannot be read: {error}") from None
    if max(picture.size) > MAX_SIDE:
        raise DataError(f"the picture is {picture.width} x {picture.height}; the longest side allowed is {MAX_SIDE}")
    return picture


def _load(picture: Image.Image) -> Image.Image:
    try:
        picture.load()
    except (OSError, ValueError, SyntaxError) as error:
        raise DataError(f"the picture is damaged: {error}") from None
    return picture


def _png(picture: Image.Image) -> bytes:
    return _saved(picture, "PNG", compress_level=1, compress_type=_ZLIB_RLE)


def _saved(picture: Image.Image, file_format: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, file_format, **options)
    return buffer.getvalue()
