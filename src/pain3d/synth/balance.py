"""How evenly a dataset is spread over people and pain, counted from a plan or from the labels of a dataset."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pain3d.data.findings import counted
from pain3d.demographics import AGE_BANDS, CELLS, ETHNICITIES, SEXES, SPLITS
from pain3d.expressions import LEVELS
from pain3d.synth.plan import PlanConfig, plan_frames, plan_shards

CONTEXT = "PSPI is observer-coded facial expression, not felt pain. Groups are appearances of a parametric model."
"""Said wherever groups and scores are shown."""

BYTES_PER_PIXEL = 0.30
"""Of a frame with the default pictures: JPEG 4:4:4 at quality 95, heatmap, segmentation; measured at 512 x 512."""


@dataclass(frozen=True, kw_only=True)
class Balance:
    """Subjects by group and split; faces (subject x expression, views not counted) by PSPI, of clips at the apex."""

    title: str
    subjects: int
    frames: int
    shards: int
    bytes: int
    """Measured for a dataset, estimated for a plan."""
    by_split: Mapping[str, int]
    by_age_band: Mapping[str, int]
    by_sex: Mapping[str, int]
    by_ethnicity: Mapping[str, int]
    """Subjects of each appearance group."""
    by_cell: tuple[int, ...]
    """Subjects in each of the cells of age x sex x appearance group that holds any."""
    by_pspi: Mapping[int, int]
    """Faces with each PSPI, 0 (neutral and distractors) to 16."""

    @property
    def margins(self) -> tuple[tuple[str, Mapping[str, int]], ...]:
        """Name and counts of each way to divide the subjects."""
        return (
            ("split", self.by_split),
            ("age band", self.by_age_band),
            ("sex", self.by_sex),
            ("appearance group", self.by_ethnicity),
        )

    def text(self) -> str:
        """A table for people."""
        lines = [self.title]
        for name, counts in self.margins:
            lines.append(f"  {name:<17}" + "   ".join(f"{group} {count:,}" for group, count in counts.items()))
        lines.append(
            f"  {'cells':<17}{len(self.by_cell)} of {CELLS} filled, "
            f"{min(self.by_cell)} to {max(self.by_cell)} subjects in each"
        )
        lines.append(f"  {'faces by PSPI':<17}" + "  ".join(f"{score}:{n:,}" for score, n in self.by_pspi.items()))
        lines.append(f"  {CONTEXT}")
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        return {
            "subjects": self.subjects,
            "frames": self.frames,
            "shards": self.shards,
            "bytes": self.bytes,
            "by_split": dict(self.by_split),
            "by_age_band": dict(self.by_age_band),
            "by_sex": dict(self.by_sex),
            "by_ethnicity": dict(self.by_ethnicity),
            "cells": {"filled": len(self.by_cell), "of": CELLS, "least": min(self.by_cell), "most": max(self.by_cell)},
            "by_pspi": {str(score): count for score, count in self.by_pspi.items()},
        }


def balance_of_plan(config: PlanConfig) -> Balance:
    """What a plan would hold."""
    rows: list[dict[str, Any]] = []
    for number in config.subject_numbers:
        for frame in plan_frames(number, config):
            if frame.view_id == 0:
                who = frame.subject
                rows.append(
                    {
                        "subject_id": who.subject_id,
                        "split": who.split,
                        "age_band": who.cell.age_band,
                        "sex": who.cell.sex,
                        "ethnicity": who.cell.ethnicity,
                        "expression_id": frame.expression_id,
                        "PSPI": frame.expression.pspi,
                    }
                )
    kinds = [
        f"{count} {name}"
        for name, count in (
            ("pain", config.expressions),
            ("distractor", config.distractors),
            ("confound", config.confounds),
        )
        if count
    ]
    size = round(config.frames * config.resolution**2 * BYTES_PER_PIXEL)
    shards = len(plan_shards(config))
    people, views = counted(len(config.subject_numbers), "subject"), counted(config.views, "view")
    clips = "" if config.clips is None else f" x {config.clips.frames} frames of a clip of {config.clips.seconds:g} s"
    title = (
        f"{people} x ({' + '.join(['1 neutral', *kinds])}) x {views}{clips} = "
        f"{counted(config.frames, 'frame')} of {config.resolution} x {config.resolution}, {counted(shards, 'shard')}, "
        f"about {size / 1e9:.2g} GB"
    )
    return balance_of_rows(rows, title=title, frames=config.frames, shards=shards, size=size)


def balance_of_rows(faces: Sequence[Mapping[str, Any]], *, title: str, frames: int, shards: int, size: int) -> Balance:
    """Count faces.

    Args:
        faces: one row for each subject and expression, with the columns subject_id, split, age_band, sex, ethnicity,
            expression_id and PSPI, of clips that of the apex.
        title: first line of the table.
        frames: rows of the dataset, views counted.
        shards: files of the dataset.
        size: bytes of the dataset.
    """
    people = list({face["subject_id"]: face for face in faces}.values())
    scores = Counter(round(face["PSPI"]) for face in faces)
    return Balance(
        title=title,
        subjects=len(people),
        frames=frames,
        shards=shards,
        bytes=size,
        by_split=_counted(SPLITS, (person["split"] for person in people)),
        by_age_band=_counted(AGE_BANDS, (person["age_band"] for person in people)),
        by_sex=_counted(SEXES, (person["sex"] for person in people)),
        by_ethnicity=_counted(ETHNICITIES, (person["ethnicity"] for person in people)),
        by_cell=tuple(Counter((p["age_band"], p["sex"], p["ethnicity"]) for p in people).values()),
        by_pspi={score: scores[score] for score in range(LEVELS + 1)},
    )


def _counted(groups: Iterable[str], members: Iterable[str]) -> dict[str, int]:
    counts = Counter(members)
    return {group: counts[group] for group in groups}
