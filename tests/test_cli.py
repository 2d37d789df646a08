"""The command line: help, answers, errors to the letter, exit statuses."""

import json
import re
import subprocess
import sys

import pytest

import pain3d
from pain3d import cli
from pain3d.data.schema import FrameRow
from pain3d.synth.generate import generate
from pain3d.synth.plan import PlanConfig

COMMANDS = ("demo", "face", "studio", "generate", "plan", "audit", "show", "import")
TINY = ["--subjects=2", "--expressions=1", "--views=1", "--resolution=48"]
WHOLE = PlanConfig(subjects=2, expressions=1, views=1, resolution=48)


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    out = tmp_path_factory.mktemp("cli") / "dataset"
    generate(out, WHOLE, workers=1)
    return out


def run(capfd, *words):
    """Exit status, standard output, standard error."""
    try:
        status = cli.main([str(word) for word in words])
    except SystemExit as ended:
        status = ended.code
    out, err = capfd.readouterr()
    return status, out, err


def refused(capfd, *words):
    """The message of a command that is refused: exit status 2, nothing on standard output, no traceback."""
    status, out, err = run(capfd, *words)
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    return err.strip()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_with_defaults(capfd, command):
    status, out, err = run(capfd, command, "--help")
    assert (status, err) == (0, "")
    assert f"usage: pain3d {command}" in out
    assert "--json" in out and "(default:" in out


def test_help_names_units(capfd):
    _, out, _ = run(capfd, "generate", "--help")
    text = re.sub(r"[\s│]+", " ", out)
    for said in ("pixels", "Share of pain frames, 0..1", "82,500 frames", "one for each core", "PSPI by the formula"):
        assert said in text


def test_no_command_is_refused(capfd):
    assert "demo" in refused(capfd)


def test_plan(capfd):
    status, out, _ = run(capfd, "plan", "--subjects", "10", "--expressions", "4", "--distractors", "1")
    assert status == 0
    assert out.startswith(
        "10 subjects x (1 neutral + 4 pain + 1 distractor) x 3 views = 180 frames of 512 x 512, 4 shards"
    )
    assert "female 5   male 5" in out
    assert "not felt pain" in out


def test_plan_as_json(capfd):
    status, out, err = run(capfd, "plan", "--subjects", "100", "--json")
    assert (status, err) == (0, "")
    answer = json.loads(out)
    assert answer["frames"] == 3300
    assert answer["by_split"] == {"train": 70, "val": 20, "test": 10}
    assert answer["cells"] == {"filled": 50, "of": 50, "least": 2, "most": 2}


def test_the_preset_is_the_paper_s_dataset():
    assert cli.PRESETS["3dpain"].frames == 82_500
    assert cli.PRESETS["3dpain"].subjects == 2500


def test_generate_says_what_it_did_and_then_that_all_is_there(capfd, dataset):
    status, out, _ = run(capfd, "generate", dataset, *TINY)
    assert status == 0
    assert out == f"{dataset}: 4 frames in 2 shards; all there already, nothing done\n"


def test_json_stands_alone_on_standard_output(tmp_path):
    # A process of its own: native libraries write to the file descriptor, past Python.
    command = [sys.executable, "-m", "pain3d.cli", "generate", str(tmp_path / "out"), *TINY, "--workers=2", "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert (answer["frames"], answer["frames_made"], answer["frames_kept"]) == (4, 4, 0)
    assert sorted(answer["sha256"]) == ["data/test-00000-of-00001.parquet", "data/val-00000-of-00001.parquet"]
    assert "Traceback" not in done.stderr and "Warp" not in done.stderr
    assert "making: 4/4 frames" in done.stderr
    assert done.stderr.startswith("preparing: kernels and head model (the first time")
    assert 0 < answer["seconds_to_first_frame"] < answer["seconds"]


def test_audit_of_a_sound_dataset(capfd, dataset):
    status, out, err = run(capfd, "audit", dataset)
    assert (status, out) == (0, "4 frames: sound\n")
    assert "checking: 4/4 frames" in err


def test_audit_of_a_damaged_dataset_exits_1_with_a_list(capfd, dataset, tmp_path):
    copy = tmp_path / "copy"
    subprocess.run(["cp", "-r", str(dataset), str(copy)], check=True)
    shard = copy / "data/test-00000-of-00001.parquet"
    shard.write_bytes(shard.read_bytes()[:-1] + b"!")
    status, out, _ = run(capfd, "audit", copy)
    assert status == 1
    assert "data/test-00000-of-00001.parquet: hash: SHA-256 differs from the manifest" in out
    status, out, _ = run(capfd, "audit", copy, "--json")
    assert status == 1 and json.loads(out)["ok"] is False


def test_show(capfd, dataset, tmp_path):
    status, out, _ = run(capfd, "show", dataset, "--to", tmp_path / "sheet.png")
    assert (status, out) == (0, f"wrote {tmp_path / 'sheet.png'}\n")
    status, out, _ = run(capfd, "show", dataset, "--subject", "s00001", "--to", tmp_path / "one.png", "--json")
    assert (status, json.loads(out)) == (0, {"contact_sheet": str(tmp_path / "one.png")})


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ["--subjects=0"],
            "--subjects: 0 is outside 1..100000; ask for 50 or a multiple, and every cell of age, sex and appearance "
            "group is filled alike",
        ),
        (
            ["--subjects=-3"],
            "--subjects: -3 is outside 1..100000; ask for 50 or a multiple, and every cell of age, sex and appearance "
            "group is filled alike",
        ),
        (["--views=4"], "--views: 4 is outside 1..3; 1 is frontal, 2 adds a left turn, 3 a right turn"),
        (["--expressions=-1"], "--expressions: -1 is outside 0..99; the paper uses 10"),
        (["--resolution=0"], "--resolution: 0 is outside 32..2048; give pixels along one side; the paper uses 512"),
        (["--seed=-1"], f"--seed: -1 is outside 0..{2**63 - 1}; give a whole number that is not negative"),
        (["--non-pain=2"], "--non-pain: 2 is outside 0..1; give a share such as 0.5"),
        (["--non-pain=nan"], "--non-pain: nan is outside 0..1; give a share such as 0.5"),
        (["--workers=0"], "--workers: 0 is below 1; give a number of processes, or auto for one a core"),
        (["--glasses=2"], "--glasses: 2 is outside 0..1; give the share of subjects who wear it, such as 0.3"),
        (["--only=7"], "--only: '7' is no subject id; one reads like s00042"),
        (
            ["--only=s00099"],
            "--only: s00099 is not in the plan, which ends with s00049; raise subjects, or name another",
        ),
        (["--backgrounds=/nowhere"], "--backgrounds: /nowhere is no folder; give a folder of JPEG or PNG pictures"),
        (
            ["--preset=3dpain", "--subjects=5"],
            "--subjects: given beside --preset 3dpain, which sets it to 2500; leave out one of the two",
        ),
    ],
)
def test_generate_refuses(capfd, tmp_path, words, message):
    out = tmp_path / "out"
    assert refused(capfd, "generate", out, *words) == f"pain3d: error: {message}"
    assert not out.exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--subjects=many"], ["--subjects", "'many'", "INT"]),
        (["--subjects=2.5"], ["--subjects", "'2.5'", "INT"]),
        (["--workers=all"], ["--workers", "'all'", "INT|{auto}"]),
        (["--sampler=normal"], ["--sampler", "normal", "('cooccurrence', 'uniform')"]),
        (["--image-format=gif"], ["--image-format", "gif", "'webp-lossless'"]),
        (["--annotations=flow"], ["--annotations", "flow", "'depth'", "'albedo'"]),
        (["--preset=4dpain"], ["--preset", "4dpain", "3dpain"]),
        (["--subject=5"], ["--subject", "--subjects"]),
        (["--device"], ["--device"]),
    ],
)
def test_words_that_do_not_parse(capfd, tmp_path, words, said):
    message = refused(capfd, "generate", tmp_path / "out", *words)
    for part in said:
        assert part in message
    assert not (tmp_path / "out").exists()


def test_a_missing_folder_is_named(capfd):
    assert "OUT" in refused(capfd, "generate")


def test_unknown_devices(capfd, tmp_path):
    message = refused(capfd, "generate", tmp_path / "out", "--device", "cuda:9")
    assert message.startswith("pain3d: error: --device: 'cuda:9' is not on this machine; it has cpu")


def test_a_file_in_place_of_the_folder(capfd, tmp_path):
    (tmp_path / "file").write_text("mine")
    message = refused(capfd, "generate", tmp_path / "file", *TINY)
    assert message == f"pain3d: error: {tmp_path / 'file'}: is a file; name a new or empty folder"
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_with_other_files(capfd, tmp_path):
    (tmp_path / "thesis.tex").write_text("mine")
    message = refused(capfd, "generate", tmp_path, *TINY)
    assert message == (
        f"pain3d: error: {tmp_path}: holds other files (thesis.tex); name a new or empty folder; nothing was changed"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_folder_with_another_dataset(capfd, dataset):
    message = refused(capfd, "generate", dataset, *TINY, "--seed=3")
    assert message == (
        f"pain3d: error: {dataset}: holds another dataset (seed: 0 there, 3 asked for); name a new folder, or ask for "
        f"the same dataset to go on with it; nothing was changed"
    )


def test_an_output_that_cannot_be_made(capfd, tmp_path):
    (tmp_path / "file").write_text("mine")
    status, out, err = run(capfd, "generate", tmp_path / "file" / "deeper", *TINY)
    assert status in (1, 2) and out == "" and "Traceback" not in err
    assert str(tmp_path / "file" / "deeper") in err


@pytest.mark.parametrize("command", ["audit", "show"])
def test_no_dataset_there(capfd, tmp_path, command):
    status, out, err = run(capfd, command, tmp_path / "nothing")
    assert status in (1, 2) and out == "" and "Traceback" not in err
    assert str(tmp_path / "nothing") in err


def test_show_refuses_strangers(capfd, dataset):
    message = refused(capfd, "show", dataset, "--subject", "s00009")
    assert message == (
        f"pain3d: error: --subject: s00009 is not among the 2 subjects of {dataset}, s00000 to s00001; name one of them"
    )
    assert "is no subject id; one reads like s00042" in refused(capfd, "show", dataset, "--subject", "nine")
    assert "does not end in .png" in refused(capfd, "show", dataset, "--to", "sheet.jpg")


def test_defects_keep_their_traceback(monkeypatch, dataset, tmp_path):
    monkeypatch.setattr(FrameRow, "columns", lambda self: 1 // 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["generate", str(tmp_path / "out"), *TINY, "--workers=1"])


def test_demo_makes_checks_and_shows(capfd, tmp_path, monkeypatch):
    from pain3d.synth import demo

    small = PlanConfig(subjects=2, expressions=1, resolution=48)
    monkeypatch.setattr(demo, "demo_config", lambda seed: small)
    status, out, err = run(capfd, "demo", tmp_path / "demo", "--workers=1")
    assert status == 0
    assert "audit: 12 frames, sound" in out
    assert re.search(r"12 made in [\d.]+ s \(start-up [\d.]+ s, then [\d.]+ frames/s\)", out)
    assert re.search(r"preparing: .*\n(?s:.*)checking: .*\nwriting the page\n", err)
    for name in ("contact_sheet.png", "index.html"):
        assert str(tmp_path / "demo" / "preview" / name) in out
        assert (tmp_path / "demo" / "preview" / name).stat().st_size > 10_000
    status, out, _ = run(capfd, "demo", tmp_path / "demo", "--json")
    answer = json.loads(out)
    assert (status, answer["frames_made"], answer["audit"]["ok"]) == (0, 0, True)


def test_interrupts_exit_130(capfd, monkeypatch, tmp_path):
    from pain3d.synth import engine as module

    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "run_tasks", interrupt)
    status, out, err = run(capfd, "generate", tmp_path / "out", *TINY)
    assert (status, out) == (130, "")
    assert err == "pain3d: interrupted; run the same command again to go on\n"


def test_ctrl_c_while_modules_are_imported_ends_quietly():
    code = """
import sys
from pain3d.__main__ import main

class Interrupting:
    def find_spec(self, name, *_):
        if name == "tyro":
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
sys.exit(main())
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "pain3d: interrupted; run the same command again to go on\n"


def test_the_module_runs_as_the_command():
    done = subprocess.run([sys.executable, "-m", "pain3d", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"pain3d {pain3d.__version__}\n"


def test_version(capfd):
    assert run(capfd, "--version") == (0, f"pain3d {pain3d.__version__}\n", "")


def test_one_is_said_in_the_singular(capfd):
    _, out, _ = run(capfd, "plan", "--subjects=1", "--expressions=0", "--views=1")
    assert out.startswith("1 subject x (1 neutral) x 1 view = 1 frame of 512 x 512, 1 shard, ")


def test_show_into_a_folder_that_is_not_there(capfd, dataset, tmp_path):
    message = refused(capfd, "show", dataset, "--to", tmp_path / "no" / "sheet.png")
    assert message == (
        f"pain3d: error: --to: the folder {tmp_path / 'no'} does not exist; make the folder first, or name another"
    )


def test_a_skin_model_that_is_not_there_is_refused(capfd, tmp_path):
    message = refused(capfd, "generate", tmp_path / "out", "--skin", "nothing")
    assert message.startswith("pain3d: error: --skin: 'nothing' is no folder; give procedural, diffusion, a folder")


def test_train_skin_refuses_a_recipe_of_nothing(capfd, tmp_path):
    message = refused(capfd, "train-skin", tmp_path / "model", "--steps", "0")
    assert message == "pain3d: error: --steps: 0 is below 1; the defaults are a good start"
