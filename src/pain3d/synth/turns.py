"""Taking turns: of many processes that start on a machine at once, one does what all need, and the others wait."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator

from pain3d import __version__
from pain3d.face.cache import cache_dir


@contextlib.contextmanager
def first_alone() -> Iterator[None]:
    """Let the first process of this machine through, and all others when it is done.

    Kernels and assets are compiled and built once: who comes later finds them. A process that dies lets the others go
    on; where there are no locks, all go at once, which costs time and never the result.
    """
    if sys.platform == "win32":
        yield
        return
    import fcntl

    try:
        cache_dir().mkdir(parents=True, exist_ok=True)
        lock = os.open(cache_dir() / f"prepare-{__version__}.lock", os.O_RDWR | os.O_CREAT, 0o666)
    except OSError:  # a cache that cannot be written holds everything, or nobody's work can be kept
        yield
        return
    try:
        with contextlib.suppress(OSError):
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                fcntl.flock(lock, fcntl.LOCK_SH)  # waits for the first
                fcntl.flock(lock, fcntl.LOCK_UN)  # and then all at once
        yield
    finally:
        os.close(lock)
