"""The 66 landmarks of active appearance models as iBUG-68.

The 66 points are those of iBUG-68 in the same order without the inner corners of the mouth, 60 and 64 (counted from 0).
Each of the two is put on the line from its outer corner (48, 54) to the middle of its inner neighbours (61 and 67, 63
and 65), at the share measured on faces whose 68 points are known. They are filled in so that crops and models which
read 68 points work; an error of landmarks is to be measured without them.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

INNER_CORNERS = (60, 64)
"""The landmarks that are filled in."""

INNER_CORNER_SHARE = 0.16
"""Way from the outer corner to the middle of the inner neighbours, fitted on frames of ours. How far off the points are
then, benchmarks/landmarks66.py tells."""

_KEPT = tuple(point for point in range(68) if point not in INNER_CORNERS)
_AROUND = {60: (48, 61, 67), 64: (54, 63, 65)}


def ibug68_of_66(points: Float[np.ndarray, "66 2"]) -> Float[np.ndarray, "68 2"]:
    """The points in iBUG's order, the inner corners of the mouth filled in; float32, same unit."""
    full = np.zeros((68, 2))
    full[list(_KEPT)] = points
    for corner, (outer, above, below) in _AROUND.items():
        middle = (full[above] + full[below]) / 2
        full[corner] = full[outer] + INNER_CORNER_SHARE * (middle - full[outer])
    return full.astype(np.float32)
