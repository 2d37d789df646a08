"""An imported dataset while it is being written: a folder beside OUT, which becomes OUT when all of it is there.

Rows come one at a time and leave memory row group by row group. Whatever goes wrong, OUT stays as it was.
"""

from __future__ import annotations

import contextlib
import csv
import os
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import pyarrow.parquet as pq

from pain3d.data.card import write_card
from pain3d.data.croissant import write_croissant
from pain3d.data.files import file_sha256
from pain3d.data.imported_row import ImportedRow
from pain3d.data.manifest import (
    Json,
    Manifest,
    ShardRecord,
    Source,
    SourceKind,
    environment,
    shard_file,
    write_manifest,
)
from pain3d.data.schema import MAX_ROW_GROUP_ROWS, SHARD_SPLITS, ShardSplit, dataset_schema
from pain3d.data.whole_folder import whole_folder
from pain3d.data.writer import parquet_options, write_row_group
from pain3d.errors import DataError

MAX_SHARD_BYTES = 256_000_000
"""A shard with as much in pictures is closed, and another begun."""

LEAST_ROW_GROUP_ROWS = 33
"""A row group ends with its subject once it has as many rows: the tar files of 3DPain jump between subjects."""

_SCHEMA = dataset_schema(imported=True)


@contextlib.contextmanager
def building(out: Path) -> Iterator[DatasetBuilder]:
    """A builder of the dataset OUT; unless its `finish` is reached, nothing remains of it.

    Raises:
        OutputError: if OUT is a file, or a folder that is not empty, or another run is writing it.
        StorageError: if the disk is full, read-only, or fails.
    """
    with whole_folder(out) as folder:
        builder = DatasetBuilder(out, folder)
        try:
            (folder / "data").mkdir()
            yield builder
        finally:
            builder.close()


class DatasetBuilder:
    """Takes in rows and notes; `finish` makes a dataset of them."""

    def __init__(self, out: Path, folder: Path) -> None:
        self._out, self._folder = out, folder
        self._splits: dict[ShardSplit, _SplitWriter] = {}
        self._notes: dict[str, tuple[IO[str], Any]] = {}
        self._subjects: set[str] = set()
        self._sequences: set[tuple[str, str]] = set()
        self._ids: set[str] = set()
        self.counts: Counter[str] = Counter()
        """Lines of each list, and whatever an importer counts."""

    def add(self, row: ImportedRow) -> None:
        """Take in a row.

        Raises:
            DataError: if there was a row of the same id.
        """
        if row.frame_id in self._ids:
            raise DataError(f"{row.frame_id}: is there twice; the source holds the frame under two names")
        self._ids.add(row.frame_id)
        self._subjects.add(row.subject_id)
        if "sequence_id" in row.extras:
            self._sequences.add((row.subject_id, str(row.extras["sequence_id"])))
        if row.split not in self._splits:
            self._splits[row.split] = _SplitWriter(self._folder, row.split)
        self._splits[row.split].add(row)

    def note(self, name: str, line: Mapping[str, object]) -> None:
        """Add a line to the list OUT/NAME.csv, whose columns are those of its first line."""
        if name not in self._notes:
            stream = (self._folder / f"{name}.csv").open("w", encoding="utf-8", newline="")
            writer = csv.DictWriter(stream, list(line), lineterminator="\n")
            writer.writeheader()
            self._notes[name] = stream, writer
        self._notes[name][1].writerow(line)
        self.counts[name] += 1

    def write(self, name: str, text: str) -> None:
        """Write a further file of the dataset, OUT/NAME."""
        (self._folder / name).write_text(text, encoding="utf-8")

    def finish(
        self, kind: SourceKind, form: str, *, importer_version: int, configuration: Mapping[str, Json], version: str
    ) -> Manifest:
        """Close the shards, and write card, metadata and, last, the manifest.

        Raises:
            DataError: if there are no frames.
        """
        if not self._ids:
            raise DataError(f"{self._out}: no frame was left to import; see what was skipped and why")
        shards = [record for split in SHARD_SPLITS if split in self._splits for record in self._splits[split].finish()]
        lists = tuple(f"{name}.csv" for name in self._notes)
        self.close()
        counts = {"subjects": len(self._subjects), "sequences": len(self._sequences), "frames": len(self._ids)}
        manifest = Manifest(
            design=None,
            configuration=configuration,
            seed=0,
            annotations=(),
            palette=(),
            environment=environment(),
            pain3d_version=version,
            complete=True,
            shards=tuple(shards),
            source=Source(
                kind=kind,
                form=form,
                importer_version=importer_version,
                counts={**counts, **self.counts},
                lists=lists,
            ),
        )
        write_card(self._folder, manifest)
        write_croissant(self._folder, manifest)
        write_manifest(self._folder, manifest)
        return manifest

    def close(self) -> None:
        """Close every open file."""
        for stream, _ in self._notes.values():
            stream.close()
        for writer in self._splits.values():
            writer.close()


class _SplitWriter:
    """The shards of one split, numbered as they come; they get their names when their number is known."""

    def __init__(self, folder: Path, split: ShardSplit) -> None:
        self._folder = folder
        self._split: ShardSplit = split
        self._rows: list[ImportedRow] = []
        self._writer: pq.ParquetWriter | None = None
        self._bytes = 0
        self._counts: list[int] = []

    def add(self, row: ImportedRow) -> None:
        full = len(self._rows) >= MAX_ROW_GROUP_ROWS
        ended = len(self._rows) >= LEAST_ROW_GROUP_ROWS and self._rows[-1].subject_id != row.subject_id
        if full or ended:
            self._flush()
        self._rows.append(row)

    def finish(self) -> list[ShardRecord]:
        self._flush()
        self.close()
        return [self._named(index, rows) for index, rows in enumerate(self._counts)]

    def close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def _part(self, index: int) -> Path:
        return self._folder / "data" / f"{self._split}-{index}.part"

    def _flush(self) -> None:
        if not self._rows:
            return
        if self._writer is None or self._bytes >= MAX_SHARD_BYTES:
            self.close()
            self._writer = pq.ParquetWriter(self._part(len(self._counts)), _SCHEMA, **parquet_options(_SCHEMA))
            self._counts.append(0)
            self._bytes = 0
        write_row_group(self._writer, _SCHEMA, [row.columns() for row in self._rows])
        self._counts[-1] += len(self._rows)
        self._bytes += sum(len(row.image) for row in self._rows)
        self._rows = []

    def _named(self, index: int, rows: int) -> ShardRecord:
        file = shard_file(self._split, index, len(self._counts))
        path = self._part(index).rename(self._folder / file)
        with path.open("rb") as stream:
            os.fsync(stream.fileno())
        return ShardRecord(file=file, split=self._split, rows=rows, bytes=path.stat().st_size, sha256=file_sha256(path))
