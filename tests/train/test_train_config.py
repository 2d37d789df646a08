"""Contradictions are refused when the configuration is made, by name and with the way out."""

import dataclasses

import pytest
from toy import config, model_config

from pain3d.errors import ArgumentError
from pain3d.model import codec
from pain3d.model.crop import CropPolicy
from pain3d.train.config import CONVENIENCE, TrainConfig, differences
from pain3d.train.distill import DistillWeights
from pain3d.train.losses import TaskWeights

LABELS_ALONE = DistillWeights(feature_cls=0, feature_patch=0, prediction=0)


def test_it_reads_back_what_it_wrote():
    made = config("student", teacher="runs/teacher", neutral=True)
    assert codec.from_json(TrainConfig, made.to_json(), "test") == made


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"samples": 0}, "samples: 0 is below 1"),
        ({"batch_size": 2.5}, "batch_size: 2.5 is not a whole number"),
        ({"workers": -1}, "workers: -1 is below 0"),
        ({"patience": 0}, "patience: 0 is below 1"),
        ({"lr": 0.0}, "lr: 0.0 is out of range; give a number above 0"),
        ({"lr": float("nan")}, "lr: nan is not finite"),
        ({"warmup_fraction": 1.5}, "warmup_fraction: 1.5 is out of range; give a number at least 0 and at most 1"),
        ({"ema": 1.0}, "ema: 1.0 is out of range; give a number at least 0 and below 1"),
        ({"clip": 0}, "clip: 0 is out of range"),
        ({"precision": "fp8"}, "precision: 'fp8' is unknown; choose one of no, bf16, fp16"),
        ({"device": "tpu"}, "device: 'tpu' is unknown; choose one of auto, cpu, cuda"),
        ({"choose_by": "test_mae"}, "choose_by: 'test_mae' is unknown; choose one of ccc, mae"),
    ],
)
def test_values_out_of_range_are_refused(changes, words):
    with pytest.raises(ArgumentError) as caught:
        config(**changes)
    assert words in str(caught.value)


def test_a_student_needs_a_teacher():
    with pytest.raises(ArgumentError, match="teacher: None, but distill asks for a teacher's"):
        config("student")


def test_attention_to_the_heat_alone_needs_none():
    assert config("student", distill=LABELS_ALONE).teacher is None


@pytest.mark.parametrize(("kind", "distill"), [("rgb", None), ("student", LABELS_ALONE)])
def test_a_teacher_that_nobody_looks_at_is_refused(kind, distill):
    with pytest.raises(ArgumentError, match="no term of this configuration looks at it"):
        config(kind, distill=distill, teacher="runs/teacher")


def test_a_teacher_is_not_taught():
    with pytest.raises(ArgumentError, match="distill: set for a model that reads heatmaps"):
        config("teacher", distill=LABELS_ALONE)


def replaced(made, **changes):
    return dataclasses.replace(made, frames=dataclasses.replace(made.frames, **changes))


@pytest.mark.parametrize(
    ("made", "changes", "words"),
    [
        (config(), {"size": 64}, "frames.size: 64 is not the model's image_size, 32"),
        (config("teacher"), {"heatmap": False}, "frames.heatmap: False"),
        (config("student", teacher="t"), {"au_heatmaps": False}, "frames.au_heatmaps: False"),
        (config(), {"neutral": "other_view"}, "frames.neutral: 'other_view', but the model's neutral is None"),
        (config(neutral=True), {"neutral": None}, "frames.neutral: None, but the model's neutral is"),
    ],
)
def test_frames_that_do_not_fit_the_model_are_refused(made, changes, words):
    with pytest.raises(ArgumentError) as caught:
        replaced(made, **changes)
    assert words in str(caught.value)


def test_faces_are_cut_one_way_alone():
    field = next(field for field in dataclasses.fields(CropPolicy) if field.type in (float, "float"))
    other = dataclasses.replace(CropPolicy(), **{field.name: vars(CropPolicy())[field.name] * 1.01})
    with pytest.raises(ArgumentError, match=r"frames\.crop"):
        replaced(config(), crop=other)


def test_a_landmark_head_and_its_weight_go_together():
    with pytest.raises(ArgumentError, match=r"task\.landmarks: 15, but model\.landmarks is False"):
        config(task=TaskWeights(landmarks=15.0))


def test_the_budget_is_in_samples():
    made = config(samples=1000, batch_size=8, accumulate=3)
    assert made.steps() == 41
    assert made.steps(processes=4) == 10
    with pytest.raises(ArgumentError, match="samples: 20 is less than one step takes"):
        config(samples=20, batch_size=8, accumulate=3).steps()


def test_two_processes_take_as_many_steps_as_twice_the_accumulation():
    assert config(samples=999).steps(processes=2) == config(samples=999, accumulate=2).steps()


def test_what_nothing_learnt_depends_on_is_no_part_of_a_run():
    made = config()
    other = dataclasses.replace(made, workers=3, threads=2, save_every=7, keep=9, log_every=2, recipe="mine")
    assert made.identity() == other.identity()
    assert not set(CONVENIENCE) & set(made.identity())


def test_differences_are_named():
    lines = differences(config(lr=0.1).to_json(), config(lr=0.2, model=model_config(head_hidden=16)).to_json())
    assert lines == ["lr: 0.2 there, 0.1 asked for", "model.head_hidden: 16 there, 32 asked for"]
