"""Worker processes: all work done, every failure told, nobody left behind."""

import functools
import multiprocessing
import os
import time

import crew_handlers
import pytest

from pain3d.errors import StorageError
from pain3d.synth.workers import WorkerError, run_tasks, usable_cores


@pytest.fixture(autouse=True)
def nobody_left():
    yield
    assert multiprocessing.active_children() == []


def run(prepare, tasks, workers, on_tick=lambda done: None):
    results = []
    run_tasks(tasks, prepare, workers=workers, on_tick=on_tick, on_result=results.append)
    return results


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_every_task_once(workers):
    ticks = []
    results = run(crew_handlers.squares, [3, 1, 4, 1], workers, on_tick=ticks.append)
    assert sorted(result[:2] for result in results) == [(1, 1), (1, 1), (3, 9), (4, 16)]
    assert ticks == [1] * 9
    pids = {result[2] for result in results}
    assert (pids == {os.getpid()}) == (workers == 1)


def test_workers_use_one_thread_and_leave_the_parent_alone(monkeypatch):
    monkeypatch.setenv("OMP_NUM_THREADS", "6")
    assert {result[3] for result in run(crew_handlers.squares, [1, 2, 3], 2)} == {"1"}
    assert os.environ["OMP_NUM_THREADS"] == "6"


@pytest.mark.parametrize("workers", [1, 2])
def test_nobody_prepares_before_its_time(workers, tmp_path):
    mark = tmp_path / "ready"
    results = []

    def before():
        time.sleep(1.0)  # workers have long imported their modules
        mark.touch(exist_ok=False)

    prepare = functools.partial(crew_handlers.after, mark)
    run_tasks([1, 2], prepare, workers=workers, on_tick=lambda done: None, on_result=results.append, before=before)
    assert results == [True, True]


def test_no_tasks_start_nobody():
    assert run(crew_handlers.exiting, [], 4) == []


@pytest.mark.parametrize("workers", [1, 2])
def test_an_error_for_the_user_arrives_as_it_was(workers):
    with pytest.raises(StorageError) as caught:
        run(crew_handlers.failing_kindly, [8, 8], workers)
    assert str(caught.value) == "out/8: cannot be written: the disk is full"


def test_a_defect_arrives_with_its_traceback():
    with pytest.raises(RuntimeError, match=r"(?s)ZeroDivisionError.*return 1 // 0"):
        run(crew_handlers.failing, [1, 2], 2)


def test_a_killed_worker_ends_the_run_at_once():
    started = time.monotonic()
    with pytest.raises(WorkerError) as caught:
        run(crew_handlers.killed, [1, 2, 3], 2)
    assert time.monotonic() - started < 25
    assert str(caught.value) == (
        "a worker process was killed, most often for lack of memory; use fewer --workers; "
        "finished shards are kept; run the same command again to go on"
    )


def test_a_worker_that_ends_before_it_is_ready():
    with pytest.raises(WorkerError, match="a worker process ended with exit status 7; in a Python script"):
        run(crew_handlers.exiting, [1, 2], 2)


def test_an_interrupt_ends_the_workers():
    def interrupt(done):
        raise KeyboardInterrupt

    started = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        run(crew_handlers.slow, [1, 2, 3], 2, on_tick=interrupt)
    assert time.monotonic() - started < 25


def test_usable_cores():
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)
