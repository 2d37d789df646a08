"""The part of the audit that looks at the pictures of one frame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Float, UInt8

from pain3d.data.images import check_decodes, decode_depth, decode_grey, decode_rgb
from pain3d.data.manifest import Manifest
from pain3d.data.schema import WRINKLES_MAX_MM
from pain3d.errors import DataError
from pain3d.facs import AU_NAMES, CLOSED_AT, PAIN_AUS

HEATMAP_CLASSES = ("skin", "lips", "brows")
"""Palette names under which the heatmap may be non-zero: the body skin that it measures."""

MIN_SKIN_FRACTION = 0.01
"""A frame with less skin than this shows no face."""

FOLDING_AUS = tuple(name for name in PAIN_AUS if name != "AU43")
"""Units that fold visible skin in every view, from intensity 1 on."""

JAW_LANDMARKS = 17
"""The first landmarks of iBUG-68 follow the jaw line."""

MAX_OFF_HEAD_FRACTION = 0.2
"""In a view turned by 45 degrees the far brow and the tip of the nose may pass the rim by a pixel."""

Problem = tuple[str, str]
"""Rule and message."""


@dataclass(frozen=True, kw_only=True, eq=False)
class PictureRules:
    """What the pictures of a dataset must fulfil; made once from its manifest."""

    resolution: int
    is_class: Bool[np.ndarray, "256"]
    is_measured: Bool[np.ndarray, "256"]
    is_skin: Bool[np.ndarray, "256"]

    @staticmethod
    def of(manifest: Manifest) -> PictureRules:
        """The rules of one dataset."""

        def table(indices: list[int]) -> Bool[np.ndarray, "256"]:
            chosen = np.zeros(256, bool)
            chosen[indices] = True
            return chosen

        return PictureRules(
            resolution=manifest.made.resolution,
            is_class=table([entry.index for entry in manifest.palette]),
            is_measured=table([entry.index for entry in manifest.palette if entry.name in HEATMAP_CLASSES]),
            is_skin=table([entry.index for entry in manifest.palette if entry.name == "skin"]),
        )


@dataclass(frozen=True, kw_only=True)
class PictureResult:
    """What one frame's pictures showed."""

    problems: tuple[Problem, ...]
    saturated_pixels: int


def check_pictures(rules: PictureRules, row: Mapping[str, Any]) -> PictureResult:
    """Decode every picture of a row (a mapping of its columns) and hold them against each other and its AUs."""
    problems: list[Problem] = []
    _check_image(rules, row, "image", problems)
    segmentation = _grey(rules, row["segmentation"], "segmentation", problems)
    heatmap = _grey(rules, row["heatmap"], "heatmap", problems)
    if segmentation is not None:
        problems += _segmentation_problems(rules, segmentation)
        problems += _landmark_problems(segmentation, np.array(row["landmarks"]).reshape(68, 2))
    saturated = 0
    if heatmap is not None:
        saturated = int(np.count_nonzero(heatmap == 255))
        problems += _heatmap_problems(rules, heatmap, segmentation, _seen(row, PAIN_AUS), "heatmap")
    if "au_heatmaps" in row:
        for name in PAIN_AUS:
            alone = _grey(rules, row["au_heatmaps"][name], f"au_heatmaps.{name}", problems)
            if alone is not None:
                problems += _heatmap_problems(rules, alone, segmentation, _seen(row, (name,)), f"au_heatmaps.{name}")
    if "depth" in row:
        _check_depth(rules, row["depth"], segmentation, problems)
    if "wrinkles" in row:
        _check_wrinkles(rules, row, segmentation, problems)
    for name in ("normals", "albedo"):
        if name in row:
            _check_rgb(rules, row[name], name, problems)
    return PictureResult(problems=tuple(problems), saturated_pixels=saturated)


def _seen(row: Mapping[str, Any], names: Sequence[str]) -> bool | None:
    """Whether some of these AUs must be seen to act; None in clips, where they act, but too little for certain."""
    acts = any(row[name] > 0 for name in names)
    if "blink" not in row:
        return acts
    closing = float(row["eye_closure"]) if "AU43" in names else 0.0
    if any(row[name] >= 1 for name in names if name != "AU43") or closing >= max(CLOSED_AT, row["blink"] + 0.2):
        return True
    return None if acts or closing else False


def _segmentation_problems(rules: PictureRules, classes: UInt8[np.ndarray, "height width"]) -> Iterator[Problem]:
    counts = np.bincount(classes.ravel(), minlength=256)
    unknown = np.flatnonzero((counts > 0) & ~rules.is_class)
    if len(unknown):
        yield "segmentation", f"classes {', '.join(map(str, unknown))} are not in the palette"
    if counts[rules.is_skin].sum() < MIN_SKIN_FRACTION * classes.size:
        yield "segmentation", "less than 1 % of the picture is skin: no face to see"


def _landmark_problems(
    segmentation: UInt8[np.ndarray, "height width"], landmarks: Float[np.ndarray, "68 2"]
) -> Iterator[Problem]:
    """Brows, nose, eyes and mouth lie on the head, wherever it is turned; the jaw line may lie on its rim."""
    height, width = segmentation.shape
    face = landmarks[JAW_LANDMARKS:]
    inside = face[((face >= 0) & (face < (width, height))).all(axis=1)]
    x, y = inside.astype(np.int64).T
    off = np.count_nonzero(segmentation[y, x] == 0)
    if off > MAX_OFF_HEAD_FRACTION * len(inside):
        yield "landmarks", f"{off} of {len(inside)} landmarks inside the face lie on the background"


def _heatmap_problems(
    rules: PictureRules,
    heatmap: UInt8[np.ndarray, "height width"],
    segmentation: UInt8[np.ndarray, "height width"] | None,
    acts: bool | None,
    rule: str,
) -> Iterator[Problem]:
    moved = heatmap > 0
    if acts is not None and moved.any() != acts:
        yield rule, "zero everywhere although a pain AU acts" if acts else "not zero although no pain AU acts"
    if segmentation is not None:
        yield from _outside_problems(rules, moved, segmentation, rule)


def _outside_problems(
    rules: PictureRules,
    found: Bool[np.ndarray, "height width"],
    segmentation: UInt8[np.ndarray, "height width"],
    rule: str,
) -> Iterator[Problem]:
    if segmentation.shape == found.shape:
        outside = np.count_nonzero(found & ~rules.is_measured[segmentation])
        if outside:
            yield rule, f"{outside} pixels are not zero outside {', '.join(HEATMAP_CLASSES)}"


def _check_wrinkles(
    rules: PictureRules,
    row: Mapping[str, Any],
    segmentation: UInt8[np.ndarray, "height width"] | None,
    problems: list[Problem],
) -> None:
    """Skin folds with its Action Units, only then, and nowhere else."""
    if row["wrinkles_max_mm"] != np.float32(WRINKLES_MAX_MM):
        problems.append(("wrinkles_max_mm", f"{row['wrinkles_max_mm']:g}, not {WRINKLES_MAX_MM:g}"))
    relief = _grey(rules, row["wrinkles"], "wrinkles", problems)
    if relief is None:
        return
    folded = relief > 0
    lids = [name for name in ("eye_closure", "blink") if name in row]
    if folded.any() and not any(row[name] > 0 for name in (*AU_NAMES, *lids)):
        problems.append(("wrinkles", "not zero although no AU acts"))
    if not folded.any() and any(row[name] >= 1 for name in FOLDING_AUS):
        problems.append(("wrinkles", "zero everywhere although a pain AU acts"))
    if segmentation is not None:
        problems += _outside_problems(rules, folded, segmentation, "wrinkles")


def _check_image(rules: PictureRules, row: Mapping[str, Any], name: str, problems: list[Problem]) -> None:
    try:
        _check_size(rules, name, check_decodes(row[name]["bytes"]), problems)
    except DataError as error:
        problems.append((name, str(error)))


def _check_rgb(rules: PictureRules, picture: Mapping[str, Any], name: str, problems: list[Problem]) -> None:
    try:
        values = decode_rgb(picture["bytes"])
    except DataError as error:
        problems.append((name, str(error)))
    else:
        _check_size(rules, name, (values.shape[1], values.shape[0]), problems)


def _check_depth(
    rules: PictureRules,
    picture: Mapping[str, Any],
    segmentation: UInt8[np.ndarray, "height width"] | None,
    problems: list[Problem],
) -> None:
    try:
        depth = decode_depth(picture["bytes"])
    except DataError as error:
        problems.append(("depth", str(error)))
        return
    fits = _check_size(rules, "depth", (depth.shape[1], depth.shape[0]), problems)
    if fits and segmentation is not None:
        differing = np.count_nonzero((depth == 0) != (segmentation == 0))
        if differing:
            problems.append(("depth", f"{differing} pixels are background in one of depth and segmentation only"))


def _grey(
    rules: PictureRules, picture: Mapping[str, Any], name: str, problems: list[Problem]
) -> UInt8[np.ndarray, "height width"] | None:
    """The picture's values; None, and a problem, if it cannot be read or has another size."""
    try:
        values = decode_grey(picture["bytes"])
    except DataError as error:
        problems.append((name, str(error)))
        return None
    return values if _check_size(rules, name, (values.shape[1], values.shape[0]), problems) else None


def _check_size(rules: PictureRules, name: str, size: tuple[int, int], problems: list[Problem]) -> bool:
    if size == (rules.resolution, rules.resolution):
        return True
    problems.append((name, f"{size[0]} x {size[1]} pixels, not {rules.resolution} x {rules.resolution}"))
    return False
