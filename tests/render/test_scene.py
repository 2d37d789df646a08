"""Camera geometry: the conventions of the contract, and what it refuses."""

from __future__ import annotations

import numpy as np
import pytest

from pain3d.render.scene import Background, Camera, head_rotation

NOSE = np.array([0.0, -0.04, 0.02])
CROWN = np.array([0.0, 0.12, -0.08])


def test_positive_yaw_turns_the_face_to_the_right_of_the_picture():
    straight, turned = Camera.at_head().project(NOSE), Camera.at_head(yaw=30).project(NOSE)
    assert turned[0] > straight[0] + 20


def test_positive_pitch_lifts_the_face():
    assert Camera.at_head(pitch=12).project(NOSE)[1] < Camera.at_head().project(NOSE)[1] - 5


def test_positive_roll_tips_the_crown_to_the_subjects_right():
    assert Camera.at_head(roll=10).project(CROWN)[0] < Camera.at_head().project(CROWN)[0] - 5


def test_subjects_left_is_right_in_the_picture_and_up_is_up():
    camera = Camera.at_head()
    left, right = camera.project(np.array([0.03, 0, 0])), camera.project(np.array([-0.03, 0, 0]))
    assert left[0] > right[0]
    assert camera.project(np.array([0.0, 0.05, 0]))[1] < camera.project(np.array([0.0, -0.05, 0]))[1]


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (45, 12, 5), (-33, -7, 20)])
def test_pose_is_roll_after_pitch_after_yaw(yaw, pitch, roll):
    def turn(axis, degrees):
        c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
        return {
            "y": np.array([[c, 0, s], [0, 1, 0], [-s, 0, c]]),
            "x": np.array([[1, 0, 0], [0, c, s], [0, -s, c]]),
            "z": np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]]),
        }[axis]

    expected = turn("z", roll) @ turn("x", pitch) @ turn("y", yaw)
    assert np.allclose(head_rotation(yaw=yaw, pitch=pitch, roll=roll), expected)
    camera = Camera.at_head(yaw=yaw, pitch=pitch, roll=roll)
    assert np.allclose(camera.rotation, np.diag([1, -1, -1]) @ expected)
    assert np.isclose(np.linalg.det(camera.rotation), 1)


def test_the_sixteen_floats_project_like_the_camera():
    camera = Camera.at_head(yaw=20, pitch=5, roll=-3, resolution=200)
    fx, fy, cx, cy = camera.floats[:4]
    pose = camera.floats[4:].reshape(3, 4)
    points = np.random.default_rng(0).uniform(-0.1, 0.1, (20, 3))
    x, y, z = (points @ pose[:, :3].T + pose[:, 3]).T
    assert np.allclose(np.stack([fx * x / z + cx, fy * y / z + cy], axis=1), camera.project(points), atol=1e-3)
    assert camera.floats.dtype == np.float32


def test_resolution_scales_pixels_alone():
    small, large = Camera.at_head(yaw=10, resolution=100), Camera.at_head(yaw=10, resolution=300)
    assert np.allclose(small.project(NOSE) * 3, large.project(NOSE))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"resolution": 0}, "resolution: 0 is outside 1..4096 pixels; try 512"),
        ({"resolution": -5}, "resolution: -5 is outside 1..4096 pixels; try 512"),
        ({"yaw": float("nan")}, "yaw: nan is not an angle in -180..180 degrees; 0 looks into the camera"),
        ({"vertical_fov": 0}, "vertical_fov: 0 is outside 1..120 degrees; a portrait has about 19"),
        ({"distance_m": 0.1}, "distance_m: 0.1 is outside 0.3..10 m; a portrait is taken from about 1 m"),
    ],
)
def test_refuses(arguments, message):
    with pytest.raises(ValueError) as refusal:
        Camera.at_head(**arguments)
    assert str(refusal.value) == message


def test_refuses_a_resolution_that_is_no_whole_number():
    with pytest.raises(TypeError, match=r"resolution: 64\.5 is not a whole number"):
        Camera.at_head(resolution=64.5)  # pyright: ignore[reportArgumentType]


def test_background_must_be_a_square_picture():
    with pytest.raises(ValueError, match="background hall: the picture must be square uint8 RGB"):
        Background(name="hall", picture=np.zeros((4, 5, 3), np.uint8))
