"""Pictures of maps: laid over the face, and side by side with the true heatmap on one sheet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

_PAPER, _INK, _FAINT = (250, 249, 246), (28, 27, 25), (120, 116, 108)
_MARGIN, _GAP, _HEAD = 36, 6, 96
CONTEXT = "PSPI is observer-coded facial expression, not felt pain. A map shows what moves the model, not why."


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One picture with a caption of one line."""

    picture: UInt8[np.ndarray, "height width 3"]
    caption: str


@dataclass(frozen=True, kw_only=True)
class Strip:
    """One row of the sheet."""

    title: str
    tiles: tuple[Tile, ...]


def laid_over(
    picture: UInt8[np.ndarray, "height width 3"],
    strength: Float[np.ndarray, "height width"],
    *,
    largest: float | None = None,
) -> UInt8[np.ndarray, "height width 3"]:
    """A map in colours over the grey picture.

    Args:
        picture: sRGB.
        strength: of the same size, not negative.
        largest: what the colours end at, from 0 on; by default they run from the map's least value to the one that
            one pixel in 200 exceeds, since the highest points of a gradient are far above all others.
    """
    low = float(strength.min()) if largest is None else 0.0
    top = float(np.quantile(strength, 0.995)) if largest is None else largest
    share = np.clip((strength - low) / (top - low), 0, 1) if top > low else np.zeros_like(strength)
    grey = np.repeat(picture.mean(axis=2, keepdims=True) * 0.55, 3, axis=2)
    opacity = np.minimum(1.0, share * 1.6)[..., None]
    return np.clip(grey * (1 - opacity) + warm(share) * opacity, 0, 255).astype(np.uint8)


def warm(share: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape 3"]:
    """Dark red over orange and yellow to white for 0..1, as sRGB 0..255: the colours of the dataset's own sheets."""
    stops = np.array([0.0, 0.12, 0.3, 0.55, 0.8, 1.0])
    red, green, blue = [60, 150, 235, 255, 255, 255], [0, 10, 70, 165, 235, 255], [40, 30, 15, 20, 110, 240]
    return np.stack([np.interp(share, stops, channel) for channel in (red, green, blue)], axis=-1)


def contact_sheet(strips: Sequence[Strip], *, title: str, tile: int = 192) -> Image.Image:
    """All strips below each other under a title; tiles that are no square keep their shape."""
    across = max((len(strip.tiles) for strip in strips), default=1)
    row_height = tile + 58
    width = max(2 * _MARGIN + across * (tile + _GAP), 960)
    sheet = Image.new("RGB", (width, _HEAD + len(strips) * row_height + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, 22), title, fill=_INK, font=_font(24))
    draw.text((_MARGIN, 56), CONTEXT, fill=_FAINT, font=_font(14))
    _scale(sheet, draw, right=width - _MARGIN)
    for row, strip in enumerate(strips):
        top = _HEAD + row * row_height
        draw.text((_MARGIN, top), strip.title, fill=_INK, font=_font(16))
        for column, part in enumerate(strip.tiles):
            left = _MARGIN + column * (tile + _GAP)
            picture = Image.fromarray(part.picture)
            picture.thumbnail((tile, tile), Image.Resampling.LANCZOS)
            if max(picture.size) < tile:
                factor = tile / max(picture.size)
                picture = picture.resize(
                    (round(picture.width * factor), round(picture.height * factor)), Image.Resampling.BICUBIC
                )
            sheet.paste(picture, (left, top + 24))
            draw.text((left, top + tile + 28), part.caption, fill=_FAINT, font=_font(13))
    return sheet


def _scale(sheet: Image.Image, draw: ImageDraw.ImageDraw, right: int) -> None:
    """What the colours mean: the heatmap ends at its strongest point, a map of the model at its own."""
    bar = np.broadcast_to(warm(np.linspace(0, 1, 160)).astype(np.uint8), (12, 160, 3))
    sheet.paste(Image.fromarray(np.ascontiguousarray(bar)), (right - 160, 28))
    draw.text((right - 160, 43), "least", fill=_FAINT, font=_font(12))
    draw.text((right, 43), "most in this map", fill=_FAINT, font=_font(12), anchor="ra")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
