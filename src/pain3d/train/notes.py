"""What a reader of a run should know of its data beforehand, and would not see in its losses."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from pain3d.facs import PAIN_AUS
from pain3d.train.config import TrainConfig
from pain3d.train.frames import FrameDataset

_PLACED = {
    "boxes": "faces are cut by a detector's box where there are no landmarks",
    "centre": "frames have neither landmarks nor boxes: each picture's central square is taken as the face",
}


def notes(config: TrainConfig, read: Sequence[FrameDataset]) -> Iterator[str]:
    """Lines for people.

    Args:
        config: of the run.
        read: its training frames, those that are mixed in where there are such, and last its validation frames.
    """
    *trained, judged = read
    for frames in read[:-1]:
        if frames.labels.placing in _PLACED:
            yield f"{frames.path}: {_PLACED[frames.labels.placing]}"
    if config.model.landmarks and not any(frames.labels.any_landmarks for frames in trained):
        yield "no training frame has landmarks: the head that reads them stays as it is"
    for place, name in enumerate(PAIN_AUS):
        if all(np.isnan(frames.labels.aus[frames.chosen, place]).all() for frames in trained):
            yield f"{name} is coded in no training frame: nothing is learnt about it"
    if config.choose_by == "ccc" and not judged.labels.pspi[judged.chosen].any():
        yield "no validation frame has PSPI above 0, so that concordance cannot choose: the first look is kept"
