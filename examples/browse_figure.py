"""The figure of docs/browse.md: the page of a dataset, with the heatmap of one pair in sight.

Usage: python examples/browse_figure.py PAGE/index.html FIGURE.jpg     (needs playwright and Chromium)
"""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

CHROMIUM = "/usr/bin/chromium"


def main(index: Path, figure: Path) -> None:
    """Open the page, filter it, hover over one pair, take the picture."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1280, "height": 860})
        page.goto(index.resolve().as_uri())
        page.select_option("select[aria-label='PSPI from']", "6")
        page.locator(".pair").nth(4).hover()
        page.wait_for_timeout(500)
        page.screenshot(path=figure, type="jpeg", quality=80)
        browser.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
