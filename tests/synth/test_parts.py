"""A dataset made in parts, by runs that know nothing of each other, is the dataset made in one."""

import subprocess
import sys
from pathlib import Path

import pytest

from pain3d import cli
from pain3d.data.audit import audit
from pain3d.data.manifest import read_manifest
from pain3d.data.progress import only_part, only_run
from pain3d.errors import ArgumentError, DataError, OutputError
from pain3d.skin.looks import PLAIN
from pain3d.synth.generate import finish_dataset, generate
from pain3d.synth.part import Part
from pain3d.synth.plan import PlanConfig

CONFIG = PlanConfig(
    **vars(PLAIN), subjects=7, expressions=1, views=1, resolution=32, subjects_per_shard=2, seed=3
)  # fmt: skip
WORDS = ["--subjects=7", "--expressions=1", "--views=1", "--resolution=32", "--subjects-per-shard=2", "--seed=3"]
WORDS += ["--skin=procedural", "--hair=cap", "--no-wrinkles", "--no-wet", "--workers=1"]


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole") / "OUT"
    generate(out, CONFIG, workers=1)
    return out


def test_every_file_is_in_one_part():
    files = list(range(23))
    for of in (1, 2, 5, 23, 30):
        taken = [file for index in range(1, of + 1) for file in Part(index=index, of=of).take(files)]
        assert sorted(taken) == files


@pytest.mark.parametrize("text", ["0/3", "4/3", "1", "1/0", "a/b", "-1/3", "1/3/5", ""])
def test_other_words_are_no_part(tmp_path, text):
    with pytest.raises(ArgumentError, match="write i/n with i from 1 to n, as in 3/16"):
        generate(tmp_path / "OUT", CONFIG, shard=text, workers=1)
    assert not list(tmp_path.iterdir())


def test_parts_in_any_order_give_the_same_bytes(tmp_path, whole):
    out = tmp_path / "OUT"
    for index in (3, 1, 2):
        done = generate(out, CONFIG, shard=f"{index}/3", workers=1)
        assert str(done.part) == f"{index}/3" and done.frames_made == done.manifest.frames > 0
        assert not read_manifest(out).complete
        assert "pain3d finish" in done.text()
    finish_dataset(out)
    assert contents(out) == contents(whole)
    assert audit(out).ok
    assert generate(out, CONFIG, shard="2/3", workers=1).frames_made == 0
    assert finish_dataset(out).complete and contents(out) == contents(whole)


def test_parts_at_the_same_time_from_the_command_line(tmp_path, whole):
    out = str(tmp_path / "OUT")
    command = [sys.executable, "-m", "pain3d", "generate", out, *WORDS, "--shard"]
    runs = [subprocess.Popen([*command, f"{index}/2"], stderr=subprocess.DEVNULL) for index in (1, 2)]
    assert [run.wait() for run in runs] == [0, 0]
    assert cli.main(["finish", out]) == 0
    assert contents(tmp_path / "OUT") == contents(whole)


def test_what_is_missing_or_damaged_is_named_and_made_again(tmp_path, whole, capfd):
    out = tmp_path / "OUT"
    generate(out, CONFIG, shard="1/2", workers=1)
    with pytest.raises(DataError, match=r"2 files of 4 not made yet, or damaged: data/.*; run their parts again"):
        finish_dataset(out)
    assert cli.main(["finish", str(out), "--json"]) == 1 and "not made yet" in capfd.readouterr().err
    done = generate(out, CONFIG, shard="2/2", workers=1)
    broken = out / done.manifest.shards[0].file
    broken.write_bytes(broken.read_bytes()[:-9])
    with pytest.raises(DataError, match=f"1 file of 4 not made yet, or damaged: {done.manifest.shards[0].file}"):
        finish_dataset(out)
    again = generate(out, CONFIG, shard="2/2", workers=1)
    assert 0 < again.frames_made < done.frames_made
    finish_dataset(out)
    assert contents(out) == contents(whole)


def test_a_run_of_the_whole_goes_on_where_parts_ended(tmp_path, whole):
    out = tmp_path / "OUT"
    kept = generate(out, CONFIG, shard="2/2", workers=1).frames_made
    done = generate(out, CONFIG, workers=1)
    assert done.frames_kept == kept and contents(out) == contents(whole)


def test_no_two_runs_make_the_same_part_and_none_the_whole_beside_a_part(tmp_path):
    out = tmp_path / "OUT"
    with only_part(out, "part 1 of 2"):
        with pytest.raises(OutputError, match="another run is making part 1 of 2"):
            generate(out, CONFIG, shard="1/2", workers=1)
        with pytest.raises(OutputError, match="another run is writing here"):
            generate(out, CONFIG, workers=1)
        generate(out, CONFIG, shard="2/2", workers=1)
        with pytest.raises(OutputError, match="another run is writing here"):
            finish_dataset(out)
    with only_run(out), pytest.raises(OutputError, match="a run is writing the whole dataset here"):
        generate(out, CONFIG, shard="1/2", workers=1)


def test_a_part_of_another_dataset_is_refused(tmp_path):
    out = tmp_path / "OUT"
    generate(out, CONFIG, shard="1/2", workers=1)
    other = PlanConfig(**{**vars(CONFIG), "seed": 4})
    with pytest.raises(OutputError, match="holds another dataset"):
        generate(out, other, shard="2/2", workers=1)


def test_half_written_files_of_others_stay(tmp_path):
    out = tmp_path / "OUT"
    generate(out, CONFIG, shard="1/2", workers=1)
    theirs = out / "data" / ".train-00001-of-00003.parquet.77.tmp"
    theirs.write_bytes(b"half")
    generate(out, CONFIG, shard="1/2", workers=1)
    assert theirs.exists()
