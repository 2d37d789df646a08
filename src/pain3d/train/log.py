"""What a run tells while it works: RUN/metrics.jsonl, one JSON object a line, and the same numbers for TensorBoard."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from torch.utils.tensorboard.writer import SummaryWriter

from pain3d.data.files import write_atomically
from pain3d.errors import storage_error
from pain3d.outside import json_of

METRICS = "metrics.jsonl"
TENSORBOARD = "tensorboard"

Kind = Literal["train", "val"]


class MetricsLog:
    """Appends lines; a run that goes on at step s first drops the lines after s, so that no step is told twice."""

    def __init__(self, run: Path, *, resume_step: int) -> None:
        self._path = run / METRICS
        if self._path.exists():
            kept = [line for line in _whole_lines(self._path) if json_of(line)["step"] <= resume_step]
            write_atomically(self._path, "".join(f"{line}\n" for line in kept).encode())
        self._board = SummaryWriter(str(run / TENSORBOARD), purge_step=resume_step + 1, flush_secs=30)

    def write(self, kind: Kind, step: int, samples: int, values: Mapping[str, float]) -> None:
        """One line. What is not finite is null in the file (JSON has no NaN) and left out of TensorBoard.

        Raises:
            StorageError: if the disk is full, read-only, or fails.
        """
        numbers = json_numbers(values)
        line = json.dumps({"kind": kind, "step": step, "samples": samples, **numbers}, allow_nan=False)
        try:
            with self._path.open("a", encoding="utf-8") as stream:
                stream.write(line + "\n")
        except OSError as error:
            raise storage_error(self._path, error) from error
        for name, value in numbers.items():
            if value is not None:
                self._board.add_scalar(f"{kind}/{name}", value, step)

    def close(self) -> None:
        """Write out what TensorBoard holds back."""
        self._board.close()


def json_numbers(values: Mapping[str, float]) -> dict[str, float | None]:
    """The values, with None for what is not finite."""
    return {name: float(value) if math.isfinite(value) else None for name, value in values.items()}


def read_metrics(run: Path, kind: Kind) -> list[dict[str, float | None]]:
    """The lines of one kind, in order; a line cut short by a kill is left out."""
    lines = (json_of(line) for line in _whole_lines(run / METRICS))
    return [line for line in lines if line["kind"] == kind]


def _whole_lines(path: Path) -> list[str]:
    """Lines as they were written: a kill can cut the last one short, and a failing disk garble any."""
    return [line for line in path.read_text(encoding="utf-8", errors="replace").split("\n") if _is_whole(line)]


def _is_whole(line: str) -> bool:
    try:
        content = json_of(line)
        return isinstance(content["step"], int) and isinstance(content["kind"], str)
    except (ValueError, KeyError, TypeError):
        return False
