"""CPU and CUDA from one source: equal labels, pixels within 2/255 on 99.9 %."""

from __future__ import annotations

import numpy as np
import pytest
import warp as wp
from people import PAIN, head, painted_skin, portrait, renderer

from pain3d.render.heatmap import pain_displacement_mm
from pain3d.render.lights import LIGHTS, light
from pain3d.render.renderer import Renderer

pytestmark = pytest.mark.gpu


@pytest.mark.parametrize("name", LIGHTS)
def test_gpu_draws_what_the_cpu_draws(name):
    if not wp.is_cuda_available():
        pytest.skip("no NVIDIA GPU on this machine")
    moved = head().express(PAIN)
    displacement = pain_displacement_mm(head(), PAIN, moved)
    view = portrait(light(name, np.random.default_rng(2)), 512, yaw=-20.0)
    frames = []
    for drawer in (renderer(), Renderer(renderer().topology, "cuda")):
        skin = drawer.upload_skin(painted_skin(), head().neutral)
        frames.append(drawer.draw(skin, drawer.upload_mesh(moved, displacement), view))
    one, two = frames
    assert (one.segmentation == two.segmentation).mean() > 0.9999
    assert np.abs(one.depth_m - two.depth_m).max() < 1e-3
    assert np.abs(one.heatmap_mm - two.heatmap_mm).max() < 0.05
    off = np.abs(one.rgb.astype(int) - two.rgb.astype(int)).max(axis=2)
    assert (off <= 2).mean() >= 0.999
