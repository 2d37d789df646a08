"""The learning commands: help, answers, errors to the letter, exit statuses; nothing heavy before one runs."""

import json
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from pain3d import cli
from pain3d.model.config import BackboneConfig, ViTPainConfig
from pain3d.model.vitpain import ViTPain


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    backbone = BackboneConfig(hidden_size=32, layers=2, heads=2, patch_size=8, registers=2)
    folder = tmp_path_factory.mktemp("model")
    ViTPain(ViTPainConfig(image_size=32, backbone=backbone, head_hidden=16)).save_pretrained(folder)
    return folder


@pytest.fixture
def photo(tmp_path):
    path = tmp_path / "photo.png"
    Image.fromarray(np.full((60, 60, 3), 90, np.uint8)).save(path)
    return path


def run(capfd, *words):
    """Exit status, standard output, standard error."""
    try:
        status = cli.main([str(word) for word in words])
    except SystemExit as ended:
        status = ended.code
    out, err = capfd.readouterr()
    assert "Traceback" not in err
    return status, out, err


@pytest.mark.parametrize("command", ["train", "evaluate", "predict", "explain", "export"])
def test_every_command_has_help_with_defaults(capfd, command):
    status, out, err = run(capfd, command, "--help")
    assert (status, err) == (0, "")
    assert f"usage: pain3d {command}" in out and "--json" in out and "(default:" in out


def test_help_loads_no_torch():
    code = """
import sys
from pain3d.cli import main
try:
    main(["predict", "--help"])
except SystemExit:
    pass
print(sorted({"torch", "transformers", "matplotlib", "onnxruntime", "av"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


def test_predict(capfd, model, photo):
    status, out, _ = run(capfd, "predict", photo, "--model", model, "--box", "5,5,50,55")
    assert status == 0 and out.startswith(f"{photo}: PSPI ") and "not felt pain" in out
    status, out, _ = run(capfd, "predict", photo, photo, "--model", model, "--box", "5,5,50,55", "--json")
    assert status == 0 and [one["box"] for one in json.loads(out)["readings"]] == [[5, 5, 50, 55]] * 2


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (
            ["--box", "5,5"],
            2,
            "--box: '5,5' is not left,top,right,bottom in pixels; write for example --box 120,80,360,400",
        ),
        (["--model", "no-such"], 1, "--model: 'no-such' is no folder and no bundled model; bundled are: "),
    ],
)
def test_predict_refuses(capfd, photo, words, status, message):
    found, out, err = run(capfd, "predict", photo, *words)
    assert (found, out) == (status, "")
    assert err.startswith(f"pain3d: error: {message}")


def test_predict_without_a_face_exits_1(capfd, model, photo):
    status, out, err = run(capfd, "predict", photo, "--model", model)
    assert (status, out) == (1, "")
    assert "no face was found in 60 x 60 pixels" in err and "--box" in err


def test_a_student_without_a_teacher_is_refused(capfd, tmp_path):
    status, out, err = run(capfd, "train", tmp_path / "data", tmp_path / "run", "--recipe", "student")
    assert (status, out) == (2, "") and "--teacher" in err


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--recipe", "linear_probe"], "--init: not given, but linear_probe starts from a model"),
        (["--recipe", "rgb", "--mix", "other"], "--mix: other, mix_ratio: None; a mixture needs both"),
        (["--recipe", "rgb", "--subjects", "a,b", "--few-shot", "2"], "--few-shot: 2 subjects are to be drawn"),
        (["--recipe", "rgb", "--val-subjects", "a,b"], "frames.subjects: None, but val_subjects are named"),
    ],
)
def test_data_that_contradict_are_refused(capfd, tmp_path, words, message):
    status, out, err = run(capfd, "train", tmp_path / "data", tmp_path / "run", *words)
    assert (status, out) == (2, "")
    assert err.startswith(f"pain3d: error: {message}")
    assert not (tmp_path / "run").exists()


def test_lists_of_subjects_are_separated_by_commas():
    from pain3d.cli.learning import _names

    assert _names(("042-ll042, 043-jh043", "048-aa048,")) == ("042-ll042", "043-jh043", "048-aa048")
