"""Objects in a store: read, put, listed, removed, with patience where the network fails for a moment.

Every object is put in one request, so a reader sees all of it or nothing. Nothing is remembered between calls.
"""

from __future__ import annotations

import contextlib
import errno
import io
import logging
import os
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, TypeVar

from pain3d.errors import StorageError

if TYPE_CHECKING:
    from upath import UPath

WAITS_S = (1.0, 3.0, 9.0)
"""Before the second, third and fourth try; most drivers try several times themselves before one of ours has failed."""

ONE_PUT_BYTES = 5 * 2**30 - 1
"""What S3 takes in one request."""

_SECRETS = ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_ACCESS_KEY_ID", "AZURE_STORAGE_KEY")
_SHOWN_CHARACTERS = 160
_ABSENT = ("NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError", "DefaultCredentialsError")
_UNREACHED = (
    *("ConnectionError", "TimeoutError", "HTTPClientError", "ClientConnectionError", "FSTimeoutError"),
    *("ServerTimeoutError", "ConnectionClosedError", "ClientPayloadError", "IncompleteRead"),
)
_REMOTE_IO = 121
"""EREMOTEIO of Linux, which other systems do not have."""
_LATER = {errno.EBUSY, errno.EIO, _REMOTE_IO, errno.ETIMEDOUT, errno.ECONNRESET}
"""What drivers make of answers such as 500 and 503: another try may succeed."""

_Answer = TypeVar("_Answer")


def read(place: UPath, start: int | None = None, stop: int | None = None) -> bytes:
    """The bytes of an object, or those from `start` to before `stop`.

    Raises:
        FileNotFoundError: if there is none.
        StorageError: if the store does not give them.
    """
    return _patiently(place, "read", lambda files: files.cat_file(place.path, start=start, end=stop))


def put(place: UPath, content: bytes) -> None:
    """Make or replace an object, in one request.

    Raises:
        StorageError: if the store does not take it.
    """
    try:
        _patiently(place, "written", lambda files: files.pipe_file(place.path, content, **_in_one(place)))
    except FileNotFoundError:
        raise _no_bucket(place) from None


def create(place: UPath, content: bytes) -> bool:
    """Make an object where none is, and tell whether this call made it.

    Of several callers at once, one is told so where the store has conditional puts (If-None-Match: S3, MinIO, Google).

    Raises:
        StorageError: if the store does not take it.
    """
    if is_there(place):
        return False
    try:
        _patiently(place, "written", lambda files: _put_where_none_is(files, place, content))
    except FileExistsError:
        return False
    except FileNotFoundError:
        raise _no_bucket(place) from None
    return True


def _put_where_none_is(files: Any, place: UPath, content: bytes) -> None:
    try:
        files.pipe_file(place.path, content, mode="create", **_in_one(place))
    except OSError as error:
        if error.errno != errno.ENOSYS:  # 501: this store knows no condition; the caller has looked just now
            raise
        files.pipe_file(place.path, content, **_in_one(place))


def size(place: UPath) -> int | None:
    """Bytes of an object; None where none is.

    Raises:
        StorageError: if the store does not answer.
    """
    try:
        about = _patiently(place, "read", lambda files: files.info(place.path))
    except FileNotFoundError:
        return None
    return int(about["size"]) if about["type"] == "file" else None


def is_there(place: UPath) -> bool:
    """Whether there is an object of this name, or one whose name goes on after it and a slash.

    Raises:
        StorageError: if the store does not answer. It is not the driver's `exists`, which says no then.
    """
    try:
        _patiently(place, "read", lambda files: files.info(place.path))
    except FileNotFoundError:
        return False
    return True


def names(folder: UPath) -> list[str]:
    """Names of what lies directly in a folder, sorted; none where there is no such folder.

    Raises:
        StorageError: if the store does not answer.
    """
    try:
        found = _patiently(folder, "read", lambda files: files.ls(folder.path, detail=False))
    except FileNotFoundError:
        return []
    own = folder.path.rstrip("/")
    # Some tools mark a folder by an empty object that is called as the folder.
    return sorted({path.rstrip("/").rpartition("/")[2] for path in found if path.rstrip("/") != own})


def remove(places: Iterable[UPath]) -> None:
    """Remove objects; those that are not there are no matter.

    Raises:
        StorageError: if the store does not do it.
    """
    for place in places:
        with contextlib.suppress(FileNotFoundError):
            _patiently(place, "removed", lambda files, path=place.path: files.rm_file(path))


class Ranges(io.RawIOBase):
    """An object as a file to read at any place: each read is one request for those bytes."""

    def __init__(self, place: UPath) -> None:
        """
        Raises:
            FileNotFoundError: if there is no such object.
            StorageError: if the store does not answer.
        """
        held = size(place)
        if held is None:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(place))
        self._place = place
        self._bytes = held
        self._at = 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def tell(self) -> int:
        """Where the next read begins."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        """Let the next read begin elsewhere."""
        self._at = offset + {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._bytes}[whence]
        return self._at

    def read(self, size: int | None = -1, /) -> bytes:
        """Up to `size` bytes; the rest of them if it is negative or None."""
        stop = self._bytes if size is None or size < 0 else min(self._at + size, self._bytes)
        if stop <= self._at:
            return b""
        content = read(self._place, self._at, stop)
        self._at += len(content)
        return content


def _patiently(place: UPath, doing: str, call: Callable[[Any], _Answer]) -> _Answer:
    """What the call answers. What may pass is tried again, then it is a `StorageError`, as is what will not pass.

    Raises:
        FileNotFoundError, FileExistsError: as the driver says; they are answers.
    """
    import fsspec

    for wait_s in (*WAITS_S, None):
        try:
            # Asked for each time: a process that was forked off needs a driver of its own.
            return call(fsspec.filesystem(place.protocol, **place.storage_options))
        except (FileNotFoundError, FileExistsError):
            raise
        except Exception as error:  # drivers raise what their libraries raise, of any class
            reason, may_pass = _reason(error)
            if wait_s is None or not may_pass:
                raise _refusal(place, doing, reason) from error
            logging.getLogger(__name__).debug("%s: %s; trying again in %s s", place, reason, wait_s)
            time.sleep(wait_s)
    raise AssertionError("the last try returns or raises")


def _reason(error: Exception) -> tuple[str, bool]:
    """What is wrong and what to do, in words, and whether it may be right in a moment."""
    kinds = {kind.__name__ for kind in type(error).__mro__}
    if kinds.intersection(_ABSENT):
        return "no credentials were found; give them as the store's own tools take them (docs/object_stores.md)", False
    if isinstance(error, PermissionError):
        return f"the store refuses ({_shown(error)}); check the credentials, and what they may do there", False
    if kinds.intersection(_UNREACHED):
        way_out = "check the network, and AWS_ENDPOINT_URL if it is set"
        return f"the store cannot be reached ({_shown(error)}); {way_out}", True
    may_pass = isinstance(error, OSError) and error.errno in _LATER
    return f"the store answers: {_shown(error)}; check the URL, and whether the store is well", may_pass


def _shown(error: Exception) -> str:
    """The error in one line, without secrets."""
    text = " ".join(str(error).split()) or type(error).__name__
    for name in _SECRETS:
        if secret := os.environ.get(name):
            text = text.replace(secret, f"<{name}>")
    return text if len(text) <= _SHOWN_CHARACTERS else f"{text[:_SHOWN_CHARACTERS]}..."


def _refusal(place: UPath, doing: str, reason: str) -> StorageError:
    kept = "" if doing == "read" else ": finished shards are kept, nothing is half-written"
    return StorageError(f"{place}: cannot be {doing}: {reason}, then run the same command again{kept}")


def _no_bucket(place: UPath) -> StorageError:
    bucket = place.path.lstrip("/").partition("/")[0]
    return _refusal(place, "written", f"there is no bucket {bucket}; make it first, or name another")


def _in_one(place: UPath) -> dict[str, int]:
    """Keep the driver of S3 from cutting an object in parts, which a killed run would leave behind, paid for."""
    return {"chunksize": ONE_PUT_BYTES} if place.protocol in ("s3", "s3a") else {}
