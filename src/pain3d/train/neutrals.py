"""Which frame at rest a frame is compared with, and which frames only serve others."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Int

from pain3d.errors import ArgumentError, DataError
from pain3d.places import Place
from pain3d.streams import stream
from pain3d.train.frames_config import FramesConfig
from pain3d.train.shards import Labels


class Neutrals:
    """The neutral references of the frames of a dataset, by number."""

    def __init__(self, path: Place, labels: Labels, views: int | None, config: FramesConfig, seed: int) -> None:
        """Find the frames that may serve as references.

        Args:
            path: of the dataset, for errors.
            labels: of its frames.
            views: of a subject, by the dataset's design; None where it was imported.
            config: how frames are read.
            seed: of the draw among several references.

        Raises:
            ArgumentError: if the dataset has not the references that the configuration asks for.
            DataError: if a frame names no reference.
        """
        self._path, self._labels, self._config, self._seed = path, labels, config, seed
        given = config.neutral_frames is not None
        serving = self._named() if given else np.flatnonzero((labels.expressions == 0) & labels.opening)
        self._of_subject = [serving[labels.subjects[serving] == subject] for subject in range(self._subject_count)]
        if given:
            self._refuse_too_few()
        if config.neutral in ("other_view", "same_view"):
            self._refuse_without_views(views)
        self.left_out: Bool[np.ndarray, " frame"] = np.zeros(len(labels.frame_ids), bool)
        """Frames that are neither trained on nor scored: compared with itself, a frame tells nothing."""
        if given:
            self.left_out[serving] = True
        elif config.neutral == "reference":
            self._refuse_unnamed()
            self.left_out = labels.references == np.arange(len(labels.frame_ids))

    def of(self, number: int, epoch: int) -> list[int]:
        """The frames that frame `number` is compared with in this epoch.

        Raises:
            DataError: if there are too few in other views.
        """
        labels, config = self._labels, self._config
        if config.neutral == "reference" and config.neutral_frames is None:
            return [int(labels.references[number])]
        partners = self._of_subject[int(labels.subjects[number])]
        shots = config.neutral_shots
        if config.neutral != "reference":
            same = labels.views[partners] == labels.views[number]
            partners = partners[same if config.neutral == "same_view" else ~same]
        if len(partners) < shots:
            raise DataError(
                f"{self._path}: {labels.frame_ids[number]}: {len(partners)} neutral frames in other views, but "
                f"neutral_shots is {shots}; ask for fewer, or generate a dataset with --views {shots + 1} or more"
            )
        # Held-out frames are compared with the same partners at every look.
        when = epoch if config.augment is not None else 0
        rng = stream(self._seed, "neutral", when, str(labels.frame_ids[number]))
        return [int(partner) for partner in rng.permutation(partners)[:shots]]

    @property
    def _subject_count(self) -> int:
        return int(self._labels.subjects.max()) + 1 if len(self._labels.subjects) else 0

    def _named(self) -> Int[np.ndarray, " frame"]:
        """The frames that `neutral_frames` names; a list for a whole dataset may be read with some of its subjects."""
        place = {str(name): number for number, name in enumerate(self._labels.frame_ids)}
        return np.array(sorted(place[name] for name in self._config.neutral_frames or () if name in place), np.int64)

    def _refuse_too_few(self) -> None:
        shots = self._config.neutral_shots
        for subject, found in enumerate(self._of_subject):
            if len(found) < shots:
                first = self._labels.frame_ids[int(np.flatnonzero(self._labels.subjects == subject)[0])]
                raise ArgumentError(
                    f"frames.neutral_frames: {len(found)} frames of the subject of {first} in {self._path}, but "
                    f"neutral_shots is {shots}; name as many of each subject"
                )

    def _refuse_without_views(self, design: int | None) -> None:
        neutral, shots = self._config.neutral, self._config.neutral_shots
        known = self._labels.views[self._labels.views >= 0]
        views = len(np.unique(known)) if design is None else design
        if views == 0:
            raise ArgumentError(
                f"frames.neutral: {neutral!r}, but {self._path} was imported and names no views; choose 'reference'"
            )
        if neutral == "other_view" and views < 1 + shots:
            raise ArgumentError(
                f"frames.neutral_shots: {shots} from other views, but {self._path} has {views} views a subject; "
                f"generate one with --views {shots + 1} or more, or ask for fewer"
            )

    def _refuse_unnamed(self) -> None:
        without = np.flatnonzero(self._labels.references < 0)
        if len(without):
            raise DataError(
                f"{self._path}: {self._labels.frame_ids[without[0]]}: its neutral_frame_id names no frame read with it "
                f"({len(without):,} frames are so); import the dataset with a reference for each, name "
                f"neutral_frames, or take a model that reads one picture"
            )
