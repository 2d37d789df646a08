"""Chart: between the maps of a whole atlas and the picture of the face that the model learns."""

from __future__ import annotations

import dataclasses

import numpy as np
from jaxtyping import Bool, Float
from scipy.ndimage import gaussian_filter, minimum_filter, zoom

from pain3d.errors import DataError
from pain3d.face.mesh import Part
from pain3d.skin.atlas import SkinAtlas
from pain3d.skin.fields import Field, smoothstep
from pain3d.skin.maps import SkinMaps
from pain3d.skin.tone import ita_degrees, srgb_bytes, srgb_to_linear, target_ita_degrees
from pain3d.skin.traits import SkinTraits

SIDE = 128
"""Texels along one side of the picture."""
CHANNELS = 5
"""Natural logarithm of linear red, green, blue relative to the measured skin; height [mm]; roughness 0..1."""
ATLAS_SIDE = 256
"""The picture is cut from the atlas at this size: 1.3 mm a texel."""
ROW, COLUMN = 42, 64
"""Of the picture's first texel, in the atlas at `ATLAS_SIDE`: hairline to chin."""
BLUR_TEXELS = (1.5, 1.5, 1.5, 4.0, 4.0)
"""What is coarser is the model's, what is finer the painter's; fine relief and gloss are noise, not worth learning."""
MAX_TONE_ERROR_DEGREES = 5.0
_NOTHING = np.array([0.0, 0.0, 0.0, 0.0, 0.5]).reshape(CHANNELS, 1, 1)
"""Stands where the model has no say."""
_DARKEST = 0.003
"""Linear; below it the logarithm would be of quantisation."""

Picture = Float[np.ndarray, "channel side side"]


class Chart:
    """Cuts pictures from the maps of one atlas, and puts them back."""

    def __init__(self, atlas: SkinAtlas) -> None:
        if atlas.size < ATLAS_SIDE:
            raise ValueError(f"atlas: {atlas.size} texels a side; the diffusion model needs {ATLAS_SIDE} or more")
        self.size = atlas.size
        self.step = atlas.size // ATLAS_SIDE
        self.measured = atlas.measured
        rows, columns = (slice(self.step * low, self.step * (low + SIDE)) for low in (ROW, COLUMN))
        self.window = (rows, columns)
        self.weight = self._weight(atlas)
        row, column = self.measured // atlas.size - rows.start, self.measured % atlas.size - columns.start
        self.probe = (row, column)
        """Where skin tone is measured, in the window."""

    def _weight(self, atlas: SkinAtlas) -> Float[np.ndarray, "row column"]:
        """0..1 of each texel of the window: how far the model decides there."""
        f = atlas.fields
        brow = (np.abs(f[:, Field.BROW_T]) < 9) & (f[:, Field.BROW_S] > -0.15) & (f[:, Field.BROW_S] < 1.15)
        bare = (atlas.part == Part.SKIN) & ~brow & (f[:, Field.EAR] < 0.1)
        clear = smoothstep(3.0, 7.0, f[:, Field.LID]) * smoothstep(4.0, 14.0, -f[:, Field.SCALP])
        whole = np.zeros(self.size**2)
        whole[atlas.texel] = bare * clear
        inside = gaussian_filter(whole.reshape(self.size, self.size)[self.window], self.step)
        edge = np.minimum(np.arange(len(inside)), np.arange(len(inside))[::-1]) / (10.0 * self.step)
        ramp = smoothstep(0.05, 1.0, edge)
        return (inside * ramp[:, None] * ramp[None]).astype(np.float32)

    def picture(self, maps: SkinMaps) -> Picture:
        """float32 picture of a skin, without what is finer than the model's texels."""
        whole = self._layers(maps, self._tone(maps.albedo))
        side = whole.shape[1] // self.step
        coarse = whole.reshape(len(whole), side, self.step, side, self.step).mean(axis=(2, 4))
        blurred = [gaussian_filter(layer, sigma) for layer, sigma in zip(coarse, BLUR_TEXELS, strict=True)]
        return np.stack(blurred).astype(np.float32)

    def paint_on(self, painted: SkinMaps, ground: Picture, sample: Picture, traits: SkinTraits) -> SkinMaps:
        """The painted skin on the sampled ground, with its own pores, hairs, lines and marks.

        Args:
            painted: the whole skin.
            ground: `picture` of what the sample stands in for: the same skin, bare.
            sample: what the model drew.
            traits: what was asked for.

        Raises:
            DataError: for a sample that is not finite, or whose tone misses the one asked for by more than
                `MAX_TONE_ERROR_DEGREES`.
        """
        made = self.drawn_on(painted, ground, sample)
        _check_tone(made, traits)
        return made

    def drawn_on(self, painted: SkinMaps, ground: Picture, sample: Picture) -> SkinMaps:
        """`paint_on` for a skin whose tone nobody asked for: it keeps that of `painted`.

        Raises:
            DataError: for a sample that is not finite.
        """
        if sample.shape != (CHANNELS, SIDE, SIDE) or not np.isfinite(sample).all():
            raise DataError(f"skin: the model gave {sample.shape} with values that are no numbers; train it again")
        change = np.clip(sample - ground, -1.5, 1.5)
        change = zoom(change, (1, self.step, self.step), order=1, grid_mode=True, mode="nearest") * self.weight
        rows, columns = self.window
        inside = painted.albedo[rows, columns]
        before = srgb_to_linear(inside)
        tone = self._tone(painted.albedo)
        albedo = painted.albedo.copy()
        colour, weight = np.moveaxis(change[:3], 0, -1), self.weight[..., None]
        probe = self.probe
        offset = np.zeros(3)
        for _ in range(3):  # bytes and the soft rim keep one step from being exact
            there = srgb_bytes(before[probe] * np.exp(colour[probe] + offset * weight[probe]))
            there = np.where(weight[probe] > 0, there, inside[probe])
            offset += np.log(tone) - np.log(srgb_to_linear(there).mean(axis=0))
        linear = before * np.exp(colour + offset * weight)
        albedo[rows, columns] = np.where(weight > 0, srgb_bytes(linear), inside)
        height = painted.height_mm.copy()
        height[rows, columns] += change[3]
        roughness = painted.roughness.copy()
        rough = np.round(roughness[rows, columns] + 255.0 * change[4])
        roughness[rows, columns] = np.clip(rough, 0, 255).astype(np.uint8)
        ita = ita_degrees(srgb_to_linear(albedo.reshape(-1, 3)[self.measured]))
        return dataclasses.replace(painted, albedo=albedo, height_mm=height, roughness=roughness, ita_degrees=ita)

    def recoloured(self, maps: SkinMaps, change: Float[np.ndarray, "3"]) -> SkinMaps:
        """The maps with the colours of the model's part multiplied by exp(`change`)."""
        albedo = maps.albedo.copy()
        inside = albedo[self.window]
        linear = srgb_to_linear(inside) * np.exp(change * self.weight[..., None])
        albedo[self.window] = np.where(self.weight[..., None] > 0, srgb_bytes(linear), inside)
        return dataclasses.replace(maps, albedo=albedo)

    def coarse(self, mask: Bool[np.ndarray, "size size"]) -> Bool[np.ndarray, "side side"]:
        """Which texels of the picture lie wholly where a mask over the atlas is true, blur included."""
        inside = mask[self.window]
        blocks = inside.reshape(SIDE, self.step, SIDE, self.step).all(axis=(1, 3))
        return minimum_filter(blocks, size=13)

    def _tone(self, albedo: np.ndarray) -> Float[np.ndarray, "3"]:
        """Mean linear colour where skin tone is measured."""
        return srgb_to_linear(albedo.reshape(-1, 3)[self.measured]).mean(axis=0)

    def _layers(self, maps: SkinMaps, tone: np.ndarray) -> np.ndarray:
        linear = srgb_to_linear(maps.albedo[self.window])
        colour = np.log(np.maximum(linear, _DARKEST) / tone)
        others = [maps.height_mm[self.window], maps.roughness[self.window] / 255.0]
        layers = np.stack([*np.moveaxis(colour, -1, 0), *others])
        return np.where(self.weight > 0, layers, _NOTHING)


def _check_tone(maps: SkinMaps, traits: SkinTraits) -> None:
    wanted = target_ita_degrees(traits.skin_tone_mst)
    if not abs(maps.ita_degrees - wanted) <= MAX_TONE_ERROR_DEGREES:
        raise DataError(
            f"skin: the sampled skin measures {maps.ita_degrees:.1f} degrees ITA instead of {wanted:.1f}; "
            f"train the model again, or use skin=procedural"
        )
