"""Wrong kinds of arguments at the Python front door: the message names argument, value, rule and way out."""

import numpy as np
import pytest

import pain3d
from pain3d.arguments import finite_number, instance_of, whole_number
from pain3d.errors import ArgumentError

WHO = pain3d.Subject.sample(7)


def test_what_is_right_comes_back():
    assert whole_number("seed", np.int64(3), "7") == 3
    assert type(whole_number("seed", np.int64(3), "7")) is int
    assert finite_number("yaw", np.float32(0.5), "30") == 0.5
    assert finite_number("yaw", 3, "30") == 3.0
    assert instance_of(int, "n", 3, "1") == 3


WHOLE = "is not a whole number; write for example"


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        (
            lambda: pain3d.render(7),
            TypeError,
            "subject: 7 is not a Subject; write for example subject=pain3d.Subject.sample(seed=7)",
        ),
        (
            lambda: pain3d.render(WHO, "AU4=3"),
            TypeError,
            "expression: 'AU4=3' is not an Expression; write for example expression=pain3d.Expression(AU4=3)",
        ),
        (lambda: pain3d.render(WHO, yaw="30"), TypeError, "yaw: '30' is not a number; write for example yaw=30"),
        (
            lambda: pain3d.render(WHO, pitch=float("nan")),
            ValueError,
            "pitch: nan is not finite; write for example pitch=30",
        ),
        (lambda: pain3d.render(WHO, resolution=51.5), TypeError, f"resolution: 51.5 {WHOLE} resolution=512"),
        (lambda: pain3d.Subject.sample(1.5), TypeError, f"seed: 1.5 {WHOLE} seed=7"),
        (lambda: pain3d.Subject.sample(True), TypeError, f"seed: True {WHOLE} seed=7"),
        (lambda: pain3d.Subject.sample(1, age_years="71"), TypeError, f"age_years: '71' {WHOLE} age_years=71"),
        (lambda: pain3d.Subject.sample(1, age_years=71.5), TypeError, f"age_years: 71.5 {WHOLE} age_years=71"),
        (
            lambda: pain3d.generate("out", {"subjects": 5}),
            TypeError,
            "config: {'subjects': 5} is not a PlanConfig; write for example config=PlanConfig(subjects=50)",
        ),
        (
            lambda: pain3d.reproduce({}, 3),
            TypeError,
            "config: 3 is not a PlanConfig; write for example config=PlanConfig(subjects=50)",
        ),
        (lambda: pain3d.PlanConfig(subjects=2.0), TypeError, f"subjects: 2.0 {WHOLE} subjects=50"),
        (lambda: pain3d.PlanConfig(resolution="512"), TypeError, f"resolution: '512' {WHOLE} resolution=512"),
        (
            lambda: pain3d.PlanConfig(non_pain="half"),
            TypeError,
            "non_pain: 'half' is not a number; give a share such as 0.5",
        ),
        (
            lambda: pain3d.PlanConfig(vary_per_frame="no"),
            TypeError,
            "vary_per_frame: 'no' is not a bool; write for example vary_per_frame=True",
        ),
        (
            lambda: pain3d.PlanConfig(wrinkles=1),
            TypeError,
            "wrinkles: 1 is not a bool; write for example wrinkles=True",
        ),
        (
            lambda: pain3d.PlanConfig(wet="yes"),  # type: ignore[arg-type]
            TypeError,
            "wet: 'yes' is not a bool; write for example wet=True",
        ),
        (
            lambda: pain3d.PlanConfig(wrinkles=False, annotations=("wrinkles",)),
            ArgumentError,
            "annotations: wrinkles are asked for, but wrinkles is False: all of them would be 0; "
            "set wrinkles=True, or leave the annotation out",
        ),
        (
            lambda: pain3d.PlanConfig(annotations="depth"),
            TypeError,
            "annotations: 'depth' is one string; write a tuple, annotations=('depth',)",
        ),
        (
            lambda: pain3d.PlanConfig(only="s00001"),
            TypeError,
            "only: 's00001' is one string; write a tuple, only=('s00001',)",
        ),
        (
            lambda: pain3d.PlanConfig(backgrounds="/nowhere"),
            ArgumentError,
            "backgrounds: /nowhere is no folder; give a folder of JPEG or PNG pictures",
        ),
        (
            lambda: pain3d.generate("out", pain3d.PlanConfig(), workers="two"),
            ArgumentError,
            "workers: 'two' is no whole number; give a number of processes, or auto for one a core",
        ),
        (
            lambda: pain3d.Expression(AU4=[1, 2]),
            TypeError,
            "AU4: intensity [1, 2] is not a number; give a number from 0 to 5",
        ),
        (
            lambda: pain3d.Expression(AU4=np.array([1, 2])),
            TypeError,
            "AU4: intensity array([1, 2]) is an array, but an Expression is one face; give one number",
        ),
    ],
)
def test_wrong_kinds_are_refused(call, kind, message):
    with pytest.raises(kind) as caught:
        call()
    assert str(caught.value) == message


def test_backgrounds_may_be_a_string(tmp_path):
    assert pain3d.PlanConfig(backgrounds=str(tmp_path)).backgrounds == tmp_path


def test_numbers_of_numpy_make_the_same_plan():
    assert pain3d.PlanConfig(subjects=np.int64(5)) == pain3d.PlanConfig(subjects=5)
    assert type(pain3d.PlanConfig(subjects=np.int64(5)).subjects) is int


def test_subjects_are_equal_by_value():
    same = pain3d.Subject(seed=7, age_years=WHO.age_years, sex=WHO.sex, ethnicity=WHO.ethnicity)
    assert same == WHO and len({same, WHO}) == 1
    assert pain3d.Subject.sample(8) != WHO and WHO != 7
