"""Annotations on request: normals, albedo, wrinkles, one heatmap for each Action Unit."""

from __future__ import annotations

import numpy as np
import warp as wp
from jaxtyping import Float, UInt8

from pain3d.render import shading, wrinkle_kernels
from pain3d.render.hair import read_hair
from pain3d.render.worn import read_worn
from pain3d.skin.tone import linear_to_srgb


class Annotator:
    """Reads further values off the surfaces that a finished picture shows."""

    def __init__(self, triangles, part, work, skin, mesh, camera, picture, hair, worn) -> None:
        self._triangles, self._part, self._work, self._hair, self._worn = triangles, part, work, hair, worn
        self._skin, self._mesh, self._camera, self._picture = skin, mesh, camera, picture

    def normals(self) -> Float[np.ndarray, "side side 3"]:
        """Unit normals of the mesh, or of what is worn over it, in the camera's frame; 0 is background."""
        return self._surface()[0]

    def albedo(self) -> UInt8[np.ndarray, "side side 3"]:
        """sRGB surface colour without light; 0 is background."""
        root = self._surface()[1]
        return np.rint(linear_to_srgb(root.astype(np.float64) ** 2) * 255).astype(np.uint8)

    def au_heatmaps(self) -> Float[np.ndarray, "au side side"]:
        """One map for each row of displacements, masked like the heatmap."""
        rows = self._mesh.au_displacements_mm
        out = wp.zeros((rows.shape[0], self._picture.pixels), dtype=wp.float32, device=rows.device)
        self._launch(shading.read_displacements, (rows.shape[0], self._picture.pixels), [rows, out])
        side = self._picture.resolution
        return out.numpy().reshape(-1, side, side).copy()

    def wrinkles(self) -> Float[np.ndarray, "side side"]:
        """Millimetres by which the pose raises or sinks the relief; 0 everywhere at rest."""
        side = self._picture.resolution
        height = self._mesh.wrinkles.height_mm
        if height is None:
            return np.zeros((side, side), np.float32)
        out = wp.zeros(self._picture.pixels, dtype=wp.float32, device=height.device)
        self._launch(wrinkle_kernels.read_wrinkles, self._picture.pixels, [height, out])
        return out.numpy().reshape(side, side).copy()

    def _surface(self) -> tuple[np.ndarray, np.ndarray]:
        device = self._triangles.device
        normals = wp.zeros(self._picture.pixels, dtype=wp.vec3, device=device)
        root = wp.zeros(self._picture.pixels, dtype=wp.vec3, device=device)
        self._launch(
            shading.read_surface,
            self._picture.pixels,
            [self._part, self._skin.struct, self._mesh.wrinkles.struct, self._work.texture_level, normals, root],
        )
        if self._worn is not None:
            read_worn(self._worn, self._picture.segmentation, normals, root)
        if self._hair is not None:
            read_hair(self._hair, normals, root)
        side = self._picture.resolution
        return normals.numpy().reshape(side, side, 3).copy(), root.numpy().reshape(side, side, 3).copy()

    def _launch(self, kernel, dim, inputs) -> None:
        picture, camera = self._picture, self._camera
        common = [self._triangles, self._work.lit, picture.nearest.flatten(), picture.segmentation]
        common += [picture.resolution, camera.focal_px, wp.vec2(camera.centre_px)]
        wp.launch(kernel, dim=dim, inputs=common + inputs, device=self._triangles.device)
