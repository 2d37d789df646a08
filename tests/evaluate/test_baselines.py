"""Baselines and the geometry oracle, on made-up frames whose answer is known."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from data.handmade import dataset, manifest

from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError
from pain3d.evaluate import oracle as oracle_module
from pain3d.evaluate.baselines import always_positive, mean_predictor, training_truth
from pain3d.evaluate.oracle import STABLE, Geometry, aligned, fit_oracle
from pain3d.evaluate.table import aus_of, column, truth_table
from pain3d.facs import PAIN_AUS, pspi
from pain3d.streams import stream


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("baselines") / "OUT"
    dataset(folder, manifest(subjects=10))
    return folder


def test_mean_predictor_says_the_training_mean(out):
    training, test = training_truth(out), truth_table(open_dataset(out, "test"))
    table = mean_predictor(test, training)
    assert column(table, "pred_PSPI") == pytest.approx(column(training, "PSPI").mean(), abs=1e-6)
    assert aus_of(table, predicted=True)[0] == pytest.approx([column(training, n).mean() for n in PAIN_AUS], abs=1e-6)
    assert np.ptp(column(table, "pred_PSPI")) == 0


def test_always_positive_says_the_worst_pain(out):
    table = always_positive(truth_table(open_dataset(out, "test")))
    assert set(column(table, "pred_PSPI")) == {16.0}
    assert aus_of(table, predicted=True)[0].tolist() == [5, 5, 5, 5, 5, 1]


def test_no_training_frames(tmp_path):
    dataset(tmp_path / "OUT", manifest(subjects=1))
    with pytest.raises(DataError, match="no training frames to take the mean of; generate 10 subjects or more"):
        training_truth(tmp_path / "OUT")


def test_alignment_undoes_shift_turn_and_scale():
    rng = stream(0, "test", "aligned")
    shape = rng.normal(size=(68, 2))
    shape -= shape[list(STABLE)].mean(axis=0)
    turn = np.array([[np.cos(0.4), -np.sin(0.4)], [np.sin(0.4), np.cos(0.4)]])
    moved = 3.0 * shape @ turn.T + [100.0, 50.0]
    assert aligned(moved[None], shape)[0] == pytest.approx(shape, abs=1e-9)


def _made_up(monkeypatch, *, spread: float) -> None:
    """Brows that sink by AU4 from a height that each person has (sd `spread`); two views a person."""

    def geometry(dataset, split, *, seed=0, noise_px=0.0):
        rng = stream(1, "test", str(split))
        subjects, expressions, views = {"train": 60, "val": 20, "test": 20}[split], 6, 2
        base = rng.normal(size=(68, 2)) * 0 + stream(2, "test").normal(size=(68, 2)) * 40
        rest = rng.normal(0, spread, subjects)
        rows, points, targets = [], [], []
        for s in range(subjects):
            for e in range(expressions):
                for v in range(views):
                    shape = base.copy()
                    shape[17:27, 1] += rest[s] + 4 * e
                    points.append(shape)
                    targets.append([float(pspi(AU4=e, AU6=0, AU7=0, AU9=0, AU10=0, AU43=0)), e, 0, 0, 0, 0, 0])
                    frame_id = f"s{s:05d}-e{e:02d}-v{v}"
                    rows.append({"frame_id": frame_id, "subject_id": f"s{s:05d}", "expression_id": e, "view_id": v})
        pose = np.zeros((len(rows), 3))
        return Geometry(
            truth=pa.Table.from_pylist(rows), points=np.array(points), pose=pose, targets=np.array(targets, float)
        )

    monkeypatch.setattr(oracle_module, "geometry", geometry)


def _error(policy, split="test"):
    fitted = fit_oracle("made up", policy, learners=("ridge",))
    table = fitted.predict("made up", split)
    truth = np.array([int(i[8:10]) for i in table.column("frame_id").to_pylist()], float)
    return np.abs(column(table, "pred_PSPI") - truth).mean(), table


def test_oracle_reads_a_face_it_can_read_alone(monkeypatch):
    _made_up(monkeypatch, spread=0.0)
    assert _error("none")[0] < 0.02


@pytest.mark.parametrize("policy", ["other_view", "same_view"])
def test_a_neutral_face_helps_where_people_differ(monkeypatch, policy):
    _made_up(monkeypatch, spread=20.0)
    alone, _ = _error("none")
    compared, table = _error(policy)
    assert alone > 0.8
    assert compared < 0.1
    frames, neutrals = (table.column(name).to_pylist() for name in ("frame_id", "neutral_frame_ids"))
    assert all(n[:6] == f[:6] and n[7:10] == "e00" for f, n in zip(frames, neutrals, strict=True))
    assert all((n[-1] == f[-1]) == (policy == "same_view") for f, n in zip(frames, neutrals, strict=True))


def test_boosting_is_taken_only_where_it_is_better_on_validation_subjects(monkeypatch):
    _made_up(monkeypatch, spread=0.0)
    fitted = fit_oracle("made up", "none")
    assert fitted.learner == ("boosting" if fitted.validation_mae["boosting"] < 1e-3 else "ridge")
    assert (
        min(fitted.validation_mae.values())
        == fitted.validation_mae["boosting" if fitted.learner == "boosting" else f"ridge {fitted.penalty:g}"]
    )


def test_oracle_runs_on_a_dataset(out):
    table = fit_oracle(out, "other_view", learners=("ridge",), noise_px=0.5).predict(out, "test", noise_px=0.5)
    assert len(table) == 8
    assert ((column(table, "pred_PSPI") >= 0) & (column(table, "pred_PSPI") <= 16)).all()


def test_one_view_has_no_other(tmp_path):
    dataset(tmp_path / "OUT", manifest(views=1))
    with pytest.raises(ArgumentError, match=r"'other_view', but s0000. has one view only; choose none or same_view"):
        fit_oracle(tmp_path / "OUT", "other_view")
