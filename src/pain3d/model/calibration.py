"""What validation subjects taught about a model's errors: thresholds, intervals, probabilities.

Fitting is done by `pain3d.evaluate.calibrate`; here the result is kept, read, written and applied.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from pain3d.errors import ArgumentError, DataError, storage_error
from pain3d.facs import MAX_PSPI
from pain3d.model import codec
from pain3d.model.heads import THRESHOLDS
from pain3d.outside import json_of

FILE = "calibration.json"
FORMAT = "pain3d calibration"
VERSION = 1


class Calibrated(NamedTuple):
    """Calibrated readings of a batch."""

    low: Float[np.ndarray, " batch"]
    high: Float[np.ndarray, " batch"]
    """Ends of the interval, within 0..16."""
    probabilities: Float[np.ndarray, "batch 3"]
    """Of PSPI >= 1, 2, 3, falling from left to right."""
    flags: Bool[np.ndarray, "batch 3"]
    """PSPI >= 1, 2, 3 by the thresholds."""


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Held beside the weights as calibration.json."""

    thresholds: tuple[float, float, float]
    """A frame counts as PSPI >= t if the predicted PSPI (0..16) is at least this, for t = 1, 2, 3: best F1 on
    validation subjects."""
    radii: tuple[float, ...]
    """Split-conformal: half width of the interval, one for each range of predicted PSPI that `edges` make."""
    edges: tuple[float, ...] = ()
    """Rising borders between these ranges; none: one radius for all."""
    coverage: float = 0.9
    """Share of frames whose coded PSPI the interval is to hold."""
    slopes: tuple[float, float, float] = (1.0, 1.0, 1.0)
    """Platt scaling: P(PSPI >= t) = sigmoid(slope x logit + intercept), for t = 1, 2, 3."""
    intercepts: tuple[float, float, float] = (0.0, 0.0, 0.0)
    provenance: Mapping[str, Any] = field(default_factory=dict)
    """Where it was fitted: dataset, seed, split, subjects, frames, package version."""

    def __post_init__(self) -> None:
        if len(self.radii) != len(self.edges) + 1 or min(self.radii) < 0:
            raise ArgumentError(
                f"calibration.radii: {self.radii} for edges {self.edges}; there must be one more radius than edges, "
                f"none below 0"
            )
        if any(b <= a for a, b in zip(self.edges[:-1], self.edges[1:], strict=True)):
            raise ArgumentError(f"calibration.edges: {self.edges} do not rise")
        if not 0 < self.coverage < 1:
            raise ArgumentError(f"calibration.coverage: {self.coverage} is not between 0 and 1")
        if min(self.slopes) <= 0:
            raise ArgumentError(f"calibration.slopes: {self.slopes} must be above 0")

    def apply(self, pspi: Float[np.ndarray, " batch"], ordinal_logits: Float[np.ndarray, "batch 3"]) -> Calibrated:
        """Intervals, probabilities and flags of predicted PSPI (0..16) and ordinal logits."""
        radius = np.asarray(self.radii)[np.searchsorted(self.edges, pspi, side="right")]
        scaled = ordinal_logits * np.asarray(self.slopes) + np.asarray(self.intercepts)
        return Calibrated(
            low=np.clip(pspi - radius, 0, MAX_PSPI),
            high=np.clip(pspi + radius, 0, MAX_PSPI),
            probabilities=probabilities_of(scaled),
            flags=pspi[:, None] >= np.asarray(self.thresholds),
        )

    def write(self, folder: str | Path) -> Path:
        """Write calibration.json into a folder, whole or not at all.

        Raises:
            StorageError: if the disk does not take it.
        """
        path = Path(folder) / FILE
        data = {"format": FORMAT, "format_version": VERSION, **codec.to_json(self)}
        partial = path.with_name(FILE + ".partial")
        try:
            partial.write_text(json.dumps(data, indent=2) + "\n", encoding="utf-8")
            partial.replace(path)
        except OSError as error:
            raise storage_error(path, error) from error
        return path

    @classmethod
    def read(cls, folder: str | Path) -> Calibration | None:
        """The calibration of a folder; None if it has none.

        Raises:
            DataError: if the file is damaged or of another version.
        """
        path = Path(folder) / FILE
        if not path.exists():
            return None
        try:
            data = json_of(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise DataError(f"{path}: is not readable JSON ({error}); calibrate the model again") from error
        if (
            not isinstance(data, dict)
            or data.pop("format", None) != FORMAT
            or data.pop("format_version", None) != VERSION
        ):
            raise DataError(f"{path}: is no {FORMAT} of version {VERSION}; calibrate the model again")
        return codec.from_json(cls, data, str(path))


def probabilities_of(logits: Float[np.ndarray, "batch 3"]) -> Float[np.ndarray, "batch 3"]:
    """Sigmoid of the logits, made to fall from threshold to threshold."""
    if logits.shape[-1] != len(THRESHOLDS):
        raise ArgumentError(f"logits: shape {logits.shape} does not end in {len(THRESHOLDS)}")
    return np.minimum.accumulate(0.5 * (1.0 + np.tanh(0.5 * logits)), axis=-1)
