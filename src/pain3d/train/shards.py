"""Row groups of a dataset's shards, a few in memory: only the columns that training needs, pictures still encoded."""

from __future__ import annotations

import bisect
import itertools
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Bool, Float, Int

from pain3d.data.files import parquet_source
from pain3d.data.manifest import ShardRecord
from pain3d.data.reader import Dataset
from pain3d.errors import ArgumentError, DataError
from pain3d.facs import AU_NAMES, MAX_PSPI, PAIN_AUS, pspi_of_vectors
from pain3d.places import Place
from pain3d.train.placing import Placing, placing_of

KEPT_FRAMES = 256
"""Single frames in memory, encoded: some ten megabytes."""

_WAY_OUT = "run the same generate command again, which makes damaged shards anew, or restore it from a copy"


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """What is kept of every frame: some hundred bytes each."""

    frame_ids: np.ndarray
    """Text of fixed width, in the order of the files."""
    rows: Int[np.ndarray, " frame"]
    """Row in the files of the split, which hold other subjects too where some were chosen."""
    subjects: Int[np.ndarray, " frame"]
    """Numbers 0, 1, ... in the order of their first frames."""
    expressions: Int[np.ndarray, " frame"]
    """-1 where the source knows none, as `views`."""
    views: Int[np.ndarray, " frame"]
    references: Int[np.ndarray, " frame"]
    """Number of the frame that neutral_frame_id names; -1 where it names none of these frames."""
    aus: Float[np.ndarray, "frame 6"]
    """In the order of `PAIN_AUS`; NaN where an imported frame is not coded."""
    pspi: Float[np.ndarray, " frame"]
    opening: Bool[np.ndarray, " frame"]
    """Whether the frame is the first of its clip; everywhere True where there are no clips."""
    placing: Placing
    """How faces are found in the split."""
    any_landmarks: bool
    """Whether any of these frames has landmarks."""


def read_labels(dataset: Dataset, shards: tuple[ShardRecord, ...], subjects: tuple[str, ...] | None = None) -> Labels:
    """The labels of all frames, or of those of some subjects, each PSPI held against its AUs.

    Raises:
        ArgumentError: if a subject has no frames.
        DataError: if a shard is damaged, an AU out of its range, or a PSPI not that of the formula.
    """
    columns = ("frame_id", "subject_id", "neutral_frame_id", "expression_id", "view_id", *AU_NAMES, "PSPI")
    clips = dataset.manifest.clips is not None
    table = dataset.labels((*columns, *["frame_index"] * clips))
    imported = dataset.manifest.source is not None
    ids = np.array(table.column("frame_id").to_pylist(), dtype=str)
    vectors = np.stack([_numbers(table, name) for name in AU_NAMES], axis=1)
    _check_pspi(dataset.path, shards, ids, vectors, _numbers(table, "PSPI"), imported=imported)
    names = np.array(table.column("subject_id").to_pylist(), dtype=str)
    rows = np.arange(len(ids)) if subjects is None else _rows_of(dataset, names, subjects)
    placing: Placing = "landmarks"
    any_landmarks = True
    if imported:
        # Of the whole split, whichever subjects are read: all folds of a dataset are cut one way.
        found = dataset.labels(["landmarks", "face_box"])
        known = [found.column(name).is_valid().to_numpy() for name in ("landmarks", "face_box")]
        placing, any_landmarks = placing_of(dataset.path, ids, *known), bool(known[0][rows].any())
    return Labels(
        frame_ids=ids[rows],
        rows=rows,
        subjects=_numbered(names[rows]),
        expressions=np.nan_to_num(_numbers(table, "expression_id")[rows], nan=-1).astype(np.int64),
        views=np.nan_to_num(_numbers(table, "view_id")[rows], nan=-1).astype(np.int64),
        references=_places(ids[rows], table.column("neutral_frame_id").take(rows).to_pylist()),
        aus=vectors[rows][:, [AU_NAMES.index(name) for name in PAIN_AUS]].astype(np.float32),
        pspi=_numbers(table, "PSPI")[rows].astype(np.float32),
        opening=_numbers(table, "frame_index")[rows] == 0 if clips else np.ones(len(rows), bool),
        placing=placing,
        any_landmarks=any_landmarks,
    )


def _numbers(table: pa.Table, name: str) -> Float[np.ndarray, " frame"]:
    """A column as float64, NaN where it is null."""
    return table.column(name).cast(pa.float64()).to_numpy()


def _numbered(names: np.ndarray) -> Int[np.ndarray, " frame"]:
    """0 for the first name, 1 for the next new one, and so on."""
    if not len(names):
        return np.zeros(0, np.int64)
    _, first, number = np.unique(names, return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number].astype(np.int64)


def _rows_of(dataset: Dataset, names: np.ndarray, subjects: tuple[str, ...]) -> Int[np.ndarray, " frame"]:
    known = set(names.tolist())
    unknown = [subject for subject in subjects if subject not in known]
    if unknown:
        listed = ", ".join(sorted(known)[:8]) + (", ..." if len(known) > 8 else "")
        raise ArgumentError(
            f"subjects: {', '.join(unknown)} not among the {len(known)} subjects read of {dataset.path}: {listed}"
        )
    return np.flatnonzero(np.isin(names, subjects))


def _places(ids: np.ndarray, wanted: list[str | None]) -> Int[np.ndarray, " frame"]:
    place = {str(frame_id): number for number, frame_id in enumerate(ids)}
    return np.array([-1 if name is None else place.get(name, -1) for name in wanted], np.int64)


def _check_pspi(
    path: Place,
    shards: tuple[ShardRecord, ...],
    ids: np.ndarray,
    vectors: np.ndarray,
    stored: np.ndarray,
    *,
    imported: bool,
) -> None:
    """Every frame; of an imported one, an AU may be missing, and PSPI is then taken at its word."""
    missing = np.isnan(vectors)
    coded = ~missing[:, [AU_NAMES.index(name) for name in PAIN_AUS]].any(axis=1)
    inside = np.asarray(((vectors >= 0) & (vectors <= 5)) | (missing & imported))  # NaN is not within 0..5
    possible = inside.all(axis=1) & (stored >= 0) & (stored <= MAX_PSPI)
    expected = pspi_of_vectors(np.where(inside & ~missing, vectors, 0.0))
    agree = np.abs(expected - stored) < 1e-3
    wrong = np.flatnonzero(~possible | ~(agree | (~coded & imported)))
    if not len(wrong):
        return
    row = int(wrong[0])
    ends = list(itertools.accumulate(shard.rows for shard in shards))
    file = path / shards[bisect.bisect_right(ends, row)].file
    what = f"its AUs make PSPI {expected[row]:g}" if inside[row].all() else "its AUs are not all within 0..5"
    raise DataError(
        f"{file}: {ids[row]}: PSPI is {stored[row]:g}, but {what}; {len(wrong)} frames are mislabelled: {_WAY_OUT}"
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class RowGroup:
    """One row group: encoded pictures and landmarks, by row."""

    file: Place
    first: int
    """Number of its first frame in the split."""
    pictures: dict[str, pa.Array]
    """Bytes by Parquet path, such as ``image`` and ``au_heatmaps.AU4``."""
    landmarks: Float[np.ndarray, "row 68 2"]
    """NaN where an imported frame has none, as `boxes`."""
    boxes: Float[np.ndarray, "row 4"]
    """Left, top, width, height of the detector's box; NaN for our own frames, which have landmarks."""

    def encoded(self, name: str, frame: int) -> memoryview:
        """The bytes of a picture of frame number `frame`; empty where there is none."""
        buffer = self.pictures[name][frame - self.first].as_buffer()
        return memoryview(b"") if buffer is None else memoryview(buffer)

    def alone(self, frame: int) -> RowGroup:
        """Frame number `frame` without the others."""
        row = frame - self.first
        return RowGroup(
            file=self.file,
            first=frame,
            pictures={name: values.take(pa.array([row])) for name, values in self.pictures.items()},
            landmarks=self.landmarks[row : row + 1].copy(),
            boxes=self.boxes[row : row + 1].copy(),
        )


class Shards:
    """The row group that holds a frame, from the disk or from the last few that were read.

    Holds no open file; the copy that goes to a worker process takes no row groups along.
    """

    def __init__(
        self,
        path: Place,
        shards: tuple[ShardRecord, ...],
        pictures: tuple[str, ...],
        *,
        capacity: int,
        boxes: bool = False,
    ) -> None:
        """`capacity`: row groups in memory. `boxes`: whether the files have a column of them."""
        self._path, self._shards, self._pictures, self._capacity = path, shards, pictures, capacity
        self._boxes = boxes
        self._starts: list[int] = []
        self._places: list[tuple[int, int]] = []
        total = 0
        for number, shard in enumerate(shards):
            for group, rows in enumerate(_rows_of_groups(path / shard.file)):
                self._starts.append(total)
                self._places.append((number, group))
                total += rows
        self._groups: OrderedDict[int, RowGroup] = OrderedDict()
        self._alone: OrderedDict[int, RowGroup] = OrderedDict()

    def __getstate__(self) -> dict[str, Any]:
        return {**vars(self), "_groups": OrderedDict(), "_alone": OrderedDict()}

    def groups_of(self, frames: Int[np.ndarray, " frame"]) -> Int[np.ndarray, " frame"]:
        """Number of the row group that holds each frame."""
        return np.searchsorted(self._starts, frames, side="right") - 1

    def kept(self, frame: int) -> RowGroup:
        """Frame number `frame` alone, from memory if it was asked for lately.

        For the few frames that many others are compared with, wherever in the files these lie.

        Raises:
            DataError: if its shard is damaged.
        """
        if frame not in self._alone:
            while len(self._alone) >= KEPT_FRAMES:
                self._alone.popitem(last=False)
            key = bisect.bisect_right(self._starts, frame) - 1
            group = self._groups[key] if key in self._groups else self._read(key)
            self._alone[frame] = group.alone(frame)
        self._alone.move_to_end(frame)
        return self._alone[frame]

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
        columns = ["landmarks", *["face_box"] * self._boxes, *(f"{name}.bytes" for name in self._pictures)]
        try:
            with (
                parquet_source(file) as source,
                pq.ParquetFile(source, page_checksum_verification=True, pre_buffer=True) as opened,
            ):
                table = opened.read_row_group(group, columns=columns, use_threads=False)
        except (pa.ArrowException, OSError) as error:
            raise DataError(f"{file}: damaged or cut short ({error}); {_WAY_OUT}") from None
        return RowGroup(
            file=file,
            first=self._starts[key],
            pictures={name: _bytes_of(table, name) for name in self._pictures},
            landmarks=_lists(table, "landmarks", 136).reshape(len(table), 68, 2),
            boxes=_lists(table, "face_box", 4) if self._boxes else np.full((len(table), 4), np.nan, np.float32),
        )


def _lists(table: pa.Table, name: str, length: int) -> Float[np.ndarray, "row length"]:
    """Rows of a column of lists; NaN where it is null."""
    column = table.column(name).combine_chunks()
    values = np.full((len(table), length), np.nan, np.float32)
    values[column.is_valid().to_numpy(zero_copy_only=False)] = (
        column.flatten().to_numpy(zero_copy_only=False).reshape(-1, length)
    )
    return values


def _bytes_of(table: pa.Table, name: str) -> pa.Array:
    column, *parts = name.split(".")
    values = table.column(column).combine_chunks()
    for part in (*parts, "bytes"):
        values = values.field(part)
    return values


def _rows_of_groups(file: Place) -> list[int]:
    try:
        with parquet_source(file) as source:
            metadata = pq.read_metadata(source)
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{file}: damaged or cut short ({error}); {_WAY_OUT}") from None
    return [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
