"""Handlers for the worker tests; a module of its own, because spawned processes import it by name."""

import os
import signal
import time

from pain3d.errors import ArgumentError, StorageError


def squares():
    def handle(task, tick):
        for _ in range(task):
            tick()
        return (
            task,
            task * task,
            os.getpid(),
            os.environ.get("OMP_NUM_THREADS"),
        )

    return handle


def after(mark):
    """Handlers tell whether the file `mark` was there when they were prepared."""
    there = mark.exists()

    def handle(task, tick):
        return there

    return handle


def failing_kindly():
    def handle(task, tick):
        raise StorageError(f"out/{task}: cannot be written: the disk is full")

    return handle


def failing():
    def handle(task, tick):
        return 1 // 0

    return handle


def killed():
    def handle(task, tick):
        if task == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(30)

    return handle


def exiting():
    os._exit(7)


def slow():
    def handle(task, tick):
        tick()
        time.sleep(60)

    return handle


def counted(handle, tries):
    """A handler that leaves a mark in the folder `tries` whenever it is called."""

    def handle_and_count(task, tick):
        (tries / f"{os.getpid()}-{time.monotonic_ns()}").touch()
        return handle(task, tick)

    return handle_and_count


def unlucky(tries, times, end):
    """A handler whose first `times` calls end by `end`: ``kill``, ``disk`` or ``argument``."""

    def handle(task, tick):
        tick()
        if len(list(tries.iterdir())) <= times:
            if end == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise {"disk": StorageError, "argument": ArgumentError}[end](f"out/{task}: {end}")
        return task

    return counted(handle, tries)


def most_at_once(folder):
    """Results tell how many tasks ran while one did."""

    def handle(task, tick):
        mark = folder / f"{task}"
        mark.touch()
        time.sleep(0.3)
        there = len(list(folder.iterdir()))
        mark.unlink()
        return there

    return handle
