"""The report: known answers on a made-up table, and the whole way from a tiny model to files."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from data.handmade import dataset, manifest

from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError
from pain3d.evaluate import tables
from pain3d.evaluate.evaluate import evaluate, report
from pain3d.evaluate.inference import predict_table
from pain3d.evaluate.table import aus_of, column, truth_table, with_predictions
from pain3d.model.calibration import Calibration
from pain3d.model.config import BackboneConfig, NeutralConfig, ViTPainConfig
from pain3d.model.vitpain import ViTPain
from pain3d.streams import stream

BACKBONE = BackboneConfig(hidden_size=32, layers=2, heads=2, mlp_ratio=2, patch_size=8)
CALIBRATION = Calibration(thresholds=(0.5, 1.5, 2.5), radii=(1.0,))


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("evaluate") / "OUT"
    dataset(folder, manifest(subjects=20, expressions=6, distractors=1, views=2))
    return folder


@pytest.fixture(scope="module")
def model():
    return ViTPain(ViTPainConfig(image_size=32, backbone=BACKBONE, head_hidden=32), seed=1)


def _perfect(out, *, error: float = 0.0, split=None):
    truth = truth_table(open_dataset(out, split))
    pspi = column(truth, "PSPI")
    logits = np.stack([10 * (pspi - t + 0.5) for t in (1, 2, 3)], axis=1)
    noise = stream(0, "test", "evaluate").normal(0, 1, len(pspi)) * error
    return with_predictions(truth, pspi=np.clip(pspi + noise, 0, 16), aus=aus_of(truth, predicted=False), logits=logits)


def test_a_perfect_predictor_is_perfect(out):
    data = report(_perfect(out), CALIBRATION, {}, bootstrap=100)
    values = {name: figure["value"] for name, figure in data["headline"].items()}
    assert values == pytest.approx({"mae": 0, "rmse": 0, "pcc": 1, "icc31": 1, "icc21": 1, "kappa": 1, "auroc1": 1})
    assert data["frames"] == 20 * 8 * 2 and data["subjects"] == 20
    for row in data["thresholds"].values():
        assert [row[key]["value"] for key in ("auroc", "f1", "precision", "recall", "specificity")] == [1] * 5
    assert {row["PSPI >= 1"]["value"] for row in data["distractors"]["rows"].values()} == {0.0}
    assert data["neutral"]["age_band"]["75-95"]["PSPI >= 1"]["value"] == 1
    assert data["coverage"]["overall"]["value"] == 1
    assert data["stability"]["sd_between_views"]["value"] == pytest.approx(0)
    assert data["prevalence"]["rows"]["1"]["model"]["f1"]["value"] == pytest.approx(1)


def test_always_positive_at_the_clinical_prevalence(out):
    rule = report(_perfect(out), CALIBRATION, {}, bootstrap=100)["prevalence"]["rows"]["1"]["always positive"]
    assert rule["precision"]["value"] == pytest.approx(0.173)
    assert rule["f1"]["value"] == pytest.approx(2 * 0.173 / 1.173)
    assert rule["auroc"]["value"] == pytest.approx(0.5)


def test_a_constant_has_no_correlation_and_says_why(out):
    truth = truth_table(open_dataset(out))
    data = report(with_predictions(truth, pspi=np.full(len(truth), 4.0)), CALIBRATION, {}, bootstrap=100)
    assert data["headline"]["pcc"]["value"] is None
    assert data["headline"]["pcc"]["reason"]
    assert "n/a: " in tables.markdown({**_about(), **data})
    json.dumps(data, allow_nan=False)


def test_without_distractors_the_row_says_so(tmp_path):
    dataset(tmp_path / "OUT", manifest(subjects=10, distractors=0))
    data = report(_perfect(tmp_path / "OUT"), CALIBRATION, {}, bootstrap=100)
    assert data["distractors"]["reason"] == "this dataset has no distractors; generate one with --distractors 3"
    assert "n/a: this dataset has no distractors" in tables.markdown({**_about(), **data})


def test_the_report_is_a_pure_function_of_table_and_seed(out):
    table = _perfect(out, error=1.0)
    assert report(table, CALIBRATION, {}, bootstrap=100) == report(table, CALIBRATION, {}, bootstrap=100)
    low, high = (report(table, CALIBRATION, {}, bootstrap=100, seed=s)["headline"]["mae"]["low"] for s in (1, 2))
    assert low != high


def _about() -> dict:
    return {
        "title": "a test",
        "name": "model",
        "split": None,
        "calibration": "made up",
        "bootstrap": 100,
        "synthetic": True,
    }


def test_predictions_do_not_depend_on_the_batch(out, model):
    one, other = (predict_table(model, out, "test", batch=batch) for batch in (5, 32))
    assert one.column("frame_id").to_pylist() == other.column("frame_id").to_pylist()
    assert column(one, "pred_PSPI") == pytest.approx(column(other, "pred_PSPI"), abs=1e-4)
    assert set(one.column("neutral_policy").to_pylist()) == {"none"}
    assert not model.training


def test_neutral_frames_are_of_another_view_unless_asked(out):
    compared = ViTPain(ViTPainConfig(image_size=32, backbone=BACKBONE, head_hidden=32, neutral=NeutralConfig(heads=2)))
    for policy in ("other_view", "same_view"):
        table = predict_table(compared, out, "test", neutral=policy)
        frames, neutrals = (table.column(name).to_pylist() for name in ("frame_id", "neutral_frame_ids"))
        assert all(n[:6] == f[:6] and n[7:10] == "e00" for f, n in zip(frames, neutrals, strict=True))
        assert {n[-1] == f[-1] for f, n in zip(frames, neutrals, strict=True)} == {policy == "same_view"}
    assert predict_table(compared, out, "test").column("neutral_policy")[0].as_py() == "other_view"
    with pytest.raises(ArgumentError, match="neutral: 'none', but this model compares with a neutral"):
        predict_table(compared, out, "test", neutral="none")


def test_from_a_model_to_files(out, model, tmp_path):
    seen: list[tuple[int, int]] = []
    found = evaluate(
        model, out, to=tmp_path / "E", bootstrap=100, device="cpu", on_progress=lambda *at: seen.append(at)
    )
    assert {file.name for file in found.files} >= {"tables.md", "metrics.json", "predictions.parquet", "scatter.png"}
    assert json.loads((tmp_path / "E" / "metrics.json").read_text()) == found.to_json()
    assert pq.read_table(tmp_path / "E" / "predictions.parquet").equals(found.table)
    assert "fitted on the validation subjects of OUT" in (tmp_path / "E" / "tables.md").read_text()
    assert {"mean predictor", "always positive", "geometry oracle, neutral other view"} <= set(found.data["baselines"])
    assert seen[-1] == (96, 96), "64 frames to calibrate on, then 32 to judge"
    assert "AUROC@1" in found.text() and "not felt pain" in found.text()


def test_a_teacher_is_evaluated_on_heatmaps(out):
    config = ViTPainConfig(input="heatmap", image_size=32, backbone=BACKBONE, head_hidden=32, mean=(0.05,), std=(0.12,))
    teacher = ViTPain(config)
    teacher.calibration = CALIBRATION
    found = evaluate(teacher, out, split=None, bootstrap=100, device="cpu", oracle=False)
    assert found.data["calibration"] == "from the checkpoint"
    assert found.data["frames"] == 320
    scaled = ViTPain(ViTPainConfig(**{**vars(config), "heatmap_max_mm": 8.0}))
    with pytest.raises(ArgumentError, match=r"reads heatmaps on a scale of 8 mm, but .* has 16 mm"):
        predict_table(scaled, out, "test")


def test_refusals(out, model, tmp_path):
    with pytest.raises(ArgumentError, match="bootstrap: 10 is below 100; too few draws for an interval"):
        evaluate(model, out, bootstrap=10)
    with pytest.raises(ArgumentError, match="split: 'all', but the model brings no calibration"):
        evaluate(model, out, split=None)
    dataset(tmp_path / "ONE", manifest(subjects=1))
    with pytest.raises(DataError, match="no validation subjects to calibrate thresholds and intervals on"):
        evaluate(model, tmp_path / "ONE")
    with pytest.raises(DataError, match="no frames to evaluate on; the splits with frames are test"):
        evaluate(model, tmp_path / "ONE", split="val")
    assert isinstance(truth_table(open_dataset(out)), pa.Table)


def test_every_frame_of_another_dataset_is_judged_by_the_calibration_of_its_own(out, model, tmp_path):
    dataset(tmp_path / "C", manifest(subjects=4, expressions=6, distractors=1, views=2))
    found = evaluate(model, tmp_path / "C", split=None, training=out, bootstrap=100, device="cpu")
    assert found.data["frames"] == 64
    assert found.calibration.provenance["dataset"] == "OUT" and found.calibration.provenance["crop"] == "landmarks"
    assert found.data["baselines"]["geometry oracle, neutral none"]["mae"]["value"] is not None


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"shots": 0}, "shots: 0 is below 1"),
        ({"batch": 0}, "batch: 0 is below 1"),
        ({"bootstrap": 5}, "bootstrap: 5 is below 100"),
        ({"device": "tpu"}, "device: 'tpu' is unknown"),
        ({"split": None}, "split: 'all', but the model brings no calibration"),
        ({"neutral": "same_view"}, "neutral: 'same_view', but this model reads one picture"),
    ],
)
def test_contradictions_are_refused_before_anything_is_computed(out, wrong, message):
    fresh = ViTPain(ViTPainConfig(image_size=32, backbone=BACKBONE, head_hidden=32), seed=1)
    with pytest.raises(ArgumentError, match=message):
        evaluate(fresh, out, **wrong, on_progress=lambda *_: pytest.fail("it began"))


def test_confounds_have_a_table_of_their_own(out):
    table = _perfect(out)
    kinds = ["confound" if kind == "distractor" else kind for kind in table.column("kind").to_pylist()]
    table = table.set_column(table.schema.get_field_index("kind"), "kind", pa.array(kinds))
    data = report(table, CALIBRATION, {}, bootstrap=100)
    assert data["confounds"]["rows"]["all"]["MAE"]["value"] == pytest.approx(0)
    assert "## Confounds" in tables.markdown({**_about(), **data})
