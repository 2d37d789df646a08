"""Folds: everyone is tested once, nobody stands on two sides, and what is missing is an error."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pain3d.errors import ArgumentError, DataError
from pain3d.evaluate import folds_hdf5
from pain3d.evaluate.protocol import PUBLISHED_FOLDS, Fold, Protocol, protocol_of, read_protocol

LETTERS = {
    **{42: "ll", 43: "jh", 47: "jl", 48: "aa", 49: "bm", 52: "dr", 59: "fn", 64: "ak", 66: "mg", 80: "bn", 92: "ch"},
    **{95: "tv", 96: "bg", 97: "gf", 101: "mg", 103: "jk", 106: "nm", 107: "hs", 108: "th", 109: "ib", 115: "jy"},
    **{120: "kz", 121: "vw", 123: "jh", 124: "dn"},
}
UNBC = tuple(f"{number:03d}-{letters}{number:03d}" for number, letters in LETTERS.items())


def assert_lawful(protocol, subjects):
    assert sorted(subject for fold in protocol.folds for subject in fold.test) == sorted(subjects)
    for fold in protocol.folds:
        parts = [set(fold.train), set(fold.validation), set(fold.test)]
        assert all(parts) and sum(map(len, parts)) == len(set.union(*parts)) == len(subjects)


def test_the_published_folds_hold_each_subject_of_unbc_once():
    protocol = protocol_of("5fold-published", UNBC)
    assert_lawful(protocol, UNBC)
    assert [len(fold.validation) for fold in protocol.folds] == [4] * 5
    for fold, numbers in zip(protocol.folds, PUBLISHED_FOLDS, strict=True):
        assert {int(subject[:3]) for subject in fold.test} == set(numbers)
    assert protocol.folds[0].test == ("043-jh043", "048-aa048", "080-bn080", "101-mg101", "123-jh123")


@settings(deadline=None, max_examples=40)
@given(count=st.integers(4, 30), folds=st.integers(2, 6), seed=st.integers(0, 5), data=st.data())
def test_drawn_folds_are_lawful_whatever_the_order_of_the_subjects(count, folds, seed, data):
    subjects = [f"p{i:02d}" for i in range(count)]
    folds = min(folds, count)
    if count - -(-count // folds) < 2:
        return
    protocol = protocol_of("drawn", subjects, folds=folds, seed=seed)
    assert_lawful(protocol, subjects)
    sizes = [len(fold.test) for fold in protocol.folds]
    assert max(sizes) - min(sizes) <= 1
    assert protocol_of("drawn", data.draw(st.permutations(subjects)), folds=folds, seed=seed) == protocol


def test_other_seeds_draw_other_folds_and_other_validation_subjects():
    one, other = (protocol_of("drawn", UNBC, seed=seed) for seed in (0, 1))
    assert [f.test for f in one.folds] != [f.test for f in other.folds]
    one, other = (protocol_of("5fold-published", UNBC, seed=seed) for seed in (0, 1))
    assert [f.test for f in one.folds] == [f.test for f in other.folds]
    assert [f.validation for f in one.folds] != [f.validation for f in other.folds]


def test_leave_one_subject_out():
    protocol = protocol_of("loso", UNBC, validation=3)
    assert_lawful(protocol, UNBC)
    assert [fold.name for fold in protocol.folds] == sorted(UNBC)
    assert {len(fold.validation) for fold in protocol.folds} == {3}


def test_a_saved_protocol_is_read_as_it_was(tmp_path):
    protocol = protocol_of("drawn", UNBC, seed=3)
    protocol.write(tmp_path / "protocol.json")
    assert read_protocol(tmp_path / "protocol.json") == protocol
    assert protocol_of(f"json:{tmp_path / 'protocol.json'}", UNBC, seed=99) == protocol
    with pytest.raises(ArgumentError, match="drawn tests 124-dn124, but the dataset has no such subjects"):
        protocol_of(f"json:{tmp_path / 'protocol.json'}", UNBC[:-1])
    (tmp_path / "protocol.json").write_text('{"format": "pain3d protocol"}')
    with pytest.raises(DataError, match="no pain3d protocol of version 1, or damaged"):
        read_protocol(tmp_path / "protocol.json")
    with pytest.raises(DataError, match="not found; name a protocol"):
        read_protocol(tmp_path / "none.json")


def fold(name, train, validation, test):
    return Fold(name=name, train=tuple(train), validation=tuple(validation), test=tuple(test))


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (("ab", "c", "a"), "fold 1: subject a is in train and in test"),
        (("ab", "b", "c"), "fold 1: subject b is in train and in validation"),
        (("ab", "c", "c"), "fold 1: subject c is in validation and in test"),
        (("ab", "", "c"), "fold 1: no validation subjects"),
        (("", "b", "c"), "fold 1: no train subjects"),
        (("aa", "b", "c"), "fold 1: subject a is in train and in train"),
    ],
)
def test_overlap_and_empty_sides_are_errors(parts, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        fold("1", *parts)


@pytest.mark.parametrize(
    ("folds", "message"),
    [
        ([("1", "ab", "c", "d"), ("2", "ab", "c", "d")], "subject d is tested in fold 1 and in fold 2"),
        ([("1", "ab", "c", "d"), ("2", "bd", "c", "a")], "b, c of fold 1 are tested in no fold; a fold is missing"),
        ([("1", "b", "c", "ad"), ("2", "a", "d", "b"), ("3", "b", "d", "c")], "fold 2 lacks c"),
        ([("1", "b", "c", "ad"), ("1", "a", "d", "bc")], "two folds are called alike"),
        ([("1", "b", "c", "ad")], "1 folds; give at least two"),
    ],
)
def test_missing_folds_and_subjects_are_errors(folds, message):
    with pytest.raises(ArgumentError, match=message):
        Protocol(name="x", seed=0, folds=tuple(fold(*one) for one in folds))


@pytest.mark.parametrize(
    ("name", "subjects", "options", "message"),
    [
        ("5fold-published", UNBC[1:], {}, "5fold-published names subjects 42, which the dataset does not have"),
        ("5fold-published", (*UNBC, "130-zz130"), {}, "does not test 130-zz130 of the dataset"),
        ("5fold-published", (*UNBC, "42-other"), {}, "have the same; choose drawn"),
        ("5fold-published", ("anna", "ben", "cleo"), {}, "names subjects by number, but the dataset has 'anna'"),
        ("drawn", UNBC, {"folds": 1}, "folds: 1 of 25 subjects"),
        ("drawn", UNBC, {"folds": 26}, "folds: 26 of 25 subjects"),
        ("loso", UNBC, {"validation": 24}, "validation: 24 of the 24 subjects that fold 042-ll042 does not test"),
        ("loso", UNBC, {"validation": 0}, "validation: 0 of the 24"),
        ("kfold", UNBC, {}, "protocol: 'kfold' is unknown; choose 5fold-published, hdf5:FILE, drawn, loso or json:FI"),
        ("hdf5:", UNBC, {}, "protocol: 'hdf5:' is unknown"),
    ],
)
def test_refusals(name, subjects, options, message):
    with pytest.raises(ArgumentError, match=re.escape(message)):
        protocol_of(name, subjects, **options)


def _hdf5(path, change=lambda groups: None):
    h5py = pytest.importorskip("h5py")
    everyone = {number for numbers in PUBLISHED_FOLDS for number in numbers}
    groups = {
        f"fold-{i}": {"train_subjects": sorted(everyone - set(test)), "validation_subjects": sorted(test)}
        for i, test in enumerate(PUBLISHED_FOLDS)
    }
    change(groups)
    with h5py.File(path, "w") as file:
        for name, lists in groups.items():
            for key, values in lists.items():
                file.create_dataset(f"{name}/{key}", data=np.array(values))
    return path


def test_folds_of_an_hdf5_file(tmp_path):
    protocol = protocol_of(f"hdf5:{_hdf5(tmp_path / 'folds.hdf5')}", UNBC)
    assert_lawful(protocol, UNBC)
    published = protocol_of("5fold-published", UNBC)
    assert [fold.test for fold in protocol.folds] == [fold.test for fold in published.folds]
    assert [fold.name for fold in protocol.folds] == ["0", "1", "2", "3", "4"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g: g.pop("fold-3"), "lacks fold-3/train_subjects, fold-3/validation_subjects"),
        (lambda g: g["fold-1"].pop("train_subjects"), "lacks fold-1/train_subjects"),
        (lambda g: g["fold-0"]["train_subjects"].append(80), "fold-0: 080-bn080 in train_subjects and in validation"),
        (lambda g: g["fold-0"]["train_subjects"].remove(64), "fold-0: 064-ak064 of the dataset in neither"),
        (lambda g: g["fold-0"].update(validation_subjects=[1.5]), "fold-0/validation_subjects holds float64"),
    ],
)
def test_a_wrong_hdf5_file_is_an_error(tmp_path, change, message):
    with pytest.raises(DataError, match=re.escape(message)):
        protocol_of(f"hdf5:{_hdf5(tmp_path / 'folds.hdf5', change)}", UNBC)


def test_no_hdf5_file(tmp_path):
    pytest.importorskip("h5py")
    with pytest.raises(DataError, match="not found; name the file UNBC_CVFolds"):
        folds_hdf5.read_folds(tmp_path / "none.hdf5")
    (tmp_path / "text.hdf5").write_text("no")
    with pytest.raises(DataError, match="cannot be read as HDF5"):
        folds_hdf5.read_folds(tmp_path / "text.hdf5")


def test_without_h5py_the_way_out_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "h5py", None)
    with pytest.raises(DataError, match="needs the package h5py; install it with: pip install h5py"):
        folds_hdf5.read_folds(tmp_path / "none.hdf5")


def test_a_protocol_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        protocol_of("loso", UNBC).folds[0].test = ()  # pyright: ignore[reportAttributeAccessIssue]
