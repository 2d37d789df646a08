import errno
import pickle
from pathlib import Path

import pytest

from pain3d.errors import ArgumentError, DataError, OutputError, StorageError, UserError, storage_error


@pytest.mark.parametrize(
    ("kind", "exit_code"), [(ArgumentError, 2), (OutputError, 2), (DataError, 1), (StorageError, 1), (UserError, 1)]
)
def test_every_error_knows_its_exit_code_and_crosses_processes(kind, exit_code):
    error = pickle.loads(pickle.dumps(kind("seed: -1 is negative")))  # noqa: S301  as a process pool does
    assert type(error) is kind
    assert str(error) == "seed: -1 is negative"
    assert isinstance(error, UserError)
    assert error.exit_code == exit_code


def test_an_argument_error_is_a_value_error():
    with pytest.raises(ValueError, match="seed"):
        raise ArgumentError("seed: -1 is negative")


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOSPC, "the disk is full; free some space"),
        (errno.EDQUOT, "your disk quota is used up; free some space"),
        (errno.EROFS, "the file system is read-only; choose a folder you can write to"),
        (errno.EACCES, "permission denied; choose a folder you can write to"),
        (errno.EIO, "broken; check the disk"),
        (None, "broken; check the disk"),
    ],
)
def test_a_failing_disk_is_told_in_words(code, reason):
    error = OSError("broken") if code is None else OSError(code, "broken")
    assert str(storage_error(Path("x/y"), error)) == (
        f"x/y: cannot be written: {reason}, then run the same command again: finished shards are kept, "
        f"nothing is half-written"
    )
