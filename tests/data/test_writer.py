import dataclasses
import errno
import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import handmade
import numpy as np
import pyarrow.parquet as pq
import pytest

from pain3d.data import files
from pain3d.data.files import file_sha256, write_atomically
from pain3d.data.schema import ANNOTATIONS, MAX_ROW_GROUP_ROWS, dataset_schema
from pain3d.data.writer import shard_bytes, write_shard
from pain3d.errors import StorageError


@pytest.fixture
def plan():
    return handmade.manifest(subjects=4)


@pytest.fixture
def rows(plan):
    return handmade.rows(plan, [2, 3])


@pytest.fixture
def shard(plan):
    return handmade.shards_of(plan)[0][0]


def everything_in(folder) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_shard_holds_the_rows_and_its_record_tells_its_bytes(tmp_path, plan, shard, rows):
    record = write_shard(tmp_path, shard, rows)
    path = tmp_path / shard.file
    assert everything_in(tmp_path) == [f".progress/{path.name}.json", shard.file]
    assert (record.rows, record.bytes) == (16, path.stat().st_size)
    assert record.sha256 == file_sha256(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    table = pq.read_table(path, page_checksum_verification=True)
    assert table.schema.equals(dataset_schema())
    assert table.schema.metadata == dataset_schema().metadata
    for stored, row in zip(table.to_pylist(), rows, strict=True):
        assert stored["image"] == {"bytes": row.image, "path": None}
        assert stored["heatmap"]["bytes"] == row.heatmap
        assert np.array_equal(np.float32(stored["landmarks"]).reshape(68, 2), row.landmarks)
        assert stored["seed"] == row.seed
        assert stored["PSPI"] == row.expression.pspi


def test_a_row_group_holds_one_subject_and_at_most_a_hundred_rows(plan, rows):
    footer = pq.ParquetFile(shard_buffer(shard_bytes(rows))).metadata
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [8, 8]
    many = [dataclasses.replace(rows[0], view_id=i % 3, expression_id=i // 3) for i in range(250)]
    footer = pq.ParquetFile(shard_buffer(shard_bytes(many))).metadata
    assert [footer.row_group(i).num_rows for i in range(footer.num_row_groups)] == [100, 100, 50]
    assert MAX_ROW_GROUP_ROWS == 100


def shard_buffer(content: bytes):
    return io.BytesIO(content)


def test_equal_rows_give_equal_bytes_in_any_process(plan, rows):
    here = hashlib.sha256(shard_bytes(rows)).hexdigest()
    code = (
        "import hashlib, handmade; from pain3d.data.writer import shard_bytes; "
        "rows = handmade.rows(handmade.manifest(subjects=4), [2, 3]); "
        "print(hashlib.sha256(shard_bytes(rows)).hexdigest())"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent), "PYTHONHASHSEED": "7"}
    there = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert there.stdout.strip() == here


def test_annotations_add_columns_and_leave_the_others_alone():
    plain = handmade.rows(handmade.manifest(subjects=1), [0])
    full = handmade.rows(handmade.manifest(subjects=1, annotations=ANNOTATIONS), [0])
    few = pq.read_table(shard_buffer(shard_bytes(plain)))
    many = pq.read_table(shard_buffer(shard_bytes(full, ANNOTATIONS)))
    assert many.select(few.column_names).equals(few)
    assert many.column_names[len(few.column_names) :] == [*ANNOTATIONS, "wrinkles_max_mm"]


def test_rows_that_are_not_the_plan_s_are_a_defect_of_the_caller(tmp_path, shard, rows):
    with pytest.raises(ValueError, match="rows: 15 rows do not fit"):
        write_shard(tmp_path, shard, rows[:-1])
    wrong = [dataclasses.replace(row, split="test") for row in rows]
    with pytest.raises(ValueError, match="all of its split"):
        write_shard(tmp_path, shard, wrong)
    assert everything_in(tmp_path) == []


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        (errno.ENOSPC, "the disk is full"),
        (errno.EDQUOT, "quota is used up"),
        (errno.EROFS, "read-only"),
        (errno.EIO, ""),
    ],
)
def test_a_failing_disk_leaves_nothing_and_the_old_file_whole(tmp_path, monkeypatch, shard, rows, code, reason):
    write_shard(tmp_path, shard, rows)
    before = {name: (tmp_path / name).read_bytes() for name in everything_in(tmp_path)}

    def fail(descriptor):
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(files.os, "fsync", fail)
    with pytest.raises(StorageError, match=rf"train-00000-of-00001.parquet: cannot be written: .*{reason}") as caught:
        write_shard(tmp_path, shard, [dataclasses.replace(row, roll=9.0) for row in rows])
    assert "run the same command again" in str(caught.value)
    assert caught.value.exit_code == 1
    assert {name: (tmp_path / name).read_bytes() for name in everything_in(tmp_path)} == before


def test_a_really_full_disk(tmp_path):
    """A limit on the size of files stands in for a full disk: the kernel itself refuses the bytes."""
    code = (
        "import resource, signal, sys; from pathlib import Path; from pain3d.data.files import write_atomically; "
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)); "
        "write_atomically(Path(sys.argv[1]), bytes(5000))"
    )
    run = subprocess.run([sys.executable, "-c", code, tmp_path / "x"], capture_output=True, text=True, check=False)
    assert run.returncode == 1
    assert "StorageError" in run.stderr
    assert "cannot be written" in run.stderr
    assert everything_in(tmp_path) == []


def test_a_folder_that_refuses_writing(tmp_path, monkeypatch, shard, rows):
    def refuse(self, *args, **kwargs):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(files.Path, "open", refuse)
    with pytest.raises(StorageError, match="permission denied; choose a folder you can write to"):
        write_shard(tmp_path, shard, rows)


def test_an_interrupt_leaves_no_temporary_file(tmp_path, monkeypatch):
    def interrupt(descriptor):
        raise KeyboardInterrupt

    monkeypatch.setattr(files.os, "fsync", interrupt)
    with pytest.raises(KeyboardInterrupt):
        write_atomically(tmp_path / "x", b"abc")
    assert everything_in(tmp_path) == []


def test_the_rename_is_the_last_step(tmp_path, monkeypatch):
    seen = []
    fsync = os.fsync

    def watch(descriptor):
        seen.append(everything_in(tmp_path))
        fsync(descriptor)

    monkeypatch.setattr(files.os, "fsync", watch)
    assert write_atomically(tmp_path / "x", b"abc") == hashlib.sha256(b"abc").hexdigest()
    assert seen == [[files.temporary_beside(tmp_path / "x").name], ["x"]]
