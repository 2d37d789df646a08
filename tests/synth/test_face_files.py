"""`pain3d face`: one face with chosen Action Units, as files."""

import json

import numpy as np
import pytest
from PIL import Image

import pain3d
from pain3d import cli
from pain3d.data.images import decode_heatmap
from pain3d.data.schema import HEATMAP_MAX_MM

WORDS = ["--aus=AU4=3,AU6=2,AU43=1", "--seed=7", "--age-years=71", "--sex=female", "--resolution=64", "--yaw=20"]


def test_files_hold_what_render_gives(tmp_path, capfd):
    assert cli.main(["face", str(tmp_path / "me.png"), *WORDS]) == 0
    out, err = capfd.readouterr()
    assert "Expression(AU4=3, AU6=2, AU43=1), PSPI 6\n" in out and str(tmp_path / "me.json") in out
    assert err.startswith("preparing: ")
    names = ["me.heatmap.png", "me.json", "me.png", "me.segmentation.png"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    subject = pain3d.Subject.sample(7, age_years=71, sex="female")
    made = pain3d.render(subject, pain3d.Expression(AU4=3, AU6=2, AU43=1), yaw=20, resolution=64)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "me.png")), made.image)
    assert np.array_equal(np.asarray(Image.open(tmp_path / "me.segmentation.png")), made.segmentation)
    heatmap = decode_heatmap((tmp_path / "me.heatmap.png").read_bytes(), HEATMAP_MAX_MM)
    assert np.abs(heatmap - made.heatmap).max() <= HEATMAP_MAX_MM / 255
    labels = json.loads((tmp_path / "me.json").read_text())
    assert (labels["PSPI"], labels["aus"]["AU6"], labels["age_years"], labels["yaw"]) == (6, 2, 71, 20)
    assert np.allclose(labels["landmarks"], made.landmarks)
    assert labels["files"]["image"] == "me.png"
    assert repr(made) == f"Portrait({subject!r}, Expression(AU4=3, AU6=2, AU43=1), 64 x 64 pixels)"


def test_json_stands_alone(tmp_path, capfd):
    assert cli.main(["face", str(tmp_path / "me.png"), "--resolution=32", "--json"]) == 0
    answer = json.loads(capfd.readouterr().out)
    assert answer["PSPI"] == 0 and answer["files"]["heatmap"] == str(tmp_path / "me.heatmap.png")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--aus=AU99=1"], "AU99: unknown Action Unit; pain3d knows AU1, AU2, AU4, "),
        (["--aus=AU4"], "--expression: 'AU4' is not AU=INTENSITY"),
        (["--aus=AU43=0.5"], "AU43: intensity 0.5 is neither 0 nor 1"),
        (["--age-years=12"], "--age-years: 12 is outside 18..95"),
        (["--seed=-1"], "--seed: -1 is outside 0.."),
        (["--yaw=500"], "--yaw: 500 is outside -180..180 degrees; 0 looks into the camera"),
        (["--light=sun"], "--light: 'sun' is unknown; choose one of "),
        (["--background=moon"], "--background: 'moon' is unknown; choose one of "),
        (["--resolution=8"], "--resolution: 8 is outside 32..2048; give pixels along one side, as 512"),
    ],
)
def test_refusals(tmp_path, capfd, words, message):
    assert cli.main(["face", str(tmp_path / "me.png"), *words]) == 2
    out, err = capfd.readouterr()
    assert out == "" and err.startswith(f"pain3d: error: {message.replace('--expression', '--aus')}")
    assert list(tmp_path.iterdir()) == []


def test_files_that_cannot_be(tmp_path, capfd):
    assert cli.main(["face", str(tmp_path / "me.jpg")]) == 2
    assert "me.jpg does not end in .png; name the picture, as in face.png" in capfd.readouterr().err
    assert cli.main(["face", str(tmp_path / "no" / "me.png")]) == 2
    assert f"the folder {tmp_path / 'no'} does not exist; make the folder first" in capfd.readouterr().err
