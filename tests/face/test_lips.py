"""Lips stay closed unless a unit parts them, and never pass through each other."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rig_measures import cells, head_of, vector

from pain3d.face import makehuman
from pain3d.face.lips import SEAL_M, lip_gaps, seal_lips
from pain3d.face.makehuman import MakeHuman, MakeHumanHead
from pain3d.facs import NON_PAIN_AUS

levels = st.floats(0, 5)


@pytest.fixture(scope="module")
def model() -> MakeHuman:
    return makehuman.load()


@pytest.fixture(scope="module")
def heads(model: MakeHuman) -> list[MakeHumanHead]:
    """One person of each stratum, moving evenly."""
    return [head_of(model, cell, seed) for seed, cell in enumerate(cells())]


def test_lips_rest_closed_on_every_face(model: MakeHuman, heads: list[MakeHumanHead]) -> None:
    for head in heads:
        touching = lip_gaps(model.fields.lips, head.neutral_m).min(axis=0)
        assert np.abs(touching + SEAL_M).max() < 0.3e-3, head.identity


def test_sealing_moves_the_lips_alone_and_only_up_and_down(model: MakeHuman) -> None:
    lips = model.fields.lips
    face = model.coarse.base_m - model.coarse.eye_middle(model.coarse.base_m)
    moved = seal_lips(lips, face) - face
    assert np.flatnonzero(moved.any(axis=1)).tolist() == sorted(
        lips.gives_way[moved[lips.gives_way].any(axis=1)].tolist()
    )
    assert not moved[:, [0, 2]].any()
    assert np.abs(moved).max() < 2e-3


MOUTH_COMPANIES = (
    {"AU12": 5},
    {"AU15": 5},
    {"AU17": 5},
    {"AU20": 5},
    {"AU12": 5, "AU17": 5},
    {"AU15": 5, "AU17": 5},
    {"AU12": 5, "AU15": 5, "AU17": 5, "AU20": 5},
    {"AU9": 5, "AU17": 5},
)


@pytest.mark.parametrize("company", MOUTH_COMPANIES, ids=lambda c: "+".join(c))
def test_lips_do_not_pass_through_each_other(
    model: MakeHuman, heads: list[MakeHumanHead], company: dict[str, float]
) -> None:
    for head in heads[::2]:
        at_rest = np.minimum(lip_gaps(model.fields.lips, head.neutral_m), 0)
        gaps = lip_gaps(model.fields.lips, head.rig.displace(vector(**company)))
        assert (gaps - at_rest).min() > -0.4e-3


def test_lips_stay_closed_unless_a_unit_parts_them(model: MakeHuman, heads: list[MakeHumanHead]) -> None:
    for head in heads[::2]:
        rest = lip_gaps(model.fields.lips, head.neutral_m)[1:]
        for au in ("AU9", "AU12", "AU15", "AU17", "AU20"):
            widened = lip_gaps(model.fields.lips, head.rig.displace(vector(**{au: 5})))[1:] - rest
            assert widened.min(axis=0).max() < 0.5e-3, au
        for au in ("AU10", "AU25", "AU26", "AU27"):
            opened = lip_gaps(model.fields.lips, head.rig.displace(vector(**{au: 5})))[1:] - rest
            assert opened[:, len(rest[0]) // 2].min() > 2e-3, au


@given(who=st.integers(0, 49), vectors=st.fixed_dictionaries(dict.fromkeys(NON_PAIN_AUS, levels)), au10=levels)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_lips_do_not_pass_through_each_other_in_any_company(
    model: MakeHuman, heads: list[MakeHumanHead], who: int, vectors: dict[str, float], au10: float
) -> None:
    head = heads[who]
    at_rest = np.minimum(lip_gaps(model.fields.lips, head.neutral_m), 0)
    gaps = lip_gaps(model.fields.lips, head.rig.displace(vector(**vectors, AU10=au10)))
    assert (gaps - at_rest).min() > -0.5e-3
