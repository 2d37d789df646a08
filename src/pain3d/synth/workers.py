"""Tasks over worker processes: one Python process a core, no shared state, no process left behind.

Processes are spawned, not forked: threads of Arrow, Warp or a notebook do not survive a fork.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from pain3d.data.arrow import leave_pandas_out
from pain3d.errors import UserError

Tick = Callable[[], None]
Handler = Callable[[Any, Tick], Any]
"""(task, tick) -> result; calls tick() once for each piece of work done."""

_ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMEXPR_NUM_THREADS", "ARROW_NUM_THREADS")
_GRACE_S = 5.0
"""How long a worker may take to clean up before it is killed."""
_LITTLE_BYTES = 64 << 20
if sys.platform != "win32":
    _END = signal.SIGUSR1
    """By which a worker's parent ends it: neither a terminal nor a job scheduler sends it of its own accord."""


class WorkerError(UserError):
    """A worker process ended on its own: killed, out of memory, or crashed."""


def run_tasks(
    tasks: Sequence[Any],
    prepare: Callable[[], Handler],
    *,
    workers: int,
    on_tick: Callable[[int], None],
    on_result: Callable[[Any], None],
    before: Callable[[], None] = lambda: None,
    stop: Callable[[], bool] = lambda: False,
) -> None:
    """Run every task, in this process for one worker or task, else over `workers` processes.

    Args:
        tasks: handed out in this order.
        prepare: makes a worker's handler; called once in each worker. Must pickle.
        workers: how many processes.
        on_tick: called here with 1 for each piece of work that a handler reports.
        on_result: called here with each task's result, in order of completion.
        before: called here, once, while worker processes start: they import their modules meanwhile, and none calls
            `prepare` until it has returned. Not called if there are no tasks.
        stop: once it says so, no task is begun any more; those in hand are finished.

    Raises:
        WorkerError: if a worker process ends on its own, or has too little memory.
        UserError: as a handler raised it; other errors of a handler come with its traceback.
    """
    if not tasks:
        return
    count = min(workers, len(tasks))
    if count == 1:
        before()
        _run_here(tasks, prepare, on_tick, on_result, stop)
        return
    with _Crew(prepare) as crew:
        crew.hire(count)
        before()
        crew.run(tasks, on_tick, on_result, stop)


def _run_here(
    tasks: Sequence[Any],
    prepare: Callable[[], Handler],
    on_tick: Callable[[int], None],
    on_result: Callable[[Any], None],
    stop: Callable[[], bool],
) -> None:
    try:
        handler = prepare()
        for task in tasks:
            if stop():
                return
            on_result(handler(task, partial(on_tick, 1)))
    except MemoryError as error:
        raise WorkerError(_TOO_LITTLE_MEMORY) from error


class _Crew:
    """Worker processes and the pipes to them."""

    def __init__(self, prepare: Callable[[], Handler]) -> None:
        self._prepare = prepare
        self._context = multiprocessing.get_context("spawn")
        self._members: dict[Connection, BaseProcess] = {}

    def __enter__(self) -> _Crew:
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._members.values():
            _end(process)
        for pipe, process in self._members.items():
            process.join(_GRACE_S)
            if process.is_alive():
                process.kill()
                process.join()
            pipe.close()

    def hire(self, count: int) -> None:
        """Start the processes; they import what they need, and wait."""
        for _ in range(count):
            ours, theirs = self._context.Pipe()
            process = self._context.Process(target=_work, args=(theirs, self._prepare), daemon=True)
            with _sheltered(), _one_thread():
                process.start()
            theirs.close()
            self._members[ours] = process

    def run(
        self,
        tasks: Sequence[Any],
        on_tick: Callable[[int], None],
        on_result: Callable[[Any], None],
        stop: Callable[[], bool],
    ) -> None:
        waiting = list(reversed(tasks))
        in_hand = 0
        for pipe in self._members:
            self._send(pipe, "begin")
        while in_hand or (waiting and not stop()):
            for pipe in wait(list(self._members)):
                assert isinstance(pipe, Connection)
                kind, content = self._receive(pipe)
                if kind == "tick":
                    on_tick(1)
                    continue
                if kind == "error":
                    raise content
                if kind == "result":
                    on_result(content)
                    in_hand -= 1
                if waiting and not stop():
                    self._send(pipe, waiting.pop())
                    in_hand += 1

    def _send(self, pipe: Connection, task: Any) -> None:
        try:
            pipe.send(task)
        except (BrokenPipeError, ConnectionResetError):
            raise self._lost(pipe) from None

    def _receive(self, pipe: Connection) -> tuple[str, Any]:
        try:
            return pipe.recv()
        except (EOFError, ConnectionResetError):
            raise self._lost(pipe) from None

    def _lost(self, pipe: Connection) -> WorkerError:
        process = self._members[pipe]
        process.join(_GRACE_S)
        return WorkerError(_obituary(process.exitcode))


_KEPT = "finished shards are kept; run the same command again to go on"
_TOO_LITTLE_MEMORY = f"a worker process ran out of memory; use fewer --workers or --subjects-per-shard; {_KEPT}"


def _obituary(exit_code: int | None) -> str:
    if exit_code == -signal.SIGKILL:
        return f"a worker process was killed, most often for lack of memory; use fewer --workers; {_KEPT}"
    if exit_code is not None and exit_code < 0:
        return f"a worker process crashed with {signal.Signals(-exit_code).name}; {_KEPT}"
    return (
        f"a worker process ended with exit status {exit_code}; in a Python script, call this under "
        f"'if __name__ == \"__main__\":' or with workers=1; {_KEPT}"
    )


@contextlib.contextmanager
def _sheltered() -> Iterator[None]:
    """A child started in here never sees Ctrl-C, which a terminal sends to every process, nor SIGTERM, which a job
    scheduler does: its parent decides, and ends it."""
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    resource_tracker.ensure_running()  # the first child starts it, and then the two signals are no longer blocked
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Numerical libraries of a child started in here use one thread: there is a process for every core."""
    before = {name: os.environ[name] for name in _ONE_THREAD if name in os.environ}
    os.environ.update(dict.fromkeys(_ONE_THREAD, "1"))
    try:
        yield
    finally:
        for name in _ONE_THREAD:
            del os.environ[name]
        os.environ.update(before)


def _end(process: BaseProcess) -> None:
    """Tell a worker to end, cleaning up."""
    if sys.platform == "win32":
        process.terminate()
    elif process.is_alive() and process.pid is not None:
        os.kill(process.pid, _END)


def _work(pipe: Connection, prepare: Callable[[], Handler]) -> None:
    """Body of a worker process."""
    if sys.platform != "win32":
        signal.signal(_END, lambda *_: sys.exit(0))  # so that a half-written file is removed on the way out
    leave_pandas_out()
    try:
        pipe.recv()  # "begin"
        handler = prepare()
        pipe.send(("ready", None))
        while True:
            task = pipe.recv()
            pipe.send(("result", handler(task, lambda: pipe.send(("tick", None)))))
    except (EOFError, BrokenPipeError):
        return  # the parent is gone
    except UserError as error:
        _report(pipe, error)
    except Exception as error:
        if isinstance(error, MemoryError) or _memory_is_short():
            _report(pipe, WorkerError(_TOO_LITTLE_MEMORY))
        else:
            _report(pipe, RuntimeError(f"a worker process failed: {error!r}\n{traceback.format_exc()}"))


def _memory_is_short() -> bool:
    """Whether a little more cannot be had; native libraries report that in words of their own, or as something else."""
    try:
        bytearray(_LITTLE_BYTES)
    except MemoryError:
        return True
    return False


def _report(pipe: Connection, error: Exception) -> None:
    with contextlib.suppress(BrokenPipeError):
        pipe.send(("error", error))
        pipe.recv()  # stay until the parent closes the pipe, so that it reads the error and not our end


def usable_cores() -> int:
    """Cores this process may use: affinity and the container's quota counted."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with contextlib.suppress(OSError, ValueError):
        quota, period = Path("/sys/fs/cgroup/cpu.max").read_text().split()
        cores = min(cores, max(1, int(quota) // int(period)))  # "max" is no number: no quota
    return cores
