"""A clock that jumps: back to 1971 and forward to 2100, a hundred times a second, for every process of a run."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from disturbed import Lost, Run, Undisturbed, demand_whole

JUMPING = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>

/* The wall clock as its callers find it; those that only go forward are left alone, as they are by a real jump. */
static time_t jumped(void) {
    static unsigned calls;
    return ++calls % 2 ? 31536000 + calls : 4102444800 - calls;
}

int clock_gettime(clockid_t clock, struct timespec *now) {
    static int (*real)(clockid_t, struct timespec *);
    if (!real) real = dlsym(RTLD_NEXT, "clock_gettime");
    int status = real(clock, now);
    if (!status && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE)) now->tv_sec = jumped();
    return status;
}

int gettimeofday(struct timeval *now, void *zone) {
    now->tv_sec = jumped();
    now->tv_usec = 0;
    return 0;
}

time_t time(time_t *now) {
    time_t told = jumped();
    if (now) *now = told;
    return told;
}
"""
SHOWN = "import time; print(time.time() < 1e9, time.time() > 4e9)"


@pytest.fixture
def jumping(tmp_path: Path) -> dict[str, str]:
    """Variables that make the clock jump for whoever is started with them."""
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    source, library = tmp_path / "jumping.c", tmp_path / "jumping.so"
    source.write_text(JUMPING)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return {"LD_PRELOAD": str(library)}


@pytest.mark.slow
def test_a_jumping_clock_changes_nothing(
    tmp_path: Path, whole: Undisturbed, lost: Lost, jumping: dict[str, str]
) -> None:
    import sys

    shown = subprocess.run([sys.executable, "-c", SHOWN], env=jumping, capture_output=True, text=True, check=True)
    assert set(shown.stdout.split()) == {"True"} or set(shown.stdout.split()) == {"False"}
    run = Run(tmp_path / "OUT", environment=jumping)
    assert run.ended().status == 0, run.ended()
    lost(run.ended())
    demand_whole(tmp_path / "OUT", whole, run)
