"""Do subjects look like siblings, or like caricatures? Nearest pair and worst outlier, in millimetres of face surface.

Usage: python benchmarks/variety.py [--subjects 200] [--pictures FOLDER]

Prints Markdown: over the first subjects of the plan of seed 0, and over as many subjects of one cell. With --pictures,
also renders the nearest pair and the worst outlier of each.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import pain3d
from pain3d.demographics import CELLS
from pain3d.face import makehuman
from pain3d.face.variety import face_descriptor, nearest_pair, worst_outlier
from pain3d.synth.plan import plan_subject


def subjects(numbers: range) -> list[pain3d.Subject]:
    planned = [plan_subject(number, 0) for number in numbers]
    return [
        pain3d.Subject(seed=who.seed, age_years=who.age_years, sex=who.cell.sex, ethnicity=who.cell.ethnicity)
        for who in planned
    ]


def median_pair_mm(descriptor: np.ndarray) -> float:
    flat = descriptor.reshape(len(descriptor), -1)
    apart = [
        np.sqrt(np.square(flat[i + 1 :] - flat[i]).sum(axis=1) / descriptor.shape[1]) for i in range(len(flat) - 1)
    ]
    return float(np.median(np.concatenate(apart)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=200)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    groups = {
        "all cells": range(options.subjects),
        "cell of subject 8": range(8, 8 + CELLS * options.subjects, CELLS),
        "cell of subject 31": range(31, 31 + CELLS * options.subjects, CELLS),
    }
    print(f"| {options.subjects} subjects of | nearest pair, mm RMS | median pair | worst outlier, Mahalanobis |")
    print("|---|---|---|---|")
    for name, numbers in groups.items():
        people = subjects(numbers)
        descriptor = face_descriptor(makehuman.load().coarse, [person.identity for person in people])
        pair, outlier = nearest_pair(descriptor), worst_outlier(descriptor)
        first, second = numbers[pair.first], numbers[pair.second]
        strange = f"{outlier.mahalanobis:.1f} (s{numbers[outlier.index]:05d}, {outlier.rms_mm:.1f} mm)"
        nearest = f"{pair.rms_mm:.2f} (s{first:05d}, s{second:05d})"
        print(f"| {name} | {nearest} | {median_pair_mm(descriptor):.1f} | {strange} |")
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            chosen = [people[i] for i in (pair.first, pair.second, outlier.index)]
            row = np.concatenate(
                [pain3d.render(who, light="studio", background="plain").image for who in chosen], axis=1
            )
            Image.fromarray(row).save(options.pictures / f"variety_{name.replace(' ', '_')}.png")


if __name__ == "__main__":
    main()
