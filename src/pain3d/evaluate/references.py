"""Which frame is a subject's neutral reference: named by the dataset, by a file, or (an oracle) by the labels."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from pain3d.data.reader import Dataset
from pain3d.errors import ArgumentError, DataError
from pain3d.streams import stream

HEADER = ("subject_id", "frame_id")

LABEL_CHOSEN = "neutral chosen by label"
"""Name of the row of a model that was given a frame of PSPI 0: nobody knows that of a new patient."""

References = Mapping[str, tuple[str, ...]]
"""Frame ids by subject id."""


def reference_labels(dataset: Dataset) -> pa.Table:
    """The columns that references are chosen by."""
    return dataset.labels(["frame_id", "subject_id", "neutral_frame_id", "PSPI"])


def named_references(labels: pa.Table) -> dict[str, tuple[str, ...]]:
    """The frames that neutral_frame_id names; a subject without one has none."""
    found: dict[str, dict[str, None]] = {}
    for subject, frame in zip(*_columns(labels, "subject_id", "neutral_frame_id"), strict=True):
        frames = found.setdefault(subject, {})
        if frame is not None:
            frames[frame] = None
    return {subject: tuple(frames) for subject, frames in found.items()}


def read_references(path: Path, labels: pa.Table) -> dict[str, tuple[str, ...]]:
    """The frames that a CSV file names, at least one for each subject of the dataset.

    Raises:
        DataError: if the file cannot be read or names what the dataset has not; the line is named.
        ArgumentError: if a subject has no line.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise DataError(f"{path}: not found; give a CSV file with the columns {','.join(HEADER)}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"{path}: cannot be read ({error}); give a CSV file in UTF-8") from None
    rows = csv.reader(io.StringIO(text))
    owner = dict(zip(*_columns(labels, "frame_id", "subject_id"), strict=True))
    found: dict[str, tuple[str, ...]] = dict.fromkeys(sorted(set(owner.values())), ())
    try:
        head = tuple(cell.strip() for cell in next(rows, []))
        if head != HEADER:
            raise DataError(f"{path}: line 1: {','.join(head)!r}; the columns are {','.join(HEADER)}")
        for cells in rows:
            if not any(cell.strip() for cell in cells):
                continue
            where = f"{path}: line {rows.line_num}"
            subject, frame = _checked_row([cell.strip() for cell in cells], where, owner, found)
            found[subject] = (*found[subject], frame)
    except csv.Error as error:
        raise DataError(f"{path}: line {rows.line_num}: {error}") from None
    if without := [subject for subject, frames in found.items() if not frames]:
        raise ArgumentError(
            f"neutral_frames: {path} names no frame of {', '.join(without)}; give a line for each subject of the "
            f"dataset"
        )
    return found


def _checked_row(cells: Sequence[str], where: str, owner: Mapping[str, str], found: References) -> tuple[str, str]:
    if len(cells) != len(HEADER):
        raise DataError(f"{where}: {len(cells)} cells; give {','.join(HEADER)}")
    subject, frame = cells
    if subject not in found:
        raise DataError(f"{where}: the dataset has no subject {subject!r}")
    if frame not in owner:
        raise DataError(f"{where}: the dataset has no frame {frame!r}")
    if owner[frame] != subject:
        raise DataError(f"{where}: frame {frame!r} is of {owner[frame]}, not of {subject}")
    if frame in found[subject]:
        raise DataError(f"{where}: frame {frame!r} is named twice")
    return subject, frame


def label_chosen(labels: pa.Table, subjects: Iterable[str], seed: int) -> dict[str, tuple[str, ...]]:
    """One frame of PSPI 0 of each subject, drawn by the seed; none where a subject has no such frame. An oracle."""
    ids, owners = (np.array(values, dtype=str) for values in _columns(labels, "frame_id", "subject_id"))
    calm = labels.column("PSPI").to_numpy() == 0
    found: dict[str, tuple[str, ...]] = {}
    for subject in subjects:
        rows = np.sort(ids[calm & (owners == subject)])
        drawn = stream(seed, "label-chosen neutral", subject).permutation(len(rows))[:1]
        found[subject] = tuple(str(rows[place]) for place in drawn)
    return found


def flat(references: References) -> tuple[str, ...]:
    """All frame ids, sorted."""
    return tuple(sorted(frame for frames in references.values() for frame in frames))


def _columns(labels: pa.Table, *names: str) -> list[list[str]]:
    return [labels.column(name).to_pylist() for name in names]
