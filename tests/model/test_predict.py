"""From a photo to a `Prediction`: pictures of every kind, and the face in them."""

import json

import numpy as np
import pytest
from PIL import Image
from tiny_models import model

from pain3d.errors import ArgumentError, DataError
from pain3d.model.calibration import Calibration
from pain3d.model.config import NeutralConfig
from pain3d.model.crop import cut, square_of_box
from pain3d.pictures import read_picture

BOX = (20.0, 10.0, 80.0, 90.0)


@pytest.fixture
def photo():
    return np.random.default_rng(0).integers(0, 256, (100, 120, 3), dtype=np.uint8)


def test_a_photo_with_a_box_reads_as_its_crop(photo, tmp_path):
    subject = model()
    subject.calibration = Calibration(thresholds=(1.0, 2.0, 16.0), radii=(2.0,))
    Image.fromarray(photo).save(tmp_path / "photo.png")
    told = subject.predict(tmp_path / "photo.png", box=BOX)
    crop = cut(photo, square_of_box(BOX, subject.config.crop), subject.config.image_size)
    (straight,) = subject.predict_crops(crop[None])
    assert told.pspi == straight.pspi and told.box == BOX and told.size == (120, 100)
    assert told.interval == pytest.approx((told.pspi - 2, told.pspi + 2))
    assert told.flags == {1: True, 2: True, 3: False}
    data = json.loads(json.dumps(told.to_json()))
    assert set(data) == {"pspi", "interval", "aus", "probabilities", "flags", "box", "square", "landmarks"}
    assert list(data["aus"]) == ["AU4", "AU6", "AU7", "AU9", "AU10", "AU43"]
    assert list(data["probabilities"]) == ["1", "2", "3"]


def test_landmarks_are_told_in_pixels_of_the_picture(photo):
    subject = model(layout_channels=4, landmarks=True)
    told = subject.predict(photo, box=BOX)
    square = square_of_box(BOX, subject.config.crop)
    crop = cut(photo, square, subject.config.image_size)
    (straight,) = subject.predict_crops(crop[None])
    corner = np.array([square.cx, square.cy]) - square.side / 2
    np.testing.assert_allclose(told.landmarks, corner + straight.landmarks * square.side)
    assert len(told.to_json()["landmarks"]) == 68


def test_one_or_several_neutral_pictures(photo):
    subject = model(neutral=NeutralConfig(heads=2))
    image = Image.fromarray(photo)
    one = subject.predict(image, photo[::-1].copy(), box=BOX, neutral_box=BOX)
    several = subject.predict(image, [photo[::-1].copy()] * 2, box=BOX, neutral_box=BOX)
    assert one.pspi == pytest.approx(several.pspi, abs=1e-4)
    with pytest.raises(ArgumentError, match="neutral: this model compares"):
        subject.predict(image, box=BOX)
    with pytest.raises(ArgumentError, match="neutral: an empty list"):
        subject.predict(image, [], box=BOX)
    with pytest.raises(ArgumentError, match="neutral: this model reads one picture"):
        model().predict(image, image, box=BOX, neutral_box=BOX)


def test_a_teacher_reads_no_photo(photo):
    with pytest.raises(ArgumentError, match="predict: this model reads heatmaps"):
        model(input="heatmap").predict(photo, box=BOX)


@pytest.mark.parametrize("box", [(1, 2, 3), (5, 5, 5, 9), (0, 0, float("nan"), 4)])
def test_a_box_that_is_none_is_refused(photo, box):
    with pytest.raises(ArgumentError, match=r"box: .* is not left, top, right, bottom"):
        model().predict(photo, box=box)


def test_pictures_are_turned_upright_and_made_rgb(tmp_path, photo):
    turned = Image.fromarray(photo)
    exif = turned.getexif()
    exif[0x0112] = 6
    turned.save(tmp_path / "turned.png", exif=exif)
    np.testing.assert_array_equal(read_picture(tmp_path / "turned.png"), np.rot90(photo, -1))
    assert read_picture(photo[..., 0]).shape == (100, 120, 3)
    clear = Image.fromarray(np.dstack([photo, np.zeros((100, 120), np.uint8)]))
    assert read_picture(clear).max() == 0


def test_sixteen_bits_become_eight(tmp_path, photo):
    grey = photo[..., 0]
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "deep.png")
    np.testing.assert_array_equal(read_picture(tmp_path / "deep.png"), np.repeat(grey[..., None], 3, axis=2))


def test_what_is_no_picture_is_named(tmp_path, photo):
    (tmp_path / "notes.jpg").write_text("no picture")
    with pytest.raises(DataError, match=r"notes.jpg: is not a picture that can be read"):
        read_picture(tmp_path / "notes.jpg")
    with pytest.raises(DataError, match=r"gone.jpg: there is no such file"):
        read_picture(tmp_path / "gone.jpg")
    Image.fromarray(photo).save(tmp_path / "cut.jpg")
    (tmp_path / "cut.jpg").write_bytes((tmp_path / "cut.jpg").read_bytes()[:2000])
    with pytest.raises(DataError, match=r"cut.jpg: is not a picture"):
        read_picture(tmp_path / "cut.jpg")
    with pytest.raises(ArgumentError, match=r"image: an array of float64 and shape \(2, 2, 3\)"):
        read_picture(np.zeros((2, 2, 3)))
