"""The processes of one run: how they find each other, agree, and end together when one of them is gone."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator, InitProcessGroupKwargs
from accelerate.state import AcceleratorState

from pain3d.errors import ArgumentError
from pain3d.train.config import TrainConfig
from pain3d.train.state import checkpoints
from pain3d.train.tally import TrainingError


def accelerator_of(config: TrainConfig) -> Accelerator:
    """The devices and processes of a run, as ``accelerate launch`` or ``torchrun`` set them up; else this one.

    Raises:
        ArgumentError: for a device that is not here.
    """
    if config.device == "cuda" and not torch.cuda.is_available():
        raise ArgumentError("device: cuda, but torch finds no CUDA device here; give device=cpu, or auto")
    # Accelerate keeps its first configuration for the whole process; a second run may ask for another.
    AcceleratorState._reset_state(reset_partial_state=True)
    waiting = InitProcessGroupKwargs(timeout=timedelta(seconds=config.timeout_s))
    return Accelerator(mixed_precision=config.precision, cpu=config.device == "cpu", kwargs_handlers=[waiting])


def anywhere(accelerator: Accelerator, flag: bool) -> bool:
    """Whether any process says so."""
    if accelerator.num_processes == 1:
        return flag
    flags = cast(torch.Tensor, accelerator.gather(torch.tensor([flag], device=accelerator.device)))
    return bool(flags.any())


@contextlib.contextmanager
def ending_together(accelerator: Accelerator, run: Path, *, timeout_s: float) -> Iterator[None]:
    """What goes wrong between processes becomes one kind error in each of them that still lives.

    Raises:
        TrainingError: if another process died, or did not answer in time.
    """
    try:
        yield
    except RuntimeError as error:
        if accelerator.num_processes == 1 or not _between_processes(error):
            raise
        kept = checkpoints(run)
        from_where = f"from step {int(kept[-1].name.partition('-')[2]):,}" if kept else "from the beginning"
        raise TrainingError(
            f"{run}: process {accelerator.process_index} of {accelerator.num_processes} waits no longer: another one "
            f"died, or did not answer within {timeout_s:g} s ({_reason(error)}); see what it said last, then start all "
            f"{accelerator.num_processes} again: they go on {from_where}"
        ) from error


def _between_processes(error: RuntimeError) -> bool:
    # Gloo raises plain RuntimeErrors; the place in its own source is what tells them.
    return isinstance(error, torch.distributed.DistError) or "/gloo/" in str(error)


def _reason(error: RuntimeError) -> str:
    """Its first sentence, without the place in the source."""
    return re.sub(r"^\[[^]]*/[^]]*\] ", "", str(error)).splitlines()[0].partition(". ")[0]
