"""Where everything lies in the texture atlas: one square, u right, v down, row 0 at the top."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from jaxtyping import Float


class AtlasCell(NamedTuple):
    """A rectangle of the atlas, in 0..1."""

    u0: float
    v0: float
    u1: float
    v1: float

    def place(self, uvs: Float[np.ndarray, "*n 2"]) -> Float[np.ndarray, "*n 2"]:
        """Atlas coordinates of points given in 0..1 within the cell."""
        low = np.array([self.u0, self.v0])
        return low + np.asarray(uvs) * (np.array([self.u1, self.v1]) - low)


CELLS: Mapping[str, AtlasCell] = {
    "head": AtlasCell(0.004, 0.004, 0.996, 0.696),
    "torso": AtlasCell(0.004, 0.704, 0.496, 0.996),
    "eyes": AtlasCell(0.504, 0.704, 0.646, 0.846),
    "teeth_gums": AtlasCell(0.654, 0.704, 0.996, 0.846),
    "tongue": AtlasCell(0.504, 0.854, 0.646, 0.996),
    "lashes": AtlasCell(0.654, 0.854, 0.756, 0.996),
    "mouth": AtlasCell(0.764, 0.854, 0.896, 0.996),
    "socket_left": AtlasCell(0.904, 0.854, 0.996, 0.921),
    "socket_right": AtlasCell(0.904, 0.929, 0.996, 0.996),
}
"""Cells never touch: 8 texels of 1024 lie between any two, 4 around the edge."""
