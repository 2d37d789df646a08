"""Who is trained on, who chooses, who is tested: folds of subjects, checked so that nobody stands on two sides.

In every fold the test subjects decide nothing. A few of the others, the fold's validation subjects, choose the epoch
and the thresholds; the rest is trained on.
"""

from __future__ import annotations

import dataclasses
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pain3d.data.files import write_atomically
from pain3d.errors import ArgumentError, DataError
from pain3d.evaluate.folds_hdf5 import read_folds
from pain3d.outside import json_of
from pain3d.streams import stream

FORMAT, VERSION = "pain3d protocol", 1

PUBLISHED_FOLDS: tuple[tuple[int, ...], ...] = (
    (80, 101, 48, 43, 123),
    (124, 121, 59, 52, 42),
    (103, 47, 92, 115, 96),
    (49, 120, 108, 95, 109),
    (106, 66, 107, 97, 64),
)
"""Test subjects of UNBC-McMaster, by the number that their id begins with (Fiorentini et al., 2022)."""

CHOICES = "5fold-published, hdf5:FILE, drawn, loso or json:FILE"

VALIDATION_SHARE = 0.2
"""Of a fold's training subjects, that choose instead: 4 of the 20 of five published folds."""

_NUMBER = re.compile(r"\D*0*(\d+)")


@dataclass(frozen=True, kw_only=True)
class Fold:
    """One round: train, choose, test."""

    name: str
    train: tuple[str, ...]
    validation: tuple[str, ...]
    """They choose the epoch and our thresholds."""
    test: tuple[str, ...]

    def __post_init__(self) -> None:
        for part in ("train", "validation", "test"):
            if not vars(self)[part]:
                raise ArgumentError(f"protocol: fold {self.name}: no {part} subjects; each fold needs at least one")
        seen: dict[str, str] = {}
        for part in ("train", "validation", "test"):
            for subject in vars(self)[part]:
                if subject in seen:
                    raise ArgumentError(
                        f"protocol: fold {self.name}: subject {subject} is in {seen[subject]} and in {part}; "
                        f"a subject stands on one side only"
                    )
                seen[subject] = part

    @property
    def training_subjects(self) -> tuple[str, ...]:
        """Everyone but the test subjects, sorted: whom the published definitions take thresholds from."""
        return tuple(sorted((*self.train, *self.validation)))


@dataclass(frozen=True, kw_only=True)
class Protocol:
    """All rounds: every subject of the dataset is tested exactly once."""

    name: str
    """As it is asked for: 5fold-published, loso, ..."""
    seed: int
    """Of the validation subjects and, where they are drawn, of the folds."""
    folds: tuple[Fold, ...]

    def __post_init__(self) -> None:
        if len(self.folds) < 2:
            raise ArgumentError(f"protocol: {len(self.folds)} folds; give at least two, so that all are tested")
        names = [fold.name for fold in self.folds]
        if len(set(names)) != len(names):
            raise ArgumentError(f"protocol: two folds are called alike ({', '.join(names)}); give each its own name")
        tested: dict[str, str] = {}
        for fold in self.folds:
            for subject in fold.test:
                if subject in tested:
                    raise ArgumentError(
                        f"protocol: subject {subject} is tested in fold {tested[subject]} and in fold {fold.name}; "
                        f"each subject is tested once"
                    )
                tested[subject] = fold.name
        for fold in self.folds:
            named = {*fold.train, *fold.validation, *fold.test}
            if missing := sorted(set(tested) - named):
                raise ArgumentError(
                    f"protocol: fold {fold.name} lacks {', '.join(missing)}; every subject is trained on, chooses or "
                    f"is tested in every fold"
                )
            if untested := sorted(named - set(tested)):
                raise ArgumentError(
                    f"protocol: {', '.join(untested)} of fold {fold.name} are tested in no fold; a fold is missing"
                )

    @property
    def subjects(self) -> tuple[str, ...]:
        """Everyone, sorted."""
        return tuple(sorted(subject for fold in self.folds for subject in fold.test))

    def checked(self, subjects: Iterable[str]) -> Protocol:
        """The protocol itself, if it is about exactly these subjects.

        Raises:
            ArgumentError: if one is missing on either side.
        """
        present = set(subjects)
        if absent := sorted(set(self.subjects) - present):
            raise ArgumentError(
                f"protocol: {self.name} tests {', '.join(absent)}, but the dataset has no such subjects; import all of "
                f"them, or choose another protocol ({CHOICES})"
            )
        _refuse_untested(self.name, present - set(self.subjects))
        return self

    def to_json(self) -> dict[str, Any]:
        """As plain values; see `read_protocol`."""
        return {"format": FORMAT, "version": VERSION, **json.loads(json.dumps(dataclasses.asdict(self)))}

    def write(self, path: Path) -> None:
        """Write a JSON file, whole or not at all.

        Raises:
            StorageError: if the disk does not take it.
        """
        write_atomically(path, (json.dumps(self.to_json(), indent=2) + "\n").encode())


def read_protocol(path: Path) -> Protocol:
    """The protocol of a JSON file.

    Raises:
        DataError: if it is missing or damaged.
        ArgumentError: if subjects overlap or are missing.
    """
    try:
        content = json_of(path.read_text(encoding="utf-8"))
        if content.pop("format") != FORMAT or content.pop("version") != VERSION:
            raise ValueError("another format")
        folds = tuple(
            Fold(name=fold["name"], **{part: tuple(fold[part]) for part in ("train", "validation", "test")})
            for fold in content.pop("folds")
        )
        return Protocol(folds=folds, **content)
    except ArgumentError as error:
        raise DataError(f"{path}: {error}") from None
    except FileNotFoundError:
        raise DataError(f"{path}: not found; name a protocol.json, as crossval leaves it in its run folder") from None
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DataError(f"{path}: no {FORMAT} of version {VERSION}, or damaged ({error}); restore it") from None


def protocol_of(
    name: str, subjects: Sequence[str], *, folds: int = 5, validation: int | None = None, seed: int = 0
) -> Protocol:
    """The protocol of this name for the subjects of a dataset.

    Args:
        name: ``5fold-published``, ``hdf5:FILE`` (UNBC's fold file), ``drawn``, ``loso``, or ``json:FILE`` (a saved one,
            which is taken as it is).
        subjects: of the dataset.
        folds: how many are drawn.
        validation: subjects of each fold that choose; None: a fifth of those not tested, at least one.
        seed: of the draws.

    Raises:
        ArgumentError: for an unknown name, missing folds or subjects, or an overlap.
        DataError: if the file cannot be read.
    """
    present = tuple(sorted(set(subjects)))
    kind, colon, file = name.partition(":")
    if kind == "json" and file:
        return read_protocol(Path(file)).checked(present)
    if name == "5fold-published":
        tests = {str(i): _named(numbers, present, name) for i, numbers in enumerate(PUBLISHED_FOLDS, 1)}
    elif kind == "hdf5" and file:
        tests = _hdf5_tests(Path(file), present)
    elif name == "drawn":
        tests = _drawn(present, folds, seed)
    elif name == "loso":
        tests = {subject: (subject,) for subject in present}
    else:
        raise ArgumentError(f"protocol: {name!r} is unknown; choose {CHOICES}")
    _refuse_untested(name, set(present) - {subject for test in tests.values() for subject in test})
    made = tuple(_fold(fold, test, present, validation, seed) for fold, test in tests.items())
    return Protocol(name=kind if colon else name, seed=seed, folds=made).checked(present)


def _refuse_untested(name: str, subjects: set[str]) -> None:
    if subjects:
        raise ArgumentError(
            f"protocol: {name} does not test {', '.join(sorted(subjects))} of the dataset; a figure over a part of the "
            f"subjects is not that protocol's: choose another ({CHOICES})"
        )


def _fold(name: str, test: Sequence[str], everyone: Sequence[str], validation: int | None, seed: int) -> Fold:
    others = [subject for subject in everyone if subject not in set(test)]
    count = max(1, round(VALIDATION_SHARE * len(others))) if validation is None else validation
    if not 1 <= count < len(others):
        raise ArgumentError(
            f"validation: {count} of the {len(others)} subjects that fold {name} does not test; give at least 1, and "
            f"leave at least 1 to train on"
        )
    order = stream(seed, "inner validation", name).permutation(len(others))
    chosen = {others[place] for place in order[:count]}
    return Fold(
        name=name,
        train=tuple(subject for subject in others if subject not in chosen),
        validation=tuple(sorted(chosen)),
        test=tuple(sorted(test)),
    )


def _drawn(subjects: Sequence[str], folds: int, seed: int) -> dict[str, tuple[str, ...]]:
    if not 2 <= folds <= len(subjects):
        raise ArgumentError(f"folds: {folds} of {len(subjects)} subjects; give 2 to {max(len(subjects), 2)}")
    mixed = [subjects[int(place)] for place in stream(seed, "folds").permutation(len(subjects))]
    return {str(i + 1): tuple(mixed[i::folds]) for i in range(folds)}


def _hdf5_tests(path: Path, subjects: Sequence[str]) -> dict[str, tuple[str, ...]]:
    tests = {}
    for fold, lists in read_folds(path).items():
        train, test = (_named(numbers, subjects, str(path)) for numbers in lists)
        if both := sorted(set(train) & set(test)):
            raise DataError(f"{path}: {fold}: {', '.join(both)} in train_subjects and in validation_subjects")
        if neither := sorted(set(subjects) - {*train, *test}):
            raise DataError(f"{path}: {fold}: {', '.join(neither)} of the dataset in neither of its lists")
        tests[fold.removeprefix("fold-")] = test
    return tests


def _named(numbers: Iterable[int], subjects: Sequence[str], source: str) -> tuple[str, ...]:
    """Ids of the subjects with these numbers: 42 is ``042-ll042``."""
    by_number: dict[int, str] = {}
    for subject in subjects:
        match = _NUMBER.match(subject)
        if match is None:
            raise ArgumentError(
                f"protocol: {source} names subjects by number, but the dataset has {subject!r}, without one; "
                f"choose drawn, loso or json:FILE"
            )
        number = int(match[1])
        if number in by_number:
            raise ArgumentError(
                f"protocol: {source} names subjects by number, but {by_number[number]} and {subject} of the dataset "
                f"have the same; choose drawn, loso or json:FILE"
            )
        by_number[number] = subject
    wanted = tuple(numbers)
    absent = [number for number in wanted if number not in by_number]
    if absent:
        raise ArgumentError(
            f"protocol: {source} names subjects {', '.join(map(str, absent))}, which the dataset does not have; import "
            f"all of them, or choose drawn or loso"
        )
    return tuple(by_number[number] for number in wanted)
