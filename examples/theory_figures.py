"""The figures of docs/theory.md.

Usage: python examples/theory_figures.py FOLDER [FIGURE ...]     (levels, units_of_pain; both without names)
"""

from __future__ import annotations

import sys
from pathlib import Path

import matplotlib
import numpy as np
from contact_sheets import heated, person, sheet
from PIL import Image

import pain3d
from pain3d.face.rig import LEVEL_WEIGHTS, LEVELS, intensity_to_weight
from pain3d.facs import AU_DESCRIPTIONS, PAIN_AUS

matplotlib.use("Agg")
import matplotlib.pyplot as plt


def levels(folder: Path) -> None:
    """Share of the full movement at the levels of FACS."""
    intensity = np.linspace(0, 5, 101)
    figure, axes = plt.subplots(figsize=(5.5, 3), layout="constrained")
    axes.plot(intensity, intensity_to_weight(intensity), color="#c8472b")
    axes.plot(LEVELS, LEVEL_WEIGHTS, "o", color="#c8472b")
    axes.set_xticks(range(6), ["0", "A  1", "B  2", "C  3", "D  4", "E  5"])
    axes.set_xlabel("level of FACS, and the number in a dataset")
    axes.set_ylabel("share of the full movement")
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(folder / "levels.png", dpi=130, metadata={"Software": None})


def units_of_pain(folder: Path) -> None:
    """Each unit that PSPI counts, alone, and the heat of it."""
    subject = person(33, seed=1)
    columns = []
    for name in PAIN_AUS:
        level = 1.0 if name == "AU43" else 5.0
        portrait = pain3d.render(subject, pain3d.Expression(**{name: level}), light="studio")
        words = f"at most {portrait.heatmap.max():.1f} mm"
        columns.append([(portrait.image, f"{name} {AU_DESCRIPTIONS[name]}"), (heated(portrait), words)])
    page: Image.Image = sheet([list(row) for row in zip(*columns, strict=True)], tile=200)
    page.save(folder / "units_of_pain.jpg", quality=88)


FIGURES = {"levels": levels, "units_of_pain": units_of_pain}

if __name__ == "__main__":
    out = Path(sys.argv[1] if len(sys.argv) > 1 else "docs/images")
    out.mkdir(parents=True, exist_ok=True)
    for chosen in sys.argv[2:] or FIGURES:
        FIGURES[chosen](out)
