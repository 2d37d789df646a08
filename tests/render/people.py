"""A person for the tests of the renderer, made once a process."""

from __future__ import annotations

from functools import cache

import numpy as np

from pain3d.face import makehuman
from pain3d.face.model import Head
from pain3d.facs import Expression
from pain3d.render.renderer import Renderer
from pain3d.render.scene import Background, Camera, Scene
from pain3d.skin.maps import SkinMaps
from pain3d.streams import stream

PAIN = Expression(AU4=4, AU6=3, AU7=2, AU9=3, AU10=2, AU25=3, AU26=2)


@cache
def head() -> Head:
    """A woman of fifty."""
    model = makehuman.load()
    return model.head(model.sample(stream(3, "test"), age_years=50, sex="female", ethnicity="white"))


@cache
def renderer() -> Renderer:
    """For the default topology, on the CPU."""
    return Renderer(makehuman.load().topology)


@cache
def painted_skin(seed: int = 3, ethnicity: str = "white") -> SkinMaps:
    """A skin with all its regions."""
    from pain3d.skin.atlas import bake_atlas
    from pain3d.skin.procedural import Painter
    from pain3d.skin.template import Template
    from pain3d.skin.traits import sample_traits

    model = makehuman.load()
    painter = Painter(bake_atlas(Template(mesh=model.template, base_uvs=model.base_uvs)))
    traits = sample_traits(stream(seed, "skin"), age_years=50, sex="female", ethnicity=ethnicity)  # pyright: ignore
    return painter.paint(traits)


def portrait(light, resolution: int = 128, **pose) -> Scene:
    """A camera at the head before grey paper."""
    picture = np.full((resolution, resolution, 3), 118, np.uint8)
    return Scene(
        camera=Camera.at_head(resolution=resolution, **pose),
        light=light,
        background=Background(name="grey", picture=picture),
    )
