"""How long a plan takes on more and more cores: measured on one and two here, simulated beyond.

The simulation hands the plan's files, longest first, to whichever core is free; a core first needs the start-up
measured here, and works at the pace that one of two workers had here. It knows nothing of slow disks, of memory that
many cores share, or of nodes that are lost: it is the best that the layout of files allows.

Usage: python benchmarks/scaling_curve.py [--preset 3dpain] [--plot docs/images/scaling.png]
"""

from __future__ import annotations

import argparse
import heapq
import statistics
import tempfile
from pathlib import Path

import matplotlib

from pain3d.synth.generate import generate
from pain3d.synth.plan import PRESETS, PlanConfig, plan_shards

matplotlib.use("Agg")
import matplotlib.pyplot as plt

CORES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
MEASURED = PlanConfig(subjects=8, subjects_per_shard=1)
REPEATS = 3


def measured(workers: int) -> tuple[float, float]:
    """Frames a second once the first is there, and seconds until it is; of a small plan, on so many workers."""
    with tempfile.TemporaryDirectory() as folder:
        made = generate(Path(folder) / "out", MEASURED, workers=workers)
    return made.frames_per_second, made.seconds_to_first_frame


def makespan(seconds: list[float], cores: int, start: float) -> float:
    """When the last file is done."""
    free = [start] * cores
    for task in sorted(seconds, reverse=True):
        heapq.heappush(free, heapq.heappop(free) + task)
    return max(free)


def main() -> None:
    """Measure, simulate, print a table, and draw it if asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--preset", default="3dpain", choices=sorted(PRESETS))
    parser.add_argument("--plot", type=Path)
    asked = parser.parse_args()

    config = PlanConfig(**vars(PRESETS[asked.preset]))
    runs = {1: [], 2: []}
    for _ in range(REPEATS):  # interleaved: machines are noisy
        for workers, found in runs.items():
            found.append(measured(workers))
    rate = {workers: statistics.median(rate for rate, _ in found) for workers, found in runs.items()}
    start = statistics.median(seconds for _, seconds in runs[1])
    print(
        f"measured here: {rate[1]:.1f} frames/s on one worker, {rate[2]:.1f} on two (x {rate[2] / rate[1]:.2f}); "
        f"start-up {start:.1f} s"
    )

    pace = rate[2] / 2
    tasks = [task.rows / pace for task in plan_shards(config)]
    print(
        f"{asked.preset}: {config.frames:,} frames in {len(tasks):,} files; a subject takes "
        f"{config.frames_per_subject / pace:.1f} s of one core, {1000 / pace:.0f} ms a frame, skin and hair included"
    )
    print("\n| cores | minutes | frames/s | of the ideal |\n|---:|---:|---:|---:|")
    rows = []
    for cores in CORES:
        seconds = makespan(tasks, cores, start)
        rows.append((cores, config.frames / seconds))
        share = sum(tasks) / cores / seconds
        print(f"| {cores:,} | {seconds / 60:,.1f} | {config.frames / seconds:,.0f} | {share:.0%} |")
    if asked.plot:
        draw(asked.plot, rows, rate)


def draw(path: Path, rows: list[tuple[int, float]], rate: dict[int, float]) -> None:
    """The simulated curve, what was measured, and the straight line."""
    figure, axes = plt.subplots(figsize=(5.5, 3.6), layout="constrained")
    cores, pace = zip(*rows, strict=True)
    axes.loglog(cores, [pace[0] * n for n in cores], color="#bbb", linewidth=1, label="ideal")
    axes.loglog(cores, pace, color="#4c7a8c", label="simulated")
    axes.loglog(list(rate), list(rate.values()), "o", color="#c8472b", label="measured here")
    axes.set_xlabel("cores")
    axes.set_ylabel("frames/s")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=130, metadata={"Software": None})


if __name__ == "__main__":
    main()
