"""Reading a dataset as photos, calibrating a run on them, and the folder that is handed on."""

from __future__ import annotations

import json

import numpy as np
import pytest
from data.handmade import dataset, manifest

from pain3d.errors import ArgumentError, DataError
from pain3d.evaluate import photos
from pain3d.evaluate.bundle import calibrate_run, make_bundle
from pain3d.evaluate.photos import chosen_rows, predict_photos
from pain3d.evaluate.table import column, truth_table
from pain3d.model.calibration import Calibration
from pain3d.model.config import BackboneConfig, NeutralConfig, ViTPainConfig
from pain3d.model.detect import Detection
from pain3d.model.vitpain import ViTPain

BACKBONE = BackboneConfig(hidden_size=32, layers=2, heads=2, mlp_ratio=2, patch_size=8)


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundle") / "OUT"
    dataset(folder, manifest(subjects=20, expressions=6, distractors=1, views=2))
    return folder


@pytest.fixture
def model():
    return ViTPain(ViTPainConfig(image_size=32, backbone=BACKBONE, head_hidden=32), seed=1)


@pytest.fixture
def faces(monkeypatch):
    """A detector for pictures without faces: one box, always the same."""
    monkeypatch.setattr(photos, "find_faces", lambda image: [Detection(box_xyxy=(4.0, 4.0, 28.0, 30.0), score=0.9)])


def test_as_many_frames_of_each_subject(out):
    truth = truth_table(photos.open_dataset(out, None))
    rows = chosen_rows(truth, 60, 0)
    subjects, counts = np.unique(np.array(truth.column("subject_id").to_pylist())[rows], return_counts=True)
    assert len(subjects) == 20 and set(counts) == {3} and (np.diff(rows) > 0).all()
    assert not np.array_equal(rows, chosen_rows(truth, 60, 1))
    assert len(chosen_rows(truth, None, 0)) == 320
    with pytest.raises(ArgumentError, match="frames: 0 is below 1"):
        chosen_rows(truth, 0, 0)


def test_photos_are_read_beside_their_truth(out, model, faces):
    read = predict_photos(model, out, "val", frames=16)
    assert len(read.table) == len(read.rows) == len(read.scale) == 16 and not len(read.missed)
    assert np.isfinite(column(read.table, "pred_PSPI")).all()
    assert (read.scale > 0).all()


def test_a_comparing_model_gets_another_view(out, faces):
    comparing = ViTPain(ViTPainConfig(image_size=32, backbone=BACKBONE, head_hidden=32, neutral=NeutralConfig(heads=2)))
    table = predict_photos(comparing, out, "val", frames=8).table
    pairs = zip(table.column("frame_id").to_pylist(), table.column("neutral_frame_ids").to_pylist(), strict=True)
    assert all(other[:10] == f"{one[:6]}-e00" and other[-1] != one[-1] for one, other in pairs)


def test_frames_without_a_face_are_told_apart(out, model, monkeypatch):
    monkeypatch.setattr(photos, "find_faces", lambda image: [])
    read = predict_photos(model, out, "val", frames=8)
    assert (len(read.table), len(read.missed)) == (0, 8)


def test_a_run_is_calibrated_once(out, model, faces, tmp_path):
    model.save_pretrained(tmp_path / "RUN" / "best")
    assert "calibrated on 64 frames of 4 validation subjects" in calibrate_run(tmp_path / "RUN", out)
    found = Calibration.read(tmp_path / "RUN" / "best")
    assert found is not None and found.provenance["crop"] == "detector" and found.provenance["dataset"] == "OUT"
    assert ViTPain.from_pretrained(tmp_path / "RUN").calibration == found
    assert calibrate_run(tmp_path / "RUN", out) == "calibrated before"


def test_what_cannot_be_calibrated_is_told(out, model, monkeypatch, tmp_path):
    monkeypatch.setattr(photos, "find_faces", lambda image: [])
    model.save_pretrained(tmp_path / "best")
    assert "no face was found in 64 validation frames" in calibrate_run(tmp_path, out)
    teacher = ViTPain(
        ViTPainConfig(input="heatmap", image_size=32, backbone=BACKBONE, head_hidden=32, mean=(0.05,), std=(0.12,))
    )
    teacher.save_pretrained(tmp_path / "T" / "best")
    assert calibrate_run(tmp_path / "T", out) == "not calibrated: a teacher reads heatmaps, not photos"
    with pytest.raises(ArgumentError, match="holds a teacher"):
        make_bundle(tmp_path / "T", out, tmp_path / "B", commands=[])


def test_a_bundle_is_a_model_with_calibration_and_card(out, model, faces, tmp_path):
    run = tmp_path / "RUN"
    model.save_pretrained(run / "best")
    how = {"recipe": "rgb/tiny_cpu", "config": {"seed": 7}, "packages": {"torch": "2.13.0"}}
    (run / "config.json").write_text(json.dumps(how))
    (run / "summary.json").write_text(json.dumps({"samples": 64, "steps": 4, "best_step": 2}))
    made = make_bundle(run, out, tmp_path / "B", commands=["pain3d train OUT RUN"], bootstrap=100)
    read = ViTPain.from_pretrained(made.folder)
    assert read.calibration == made.calibration
    card = (made.folder / "README.md").read_text()
    for words in (
        "not felt pain",
        "Not a medical device",
        "seed 7",
        "pain3d train OUT RUN",
        "mean predictor",
        "  - by sex: female ",
        "## Limits",
    ):
        assert words in card
    assert str(tmp_path) not in card + (made.folder / "calibration.json").read_text()


def test_a_damaged_summary_is_told(out, model, faces, tmp_path):
    model.save_pretrained(tmp_path / "RUN" / "best")
    (tmp_path / "RUN" / "config.json").write_text("{}")
    (tmp_path / "RUN" / "summary.json").write_text("{")
    with pytest.raises(DataError, match=r"config.json or summary.json is damaged"):
        make_bundle(tmp_path / "RUN", out, tmp_path / "B", commands=[], bootstrap=100)
