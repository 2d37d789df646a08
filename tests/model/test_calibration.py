"""Thresholds, intervals and probabilities, applied by hand; and the file."""

import numpy as np
import pytest

from pain3d.errors import ArgumentError, DataError
from pain3d.model.calibration import Calibration, probabilities_of

MADE = Calibration(
    thresholds=(0.5, 1.5, 4.0),
    radii=(1.0, 3.0),
    edges=(8.0,),
    slopes=(2.0, 1.0, 1.0),
    intercepts=(0.0, 1.0, 0.0),
    provenance={"seed": 0, "split": "val"},
)


def test_a_case_worked_by_hand():
    told = MADE.apply(np.array([0.5, 8.0, 15.0]), np.array([[0.0, 0.0, 0.0], [3.0, 1.0, -1.0], [9.0, 9.0, 9.0]]))
    np.testing.assert_allclose(told.low, [0.0, 5.0, 12.0])
    np.testing.assert_allclose(told.high, [1.5, 11.0, 16.0])
    assert told.flags.tolist() == [[True, False, False], [True, True, True], [True, True, True]]
    # the first row: sigmoid(0), then sigmoid(1) = 0.73 held down to 0.5, then sigmoid(0)
    np.testing.assert_allclose(told.probabilities[0], [0.5, 0.5, 0.5])
    np.testing.assert_allclose(told.probabilities[1], 1 / (1 + np.exp([-6.0, -2.0, 1.0])))


def test_probabilities_of_large_logits_do_not_overflow():
    assert probabilities_of(np.array([[1e4, 0.0, -1e4]])).tolist() == [[1.0, 0.5, 0.0]]


def test_written_and_read_it_is_the_same(tmp_path):
    assert Calibration.read(tmp_path) is None
    MADE.write(tmp_path)
    assert Calibration.read(tmp_path) == MADE


def test_a_damaged_file_is_named(tmp_path):
    path = MADE.write(tmp_path)
    text = path.read_text()
    for damaged, message in [
        (text[:-20], "is not readable JSON"),
        (text.replace('"format_version": 1', '"format_version": 2'), "is no pain3d calibration of version 1"),
        (text.replace('"coverage"', '"cover"'), r"unknown: cover; missing: coverage"),
        (text.replace("8.0", "-Infinity"), "edges"),
    ]:
        path.write_text(damaged)
        with pytest.raises(DataError, match=message):
            Calibration.read(tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"radii": (1.0,)}, "calibration.radii"),
        ({"radii": (1.0, -1.0)}, "calibration.radii"),
        ({"edges": (8.0, 8.0), "radii": (1.0, 1.0, 1.0)}, "calibration.edges: .* do not rise"),
        ({"coverage": 1.0}, "calibration.coverage: 1.0 is not between"),
        ({"slopes": (1.0, 0.0, 1.0)}, "calibration.slopes"),
    ],
)
def test_contradictions_are_refused(change, message):
    fields = {"thresholds": (1.0, 2.0, 3.0), "radii": (1.0, 1.0), "edges": (8.0,), **change}
    with pytest.raises(ArgumentError, match=message):
        Calibration(**fields)
