"""Two datasets in one run: a stated share of every batch comes from the other one, by exact counts.

Of the first m micro-batches of B frames together, floor(m B ratio) frames are of the other dataset, whatever m is: the
counts of single batches differ by one at most, and the share of the run is the stated one to within a frame. Each
dataset is gone through in its own order, epoch after epoch, from a place that is a function of m alone; so a run that
was stopped goes on to the bit, and any number of workers sees the same batches.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pain3d.errors import ArgumentError
from pain3d.train.frames import Batch, FrameDataset
from pain3d.train.frames_config import FramesConfig, NeutralView


@dataclass(frozen=True, kw_only=True)
class MixConfig:
    """The other dataset of a run."""

    dataset: str
    """Its folder; its training split is read."""
    ratio: float
    """Share of its frames, above 0 and below 1; the rest is of the run's own dataset."""
    neutral: NeutralView | None = None
    """Where its neutral references come from, for a model that compares; a dataset of ours has ``other_view``."""
    subjects: tuple[str, ...] | None = None
    """These of its subjects alone, of any split; None: those of its training split."""

    def __post_init__(self) -> None:
        if isinstance(self.ratio, bool) or not isinstance(self.ratio, (int, float)) or not 0 < self.ratio < 1:
            raise ArgumentError(
                f"mix.ratio: {self.ratio!r} is no share; give the part of the frames that comes from the other "
                f"dataset, above 0 and below 1, for example 0.5"
            )

    @property
    def share(self) -> Fraction:
        """The ratio as it was written: 0.3 is 3/10, not the binary number next to it."""
        return Fraction(str(self.ratio))

    def frames(self, own: FramesConfig) -> FramesConfig:
        """How the other dataset is read: as the run's own, but for subjects, references and weights."""
        return dataclasses.replace(
            own, subjects=self.subjects, neutral=self.neutral, neutral_frames=None, pain_weight=1.0, max_frames=None
        )


class Mixture:
    """Micro-batches of two datasets; what the loader asks of one dataset."""

    def __init__(self, own: FrameDataset, other: FrameDataset, share: Fraction) -> None:
        """`share`: of the frames that come from `other`."""
        self.own, self.other, self.share = own, other, share

    def micro_batch(self, number: int, batch_size: int) -> Batch:
        """Micro-batch `number` of the endless sequence: first the frames of the run's own dataset, then the others."""
        before, after = (others_before(m, batch_size, self.share) for m in (number, number + 1))
        parts = [
            *_stretch(self.own, number * batch_size - before, (number + 1) * batch_size - after),
            *_stretch(self.other, before, after),
        ]
        return joined(parts)


def others_before(number: int, batch_size: int, share: Fraction) -> int:
    """How many frames of the other dataset the micro-batches before `number` hold together."""
    return number * batch_size * share.numerator // share.denominator


def joined(parts: Sequence[Batch]) -> Batch:
    """Batches of one kind as one.

    Raises:
        ArgumentError: if one has what another lacks.
    """
    if len(parts) == 1:
        return parts[0]
    return Batch(**{field.name: _joined(field.name, parts) for field in dataclasses.fields(Batch)})


def _joined(name: str, parts: Sequence[Batch]) -> Any:
    values = [getattr(part, name) for part in parts]
    present = [value for value in values if value is not None]
    if not present:
        return None
    if len(present) < len(values):
        raise ArgumentError(
            f"mix: some frames have {name} and others have none; both datasets must bring what the model reads"
        )
    if isinstance(present[0], Tensor):
        return torch.cat(present)
    return [one for value in present for one in value]


def _stretch(dataset: FrameDataset, start: int, stop: int) -> list[Batch]:
    """The frames at places start..stop-1 of the endless sequence of a dataset's epochs, a batch for each epoch."""
    each = len(dataset.chosen)
    parts: list[Batch] = []
    while start < stop:
        epoch, place = divmod(start, each)
        end = min(each, place + stop - start)
        indices = np.asarray(dataset.order(epoch)[place:end])
        parts.append(dataset.batch(indices, epoch))
        start += end - place
    return parts
