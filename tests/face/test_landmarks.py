from __future__ import annotations

import numpy as np
import pytest

from pain3d.face import makehuman
from pain3d.face.assets import asset_root
from pain3d.face.landmarks import LEFT, MIRROR
from pain3d.face.makehuman import MakeHuman
from pain3d.facs import Expression
from pain3d.streams import stream


@pytest.fixture(scope="module")
def model() -> MakeHuman:
    return makehuman.load()


@pytest.fixture(scope="module")
def template_m(model: MakeHuman) -> np.ndarray:
    return model.template.landmarks_m


def test_sixty_eight_different_vertices(model: MakeHuman) -> None:
    assert len(set(model.topology.landmarks.tolist())) == 68


def test_mirror_is_its_own_inverse() -> None:
    assert [MIRROR[MIRROR[k]] for k in range(68)] == list(range(68))
    assert sorted(set(LEFT) | {MIRROR[k] for k in LEFT}) == list(range(68))


def test_right_half_is_the_mirror_image_in_the_asset_table(model: MakeHuman) -> None:
    table = np.loadtxt(asset_root() / "mpfb2/mesh_metadata/hm08.mirror", usecols=(0, 1), dtype=int)
    twin = dict(table.tolist())
    points = model.topology.point_of[model.topology.landmarks]
    for landmark, vertices in LEFT.items():
        if len(vertices) == 1:
            assert points[landmark] == model.coarse.index_of(vertices)[0]
            assert points[MIRROR[landmark]] == model.coarse.index_of([twin[vertices[0]]])[0]


def test_template_landmarks_are_symmetric(template_m: np.ndarray) -> None:
    np.testing.assert_allclose(template_m[list(MIRROR)], template_m * (-1, 1, 1), atol=1e-4)


def test_order_is_that_of_the_scheme(template_m: np.ndarray) -> None:
    x, y = template_m[:, 0], template_m[:, 1]
    for run in (range(17), range(17, 27), range(31, 36), range(48, 55), range(60, 65)):
        assert np.diff(x[list(run)]).min() > 0  # from the subject's right to the left
    assert np.diff(x[[36, 37, 38, 39, 42, 43, 44, 45]]).min() > 0
    assert np.diff(y[list(range(27, 31))]).max() < 0
    assert np.diff(y[list(range(8))]).max() < 0 and y.argmin() == 8
    assert y[17:27].min() > y[[36, 37, 38, 39, 42, 43, 44, 45]].max() > y[30] > y[33] > y[51] > y[62] >= y[66] > y[57]


@pytest.mark.parametrize("k", range(6))
def test_margins_meet_when_they_close_and_part_when_they_open(model: MakeHuman, k: int) -> None:
    sex = ("female", "male")[k % 2]
    ethnicity = ("black", "east_asian", "white")[k % 3]
    head = model.head(model.sample(stream(0, "landmarks", k), age_years=20 + 14 * k, sex=sex, ethnicity=ethnicity))
    rest, closed = head.neutral.landmarks_m, head.express(Expression(AU43=1)).landmarks_m
    for upper, lower in ((37, 41), (38, 40), (43, 47), (44, 46)):
        assert np.linalg.norm(rest[upper] - rest[lower]) > 0.004
        assert abs(closed[upper, 1] - closed[lower, 1]) < 0.0025
    opened = head.express(Expression(AU25=3, AU27=4)).landmarks_m
    for upper, lower in ((61, 67), (62, 66), (63, 65)):
        assert np.linalg.norm(rest[upper] - rest[lower]) < 0.0035
        assert np.linalg.norm(opened[upper] - opened[lower]) > 0.012
