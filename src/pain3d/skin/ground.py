"""Ground: where hairs, spots and lines may be put; found once per atlas, so that each subject costs little."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from pain3d.face.mesh import Part
from pain3d.skin.atlas import SkinAtlas, nearest_true
from pain3d.skin.fields import Field, smoothstep


class Patch:
    """Some active texels, and what a stroke needs to know about each."""

    def __init__(self, atlas: SkinAtlas, active: Int[np.ndarray, " n"]) -> None:
        self.root = atlas.texel[active]
        self.position_mm = atlas.position_mm[self.root]
        self.normal = atlas.normal[active]
        self.area_mm2 = atlas.area_mm2[active]
        self.fields = atlas.fields[active]
        self.pitch_mm = np.sqrt(self.area_mm2)

    def field(self, field: Field) -> Float[np.ndarray, " n"]:
        """One field over the patch."""
        return self.fields[:, field]

    def __len__(self) -> int:
        return len(self.root)


class Ground:
    """The patches of one atlas."""

    def __init__(self, atlas: SkinAtlas) -> None:
        f = atlas.fields
        skin = atlas.part == Part.SKIN
        across = f[:, Field.BROW_T]
        along = f[:, Field.BROW_S]
        clear = f[:, Field.LID] > 2.5
        self.brows = Patch(atlas, np.flatnonzero(skin & clear & (np.abs(across) < 9) & (along > -0.1) & (along < 1.1)))
        self.scalp = Patch(atlas, np.flatnonzero(skin & (f[:, Field.SCALP] > -12)))
        self.beard = Patch(atlas, np.flatnonzero(skin & (f[:, Field.BEARD] > 0.02)))
        bare = skin & (f[:, Field.LIP] < 0.3) & (f[:, Field.LID] > 1.5) & (f[:, Field.COLLAR] < 30)
        self.bare = Patch(atlas, np.flatnonzero(bare & (f[:, Field.SCALP] < 20)))
        position = self.bare.position_mm
        ax, y, z = np.abs(position[:, 0]), position[:, 1], position[:, 2]
        sunny = np.exp(-((ax / 45) ** 2) - ((y + 18) / 32) ** 2) * (z > -5) + 0.10 * (z > -30)
        aged = np.exp(-(((ax - 55) / 25) ** 2) - ((y - 10) / 50) ** 2) + 0.4 * (y > 40) + 0.1 * (y > -110)
        self.sunny = np.cumsum(sunny * self.bare.area_mm2, dtype=np.float64)
        self.anywhere = np.cumsum(self.bare.area_mm2 * (0.3 + (y > -110)), dtype=np.float64)
        self.aged = np.cumsum(aged * self.bare.area_mm2, dtype=np.float64)
        oily = (0.25 + self.bare.field(Field.PORE) + 0.5 * self.bare.field(Field.OIL)) * (y > -112) * (z > -25)
        self.oily = np.cumsum(oily * self.bare.area_mm2, dtype=np.float64)
        flushed = smoothstep(0.2, 0.6, self.bare.field(Field.BLOOD)) * (y > -60) * (z > -35)
        self.flushed = np.cumsum(flushed * self.bare.area_mm2, dtype=np.float64)
        worn = np.exp(-(((ax - 46) / 20) ** 2) - ((y + 12) / 22) ** 2)
        worn += 0.5 * np.exp(-(((ax - 40) / 22) ** 2)) * (y < 20)
        worn += 0.7 * np.exp(-((ax / 20) ** 2) - ((y + 56) / 6) ** 2)
        self.worn = np.cumsum(worn * (z > -60) * self.bare.area_mm2, dtype=np.float64)
        """Running sums of the weights with which freckles, moles, age spots, pimples, broken vessels and crinkles fall
        on `bare`."""
        self.front = Front(atlas)


class Front:
    """The front of the template by (x, y), on a grid of one millimetre: which texel is the nearest to the viewer."""

    def __init__(self, atlas: SkinAtlas) -> None:
        position = atlas.position_mm[atlas.texel]
        facing = (atlas.part == Part.SKIN) & (atlas.normal[:, 2] > 0.05) & (position[:, 2] > -62)
        at = np.flatnonzero(facing & (atlas.fields[:, Field.EAR] < 0.2))
        at = at[np.argsort(position[at, 2], kind="stable")]
        column, row = self._cell(position[at])
        grid = np.full((320, 200), -1, dtype=np.int64)
        grid[row, column] = atlas.texel[at]  # repeated cells keep the last, which is the nearest
        self.grid = grid.ravel()[nearest_true(grid >= 0)]
        self.position_mm = atlas.position_mm

    @staticmethod
    def _cell(xy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        column = np.clip(np.round(xy[:, 0] + 100).astype(int), 0, 199)
        return column, np.clip(np.round(xy[:, 1] + 220).astype(int), 0, 319)

    def at(self, xy: Float[np.ndarray, "n 2"]) -> tuple[Float[np.ndarray, "n 3"], Int[np.ndarray, " n"]]:
        """The points of the surface in front of some places, and their texels."""
        column, row = self._cell(xy)
        texel = self.grid[row, column]
        return np.concatenate([xy, self.position_mm[texel][:, 2:]], axis=1), texel


def pick(rng: np.random.Generator, running: Float[np.ndarray, " n"], count: int) -> Int[np.ndarray, " count"]:
    """`count` indices, evenly spread in proportion to weights given by their running sum (systematic sampling)."""
    if count <= 0 or not len(running) or running[-1] <= 0:
        return np.empty(0, dtype=np.int64)
    at = (np.arange(count) + rng.random(count)) * (running[-1] / count)
    return np.minimum(np.searchsorted(running, at), len(running) - 1)
