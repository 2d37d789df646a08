"""Augmentation: one geometry for picture, maps and landmarks; labels stay true; nothing is hidden by chance."""

import numpy as np
import pytest
from PIL import Image

from pain3d.errors import ArgumentError
from pain3d.face.landmarks import MIRROR as OF_THE_FACE
from pain3d.model.crop import Square
from pain3d.streams import stream
from pain3d.train.augment import MIRROR, AugmentConfig, Geometry, draw_geometry, photometry

STILL = AugmentConfig(
    shift=0, scale=0, turn_degrees=0, flip_chance=0, brightness=0, contrast=0, gamma=0, saturation=0, tint=0,
    blur_chance=0, shrink_chance=0, noise_chance=0, jpeg_chance=0,
)  # fmt: skip


def blobs(points, size=128):
    y, x = np.mgrid[:size, :size] + 0.5
    field = sum(np.exp(-((x - px) ** 2 + (y - py) ** 2) / 18) for px, py in points)
    return np.rint(255 * np.minimum(field, 1)).astype(np.uint8)


@pytest.mark.parametrize("seed", range(6))
def test_landmarks_land_on_the_same_content_in_picture_and_map(seed):
    """Dots where landmarks are, in the picture and in the map, are found where the geometry puts the landmarks."""
    landmarks = np.full((68, 2), 64.0)
    marked = {8: (64, 96), 36: (44, 50), 45: (84, 50), 48: (52, 80)}
    geometry = draw_geometry(AugmentConfig(), Square(cx=64, cy=66, side=100), stream(seed, "test"))
    for number, point in marked.items():
        landmarks[number] = point
        grey = Image.fromarray(blobs([point]))
        placed = geometry.landmarks(landmarks, 64)
        want = placed[int(MIRROR[number])] if geometry.flip else placed[number]
        for picture in (grey, grey.convert("RGB")):
            crop = np.asarray(geometry.cut(picture, 64).convert("L")).astype(float)
            y, x = np.mgrid[:64, :64] + 0.5
            found = np.array([(crop * x).sum(), (crop * y).sum()]) / crop.sum()
            assert np.abs(found - want).max() < 0.25
        landmarks[number] = 64.0


def test_a_mirror_swaps_sides():
    assert np.array_equal(MIRROR, OF_THE_FACE)
    assert np.array_equal(MIRROR[MIRROR], np.arange(68))
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32), dtype=np.uint8))
    square = Square(cx=16, cy=16, side=32)
    plain, mirrored = (np.asarray(Geometry(square=square, flip=flip).cut(picture, 32)) for flip in (False, True))
    assert np.array_equal(mirrored, plain[:, ::-1])


def test_a_decoded_smaller_picture_gives_the_same_crop():
    big = Image.fromarray(blobs([(40, 50), (90, 70)]))
    geometry = Geometry(square=Square(cx=60, cy=62, side=100), angle=7)
    ours = np.asarray(geometry.cut(big, 32)).astype(float)
    half = np.asarray(geometry.cut(big.reduce(2), 32, scale=0.5)).astype(float)
    assert np.abs(ours - half).mean() < 2


def test_draws_stay_in_their_bounds():
    config, square = AugmentConfig(), Square(cx=100, cy=100, side=100)
    drawn = [draw_geometry(config, square, stream(i, "bounds")) for i in range(300)]
    assert max(abs(d.angle) for d in drawn) <= 12
    assert max(abs(d.square.cx - 100) for d in drawn) <= 5
    assert all(100 * np.exp(-0.12) <= d.square.side <= 100 * np.exp(0.12) for d in drawn)
    assert 0.4 < np.mean([d.flip for d in drawn]) < 0.6
    assert all(draw_geometry(config, square, stream(i, "bounds"), flip=True).flip for i in range(5))


def test_nothing_drawn_changes_nothing():
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8))
    assert np.array_equal(np.asarray(photometry(STILL, picture, stream(0, "still"))), np.asarray(picture))
    square = Square(cx=16, cy=16, side=30)
    assert draw_geometry(STILL, square, stream(0, "still")) == Geometry(square=square)


def test_photometry_is_seeded_and_hides_nothing():
    face = np.random.default_rng(0).integers(60, 200, (48, 48, 3), dtype=np.uint8)
    picture = Image.fromarray(face)
    once, again = (np.asarray(photometry(AugmentConfig(), picture, stream(1, "light"))) for _ in range(2))
    assert np.array_equal(once, again)
    for seed in range(40):
        changed = np.asarray(photometry(AugmentConfig(), picture, stream(seed, "hide"))).astype(float)
        assert changed.shape == face.shape
        blocks = changed.mean(axis=2).reshape(6, 8, 6, 8).std(axis=(1, 3))
        assert blocks.min() > 0  # no part has lost its content


def test_erasing_is_a_switch():
    assert AugmentConfig().erase_chance == 0
    grey = Image.fromarray(np.full((40, 40, 3), 10, np.uint8))
    config = AugmentConfig(**{**vars(STILL), "erase_chance": 1.0})
    assert (np.asarray(photometry(config, grey, stream(0, "erase"))) == 127).any()


@pytest.mark.parametrize(("field", "value"), [("turn_degrees", 45.0), ("shift", -0.1), ("jpeg_quality", 0)])
def test_config_refuses(field, value):
    with pytest.raises(ArgumentError, match=rf"augment\.{field}: .* is outside"):
        AugmentConfig(**{field: value})
