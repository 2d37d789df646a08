"""Told to stop: Ctrl-C ends at once, SIGTERM finishes the shards in hand, as terminals and schedulers send them."""

from __future__ import annotations

import json
import signal
import time
from pathlib import Path

import pytest
from disturbed import SHARDS, Lost, Run, Undisturbed, again_here, demand_whole

from pain3d.data.manifest import read_manifest

INTERRUPTED = "pain3d: interrupted; run the same command again to go on"


def told(out: Path, *signals: signal.Signals, to_all: bool = True) -> Run:
    """A run that is sent signals when its first shard is finished."""
    run = Run(out)
    run.wait_for(1)
    for number in signals:
        run.send(number, to_all=to_all)
        time.sleep(0.05)  # two of one kind that wait together are one
    return run


@pytest.mark.parametrize("to_all", [True, pytest.param(False, marks=pytest.mark.slow)])
def test_sigterm_finishes_the_shards_in_hand(tmp_path: Path, whole: Undisturbed, to_all: bool) -> None:
    out = tmp_path / "OUT"
    run = told(out, signal.SIGTERM, to_all=to_all)
    ended = run.ended()
    assert ended.status == 0 and "Traceback" not in ended.said
    answer = json.loads(ended.answer)
    assert answer["stopped"] and 1 <= answer["shards"] < SHARDS
    assert len(list((out / "data").iterdir())) == run.shards_made() == answer["shards"]
    assert not read_manifest(out).complete
    assert run.nobody_left()
    again_here(out)
    demand_whole(out, whole, run)


@pytest.mark.slow
@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
def test_the_second_signal_ends_at_once(tmp_path: Path, whole: Undisturbed, second: signal.Signals) -> None:
    run = told(tmp_path / "OUT", signal.SIGTERM, second)
    assert run.ended().status == 130 and run.ended().said.splitlines()[-1] == INTERRUPTED
    again_here(tmp_path / "OUT")
    demand_whole(tmp_path / "OUT", whole, run)


def test_ctrl_c_ends_at_once(tmp_path: Path, whole: Undisturbed) -> None:
    run = told(tmp_path / "OUT", signal.SIGINT)
    assert run.ended().status == 130
    assert run.ended().said.splitlines()[-1] == INTERRUPTED and "Traceback" not in run.ended().said
    assert list((tmp_path / "OUT").rglob("*.tmp")) == []
    again_here(tmp_path / "OUT")
    demand_whole(tmp_path / "OUT", whole, run)


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_time_lost_to_a_signal(tmp_path: Path, whole: Undisturbed, lost: Lost, number: signal.Signals) -> None:
    first = told(tmp_path / "OUT", number)
    first.ended()
    second = Run(tmp_path / "OUT")
    lost(first.ended(), second.ended())
    demand_whole(tmp_path / "OUT", whole, first, second)
