"""Backgrounds: procedural rooms and pictures of the user's own."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from pain3d.render.backgrounds import BACKGROUNDS, background, user_backgrounds


def test_there_are_at_least_six():
    assert len(BACKGROUNDS) >= 6


@pytest.mark.parametrize("name", BACKGROUNDS)
def test_rooms_are_repeatable_varied_and_soft(name):
    one, again, other = (background(name, np.random.default_rng(seed), 96) for seed in (1, 1, 2))
    assert one.picture.shape == (96, 96, 3)
    assert one.picture.dtype == np.uint8
    assert (one.picture == again.picture).all()
    assert (one.picture != other.picture).mean() > 0.5
    steps = np.abs(np.diff(one.picture.astype(int), axis=1)).mean()
    assert steps < 6, "a room behind a portrait is out of focus"
    assert 15 < one.picture.mean() < 245


def test_a_room_of_another_size_is_the_same_room():
    small, large = (background("window", np.random.default_rng(4), side) for side in (64, 256))
    shrunk = large.picture.reshape(64, 4, 64, 4, 3).mean(axis=(1, 3))
    assert np.abs(shrunk - small.picture).mean() < 6


@pytest.mark.parametrize(
    ("name", "resolution", "message"),
    [
        ("cave", 64, "background: unknown kind 'cave'; pain3d has plain, ward, window, curtain, bookcase"),
        ("plain", 0, "resolution: 0 is outside 1..4096 pixels; try 512"),
    ],
)
def test_refuses(name, resolution, message):
    with pytest.raises(ValueError, match=message.replace("'", ".").replace(".", r".")):
        background(name, np.random.default_rng(0), resolution)


def test_own_pictures_are_cropped_to_their_middle_and_drawn_by_the_generator(tmp_path):
    wide = np.zeros((40, 100, 3), np.uint8)
    wide[:, 30:70] = (200, 100, 50)
    Image.fromarray(wide).save(tmp_path / "b.png")
    Image.fromarray(np.full((30, 30, 3), 9, np.uint8)).save(tmp_path / "a.jpg")
    (tmp_path / "notes.txt").write_text("not a picture")
    own = user_backgrounds(tmp_path)
    assert [file.name for file in own.files] == ["a.jpg", "b.png"]
    drawn = [own.draw(np.random.default_rng(seed), 20) for seed in range(12)]
    assert {one.name for one in drawn} == {"a.jpg", "b.png"}
    assert not drawn[0].lit
    middle = next(one for one in drawn if one.name == "b.png")
    assert np.abs(middle.picture[:, 2:-2].astype(int) - (200, 100, 50)).max() < 12
    assert own.draw(np.random.default_rng(5), 20).name == own.draw(np.random.default_rng(5), 20).name


def test_own_pictures_may_be_turned_and_have_16_bits(tmp_path):
    grey = np.repeat(np.arange(20, dtype=np.uint16)[:, None] * 3000, 20, axis=1)
    upside_down = Image.Exif()
    upside_down[0x0112] = 3
    Image.fromarray(grey).save(tmp_path / "deep.png", exif=upside_down)
    picture = user_backgrounds(tmp_path).draw(np.random.default_rng(0), 20).picture
    np.testing.assert_array_equal(picture, np.repeat((grey[::-1] >> 8)[..., None], 3, axis=2))


def test_own_pictures_are_checked_at_once(tmp_path):
    with pytest.raises(ValueError, match="is not a folder"):
        user_backgrounds(tmp_path / "missing")
    with pytest.raises(ValueError, match="holds no picture"):
        user_backgrounds(tmp_path)
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\n nothing")
    with pytest.raises(ValueError, match=r"broken\.png: is not a picture that can be read"):
        user_backgrounds(tmp_path)
