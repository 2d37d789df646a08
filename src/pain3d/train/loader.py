"""Micro-batches of a dataset, made in worker processes; the same bytes for any number of them."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset

from pain3d.errors import ArgumentError, UserError
from pain3d.train.frames import Batch, FrameDataset
from pain3d.train.mixture import Mixture


def micro_batch(dataset: FrameDataset | Mixture, number: int, batch_size: int) -> Batch:
    """Micro-batch `number` of the endless sequence of epochs.

    An epoch is cut into whole micro-batches; the last frames of its order that fill none wait for a later epoch, whose
    order is another. Where an epoch is shorter than a micro-batch, it is the micro-batch. A mixture says itself how
    its batches are made up.
    """
    if isinstance(dataset, Mixture):
        return dataset.micro_batch(number, batch_size)
    each = max(1, len(dataset.chosen) // batch_size)
    epoch, place = divmod(number, each)
    return dataset.batch(dataset.order(epoch)[place * batch_size : (place + 1) * batch_size], epoch)


def batches(
    dataset: FrameDataset | Mixture,
    *,
    batch_size: int,
    start: int,
    stop: int,
    rank: int = 0,
    processes: int = 1,
    workers: int = 0,
) -> Iterator[Batch]:
    """Micro-batches start..stop-1 of process `rank`: each m is number m x processes + rank of the whole sequence.

    Worker processes are spawned, not forked: the caller runs the threads of torch and perhaps a GPU, which a fork would
    copy in an undefined state. They ignore Ctrl-C, and end when the iterator is closed.

    Raises:
        ArgumentError, DataError: as `FrameDataset.batch`, from workers too.
    """
    if batch_size < 1 or workers < 0 or not 0 <= rank < processes:
        raise ArgumentError(
            f"batches: batch_size {batch_size}, workers {workers}, rank {rank} of {processes}; give a batch_size from "
            f"1 on, workers from 0 on, and a rank below the number of processes"
        )
    source = _Source(dataset, batch_size)
    numbers = [number * processes + rank for number in range(start, stop)]
    if workers == 0:
        yield from (micro_batch(dataset, number, batch_size) for number in numbers)
        return
    loader = DataLoader(
        source,
        sampler=numbers,
        batch_size=None,
        num_workers=workers,
        multiprocessing_context="spawn",
        worker_init_fn=_begin,
        collate_fn=_as_it_is,
        generator=torch.Generator().manual_seed(0),  # else each pass would draw from the global generator
    )
    answers = iter(loader)
    try:
        for answer in answers:
            if isinstance(answer, _Failure):
                raise answer.error
            yield answer
    finally:
        answers._shutdown_workers()  # pyright: ignore[reportAttributeAccessIssue]  # else they live until collected


@dataclass(frozen=True)
class _Failure:
    """An error for the user, carried home whole: the loader would put a traceback into its text."""

    error: UserError


class _Source(TorchDataset["Batch | _Failure"]):
    def __init__(self, dataset: FrameDataset | Mixture, batch_size: int) -> None:
        self._dataset, self._batch_size = dataset, batch_size

    def __getitem__(self, number: int) -> Batch | _Failure:
        try:
            return micro_batch(self._dataset, number, self._batch_size)
        except UserError as error:
            return _Failure(error)


def _as_it_is(answer: object) -> object:
    return answer


def _begin(worker: int) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    torch.set_num_threads(1)
