"""What a training run has to say at its end."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class TrainResult:
    """A finished run."""

    run: Path
    recipe: str
    steps: int
    """Optimiser steps of the whole run."""
    samples: int
    """Frames seen in the whole run, over all processes."""
    samples_now: int
    """Frames seen by this call; 0 when the run was finished before."""
    best_step: int
    """The step after which the model in best/ was taken."""
    best: Mapping[str, float | None]
    """Its validation scores: mae, rmse, pcc, ccc, au_mae, loss terms; None where one cannot be computed."""
    stopped_early: bool
    """Patience ran out before the budget."""
    seconds: float
    """How long this call took."""
    samples_per_second: float
    """Of this call, evaluations and checkpoints included; 0 when nothing was left to do."""

    def text(self) -> str:
        """What was done, for people."""
        scores = ", ".join(f"{name} {_shown(self.best[name])}" for name in ("mae", "pcc", "ccc"))
        whole = f"{self.run}: {self.recipe}, {self.samples:,} samples in {self.steps:,} steps"
        end = ", stopped early" if self.stopped_early else ""
        best = f"best on validation subjects after step {self.best_step:,}: PSPI {scores}; {self.run / 'best'}"
        if not self.samples_now:
            return f"{whole}{end}; finished before, nothing done\n{best}"
        pace = f"{self.samples_now:,} now in {self.seconds:.0f} s, {self.samples_per_second:.1f} samples/s"
        return f"{whole}{end}; {pace}\n{best}"

    def to_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {
            "run": str(self.run),
            "recipe": self.recipe,
            "steps": self.steps,
            "samples": self.samples,
            "samples_now": self.samples_now,
            "best_step": self.best_step,
            "best": dict(self.best),
            "stopped_early": self.stopped_early,
            "seconds": round(self.seconds, 3),
            "samples_per_second": round(self.samples_per_second, 3),
        }


def _shown(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
