"""What contact sheet and page have in common: which pairs to show, how a heatmap is laid over a face, what is said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw

from pain3d.data.files import make_folder
from pain3d.data.images import Palette
from pain3d.data.reader import Dataset
from pain3d.data.sample import Sample
from pain3d.data.schema import frame_id
from pain3d.facs import Expression
from pain3d.places import Place

PREVIEW = "preview"
"""Folder of a dataset that holds what `show` and `demo` draw; no part of the data."""

_SHOWN_SCORES = (12, 6, 16, 9, 3, 14, 7, 11)
"""PSPI looked for in the first pair, the second, ...: weak and strong pain in turn."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Pair:
    """One subject in one view, at rest and in pain."""

    neutral: Sample
    pain: Sample


def preview_folder(dataset: Place) -> Place:
    """The folder for pictures of a dataset, made if need be."""
    folder = dataset / PREVIEW
    make_folder(folder)
    return folder


def choose_pairs(dataset: Dataset, count: int) -> list[Pair]:
    """Up to `count` subjects, each once in pain: spread over subjects, scores and views."""
    labels = dataset.labels(["frame_id", "subject_id", "ethnicity", "view_id", "PSPI"]).to_pylist()
    chosen = _spread({row["subject_id"]: row["ethnicity"] for row in labels}, count)
    pairs: list[Pair] = []
    for place, subject in enumerate(chosen):
        wanted = _SHOWN_SCORES[place % len(_SHOWN_SCORES)]
        own = [row for row in labels if row["subject_id"] == subject and row["PSPI"] > 0]
        views = sorted({row["view_id"] for row in own})
        if not views:
            continue
        view = views[place % len(views)]
        in_view = [row for row in own if row["view_id"] == view]
        best = min(in_view, key=lambda row: (abs(row["PSPI"] - wanted), row["frame_id"]))
        pain = dataset.find(best["frame_id"])
        pairs.append(Pair(neutral=pain.neutral, pain=pain))
    return pairs


def choose_frames(dataset: Dataset, count: int, subject: str | None) -> list[Sample]:
    """Up to `count` frames of an imported dataset, of one subject or of several, from lowest to highest PSPI."""
    labels = dataset.labels(["frame_id", "subject_id", "PSPI"]).to_pylist()
    names = dataset.subjects if subject is None else (subject,)
    each = -(-count // len(names))
    chosen: list[str] = []
    for name in names[:count]:
        own = sorted((row["PSPI"], row["frame_id"]) for row in labels if row["subject_id"] == name)
        places = np.unique(np.linspace(0, len(own) - 1, each).round().astype(int)) if each > 1 else [len(own) - 1]
        chosen += [own[place][1] for place in places]
    return [dataset.find(name) for name in chosen[:count]]


def choose_moments(dataset: Dataset, subject: int, count: int) -> list[list[Sample]]:
    """Of each expression of a subject, by number, `count` frames of its clip in the first view, spread over time."""
    design = dataset.manifest.made
    assert design.clips is not None
    indices = np.unique(np.linspace(0, design.clips.frames - 1, count).round().astype(int)).tolist()
    expressions = range(design.expression_ids)
    return [[dataset.find(frame_id(subject, expression, 0, i)) for i in indices] for expression in expressions]


def _spread(group_of: Mapping[str, str], count: int) -> list[str]:
    """Up to `count` subjects, alike from all groups: plain steps would fall in with the order of the cells."""
    turns: list[tuple[int, str]] = []
    for group in sorted(set(group_of.values())):
        members = sorted(subject for subject, own in group_of.items() if own == group)
        # Every third member first: neighbours in the list share age or sex.
        order = [subject for first in range(3) for subject in members[first::3]]
        turns.extend(enumerate(order))
    return sorted(subject for _, subject in sorted(turns)[:count])


def overlay(sample: Sample) -> UInt8[np.ndarray, "height width 3"]:
    """The heatmap in colours over the grey picture; the colours end at the dataset's `heatmap_max_mm`."""
    share = sample.heatmap / np.float32(sample.row["heatmap_max_mm"])
    grey = np.repeat(sample.image.mean(axis=2, keepdims=True) * 0.55, 3, axis=2)
    opacity = np.minimum(1.0, share * 6.0)[..., None]
    return np.clip(grey * (1 - opacity) + hot(share) * opacity, 0, 255).astype(np.uint8)


def hot(share: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape 3"]:
    """Dark red over orange and yellow to white for 0..1, as sRGB 0..255: the paper's colours, opened up below."""
    stops = np.array([0.0, 0.12, 0.3, 0.55, 0.8, 1.0])
    red, green, blue = [60, 150, 235, 255, 255, 255], [0, 10, 70, 165, 235, 255], [40, 30, 15, 20, 110, 240]
    return np.stack([np.interp(share, stops, channel) for channel in (red, green, blue)], axis=-1)


def classes(sample: Sample, palette: Palette) -> UInt8[np.ndarray, "height width 3"]:
    """The segmentation in the colours of its palette."""
    colours = np.zeros((256, 3), np.uint8)
    for entry in palette:
        colours[entry.index] = entry.color
    return colours[sample.segmentation]


def dotted(sample: Sample) -> UInt8[np.ndarray, "height width 3"]:
    """The picture, darkened, with its 68 landmarks."""
    picture = Image.fromarray((sample.image * 0.6).astype(np.uint8))
    draw = ImageDraw.Draw(picture)
    radius = max(1.0, len(sample.image) / 220)
    for x, y in sample.landmarks.tolist():
        draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=(120, 230, 190))
    return np.asarray(picture)


def units_text(expression: Expression) -> str:
    """``AU4=3  AU6=2  AU43=1`` for the units that act: with a space for the sign, AU4 at 5 would read as AU45."""
    rounded = {name: round(value, 1) for name, value in expression.items()}  # between levels in clips
    shown = [f"{name}={value:g}" for name, value in rounded.items() if value]
    return "  ".join(shown) if shown else "no unit acts"


def person_text(sample: Sample) -> str:
    """``s00042, 71 years, female, south asian``."""
    return f"{sample.subject_id}, {sample.age_years} years, {sample.sex}, {sample.ethnicity.replace('_', ' ')}"


def by_expression(samples: Sequence[Sample]) -> list[list[Sample]]:
    """The samples of one subject as rows of one expression each, views in order."""
    rows: dict[int, list[Sample]] = {}
    for sample in sorted(samples, key=lambda sample: (sample.expression_id, sample.view_id)):
        rows.setdefault(sample.expression_id, []).append(sample)
    return list(rows.values())
