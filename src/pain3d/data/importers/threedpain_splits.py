"""The split CSV of the released 3DPain dataset: annotation_base_name,split with 0 train, 1 val, 2 test."""

from __future__ import annotations

import csv
from pathlib import Path

from pain3d.data.importers.threedpain_names import face_of_base
from pain3d.demographics import SPLITS, Split
from pain3d.errors import ArgumentError, DataError

COLUMNS = ("annotation_base_name", "split")


def find_splits(source: Path) -> Path | None:
    """The one split CSV in the source or its folder ``splits``; None if there is none.

    Raises:
        ArgumentError: if there are several.
    """
    folders = [folder for folder in (source, source / "splits", source / "data" / "splits") if folder.is_dir()]
    found = [path for folder in folders for path in sorted(folder.glob("*.csv")) if _is_one(path)]
    if len(found) > 1:
        raise ArgumentError(f"splits: {source} holds {found[0].name} and {found[1].name}; name one with --splits")
    return found[0] if found else None


def read_splits(path: Path) -> tuple[dict[str, Split], dict[str, Split]]:
    """The split of every base name, and of every subject.

    Raises:
        DataError: for a row that is none, or a subject in two splits, with its line.
    """
    bases: dict[str, Split] = {}
    subjects: dict[str, Split] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream)
            if not set(COLUMNS) <= set(reader.fieldnames or ()):
                raise DataError(f"{path}:1: its columns are {reader.fieldnames}, not {', '.join(COLUMNS)}")
            for row in reader:
                where = f"{path}:{reader.line_num}"
                name, number = ((row[column] or "").strip() for column in COLUMNS)
                face = face_of_base(name)
                if face is None:
                    raise DataError(f"{where}: {name!r} is no base name; one reads like flame_sample_0000_pain_1")
                if number not in ("0", "1", "2"):
                    raise DataError(f"{where}: split {number!r}; write 0 for train, 1 for val, 2 for test")
                split = SPLITS[int(number)]
                if subjects.setdefault(face.subject, split) != split:
                    raise DataError(f"{where}: {face.subject} is in {split} here and in {subjects[face.subject]} above")
                bases[face.base] = split
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path}: cannot be read ({error})") from None
    return bases, subjects


def _is_one(path: Path) -> bool:
    try:
        with path.open(encoding="utf-8-sig") as stream:
            return set(COLUMNS) <= {word.strip() for word in stream.readline().split(",")}
    except (OSError, UnicodeDecodeError):
        return False
