"""Living wrinkles in the picture: as the slow renderer shows them, from every view, and no label moves."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from people import PAIN, head, painted_skin, portrait, renderer
from solids import ball, plain_skin, scene, soft_light

from pain3d.face import makehuman
from pain3d.face.mesh import Region
from pain3d.face.rig import side_weights
from pain3d.facs import Expression
from pain3d.render import reference
from pain3d.render.frame import Frame
from pain3d.render.heatmap import pain_displacement_mm
from pain3d.render.lights import light
from pain3d.render.renderer import Renderer
from pain3d.skin.atlas import bake_atlas
from pain3d.skin.ground import Ground
from pain3d.skin.maps import WrinkleRelief
from pain3d.skin.template import Template
from pain3d.skin.traits import sample_traits
from pain3d.skin.wrinkles import LivingWrinkles, Wrinkler
from pain3d.streams import stream

HEATED = (Region.SKIN, Region.LIPS, Region.BROWS)
VIEWS = (0.0, 35.0, -35.0)


def waves(depth_mm: float = 1.2, blood: float = 0.4) -> WrinkleRelief:
    """Rings of relief over a plain atlas, flushed on one half."""
    size = 128
    wave = np.sin(np.arange(size) * (2 * np.pi / 16))
    height = (depth_mm * wave[None, :] * wave[:, None]).astype(np.float32)
    flush = np.where(np.arange(size) < size // 2, blood, 0) * np.ones((size, 1))
    return WrinkleRelief(
        size=size,
        texel=np.arange(size * size, dtype=np.int32),
        height_mm=height.ravel(),
        blood=flush.ravel().astype(np.float32),
        tint=(-0.1, -0.25, -0.2),
    )


def flat_relief() -> WrinkleRelief:
    return waves(depth_mm=0.0, blood=0.0)


@cache
def living() -> LivingWrinkles:
    """Of the test person."""
    model = makehuman.load()
    atlas = bake_atlas(Template(mesh=model.template, base_uvs=model.base_uvs), 512)
    traits = sample_traits(stream(3, "skin"), age_years=50, sex="female", ethnicity="white")
    return Wrinkler(atlas, Ground(atlas)).fold(traits)


@cache
def shot(*, folded: bool, yaw: float = 0.0, expression: Expression = PAIN) -> Frame:
    """The test person with its wrinkles or without, all annotations taken."""
    moved = head().express(expression)
    relief = living().relief(side_weights(head().identity, expression.vector)) if folded else None
    mesh = renderer().upload_mesh(
        moved, pain_displacement_mm(head(), expression, moved), None, relief, keep_wrinkles=True
    )
    skin = renderer().upload_skin(painted_skin(), head().neutral)
    view = portrait(light("studio", np.random.default_rng(0)), 192, yaw=yaw)
    return renderer().draw(skin, mesh, view, normals=True, albedo=True, wrinkles=True)


@pytest.mark.parametrize("relief", [waves(), waves(depth_mm=0.0, blood=0.9), waves(blood=0.0)])
def test_picture_against_the_reference(relief):
    mesh, maps, view = ball(rings=36), plain_skin(), scene(64, light=soft_light())
    drawer = Renderer(mesh.topology)
    skin = drawer.upload_skin(maps, mesh)
    folded, smooth = (
        drawer.draw(skin, drawer.upload_mesh(mesh, wrinkles=one, keep_wrinkles=True), view, wrinkles=True)
        for one in (relief, None)
    )
    arriving = reference.cast_light(mesh, view.camera, view.light, rays=1)
    slow_folded, slow_smooth = (
        reference.picture(mesh, maps, view, arriving, samples=3, wrinkles=one) for one in (relief, None)
    )
    off = np.abs(folded.rgb.astype(int) - slow_folded).max(axis=2)
    assert np.median(off) <= 2
    assert np.abs(folded.rgb.astype(int) - slow_folded).mean() < 2
    change = folded.rgb.astype(int) - smooth.rgb
    slow_change = slow_folded.astype(int) - slow_smooth
    inside = smooth.depth_m > 0
    assert np.abs(change[inside]).mean() > 0.7
    assert np.corrcoef(change[inside].ravel(), slow_change[inside].ravel())[0, 1] > 0.9
    seen = reference.visible(mesh, view.camera)
    regions = reference.segmentation(mesh, seen, maps)
    same = folded.segmentation == regions
    slow_mm = reference.wrinkles_mm(mesh, seen, regions, relief)
    assert np.quantile(np.abs(folded.wrinkles_mm - slow_mm)[same], 0.99) < 0.02


def test_flat_relief_changes_no_byte():
    mesh, maps, view = ball(), plain_skin(), scene(64, light=soft_light())
    drawer = Renderer(mesh.topology)
    skin = drawer.upload_skin(maps, mesh)
    frames = [
        drawer.draw(skin, drawer.upload_mesh(mesh, wrinkles=relief, keep_wrinkles=True), view, wrinkles=True)
        for relief in (None, flat_relief())
    ]
    assert frames[0].rgb.tobytes() == frames[1].rgb.tobytes()
    assert not frames[1].wrinkles_mm.any()


def test_a_face_at_rest_is_as_painted():
    folded, smooth = (shot(folded=on, expression=Expression()) for on in (True, False))
    assert folded.rgb.tobytes() == smooth.rgb.tobytes()
    assert not folded.wrinkles_mm.any()


@pytest.mark.parametrize("yaw", VIEWS)
def test_wrinkles_show_in_the_picture_from_every_view(yaw):
    folded, smooth = shot(folded=True, yaw=yaw), shot(folded=False, yaw=yaw)
    assert folded.wrinkles_mm.max() > 0.4
    deep = folded.wrinkles_mm > 0.15
    assert deep.mean() > 0.005
    change = np.abs(folded.rgb.astype(int) - smooth.rgb).max(axis=2)
    assert np.quantile(change[deep], 0.9) > 8
    assert change[(folded.depth_m == 0) | ~np.isin(folded.segmentation, HEATED)].mean() < 0.3, "edges apart"


@pytest.mark.parametrize("yaw", VIEWS)
def test_no_label_moves(yaw):
    folded, smooth = shot(folded=True, yaw=yaw), shot(folded=False, yaw=yaw)
    for name in ("heatmap_mm", "segmentation", "depth_m", "landmarks_px", "normals"):
        assert getattr(folded, name).tobytes() == getattr(smooth, name).tobytes(), name
    assert not smooth.wrinkles_mm.any()
    assert not folded.wrinkles_mm[~np.isin(folded.segmentation, HEATED)].any()


def test_albedo_follows_the_blood():
    folded, smooth = (shot(folded=on).albedo.astype(int) for on in (True, False))
    living_skin = np.isin(shot(folded=True).segmentation, HEATED)
    assert np.array_equal(folded[~living_skin], smooth[~living_skin])
    change = folded[living_skin] - smooth[living_skin]
    assert 1 <= np.abs(change).max() <= 20
    flushed = change[:, 1] < -1
    assert flushed.mean() > 0.01
    assert (change[flushed, 0] >= change[flushed, 1]).mean() > 0.9, "flushed skin is redder"


def test_sizes_that_no_level_fits_are_refused():
    one = np.ones(1, np.float32)
    odd = WrinkleRelief(size=96, texel=np.zeros(1, np.int32), height_mm=one, blood=one, tint=(0.0, 0.0, 0.0))
    mesh = ball()
    with pytest.raises(ValueError, match="wrinkles: 96 texels a side; the renderer needs a power of two from 64 on"):
        Renderer(mesh.topology).upload_mesh(mesh, wrinkles=odd)
