"""Light recipes: bounded, repeatable, and the tables made from them."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from solids import soft_light

from pain3d.render.environment import irradiance_coefficients, mirrors, surroundings
from pain3d.render.film import film_curve, srgb_to_linear
from pain3d.render.lights import LIGHTS, light
from pain3d.render.reference import sky
from pain3d.render.scene import Lobe
from pain3d.skin.tone import linear_to_srgb


def test_there_are_the_six_promised_recipes():
    assert {"daylight_window", "clinic_ceiling", "bedside_lamp", "dim_ward", "overcast", "studio"} <= set(LIGHTS)


@pytest.mark.parametrize("name", LIGHTS)
def test_recipes_are_repeatable_varied_and_bounded(name):
    drawn = [light(name, np.random.default_rng(seed)) for seed in range(20)]
    assert drawn[3] == light(name, np.random.default_rng(3))
    assert len({one.key_direction for one in drawn}) == 20
    for one in drawn:
        assert one.name == name
        assert np.isclose(np.linalg.norm(one.key_direction), 1)
        assert one.key_direction[2] > 0.15, "the key light never comes from behind"
        assert 0.2 < max(one.key_colour) < 1.5


def test_unknown_recipe_is_refused_by_name():
    with pytest.raises(ValueError, match=r"light: unknown recipe 'disco'; pain3d has daylight_window, "):
        light("disco", np.random.default_rng(0))


def test_even_surroundings_give_even_irradiance():
    even = soft_light(above=(0.5,) * 3, level=(0.5,) * 3, below=(0.5,) * 3)
    normals = np.random.default_rng(0).normal(size=(50, 3))
    normals /= np.linalg.norm(normals, axis=1, keepdims=True)
    assert np.allclose(sky(normals, irradiance_coefficients(even)), 0.5, atol=2e-3)


def test_irradiance_follows_the_integral_of_radiance():
    lobe = Lobe(direction=(0.6, 0.0, 0.8), colour=(0.7, 0.5, 0.3), sharpness=2.0)
    lit = soft_light(lobes=(lobe,))
    rng = np.random.default_rng(1)
    directions = rng.normal(size=(60000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    radiance = surroundings(lit, directions)
    for normal in np.eye(3):
        cosine = np.maximum(directions @ normal, 0)[:, None]
        integral = 4 * (radiance * cosine).mean(axis=0)
        # nine harmonics leave out a little of a glow this sharp
        assert np.allclose(sky(normal[None], irradiance_coefficients(lit))[0], integral, rtol=0.06)


def test_mirrors_blur_but_keep_the_light():
    lit = soft_light(lobes=(Lobe(direction=(0, 0, 1), colour=(1, 1, 1), sharpness=20.0),))
    tables = mirrors(lit)
    assert tables.shape[0] == 5
    assert tables[0].max() > 1.5 * tables[3].max()
    assert dataclasses.is_dataclass(lit)


def test_film_is_monotone_keeps_middle_tones_and_never_clips_hard():
    radiance = np.linspace(0, 16, 4000)
    film = film_curve(radiance)
    assert (np.diff(film) >= 0).all()
    assert abs(film_curve(np.array([0.3]))[0] - 0.3) < 0.02
    assert 0.9 < film_curve(np.array([1.8]))[0] < 1


def test_srgb_goes_there_and_back():
    encoded = np.arange(256) / 255
    assert np.allclose(linear_to_srgb(srgb_to_linear(encoded)), encoded, atol=1e-6)
