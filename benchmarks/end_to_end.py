"""Frames a second end to end, where the time goes, memory, bytes, and time to the first frame.

Usage: python benchmarks/end_to_end.py [--subjects 10] [--resolution 512] [--plain]

Prints Markdown. Every dataset is made in a temporary folder with default annotations, files written and hashed; with
--plain with painted skin and hair, at rest, instead of the default looks.
"""

from __future__ import annotations

import argparse
import functools
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from dataclasses import asdict
from pathlib import Path

import pain3d
from pain3d.skin.looks import DEFAULT, PLAIN

FIRST_FRAME = "import pain3d; pain3d.render(pain3d.Subject.sample(seed=7), pain3d.Expression(AU4=3, AU6=2, AU43=1))"


def generate(out: Path, looks: pain3d.Looks, *, subjects: int, resolution: int, workers: int) -> tuple[dict, float]:
    """Run the command in a process of its own: its answer, and the peak memory of its largest process [GiB]."""
    command = [sys.executable, "-m", "pain3d", "generate", str(out), "--subjects", str(subjects)]
    command += ["--resolution", str(resolution), "--workers", str(workers), "--json"]
    command += ["--skin", looks.skin, "--hair", looks.hair]
    command += [f"--no-{name}" for name in ("wrinkles", "wet") if not getattr(looks, name)]
    answer = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(answer), resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 2**20


def first_frame_seconds(cache: Path) -> float:
    """Start Python, import, build or load the assets, compile or load the kernels, render one picture."""
    environment = os.environ | {"PAIN3D_CACHE": str(cache), "WARP_CACHE_PATH": str(cache / "warp")}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", FIRST_FRAME], check=True, env=environment, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def stage_table(looks: pain3d.Looks, subjects: int, resolution: int) -> dict[str, float]:
    """Milliseconds a frame in each stage, in this process with one worker."""
    from pain3d.face.makehuman import MakeHumanHead
    from pain3d.render import renderer
    from pain3d.render.renderer import Renderer
    from pain3d.skin.diffusion.chart import Chart
    from pain3d.skin.diffusion.skins import DiffusionSkins
    from pain3d.skin.procedural import Painter
    from pain3d.skin.ribbons import Ribbons
    from pain3d.skin.wrinkles import LivingWrinkles
    from pain3d.synth import generate as generate_module
    from pain3d.synth import rows, subject
    from pain3d.synth.plan import PlanConfig

    spent: dict[str, float] = defaultdict(float)

    def timed(owner: object, name: str, stage: str) -> None:
        original = getattr(owner, name)

        @functools.wraps(original)
        def wrapper(*args, **kwargs):
            started = time.perf_counter()
            try:
                return original(*args, **kwargs)
            finally:
                spent[stage] += time.perf_counter() - started

        setattr(owner, name, wrapper)

    subject.painter()
    timed(Painter, "paint", "skin: paint")
    timed(DiffusionSkins, "_sampled", "skin: sample")
    timed(Chart, "drawn_on", "skin: put the sample on")
    timed(subject, "head_ribbons", "hair: grow")
    timed(Ribbons, "posed", "hair: pose")
    timed(renderer, "draw_hair", "hair: draw")
    timed(LivingWrinkles, "relief", "wrinkles: fold")
    timed(Renderer, "upload_skin", "skin: upload, occlusion")
    timed(MakeHumanHead, "pose", "geometry: pose")
    timed(Renderer, "upload_mesh", "geometry: upload")
    timed(Renderer, "_find_visible", "raster: centres")
    timed(Renderer, "_find_edges", "raster: edges")
    timed(Renderer, "_light_vertices", "shading: shadow, vertices")
    timed(Renderer, "_shade", "shading: pixels")
    timed(Renderer, "_finish", "shading: film")
    timed(Renderer, "_frame", "annotation")
    timed(rows, "encode_rgb", "encoding: picture")
    timed(rows, "encode_heatmap", "encoding: heatmap")
    timed(rows, "encode_segmentation", "encoding: segmentation")
    with tempfile.TemporaryDirectory() as folder:
        config = PlanConfig(subjects=subjects, resolution=resolution, **asdict(looks))
        started = time.perf_counter()
        result = generate_module.generate(Path(folder) / "out", config, workers=1)
        total = time.perf_counter() - started
    spent["all else: views, backgrounds, Parquet, hash, start"] = total - sum(spent.values())
    return {stage: 1000 * seconds / result.frames_made for stage, seconds in spent.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=10)
    parser.add_argument("--resolution", type=int, default=512)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--no-cold", action="store_true", help="leave out the first frame of a fresh install")
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    looks = PLAIN if options.plain else DEFAULT
    sizes = {"subjects": options.subjects, "resolution": options.resolution}

    print("| figure | value |\n|---|---|")
    rates = {}
    for workers in (1, 2):
        runs = []
        for _ in range(options.repeats):
            with tempfile.TemporaryDirectory() as folder:
                answer, peak_gib = generate(Path(folder) / "out", looks, **sizes, workers=workers)
                bytes_written = sum(file.stat().st_size for file in (Path(folder) / "out").rglob("*.parquet"))
            runs.append((answer["frames_per_second"], answer["frames_made"] / answer["seconds"]))
        rates[workers], whole = (statistics.median(values) for values in zip(*runs, strict=True))
        label = f"frames/s, {workers} {'workers' if workers > 1 else 'worker'}, median of {options.repeats} runs"
        print(f"| {label} | {rates[workers]:.1f} ({whole:.1f} with start-up) |", flush=True)
    print(f"| 2 workers against 1 | x {rates[2] / rates[1]:.2f} |")
    print(f"| bytes a frame | {bytes_written / answer['frames']:,.0f} |")
    print(f"| peak resident memory of the largest process | {peak_gib:.2f} GiB |")
    with tempfile.TemporaryDirectory() as cache:
        if not options.no_cold:
            print(f"| first frame, nothing cached | {first_frame_seconds(Path(cache)):.1f} s |")
            warm = statistics.median(first_frame_seconds(Path(cache)) for _ in range(options.repeats))
            print(f"| first frame, cached | {warm:.1f} s |", flush=True)

    print("\n| stage, 1 worker | ms a frame |\n|---|---|")
    for stage, milliseconds in sorted(stage_table(looks, **sizes).items()):
        print(f"| {stage} | {milliseconds:.1f} |")


if __name__ == "__main__":
    main()
