"""Nine complete configurations; teacher, student and rgb differ in what the kind decides alone."""

from typing import get_args

import pytest

from pain3d.errors import ArgumentError
from pain3d.train.recipes import RECIPES, Kind, recipe, with_options

TEACHERS = {"teacher": None, "student": "runs/teacher", "rgb": None}


@pytest.mark.parametrize("size", RECIPES)
@pytest.mark.parametrize("kind", get_args(Kind))
def test_each_recipe_is_complete(kind, size):
    made = recipe(kind, size=size, teacher=TEACHERS[kind], seed=5)
    assert made.recipe == f"{kind}/{size}"
    assert made.seed == 5
    assert made.model.input == ("heatmap" if kind == "teacher" else "rgb")
    assert (made.distill is not None) == (kind == "student")
    assert made.steps() > made.eval_every


@pytest.mark.parametrize("size", RECIPES)
def test_student_and_rgb_differ_by_the_teacher_alone(size):
    student = recipe("student", size=size, teacher="runs/teacher").to_json()
    rgb = recipe("rgb", size=size).to_json()
    frames = {name for name in rgb["frames"] if rgb["frames"][name] != student["frames"][name]}
    differing = {name for name in rgb if rgb[name] != student[name]}
    assert frames <= {"heatmap", "au_heatmaps", "grid"}
    assert differing <= {"recipe", "distill", "teacher", "frames"}


@pytest.mark.parametrize("size", RECIPES)
def test_a_neutral_on_request_comes_from_another_view(size):
    made = recipe("rgb", size=size, neutral=True)
    assert made.model.neutral is not None and made.frames.neutral == "other_view"
    assert recipe("rgb", size=size, neutral=False).model.neutral is None


def test_the_paper_trains_adapters_alone():
    made = recipe("rgb", size="paper")
    assert made.model.lora is not None and (made.model.lora.rank, made.model.lora.alpha) == (8, 16.0)
    assert (made.lr, made.lr_heads, made.batch_size, made.weight_decay) == (1e-5, 1e-4, 48, 0.1)
    assert made.steps() == 150 * 1750 * 33 // 48


@pytest.mark.parametrize(
    ("words", "call"),
    [
        ("recipe: 'pupil' is unknown; choose one of teacher, student, rgb", {"kind": "pupil"}),
        ("size: 'huge' is unknown; choose one of tiny_cpu, small_gpu, paper", {"kind": "rgb", "size": "huge"}),
        ("teacher: not given, but a student learns from one", {"kind": "student"}),
        ("teacher: runs/t is given, but no term", {"kind": "rgb", "teacher": "runs/t"}),
        ("neutral: True for a teacher", {"kind": "teacher", "neutral": True}),
    ],
)
def test_what_does_not_go_together_is_refused(words, call):
    with pytest.raises(ArgumentError) as caught:
        recipe(**call)
    assert words in str(caught.value)


def test_options_replace_what_is_given():
    made = recipe("rgb")
    assert with_options(made, samples=None, lr=None) == made
    assert with_options(made, samples=5_000).samples == 5_000
