"""What is demanded of whoever reads bytes from outside: a right answer, or a UserError of one line."""

from __future__ import annotations

import contextlib
import hashlib
import resource
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pain3d.errors import UserError

MORE_BYTES = 2 << 30
"""Address space that reading one small file may take; threads of native libraries reserve some of it."""


@dataclass(frozen=True, kw_only=True)
class Target:
    """One reader."""

    prepare: Callable[[Path], Path]
    """Fills an empty folder with what the reader reads; gives the file that is damaged."""
    read: Callable[[Path], object]
    """Reads what lies in the folder, as far as a user can make it read; a new folder `out` in it is removed."""
    slow: bool = False
    """Takes a tenth of a second or more."""
    refusals: tuple[type[Exception], ...] = ()
    """Further errors that its documentation promises."""


def hold(target: Target, home: Path, path: Path, content: bytes) -> bool:
    """Read the folder with `content` in place of the file, and demand the law; says whether it was accepted."""
    before = _around(home)
    path.write_bytes(content)
    try:
        with _bounded_memory(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            target.read(home)
        return True
    except (UserError, *target.refusals) as error:
        assert str(error).strip(), f"an error without words: {error!r}"
        assert "\n" not in str(error), f"an error of several lines: {error}"
        return False
    finally:
        assert _around(home) == before, "something was written outside"


def _around(home: Path) -> dict[str, str]:
    """The files beside the folder."""
    return {
        str(path): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(home.parent.iterdir())
    }


@contextlib.contextmanager
def _bounded_memory() -> Iterator[None]:
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    before = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (used + MORE_BYTES, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
