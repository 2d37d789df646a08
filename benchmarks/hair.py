"""What hair costs: a picture with ribbons beside one with painted hair, by style, and growing them.

    python benchmarks/hair.py [--resolution 512] [--subjects 40] [--repeats 5]

Processor time of this process. Both kinds of hair alternate, picture by picture, so that a busy machine is busy for
both; the table shows medians. Prints Markdown.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections import defaultdict
from collections.abc import Callable

import pain3d
from pain3d.skin.looks import HAIR, Looks
from pain3d.synth.studio import studio
from pain3d.synth.subject import Subject
from pain3d.synth.views import sample_view

PAIN = pain3d.Expression(AU4=3, AU6=3, AU9=2)


def cpu_ms(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolution", type=int, default=512)
    parser.add_argument("--subjects", type=int, default=40)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    ratios: dict[str, list[float]] = defaultdict(list)
    growing = []
    for seed in range(options.subjects):
        people = {hair: Subject.sample(seed, looks=Looks(hair=hair)) for hair in HAIR}
        haircut = people["strands"].haircut
        assert haircut is not None
        people["strands"].with_hair(people["strands"].head.neutral)
        growing.append(cpu_ms(lambda who=people["strands"]: who.ribbons))
        view = sample_view(seed, 0, resolution=options.resolution).scene(options.resolution)
        sittings = {hair: studio("cpu").seat(who) for hair, who in people.items()}
        times: dict[str, list[float]] = defaultdict(list)
        for _ in range(options.repeats):
            for hair, sitting in sittings.items():
                times[hair].append(cpu_ms(lambda sitting=sitting, view=view: sitting.shoot(sitting.pose(PAIN), view)))
        ratio = statistics.median(times["strands"]) / statistics.median(times["cap"])
        ratios[haircut.style].append(ratio)
        ratios["all"].append(ratio)
    print("| style | subjects | time of a picture, against painted hair |")
    print("|---|---:|---:|")
    for style, found in sorted(ratios.items()):
        print(f"| {style} | {len(found)} | x {statistics.median(found):.2f} |")
    print(f"\nGrowing a head of hair: {statistics.median(growing):.0f} ms of processor time, once a subject.")


if __name__ == "__main__":
    main()
