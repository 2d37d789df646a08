"""Files of a source as text, numbers and pictures; errors name the file, the line, the rule."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from pain3d.data.images import decode_rgb
from pain3d.errors import DataError
from pain3d.facs import MAX_PSPI, Expression

MAX_FILE_BYTES = 64_000_000
"""A picture or label file of more is none of a face dataset, and is not read into memory."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SourcePicture:
    """A picture of the source, found to be whole."""

    encoded: bytes
    """JPEG, PNG or WebP, as in the source unless it was cut."""
    pixels: UInt8[np.ndarray, "height width 3"]


def file_bytes(path: Path) -> bytes:
    """The content of a file.

    Raises:
        DataError: if it is missing, unreadable or larger than `MAX_FILE_BYTES`.
    """
    try:
        size = path.stat().st_size
        if size > MAX_FILE_BYTES:
            raise DataError(f"{path}: {size:,} bytes; a picture or label file has {MAX_FILE_BYTES:,} at most")
        return path.read_bytes()
    except FileNotFoundError:
        raise DataError(f"{path}: not found") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({error.strerror or error})") from None


def picture_of(encoded: bytes, where: str | Path) -> SourcePicture:
    """The picture, decoded to its end.

    Raises:
        DataError: if it is no JPEG, PNG or WebP, or cut short.
    """
    try:
        return SourcePicture(encoded=encoded, pixels=decode_rgb(encoded))
    except DataError as error:
        raise DataError(f"{where}: {error}") from None


def number_rows(path: Path, columns: int, what: str) -> Iterator[tuple[int, tuple[float, ...]]]:
    """Line number and numbers of every line of a text file that is not empty.

    Args:
        path: the file.
        columns: numbers in each line, apart by blanks.
        what: what a line holds, for errors, as in ``x y``.

    Raises:
        DataError: for another count, or a word that is no finite number.
    """
    try:
        text = file_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise DataError(f"{path}: is no text; each line is to hold {what}") from None
    for line, words in enumerate((row.split() for row in text.splitlines()), 1):
        if not words:
            continue
        if len(words) != columns:
            raise DataError(f"{path}:{line}: {len(words)} words, not {columns}; each line is to hold {what}")
        yield line, tuple(number_of(word, f"{path}:{line}") for word in words)


def one_number(path: Path, what: str) -> float:
    """The single number of a text file.

    Raises:
        DataError: if it holds none, or more.
    """
    rows = list(number_rows(path, 1, what))
    if len(rows) != 1:
        raise DataError(f"{path}: {len(rows)} numbers, not 1; the file is to hold {what}")
    return rows[0][1][0]


def number_of(word: str, where: str) -> float:
    """The number that a word stands for; scientific notation counts.

    Raises:
        DataError: if it is none, NaN or infinite.
    """
    try:
        value = float(word)
    except ValueError:
        raise DataError(f"{where}: {word!r} is not a number") from None
    if not math.isfinite(value):
        raise DataError(f"{where}: {word} is not finite")
    return value


def checked_units(aus: Mapping[str, float], where: str) -> dict[str, float]:
    """The intensities themselves.

    Raises:
        DataError: if one is outside 0..5, or AU43 neither 0 nor 1.
    """
    try:
        Expression(**dict(aus))  # pyright: ignore[reportArgumentType]
    except ValueError as error:
        raise DataError(f"{where}: {error}") from None
    return dict(aus)


def checked_score(score: float, where: str) -> float:
    """The score itself.

    Raises:
        DataError: if it is outside 0..16.
    """
    if not 0 <= score <= MAX_PSPI:
        raise DataError(f"{where}: PSPI {score:g} is outside 0..16")
    return score
