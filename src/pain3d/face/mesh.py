"""FaceMesh: the one geometry that pictures and labels are made from."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8


class Region(IntEnum):
    """Classes of the segmentation image; the value is the palette index. The last two are there where they are worn."""

    BACKGROUND = 0
    SKIN = 1
    LIPS = 2
    BROWS = 3
    EYES = 4
    TEETH = 5
    TONGUE = 6
    MOUTH = 7
    HAIR = 8
    GARMENT = 9
    GLASSES = 10
    CANNULA = 11


class Part(IntEnum):
    """What a triangle is made of."""

    SKIN = 0
    """The body surface; the region map of the skin tells skin, lips, brows, hair and garment apart."""
    MOUTH = 1
    """Mucosa: the cavity behind the lips, and the gums."""
    TEETH = 2
    TONGUE = 3
    EYE = 4
    """Sclera, iris and pupil under one cornea."""
    LASH = 5
    """Thin cards, drawn see-through; never labelled."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Topology:
    """What all heads of a model share: triangles, texture coordinates, parts, landmarks.

    A *vertex* here is a render vertex: a point with one texture coordinate. Vertices along a texture seam repeat
    a point.
    """

    triangles: Int[np.ndarray, "triangle 3"]
    """int32, counter-clockwise seen from outside."""
    uvs: Float[np.ndarray, "vertex 2"]
    """float32 in 0..1; u right and v DOWN the texture: texel (row, column) = (v, u) * size. One atlas for all parts."""
    part: UInt8[np.ndarray, " triangle"]
    """`Part` of each triangle."""
    point_of: Int[np.ndarray, " vertex"]
    """int32 index of the point that a vertex stands for; vertices across a seam share it, and share their normal."""
    landmarks: Int[np.ndarray, "68"]
    """Vertex of each iBUG-68 landmark, in the order of that scheme (subject's right jaw first)."""
    measured: Bool[np.ndarray, " vertex"]
    """True where the heatmap measures displacement: body skin, not eyes, teeth, tongue, cavity, garment or lashes."""

    def __post_init__(self) -> None:
        vertices = len(self.uvs)
        if self.triangles.size and not 0 <= self.triangles.min() <= self.triangles.max() < vertices:
            raise ValueError(f"triangles: indices must lie in 0..{vertices - 1}, the vertices that uvs has")
        if len(self.part) != len(self.triangles):
            raise ValueError(f"part: {len(self.part)} entries for {len(self.triangles)} triangles; give one each")
        for name, values in (("point_of", self.point_of), ("measured", self.measured)):
            if len(values) != vertices:
                raise ValueError(f"{name}: {len(values)} entries for {vertices} vertices; give one each")


@dataclass(frozen=True, kw_only=True, eq=False)
class FaceMesh:
    """One head in one pose of its face, in the frame of the neutral head.

    +x points to the subject's left, +y up, +z out of the face; the origin lies between the eyeballs.
    """

    topology: Topology
    vertices_m: Float[np.ndarray, "vertex 3"]
    """float32, metres."""
    normals: Float[np.ndarray, "vertex 3"]
    """float32 unit vectors, smooth, outward."""

    def __post_init__(self) -> None:
        expected = (len(self.topology.uvs), 3)
        for name, values in (("vertices_m", self.vertices_m), ("normals", self.normals)):
            if values.shape != expected:
                raise ValueError(f"{name}: shape {values.shape} does not fit the topology, which needs {expected}")
            if not np.isfinite(values).all():
                raise ValueError(f"{name}: NaN or infinite values; a face has finite coordinates")

    @property
    def landmarks_m(self) -> Float[np.ndarray, "68 3"]:
        """The iBUG-68 landmarks, metres."""
        return self.vertices_m[self.topology.landmarks]


def displacement_mm(moved: FaceMesh, rest: FaceMesh) -> Float[np.ndarray, " vertex"]:
    """How far each measured vertex moved from `rest` to `moved`, in millimetres; 0 where not measured."""
    distance = np.sqrt(np.square(moved.vertices_m - rest.vertices_m).sum(axis=1)) * np.float32(1000)
    return np.where(moved.topology.measured, distance, np.float32(0)).astype(np.float32)
