"""Checkpoints to go on from: everything a step depends on, as safetensors and JSON, written whole or not at all.

RUN/checkpoints/step-0000123/ holds state.safetensors (what training moves: trainable weights, buffers, AdamW's moments,
the running mean) and state.json (counters, the loss scale, the tensors' hash). Frozen weights are not repeated: the
configuration names where they come from. No state of a random generator is kept because none lives between steps: the
loop seeds torch anew at each micro-batch from (seed, position).
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from pain3d.data.files import TEMPORARY_SUFFIX, file_sha256, write_atomically
from pain3d.errors import DataError, storage_error
from pain3d.outside import json_of
from pain3d.train.ema import Ema

CHECKPOINTS = "checkpoints"
FORMAT = "pain3d training state"
VERSION = 1
_TENSORS, _COUNTERS = "state.safetensors", "state.json"
_NAME = re.compile(r"step-(\d{7,})")


@dataclass(frozen=True, kw_only=True)
class Counters:
    """How far a run has come."""

    step: int = 0
    """Optimiser steps done."""
    best: float | None = None
    """Best validation score so far, the higher the better; None before the first evaluation."""
    best_step: int = 0
    """After which step that was."""
    evaluations_since_best: int = 0


@dataclass(frozen=True, kw_only=True)
class Parts:
    """What a checkpoint is taken of."""

    learner: nn.Module
    optimizer: torch.optim.Optimizer
    ema: Ema | None
    scaler: torch.amp.GradScaler | None
    """Loss scaling, with fp16 alone."""


def save(run: Path, parts: Parts, counters: Counters, *, keep: int) -> Path:
    """Write the checkpoint of this step and remove all but the last `keep`; one that is there already stays.

    Raises:
        StorageError: if the disk is full, read-only, or fails; earlier checkpoints are intact.
    """
    folder = run / CHECKPOINTS / f"step-{counters.step:07d}"
    if not folder.exists():
        tensors = _tensors(parts)
        with written_whole(folder) as temporary:
            save_file(tensors, temporary / _TENSORS)
            content = {
                "format": FORMAT,
                "version": VERSION,
                "counters": dataclasses.asdict(counters),
                "ema_updates": None if parts.ema is None else parts.ema.updates,
                "scaler": None if parts.scaler is None else parts.scaler.state_dict(),
                "sha256": file_sha256(temporary / _TENSORS),
            }
            write_atomically(temporary / _COUNTERS, (json.dumps(content, indent=2) + "\n").encode())
    for older in checkpoints(run)[:-keep]:
        shutil.rmtree(older, ignore_errors=True)
    return folder


def checkpoints(run: Path) -> list[Path]:
    """The checkpoint folders of a run, oldest first."""
    found = [path for path in (run / CHECKPOINTS).glob("step-*") if _NAME.fullmatch(path.name)]
    return sorted(found, key=lambda path: int(path.name.removeprefix("step-")))


def restore(folder: Path, parts: Parts) -> Counters:
    """Put a checkpoint's content into the parts; they are exactly as when it was saved.

    Raises:
        DataError: if a file is missing or damaged, of another version, or holds other tensors than these parts.
    """
    content = _counters(folder)
    counters = _counted(folder, content)
    tensors = _checked_tensors(folder, str(content["sha256"]))
    expected = _moving(parts.learner)
    _refuse_others(folder, tensors, expected, parts)
    moments: dict[str, dict[str, Tensor]] = {}
    with torch.no_grad():
        for name, value in tensors.items():
            kind, _, rest = name.partition("/")
            if kind == "model":
                expected[rest].copy_(value)
            elif kind == "ema" and parts.ema is not None:
                parts.ema.mean[rest].copy_(value)
            elif kind.startswith("adam."):
                moments.setdefault(rest, {})[kind.removeprefix("adam.")] = value
    for name, values in moments.items():
        parameter = expected[name]
        parts.optimizer.state[parameter] = {
            kind: value if kind == "step" else value.to(parameter.device) for kind, value in values.items()
        }
    if parts.ema is not None:
        parts.ema.updates = content["ema_updates"]
    if parts.scaler is not None:
        parts.scaler.load_state_dict(content["scaler"])
    return counters


@contextlib.contextmanager
def written_whole(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes the place of `folder` once it is filled; a kill leaves the old one or the new one.

    Between moving the old folder aside and the new one in, a kill leaves ``.NAME.old``: `recovered` puts it back.

    Raises:
        StorageError: if the disk is full, read-only, or fails.
    """
    temporary = folder.with_name(f".{folder.name}{TEMPORARY_SUFFIX}")
    old = folder.with_name(f".{folder.name}.old")
    try:
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir(parents=True)
        yield temporary
        _flush(temporary)
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)
            folder.rename(old)
        temporary.rename(folder)
        _flush_folder(folder.parent)
    except (OSError, SafetensorError) as error:
        raise storage_error(folder, error if isinstance(error, OSError) else OSError(str(error))) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(old, ignore_errors=True)


def recovered(folder: Path) -> None:
    """Put back what `written_whole` had moved aside when it was killed, and remove what it had half written."""
    old = folder.with_name(f".{folder.name}.old")
    if old.exists() and not folder.exists():
        old.rename(folder)
    shutil.rmtree(old, ignore_errors=True)
    for path in folder.parent.glob(f".*{TEMPORARY_SUFFIX}"):
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)


def _moving(learner: nn.Module) -> dict[str, Tensor]:
    moving: dict[str, Tensor] = {name: value for name, value in learner.named_parameters() if value.requires_grad}
    return moving | dict(learner.named_buffers())


def _tensors(parts: Parts) -> dict[str, Tensor]:
    moving = _moving(parts.learner)
    tensors = {f"model/{name}": value for name, value in moving.items()}
    for name, value in moving.items():
        if value in parts.optimizer.state:
            for kind, moment in parts.optimizer.state[value].items():
                tensors[f"adam.{kind}/{name}"] = moment
    if parts.ema is not None:
        tensors |= {f"ema/{name}": value for name, value in parts.ema.mean.items()}
    return {name: value.detach().cpu().contiguous() for name, value in tensors.items()}


def _counters(folder: Path) -> dict[str, Any]:
    path = folder / _COUNTERS
    try:
        content = json_of(path.read_bytes())
        found = content["version"] if content["format"] == FORMAT else None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path, str(error)) from None
    if found != VERSION:
        raise DataError(
            f"{path}: training state of version {found}, but this pain3d reads {VERSION}; "
            f"go on with the pain3d that wrote it, or train into another folder"
        )
    return content


def _counted(folder: Path, content: Mapping[str, Any]) -> Counters:
    """The counters, once all of the file is what it should be."""
    try:
        counters = Counters(**content["counters"])
        whole = (counters.step, counters.best_step, counters.evaluations_since_best)
        numbers = isinstance(counters.best, float | int | None) and all(type(number) is int for number in whole)
        if numbers and isinstance(content["sha256"], str) and isinstance(content["ema_updates"], int | None):
            return counters
        why = "entries of other types"
    except (KeyError, TypeError) as error:
        why = str(error)
    raise _damaged(folder / _COUNTERS, why)


def _checked_tensors(folder: Path, sha256: str) -> dict[str, Tensor]:
    path = folder / _TENSORS
    try:
        if file_sha256(path) != sha256:
            raise _damaged(path, "its hash differs from the one on record")
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise _damaged(path, str(error)) from None


def _refuse_others(folder: Path, tensors: Mapping[str, Tensor], expected: Mapping[str, Tensor], parts: Parts) -> None:
    wanted = {f"model/{name}": value.shape for name, value in expected.items()}
    if parts.ema is not None:
        wanted |= {f"ema/{name}": value.shape for name, value in parts.ema.mean.items()}
    found = {name: value.shape for name, value in tensors.items() if not name.startswith("adam.")}
    differing = sorted(
        name for name in {*wanted, *found} if name not in wanted or name not in found or wanted[name] != found[name]
    )
    strangers = {name.partition("/")[2] for name in tensors if name.startswith("adam.")} - set(expected)
    if differing or strangers:
        raise DataError(
            f"{folder}: holds other tensors than this model ({', '.join([*differing, *sorted(strangers)][:5])}); "
            f"it was written by another configuration or version; train into another folder"
        )


def _damaged(path: Path, why: str) -> DataError:
    return DataError(
        f"{path}: missing or damaged ({why}); delete the folder {path.parent.name} to go on from the checkpoint "
        f"before it, or restore it from a copy"
    )


def _flush(folder: Path) -> None:
    for path in folder.iterdir():
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def _flush_folder(folder: Path) -> None:
    # A rename is durable once its folder is flushed; file systems that cannot flush a folder need it not.
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
