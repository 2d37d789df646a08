"""Where the time of one picture goes, stage by stage, on one core (or one GPU).

python benchmarks/render_stages.py [--resolution 512] [--device cpu] [--repeats 20]
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from statistics import median

import numpy as np
import warp as wp

from pain3d.face import makehuman
from pain3d.facs import Expression
from pain3d.render.backgrounds import background
from pain3d.render.heatmap import pain_displacement_mm
from pain3d.render.lights import light
from pain3d.render.renderer import Renderer
from pain3d.render.scene import Camera, Scene
from pain3d.skin.maps import SkinMaps


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--resolution", type=int, default=512, help="pixels along each side (default: 512)")
    parser.add_argument("--device", default="cpu", help="cpu, cuda, cuda:1, ... (default: cpu)")
    parser.add_argument("--repeats", type=int, default=20, help="pictures measured, for the median (default: 20)")
    options = parser.parse_args()

    start = time.perf_counter()
    model = makehuman.load()
    print(f"{'head model':24} {1e3 * (time.perf_counter() - start):9.1f} ms once")
    start = time.perf_counter()
    renderer = Renderer(model.topology, options.device)
    print(f"{'kernels, tables':24} {1e3 * (time.perf_counter() - start):9.1f} ms once")

    rng = np.random.default_rng(0)
    head = model.head(model.sample(rng, age_years=50, sex="female", ethnicity="white"))
    expression = Expression(AU4=4, AU6=3, AU9=3)
    moved = head.express(expression)
    displacement = pain_displacement_mm(head, expression, moved)
    maps = noise_skin()
    scene = Scene(
        camera=Camera.at_head(yaw=25, resolution=options.resolution),
        light=light("daylight_window", rng),
        background=background("ward", rng, options.resolution),
    )
    print(f"{len(model.topology.triangles)} triangles, {options.resolution} x {options.resolution}, {options.device}")
    for name, milliseconds in measure(renderer, maps, head.neutral, moved, displacement, scene, options.repeats):
        print(f"{name:24} {milliseconds:9.2f} ms")


def noise_skin() -> SkinMaps:
    """A skin with detail everywhere, so that no texture read is cheaper than it is in earnest."""
    rng = np.random.default_rng(1)
    size = 1024
    return SkinMaps(
        albedo=rng.integers(120, 210, (size, size, 3), dtype=np.uint8),
        height_mm=rng.normal(0, 0.02, (size, size)).astype(np.float32),
        roughness=rng.integers(90, 140, (size, size), dtype=np.uint8),
        region=np.ones((size, size), np.uint8),
        skin_tone_mst=4,
        ita_degrees=30.0,
    )


def measure(renderer, maps, neutral, moved, displacement, scene, repeats) -> Iterator[tuple[str, float]]:
    """Median milliseconds of each stage, then of the whole."""
    times: dict[str, list[float]] = defaultdict(list)
    for _ in range(3):
        with timed(times["upload skin (subject)"]):
            skin = renderer.upload_skin(maps, neutral)
    for _ in range(repeats):
        with timed(times["upload mesh"]):
            mesh = renderer.upload_mesh(moved, displacement)
    renderer.draw(skin, mesh, scene)
    for stage in ("_find_visible", "_find_edges", "_light_vertices", "_shade", "_finish", "_frame"):
        watch(renderer, stage, times)
    for _ in range(repeats):
        with timed(times["draw, whole"]):
            renderer.draw(skin, mesh, scene)
    for name, values in times.items():
        yield name, 1e3 * median(values)


def watch(renderer: Renderer, stage: str, times: dict[str, list[float]]) -> None:
    """Time one stage of `Renderer.draw` from outside."""
    original = getattr(renderer, stage)

    def measured(*args, **kwargs):
        with timed(times["  " + stage.strip("_").replace("_", " ")]):
            return original(*args, **kwargs)

    setattr(renderer, stage, measured)


@contextmanager
def timed(into: list[float]) -> Iterator[None]:
    """Append the seconds that the block takes, device work included; on a CPU its own time, not that of neighbours."""
    clock = time.perf_counter if wp.is_cuda_available() else time.process_time
    wp.synchronize()
    start = clock()
    yield
    wp.synchronize()
    into.append(clock() - start)


if __name__ == "__main__":
    main()
