"""A folder of many files that appears whole or not at all."""

from __future__ import annotations

import contextlib
import itertools
import shutil
from collections.abc import Iterator
from pathlib import Path

from pain3d.data.progress import only_run
from pain3d.errors import OutputError, storage_error

UNFINISHED = ".unfinished"
"""What the name of the folder beside OUT ends in while it is being written; of a run that was killed it may be deleted,
and the next run does so."""


@contextlib.contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """An empty folder beside OUT to write into, which takes OUT's place in the end; after an error nothing is left.

    Raises:
        OutputError: if OUT is a file, or a folder that is not empty, or another run is writing it.
        StorageError: if the disk is full, read-only, or fails.
    """
    target = out.resolve()
    _refuse_full(out, target)
    folder = target.with_name(f".{target.name}{UNFINISHED}")
    with _storing(out):
        folder.mkdir(parents=True, exist_ok=True)
    with only_run(folder):
        try:
            with _storing(out):
                _empty(folder)
                yield folder
                folder.replace(target)
        finally:
            if folder.exists():
                shutil.rmtree(folder, ignore_errors=True)


def _refuse_full(out: Path, target: Path) -> None:
    if not target.exists():
        return
    if not target.is_dir():
        raise OutputError(f"{out}: is a file; name a new or empty folder")
    held = sorted(path.name for path in itertools.islice(target.iterdir(), 3))
    if held:
        raise OutputError(
            f"{out}: holds other files ({', '.join(held)}, ...); name a new or empty folder; nothing was changed"
        )


def _empty(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        else:
            path.unlink()


@contextlib.contextmanager
def _storing(out: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise storage_error(out, error) from error
