"""Row groups of a dataset's shards, a few in memory: only the columns that training needs, pictures still encoded."""

from __future__ import annotations

import bisect
import itertools
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float, Int

from pain3d.data.manifest import ShardRecord
from pain3d.data.reader import Dataset
from pain3d.errors import DataError
from pain3d.facs import AU_NAMES, PAIN_AUS, pspi_of_vectors

_WAY_OUT = "run the same generate command again, which makes damaged shards anew, or restore it from a copy"


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """What is kept of every frame: some hundred bytes each."""

    frame_ids: np.ndarray
    """Text of fixed width, in the order of the files."""
    subjects: Int[np.ndarray, " frame"]
    """Numbers 0, 1, ... in the order of their first frames."""
    expressions: Int[np.ndarray, " frame"]
    views: Int[np.ndarray, " frame"]
    aus: Float[np.ndarray, "frame 6"]
    """In the order of `PAIN_AUS`."""
    pspi: Float[np.ndarray, " frame"]


def read_labels(dataset: Dataset, shards: tuple[ShardRecord, ...]) -> Labels:
    """The labels of all frames, each PSPI held against its AUs.

    Raises:
        DataError: if a shard is damaged, an AU out of its range, or a PSPI not that of the formula.
    """
    table = dataset.labels(["frame_id", "subject_id", "expression_id", "view_id", *AU_NAMES, "PSPI"])
    ids = np.array(table.column("frame_id").to_pylist(), dtype=str)
    vectors = np.stack([table.column(name).to_numpy() for name in AU_NAMES], axis=1).astype(np.float64)
    stored = table.column("PSPI").to_numpy().astype(np.float64)
    _check_pspi(dataset.path, shards, ids, vectors, stored)
    _, first, number = np.unique(table.column("subject_id").to_pylist(), return_index=True, return_inverse=True)
    rank = np.argsort(np.argsort(first))
    pain = [AU_NAMES.index(name) for name in PAIN_AUS]
    return Labels(
        frame_ids=ids,
        subjects=rank[number].astype(np.int64) if len(ids) else np.zeros(0, np.int64),
        expressions=table.column("expression_id").to_numpy().astype(np.int64),
        views=table.column("view_id").to_numpy().astype(np.int64),
        aus=vectors[:, pain].astype(np.float32),
        pspi=stored.astype(np.float32),
    )


def _check_pspi(
    path: Path, shards: tuple[ShardRecord, ...], ids: np.ndarray, vectors: np.ndarray, stored: np.ndarray
) -> None:
    possible = np.asarray(((vectors >= 0) & (vectors <= 5)).all(axis=1))  # NaN is not
    expected = pspi_of_vectors(np.where(possible[:, None], vectors, 0.0))
    wrong = np.flatnonzero(~possible | ~(np.abs(expected - stored) < 1e-3))
    if not len(wrong):
        return
    row = int(wrong[0])
    ends = list(itertools.accumulate(shard.rows for shard in shards))
    file = path / shards[bisect.bisect_right(ends, row)].file
    what = f"its AUs make PSPI {expected[row]:g}" if possible[row] else "its AUs are not all within 0..5"
    raise DataError(
        f"{file}: {ids[row]}: PSPI is {stored[row]:g}, but {what}; {len(wrong)} frames are mislabelled: {_WAY_OUT}"
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class RowGroup:
    """One row group: encoded pictures and landmarks, by row."""

    file: Path
    first: int
    """Number of its first frame in the split."""
    pictures: dict[str, pa.Array]
    """Bytes by Parquet path, such as ``image`` and ``au_heatmaps.AU4``."""
    landmarks: Float[np.ndarray, "row 68 2"]

    def encoded(self, name: str, frame: int) -> memoryview:
        """The bytes of a picture of frame number `frame`; empty where there is none."""
        buffer = self.pictures[name][frame - self.first].as_buffer()
        return memoryview(b"") if buffer is None else memoryview(buffer)


class Shards:
    """The row group that holds a frame, from the disk or from the last few that were read.

    Holds no open file; the copy that goes to a worker process takes no row groups along.
    """

    def __init__(
        self, path: Path, shards: tuple[ShardRecord, ...], pictures: tuple[str, ...], *, capacity: int
    ) -> None:
        self._path, self._shards, self._pictures, self._capacity = path, shards, pictures, capacity
        self._starts: list[int] = []
        self._places: list[tuple[int, int]] = []
        total = 0
        for number, shard in enumerate(shards):
            for group, rows in enumerate(_rows_of_groups(path / shard.file)):
                self._starts.append(total)
                self._places.append((number, group))
                total += rows
        self._groups: OrderedDict[int, RowGroup] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_groups": OrderedDict()}

    def group_of(self, frame: int) -> RowGroup:
        """The row group of frame number `frame`.

        Raises:
            DataError: if its shard is damaged.
        """
        key = bisect.bisect_right(self._starts, frame) - 1
        if key not in self._groups:
            while len(self._groups) >= self._capacity:
                self._groups.popitem(last=False)
            self._groups[key] = self._read(key)
        self._groups.move_to_end(key)
        return self._groups[key]

    def _read(self, key: int) -> RowGroup:
        number, group = self._places[key]
        file = self._path / self._shards[number].file
        columns = ["landmarks", *(f"{name}.bytes" for name in self._pictures)]
        try:
            with pq.ParquetFile(file, page_checksum_verification=True) as opened:
                table = opened.read_row_group(group, columns=columns, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{file}: damaged or cut short ({error}); {_WAY_OUT}") from None
        landmarks = table.column("landmarks").combine_chunks().flatten().to_numpy(zero_copy_only=False)
        return RowGroup(
            file=file,
            first=self._starts[key],
            pictures={name: _bytes_of(table, name) for name in self._pictures},
            landmarks=landmarks.reshape(len(table), 68, 2),
        )


def _bytes_of(table: pa.Table, name: str) -> pa.Array:
    column, *parts = name.split(".")
    values = table.column(column).combine_chunks()
    for part in (*parts, "bytes"):
        values = values.field(part)
    return values


def _rows_of_groups(file: Path) -> list[int]:
    try:
        metadata = pq.read_metadata(file)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: damaged or cut short ({error}); {_WAY_OUT}") from None
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
