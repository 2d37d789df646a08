"""The option `wet`: off by default, one gaze a subject, labels as before."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from pain3d.face.mesh import Part, Region
from pain3d.facs import Expression
from pain3d.skin.looks import PLAIN, Looks
from pain3d.synth.generate import plan_manifest
from pain3d.synth.plan import PlanConfig
from pain3d.synth.studio import studio
from pain3d.synth.subject import Subject
from pain3d.synth.views import sample_view

WET = replace(PLAIN, wet=True)


def someone(looks: Looks) -> Subject:
    return Subject(seed=11, age_years=70, sex="male", ethnicity="black", looks=looks)


def test_it_is_the_default_and_named_in_the_manifest():
    assert PlanConfig().wet and not PLAIN.wet
    for wet in (False, True):
        assert plan_manifest(PlanConfig(wet=wet)).configuration["wet"] is wet
    with pytest.raises(TypeError, match=r"^wet: 1 is not a bool; write for example wet=True$"):
        replace(PLAIN, wet=1)  # pyright: ignore[reportArgumentType]


def test_a_wet_sitting_keeps_every_label_and_a_dry_one_every_pixel():
    sittings = [studio("cpu").seat(someone(looks)) for looks in (PLAIN, replace(PLAIN, wet=False), WET)]
    scene = sample_view(11, 0, resolution=96).scene(96)
    pain = Expression(AU4=3, AU7=2, AU25=4)
    plain, dry, wet = (sitting.shoot(sitting.pose(pain), scene, ("albedo",)) for sitting in sittings)
    assert plain.rgb.tobytes() == dry.rgb.tobytes() != wet.rgb.tobytes()
    for label in ("landmarks_px", "heatmap_mm", "segmentation", "depth_m"):
        assert getattr(dry, label).tobytes() == getattr(wet, label).tobytes()
    # light-free colour: the iris is found where the eye looks, all else as painted
    recoloured = (dry.albedo != wet.albedo).any(axis=2)
    assert recoloured.any() and (dry.segmentation[recoloured] == Region.EYES).all()


def test_the_gaze_is_the_same_in_every_expression():
    sitting = studio("cpu").seat(someone(WET))
    eyes = np.unique(studio("cpu").renderer.topology.triangles[studio("cpu").renderer.topology.part == Part.EYE])
    still, pain = (sitting.pose(e).mesh.mesh.normals[eyes] for e in (Expression(), Expression(AU6=5, AU43=1)))
    assert still.tobytes() == pain.tobytes()
