"""The part of the audit that looks at an imported dataset: what holds for any labelled pictures of faces."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa

from pain3d.data.audit_pictures import Problem
from pain3d.data.findings import AuditReport, Finding
from pain3d.data.images import check_decodes
from pain3d.data.manifest import ShardRecord
from pain3d.errors import DataError
from pain3d.facs import AU_NAMES, MAX_INTENSITY, MAX_PSPI, PAIN_AUS, pspi

NEVER_NULL = ("frame_id", "subject_id", "split", "image", "PSPI")
"""Columns that every imported frame fills."""

Row = Mapping[str, Any]


class ImportedDataset:
    """Rows of a dataset that was imported: much may be null, and what is there must agree."""

    def __init__(self, pool: ThreadPoolExecutor) -> None:
        self._pool = pool
        self._subject_of: dict[str, str] = {}
        self._files: dict[str, str] = {}
        self._splits: dict[str, str] = {}
        self._references: list[tuple[str, str]] = []

    @property
    def subjects(self) -> int:
        """Subjects seen."""
        return len(self._splits)

    def check(self, table: pa.Table, shard: ShardRecord, report: AuditReport) -> None:
        """Look at the rows of one row group."""
        rows = table.to_pylist()
        for row, problems in zip(
            rows, self._pool.map(lambda row: list(_problems(row, shard.split)), rows), strict=True
        ):
            name = str(row["frame_id"])
            for rule, message in problems:
                report.found(rule, name, message, shard.file)
            if row["frame_id"] is None or row["subject_id"] is None:
                continue
            if name in self._files:
                report.found("duplicate", name, f"also in {self._files[name]}", shard.file)
                continue
            self._files[name], self._subject_of[name] = shard.file, row["subject_id"]
            first = self._splits.setdefault(row["subject_id"], shard.split)
            if first != shard.split:
                report.found("split", name, f"{shard.split}, but its subject is also in {first}", shard.file)
            if row["neutral_frame_id"] is not None:
                self._references.append((name, row["neutral_frame_id"]))

    def findings(self) -> Iterator[Finding]:
        """References that are missing, or show somebody else."""
        for name, reference in self._references:
            if reference not in self._subject_of:
                message = f"its reference {reference} is not in the dataset"
            elif self._subject_of[reference] != self._subject_of[name]:
                message = f"its reference {reference} shows {self._subject_of[reference]}"
            else:
                continue
            yield Finding(rule="neutral", where=name, message=message, file=self._files[name])


def _problems(row: Row, split: str) -> Iterator[Problem]:
    for column in NEVER_NULL:
        if row[column] is None:
            yield "null", f"column {column} has no value"
    if row["split"] is not None and row["split"] != split:
        yield "split", f"{row['split']!r} in a shard of {split}"
    if row["image"] is not None:
        try:
            check_decodes(row["image"]["bytes"] or b"")
        except DataError as error:
            yield "image", str(error)
    yield from _label_problems(row)
    yield from _place_problems(row)


def _label_problems(row: Row) -> Iterator[Problem]:
    for name in AU_NAMES:
        value = row[name]
        if value is None:
            continue
        if not (value in (0, 1) if name == "AU43" else 0 <= value <= MAX_INTENSITY):
            yield "au_range", f"{name} is {value:g}, not {'0 or 1' if name == 'AU43' else 'in 0..5'}"
    score = row["PSPI"]
    if score is None:
        return
    if not 0 <= score <= MAX_PSPI:
        yield "pspi", f"{score:g} is outside 0..16"
    if all(row[name] is not None for name in PAIN_AUS):
        expected = pspi(**{name: row[name] for name in PAIN_AUS})
        if not abs(score - expected) <= 1e-4:
            yield "pspi", f"{score:g} stored, {expected:g} by its AUs"


def _place_problems(row: Row) -> Iterator[Problem]:
    landmarks, box = row["landmarks"], row["face_box"]
    if landmarks is not None and not all(value is not None and math.isfinite(value) for value in landmarks):
        yield "landmarks", "NaN or infinite"
    if box is None:
        return
    if landmarks is not None:
        yield "face_box", "there are landmarks, and a box beside them"
    if not (all(value is not None and math.isfinite(value) for value in box) and box[2] > 0 and box[3] > 0):
        yield "face_box", f"{box} is no box; x y width height, the last two above 0"
