"""The texture atlas: nothing folds, nothing overlaps, and the face gets the texels."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from scipy.spatial import KDTree

from pain3d.face import makehuman
from pain3d.face.atlas_layout import CELLS, CHARTS, face_weight
from pain3d.face.makehuman import MakeHuman
from pain3d.streams import stream

ATLAS = 1024


@pytest.fixture(scope="module")
def model() -> MakeHuman:
    return makehuman.load()


def signed_areas(uvs: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b = (uvs[triangles[:, k]].astype(np.float64) - uvs[triangles[:, 0]] for k in (1, 2))
    return (a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]) / 2


def test_no_triangle_of_the_skin_is_folded_over(model: MakeHuman) -> None:
    assert signed_areas(model.skin.uvs, model.skin.triangles).max() < 0  # v points down: all clockwise on paper


def test_no_two_triangles_of_the_skin_overlap(model: MakeHuman) -> None:
    """Each texel centre of a 2048 grid lies in one triangle at most."""
    size = 2048
    hits = np.zeros((size, size), dtype=np.uint8)
    corners = model.skin.uvs.astype(np.float64)[model.skin.triangles] * size
    low, high = np.floor(corners.min(axis=1)).astype(int), np.ceil(corners.max(axis=1)).astype(int)
    for corner, (x0, y0), (x1, y1) in zip(corners, low, high, strict=True):
        x, y = np.meshgrid(np.arange(x0, x1) + 0.5, np.arange(y0, y1) + 0.5)
        inside = np.ones(x.shape, dtype=bool)
        for k in range(3):
            (ax, ay), (bx, by) = corner[k], corner[(k + 1) % 3]
            inside &= (bx - ax) * (y - ay) - (by - ay) * (x - ax) < -1e-6
        hits[y0:y1, x0:x1] += inside
    assert hits.max() == 1
    assert (hits > 0).mean() > 0.6  # how much of the atlas the skin fills


def test_head_is_its_own_mirror_image(model: MakeHuman) -> None:
    head = np.unique(model.skin.triangles[model.skin.chart == CHARTS.index("head")])
    uvs = model.skin.uvs[head]
    distance, twin = KDTree(uvs).query(uvs * (-1, 1) + (1, 0))
    assert distance.max() < 1e-5
    base_m = (model.skin.matrix @ model.coarse.base_m)[model.skin.point_of[head]]
    np.testing.assert_allclose(base_m[twin], base_m * (-1, 1, 1), atol=2e-5)
    left = base_m[:, 0] > 0.001
    assert uvs[left, 0].min() > 0.5  # u grows to the subject's left


def test_face_has_a_third_of_a_millimetre_a_texel(model: MakeHuman) -> None:
    triangles = model.skin.triangles
    texels = np.abs(signed_areas(model.skin.uvs, triangles)) * ATLAS**2
    template_m = model.template.vertices_m.astype(np.float64)
    corners = template_m[triangles]
    middle = corners.mean(axis=1)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    face = (model.skin.chart == CHARTS.index("head")) & (face_weight(middle, normals) > 0.9)
    for k in range(3):
        sex = ("female", "male")[k % 2]
        head = model.head(model.sample(stream(0, "atlas", k), age_years=40, sex=sex, ethnicity="white"))
        corners = head.neutral.vertices_m.astype(np.float64)[triangles]
        mm2 = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2 * 1e6
        assert np.sqrt(mm2[face].sum() / texels[face].sum()) < 0.35
        size = np.sqrt(mm2 / texels)[face]
        share = mm2[face] / mm2[face].sum()
        assert share[size < 0.45].sum() > 0.95


def test_cells_do_not_touch() -> None:
    gap = 8 / ATLAS - 1e-4
    for a, b in itertools.combinations(CELLS.values(), 2):
        apart = max(a.u0 - b.u1, b.u0 - a.u1, a.v0 - b.v1, b.v0 - a.v1)
        assert apart > gap


def test_each_chart_stays_in_its_cell(model: MakeHuman) -> None:
    for k, name in enumerate(CHARTS):
        uvs = model.skin.uvs[np.unique(model.skin.triangles[model.skin.chart == k])]
        cell = CELLS[name]
        assert (uvs.min(axis=0) >= np.array(cell[:2]) - 1e-6).all()
        assert (uvs.max(axis=0) <= np.array(cell[2:]) + 1e-6).all()
