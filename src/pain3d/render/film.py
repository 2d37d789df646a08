"""From radiance to sRGB: one fixed curve, tabulated, so that no device needs a power function."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pain3d.skin.tone import linear_to_srgb

MAX_RADIANCE = 16.0
TABLE_SIZE = 8192


def srgb_to_linear(encoded: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Linear 0..1 from sRGB 0..1 (IEC 61966-2-1)."""
    return np.where(encoded <= 0.04045, encoded / 12.92, ((encoded + 0.055) / 1.055) ** 2.4)


def film_curve(radiance: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """Display-linear 0..1: a short toe, straight middle tones, a soft shoulder from 0.45 on.

    Middle tones keep their value, so that the skin tone asked for is the tone in the picture.
    """
    x = np.maximum(radiance, 0.0)
    toe = x * x / (x + 0.014)
    knee = 0.45
    room = 1.0 - knee
    return np.where(toe < knee, toe, knee + room * (1.0 - np.exp(-(np.maximum(toe, knee) - knee) / room)))


def film_table() -> Float[np.ndarray, " entry"]:
    """sRGB 0..255 for radiance MAX_RADIANCE * (i / (TABLE_SIZE - 1))^2; float32."""
    steps = np.arange(TABLE_SIZE) / (TABLE_SIZE - 1)
    return (linear_to_srgb(film_curve(MAX_RADIANCE * steps * steps)) * 255).astype(np.float32)


def linear_root_table() -> np.ndarray:
    """uint8 square root of linear colour for each sRGB byte: how textures are stored."""
    return np.round(np.sqrt(srgb_to_linear(np.arange(256) / 255)) * 255).astype(np.uint8)
