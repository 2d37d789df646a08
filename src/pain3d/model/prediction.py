"""`Prediction`: what is told to people about one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from pain3d.facs import PAIN_AUS
from pain3d.model.calibration import Calibration, probabilities_of
from pain3d.model.crop import Square
from pain3d.model.features import Features
from pain3d.model.heads import THRESHOLDS


@dataclass(frozen=True, kw_only=True, eq=False)
class Prediction:
    """A reading of one face. PSPI is observer-coded facial expression, not felt pain; not for medical use."""

    pspi: float
    """Prkachin-Solomon Pain Intensity, 0..16."""
    interval: tuple[float, float] | None
    """Holds the coder's PSPI with the calibration's coverage (90 %) on subjects like those it was calibrated on; None
    without a calibration."""
    aus: Mapping[str, float]
    """AU4, AU6, AU7, AU9, AU10: intensity 0..5; AU43: probability that the eyes are closed."""
    probabilities: Mapping[int, float]
    """Of PSPI >= 1, 2, 3."""
    flags: Mapping[int, bool] | None
    """Whether PSPI >= 1, 2, 3 by the calibrated thresholds; None without a calibration."""
    attention: Float[np.ndarray, "6 row column"]
    """Where each AU's query looked, in the order of `PAIN_AUS`, over the crop; each sums to 1."""
    landmarks: Float[np.ndarray, "68 2"] | None = None
    """iBUG-68 x, y: in pixels of the picture, or 0..1 of a crop; None for a model without that head."""
    box: tuple[float, float, float, float] | None = None
    """The face: left, top, right, bottom in pixels of the picture; None for a crop."""
    square: Square | None = None
    """The square of the picture that was read; None for a crop."""
    size: tuple[int, int] | None = None
    """Width and height of the picture."""

    def at(self, *, box: tuple[float, float, float, float], square: Square, size: tuple[int, int]) -> Prediction:
        """The same reading, and where in the picture it was taken."""
        corner = np.array(square.box[:2])
        landmarks = None if self.landmarks is None else corner + self.landmarks * square.side
        return replace(self, box=box, square=square, size=size, landmarks=landmarks)

    def to_json(self) -> dict[str, Any]:
        """Plain values; the attention is left out."""
        square = self.square
        return {
            "pspi": round(self.pspi, 4),
            "interval": None if self.interval is None else [round(end, 4) for end in self.interval],
            "aus": {name: round(value, 4) for name, value in self.aus.items()},
            "probabilities": {str(t): round(value, 4) for t, value in self.probabilities.items()},
            "flags": None if self.flags is None else {str(t): flag for t, flag in self.flags.items()},
            "box": None if self.box is None else [round(edge, 2) for edge in self.box],
            "landmarks": None if self.landmarks is None else np.round(self.landmarks, 2).tolist(),
            "square": None if square is None else {name: round(v, 2) for name, v in vars(square).items()},
        }


def predictions_of(features: Features, calibration: Calibration | None) -> list[Prediction]:
    """One `Prediction` for each picture of a batch."""
    pspi = features.pspi.detach().double().cpu().numpy()
    logits = features.ordinal_logits.detach().double().cpu().numpy()
    aus = features.aus.detach().double().cpu().numpy()
    attention = features.attention.detach().float().cpu().numpy().reshape(len(pspi), len(PAIN_AUS), *features.grid)
    points = None if features.landmarks is None else features.landmarks.detach().double().cpu().numpy()
    calibrated = None if calibration is None else calibration.apply(pspi, logits)
    chances = probabilities_of(logits) if calibrated is None else calibrated.probabilities
    return [
        Prediction(
            pspi=float(pspi[i]),
            interval=None if calibrated is None else (float(calibrated.low[i]), float(calibrated.high[i])),
            aus=dict(zip(PAIN_AUS, map(float, aus[i]), strict=True)),
            probabilities=dict(zip(THRESHOLDS, map(float, chances[i]), strict=True)),
            flags=None if calibrated is None else dict(zip(THRESHOLDS, map(bool, calibrated.flags[i]), strict=True)),
            attention=attention[i],
            landmarks=None if points is None else points[i],
        )
        for i in range(len(pspi))
    ]
