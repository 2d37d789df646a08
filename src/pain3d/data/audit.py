"""Is a dataset what it says it is? Every file, every row, every picture; each offender by name.

Pictures are decoded on all cores, one row group in memory at a time; of each row only its labels' digests are kept for
the rules that hold across rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from fnmatch import fnmatchcase
from itertools import chain
from pathlib import Path
from typing import Protocol

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pain3d.data.audit_clips import check_clips
from pain3d.data.audit_imported import ImportedDataset
from pain3d.data.audit_labels import check_labels, label_block
from pain3d.data.audit_pictures import PictureRules, check_pictures
from pain3d.data.audit_whole import WholeDataset
from pain3d.data.files import TEMPORARY_SUFFIX, exists, file_sha256, file_size, found_in, parquet_source
from pain3d.data.findings import AuditReport, Finding
from pain3d.data.manifest import MANIFEST, PROGRESS, Manifest, ShardRecord, read_manifest
from pain3d.data.schema import MAX_ROW_GROUP_ROWS
from pain3d.errors import ArgumentError, DataError
from pain3d.facs import AU_NAMES
from pain3d.places import Place, location

_BESIDE_PICTURES = (*AU_NAMES, "landmarks", "eye_closure", "blink")
"""Labels that the pictures are held against."""

Progress = Callable[[int, int], None]
"""Called with the frames looked at and the frames there are."""


def audit(path: str | Place, *, progress: Progress | None = None, workers: int | None = None) -> AuditReport:
    """Check a dataset folder.

    Args:
        path: the folder that holds manifest.json, or its URL. From a store, everything in it is fetched.
        progress: called after every row group.
        workers: threads that decode pictures; all cores by default.

    Raises:
        ArgumentError: if `path` is no folder.
        StorageError: if a store does not answer. Everything else is a finding.
    """
    out = location(path)
    if not (out.is_dir() if isinstance(out, Path) else exists(out)):
        raise ArgumentError(f"{out}: no such folder; name the folder that holds {MANIFEST}")
    try:
        manifest = read_manifest(out)
    except DataError as error:
        return AuditReport(findings=[Finding(rule="manifest", where=MANIFEST, message=str(error))])
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        rows = _GeneratedRows(manifest, pool) if manifest.source is None else ImportedDataset(pool)
        auditor = _Auditor(out, manifest, rows, progress)
        auditor.report.findings += _check_folder(out, manifest)
        for shard in manifest.shards:
            auditor.check_shard(shard)
    return auditor.finish()


def _check_folder(out: Place, manifest: Manifest) -> Iterator[Finding]:
    if not manifest.complete:
        yield Finding(
            rule="manifest", where=MANIFEST, message="the dataset is not finished; run the same generate command again"
        )
    lists = () if manifest.source is None else manifest.source.lists
    for name in ("README.md", "croissant.json", *lists):
        if manifest.complete and file_size(out / name) is None:
            yield Finding(rule="missing file", where=name, message="not found")
    listed = {shard.file for shard in manifest.shards}
    for path in found_in(out / "data", "*"):
        name = f"data/{path.name}"
        if name not in listed and not fnmatchcase(path.name, f".*{TEMPORARY_SUFFIX}"):
            yield Finding(rule="extra file", where=name, message="not listed in the manifest")
    if manifest.complete and exists(out / PROGRESS):
        yield Finding(
            rule="leftover", where=PROGRESS, message="notes of a finished run; run generate again to clear them"
        )
    for folder, prefix in ((out, ""), (out / "data", "data/")):
        for path in found_in(folder, f".*{TEMPORARY_SUFFIX}"):
            name = f"{prefix}{path.name}"
            yield Finding(rule="leftover", where=name, message="half-written file of a run that was killed; delete it")


class Rows(Protocol):
    """The rules for the rows of one kind of dataset."""

    @property
    def subjects(self) -> int:
        """Subjects seen."""
        ...

    def check(self, table: pa.Table, shard: ShardRecord, report: AuditReport) -> None:
        """Look at the rows of one row group."""
        ...

    def findings(self) -> Iterator[Finding]:
        """What is wrong across rows, once all were looked at."""
        ...


class _Auditor:
    """Goes through the shards of one dataset and fills a report."""

    def __init__(self, out: Place, manifest: Manifest, rows: Rows, progress: Progress | None) -> None:
        self.report = AuditReport()
        self._out = out
        self._manifest = manifest
        self._rows = rows
        self._progress = progress

    def check_shard(self, shard: ShardRecord) -> None:
        """Check the file, then every row that can be read."""
        path = self._out / shard.file
        size = file_size(path)
        if size is None:
            self._found("missing file", shard.file, "listed in the manifest, but not found")
            return
        if size != shard.bytes:
            self._found("size", shard.file, f"{size} bytes, {shard.bytes} in the manifest")
        if file_sha256(path) != shard.sha256:
            self._found("hash", shard.file, "SHA-256 differs from the manifest")
        self.report.shards += 1
        try:
            with (
                parquet_source(path) as source,
                pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=True) as file,
            ):
                self._check_tables(shard, file)
        except (pa.ArrowException, OSError) as error:
            self._found("unreadable", shard.file, str(error))

    def finish(self) -> AuditReport:
        """Check what holds across rows; the report is complete then."""
        self.report.findings += self._rows.findings()
        self.report.subjects = self._rows.subjects
        return self.report

    def _check_tables(self, shard: ShardRecord, file: pq.ParquetFile) -> None:
        for message in _schema_problems(self._manifest, shard, file):
            self._found("schema", shard.file, message)
        if not _columns_fit(self._manifest, file):
            return
        for group in range(file.num_row_groups):
            try:
                table = file.read_row_group(group)
            except (pa.ArrowException, OSError) as error:
                self._found("unreadable", shard.file, f"row group {group}: {error}")
                continue
            self.report.frames += len(table)
            self._rows.check(table, shard, self.report)
            if self._progress is not None:
                self._progress(self.report.frames, self._manifest.frames)

    def _found(self, rule: str, where: str, message: str, file: str = "") -> None:
        self.report.found(rule, where, message, file)


class _GeneratedRows:
    """Rows of a dataset that pain3d made: nothing is null, and all follows from the manifest's design."""

    def __init__(self, manifest: Manifest, pool: ThreadPoolExecutor) -> None:
        self._manifest = manifest
        self._pool = pool
        self._rules = PictureRules.of(manifest)
        self._whole = WholeDataset(manifest)

    @property
    def subjects(self) -> int:
        """Subjects seen."""
        return self._whole.subjects

    def check(self, table: pa.Table, shard: ShardRecord, report: AuditReport) -> None:
        """Look at the rows of one row group."""
        table = self._without_nulls(table, shard, report)
        labels = self._manifest.label_columns
        block = label_block(table.select(labels))
        clips = self._manifest.clips
        broken = check_labels(self._manifest, shard.split, block)
        for row, rule, message in broken if clips is None else chain(broken, check_clips(clips, block)):
            report.found(rule, block.ids[row], message, shard.file)
        self._whole.add(block, shard)
        pictures = table.drop_columns([name for name in labels if name not in _BESIDE_PICTURES]).to_pylist()
        results = self._pool.map(lambda columns: check_pictures(self._rules, columns), pictures)
        for frame_id, result in zip(block.ids, results, strict=True):
            for rule, message in result.problems:
                report.found(rule, frame_id, message, shard.file)
            report.saturated_pixels += result.saturated_pixels
            report.saturated_frames += result.saturated_pixels > 0

    def findings(self) -> Iterator[Finding]:
        """What is wrong across rows."""
        return self._whole.findings()

    def _without_nulls(self, table: pa.Table, shard: ShardRecord, report: AuditReport) -> pa.Table:
        """The rows that have a value everywhere; the others are reported."""
        ids = table.column("frame_id").to_pylist()
        complete = np.ones(len(table), bool)
        for row, column in _nulls(table):
            report.found("null", str(ids[row]), f"column {column} has no value", shard.file)
            self._whole.add_broken(str(ids[row]), shard)
            complete[row] = False
        return table.filter(pa.array(complete))


def _schema_problems(manifest: Manifest, shard: ShardRecord, file: pq.ParquetFile) -> Iterator[str]:
    expected, stored = manifest.schema, file.schema_arrow
    for part in expected:
        if part.name not in stored.names:
            yield f"column {part.name} is missing"
        elif stored.field(part.name).type != part.type:
            yield f"column {part.name} is {stored.field(part.name).type}, not {part.type}"
    for name in stored.names:
        if name not in expected.names:
            yield f"column {name} is unknown"
    if stored.metadata != expected.metadata:
        yield "the metadata for the datasets library differs"
    if file.metadata.num_rows != shard.rows:
        yield f"{file.metadata.num_rows} rows, {shard.rows} in the manifest"
    for group in range(file.num_row_groups):
        rows = file.metadata.row_group(group).num_rows
        if rows > MAX_ROW_GROUP_ROWS:
            yield f"row group {group} has {rows} rows, more than {MAX_ROW_GROUP_ROWS}"


def _columns_fit(manifest: Manifest, file: pq.ParquetFile) -> bool:
    stored = {part.name: part.type for part in file.schema_arrow}
    return stored == {part.name: part.type for part in manifest.schema}


def _nulls(table: pa.Table) -> Iterator[tuple[int, str]]:
    """Row and column of every missing value; a picture is missing when its bytes are."""

    def walk(values: pa.Array, name: str) -> Iterator[tuple[int, str]]:
        if values.null_count:
            for row in values.is_null().to_numpy(zero_copy_only=False).nonzero()[0]:
                yield int(row), name
        elif pa.types.is_struct(values.type):
            for part in values.type:
                if part.name != "path":
                    yield from walk(values.field(part.name), f"{name}.{part.name}")

    for name in table.column_names:
        yield from walk(table.column(name).combine_chunks(), name)
