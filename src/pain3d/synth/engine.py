"""Engines: where shards are made. They share everything but the dispatcher, a function that runs tasks somewhere."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any, Literal, Protocol, TypeVar, get_args

from pain3d.errors import ArgumentError
from pain3d.synth.workers import Handler, Tick, run_tasks, usable_cores

Engine = Literal["local", "ray"]
ENGINES: tuple[Engine, ...] = get_args(Engine)
Workers = int | Literal["auto"]
Phase = Callable[[str], None]
"""Told in words what begins."""
_Answer = TypeVar("_Answer")


class Dispatcher(Protocol):
    """Runs every task to its end, wherever it runs them; nothing is left running when it returns or raises."""

    def __call__(
        self,
        tasks: Sequence[Any],
        prepare: Callable[[], Handler],
        *,
        on_tick: Callable[[int], None],
        on_result: Callable[[Any], None],
        before: Callable[[], None],
        stop: Callable[[], bool],
    ) -> None:
        """
        Args:
            tasks: handed out in this order. They, and what a handler returns, are small and pickle.
            prepare: makes a handler; called once in each worker process. Must pickle.
            on_tick: called here with how many pieces of work were done since the last call.
            on_result: called here with each task's result, in order of completion.
            before: makes what all workers of a machine share; on each machine it has returned once before `prepare` is
                called there. Must pickle where there is more than one machine.
            stop: once it says so, no task is begun any more; those in hand are finished.

        Raises:
            UserError: as `before`, `prepare` or a handler raised it.
            WorkerError: if a worker ends on its own, as often as the engine puts up with it.
        """
        ...


@contextlib.contextmanager
def opened(
    engine: Engine, *, address: str | None, workers: Workers, device: str, on_phase: Phase
) -> Iterator[Dispatcher]:
    """The dispatcher of an engine, ready; what it holds is let go at the end.

    Args:
        engine: ``local``: processes of this machine; ``ray``: tasks of a Ray cluster.
        address: of the cluster, for Ray alone: ``auto`` (None), ``local`` or ``HOST:PORT``.
        workers: the most tasks at the same time; ``auto``: as many as there are cores, or slots in the cluster.
        device: what tasks render on.
        on_phase: told what begins.

    Raises:
        ArgumentError: if these contradict each other, if Ray is not installed, or not there.
    """
    if engine not in ENGINES:
        raise ArgumentError(f"engine: {engine!r} is unknown; choose one of {', '.join(ENGINES)}")
    limit = None if workers == "auto" else checked_workers(workers)
    if engine == "local":
        if address is not None:
            raise ArgumentError(f"address: {address!r} is given, but the engine is local; add --engine ray")
        yield partial(run_tasks, workers=checked_workers(workers))
        return
    from pain3d.synth.ray_session import ray_session
    from pain3d.synth.ray_tasks import run_on_ray

    with ray_session(address or "auto", limit=limit, device=device, on_phase=on_phase) as session:
        yield partial(run_on_ray, session)


def asked(dispatch: Dispatcher, question: Callable[[], _Answer]) -> _Answer:
    """The answer of one worker, to something that depends on its machine. The question must pickle."""
    answers: list[_Answer] = []
    dispatch(
        [question],
        _answering,
        on_tick=lambda done: None,
        on_result=answers.append,
        before=_nothing,
        stop=lambda: False,
    )
    return answers[0]


def _answering() -> Handler:
    return _answer


def _answer(question: Callable[[], Any], tick: Tick) -> Any:
    return question()


def _nothing() -> None:
    """No machine needs anything."""


def checked_workers(workers: Workers) -> int:
    """How many processes that means on this machine.

    Raises:
        ArgumentError: if it is neither ``auto`` nor at least 1.
    """
    if workers == "auto":
        return usable_cores()
    if isinstance(workers, bool) or not isinstance(workers, int):
        raise ArgumentError(
            f"workers: {workers!r} is no whole number; give a number of processes, or auto for one a core"
        )
    if workers < 1:
        raise ArgumentError(f"workers: {workers} is below 1; give a number of processes, or auto for one a core")
    return workers
