"""The commands that import and export: answers, errors to the letter, exit statuses."""

import json

import handmade
import pytest
import threedpain_tree
import unbc_tree

from pain3d import cli
from pain3d.data.reader import open_dataset


def run(capfd, *words):
    try:
        status = cli.main([str(word) for word in words])
    except SystemExit as ended:
        status = ended.code
    out, err = capfd.readouterr()
    return status, out, err


def test_unbc_in_both_forms(capfd, tmp_path):
    unbc_tree.archive(tmp_path / "archive")
    status, out, err = run(capfd, "import", "unbc", tmp_path / "archive", tmp_path / "a", "--crop", "--json")
    answer = json.loads(out)
    assert (status, answer["frames"], answer["dropped"], answer["form"]) == (0, 17, 7, "original archive")
    assert "importing: 24/24 frames" in err
    unbc_tree.hdf5(tmp_path / "files")
    status, out, _ = run(capfd, "import", "unbc", tmp_path / "files", tmp_path / "b")
    assert status == 0
    assert (
        out == f"{tmp_path / 'b'}: 17 frames of 3 subjects, read from HDF5\n  9 in {tmp_path / 'b' / 'dropped.csv'}\n"
    )
    status, out, _ = run(capfd, "audit", tmp_path / "a")
    assert (status, out) == (0, "17 frames: sound\n")
    status, out, _ = run(capfd, "show", tmp_path / "a")
    assert (status, out) == (0, f"wrote {tmp_path / 'a' / 'preview' / 'contact_sheet.png'}\n")


def test_3dpain_there_and_back(capfd, tmp_path):
    handmade.dataset(tmp_path / "ours")
    status, out, err = run(capfd, "export", "3dpain", tmp_path / "ours", tmp_path / "dst", "--json")
    assert (status, json.loads(out)["pictures"]) == (0, 60)
    assert "exporting: 80/80 frames" in err
    status, out, _ = run(capfd, "import", "3dpain", tmp_path / "dst", tmp_path / "back", "--json")
    assert (status, json.loads(out)["frames"]) == (0, 60)


def test_the_split_csv_may_lie_elsewhere(capfd, tmp_path):
    source = threedpain_tree.flat(tmp_path / "source")
    table = (source / "uniform_data_70_20_10_split.csv").rename(tmp_path / "official.csv")
    status, _, _ = run(capfd, "import", "3dpain", source, tmp_path / "out", "--splits", table)
    assert status == 0
    assert len(open_dataset(tmp_path / "out", "test")) == 6


def test_a_folder_with_its_columns_named(capfd, tmp_path):
    source = threedpain_tree.flat(tmp_path / "source") / "pain_faces" / "meshes_inpainted"
    name = sorted(path.name for path in source.iterdir())[0]
    table = tmp_path / "labels.csv"
    table.write_text(f"Name,who,score\n{name},a,3\nnone.jpg,b,2\n")
    words = ["import", "folder", source, tmp_path / "out", "--labels", table]
    words += ["--column", "file=Name", "--column", "subject=who", "--column", "PSPI=score"]
    status, out, err = run(capfd, *words)
    assert (status, out) == (1, "")
    assert err.splitlines()[-1] == (
        f"pain3d: error: {table}:3: {source / 'none.jpg'}: not found; mend it, or leave what is bad out with --skip-bad"
    )
    status, out, _ = run(capfd, *words, "--skip-bad", "--json")
    answer = json.loads(out)
    assert (status, answer["frames"], answer["skipped"]) == (0, 1, 1)
    assert answer["lists"]["skipped"] == str(tmp_path / "out" / "skipped.csv")


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["import", "unbc", "SRC", "OUT", "--labels=x.csv"], "--labels: belongs to pain3d import folder; leave it out"),
        (
            ["import", "3dpain", "SRC", "OUT", "--crop"],
            "--crop: belongs to pain3d import unbc; leave it out for",
        ),
        (["import", "folder", "SRC", "OUT"], "--labels: not given; name the CSV that holds a line for each picture"),
        (["import", "folder", "SRC", "OUT", "--labels=x", "--column=AU4"], "--column: 'AU4'; write each field once"),
        (["import", "unbc", "SRC", "OUT"], "source: SRC is no folder; name the one that holds Images and Frame_Labels"),
        (["import", "disfa", "SRC", "OUT"], "disfa"),
        (["export", "onnx", "M", "D", "--neutral-targets"], "--neutral-targets: belongs to pain3d export 3dpain"),
    ],
)
def test_what_does_not_go_together_is_refused(capfd, tmp_path, monkeypatch, words, told):
    monkeypatch.chdir(tmp_path)
    status, out, err = run(capfd, *words)
    assert (status, out) == (2, "")
    assert told in err and "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_a_nought_that_was_given_is_no_default(tmp_path, capfd):
    out = tmp_path / "model.onnx"
    assert cli.main(["export", "onnx", "vitpain-tiny", str(out), "--neutral-shots", "0"]) == 2
    assert "--neutral-shots: 0 is less than 1" in capfd.readouterr().err
    assert cli.main(["export", "glb", str(tmp_path), str(tmp_path / "a.glb"), "--neutral-shots", "0"]) == 2
    assert "--neutral-shots: belongs to pain3d export onnx" in capfd.readouterr().err
    assert not list(tmp_path.iterdir())
