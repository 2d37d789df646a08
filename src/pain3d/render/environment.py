"""The surroundings of a light recipe as tables: spherical harmonics for matt surfaces, blurred mirrors for shiny ones.

Prefiltering follows Ramamoorthi & Hanrahan, *An efficient representation for irradiance environment maps*
(SIGGRAPH 2001), and the usual Gaussian-lobe approximation of a rough mirror.
"""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float

from pain3d.render.scene import Light

MIRROR_SIDE = 32
MIRROR_ROUGHNESS = (0.08, 0.25, 0.45, 0.65, 0.9)
"""One mirror for each fifth of the roughness scale."""
DIRECTIONS = 1024


def surroundings(
    light: Light, directions: Float[np.ndarray, "n 3"], roughness: float = 0.0
) -> Float[np.ndarray, "n 3"]:
    """Radiance that arrives from each direction (room frame), as a mirror of this roughness sees it; float64."""
    blur = 2.0 / max(roughness, 0.02) ** 4
    y = directions[:, 1:2]
    soft = min(1.0, 0.25 + roughness)
    up = np.clip(0.5 + 0.5 * np.clip(y / soft, -1, 1), 0, 1)
    above, level, below = (np.array(c) for c in (light.above, light.level, light.below))
    upper, lower = np.clip(2 * up - 1, 0, 1), np.clip(1 - 2 * up, 0, 1)
    radiance = level * (1 - upper - lower) + above * upper + below * lower
    for lobe in light.lobes:
        sharpness = lobe.sharpness * blur / (lobe.sharpness + blur)
        cosine = (directions * np.array(lobe.direction)).sum(axis=1, keepdims=True)
        radiance = radiance + np.array(lobe.colour) * (sharpness / lobe.sharpness) * np.exp(sharpness * (cosine - 1))
    return radiance


def irradiance_coefficients(light: Light) -> Float[np.ndarray, "9 3"]:
    """Coefficients of irradiance / pi in the order that `shading.sky` reads them; float32."""
    i = np.arange(DIRECTIONS) + 0.5
    y = 1 - 2 * i / DIRECTIONS
    turn = i * math.pi * (3 - math.sqrt(5))
    radius = np.sqrt(1 - y * y)
    d = np.stack([radius * np.cos(turn), y, radius * np.sin(turn)], axis=1)
    radiance = surroundings(light, d)
    x, y, z = d.T
    basis = np.stack([np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y])
    norm = np.array([0.282095, *[0.488603] * 3, 1.092548, 1.092548, 0.315392, 1.092548, 0.546274])
    cosine = np.array([1, *[2 / 3] * 3, *[1 / 4] * 5])
    mean = (basis[:, :, None] * radiance[None]).sum(axis=1) * (4 * math.pi / DIRECTIONS)
    return (mean * (norm * norm * cosine)[:, None]).astype(np.float32)


def mirrors(light: Light) -> Float[np.ndarray, "level texel 3"]:
    """Octahedral maps of the surroundings, one for each of `MIRROR_ROUGHNESS`; float32."""
    centre = (np.arange(MIRROR_SIDE) + 0.5) / MIRROR_SIDE * 2 - 1
    x, y = np.meshgrid(centre, centre)
    z = 1 - np.abs(x) - np.abs(y)
    fold_x = np.where(z < 0, (1 - np.abs(y)) * np.where(x >= 0, 1, -1), x)
    fold_y = np.where(z < 0, (1 - np.abs(x)) * np.where(y >= 0, 1, -1), y)
    d = np.stack([fold_x, fold_y, z], axis=-1).reshape(-1, 3)
    d /= np.sqrt(np.square(d).sum(axis=1, keepdims=True))
    return np.stack([surroundings(light, d, roughness) for roughness in MIRROR_ROUGHNESS]).astype(np.float32)
