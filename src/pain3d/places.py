"""Where a dataset lies: a folder of this machine, or a URL of an object store. Words become places here alone."""

from __future__ import annotations

import re
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias
from urllib.parse import SplitResult, urlsplit

from pain3d.errors import ArgumentError

if TYPE_CHECKING:
    from upath import UPath

Place: TypeAlias = "Path | UPath"
"""A `pathlib.Path` on this machine; anything else lies in a store that fsspec speaks to."""

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.:-]*://")
_LOST_SLASH = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_LOCAL = ("file", "local")
_DRIVERS = {
    **dict.fromkeys(("s3", "s3a"), "'pain3d[cloud]'"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("abfs", "abfss", "az", "adl"), "adlfs"),
}
"""What to install for a kind of URL."""


def location(words: str | Place) -> Place:
    """The place that a path or a URL names.

    Args:
        words: a path, ``file:///data/faces``, ``s3://bucket/faces``, ``gs://bucket/faces`` or any other URL that an
            installed driver of fsspec understands.

    Raises:
        ArgumentError: for a URL of an unknown kind, or without its driver, or with a password in it.
    """
    if isinstance(words, Path):
        if words.parts and _LOST_SLASH.fullmatch(words.parts[0]) and not words.exists():
            raise ArgumentError(f"{words}: a URL loses a slash in a pathlib.Path; give it as a string")
        return words
    if not isinstance(words, str):
        return Path(words.path) if words.protocol in _LOCAL else _unlisted(words)
    if "\0" in words:
        raise ArgumentError(f"{words!r}: no path or URL has a zero byte in it; give a folder, or a URL")
    if not _URL.match(words):
        return Path(words)
    parts = _split(words)
    _refuse_secrets(parts)
    if parts.scheme in _LOCAL:
        return Path(parts.path)
    _refuse_unknown(words)
    if parts.scheme != "memory" and not parts.netloc:
        raise ArgumentError(f"{words}: names no bucket; write for example {parts.scheme}://bucket/faces")
    return _opened(words)


def _opened(url: str) -> UPath:
    from upath import UPath

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # of kinds that UPath has no class of their own for
            return _unlisted(UPath(url.rstrip("/")))
    except Exception as error:  # whatever a driver raises
        raise ArgumentError(
            f"{url}: its driver does not take it ({error}); give a folder, or a URL such as s3://bucket/faces"
        ) from error


def resolved(place: Place) -> Place:
    """The same place by its one absolute name; a URL is one."""
    return place.resolve() if isinstance(place, Path) else place


def name_of(place: Place) -> str:
    """What a dataset is called after the place it lies in: the name of the folder, or of the bucket."""
    return place.resolve().name if isinstance(place, Path) else str(place).rstrip("/").rpartition("/")[2]


def _unlisted(place: UPath) -> UPath:
    """The same place, asked anew each time: a listing kept in memory would hide what other machines write."""
    return type(place)(place, use_listings_cache=False)


def _split(url: str) -> SplitResult:
    try:
        return urlsplit(url)
    except ValueError as error:  # said without the words, which may hold a password
        raise ArgumentError(
            f"a {url.partition('://')[0]}:// URL cannot be read: {error}; write for example s3://bucket/faces"
        ) from None


def _refuse_secrets(parts: SplitResult) -> None:
    user, at, _ = parts.netloc.rpartition("@")
    if at and ":" in user:
        shown = f"{parts.scheme}://...@{parts.hostname}{parts.path}"
        raise ArgumentError(
            f"{shown}: holds a password, which would end in logs; leave it out of the URL and give it to the driver by "
            f"its environment variables or its configuration file"
        )
    if parts.query:
        raise ArgumentError(
            f"{parts.scheme}://{parts.netloc}{parts.path}?...: a signed URL opens one object, and a dataset is many; "
            f"leave out what follows the ? and give the driver credentials"
        )


def _refuse_unknown(url: str) -> None:
    from fsspec import get_filesystem_class

    kind = url.partition("://")[0]
    try:
        get_filesystem_class(kind)
    except ImportError as error:
        install = f"pip install {_DRIVERS[kind]}" if kind in _DRIVERS else str(error)
        raise ArgumentError(f"{url}: the driver for {kind}:// is not installed; {install}") from None
    except ValueError:
        raise ArgumentError(
            f"{url}: {kind}:// is no kind of place that is known; give a folder, or a URL such as s3://bucket/faces"
        ) from None
