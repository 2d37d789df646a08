"""Lids close exactly, never cross, and never touch the eye: on every stratum, and in any company."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rig_measures import (
    aperture_mm,
    cells,
    gaps_mm,
    head_of,
    inside_eye,
    margin_heights_mm,
    margins,
    skin,
)

from pain3d.face import makehuman
from pain3d.face.lid_rings import MARGIN_RING, lid_rings
from pain3d.face.makehuman import MakeHuman, MakeHumanHead

few = settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
levels = st.floats(0, 5)


@pytest.fixture(scope="module")
def model() -> MakeHuman:
    return makehuman.load()


@pytest.fixture(scope="module")
def heads(model: MakeHuman) -> list[MakeHumanHead]:
    """One person of each stratum, with expressiveness and asymmetry as drawn."""
    return [head_of(model, cell, seed, even=False) for seed, cell in enumerate(cells())]


@pytest.mark.parametrize("company", [{}, {"AU7": 5.0}, {"AU6": 5.0, "AU7": 5.0}, {"AU5": 5.0, "AU4": 5.0, "AU9": 5.0}])
def test_closed_lids_meet_on_every_face(heads: list[MakeHumanHead], company: dict[str, float]) -> None:
    for head in heads:
        closed = skin(head, AU43=1, **company)
        assert gaps_mm(head, closed).max() <= 0.3, head.identity
        for eye in range(2):
            assert margin_heights_mm(head, closed, eye).min() >= -0.01, head.identity
        assert inside_eye(head, closed) == 0


@given(who=st.integers(0, 49), au4=levels, au5=levels, au6=levels, au7=levels, au9=levels, closure=st.floats(0, 1))
@few
def test_lids_never_cross_nor_touch_the_eye(
    heads: list[MakeHumanHead], who: int, au4: float, au5: float, au6: float, au7: float, au9: float, closure: float
) -> None:
    head = heads[who]
    pose = skin(head, AU4=au4, AU5=au5, AU6=au6, AU7=au7, AU9=au9, AU43=closure)
    assert inside_eye(head, pose) == 0
    for eye in range(2):
        assert margin_heights_mm(head, pose, eye).min() >= -0.01


def test_eyes_open_wide_enough_at_rest_and_under_full_squint(heads: list[MakeHumanHead]) -> None:
    for head in heads:
        rest = aperture_mm(head, skin(head))
        assert ((rest > 4) & (rest < 10)).all(), head.identity
        assert (aperture_mm(head, skin(head, AU6=5, AU7=5)) >= rest / 4).all()
        assert inside_eye(head, skin(head)) == 0


def test_au7_lowers_the_upper_lid_and_au6_does_not(model: MakeHuman) -> None:
    for cell in cells():
        head = head_of(model, cell)
        rest = skin(head)
        for eye in range(2):
            height = margins(head, rest, eye)[0][:, 1]
            tightened, raised = (height - margins(head, skin(head, **{au: 5.0}), eye)[0][:, 1] for au in ("AU7", "AU6"))
            middle = slice(40, 60)
            assert (tightened[middle] >= 0.5e-3).all()
            assert (np.abs(raised[middle]) <= 0.2e-3).all()


def test_closing_is_strictly_monotone(heads: list[MakeHumanHead]) -> None:
    for head in heads[::6]:
        apertures = np.stack([aperture_mm(head, skin(head, AU7=2, AU43=c)) for c in np.linspace(0, 1, 11)])
        assert (np.diff(apertures, axis=0) < 0).all()


def test_nothing_moves_away_from_the_eyes(heads: list[MakeHumanHead]) -> None:
    head = heads[0]
    far = np.ones(head.model.skin.matrix.shape[0], dtype=bool)
    for lid in head.lids.topology:
        far[lid.points] = False
    assert np.array_equal(skin(head, AU43=1)[far], skin(head)[far])


def test_the_rings_are_closed_loops(model: MakeHuman) -> None:
    rings = lid_rings(model.coarse)
    for eye in range(2):
        assert (rings.ring[eye] == MARGIN_RING).sum() == 30
        loop = model.lid_topology[eye].margin
        assert len(loop) == 60
        assert len(np.unique(loop)) == 60
