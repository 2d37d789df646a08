"""The laws of wet eyes and mouths once more, in plain NumPy, for the tests to hold `wet` against."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pain3d.face.eyes import IRIS_UV_RADIUS, SCLERA_ANGLE

CORNEA_INDEX = 1.336
IRIS_DEPTH_M = 0.0022


def iris_shift_m(
    normal: Float[np.ndarray, "n 3"], view: Float[np.ndarray, "n 3"], radius: Float[np.ndarray, " n"]
) -> Float[np.ndarray, "n 3"]:
    """Snell's law by angles: how far along the cornea the iris is seen displaced."""
    cosine = (normal * view).sum(axis=1)
    away = normal * cosine[:, None] - view
    sine = np.sqrt((away**2).sum(axis=1))
    inside = np.arcsin(sine / CORNEA_INDEX)
    length = IRIS_DEPTH_M * np.maximum(1 - radius**2, 0) * np.tan(inside)
    return away / np.maximum(sine, 1e-12)[:, None] * length[:, None]


def turned_place(
    place: Float[np.ndarray, "n 2"], look: Float[np.ndarray, "3"], limbus_sine: float, mirror: float
) -> Float[np.ndarray, "n 2"]:
    """Rodrigues' rotation about the axis that lies across both directions, between the polar maps of the texture."""
    sclera = (0.5 - IRIS_UV_RADIUS) / (SCLERA_ANGLE - np.arcsin(limbus_sine))
    radius, around = np.hypot(*place.T), np.arctan2(-place[:, 1], mirror * place[:, 0])
    inside = np.arcsin(np.minimum(radius / IRIS_UV_RADIUS, 1) * limbus_sine)
    angle = inside + np.maximum(radius - IRIS_UV_RADIUS, 0) / sclera
    d = np.stack([np.sin(angle) * np.cos(around), np.sin(angle) * np.sin(around), np.cos(angle)], axis=1)
    axis = np.cross(look, [0.0, 0.0, 1.0])
    sine = np.sqrt((axis**2).sum())
    axis = axis / max(sine, 1e-12)
    d = d * look[2] + np.cross(axis, d) * sine + axis * (d @ axis)[:, None] * (1 - look[2])
    angle, around = np.arctan2(np.hypot(d[:, 0], d[:, 1]), d[:, 2]), np.arctan2(d[:, 1], d[:, 0])
    limbus = np.arcsin(limbus_sine)
    inside = np.sin(np.minimum(angle, limbus)) / limbus_sine * IRIS_UV_RADIUS
    radius = np.minimum(inside + np.maximum(angle - limbus, 0) * sclera, 0.5)
    return np.stack([mirror * radius * np.cos(around), -radius * np.sin(around)], axis=1)


def iris_place(place: Float[np.ndarray, "n 2"], power: float) -> Float[np.ndarray, "n 2"]:
    """The radius to a power within the limbus, the same place outside."""
    radius = np.hypot(*place.T) / IRIS_UV_RADIUS
    turn = np.arctan2(place[:, 1], place[:, 0])
    found = np.where(radius < 1, radius**power, radius) * IRIS_UV_RADIUS
    return np.stack([found * np.cos(turn), found * np.sin(turn)], axis=1)


def open_to_light(d_m: Float[np.ndarray, "n 3"], opening_m2: float) -> Float[np.ndarray, " n"]:
    """Share of the sky that points inside the mouth see."""
    behind = np.maximum(-d_m[:, 2] - 0.002, 0) + 0.32 * np.abs(d_m[:, 0])
    through = min(opening_m2, 8e-4)
    return 0.06 + 0.94 * through / (through + 2.6 * behind**2)
