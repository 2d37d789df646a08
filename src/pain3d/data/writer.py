"""Rows to a Parquet shard, whole or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pain3d.data.files import make_folder, write_atomically
from pain3d.data.manifest import ShardPlan, ShardRecord
from pain3d.data.progress import record_progress
from pain3d.data.schema import MAX_ROW_GROUP_ROWS, FrameRow, dataset_schema, image_columns
from pain3d.places import Place


def write_shard(
    out: Place, shard: ShardPlan, rows: Iterable[FrameRow], annotations: Sequence[str] = (), *, clips: bool = False
) -> ShardRecord:
    """Write one shard of the dataset in `out`, then the note that it is finished.

    Equal rows give equal bytes. May be called in any process; of an interrupted call nothing remains. Of rows that are
    made one by one, a row group at a time is in memory beside the file.

    Raises:
        StorageError: if the disk is full, read-only, or fails.
        ValueError: if the rows are not those that the plan announced (a defect of the caller).
    """
    content = shard_bytes(_fitting(rows, shard), annotations, clips=clips)
    path = out / shard.file
    make_folder(path.parent)
    sha256 = write_atomically(path, content)
    record = ShardRecord(file=shard.file, split=shard.split, rows=shard.rows, bytes=len(content), sha256=sha256)
    record_progress(out, record)
    return record


def _fitting(rows: Iterable[FrameRow], shard: ShardPlan) -> Iterator[FrameRow]:
    """The same rows, counted."""
    count = 0
    for count, row in enumerate(rows, 1):
        if count > shard.rows or row.split != shard.split:
            break
        yield row
    else:
        if count == shard.rows:
            return
    raise ValueError(f"rows: {count} rows do not fit {shard}; give as many, all of its split")


def shard_bytes(rows: Iterable[FrameRow], annotations: Sequence[str] = (), *, clips: bool = False) -> bytes:
    """The Parquet file of these rows, a pure function of them.

    A row group holds one subject, or one clip, or 100 rows of it where there are more, so that a frame and its neutral
    partner, or the frames of a clip, are read together. Pictures are stored as they are; every page carries a checksum
    that readers verify.
    """
    schema = dataset_schema(annotations, clips=clips)
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, schema, **parquet_options(schema, annotations)) as writer:
        for group in _row_groups(rows):
            write_row_group(writer, schema, [row.columns() for row in group])
    return sink.getvalue().to_pybytes()


def parquet_options(schema: pa.Schema, annotations: Sequence[str] = ()) -> dict[str, Any]:
    """How shards are stored: pictures as they are, labels packed, a checksum on every page."""
    pictures = [f"{path}.bytes" for path in image_columns(annotations)]
    labels = [path for path in _leaf_paths(schema) if path not in pictures]
    return {
        "version": "2.6",
        "compression": {**dict.fromkeys(pictures, "NONE"), **dict.fromkeys(labels, "ZSTD")},
        "use_dictionary": [path for path in labels if not path.endswith(".path")],
        "write_statistics": labels,
        "write_page_checksum": True,
    }


def write_row_group(writer: pq.ParquetWriter, schema: pa.Schema, rows: Sequence[Mapping[str, object]]) -> None:
    """Write rows, each a mapping of all columns, as one row group."""
    arrays = [pa.array([row[part.name] for row in rows], type=part.type) for part in schema]
    writer.write_table(pa.Table.from_arrays(arrays, schema=schema), row_group_size=len(rows))


def _row_groups(rows: Iterable[FrameRow]) -> Iterator[Sequence[FrameRow]]:
    for _, together in itertools.groupby(rows, key=_read_together):
        while members := list(itertools.islice(together, MAX_ROW_GROUP_ROWS)):
            yield members


def _read_together(row: FrameRow) -> tuple[int, ...]:
    return (row.subject,) if row.moment is None else (row.subject, row.expression_id, row.view_id)


def _leaf_paths(schema: pa.Schema) -> list[str]:
    """The column paths that Parquet stores, such as ``image.bytes`` and ``landmarks.list.element``."""
    paths: list[str] = []

    def walk(prefix: str, kind: pa.DataType) -> None:
        if pa.types.is_struct(kind):
            for part in kind:
                walk(f"{prefix}.{part.name}", part.type)
        elif pa.types.is_fixed_size_list(kind):
            paths.append(f"{prefix}.list.element")
        else:
            paths.append(prefix)

    for part in schema:
        walk(part.name, part.type)
    return paths
