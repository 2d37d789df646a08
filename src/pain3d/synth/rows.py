"""From a planned frame to a row of the dataset, and from a row back to the same row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import Any

import numpy as np

from pain3d.data.images import (
    PaletteEntry,
    encode_depth,
    encode_heatmap,
    encode_normals,
    encode_rgb,
    encode_segmentation,
)
from pain3d.data.schema import FrameRow, parse_frame_id
from pain3d.demographics import split_of
from pain3d.face.mesh import Region
from pain3d.facs import AU_NAMES, PAIN_AUS, Expression
from pain3d.render.backgrounds import UserBackgrounds, user_backgrounds
from pain3d.render.frame import Frame
from pain3d.synth.plan import FramePlan, PlanConfig, plan_frames
from pain3d.synth.studio import Sitting, Studio, studio
from pain3d.synth.subject import Subject
from pain3d.synth.views import View, sample_view

_COLORS: Mapping[Region, tuple[int, int, int]] = {
    Region.BACKGROUND: (0, 0, 0),
    Region.SKIN: (222, 170, 140),
    Region.LIPS: (200, 60, 80),
    Region.BROWS: (110, 70, 30),
    Region.EYES: (70, 150, 220),
    Region.TEETH: (250, 250, 235),
    Region.TONGUE: (240, 120, 150),
    Region.MOUTH: (120, 20, 40),
    Region.HAIR: (150, 100, 200),
    Region.GARMENT: (90, 170, 90),
}

PALETTE: tuple[PaletteEntry, ...] = tuple(
    PaletteEntry(index=int(region), name=region.name.lower(), color=_COLORS[region]) for region in Region
)
"""Classes of the segmentation, as the manifest names them."""


class RowMaker:
    """Makes rows for one configuration on one device."""

    def __init__(self, config: PlanConfig, device: str = "cpu") -> None:
        self._config = config
        self._studio: Studio = studio(device)
        self._backgrounds: UserBackgrounds | None = (
            user_backgrounds(config.backgrounds) if config.backgrounds is not None else None
        )

    def subject_rows(self, number: int) -> Iterator[FrameRow]:
        """All rows of a subject, in the order of the plan."""
        frames = list(plan_frames(number, self._config))
        who = frames[0].subject
        subject = Subject(
            seed=who.seed, age_years=who.age_years, sex=who.cell.sex, ethnicity=who.cell.ethnicity
        )
        sitting = self._studio.seat(subject)
        views: dict[int, View] = {}
        for _, shots in groupby(frames, key=lambda frame: frame.expression_id):
            posed = None
            for shot in shots:
                if posed is None:
                    posed = sitting.pose(shot.expression, self._config.annotations)
                if self._config.vary_per_frame or shot.view_id not in views:
                    views[shot.view_id] = self._view(subject, shot.expression_id, shot.view_id)
                yield self._row(sitting, posed, shot, views[shot.view_id])

    def remake(self, row: Mapping[str, Any]) -> FrameRow:
        """The row that a row's own columns describe: seed, demographics, Action Units, expression and view."""
        number, expression_id, view_id = parse_frame_id(row["frame_id"])
        subject = Subject(
            seed=int(row["seed"]), age_years=int(row["age_years"]), sex=row["sex"], ethnicity=row["ethnicity"]
        )
        expression = Expression.from_vector(np.array([row[name] for name in AU_NAMES]))
        sitting = self._studio.seat(subject)
        posed = sitting.pose(expression, self._config.annotations)
        view = self._view(subject, expression_id, view_id)
        return self._encoded(sitting, posed, number, expression_id, view_id, expression, view)
