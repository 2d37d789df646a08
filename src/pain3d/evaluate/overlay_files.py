"""One reading as a picture: the crop, where the model looked, and its numbers as bars."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont

from pain3d.errors import storage_error
from pain3d.evaluate.overlay import laid_over
from pain3d.facs import AU_DESCRIPTIONS, MAX_INTENSITY, MAX_PSPI, PAIN_AUS
from pain3d.model.crop import cut
from pain3d.model.prediction import Prediction

_SIDE, _MARGIN, _BARS = 400, 28, 470
_PAPER, _INK, _FAINT, _TRACK = (250, 249, 246), (28, 27, 25), (118, 113, 104), (229, 226, 219)
_PAIN, _CHANCE, _RANGE = (196, 78, 40), (58, 104, 140), (238, 186, 156)
_DOT = (120, 235, 240)
"""Light blue: no skin has this colour."""
_FOOT = "PSPI is observer-coded facial expression, not felt pain. Trained on synthetic faces. Not a medical device."


def write_overlay(path: Path, picture: UInt8[np.ndarray, "height width 3"], prediction: Prediction) -> Path:
    """Write the PNG; missing folders are made.

    Raises:
        StorageError: if the disk does not take it.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        overlay_picture(picture, prediction).save(path)
    except OSError as error:
        raise storage_error(path, error) from error
    return path


def overlay_picture(picture: UInt8[np.ndarray, "height width 3"], prediction: Prediction) -> Image.Image:
    """The crop, the attention of the six AU queries laid over it, PSPI, Action Units and probabilities."""
    crop, heat = _crop(picture, prediction), excess_attention(prediction, _SIDE)
    width = 2 * _SIDE + _BARS + 4 * _MARGIN
    sheet = Image.new("RGB", (width, _SIDE + 2 * _MARGIN + 56), _PAPER)
    draw = ImageDraw.Draw(sheet)
    read = "what the model read" + ("" if prediction.landmarks is None else ", and its landmarks")
    looked = "where its six Action Unit queries looked"
    for place, (tile, caption) in enumerate(((_dotted(crop, prediction), read), (laid_over(crop, heat), looked))):
        left = _MARGIN + place * (_SIDE + _MARGIN)
        sheet.paste(Image.fromarray(tile), (left, _MARGIN))
        draw.text((left, _MARGIN + _SIDE + 8), caption, fill=_FAINT, font=_font(14))
    _numbers(draw, prediction, left=2 * (_SIDE + _MARGIN) + _MARGIN, top=_MARGIN)
    draw.text((_MARGIN, sheet.height - 28), _FOOT, fill=_FAINT, font=_font(13))
    return sheet


def _crop(picture: UInt8[np.ndarray, "height width 3"], prediction: Prediction) -> UInt8[np.ndarray, "side side 3"]:
    if prediction.square is None:
        return np.asarray(Image.fromarray(picture).resize((_SIDE, _SIDE), Image.Resampling.BICUBIC))
    return cut(picture, prediction.square, _SIDE)


def _dotted(crop: UInt8[np.ndarray, "side side 3"], prediction: Prediction) -> UInt8[np.ndarray, "side side 3"]:
    """The crop with the landmarks that the model read in it."""
    if prediction.landmarks is None:
        return crop
    points = prediction.landmarks
    if prediction.square is not None:
        points = (points - np.array(prediction.square.box[:2])) / prediction.square.side
    picture = Image.fromarray(crop)
    draw = ImageDraw.Draw(picture)
    for x, y in points * _SIDE:
        draw.ellipse((x - 2.2, y - 2.2, x + 2.2, y + 2.2), fill=_DOT, outline=_INK)
    return np.asarray(picture)


def excess_attention(prediction: Prediction, side: int) -> Float[np.ndarray, "side side"]:
    """The mean over the queries of attention over its level were it even; below the level nothing shows.

    Args:
        side: pixels of the crop, along each side.
    """
    mean = prediction.attention.mean(axis=0)
    excess = np.maximum(mean * mean.size - 1.0, 0.0).astype(np.float32)
    return np.maximum(np.asarray(Image.fromarray(excess).resize((side, side), Image.Resampling.BICUBIC)), 0.0)


def attention_over(
    picture: UInt8[np.ndarray, "height width 3"], prediction: Prediction
) -> UInt8[np.ndarray, "height width 3"]:
    """The whole picture with the attention of the six AU queries laid over the square that was read.

    Raises:
        ValueError: for a reading of a crop, which does not know its place.
    """
    square = prediction.square
    if square is None:
        raise ValueError("prediction: was read in a crop, which has no place in a picture; read the face in its box")
    side = round(square.side)
    left, top = (round(edge) for edge in square.box[:2])
    height, width = picture.shape[:2]
    heat = np.zeros((height, width), np.float32)
    rows, columns = slice(max(top, 0), min(top + side, height)), slice(max(left, 0), min(left + side, width))
    inside = excess_attention(prediction, side)
    heat[rows, columns] = inside[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left]
    return laid_over(picture, heat)


def _numbers(draw: ImageDraw.ImageDraw, read: Prediction, *, left: int, top: int) -> None:
    number = f"{read.pspi:.1f}"
    draw.text((left, top - 8), number, fill=_INK, font=_font(58))
    beside = left + draw.textlength(number, font=_font(58)) + 12
    draw.text((beside, top + 8), "PSPI of 16", fill=_INK, font=_font(18))
    if read.interval is not None:
        low, high = read.interval
        draw.text((beside, top + 32), f"90 % interval {low:.1f} to {high:.1f}", fill=_FAINT, font=_font(14))
    _scale(draw, read, left, top + 72)
    y = top + 112
    for name in PAIN_AUS:
        closed = name == "AU43"
        said = f"{100 * read.aus[name]:.0f} %" if closed else f"{read.aus[name]:.1f}"
        share = read.aus[name] / (1.0 if closed else MAX_INTENSITY)
        _bar(draw, left, y, f"{name}  {AU_DESCRIPTIONS[name]}", share, said, _PAIN)
        y += 29
    y += 14
    for least, chance in read.probabilities.items():
        _bar(draw, left, y, f"P(PSPI >= {least})", chance, f"{100 * chance:.0f} %", _CHANCE)
        y += 29


def _scale(draw: ImageDraw.ImageDraw, read: Prediction, left: int, y: int) -> None:
    """PSPI on its scale of 0..16, its interval behind."""

    def at(pspi: float) -> float:
        return left + _BARS * min(max(pspi / MAX_PSPI, 0.0), 1.0)

    draw.rounded_rectangle((left, y, left + _BARS, y + 14), 7, fill=_TRACK)
    if read.interval is not None:
        draw.rounded_rectangle(
            (at(read.interval[0]), y, max(at(read.interval[1]), at(read.interval[0]) + 2), y + 14), 7, fill=_RANGE
        )
    draw.rectangle((at(read.pspi) - 2, y - 4, at(read.pspi) + 2, y + 18), fill=_PAIN)


def _bar(
    draw: ImageDraw.ImageDraw, left: int, y: int, name: str, share: float, said: str, colour: tuple[int, int, int]
) -> None:
    start, end = left + 226, left + _BARS - 50
    draw.text((left, y), name, fill=_INK, font=_font(15))
    draw.rounded_rectangle((start, y + 3, end, y + 15), 6, fill=_TRACK)
    filled = start + (end - start) * min(max(share, 0.0), 1.0)
    if filled - start >= 1:
        draw.rounded_rectangle((start, y + 3, max(filled, start + 12), y + 15), 6, fill=colour)
    draw.text((left + _BARS, y), said, fill=_INK, font=_font(15), anchor="ra")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
