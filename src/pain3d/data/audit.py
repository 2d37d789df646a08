"""Is a dataset what it says it is? Every file, every row, every picture; each offender by name.

Pictures are decoded on all cores, one row group in memory at a time; of each row only its labels' digests are kept for
the rules that hold across rows.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pain3d.data.audit_labels import check_labels, label_block
from pain3d.data.audit_pictures import PictureRules, check_pictures
from pain3d.data.audit_whole import WholeDataset
from pain3d.data.files import TEMPORARY_SUFFIX, file_sha256
from pain3d.data.findings import AuditReport, Finding
from pain3d.data.manifest import MANIFEST, PROGRESS, Manifest, ShardRecord, read_manifest
from pain3d.data.schema import MAX_ROW_GROUP_ROWS, dataset_schema, label_columns
from pain3d.errors import ArgumentError, DataError
from pain3d.facs import PAIN_AUS

_BESIDE_PICTURES = (*PAIN_AUS, "landmarks")
"""Labels that the pictures are held against."""

Progress = Callable[[int, int], None]
"""Called with the frames looked at and the frames there are."""


def audit(path: str | Path, *, progress: Progress | None = None, workers: int | None = None) -> AuditReport:
    """Check a dataset folder.

    Args:
        path: the folder that holds manifest.json.
        progress: called after every row group.
        workers: threads that decode pictures; all cores by default.

    Raises:
        ArgumentError: if `path` is no folder. Everything else is a finding.
    """
    out = Path(path)
    if not out.is_dir():
        raise ArgumentError(f"{out}: no such folder; name the folder that holds {MANIFEST}")
    report = AuditReport()
    try:
        manifest = read_manifest(out)
    except DataError as error:
        report.findings.append(Finding(rule="manifest", where=MANIFEST, message=str(error)))
        return report
    report.findings += _check_folder(out, manifest)
    whole = WholeDataset(manifest)
    with ThreadPoolExecutor(workers or os.cpu_count()) as pool:
        for shard in manifest.shards:
            _audit_shard(out, manifest, shard, whole, report, pool, progress)
    report.findings += whole.findings()
    report.subjects = whole.subjects
    return report


def _check_folder(out: Path, manifest: Manifest) -> Iterator[Finding]:
    if not manifest.complete:
        yield Finding(
            rule="manifest", where=MANIFEST, message="the dataset is not finished; run the same generate command again"
        )
    for name in ("README.md", "croissant.json"):
        if manifest.complete and not (out / name).is_file():
            yield Finding(rule="missing file", where=name, message="not found")
    listed = {shard.file for shard in manifest.shards}
    for path in sorted((out / "data").glob("*")):
        name = path.relative_to(out).as_posix()
        if name not in listed and not path.match(f".*{TEMPORARY_SUFFIX}"):
            yield Finding(rule="extra file", where=name, message="not listed in the manifest")
    if manifest.complete and (out / PROGRESS).exists():
        yield Finding(
            rule="leftover", where=PROGRESS, message="notes of a finished run; run generate again to clear them"
        )
    for folder in (out, out / "data"):
        for path in sorted(folder.glob(f".*{TEMPORARY_SUFFIX}")):
            name = path.relative_to(out).as_posix()
            yield Finding(rule="leftover", where=name, message="half-written file of a run that was killed; delete it")


def _audit_shard(
    out: Path,
    manifest: Manifest,
    shard: ShardRecord,
    whole: WholeDataset,
    report: AuditReport,
    pool: ThreadPoolExecutor,
    progress: Progress | None,
) -> None:
    def found(rule: str, message: str, where: str = shard.file) -> None:
        file = "" if where == shard.file else shard.file
        report.findings.append(Finding(rule=rule, where=where, message=message, file=file))

    path = out / shard.file
    if not path.is_file():
        found("missing file", "listed in the manifest, but not found")
        return
    size = path.stat().st_size
    if size != shard.bytes:
        found("size", f"{size} bytes, {shard.bytes} in the manifest")
    if file_sha256(path) != shard.sha256:
        found("hash", "SHA-256 differs from the manifest")
    report.shards += 1
    rules = PictureRules.of(manifest)
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for message in _schema_problems(manifest, shard, file):
                found("schema", message)
            if not _columns_fit(manifest, file):
                return
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                _audit_rows(manifest, shard, rules, table, whole, report, pool)
                if progress is not None:
                    progress(report.frames, manifest.frames)
    except (pa.ArrowException, OSError) as error:
        found("unreadable", f"{error}")


def _schema_problems(manifest: Manifest, shard: ShardRecord, file: pq.ParquetFile) -> Iterator[str]:
    expected, stored = dataset_schema(manifest.annotations), file.schema_arrow
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
    return stored == {part.name: part.type for part in dataset_schema(manifest.annotations)}


def _audit_rows(
    manifest: Manifest,
    shard: ShardRecord,
    rules: PictureRules,
    table: pa.Table,
    whole: WholeDataset,
    report: AuditReport,
    pool: ThreadPoolExecutor,
) -> None:
    report.frames += len(table)
    ids = table.column("frame_id").to_pylist()

    def found(row: int, rule: str, message: str) -> None:
        report.findings.append(Finding(rule=rule, where=str(ids[row]), message=message, file=shard.file))

    complete = np.ones(len(table), bool)
    for row, column in _nulls(table):
        found(row, "null", f"column {column} has no value")
        whole.add_broken(str(ids[row]), shard)
        complete[row] = False
    table = table.filter(pa.array(complete))
    ids = table.column("frame_id").to_pylist()
    block = label_block(table.select(label_columns()))
    for row, rule, message in check_labels(manifest, shard.split, block):
        found(row, rule, message)
    whole.add(block, shard)
    pictures = table.drop_columns([name for name in label_columns() if name not in _BESIDE_PICTURES]).to_pylist()
    for row, result in enumerate(pool.map(lambda columns: check_pictures(rules, columns), pictures)):
        for rule, message in result.problems:
            found(row, rule, message)
        report.saturated_pixels += result.saturated_pixels
        report.saturated_frames += result.saturated_pixels > 0


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
