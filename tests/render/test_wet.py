"""Wet eyes and mouths: the laws against plain NumPy, the pictures against dry ones."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import warp as wp
from people import PAIN, head, painted_skin, portrait, renderer
from wet_kernels import call_iris_place, call_iris_shift, call_open_to_light, call_turned_place

from pain3d.face.gaze import Gaze, TurnedEyes
from pain3d.face.mesh import Region
from pain3d.facs import Expression
from pain3d.render import reference_wet
from pain3d.render.frame import Frame
from pain3d.render.heatmap import pain_displacement_mm
from pain3d.render.lights import LIGHTS, light

GAZE = Gaze(target_m=(0.08, 0.04, 1.0))


def unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def launched(kernel, inputs: list, dtype, count: int) -> np.ndarray:
    out = wp.zeros(count, dtype=dtype, device="cpu")
    wp.launch(kernel, dim=count, inputs=[*inputs, out], device="cpu")
    return out.numpy()


def test_iris_lies_below_the_cornea_by_snell():
    rng = np.random.default_rng(0)
    n = unit(rng.normal(size=(200, 3)))
    view = unit(n + 0.8 * unit(rng.normal(size=(200, 3))))
    radius = rng.uniform(0, 1.2, 200)
    arrays = [
        wp.array(a.astype(np.float32), dtype=t, device="cpu")
        for a, t in ((n, wp.vec3), (view, wp.vec3), (radius, float))
    ]
    fast = launched(call_iris_shift, arrays, wp.vec3, 200)
    np.testing.assert_allclose(fast, reference_wet.iris_shift_m(n, view, radius), atol=1e-8, rtol=1e-3)
    # from the front nothing moves; at the limbus the iris is at the surface
    assert np.abs(reference_wet.iris_shift_m(n, n, radius)).max() < 1e-9
    assert (fast[radius >= 1] == 0).all()


@pytest.mark.parametrize("side", [0, 1])
def test_the_painted_eye_turns_as_a_ball_does(side):
    eyes = TurnedEyes.of(head().neutral, GAZE)
    turn = (eyes.left, eyes.right)[side]
    mirror = 1.0 - 2.0 * side
    place = np.random.default_rng(4).uniform(-0.3, 0.3, (400, 2))
    look = wp.vec4(*turn.direction, turn.limbus_sine)
    inputs = [wp.array(place.astype(np.float32), dtype=wp.vec2, device="cpu"), look, mirror]
    fast = launched(call_turned_place, inputs, wp.vec2, 400)
    slow = reference_wet.turned_place(place, np.array(turn.direction), turn.limbus_sine, mirror)
    np.testing.assert_allclose(fast, slow, atol=2e-5)
    assert np.abs(fast - place).max() > 0.01
    ahead = reference_wet.turned_place(place, np.array([0.0, 0.0, 1.0]), turn.limbus_sine, mirror)
    np.testing.assert_allclose(ahead, place, atol=1e-12)


@pytest.mark.parametrize("power", [0.85, 1.0, 1.3])
def test_pupil_widens_within_a_limbus_that_stays(power):
    place = np.random.default_rng(1).uniform(-0.4, 0.4, (300, 2))
    fast = launched(
        call_iris_place, [wp.array(place.astype(np.float32), dtype=wp.vec2, device="cpu"), power], wp.vec2, 300
    )
    np.testing.assert_allclose(fast, reference_wet.iris_place(place, power), atol=1e-6)
    outside = np.hypot(*place.T) > 0.27
    np.testing.assert_array_equal(fast[outside], place[outside].astype(np.float32))


def test_mouth_darkens_with_depth_and_opens_with_the_lips():
    d_m = np.random.default_rng(2).uniform([-0.03, -0.01, -0.05], [0.03, 0.01, 0.005], (300, 3))
    device_d = wp.array(d_m.astype(np.float32), dtype=wp.vec3, device="cpu")
    for opening_m2 in (1e-5, 2e-4, 2e-3):
        fast = launched(call_open_to_light, [device_d, opening_m2], float, 300)
        np.testing.assert_allclose(fast, reference_wet.open_to_light(d_m, opening_m2), rtol=1e-4)
    deep = np.stack([np.zeros(40), np.zeros(40), -np.linspace(0.003, 0.06, 40)], axis=1)
    aside = np.stack([np.linspace(0.001, 0.03, 40), np.zeros(40), np.full(40, -0.01)], axis=1)
    for line in (deep, aside):
        assert (np.diff(reference_wet.open_to_light(line, 3e-4)) < 0).all()
    assert (reference_wet.open_to_light(deep, 3e-4) > reference_wet.open_to_light(deep, 1e-4)).all()


@cache
def drawn(*, wet: bool, name: str = "daylight_window", ethnicity: str = "white", yaw: float = 0.0) -> Frame:
    who, drawer = head(), renderer()
    eyes = TurnedEyes.of(who.neutral, GAZE)
    skin = drawer.upload_skin(painted_skin(ethnicity=ethnicity), who.neutral, wet=eyes if wet else None)
    posed = who.express(PAIN)
    mesh = drawer.upload_mesh(eyes.on(posed) if wet else posed, pain_displacement_mm(who, PAIN, posed))
    return drawer.draw(skin, mesh, portrait(light(name, np.random.default_rng(0)), resolution=256, yaw=yaw))


@pytest.mark.parametrize("yaw", [0.0, 32.0, -32.0])
def test_labels_and_skin_stay_bit_for_bit(yaw):
    dry, wet = drawn(wet=False, yaw=yaw), drawn(wet=True, yaw=yaw)
    for label in ("heatmap_mm", "segmentation", "depth_m", "landmarks_px"):
        assert getattr(dry, label).tobytes() == getattr(wet, label).tobytes()
    assert (wet.heatmap_mm[wet.segmentation == Region.EYES] == 0).all()
    changed = (dry.rgb != wet.rgb).any(axis=2)
    inside = np.isin(dry.segmentation, (Region.EYES, Region.TEETH, Region.TONGUE, Region.MOUTH))
    # lips get a film; pixels at edges mix eyes and teeth with the skin beside them
    beside = inside | (dry.segmentation == Region.LIPS)
    for axis in (0, 1):
        beside |= np.roll(beside, 1, axis) | np.roll(beside, -1, axis)
    assert changed[inside].mean() > 0.8
    assert not changed[~beside].any()


@pytest.mark.parametrize("name", LIGHTS)
@pytest.mark.parametrize("ethnicity", ["white", "black"])
def test_teeth_are_darker_and_warmer_in_every_light(name, ethnicity):
    dry, wet = (drawn(wet=wet, name=name, ethnicity=ethnicity) for wet in (False, True))
    teeth = dry.segmentation == Region.TEETH
    before, after = dry.rgb[teeth].mean(axis=0), wet.rgb[teeth].mean(axis=0)
    assert (after < 0.95 * before).all()
    assert after.min() > 20
    # neither olive nor orange
    assert after[0] > after[1] >= after[2]
    assert after[0] / after[2] > before[0] / before[2]


@pytest.mark.parametrize("name", LIGHTS)
def test_eyes_keep_light_below_the_lids(name):
    dry, wet = (drawn(wet=wet, name=name, ethnicity="black") for wet in (False, True))
    eyes = dry.segmentation == Region.EYES
    share = wet.rgb[eyes].mean() / dry.rgb[eyes].mean()
    assert 0.5 < share < 1.03


def test_drawing_wet_is_a_function():
    drawer, who = renderer(), head()
    scene = portrait(light("studio", np.random.default_rng(0)), resolution=64)
    skin = drawer.upload_skin(painted_skin(), who.neutral, wet=TurnedEyes.of(who.neutral, GAZE))
    first, second = (drawer.draw(skin, drawer.upload_mesh(who.express(Expression(AU25=4))), scene) for _ in range(2))
    assert first.rgb.tobytes() == second.rgb.tobytes()
