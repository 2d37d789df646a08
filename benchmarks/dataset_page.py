"""The dataset page: how long it takes to make, and how fast it is with 82,500 frames in a browser.

The page is made of DATASET, or of a small dataset drawn with arrays, and its frames are repeated under other names
until there are 82,500. Needs playwright and Chromium.

    python benchmarks/dataset_page.py [DATASET]
"""

from __future__ import annotations

import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path += [str(Path(__file__).parents[1] / "tests"), str(Path(__file__).parents[1] / "tests" / "synth")]
from data import handmade
from page_files import enlarge

from pain3d.data.reader import open_dataset
from pain3d.synth.browse.page import write_dataset_page

CHROMIUM = "/usr/bin/chromium"
FRAMES = 82_500

DRAWN = """const drawn = () => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));"""
FILTER = f"""async (value) => {{
    {DRAWN}
    const select = document.querySelector("select[aria-label^='AU4 ']");
    const start = performance.now();
    select.value = value;
    select.dispatchEvent(new Event("change"));
    const counted = performance.now() - start;
    await drawn();
    return [counted, performance.now() - start];
}}"""
SCROLL = f"""async () => {{
    {DRAWN}
    const start = performance.now();
    window.scrollBy(0, 400);
    await drawn();
    return performance.now() - start;
}}"""


def measure(page: Page, index: Path) -> None:
    """Print the times of one page."""
    start = time.perf_counter()
    page.goto(index.as_uri())
    page.locator(".pair").first.wait_for()
    print(f"open, until the first pairs are there {(time.perf_counter() - start) * 1e3:6.0f} ms")
    filters = [page.evaluate(FILTER, value) for value in ("3", "1", "4", "2", "5", "0") * 3]
    for name, times in zip(("filter, counted", "filter, drawn"), zip(*filters, strict=True), strict=True):
        print(f"{name:37s} {statistics.median(times):6.0f} ms, at most {max(times):.0f}")
    steps = [page.evaluate(SCROLL) for _ in range(60)]
    print(f"{'scroll by 400 px, drawn':37s} {statistics.median(steps):6.0f} ms, at most {max(steps):.0f}")
    megabytes = page.evaluate("performance.memory.usedJSHeapSize") / 1e6
    print(f"{'memory of the script':37s} {megabytes:6.0f} MB")


def main(dataset: str | None) -> None:
    """Make the page, enlarge it, and measure it."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        if dataset is None:
            dataset = str(folder / "faces")
            handmade.dataset(Path(dataset), handmade.manifest(subjects=50, expressions=10, distractors=0, views=3))
        start, count = time.process_time(), len(open_dataset(dataset))
        index = write_dataset_page(dataset, to=folder / "page", embed_up_to=0)
        seconds, size = time.process_time() - start, sum(path.stat().st_size for path in index.parent.rglob("*"))
        print(f"{count:,} frames: {count / seconds:.0f} frames a second of one core, {size / count:,.0f} bytes a frame")
        print(
            f"{'memory of the process, at most':37s} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:6.0f} MB"
        )
        enlarge(index.parent, FRAMES)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            measure(browser.new_page(viewport={"width": 1280, "height": 800}), index)
            browser.close()


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else None)
