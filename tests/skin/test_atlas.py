"""What lies under each texel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pain3d.face.mesh import FaceMesh, Part
from pain3d.skin.atlas import FAR_MM, SkinAtlas, bake_atlas, cell_texels, nearest_true
from pain3d.skin.fields import Field, canonical_mm, polyline
from pain3d.skin.template import Template


def test_texels_interpolate_the_triangles_that_cover_them(atlas: SkinAtlas, template: Template) -> None:
    """Held against a plain search over all triangles."""
    mesh = template.mesh
    topology = mesh.topology
    position = canonical_mm(mesh.vertices_m, topology.landmarks)
    corners = topology.uvs[topology.triangles].astype(np.float64) * atlas.size
    rng = np.random.default_rng(1)
    for k in rng.choice(len(atlas.texel), 60, replace=False):
        texel = atlas.texel[k]
        x, y = texel % atlas.size + 0.5, texel // atlas.size + 0.5
        a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
        area = (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (b[:, 1] - a[:, 1])
        area = np.where(np.abs(area) < 1e-9, np.nan, area)
        w1 = ((x - a[:, 0]) * (c[:, 1] - a[:, 1]) - (c[:, 0] - a[:, 0]) * (y - a[:, 1])) / area
        w2 = ((b[:, 0] - a[:, 0]) * (y - a[:, 1]) - (x - a[:, 0]) * (b[:, 1] - a[:, 1])) / area
        weights = np.stack([1 - w1 - w2, w1, w2], axis=1)
        covering = np.flatnonzero((weights > -2e-4).all(axis=1))
        expected = (weights[covering, :, None] * position[topology.triangles[covering]]).sum(axis=1)
        found = atlas.position_mm[texel]
        assert np.linalg.norm(expected - found, axis=1).min() < 0.05


def test_every_texel_is_accounted_for(atlas: SkinAtlas) -> None:
    size = atlas.size
    seen = np.zeros(size * size, dtype=int)
    seen[atlas.texel] += 1
    seen[atlas.empty] += 1
    for name in ("eyes", "teeth_gums", "lashes"):
        row, column, rows, columns = cell_texels(name, size)
        seen.reshape(size, size)[row : row + rows, column : column + columns] += 1
    assert (seen == 1).all()
    assert set(np.unique(atlas.part)) == {Part.SKIN, Part.MOUTH, Part.TONGUE}
    uncovered = np.ones(size * size, dtype=bool)
    uncovered[atlas.texel] = False
    assert (atlas.position_mm[uncovered] == FAR_MM).all()
    assert np.abs(atlas.position_mm[~uncovered]).max() < 600


def test_sides_are_alike(atlas: SkinAtlas) -> None:
    """Fields depend on |x|: at mirrored places they agree."""
    position = atlas.position_mm[atlas.texel]
    face = (atlas.part == Part.SKIN) & (atlas.fields[:, Field.FACE] > 0.9)
    right = np.flatnonzero(face & (position[:, 0] < -5))[::97]
    left = np.flatnonzero(face & (position[:, 0] > 5))
    from scipy.spatial import cKDTree

    distance, at = cKDTree(position[left]).query(position[right] * [-1, 1, 1])
    close = distance < 0.4
    assert close.mean() > 0.5
    for field in (Field.BLOOD, Field.BEARD, Field.BROW_S, Field.LIP):
        a, b = atlas.fields[right[close], field], atlas.fields[left[at[close]], field]
        assert np.median(np.abs(a - b)) < 0.02


def test_landmarks_lie_where_the_fields_say(atlas: SkinAtlas, template: Template) -> None:
    position = atlas.position_mm[atlas.texel]
    marks = canonical_mm(template.mesh.vertices_m, template.mesh.topology.landmarks)[template.mesh.topology.landmarks]

    def at(mark: int, field: Field) -> float:
        skin = np.flatnonzero(atlas.part == Part.SKIN)
        near = np.linalg.norm(position[skin] - marks[mark], axis=1)
        return float(atlas.fields[skin[near.argmin()], field])

    assert at(17, Field.BROW_S) > 0.9 > 0.7 > at(19, Field.BROW_S) > 0.25 > 0.1 > at(21, Field.BROW_S)
    assert abs(at(24, Field.BROW_T)) < 2.5
    assert at(57, Field.LIP) > 0.25 and at(8, Field.LIP) < 0.05
    assert at(8, Field.BEARD) > 0.7 and at(30, Field.BEARD) < 0.05 and at(27, Field.BEARD) < 0.05
    assert at(30, Field.SCALP) < -50
    assert at(30, Field.COLLAR) < -80


def test_nearest_true_is_nearest() -> None:
    mask = np.random.default_rng(0).random((20, 30)) < 0.03
    rows, columns = np.nonzero(mask)
    got = nearest_true(mask)
    for r in range(20):
        for c in range(30):
            best = ((rows - r) ** 2 + (columns - c) ** 2).min()
            gr, gc = divmod(int(got[r, c]), 30)
            assert mask[gr, gc] and (gr - r) ** 2 + (gc - c) ** 2 == best


def test_polyline_runs_on_at_its_ends() -> None:
    line = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0]])
    along, nearest = polyline(np.array([[-2.0, 3.0], [5.0, -1.0], [12.0, 5.0], [10.0, 14.0]]), line)
    np.testing.assert_allclose(along, [-0.1, 0.25, 0.75, 1.2])
    np.testing.assert_allclose(nearest, [[-2, 0], [5, 0], [10, 5], [10, 14]])


def test_a_size_that_mips_cannot_halve_is_refused(template: Template) -> None:
    with pytest.raises(ValueError, match=r"^size: 1000 is not a power of two from 256 on; 1024 suits"):
        bake_atlas(template, 1000)


def test_a_template_out_of_its_frame_is_refused(template: Template) -> None:
    mesh = template.mesh
    upside_down = FaceMesh(topology=mesh.topology, vertices_m=-mesh.vertices_m, normals=mesh.normals)
    with pytest.raises(ValueError, match="landmarks: chin, lips, nose and eyes of the template"):
        bake_atlas(dataclasses.replace(template, mesh=upside_down), 256)
