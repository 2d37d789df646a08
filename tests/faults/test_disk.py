"""A disk that is full, slow, or fails: told kindly, nothing half-written stays, and the next run ends undisturbed."""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from disturbed import Lost, Run, Undisturbed, again_here, demand_whole

ROOMY = 1 << 26
"""Bytes."""


@pytest.fixture
def small_disk(tmp_path: Path, whole: Undisturbed) -> Iterator[Path]:
    """A file system of its own that half of the dataset fills."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount a file system")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={whole.bytes // 2}", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


def grow(disk: Path) -> None:
    subprocess.run(["mount", "-o", f"remount,size={ROOMY}", str(disk)], check=True)


def test_a_disk_that_fills_up(small_disk: Path, whole: Undisturbed) -> None:
    first = Run(small_disk / "OUT")
    ended = first.ended()
    assert ended.status == 1 and "Traceback" not in ended.said
    assert "the disk is full; free some space, then run the same command again: finished shards are kept" in ended.said
    assert list((small_disk / "OUT").rglob("*.tmp")) == []
    grow(small_disk)
    again_here(small_disk / "OUT")
    demand_whole(small_disk / "OUT", whole, first)


@pytest.mark.slow
def test_time_lost_to_a_full_disk(small_disk: Path, whole: Undisturbed, lost: Lost) -> None:
    first = Run(small_disk / "OUT")
    first.ended()
    grow(small_disk)
    second = Run(small_disk / "OUT")
    lost(first.ended(), second.ended())
    demand_whole(small_disk / "OUT", whole, first, second)


@pytest.mark.slow
def test_a_limit_on_the_size_of_files(tmp_path: Path, whole: Undisturbed) -> None:
    """As `ulimit -f` sets it, and some quotas: the card and the manifest fit, the shards do not."""
    out = tmp_path / "OUT"
    first = Run(out, before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (8192, 8192)))
    ended = first.ended()
    assert ended.status == 1 and "Traceback" not in ended.said
    assert "larger than this process may write" in ended.said
    again_here(out)
    demand_whole(out, whole, first)


def through_strace(injected: str) -> list[str]:
    """A command that runs another one while the kernel's answers to it are tampered with."""
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    calls = injected.partition(":")[0]
    return ["strace", "-f", "-qq", "-o", os.devnull, "-e", f"trace={calls}", "-e", f"inject={injected}"]


@pytest.mark.slow
@pytest.mark.parametrize("injected", ["fsync:error=EIO:when=7", "rename:error=EIO:when=5", "fsync:error=EDQUOT:when=9"])
def test_a_disk_that_fails(tmp_path: Path, whole: Undisturbed, lost: Lost, injected: str) -> None:
    """The n-th flush or renaming of some process fails."""
    out = tmp_path / "OUT"
    first = Run(out, through=through_strace(injected))
    ended = first.ended()
    assert ended.status == 1 and "Traceback" not in ended.said
    assert "cannot be written: " in ended.said and "then run the same command again" in ended.said
    assert list(out.rglob("*.tmp")) == []
    second = Run(out)
    lost(first.ended(), second.ended())
    demand_whole(out, whole, first, second)


@pytest.mark.slow
def test_a_slow_disk(tmp_path: Path, whole: Undisturbed, lost: Lost) -> None:
    """Every flush takes half a second, and a driver that is killed meanwhile leaves workers that are still writing."""
    slow = through_strace("fsync:delay_enter=500000")
    first = Run(tmp_path / "slow", through=slow)
    assert first.ended().status == 0
    lost(first.ended())
    demand_whole(tmp_path / "slow", whole, first)


@pytest.mark.slow
def test_a_second_run_beside_workers_that_a_slow_disk_holds_up(tmp_path: Path, whole: Undisturbed) -> None:
    out = tmp_path / "OUT"
    first = Run(out, through=through_strace("fsync:delay_enter=1500000"))
    first.wait_for(2)
    first.kill_driver()
    again_here(out)
    first.ended()
    demand_whole(out, whole, first)
