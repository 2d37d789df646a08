"""What can go wrong because of the user, the disk or a damaged file: one base class, and what the process exits with.

The command line prints the message of a `UserError` without a traceback and exits with its `exit_code`; anything else
is a defect of pain3d and keeps its traceback. A message names the argument or file, its value, the rule, the way out.
"""

from __future__ import annotations

import errno
import re
from typing import ClassVar


class UserError(Exception):
    """Base of all errors whose message is written for the user."""

    exit_code: ClassVar[int] = 1

    def __str__(self) -> str:
        """The message, in one line: words of libraries that it quotes may come in several."""
        return re.sub(r"\s*\n\s*", " ", super().__str__())


class ArgumentError(UserError, ValueError):
    """An argument breaks a rule: nothing was started."""

    exit_code: ClassVar[int] = 2


class OutputError(UserError):
    """The output folder holds something that must not be touched: nothing was written."""

    exit_code: ClassVar[int] = 2


class DataError(UserError):
    """A file of a dataset is missing, damaged, or of another version."""


class StorageError(UserError):
    """The disk is full, read-only, or failed; what was finished before is intact."""


_REASONS = {
    errno.ENOSPC: "the disk is full; free some space",
    errno.EDQUOT: "your disk quota is used up; free some space",
    errno.EFBIG: "the file would be larger than this process may write (ulimit -f); raise the limit",
    errno.EROFS: "the file system is read-only; choose a folder you can write to",
    errno.EACCES: "permission denied; choose a folder you can write to",
    errno.EPERM: "the system does not permit it; choose a folder you can write to",
}


def storage_error(path: object, error: OSError) -> StorageError:
    """The kind form of an `OSError` that writing `path`, a file or folder, met."""
    reason = _REASONS.get(error.errno or 0) or f"{error.strerror or error}; check the disk"
    return StorageError(
        f"{path}: cannot be written: {reason}, then run the same command again: finished shards are kept, "
        f"nothing is half-written"
    )
