"""What the processes of a long run hold: memory, open files, number; sampled twice a second from /proc.

    python benchmarks/memory.py OUT --to memory.png

Makes 10,000 frames of 64 px into OUT (plain looks: it is the plumbing that is looked at), draws the plot, and ends with
exit status 1 if a worker's memory still grows after the first quarter of its life, or files or processes do. Linux.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

EVERY_S = 0.5
WARM_UP = 0.25
"""Share of a worker's life in which it may grow: kernels, head model, the first subjects."""
MOST_MB_A_THOUSAND = 2.0
"""Growth that a worker may show over the rest, MB for each thousand frames of the run. A worker that kept the pixels of
each 64 px frame would grow by more than ten."""
WORDS = (
    *("--subjects=500", "--expressions=19", "--views=1", "--subjects-per-shard=10", "--resolution=64"),
    *("--skin=procedural", "--hair=cap", "--no-wrinkles", "--no-wet"),
)


@dataclass(frozen=True, kw_only=True)
class Sample:
    """One process at one moment."""

    at_s: float
    memory_mb: float
    """Resident."""
    files: int


def children(pid: int) -> list[int]:
    """Worker processes of a driver."""
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [int(child) for child in found if b"spawn_main" in _read(child, "cmdline")]


def _read(pid: int | str, name: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{name}").read_bytes()
    except OSError:
        return b""


def look_at(pid: int, at_s: float) -> Sample | None:
    """None once it is gone."""
    lines = [line for line in _read(pid, "status").splitlines() if line.startswith(b"VmRSS")]
    if not lines:
        return None
    try:
        files = len(list(Path(f"/proc/{pid}/fd").iterdir()))
    except OSError:
        return None
    return Sample(at_s=at_s, memory_mb=int(lines[0].split()[1]) / 1024, files=files)


def watched(command: list[str]) -> tuple[dict[str, list[Sample]], list[int], float]:
    """Samples of the driver and each worker, the number of workers at each moment, and how long it took."""
    seen: dict[str, list[Sample]] = defaultdict(list)
    counts: list[int] = []
    started = time.monotonic()
    run = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    while run.poll() is None:
        workers = children(run.pid)
        counts.append(len(workers))
        for name, pid in {"driver": run.pid, **{f"worker {pid}": pid for pid in workers}}.items():
            sample = look_at(pid, time.monotonic() - started)
            if sample is not None:
                seen[name].append(sample)
        time.sleep(EVERY_S)
    if run.returncode:
        sys.exit(run.returncode)
    return seen, counts, time.monotonic() - started


def growth_mb(samples: list[Sample]) -> float:
    """Of the straight line through what comes after the warm-up, from its beginning to its end."""
    rest = samples[int(WARM_UP * len(samples)) :]
    if len(rest) < 2:
        return 0.0
    at, memory = np.array([s.at_s for s in rest]), np.array([s.memory_mb for s in rest])
    return float(np.polyfit(at, memory, 1)[0] * (at[-1] - at[0]))


def main() -> int:
    """Make the dataset, print figures, draw the plot."""
    words = argparse.ArgumentParser(description=__doc__)
    words.add_argument("out", type=Path)
    words.add_argument("--to", type=Path, required=True, help="PNG of the plot")
    asked = words.parse_args()
    seen, counts, seconds = watched([sys.executable, "-m", "pain3d", "generate", str(asked.out), *WORDS, "--workers=2"])
    frames = sum(shard["rows"] for shard in json.loads((asked.out / "manifest.json").read_text())["shards"])
    figure = Figure(figsize=(8, 3.5), layout="tight")
    axes = figure.subplots()
    good = max(counts) == 2
    for name, samples in seen.items():
        grown = growth_mb(samples) / frames * 1000 / (1 - WARM_UP)
        rest = samples[int(WARM_UP * len(samples)) :]
        files = sorted({sample.files for sample in rest[:-2]})
        most = max(sample.memory_mb for sample in samples)
        print(f"{name}: at most {most:.0f} MB, {grown:+.2f} MB a thousand frames; open files {files[0]} to {files[-1]}")
        good = good and grown <= MOST_MB_A_THOUSAND and files[-1] - files[0] <= 2
        axes.plot([s.at_s for s in samples], [s.memory_mb for s in samples], label=name.split()[0], linewidth=1)
    print(
        f"{frames:,} frames in {seconds:.0f} s; workers at most {max(counts)}: {'flat' if good else 'something grows'}"
    )
    axes.set(
        xlabel="seconds", ylabel="resident memory, MB", title=f"{frames:,} frames of 64 px, two workers", ylim=(0, None)
    )
    axes.legend()
    figure.savefig(asked.to, dpi=110)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
