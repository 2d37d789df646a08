"""Hair in the picture: labels of the face stay, labels of hair say what is seen, and without it nothing changes."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

import pain3d
from pain3d.errors import ArgumentError
from pain3d.expressions import Expression
from pain3d.face.mesh import Region
from pain3d.skin.looks import HAIR, PLAIN
from pain3d.synth.portrait import Portrait
from pain3d.synth.studio import Posed, hair_style, studio
from pain3d.synth.subject import Subject
from pain3d.synth.views import sample_view

PAIN = Expression(AU4=4, AU6=4, AU7=3, AU9=3, AU10=4, AU25=2)
STRANDS = replace(PLAIN, hair="strands")
FACE = (Region.SKIN, Region.LIPS, Region.BROWS)
SEED_OF = {"long": 33, "short": 34, "bun": 20, "receding": 5, "parted": 32, "bald": 1}
"""Subjects of these styles."""


@cache
def seen(seed: int, hair: str, yaw: float = 0.0) -> Portrait:
    subject = Subject.sample(seed, looks=replace(PLAIN, hair=hair))  # type: ignore[arg-type]
    return pain3d.render(subject, PAIN, yaw=yaw, resolution=160)


@pytest.mark.parametrize("style", SEED_OF)
def test_the_seeds_below_wear_these_styles(style):
    haircut = Subject.sample(SEED_OF[style], looks=STRANDS).haircut
    assert haircut is not None
    assert haircut.style == style


@pytest.mark.parametrize("yaw", [0.0, 35.0, -35.0])
@pytest.mark.parametrize("style", ["long", "short", "bun", "receding"])
def test_ribbons_leave_the_labels_of_the_face_to_the_bit(style, yaw):
    subject = Subject.sample(SEED_OF[style], looks=STRANDS)
    sitting = studio("cpu").seat(subject)
    posed = sitting.pose(PAIN)
    scene = sample_view(subject.seed, 0, resolution=160).turned(yaw=yaw, pitch=0.0, roll=0.0).scene(160)
    hairy, bare = sitting.shoot(posed, scene), sitting.shoot(Posed(mesh=posed.mesh, hair=None), scene)
    np.testing.assert_array_equal(hairy.landmarks_px, bare.landmarks_px)
    off = hairy.segmentation != Region.HAIR
    assert (np.isin(bare.segmentation, FACE) & off).mean() > 0.1
    for name in ("segmentation", "heatmap_mm", "depth_m"):
        np.testing.assert_array_equal(getattr(hairy, name)[off], getattr(bare, name)[off], err_msg=name)
    np.testing.assert_array_equal(hairy.segmentation == Region.EYES, bare.segmentation == Region.EYES)


@pytest.mark.parametrize("style", SEED_OF)
def test_the_haircut_leaves_landmarks_to_the_bit_and_the_face_where_it_was(style):
    strands, cap = seen(SEED_OF[style], "strands"), seen(SEED_OF[style], "cap")
    np.testing.assert_array_equal(strands.landmarks, cap.landmarks)
    both = np.isin(strands.segmentation, FACE) & np.isin(cap.segmentation, FACE)
    # along the hairline another thickness of the scalp bends the triangles a little
    np.testing.assert_allclose(strands.heatmap[both], cap.heatmap[both], atol=0.1)
    assert (strands.heatmap[both] == cap.heatmap[both]).mean() > 0.9


@pytest.mark.parametrize("style", ["long", "short", "bun"])
def test_where_the_labels_say_hair_there_is_no_heat_and_a_depth(style):
    frame = seen(SEED_OF[style], "strands").frame
    hair = frame.segmentation == Region.HAIR
    assert hair.mean() > 0.02
    assert (frame.heatmap_mm[hair] == 0).all()
    assert ((frame.depth_m[hair] > 0.5) & (frame.depth_m[hair] < 1.5)).all()


def test_long_hair_is_seen_beside_the_neck():
    long, cap = seen(SEED_OF["long"], "strands"), seen(SEED_OF["long"], "cap")
    below_chin = int(long.landmarks[8, 1])
    assert (long.segmentation[below_chin:] == Region.HAIR).sum() > 3 * (
        cap.segmentation[below_chin:] == Region.HAIR
    ).sum()


def test_who_is_bald_has_no_hair():
    bald = seen(SEED_OF["bald"], "strands")
    assert not (bald.segmentation == Region.HAIR).any()
    assert Subject.sample(SEED_OF["bald"], looks=STRANDS).ribbons is None


def test_normals_and_albedo_are_those_of_the_hair():
    subject = Subject.sample(SEED_OF["long"], looks=STRANDS)
    sitting = studio("cpu").seat(subject)
    scene = sample_view(subject.seed, 0, resolution=160).scene(160)
    wanted = ("normals", "albedo")
    frame = sitting.shoot(sitting.pose(PAIN, wanted), scene, wanted)
    plain = sitting.shoot(sitting.pose(PAIN), scene)
    np.testing.assert_array_equal(frame.rgb, plain.rgb)  # asking changes nothing
    assert frame.normals is not None
    assert frame.albedo is not None
    hair = frame.segmentation == Region.HAIR
    np.testing.assert_allclose(np.linalg.norm(frame.normals[hair], axis=1), 1, atol=1e-5)
    assert frame.albedo[hair].mean() < 90  # dark hair, before skin and a light background
    assert (frame.albedo[frame.segmentation == Region.BACKGROUND] == 0).all()


def test_the_same_hair_twice_and_in_every_expression():
    first = seen(SEED_OF["parted"], "strands")
    again = pain3d.render(Subject.sample(SEED_OF["parted"], looks=STRANDS), PAIN, resolution=160)
    np.testing.assert_array_equal(first.image, again.image)
    rest = pain3d.render(Subject.sample(SEED_OF["parted"], looks=STRANDS), resolution=160)
    top = slice(0, int(first.landmarks[17:27, 1].min()) - 25)
    same = (rest.segmentation == Region.HAIR)[top] == (first.segmentation == Region.HAIR)[top]
    assert same.mean() > 0.98


def test_painted_hair_has_no_ribbons():
    subject = Subject.sample(3, looks=PLAIN)
    assert subject.haircut is None
    assert subject.ribbons is None
    with pytest.raises(ValueError, match="has no ribbons"):
        hair_style(subject)


def test_unknown_hair_is_refused():
    with pytest.raises(ValueError, match=r"hair: 'wig' is none of cap, strands"):
        replace(PLAIN, hair="wig")  # type: ignore[arg-type]
    with pytest.raises(ArgumentError, match=r"hair: 'wig' is none of cap, strands"):
        pain3d.PlanConfig(hair="wig")  # type: ignore[arg-type]
    assert HAIR == ("cap", "strands")
