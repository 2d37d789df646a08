"""A worker whose memory runs out."""

from __future__ import annotations

import resource
import signal
from pathlib import Path

import pytest
from disturbed import Lost, Run, Undisturbed, again_here, demand_whole

PAGE = resource.getpagesize()
WORDS = (
    "a worker process ran out of memory; use fewer --workers",
    "a worker process was killed, most often for lack of memory",
    *(f"a worker process crashed with {number.name}" for number in (signal.SIGABRT, signal.SIGSEGV, signal.SIGBUS)),
)
"""What is said where Python notices; where the system kills; where a native library does not survive it."""


def starved(out: Path, more: int) -> Run:
    """A run of which one worker, once a shard is finished, gets that many bytes of address space and no more."""
    run = Run(out)
    victim = run.workers()[0]
    run.wait_for(1)
    used = int(Path(f"/proc/{victim}/statm").read_text().split()[0]) * PAGE
    resource.prlimit(victim, resource.RLIMIT_AS, (used + more, used + more))
    return run


@pytest.mark.slow
@pytest.mark.parametrize("more", [0, *(more << 20 for more in (1, 4, 16, 64))], ids=str)
def test_a_worker_that_runs_out_of_memory_says_so(tmp_path: Path, whole: Undisturbed, lost: Lost, more: int) -> None:
    run = starved(tmp_path / "OUT", more)
    ended = run.ended()
    assert ended.status in (0, 1)  # 0: it was enough
    if ended.status:
        assert "Traceback" not in ended.said
        assert any(words in ended.said.splitlines()[-1] for words in WORDS), ended
        assert ended.said.endswith("finished shards are kept; run the same command again to go on\n")
    again_here(tmp_path / "OUT")
    demand_whole(tmp_path / "OUT", whole, run)
