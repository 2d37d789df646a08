# pyright: reportArgumentType=false, reportGeneralTypeIssues=false
# Warp's types confuse the checker.
"""Worn things in device memory, and the order of launches that lays them over a picture."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import warp as wp
from jaxtyping import Float, Int

from pain3d.face.mesh import Region
from pain3d.render import kernels, worn_kernels
from pain3d.render.buffers import PictureBuffers
from pain3d.render.lighting import KeyShadow, LightOnDevice
from pain3d.render.scene import Camera
from pain3d.worn.solids import Layer, Material

SAMPLES = 9
"""Eight samples of a pixel, and its centre."""
LEAST_REGION = int(Region.GLASSES)


class WornOnDevice:
    """What all poses of a subject's worn things share."""

    def __init__(
        self,
        materials: Sequence[Material],
        triangles: Int[np.ndarray, "triangle 3"],
        material: Int[np.ndarray, " triangle"],
        strength: Float[np.ndarray, " vertex"],
        device: str,
    ) -> None:
        self.device = device
        self.triangles = wp.array(triangles.astype(np.int32), dtype=wp.vec3i, device=device)
        self.material = wp.array(material.astype(np.uint8), dtype=wp.uint8, device=device)
        layers = np.array([int(part.layer) for part in materials])
        self.layer = wp.array(layers[material].astype(np.uint8), dtype=wp.uint8, device=device)
        self.strength = wp.array(strength.astype(np.float32), dtype=wp.float32, device=device)
        labelled = np.array([part.region != Region.BACKGROUND for part in materials])
        casting = triangles[labelled[material]]
        self.casting = wp.array(casting.astype(np.int32), dtype=wp.vec3i, device=device)
        table = worn_kernels.Materials()
        table.albedo = wp.array([part.albedo for part in materials], dtype=wp.vec3, device=device)
        table.mirror = wp.array([part.mirror for part in materials], dtype=wp.vec3, device=device)
        table.roughness = wp.array([part.roughness for part in materials], dtype=wp.float32, device=device)
        table.cover = wp.array([part.cover for part in materials], dtype=wp.vec2, device=device)
        table.region = wp.array([int(part.region) for part in materials], dtype=wp.uint8, device=device)
        self.materials = table
        vertices = len(strength)
        self.screen = wp.empty(vertices, dtype=wp.vec2i, device=device)
        self.nearness = wp.empty(vertices, dtype=wp.float32, device=device)
        self.lit = wp.empty(vertices, dtype=worn_kernels.WornVertex, device=device)

    def pose(self, vertices_m: Float[np.ndarray, "vertex 3"], normals: Float[np.ndarray, "vertex 3"]) -> PosedWorn:
        """Upload the worn things of one pose, in the head's frame."""
        return PosedWorn(
            worn=self,
            vertices_m=wp.array(np.ascontiguousarray(vertices_m, np.float32), dtype=wp.vec3, device=self.device),
            normals=wp.array(np.ascontiguousarray(normals, np.float32), dtype=wp.vec3, device=self.device),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class PosedWorn:
    """Worn things in one pose of the face."""

    worn: WornOnDevice
    vertices_m: wp.array
    normals: wp.array


class WornBuffers:
    """Slots of the pixels that worn things touch."""

    def __init__(self, resolution: int, device: str) -> None:
        self.resolution = resolution
        self.slot = wp.empty((resolution, resolution), dtype=wp.int32, device=device)
        self.slot_pixel = wp.empty(resolution * resolution, dtype=wp.int32, device=device)
        self.counter = wp.empty(1, dtype=wp.int32, device=device)
        self.nearest = wp.empty((resolution, resolution), dtype=wp.int64, device=device)
        """Depth of the picture, worn things included: what is drawn over it asks here."""
        self.slots = 0
        self._room = 0
        self._device = device

    def make_room(self, slots: int) -> None:
        """Memory for the samples of so many pixels, all of them empty."""
        self.slots = slots
        if slots > self._room:
            self._room = max(4096, 1 << (slots - 1).bit_length())
            self.samples = wp.empty((len(Layer), self._room, SAMPLES), dtype=wp.int64, device=self._device)
            self.normals = wp.empty(self._room, dtype=wp.vec3, device=self._device)
            self.root = wp.empty(self._room, dtype=wp.vec3, device=self._device)
        self.samples.fill_(kernels.EMPTY)


def draw_worn(
    posed: PosedWorn,
    camera: Camera,
    light: LightOnDevice,
    shadow: KeyShadow,
    film: wp.array,
    face_triangles: wp.array,
    face_lit: wp.array,
    offsets: wp.array,
    picture: PictureBuffers,
    buffers: WornBuffers,
) -> None:
    """Lay worn things over `picture`, whose pixels are on film already; labels change where they are solid."""
    worn, device = posed.worn, posed.worn.device
    rotation, translation_m = camera.head_to_room
    wp.copy(buffers.nearest, picture.nearest)
    buffers.slot.fill_(-1)
    buffers.counter.zero_()
    pinhole = [camera.focal_px, wp.vec2(camera.centre_px)]
    wp.launch(
        kernels.project,
        dim=len(worn.screen),
        inputs=[posed.vertices_m, wp.mat33(camera.rotation.ravel()), wp.vec3(camera.translation_m), *pinhole,
                worn.screen, worn.nearness],
        device=device,
    )  # fmt: skip
    wp.launch(
        worn_kernels.touch_pixels,
        dim=len(worn.triangles),
        inputs=[worn.triangles, worn.screen, worn.nearness, buffers.slot, buffers.slot_pixel, buffers.counter],
        device=device,
    )
    buffers.make_room(int(buffers.counter.numpy()[0]))
    if buffers.slots == 0:
        return
    wp.launch(
        worn_kernels.rasterise_worn,
        dim=len(worn.triangles),
        inputs=[worn.triangles, worn.layer, worn.screen, worn.nearness, buffers.slot, offsets, buffers.samples],
        device=device,
    )
    wp.launch(
        worn_kernels.light_worn,
        dim=len(worn.lit),
        inputs=[
            posed.vertices_m,
            posed.normals,
            worn.strength,
            wp.mat33(rotation.ravel()),
            wp.vec3(translation_m),
            light.struct,
            shadow.map,
            shadow.taps,
            worn.lit,
        ],
        device=device,
    )
    wp.launch(
        worn_kernels.shade_worn,
        dim=buffers.slots,
        inputs=[
            worn.triangles,
            worn.material,
            worn.lit,
            worn.materials,
            light.struct,
            buffers.slot_pixel,
            buffers.samples,
            offsets,
            face_triangles,
            face_lit,
            picture.slot.flatten(),
            picture.samples,
            picture.resolution,
            *pinhole,
            film,
            buffers.nearest.flatten(),
            picture.colour,
            picture.segmentation,
            picture.depth_m,
            picture.heatmap_mm,
            buffers.normals,
            buffers.root,
        ],
        device=device,
    )


def read_worn(buffers: WornBuffers, segmentation: wp.array, normals: wp.array, root: wp.array) -> None:
    """Put normals (camera's frame) and square roots of linear albedo where the labels name a worn thing."""
    if buffers.slots:
        wp.launch(
            worn_kernels.read_worn,
            dim=buffers.slots,
            inputs=[buffers.slot_pixel, LEAST_REGION, buffers.normals, buffers.root, segmentation, normals, root],
            device=normals.device,
        )
