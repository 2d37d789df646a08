"""Samples out of the shards: in order, or at random, with a few row groups in memory."""

from __future__ import annotations

import bisect
import contextlib
import itertools
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from typing import Any, overload

import pyarrow as pa
import pyarrow.parquet as pq

from pain3d.arguments import whole_number
from pain3d.data.files import file_sha256, file_size, parquet_source
from pain3d.data.manifest import Manifest, ShardRecord, read_manifest
from pain3d.data.sample import Sample, sample_of_row
from pain3d.data.schema import SHARD_SPLITS
from pain3d.errors import ArgumentError, DataError
from pain3d.places import Place, location

CACHED_ROW_GROUPS = 4
"""A row group holds one subject: about 3 MB at 512 x 512."""


def open_dataset(path: str | Place, split: str | None = None, *, verify: bool = False) -> Dataset:
    """Open a dataset that pain3d made or imported.

    Args:
        path: the folder that holds manifest.json, or its URL, as in ``s3://bucket/faces``.
        split: ``train``, ``val`` or ``test``; every frame when None or ``all``.
        verify: hash every shard first (a second or so per gigabyte; from a store, all of it is fetched). Without it,
            sizes are compared now, and the checksums of the pages when they are read.

    Raises:
        ArgumentError: for an unknown split.
        DataError: if the dataset is not finished, or a shard is missing, cut short or damaged.
        StorageError: if a store does not answer.
    """
    if split is not None and split not in SHARD_SPLITS:
        raise ArgumentError(f"split: {split!r} is unknown; choose one of {', '.join(SHARD_SPLITS)}")
    out = location(path)
    manifest = read_manifest(out)
    if not manifest.complete:
        raise DataError(f"{out}: the dataset is not finished; run the same generate command again to finish it")
    shards = tuple(shard for shard in manifest.shards if split in (None, "all", shard.split))
    for shard in shards:
        _check_file(out, shard, verify, _way_out(manifest))
    return Dataset(out, manifest, shards)


class Dataset(Sequence[Sample]):
    """The frames of a dataset by number: a map-style dataset for any data loader, and an iterable.

    Holds no open file, and can be sent to worker processes.
    """

    def __init__(self, out: Place, manifest: Manifest, shards: Sequence[ShardRecord]) -> None:
        self.path = out
        self.manifest = manifest
        self._shards = tuple(shards)
        self._starts = [0, *itertools.accumulate(shard.rows for shard in shards)]
        self._forget()

    def _forget(self) -> None:
        self._footers: dict[int, tuple[pq.FileMetaData, list[int]]] = {}
        self._groups: OrderedDict[tuple[int, int], pa.Table] = OrderedDict()
        self._numbers: dict[str, int] | None = None
        self._members: dict[str, dict[str, list[int]]] = {}

    def __getstate__(self) -> dict[str, Any]:
        return {name: vars(self)[name] for name in ("path", "manifest", "_shards", "_starts")}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update(state)
        self._forget()

    def __len__(self) -> int:
        return self._starts[-1]

    @overload
    def __getitem__(self, index: int) -> Sample: ...
    @overload
    def __getitem__(self, index: slice) -> list[Sample]: ...
    def __getitem__(self, index: int | slice) -> Sample | list[Sample]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if isinstance(index, str):
            raise TypeError(f"index: {index!r} is not a number; a frame id is looked up with .find({index!r})")
        whole = whole_number("index", index, "0")
        number = whole + len(self) if whole < 0 else whole
        if not 0 <= number < len(self):
            raise IndexError(f"index: {index} is outside a dataset of {len(self)} frames{self._where_frames_are()}")
        shard = bisect.bisect_right(self._starts, number) - 1
        row = number - self._starts[shard]
        group_starts = self._footer(shard)[1]
        group = bisect.bisect_right(group_starts, row) - 1
        table = self._group(shard, group)
        return sample_of_row(table.slice(row - group_starts[group], 1).to_pylist()[0], self.find)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def _where_frames_are(self) -> str:
        """The way out of an empty split; nothing where there are frames."""
        filled = [f"{split} ({self.manifest.rows_of(split)})" for split in SHARD_SPLITS if self.manifest.rows_of(split)]
        return "" if len(self) else f"; of {self.path}, these splits have some: {', '.join(filled)}"

    def __repr__(self) -> str:
        return f"Dataset({str(self.path)!r}, {len(self)} frames of {len(self.subjects)} subjects)"

    def find(self, frame_id: str) -> Sample:
        """The sample with this frame id.

        Raises:
            ArgumentError: if the dataset, or the split that was opened, has no such frame.
        """
        if frame_id not in self._frame_numbers:
            raise ArgumentError(f"frame_id: {frame_id!r} is not among the {len(self)} frames opened of {self.path}")
        return self[self._frame_numbers[frame_id]]

    @property
    def subjects(self) -> tuple[str, ...]:
        """Ids of the subjects, sorted."""
        return tuple(sorted(self._numbers_by("subject_id")))

    def subject(self, subject_id: str) -> list[Sample]:
        """All samples of one subject, in the order of the files: expression by expression, or as recorded.

        Raises:
            ArgumentError: if there is none.
        """
        found = self._numbers_by("subject_id")
        if subject_id not in found:
            raise ArgumentError(f"subject: {subject_id!r} is not in {self.path}, which starts {self.subjects[:3]}")
        return [self[i] for i in found[subject_id]]

    def sequence(self, sequence_id: str) -> list[Sample]:
        """All samples of one clip, or of one recording of an imported dataset, in the order of time.

        Raises:
            ArgumentError: if the dataset has no sequences, or not this one.
        """
        if "sequence_id" not in self.manifest.schema.names:
            raise ArgumentError(
                f"sequence: {self.path} holds pictures, no clips; generate one with --sequence onset-apex-offset"
            )
        found = self._numbers_by("sequence_id")
        if sequence_id not in found:
            raise ArgumentError(f"sequence: {sequence_id!r} is not among the frames opened of {self.path}")
        return sorted((self[i] for i in found[sequence_id]), key=lambda sample: sample.frame_index)

    def labels(self, columns: Sequence[str] | None = None) -> pa.Table:
        """Every column that is no picture, or those named, for all frames: small."""
        names = list(self.manifest.label_columns if columns is None else columns)
        if not self._shards:  # a split that no subject fell in
            schema = self.manifest.schema
            return pa.schema([schema.field(name) for name in names], metadata=schema.metadata).empty_table()
        tables = []
        for number, shard in enumerate(self._shards):
            path, metadata = self.path / shard.file, self._footer(number)[0]
            with self._open(path, metadata) as file:
                tables.append(file.read(columns=names))
        return pa.concat_tables(tables)

    def tables(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """These columns of all frames, pictures as stored, in order: one row group in memory at a time."""
        for number, shard in enumerate(self._shards):
            with self._open(self.path / shard.file, self._footer(number)[0]) as file:
                for group in range(file.num_row_groups):
                    yield file.read_row_group(group, columns=list(columns))

    @property
    def _frame_numbers(self) -> dict[str, int]:
        if self._numbers is None:
            ids = self.labels(["frame_id"]).column("frame_id").to_pylist()
            self._numbers = {str(frame_id): i for i, frame_id in enumerate(ids)}
        return self._numbers

    def _numbers_by(self, column: str) -> dict[str, list[int]]:
        """Numbers of the frames that share each value of a column of names; read once."""
        if column not in self._members:
            members: dict[str, list[int]] = {}
            for number, name in enumerate(self.labels([column]).column(column).to_pylist()):
                if name is not None:  # an imported frame of no known recording
                    members.setdefault(name, []).append(number)
            self._members[column] = members
        return self._members[column]

    @contextlib.contextmanager
    def _open(self, path: Place, metadata: pq.FileMetaData) -> Iterator[pq.ParquetFile]:
        with (
            _reading(path, self.manifest),
            parquet_source(path) as source,
            # Buffered: what lies side by side is fetched in one piece.
            pq.ParquetFile(source, metadata=metadata, page_checksum_verification=True, pre_buffer=True) as file,
        ):
            yield file

    def _footer(self, number: int) -> tuple[pq.FileMetaData, list[int]]:
        """A shard's metadata, and the first row of each row group."""
        if number not in self._footers:
            shard = self._shards[number]
            path = self.path / shard.file
            with _reading(path, self.manifest), parquet_source(path) as source:
                metadata = pq.read_metadata(source)
            self._check_columns(path, metadata)
            rows = [metadata.row_group(i).num_rows for i in range(metadata.num_row_groups)]
            if sum(rows) != shard.rows:
                raise DataError(f"{self.path / shard.file}: {sum(rows)} rows, {shard.rows} in the manifest")
            self._footers[number] = metadata, [0, *itertools.accumulate(rows[:-1])]
        return self._footers[number]

    def _check_columns(self, path: Place, metadata: pq.FileMetaData) -> None:
        """Every column that a dataset has, of its type."""
        with _reading(path, self.manifest):
            found = metadata.schema.to_arrow_schema()
        for part in self.manifest.schema:
            if part.name not in found.names or found.field(part.name).type != part.type:
                raise DataError(f"{path}: column {part.name} is missing or of another type; {_way_out(self.manifest)}")

    def _group(self, number: int, group: int) -> pa.Table:
        key = (number, group)
        if key not in self._groups:
            path = self.path / self._shards[number].file
            metadata = self._footer(number)[0]
            with self._open(path, metadata) as file:
                self._groups[key] = file.read_row_group(group)
            if len(self._groups) > CACHED_ROW_GROUPS:
                self._groups.popitem(last=False)
        self._groups.move_to_end(key)
        return self._groups[key]


@contextlib.contextmanager
def _reading(path: Place, manifest: Manifest) -> Iterator[None]:
    """Errors of Arrow and of the disk as one that names the file and the way out."""
    try:
        yield
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path}: damaged or cut short ({error}); {_way_out(manifest)}") from None


def _way_out(manifest: Manifest) -> str:
    if manifest.source is not None:
        return "import it again into another folder, or restore it from a copy"
    return "run the same generate command again, which makes damaged shards anew, or restore it from a copy"


def _check_file(out: Place, shard: ShardRecord, verify: bool, way_out: str) -> None:
    path = out / shard.file
    size = file_size(path)
    if size is None:
        raise DataError(f"{path}: not found, but listed in the manifest; {way_out}")
    if size != shard.bytes:
        raise DataError(f"{path}: {size} bytes, but {shard.bytes} in the manifest; {way_out}")
    if verify and file_sha256(path) != shard.sha256:
        raise DataError(f"{path}: its SHA-256 differs from the manifest's; {way_out}")
