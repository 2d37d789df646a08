"""Wardrobe: all things that one subject wears over its skin, as one mesh in any pose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from pain3d.face.mesh import FaceMesh
from pain3d.face.model import Head
from pain3d.facs import Expression
from pain3d.skin.looks import Worn
from pain3d.worn.cannula import CANNULA_MATERIALS, CannulaPath, cannula
from pain3d.worn.frames import frame_style
from pain3d.worn.glasses import fitted_glasses, glasses_materials
from pain3d.worn.ground import WornGround
from pain3d.worn.solids import Material, Solid, joined

STRAINS = (
    Expression(AU4=5, AU6=5, AU7=5, AU9=5, AU10=5),
    Expression(AU6=5, AU12=5),
    Expression(AU1=5, AU2=5),
)
"""Cheeks and brows where glasses have to leave room."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Wardrobe:
    """Things worn over the skin of one subject."""

    rigid: Solid | None
    """What follows the head alone: glasses."""
    path: CannulaPath | None
    """Where the cannula lies, which moves with the skin."""
    materials: tuple[Material, ...]
    """Those of the glasses, then those of the cannula."""
    triangles: Int[np.ndarray, "triangle 3"]
    """Into the vertices of any pose."""
    material: Int[np.ndarray, " triangle"]
    """Index into `materials`."""
    strength: Float[np.ndarray, " vertex"]
    """Share of its material's cover that each vertex has."""

    def posed(self, mesh: FaceMesh) -> tuple[Float[np.ndarray, "vertex 3"], Float[np.ndarray, "vertex 3"]]:
        """Vertices [m] and normals on the bare head in a pose."""
        whole = joined(_parts(self.rigid, self.path, mesh, 0))
        return whole.points_mm / 1000.0, whole.normals


def wardrobe_of(worn: Sequence[Worn], seed: int, head: Head, ground: WornGround) -> Wardrobe | None:
    """What a subject wears over its skin; None where that is nothing.

    Args:
        worn: names of the things.
        seed: of the subject; it chooses the frame.
        head: bare.
        ground: of the head model.
    """
    neutral = head.neutral
    glasses, materials = None, ()
    if "glasses" in worn:
        style = frame_style(seed)
        glasses = fitted_glasses(style, ground, neutral, tuple(head.express(strain) for strain in STRAINS))
        materials = glasses_materials(style)
    path = ground.cannula if "cannula" in worn else None
    parts = _parts(glasses, path, neutral, len(materials))
    if not parts:
        return None
    whole = joined(parts)
    return Wardrobe(
        rigid=glasses,
        path=path,
        materials=materials + (CANNULA_MATERIALS if path is not None else ()),
        triangles=whole.triangles,
        material=whole.material,
        strength=whole.strength,
    )


def _parts(rigid: Solid | None, path: CannulaPath | None, mesh: FaceMesh, first: int) -> list[Solid]:
    """What is worn in a pose; `first` is the number of the cannula's first material."""
    parts = [] if rigid is None else [rigid]
    if path is not None:
        tube = cannula(path, mesh)
        parts.append(replace(tube, material=tube.material + first))
    return parts
