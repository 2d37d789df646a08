"""Sums between two lines of the log, and the stop at a loss that is no number."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from accelerate import Accelerator
from torch import Tensor

from pain3d.errors import UserError
from pain3d.train import run_folder
from pain3d.train.log import json_numbers
from pain3d.train.state import checkpoints

FAILURE = "failed_step.json"
_SHOWN = 8


class TrainingError(UserError):
    """Training cannot go on; what was learnt before is kept."""


class Tally:
    """Means of the loss terms over steps and processes, and samples a second."""

    def __init__(self, accelerator: Accelerator) -> None:
        self._accelerator = accelerator
        self._clear()

    def _clear(self) -> None:
        self._sums: dict[str, Tensor] = {}
        self._batches = self._steps = 0
        self._since = time.monotonic()

    def add(self, terms: Sequence[Mapping[str, Tensor]], norm: Tensor | None) -> None:
        """Count a step: the terms of its micro-batches, and its gradient's norm before clipping."""
        for values in terms:
            for name, value in values.items():
                self._sums[name] = self._sums[name] + value if name in self._sums else value.clone()
        self._norm = norm
        self._batches += len(terms)
        self._steps += 1

    def means(self, samples_per_step: int) -> dict[str, float]:
        """The means since the last call, ``grad_norm`` of the last step, and ``samples_per_second``."""
        names = sorted(self._sums)
        means = torch.stack([self._sums[name] for name in names]).float() / max(self._batches, 1)
        means = self._accelerator.reduce(means, "mean")
        values = {f"loss/{name}": float(value) for name, value in zip(names, means, strict=True)}
        if self._norm is not None:
            values["grad_norm"] = float(self._norm)
        seconds = max(time.monotonic() - self._since, 1e-6)
        values["samples_per_second"] = self._steps * samples_per_step / seconds
        self._clear()
        return values


def refuse_non_finite(
    accelerator: Accelerator,
    run: Path,
    *,
    step: int,
    totals: Sequence[Mapping[str, Tensor]],
    norm: Tensor | None,
    frame_ids: Sequence[Sequence[str]],
) -> None:
    """Stop before the optimiser takes a step that is no number.

    With fp16 an infinite gradient is everyday: the loss scale then shrinks and the step is left out.

    Raises:
        TrainingError: naming step, terms and frames; all frame ids stand in RUN/failed_step.json.
    """
    finite = torch.stack([values["total"].isfinite() for values in totals])
    sound = finite.all()
    if norm is not None and accelerator.scaler is None:
        sound = sound & torch.as_tensor(norm, device=sound.device).isfinite()
    if accelerator.num_processes > 1:
        sound = cast(Tensor, accelerator.gather(sound.reshape(1))).all()
    if bool(sound):
        return
    at_fault = [i for i, fine in enumerate(finite.tolist()) if not fine] or list(range(len(totals)))
    ids = [name for i in at_fault for name in frame_ids[i]]
    terms = {name: float(value) for name, value in totals[at_fault[0]].items()}
    process = accelerator.process_index
    content = {"step": step, "process": process, "terms": json_numbers(terms), "frame_ids": ids}
    name = FAILURE if process == 0 else FAILURE.replace(".", f"-{process}.")
    run_folder.write_json(run / name, {"format": run_folder.FORMAT, **content})
    raise TrainingError(_message(run, step, terms, norm, ids, run / name))


def _message(
    run: Path, step: int, terms: Mapping[str, float], norm: Tensor | None, ids: Sequence[str], file: Path
) -> str:
    told = ", ".join(f"{name} {value:g}" for name, value in terms.items())
    gradient = "" if norm is None else f"; gradient norm {float(norm):g}"
    listed = ", ".join(ids[:_SHOWN]) + (f", and {len(ids) - _SHOWN} more in {file.name}" if len(ids) > _SHOWN else "")
    kept = checkpoints(run)
    good = f"the last good checkpoint is {kept[-1]}" if kept else "there is no checkpoint before it"
    return (
        f"{run}: the loss or its gradient is not finite at step {step} ({told}{gradient}), over the frames {listed}; "
        f"the step was not taken and {good}; look at these frames, or lower lr and train into another folder"
    )
