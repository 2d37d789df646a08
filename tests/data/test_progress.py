import dataclasses
import json
import multiprocessing
import shutil
import time
from pathlib import Path

import handmade
import pytest

from pain3d.data import files
from pain3d.data.manifest import read_manifest
from pain3d.data.progress import begin, check_output, finish, only_run, sound_shards
from pain3d.data.writer import write_shard
from pain3d.errors import DataError, OutputError, StorageError

WHAT = handmade.manifest(subjects=10, expressions=1, distractors=0, views=1)
TASKS = handmade.shards_of(WHAT)
SHARDS = [shard for shard, _ in TASKS]


def make(out, tasks) -> None:
    for shard, subjects in tasks:
        write_shard(out, shard, handmade.rows(WHAT, subjects))


def contents(folder) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def finished(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("finished") / "out"
    begin(out, WHAT, SHARDS)
    make(out, TASKS)
    finish(out, WHAT, SHARDS)
    return out


@pytest.fixture
def copy(tmp_path, finished):
    return shutil.copytree(finished, tmp_path / "copy")


def test_a_finished_dataset_holds_these_files_and_no_others(finished):
    assert sorted(contents(finished)) == sorted(
        ["README.md", "croissant.json", "manifest.json", *(shard.file for shard in SHARDS)]
    )
    manifest = read_manifest(finished)
    assert manifest.complete
    assert manifest.frames == 20
    assert [shard.file for shard in manifest.shards] == [shard.file for shard in SHARDS]


@pytest.mark.parametrize("done", range(len(TASKS) + 1))
def test_an_interrupted_run_ends_with_the_bytes_of_an_uninterrupted_one(tmp_path, finished, done):
    out = tmp_path / "out"
    assert begin(out, WHAT, SHARDS) == tuple(SHARDS)
    assert not read_manifest(out).complete
    make(out, reversed(TASKS[:done]))  # order is of no importance
    kept = {name: (out / name).stat().st_mtime_ns for name in contents(out) if name.startswith("data/")}
    pending = begin(out, WHAT, SHARDS)
    assert pending == tuple(SHARDS[done:])
    make(out, [task for task in TASKS if task[0] in pending])
    finish(out, WHAT, SHARDS)
    assert contents(out) == contents(finished)
    assert all((out / name).stat().st_mtime_ns == time for name, time in kept.items())


def test_a_finished_run_repeated_does_nothing(copy):
    before = {path: path.stat().st_mtime_ns for path in [copy, *copy.rglob("*")]}
    assert begin(copy, WHAT, SHARDS) == ()
    assert finish(copy, WHAT, SHARDS) == read_manifest(copy)
    assert {path: path.stat().st_mtime_ns for path in [copy, *copy.rglob("*")]} == before


def damage_nothing(out) -> None: ...


def damage_truncate(out) -> None:
    path = out / SHARDS[1].file
    path.write_bytes(path.read_bytes()[:-100])


def damage_flip(out) -> None:
    path = out / SHARDS[1].file
    content = bytearray(path.read_bytes())
    content[1000] ^= 1
    path.write_bytes(content)


def damage_remove(out) -> None:
    (out / SHARDS[1].file).unlink()


@pytest.mark.parametrize("damage", [damage_truncate, damage_flip, damage_remove])
@pytest.mark.parametrize("stage", ["finished", "under way"])
def test_a_damaged_shard_alone_is_made_again(tmp_path, finished, damage, stage):
    out = tmp_path / "out"
    if stage == "finished":
        shutil.copytree(finished, out)
    else:
        begin(out, WHAT, SHARDS)
        make(out, TASKS)
    damage(out)
    assert begin(out, WHAT, SHARDS) == (SHARDS[1],)
    assert begin(out, WHAT, SHARDS) == (SHARDS[1],), "interrupted again before it was made"
    with pytest.raises(DataError, match="1 shard not made yet, data/train-00001"):
        finish(out, WHAT, SHARDS)
    make(out, [TASKS[1]])
    finish(out, WHAT, SHARDS)
    assert contents(out) == contents(finished)


@pytest.mark.parametrize("note", [b"", b"{", b"[]", b'{"file": 3}', b'{"file": "../../x", "split": "train"}'])
def test_a_damaged_note_is_no_note(tmp_path, note):
    begin(tmp_path, WHAT, SHARDS)
    make(tmp_path, TASKS[:2])
    (tmp_path / ".progress" / f"{Path(SHARDS[0].file).name}.json").write_bytes(note)
    assert set(sound_shards(tmp_path, SHARDS)) == {SHARDS[1].file}


def test_leftovers_of_workers_that_died_within_a_run_are_swept(tmp_path, finished):
    begin(tmp_path, WHAT, SHARDS)
    make(tmp_path, TASKS)
    (tmp_path / "skins").mkdir()
    (tmp_path / "skins" / "skin-sample-0af.part").write_bytes(b"half")
    (tmp_path / "data" / ".train-00001-of-00004.parquet.99.tmp").write_bytes(b"half")
    finish(tmp_path, WHAT, SHARDS)
    assert contents(tmp_path) == contents(finished)


def test_leftovers_of_a_killed_run_are_swept(tmp_path, finished):
    begin(tmp_path, WHAT, SHARDS)
    make(tmp_path, TASKS[:1])
    (tmp_path / "data" / ".train-00001-of-00004.parquet.99.tmp").write_bytes(b"half")
    begin(tmp_path, WHAT, SHARDS)
    make(tmp_path, TASKS[1:])
    finish(tmp_path, WHAT, SHARDS)
    assert contents(tmp_path) == contents(finished)


def test_a_run_killed_between_the_manifest_and_the_sweep_can_be_repeated(copy, finished):
    (copy / ".progress").mkdir()
    assert begin(copy, WHAT, SHARDS) == ()
    finish(copy, WHAT, SHARDS)
    assert contents(copy) == contents(finished)
    assert not (copy / ".progress").exists()


def make_slowly(out) -> None:
    begin(out, WHAT, SHARDS)
    for task in TASKS:
        make(out, [task])
        time.sleep(0.3)


def test_a_run_that_is_killed_goes_on_where_it_was(tmp_path, finished):
    process = multiprocessing.get_context("spawn").Process(target=make_slowly, args=(tmp_path / "out",))
    process.start()
    notes = tmp_path / "out" / ".progress"
    deadline = time.monotonic() + 30
    while not (notes.exists() and list(notes.glob("*.json"))) and time.monotonic() < deadline:
        time.sleep(0.01)
    process.kill()
    process.join()
    pending = begin(tmp_path / "out", WHAT, SHARDS)
    assert 0 < len(pending) < len(SHARDS)
    make(tmp_path / "out", [task for task in TASKS if task[0] in pending])
    finish(tmp_path / "out", WHAT, SHARDS)
    assert contents(tmp_path / "out") == contents(finished)


def test_a_folder_with_other_files_is_refused_and_left_alone(tmp_path):
    for name in ("b.txt", "a.txt", "c.txt", "d.txt"):
        (tmp_path / name).write_text("mine")
    before = contents(tmp_path)
    with pytest.raises(OutputError) as caught:
        begin(tmp_path, WHAT, SHARDS)
    assert str(caught.value) == (
        f"{tmp_path}: holds other files (a.txt, b.txt, c.txt, ...); name a new or empty folder; nothing was changed"
    )
    assert caught.value.exit_code == 2
    assert contents(tmp_path) == before


def test_a_file_in_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "x").write_text("mine")
    with pytest.raises(OutputError, match="is a file; name a new or empty folder"):
        begin(tmp_path / "x", WHAT, SHARDS)


def test_a_new_folder_is_made_with_its_parents(tmp_path):
    check_output(tmp_path / "a" / "b", WHAT)
    assert not (tmp_path / "a").exists(), "checking writes nothing"
    begin(tmp_path / "a" / "b", WHAT, SHARDS)
    assert read_manifest(tmp_path / "a" / "b").design == WHAT.design


@pytest.mark.parametrize(
    ("other", "told"),
    [
        (
            dataclasses.replace(WHAT, design=dataclasses.replace(WHAT.design, subjects=20)),
            "design.subjects: 10 there, 20 asked for",
        ),
        (dataclasses.replace(WHAT, seed=1), "seed: 0 there, 1 asked for"),
        (dataclasses.replace(WHAT, pain3d_version="0.2.0"), 'pain3d_version: "0.1.0" there, "0.2.0" asked for'),
        (
            dataclasses.replace(WHAT, configuration={**WHAT.configuration, "image_format": "png"}),
            'configuration.image_format: "jpeg" there, "png" asked for',
        ),
        (
            dataclasses.replace(WHAT, environment={**WHAT.environment, "device": "cuda"}),
            'environment.device: "cpu" there, "cuda" asked for',
        ),
        (
            dataclasses.replace(WHAT, environment={**WHAT.environment, "cpu_instruction_sets": "X"}),
            "environment.cpu_instruction_sets",
        ),
        (dataclasses.replace(WHAT, annotations=("depth",)), 'annotations: [] there, ["depth"] asked for'),
    ],
)
@pytest.mark.parametrize("complete", [True, False])
def test_another_dataset_is_refused_and_left_alone(tmp_path, copy, other, told, complete):
    out = copy
    if not complete:
        out = tmp_path / "out"
        begin(out, WHAT, SHARDS)
    before = contents(out)
    with pytest.raises(OutputError) as caught:
        begin(out, other, SHARDS)
    assert f"{out}: holds another dataset ({told}" in str(caught.value)
    assert "name a new folder" in str(caught.value)
    assert contents(out) == before


def edit(out, **changes) -> None:
    path = out / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


def test_a_manifest_of_another_version_is_refused_and_left_alone(copy):
    edit(copy, schema_version=99)
    before = contents(copy)
    with pytest.raises(OutputError, match="schema version 99, but this pain3d reads and writes 1; use"):
        begin(copy, WHAT, SHARDS)
    assert contents(copy) == before


@pytest.mark.parametrize("length", [0, 1, 50, 500])
def test_a_manifest_cut_short_is_refused_and_left_alone(copy, length):
    path = copy / "manifest.json"
    path.write_bytes(path.read_bytes()[:length])
    before = contents(copy)
    with pytest.raises(OutputError, match=r"manifest.json: cut short or damaged .*; nothing was changed"):
        begin(copy, WHAT, SHARDS)
    assert contents(copy) == before


def test_a_read_only_folder_says_so(tmp_path, monkeypatch):
    def refuse(self, *args, **kwargs):
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(StorageError, match="permission denied; choose a folder you can write to"):
        begin(tmp_path / "out", WHAT, SHARDS)


def test_a_disk_that_fills_up_at_the_end_loses_nothing(tmp_path, monkeypatch, finished):
    begin(tmp_path, WHAT, SHARDS)
    make(tmp_path, TASKS)

    def full(descriptor):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(files.os, "fsync", full)
        with pytest.raises(StorageError, match="the disk is full; free some space, then run the same command again"):
            finish(tmp_path, WHAT, SHARDS)
    assert not read_manifest(tmp_path).complete
    assert begin(tmp_path, WHAT, SHARDS) == ()
    finish(tmp_path, WHAT, SHARDS)
    assert contents(tmp_path) == contents(finished)


def hold(out, started, release) -> None:
    with only_run(out):
        started.set()
        release.wait(30)


def test_a_second_run_into_the_same_folder_is_refused(tmp_path):
    context = multiprocessing.get_context("spawn")
    started, release = context.Event(), context.Event()
    other = context.Process(target=hold, args=(tmp_path / "out", started, release))
    other.start()
    assert started.wait(30)
    with pytest.raises(OutputError, match="another run is writing here; wait for it"), only_run(tmp_path / "out"):
        pass
    release.set()
    other.join(30)
    assert other.exitcode == 0
    with only_run(tmp_path / "out"):
        assert not list((tmp_path / "out").iterdir())


def test_a_foreign_parquet_file_among_the_shards_is_refused(tmp_path, finished):
    out = tmp_path / "out"
    shutil.copytree(finished, out)
    (out / "data/mine.parquet").write_bytes(b"mine")
    with pytest.raises(OutputError) as caught:
        begin(out, WHAT, SHARDS)
    assert str(caught.value) == (
        f"{out}: data/mine.parquet is no file of this dataset, but whoever reads the folder's Parquet files, as "
        f"load_dataset does, would read it; move it elsewhere and run the same command again; nothing was changed"
    )
    assert (out / "data/mine.parquet").read_bytes() == b"mine"
