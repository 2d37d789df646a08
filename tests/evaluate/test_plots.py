"""Curves behind the plots against counts by hand; files that open, and come out the same twice."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from PIL import Image

from pain3d.evaluate.plots import (
    CLASSES,
    Bar,
    confusion_counts,
    reliability_curve,
    roc_curve,
    write_plots,
)
from pain3d.streams import stream


def test_roc_steps_over_ties_at_once():
    positive = np.array([True, False, True, False, True])
    false, true = roc_curve(positive, np.array([3.0, 2.0, 2.0, 1.0, 1.0]))
    assert false == pytest.approx([0, 0, 0.5, 1])
    assert true == pytest.approx([0, 1 / 3, 2 / 3, 1])


def test_confusion_rounds_halves_up_and_fills_the_ranges():
    counts = confusion_counts(np.array([0.0, 1.0, 16.0, 8.0]), np.array([0.49, 0.5, 12.4, 20.0]))
    assert counts[0, 0] == 1  # 0.49 is 0
    assert counts[1, 1] == 1  # 0.5 is 1
    assert counts[7, 6] == 1
    assert counts[4, 7] == 1  # past the end belongs to the last range
    assert counts.sum() == 4
    assert [low for low, _ in CLASSES[1:]] == [high + 1 for _, high in CLASSES[:-1]]


def test_reliability_counts_shares_and_leaves_out_small_bins():
    probability = np.repeat([0.05, 0.95, 0.55], [40, 40, 3])
    positive = np.concatenate([np.arange(40) < 4, np.arange(40) < 36, np.ones(3, bool)])
    said, seen = reliability_curve(positive, probability)
    assert said == pytest.approx([0.05, 0.95])
    assert seen == pytest.approx([0.1, 0.9])


def _table(n: int = 300) -> pa.Table:
    rng = stream(0, "test", "plots")
    truth = rng.integers(0, 17, n).astype(float)
    return pa.table({"PSPI": truth, "pred_PSPI": np.clip(truth + rng.normal(0, 1.5, n), 0, 16)})


def test_files_open_and_are_the_same_twice(tmp_path):
    table = _table()
    guess = table.column("pred_PSPI").to_numpy()
    probabilities = {t: 1 / (1 + np.exp(-(guess - t))) for t in (1, 2, 3)}
    bars = [
        Bar(group="sex", name="female", value=1.0, low=0.8, high=1.2),
        Bar(group="sex", name="male", value=1.1, low=float("nan"), high=float("nan")),
        Bar(group="ethnicity", name="east_asian", value=float("nan"), low=float("nan"), high=float("nan")),
    ]
    first = write_plots(table, tmp_path / "a", title="a test", probabilities=probabilities, bars=bars)
    again = write_plots(table, tmp_path / "b", title="a test", probabilities=probabilities, bars=bars)
    assert [file.stem for file in first] == ["scatter", "roc", "confusion", "groups", "reliability"]
    for one, other in zip(first, again, strict=True):
        assert one.read_bytes() == other.read_bytes()
        with Image.open(one) as picture:
            assert picture.width == 640
            assert len(np.unique(np.asarray(picture.convert("L")))) > 10


def test_what_cannot_be_drawn_is_left_out(tmp_path):
    table = pa.table({"PSPI": np.zeros(5), "pred_PSPI": np.zeros(5)})
    files = write_plots(table, tmp_path, title="all at rest", probabilities=None, bars=[])
    assert [file.stem for file in files] == ["scatter", "roc", "confusion"]
