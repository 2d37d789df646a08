"""The materials of worn things; numbers are linear, chosen by eye beside photographs of the real things."""

from __future__ import annotations

from pain3d.face.mesh import Region
from pain3d.skin.traits import Rgb
from pain3d.worn.solids import Layer, Material

CLEAR_PLASTIC: Rgb = (0.045, 0.045, 0.045)
"""Mirrored share of plastics (refractive index 1.5 to 1.55)."""

METALS: tuple[Rgb, ...] = (
    (0.48, 0.45, 0.42),  # steel
    (0.62, 0.45, 0.22),  # gold
    (0.16, 0.16, 0.17),  # gunmetal
    (0.05, 0.05, 0.055),  # black lacquer
)
ACETATES: tuple[Rgb, ...] = (
    (0.012, 0.012, 0.013),  # black
    (0.036, 0.014, 0.006),  # tortoise
    (0.025, 0.032, 0.060),  # navy
    (0.110, 0.020, 0.024),  # burgundy
    (0.130, 0.066, 0.026),  # honey
)

LENS = Material(
    albedo=(0.0, 0.0, 0.0),
    mirror=(0.044, 0.050, 0.054),
    roughness=0.0,
    cover=(0.05, 0.25),
    region=Region.BACKGROUND,
    layer=Layer.LENS,
)
"""Plastic with a thin coating: reflections of both faces, faintly green-blue; hides nothing that labels tell."""
PAD = Material(
    albedo=(0.55, 0.53, 0.48),
    mirror=CLEAR_PLASTIC,
    roughness=0.3,
    cover=(0.35, 0.7),
    region=Region.BACKGROUND,
    layer=Layer.SOFT,
)
"""Nose pads of silicone."""
TUBE = Material(
    albedo=(0.50, 0.57, 0.56),
    mirror=(0.055, 0.055, 0.055),
    roughness=0.16,
    cover=(0.14, 0.78),
    region=Region.CANNULA,
    layer=Layer.SOFT,
)
"""Soft clear PVC."""
SHADE = Material(
    albedo=(0.0, 0.0, 0.0),
    mirror=(0.0, 0.0, 0.0),
    roughness=1.0,
    cover=(0.4, 0.4),
    region=Region.BACKGROUND,
    layer=Layer.SOFT,
)
"""Light that a tube keeps from the skin beside it."""


def metal(colour: Rgb) -> Material:
    """Wire of a frame."""
    return Material(albedo=(0.0, 0.0, 0.0), mirror=colour, roughness=0.28, region=Region.GLASSES)


def acetate(colour: Rgb) -> Material:
    """Cut and polished plastic of a frame."""
    return Material(albedo=colour, mirror=CLEAR_PLASTIC, roughness=0.22, region=Region.GLASSES)
