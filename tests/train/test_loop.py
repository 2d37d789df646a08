"""The loop: the same weights whatever interrupts it, clear refusals, and nothing lost."""

import dataclasses
import json
import os
import shutil
import signal

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from toy import SIDE, ToyFrames, config, model_config, use

from pain3d.errors import ArgumentError, DataError, OutputError
from pain3d.model.vitpain import ViTPain
from pain3d.train import run_data, validate
from pain3d.train.distill import DistillWeights
from pain3d.train.log import read_metrics
from pain3d.train.loop import train
from pain3d.train.state import checkpoints
from pain3d.train.tally import TrainingError

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture
def dataset(monkeypatch, tmp_path):
    return use(monkeypatch, tmp_path / "data")


def saved(folder, **changes):
    """An untrained model in a folder, for a teacher."""
    ViTPain(model_config(**{"kind": "heatmap", **changes})).save_pretrained(folder)
    return folder


def learnt(run):
    return load_file(checkpoints(run)[-1] / "state.safetensors")


def same(first, second):
    assert first.keys() == second.keys()
    return [name for name in first if not torch.equal(first[name], second[name])] == []


def stopped_at(step, act):
    def on_progress(done, _):
        if done == step * 16:
            act()

    return on_progress


BUDGET = {"samples": 96, "accumulate": 2, "ema": 0.9, "save_every": 4, "eval_every": 2}  # six steps of 2 x 8


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        root = tmp_path_factory.mktemp("whole")
        data = use(patch, root / "data")
        train(data, root / "run", config(**BUDGET))
    return root / "run"


@pytest.mark.parametrize(("number", "step"), [(signal.SIGINT, 1), (signal.SIGTERM, 3), (signal.SIGINT, 4)])
def test_a_signal_finishes_the_step_and_the_rest_comes_out_to_the_bit(dataset, tmp_path, uninterrupted, number, step):
    run = tmp_path / "run"
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt):
        train(dataset, run, config(**BUDGET), on_progress=stopped_at(step, lambda: os.kill(os.getpid(), number)))
    assert signal.getsignal(number) is before
    assert checkpoints(run)[-1].name == f"step-{step:07d}"
    result = train(dataset, run, config(**BUDGET))
    assert result.samples_now == 96 - 16 * step
    assert same(learnt(run), learnt(uninterrupted))
    assert same(load_file(run / "best/model.safetensors"), load_file(uninterrupted / "best/model.safetensors"))
    told = [(line["kind"], line["step"]) for line in map(json.loads, (run / "metrics.jsonl").read_text().splitlines())]
    assert len(told) == len(set(told))


def test_a_signal_amid_an_accumulation_waits_for_the_step(monkeypatch, dataset, tmp_path, uninterrupted):
    class Interrupting(ToyFrames):
        def batch(self, indices, epoch):
            batch = super().batch(indices, epoch)
            if batch.frame_ids[0] == f"train-{self.order(0)[16]}":  # the first half of step 2
                os.kill(os.getpid(), signal.SIGINT)
            return batch

    run = tmp_path / "run"
    with monkeypatch.context() as patch:
        patch.setattr(run_data, "FrameDataset", Interrupting)
        with pytest.raises(KeyboardInterrupt):
            train(dataset, run, config(**BUDGET))
    assert checkpoints(run)[-1].name == "step-0000002"
    train(dataset, run, config(**BUDGET))
    assert same(learnt(run), learnt(uninterrupted))


def test_a_kill_goes_on_from_the_last_checkpoint(dataset, tmp_path, uninterrupted):
    class Killed(BaseException):
        pass

    def kill():
        raise Killed

    run = tmp_path / "run"
    with pytest.raises(Killed):
        train(dataset, run, config(**BUDGET), on_progress=stopped_at(3, kill))
    assert checkpoints(run)[-1].name < "step-0000003"
    train(dataset, run, config(**BUDGET))
    assert same(learnt(run), learnt(uninterrupted))


def test_more_frames_a_batch_than_there_are_is_refused(dataset, tmp_path):
    with pytest.raises(ArgumentError, match="batch_size: 64 is more than the 40 training frames"):
        train(dataset, tmp_path / "run", config(batch_size=64))


def test_the_caller_s_generator_and_threads_are_left_alone(dataset, tmp_path):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    train(dataset, tmp_path / "run", config(samples=8, threads=1))
    assert torch.equal(torch.rand(1), expected)


def test_it_learns(dataset, tmp_path):
    train(dataset, tmp_path / "run", config(samples=320, eval_every=1000))
    losses = [line["loss/total"] for line in read_metrics(tmp_path / "run", "train")]
    assert sum(losses[-8:]) < 0.7 * sum(losses[:8])


def test_a_finished_run_is_left_as_it_is(dataset, tmp_path, uninterrupted):
    before = {path: path.read_bytes() for path in uninterrupted.rglob("*") if path.is_file()}
    result = train(dataset, uninterrupted, config(**BUDGET))
    assert result.samples_now == 0
    assert "finished before, nothing done" in result.text()
    assert {path: path.read_bytes() for path in uninterrupted.rglob("*") if path.is_file()} == before


def test_the_run_folder_of_another_configuration_is_refused(dataset, uninterrupted):
    with pytest.raises(OutputError) as caught:
        train(dataset, uninterrupted, config(**{**BUDGET, "lr": 0.5}))
    assert "holds another run (config.lr: 0.002 there, 0.5 asked for)" in str(caught.value)


def test_the_run_folder_of_another_dataset_is_refused(monkeypatch, tmp_path, uninterrupted):
    other = use(monkeypatch, tmp_path / "other", seed=2)
    with pytest.raises(OutputError, match=r"dataset\.seed: 1 there, 2 asked for"):
        train(other, uninterrupted, config(**BUDGET))


def test_a_folder_of_other_things_is_refused(dataset, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "thesis.tex").touch()
    with pytest.raises(OutputError, match=r"holds other files \(thesis.tex\)"):
        train(dataset, tmp_path / "run", config())
    with pytest.raises(OutputError, match="is a file"):
        train(dataset, tmp_path / "run" / "thesis.tex", config())


def test_best_is_what_validation_chose_and_loads(uninterrupted):
    looks = read_metrics(uninterrupted, "val")
    best = max(looks, key=lambda line: line["score"])
    told = json.loads((uninterrupted / "summary.json").read_text())
    assert told["best_step"] == best["step"]
    assert told["best"]["ccc"] == best["ccc"]
    assert ViTPain.from_pretrained(uninterrupted).config == config().model


def test_the_best_is_chosen_on_validation_subjects_alone(monkeypatch, dataset, tmp_path):
    def watched(seen):
        class Watched(ToyFrames):
            def batch(self, indices, epoch):
                seen.add(self.split)
                return super().batch(indices, epoch)

        return Watched

    trained, judged = set(), set()
    monkeypatch.setattr(run_data, "FrameDataset", watched(trained))
    monkeypatch.setattr(validate, "FrameDataset", watched(judged))
    train(dataset, tmp_path / "run", config(samples=16, eval_every=1))
    assert (trained, judged) == ({"train"}, {"val"})


def test_patience_ends_a_run(dataset, tmp_path):
    made = config(samples=800, eval_every=1, patience=2, lr=1e-12, lr_heads=1e-12, min_lr=0.0)
    result = train(dataset, tmp_path / "run", made)
    assert result.stopped_early and result.steps < 100
    assert train(dataset, tmp_path / "run", made).samples_now == 0


def test_a_loss_that_is_no_number_stops_before_the_step(monkeypatch, dataset, tmp_path):
    class Poisoned(ToyFrames):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.bad = {int(self.order(0)[20])}  # in the third batch of eight

    monkeypatch.setattr(run_data, "FrameDataset", Poisoned)
    run = tmp_path / "run"
    with pytest.raises(TrainingError) as caught:
        train(dataset, run, config(save_every=2))
    order = ToyFrames(None, "train", None, 0).order(0)[16:24]
    assert "not finite at step 3" in str(caught.value)
    assert f"over the frames {', '.join(f'train-{i}' for i in order)}" in str(caught.value)
    assert "step-0000002" in str(caught.value)
    assert caught.value.exit_code == 1
    assert json.loads((run / "failed_step.json").read_text())["frame_ids"] == [f"train-{i}" for i in order]
    assert all(bool(value.isfinite().all()) for value in learnt(run).values())


def test_a_student_learns_from_a_teacher_that_stays_as_it_is(dataset, tmp_path):
    teacher = saved(tmp_path / "teacher")
    before = load_file(teacher / "model.safetensors")
    result = train(dataset, tmp_path / "run", config("student", teacher=teacher, samples=16))
    assert same(load_file(teacher / "model.safetensors"), before)
    line = read_metrics(tmp_path / "run", "train")[0]
    assert {f"loss/distill/{name}" for name in ("feature_cls", "feature_patch", "prediction", "spatial")} <= line.keys()
    assert result.recipe == "student/toy"
    state = learnt(tmp_path / "run")
    assert any(name.startswith("adam.exp_avg/projector.") for name in state)
    assert "projector" not in " ".join(load_file(tmp_path / "run" / "best" / "model.safetensors"))
    # Used, the student wants one picture: no heatmap, no teacher.
    shutil.rmtree(teacher)
    (told,) = ViTPain.from_pretrained(tmp_path / "run").predict_crops(np.zeros((1, SIDE, SIDE, 3), np.uint8))
    assert 0 <= told.pspi <= 16


def test_a_teacher_without_neutral_teaches_a_student_with_one(dataset, tmp_path):
    teacher = saved(tmp_path / "teacher")
    made = config("student", teacher=teacher, neutral=True, samples=16)
    assert train(dataset, tmp_path / "run", made).steps == 2
    assert ViTPain.from_pretrained(tmp_path / "run").config.neutral is not None


def test_another_teacher_makes_another_run(dataset, tmp_path):
    teacher = saved(tmp_path / "teacher")
    made = config("student", teacher=teacher, samples=8)
    train(dataset, tmp_path / "run", made)
    ViTPain(model_config("heatmap"), seed=9).save_pretrained(teacher)
    with pytest.raises(OutputError, match="teacher_sha256"):
        train(dataset, tmp_path / "run", made)


def test_a_teacher_that_was_moved_is_the_same(dataset, tmp_path):
    made = config("student", teacher=saved(tmp_path / "teacher"), samples=8)
    train(dataset, tmp_path / "run", made)
    (tmp_path / "teacher").rename(tmp_path / "elsewhere")
    moved = dataclasses.replace(made, teacher=str(tmp_path / "elsewhere"))
    assert train(dataset, tmp_path / "run", moved).samples_now == 0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"kind": "rgb"}, "teacher: this model reads 'rgb', a teacher reads 'heatmap'"),
        ({"heatmap_max_mm": 8.0}, "teacher: it was trained on heatmaps of 8 mm full scale, the dataset has 16 mm"),
        ({"image_size": 64}, "was trained with image_size 64, the student has 32"),
        ({"neutral": True}, "compares with a neutral heatmap"),
    ],
)
def test_a_teacher_that_does_not_fit_is_refused_before_anything_starts(dataset, tmp_path, changes, words):
    teacher = saved(tmp_path / "teacher", **changes)
    with pytest.raises(ArgumentError) as caught:
        train(dataset, tmp_path / "run", config("student", teacher=teacher))
    assert words in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_missing_teacher_is_told(dataset, tmp_path):
    with pytest.raises(DataError, match=r"^teacher: "):
        train(dataset, tmp_path / "run", config("student", teacher=tmp_path / "nowhere"))
    assert not (tmp_path / "run").exists()


def test_attention_alone_needs_no_teacher(dataset, tmp_path):
    weights = DistillWeights(feature_cls=0, feature_patch=0, prediction=0)
    train(dataset, tmp_path / "run", config("student", distill=weights, samples=8))
    assert "loss/distill/spatial" in read_metrics(tmp_path / "run", "train")[0]


@pytest.mark.parametrize(
    ("changes", "kind", "error", "words"),
    [
        ({"complete": False}, "rgb", DataError, "the dataset is not finished"),
        ({"shards": ()}, "rgb", DataError, "no train frames"),
        ({"heatmap_max_mm": 8.0}, "rgb", ArgumentError, "model.heatmap_max_mm: 16, but the heatmaps of"),
        ({"annotations": ()}, "student", ArgumentError, "holds no heatmaps of single AUs"),
    ],
)
def test_a_dataset_that_does_not_fit_is_refused(monkeypatch, tmp_path, changes, kind, error, words):
    data = use(monkeypatch, tmp_path / "data", **changes)
    teacher = tmp_path / "teacher" if kind == "student" else None
    with pytest.raises(error) as caught:
        train(data, tmp_path / "run", config(kind, teacher=teacher))
    assert words in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_the_record_says_what_was_trained_on_what(uninterrupted):
    told = json.loads((uninterrupted / "config.json").read_text())
    assert told["recipe"] == "rgb/toy"
    assert told["config"] == config(**BUDGET).to_json()
    assert told["dataset"]["seed"] == 1 and len(told["dataset"]["manifest_sha256"]) == 64
    assert {"pain3d", "torch", "transformers"} <= told["packages"].keys()


def test_what_nothing_learnt_depends_on_may_change(dataset, tmp_path, uninterrupted):
    run = tmp_path / "run"
    with pytest.raises(KeyboardInterrupt):
        train(
            dataset,
            run,
            config(**BUDGET),
            on_progress=stopped_at(1, lambda: os.kill(os.getpid(), signal.SIGINT)),
        )
    train(dataset, run, dataclasses.replace(config(**BUDGET), save_every=1, log_every=3))
    assert same(learnt(run), learnt(uninterrupted))
