"""Worn things in pictures: labels say what is seen, the rest stays to the bit, and without them nothing changes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import pain3d
from pain3d.errors import ArgumentError
from pain3d.expressions import Expression
from pain3d.face.mesh import Region
from pain3d.skin.looks import PLAIN, WORN, Looks
from pain3d.synth.face_files import write_face
from pain3d.synth.generate import generate
from pain3d.synth.plan import PlanConfig
from pain3d.synth.portrait import Portrait
from pain3d.synth.rows import palette_of, reproduce
from pain3d.synth.sitter import Sitter
from pain3d.synth.studio import Posed, studio
from pain3d.synth.subject import Subject
from pain3d.synth.views import sample_view

PAIN = Expression(AU4=4, AU6=4, AU7=3, AU9=3, AU10=4, AU25=2)
ALL = replace(PLAIN, glasses=1.0, cannula=1.0, gown=1.0)
THINGS = (Region.GLASSES, Region.CANNULA)


@cache
def seen(seed: int, looks: Looks, yaw: float = 0.0) -> Portrait:
    return pain3d.render(Subject.sample(seed, looks=looks), PAIN, yaw=yaw, resolution=160)


@pytest.mark.parametrize("yaw", [0.0, 35.0, -35.0])
@pytest.mark.parametrize("seed", [3, 5, 12])
def test_worn_things_leave_the_other_labels_to_the_bit(seed, yaw):
    subject = Subject.sample(seed, looks=replace(PLAIN, glasses=1.0, cannula=1.0))
    sitting = studio("cpu").seat(subject)
    posed = sitting.pose(PAIN)
    scene = sample_view(subject.seed, 0, resolution=160).turned(yaw=yaw, pitch=0.0, roll=0.0).scene(160)
    worn, bare = sitting.shoot(posed, scene), sitting.shoot(Posed(mesh=posed.mesh, hair=None), scene)
    np.testing.assert_array_equal(worn.landmarks_px, bare.landmarks_px)
    over = np.isin(worn.segmentation, THINGS)
    assert 0.005 < over.mean() < 0.1
    for name in ("segmentation", "heatmap_mm", "depth_m"):
        np.testing.assert_array_equal(getattr(worn, name)[~over], getattr(bare, name)[~over], err_msg=name)
    assert (worn.heatmap_mm[over] == 0).all()
    hidden = over & (bare.depth_m > 0)
    assert (worn.depth_m[hidden] < bare.depth_m[hidden] + 0.001).all()


def test_eyes_are_seen_through_lenses():
    worn, bare = seen(5, replace(PLAIN, glasses=1.0)), seen(5, PLAIN)
    eyes = bare.segmentation == Region.EYES
    assert (worn.segmentation[eyes] == Region.EYES).mean() > 0.9
    change = np.abs(worn.image[eyes].astype(int) - bare.image[eyes])
    assert 0 < change.mean() < 25


def test_normals_and_albedo_are_those_of_what_is_worn():
    subject = Subject.sample(5, looks=replace(PLAIN, glasses=1.0, cannula=1.0))
    sitting = studio("cpu").seat(subject)
    scene = sample_view(subject.seed, 0, resolution=160).scene(160)
    wanted = ("normals", "albedo")
    frame, plain = sitting.shoot(sitting.pose(PAIN, wanted), scene, wanted), sitting.shoot(sitting.pose(PAIN), scene)
    np.testing.assert_array_equal(frame.rgb, plain.rgb)  # asking changes nothing
    assert frame.normals is not None
    assert frame.albedo is not None
    over = np.isin(frame.segmentation, THINGS)
    np.testing.assert_allclose(np.linalg.norm(frame.normals[over], axis=1), 1, atol=1e-5)
    assert (frame.normals[over][:, 2] < 0.05).all()  # towards the camera
    assert (frame.albedo[over].max(axis=1) > 0).all()


def test_the_same_picture_twice():
    again = pain3d.render(Subject.sample(5, looks=ALL), PAIN, resolution=160)
    np.testing.assert_array_equal(seen(5, ALL).image, again.image)


def test_hair_hides_what_it_lies_over():
    looks = replace(PLAIN, hair="strands", glasses=1.0)
    long = seen(33, looks, 35.0)
    cap = seen(33, replace(PLAIN, glasses=1.0), 35.0)
    assert (long.segmentation == Region.GLASSES).sum() <= (cap.segmentation == Region.GLASSES).sum()
    assert (long.segmentation == Region.GLASSES).any()


def test_without_a_word_nothing_is_worn_and_no_pixel_changes():
    subject = Subject.sample(5)
    assert subject.worn == ()
    assert subject.wardrobe is None
    # who is not drawn for any of them looks as before
    some = replace(PLAIN, glasses=0.5, cannula=0.5, gown=0.5)
    seed = next(seed for seed in range(100) if not some.worn_by(seed))
    np.testing.assert_array_equal(seen(seed, some).image, seen(seed, PLAIN).image)


def test_shares_are_met_independent_and_nested():
    seeds = range(2000)
    worn = {
        share: [replace(PLAIN, **dict.fromkeys(WORN, share)).worn_by(seed) for seed in seeds]
        for share in (0.2, 0.6, 1.0)
    }
    for name in WORN:
        few, many = (np.array([name in things for things in worn[share]]) for share in (0.2, 0.6))
        assert abs(few.mean() - 0.2) < 0.03
        assert abs(many.mean() - 0.6) < 0.035
        assert (many | ~few).all()
        assert all(name in things for things in worn[1.0])
    both = np.mean([{"glasses", "cannula"} <= set(things) for things in worn[0.6]])
    assert abs(both - 0.36) < 0.035


@pytest.mark.parametrize("name", WORN)
def test_wrong_shares_are_refused(name):
    message = rf"{name}: 1.5 is outside 0..1; give the share of subjects who wear it, such as 0.3"
    with pytest.raises(ValueError, match=message):
        replace(PLAIN, **{name: 1.5})
    with pytest.raises(ArgumentError, match=message):
        PlanConfig(**{name: 1.5})
    with pytest.raises(TypeError, match=rf"{name}: True is not a number; write for example {name}=0.3"):
        replace(PLAIN, **{name: True})
    with pytest.raises(TypeError, match=rf"{name}: 'yes' is not a number"):
        PlanConfig(**{name: "yes"})


def test_the_palette_names_what_may_be_worn():
    names = [entry.name for entry in palette_of(PLAIN)]
    assert names[-1] == "garment"
    assert [entry.name for entry in palette_of(ALL)] == [*names, "glasses", "cannula"]
    assert [(entry.index, entry.name) for entry in palette_of(replace(PLAIN, cannula=0.1))][-1] == (11, "cannula")


def test_a_dataset_of_patients(tmp_path):
    config = PlanConfig(
        subjects=2, expressions=1, views=1, resolution=64, glasses=1.0, cannula=0.5, gown=1.0, annotations=("depth",)
    )
    made = generate(tmp_path / "out", config, workers=1)
    assert made.manifest.configuration["glasses"] == 1.0
    assert [entry.name for entry in made.manifest.palette][-2:] == ["glasses", "cannula"]
    assert pain3d.audit(tmp_path / "out").ok
    row = next(iter(pain3d.open_dataset(tmp_path / "out"))).row
    assert "glasses" in config.looks.worn_by(row["seed"])
    assert reproduce(row, config).image == row["image"]["bytes"]


def test_a_face_with_everything_on(tmp_path):
    made = write_face(tmp_path / "face.png", Sitter(seed=5, looks=ALL, resolution=96))
    assert made.labels["worn"] == ["glasses", "cannula", "gown"]
    assert made.labels["palette"]["cannula"] == 11
    bare = write_face(tmp_path / "bare.png", Sitter(seed=5, resolution=96))
    assert bare.labels["worn"] == []
    assert "glasses" not in bare.labels["palette"]
