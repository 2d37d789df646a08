"""The people of a dataset in 3D again: those of its pictures, to the bit."""

import json

import numpy as np
import pytest

import pain3d
from pain3d import cli
from pain3d.errors import ArgumentError
from pain3d.facs import AU_NAMES
from pain3d.skin.looks import PROCEDURAL
from pain3d.synth.plan import PlanConfig


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    out = tmp_path_factory.mktemp("made") / "OUT"
    config = PlanConfig(
        subjects=9, only=("s00004",), expressions=1, views=1, resolution=64, skin=PROCEDURAL, glasses=1.0
    )
    pain3d.generate(out, config, workers=1)
    return out


def test_it_is_the_person_of_the_pictures(dataset):
    subject = pain3d.subject_of(dataset, "s00004")
    assert subject.worn == ("glasses",)
    for sample in pain3d.open_dataset(dataset):
        assert (subject.age_years, subject.sex) == (sample.row["age_years"], sample.row["sex"])
        expression = pain3d.Expression(**{name: sample.row[name] for name in AU_NAMES})
        camera = [sample.row[name] for name in ("yaw", "pitch", "roll")]
        again = pain3d.render(subject, expression, yaw=camera[0], pitch=camera[1], roll=camera[2], resolution=64)
        assert np.abs(again.image.astype(int) - np.asarray(sample.image)).mean() < 3  # JPEG lies between


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("s00003", "subject: s00003 is not in .* which holds 1 chosen ones"),
        ("s00010", "subject: s00010 is not in"),
        ("anna", "subject: 'anna' is no subject id; one reads like s00042"),
    ],
)
def test_others_are_refused(dataset, name, message):
    with pytest.raises(ArgumentError, match=message):
        pain3d.subject_of(dataset, name)


def test_other_weights_are_refused(dataset, tmp_path):
    manifest = json.loads((dataset / "manifest.json").read_text())
    manifest["configuration"]["skin"] = "diffusion " + "0" * 64
    (tmp_path / "manifest.json").write_text(json.dumps(manifest))
    with pytest.raises(ArgumentError, match=r"skin: diffusion has weights .* was made with 000000000000"):
        pain3d.subject_of(tmp_path, "s00004")


def test_the_command_writes_a_glb(dataset, tmp_path, capfd):
    assert cli.main(["export", "glb", str(dataset), str(tmp_path / "head.glb"), "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["bytes"] == (tmp_path / "head.glb").stat().st_size
    assert told["targets"][:16] == list(AU_NAMES)
    assert cli.main(["export", "glb", str(dataset), str(tmp_path / "x.glb"), "--neutral-targets"]) == 2
    assert "belongs to pain3d export 3dpain" in capfd.readouterr().err
