"""What a reader of a run should know of its data beforehand, and would not see in its losses."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pain3d.facs import PAIN_AUS
from pain3d.train.config import TrainConfig
from pain3d.train.run_data import RunData
from pain3d.train.subjects import of_test_split

_PLACED = {
    "boxes": "faces are cut by a detector's box where there are no landmarks",
    "centre": "frames have neither landmarks nor boxes: each picture's central square is taken as the face",
}


def notes(config: TrainConfig, data: RunData) -> Iterator[str]:
    """Lines for people."""
    for frames in data.sources:
        if frames.labels.placing in _PLACED:
            yield f"{frames.path}: {_PLACED[frames.labels.placing]}"
    if config.val_subjects is not None:
        spoilt = of_test_split(data.own.path, (*(config.frames.subjects or ()), *config.val_subjects))
        if spoilt:
            yield f"{', '.join(spoilt)}: of the test split of {data.own.path}, which is no test of this model any more"
    if config.model.landmarks and not data.any_landmarks:
        yield "no training frame has landmarks: the head that reads them stays as it is"
    for place, name in enumerate(PAIN_AUS):
        if all(np.isnan(frames.labels.aus[frames.chosen, place]).all() for frames in data.sources):
            yield f"{name} is coded in no training frame: nothing is learnt about it"
    judged = data.judged
    if config.choose_by == "ccc" and not judged.labels.pspi[judged.chosen].any():
        yield "no validation frame has PSPI above 0, so that concordance cannot choose: the first look is kept"
