"""Gaze turns normals of eyeballs and what is painted on them, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest

from pain3d.face import makehuman
from pain3d.face.eyes import GAZE_TARGET_M, fit_sphere
from pain3d.face.gaze import (
    DISTANCE_M,
    MOST_DEVIATIONS,
    PITCH_DEVIATION_DEGREES,
    YAW_DEVIATION_DEGREES,
    EyeTurn,
    Gaze,
    TurnedEyes,
)
from pain3d.face.mesh import FaceMesh, Part
from pain3d.facs import Expression
from pain3d.streams import stream


@pytest.fixture(scope="module")
def posed() -> FaceMesh:
    model = makehuman.load()
    identity = model.sample(stream(3, "test"), age_years=50, sex="female", ethnicity="white")
    return model.head(identity).express(Expression(AU4=4, AU6=3, AU25=3))


def eyes_of(mesh: FaceMesh) -> list[np.ndarray]:
    return np.split(np.unique(mesh.topology.triangles[mesh.topology.part == Part.EYE]), 2)


def looks(mesh: FaceMesh, gaze: Gaze) -> tuple[EyeTurn, EyeTurn]:
    eyes = TurnedEyes.of(mesh, gaze)
    return eyes.left, eyes.right


def degrees_between(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    cosine = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return np.degrees(np.arccos(np.clip(cosine, -1, 1)))


@pytest.mark.parametrize("seed", range(4))
def test_all_but_the_normals_of_eyeballs_stays_bit_for_bit(posed: FaceMesh, seed: int) -> None:
    turned = TurnedEyes.of(posed, Gaze.sample(stream(seed, "gaze"))).on(posed)
    rest = np.ones(len(posed.vertices_m), bool)
    rest[np.concatenate(eyes_of(posed))] = False
    assert turned.vertices_m.tobytes() == posed.vertices_m.tobytes()
    assert turned.normals[rest].tobytes() == posed.normals[rest].tobytes()
    assert turned.landmarks_m.tobytes() == posed.landmarks_m.tobytes()
    assert turned.normals.dtype == np.float32
    assert (turned.normals[~rest] != posed.normals[~rest]).any()
    np.testing.assert_allclose(np.linalg.norm(turned.normals, axis=1), 1, atol=1e-5)


def test_lines_of_sight_meet_at_the_target(posed: FaceMesh) -> None:
    target_m = (0.06, 0.04, 0.8)
    for eye, turn in zip(eyes_of(posed), looks(posed, Gaze(target_m=target_m)), strict=True):
        centre, _ = fit_sphere(posed.vertices_m[eye[-280:]])
        wanted = degrees_between(np.array(target_m) - centre, np.array(GAZE_TARGET_M) - centre)
        assert degrees_between(np.array(turn.direction), np.array([0, 0, 1])) == pytest.approx(wanted, abs=0.1)
    left, right = looks(posed, Gaze(target_m=(0.0, 0.0, 0.3)))
    assert left.direction[0] < -0.05 and right.direction[0] > 0.05  # near things make eyes converge


def test_normals_of_the_cornea_follow_the_turn(posed: FaceMesh) -> None:
    """Where the cornea was steepest ahead, it is steepest aside."""
    gaze = Gaze(target_m=(0.09, 0.05, 1.0))
    still, turned = (TurnedEyes.of(posed, at).on(posed) for at in (Gaze(), gaze))
    for eye, turn in zip(eyes_of(posed), looks(posed, gaze), strict=True):
        # a ball's normals stay when it turns: only the cornea's steeper ones move
        lean = degrees_between(still.normals[eye[0]].astype(float), turned.normals[eye[0]].astype(float))
        assert 0 < lean < degrees_between(np.array(turn.direction), np.array([0.0, 0, 1]))
        assert degrees_between(posed.normals[eye], turned.normals[eye]).max() < 8
        assert degrees_between(posed.normals[eye], still.normals[eye]).max() < 2.5
    unturned = looks(posed, Gaze())
    assert [turn.direction for turn in unturned] == [(0.0, 0.0, 1.0)] * 2


def test_offsets_are_small_seeded_and_different() -> None:
    drawn = [Gaze.sample(stream(seed, "gaze")) for seed in range(100)]
    assert drawn[3] == Gaze.sample(stream(3, "gaze"))
    assert len(set(drawn)) == 100
    targets = np.array([gaze.target_m for gaze in drawn])
    yaw, pitch = (np.degrees(np.arctan(targets[:, axis] / targets[:, 2])) for axis in (0, 1))
    assert np.abs(yaw).max() <= MOST_DEVIATIONS * YAW_DEVIATION_DEGREES + 1e-9
    assert np.abs(pitch).max() <= MOST_DEVIATIONS * PITCH_DEVIATION_DEGREES + 1e-9
    assert DISTANCE_M[0] <= targets[:, 2].min() and targets[:, 2].max() <= DISTANCE_M[1]
