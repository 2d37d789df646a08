"""Do subjects look like siblings, or like caricatures? Nearest pair and worst outlier in shape and in colour.

Usage: python benchmarks/variety.py [--subjects 200] [--skin diffusion] [--pictures FOLDER]

Prints Markdown: over the first subjects of the plan of seed 0, and over as many subjects of one cell; shape in
millimetres of face surface, colour in delta E of patches of albedo; then how often each Monk Skin Tone is met. With
--pictures, also renders the nearest pairs and the worst outlier of each.
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
from pain3d.skin.variety import colour_descriptor
from pain3d.synth.plan import plan_subject
from pain3d.synth.subject import painter, skin_maker


def subjects(numbers: range, looks: pain3d.Looks) -> list[pain3d.Subject]:
    planned = [plan_subject(number, 0) for number in numbers]
    return [
        pain3d.Subject(
            seed=who.seed, age_years=who.age_years, sex=who.cell.sex, ethnicity=who.cell.ethnicity, looks=looks
        )
        for who in planned
    ]


def colours(people: list[pain3d.Subject]) -> np.ndarray:
    """Descriptors one by one: the maps of all would not fit into memory."""
    made = (skin_maker(person.looks.skin).paint(person.skin_traits) for person in people)
    return colour_descriptor(made, painter().atlas)


def median_pair(descriptor: np.ndarray) -> float:
    flat = descriptor.reshape(len(descriptor), -1)
    apart = [
        np.sqrt(np.square(flat[i + 1 :] - flat[i]).sum(axis=1) / descriptor.shape[1]) for i in range(len(flat) - 1)
    ]
    return float(np.median(np.concatenate(apart)))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--subjects", type=int, default=200)
    parser.add_argument("--skin", default=pain3d.Looks().skin)
    parser.add_argument("--pictures", type=Path)
    options = parser.parse_args()
    groups = {
        "all cells": range(options.subjects),
        "cell of subject 8": range(8, 8 + CELLS * options.subjects, CELLS),
        "cell of subject 31": range(31, 31 + CELLS * options.subjects, CELLS),
    }
    print("| subjects of | shape: nearest, mm | median pair | worst outlier | colour: nearest, dE | median pair |")
    print("|---|---|---|---|---|---|")
    for name, numbers in groups.items():
        people = subjects(numbers, pain3d.Looks(skin=options.skin))
        shape = face_descriptor(makehuman.load().coarse, [person.identity for person in people])
        colour = colours(people)
        alike, same_colour, outlier = nearest_pair(shape), nearest_pair(colour), worst_outlier(shape)
        strange = f"{outlier.mahalanobis:.1f} (s{numbers[outlier.index]:05d}, {outlier.rms_mm:.1f} mm)"
        near, near_colour = (
            f"{pair.rms:.2f} (s{numbers[pair.first]:05d}, s{numbers[pair.second]:05d})" for pair in (alike, same_colour)
        )
        medians = median_pair(shape), median_pair(colour)
        print(f"| {name} | {near} | {medians[0]:.1f} | {strange} | {near_colour} | {medians[1]:.1f} |")
        if options.pictures:
            options.pictures.mkdir(parents=True, exist_ok=True)
            chosen = [alike.first, alike.second, same_colour.first, same_colour.second, outlier.index]
            row = [pain3d.render(people[i], light="studio", background="plain").image for i in chosen]
            path = options.pictures / f"variety_{name.replace(' ', '_')}.png"
            Image.fromarray(np.concatenate(row, axis=1)).save(path)
    tones = [person.skin_traits.skin_tone_mst for person in subjects(groups["all cells"], pain3d.Looks())]
    print("\n| Monk Skin Tone | " + " | ".join(str(tone) for tone in range(1, 11)) + " |")
    print("|---|" + "---|" * 10)
    print("| subjects | " + " | ".join(str(tones.count(tone)) for tone in range(1, 11)) + " |")


if __name__ == "__main__":
    main()
