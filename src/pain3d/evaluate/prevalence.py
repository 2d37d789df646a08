"""Figures at a clinical prevalence: our frames are mostly in pain, a clinic's are mostly not."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Shaped

from pain3d.errors import ArgumentError
from pain3d.evaluate.metrics import checked
from pain3d.evaluate.ranking import auprc, f1
from pain3d.evaluate.score import Score

CLINICAL_SHARE = 0.173
"""Share of frames with PSPI > 0 in UNBC-McMaster (Lucey et al., FG 2011): 8,369 of 48,398."""


def clinical_weights(pspi: Float[np.ndarray, " frame"], share: float = CLINICAL_SHARE) -> Float[np.ndarray, " frame"]:
    """Weights of mean 1 under which `share` of the frames have PSPI > 0; within each side all frames count alike.

    Raises:
        ArgumentError: if there are no frames with pain or none without, or the share is not between 0 and 1.
    """
    if not 0 < share < 1:
        raise ArgumentError(f"share: {share} is not between 0 and 1")
    pain = pspi > 0
    if not pain.any() or pain.all():
        raise ArgumentError(
            f"pspi: {int(pain.sum())} of {len(pain)} frames have PSPI > 0; no weights give {100 * share:.1f} %"
        )
    return np.where(pain, share / pain.mean(), (1 - share) / (1 - pain.mean()))


def always_positive(
    positive: Shaped[np.ndarray, " frame"], weights: Float[np.ndarray, " frame"] | None = None
) -> dict[str, Score]:
    """F1 and AUPRC of the rule that calls every frame positive: what a useful predictor must beat."""
    weights = checked(positive, positive, weights)
    everything = np.ones(len(positive))
    return {"f1": f1(positive, everything, weights), "auprc": auprc(positive, everything, weights)}
