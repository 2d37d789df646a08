"""Which skin a subject wears, and what the plan and the manifest say of it."""

from __future__ import annotations

import pytest

from pain3d import Looks, PlanConfig, Subject
from pain3d.errors import ArgumentError
from pain3d.synth.demo import demo_config
from pain3d.synth.generate import generate, plan_manifest


def test_a_sampled_skin_is_the_default():
    assert PlanConfig().skin == Subject.sample(seed=3).looks.skin == demo_config().skin == "diffusion"
    assert plan_manifest(PlanConfig()).configuration["skin"].startswith("diffusion ")
    assert plan_manifest(PlanConfig(skin="procedural")).configuration["skin"] == "procedural"
    assert "skin" not in repr(Subject.sample(seed=3))


def test_the_skin_changes_nothing_else_about_the_subject():
    painted, sampled = Subject.sample(seed=3, looks=Looks(skin="procedural")), Subject.sample(seed=3)
    assert painted != sampled
    assert painted.skin_traits == sampled.skin_traits
    assert "skin='procedural'" in repr(painted)


@pytest.mark.parametrize("make", [lambda skin: Looks(skin=skin), lambda skin: PlanConfig(skin=skin)])
def test_what_is_no_name_is_refused(make):
    with pytest.raises(TypeError, match="skin: 3 is not a str"):
        make(3)
    with pytest.raises((ValueError, ArgumentError), match="skin: is empty; give procedural, diffusion"):
        make("")


def test_a_model_that_is_not_there_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(ArgumentError, match="skin: 'nothing' is no folder"):
        generate(tmp_path / "out", PlanConfig(subjects=1, skin="nothing"), workers=1)
    assert not (tmp_path / "out").exists()
