# pyright: reportArgumentType=false, reportGeneralTypeIssues=false
# Warp's types confuse the checker.
"""A light recipe in device memory, and the shadow that its key light casts."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import warp as wp
from jaxtyping import Float, UInt8

from pain3d.render import kernels, shading
from pain3d.render.environment import irradiance_coefficients, mirrors
from pain3d.render.film import film_curve, srgb_to_linear
from pain3d.render.scene import Background, Light
from pain3d.skin.tone import linear_to_srgb

SHADOW_SIDE = 256
SHADOW_HALF_M = 0.19
SHADOW_CENTRE_M = (0.0, -0.04, -0.07)
TAPS = 16
LOWEST = -(2**31) + 1
"""Height of a texel that nothing covers."""
SPREAD_STEPS = 2
"""Steps of diffusion of the key light under the skin."""


def key_axes(direction: Float[np.ndarray, "3"]) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3"]]:
    """Unit right and up as seen from the face towards `direction`; right, up, direction are right-handed."""
    reference = np.array([0.0, 1.0, 0.0]) if abs(direction[1]) < 0.99 else np.array([0.0, 0.0, -1.0])
    right = _cross(reference, direction)
    right = right / math.sqrt((right * right).sum())
    return right, _cross(direction, right)


def _cross(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return np.array([a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]])


class LightOnDevice:
    """Tables of a light, and backgrounds under it."""

    def __init__(self, light: Light, device: str) -> None:
        self.light = light
        self._device = device
        self._backdrop: tuple[Background, int, wp.array] | None = None
        direction = np.array(light.key_direction)
        right, up = key_axes(direction)
        struct = shading.Lighting()
        struct.key_direction = wp.vec3(direction)
        struct.key_right, struct.key_up = wp.vec3(right), wp.vec3(up)
        struct.key_colour = wp.vec3(light.key_colour)
        struct.key_size = wp.vec2(light.key_size)
        struct.panes = wp.vec2(float(light.panes[0]), float(light.panes[1]))
        struct.exposure = light.exposure
        coefficients = irradiance_coefficients(light)
        struct.irradiance = wp.array(coefficients, dtype=wp.vec3, device=device)
        struct.mirror = wp.array(mirrors(light), dtype=wp.vec3, device=device)
        self.struct = struct
        self._mean = coefficients[0]

    def on_film(self, albedo: Float[np.ndarray, "3"]) -> wp.vec3:
        """sRGB 0..255 of a small thing of this linear colour, lit from all around."""
        received = self._mean + 0.3 * np.array(self.light.key_colour)
        return wp.vec3(linear_to_srgb(film_curve(albedo * received * self.light.exposure)) * 255)

    def backdrop(self, background: Background, resolution: int) -> wp.array:
        """The background on film, one colour for each pixel; kept until another one is asked for."""
        if self._backdrop is not None and self._backdrop[0] is background and self._backdrop[1] == resolution:
            return self._backdrop[2]
        picture = wall_on_film(background, self.light, resolution)
        uploaded = wp.array(np.ascontiguousarray(picture.reshape(-1, 3)), dtype=shading.vec3b, device=self._device)
        self._backdrop = (background, resolution, uploaded)
        return uploaded


def wall_on_film(background: Background, light: Light, resolution: int) -> UInt8[np.ndarray, "side side 3"]:
    """What is behind the head as a picture shows it, sRGB."""
    picture = _resized(background.picture, resolution)
    if not background.lit:
        return picture
    linear = srgb_to_linear(np.arange(256) / 255)[:, None] * (np.array(light.backdrop) * light.exposure)
    table = np.rint(linear_to_srgb(film_curve(linear)) * 255).astype(np.uint8)
    return np.stack([table[picture[..., channel], channel] for channel in range(3)], axis=-1)


def _resized(picture: np.ndarray, resolution: int) -> np.ndarray:
    if len(picture) == resolution:
        return picture
    nearest = ((np.arange(resolution) + 0.5) * len(picture) / resolution).astype(np.int64)
    return picture[nearest[:, None], nearest[None, :]]


class KeyShadow:
    """The depth map of the key light, and where it is asked for a soft shadow."""

    def __init__(self, device: str) -> None:
        self._device = device
        self.map = kernels.DepthMap()
        self.map.centre_m, self.map.half_m = wp.vec3(SHADOW_CENTRE_M), SHADOW_HALF_M
        self.map.height = wp.empty((SHADOW_SIDE, SHADOW_SIDE), dtype=wp.int32, device=device)
        k = np.arange(TAPS)
        radius, turn = np.sqrt((k + 0.5) / TAPS), k * (math.pi * (3 - math.sqrt(5)))
        disc = np.stack([radius * np.cos(turn), radius * np.sin(turn)], axis=1).astype(np.float32)
        self.taps = wp.array(disc, dtype=wp.vec2, device=device)

    def cast(
        self, light: Light, head_to_room: Float[np.ndarray, "3 3"], casters: Iterable[tuple[wp.array, wp.array]]
    ) -> None:
        """Draw the map.

        Args:
            casters: triangles and their vertices in the head frame, for each thing that casts shadow.
        """
        towards = np.array(light.key_direction)
        direction = (head_to_room * towards[:, None]).sum(axis=0)
        right, up = key_axes(direction)
        self.map.right, self.map.up, self.map.direction = wp.vec3(right), wp.vec3(up), wp.vec3(direction)
        self.map.height.fill_(LOWEST)
        for triangles, vertices_m in casters:
            wp.launch(
                kernels.draw_depth_map,
                dim=len(triangles),
                inputs=[triangles, vertices_m, self.map],
                device=self._device,
            )
