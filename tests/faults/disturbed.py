"""`pain3d generate` as a process of its own, what is done to it, and what must be true in the end."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pain3d import cli
from pain3d.data.audit import audit

SHARDS = 10
OPTIONS = (
    *(f"--subjects={SHARDS}", "--subjects-per-shard=1", "--expressions=1", "--views=1", "--resolution=64", "--seed=4"),
    *("--skin=procedural", "--hair=cap", "--no-wrinkles", "--no-wet"),
)
Lost = Callable[..., None]
"""Takes the runs of one fault."""
PATIENCE_S = 600.0
"""No run here takes longer, on a machine that is busy with ten others either; who does, hangs."""
LAST_WORDS_S = 60.0
"""How long what a killed driver left behind may take to notice and end: a frame, or the writing of a shard."""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run ended."""

    status: int
    """Exit status, or minus the signal that ended it."""
    said: str
    """Standard error."""
    answer: str
    """Standard output."""
    seconds: float


class Run:
    """A run under way. Its processes are a session of their own, so that those it leaves behind are found."""

    def __init__(
        self,
        out: Path,
        *,
        through: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        """Start it.

        Args:
            out: folder of the dataset.
            through: a command that runs the command after it, such as strace and its options.
            environment: variables beside those of this process.
            before: called in the child before the command starts.
        """

        def prepare() -> None:
            # A shell that runs these tests in the background has made them ignore Ctrl-C, and a child inherits that.
            signal.signal(signal.SIGINT, signal.SIG_DFL)
            before()

        self.out = out
        self._started = time.monotonic()
        self._ended: Ended | None = None
        self._said = out.with_name(f"{out.name}-{time.monotonic_ns()}.said")
        self._answer = self._said.with_suffix(".answer")
        command = [sys.executable, "-m", "pain3d", "generate", str(out), *OPTIONS, "--workers=2", "--json"]
        with self._answer.open("wb") as answer, self._said.open("wb") as said:
            self._process = subprocess.Popen(
                [*through, *command],
                stdout=answer,
                stderr=said,
                env={**os.environ, **(environment or {})},
                start_new_session=True,
                preexec_fn=prepare,
            )
        self.session = self._process.pid

    def shards_made(self) -> int:
        """Notes of finished shards."""
        return len(list((self.out / ".progress").glob("*.json")))

    def wait_for(self, shards: int) -> None:
        """Wait until so many shards are finished."""
        self._wait_until(lambda: self.shards_made() >= shards)

    def workers(self) -> list[int]:
        """Process ids of the workers; waits for both."""
        self._wait_until(lambda: len(self._spawned()) == 2)
        return self._spawned()

    def driver(self) -> int:
        """Process id of the driver, whatever it runs through."""
        ours = os.fsencode(sys.executable)
        found = self._commands().items()
        return next(pid for pid, words in found if words.startswith(ours) and b"pain3d\0generate" in words)

    def kill_driver(self) -> None:
        """End the driver at once, and wait until the system has cleared it away; its workers are left."""
        driver = self.driver()
        os.kill(driver, signal.SIGKILL)
        while driver in members(self.session):
            time.sleep(0.002)

    def _spawned(self) -> list[int]:
        return [pid for pid, words in self._commands().items() if b"spawn_main" in words]

    def _commands(self) -> dict[int, bytes]:
        found = {}
        for pid in members(self.session):
            with contextlib.suppress(OSError):
                found[pid] = Path(f"/proc/{pid}/cmdline").read_bytes()
        return found

    def _wait_until(self, so: Callable[[], bool]) -> None:
        deadline = time.monotonic() + PATIENCE_S
        while not so():
            assert self._process.poll() is None, f"the run ended early: {self.ended()}"
            assert time.monotonic() < deadline, "the run hangs"
            time.sleep(0.002)

    def send(self, number: signal.Signals, *, to_all: bool = False) -> None:
        """Send a signal to the driver, or to all its processes as terminals and job schedulers do."""
        if to_all:
            os.killpg(self.session, number)
        else:
            self._process.send_signal(number)

    def ended(self) -> Ended:
        """How it ended; waits for that. What it left behind is not waited for."""
        if self._ended is None:
            status = self._process.wait(PATIENCE_S)
            seconds = time.monotonic() - self._started
            said, answer = self._said.read_text(), self._answer.read_text()
            self._ended = Ended(status=status, said=said, answer=answer, seconds=seconds)
        return self._ended

    def nobody_left(self) -> bool:
        """Whether its processes are gone, or soon will be."""
        deadline = time.monotonic() + LAST_WORDS_S
        while members(self.session):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.05)
        return True


def members(session: int) -> list[int]:
    """Processes of a session that still run; what only waits to be reaped does not count."""
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            state, _, _, its_session, *_ = stat.read_text().rsplit(") ", 1)[1].split()
        except OSError:
            continue
        if its_session == str(session) and state not in "ZX":
            found.append(int(stat.parent.name))
    return sorted(found)


@dataclass(frozen=True, kw_only=True)
class Undisturbed:
    """The run that all others are held against."""

    files: Mapping[str, str]
    """SHA-256 of every file by name."""
    bytes: int
    """Of all files together."""
    seconds: float
    start_up_s: float
    """From the start of the process to the first frame."""
    shard_s: float
    """From one finished shard to the next."""


def undisturbed(out: Path) -> Undisturbed:
    """Make the dataset with nobody in the way."""
    ended = Run(out).ended()
    assert ended.status == 0, ended
    told = json.loads(ended.answer)
    making = float(told["seconds"]) - float(told["seconds_to_first_frame"])
    return Undisturbed(
        files=fingerprint(out),
        bytes=sum(path.stat().st_size for path in out.rglob("*") if path.is_file()),
        seconds=ended.seconds,
        start_up_s=ended.seconds - making,
        shard_s=making / SHARDS,
    )


def fingerprint(folder: Path) -> dict[str, str]:
    """SHA-256 of every file by name; folders count as well."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""
        for path in sorted(folder.rglob("*"))
    }


def wait_for_moment(run: Run, seed: int, pace: Undisturbed) -> np.random.Generator:
    """Wait until a moment that the seed chooses: three in ten while the run starts up, the others amid the shards.

    Returns:
        The generator, for what else is up to chance.
    """
    chance = np.random.default_rng(seed)
    if chance.random() < 0.3:
        # part of it is over where workers were waited for; a machine that is quicker now than it was has shards already
        until = time.monotonic() + chance.random() * 0.6 * pace.start_up_s
        while time.monotonic() < until and not run.shards_made():
            time.sleep(0.05)
    else:
        run.wait_for(int(chance.integers(0, SHARDS - 4)))
        time.sleep(chance.random() * pace.shard_s)
    return chance


def demand_whole(out: Path, whole: Undisturbed, *runs: Run) -> None:
    """What must be true after every fault: the audit passes, all bytes are those of the undisturbed run, and neither a
    temporary file nor a process is left."""
    assert all(run.nobody_left() for run in runs), "processes are left behind"
    assert fingerprint(out) == whole.files
    assert audit(out).findings == []


def again_here(out: Path) -> None:
    """Run again in this process, which has its kernels loaded: quicker than a process of its own."""
    assert cli.main(["generate", str(out), *OPTIONS, "--workers=1"]) == 0
