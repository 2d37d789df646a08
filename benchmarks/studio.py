"""How quick the studio is, measured through its page in a real browser; or the picture of it in the docs.

Usage: python benchmarks/studio.py                  prints a table (about two minutes; do nothing else meanwhile)
       python benchmarks/studio.py studio.jpg       writes a picture of the page

Needs playwright, and Chromium at /usr/bin/chromium. Without a graphics card the browser draws in software, coarsely.
"""

from __future__ import annotations

import io
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

import numpy as np
from PIL import Image
from playwright.sync_api import Page, sync_playwright

import pain3d
from pain3d.expressions import sample_pain
from pain3d.gltf.morphs import deviation_of, quick_morphs, weights_of
from pain3d.render.heatmap import pain_displacement_mm
from pain3d.streams import stream

CHROMIUM = "/usr/bin/chromium"
FLAGS = ["--use-gl=angle", "--use-angle=swiftshader", "--enable-unsafe-swiftshader", "--no-sandbox"]
SHOWN = "?seed=18&age_years=72&sex=female&ethnicity=white&AU4=4&AU6=4&AU7=4&AU9=3&AU10=3&AU25=2&yaw=-12&light=overcast"
FIRST_SEED = 42_000
"""Of people whom no cache knows yet."""
REPEATS = 15
MOVE = """(value) => {
  const slider = document.querySelector("[data-unit=AU4] input[type=range]");
  const { stage } = studio;
  const gl = stage.renderer.getContext();
  const started = performance.now();
  slider.value = value;
  slider.dispatchEvent(new Event("input", { bubbles: true }));
  const mesh = performance.now() - started;
  stage.draw();
  gl.readPixels(0, 0, 1, 1, gl.RGBA, gl.UNSIGNED_BYTE, new Uint8Array(4));  // waits until it is drawn
  return [mesh, performance.now() - started];
}"""


@contextmanager
def served() -> Iterator[str]:
    """The address of a studio in a process of its own."""
    command = [sys.executable, "-m", "pain3d", "studio", "--port", "0"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            print(line, end="", file=sys.stderr)
            found = re.search(r"http://\S+/", line)
            if found:
                break
        try:
            yield found[0] if found else ""
        finally:
            process.terminate()


@contextmanager
def browsed(width: int, height: int) -> Iterator[Page]:
    """A page of a fresh browser."""
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser.new_page(viewport={"width": width, "height": height})
        browser.close()


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def measure(address: str, page: Page) -> Iterator[tuple[str, str]]:
    """Name and figure of everything that is measured."""
    ask = lambda path: urlopen(f"{address}api/{path}", timeout=300).read()  # noqa: E731
    ask("reading?seed=1&AU4=3")  # everything is loaded and compiled now
    heads, skins = [], []
    for number in range(5):
        who = f"seed={FIRST_SEED + number}"
        started = time.perf_counter()
        ask(f"head.glb?{who}")
        heads.append(time.perf_counter() - started)
        for name in ("colour", "roughness", "relief"):
            ask(f"skin/{name}?{who}")
        skins.append(time.perf_counter() - started)
    yield "a new person's head, in painted skin, s", f"{statistics.median(heads):.1f}"
    yield "its skin by diffusion, counted from the same moment, s", f"{statistics.median(skins):.1f}"
    ask(f"render.png?seed={FIRST_SEED}")
    renders = [
        seconds(lambda level=level: ask(f"render.png?seed={FIRST_SEED}&AU4={level / 4}&AU6=2&AU9=1"))
        for level in range(1, REPEATS)
    ]
    yield "a rendered picture of 512 pixels of who is seated, s", f"{statistics.median(renders):.2f}"
    yield "the model's reading of it, s", f"{seconds(lambda: ask(f'reading?seed={FIRST_SEED}&AU4=1&AU6=2&AU9=1')):.2f}"
    page.goto(f"{address}?seed={FIRST_SEED}")
    page.wait_for_selector("body[data-head=whole]", timeout=300_000)
    moves = [page.evaluate(MOVE, level / 4) for level in range(REPEATS)]
    yield "slider to mesh, ms", f"{statistics.median(mesh for mesh, _ in moves):.1f}"
    side = page.evaluate("() => studio.stage.canvas.width")
    how = "in software" if page.evaluate("() => studio.stage.quick") else "by a graphics card"
    yield f"slider to frame of {side} pixels drawn {how}, ms", f"{statistics.median(frame for _, frame in moves):.0f}"
    yield from measure_heat()


def measure_heat() -> Iterator[tuple[str, str]]:
    """How far the heat that the page computes from morph targets is from the rig's."""
    off, largest = [], []
    for seed in range(4):
        head = pain3d.Subject.sample(seed).head
        morphs = quick_morphs(head)
        largest.append(deviation_of(head, morphs).largest_mm)
        for number in range(20):
            expression = sample_pain(stream(1, "studio heat", number), level=1 + number % 16)
            acting, rest = weights_of(expression.vector), weights_of(expression.without_pain().vector)
            moved = sum((target.weight(acting) - target.weight(rest)) * target.offset_m for target in morphs.targets)
            mixed = np.where(head.topology.measured, 1000 * np.linalg.norm(moved, axis=1), 0)
            off.append(np.abs(mixed - pain_displacement_mm(head, expression, head.pose(expression.vector))).max())
    yield "heat on the mesh, off from the rig's: median of 80 faces' worst vertices, mm", f"{np.median(off):.2f}"
    yield "the same, the worst of all, mm", f"{max(off):.2f}"
    yield "vertices of the mesh, off from the rig's: the worst of 4 x 239 faces, mm", f"{max(largest):.2f}"


def write_picture(address: str, page: Page, out: Path) -> None:
    """The whole page as a JPEG below 200 kB."""
    urlopen(f"{address}api/render.png{SHOWN}&pitch=1", timeout=300).read()  # she is seated when the page asks
    page.goto(f"{address}{SHOWN}&fine=1")
    page.wait_for_selector("body[data-head=whole]", timeout=300_000)
    page.click("#render")
    page.wait_for_selector("#read-pspi", timeout=300_000)
    page.wait_for_timeout(3000)
    shot = page.screenshot(timeout=300_000)
    Image.open(io.BytesIO(shot)).convert("RGB").save(out, "JPEG", quality=86, optimize=True)
    print(f"{out}: {out.stat().st_size / 1000:.0f} kB")


def main(words: list[str]) -> None:
    with served() as address, browsed(1280, 800) as page:
        if words:
            write_picture(address, page, Path(words[0]))
        else:
            for name, figure in measure(address, page):
                print(f"{name:<84}{figure:>8}", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
