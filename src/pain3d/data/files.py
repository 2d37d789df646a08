"""Files written whole or not at all, and their hashes."""

from __future__ import annotations

import contextlib
import hashlib
import os
from pathlib import Path

from pain3d.errors import storage_error

TEMPORARY_SUFFIX = ".tmp"
"""A file that ends so was being written when a run died; it may be deleted."""


def make_folder(folder: Path) -> None:
    """Make a folder and those above it, where they are not there.

    Raises:
        StorageError: if the disk is full, read-only, or fails.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise storage_error(folder, error) from error


def temporary_beside(path: Path) -> Path:
    """Where to write a file before it is renamed to `path`: in the same folder, a name of this process's own."""
    return path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")


def write_atomically(path: Path, content: bytes) -> str:
    """Write a file under a temporary name beside it, flush it to the disk, rename it; returns its SHA-256.

    Whatever goes wrong, an interrupt included, the temporary file is removed and an older file stays as it was.

    Raises:
        StorageError: if the disk is full, read-only, or fails.
    """
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


def file_sha256(path: Path) -> str:
    """SHA-256 of a file, read in pieces."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _flush_folder(folder: Path) -> None:
    # A rename is durable once its folder is flushed; file systems that cannot flush a folder need it not.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
