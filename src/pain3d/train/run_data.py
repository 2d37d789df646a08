"""The frames of a run: those it is trained on, of one dataset or two, and those that choose its best model."""

from __future__ import annotations

from dataclasses import dataclass

from pain3d.errors import ArgumentError
from pain3d.places import Place
from pain3d.train.config import TrainConfig
from pain3d.train.frames import FrameDataset
from pain3d.train.mixture import Mixture
from pain3d.train.validate import validation_frames


@dataclass(frozen=True, kw_only=True, eq=False)
class RunData:
    """Labels of all frames, held against the configuration; pictures are read as they are needed."""

    own: FrameDataset
    """Training frames of the run's dataset."""
    other: FrameDataset | None
    """Those that are mixed in."""
    trained: FrameDataset | Mixture
    """What the batches are made of."""
    judged: FrameDataset
    """Validation frames."""

    @classmethod
    def read(cls, dataset: Place, config: TrainConfig) -> RunData:
        """Read the labels.

        Raises:
            ArgumentError: if a dataset lacks what the configuration asks for, or has fewer frames than a batch.
            DataError: if one is damaged or mislabelled.
        """
        own = FrameDataset(dataset, config.split, config.frames, config.seed)
        _refuse_too_few(len(own.chosen), config.batch_size)
        judged = validation_frames(dataset, config.frames, config.val_subjects)
        mix = config.mix
        if mix is None:
            return cls(own=own, other=None, trained=own, judged=judged)
        split = "train" if mix.subjects is None else "all"
        other = FrameDataset(mix.dataset, split, mix.frames(config.frames), config.seed)
        return cls(own=own, other=other, trained=Mixture(own, other, mix.share), judged=judged)

    @property
    def sources(self) -> list[FrameDataset]:
        """The training frames, dataset by dataset."""
        return [self.own] if self.other is None else [self.own, self.other]

    @property
    def any_landmarks(self) -> bool:
        """Whether any training frame has landmarks."""
        return any(frames.labels.any_landmarks for frames in self.sources)


def _refuse_too_few(frames: int, batch_size: int) -> None:
    if frames < batch_size:
        raise ArgumentError(
            f"batch_size: {batch_size} is more than the {frames} training frames; lower it (and raise accumulate), "
            f"or give more frames"
        )
