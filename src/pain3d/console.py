"""What a person sees while a command works: a bar on a terminal, plain lines elsewhere, all on standard error."""

from __future__ import annotations

import contextlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

Advance = Callable[[int, int], None]
"""(done, of): how far the work has come."""

_LINE_EVERY_S = 5.0


@contextlib.contextmanager
def progress(what: str, unit: str) -> Iterator[Advance]:
    """Show how far a piece of work has come, how fast it goes, and the time left.

    Args:
        what: the work, as in ``making``.
        unit: what is counted, as in ``frames``.
    """
    console = Console(stderr=True)
    if console.is_terminal:
        with _bar(console, unit) as bar:
            row = bar.add_task(what, total=None)
            yield lambda done, of: bar.update(row, completed=done, total=of)
    else:
        yield _Lines(what, unit)


def say(what: str) -> None:
    """Tell what begins, in a line of its own, above a bar if there is one."""
    print(what, file=sys.stderr, flush=True)


def _bar(console: Console, unit: str) -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        _Rate(unit),
        TimeRemainingColumn(),
        console=console,
    )


class _Rate(ProgressColumn):
    """Units a second."""

    def __init__(self, unit: str) -> None:
        super().__init__()
        self._unit = unit

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} {self._unit}/s" if task.speed else f"- {self._unit}/s")


class _Lines:
    """One line now and then, for logs."""

    def __init__(self, what: str, unit: str) -> None:
        self._what, self._unit = what, unit
        self._started = self._spoken = 0.0
        self._first = 0

    def __call__(self, done: int, of: int) -> None:
        now = time.monotonic()
        if not self._first:  # the clock starts with the first piece: getting ready says nothing about the rate
            self._started = self._spoken = now
            self._first = done
        if done < of and now - self._spoken < _LINE_EVERY_S:
            return
        self._spoken = now
        rate = (done - self._first) / max(now - self._started, 0.001)
        pace = f", {rate:.1f} {self._unit}/s, {(of - done) / rate:.0f} s left" if rate else ""  # one piece has no rate
        print(f"{self._what}: {done}/{of} {self._unit}{pace}", file=sys.stderr)


def answer_with(text: str) -> None:
    """Print what a command found, on standard output; a reader that left early, as `head` does, is no error."""
    try:
        print(text, flush=True)
    except BrokenPipeError:
        with Path(os.devnull).open("wb") as nowhere:
            os.dup2(nowhere.fileno(), 1)  # the interpreter flushes once more at its end


@contextlib.contextmanager
def stdout_kept_clean() -> Iterator[None]:
    """Whatever is printed in here, by native libraries and child processes too, goes to standard error."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        sys.stdout.flush()
        os.dup2(kept, 1)
        os.close(kept)
