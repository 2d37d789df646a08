"""SkinMaps: the seam between whoever paints a skin and the renderer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8


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
