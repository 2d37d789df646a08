"""What the heatmaps measure: how far visible skin moves because of pain, in millimetres, head pose excluded."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pain3d.face.acting import Acting
from pain3d.face.mesh import FaceMesh, displacement_mm
from pain3d.face.model import Head
from pain3d.facs import AU_INDEX, AU_NAMES, PAIN_AUS, Expression


def pain_displacement_mm(head: Head, acted: Expression | Acting, moved: FaceMesh) -> Float[np.ndarray, " vertex"]:
    """|x(AUs) - x(same AUs with AU4, 6, 7, 9, 10, 43 = 0)| of each measured vertex; a blink is in both.

    Args:
        moved: the face that acts so, which the caller has at hand.

    Returns:
        float32 millimetres; exactly zero where no AU of pain acts.
    """
    acting = Acting.of(acted)
    rest = acting.vector_without_pain
    if np.array_equal(rest, acting.vector):
        return np.zeros(len(moved.vertices_m), np.float32)
    return displacement_mm(moved, head.pose(rest))


def au_displacements_mm(head: Head, acted: Expression | Acting, neutral: FaceMesh) -> Float[np.ndarray, "6 vertex"]:
    """|x(this AU alone) - neutral| for each of `PAIN_AUS`, in their order; float32 millimetres."""
    intensities = Acting.of(acted).intensities
    rows = np.zeros((len(PAIN_AUS), len(neutral.vertices_m)), np.float32)
    for row, name in zip(rows, PAIN_AUS, strict=True):
        alone = np.zeros(len(AU_NAMES))
        alone[AU_INDEX[name]] = intensities[AU_INDEX[name]]
        if alone.any():
            row[:] = displacement_mm(head.pose(alone), neutral)
    return rows
