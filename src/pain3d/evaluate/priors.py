"""What a map must beat: pictures that know the face's place in the crop and nothing about this face.

The mean training heatmap is the strongest map that ignores the picture: crops are aligned by the face, so it says where
skin moves in general. The centre prior knows only that faces are in the middle. The uniform map is chance.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pain3d.data.reader import Dataset, open_dataset
from pain3d.data.sample import Sample
from pain3d.errors import ArgumentError, DataError
from pain3d.evaluate.crops import heat_in_crop
from pain3d.model.config import ViTPainConfig
from pain3d.places import Place
from pain3d.streams import stream

PRIORS = ("mean_training_heat", "centre", "uniform")

CENTRE_SIGMA = 0.2
"""Standard deviation of the centre prior, as a share of the crop's side."""


@dataclass(frozen=True, kw_only=True)
class Priors:
    """The three maps, one of each for every target."""

    mean_training_heat: Float[np.ndarray, "7 size size"]
    """Millimetres; for PSPI the mean of the total heatmap, for an AU that of its own, over frames in which it acts."""
    frames: tuple[int, ...]
    """How many training frames each of the seven is the mean of."""
    centre: Float[np.ndarray, "size size"]
    uniform: Float[np.ndarray, "size size"]

    def of(self, target: int) -> Mapping[str, Float[np.ndarray, "size size"]]:
        """The maps by name, for one of the seven targets."""
        return {
            "mean_training_heat": self.mean_training_heat[target],
            "centre": self.centre,
            "uniform": self.uniform,
        }


def priors_of(
    dataset: str | Place,
    config: ViTPainConfig,
    *,
    frames: int = 600,
    seed: int = 0,
    on_progress: Callable[[int, int], None] | None = None,
) -> Priors:
    """The priors for crops of this configuration, from training frames with pain.

    Args:
        dataset: folder of the dataset; only its training subjects are read.
        config: of the model, for its crop.
        frames: how many frames at most; their subjects are drawn by `seed`.
        seed: of the draw.
        on_progress: told after each subject how many of all are done.

    Raises:
        ArgumentError: if `frames` is not positive.
        DataError: if the training split has no frame with pain.
    """
    if frames < 1:
        raise ArgumentError(f"frames: {frames} is less than 1; a mean needs at least one training frame")
    data = open_dataset(dataset, "train")
    totals = np.zeros((7, config.image_size, config.image_size))
    counts = np.zeros(7, int)
    numbers = chosen_frames(data, frames, seed)
    for done, number in enumerate(numbers, start=1):
        add_heat(data[number], config, totals, counts)
        if on_progress is not None:
            on_progress(done, len(numbers))
    if not counts[0]:
        raise DataError(
            f"{dataset}: no training frame shows pain, so there is no mean heatmap to compare with; give a dataset of "
            f"at least ten subjects"
        )
    return Priors(
        mean_training_heat=(totals / np.maximum(counts, 1)[:, None, None]).astype(np.float32),
        frames=tuple(counts.tolist()),
        centre=centre_prior(config.image_size),
        uniform=np.ones((config.image_size, config.image_size), np.float32),
    )


def add_heat(
    sample: Sample, config: ViTPainConfig, totals: Float[np.ndarray, "7 size size"], counts: np.ndarray
) -> None:
    """Add a frame's heatmaps, in its crop, to the sums of those targets that act in it."""
    heat = heat_in_crop(sample, config)
    acting = heat.any(axis=(1, 2))
    totals[acting] += heat[acting]
    counts += acting


def centre_prior(size: int) -> Float[np.ndarray, "size size"]:
    """A round Gaussian in the middle of the crop, 1 at its top."""
    away = (np.arange(size) + 0.5) / size - 0.5
    along = np.exp(-0.5 * (away / CENTRE_SIGMA) ** 2)
    return np.outer(along, along).astype(np.float32)


def chosen_frames(data: Dataset, frames: int, seed: int) -> list[int]:
    """Numbers of up to `frames` frames with pain: alike many of each subject, in the order of the file.

    Frames of a row group lie together, so that each group is decoded once.
    """
    labels = data.labels(["subject_id", "PSPI"]).to_pydict()
    of_subject: dict[str, list[int]] = {}
    for number, (subject, score) in enumerate(zip(labels["subject_id"], labels["PSPI"], strict=True)):
        if score > 0:
            of_subject.setdefault(subject, []).append(number)
    turns = []
    for subject, numbers in sorted(of_subject.items()):
        rng = stream(seed, "explained frames", subject)
        shuffled = rng.permutation(numbers).tolist()
        tie = rng.random()  # which subjects go first in a turn
        turns += [(turn, tie, subject, number) for turn, number in enumerate(shuffled)]
    return sorted(number for *_, number in sorted(turns)[:frames])
