"""Killed at moments that a seed chooses: a worker, the driver, everything at once; the next run ends undisturbed."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from disturbed import Lost, Run, Undisturbed, again_here, demand_whole, wait_for_moment

SEEDS = range(50)


def killed(out: Path, seed: int, whole: Undisturbed) -> Run:
    """Kill a worker, the driver or all of a run, in turn."""
    run = Run(out)
    match seed % 3:
        case 0:
            workers = run.workers()
            chance = wait_for_moment(run, seed, whole)
            os.kill(workers[chance.integers(2)], signal.SIGKILL)
            ended = run.ended()
            assert ended.status == 1
            assert ended.said.splitlines()[-1] == (
                "pain3d: error: a worker process was killed, most often for lack of memory; use fewer --workers; "
                "finished shards are kept; run the same command again to go on"
            )
        case victim:
            wait_for_moment(run, seed, whole)
            run.send(signal.SIGKILL, to_all=victim == 2)
            assert run.ended().status == -signal.SIGKILL
    return run


@pytest.mark.parametrize("seed", [pytest.param(3, marks=pytest.mark.slow), 4])
def test_what_is_killed_goes_on(tmp_path: Path, whole: Undisturbed, seed: int) -> None:
    run = killed(tmp_path / "OUT", seed, whole)
    again_here(tmp_path / "OUT")  # at once: orphans of a killed driver may still be at their frames
    demand_whole(tmp_path / "OUT", whole, run)


@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_fifty_kills(tmp_path: Path, whole: Undisturbed, seed: int) -> None:
    run = killed(tmp_path / "OUT", seed, whole)
    again_here(tmp_path / "OUT")
    demand_whole(tmp_path / "OUT", whole, run)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2, 3, 4, 5])
def test_time_lost_to_a_kill(tmp_path: Path, whole: Undisturbed, lost: Lost, seed: int) -> None:
    first = killed(tmp_path / "OUT", seed, whole)
    second = Run(tmp_path / "OUT")
    lost(first.ended(), second.ended())
    assert second.ended().status == 0, second.ended()
    demand_whole(tmp_path / "OUT", whole, first, second)


@pytest.mark.slow
def test_killed_again_and_again(tmp_path: Path, whole: Undisturbed, lost: Lost) -> None:
    runs = [killed(tmp_path / "OUT", seed, whole) for seed in (1, 2, 0)]
    runs.append(Run(tmp_path / "OUT"))
    lost(*(run.ended() for run in runs))
    demand_whole(tmp_path / "OUT", whole, *runs)
