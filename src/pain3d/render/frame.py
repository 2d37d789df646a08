"""Frame: one picture with everything that is known about it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

from pain3d.render.scene import Camera


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """A picture and its annotations, all from the same geometry; row 0 at the top.

    Label images are point-sampled at pixel centres and never blended.
    """

    rgb: UInt8[np.ndarray, "side side 3"]
    """sRGB."""
    heatmap_mm: Float[np.ndarray, "side side"]
    """float32 skin displacement that was handed in; 0 off skin, lips and brows."""
    segmentation: UInt8[np.ndarray, "side side"]
    """`pain3d.face.mesh.Region` of each pixel."""
    depth_m: Float[np.ndarray, "side side"]
    """float32 along the camera's z; 0 is background."""
    landmarks_px: Float[np.ndarray, "68 2"]
    """float32 x, y of the iBUG-68 landmarks, hidden or not."""
    camera: Camera
    normals: Float[np.ndarray, "side side 3"] | None = None
    """float32 unit normals of the mesh in the camera's frame (x right, y down, z forward); 0 is background."""
    albedo: UInt8[np.ndarray, "side side 3"] | None = None
    """sRGB surface colour without light; 0 is background."""
    au_heatmaps_mm: Float[np.ndarray, "au side side"] | None = None
    """float32, one map for each extra displacement handed in, masked like `heatmap_mm`."""
    wrinkles_mm: Float[np.ndarray, "side side"] | None = None
    """float32 relief that the pose folds into the skin, up or down; 0 at rest, and off skin, lips and brows."""
