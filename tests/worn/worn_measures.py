"""Distances between worn things and heads, for tests."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np

from pain3d.demographics import age_range, cell_of
from pain3d.face import makehuman
from pain3d.face.mesh import FaceMesh, Part, Region
from pain3d.skin.looks import PLAIN
from pain3d.skin.template import masks
from pain3d.synth.subject import Subject
from pain3d.worn.anchors import Anchors

PRONG_VERTICES = 2 * (9 * 12 + 2 * 12)
"""Prongs end inside the nostrils."""
CELLS = (0, 7, 13, 26, 34)
"""One subject of each appearance group, all age bands, both sexes."""


@cache
def wearer(number: int) -> Subject:
    """A subject of cell `number` with glasses and cannula."""
    cell = cell_of(number)
    age = sum(age_range(cell.age_band)) // 2
    return Subject.sample(
        100 + number,
        age_years=age,
        sex=cell.sex,
        ethnicity=cell.ethnicity,
        looks=replace(PLAIN, glasses=1.0, cannula=1.0),
    )


@cache
def bare_triangles(ear: float) -> np.ndarray:
    """Triangles of the skin whose share of ear is below a bound."""
    model = makehuman.load()
    share = masks(model.base_uvs, ["ears"])["ears"]
    skin = model.topology.triangles[model.topology.part == Part.SKIN]
    return skin[(share[skin] < ear).all(axis=1)]


def eye_triangles() -> np.ndarray:
    topology = makehuman.load().topology
    return topology.triangles[topology.part == Part.EYE]


def outside_mm(places_mm: np.ndarray, mesh: FaceMesh, triangles: np.ndarray) -> np.ndarray:
    """Distance from the nearest point of a surface, negative inside."""
    points, normals = Anchors.bound(places_mm, mesh.vertices_m.astype(np.float64) * 1000.0, triangles).on(mesh)
    off = places_mm - points
    return np.sign((off * normals).sum(axis=1)) * np.linalg.norm(off, axis=1)


def vertices_of(subject: Subject, *regions: Region) -> np.ndarray:
    """Numbers of the wardrobe's vertices that belong to materials of these regions."""
    wardrobe = subject.wardrobe
    assert wardrobe is not None
    chosen = [i for i, material in enumerate(wardrobe.materials) if material.region in regions]
    return np.unique(wardrobe.triangles[np.isin(wardrobe.material, chosen)])


def tube_vertices(subject: Subject) -> np.ndarray:
    """Those of the cannula without its prongs."""
    return vertices_of(subject, Region.CANNULA)[:-PRONG_VERTICES]


def posed_mm(subject: Subject, mesh: FaceMesh) -> np.ndarray:
    assert subject.wardrobe is not None
    return subject.wardrobe.posed(mesh)[0] * 1000.0
