"""The prediction table: what stands in it, in which order, and what an empty split says."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from data.handmade import dataset, manifest

from pain3d.data.reader import open_dataset
from pain3d.errors import DataError
from pain3d.evaluate.table import aus_of, column, logits_of, truth_table, what_it_is, with_predictions
from pain3d.expressions import CONFOUNDS, DISTRACTORS


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("table") / "OUT"
    dataset(folder, manifest(subjects=10, expressions=3, distractors=1, views=2))
    return folder


def test_truth_is_that_of_the_labels(out):
    truth = truth_table(open_dataset(out, "test"))
    assert len(truth) == 1 * 5 * 2
    labels = open_dataset(out, "test").labels(["frame_id", "PSPI", "AU4"])
    assert truth.column("frame_id").to_pylist() == labels.column("frame_id").to_pylist()
    assert truth.column("PSPI").to_pylist() == labels.column("PSPI").to_pylist()
    assert set(truth.column("kind").to_pylist()) == {"neutral", "pain", "distractor"}
    named = {
        e for e, k in zip(*(truth.column(n).to_pylist() for n in ("expression", "kind")), strict=True) if k[0] == "d"
    }
    assert len(named) == 1 and named <= set(DISTRACTORS)


def test_all_splits_together(out):
    truth = truth_table(open_dataset(out))
    assert len(truth) == 100
    assert set(truth.column("split").to_pylist()) == {"train", "val", "test"}


def test_kinds_follow_the_design():
    what = manifest(subjects=10, expressions=2, distractors=2, views=1)
    object.__setattr__(what.design, "confounds", 1)
    kinds = [what_it_is(what, 3, e) for e in range(6)]
    assert [kind for kind, _ in kinds] == ["neutral", "pain", "pain", "distractor", "distractor", "confound"]
    assert kinds[5][1] in CONFOUNDS
    assert {kinds[3][1], kinds[4][1]} <= set(DISTRACTORS)
    assert kinds[3][1] != kinds[4][1]


def test_an_empty_split_says_which_have_frames(tmp_path):
    dataset(tmp_path / "OUT", manifest(subjects=1))
    with pytest.raises(DataError, match=r"no frames to evaluate on; the splits with frames are test \(8\): choose one"):
        truth_table(open_dataset(tmp_path / "OUT", "train"))


def test_predictions_stand_beside_the_truth_and_what_is_missing_is_nan(out):
    truth = truth_table(open_dataset(out, "test"))
    aus = np.arange(60, dtype=np.float32).reshape(10, 6)
    table = with_predictions(truth, pspi=np.arange(10.0), aus=aus, policy="other_view", neutral_ids=["a b"] * 10)
    assert column(table, "pred_PSPI").tolist() == list(range(10))
    assert np.array_equal(aus_of(table, predicted=True), aus)
    assert np.isnan(logits_of(table)).all()
    assert table.column("neutral_frame_ids").to_pylist() == ["a b"] * 10
    assert set(table.column("neutral_policy").to_pylist()) == {"other_view"}
    assert column(table, "age_band").dtype == object
    assert table.schema.field("pred_AU43").type == pa.float32()
