"""How the frames of a dataset are read, as frozen data."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Literal, get_args

from pain3d.errors import ArgumentError
from pain3d.model.crop import CropPolicy
from pain3d.train.augment import AugmentConfig

NeutralView = Literal["other_view", "same_view", "reference"]


@dataclass(frozen=True, kw_only=True)
class FramesConfig:
    """How frames are read."""

    size: int
    """Side of the crops, pixels."""
    crop: CropPolicy = field(default_factory=CropPolicy)
    neutral: NeutralView | None = None
    """Where the neutral reference comes from: a seeded neutral frame of the subject from another view, with its own
    light and background. ``same_view`` is an oracle, to be named so: it turns the task into change detection.
    ``reference``: the frame that neutral_frame_id names, whatever its label; frames that are their own reference are
    neither trained on nor scored."""
    neutral_frames: tuple[str, ...] | None = None
    """Frames that serve as references in place of neutral_frame_id, at least `neutral_shots` of each subject; they are
    left out. For ``reference`` alone."""
    neutral_shots: int = 1
    """Neutral references a frame; of other views, each from a view of its own."""
    heatmap: bool = False
    au_heatmaps: bool = False
    patch: int = 16
    """Side of a patch in pixels: AU maps are averaged over patches."""
    modality: Literal["grey", "colour"] = "grey"
    """Heatmaps in one channel, or in three through a fixed map from black over red and yellow to white."""
    augment: AugmentConfig | None = None
    balance: bool = False
    """Every PSPI level present is seen equally often: rare ones come more than once an epoch, frequent ones rest."""
    pain_weight: float = 1.0
    """Frames with PSPI >= 1 are seen so many times as often as the others (on UNBC-McMaster officially 2)."""
    window: int = 16
    """Row groups whose frames are shuffled among each other, and held in memory (encoded). A row group is a subject of
    ours, and at most a hundred frames of a subject that was imported."""
    max_frames: int | None = None
    """At most so many frames, of whole subjects; a larger number contains the frames of every smaller one."""
    subjects: tuple[str, ...] | None = None
    """These subject_ids alone; None: all."""

    def __post_init__(self) -> None:
        for name in ("size", "neutral_shots", "patch", "window"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"frames.{name}: {getattr(self, name)} is below 1; give a whole number from 1 on")
        if self.size % self.patch and self.au_heatmaps:
            raise ArgumentError(f"frames.size: {self.size} is no multiple of the patch, {self.patch}; give one")
        if self.max_frames is not None and self.max_frames < 1:
            raise ArgumentError(f"frames.max_frames: {self.max_frames} is below 1; give a number, or None for all")
        _check_neutral(self)
        _check_names("subjects", self.subjects)
        if not 0 < self.pain_weight < math.inf:
            raise ArgumentError(
                f"frames.pain_weight: {self.pain_weight} is no weight; give a number above 0, 1 for none"
            )
        if self.balance and self.pain_weight != 1:
            raise ArgumentError(
                f"frames.pain_weight: {self.pain_weight:g}, but balance decides already how often a level is seen; "
                f"give one of the two"
            )
        if self.modality not in ("grey", "colour"):
            raise ArgumentError(f"frames.modality: {self.modality!r} is unknown; choose grey or colour")


def _check_neutral(config: FramesConfig) -> None:
    if config.neutral not in (None, *get_args(NeutralView)):
        choices = ", ".join(get_args(NeutralView))
        raise ArgumentError(f"frames.neutral: {config.neutral!r} is unknown; choose {choices} or None")
    if config.neutral == "same_view" and config.neutral_shots > 1:
        raise ArgumentError(
            f"frames.neutral_shots: {config.neutral_shots}, but a view has one neutral frame; choose other_view"
        )
    _check_names("neutral_frames", config.neutral_frames)
    if config.neutral_frames is not None and config.neutral != "reference":
        raise ArgumentError(
            f"frames.neutral_frames: given, but neutral is {config.neutral!r}; only 'reference' looks at them"
        )
    if config.neutral == "reference" and config.neutral_shots > 1 and config.neutral_frames is None:
        raise ArgumentError(
            f"frames.neutral_shots: {config.neutral_shots}, but a frame names one reference; give neutral_frames, or 1"
        )


def _check_names(field_name: str, names: tuple[str, ...] | None) -> None:
    if names is None:
        return
    if not names:
        raise ArgumentError(f"frames.{field_name}: none named; name at least one, or give None")
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ArgumentError(f"frames.{field_name}: {', '.join(twice)} named twice; name each once")
