"""Eyeballs: where the helpers put them, under the lids, looking somewhere."""

from __future__ import annotations

import numpy as np
import pytest
from anatomy_measures import Person, coarse, parts

from pain3d.face.eyes import (
    IRIS_RADIUS_RANGE_M,
    IRIS_RINGS,
    IRIS_UV_RADIUS,
    SCLERA_RINGS,
    SEGMENTS,
    Eyes,
    eyeballs,
    fit_sphere,
)

LIMBUS = 1 + (len(IRIS_RINGS) - 1) * SEGMENTS + np.arange(SEGMENTS)
"""Vertices of the left eye around the iris; the pupil's centre is vertex 0."""
EYE_POINTS = 1 + (len(IRIS_RINGS) + len(SCLERA_RINGS)) * SEGMENTS
SUBJECTS = range(0, 50, 7)


def test_a_sphere_is_found_from_points_on_it() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        centre, radius = rng.uniform(-1, 1, 3), rng.uniform(0.01, 0.02)
        rays = rng.normal(size=(72, 3))
        points = centre + radius * rays / np.linalg.norm(rays, axis=1, keepdims=True)
        found, size = fit_sphere(points)
        np.testing.assert_allclose(found, centre, atol=1e-12)
        assert size == pytest.approx(radius, abs=1e-12)


@pytest.mark.parametrize("number", SUBJECTS)
def test_eyes_of_every_kind_of_head_are_eyes(number: int) -> None:
    pose = Person(number).pose()
    centres, radii = eyeballs(pose.neutral_m, coarse().coarse_of)
    assert 0.05 < centres[0, 0] - centres[1, 0] < 0.075
    assert ((radii > 0.0125) & (radii < 0.0175)).all()
    eyes = pose.place(parts()[0]).astype(np.float64)
    iris = np.linalg.norm(eyes[LIMBUS] - eyes[LIMBUS].mean(axis=0), axis=1)
    np.testing.assert_allclose(iris, iris[0], atol=1e-7)
    assert IRIS_RADIUS_RANGE_M[0] - 1e-7 <= iris[0] <= IRIS_RADIUS_RANGE_M[1] + 1e-7


def test_triangles_face_outwards_and_fill_the_eyeball_without_holes() -> None:
    pose, eyes = Person(3).pose(), parts()[0]
    points, triangles = pose.place(eyes).astype(np.float64), eyes.topology.triangles
    a, b, c = (points[triangles[:, k]] for k in range(3))
    side = (triangles[:, 0] >= EYE_POINTS).astype(int)
    outward = np.einsum("ti,ti->t", np.cross(b - a, c - a), (a + b + c) / 3 - pose.centres_m[side])
    assert (outward > 0).all()
    edges = np.sort(np.stack([triangles, np.roll(triangles, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    _, uses = np.unique(edges, axis=0, return_counts=True)
    assert (uses == 1).sum() == 2 * SEGMENTS  # only the rim behind the lids is open
    assert len(triangles) <= 2200


@pytest.mark.parametrize("number", SUBJECTS)
@pytest.mark.parametrize("moved", [{}, {"AU5": 5}, {"AU6": 5, "AU7": 5}, {"AU7": 5, "AU43": 1}])
def test_no_skin_reaches_into_an_eyeball(number: int, moved: dict[str, float]) -> None:
    pose = Person(number).pose(**moved)
    eyes = pose.place(parts()[0]).reshape(2, -1, 3).astype(np.float64)
    for side in range(2):
        heights = np.linalg.norm(eyes[side] - pose.centres_m[side], axis=1)
        assert heights.max() < 1.0285 * pose.radii_m[side]
        distance = np.linalg.norm(pose.body_m - pose.centres_m[side], axis=1)
        assert distance.min() > heights.max()


def test_both_eyes_look_at_the_target_from_the_middle_of_the_lids() -> None:
    pose = Person(0).pose()

    def axes(target: tuple[float, float, float]) -> np.ndarray:
        points = pose.place(Eyes(coarse().coarse_of, target)).reshape(2, -1, 3).astype(np.float64)
        axis = points[:, 0] - pose.centres_m
        return axis / np.linalg.norm(axis, axis=1, keepdims=True)

    ahead, left, up = axes((0.0, 0.0, 1.0)), axes((0.3, 0.0, 1.0)), axes((0.0, 0.2, 1.0))
    assert ((left - ahead)[:, 0] > 0.2).all() and ((up - ahead)[:, 1] > 0.1).all()
    far = axes((0.0, 0.0, 100.0))
    assert far[0, 0] > ahead[0, 0] and far[1, 0] < ahead[1, 0]  # nearer targets draw the eyes together
    np.testing.assert_allclose(np.linalg.norm(ahead, axis=1), 1)
    lids = pose.body_m[coarse().coarse_of[[6785, 6828]]] - pose.centres_m[0]
    low, high = sorted(np.degrees(np.arctan2(lids[:, 1], lids[:, 2])))
    assert low + 5 < np.degrees(np.arctan2(ahead[0, 1], ahead[0, 2])) < high - 3


def test_eyes_stay_still_in_expressions() -> None:
    person = Person(4)
    np.testing.assert_array_equal(person.pose().place(parts()[0]), person.pose(AU6=5, AU27=5, AU43=1).place(parts()[0]))


def test_texture_is_mirrored_and_holds_the_iris_where_it_says() -> None:
    uvs = parts()[0].topology.uvs.reshape(2, -1, 2)
    np.testing.assert_allclose(uvs[1], np.stack([1 - uvs[0, :, 0], uvs[0, :, 1]], axis=1), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(uvs[0, LIMBUS] - 0.5, axis=1), IRIS_UV_RADIUS, atol=1e-6)
    assert uvs.min() >= 0 and uvs.max() <= 1
    pose = Person(0).pose()
    left = pose.place(parts()[0])[:EYE_POINTS]
    assert uvs[0, left[:, 0].argmax(), 0] > 0.5 > uvs[0, left[:, 0].argmin(), 0]  # u towards the temple
    assert uvs[0, LIMBUS[left[LIMBUS, 1].argmax()], 1] < 0.5  # v down
