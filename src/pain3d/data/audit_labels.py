"""The part of the audit that looks at the labels of one row at a time, many rows at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float

from pain3d.data.clips import SWAY_DEGREES
from pain3d.data.manifest import Manifest
from pain3d.data.schema import frame_id
from pain3d.demographics import AGE_BANDS, age_range, cell_of, split_of, subject_id
from pain3d.facs import AU_NAMES, MAX_INTENSITY, pspi_of_vectors

MAX_PITCH_DEGREES = 12.0
YAW_RANGES_DEGREES = ((-5.0, 5.0), (20.0, 45.0), (-45.0, -20.0))
"""By view id; further views are free."""

ANGLE_TOLERANCE_DEGREES = 0.05
"""float32 rotation matrices hold angles to about 1e-4 degrees; a wrong sign or order shows as degrees."""

_F_CAMERA_HEAD = np.diag([1.0, -1.0, -1.0])
"""From the head's axes (x left, y up, z out) to those of a camera that faces it (x right, y down, z forward)."""

Broken = tuple[int, str, str]
"""Row, rule, message."""

Columns = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelBlock:
    """The labels of some rows as arrays."""

    columns: Columns
    ids: list[str]
    aus: Float[np.ndarray, "row 16"]
    subjects: list[int]
    """Numbers of the subjects; -1 where the id is none."""


def label_block(table: pa.Table) -> LabelBlock:
    """Arrays of a table without nulls."""
    columns = {name: _array(table.column(name).combine_chunks()) for name in table.column_names}
    aus = np.stack([columns[name] for name in AU_NAMES], axis=1).astype(np.float64)
    subjects = [_subject_number(text) for text in columns["subject_id"]]
    return LabelBlock(columns=columns, ids=list(columns["frame_id"]), aus=aus, subjects=subjects)


def check_labels(manifest: Manifest, split: str, block: LabelBlock) -> Iterator[Broken]:
    """Every broken rule of every row."""
    yield from _check_identity(manifest, split, block)
    yield from _check_demographics(block)
    yield from _check_action_units(manifest, block)
    yield from _check_view(manifest, block)
    yield from _check_camera(manifest, block)
    columns = block.columns
    yield from each(columns["seed"] < 0, "seed", lambda i: f"{columns['seed'][i]} is negative")
    wrong = columns["heatmap_max_mm"] != np.float32(manifest.heatmap_max_mm)
    yield from each(
        wrong, "heatmap_max_mm", lambda i: f"{columns['heatmap_max_mm'][i]:g}, not {manifest.heatmap_max_mm:g}"
    )


def _check_identity(manifest: Manifest, split: str, block: LabelBlock) -> Iterator[Broken]:
    columns, design = block.columns, manifest.made
    last_expression = design.expression_ids - 1
    chosen = set(design.only)
    for i, number in enumerate(block.subjects):
        expression, view = int(columns["expression_id"][i]), int(columns["view_id"][i])
        if number < 0:
            yield i, "subject_id", f"{columns['subject_id'][i]!r} is none; ids read like s00042"
            continue
        if number >= design.subjects or (chosen and columns["subject_id"][i] not in chosen):
            yield i, "subject_id", f"{columns['subject_id'][i]} was not asked for"
        index, first = (None, None) if design.clips is None else (int(columns["frame_index"][i]), 0)
        own, neutral = frame_id(number, expression, view, index), frame_id(number, 0, view, first)
        if block.ids[i] != own:
            yield i, "frame_id", f"subject, expression and view make it {own}"
        if columns["neutral_frame_id"][i] != neutral:
            yield i, "neutral", f"{columns['neutral_frame_id'][i]}, not {neutral}"
        if not 0 <= expression <= last_expression:
            yield i, "expression_id", f"{expression} is outside 0..{last_expression}"
        if not 0 <= view < design.views:
            yield i, "view_id", f"{view} is outside 0..{design.views - 1}"
        stored = columns["split"][i]
        if stored != split:
            yield i, "split", f"{stored!r} in a shard of {split}"
        if stored != split_of(number):
            yield i, "split", f"{stored!r}, but subject {number} belongs to {split_of(number)}"


def _check_demographics(block: LabelBlock) -> Iterator[Broken]:
    columns = block.columns
    for i, number in enumerate(block.subjects):
        band, age = columns["age_band"][i], int(columns["age_years"][i])
        if band not in AGE_BANDS or not age_range(band)[0] <= age <= age_range(band)[1]:
            yield i, "age", f"{age} years do not lie in the band {band!r}"
        if number < 0:
            continue
        cell = cell_of(number)
        stored = (band, columns["sex"][i], columns["ethnicity"][i])
        if stored != (cell.age_band, cell.sex, cell.ethnicity):
            yield i, "cell", f"{' '.join(stored)}, but it belongs to {cell.age_band} {cell.sex} {cell.ethnicity}"
    tone, ita = columns["skin_tone_mst"], columns["ita_degrees"]
    yield from each((tone < 1) | (tone > 10), "skin_tone_mst", lambda i: f"{tone[i]} is outside 1..10")
    yield from each(~(np.abs(ita) <= 90), "ita_degrees", lambda i: f"{ita[i]:g} is outside -90..90")


def _check_action_units(manifest: Manifest, block: LabelBlock) -> Iterator[Broken]:
    outside = ~((block.aus >= 0) & (block.aus <= MAX_INTENSITY))
    closed = AU_NAMES.index("AU43")
    outside[:, closed] = ~np.isin(block.aus[:, closed], (0, 1))
    for i, unit in np.argwhere(outside):
        name = AU_NAMES[unit]
        yield int(i), "au_range", f"{name} is {block.aus[i, unit]:g}, not {'0 or 1' if unit == closed else 'in 0..5'}"
    expected, stored = pspi_of_vectors(block.aus), block.columns["PSPI"]
    yield from each(
        ~(np.abs(stored - expected) <= 1e-4), "pspi", lambda i: f"{stored[i]:g} stored, {expected[i]:g} by its AUs"
    )
    # of a clip, which begins and ends at rest, the apex tells what kind of face it shows
    yield from _check_kinds(manifest, block, expected if manifest.clips is None else block.columns["apex_PSPI"])


def _check_kinds(manifest: Manifest, block: LabelBlock, scores: Float[np.ndarray, " row"]) -> Iterator[Broken]:
    """Neutral first, then pain, distractors, confounds: each with the PSPI that its kind has."""
    number, design = block.columns["expression_id"], manifest.made
    last_pain, last_distractor = design.expressions, design.expressions + design.distractors
    moves = (number == 0) & block.aus.any(axis=1)
    yield from each(moves, "expression", lambda i: "expression 0 is neutral, but an AU acts")
    painless = (number >= 1) & (number <= last_pain) & ~(scores > 0)
    yield from each(painless, "expression", lambda i: f"expression {number[i]} is pain, but PSPI is 0")
    painful = (number > last_pain) & (number <= last_distractor) & ~(scores == 0)
    yield from each(painful, "expression", lambda i: f"{number[i]} is a distractor, but PSPI is {scores[i]:g}")
    unlike = (number > last_distractor) & ~(scores > 0)
    yield from each(unlike, "expression", lambda i: f"{number[i]} is a confound, but PSPI is 0")


def _check_view(manifest: Manifest, block: LabelBlock) -> Iterator[Broken]:
    columns = block.columns
    yaw, pitch, view = columns["yaw"], columns["pitch"], columns["view_id"]
    sway = dict.fromkeys(SWAY_DEGREES, 0.0) if manifest.clips is None else SWAY_DEGREES
    slack = sway["yaw"] + ANGLE_TOLERANCE_DEGREES
    for number, (low, high) in enumerate(YAW_RANGES_DEGREES):
        inside = (yaw >= low - slack) & (yaw <= high + slack)
        wrong = (view == number) & ~inside
        yield from each(
            wrong, "view", lambda i, low=low, high=high: f"view {view[i]} has yaw {yaw[i]:g}, outside {low:g}..{high:g}"
        )
    steep = ~(np.abs(pitch) <= MAX_PITCH_DEGREES + sway["pitch"] + ANGLE_TOLERANCE_DEGREES)
    yield from each(steep, "view", lambda i: f"pitch {pitch[i]:g} is outside -12..12")
    for name in ("light", "background"):
        yield from each(columns[name] == "", name, lambda i, name=name: f"no name of a {name}")


def _check_camera(manifest: Manifest, block: LabelBlock) -> Iterator[Broken]:
    columns = block.columns
    camera = columns["camera"].astype(np.float64)
    rotation = camera[:, 4:].reshape(-1, 3, 4)[:, :, :3]
    finite = np.isfinite(camera).all(axis=1)
    gram = np.einsum("nij,nkj->nik", rotation, rotation)
    proper = finite & (np.abs(gram - np.eye(3)).max(axis=(1, 2)) < 1e-4) & (np.linalg.det(np.nan_to_num(rotation)) > 0)
    proper &= (camera[:, :2] > 0).all(axis=1)
    yield from each(~proper, "camera", lambda i: "focal lengths must be positive, the 3x3 part a rotation, all finite")
    angles = _head_angles(rotation)
    for name, measured in angles.items():
        off = np.abs((measured - columns[name] + 180) % 360 - 180)
        yield from each(
            proper & ~(off <= ANGLE_TOLERANCE_DEGREES),
            "camera",
            lambda i, name=name, measured=measured: f"{name} {columns[name][i]:g}, but the camera's is {measured[i]:g}",
        )
    points, size = columns["landmarks"].reshape(-1, 68, 2), manifest.made.resolution
    yield from each(~np.isfinite(points).all(axis=(1, 2)), "landmarks", lambda i: "NaN or infinite")
    center = np.median(points, axis=1)
    far = ((points < -size) | (points > 2 * size)).any(axis=(1, 2)) | ~((center >= 0) & (center <= size)).all(axis=1)
    far &= np.isfinite(points).all(axis=(1, 2))
    yield from each(
        far, "landmarks", lambda i: f"far outside the picture, median {center[i, 0]:.0f}, {center[i, 1]:.0f}"
    )


def _head_angles(R_camera_world: Float[np.ndarray, "row 3 3"]) -> dict[str, Float[np.ndarray, " row"]]:
    """Yaw, pitch and roll in degrees of R = Rz(roll) Rx(-pitch) Ry(yaw): positive pitch turns the face up."""
    R = np.einsum("ij,njk->nik", _F_CAMERA_HEAD, R_camera_world)
    return {
        "yaw": np.degrees(np.arctan2(-R[:, 2, 0], R[:, 2, 2])),
        "pitch": np.degrees(-np.arcsin(np.clip(R[:, 2, 1], -1, 1))),
        "roll": np.degrees(np.arctan2(-R[:, 0, 1], R[:, 1, 1])),
    }


def each(broken: Bool[np.ndarray, " row"], rule: str, message: Callable[[int], str]) -> Iterator[Broken]:
    """Each row that breaks a rule."""
    for i in np.flatnonzero(broken):
        yield int(i), rule, message(int(i))


def _subject_number(text: str) -> int:
    number = int(text[1:]) if text[:1] == "s" and text[1:].isdecimal() else -1
    return number if number >= 0 and subject_id(number) == text else -1


def _array(values: pa.Array) -> np.ndarray:
    if pa.types.is_fixed_size_list(values.type):
        return values.flatten().to_numpy(zero_copy_only=False).reshape(len(values), values.type.list_size)
    return values.to_numpy(zero_copy_only=False)
