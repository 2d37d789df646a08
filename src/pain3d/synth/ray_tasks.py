"""Tasks over a Ray cluster: one try of a task is one Ray task; whatever ends it but its own end is tried again.

Ray's object store holds nothing but records of a few hundred bytes: results are files.
"""

from __future__ import annotations

import itertools
import traceback
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pain3d.data.arrow import leave_pandas_out
from pain3d.errors import StorageError, UserError
from pain3d.synth.plan import ShardTask
from pain3d.synth.ray_session import RaySession
from pain3d.synth.turns import first_alone
from pain3d.synth.workers import Handler, WorkerError

TRIES = 4
"""How often a task is tried when its worker, its node or its disk fails."""
AHEAD = 2
"""Tasks handed to Ray beyond those that run, so that no slot waits for this process."""
_LOOK_S = 1.0
"""How often to look for new nodes while no task ends."""
NO_NODE_S = 600.0
"""How long to wait for a node when the last one is gone: an autoscaler takes minutes."""
_GRACE_S = 10.0
"""How long a task that is called back may take to clean up before its worker is killed."""
_MEMORY = "its worker ran out of memory; start nodes with fewer CPUs (ray start --num-cpus)"
_RUNS = itertools.count()


@dataclass(frozen=True)
class _Outcome:
    """What a try comes back with; of a worker that died nothing does."""

    result: Any = None
    ticks: int = 0
    error: Exception | None = None


class _Ticks:
    """Counts the pieces of work of one try."""

    def __init__(self) -> None:
        self.count = 0

    def add(self) -> None:
        self.count += 1


@dataclass(frozen=True)
class _Try:
    task: Any
    number: int = 1

    @property
    def name(self) -> str:
        """For people: the file that a task makes."""
        return self.task.file if isinstance(self.task, ShardTask) else "a question to a node"


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What all tasks of a run share; it travels with each, as it is small."""

    run: int
    """Tells runs of one process apart."""
    prepare: Callable[[], Handler]
    before: Callable[[], None]


def run_on_ray(
    session: RaySession,
    tasks: Sequence[Any],
    prepare: Callable[[], Handler],
    *,
    on_tick: Callable[[int], None],
    on_result: Callable[[Any], None],
    before: Callable[[], None],
    stop: Callable[[], bool],
) -> None:
    """Run every task on a cluster; see `Dispatcher`. Pieces of work are told when their task ends.

    A task whose worker or node dies, or whose disk fails, is tried again after the others, `TRIES` times in all.

    Raises:
        UserError: as `before`, `prepare` or a handler raised it, but for StorageError.
        WorkerError: if a task failed `TRIES` times, or if pain3d cannot be loaded on a node.
    """
    remote = session.ray.remote(max_retries=0, **session.demands)(_work)
    job = _Job(run=next(_RUNS), prepare=prepare, before=before)
    waiting = deque(_Try(task) for task in tasks)
    flying: dict[Any, _Try] = {}
    idle_s = 0.0
    try:
        while flying or (waiting and not stop()):
            slots = session.slots()
            idle_s = _patience(session, idle_s) if not slots else 0.0
            room = min(slots + AHEAD, session.limit or slots + AHEAD)
            while waiting and len(flying) < room and not stop():
                attempt = waiting.popleft()
                flying[remote.options(name=attempt.name).remote(job, attempt.task)] = attempt
            ended, _ = session.ray.wait(list(flying), timeout=_LOOK_S) if flying else ((), ())
            for reference in ended:
                attempt = flying.pop(reference)
                outcome = _outcome(session.ray, reference)
                if outcome.error is None:
                    on_tick(outcome.ticks)
                    on_result(outcome.result)
                else:
                    waiting.append(_next_try(attempt, outcome.error))
                    session.on_phase(f"{attempt.name}: {outcome.error}; tried again, {attempt.number + 1} of {TRIES}")
    finally:
        _call_back(session.ray, list(flying))


def _patience(session: RaySession, idle_s: float) -> float:
    """Seconds without a slot, after the next look; raises when they are too many."""
    if not idle_s:
        session.on_phase("Ray: no node can take a shard; waiting for one")
    if idle_s >= NO_NODE_S:
        raise WorkerError(
            f"no node of the Ray cluster could take a shard for {NO_NODE_S / 60:.0f} minutes; finished shards are "
            f"kept; start nodes (ray start --address) and run the same command again to go on"
        )
    return idle_s + _LOOK_S


def _next_try(attempt: _Try, error: Exception) -> _Try:
    """Raises what is no matter of luck, and what luck did not mend."""
    if not isinstance(error, StorageError | _LostError):
        raise error
    if attempt.number == TRIES:
        raise WorkerError(
            f"{attempt.name}: failed {TRIES} times on Ray, the last time because {error}; finished shards are kept; "
            f"run the same command again to go on"
        )
    return replace(attempt, number=attempt.number + 1)


class _LostError(Exception):
    """A worker is gone before its task ended."""


def _outcome(ray: Any, reference: Any) -> _Outcome:
    failed = ray.exceptions
    try:
        return ray.get(reference)
    except (failed.RayTaskError, failed.RuntimeEnvSetupError) as error:
        # Raised outside our code, which returns its errors: the node could not load it.
        last = str(error).strip().splitlines()[-1]
        return _Outcome(
            error=WorkerError(f"a node cannot run pain3d ({last}); install the same pain3d[cluster] on every node")
        )
    except failed.OutOfMemoryError:
        return _Outcome(error=_LostError(_MEMORY))
    except failed.NodeDiedError:
        return _Outcome(error=_LostError("its node died"))
    except failed.WorkerCrashedError:
        return _Outcome(error=_LostError("its worker was killed, or its node died"))
    except failed.RayError as error:
        return _Outcome(error=_LostError(f"Ray lost it ({type(error).__name__}: {str(error).strip().splitlines()[0]})"))


def _call_back(ray: Any, references: list[Any]) -> None:
    """End what still runs: first kindly, so that half-written files are removed."""
    if not references:
        return
    for reference in references:
        ray.cancel(reference)
    _, running = ray.wait(references, num_returns=len(references), timeout=_GRACE_S)
    for reference in running:
        ray.cancel(reference, force=True)


_PREPARED: dict[int, Handler] = {}
"""The handler of the run that this worker process serves."""


def _work(job: _Job, task: Any) -> _Outcome:
    """Body of a Ray task."""
    ticks = _Ticks()
    try:
        result = _handler(job)(task, ticks.add)
    except UserError as error:
        return _Outcome(error=error)
    except MemoryError:
        return _Outcome(error=_LostError(_MEMORY))
    except Exception as error:
        return _Outcome(error=RuntimeError(f"a task failed: {error!r}\n{traceback.format_exc()}"))
    return _Outcome(result=result, ticks=ticks.count)


def _handler(job: _Job) -> Handler:
    if job.run not in _PREPARED:
        leave_pandas_out()
        _PREPARED.clear()
        with first_alone():
            job.before()
        _PREPARED[job.run] = job.prepare()
    return _PREPARED[job.run]
