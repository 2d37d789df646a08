"""The cannula lies on the skin of every head in every pose: never inside, never far off."""

from __future__ import annotations

import numpy as np
import pytest
from worn_measures import CELLS, bare_triangles, outside_mm, posed_mm, tube_vertices, wearer

from pain3d.facs import AU_NAMES, Expression
from pain3d.synth.subject import Subject
from pain3d.worn.anchors import Anchors
from pain3d.worn.cannula import TUBE_MM, taut

FULL = [Expression(**{name: 1 if name == "AU43" else 5}) for name in AU_NAMES]
JOINT = [Expression(), Expression(AU4=5, AU6=5, AU7=5, AU9=5, AU10=5, AU25=5), Expression(AU6=5, AU12=5, AU26=5)]


def seen(places_mm: np.ndarray) -> np.ndarray:
    """Off the ears, behind which the tube runs in a fold."""
    return places_mm[(places_mm[:, 2] > -50) | (places_mm[:, 1] < -62)]


def gap_mm(subject: Subject, expression: Expression) -> np.ndarray:
    mesh = subject.head.express(expression)
    return outside_mm(seen(posed_mm(subject, mesh)[tube_vertices(subject)]), mesh, bare_triangles(0.5))


@pytest.mark.parametrize("number", CELLS)
def test_the_tube_lies_on_the_skin(number):
    for expression in JOINT:
        gap = gap_mm(wearer(number), expression)
        assert gap.min() > -0.1
        # its far side is a tube's width away, the slider's two and a half millimetres more
        assert gap.max() < 2 * TUBE_MM + 3.0


@pytest.mark.parametrize("number", CELLS[:3])
def test_no_action_unit_pushes_skin_through_the_tube(number):
    for expression in FULL:
        gap = gap_mm(wearer(number), expression)
        assert gap.min() > -0.1, expression
        assert gap.max() < 2 * TUBE_MM + 3.0, expression


def test_it_moves_with_the_skin_and_keeps_its_triangles():
    subject = wearer(CELLS[0])
    rest = posed_mm(subject, subject.head.neutral)
    smiling = posed_mm(subject, subject.head.express(Expression(AU12=5)))
    assert rest.shape == smiling.shape
    moved = np.linalg.norm(smiling - rest, axis=1)[tube_vertices(subject)]
    assert 1.0 < moved.max() < 20.0


def test_both_sides_are_alike_on_a_symmetric_path():
    subject = wearer(CELLS[1])
    tube = posed_mm(subject, subject.head.neutral)[tube_vertices(subject)]
    assert abs(tube[:, 0].max() + tube[:, 0].min()) < 4.0


def test_a_taut_line_bridges_a_ditch_and_stays_over_flat_ground():
    along = np.arange(41) * 3.0
    depth = -6.0 * np.exp(-np.square((along - 60) / 6.0))
    skin = np.zeros((41, 1, 3))
    skin[:, 0, 0], skin[:, 0, 1] = along, depth
    normals = np.zeros_like(skin)
    normals[..., 1] = 1.0
    half = np.full((41, 2), TUBE_MM)
    line = taut(skin, normals, half)
    height = line[:, 1] - depth
    assert height.min() >= TUBE_MM
    assert height[20] > height[0] + 1.0


def test_places_on_a_surface_are_found_again():
    subject = wearer(CELLS[0])
    mesh = subject.head.neutral
    triangles = bare_triangles(0.5)
    corners = triangles[::500]
    share = np.array([0.2, 0.3, 0.5])
    places = (mesh.vertices_m[corners].astype(np.float64) * share[:, None]).sum(axis=1) * 1000.0
    found = Anchors.bound(places, mesh.vertices_m.astype(np.float64) * 1000.0, triangles)
    np.testing.assert_allclose(found.on(mesh)[0], places, atol=1e-6)
    np.testing.assert_allclose(found.share.sum(axis=1), 1.0)
