"""What glasses, cannula and gown cost: a picture with each beside one without.

    python benchmarks/worn.py [--resolution 512] [--subjects 10] [--repeats 5]

Processor time of this process. All kinds alternate, picture by picture, so that a busy machine is busy for all; the
table shows medians. Prints Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

import pain3d
from pain3d.skin.looks import PLAIN, Looks
from pain3d.synth.studio import studio
from pain3d.synth.subject import Subject
from pain3d.synth.views import sample_view

PAIN = pain3d.Expression(AU4=3, AU6=3, AU9=2)
KINDS = {
    "nothing": PLAIN,
    "glasses": Looks(glasses=1.0),
    "cannula": Looks(cannula=1.0),
    "gown": Looks(gown=1.0),
    "all three": Looks(glasses=1.0, cannula=1.0, gown=1.0),
}
_Answer = TypeVar("_Answer")


def cpu_ms(work: Callable[[], _Answer]) -> tuple[float, _Answer]:
    """Processor time of one call, and what it answered."""
    start = time.process_time()
    answer = work()
    return 1000 * (time.process_time() - start), answer


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolution", type=int, default=512)
    parser.add_argument("--subjects", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    ratios: dict[str, list[float]] = defaultdict(list)
    posing: dict[str, list[float]] = defaultdict(list)
    for seed in range(options.subjects):
        sittings = {kind: studio("cpu").seat(Subject.sample(seed, looks=looks)) for kind, looks in KINDS.items()}
        view = sample_view(seed, 0, resolution=options.resolution).scene(options.resolution)
        times: dict[str, list[float]] = defaultdict(list)
        poses: dict[str, list[float]] = defaultdict(list)
        for _ in range(options.repeats):
            for kind, sitting in sittings.items():
                posed_ms, posed = cpu_ms(lambda sitting=sitting: sitting.pose(PAIN))
                poses[kind].append(posed_ms)
                times[kind].append(
                    cpu_ms(lambda sitting=sitting, posed=posed, view=view: sitting.shoot(posed, view))[0]
                )
        for kind in KINDS:
            ratios[kind].append(statistics.median(times[kind]) / statistics.median(times["nothing"]))
            posing[kind].append(statistics.median(poses[kind]) - statistics.median(poses["nothing"]))
    print("| worn | time of a picture | more for each expression [ms] |")
    print("|---|---:|---:|")
    for kind in KINDS:
        print(f"| {kind} | x {statistics.median(ratios[kind]):.2f} | {statistics.median(posing[kind]):.0f} |")


if __name__ == "__main__":
    main()
