"""Any folder of pictures with a table of labels."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pain3d import __version__
from pain3d.data.imported_row import ImportedRow
from pain3d.data.importers.builder import building
from pain3d.data.importers.policy import Advance, FindFace, Imported, Intake
from pain3d.data.importers.reading import SourcePicture, checked_score, checked_units, file_bytes, number_of, picture_of
from pain3d.data.schema import SHARD_SPLITS, ShardSplit
from pain3d.demographics import SEXES, SPLITS
from pain3d.errors import ArgumentError, DataError
from pain3d.facs import AU_NAMES, PAIN_AUS

IMPORTER_VERSION = 1

REQUIRED = ("file", "subject")
"""file: of the picture, relative to the folder. subject: who it shows."""
TEXTS = ("split", "sequence", "neutral", "sex")
"""split: train, val or test. sequence: recording. neutral: file of the picture to compare with. sex: female or male."""
NUMBERS = ("frame", "PSPI", "VAS", "OPR", "SEN", "AFF", "age_years", *AU_NAMES)
"""frame and age_years are whole numbers."""
FIELDS = (*REQUIRED, *TEXTS, *NUMBERS)

_STORED_AS = {"sequence": "sequence_id", "frame": "frame_index"}
_WHOLE = ("frame", "age_years")
_PICTURES = (".jpg", ".jpeg", ".png", ".webp")

Columns = Mapping[str, str]
"""From our fields to the columns of a table: AU4 to au04_r."""


@dataclass(frozen=True, kw_only=True)
class _Line:
    """One line of the table, read and checked."""

    where: str
    file: str
    subject: str
    split: ShardSplit
    neutral: str | None
    aus: Mapping[str, float]
    pspi_file: float | None
    extras: Mapping[str, str | int | float]


def import_folder(
    source: Path | str,
    out: Path | str,
    labels: Path | str,
    *,
    columns: Columns | None = None,
    skip_bad: bool = False,
    find_face: FindFace | None = None,
    on_progress: Advance | None = None,
) -> Imported:
    """Make a dataset of a folder of pictures with a CSV of labels.

    The CSV holds a line for each picture, with columns named as in `FIELDS`, or as `columns` says. `file` and `subject`
    are required, and either all six Action Units of PSPI or PSPI itself. Empty cells are null. Where the six units are
    there, PSPI follows from them, and disagreements.csv lists where the table states another.

    Args:
        source: folder of the pictures.
        out: folder of the dataset, new or empty.
        labels: the CSV.
        columns: which column of the CSV is which of our fields, as in ``{"AU4": "au04_r"}``.
        skip_bad: leave bad input out and list it in skipped.csv, instead of ending with an error.
        find_face: looks for the face, for `face_box`.
        on_progress: called with (frames done, frames there are).

    Raises:
        ArgumentError: if `source` is no folder, or a field or column is unknown.
        DataError: for bad input, with file and line.
        OutputError: if `out` is not empty.
        StorageError: if the disk is full, read-only, or fails.
    """
    root, table = Path(source), Path(labels)
    if not root.is_dir():
        raise ArgumentError(f"source: {root} is no folder; name the one that holds the pictures")
    mapping = dict(columns or {})
    unknown = sorted(set(mapping) - set(FIELDS))
    if unknown:
        raise ArgumentError(f"column: {unknown[0]} is none of ours; choose from {', '.join(FIELDS)}")
    with building(Path(out)) as builder:
        intake = Intake(builder=builder, skip_bad=skip_bad, find_face=find_face)
        lines = _lines(table, mapping, intake)
        _remark_unlabelled(root, lines, intake)
        unread = _unread(root, lines) if skip_bad else set()
        for number, line in enumerate(lines.values(), 1):
            with intake.bad(line.where):
                intake.add(_row(root, line, lines, unread, intake))
            if on_progress is not None:
                on_progress(number, len(lines))
        manifest = builder.finish(
            "folder",
            f"pictures and {table.name}",
            importer_version=IMPORTER_VERSION,
            configuration={"columns": mapping, "skip_bad": skip_bad, "face_boxes": find_face is not None},
            version=__version__,
        )
    return Imported(out=Path(out), manifest=manifest)


def _lines(table: Path, mapping: Columns, intake: Intake) -> dict[str, _Line]:
    """The lines by file, in order."""
    lines: dict[str, _Line] = {}
    splits: dict[str, ShardSplit] = {}
    for where, cells in _cells(table, mapping, intake):
        with intake.bad(where):
            line = _line(where, cells)
            if line.file in lines:
                raise DataError(f"{where}: {line.file} has a line before this")
            if splits.setdefault(line.subject, line.split) != line.split:
                raise DataError(f"{where}: {line.subject} is in {line.split} here, in {splits[line.subject]} above")
            lines[line.file] = line
    return lines


def _cells(table: Path, mapping: Columns, intake: Intake) -> Iterator[tuple[str, dict[str, str]]]:
    """File and line, and the cells that are filled, by our fields."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as stream:
            reader = csv.DictReader(stream, strict=True)
            chosen = _chosen(table, [name.strip() for name in reader.fieldnames or ()], mapping, intake)
            reader.fieldnames = [name.strip() for name in reader.fieldnames or ()]
            for row in reader:
                where = f"{table}:{reader.line_num}"
                with intake.bad(where):
                    if None in row or None in row.values():
                        raise DataError(f"{where}: another number of cells than in the first line")
                    yield where, {field: row[name].strip() for field, name in chosen.items() if row[name].strip()}
    except FileNotFoundError:
        raise ArgumentError(f"labels: {table} not found; name the CSV of labels") from None
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{table}: is no CSV that can be read ({error})") from None


def _chosen(table: Path, names: list[str], mapping: Columns, intake: Intake) -> dict[str, str]:
    """Our fields and the columns they are read from."""
    for field, name in mapping.items():
        if name not in names:
            raise ArgumentError(f"column: {field}={name}, but {table} has no such column; it has {', '.join(names)}")
    taken = set(mapping.values())
    chosen = {**{name: name for name in FIELDS if name in names and name not in taken}, **mapping}
    for field in REQUIRED:
        if field not in chosen:
            raise ArgumentError(
                f"column: {table} has no column {field}; say which one it is, as in --column {field}=NAME; it has "
                f"{', '.join(names) or 'none'}"
            )
    if "PSPI" not in chosen and not set(PAIN_AUS) <= set(chosen):
        missing = ", ".join(name for name in PAIN_AUS if name not in chosen)
        raise ArgumentError(
            f"column: {table} has neither PSPI nor {missing}; say which columns they are, as in --column AU4=NAME"
        )
    left = [name for name in names if name not in chosen.values()]
    if left:
        intake.remark(f"{table.name}:1", f"columns not read: {', '.join(left)}")
    return chosen


def _line(where: str, cells: Mapping[str, str]) -> _Line:
    for field in REQUIRED:
        if field not in cells:
            raise DataError(f"{where}: {field} is empty")
    split = cells.get("split", "all")
    if split not in SHARD_SPLITS:
        raise DataError(f"{where}: split {split!r}; write {', '.join(SPLITS)}, or nothing")
    if "sex" in cells and cells["sex"] not in SEXES:
        raise DataError(f"{where}: sex {cells['sex']!r}; write {' or '.join(SEXES)}, or nothing")
    numbers = {field: number_of(cells[field], f"{where}: {field}") for field in NUMBERS if field in cells}
    for field in _WHOLE:
        if field in numbers and not (numbers[field].is_integer() and 0 <= numbers[field] < 32_768):
            raise DataError(f"{where}: {field} is {numbers[field]:g}; write a whole number from 0 to 32,767")
    aus = checked_units({name: numbers[name] for name in AU_NAMES if name in numbers}, where)
    stated = checked_score(numbers["PSPI"], where) if "PSPI" in numbers else None
    if stated is None and not set(PAIN_AUS) <= set(aus):
        raise DataError(f"{where}: neither PSPI nor all of {', '.join(PAIN_AUS)} are filled")
    further = ("frame", "VAS", "OPR", "SEN", "AFF", "age_years")
    return _Line(
        where=where,
        file=_inside(cells["file"], where),
        subject=cells["subject"],
        split=split,
        neutral=_inside(cells["neutral"], where) if "neutral" in cells else None,
        aus=aus,
        pspi_file=stated,
        extras={
            **{_STORED_AS.get(name, name): cells[name] for name in ("sequence", "sex") if name in cells},
            **{
                _STORED_AS.get(name, name): int(numbers[name]) if name in _WHOLE else numbers[name]
                for name in further
                if name in numbers
            },
        },
    )


def _inside(file: str, where: str) -> str:
    """The path with forward slashes, if it stays in the folder."""
    path = PurePosixPath(file.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
        raise DataError(f"{where}: {file!r} leads out of the folder of pictures; write paths relative to it")
    return path.as_posix()


def _remark_unlabelled(root: Path, lines: Mapping[str, _Line], intake: Intake) -> None:
    found = (path for path in sorted(root.rglob("*")) if path.suffix.lower() in _PICTURES)
    alone = [name for path in found if (name := path.relative_to(root).as_posix()) not in lines]
    if alone:
        intake.remark(".", f"{len(alone)} pictures without a line of labels, {alone[0]} first")


def _frame_id(file: str) -> str:
    return str(PurePosixPath(file).with_suffix("")).replace("/", "-")


def _picture(root: Path, line: _Line) -> SourcePicture:
    try:
        return picture_of(file_bytes(root / line.file), root / line.file)
    except DataError as error:
        raise DataError(f"{line.where}: {error}") from None


def _unread(root: Path, lines: Mapping[str, _Line]) -> set[str]:
    """Neutral pictures that others refer to and that cannot be read: looked at before the first row is written."""
    unread: set[str] = set()
    for file in {line.neutral for line in lines.values()}:
        if file is not None and file in lines:
            try:
                _picture(root, lines[file])
            except DataError:
                unread.add(file)
    return unread


def _row(root: Path, line: _Line, lines: Mapping[str, _Line], unread: set[str], intake: Intake) -> ImportedRow:
    if line.neutral is not None:
        if line.neutral not in lines:
            raise DataError(f"{line.where}: neutral {line.neutral} has no line of its own")
        if lines[line.neutral].subject != line.subject:
            raise DataError(f"{line.where}: neutral {line.neutral} shows {lines[line.neutral].subject}")
    picture = _picture(root, line)
    return ImportedRow(
        frame_id=_frame_id(line.file),
        subject_id=line.subject,
        split=line.split,
        image=picture.encoded,
        aus=line.aus,
        pspi_file=line.pspi_file,
        neutral_frame_id=None if line.neutral is None or line.neutral in unread else _frame_id(line.neutral),
        face_box=intake.face_box(picture.pixels, line.where),
        extras={**line.extras, "source_file": line.file},
    )
