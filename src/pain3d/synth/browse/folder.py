"""A folder written whole or not at all, in the place of an older one of the same kind and of no other."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator
from pathlib import Path

from pain3d.data.files import temporary_beside
from pain3d.errors import ArgumentError, storage_error

INDEX, COLUMNS, SHEETS = "index.html", "columns.js", "sheets"
MARK = '<meta name="generator" content="pain3d dataset page">'
"""Stands near the beginning of the page: a folder without it is not ours to replace."""


def check_replaceable(folder: Path) -> None:
    """Refuse a place that a page must not take.

    Raises:
        ArgumentError: if it is no folder, or holds anything but a page that was written before.
    """
    if not folder.parent.is_dir():
        raise ArgumentError(f"to: the folder {folder.parent} does not exist; make it first, or name another")
    if not folder.exists():
        return
    if not folder.is_dir():
        raise ArgumentError(f"to: {folder} is a file; a page is a folder: name one that does not exist yet")
    names = {path.name for path in folder.iterdir()}
    if names and not (names <= {INDEX, COLUMNS, SHEETS} and _is_page(folder / INDEX)):
        raise ArgumentError(f"to: {folder} holds other files; name an empty folder, or one that does not exist yet")


def _is_page(index: Path) -> bool:
    if not index.is_file():
        return False
    with index.open(encoding="utf-8", errors="replace") as stream:
        return MARK in stream.read(1000)


@contextlib.contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A new folder to fill; it becomes `folder` at the end, and is removed if anything goes wrong before.

    Raises:
        StorageError: if the disk is full, read-only, or fails.
    """
    new, old = temporary_beside(folder), temporary_beside(folder.with_name(f"{folder.name}.old"))
    try:
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir()
        yield new
        if folder.exists():
            folder.replace(old)
        new.replace(folder)
    except OSError as error:
        raise storage_error(folder, error) from error
    finally:
        shutil.rmtree(new, ignore_errors=True)
        shutil.rmtree(old, ignore_errors=True)
