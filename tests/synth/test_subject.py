"""Subjects and single pictures: the Python front door."""

import subprocess
import sys

import numpy as np
import pytest

import pain3d
from pain3d.face.mesh import Region
from pain3d.facs import Expression
from pain3d.render.backgrounds import BACKGROUNDS
from pain3d.render.lights import LIGHTS
from pain3d.synth.studio import seated
from pain3d.synth.views import PITCH_DEGREES, YAW_DEGREES, sample_view

PAIN = Expression(AU4=3, AU6=2, AU9=4, AU43=1)


@pytest.fixture(scope="module")
def subject():
    return pain3d.Subject.sample(seed=7, age_years=71, sex="female", ethnicity="black")


def test_the_readme_s_first_lines(subject):
    frame = pain3d.render(subject, PAIN, yaw=30, resolution=96)
    assert frame.image.shape == (96, 96, 3) and frame.image.dtype == np.uint8
    assert frame.heatmap.shape == (96, 96) and 1 < frame.heatmap.max() < 30
    assert frame.landmarks.shape == (68, 2)
    assert frame.expression.pspi == 10
    assert frame.frame.camera.yaw == 30


def test_pictures_repeat_and_neutral_has_no_heatmap(subject):
    first = pain3d.render(subject, resolution=64)
    pain3d.render(subject, PAIN, resolution=64)
    again = pain3d.render(pain3d.Subject.sample(7, age_years=71, sex="female", ethnicity="black"), resolution=64)
    assert np.array_equal(first.image, again.image)
    assert first.heatmap.max() == 0
    assert first.expression.is_neutral


def test_one_sitting_serves_one_subject(subject):
    assert seated(subject, "cpu") is seated(subject, "cpu")


def test_what_is_given_changes_nothing_else():
    drawn = pain3d.Subject.sample(11)
    given = pain3d.Subject.sample(11, age_years=drawn.age_years)
    assert repr(drawn) == repr(given)
    assert pain3d.Subject.sample(11, sex="male").age_years == pain3d.Subject.sample(11, sex="female").age_years


def test_light_and_background_by_name(subject):
    def at(light, background):
        return pain3d.render(subject, light=light, background=background, resolution=64)

    one, same, lit, moved = (
        at(LIGHTS[0], BACKGROUNDS[0]), at(LIGHTS[0], BACKGROUNDS[0]), at(LIGHTS[1], BACKGROUNDS[0]),
        at(LIGHTS[0], BACKGROUNDS[1]),
    )  # fmt: skip
    face = one.segmentation == Region.SKIN
    behind = one.segmentation == Region.BACKGROUND
    assert np.array_equal(one.image, same.image)
    assert (one.image[face] != lit.image[face]).mean() > 0.5
    assert (one.image[behind] != moved.image[behind]).mean() > 0.5
    assert np.abs(one.image[face].astype(int) - moved.image[face]).mean() < 3, "the wall is behind, not on the face"
    view = sample_view(subject.seed, 0, resolution=8, light_name=LIGHTS[3], background_name=BACKGROUNDS[2])
    assert (view.light.name, view.background.name) == (LIGHTS[3], BACKGROUNDS[2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pain3d.Subject.sample(-1), "seed: -1 is outside 0.."),
        (lambda: pain3d.Subject.sample(0, age_years=12), "age_years: 12 is outside 18..95, the ages pain3d models"),
        (lambda: pain3d.Subject.sample(0, sex="x"), "sex: 'x' is unknown; choose one of female, male"),
        (lambda: pain3d.Subject.sample(0, ethnicity="x"), "ethnicity: 'x' is unknown; choose one of black"),
        (lambda: sample_view(0, 0, resolution=64, light_name="x"), "light: unknown recipe 'x'; pain3d has"),
    ],
)
def test_errors(call, message):
    with pytest.raises(ValueError) as caught:
        call()
    assert str(caught.value).startswith(message)


def test_views_keep_to_the_contract():
    for seed in range(150):
        for view_id, (low, high) in YAW_DEGREES.items():
            view = sample_view(seed, view_id, resolution=8)
            assert low <= view.yaw <= high
            assert PITCH_DEGREES[0] <= view.pitch <= PITCH_DEGREES[1]
            assert abs(view.roll) <= 5
    assert YAW_DEGREES == {0: (-5.0, 5.0), 1: (20.0, 45.0), 2: (-45.0, -20.0)}


def test_views_differ_between_subjects_views_and_expressions():
    drawn = [sample_view(seed, view, resolution=8) for seed in range(3) for view in range(3)]
    drawn += [sample_view(0, 0, resolution=8, expression_id=i) for i in range(3)]
    assert len({view.pitch for view in drawn}) == len(drawn)


def test_every_light_and_background_comes_up():
    views = [sample_view(seed, 0, resolution=8) for seed in range(200)]
    assert {view.light.name for view in views} == set(LIGHTS)
    assert {view.background.name for view in views} == set(BACKGROUNDS)


def test_importing_the_package_is_light():
    code = (
        "import sys, pain3d, pain3d.cli; pain3d.Expression, pain3d.PlanConfig, pain3d.open_dataset; "
        "print(sorted({'torch', 'warp', 'scipy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_rendering_does_not_import_torch():
    code = "import sys, pain3d, pain3d.synth.demo; print('torch' in sys.modules, callable(pain3d.render))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False True"


def test_public_names():
    for name in pain3d.__all__:
        assert pain3d.__dict__.get(name) is not None or getattr(pain3d, name) is not None
        assert name in dir(pain3d)
    with pytest.raises(AttributeError, match="module 'pain3d' has no attribute 'Face'; it has Expression"):
        pain3d.Face  # noqa: B018
