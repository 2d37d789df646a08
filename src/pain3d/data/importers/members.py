"""Files of a folder, and of the tar archives in it, one at a time. Nothing is ever extracted to the disk.

A member of an archive is read in the stream or not at all. Names that lead out of the archive's folder, links and
devices are refused, though nothing would be written under them: an archive that holds one is not what it seems.
"""

from __future__ import annotations

import contextlib
import gzip
import tarfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from pain3d.data.importers.reading import MAX_FILE_BYTES, file_bytes
from pain3d.errors import DataError

ARCHIVES = (".tar.gz", ".tgz", ".tar")

Bad = Callable[[str], contextlib.AbstractContextManager[None]]
"""Given where something bad lies: a context in which a DataError is raised, and dealt with."""

_DAMAGE = (tarfile.TarError, gzip.BadGzipFile, EOFError, zlib.error, OSError)


@dataclass(frozen=True, kw_only=True, eq=False)
class Member:
    """A file, plain or in an archive."""

    name: str
    """Without folders."""
    where: str
    """Relative to the source; archive and member with a colon between."""
    read: Callable[[], bytes]
    """Its content; of an archive's member, before the next one is asked for. Raises a DataError."""


def is_archive(path: Path) -> bool:
    """Whether a file's name is that of a tar archive."""
    return path.name.endswith(ARCHIVES)


def members(folder: Path, source: Path, bad: Bad) -> Iterator[Member]:
    """Every file of the folder in the order of names, then those of its archives in their order.

    Args:
        folder: what to go through.
        source: what names are relative to.
        bad: what is done about members that are refused, and archives that are damaged.
    """
    paths = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    for path in paths:
        if not is_archive(path):
            where = path.relative_to(source).as_posix()
            yield Member(name=path.name, where=where, read=lambda path=path: file_bytes(path))
    for path in paths:
        if is_archive(path):
            yield from _of_archive(path, path.relative_to(source).as_posix(), bad)


def _of_archive(path: Path, where: str, bad: Bad) -> Iterator[Member]:
    try:
        with tarfile.open(path, "r|*") as archive:
            for info in archive:
                archive.members = []  # pyright: ignore[reportAttributeAccessIssue]  # it would keep a record of each
                if info.isdir():
                    continue
                member = None
                with bad(f"{where}:{info.name}"):
                    _refuse_unsafe(path, info)
                    member = Member(
                        name=PurePosixPath(info.name).name,
                        where=f"{where}:{info.name}",
                        read=lambda info=info: _content(archive, path, info),
                    )
                if member is not None and not member.name.startswith("."):
                    yield member
    except _DAMAGE as error:
        with bad(where):
            raise DataError(f"{path}: damaged or cut short ({error}); what follows in it is lost") from None


def _refuse_unsafe(path: Path, info: tarfile.TarInfo) -> None:
    parts = PurePosixPath(info.name.replace("\\", "/")).parts
    if not parts or parts[0] == "/" or ".." in parts or ":" in parts[0]:
        raise DataError(f"{path}: member {info.name!r} leads out of the archive; do not trust this file")
    if not info.isreg():
        raise DataError(f"{path}: member {info.name!r} is a link or a device; do not trust this file")
    if info.size > MAX_FILE_BYTES:
        raise DataError(f"{path}: member {info.name!r} has {info.size:,} bytes, more than {MAX_FILE_BYTES:,}")


def _content(archive: tarfile.TarFile, path: Path, info: tarfile.TarInfo) -> bytes:
    try:
        stream = archive.extractfile(info)
        content = b"" if stream is None else stream.read()
    except _DAMAGE as error:
        raise DataError(f"{path}: member {info.name!r}: damaged or cut short ({error})") from None
    if len(content) != info.size:
        raise DataError(f"{path}: member {info.name!r}: {len(content)} of {info.size} bytes; cut short")
    return content
