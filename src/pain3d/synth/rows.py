"""From a planned frame to a row of the dataset, and from a row back to the same row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np

from pain3d.arguments import instance_of
from pain3d.data.clips import SWAY_DEGREES, ClipMoment
from pain3d.data.images import (
    PaletteEntry,
    encode_depth,
    encode_heatmap,
    encode_normals,
    encode_rgb,
    encode_segmentation,
    encode_wrinkles,
)
from pain3d.data.schema import Annotation, FrameRow, parse_frame_id
from pain3d.demographics import split_of
from pain3d.face.acting import Acting
from pain3d.face.mesh import Region
from pain3d.facs import AU_NAMES, PAIN_AUS, Expression
from pain3d.places import Place
from pain3d.render.backgrounds import UserBackgrounds, user_backgrounds
from pain3d.render.frame import Frame
from pain3d.skin.looks import Looks
from pain3d.synth.plan import PlanConfig, SubjectPlan, plan_expression, plan_subject
from pain3d.synth.studio import Posed, Sitting, Studio, studio
from pain3d.synth.subject import SkinMaker, Subject, skin_maker
from pain3d.synth.timeline import Timeline
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
    Region.GLASSES: (240, 200, 60),
    Region.CANNULA: (60, 210, 210),
}


def palette_of(looks: Looks) -> tuple[PaletteEntry, ...]:
    """Classes of the segmentation, as the manifest names them; glasses and cannula where some subject may wear them."""
    absent = [
        region for region, share in ((Region.GLASSES, looks.glasses), (Region.CANNULA, looks.cannula)) if share == 0.0
    ]
    return tuple(
        PaletteEntry(index=int(region), name=region.name.lower(), color=color)
        for region, color in _COLORS.items()
        if region not in absent
    )


class RowMaker:
    """Makes rows for one configuration on one device."""

    def __init__(self, config: PlanConfig, device: str = "cpu", *, skins: Place | None = None) -> None:
        """
        Args:
            config: of the dataset.
            device: Warp device.
            skins: folder, or place in a store, that keeps sampled skins.
        """
        self._config = config
        self._studio: Studio = studio(device)
        self._skin = skin_maker(config.skin, skins)
        self._palette = palette_of(config.looks)
        self._backgrounds: UserBackgrounds | None = (
            None if config.backgrounds is None else user_backgrounds(config.backgrounds)
        )

    def subject_rows(self, number: int, *, every: int = 1) -> Iterator[FrameRow]:
        """All rows of a subject: pictures view by view, `row_order` sorts them; clips one after the other, of each one
        frame in `every`."""
        who = plan_subject(number, self._config.seed)
        sitting = self._studio.seat(planned_subject(who, self._config.looks, self._skin))
        expressions = [plan_expression(who, i, self._config) for i in range(self._config.expression_ids)]
        if self._config.clips is not None:
            for expression_id, expression in enumerate(expressions):
                for view_id in range(self._config.views):
                    view = self._view(who.seed, expression_id, view_id)
                    yield from self._clip(sitting, Shot(number, expression_id, view_id, expression, view), every)
            return
        posed = [sitting.pose(expression, self._config.annotations) for expression in expressions]
        # View by view: pictures of one view share light and background on the device.
        for view_id in range(self._config.views):
            view = self._view(who.seed, 0, view_id)
            for expression_id, expression in enumerate(expressions):
                if self._config.vary_per_frame:
                    view = self._view(who.seed, expression_id, view_id)
                shot = Shot(number, expression_id, view_id, expression, view)
                yield self._row(sitting, posed[expression_id], shot)

    def _clip(self, sitting: Sitting, shot: Shot, every: int) -> Iterator[FrameRow]:
        """The rows of one clip; `shot` says what its apex shows. All views of an expression see one performance."""
        clips = self._config.clips
        assert clips is not None
        timeline = Timeline.draw(sitting.subject.seed, shot.expression, clips.seconds, take=shot.expression_id)
        for index in range(0, clips.frames, every):
            seen = timeline.at(index / clips.frames_per_second).stored()
            moment = ClipMoment(
                frame_index=index,
                time_s=seen.time_s,
                apex_pspi=shot.expression.pspi,
                eye_closure=seen.acting.closure,
                blink=seen.acting.blink,
            )
            turned = {name: getattr(shot.view, name) + getattr(seen, name) for name in SWAY_DEGREES}
            yield self._moment_row(sitting, shot, seen.acting, turned, moment)

    def _moment_row(
        self, sitting: Sitting, shot: Shot, acting: Acting, pose: Mapping[str, float], moment: ClipMoment
    ) -> FrameRow:
        """A frame of a clip. The pose is rounded as the row stores it, so that a row makes the same frame again."""
        stored = {name: float(np.float32(angle)) for name, angle in pose.items()}
        view = shot.view.turned(**stored).frame_of_clip(moment.frame_index)
        posed = sitting.pose(acting, self._config.annotations)
        return self._row(sitting, posed, shot._replace(expression=acting.expression, view=view, moment=moment))

    def remake(self, row: Mapping[str, Any]) -> FrameRow:
        """The row that a row's own columns describe: ids, seed, demographics and Action Units; of a clip, its moment
        and pose, too."""
        number, expression_id, view_id, index = parse_frame_id(row["frame_id"])
        sitting = self._studio.seat(
            Subject(
                seed=int(row["seed"]),
                age_years=int(row["age_years"]),
                sex=row["sex"],
                ethnicity=row["ethnicity"],
                looks=self._config.looks,
                skin=self._skin,
            )
        )
        expression = Expression.from_vector(np.array([row[name] for name in AU_NAMES]))
        view = self._view(sitting.subject.seed, expression_id, view_id)
        shot = Shot(number, expression_id, view_id, expression, view)
        if index is None:
            return self._row(sitting, sitting.pose(expression, self._config.annotations), shot)
        moment = ClipMoment(
            frame_index=index,
            time_s=row["time_s"],
            apex_pspi=row["apex_PSPI"],
            eye_closure=row["eye_closure"],
            blink=row["blink"],
        )
        acting = Acting.of(expression).closing(moment.eye_closure, moment.blink)
        return self._moment_row(sitting, shot, acting, {name: row[name] for name in SWAY_DEGREES}, moment)

    def _view(self, subject_seed: int, expression_id: int, view_id: int) -> View:
        return sample_view(
            subject_seed,
            view_id,
            resolution=self._config.resolution,
            expression_id=expression_id if self._config.vary_per_frame else None,
            backgrounds=self._backgrounds,
        )

    def _row(self, sitting: Sitting, posed: Posed, shot: Shot) -> FrameRow:
        frame = sitting.shoot(posed, shot.view.scene(self._config.resolution), self._config.annotations)
        subject = sitting.subject
        return FrameRow(
            subject=shot.subject,
            expression_id=shot.expression_id,
            view_id=shot.view_id,
            split=split_of(shot.subject),
            image=encode_rgb(frame.rgb, self._config.image_format),
            heatmap=encode_heatmap(frame.heatmap_mm),
            segmentation=encode_segmentation(frame.segmentation, self._palette),
            landmarks=frame.landmarks_px,
            expression=shot.expression,
            age_years=subject.age_years,
            age_band=subject.age_band,
            sex=subject.sex,
            ethnicity=subject.ethnicity,
            skin_tone_mst=subject.maps.skin_tone_mst,
            ita_degrees=subject.maps.ita_degrees,
            yaw=shot.view.yaw,
            pitch=shot.view.pitch,
            roll=shot.view.roll,
            camera=frame.camera.floats,
            light=shot.view.light.name,
            background=shot.view.background.name,
            seed=subject.seed,
            moment=shot.moment,
            annotations={name: _annotation(name, frame) for name in self._config.annotations},
        )


class Shot(NamedTuple):
    """Which row is to be made, and what it shows."""

    subject: int
    expression_id: int
    view_id: int
    expression: Expression
    view: View
    moment: ClipMoment | None = None


def planned_subject(who: SubjectPlan, looks: Looks, skin: SkinMaker) -> Subject:
    """The person that a plan asks for."""
    return Subject(
        seed=who.seed,
        age_years=who.age_years,
        sex=who.cell.sex,
        ethnicity=who.cell.ethnicity,
        looks=looks,
        skin=skin,
    )


def row_order(row: FrameRow) -> tuple[int, int, int]:
    """Sorts rows of pictures as a shard holds them: subject, expression, view."""
    return row.subject, row.expression_id, row.view_id


def _annotation(name: Annotation, frame: Frame) -> bytes | Mapping[str, bytes]:
    match name:
        case "depth":
            return encode_depth(frame.depth_m)
        case "normals":
            assert frame.normals is not None
            return encode_normals(frame.normals)
        case "albedo":
            assert frame.albedo is not None
            return encode_rgb(frame.albedo, "png")
        case "wrinkles":
            assert frame.wrinkles_mm is not None
            return encode_wrinkles(frame.wrinkles_mm)
        case "au_heatmaps":
            assert frame.au_heatmaps_mm is not None
            return {au: encode_heatmap(mm) for au, mm in zip(PAIN_AUS, frame.au_heatmaps_mm, strict=True)}


def reproduce(row: Mapping[str, Any], config: PlanConfig, *, device: str = "cpu") -> FrameRow:
    """Make a frame anew from its row alone.

    Args:
        row: columns frame_id, seed, age_years, sex, ethnicity and the sixteen Action Units, as a reader gives them;
            of a clip, also those about its moment, yaw, pitch and roll.
        config: as the dataset was made with; of it, resolution, pictures' format, annotations, backgrounds,
            looks and `vary_per_frame` matter here. Whether the row is one of a clip says the row.
        device: what to render on.

    Raises:
        TypeError: if `config` is no PlanConfig.
    """
    instance_of(PlanConfig, "config", config, "PlanConfig(subjects=50)")
    return RowMaker(config, device).remake(row)
