"""The fast renderer against the slow one."""

from __future__ import annotations

import numpy as np
import pytest
from solids import ball, head_and_nose, plain_skin, quartered_skin, scene, soft_light, together

from pain3d.face.mesh import Part
from pain3d.render import reference
from pain3d.render.renderer import Renderer

POSES = [{}, {"yaw": 35.0}, {"yaw": -40.0, "pitch": 10.0, "roll": 7.0}]


@pytest.mark.parametrize("pose", POSES)
def test_labels_of_two_solids(pose):
    mesh, maps = head_and_nose(), quartered_skin()
    displacement = np.linspace(0, 12, len(mesh.vertices_m)).astype(np.float32)
    renderer = Renderer(mesh.topology)
    view = scene(64, **pose)
    fast = renderer.draw(renderer.upload_skin(maps, mesh), renderer.upload_mesh(mesh, displacement), view)
    seen = reference.visible(mesh, view.camera)
    regions = reference.segmentation(mesh, seen, maps)
    heat = reference.heatmap_mm(mesh, seen, regions, displacement)
    same = fast.segmentation == regions
    # screen positions are rounded to 1/256 pixel: centres that close to an edge may go either way
    assert same.mean() > 0.997
    assert np.abs(fast.depth_m - seen.depth_m)[same].max() < 2e-4
    # triangles at the poles are slivers: a neighbour may win by rounding
    assert np.quantile(np.abs(fast.heatmap_mm - heat)[same], 0.995) < 0.02
    assert ((fast.heatmap_mm == 0) == (heat == 0))[same].mean() > 0.997


@pytest.mark.parametrize("part", [Part.MOUTH, Part.TEETH, Part.TONGUE, Part.EYE])
def test_parts_that_are_no_skin_have_their_own_class(part):
    mesh = together(ball(), ball(centre_m=(0.0, -0.02, 0.085), radius_m=0.03, rings=12, part=part))
    maps = plain_skin()
    renderer = Renderer(mesh.topology)
    view = scene(64)
    fast = renderer.draw(renderer.upload_skin(maps, mesh), renderer.upload_mesh(mesh), view)
    regions = reference.segmentation(mesh, reference.visible(mesh, view.camera), maps)
    assert set(np.unique(fast.segmentation)) == {0, 1, reference.REGION_OF_PART[part]}
    assert (fast.segmentation == regions).mean() > 0.997


@pytest.mark.parametrize("relief_mm", [0.0, 0.15])
def test_picture_of_a_ball_in_light(relief_mm):
    mesh, maps = ball(rings=36), plain_skin(relief_mm=relief_mm)
    view = scene(64, light=soft_light())
    renderer = Renderer(mesh.topology)
    fast = renderer.draw(renderer.upload_skin(maps, mesh), renderer.upload_mesh(mesh), view)
    slow = reference.picture(mesh, maps, view, reference.cast_light(mesh, view.camera, view.light, rays=1), samples=3)
    off = np.abs(fast.rgb.astype(int) - slow.astype(int)).max(axis=2)
    # a ball shadows nothing but itself; what is left is diffusion at the terminator, edge weights, mirrors as tables
    assert np.median(off) <= 2
    assert (off > 8).mean() < 0.04
    assert np.abs(fast.rgb.astype(int) - slow).mean() < 1.5


def test_a_solid_before_another_casts_a_soft_shadow_where_rays_say_so():
    mesh, maps = head_and_nose(), plain_skin()
    view = scene(64, light=soft_light(key_direction=(0.6, 0.0, 0.8), key_size=(0.1, 0.1)))
    renderer = Renderer(mesh.topology)
    fast = renderer.draw(renderer.upload_skin(maps, mesh), renderer.upload_mesh(mesh), view)
    slow = reference.picture(mesh, maps, view, reference.cast_light(mesh, view.camera, view.light, rays=6), samples=2)
    unshadowed = reference.cast_light(ball(), view.camera, view.light, rays=1)
    assert (unshadowed.shadow[unshadowed.key[:, 0] > 0.3] == 1).all()
    off = np.abs(fast.rgb.astype(int) - slow.astype(int)).max(axis=2)
    # the cast shadow is a dozen grey levels darker than the lit skin around; occlusion is baked by the fast one alone
    assert np.median(off) <= 4
    assert (off > 40).mean() < 0.03


def test_edges_are_mixed_by_area():
    mesh, maps = ball(), plain_skin()
    view = scene(48)
    renderer = Renderer(mesh.topology)
    fast = renderer.draw(renderer.upload_skin(maps, mesh), renderer.upload_mesh(mesh), view)
    light = reference.cast_light(mesh, view.camera, view.light, rays=1)
    coarse = reference.picture(mesh, maps, view, light, samples=1)
    smooth = reference.picture(mesh, maps, view, light, samples=6)
    edge = np.abs(coarse.astype(int) - smooth).max(axis=2) > 12
    assert edge.sum() > 30, "the ball's outline must be in the picture"
    hard = np.abs(coarse.astype(int) - smooth)[edge].mean()
    soft = np.abs(fast.rgb.astype(int) - smooth)[edge].mean()
    assert soft < 0.5 * hard
