"""Swept bars are closed, face outwards, and mirror images stay so."""

from __future__ import annotations

import numpy as np
import pytest

from pain3d.worn.solids import Solid, joined, resampled, sweep

LINE = np.stack([np.linspace(0, 30, 16), np.zeros(16), np.zeros(16)], axis=1)
UP = np.tile((0.0, 1.0, 0.0), (16, 1))


def volume_mm3(solid: Solid) -> float:
    """Positive where triangles face outwards."""
    a, b, c = (solid.points_mm[solid.triangles[:, k]] for k in range(3))
    return float((a * np.cross(b, c)).sum() / 6)


def bar(*, closed: bool, corner: float = 2.0) -> Solid:
    line = LINE
    if closed:
        turn = np.arange(40) * (2 * np.pi / 40)
        line = np.stack([20 * np.cos(turn), 20 * np.sin(turn), np.zeros(40)], axis=1)
    up = np.tile((0.0, 1.0, 0.0) if not closed else (0.0, 0.0, 1.0), (len(line), 1))
    return sweep(line, up, np.tile((1.0, 2.0), (len(line), 1)), closed=closed, material=3, sides=24, corner=corner)


@pytest.mark.parametrize("closed", [False, True])
@pytest.mark.parametrize("mirrored", [False, True])
def test_the_volume_of_a_bar_is_that_of_its_section(closed, mirrored):
    solid = bar(closed=closed)
    length = 2 * np.pi * 20 if closed else 30
    found = volume_mm3(solid.mirrored() if mirrored else solid)
    assert found == pytest.approx(np.pi * 1.0 * 2.0 * length, rel=0.03)


@pytest.mark.parametrize("closed", [False, True])
def test_normals_agree_with_triangles(closed):
    solid = bar(closed=closed, corner=4.5)
    np.testing.assert_allclose(np.linalg.norm(solid.normals, axis=1), 1, atol=1e-9)
    a, b, c = (solid.points_mm[solid.triangles[:, k]] for k in range(3))
    face = np.cross(b - a, c - a)
    assert ((face * solid.normals[solid.triangles].sum(axis=1)).sum(axis=1) > -1e-9).all()


def test_squarer_sections_hold_more():
    assert volume_mm3(bar(closed=False, corner=4.5)) > 1.1 * volume_mm3(bar(closed=False))


def test_joined_solids_keep_their_triangles():
    one, other = bar(closed=False), bar(closed=True)
    both = joined([one, other])
    assert volume_mm3(both) == pytest.approx(volume_mm3(one) + volume_mm3(other))
    assert set(both.material) == {3}
    assert (both.strength == 1).all()


def test_resampled_points_stand_evenly():
    line = resampled(np.array([[0.0, 0, 0], [1, 0, 0], [10, 0, 0]]), 6)
    np.testing.assert_allclose(np.diff(line[:, 0]), 2.0)
