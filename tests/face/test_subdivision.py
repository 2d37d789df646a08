from __future__ import annotations

import numpy as np
import pytest

from pain3d.face.subdivision import SmoothNormals, Subdivision, split_edges, subdivide

CUBE = np.array([[x, y, z] for z in (-1.0, 1.0) for y in (-1.0, 1.0) for x in (-1.0, 1.0)])
CUBE_QUADS = np.array([[0, 2, 3, 1], [4, 5, 7, 6], [0, 1, 5, 4], [2, 6, 7, 3], [0, 4, 6, 2], [1, 3, 7, 5]])


def grid(n: int) -> tuple[np.ndarray, np.ndarray]:
    """n x n quads in the plane."""
    x, y = np.meshgrid(np.arange(n + 1.0), np.arange(n + 1.0))
    points = np.stack([x.ravel(), y.ravel(), np.zeros(x.size)], axis=1)
    corner = (np.arange(n)[:, None] * (n + 1) + np.arange(n)).ravel()
    return points, np.stack([corner, corner + 1, corner + n + 2, corner + n + 1], axis=1)


def once(quads: np.ndarray, points: int, refined: np.ndarray | None = None) -> Subdivision:
    refined = np.ones(len(quads), dtype=bool) if refined is None else refined
    return subdivide(quads, refined, split_edges(quads, refined), points, np.zeros(len(quads), dtype=bool))


def edge_uses(triangles: np.ndarray) -> np.ndarray:
    edges = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    return np.unique(edges, axis=0, return_counts=True)[1]


def test_cube_has_the_textbook_positions() -> None:
    fine = once(CUBE_QUADS, 8)
    points = fine.matrix @ CUBE
    assert points.shape == (8 + 12 + 6, 3)
    # corner: (F + 2R + (n-3)P)/n with n = 3, F mean of face points, R mean of edge middles: 1/9 + 4/9
    np.testing.assert_allclose(np.abs(points[:8]), 5 / 9, atol=1e-6)
    # edge point: mean of both ends and both face points: (1 + 1 + 1 + 0) / 4
    np.testing.assert_allclose(np.sort(np.abs(points[8:20]), axis=1), np.tile([0, 0.75, 0.75], (12, 1)), atol=1e-6)
    np.testing.assert_allclose(np.sort(np.abs(points[20:]), axis=1), np.tile([0, 0, 1.0], (6, 1)), atol=1e-6)


def test_every_new_point_is_an_average_of_old_ones() -> None:
    for quads, count in ((CUBE_QUADS, 8), (grid(5)[1], 36)):
        matrix = once(quads, count).matrix
        np.testing.assert_allclose(np.asarray(matrix.sum(axis=1)), 1, atol=1e-6)
        assert matrix.dtype == np.float32


def test_closed_surface_stays_closed_and_turned_outward() -> None:
    fine = once(CUBE_QUADS, 8)
    assert (edge_uses(fine.triangles) == 2).all()
    corners = (fine.matrix @ CUBE)[fine.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("tk,tk->t", normals, corners.mean(axis=1)) > 0).all()


def test_border_stays_put_and_plane_stays_plane() -> None:
    points, quads = grid(4)
    fine = once(quads, len(points))
    moved = fine.matrix @ points
    border = (points[:, :2] == 0).any(axis=1) | (points[:, :2] == 4).any(axis=1)
    np.testing.assert_allclose(moved[: len(points)][border], points[border], atol=1e-6)
    np.testing.assert_allclose(moved[: len(points)], points, atol=1e-6)  # a regular grid subdivides onto itself
    assert np.all(moved[:, 2] == 0)


@pytest.mark.parametrize("seed", range(8))
def test_partly_refined_surface_has_no_cracks(seed: int) -> None:
    points, quads = grid(6)
    refined = np.random.default_rng(seed).random(len(quads)) < 0.5
    fine = once(quads, len(points), refined)
    place = fine.matrix @ points
    inner = edge_uses(fine.triangles)
    assert inner.max() == 2
    a, b, c = (place[fine.triangles[:, k], :2] for k in range(3))
    areas = ((b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]) / 2
    assert areas.min() > 0
    assert areas.sum() == pytest.approx(36, abs=1e-4)
    open_edges = fine.triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2)
    _, first, uses = np.unique(np.sort(open_edges, axis=1), axis=0, return_index=True, return_counts=True)
    ends = place[open_edges[first[uses == 1]], :2]
    on_border = (ends == 0).all(axis=1) | (ends == 6).all(axis=1)
    assert on_border.any(axis=1).all()  # an edge that only one triangle has lies on the outline, never inside


def test_normals_of_a_sphere_point_outward() -> None:
    points, quads = CUBE.copy(), CUBE_QUADS
    for _ in range(4):
        fine = once(quads, len(points))
        points = fine.matrix @ points
        points /= np.linalg.norm(points, axis=1, keepdims=True)
        quads = _quads_of(fine)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    normals = SmoothNormals(triangles, len(points))(points.astype(np.float32))
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    assert np.einsum("pk,pk->p", normals, points).min() > 0.99


def _quads_of(fine: Subdivision) -> np.ndarray:
    """Pairs of triangles (corner, after, centre), (corner, centre, before) of a wholly refined mesh as quads."""
    corners = fine.triangles.reshape(-1, 8, 3)
    first, second = corners[:, 0::2].reshape(-1, 3), corners[:, 1::2].reshape(-1, 3)
    assert (first[:, 0] == second[:, 0]).all() and (first[:, 2] == second[:, 1]).all()
    return np.stack([first[:, 0], first[:, 1], first[:, 2], second[:, 2]], axis=1)


def test_a_collapsed_triangle_gives_a_unit_normal() -> None:
    triangles = np.array([[0, 1, 2]])
    normals = SmoothNormals(triangles, 3)(np.zeros((3, 3), dtype=np.float32))
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1)
