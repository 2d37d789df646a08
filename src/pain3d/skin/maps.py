"""SkinMaps and WrinkleRelief: the seam between whoever paints a skin and the renderer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8


@dataclass(frozen=True, kw_only=True, eq=False)
class SkinMaps:
    """What one subject's surface looks like, over the texture atlas of the head model's topology.

    The atlas holds all parts: skin, lips, scalp, neck, garment, eyes, teeth, gums, tongue. Row 0 is v = 0.
    """

    albedo: UInt8[np.ndarray, "size size 3"]
    """Diffuse colour, sRGB encoded, light and shadow free."""
    height_mm: Float[np.ndarray, "size size"]
    """float32 relief above the mesh: pores, wrinkles, hair strands, cloth."""
    roughness: UInt8[np.ndarray, "size size"]
    """0..255 for perceptual roughness 0..1."""
    region: UInt8[np.ndarray, "size size"]
    """`pain3d.face.mesh.Region` of each texel; meaningful on triangles of Part.SKIN."""
    skin_tone_mst: int
    """Monk Skin Tone 1..10 that was asked for."""
    ita_degrees: float
    """Individual Typology Angle measured on the albedo of cheeks and forehead, D65."""

    def __post_init__(self) -> None:
        size = len(self.albedo)
        for name, values in (("height_mm", self.height_mm), ("roughness", self.roughness), ("region", self.region)):
            if values.shape != (size, size):
                raise ValueError(f"{name}: shape {values.shape} does not match the albedo, which is {size} x {size}")

    @property
    def size(self) -> int:
        """Texels along one side."""
        return len(self.albedo)


@dataclass(frozen=True, kw_only=True, eq=False)
class WrinkleRelief:
    """What a pose folds into the skin, over the same atlas on a coarser grid; zero on texels that are not listed."""

    size: int
    """Texels along one side, a power of two."""
    texel: Int[np.ndarray, " texel"]
    """int32 numbers row * size + column, ascending."""
    height_mm: Float[np.ndarray, " texel"]
    """float32 relief above the skin at rest; furrows are negative."""
    blood: Float[np.ndarray, " texel"]
    """float32 change of the natural logarithm of the blood content: below 0 blanched, above 0 flushed."""
    tint: tuple[float, float, float]
    """What a change of 1 in `blood` adds to linear albedo (red, green, blue), as a share of it."""

    @property
    def is_flat(self) -> bool:
        """True where nothing is folded and no blood moves, as at rest."""
        return not self.height_mm.any() and not self.blood.any()

    def on_grid(self, values: Float[np.ndarray, " texel"]) -> Float[np.ndarray, "size size"]:
        """Values of the listed texels over the whole grid, 0 elsewhere."""
        out = np.zeros(self.size * self.size, np.float32)
        out[self.texel] = values
        return out.reshape(self.size, self.size)
