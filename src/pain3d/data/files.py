"""Files written whole or not at all, and their hashes: on a disk by renaming, in an object store by one request."""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
import platform
import shutil
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase
from pathlib import Path

from pain3d import stores
from pain3d.errors import storage_error
from pain3d.places import Place

TEMPORARY_SUFFIX = ".tmp"
"""A file that ends so was being written when a run died; it may be deleted."""


def make_folder(folder: Place) -> None:
    """Make a folder and those above it, where they are not there. Stores have objects and no folders.

    Raises:
        StorageError: if the disk is full, read-only, or fails.
    """
    if not isinstance(folder, Path):
        return
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error


def temporary_beside(path: Path) -> Path:
    """Where to write a file before it is renamed to `path`: in the same folder, a name of this process's own.

    Machines that share a folder may have processes of one number.
    """
    machine = hashlib.sha256(platform.node().encode()).hexdigest()[:8]
    return path.with_name(f".{path.name}.{machine}-{os.getpid()}{TEMPORARY_SUFFIX}")


def write_atomically(path: Place, content: bytes) -> str:
    """Write a file under a temporary name beside it, flush it to the disk, rename it; returns its SHA-256.

    Whatever goes wrong, an interrupt included, the temporary file is removed and an older file stays as it was. In a
    store it is one request, which the store carries out whole or not at all.

    Raises:
        StorageError: if the disk is full, read-only, or fails, or the store does not take it.
    """
    if not isinstance(path, Path):
        stores.put(path, content)
        return hashlib.sha256(content).hexdigest()
    temporary = temporary_beside(path)
    try:
        with temporary.open("wb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        _flush_folder(path.parent)
    except OSError as error:
        raise storage_error(path, error) from error
    finally:
        # After the rename nothing of this name is left; on a failing disk the removal may fail too.
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
    return hashlib.sha256(content).hexdigest()


def file_sha256(path: Place) -> str:
    """SHA-256 of a file, read in pieces; of an object, which is fetched for it."""
    if not isinstance(path, Path):
        return hashlib.sha256(stores.read(path)).hexdigest()
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def read_bytes(path: Place) -> bytes:
    """Content of a file.

    Raises:
        OSError: if there is none, or the disk fails.
        StorageError: if the store does not give it.
    """
    return path.read_bytes() if isinstance(path, Path) else stores.read(path)


def exists(path: Place) -> bool:
    """Whether a file or folder is there.

    Raises:
        StorageError: if the store does not answer.
    """
    return path.exists() if isinstance(path, Path) else stores.is_there(path)


def file_size(path: Place) -> int | None:
    """Bytes of a file; None where there is none.

    Raises:
        StorageError: if the store does not answer.
    """
    if not isinstance(path, Path):
        return stores.size(path)
    return path.stat().st_size if path.is_file() else None


def found_in(folder: Place, pattern: str) -> list[Place]:
    """What lies in a folder and is called so, sorted; nothing where there is no folder.

    Raises:
        StorageError: if the store does not answer.
    """
    if isinstance(folder, Path):
        return [*sorted(folder.glob(pattern))]
    return [folder / name for name in stores.names(folder) if fnmatchcase(name, pattern)]


def remove_files(paths: Iterable[Place]) -> None:
    """Remove files; those that are not there are no matter.

    Raises:
        OSError: if the disk fails.
        StorageError: if the store does not do it.
    """
    for path in paths:
        if isinstance(path, Path):
            path.unlink(missing_ok=True)
        else:
            stores.remove([path])


def remove_folder(folder: Place) -> None:
    """Remove a folder that holds files alone, if it is there.

    Raises:
        OSError: if the disk fails.
        StorageError: if the store does not do it.
    """
    if not isinstance(folder, Path):
        stores.remove(folder / name for name in stores.names(folder))
    elif folder.exists():
        shutil.rmtree(folder)


@contextlib.contextmanager
def parquet_source(path: Place) -> Iterator[Path | io.RawIOBase]:
    """What `pyarrow.parquet` reads a file from: its path, or an object of a store of which it fetches what it needs.

    Raises:
        FileNotFoundError: if the store has no such object.
        StorageError: if the store does not answer.
    """
    if isinstance(path, Path):
        yield path
        return
    with stores.Ranges(path) as stream:
        yield stream


def _flush_folder(folder: Path) -> None:
    # A rename is durable once its folder is flushed; file systems that cannot flush a folder need it not.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
