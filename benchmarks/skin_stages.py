"""Where the time of a skin goes: baking the atlas, drawing strokes, painting, by process CPU time on one core.

    python benchmarks/skin_stages.py [--size 1024] [--subjects 10]

Prints Markdown. The first run on a machine compiles the kernels; the time that takes is shown as well.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from pain3d.demographics import age_range, cell_of
from pain3d.face import makehuman
from pain3d.skin.atlas import bake_atlas
from pain3d.skin.ground import Ground
from pain3d.skin.procedural import Painter, all_strokes
from pain3d.skin.template import Template
from pain3d.skin.traits import SkinTraits, sample_traits


def person(subject: int) -> SkinTraits:
    """A skin for the stratum of this subject number."""
    cell = cell_of(subject)
    rng = np.random.default_rng(subject)
    age = int(rng.integers(*age_range(cell.age_band), endpoint=True))
    return sample_traits(rng, age_years=age, sex=cell.sex, ethnicity=cell.ethnicity)


def cpu_ms(work: Callable[[], object]) -> float:
    """Processor time of one call."""
    start = time.process_time()
    work()
    return 1000 * (time.process_time() - start)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--size", type=int, default=1024, help="texels along one side")
    parser.add_argument("--subjects", type=int, default=10, help="skins to paint")
    arguments = parser.parse_args()

    model = makehuman.load()
    template = Template(mesh=model.template, base_uvs=model.base_uvs)
    rows: list[tuple[str, float]] = []
    first = time.perf_counter()
    atlas = bake_atlas(template, arguments.size)
    painter = Painter(atlas)
    painter.paint(person(0))
    rows.append(("first skin, wall time, kernels compiled or loaded", 1000 * (time.perf_counter() - first)))
    rows.append(("atlas, once per process", cpu_ms(lambda: bake_atlas(template, arguments.size))))
    ground = Ground(atlas)
    rows.append(("places for strokes, once per process", cpu_ms(lambda: Ground(atlas))))
    people = [person(k) for k in range(arguments.subjects)]
    strokes = [cpu_ms(lambda who=who: all_strokes(who, ground)) for who in people]
    paints = [cpu_ms(lambda who=who: painter.paint(who)) for who in people]
    rows.append(("strokes of a skin, median", float(np.median(strokes))))
    rows.append(("a skin, strokes included, median", float(np.median(paints))))
    rows.append(("a skin, slowest", max(paints)))

    print(f"{arguments.size} x {arguments.size} texels, {len(atlas.texel)} covered, {arguments.subjects} skins\n")
    print("| stage | ms |\n|---|---:|")
    for name, milliseconds in rows:
        print(f"| {name} | {milliseconds:.1f} |")


if __name__ == "__main__":
    main()
