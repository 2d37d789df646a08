"""Are skins by diffusion in tone, varied, no copies, and quick? Figures, and a sheet of faces beside painted ones.

Usage: python benchmarks/skin_diffusion.py MODEL [--samples 200] [--training 1500] [--sheet FILE.png] [--light studio]

Prints Markdown. Distances are root mean squares over the picture of `pain3d.skin.diffusion.chart`, each channel in
units of its spread over the training skins; `--training` is the number of painted skins that MODEL learned from.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path

import numpy as np
from PIL import Image

import pain3d
from pain3d.demographics import AGE_BANDS, ETHNICITIES, SEXES, age_range
from pain3d.skin.diffusion.chart import CHANNELS
from pain3d.skin.diffusion.conditions import conditions
from pain3d.skin.diffusion.grounds import Grounds
from pain3d.skin.diffusion.recipe import training_traits
from pain3d.skin.diffusion.sampler import sample
from pain3d.skin.looks import PROCEDURAL
from pain3d.skin.tone import target_ita_degrees
from pain3d.synth.subject import diffusion_skins, training_painter

FRESH = 1_000_000
"""Number of the first skin that no recipe trains on; a multiple of 50."""


def nearest(these: np.ndarray, those: np.ndarray, *, other: bool = False) -> np.ndarray:
    """RMS distance of each of these to the nearest of those; `other`: to the nearest but itself."""
    apart = np.stack([np.sqrt(np.square(those - one).mean(axis=1)) for one in these])
    if other:
        np.fill_diagonal(apart, np.inf)
    return apart.min(axis=1)


def pairs(pictures: np.ndarray) -> np.ndarray:
    """RMS distances of all pairs."""
    rows = [np.sqrt(np.square(pictures[i + 1 :] - one).mean(axis=1)) for i, one in enumerate(pictures[:-1])]
    return np.concatenate(rows)


def sheet(model: str, path: Path, light: str) -> None:
    """Faces of all groups and ages: sampled and painted skin, side by side."""
    rows = []
    for group in ETHNICITIES:
        row = []
        for k, band in enumerate(AGE_BANDS):
            for skin in (model, PROCEDURAL):
                who = pain3d.Subject.sample(
                    seed=k,
                    age_years=age_range(band)[0],
                    sex=SEXES[k % 2],
                    ethnicity=group,
                    looks=pain3d.Looks(skin=skin),
                )
                row.append(pain3d.render(who, pain3d.Expression(), light=light, resolution=256).image)
        rows.append(np.concatenate(row, axis=1))
    Image.fromarray(np.concatenate(rows)).save(path)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("--samples", type=int, default=200)
    parser.add_argument("--training", type=int, default=1500)
    parser.add_argument("--sheet", type=Path)
    parser.add_argument("--light", default="studio")
    options = parser.parse_args()
    if options.sheet:
        sheet(options.model, options.sheet, options.light)
    skins, small = diffusion_skins(options.model), Grounds(training_painter())
    seconds, painting, errors, sampled, painted = [], [], [], [], []
    for number in range(FRESH, FRESH + options.samples):
        traits = training_traits(0, number)
        start = time.perf_counter()
        maps = skins.painter.paint(traits)
        middle = time.perf_counter()
        picture = sample(skins.model, conditions(traits), traits.seed)
        made = skins.chart.drawn_on(maps, skins.grounds.picture(traits), picture)
        seconds.append(time.perf_counter() - middle)
        painting.append(middle - start)
        errors.append(abs(made.ita_degrees - target_ita_degrees(traits.skin_tone_mst)))
        sampled.append(picture.ravel())
        painted.append(small.picture(traits).ravel())
    training = [small.picture(training_traits(0, number)).ravel() for number in range(options.training)]
    spread = np.repeat(skins.model.scales["picture_scale"].numpy().ravel(), len(training[0]) // CHANNELS)
    drawn, fresh, known = (np.stack(pictures) / spread for pictures in (sampled, painted, training))
    print(f"| {options.samples} skins | sampled | painted |\n|---|---|---|")
    print(f"| seconds, median | {statistics.median(seconds):.2f} on top | {statistics.median(painting):.2f} |")
    print(f"| ITA error, degrees: median, worst | {statistics.median(errors):.2f}, {max(errors):.2f} | |")
    for name, values in (("pairwise distance", pairs), ("nearest training skin", lambda x: nearest(x, known))):
        here, there = values(drawn), values(fresh)
        print(f"| {name}: least, median | {here.min():.2f}, {np.median(here):.2f} | {there.min():.2f}, ", end="")
        print(f"{np.median(there):.2f} |")
    among = nearest(known, known, other=True)
    print(f"| nearest among training skins: least, median | | {among.min():.2f}, {np.median(among):.2f} |")


if __name__ == "__main__":
    main()
