"""iBUG-68 landmarks on the base mesh: jaw 0-16, brows 17-26, nose 27-35, eyes 36-47, lips 48-67.

The scheme runs from the subject's right to the left; only the middle and the left half are listed, the right half is
its mirror image. Picked by eye on clay views: the jaw along the edge of the mandible from the ear to the chin, the
brows on the ridge above the eye, eyes and inner lips on the margins that open and close.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from pain3d.face.coarse import CoarseModel

LEFT: Mapping[int, tuple[int, ...]] = {
    8: (5296,),
    9: (11899,),
    10: (7593,),
    11: (7594,),
    12: (7596,),
    13: (7614,),
    14: (11847,),
    15: (7573,),
    16: (12001,),
    22: (
        7001,
        6983,
    ),
    23: (
        6983,
        7006,
        6997,
        6980,
    ),
    24: (
        6997,
        6996,
    ),
    25: (
        6998,
        7004,
    ),
    26: (11869,),
    27: (132,),
    28: (131,),
    29: (201,),
    30: (5054,),
    33: (317,),
    34: (7077,),
    35: (7119,),
    42: (6853,),
    43: (6838,),
    44: (6784,),
    45: (6805,),
    46: (6825,),
    47: (6831,),
    51: (455,),
    52: (7215,),
    53: (7170,),
    54: (7162,),
    55: (7166,),
    56: (
        7235,
        7241,
    ),
    57: (492,),
    62: (474,),
    63: (7226,),
    64: (7188,),
    65: (7236,),
    66: (493,),
}
"""Vertices of `base.obj`; of several, the point of the subdivided skin nearest to their middle counts."""

MIRROR: tuple[int, ...] = (
    *range(16, -1, -1),
    *range(26, 16, -1),
    *range(27, 31),
    *range(35, 30, -1),
    *(45, 44, 43, 42, 47, 46),
    *(39, 38, 37, 36, 41, 40),
    *range(54, 47, -1),
    *range(59, 54, -1),
    *range(64, 59, -1),
    *range(67, 64, -1),
)
"""The landmark that each one turns into when the face is seen in a mirror."""


def landmark_points(
    coarse: CoarseModel, points_m: Float[np.ndarray, "point 3"], candidates: Int[np.ndarray, " some"]
) -> Int[np.ndarray, "68"]:
    """The skin point of each landmark.

    Args:
        coarse: the coarse model.
        points_m: subdivided skin of the base mesh, in the frame of the file.
        candidates: points that may be landmarks: those of the outer skin.
    """
    from scipy.spatial import KDTree  # slow to import; only what is not cached yet needs it

    tree = KDTree(points_m[candidates])
    found = np.full(68, -1, dtype=np.int64)
    for landmark, vertices in LEFT.items():
        numbers = coarse.index_of(vertices)
        # alone, a vertex keeps its number in the subdivided skin
        place = points_m[numbers[0]] if len(numbers) == 1 else coarse.base_m[numbers].mean(axis=0)
        found[landmark] = candidates[tree.query(place)[1]]
        found[MIRROR[landmark]] = candidates[tree.query(place * np.array((-1, 1, 1)))[1]]
    return found
