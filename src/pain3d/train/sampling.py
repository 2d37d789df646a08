"""Which frames an epoch shows, and in which order: pure functions of a seed and the epoch."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool, Float, Int

from pain3d.streams import stream

Indices = Int[np.ndarray, " frame"]


def subset(
    subjects: Int[np.ndarray, " frame"], neutral: Bool[np.ndarray, " frame"], most: int | None, seed: int
) -> Indices:
    """At most `most` frames of whole subjects, sorted; a larger number contains every smaller one's frames.

    The last subject may give a part: all its neutral frames and a seeded choice of the others. Where not even its
    neutral frames fit, it stays out, and the subset is a few frames short.
    """
    if most is None or most >= len(subjects):
        return np.arange(len(subjects))
    taken: list[Indices] = []
    left = most
    of_subject = _rows_of(subjects)
    for number in stream(seed, "subset").permutation(len(of_subject)):
        rows = of_subject[number]
        mixed = rows[stream(seed, "subset", int(number)).permutation(len(rows))]
        ranked = np.concatenate([mixed[neutral[mixed]], mixed[~neutral[mixed]]])
        if left < int(neutral[rows].sum()) or not left:
            break
        taken.append(ranked[:left])
        left -= len(taken[-1])
    return np.sort(np.concatenate(taken)) if taken else np.arange(0)


def epoch_order(
    groups: Int[np.ndarray, " frame"],
    copies: Int[np.ndarray, " frame"],
    *,
    window: int,
    seed: int,
    epoch: int,
) -> Indices:
    """Frames in an epoch's order: groups shuffled, then the frames of each `window` groups among themselves.

    A group is what is read at once (of our datasets: one subject), so a reader needs no more than `window` of them in
    memory, however large the dataset.
    """
    rng = stream(seed, "order", epoch)
    shown = np.flatnonzero(copies)
    of_group = [shown[places] for places in _rows_of(groups[shown])]
    shuffled = rng.permutation(len(of_group))
    parts: list[Indices] = []
    for start in range(0, len(shuffled), window):
        rows = np.concatenate([of_group[number] for number in shuffled[start : start + window]])
        parts.append(rng.permutation(np.repeat(rows, copies[rows])))
    return np.concatenate(parts) if parts else np.arange(0)


def balanced_copies(
    pspi: Float[np.ndarray, " frame"], chosen: Indices, seed: int, epoch: int
) -> Int[np.ndarray, " frame"]:
    """How often each frame comes so that every PSPI level present is seen equally often; 0 for frames not chosen.

    Each frame's number is its expected number rounded down or up (systematic resampling); together they are as many as
    the frames chosen.
    """
    rng = stream(seed, "balance", epoch)
    mixed = rng.permutation(chosen)
    levels, which, counts = np.unique(np.rint(pspi[mixed]), return_inverse=True, return_counts=True)
    return _systematic(len(pspi), mixed, len(mixed) / (len(levels) * counts[which]), rng)


def weighted_copies(
    weights: Float[np.ndarray, " frame"], chosen: Indices, seed: int, epoch: int
) -> Int[np.ndarray, " frame"]:
    """How often each frame comes so that its expected number is proportional to its weight; as `balanced_copies`."""
    rng = stream(seed, "weights", epoch)
    mixed = rng.permutation(chosen)
    return _systematic(len(weights), mixed, len(mixed) * weights[mixed] / weights[mixed].sum(), rng)


def _systematic(
    frames: int, mixed: Indices, expected: Float[np.ndarray, " chosen"], rng: np.random.Generator
) -> Int[np.ndarray, " frame"]:
    """Whole numbers that are the expected ones rounded down or up, their sum the number of frames in `mixed`."""
    copies = np.zeros(frames, np.int64)
    if len(mixed):
        edges = np.floor(np.cumsum(expected) + rng.uniform())
        edges[-1] = len(mixed)  # whatever the sum was rounded to
        copies[mixed] = np.diff(edges, prepend=0).astype(np.int64)
    return copies


def _rows_of(subjects: Int[np.ndarray, " frame"]) -> Sequence[Indices]:
    order = np.argsort(subjects, kind="stable")
    starts = np.flatnonzero(np.diff(subjects[order], prepend=-1))
    return np.split(order, starts[1:]) if len(order) else []
