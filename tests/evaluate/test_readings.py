"""Photos and videos to readings: any picture, one bad among good ones, kind refusals, files that are written."""

import csv

import av
import numpy as np
import pytest
from PIL import Image

from pain3d.errors import ArgumentError, DataError
from pain3d.evaluate import predict as module
from pain3d.evaluate import video as video_module
from pain3d.evaluate.predict import read_images
from pain3d.evaluate.video import COLUMNS, is_video, read_video
from pain3d.model.calibration import Calibration
from pain3d.model.config import BackboneConfig, NeutralConfig, ViTPainConfig
from pain3d.model.detect import Detection, NoFaceError
from pain3d.model.vitpain import ViTPain

BOX = (10.0, 10.0, 50.0, 60.0)


def made(neutral=None, **options):
    backbone = BackboneConfig(hidden_size=32, layers=2, heads=2, patch_size=8, registers=2)
    model = ViTPain(ViTPainConfig(image_size=32, backbone=backbone, neutral=neutral, head_hidden=16, **options)).eval()
    model.calibration = Calibration(thresholds=(1.0, 2.0, 3.0), radii=(2.0,))
    return model


@pytest.fixture(scope="module")
def model():
    return made()


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    noise = np.random.Generator(np.random.PCG64(1)).integers(0, 255, (80, 64, 3), dtype=np.uint8)
    Image.fromarray(noise).save(path)
    return path


@pytest.fixture
def two_faces(monkeypatch):
    faces = [Detection(box_xyxy=BOX, score=0.9), Detection(box_xyxy=(1.0, 1.0, 9.0, 12.0), score=0.8)]
    for place in (module, video_module):
        monkeypatch.setattr(place, "find_faces", lambda image: faces)


def test_a_reading(model, photo, tmp_path):
    found = read_images(model, [photo], box=BOX, overlay=tmp_path / "new" / "folder")
    (reading,) = found.readings
    said = found.to_json()["readings"][0]
    assert said["box"] == list(BOX) and set(said["probabilities"]) == {"1", "2", "3"} and len(said["aus"]) == 6
    assert said["interval"][0] <= said["pspi"] <= said["interval"][1]
    assert "90 % interval" in found.text() and "not felt pain" in found.text()
    with Image.open(reading.overlay) as overlay:
        assert overlay.width > 1000


def test_the_largest_of_several_faces_with_a_note(model, photo, two_faces):
    assert "note: 2 faces; the largest was read (--all-faces reads every one)" in read_images(model, [photo]).text()
    every = read_images(model, [photo], all_faces=True)
    assert [reading.face for reading in every.readings] == [1, 2]
    assert "face 2 of 2" in every.text()


def test_one_bad_picture_among_good_ones(model, photo, tmp_path):
    (tmp_path / "no.jpg").write_text("no picture")
    found = read_images(model, [photo, tmp_path / "no.jpg"], box=BOX)
    assert len(found.readings) == 1 and not found.ok
    assert "not read: " in found.text() and found.to_json()["failures"][0]["file"].endswith("no.jpg")
    with pytest.raises(DataError, match="not a picture"):
        read_images(model, [tmp_path / "no.jpg"], box=BOX)


def test_no_face_names_the_box(model, photo, monkeypatch):
    monkeypatch.setattr("pain3d.model.detect._look", lambda *_: [])
    with pytest.raises(NoFaceError, match=r"no face was found in 64 x 80 pixels; .* with --box left,top,right,bottom"):
        read_images(model, [photo])


@pytest.mark.parametrize("mode", ["L", "RGBA", "CMYK", "P"])
def test_modes_of_pictures(model, photo, tmp_path, mode):
    path = tmp_path / ("other.tif" if mode == "CMYK" else "other.png")
    with Image.open(photo) as image:
        image.convert(mode).save(path)
    assert read_images(model, [path], box=BOX).ok


def test_neutral_pictures_are_asked_for_and_refused(model, photo, monkeypatch):
    with pytest.raises(ArgumentError, match="neutral: this model takes no neutral picture"):
        read_images(model, [photo], neutral=[photo], box=BOX)
    comparing = made(NeutralConfig(encoder="shared", heads=2))
    with pytest.raises(ArgumentError, match=r"neutral: this model compares .* --neutral IMG"):
        read_images(comparing, [photo], box=BOX)
    monkeypatch.setattr("pain3d.model.face.one_face", lambda image, name: Detection(box_xyxy=BOX, score=1.0))
    assert read_images(comparing, [photo], neutral=[photo, photo], box=BOX).ok


def test_a_teacher_reads_no_pictures(photo):
    with pytest.raises(ArgumentError, match="reads heatmaps"):
        read_images(made(input="heatmap"), [photo], box=BOX)


def test_a_box_beside_all_faces(model, photo):
    with pytest.raises(ArgumentError, match="box: given beside --all-faces"):
        read_images(model, [photo], box=BOX, all_faces=True)


@pytest.fixture
def clip(tmp_path):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height = 64, 80
        for shade in range(9):
            frame = av.VideoFrame.from_ndarray(np.full((80, 64, 3), 20 * shade, np.uint8), format="rgb24")
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def test_a_video_gives_a_table_and_a_plot(model, clip, two_faces, tmp_path):
    heard = []
    read = read_video(model, clip, every=4, to=tmp_path / "to", on_progress=lambda *step: heard.append(step))
    with read.table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert [(row["frame"], row["time_s"], row["faces"]) for row in rows] == [
        ("0", "0.0000", "2"),
        ("4", "0.4000", "2"),
        ("8", "0.8000", "2"),
    ]
    assert heard[-1] == (9, 9) and (read.frames, read.with_face) == (3, 3)
    assert read.plot.stat().st_size > 10_000 and is_video(clip)
    assert sorted(path.name for path in (tmp_path / "to").iterdir()) == ["clip.pspi.csv", "clip.pspi.png"]


def test_frames_without_a_face_stay_empty(model, clip, monkeypatch):
    monkeypatch.setattr(video_module, "find_faces", lambda image: [])
    read = read_video(model, clip, every=5)
    assert (read.frames, read.with_face, read.mean_pspi) == (2, 0, None)
    assert read.table.read_text().splitlines()[1].startswith("0,0.0000,0,,,")


def test_what_is_no_video(model, tmp_path):
    with pytest.raises(DataError, match="no such file"):
        read_video(model, tmp_path / "no.mp4")
    (tmp_path / "bad.mp4").write_text("words")
    with pytest.raises(DataError, match="not a video"):
        read_video(model, tmp_path / "bad.mp4")
    assert [path.name for path in tmp_path.iterdir()] == ["bad.mp4"]
    with pytest.raises(ArgumentError, match="every: 0 is below 1"):
        read_video(model, tmp_path / "bad.mp4", every=0)
