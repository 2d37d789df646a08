"""What shiny surfaces show: skin mirrors skin where the head stands in the way, eyes a small soft lamp."""

from __future__ import annotations

import numpy as np
import pytest
from solids import ball, plain_skin, scene, soft_light, together

from pain3d.face.mesh import FaceMesh, Part
from pain3d.render.renderer import Renderer

RADIUS_M = 0.045


def walls_towards(mesh: FaceMesh, direction: tuple[float, float, float]) -> np.ndarray:
    """Share of a rough mirror's view towards a direction of the head frame that the mesh fills, at each vertex."""
    drawer = Renderer(mesh.topology)
    x, y, z = direction
    basis = np.array([1, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y])
    return drawer.upload_skin(plain_skin(), mesh).struct.walls.numpy() @ basis


def test_an_open_ball_walls_nothing():
    assert np.abs(walls_towards(ball(rings=36), (1.0, 0.0, 0.0))).max() < 0.02


def test_two_balls_side_by_side_wall_each_other():
    left, right = (ball(centre_m=(x, -0.025, 0.0), radius_m=RADIUS_M) for x in (-0.05, 0.05))
    mesh = together(left, right)
    # forward on the left ball, a little to the inside: the mirror looks along the surface at the other ball
    here = np.argmax(left.normals @ np.array([0.5, 0.0, 0.866]))
    inwards, outwards = (walls_towards(mesh, (x, 0.0, 0.0))[here] for x in (1.0, -1.0))
    assert inwards > 0.2
    # three bands of harmonics overshoot a little
    assert outwards < 0.5 * inwards


def test_surroundings_do_not_shine_between_two_dark_balls():
    lit = soft_light(key_colour=(0.0, 0.0, 0.0), level=(1.0, 1.0, 1.0))
    maps = plain_skin()
    maps.albedo[:] = 30
    alone = ball(centre_m=(-0.05, -0.025, 0.0), radius_m=RADIUS_M)
    pair = together(alone, ball(centre_m=(0.05, -0.025, 0.0), radius_m=RADIUS_M))
    bright = []
    for mesh in (alone, pair):
        drawer = Renderer(mesh.topology)
        picture = drawer.draw(drawer.upload_skin(maps, mesh), drawer.upload_mesh(mesh), scene(128, light=lit))
        rim = np.flatnonzero(picture.segmentation[64, :64])[-6:-1]
        bright.append(picture.rgb[64, rim].mean())
    assert bright[1] < 0.75 * bright[0]


@pytest.mark.parametrize("panes", [(0, 0), (1, 1), (2, 3)])
@pytest.mark.parametrize("key_size", [(0.17, 0.17), (0.5, 0.35), (0.9, 0.9)])
def test_catchlights_are_small_and_soft_whatever_the_lamp(panes, key_size):
    """The eyeball is 24 mm wide and the iris 12: a third of the iris is a sixth of the ball."""
    lit = soft_light(panes=panes, key_size=key_size, level=(0.0,) * 3, above=(0.0,) * 3, below=(0.0,) * 3)
    eye, maps = ball(part=Part.EYE, rings=48), plain_skin()
    maps.albedo[:] = 0
    drawer = Renderer(eye.topology)
    picture = drawer.draw(drawer.upload_skin(maps, eye), drawer.upload_mesh(eye), scene(256, light=lit))
    seen = picture.segmentation > 0
    shine = np.where(seen, picture.rgb.mean(axis=2), 0)
    assert shine.max() > 80, "eyes are alive"
    half = shine > shine.max() / 2
    assert max(np.ptp(axis) + 1 for axis in np.nonzero(half)) <= (np.ptp(np.nonzero(seen)[1]) + 1) / 6
    faint = (shine > 12) & ~half
    assert faint.sum() > 0.15 * half.sum(), "the edge fades"
