# pyright: reportArgumentType=false, reportGeneralTypeIssues=false
# Warp's types confuse the checker.
"""Hair in device memory, and the order of launches that lays it over a picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import warp as wp
from jaxtyping import Bool, Float, Int

from pain3d.render import hair_kernels
from pain3d.render.buffers import PictureBuffers
from pain3d.render.lighting import KeyShadow, LightOnDevice
from pain3d.render.scene import Camera
from pain3d.skin.ribbons import rims

FAR_UM = 2**31 - 1
"""Depth where no hair is seen."""


@dataclass(frozen=True, kw_only=True, eq=False)
class HairStyle:
    """What all poses of a subject's hair share; rows are ribbons."""

    half_width_m: Float[np.ndarray, "ribbon point"]
    layer: Float[np.ndarray, " ribbon"]
    """0 next to the scalp, 1 outermost."""
    seed: Int[np.ndarray, " ribbon"]
    beard: Bool[np.ndarray, " ribbon"]
    """Hair that leaves the labels of what is below alone."""
    pigmented: Float[np.ndarray, "3"]
    """Linear colour of strands with pigment."""
    grey: Float[np.ndarray, "3"]
    grey_share: float


class HairOnDevice:
    """The hair of one subject."""

    def __init__(self, style: HairStyle, device: str) -> None:
        self.device = device
        self.half_width_m = wp.array(style.half_width_m.astype(np.float32), dtype=wp.float32, device=device)
        self.layer = wp.array(style.layer.astype(np.float32), dtype=wp.float32, device=device)
        self.seed = wp.array(style.seed.astype(np.int32), dtype=wp.int32, device=device)
        self.beard = wp.array(style.beard.astype(np.uint8), dtype=wp.uint8, device=device)
        self.colours = hair_kernels.HairColour()
        self.colours.pigmented = wp.vec3(*map(float, style.pigmented))
        self.colours.grey = wp.vec3(*map(float, style.grey))
        self.colours.pigmented_through = wp.vec3(*map(float, style.pigmented**1.5))
        self.colours.grey_through = wp.vec3(*map(float, style.grey**1.5))
        self.colours.grey_share = style.grey_share
        self.shape = style.half_width_m.shape
        self._half_width_m = style.half_width_m
        ribbons, points = self.shape
        self.triangles = wp.array(_casting(ribbons, points), dtype=wp.vec3i, device=device)
        self.lit = wp.empty((ribbons, points), dtype=hair_kernels.HairPoint, device=device)
        self.screen = wp.empty((ribbons, points, 2), dtype=wp.vec2i, device=device)
        self.nearness = wp.empty((ribbons, points), dtype=wp.float32, device=device)

    def pose(self, points_m: Float[np.ndarray, "ribbon point 3"], normals: np.ndarray) -> PosedHair:
        """Upload the hair of one pose."""
        rims_m = rims(points_m, normals, self._half_width_m)
        return PosedHair(
            hair=self,
            rims_m=wp.array(np.ascontiguousarray(rims_m), dtype=wp.vec3, device=self.device),
            points_m=wp.array(np.ascontiguousarray(points_m, np.float32), dtype=wp.vec3, device=self.device),
            normals=wp.array(np.ascontiguousarray(normals, np.float32), dtype=wp.vec3, device=self.device),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class PosedHair:
    """Hair in one pose of the face."""

    hair: HairOnDevice
    rims_m: wp.array
    """Both edges of each ribbon, for the shadow that it casts; three indices of `hair.triangles` name a triangle."""
    points_m: wp.array
    normals: wp.array


def _casting(ribbons: int, points: int) -> Int[np.ndarray, "triangle 3"]:
    """Triangles of every second ribbon, which lets some light through, seen from either side."""
    at = (np.arange(0, ribbons, 2)[:, None] * points + np.arange(points - 1)) * 2
    a, b, c, d = at.ravel(), at.ravel() + 1, at.ravel() + 2, at.ravel() + 3
    front = np.concatenate([np.stack([a, b, d], axis=1), np.stack([a, d, c], axis=1)])
    return np.concatenate([front, front[:, ::-1]]).astype(np.int32)


class HairBuffers:
    """Sums over ribbons at each pixel."""

    def __init__(self, resolution: int, device: str) -> None:
        square = (resolution, resolution)
        self.optical = wp.empty(square, dtype=wp.int32, device=device)
        self.labelled = wp.empty(square, dtype=wp.int32, device=device)
        self.radiance = wp.empty((*square, 4), dtype=wp.int32, device=device)
        """Red, green, blue, and the sum of their weights."""
        self.front_um = wp.empty(square, dtype=wp.int32, device=device)
        self.surface = wp.empty((6, 1, 1), dtype=wp.int32, device=device)
        """Normals and colours, of the picture's size once they were asked for."""
        self.resolution = resolution

    def clear(self, *, surface: bool) -> None:
        """No hair anywhere; `surface` says whether normals and colours are to be kept."""
        wanted = self.resolution if surface else 1
        if self.surface.shape[1] != wanted:
            self.surface = wp.empty((6, wanted, wanted), dtype=wp.int32, device=self.surface.device)
        self.surface.zero_()
        for sums in (self.optical, self.labelled, self.radiance):
            sums.zero_()
        self.front_um.fill_(FAR_UM)


def read_hair(sums: HairBuffers, normals: wp.array, root: wp.array) -> None:
    """Put normals (camera's frame) and square roots of linear albedo where the labels say that ribbons are seen."""
    pixels = sums.resolution**2
    wp.launch(
        hair_kernels.read_hair,
        dim=pixels,
        inputs=[
            sums.labelled.flatten(),
            sums.radiance.reshape((pixels, 4)),
            sums.surface.reshape((6, pixels)),
            normals,
            root,
        ],
        device=normals.device,
    )


def draw_hair(
    posed: PosedHair,
    camera: Camera,
    light: LightOnDevice,
    shadow: KeyShadow,
    film: wp.array,
    picture: PictureBuffers,
    nearest: wp.array,
    sums: HairBuffers,
    *,
    surface: bool,
) -> None:
    """Lay hair over `picture`, whose pixels are on film already; labels change where hair hides what is below.

    Args:
        nearest: depth of what hair may be hidden by.
        surface: keep normals and colours for `read_hair`.
    """
    hair = posed.hair
    ribbons, points = hair.shape
    rotation, translation_m = camera.head_to_room
    wp.launch(
        hair_kernels.light_ribbons,
        dim=(ribbons, points),
        inputs=[
            posed.points_m,
            posed.normals,
            hair.half_width_m,
            hair.layer,
            wp.mat33(rotation.ravel()),
            wp.vec3(translation_m),
            camera.focal_px,
            wp.vec2(camera.centre_px),
            light.struct,
            shadow.map,
            shadow.taps,
            hair.lit,
            hair.screen,
            hair.nearness,
        ],
        device=hair.device,
    )
    sums.clear(surface=surface)
    wp.launch(
        hair_kernels.cover_by_ribbons,
        dim=(ribbons, points - 1, 2),
        inputs=[
            hair.screen,
            hair.nearness,
            hair.lit,
            hair.half_width_m,
            hair.layer,
            hair.seed,
            hair.beard,
            hair.colours,
            light.struct.key_colour,
            nearest,
            sums.optical,
            sums.labelled,
            sums.radiance,
            sums.front_um,
            sums.surface,
        ],
        device=hair.device,
    )
    wp.launch(
        hair_kernels.composite_hair,
        dim=picture.pixels,
        inputs=[
            sums.optical.flatten(),
            sums.labelled.flatten(),
            sums.radiance.reshape((picture.pixels, 4)),
            sums.front_um.flatten(),
            light.light.exposure,
            film,
            picture.colour,
            picture.segmentation,
            picture.depth_m,
            picture.heatmap_mm,
        ],
        device=hair.device,
    )
