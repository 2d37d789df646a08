"""A dataset folder while it is being made: refuse, resume, finish.

While a run is under way, OUT/manifest.json says ``"complete": false`` and OUT/.progress/ holds one small note for each
finished shard, written by whoever finished it. A shard counts as finished when its note and its bytes agree; everything
else is made again. `finish` turns the notes into the final manifest.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from pain3d.data.card import write_card
from pain3d.data.croissant import write_croissant
from pain3d.data.files import TEMPORARY_SUFFIX, file_sha256, make_folder, write_atomically
from pain3d.data.findings import counted, listed
from pain3d.data.manifest import (
    MANIFEST,
    PROGRESS,
    Manifest,
    ShardPlan,
    ShardRecord,
    differences,
    read_manifest,
    shard_record,
    write_manifest,
)
from pain3d.errors import DataError, OutputError, storage_error
from pain3d.outside import json_of


def begin(out: Path, manifest: Manifest, shards: Sequence[ShardPlan]) -> tuple[ShardPlan, ...]:
    """Claim `out` for this dataset, or go on with it; returns the shards still to be made.

    A new or empty folder gets a manifest. A folder that holds the same dataset is gone through shard by shard
    (SHA-256); nothing is written when the dataset is finished and all of it is sound.

    Raises:
        OutputError: as `check_output`, or if a Parquet file that is no shard lies among them; nothing is changed then.
        StorageError: if the folder cannot be written.
    """
    check_output(out, manifest)
    _refuse_strangers(out, shards)
    if not (out / MANIFEST).exists():
        make_folder(out / PROGRESS)
        write_manifest(out, dataclasses.replace(manifest, complete=False, shards=()))
        return tuple(shards)
    sound = sound_shards(out, shards)
    pending = tuple(shard for shard in shards if shard.file not in sound)
    if pending:
        _remove_leftovers(out, pending, whole=True)
        make_folder(out / PROGRESS)
        kept = tuple(sound[shard.file] for shard in shards if shard.file in sound)
        write_manifest(out, dataclasses.replace(manifest, complete=False, shards=kept))
    return pending


def begin_part(
    out: Path, manifest: Manifest, shards: Sequence[ShardPlan], own: Sequence[ShardPlan]
) -> tuple[ShardPlan, ...]:
    """`begin` for one of several runs that make one dataset together; returns which of its `own` are still to be made.

    Only its own shards are looked at, and nothing of the others is touched.

    Raises:
        OutputError, StorageError: as `begin`.
    """
    check_output(out, manifest)
    _refuse_strangers(out, shards)
    make_folder(out / PROGRESS)
    if not (out / MANIFEST).exists():  # several may write it at once: the same bytes, each whole
        write_manifest(out, dataclasses.replace(manifest, complete=False, shards=()))
    sound = sound_shards(out, own)
    pending = tuple(shard for shard in own if shard.file not in sound)
    _remove_leftovers(out, pending, whole=False)
    return pending


def check_output(out: Path, manifest: Manifest) -> None:
    """Refuse an output folder that is not new, empty, or this very dataset; changes nothing.

    Raises:
        OutputError: if `out` is a file, holds other files, another dataset, one of another version, or a damaged
            manifest.
    """
    if not out.exists():
        return
    if not out.is_dir():
        raise OutputError(f"{out}: is a file; name a new or empty folder")
    if not (out / MANIFEST).exists():
        _refuse_other_files(out)
        return
    try:
        found = read_manifest(out)
    except DataError as error:
        raise OutputError(f"{error}; nothing was changed") from None
    differing = differences(manifest, found)
    if differing:
        raise OutputError(
            f"{out}: holds another dataset ({listed(differing)}); name a new folder, or ask for the same dataset to "
            f"go on with it; nothing was changed"
        )


def record_progress(out: Path, record: ShardRecord) -> None:
    """Note that a shard is finished.

    Raises:
        StorageError: if the note cannot be written.
    """
    make_folder(out / PROGRESS)
    content = json.dumps(dataclasses.asdict(record), indent=2) + "\n"
    write_atomically(_note(out, record.file), content.encode())


def sound_shards(out: Path, shards: Sequence[ShardPlan]) -> dict[str, ShardRecord]:
    """Records of the planned shards whose files agree with them byte for byte, by file."""
    records = _records(out)
    return {
        shard.file: records[shard.file]
        for shard in shards
        if shard.file in records and _is_sound(out, shard, records[shard.file])
    }


def recorded(out: Path, shards: Sequence[ShardPlan]) -> tuple[ShardRecord, ...]:
    """What is on record of shards that were just made, or found sound."""
    records = _records(out)
    return tuple(records[shard.file] for shard in shards)


def finish(out: Path, manifest: Manifest, shards: Sequence[ShardPlan]) -> Manifest:
    """Write card, Croissant metadata and the final manifest, and remove the notes; leaves a finished dataset alone.

    Raises:
        DataError: if a shard is not made yet.
        StorageError: if the disk is full, read-only, or fails.
    """
    if is_finished(out):
        return read_manifest(out)
    records = _records(out)
    missing = [shard.file for shard in shards if shard.file not in records or not (out / shard.file).exists()]
    if missing:
        raise DataError(f"{out}: {counted(len(missing), 'shard')} not made yet, {missing[0]} first; run generate again")
    _remove_leftovers(out, (), whole=True)  # of workers that died, and whose shards others made
    final = dataclasses.replace(manifest, complete=True, shards=tuple(records[shard.file] for shard in shards))
    write_card(out, final)
    write_croissant(out, final)
    write_manifest(out, final)
    if (out / PROGRESS).exists():
        shutil.rmtree(out / PROGRESS)
    return final


def is_finished(out: Path) -> bool:
    """Whether the folder holds a dataset that nobody is at."""
    return (out / MANIFEST).exists() and not (out / PROGRESS).exists() and read_manifest(out).complete


@contextlib.contextmanager
def only_run(out: Path) -> Iterator[None]:
    """Hold `out` for this process; a second run into the same folder is refused. Leaves no file behind.

    Raises:
        OutputError: if another run holds the folder, or a part of it.
    """
    make_folder(out)
    with _held(out, shared=False, refusal=f"{out}: another run is writing here; wait for it, or name another folder"):
        yield


@contextlib.contextmanager
def only_part(out: Path, name: str) -> Iterator[None]:
    """Hold one part of `out`, beside runs that hold others. Its file lies in `PROGRESS`, which `finish` removes.

    Args:
        out: the folder.
        name: of the part, as a file may be called.

    Raises:
        OutputError: if another run holds this part, or the whole.
    """
    make_folder(out / PROGRESS)
    lock = out / PROGRESS / f"{name}.lock"
    try:
        lock.touch()
    except OSError as error:
        raise storage_error(lock, error) from error
    whole = f"{out}: a run is writing the whole dataset here; wait for it, or name another folder"
    same = f"{out}: another run is making {name}; wait for it, or start another part"
    with _held(out, shared=True, refusal=whole), _held(lock, shared=False, refusal=same):
        yield


@contextlib.contextmanager
def _held(path: Path, *, shared: bool, refusal: str) -> Iterator[None]:
    if sys.platform == "win32":
        yield
        return
    import fcntl

    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(refusal) from None
        yield
    finally:
        os.close(descriptor)


def _records(out: Path) -> dict[str, ShardRecord]:
    """What is on record as finished: in the manifest, and in the notes, which are newer."""
    records = {record.file: record for record in read_manifest(out).shards}
    for note in sorted((out / PROGRESS).glob("*.json")):
        with contextlib.suppress(ValueError, TypeError):  # a damaged note is no note: its shard is made again
            record = shard_record(json_of(note.read_bytes()))
            records[record.file] = record
    return records


def _is_sound(out: Path, shard: ShardPlan, record: ShardRecord) -> bool:
    path = out / shard.file
    return (
        (record.split, record.rows) == (shard.split, shard.rows)
        and path.is_file()
        and path.stat().st_size == record.bytes
        and file_sha256(path) == record.sha256
    )


def _remove_leftovers(out: Path, pending: Sequence[ShardPlan], *, whole: bool) -> None:
    """Remove half-written files of a run that was killed (of the `pending` shards alone, unless the `whole` folder is
    this run's), and notes of shards that are made again."""
    folders = (out, out / "data", out / PROGRESS)
    leftovers = [path for folder in folders for path in folder.glob(f".*{TEMPORARY_SUFFIX}")]
    if not whole:
        own = tuple(f".{Path(shard.file).name}." for shard in pending)
        leftovers = [path for path in leftovers if path.name.startswith(own)]
    try:
        for path in [*leftovers, *(_note(out, shard.file) for shard in pending)]:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise storage_error(out, error) from error


def _refuse_other_files(out: Path) -> None:
    # A run killed before its first manifest leaves an empty .progress and perhaps a temporary file.
    others = sorted(
        path.name for path in out.iterdir() if path.name != PROGRESS and not path.match(f".*{TEMPORARY_SUFFIX}")
    )
    if others:
        listed = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise OutputError(f"{out}: holds other files ({listed}); name a new or empty folder; nothing was changed")


def _refuse_strangers(out: Path, shards: Sequence[ShardPlan]) -> None:
    """Refuse a Parquet file among the shards that is none of them."""
    planned = {shard.file for shard in shards}
    for path in sorted((out / "data").glob("*.parquet")):
        name = path.relative_to(out).as_posix()
        if name not in planned:
            raise OutputError(
                f"{out}: {name} is no file of this dataset, but whoever reads the folder's Parquet files, as "
                f"load_dataset does, would read it; move it elsewhere and run the same command again; "
                f"nothing was changed"
            )


def _note(out: Path, file: str) -> Path:
    return out / PROGRESS / f"{Path(file).name}.json"
