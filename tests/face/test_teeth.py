"""Dental arches: shapes of teeth, their places, and that they stay in the mouth."""

from __future__ import annotations

import numpy as np
import pytest
from anatomy_measures import Person, parts, poke_mm

from pain3d.face.mesh import Part
from pain3d.face.teeth import LOWER_ARCH, SCALE_RANGE, UPPER_ARCH, Arch
from pain3d.face.tooth import LOWER, UPPER, Tooth, crown, faces_mm, segments_of

LIPS_MOVED = [
    {},
    {"AU10": 5},
    {"AU12": 5},
    {"AU20": 5},
    {"AU27": 5},
    {"AU20": 5, "AU27": 5},
    {"AU10": 5, "AU12": 5, "AU20": 5, "AU25": 5},
]


def teeth_points() -> np.ndarray:
    topology = parts()[1].topology
    return np.unique(topology.triangles[topology.part == Part.TEETH])


def upper_points() -> np.ndarray:
    return teeth_points()[: 2 * sum(len(crown(tooth)[0]) for tooth in UPPER)]


def lower_points() -> np.ndarray:
    return teeth_points()[2 * sum(len(crown(tooth)[0]) for tooth in UPPER) :]


@pytest.mark.parametrize("tooth", [*UPPER, *LOWER])
def test_a_crown_is_a_solid_of_the_stated_size(tooth: Tooth) -> None:
    points, triangles = crown(tooth)
    edges = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    _, uses = np.unique(edges, axis=0, return_counts=True)
    assert (uses <= 2).all() and (uses == 1).sum() == segments_of(tooth)  # open at the root alone
    assert np.ptp(points[:, 0]) == pytest.approx(tooth.width_mm, rel=0.06)
    assert np.ptp(points[:, 1]) < 1.06 * tooth.depth_mm
    assert points[:, 2].min() == pytest.approx(tooth.lift_mm, abs=0.3)
    facial, lingual = faces_mm(tooth, np.array([-0.9, 0.0, 0.9]), np.full(3, 0.5))
    assert (facial > lingual).all()
    assert facial[1] > facial[0] and facial[0] == pytest.approx(facial[2])  # faces of teeth are round


def test_teeth_face_outwards() -> None:
    topology, points = parts()[1].topology, Person(0).pose().place(parts()[1]).astype(np.float64)
    for arch, first in ((UPPER_ARCH, 0), (LOWER_ARCH, int(lower_points()[0]))):
        for tooth in (*arch.teeth[::-1], *arch.teeth):
            last = first + len(crown(tooth)[0])
            mine = (topology.triangles[:, 0] >= first) & (topology.triangles[:, 0] < last)
            corners = points[topology.triangles[mine]] - points[first:last].mean(axis=0)
            assert (corners[:, 0] * np.cross(corners[:, 1], corners[:, 2])).sum() > 0
            first = last


@pytest.mark.parametrize("arch", [UPPER_ARCH, LOWER_ARCH])
def test_arches_have_the_breadth_of_adults(arch: Arch) -> None:
    """Greatest breadth over the facial surfaces: 55 to 66 mm above, 52 to 63 below."""
    points = Person(0).pose().place(parts()[1])[upper_points() if arch is UPPER_ARCH else lower_points()]
    breadth = np.ptp(points[:, 0]) * 1000
    assert (55 if arch is UPPER_ARCH else 52) < breadth < (66 if arch is UPPER_ARCH else 63)


@pytest.mark.parametrize("number", range(0, 50, 9))
def test_the_lower_arch_moves_rigidly_with_the_jaw_and_the_upper_one_never(number: int) -> None:
    person = Person(number)
    rest, wide = (pose.place(parts()[1]).astype(np.float64) for pose in (person.pose(), person.pose(AU27=5)))
    np.testing.assert_array_equal(rest[upper_points()], wide[upper_points()])
    low = lower_points()
    a, b = rest[low[::37]], wide[low[::37]]
    np.testing.assert_allclose(
        np.linalg.norm(a[:, None] - a, axis=2), np.linalg.norm(b[:, None] - b, axis=2), atol=1e-7
    )
    front = low[np.argsort(rest[low, 2])[-20:]]
    assert (rest[front, 1] - wide[front, 1]).min() > 0.012


@pytest.mark.parametrize("number", range(0, 50, 9))
def test_upper_incisors_overlap_the_lower_ones_and_show_under_the_lip(number: int) -> None:
    points = Person(number).pose().place(parts()[1])
    upper, lower = points[upper_points()], points[lower_points()]
    front_upper, front_lower = upper[np.abs(upper[:, 0]) < 0.004], lower[np.abs(lower[:, 0]) < 0.004]
    overlap = (front_lower[:, 1].max() - front_upper[:, 1].min()) * 1000
    assert 1.0 < overlap < 3.5
    assert front_upper[:, 2].max() > front_lower[:, 2].max() + 0.001
    width = np.ptp(upper[:, 0])
    assert SCALE_RANGE[0] * 0.055 < width < SCALE_RANGE[1] * 0.066


@pytest.mark.parametrize("moved", LIPS_MOVED)
@pytest.mark.parametrize("number", [0, 18, 41])
def test_no_tooth_comes_through_the_lips(number: int, moved: dict[str, float]) -> None:
    _assert_inside(number, moved, step=5)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(50))
def test_no_tooth_comes_through_the_lips_of_any_stratum(number: int) -> None:
    for moved in LIPS_MOVED:
        _assert_inside(number, moved, step=2)


def _assert_inside(number: int, moved: dict[str, float], step: int) -> None:
    pose = Person(number).pose(**moved)
    points = pose.place(parts()[1])[teeth_points()]
    front = points[np.abs(points[:, 0]) < 0.03][::step]
    assert poke_mm(front, pose.body_m).max() == 0


def test_the_measure_sees_teeth_that_do_come_through() -> None:
    pose = Person(0).pose()
    points = pose.place(parts()[1])[upper_points()][::5] + np.array([0, 0.004, 0.025])
    assert poke_mm(points[np.abs(points[:, 0]) < 0.015], pose.body_m).max() > 2


def test_tongue_lies_between_the_teeth_and_goes_down_with_the_jaw() -> None:
    person = Person(12)
    for moved in ({}, {"AU27": 5}):
        pose = person.pose(**moved)
        tongue, teeth = pose.place(parts()[2]), pose.place(parts()[1])[teeth_points()]
        assert np.ptp(tongue[:, 0]) < 0.7 * np.ptp(teeth[:, 0])
    tip = np.argmax(person.pose().place(parts()[2])[:, 2])
    drop = person.pose().place(parts()[2])[tip, 1] - person.pose(AU27=5).place(parts()[2])[tip, 1]
    assert drop > 0.012


def test_texture_keeps_teeth_and_gums_apart() -> None:
    topology = parts()[1].topology
    assert topology.uvs.min() >= 0 and topology.uvs.max() <= 1
    gums = np.unique(topology.triangles[topology.part == Part.MOUTH])
    assert topology.uvs[teeth_points(), 0].max() <= 0.5 < topology.uvs[gums, 0].min()
    assert set(np.unique(topology.part)) == {int(Part.MOUTH), int(Part.TEETH)}
    assert len(topology.triangles) <= 5600
