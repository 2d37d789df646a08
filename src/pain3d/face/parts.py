"""The seam between the head model and whatever it composes: eyes, teeth, tongue, lashes.

An anatomy part has a topology of its own that never changes and a rule that places its points for one pose. The head
model appends parts to the body skin: it offsets their triangles, maps their texture coordinates into the cell of the
atlas that they name, and computes all normals.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from pain3d.face.atlas_layout import CELLS


@dataclass(frozen=True, kw_only=True, eq=False)
class PartTopology:
    """What never changes about a part."""

    triangles: Int[np.ndarray, "triangle 3"]
    """Into the part's own vertices, counter-clockwise seen from outside."""
    uvs: Float[np.ndarray, "vertex 2"]
    """0..1 within the part's own atlas cell, v down."""
    part: UInt8[np.ndarray, " triangle"]
    """`pain3d.face.mesh.Part` of each triangle."""
    point_of: Int[np.ndarray, " vertex"]
    """Which of the placed points a vertex stands for; vertices that share a point share a normal."""


class AnatomyPart(ABC):
    """Something that is not body skin."""

    cell: str
    """Key of `pain3d.face.atlas_layout.CELLS`; parts may share a cell (both eyes do)."""
    topology: PartTopology

    @abstractmethod
    def place(
        self,
        posed_m: Float[np.ndarray, "coarse 3"],
        neutral_m: Float[np.ndarray, "coarse 3"],
        body_m: Float[np.ndarray, "body 3"],
    ) -> Float[np.ndarray, "point 3"]:
        """Where the part's points are.

        Args:
            posed_m: coarse vertices of this pose (`CoarseModel` numbering, helpers included, head frame, metres).
            neutral_m: those of the same person at rest.
            body_m: final points of the body skin in this pose, lids settled; a body vertex has the same number here as
                in the coarse model.
        """

    def normals(self, points_m: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"] | None:
        """Unit normals of placed points; None: smooth ones, from the triangles."""
        return None


def checked_cell(part: AnatomyPart) -> str:
    """The part's cell.

    Raises:
        ValueError: if the atlas has no such cell.
    """
    if part.cell not in CELLS:
        raise ValueError(f"cell: the atlas has no {part.cell!r}; choose one of {', '.join(CELLS)}")
    return part.cell
