"""Lashes: rooted on the lids wherever these go."""

from __future__ import annotations

import numpy as np
import pytest
from anatomy_measures import Person, Pose, coarse, parts

from pain3d.face.lashes import LOWER_LASHES, ROWS, UPPER_LASHES, LashRow
from pain3d.face.mesh import Part

SUBJECTS = range(0, 50, 7)
MOVED = [{}, {"AU5": 5}, {"AU6": 5, "AU7": 5}, {"AU43": 1}]


def ribbons(pose: Pose) -> list[tuple[LashRow, int, np.ndarray]]:
    """(row, eye, points by band and station)."""
    points, out, first = pose.place(parts()[3]), [], 0
    for row in ROWS:
        for eye in (0, 1):
            count = (row.bands + 1) * row.stations
            out.append((row, eye, points[first : first + count].reshape(row.bands + 1, row.stations, 3)))
            first += count
    assert first == len(points)
    return out


@pytest.mark.parametrize("number", SUBJECTS)
@pytest.mark.parametrize("moved", MOVED)
def test_roots_lie_on_the_lid_margin_and_hairs_outside_the_eye(number: int, moved: dict[str, float]) -> None:
    pose = Person(number).pose(**moved)
    for row, eye, points in ribbons(pose):
        margin = pose.body_m[coarse().coarse_of[list(row.margin[eye])]]
        a, b = margin[:-1], margin[1:]
        offset = points[0][:, None] - a
        along = np.clip((offset * (b - a)).sum(axis=2) / np.square(b - a).sum(axis=1), 0, 1)
        gap = np.linalg.norm(offset - along[:, :, None] * (b - a), axis=2).min(axis=1)
        assert gap.max() < 0.25e-3
        distance = np.linalg.norm(points - pose.centres_m[eye], axis=2)
        assert (distance > 1.03 * pose.radii_m[eye]).all()
        assert (np.diff(distance, axis=0) > 0).all()  # every piece of a lash leads away from the eye


@pytest.mark.parametrize("number", SUBJECTS)
def test_upper_lashes_are_longer_curve_up_and_fall_with_the_lid(number: int) -> None:
    person = Person(number)
    still, closed = ribbons(person.pose()), ribbons(person.pose(AU43=1))
    lengths = [np.linalg.norm(np.diff(points, axis=0), axis=2).sum(axis=0).max() for _, _, points in still]
    assert min(lengths[:2]) > 1.5 * max(lengths[2:])
    for (row, _, open_m), (_, _, shut_m) in zip(still, closed, strict=True):
        tip, middle = open_m[-1], row.stations // 2
        rises = tip[middle, 1] - open_m[0, middle, 1]
        assert rises > 0.001 if row is UPPER_LASHES else rises < -0.001
        if row is UPPER_LASHES:
            assert shut_m[0, middle, 1] < open_m[0, middle, 1] - 0.002
            assert shut_m[-1, middle, 1] < tip[middle, 1] - 0.002


def test_ribbons_are_mirror_images_on_a_symmetric_head() -> None:
    base = coarse().base_m
    eye_middle = coarse().eye_middle(base)
    body = base - eye_middle
    points = parts()[3].place(body, body, body)
    first = 0
    for row in ROWS:
        count = (row.bands + 1) * row.stations
        left, right = points[first : first + count], points[first + count : first + 2 * count]
        np.testing.assert_allclose(left * (-1, 1, 1), right, atol=2e-5)
        first += 2 * count


def test_texture_runs_from_root_to_tip_and_from_nose_to_temple() -> None:
    topology = parts()[3].topology
    assert (topology.part == Part.LASH).all() and len(topology.triangles) <= 420
    assert topology.uvs.min() == 0 and topology.uvs.max() == 1
    count = (UPPER_LASHES.bands + 1) * UPPER_LASHES.stations
    uvs = topology.uvs[:count].reshape(-1, UPPER_LASHES.stations, 2)
    assert (uvs[0, :, 1] == 0).all() and (uvs[-1, :, 1] == 1).all()
    points = Person(1).pose().place(parts()[3])[: UPPER_LASHES.stations]
    assert (np.diff(points[:, 0]) > 0).all()  # left eye: x grows towards the temple, and so does u
    assert len(LOWER_LASHES.margin[0]) == len(LOWER_LASHES.margin[1])
