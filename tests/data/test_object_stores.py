"""A dataset in an object store is the dataset on a disk, byte for byte, whatever happens on the way."""

import dataclasses
import pickle

import fsspec
import handmade
import pytest
import s3_server

import pain3d
from pain3d import stores
from pain3d.data import progress
from pain3d.data.audit import audit
from pain3d.data.manifest import MANIFEST, read_manifest
from pain3d.data.progress import begin, begin_part, finish, is_finished, sound_shards
from pain3d.data.writer import write_shard
from pain3d.errors import DataError, OutputError, StorageError
from pain3d.places import location

WHAT = handmade.manifest(subjects=4, expressions=1, distractors=0, views=1)
TASKS = handmade.shards_of(WHAT)
SHARDS = [shard for shard, _ in TASKS]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    out = tmp_path_factory.mktemp("local") / "faces"
    handmade.dataset(out, WHAT)
    return out


@pytest.fixture
def server(monkeypatch):
    server = s3_server.S3Server()
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(stores, "WAITS_S", (0.01, 0.01, 0.01))
    files = new_driver()
    if files.exists("shop"):  # moto's objects are the process's
        files.rm("shop", recursive=True)
    files.mkdir("shop")
    server.requests.clear()
    yield server
    server.stop()
    new_driver()


@pytest.fixture
def out(server):
    return location("s3://shop/faces")


@pytest.fixture
def shelf():
    """A store in memory, for what is the same in every store."""
    files = fsspec.filesystem("memory")
    files.store.clear()
    return location("memory://shop/faces")


def new_driver():
    """One that reads the environment again."""
    kind = fsspec.get_filesystem_class("s3")
    kind.clear_instance_cache()
    return fsspec.filesystem("s3")


def make(out, tasks) -> None:
    for shard, subjects in tasks:
        write_shard(out, shard, handmade.rows(WHAT, subjects))


def held(out) -> dict[str, bytes]:
    """Everything in the bucket."""
    files = fsspec.filesystem(out.protocol, use_listings_cache=False)
    paths = files.find(out.parent.path)
    return {path.lstrip("/").removeprefix("shop/faces/"): files.cat_file(path) for path in paths}


def contents(folder) -> dict[str, bytes]:
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


def test_every_object_is_one_put_and_the_manifest_is_the_last(server, out, local):
    handmade.dataset(out, WHAT)
    assert held(out) == contents(local)
    puts = server.puts("shop/faces")
    assert puts[0] == puts[-1] == MANIFEST
    assert [path for path in puts if not path.startswith(progress.PROGRESS)] == [
        *(MANIFEST, *(shard.file for shard in SHARDS), "README.md", "croissant.json", MANIFEST)
    ]
    assert not [path for method, path in server.requests if method == "POST"]


def test_a_run_that_died_goes_on_and_ends_with_the_same_bytes(server, out, local, done=2):
    assert begin(out, WHAT, SHARDS) == tuple(SHARDS)
    make(out, TASKS[:done])
    with pytest.raises(DataError, match=r"s3://shop/faces: the dataset is not finished"):
        pain3d.open_dataset("s3://shop/faces")
    server.requests.clear()
    pending = begin(out, WHAT, SHARDS)
    assert pending == tuple(SHARDS[done:])
    make(out, [task for task in TASKS if task[0] in pending])
    finish(out, WHAT, SHARDS)
    assert held(out) == contents(local)
    assert not set(server.puts("shop/faces")) & {shard.file for shard in SHARDS[:done]}


def test_a_finished_dataset_is_fetched_once_and_nothing_is_written(server, out):
    handmade.dataset(out, WHAT)
    server.requests.clear()
    handmade.dataset(out, WHAT)
    assert is_finished(out) and not server.puts("shop")
    assert [path for method, path in server.requests if method == "GET" and "parquet" in path] == [
        f"/shop/faces/{shard.file}" for shard in SHARDS
    ]


def test_what_the_store_holds_is_what_counts(shelf, local):
    handmade.dataset(shelf, WHAT)
    first, second, third = SHARDS
    flipped = bytearray(stores.read(shelf / first.file))
    flipped[len(flipped) // 2] ^= 1
    stores.put(shelf / first.file, bytes(flipped))
    stores.put(shelf / second.file, stores.read(shelf / second.file)[:-9])
    stores.remove([shelf / third.file])
    rules = {finding.rule: finding.where for finding in audit("memory://shop/faces").findings}
    assert rules["size"] == second.file and rules["missing file"] == third.file and "hash" in rules
    with pytest.raises(DataError, match=r"memory://shop/faces/data/.* bytes, but .* in the manifest"):
        pain3d.open_dataset("memory://shop/faces")
    assert begin(shelf, WHAT, SHARDS) == (first, second, third)
    make(shelf, TASKS)
    finish(shelf, WHAT, SHARDS)
    assert held(shelf) == contents(local) and audit(shelf).ok


def test_parts_share_a_place(shelf, local):
    for own in (TASKS[1::2], TASKS[::2]):
        pending = begin_part(shelf, WHAT, SHARDS, [shard for shard, _ in own])
        assert pending == tuple(shard for shard, _ in own)
        make(shelf, own)
    assert set(sound_shards(shelf, SHARDS)) == {shard.file for shard in SHARDS}
    finish(shelf, read_manifest(shelf), SHARDS)
    assert held(shelf) == contents(local)


def test_other_objects_and_other_datasets_are_refused(shelf):
    stores.put(shelf / "holiday.jpg", b"sun")
    with pytest.raises(OutputError, match=r"memory://shop/faces: holds other files \(holiday.jpg\)"):
        begin(shelf, WHAT, SHARDS)
    stores.remove([shelf / "holiday.jpg"])
    begin(shelf, WHAT, SHARDS)
    with pytest.raises(OutputError, match="holds another dataset"):
        begin(shelf, dataclasses.replace(WHAT, seed=3), SHARDS)
    with pytest.raises(OutputError, match=r"memory://shop/faces/manifest.json: is a file"):
        begin(shelf / MANIFEST, WHAT, SHARDS)


def test_of_two_datasets_that_come_at_once_one_is_refused(server, out, monkeypatch):
    other = dataclasses.replace(WHAT, seed=3)
    begin(out, other, SHARDS)
    before = held(out)
    looks = iter([False, False])  # the second looked before the first wrote
    monkeypatch.setattr(progress, "exists", lambda path: next(looks, True))
    monkeypatch.setattr(stores, "is_there", lambda place: False)
    with pytest.raises(OutputError, match=r"holds another dataset .*seed: 3 there, 0 asked for"):
        begin(out, WHAT, SHARDS)
    assert held(out) == before
    assert ("PUT", f"/shop/faces/{MANIFEST}") in server.requests


def test_two_runs_of_one_dataset_end_with_its_bytes(shelf, local):
    begin(shelf, WHAT, SHARDS)
    make(shelf, TASKS[:1])
    pending = begin(shelf, WHAT, SHARDS)  # the second comes while the first is at it
    make(shelf, TASKS[1:])
    finish(shelf, WHAT, SHARDS)
    make(shelf, [task for task in TASKS if task[0] in pending])
    finish(shelf, WHAT, SHARDS)
    assert held(shelf) == contents(local)


def test_a_note_that_another_run_clears_is_found_in_the_manifest(shelf, local, monkeypatch):
    begin(shelf, WHAT, SHARDS)
    make(shelf, TASKS)
    read = progress.read_bytes

    def cleared(path):
        """The other run finishes between the listing and the first reading."""
        monkeypatch.setattr(progress, "read_bytes", read)
        finish(shelf, WHAT, SHARDS)
        return read(path)

    monkeypatch.setattr(progress, "read_bytes", cleared)
    assert set(sound_shards(shelf, SHARDS)) == {shard.file for shard in SHARDS}
    assert held(shelf) == contents(local)


def test_samples_come_by_what_is_asked_for(server, out, local):
    handmade.dataset(out, WHAT)
    server.requests.clear()
    there, here = pain3d.open_dataset("s3://shop/faces", "train"), pain3d.open_dataset(local, "train")
    assert repr(there).startswith("Dataset('s3://shop/faces', 4 frames")
    assert there.labels() == here.labels()
    assert [s.image.tobytes() for s in there] == [s.image.tobytes() for s in here]
    assert there[3].neutral.frame_id == here[3].neutral.frame_id
    again = pickle.loads(pickle.dumps(there))  # noqa: S301
    assert again[2].heatmap.tobytes() == here[2].heatmap.tobytes()
    assert pain3d.open_dataset("s3://shop/faces", verify=True).manifest == read_manifest(local)


def test_a_server_that_fails_now_and_then_is_asked_again(server, out, local):
    server.fails = lambda number: ("500 InternalError", "503 SlowDown")[number % 2] if number % 4 == 2 else None
    handmade.dataset(out, WHAT)
    assert audit("s3://shop/faces").ok
    server.fails = lambda number: None
    assert held(out) == contents(local)


def test_a_server_that_goes_away_ends_the_run_and_the_next_one_goes_on(server, out, local, monkeypatch):
    begin(out, WHAT, SHARDS)
    make(out, TASKS[:2])
    server.stop()
    with pytest.raises(StorageError) as refusal:
        make(out, TASKS[2:])
    said = str(refusal.value)
    assert said.startswith(f"s3://shop/faces/{SHARDS[2].file}: cannot be written: the store cannot be reached (")
    assert said.endswith(
        "check the network, and AWS_ENDPOINT_URL if it is set, then run the same command again: finished shards are "
        "kept, nothing is half-written"
    )
    assert "\n" not in said
    with pytest.raises(StorageError, match=r"^s3://shop/faces: cannot be read: the store cannot be reached"):
        begin(out, WHAT, SHARDS)
    with pytest.raises(StorageError, match=r"^s3://shop/faces/manifest.json: cannot be read"):
        pain3d.open_dataset("s3://shop/faces")
    again = s3_server.S3Server(server.port)
    assert begin(out, WHAT, SHARDS) == tuple(SHARDS[2:])
    make(out, TASKS[2:])
    finish(out, WHAT, SHARDS)
    assert held(out) == contents(local)
    again.stop()


def test_a_server_that_goes_away_while_frames_are_read(server, out):
    handmade.dataset(out, WHAT)
    dataset = pain3d.open_dataset("s3://shop/faces")
    assert dataset[0].frame_id
    server.fails = lambda number: "500 InternalError"
    with pytest.raises(StorageError, match=r"^s3://shop/faces/data/.*: cannot be read: the store answers: .*well"):
        dataset[len(dataset) - 1]


def test_no_bucket(server):
    with pytest.raises(StorageError, match=r"there is no bucket market; make it first, or name another"):
        begin(location("s3://market/faces"), WHAT, SHARDS)
    assert not fsspec.filesystem("s3").exists("market")
    with pytest.raises(DataError, match=r"s3://market/faces/manifest.json: not found"):
        pain3d.open_dataset("s3://market/faces")


def test_credentials_that_are_refused(server, out):
    server.fails = lambda number: "403 AccessDenied"
    with pytest.raises(StorageError, match=r"s3://shop/faces: cannot be read: the store refuses \(.*credentials"):
        begin(out, WHAT, SHARDS)
    assert len(server.requests) < 9, "a refusal is no matter of patience: the driver alone asks again"


def test_no_credentials(server, out, monkeypatch, tmp_path):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    new_driver()
    with pytest.raises(StorageError, match=r"^s3://shop/faces.*credentials"):
        begin(out, WHAT, SHARDS)


def test_secrets_are_not_told(server, out, monkeypatch):
    def talkative(*_, **__):
        raise OSError(f"signed by {s3_server.ACCESS_KEY} with\n{s3_server.SECRET_KEY}: no")

    monkeypatch.setattr(fsspec.get_filesystem_class("s3"), "pipe_file", talkative)
    with pytest.raises(StorageError) as refusal:
        stores.put(out / "x", b"")
    said = str(refusal.value)
    assert "signed by <AWS_ACCESS_KEY_ID> with <AWS_SECRET_ACCESS_KEY>: no" in said
    assert s3_server.SECRET_KEY not in said and s3_server.ACCESS_KEY not in said


def test_nothing_written_holds_a_secret(server, out):
    begin(out, WHAT, SHARDS)
    make(out, TASKS)
    written = b"".join(held(out).values())
    finish(out, WHAT, SHARDS)
    written += b"".join(held(out).values())
    assert s3_server.SECRET_KEY.encode() not in written and s3_server.ACCESS_KEY.encode() not in written
    assert s3_server.SECRET_KEY.encode() not in pickle.dumps(out)


def test_a_store_without_conditions_is_written_all_the_same(server, out):
    server.fails = lambda number: "501 NotImplemented" if number == 2 else None  # after two looks
    assert stores.create(out / "x", b"1")
    assert server.requests[2] == ("failed PUT", "/shop/faces/x") and stores.read(out / "x") == b"1"


def test_an_object_is_a_file_to_read_anywhere(server, out):
    stores.put(out / "x", b"0123456789")
    with stores.Ranges(out / "x") as file:
        assert file.read(3) == b"012" and file.tell() == 3
        assert file.seek(-2, 2) == 8 and file.read() == b"89" and file.read() == b""
        assert file.seek(1) == 1 and file.seek(2, 1) == 3 and file.read(99) == b"3456789"
    with pytest.raises(FileNotFoundError):
        stores.Ranges(out / "y")


def test_a_damaged_note_is_no_note(shelf):
    begin(shelf, WHAT, SHARDS)
    make(shelf, TASKS[:2])
    assert stores.names(shelf) == [progress.PROGRESS, "data", MANIFEST]
    stores.put(shelf / progress.PROGRESS / f"{SHARDS[0].file.removeprefix('data/')}.json", b"{")
    assert begin(shelf, WHAT, SHARDS) == (SHARDS[0], *SHARDS[2:])
