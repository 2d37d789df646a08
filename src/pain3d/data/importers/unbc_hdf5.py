"""UNBC-McMaster as three HDF5 files: frames, annotations, folds.

    frames_unbc_*.hdf5        image (N, H, W, 3) uint8, index (N)
    annotations_unbc_*.hdf5   index, subject_name, label_AU_4 ... label_AU_43, label_pspi
    UNBC_CVFolds_*.hdf5       fold-0 ... fold-4, each with train_subjects and validation_subjects

Row i of the annotations belongs to frame i. Labels may be two-dimensional with NaN: the largest value of a row counts,
and a row of NaN alone means that the unit is absent.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Float, UInt8

from pain3d.data.images import encode_rgb
from pain3d.data.importers.builder import DatasetBuilder
from pain3d.data.importers.policy import Intake
from pain3d.data.importers.reading import SourcePicture, checked_score, checked_units
from pain3d.data.importers.unbc_frame import Place, UnbcFrame
from pain3d.errors import ArgumentError, DataError, UserError
from pain3d.facs import AU_NAMES, PAIN_AUS

FOLDS = "folds.json"
"""Beside the manifest: the folds that came with the frames."""

FOLD_NAMES = tuple(f"fold-{number}" for number in range(5))

_AT_ONCE = 32
"""Frames read from the file in one piece."""
_MOST_PIXELS = 4_000_000
"""Of a frame; those of the archive have 76,800."""
_MOST_NUMBERS = 50_000_000
"""In a list of labels: a file of a few bytes can claim any size."""
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError, TypeError, UnicodeDecodeError)
"""What h5py raises where the structure of a file is damaged."""


class UnbcHdf5:
    """The three files."""

    form = "HDF5"
    has_landmarks = False

    def __init__(self, frames: Path, annotations: Path, folds: Path | None) -> None:
        self._frames, self._annotations, self._folds = frames, annotations, folds
        self._aus: dict[str, Float[np.ndarray, " row"]] = {}
        self._pspi: Float[np.ndarray, " row"] | None = None
        self._subjects: list[str] = []
        self._open: h5py.File | None = None
        self._first, self._piece = 0, np.zeros((0, 0, 0, 3), np.uint8)

    @staticmethod
    def find(source: Path) -> UnbcHdf5 | None:
        """The files in a folder, or below it; None if there are no frames.

        Raises:
            ArgumentError: if the annotations are missing, or there are several of one.
        """
        frames, annotations, folds = (
            _only(source, pattern) for pattern in ("frames_unbc*", "annotations_unbc*", "UNBC_CVFolds*")
        )
        if frames is None:
            return None
        if annotations is None:
            raise ArgumentError(
                f"source: {source} holds {frames.name}, but no annotations_unbc_*.hdf5; put both into one folder"
            )
        return UnbcHdf5(frames, annotations, folds)

    def places(self, intake: Intake) -> list[Place]:
        """Every frame that has a row, by row; the others are listed."""
        with _reading(self._frames), _open(self._frames) as file:
            image = _dataset(file, "image", self._frames)
            if image.dtype != np.uint8 or image.ndim != 4 or image.shape[3] != 3:
                raise DataError(
                    f"{self._frames}: image is {image.dtype} of shape {image.shape}; it is to be uint8 (N, H, W, 3)"
                )
            if image.shape[1] * image.shape[2] > _MOST_PIXELS:
                raise DataError(f"{self._frames}: frames of {image.shape[1:3]} pixels; {_MOST_PIXELS:,} are allowed")
            count = len(image)
            frame_index = self._numbers(file, "index", self._frames)
        with _reading(self._annotations), _open(self._annotations) as file:
            row_index = self._numbers(file, "index", self._annotations)
            self._subjects = self._names(file)
            self._read_labels(file, len(self._subjects), intake)
        if len(frame_index) != count:
            raise DataError(f"{self._frames}: index has {len(frame_index)} rows, image {count}")
        if len(row_index) != len(self._subjects):
            raise DataError(
                f"{self._annotations}: index has {len(row_index)} rows, subject_name {len(self._subjects)}; "
                f"they are to have one a frame"
            )
        places = []
        for row in range(max(count, len(row_index))):
            if row >= len(row_index):
                intake.drop(f"{self._frames.name}:{row}", "no row of annotations")
            elif row >= count or (row_index[row] != frame_index[row] and not 0 <= row_index[row] < count):
                index = f"index {row_index[row]:g}"
                intake.drop(f"{self._annotations.name}:{row}", f"{index} points past the last of {count} frames")
            else:
                if row_index[row] != frame_index[row]:
                    what = f"index {row_index[row]:g}, but {frame_index[row]:g} in {self._frames.name}"
                    intake.remark(f"{self._annotations.name}:{row}", f"{what}; taken as one frame, by row")
                places.append(
                    Place(
                        subject_id=self._subjects[row],
                        sequence_id=None,
                        frame_index=row,
                        file=f"{self._frames.name}:{row}",
                    )
                )
        return places

    def frame(self, place: Place, intake: Intake) -> UnbcFrame:
        """Picture and labels of a row."""
        row = place.frame_index
        where = f"{self._annotations}: row {row}"
        aus = {name: float(values[row]) for name, values in self._aus.items()}
        pixels = self._pixels(row)
        return UnbcFrame(
            picture=SourcePicture(encoded=encode_rgb(pixels, "png"), pixels=pixels),
            aus=checked_units(aus, where),
            pspi_file=None if self._pspi is None else checked_score(float(self._pspi[row]), where),
            landmarks=None,
        )

    def _pixels(self, row: int) -> UInt8[np.ndarray, "height width 3"]:
        """One picture, of a few that are read at once."""
        if not self._first <= row < self._first + len(self._piece):
            with _reading(self._frames, f"frames from {row} on "):
                self._piece = np.asarray(self._images()[row : row + _AT_ONCE])
            self._first = row
        return np.ascontiguousarray(self._piece[row - self._first])

    def _images(self) -> h5py.Dataset:
        if self._open is None:
            self._open = _open(self._frames)
        return _dataset(self._open, "image", self._frames)

    def close(self) -> None:
        """Close the frames' file."""
        if self._open is not None:
            self._open.close()

    def finish(self, builder: DatasetBuilder) -> None:
        """Write the folds as JSON, subjects by their names."""
        if self._folds is not None:
            builder.write(FOLDS, json.dumps(read_folds(self._folds, self._subjects), indent=2) + "\n")

    def _read_labels(self, file: h5py.File, rows: int, intake: Intake) -> None:
        for key in sorted(file):
            if not key.startswith("label_AU_"):
                continue
            name = key.replace("label_AU_", "AU")
            if name not in AU_NAMES:
                intake.remark(self._annotations.name, f"{key} is none of our Action Units; not kept")
                continue
            self._aus[name] = self._labels(file, key, rows)
        missing = [name for name in PAIN_AUS if name not in self._aus]
        if missing:
            keys = ", ".join(name.replace("AU", "label_AU_") for name in missing)
            raise DataError(f"{self._annotations}: {keys} not found; PSPI needs {', '.join(PAIN_AUS)}")
        if "label_pspi" in file:
            self._pspi = self._labels(file, "label_pspi", rows)
        else:
            intake.remark(self._annotations.name, "label_pspi not found; PSPI cannot be compared")

    def _labels(self, file: h5py.File, key: str, rows: int) -> Float[np.ndarray, " row"]:
        """One value a row: the largest where there are several, 0 where all are NaN."""
        values = self._numbers(file, key, self._annotations)
        if len(values) != rows:
            raise DataError(f"{self._annotations}: {key} has {len(values)} rows, subject_name {rows}")
        flat = values.reshape(rows, -1)
        return (
            np.where(np.isnan(flat), -np.inf, flat)
            .max(axis=1, initial=-np.inf, where=~np.isnan(flat))
            .clip(min=np.where(np.isnan(flat).all(axis=1), 0.0, -np.inf))
        )

    def _numbers(self, file: h5py.File, key: str, path: Path) -> np.ndarray:
        data = _dataset(file, key, path)
        if data.dtype.kind not in "iufb":
            raise DataError(f"{path}: {key} is {data.dtype}; it is to hold numbers")
        if data.ndim < 1:
            raise DataError(f"{path}: {key} is one number; it is to hold one a frame")
        return np.asarray(data[()], np.float64)

    def _names(self, file: h5py.File) -> list[str]:
        data = _dataset(file, "subject_name", self._annotations)
        words = np.ravel(data[()]).tolist()
        names = [(word.decode() if isinstance(word, bytes) else str(word)).strip("\0 ") for word in words]
        for row, name in enumerate(names):
            if not name.partition("-")[0].isdecimal():
                raise DataError(f"{self._annotations}: row {row}: subject_name {name!r}; one reads like 042-ll042")
        return names


def read_folds(path: Path, subjects: list[str]) -> dict[str, Any]:
    """The five folds, with subjects by name.

    Raises:
        DataError: if a fold is missing, or tests and trains on one subject, or two folds test the same subject.
    """
    by_number = {int(name.partition("-")[0]): name for name in subjects}
    folds, tested = [], set()
    with _reading(path), _open(path) as file:
        for name in FOLD_NAMES:
            if name not in file:
                raise DataError(f"{path}: {name} not found; there are to be {FOLD_NAMES[0]} to {FOLD_NAMES[-1]}")
            train, test = (
                {int(number) for number in np.ravel(_dataset(file, f"{name}/{part}", path)[()])}
                for part in ("train_subjects", "validation_subjects")
            )
            for twice in (train & test, tested & test):
                if twice:
                    what = "trained on as well" if twice == train & test else "tested by another fold too"
                    raise DataError(f"{path}: {name}: subject {min(twice)} is {what}")
            tested |= test
            parts = {"train": train, "test": test}
            folds.append(
                {
                    "name": name,
                    **{
                        part: sorted(by_number[n] for n in numbers if n in by_number) for part, numbers in parts.items()
                    },
                }
            )
    return {"source": path.name, "folds": folds}


def _dataset(file: h5py.File, key: str, path: Path) -> h5py.Dataset:
    found = file.get(key)
    if not isinstance(found, h5py.Dataset):
        raise DataError(f"{path}: {key} not found; the file holds {', '.join(sorted(file)) or 'nothing'}")
    if found.shape is None or (key != "image" and math.prod(found.shape) > _MOST_NUMBERS):
        raise DataError(f"{path}: {key} is of shape {found.shape}; at most {_MOST_NUMBERS:,} values are read")
    return found


def _only(source: Path, pattern: str) -> Path | None:
    found = sorted(path for ending in (".hdf5", ".h5") for path in source.rglob(f"{pattern}{ending}"))
    if len(found) > 1:
        raise ArgumentError(f"source: {source} holds {found[0].name} and {found[1].name}; name the folder of one copy")
    return found[0] if found else None


@contextlib.contextmanager
def _reading(path: Path, what: str = "") -> Iterator[None]:
    """Whatever h5py says of a damaged file, as one error that names it."""
    try:
        yield
    except UserError:
        raise
    except _DAMAGE as error:
        raise DataError(f"{path}: {what}cannot be read ({error}); restore it from a copy") from None


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise DataError(f"{path}: is no HDF5 file, or cut short ({error})") from None
