"""Small datasets made by hand: the pictures are drawn with arrays, no renderer takes part."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pain3d.data.files import file_sha256
from pain3d.data.images import (
    PaletteEntry,
    encode_depth,
    encode_heatmap,
    encode_normals,
    encode_rgb,
    encode_segmentation,
    encode_wrinkles,
)
from pain3d.data.manifest import (
    Design,
    Manifest,
    ShardPlan,
    ShardRecord,
    environment,
    read_manifest,
    shard_file,
    write_manifest,
)
from pain3d.data.progress import begin, finish
from pain3d.data.schema import FrameRow
from pain3d.data.writer import write_shard
from pain3d.demographics import SPLITS, age_range, cell_of, split_of
from pain3d.facs import PAIN_AUS, Expression
from pain3d.streams import derive_seed, stream

SIZE = 32
PALETTE = tuple(
    PaletteEntry(index=i, name=name, color=color)
    for i, (name, color) in enumerate(
        {
            "background": (0, 0, 0),
            "skin": (224, 172, 140),
            "lips": (200, 60, 80),
            "brows": (90, 60, 30),
            "eyes": (80, 140, 220),
            "teeth": (255, 255, 255),
            "tongue": (220, 90, 110),
            "mouth": (110, 20, 30),
            "hair": (60, 40, 30),
            "garment": (60, 90, 120),
        }.items()
    )
)
SMILE = Expression(AU12=4, AU25=2)


def pain(level: int) -> Expression:
    """An expression with PSPI `level`."""
    brow, cheek, nose = min(level, 5), min(max(level - 5, 0), 5), min(max(level - 10, 0), 5)
    return Expression(AU4=brow, AU6=cheek, AU7=cheek // 2, AU9=nose, AU43=max(level - 15, 0), AU25=level % 3)


def expression_of(what: Manifest, subject: int, expression_id: int) -> Expression:
    """Neutral, then pain with levels that go round 1..16, then smiles."""
    if expression_id == 0:
        return Expression()
    if expression_id <= what.design.expressions:
        return pain(1 + (subject * what.design.expressions + expression_id - 1) % 16)
    return SMILE


def camera_of(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """R = Rz(roll) Rx(pitch) Ry(yaw), seen from 0.6 m in front."""
    y, p, r = np.radians([yaw, pitch, roll])
    turn = np.array([[np.cos(y), 0, np.sin(y)], [0, 1, 0], [-np.sin(y), 0, np.cos(y)]])
    lift = np.array([[1, 0, 0], [0, np.cos(p), np.sin(p)], [0, -np.sin(p), np.cos(p)]])
    tip = np.array([[np.cos(r), -np.sin(r), 0], [np.sin(r), np.cos(r), 0], [0, 0, 1]])
    pose = np.column_stack([np.diag([1, -1, -1]) @ tip @ lift @ turn, [0, 0, 0.6]])
    return np.concatenate([[40, 40, SIZE / 2, SIZE / 2], pose.ravel()]).astype(np.float32)


def manifest(
    *, subjects: int = 10, expressions: int = 2, distractors: int = 1, views: int = 2, annotations=(), seed: int = 0
) -> Manifest:
    design = Design(subjects=subjects, expressions=expressions, distractors=distractors, views=views, resolution=SIZE)
    return Manifest(
        design=design,
        configuration={"image_format": "jpeg", "non_pain": 0.5},
        seed=seed,
        annotations=tuple(annotations),
        palette=PALETTE,
        environment=environment(device="cpu", warp_target="test"),
        pain3d_version="0.1.0",
    )


def shards_of(what: Manifest) -> list[tuple[ShardPlan, list[int]]]:
    """One shard for every two subjects of a split, with its subjects."""
    result = []
    for split in SPLITS:
        subjects = [i for i in range(what.design.subjects) if split_of(i) == split]
        pairs = [subjects[i : i + 2] for i in range(0, len(subjects), 2)]
        for index, pair in enumerate(pairs):
            rows = len(pair) * what.design.frames_per_subject
            result.append((ShardPlan(file=shard_file(split, index, len(pairs)), split=split, rows=rows), pair))
    return result


def row(what: Manifest, subject: int, expression_id: int, view: int) -> FrameRow:
    expression = expression_of(what, subject, expression_id)
    yaw, pitch, roll = (1.0, 30.0, -25.0)[view], 4.0, -3.0
    cell = cell_of(subject)
    rng = stream(what.seed, "test", subject)
    rgb = rng.integers(60, 200, (SIZE, SIZE, 3), dtype=np.uint8)
    rgb[:, :, 0] += np.uint8(8 * expression_id + view)
    classes = np.zeros((SIZE, SIZE), np.uint8)
    classes[6:28, 8:24] = 1
    classes[22:24, 12:20] = 2
    classes[12:14, 10:14] = 4
    heatmap = np.zeros((SIZE, SIZE), np.float32)
    heatmap[8:11, 10:22] = expression.pspi / 2
    annotations = {}
    if "depth" in what.annotations:
        annotations["depth"] = encode_depth(np.where(classes > 0, 0.5, 0).astype(np.float32))
    if "normals" in what.annotations:
        annotations["normals"] = encode_normals(np.dstack([0 * heatmap, 0 * heatmap, (classes > 0).astype(np.float32)]))
    if "au_heatmaps" in what.annotations:
        annotations["au_heatmaps"] = {
            name: encode_heatmap(np.where(heatmap > 0, np.float32(expression[name]), np.float32(0)))
            for name in PAIN_AUS
        }
    if "albedo" in what.annotations:
        annotations["albedo"] = encode_rgb(rgb, "png")
    if "wrinkles" in what.annotations:
        annotations["wrinkles"] = encode_wrinkles(heatmap / 8)
    points = np.stack([np.linspace(9, 23, 68), np.linspace(7, 27, 68)], axis=1)
    return FrameRow(
        subject=subject,
        expression_id=expression_id,
        view_id=view,
        split=split_of(subject),
        image=encode_rgb(rgb),
        heatmap=encode_heatmap(heatmap),
        segmentation=encode_segmentation(classes, what.palette),
        landmarks=points.astype(np.float32),
        expression=expression,
        age_years=age_range(cell.age_band)[0] + subject % 5,
        age_band=cell.age_band,
        sex=cell.sex,
        ethnicity=cell.ethnicity,
        skin_tone_mst=1 + subject % 10,
        ita_degrees=50.0 - subject,
        yaw=yaw,
        pitch=pitch,
        roll=roll,
        camera=camera_of(yaw, pitch, roll),
        light="studio",
        background="plain",
        seed=derive_seed(what.seed, "subject", subject),
        annotations=annotations,
    )


def rows(what: Manifest, subjects: Sequence[int]) -> list[FrameRow]:
    return [
        row(what, s, e, v)
        for s in subjects
        for e in range(what.design.expression_ids)
        for v in range(what.design.views)
    ]


def dataset(out: Path, what: Manifest | None = None) -> Manifest:
    """Make the whole dataset."""
    what = what or manifest()
    plan = shards_of(what)
    shards = [shard for shard, _ in plan]
    pending = begin(out, what, shards)
    for shard, subjects in plan:
        if shard in pending:
            write_shard(out, shard, rows(what, subjects), what.annotations)
    return finish(out, what, shards)


def rewrite(
    out: Path, file: str, edit: Callable[[list[dict[str, Any]]], object], schema: pa.Schema | None = None
) -> None:
    """Change rows of a shard behind the writer's back; its entry in the manifest is brought up to date.

    Args:
        out: the dataset.
        file: the shard.
        edit: changes the rows in place.
        schema: of the new file; the old one's by default.
    """
    path = out / file
    table = pq.read_table(path)
    records = table.to_pylist()
    edit(records)
    new = pa.Table.from_pylist(records, schema=schema or table.schema)
    pq.write_table(new, path, row_group_size=100)
    found = read_manifest(out)
    record = ShardRecord(
        file=file,
        split=next(shard.split for shard in found.shards if shard.file == file),
        rows=len(new),
        bytes=path.stat().st_size,
        sha256=file_sha256(path),
    )
    shards = tuple(record if shard.file == file else shard for shard in found.shards)
    write_manifest(out, dataclasses.replace(found, shards=shards))


def changed(frame: FrameRow, **values) -> FrameRow:
    return dataclasses.replace(frame, **values)
