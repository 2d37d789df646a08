"""Glasses fit every head: rigid, off the skin, clear of the eyes, the same for the same seed."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from worn_measures import CELLS, bare_triangles, eye_triangles, outside_mm, posed_mm, vertices_of, wearer

from pain3d.demographics import ETHNICITIES, SEXES
from pain3d.face.mesh import Region
from pain3d.facs import Expression
from pain3d.skin.looks import PLAIN
from pain3d.synth.subject import Subject
from pain3d.worn.frames import SHAPES, FrameStyle, frame_style, lens_outline

SEVERE = Expression(AU4=5, AU6=5, AU7=5, AU9=5, AU10=5, AU25=5)
STRAINED = (Expression(), SEVERE, Expression(AU6=5, AU12=5, AU26=5), Expression(AU1=5, AU2=5))
EARS_BEHIND_MM = -62.0
"""Temples lie in the fold of the ear behind this."""


@pytest.mark.parametrize("number", CELLS)
def test_frames_stay_off_the_skin_of_resting_and_strained_faces(number):
    subject = wearer(number)
    frame = vertices_of(subject, Region.GLASSES)
    for expression in STRAINED:
        mesh = subject.head.express(expression)
        places = posed_mm(subject, mesh)[frame]
        places = places[places[:, 2] > EARS_BEHIND_MM]
        # arms of nose pads touch the nose, as they should
        assert outside_mm(places, mesh, bare_triangles(0.05)).min() > -0.3


@pytest.mark.parametrize("number", CELLS)
def test_nothing_comes_near_the_eyes(number):
    subject = wearer(number)
    mesh = subject.head.neutral
    everything = vertices_of(subject, Region.GLASSES, Region.BACKGROUND)
    places = posed_mm(subject, mesh)[everything]
    assert outside_mm(places[places[:, 2] > 0], mesh, eye_triangles()).min() > 4.0


def test_glasses_do_not_move_with_the_face():
    subject = wearer(CELLS[0])
    frame = vertices_of(subject, Region.GLASSES)
    rest = posed_mm(subject, subject.head.neutral)[frame]
    for expression in STRAINED[1:]:
        np.testing.assert_array_equal(posed_mm(subject, subject.head.express(expression))[frame], rest)


def test_frames_are_about_as_wide_as_the_face():
    for number in CELLS:
        subject = wearer(number)
        front = posed_mm(subject, subject.head.neutral)[vertices_of(subject, Region.GLASSES)]
        front = front[front[:, 2] > 0]
        assert 110 < np.ptp(front[:, 0]) < 160
        assert abs(front[:, 0].max() + front[:, 0].min()) < 2


def test_a_frame_depends_on_the_seed_alone():
    for sex in SEXES:
        for group in ETHNICITIES:
            subject = Subject(seed=11, age_years=80, sex=sex, ethnicity=group, looks=replace(PLAIN, glasses=1.0))
            assert frame_style(subject.seed) == frame_style(11)


def test_all_shapes_and_both_makes_are_worn():
    styles = [frame_style(seed) for seed in range(60)]
    assert {style.shape for style in styles} == set(SHAPES)
    assert 0.25 < np.mean([style.metal for style in styles]) < 0.75
    assert all(isinstance(style, FrameStyle) for style in styles)


@pytest.mark.parametrize("shape", SHAPES)
def test_outlines_run_once_around_the_lens(shape):
    outline = lens_outline(shape, 50.0, 48)
    turn = np.unwrap(np.arctan2(outline[:, 1], outline[:, 0]))
    assert (np.diff(turn) > 0).all()
    assert 42 < np.ptp(outline[:, 0]) < 60
    assert 28 < np.ptp(outline[:, 1]) < 50
