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
import sys
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath

from pain3d.data.card import write_card
from pain3d.data.croissant import write_croissant
from pain3d.data.files import (
    TEMPORARY_SUFFIX,
    exists,
    file_sha256,
    file_size,
    found_in,
    make_folder,
    read_bytes,
    remove_files,
    remove_folder,
    write_atomically,
)
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
    start_manifest,
    write_manifest,
)
from pain3d.errors import DataError, OutputError, storage_error
from pain3d.outside import json_of
from pain3d.places import Place

SKINS = "skins"
"""Folder of a dataset that keeps sampled skins, so that pictures made again do not depend on the sampler."""
PART_SUFFIX = ".part"
"""How a skin ends that was being written when a run died."""


def begin(out: Place, manifest: Manifest, shards: Sequence[ShardPlan]) -> tuple[ShardPlan, ...]:
    """Claim `out` for this dataset, or go on with it; returns the shards still to be made.

    A new or empty folder gets a manifest. A folder that holds the same dataset is gone through shard by shard
    (SHA-256); nothing is written when the dataset is finished and all of it is sound.

    Raises:
        OutputError: as `check_output`, or if a Parquet file that is no shard lies among them; nothing is changed then.
        StorageError: if the folder cannot be written.
    """
    check_output(out, manifest)
    _refuse_strangers(out, shards)
    if _started(out, manifest):
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
    out: Place, manifest: Manifest, shards: Sequence[ShardPlan], own: Sequence[ShardPlan]
) -> tuple[ShardPlan, ...]:
    """`begin` for one of several runs that make one dataset together; returns which of its `own` are still to be made.

    Only its own shards are looked at, and nothing of the others is touched.

    Raises:
        OutputError, StorageError: as `begin`.
    """
    check_output(out, manifest)
    _refuse_strangers(out, shards)
    make_folder(out / PROGRESS)
    _started(out, manifest)  # several may write it at once: the same bytes, each whole
    sound = sound_shards(out, own)
    pending = tuple(shard for shard in own if shard.file not in sound)
    _remove_leftovers(out, pending, whole=False)
    return pending


def _started(out: Place, manifest: Manifest) -> bool:
    """Write the first manifest where there is none, and tell whether it was this call that did."""
    if exists(out / MANIFEST):
        return False
    make_folder(out / PROGRESS)
    if start_manifest(out, dataclasses.replace(manifest, complete=False, shards=())):
        return True
    check_output(out, manifest)  # in a store, another run may have come first, and with another dataset
    return False


def check_output(out: Place, manifest: Manifest) -> None:
    """Refuse an output folder that is not new, empty, or this very dataset; changes nothing.

    Raises:
        OutputError: if `out` is a file, holds other files, another dataset, one of another version, or a damaged
            manifest.
    """
    if not exists(out):
        return
    if file_size(out) is not None or (isinstance(out, Path) and not out.is_dir()):
        raise OutputError(f"{out}: is a file; name a new or empty folder")
    if not exists(out / MANIFEST):
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


def record_progress(out: Place, record: ShardRecord) -> None:
    """Note that a shard is finished.

    Raises:
        StorageError: if the note cannot be written.
    """
    make_folder(out / PROGRESS)
    content = json.dumps(dataclasses.asdict(record), indent=2) + "\n"
    write_atomically(_note(out, record.file), content.encode())


def sound_shards(out: Place, shards: Sequence[ShardPlan]) -> dict[str, ShardRecord]:
    """Records of the planned shards whose files agree with them byte for byte, by file."""
    records = _records(out)
    return {
        shard.file: records[shard.file]
        for shard in shards
        if shard.file in records and _is_sound(out, shard, records[shard.file])
    }


def recorded(out: Place, shards: Sequence[ShardPlan]) -> tuple[ShardRecord, ...]:
    """What is on record of shards that were just made, or found sound."""
    records = _records(out)
    return tuple(records[shard.file] for shard in shards)


def finish(out: Place, manifest: Manifest, shards: Sequence[ShardPlan]) -> Manifest:
    """Write card, Croissant metadata and the final manifest, and remove the notes; leaves a finished dataset alone.

    Raises:
        DataError: if a shard is not made yet.
        StorageError: if the disk is full, read-only, or fails.
    """
    if is_finished(out):
        return read_manifest(out)
    records = _records(out)
    missing = [shard.file for shard in shards if shard.file not in records or not exists(out / shard.file)]
    if missing:
        raise DataError(f"{out}: {counted(len(missing), 'shard')} not made yet, {missing[0]} first; run generate again")
    _remove_leftovers(out, (), whole=True)  # of workers that died, and whose shards others made
    final = dataclasses.replace(manifest, complete=True, shards=tuple(records[shard.file] for shard in shards))
    write_card(out, final)
    write_croissant(out, final)
    write_manifest(out, final)
    remove_folder(out / PROGRESS)
    return final


def is_finished(out: Place) -> bool:
    """Whether the folder holds a dataset that nobody is at."""
    return exists(out / MANIFEST) and not exists(out / PROGRESS) and read_manifest(out).complete


@contextlib.contextmanager
def only_run(out: Place) -> Iterator[None]:
    """Hold `out` for this process; a second run into the same folder is refused. Leaves no file behind.

    A store has no locks that end with the process that holds them. Two runs there write the same bytes, each object
    whole; docs/object_stores.md tells why that is enough.

    Raises:
        OutputError: if another run holds the folder, or a part of it.
    """
    if not isinstance(out, Path):
        yield
        return
    make_folder(out)
    with _held(out, shared=False, refusal=f"{out}: another run is writing here; wait for it, or name another folder"):
        yield


@contextlib.contextmanager
def only_part(out: Place, name: str) -> Iterator[None]:
    """Hold one part of `out`, beside runs that hold others. Its file lies in `PROGRESS`, which `finish` removes.

    Args:
        out: the folder.
        name: of the part, as a file may be called.

    Raises:
        OutputError: if another run holds this part, or the whole.
    """
    if not isinstance(out, Path):
        yield
        return
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


def _records(out: Place) -> dict[str, ShardRecord]:
    """What is on record as finished: in the manifest, and in the notes, which are newer."""
    noted: dict[str, ShardRecord] = {}
    for note in found_in(out / PROGRESS, "*.json"):
        # A damaged note is no note: its shard is made again. One that has just gone is in the manifest by now.
        with contextlib.suppress(ValueError, TypeError, FileNotFoundError):
            record = shard_record(json_of(read_bytes(note)))
            noted[record.file] = record
    return {record.file: record for record in read_manifest(out).shards} | noted


def _is_sound(out: Place, shard: ShardPlan, record: ShardRecord) -> bool:
    path = out / shard.file
    return (
        (record.split, record.rows) == (shard.split, shard.rows)
        and file_size(path) == record.bytes
        and file_sha256(path) == record.sha256
    )


def _remove_leftovers(out: Place, pending: Sequence[ShardPlan], *, whole: bool) -> None:
    """Remove half-written files of a run that was killed (of the `pending` shards alone, unless the `whole` folder is
    this run's), and notes of shards that are made again."""
    folders = (out, out / "data", out / PROGRESS) if isinstance(out, Path) else ()  # a store holds whole objects alone
    leftovers = [path for folder in folders for path in found_in(folder, f".*{TEMPORARY_SUFFIX}")]
    leftovers += found_in(out / SKINS, f"*{PART_SUFFIX}") if whole and isinstance(out, Path) else []
    if not whole:
        own = tuple(f".{PurePosixPath(shard.file).name}." for shard in pending)
        leftovers = [path for path in leftovers if path.name.startswith(own)]
    try:
        remove_files([*leftovers, *(_note(out, shard.file) for shard in pending)])
    except OSError as error:
        raise storage_error(out, error) from error


def _refuse_other_files(out: Place) -> None:
    # A run killed before its first manifest leaves an empty .progress and perhaps a temporary file.
    names = [path.name for path in found_in(out, "*")]
    others = [name for name in names if name != PROGRESS and not fnmatchcase(name, f".*{TEMPORARY_SUFFIX}")]
    if others:
        listed = ", ".join(others[:3]) + (", ..." if len(others) > 3 else "")
        raise OutputError(f"{out}: holds other files ({listed}); name a new or empty folder; nothing was changed")


def _refuse_strangers(out: Place, shards: Sequence[ShardPlan]) -> None:
    """Refuse a Parquet file among the shards that is none of them."""
    planned = {shard.file for shard in shards}
    for path in found_in(out / "data", "*.parquet"):
        name = f"data/{path.name}"
        if name not in planned:
            raise OutputError(
                f"{out}: {name} is no file of this dataset, but whoever reads the folder's Parquet files, as "
                f"load_dataset does, would read it; move it elsewhere and run the same command again; "
                f"nothing was changed"
            )


def _note(out: Place, file: str) -> Place:
    return out / PROGRESS / f"{PurePosixPath(file).name}.json"
