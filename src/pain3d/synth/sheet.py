"""Contact sheets: one PNG to judge a dataset, or one subject of it, at a glance."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8
from PIL import Image, ImageDraw, ImageFont

from pain3d.data.files import write_atomically
from pain3d.data.findings import counted
from pain3d.data.reader import Dataset, open_dataset
from pain3d.data.sample import Sample
from pain3d.errors import ArgumentError
from pain3d.places import Place, location, name_of
from pain3d.synth.balance import CONTEXT
from pain3d.synth.plan import subject_number
from pain3d.synth.preview import (
    Pair,
    by_expression,
    choose_frames,
    choose_moments,
    choose_pairs,
    dotted,
    hot,
    overlay,
    person_text,
    preview_folder,
    units_text,
)

PAIRS = 12
PSPI_CONTEXT = "PSPI is observer-coded facial expression, not felt pain."
"""What is said above faces of real people."""
_PAPER, _INK, _FAINT = (250, 249, 246), (28, 27, 25), (120, 116, 108)
_MARGIN, _GAP, _HEAD = 36, 6, 84


@dataclass(frozen=True, kw_only=True)
class _Strip:
    """Pictures side by side, with two lines of words below."""

    pictures: tuple[UInt8[np.ndarray, "height width 3"] | None, ...]
    """None leaves a place empty."""
    title: str
    words: str


_MOMENTS = 8
"""Of each clip on the sheet of a subject."""


def show(dataset: Place | str, *, subject: str | None = None, to: Path | None = None) -> Place:
    """Draw a contact sheet of a finished dataset.

    Args:
        dataset: folder of the dataset, or its URL.
        subject: draw every expression and view of this subject, as in ``s00042``, or of a dataset of clips, moments of
            every expression; None: pairs of several subjects.
        to: PNG file to write; by default it goes into the dataset's ``preview`` folder.

    Returns:
        The file that was written.

    Raises:
        ArgumentError: if `subject` is no subject id, or not in the dataset, or `to` is no PNG, or its
            folder does not exist.
        DataError: if there is no dataset, or it is damaged.
        StorageError: if the file cannot be written.
    """
    folder = location(dataset)
    if to is not None and to.suffix.lower() != ".png":
        raise ArgumentError(f"to: {to} does not end in .png; a contact sheet is a PNG picture")
    if to is not None and not to.parent.is_dir():
        raise ArgumentError(f"to: the folder {to.parent} does not exist; make the folder first, or name another")
    data = open_dataset(folder)
    if data.manifest.source is not None:
        sheet = imported_sheet(data, subject)
    elif subject is None:
        sheet = pairs_sheet(choose_pairs(data, PAIRS), f"{name_of(folder)}: {counted(len(data), 'frame')}")
    else:
        number = subject_number(subject, argument="subject")
        _check_subject(data, subject)
        if data.manifest.clips is None:
            sheet = subject_sheet(data.subject(subject))
        else:
            sheet = clips_sheet(choose_moments(data, number, _MOMENTS))
    path = preview_folder(folder) / f"{subject or 'contact_sheet'}.png" if to is None else to
    content = io.BytesIO()
    sheet.save(content, "PNG")
    write_atomically(path, content.getvalue())
    return path


def imported_sheet(data: Dataset, subject: str | None) -> Image.Image:
    """Frames of an imported dataset, each beside its landmarks where it has some: spread over subjects and PSPI.

    Raises:
        ArgumentError: if `subject` is not in the dataset.
    """
    if subject is not None:
        _check_subject(data, subject)
    strips = [
        _Strip(
            pictures=(_on_square(sample.image), _on_square(dotted(sample)) if sample.knows("landmarks") else None),
            title=sample.frame_id,
            words=f"PSPI {sample.pspi:g}   {units_text(sample.expression)}",
        )
        for sample in choose_frames(data, 2 * PAIRS, subject)
    ]
    title = f"{name_of(data.path)}: {counted(len(data), 'frame')}"
    return _sheet(strips, columns=2, tile=256, title=f"{title}   |   picture, landmarks", scale=False)


def _check_subject(data: Dataset, subject: str) -> None:
    if subject not in data.subjects:
        raise ArgumentError(
            f"subject: {subject} is not among the {len(data.subjects)} subjects of {data.path}, "
            f"{data.subjects[0]} to {data.subjects[-1]}; name one of them"
        )


def _on_square(picture: UInt8[np.ndarray, "height width 3"]) -> UInt8[np.ndarray, "side side 3"]:
    """The whole picture in the middle of a black square."""
    height, width = picture.shape[:2]
    side = max(height, width)
    square = np.zeros((side, side, 3), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = picture
    return square


def pairs_sheet(pairs: Sequence[Pair], title: str) -> Image.Image:
    """Neutral, pain and heatmap of each pair, two pairs a row."""
    strips = [
        _Strip(
            pictures=(pair.neutral.image, pair.pain.image, overlay(pair.pain)),
            title=f"{person_text(pair.pain)}, yaw {pair.pain.yaw:.0f}",
            words=f"PSPI {round(pair.pain.pspi, 1):g}   {units_text(pair.pain.expression)}",
        )
        for pair in pairs
    ]
    return _sheet(strips, columns=2, tile=256, title=f"{title}   |   neutral, pain, heatmap")


def subject_sheet(samples: Sequence[Sample]) -> Image.Image:
    """Every expression of one subject: all views, each with its heatmap beside it where there is pain."""
    strips = [
        _Strip(
            pictures=tuple(
                picture for sample in row for picture in (sample.image, overlay(sample) if sample.pspi else None)
            ),
            title=f"expression {row[0].expression_id}   PSPI {row[0].pspi:g}",
            words=units_text(row[0].expression),
        )
        for row in by_expression(samples)
    ]
    return _sheet(strips, columns=1, tile=224, title=person_text(samples[0]))


def clips_sheet(clips: Sequence[Sequence[Sample]]) -> Image.Image:
    """Some moments of each clip of one subject, and the heatmap of the strongest of them."""
    strips: list[_Strip] = []
    for moments in clips:
        most = max(moments, key=lambda sample: sample.pspi)
        scores = "  ".join(f"{round(sample.pspi, 1):g}" for sample in moments)
        over = f"PSPI from {moments[0].time_s:.1f} to {moments[-1].time_s:.1f} s: {scores}"
        strips.append(
            _Strip(
                pictures=(*(sample.image for sample in moments), overlay(most) if most.pspi else None),
                title=f"expression {most.expression_id}   PSPI at the apex {most.row['apex_PSPI']:g}",
                words=f"{over}   |   at {most.time_s:.1f} s {units_text(most.expression)}",
            )
        )
    return _sheet(strips, columns=1, tile=160, title=f"{person_text(clips[0][0])}, clips")


def _sheet(strips: Sequence[_Strip], *, columns: int, tile: int, title: str, scale: bool = True) -> Image.Image:
    across = max((len(strip.pictures) for strip in strips), default=1)
    cell_width, cell_height = across * (tile + _GAP) + _MARGIN, tile + 62
    rows = -(-len(strips) // columns)
    width = max(_MARGIN + columns * cell_width, 900)
    sheet = Image.new("RGB", (width, _HEAD + rows * cell_height + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    draw.text((_MARGIN, 22), title, fill=_INK, font=_font(24))
    draw.text((_MARGIN, 54), CONTEXT if scale else PSPI_CONTEXT, fill=_FAINT, font=_font(14))
    if scale:
        _scale(sheet, draw, right=width - _MARGIN)
    for number, strip in enumerate(strips):
        row, column = divmod(number, columns)
        left, top = _MARGIN + column * cell_width, _HEAD + row * cell_height
        for place, picture in enumerate(strip.pictures):
            if picture is None:
                continue
            tile_picture = Image.fromarray(picture).resize((tile, tile), Image.Resampling.LANCZOS)
            sheet.paste(tile_picture, (left + place * (tile + _GAP), top))
        draw.text((left, top + tile + 6), strip.title, fill=_INK, font=_font(16))
        draw.text((left, top + tile + 28), strip.words, fill=_FAINT, font=_font(14))
    return sheet


def _scale(sheet: Image.Image, draw: ImageDraw.ImageDraw, right: int) -> None:
    """What the colours of the heatmap mean."""
    bar = np.broadcast_to(hot(np.linspace(0, 1, 160)).astype(np.uint8), (12, 160, 3))
    sheet.paste(Image.fromarray(np.ascontiguousarray(bar)), (right - 160, 28))
    draw.text((right - 160, 44), "0", fill=_FAINT, font=_font(12))
    draw.text((right, 44), "16 mm", fill=_FAINT, font=_font(12), anchor="ra")


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)
