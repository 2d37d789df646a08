"""The contact sheets of the README and docs: every cell of the demographics, each Action Unit, all views and lights.

Usage: python examples/contact_sheets.py FOLDER [SHEET ...]     (SHEETS at the end; all of them without names)
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

import pain3d
from pain3d.demographics import CELLS, age_range, cell_of
from pain3d.facs import AU_DESCRIPTIONS, AU_NAMES
from pain3d.render.backgrounds import BACKGROUNDS
from pain3d.render.lights import LIGHTS
from pain3d.skin.looks import DEFAULT
from pain3d.synth.preview import hot
from pain3d.synth.studio import seated
from pain3d.synth.timeline import Timeline
from pain3d.synth.views import sample_view

PAPER, INK = (250, 249, 246), (40, 38, 36)
TILE, GAP, WORDS = 256, 4, 20
EYES, MOUTH = slice(36, 48), slice(48, 68)
SEVERE = pain3d.Expression(AU4=5, AU6=5, AU7=4, AU9=3, AU10=5, AU25=2)
CLOSED = pain3d.Expression(AU4=5, AU6=5, AU7=5, AU9=4, AU10=4, AU20=2, AU25=3, AU43=1)


def person(number: int, seed: int = 0, looks: pain3d.Looks = DEFAULT) -> pain3d.Subject:
    """A subject in the middle of the age band of cell `number`."""
    cell = cell_of(number)
    low, high = age_range(cell.age_band)
    return pain3d.Subject.sample(
        seed=1000 * seed + number,
        age_years=(low + high) // 2,
        sex=cell.sex,
        ethnicity=cell.ethnicity,
        looks=looks,
    )


def heated(portrait: pain3d.Portrait) -> np.ndarray:
    """The grey picture under its heatmap."""
    grey = portrait.image.mean(axis=2, keepdims=True).repeat(3, axis=2) * 0.45
    share = np.clip(portrait.heatmap / 16, 0, 1)
    cover = np.clip(share * 4, 0, 1)[..., None]
    return (grey * (1 - cover) + hot(share) * cover).astype(np.uint8)


def sheet(rows: Sequence[Sequence[tuple[np.ndarray, str]]], tile: int = TILE, shape: float = 1.0) -> Image.Image:
    """Rows of pictures `tile` pixels wide and `shape` times as high, each with a line of words below."""
    font = ImageFont.load_default(13)
    high = round(tile * shape)
    height = high + WORDS + GAP
    page = Image.new("RGB", (max(len(row) for row in rows) * (tile + GAP) + GAP, len(rows) * height + GAP), PAPER)
    draw = ImageDraw.Draw(page)
    for i, row in enumerate(rows):
        for j, (picture, words) in enumerate(row):
            left, top = GAP + j * (tile + GAP), GAP + i * height
            page.paste(Image.fromarray(picture).resize((tile, high), Image.Resampling.LANCZOS), (left, top))
            draw.text((left + 2, top + high + 2), words, fill=INK, font=font)
    return page


def hero() -> Image.Image:
    """Six people at rest, in pain, and where their skin moved."""
    choice = ((4, SEVERE, 0), (10, CLOSED, 22), (13, SEVERE, -20), (16, CLOSED, 0), (19, SEVERE, 20), (32, CLOSED, -22))
    columns = []
    for number, expression, yaw in choice:
        subject = person(number, seed=3)
        rest = pain3d.render(subject, yaw=yaw)
        pain = pain3d.render(subject, expression, yaw=yaw)
        columns.append(
            [
                (rest.image, f"{subject.age_years}, {subject.sex}, {subject.ethnicity.replace('_', ' ')}"),
                (pain.image, f"PSPI {expression.pspi:g}"),
                (heated(pain), f"skin moves up to {pain.heatmap.max():.1f} mm"),
            ]
        )
    return sheet([[column[i] for column in columns] for i in range(3)])


def cells() -> Image.Image:
    """One subject of each of the fifty cells; a row is an age band and a sex."""
    order = sorted(
        range(CELLS), key=lambda number: (cell_of(number).age_band, cell_of(number).sex, cell_of(number).ethnicity)
    )
    tiles = []
    for number in order:
        cell = cell_of(number)
        words = f"{cell.age_band} {cell.sex} {cell.ethnicity.replace('_', ' ')}"
        tiles.append((pain3d.render(person(number)).image, words))
    return sheet([tiles[i : i + 10] for i in range(0, CELLS, 10)], tile=224)


def action_units() -> Image.Image:
    """Each Action Unit from 0 to 5 on one face."""
    subject = person(33, seed=1)
    rows = []
    for name in AU_NAMES:
        levels = (0, 1) if name == "AU43" else range(6)
        expressions = [pain3d.Expression.from_vector(np.zeros(16)).replace(**{name: level}) for level in levels]
        pictures = [pain3d.render(subject, expression, light="studio") for expression in expressions]
        rows.append(
            [
                (_face(picture), f"{name} {level} {AU_DESCRIPTIONS[name] if not level else ''}")
                for level, picture in zip(levels, pictures, strict=True)
            ]
            + [(_face(pictures[-1], heated(pictures[-1])), f"PSPI {expressions[-1].pspi:g}")]
        )
    return sheet(rows, tile=200)


def pain() -> Image.Image:
    """Rising pain in one subject of each sex and group."""
    levels = (
        pain3d.Expression(),
        pain3d.Expression(AU4=2, AU7=1),
        pain3d.Expression(AU4=3, AU6=2, AU7=2, AU10=1),
        pain3d.Expression(AU4=4, AU6=4, AU7=3, AU9=3, AU10=2),
        pain3d.Expression(AU4=5, AU6=5, AU7=5, AU9=4, AU10=5, AU25=3),
        pain3d.Expression(AU4=5, AU6=5, AU7=5, AU9=5, AU10=4, AU43=1),
    )
    return sheet(
        [
            [(pain3d.render(person(number, seed=2), level).image, f"PSPI {level.pspi:g}") for level in levels]
            for number in (0, 16, 7, 23, 14, 48)
        ],
        tile=224,
    )


def groups() -> Image.Image:
    """Every group at three ages, a woman and a man: rest and PSPI 4, 8, 12, 16, in three views and all lights."""
    levels = (
        pain3d.Expression(),
        pain3d.Expression(AU4=2, AU7=1, AU10=1),
        pain3d.Expression(AU4=3, AU6=2, AU7=2, AU9=3),
        pain3d.Expression(AU4=4, AU6=4, AU9=4, AU10=3, AU25=2),
        pain3d.Expression(AU4=5, AU6=5, AU7=4, AU9=5, AU10=4, AU25=3, AU43=1),
    )
    chosen = [number for number in range(CELLS) if number % 5 in (0, 2, 4)]
    chosen.sort(key=lambda number: (cell_of(number).ethnicity, cell_of(number).age_band, cell_of(number).sex))
    rows = []
    for i in range(0, len(chosen), 2):
        row = []
        for number in chosen[i : i + 2]:
            someone = person(number, seed=5)
            for k, level in enumerate(levels):
                light = LIGHTS[(i + k) % len(LIGHTS)]
                portrait = pain3d.render(someone, level, yaw=(0, 35, -35)[(i // 2 + k) % 3], light=light)
                row.append(
                    (portrait.image, f"{someone.age_years}, {someone.ethnicity.replace('_', ' ')}, {level.pspi:g}")
                )
        rows.append(row)
    return sheet(rows, tile=192)


def views() -> Image.Image:
    """Head poses: yaw, pitch and roll."""
    subject = person(36)
    poses = [(yaw, pitch, 0) for pitch in (12, 0, -12) for yaw in (-45, -20, 0, 20, 45)]
    tiles = [
        (pain3d.render(subject, SEVERE, yaw=yaw, pitch=pitch, roll=roll).image, f"yaw {yaw}, pitch {pitch}")
        for yaw, pitch, roll in poses
    ]
    return sheet([tiles[i : i + 5] for i in range(0, 15, 5)])


def lights() -> Image.Image:
    """Every light over every background."""
    return sheet(
        [
            [
                (
                    pain3d.render(person(5 * i + 1, seed=2), light=light, background=background, yaw=15).image,
                    f"{light}, {background}",
                )
                for i, background in enumerate(BACKGROUNDS)
            ]
            for light in LIGHTS
        ],
        tile=200,
    )


def hair() -> Image.Image:
    """The same people with painted hair and with ribbons, turned a little; two rows of each, one below the other."""
    numbers = (0, 1, 2, 3, 4, 6, 7, 8, 15, 17, 19, 26, 35, 38, 41, 44)
    rows: list[list[tuple[np.ndarray, str]]] = []
    for chosen in (numbers[:8], numbers[8:]):
        for looks in (pain3d.Looks(hair="cap"), pain3d.Looks(hair="strands")):
            row = []
            for i, number in enumerate(chosen):
                someone = person(number, seed=4, looks=looks)
                portrait = pain3d.render(someone, yaw=(-28, 0, 28)[i % 3])
                row.append((portrait.image, "cap" if someone.haircut is None else someone.haircut.style))
            rows.append(row)
    return sheet(rows, tile=224)


def wrinkles() -> Image.Image:
    """Pain on six faces, each without and with living wrinkles."""
    levels = (
        pain3d.Expression(AU4=3, AU6=2, AU7=2, AU10=3),
        pain3d.Expression(AU4=4, AU6=4, AU7=3, AU9=4, AU10=2, AU25=2),
        pain3d.Expression(AU4=5, AU6=5, AU7=5, AU9=4, AU10=5, AU25=3, AU43=1),
    )
    rows = []
    for number in (0, 16, 7, 23, 14, 48):
        row = []
        for level in levels:
            for looks, words in ((pain3d.Looks(wrinkles=False), "at rest"), (DEFAULT, "living")):
                portrait = pain3d.render(person(number, seed=2, looks=looks), level, yaw=15)
                row.append((_face(portrait), f"PSPI {level.pspi:g}, wrinkles {words}"))
        rows.append(row)
    return sheet(rows, tile=224)


def wet() -> Image.Image:
    """Eyes and open mouths of every group in all lights; below each dry one the same, wet."""
    shown = (
        (pain3d.Expression(), EYES),
        (pain3d.Expression(AU4=3, AU6=3, AU7=5), EYES),
        (pain3d.Expression(AU4=3, AU10=3, AU25=4, AU26=3), MOUTH),
        (pain3d.Expression(AU5=3, AU25=5, AU27=5), MOUTH),
    )
    columns = []
    for i, number in enumerate((0, 46, 7, 23, 14, 31, 48, 35)):
        column: list[list[tuple[np.ndarray, str]]] = [[] for _ in shown]
        for looks, words in ((pain3d.Looks(wet=False), "dry"), (DEFAULT, "wet")):
            someone = person(number, seed=3, looks=looks)
            for k, (expression, marks) in enumerate(shown):
                light = LIGHTS[(i + k) % len(LIGHTS)]
                portrait = pain3d.render(someone, expression, light=light, yaw=12, resolution=768)
                column[k].append((_strip(portrait, marks), f"{words}, {light.replace('_', ' ')}"))
        columns.append([picture for pair in column for picture in pair])
    return sheet([*zip(*columns[:4], strict=True), *zip(*columns[4:], strict=True)], tile=300, shape=0.4)


def _strip(portrait: pain3d.Portrait, marks: slice) -> np.ndarray:
    """Some landmarks alone, in a picture 2.5 times as wide as high."""
    centre = portrait.landmarks[marks].mean(axis=0)
    wide = 0.62 if marks == EYES else 0.46
    half = np.array([1.0, 0.4]) * wide * np.ptp(portrait.landmarks[EYES, 0])
    (left, top), (right, bottom) = (centre - half).astype(int), (centre + half).astype(int)
    return portrait.image[top:bottom, left:right]


def clinical() -> Image.Image:
    """Five groups at three ages with glasses, cannula and gown: three views, all lights, at rest and in pain."""
    worn = pain3d.Looks(glasses=1.0, cannula=1.0, gown=1.0)
    acute = pain3d.Expression(AU4=4, AU6=4, AU7=4, AU9=3, AU10=3, AU25=2)
    rows = []
    for i, age in enumerate((0, 2, 4)):
        row = []
        for j, number in enumerate(n for n in range(CELLS) if n % 5 == age and n < 25):
            light = list(LIGHTS)[(5 * i + j) % len(LIGHTS)]
            someone = person(number, seed=8, looks=worn)
            portrait = pain3d.render(
                someone, acute if (i + j) % 2 else None, yaw=(0, -35, 35)[(i + j) % 3], light=light
            )
            row.append((portrait.image, f"{someone.age_years}, {someone.ethnicity.replace('_', ' ')}, {light}"))
        rows.append(row)
    return sheet(rows)


def clip() -> Image.Image:
    """Every seventh frame of a film of four seconds, with its time and PSPI."""
    apex = pain3d.Expression(AU4=4, AU6=3, AU7=4, AU9=2, AU10=3, AU25=2, AU43=1)
    someone = pain3d.Subject.sample(seed=11, age_years=72)
    timeline, view = Timeline.draw(someone.seed, apex, 4.0), sample_view(someone.seed, 0, resolution=512)
    sitting, shown = seated(someone, "cpu"), []
    for frame in range(2, 100, 7):
        moment = timeline.at(frame / 25)
        scene = view.turned(yaw=moment.yaw, pitch=moment.pitch, roll=moment.roll).scene(512)
        words = f"{moment.time_s:.2f} s, PSPI {moment.acting.expression.pspi:.1f}"
        shown.append((sitting.shoot(sitting.pose(moment.acting), scene).rgb, words))
    return sheet([shown[:7], shown[7:]])


def _face(portrait: pain3d.Portrait, picture: np.ndarray | None = None) -> np.ndarray:
    """The face alone, cut around the landmarks."""
    centre = portrait.landmarks.mean(axis=0)
    half = 0.75 * np.ptp(portrait.landmarks[:, 0])
    left, top = (centre - half).astype(int)
    right, bottom = (centre + half).astype(int)
    return (portrait.image if picture is None else picture)[max(top, 0) : bottom, max(left, 0) : right]


SHEETS = {
    **{"hero": hero, "cells": cells, "action_units": action_units, "pain": pain},
    **{
        "groups": groups,
        "views": views,
        "lights": lights,
        "hair": hair,
        "wrinkles": wrinkles,
        "wet": wet,
        "clinical": clinical,
        "clip": clip,
    },
}

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[2:] or SHEETS:
        SHEETS[name]().save(folder / f"{name}.jpg", quality=88)
        print(folder / f"{name}.jpg")
