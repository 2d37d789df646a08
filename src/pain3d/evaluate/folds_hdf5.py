"""The file of five folds that goes with the HDF5 form of UNBC-McMaster: fold-0..4, each two lists of numbers."""

from __future__ import annotations

from pathlib import Path

from pain3d.errors import DataError

FOLDS = tuple(f"fold-{i}" for i in range(5))
LISTS = ("train_subjects", "validation_subjects")
"""The second are those that are held out and tested."""

Numbers = tuple[int, ...]


def read_folds(path: Path) -> dict[str, tuple[Numbers, Numbers]]:
    """Training and held-out subject numbers of each fold.

    Raises:
        DataError: if h5py is not installed, the file cannot be read, or a fold or one of its lists is missing.
    """
    try:
        import h5py
    except ImportError:
        raise DataError(f"{path}: reading HDF5 needs the package h5py; install it with: pip install h5py") from None
    try:
        with h5py.File(path, "r") as file:
            absent = [f"{fold}/{name}" for fold in FOLDS for name in LISTS if f"{fold}/{name}" not in file]
            if absent:
                raise DataError(
                    f"{path}: lacks {', '.join(absent)}; figures over a part of the folds are not the protocol's: "
                    f"restore the file UNBC_CVFolds, or choose --protocol 5fold-published"
                )
            return {
                fold: (_numbers(file, path, fold, LISTS[0]), _numbers(file, path, fold, LISTS[1])) for fold in FOLDS
            }
    except FileNotFoundError:
        raise DataError(f"{path}: not found; name the file UNBC_CVFolds_....hdf5") from None
    except (OSError, RuntimeError, KeyError, ValueError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: cannot be read as HDF5 ({error}); restore it from a copy") from None


def _numbers(file: object, path: Path, fold: str, name: str) -> Numbers:
    values = file[f"{fold}/{name}"][()]  # pyright: ignore[reportIndexIssue]
    flat = values.reshape(-1)
    if flat.dtype.kind not in "iu" or not len(flat):
        raise DataError(f"{path}: {fold}/{name} holds {flat.dtype} of shape {values.shape}; subject numbers expected")
    return tuple(int(value) for value in flat)
