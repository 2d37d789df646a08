"""Rows to a Parquet shard, whole or not at all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from pain3d.data.files import make_folder, write_atomically
from pain3d.data.manifest import ShardPlan, ShardRecord
from pain3d.data.progress import record_progress
from pain3d.data.schema import MAX_ROW_GROUP_ROWS, FrameRow, dataset_schema, image_columns
from pain3d.places import Place


def write_shard(out: Place, shard: ShardPlan, rows: Sequence[FrameRow], annotations: Sequence[str] = ()) -> ShardRecord:
    """Write one shard of the dataset in `out`, then the note that it is finished.

    Equal rows give equal bytes. May be called in any process; of an interrupted call nothing remains.

    Raises:
        StorageError: if the disk is full, read-only, or fails.
        ValueError: if the rows are not those that the plan announced (a defect of the caller).
    """
    if len(rows) != shard.rows or any(row.split != shard.split for row in rows):
        raise ValueError(f"rows: {len(rows)} rows do not fit {shard}; give as many, all of its split")
    content = shard_bytes(rows, annotations)
    path = out / shard.file
    make_folder(path.parent)
    sha256 = write_atomically(path, content)
    record = ShardRecord(file=shard.file, split=shard.split, rows=shard.rows, bytes=len(content), sha256=sha256)
    record_progress(out, record)
    return record


def shard_bytes(rows: Sequence[FrameRow], annotations: Sequence[str] = ()) -> bytes:
    """The Parquet file of these rows, a pure function of them.

    A row group holds one subject, or 100 rows of it where there are more, so that a frame and its neutral partner
    are read together. Pictures are stored as they are; every page carries a checksum that readers verify.
    """
    schema = dataset_schema(annotations)
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


def _row_groups(rows: Sequence[FrameRow]) -> Iterator[Sequence[FrameRow]]:
    for _, subject in itertools.groupby(rows, key=lambda row: row.subject):
        members = list(subject)
        for start in range(0, len(members), MAX_ROW_GROUP_ROWS):
            yield members[start : start + MAX_ROW_GROUP_ROWS]


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
