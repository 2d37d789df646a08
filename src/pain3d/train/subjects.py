"""Whose frames: the subjects of a dataset, and a few of them drawn for learning from little."""

from __future__ import annotations

from collections.abc import Collection

from pain3d.arguments import whole_number
from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError
from pain3d.places import Place
from pain3d.streams import stream


def subjects_of(dataset: str | Place, split: str | None = None) -> tuple[str, ...]:
    """The subject_ids of a split, sorted; None or ``all``: of the whole dataset."""
    return open_dataset(dataset, split).subjects


def of_test_split(dataset: str | Place, names: Collection[str]) -> tuple[str, ...]:
    """Those of the names that the dataset's own split keeps for its test, sorted."""
    return tuple(sorted({*names} & {*subjects_of(dataset, "test")}))


def few_shot(
    dataset: str | Place, count: int, *, seed: int, split: str | None = "train", held_out: Collection[str] = ()
) -> tuple[str, ...]:
    """`count` training subjects drawn by the seed, sorted; more of them hold the fewer.

    Args:
        dataset: folder of a finished dataset.
        count: how many.
        seed: of the draw.
        split: whose subjects are drawn from; None or ``all``: everyone.
        held_out: subjects that are never drawn, such as those of validation and test.

    Raises:
        ArgumentError: if there are not so many.
    """
    everyone = subjects_of(dataset, split)
    if not everyone:
        raise ArgumentError(
            f"few_shot: {dataset} has no {split} split to draw from; name val_subjects, and everyone else but those in "
            f"held_out may be drawn"
        )
    candidates = [name for name in everyone if name not in held_out]
    if whole_number("few_shot", count, "5") < 1 or count > len(candidates):
        raise ArgumentError(
            f"few_shot: {count} subjects, but {dataset} has {len(candidates)} to draw from; give 1 to {len(candidates)}"
        )
    drawn = stream(seed, "few shot").permutation(len(candidates))[:count]
    return tuple(sorted(candidates[int(number)] for number in drawn))
