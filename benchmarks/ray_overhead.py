"""What Ray costs: frames a second of the local engine and of Ray on this machine, in turns.

Usage: python benchmarks/ray_overhead.py [--subjects 40] [--resolution 256] [--workers 2] [--repeats 5] [--plain]

Each run is a command of its own that makes a whole dataset in a temporary folder; runs alternate, so that what else the
machine does falls on both. Prints Markdown: medians of frames a second, of each pair's ratio, and of start-up. Frames a
second are counted from the first frame on; on Ray, which tells of shards, from the first shard on:
with few subjects that favours Ray, as the others are half made by then.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from pain3d.skin.looks import DEFAULT, PLAIN, Looks


def run(looks: Looks, options: argparse.Namespace, *engine: str) -> dict:
    """The answer of one command."""
    command = [sys.executable, "-m", "pain3d", "generate", "--json", "--skin", looks.skin, "--hair", looks.hair]
    command += [f"--no-{name}" for name in ("wrinkles", "wet") if not getattr(looks, name)]
    command += ["--subjects", str(options.subjects), "--resolution", str(options.resolution)]
    command += ["--workers", str(options.workers), "--subjects-per-shard", "1", *engine]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run([*command, str(Path(folder) / "OUT")], check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=40)
    parser.add_argument("--resolution", type=int, default=256)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--address", default="local", help="of a cluster that runs already; one is started without")
    parser.add_argument("--plain", action="store_true", help="painted skin and hair, at rest: less work a frame")
    options = parser.parse_args()
    looks = PLAIN if options.plain else DEFAULT
    engines = {"local": (), "ray": ("--engine", "ray", "--address", options.address)}
    rates: dict[str, list[float]] = {name: [] for name in engines}
    starts: dict[str, list[float]] = {name: [] for name in engines}
    for _ in range(options.repeats):
        for name, words in engines.items():
            answer = run(looks, options, *words)
            rates[name].append(answer["frames_per_second"])
            starts[name].append(answer["seconds_to_first_frame"])
            said = f"{name}: {rates[name][-1]:.1f} frames/s, start-up {starts[name][-1]:.1f} s"
            print(said, file=sys.stderr, flush=True)
    print(f"| median of {options.repeats} runs | local | Ray | Ray / local |\n|---|---|---|---|")
    ratio = statistics.median(ray / local for local, ray in zip(rates["local"], rates["ray"], strict=True))
    local, ray = (statistics.median(rates[name]) for name in engines)
    print(f"| frames/s once the first are there | {local:.1f} | {ray:.1f} | {ratio:.3f} |")
    local, ray = (statistics.median(starts[name]) for name in engines)
    print(f"| seconds to the first | {local:.1f} | {ray:.1f} | |")


if __name__ == "__main__":
    main()
