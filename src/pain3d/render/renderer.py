"""Renderer: device memory and the order of launches; returns a Frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import warp as wp
from jaxtyping import Float, Int

from pain3d.face.gaze import TurnedEyes
from pain3d.face.mesh import FaceMesh, Topology
from pain3d.render import annotate, kernels, shading
from pain3d.render.buffers import EDGE_OFFSETS, MeshBuffers, PictureBuffers
from pain3d.render.device import checked_device, prepare
from pain3d.render.film import film_table
from pain3d.render.frame import Frame
from pain3d.render.hair import HairBuffers, HairOnDevice, HairStyle, PosedHair, draw_hair
from pain3d.render.layout import INNER_LIPS, Layout
from pain3d.render.lighting import SPREAD_STEPS, KeyShadow, LightOnDevice
from pain3d.render.scene import Camera, Scene
from pain3d.render.textures import SkinOnDevice, upload_skin
from pain3d.render.worn import PosedWorn, WornBuffers, WornOnDevice, draw_worn
from pain3d.render.wrinkles import WrinklesOnDevice, upload_wrinkles
from pain3d.skin.maps import SkinMaps, WrinkleRelief
from pain3d.worn.solids import Material

EDGE_GAP_PIXELS = 5.0
"""Neighbouring pixels further apart in depth than this many pixel widths show different surfaces."""


@dataclass(frozen=True, kw_only=True, eq=False)
class MeshOnDevice:
    """A posed face in device memory."""

    mesh: FaceMesh
    vertices_m: wp.array
    normals: wp.array
    displacement_mm: wp.array
    au_displacements_mm: wp.array | None
    wrinkles: WrinklesOnDevice
    opening_m: tuple[float, float, float]
    """Middle of the lips' opening, head frame."""
    opening_m2: float


_Buffers = TypeVar("_Buffers", PictureBuffers, HairBuffers, WornBuffers)


class Renderer:
    """Draws heads of one topology on one device.

    >>> renderer = Renderer(topology)                                # doctest: +SKIP
    >>> skin = renderer.upload_skin(maps, head.neutral)              # doctest: +SKIP
    >>> frame = renderer.draw(skin, renderer.upload_mesh(head.express(expression)), scene)  # doctest: +SKIP
    """

    def __init__(self, topology: Topology, device: str = "cpu") -> None:
        """Prepare a device; compiles the kernels where this machine has not done so before.

        Raises:
            ValueError: if the machine has no such device; there is no silent change to another one.
        """
        self.topology = topology
        self.device = checked_device(device)
        prepare(self.device)
        self._layout = Layout.of(topology)
        self._triangles = self._upload(topology.triangles.astype(np.int32), wp.vec3i)
        self._part = self._upload(topology.part, wp.uint8)
        self._uvs = self._upload(topology.uvs.astype(np.float32), wp.vec2)
        self._uv_area = self._upload(self._layout.uv_area, wp.float32)
        self._vertex_part = self._upload(self._layout.vertex_part, wp.uint8)
        self._neighbours = self._upload(self._layout.neighbours, wp.int32)
        self._skin_triangles = self._upload(self._layout.skin_triangles, wp.vec3i)
        self._lash_triangles = self._upload(self._layout.lash_triangles, wp.int32)
        self._offsets = self._upload(EDGE_OFFSETS, wp.vec2i)
        self._film = self._upload(film_table(), wp.float32)
        self._work = MeshBuffers(len(topology.uvs), len(topology.triangles), self.device)
        self._shadow = KeyShadow(self.device)
        self._kept: dict[type, PictureBuffers | HairBuffers | WornBuffers] = {}
        self._light: LightOnDevice | None = None

    def upload_skin(self, maps: SkinMaps, neutral: FaceMesh, *, wet: TurnedEyes | None = None) -> SkinOnDevice:
        """Textures of a subject, and what is baked on its face at rest: occlusion, spread of light.

        Args:
            wet: shade eyes and mouth as wet: iris below the cornea, shadow of lids and lips, tear line; with none they
                are matt. Meshes to upload for this skin carry the same turned eyes, `TurnedEyes.on`.
        """
        self._check_topology(neutral)
        return upload_skin(maps, neutral, self._layout, self._skin_triangles, self._neighbours, self.device, wet)

    def upload_hair(self, style: HairStyle) -> HairOnDevice:
        """What all poses of a subject's hair share; `HairOnDevice.pose` uploads the rest."""
        return HairOnDevice(style, self.device)

    def upload_worn(
        self,
        materials: Sequence[Material],
        triangles: Int[np.ndarray, "triangle 3"],
        material: Int[np.ndarray, " triangle"],
        strength: Float[np.ndarray, " vertex"],
    ) -> WornOnDevice:
        """What all poses of a subject's worn things share; `WornOnDevice.pose` uploads the rest."""
        return WornOnDevice(materials, triangles, material, strength, self.device)

    def upload_mesh(
        self,
        mesh: FaceMesh,
        displacement_mm: Float[np.ndarray, " vertex"] | None = None,
        au_displacements_mm: Float[np.ndarray, "au vertex"] | None = None,
        wrinkles: WrinkleRelief | None = None,
        *,
        keep_wrinkles: bool = False,
    ) -> MeshOnDevice:
        """A posed face.

        Args:
            displacement_mm: what the heatmap shows, one value per vertex; none is 0 everywhere.
            au_displacements_mm: rows for `Frame.au_heatmaps_mm`.
            wrinkles: what the pose folds into the skin; none leaves it as painted.
            keep_wrinkles: whether `draw` will be asked for `Frame.wrinkles_mm`.
        """
        self._check_topology(mesh)
        vertices = len(mesh.vertices_m)
        if displacement_mm is None:
            displacement_mm = np.zeros(vertices, np.float32)
        if displacement_mm.shape != (vertices,):
            raise ValueError(f"displacement_mm: shape {displacement_mm.shape} does not fit {vertices} vertices")
        if au_displacements_mm is not None and au_displacements_mm.shape[1:] != (vertices,):
            raise ValueError(f"au_displacements_mm: shape {au_displacements_mm.shape} does not fit {vertices} vertices")
        lips = mesh.landmarks_m[INNER_LIPS].astype(np.float64)
        gaps = np.sqrt(np.square(lips[[1, 2, 3]] - lips[[7, 6, 5]]).sum(axis=1))
        width = np.sqrt(np.square(lips[0] - lips[4]).sum())
        centre = lips.sum(axis=0) / len(lips)
        return MeshOnDevice(
            mesh=mesh,
            vertices_m=self._upload(mesh.vertices_m.astype(np.float32), wp.vec3),
            normals=self._upload(mesh.normals.astype(np.float32), wp.vec3),
            displacement_mm=self._upload(displacement_mm.astype(np.float32), wp.float32),
            au_displacements_mm=None
            if au_displacements_mm is None
            else self._upload(au_displacements_mm.astype(np.float32), wp.float32),
            wrinkles=upload_wrinkles(wrinkles, self.device, keep_height=keep_wrinkles),
            opening_m=(float(centre[0]), float(centre[1]), float(centre[2])),
            opening_m2=float(np.pi / 4 * width * gaps.sum() / 3),
        )

    def draw(
        self,
        skin: SkinOnDevice,
        mesh: MeshOnDevice,
        scene: Scene,
        *,
        hair: PosedHair | None = None,
        worn: PosedWorn | None = None,
        normals: bool = False,
        albedo: bool = False,
        wrinkles: bool = False,
    ) -> Frame:
        """One picture with its annotations.

        Args:
            hair: ribbons in the pose of `mesh`; none leaves the head as it is.
            worn: things in the pose of `mesh`; none leaves the face bare.
            normals: also return the mesh normals of each pixel.
            albedo: also return the unlit colour of each pixel.
            wrinkles: also return the relief of the pose, if it was uploaded with `keep_wrinkles`.
        """
        camera = scene.camera
        picture = self._buffers(PictureBuffers, camera.resolution)
        light = self._light_on_device(scene)
        backdrop = light.backdrop(scene.background, camera.resolution)
        self._find_visible(skin, mesh, camera, picture)
        extras, slots = self._find_edges(camera, picture)
        self._light_vertices(skin, mesh, hair, worn, camera, light)
        self._shade(skin, mesh, camera, light, backdrop, picture, extras)
        self._mix_edges(backdrop, picture, slots)
        slots = None if worn is None else self._buffers(WornBuffers, camera.resolution)
        if worn is not None and slots is not None:
            view = (light, self._shadow, self._film)
            face = (self._triangles, self._work.lit, self._offsets)
            draw_worn(worn, camera, *view, *face, picture, slots)
        nearest = picture.nearest if slots is None else slots.nearest
        covered = None if hair is None else self._buffers(HairBuffers, camera.resolution)
        if hair is not None and covered is not None:
            view = (light, self._shadow, self._film)
            draw_hair(hair, camera, *view, picture, nearest, covered, surface=normals or albedo)
        self._finish(skin, scene, light, picture, nearest)
        over = (covered, slots)
        return self._frame(skin, mesh, camera, picture, *over, normals=normals, albedo=albedo, wrinkles=wrinkles)

    def _upload(self, values: np.ndarray, dtype) -> wp.array:
        return wp.array(np.ascontiguousarray(values), dtype=dtype, device=self.device)

    def _launch(self, kernel, dim, inputs) -> None:
        wp.launch(kernel, dim=dim, inputs=inputs, device=self.device)

    def _check_topology(self, mesh: FaceMesh) -> None:
        if mesh.topology is not self.topology:
            raise ValueError("mesh: belongs to another topology than this renderer; make a Renderer for that topology")

    def _buffers(self, kind: type[_Buffers], resolution: int) -> _Buffers:
        """Memory of a kind for pictures of this size; that for the last size is kept."""
        kept = self._kept.get(kind)
        if not isinstance(kept, kind) or kept.resolution != resolution:
            kept = self._kept[kind] = kind(resolution, self.device)
        return kept

    def _light_on_device(self, scene: Scene) -> LightOnDevice:
        if self._light is None or self._light.light != scene.light:
            self._light = LightOnDevice(scene.light, self.device)
        return self._light

    def _find_visible(self, skin: SkinOnDevice, mesh: MeshOnDevice, camera: Camera, picture: PictureBuffers) -> None:
        work = self._work
        rotation, translation = wp.mat33(camera.rotation.ravel()), wp.vec3(camera.translation_m)
        self._launch(
            kernels.project,
            len(self._uvs),
            [
                mesh.vertices_m,
                rotation,
                translation,
                camera.focal_px,
                wp.vec2(camera.centre_px),
                work.screen,
                work.nearness,
            ],
        )
        picture.nearest.fill_(kernels.EMPTY)
        self._launch(
            kernels.rasterise,
            len(self._triangles),
            [
                self._triangles,
                self._part,
                self._uv_area,
                skin.maps.size,
                work.screen,
                work.nearness,
                picture.nearest,
                work.texture_level,
            ],
        )

    def _find_edges(self, camera: Camera, picture: PictureBuffers) -> tuple[int, int]:
        """Sample the pixels where surfaces meet; how many extra fragments and edge pixels there are."""
        work = self._work
        gap_m = EDGE_GAP_PIXELS * float(camera.translation_m[2]) / camera.focal_px
        picture.counters.zero_()
        picture.edge_tile.zero_()
        size = picture.resolution
        self._launch(
            kernels.find_edges,
            (size, size),
            [picture.nearest, self._part, gap_m, picture.slot, picture.slot_pixel, picture.edge_tile, picture.counters],
        )
        slots = int(picture.counters.numpy()[0])
        if slots == 0:
            return 0, 0
        picture.samples[:slots].fill_(kernels.EMPTY)
        self._launch(
            kernels.rasterise_edges,
            len(self._triangles),
            [
                self._triangles,
                self._part,
                work.screen,
                work.nearness,
                picture.slot,
                picture.edge_tile,
                self._offsets,
                picture.samples,
            ],
        )
        self._launch(
            kernels.group_samples,
            slots,
            [
                picture.samples,
                picture.slot_pixel,
                picture.nearest.flatten(),
                self._part,
                gap_m,
                picture.pixels,
                picture.counters,
                picture.extra_triangle,
                picture.extra_place,
                picture.group_fragment,
                picture.group_weight,
            ],
        )
        return int(picture.counters.numpy()[1]), slots

    def _light_vertices(
        self,
        skin: SkinOnDevice,
        mesh: MeshOnDevice,
        hair: PosedHair | None,
        worn: PosedWorn | None,
        camera: Camera,
        light: LightOnDevice,
    ) -> None:
        """Light at the vertices; the shadow map is drawn first."""
        work = self._work
        rotation, translation_m = camera.head_to_room
        casters = [(self._skin_triangles, mesh.vertices_m)]
        if hair is not None:
            casters.append((hair.hair.triangles, hair.rims_m))
        if worn is not None:
            casters.append((worn.worn.casting, worn.vertices_m))
        self._shadow.cast(light.light, rotation, casters)
        self._launch(
            shading.light_vertices,
            len(self._uvs),
            [
                mesh.vertices_m,
                mesh.normals,
                self._uvs,
                self._vertex_part,
                skin.struct,
                wp.vec3(mesh.opening_m),
                mesh.opening_m2,
                wp.mat33(rotation.ravel()),
                wp.vec3(translation_m),
                light.struct,
                self._shadow.map,
                self._shadow.taps,
                work.lit,
                work.key,
            ],
        )
        here, there = work.key, work.key_next
        for _ in range(SPREAD_STEPS):
            self._launch(shading.spread_light, len(self._uvs), [self._neighbours, skin.struct, here, there, work.lit])
            here, there = there, here

    def _shade(
        self,
        skin: SkinOnDevice,
        mesh: MeshOnDevice,
        camera: Camera,
        light: LightOnDevice,
        backdrop: wp.array,
        picture: PictureBuffers,
        extras: int,
    ) -> None:
        work = self._work
        self._launch(
            shading.shade,
            picture.pixels + extras,
            [
                self._triangles,
                self._part,
                mesh.displacement_mm,
                work.lit,
                skin.struct,
                mesh.wrinkles.struct,
                light.struct,
                picture.pixels,
                picture.resolution,
                camera.focal_px,
                wp.vec2(camera.centre_px),
                picture.nearest.flatten(),
                work.texture_level,
                picture.extra_triangle,
                picture.extra_place,
                self._offsets,
                backdrop,
                self._film,
                picture.colour,
                picture.segmentation,
                picture.depth_m,
                picture.heatmap_mm,
            ],
        )

    def _mix_edges(self, backdrop: wp.array, picture: PictureBuffers, slots: int) -> None:
        if slots:
            self._launch(
                shading.resolve,
                slots,
                [
                    picture.slot_pixel,
                    picture.group_fragment,
                    picture.group_weight,
                    picture.colour,
                    backdrop,
                    picture.colour,
                ],
            )

    def _finish(
        self, skin: SkinOnDevice, scene: Scene, light: LightOnDevice, picture: PictureBuffers, nearest: wp.array
    ) -> None:
        work = self._work
        picture.covered.zero_()
        if len(self._lash_triangles):
            self._launch(
                shading.cover_by_lashes,
                len(self._lash_triangles),
                [
                    self._triangles,
                    self._lash_triangles,
                    self._uvs,
                    skin.lash_cell,
                    work.screen,
                    work.nearness,
                    nearest,
                    self._offsets,
                    picture.covered,
                ],
            )
        self._launch(
            shading.finish,
            picture.pixels,
            [
                picture.covered.flatten(),
                light.on_film(skin.lash_albedo),
                scene.light.grain,
                scene.grain_seed,
                picture.colour,
            ],
        )

    def _frame(
        self,
        skin: SkinOnDevice,
        mesh: MeshOnDevice,
        camera: Camera,
        picture: PictureBuffers,
        hair: HairBuffers | None,
        worn: WornBuffers | None,
        *,
        normals: bool,
        albedo: bool,
        wrinkles: bool,
    ) -> Frame:
        side = picture.resolution
        extra = annotate.Annotator(self._triangles, self._part, self._work, skin, mesh, camera, picture, hair, worn)
        return Frame(
            rgb=picture.colour.numpy()[: picture.pixels].reshape(side, side, 3).copy(),
            heatmap_mm=picture.heatmap_mm.numpy().reshape(side, side).copy(),
            segmentation=picture.segmentation.numpy().reshape(side, side).copy(),
            depth_m=picture.depth_m.numpy().reshape(side, side).copy(),
            landmarks_px=camera.project(mesh.mesh.landmarks_m).astype(np.float32),
            camera=camera,
            normals=extra.normals() if normals else None,
            albedo=extra.albedo() if albedo else None,
            wrinkles_mm=extra.wrinkles() if wrinkles else None,
            au_heatmaps_mm=extra.au_heatmaps() if mesh.au_displacements_mm is not None else None,
        )
