"""Solids: small triangle meshes with materials, swept along lines."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import IntEnum

import numpy as np
from jaxtyping import Float, Int

from pain3d.face.mesh import Region
from pain3d.skin.traits import Rgb


class Layer(IntEnum):
    """Which surfaces hide each other: of each layer the nearest is drawn, the layers one over the other."""

    SOLID = 0
    SOFT = 1
    """See-through things on the skin: tubes, pads, and their shade."""
    LENS = 2
    """Panes in front of all that."""


@dataclass(frozen=True, kw_only=True)
class Material:
    """What a surface of a worn thing looks like."""

    albedo: Rgb
    """Linear colour of what is scattered."""
    mirror: Rgb
    """Share of light mirrored at normal incidence; coloured for metals."""
    roughness: float
    """0 polished .. 1 matt."""
    cover: tuple[float, float] = (1.0, 1.0)
    """Share of what lies behind that is hidden, seen from the front and at grazing view."""
    region: Region
    """Class that the labels say; BACKGROUND leaves the labels of what lies behind."""
    layer: Layer = Layer.SOLID


@dataclass(frozen=True, kw_only=True, eq=False)
class Solid:
    """A mesh in millimetres of the head frame; triangles are counter-clockwise seen from outside."""

    points_mm: Float[np.ndarray, "vertex 3"]
    normals: Float[np.ndarray, "vertex 3"]
    triangles: Int[np.ndarray, "triangle 3"]
    material: Int[np.ndarray, " triangle"]
    """Index into a table of materials."""
    strength: Float[np.ndarray, " vertex"] = field(default_factory=lambda: np.zeros(0))
    """Share of its material's cover that each vertex has; 1 everywhere when left out."""

    def __post_init__(self) -> None:
        if not len(self.strength):
            object.__setattr__(self, "strength", np.ones(len(self.points_mm)))

    def mirrored(self) -> Solid:
        """The same on the other side of the face."""
        flip = np.array([-1.0, 1.0, 1.0])
        return replace(
            self, points_mm=self.points_mm * flip, normals=self.normals * flip, triangles=self.triangles[:, ::-1]
        )


def joined(solids: Sequence[Solid]) -> Solid:
    """Several solids as one."""
    first = np.cumsum([0, *(len(solid.points_mm) for solid in solids)])
    return Solid(
        points_mm=np.concatenate([solid.points_mm for solid in solids]),
        normals=np.concatenate([solid.normals for solid in solids]),
        triangles=np.concatenate([solid.triangles + first[i] for i, solid in enumerate(solids)]),
        material=np.concatenate([solid.material for solid in solids]),
        strength=np.concatenate([solid.strength for solid in solids]),
    )


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors of length 1 along the last axis."""
    return vectors / np.maximum(np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True)), 1e-12)


def tangents(line: Float[np.ndarray, "point 3"], *, closed: bool) -> Float[np.ndarray, "point 3"]:
    """Unit directions along a line."""
    if closed:
        return unit(np.roll(line, -1, axis=0) - np.roll(line, 1, axis=0))
    return unit(np.gradient(line, axis=0))


def section(sides: int, corner: float = 2.0) -> tuple[Float[np.ndarray, "side 2"], Float[np.ndarray, "side 2"]]:
    """Points and unit normals around a cross-section of half widths 1: an ellipse, with larger `corner` a box."""
    turn = (np.arange(sides) + 0.5) * (2 * np.pi / sides)
    c, s = np.cos(turn), np.sin(turn)
    points = np.stack([np.sign(c) * np.abs(c) ** (2 / corner), np.sign(s) * np.abs(s) ** (2 / corner)], axis=1)
    slopes = np.sign(points) * np.abs(points) ** (corner - 1)
    return points, unit(slopes)


def sweep(
    line: Float[np.ndarray, "point 3"],
    up: Float[np.ndarray, "point 3"],
    half_mm: Float[np.ndarray, "point 2"],
    *,
    closed: bool,
    material: int,
    sides: int = 12,
    corner: float = 2.0,
) -> Solid:
    """A bar along a line: its cross-section has half widths `half_mm` across and along `up`; open ends are capped."""
    along = tangents(line, closed=closed)
    across = unit(np.cross(along, up))
    lift = np.cross(across, along)
    outline, slopes = section(sides, corner)
    offset = outline[None] * half_mm[:, None]
    points = line[:, None] + offset[..., :1] * across[:, None] + offset[..., 1:] * lift[:, None]
    # normals of a stretched section are stretched the other way
    lean = unit(slopes[None] / np.maximum(half_mm[:, None], 1e-6))
    normals = lean[..., :1] * across[:, None] + lean[..., 1:] * lift[:, None]
    count = len(line)
    ring = np.arange(count if closed else count - 1)
    i, j = ring[:, None], np.arange(sides)[None]
    ahead, beside = (i + 1) % count, (j + 1) % sides
    a, b, c, d = (row * sides + column for row, column in ((i, j), (ahead, j), (ahead, beside), (i, beside)))
    quads = [np.stack([a, b, c], axis=-1).reshape(-1, 3), np.stack([a, c, d], axis=-1).reshape(-1, 3)]
    points, normals = points.reshape(-1, 3), normals.reshape(-1, 3)
    if not closed:
        fan = np.arange(1, sides - 1)
        cap = np.stack([np.zeros_like(fan), fan, fan + 1], axis=1)
        last = (count - 1) * sides
        ends = [len(points) + cap, len(points) + sides + cap[:, ::-1]]
        points = np.concatenate([points, points[:sides], points[last:]])
        normals = np.concatenate([normals, np.repeat(-along[:1], sides, axis=0), np.repeat(along[-1:], sides, axis=0)])
        quads += ends
    triangles = np.concatenate(quads).astype(np.int64)
    return Solid(points_mm=points, normals=normals, triangles=triangles, material=np.full(len(triangles), material))


def resampled(line: Float[np.ndarray, "point 3"], count: int, *, closed: bool = False) -> Float[np.ndarray, "n 3"]:
    """Points at equal distances along a polyline."""
    whole = np.concatenate([line, line[:1]]) if closed else line
    length = np.concatenate([[0.0], np.cumsum(np.sqrt(np.square(np.diff(whole, axis=0)).sum(axis=1)))])
    at = np.linspace(0.0, length[-1], count, endpoint=not closed)
    return np.stack([np.interp(at, length, whole[:, axis]) for axis in range(3)], axis=1)
