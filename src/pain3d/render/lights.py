"""Light recipes: named, plausible ways of lighting a face, with bounded variation from a random generator.

All directions are in the room: +x right in the picture, +y up, +z towards the viewer. Colours are linear; a white
matt surface facing a key light of colour (1, 1, 1) has radiance 1.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping

import numpy as np

from pain3d.render.scene import Light, Lobe

Colour = tuple[float, float, float]


def light(name: str, rng: np.random.Generator) -> Light:
    """Draw a light of the recipe `name`.

    Args:
        name: one of `LIGHTS`.
        rng: decides direction, strength and colour within the recipe's bounds.

    Raises:
        ValueError: for an unknown recipe.
    """
    if name not in _RECIPES:
        raise ValueError(f"light: unknown recipe {name!r}; pain3d has {', '.join(LIGHTS)}")
    return _RECIPES[name](rng)


def _daylight_window(rng: np.random.Generator) -> Light:
    side = _side(rng)
    azimuth, elevation = side * rng.uniform(35, 60), rng.uniform(12, 30)
    sky = _tinted((0.95, 0.98, 1.0), rng, 0.04)
    power = rng.uniform(0.85, 1.05)
    return Light(
        name="daylight_window",
        key_direction=direction(azimuth, elevation),
        key_colour=_scaled(sky, power),
        key_size=(0.34, 0.42),
        panes=(2, 3),
        above=(0.22, 0.22, 0.22),
        level=(0.2, 0.19, 0.18),
        below=(0.13, 0.11, 0.095),
        lobes=(
            Lobe(direction=direction(-side * 70, 5), colour=(0.34, 0.32, 0.3), sharpness=2.0),
            Lobe(direction=direction(azimuth, elevation), colour=_scaled(sky, 0.4), sharpness=3.0),
        ),
        exposure=1.32,
        backdrop=_scaled((0.5, 0.48, 0.46), rng.uniform(0.8, 1.1)),
    )


def _clinic_ceiling(rng: np.random.Generator) -> Light:
    tube = _tinted((1.0, 1.0, 0.97), rng, 0.03)
    azimuth = rng.uniform(-30, 30)
    return Light(
        name="clinic_ceiling",
        key_direction=direction(azimuth, rng.uniform(36, 50)),
        key_colour=_scaled(tube, rng.uniform(0.6, 0.75)),
        key_size=(0.6, 0.3),
        panes=(1, 1),
        above=_scaled(tube, 0.62),
        level=(0.4, 0.41, 0.41),
        below=(0.24, 0.24, 0.235),
        lobes=(
            Lobe(direction=direction(-48, 42), colour=_scaled(tube, 0.9), sharpness=14.0),
            Lobe(direction=direction(52, 38), colour=_scaled(tube, 0.9), sharpness=14.0),
            Lobe(direction=direction(0, -10), colour=(0.14, 0.14, 0.14), sharpness=2.0),
        ),
        exposure=1.14,
        backdrop=_scaled(tube, rng.uniform(0.66, 0.85)),
    )


def _bedside_lamp(rng: np.random.Generator) -> Light:
    side = _side(rng)
    warm = _tinted((1.14, 0.92, 0.7), rng, 0.05)
    azimuth, elevation = side * rng.uniform(30, 52), rng.uniform(5, 24)
    return Light(
        name="bedside_lamp",
        key_direction=direction(azimuth, elevation),
        key_colour=_scaled(warm, rng.uniform(0.85, 1.0)),
        key_size=(0.17, 0.17),
        panes=(0, 0),
        above=(0.1, 0.085, 0.07),
        level=(0.13, 0.105, 0.085),
        below=(0.105, 0.08, 0.06),
        lobes=(
            Lobe(direction=direction(-side * 60, 0), colour=(0.16, 0.15, 0.16), sharpness=1.5),
            Lobe(direction=direction(azimuth, elevation), colour=_scaled(warm, 0.5), sharpness=2.5),
        ),
        exposure=1.25,
        backdrop=_scaled((0.44, 0.35, 0.27), rng.uniform(0.85, 1.2)),
        grain=0.005,
    )


def _dim_ward(rng: np.random.Generator) -> Light:
    pale = _tinted((1.0, 0.97, 0.95), rng, 0.04)
    azimuth = rng.uniform(-60, 60)
    return Light(
        name="dim_ward",
        key_direction=direction(azimuth, rng.uniform(25, 45)),
        key_colour=_scaled(pale, rng.uniform(0.42, 0.52)),
        key_size=(0.5, 0.35),
        panes=(1, 1),
        above=_scaled(pale, 0.2),
        level=_scaled(pale, 0.17),
        below=(0.115, 0.11, 0.105),
        lobes=(
            Lobe(direction=direction(-azimuth, 20), colour=(0.2, 0.16, 0.12), sharpness=2.5),
            Lobe(direction=direction(0, 0), colour=_scaled(pale, 0.1), sharpness=1.5),
        ),
        exposure=1.7,
        backdrop=_scaled((0.22, 0.227, 0.233), rng.uniform(0.85, 1.2)),
        grain=0.007,
    )


def _overcast(rng: np.random.Generator) -> Light:
    cloud = _tinted((0.98, 0.99, 1.0), rng, 0.03)
    return Light(
        name="overcast",
        key_direction=direction(rng.uniform(-50, 50), rng.uniform(42, 60)),
        key_colour=_scaled(cloud, rng.uniform(0.34, 0.46)),
        key_size=(0.9, 0.9),
        panes=(0, 0),
        above=_scaled(cloud, 0.92),
        level=_scaled(cloud, 0.55),
        below=(0.23, 0.225, 0.2),
        lobes=(Lobe(direction=direction(rng.uniform(-40, 40), 25), colour=_scaled(cloud, 0.3), sharpness=2.0),),
        exposure=1.14,
        backdrop=_scaled(cloud, rng.uniform(0.75, 0.95)),
    )


def _studio(rng: np.random.Generator) -> Light:
    side = _side(rng)
    flash = _tinted((1.02, 1.0, 0.96), rng, 0.02)
    return Light(
        name="studio",
        key_direction=direction(side * rng.uniform(25, 42), rng.uniform(24, 38)),
        key_colour=_scaled(flash, rng.uniform(0.9, 1.05)),
        key_size=(0.3, 0.3),
        panes=(1, 1),
        above=(0.2, 0.2, 0.2),
        level=(0.16, 0.16, 0.16),
        below=(0.12, 0.12, 0.12),
        lobes=(
            Lobe(direction=direction(-side * 50, 10), colour=_scaled(flash, 0.42), sharpness=3.5),
            Lobe(direction=direction(-side * 140, 30), colour=_scaled(flash, 1.1), sharpness=8.0),
        ),
        exposure=1.32,
        backdrop=_scaled((0.5, 0.5, 0.5), rng.uniform(0.8, 1.2)),
    )


_RECIPES: Mapping[str, Callable[[np.random.Generator], Light]] = {
    "daylight_window": _daylight_window,
    "clinic_ceiling": _clinic_ceiling,
    "bedside_lamp": _bedside_lamp,
    "dim_ward": _dim_ward,
    "overcast": _overcast,
    "studio": _studio,
}
LIGHTS: tuple[str, ...] = tuple(_RECIPES)
"""Names of the light recipes."""


def direction(azimuth: float, elevation: float) -> tuple[float, float, float]:
    """Unit vector in the room; degrees; azimuth 0 comes from the viewer, 90 from the right of the picture."""
    a, e = math.radians(azimuth), math.radians(elevation)
    return (math.sin(a) * math.cos(e), math.sin(e), math.cos(a) * math.cos(e))


def _side(rng: np.random.Generator) -> float:
    return 1.0 if rng.random() < 0.5 else -1.0


def _scaled(colour: Colour, factor: float) -> Colour:
    return (colour[0] * factor, colour[1] * factor, colour[2] * factor)


def _tinted(colour: Colour, rng: np.random.Generator, amount: float) -> Colour:
    """The colour, a little warmer or paleer."""
    warmth = rng.uniform(-amount, amount)
    return (colour[0] * (1 + warmth), colour[1], colour[2] * (1 - warmth))
