"""The square that a model sees, and what is cut out of it."""

import numpy as np
import pytest

from pain3d.errors import ArgumentError
from pain3d.model.crop import CropPolicy, Square, cut, place, square_of_box, square_of_landmarks


def gradient(height=120, width=160):
    """A picture whose first two channels are the coordinates of its pixel centres."""
    y, x = np.mgrid[:height, :width] + 0.5
    return np.rint(np.stack([x, y, 0 * x], axis=-1)).astype(np.uint8)


def test_square_of_landmarks_is_by_hand():
    landmarks = np.zeros((68, 2))
    landmarks[:, 0], landmarks[:, 1] = np.linspace(40, 80, 68), np.linspace(20, 120, 68)
    square = square_of_landmarks(landmarks, CropPolicy(landmark_scale=1.5, landmark_lift=0.1))
    assert (square.cx, square.cy, square.side) == pytest.approx((60, 55, 150))


def test_square_of_box_is_by_hand():
    square = square_of_box((10, 20, 50, 110), CropPolicy(box_scale=1.2, box_lift=-0.05))
    assert (square.cx, square.cy, square.side) == pytest.approx((30, 68.6, 72))
    with pytest.raises(ArgumentError, match="box: 5, 5, 5, 9 is empty"):
        square_of_box((5, 5, 5, 9), CropPolicy())


@pytest.mark.parametrize("angle", [0.0, 11.0, -7.5, 90.0])
@pytest.mark.parametrize("flip", [False, True])
def test_points_land_on_what_they_mark(angle, flip):
    square = Square(cx=80.3, cy=61.1, side=62.0)
    crop = cut(gradient(), square, 40, angle=angle, flip=flip).astype(float)
    points = np.random.default_rng(0).uniform((62, 42), (98, 80), (200, 2))
    placed = place(points, square, 40, angle=angle, flip=flip)
    inside = (placed > 1).all(1) & (placed < 39).all(1)
    rows, columns = np.floor(placed[inside, 1]).astype(int), np.floor(placed[inside, 0]).astype(int)
    found = crop[rows, columns, :2]
    # Half a pixel of the crop (0.78 of the picture) either way, and rounding.
    assert np.abs(found - points[inside]).max() < 2.6
    assert np.abs((found - points[inside]).mean(0)).max() < 0.15 + 0.5  # coordinates were rounded up


def test_shrinking_averages():
    rng = np.random.default_rng(1)
    noise = rng.integers(0, 256, (400, 400), dtype=np.uint8)
    for angle in (0.0, 8.0):
        crop = cut(noise, Square(cx=200, cy=200, side=320), 32, angle=angle)
        assert crop.shape == (32, 32)
        assert crop.std() < 16  # a point sample would keep 74
        assert abs(crop.mean() - 127.5) < 3


def test_outside_is_black_and_sizes_are_kept():
    white = np.full((30, 30, 3), 255, np.uint8)
    crop = cut(white, Square(cx=0, cy=15, side=20), 20)
    assert (crop[:, :9] == 0).all() and (crop[:, 11:] == 255).all()


def test_upright_cut_of_whole_picture_is_the_picture():
    picture = np.random.default_rng(2).integers(0, 256, (24, 24, 3), dtype=np.uint8)
    assert (cut(picture, Square(cx=12, cy=12, side=24), 24) == picture).all()
    assert (cut(picture, Square(cx=12, cy=12, side=24), 24, flip=True) == picture[:, ::-1]).all()


@pytest.mark.parametrize("field", [{"box_scale": 0.1}, {"landmark_lift": 0.7}, {"landmark_scale": 9.0}])
def test_policy_refuses(field):
    with pytest.raises(ArgumentError, match=f"{next(iter(field))}: .* is outside"):
        CropPolicy(**field)


def test_a_square_far_beyond_the_picture_is_refused():
    with pytest.raises(ArgumentError, match="a side of 5000 pixels on a picture of 160 x 120"):
        cut(gradient(), Square(cx=0, cy=0, side=5000), 32)
    with pytest.raises(ArgumentError, match="a side above 0"):
        Square(cx=0, cy=0, side=0)
