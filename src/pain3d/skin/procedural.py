"""Paints a skin in texture space from its traits: pigments, hair, lines, cloth, eyes, teeth."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import warp as wp
from jaxtyping import Bool, Float, Int

from pain3d.skin import bake_kernels, cell_kernels, kernels, stroke_kernels, surface_kernels
from pain3d.skin.atlas import CELLS_BY_UV, SkinAtlas, cell_texels
from pain3d.skin.crinkles import crinkles
from pain3d.skin.fields import Field
from pain3d.skin.ground import Ground
from pain3d.skin.lines import wrinkles
from pain3d.skin.maps import SkinMaps
from pain3d.skin.marks import marks
from pain3d.skin.spectra import BLOOD_RANGE, MELANIN_RANGE, pigment_table
from pain3d.skin.strokes import Strokes, beard_hairs, brow_hairs, head_hairs, join
from pain3d.skin.tone import (
    blood_coordinate,
    ita_degrees,
    melanin_coordinate,
    srgb_bytes,
    srgb_to_linear,
    target_ita_degrees,
    warm_tint,
)
from pain3d.skin.traits import SkinTraits
from pain3d.streams import stream

GARMENTS = ("crew", "v_neck", "gown", "scoop")
GREY_HAIR = (0.44, 0.425, 0.40)
"""Linear sRGB of hair without pigment."""
PROBED = 8
"""Tone is tried on one texel of this many, before the whole is painted."""
PROBES = 3
ITA_PER_MELANIN = -110.0
"""Degrees for each unit of the table's melanin coordinate, about."""
_NO_HAIRLINE_MM = 1000.0
_PER_MELANIN = 1.0 / float(np.log(MELANIN_RANGE[1] / MELANIN_RANGE[0]))
_PER_BLOOD = 1.0 / float(np.log(BLOOD_RANGE[1] / BLOOD_RANGE[0]))


@dataclass(frozen=True, kw_only=True, eq=False)
class Area:
    """Some texels of an atlas, on a painter's device; from `Painter.area`."""

    texels: list[wp.array]
    """Number, part, position, fields and pitch, as the kernels take them."""
    empty: wp.array
    """Texels of no surface, which take the colours of the `nearest`."""
    nearest: wp.array
    cells: bool
    """Whether eyes, teeth and lashes, which have cells of their own in the atlas, are painted."""


class Painter:
    """Holds an atlas on a device, and paints any number of skins on it."""

    def __init__(self, atlas: SkinAtlas, device: str = "cpu") -> None:
        self.atlas = atlas
        self.ground = Ground(atlas)
        self.device = device
        with wp.ScopedDevice(device):
            self._position = wp.array(atlas.position_mm, dtype=wp.vec3)
            self._probe = self._texels(np.searchsorted(atlas.texel, atlas.measured[::PROBED]))
            self._table = wp.array(pigment_table(), dtype=wp.vec3)
            self._volume = wp.array(_noise_volume(), dtype=wp.vec4)
            self._encode = wp.array(_srgb_table(), dtype=wp.uint8)

        self._whole = self.area(np.ones((atlas.size, atlas.size), dtype=bool), cells=True)

    def area(self, mask: Bool[np.ndarray, "size size"], *, cells: bool = False) -> Area:
        """The texels where `mask` is true, to be painted alone; where skin tone is measured it must be true."""
        inside = mask.ravel()
        atlas, empty = self.atlas, inside[self.atlas.empty]
        with wp.ScopedDevice(self.device):
            return Area(
                texels=self._texels(np.flatnonzero(inside[atlas.texel])),
                empty=wp.array(atlas.empty[empty], dtype=wp.int32),
                nearest=wp.array(atlas.nearest[empty], dtype=wp.int32),
                cells=cells,
            )

    def _texels(self, active: Int[np.ndarray, " n"]) -> list[wp.array]:
        atlas = self.atlas
        return [
            wp.array(atlas.texel[active], dtype=wp.int32),
            wp.array(atlas.part[active], dtype=wp.uint8),
            self._position,
            wp.array(atlas.fields[active], ndim=2, dtype=wp.float32),
            wp.array(np.sqrt(atlas.area_mm2[active]), dtype=wp.float32),
        ]

    def paint(self, traits: SkinTraits, *, bare: bool = False, area: Area | None = None) -> SkinMaps:
        """The maps of one skin: a pure function of the traits and the atlas.

        Args:
            traits: what to paint.
            bare: whether to leave out hair of head and brows, lines and marks: the ground that they lie on.
            area: to paint these texels only; what the maps hold elsewhere means nothing.
        """
        size = self.atlas.size
        area = area or self._whole
        with wp.ScopedDevice(self.device):
            layers = wp.zeros((kernels.LAYERS, size * size), dtype=wp.int32)
            if not bare:
                stroke_kernels.launch(all_strokes(traits, self.ground), self._position, size, layers)
            spots_drawn = layers.numpy()[int(kernels.SPOT), self.atlas.measured] >> 8
            q = _parameters(traits, self.atlas, float(spots_drawn.mean()) / 4095.0)
            if bare:
                q.hairline_mm, q.brow_density = _NO_HAIRLINE_MM, 0.0
            maps = [
                wp.zeros((size * size, 3), dtype=wp.uint8),
                wp.zeros(size * size, dtype=wp.float32),
                wp.zeros(size * size, dtype=wp.uint8),
                wp.zeros(size * size, dtype=wp.uint8),
            ]
            common = [self._volume, self._encode]
            self._tune(q, target_ita_degrees(traits.skin_tone_mst), [layers, self._table, *common], maps)
            inputs = [*area.texels, q, layers, self._table, *common]
            wp.launch(surface_kernels.paint, len(area.texels[0]), inputs=inputs, outputs=maps)
            for kind, name in enumerate(CELLS_BY_UV if area.cells else ()):
                cell = cell_texels(name, size)
                wp.launch(
                    cell_kernels.paint_cell,
                    cell[2] * cell[3],
                    inputs=[wp.vec4i(*cell), kind, size, q, *common],
                    outputs=maps,
                )
            wp.launch(surface_kernels.spread, len(area.empty), inputs=[area.empty, area.nearest], outputs=maps)
            albedo, height, rough, region = (m.numpy() for m in maps)
        return SkinMaps(
            albedo=albedo.reshape(size, size, 3),
            height_mm=height.reshape(size, size),
            roughness=rough.reshape(size, size),
            region=region.reshape(size, size),
            skin_tone_mst=traits.skin_tone_mst,
            ita_degrees=ita_degrees(srgb_to_linear(albedo[self.atlas.measured])),
        )

    def _tune(self, q: Any, wanted: float, inputs: list[wp.array], maps: list[wp.array]) -> None:
        """Move the melanin of `q` until skin that is measured has the wanted ITA, spots, lines and shine included."""
        at, slope, before = self.atlas.measured[::PROBED], ITA_PER_MELANIN, None
        for _ in range(PROBES):
            wp.launch(surface_kernels.paint, len(at), inputs=[*self._probe, q, *inputs], outputs=maps)
            found = ita_degrees(srgb_to_linear(maps[0].numpy()[at]))
            if before is not None and abs(q.melanin - before[0]) > 1e-4:
                slope = float(np.clip((found - before[1]) / (q.melanin - before[0]), 2 * ITA_PER_MELANIN, -40.0))
            before = (q.melanin, found)
            q.melanin = float(np.clip(q.melanin + (wanted - found) / slope, -1.0, 1.5))


def prepare(device: str = "cpu") -> None:
    """Compile the kernels, or load them from Warp's cache: call once before worker processes start."""
    for module in (bake_kernels, stroke_kernels, surface_kernels, cell_kernels):
        wp.load_module(module, device=device)


def paint(traits: SkinTraits, atlas: SkinAtlas, device: str = "cpu") -> SkinMaps:
    """Paint one skin. To paint many, keep a `Painter`.

    Args:
        traits: what to paint.
        atlas: of the head model that will wear it.
        device: Warp device.
    """
    return Painter(atlas, device).paint(traits)


def all_strokes(traits: SkinTraits, ground: Ground) -> Strokes:
    """Everything of this skin that is drawn one by one."""
    return join([make(traits, ground) for make in (brow_hairs, head_hairs, beard_hairs, marks, wrinkles, crinkles)])


def hair_albedo(eumelanin: float, pheomelanin: float) -> Float[np.ndarray, "3"]:
    """Linear sRGB of a mass of hair with these pigments.

    Absorption per unit of pigment after Chiang et al. (2016) and d'Eon et al. (2011); the square root stands for
    multiple scattering between hairs; green of pheomelanin is raised, or red hair would look brown.
    """
    absorption = eumelanin * np.array([0.419, 0.697, 1.37]) + pheomelanin * np.array([0.187, 0.52, 1.05])
    return np.array([0.66, 0.585, 0.53]) * np.exp(-2.4 * np.sqrt(absorption)) + np.array([0.0085, 0.0075, 0.007])


def _parameters(traits: SkinTraits, atlas: SkinAtlas, spotted: float) -> Any:
    """`kernels.Paint` of a subject; `spotted` is the mean strength of freckles and spots where tone is measured."""
    q = kernels.Paint()
    rng = stream(traits.seed, "paint")
    mean = atlas.measured_mean
    depth = (traits.skin_tone_mst - 1) / 9.0
    q.flush = traits.flush * (1.0 - 0.45 * depth)
    q.spot_melanin = 2.8 - 2.0 * depth  # the less melanin around, the more a spot stands out
    for pale in np.linspace(
        1.0, 0.3, 15
    ):  # very light skin holds little blood: without melanin nothing else lightens it
        q.blood = blood_coordinate(traits.blood_share * pale)
        measured_blood = q.blood + _PER_BLOOD * q.flush * float(mean[Field.BLOOD])
        wanted = melanin_coordinate(
            target_ita_degrees(traits.skin_tone_mst), blood=measured_blood, warmth=traits.warmth
        )
        extra = float(mean[Field.MELANIN]) * (0.7 + 0.7 * depth) + q.spot_melanin * spotted
        q.melanin = wanted - _PER_MELANIN * extra
        if wanted > 0.02:
            break
    q.per_melanin, q.per_blood = _PER_MELANIN, _PER_BLOOD
    q.tint = wp.vec3(*warm_tint(traits.warmth))
    q.depth = depth
    q.uneven, q.periorbital, q.pores = traits.unevenness * (1.0 - 0.35 * depth), traits.periorbital, traits.pores
    q.oil, q.lip_red, q.eye_bags = traits.oiliness, traits.lip_red, traits.eye_bags
    q.aged = float(np.clip((traits.age_years - 25) / 55, 0.0, 1.2))
    q.make_up = traits.make_up
    reds = np.array([[0.30, 0.04, 0.05], [0.38, 0.12, 0.12], [0.30, 0.09, 0.10], [0.24, 0.05, 0.09]])
    q.make_up_colour = wp.vec3(*(reds[int(rng.integers(4))] * (1.0 - 0.45 * depth)))
    shadows = np.array([[0.16, 0.09, 0.06], [0.10, 0.09, 0.11], [0.13, 0.14, 0.20], [0.22, 0.12, 0.13]])
    q.eye_shadow = wp.vec3(*(shadows[int(stream(traits.seed, "eye shadow").integers(4))] * (1.0 - 0.5 * depth)))
    pigmented = hair_albedo(traits.hair_eumelanin, traits.hair_pheomelanin)
    q.hair = wp.vec3(*pigmented)
    q.grey_hair = wp.vec3(*GREY_HAIR)
    q.grey, q.hairline_mm, q.baldness = traits.grey, traits.hairline_mm, traits.baldness
    q.hair_cover = float(np.clip((0.78 + 0.04 * traits.hair_length_mm) * traits.hair_density, 0.3, 0.98))
    q.hair_cover = q.hair_cover**traits.hair_shade  # shade hides the scalp as well
    q.hair_curl, q.hair_shade = traits.hair_curl, traits.hair_shade
    # a thin fringe of full hair would show the lifted scalp
    q.hair_edge_mm = float(np.interp(traits.hair_volume_mm, (2.0, 12.0), (9.0, 3.0)))
    q.fringe_mm, q.fringe_side = abs(traits.hair_fringe_mm), 1.0 if traits.hair_fringe_mm > 0 else -1.0
    q.drop_mm = traits.hair_drop_mm
    q.hair_locks = float(np.interp(traits.hair_volume_mm, (2.0, 16.0), (0.15, 1.0)))
    q.hair_height_mm = 0.25 + 0.05 * traits.hair_length_mm
    q.brow_half_mm, q.brow_arch_mm = 0.5 * traits.brow_width_mm, traits.brow_arch_mm
    q.brow_density = float(np.clip(traits.brow_density, 0.15, 1.1))
    q.beard, q.moustache_only = traits.beard, float(traits.beard_moustache_only)
    q.garment = GARMENTS.index(traits.garment)
    q.cloth = wp.vec3(*traits.garment_colour)
    q.iris, q.collarette = wp.vec3(*traits.iris), wp.vec3(*traits.iris_collarette)
    q.pupil = float(rng.uniform(0.30, 0.42))
    yellow = traits.sclera_yellow
    q.sclera = wp.vec3(0.46 - 0.03 * yellow, 0.43 - 0.05 * yellow, 0.41 - 0.14 * yellow)
    stain = traits.teeth_yellow
    q.teeth = wp.vec3(0.79 - 0.14 * stain, 0.71 - 0.15 * stain, 0.60 - 0.22 * stain)
    q.offset = wp.vec3(*rng.uniform(0.0, kernels.NOISE_CELLS, 3))
    return q


@cache
def _noise_volume() -> Float[np.ndarray, "cell 4"]:
    """White noise, -1..1, with which every subject's noise begins at another offset."""
    return stream(0, "skin noise volume").uniform(-1, 1, (kernels.NOISE_CELLS**3, 4)).astype(np.float32)


@cache
def _srgb_table() -> np.ndarray:
    """sRGB byte of linear (k / 4095)^2: fine steps in the dark, where the curve is steep."""
    return srgb_bytes((np.arange(4096) / 4095.0) ** 2)
