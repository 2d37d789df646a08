"""Living wrinkles: the relief that Action Units fold into a subject's skin, over the texture atlas.

Each zone of a subject is drawn once, at full contraction, on a grid of half the atlas's resolution; a pose adds the
zones up with its weights. Relief is exactly zero at rest and linear in the weights.
"""

# pyright: reportArgumentType=false
# Warp's types confuse the checker.

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import warp as wp
from jaxtyping import Float, Int

from pain3d.face.mesh import Part
from pain3d.facs import AU_INDEX
from pain3d.skin import stroke_kernels
from pain3d.skin.atlas import FAR_MM, SkinAtlas
from pain3d.skin.fields import Field, smoothstep
from pain3d.skin.ground import Ground
from pain3d.skin.lines import Curve, on_surface
from pain3d.skin.maps import WrinkleRelief
from pain3d.skin.strokes import Strokes
from pain3d.skin.tone import blood_tint
from pain3d.skin.traits import SkinTraits
from pain3d.skin.wrinkle_lines import Furrow, furrows, wear
from pain3d.skin.wrinkle_zones import ZONES, Zone, zone_weights
from pain3d.streams import stream

REACH_TEXELS = 65
"""`stroke_kernels` draws no further from the root of a stroke."""
MIDLINE_MM = 4.0
"""Half the width over which one side's weight passes into the other's."""
BLANCHED_PER_MM = 0.35
"""Change of the natural logarithm of the blood content for each millimetre that skin is pressed into a furrow."""
FLUSHED = 0.45
"""The same for cheeks, nose and forehead when all muscles of pain strain."""
_STRAIN = [AU_INDEX[name] for name in ("AU4", "AU6", "AU7", "AU9", "AU10")]
_BLANCHED_RISE = ("chin",)
"""Zones whose skin is pressed where it rises, too: the knuckles of the boss."""


@dataclass(frozen=True, kw_only=True, eq=False)
class _Patch:
    """One zone of one subject at full contraction."""

    at: Int[np.ndarray, " n"]
    """Places in `LivingWrinkles.texel`."""
    height_mm: Float[np.ndarray, " n"]
    left: Float[np.ndarray, " n"]
    """Share 0..1 that the left side's weight has here."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LivingWrinkles:
    """All that one face can fold into; `relief` gives what a pose makes of it."""

    size: int
    texel: Int[np.ndarray, " texel"]
    patches: Mapping[str, _Patch]
    """By zone."""
    flush: Float[np.ndarray, " texel"]
    """0..1: where blood rises under strain."""
    tint: tuple[float, float, float]

    def relief(self, weights: Float[np.ndarray, "16 2"]) -> WrinkleRelief:
        """The relief of a pose.

        Args:
            weights: of each Action Unit on the left and on the right, from `pain3d.face.rig.side_weights`.
        """
        height = np.zeros(len(self.texel), np.float32)
        blood = np.zeros(len(self.texel), np.float32)
        for (name, patch), (left, right) in zip(
            self.patches.items(), zone_weights(weights).astype(np.float32), strict=True
        ):
            if left or right:
                part = patch.height_mm * (right + (left - right) * patch.left)
                height[patch.at] += part
                if name in _BLANCHED_RISE:
                    blood[patch.at] -= BLANCHED_PER_MM * np.maximum(part, 0)
        strain = float(weights[_STRAIN].mean())
        blood += np.float32(FLUSHED * strain * strain) * self.flush + BLANCHED_PER_MM * np.minimum(height, 0)
        return WrinkleRelief(size=self.size, texel=self.texel, height_mm=height, blood=blood, tint=self.tint)


class Wrinkler:
    """Draws living wrinkles for any number of subjects on one atlas; works on the CPU."""

    def __init__(self, atlas: SkinAtlas, ground: Ground) -> None:
        self._atlas, self._ground = atlas, ground
        self.size = atlas.size // 2
        near = _halved(atlas.position_mm, atlas.size)
        self._x = near[:, 0]
        self._position = wp.array(near, dtype=wp.vec3, device="cpu")
        self._flush = _flush(atlas, self.size)
        self._layers: wp.array | None = None

    def fold(self, traits: SkinTraits) -> LivingWrinkles:
        """The wrinkles of one subject: a pure function of the traits and the atlas."""
        worn, drawn = wear(traits), furrows(traits)
        shapes = self._shapes(drawn, worn)
        touched = self._flush > 0
        for at, _ in shapes.values():
            touched[at] = True
        texel = np.flatnonzero(touched)
        place = np.zeros(self.size**2, np.int64)
        place[texel] = np.arange(len(texel))
        patches = {}
        for name, zone in ZONES.items():
            at, shape = shapes[zone.drawn]
            height = shape * np.float32(_depth_mm(zone, traits, worn))
            if zone.fade_mm is not None:
                height = height * smoothstep(*zone.fade_mm, np.abs(self._x[at])).astype(np.float32)
            left = smoothstep(-MIDLINE_MM, MIDLINE_MM, self._x[at]).astype(np.float32)
            patches[name] = _Patch(at=place[at], height_mm=height, left=left)
        tint = blood_tint(traits.skin_tone_mst, blood_share=traits.blood_share, warmth=traits.warmth)
        return LivingWrinkles(
            size=self.size,
            texel=texel.astype(np.int32),
            patches=patches,
            flush=self._flush[texel],
            tint=(float(tint[0]), float(tint[1]), float(tint[2])),
        )

    def _shapes(
        self, drawn: Mapping[str, Sequence[Furrow]], worn: float
    ) -> dict[str, tuple[Int[np.ndarray, " n"], Float[np.ndarray, " n"]]]:
        """Texels that each set of furrows touches, and its relief there in shares of its zones' depth."""
        if self._layers is None:
            self._layers = wp.empty((2 * len(drawn), self.size**2), dtype=wp.int32, device="cpu")
        self._layers.zero_()
        strokes = self._strokes(drawn, worn)
        stroke_kernels.launch(strokes, self._position, self.size, self._layers)
        values = self._layers.numpy().reshape(-1, self.size, self.size)
        shapes = {}
        for k, name in enumerate(drawn):
            rows, columns = self._window(strokes.root[strokes.layer // 2 == k])
            valley, rise = values[2 * k, rows, columns], values[2 * k + 1, rows, columns]
            row, column = np.nonzero(valley | rise)
            relief = ((rise[row, column] >> 8) - (valley[row, column] >> 8)) * np.float32(1 / 4095)
            shapes[name] = (row + rows.start) * self.size + column + columns.start, relief
        return shapes

    def _window(self, root: Int[np.ndarray, " stroke"]) -> tuple[slice, slice]:
        """Rows and columns that strokes from these texels reach."""
        if not len(root):
            return slice(0, 0), slice(0, 0)
        rows, columns = (
            slice(max(int(at.min()) - REACH_TEXELS, 0), int(at.max()) + REACH_TEXELS + 1)
            for at in np.divmod(root, self.size)
        )
        return rows, columns

    def _strokes(self, drawn: Mapping[str, Sequence[Furrow]], worn: float) -> Strokes:
        """Valleys of a set on one layer, what rises on the next; strength 1 is the depth of its zones."""
        curves: list[Curve] = []
        layers: list[int] = []
        soft = 1.3 - 0.3 * min(worn, 1.0)  # young skin is thick and elastic: it folds in wider curves
        for k, one in ((k, one) for k, some in enumerate(drawn.values()) for one in some):
            shown = float(smoothstep(one.onset - 0.2, one.onset + 0.35, np.array(worn)))
            if shown > 0:
                width = soft * one.half_width_mm
                curves += [
                    (one.points, shown * one.depth, width),
                    (_thinned(one.points, width * one.reach), shown * one.height, width * one.reach),
                ]
                layers += [2 * k, 2 * k + 1]
        return self._settled(on_surface(curves, self._ground, layers))

    def _settled(self, strokes: Strokes) -> Strokes:
        """The strokes on the tangent planes of their texels: beside the nose, depth changes faster than place."""
        active = np.searchsorted(self._atlas.texel, strokes.root)
        origin, normal = self._atlas.position_mm[strokes.root], self._atlas.normal[active]

        def settle(points: np.ndarray) -> np.ndarray:
            away = points - origin
            flat = away[:, 0] * normal[:, 0] + away[:, 1] * normal[:, 1]
            return np.stack([points[:, 0], points[:, 1], origin[:, 2] - flat / np.maximum(normal[:, 2], 0.25)], axis=1)

        row, column = np.divmod(strokes.root, self._atlas.size)
        return replace(
            strokes,
            root=row // 2 * self.size + column // 2,
            start_mm=settle(strokes.start_mm),
            end_mm=settle(strokes.end_mm),
        )


def _thinned(points: Float[np.ndarray, "n 2"], half_width_mm: float) -> Float[np.ndarray, "m 2"]:
    """Fewer points along a curve: segments shorter than a half width do for a broad stroke."""
    length = float(np.hypot(*np.diff(points, axis=0).T).sum())
    step = int(0.8 * half_width_mm * (len(points) - 1) / max(length, 1e-6))
    return np.concatenate([points[:-1:step], points[-1:]]) if 1 < step < len(points) // 3 else points


def _depth_mm(zone: Zone, traits: SkinTraits, worn: float) -> float:
    """Deepest furrow of a zone at full contraction: deeper in worn skin, and in some people than in others."""
    own = stream(traits.seed, "living wrinkles", "depth", zone.drawn).uniform(0.7, 1.25)
    return zone.depth_mm * own * (zone.young + (1.0 - zone.young) * min(worn, 1.1))


def _halved(position_mm: Float[np.ndarray, "texel 3"], size: int) -> Float[np.ndarray, "half 3"]:
    """Mean place of the covered ones of each two by two texels."""
    half = size // 2
    blocks = position_mm.reshape(half, 2, half, 2, 3)
    covered = blocks[..., 0] < FAR_MM
    count = covered.sum(axis=(1, 3))
    total = np.where(covered[..., None], blocks, np.float32(0)).sum(axis=(1, 3))
    mean = np.where(count[..., None] > 0, total / np.maximum(count, 1)[..., None], np.float32(FAR_MM))
    return np.ascontiguousarray(mean.reshape(half * half, 3), dtype=np.float32)


def _flush(atlas: SkinAtlas, half: int) -> Float[np.ndarray, " half"]:
    """Where blood rises under strain: where skin is rich in vessels, and over the forehead."""
    skin = atlas.part == Part.SKIN
    table, position = atlas.fields[skin], atlas.position_mm[atlas.texel[skin]]
    forehead = np.exp(-0.5 * ((position[:, 0] / 38) ** 2 + ((position[:, 1] - 40) / 18) ** 2)) * (position[:, 2] > -20)
    value = np.clip(1.5 * table[:, Field.BLOOD], 0, 1) + 0.8 * forehead
    value = np.clip(value, 0, 1) * (table[:, Field.FACE]) * (1 - table[:, Field.LIP])
    row, column = np.divmod(atlas.texel[skin], atlas.size)
    out = np.zeros(half * half, np.float32)
    np.maximum.at(out, row // 2 * half + column // 2, value.astype(np.float32))
    return np.where(out > 0.02, out, np.float32(0))
