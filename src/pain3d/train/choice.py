"""Which frames a run learns from, as one would say it: named subjects, a few drawn ones, another dataset mixed in."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

from pain3d.data.manifest import read_manifest
from pain3d.errors import ArgumentError
from pain3d.places import Place, location
from pain3d.train.config import TrainConfig
from pain3d.train.frames_config import NeutralView
from pain3d.train.mixture import MixConfig
from pain3d.train.subjects import few_shot


@dataclass(frozen=True, kw_only=True)
class DataChoice:
    """What is asked for; without anything, the training split is trained on and the validation split chooses."""

    subjects: tuple[str, ...] | None = None
    """Subjects to train on."""
    val_subjects: tuple[str, ...] | None = None
    """Subjects to choose the best model on."""
    few_shot: int | None = None
    """Train on so many, drawn by the run's seed."""
    held_out: tuple[str, ...] = ()
    """Subjects that are not drawn, beside those of validation."""
    mix: Path | None = None
    """Another dataset."""
    mix_ratio: float | None = None
    """Its share of the frames."""
    mix_subjects: tuple[str, ...] | None = None
    """Subjects of it; None: those of its training split."""

    def __post_init__(self) -> None:
        if self.subjects is not None and self.few_shot is not None:
            raise ArgumentError(
                f"few_shot: {self.few_shot} subjects are to be drawn, but subjects are named; give one of the two"
            )
        if self.held_out and self.few_shot is None:
            raise ArgumentError("held_out: given, but no subjects are drawn; it goes with few_shot alone")
        if (self.mix is None) != (self.mix_ratio is None):
            raise ArgumentError(
                f"mix: {self.mix}, mix_ratio: {self.mix_ratio}; a mixture needs both, the other dataset and its share, "
                f"for example 0.5"
            )
        if self.mix_subjects is not None and self.mix is None:
            raise ArgumentError("mix_subjects: named, but no dataset is mixed in; they go with mix alone")


def with_data(config: TrainConfig, dataset: Place | str, choice: DataChoice) -> TrainConfig:
    """The configuration of a recipe with these data, and with the neutral references that the dataset has.

    Few subjects become named ones, so that the record of a run says whom it learnt from.

    Args:
        config: of a recipe, which names no data itself.
        dataset: that the run trains on.
        choice: what is asked for.

    Raises:
        ArgumentError: if subjects are too few, or the parts contradict each other.
        DataError: if a dataset cannot be read.
    """
    subjects, val_subjects = choice.subjects, choice.val_subjects
    if choice.few_shot is not None:
        held_out = {*choice.held_out, *(val_subjects or ())}
        split = "train" if val_subjects is None else "all"
        subjects = few_shot(dataset, choice.few_shot, seed=config.seed, split=split, held_out=held_out)
    compares = config.frames.neutral is not None
    neutral = neutral_of_dataset(dataset) if compares else None
    frames = dataclasses.replace(config.frames, subjects=subjects, neutral=neutral)
    mix = None
    if choice.mix is not None and choice.mix_ratio is not None:
        other = neutral_of_dataset(choice.mix) if compares else None
        mix = MixConfig(dataset=str(choice.mix), ratio=choice.mix_ratio, neutral=other, subjects=choice.mix_subjects)
    return dataclasses.replace(config, frames=frames, val_subjects=val_subjects, mix=mix)


def neutral_of_dataset(dataset: Place | str) -> NeutralView:
    """Where neutral references come from: another view in a dataset of ours, the named frame in an imported one."""
    return "other_view" if read_manifest(location(dataset)).source is None else "reference"
