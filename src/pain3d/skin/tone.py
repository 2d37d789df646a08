"""Skin tone: the Monk scale, the Individual Typology Angle (ITA), and the pigments that give them.

The swatches of the Monk scale are apparent colours on a screen, light and camera included; the tones here are albedos.
Their ITA falls monotonously over the scale, from 56.5 degrees ("very light" in the usual classes: above 55) to -57
("dark": below -30); lightness and yellowness along the way follow measured skin through `pain3d.skin.spectra`.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, UInt8

from pain3d.skin.spectra import BLOOD_RANGE, MELANIN_RANGE, XYZ_TO_LINEAR_SRGB, pigment_table

MST_ITA_DEGREES: tuple[float, ...] = (56.5, 50.5, 43.0, 33.5, 22.0, 6.0, -12.0, -29.0, -44.0, -57.0)
"""ITA of Monk Skin Tone 1..10, as painted."""

_D65_WHITE = np.array([0.95047, 1.0, 1.08883])


def checked_tone(skin_tone_mst: int) -> int:
    """The tone itself.

    Raises:
        ValueError: if it is not in 1..10.
    """
    if skin_tone_mst not in range(1, 11):
        raise ValueError(f"skin_tone_mst: {skin_tone_mst} is outside 1..10, the Monk scale; 1 is the lightest")
    return int(skin_tone_mst)


def target_ita_degrees(skin_tone_mst: int) -> float:
    """ITA of the albedo that is painted for a Monk Skin Tone 1..10."""
    return MST_ITA_DEGREES[checked_tone(skin_tone_mst) - 1]


def nearest_tone(ita: float) -> int:
    """The Monk Skin Tone 1..10 whose albedo is closest to an ITA in degrees."""
    return int(np.argmin(np.abs(np.array(MST_ITA_DEGREES) - ita))) + 1


def srgb_to_linear(encoded: UInt8[np.ndarray, "... 3"]) -> Float[np.ndarray, "... 3"]:
    """Linear 0..1 values of sRGB bytes."""
    value = np.asarray(encoded, dtype=np.float64) / 255.0
    return np.where(value <= 0.04045, value / 12.92, ((value + 0.055) / 1.055) ** 2.4)


def linear_to_srgb(linear: Float[np.ndarray, "*n"]) -> Float[np.ndarray, "*n"]:
    """sRGB 0..1 of linear values (IEC 61966-2-1); what lies outside 0..1 is clipped."""
    linear = np.clip(linear, 0.0, 1.0)
    return np.where(linear <= 0.0031308, linear * 12.92, 1.055 * linear ** (1 / 2.4) - 0.055)


def srgb_bytes(linear: Float[np.ndarray, "*n"]) -> UInt8[np.ndarray, "*n"]:
    """sRGB bytes of linear values, as `srgb_to_linear` reads them."""
    return np.round(255.0 * linear_to_srgb(linear)).astype(np.uint8)


def cielab(linear: Float[np.ndarray, "... 3"]) -> Float[np.ndarray, "... 3"]:
    """CIELAB (D65) of linear sRGB."""
    xyz = np.asarray(linear, dtype=np.float64) @ np.linalg.inv(XYZ_TO_LINEAR_SRGB).T / _D65_WHITE
    root = np.where(xyz > 216 / 24389, np.cbrt(xyz), (24389 / 27 * xyz + 16) / 116)
    return np.stack(
        [
            116 * root[..., 1] - 16,
            500 * (root[..., 0] - root[..., 1]),
            200 * (root[..., 1] - root[..., 2]),
        ],
        axis=-1,
    )


def ita_degrees(linear: Float[np.ndarray, "texel 3"]) -> float:
    """Individual Typology Angle arctan((L* - 50) / b*) of the mean colour of some texels.

    The mean is taken in linear light, as a colorimeter's aperture does.
    """
    lightness, _, yellow = cielab(np.asarray(linear, dtype=np.float64).mean(axis=0))
    return float(np.degrees(np.arctan2(lightness - 50.0, yellow)))


def melanin_coordinate(ita: float, *, blood: float, warmth: float) -> float:
    """Where on the pigment table's melanin axis, 0..1, skin of this blood content reaches an ITA.

    Args:
        ita: degrees asked for.
        blood: coordinate 0..1 on the table's blood axis.
        warmth: share of blue light that carotene and pheomelanin take away.
    """
    table = pigment_table()[:, :, 1].astype(np.float64)
    column = blood * (table.shape[1] - 1)
    low = min(int(column), table.shape[1] - 2)
    colours = table[:, low] + (column - low) * (table[:, low + 1] - table[:, low])
    colours = colours * warm_tint(warmth)
    lab = cielab(colours)
    angles = np.degrees(np.arctan2(lab[:, 0] - 50.0, lab[:, 2]))  # falls along the axis
    return float(np.interp(-ita, -angles, np.linspace(0.0, 1.0, len(angles))))


def warm_tint(warmth: float) -> Float[np.ndarray, "3"]:
    """What `warmth` multiplies linear red, green and blue by."""
    return np.array([1.0 + 0.10 * warmth, 1.0, 1.0 - warmth])


def blood_tint(skin_tone_mst: int, *, blood_share: float, warmth: float) -> Float[np.ndarray, "3"]:
    """How blood colours skin of a tone: relative change of linear albedo for each unit by which the logarithm of the
    blood content rises. Negative, green most; melanin hides it in dark skin only in part.

    Args:
        skin_tone_mst: Monk Skin Tone 1..10.
        blood_share: volume share of blood in the dermis.
        warmth: as for `melanin_coordinate`.
    """
    blood, step = blood_coordinate(blood_share), 0.3
    melanin = melanin_coordinate(target_ita_degrees(skin_tone_mst), blood=blood, warmth=warmth)
    table = pigment_table()[:, :, 1].astype(np.float64)
    rows = np.linspace(0.0, 1.0, len(table))
    columns = np.linspace(0.0, 1.0, table.shape[1])
    at_melanin = np.array([[np.interp(melanin, rows, table[:, j, c]) for c in range(3)] for j in range(len(columns))])
    before, after = (
        np.array([np.interp(at, columns, at_melanin[:, c]) for c in range(3)])
        for at in (blood, blood_coordinate(blood_share * float(np.exp(step))))
    )
    return (after / before - 1.0) / step


def blood_coordinate(share: float) -> float:
    """Coordinate 0..1 on the table's logarithmic blood axis of a volume share."""
    return float(np.log(share / BLOOD_RANGE[0]) / np.log(BLOOD_RANGE[1] / BLOOD_RANGE[0]))


def melanin_share(coordinate: float) -> float:
    """Volume share of melanosomes at a coordinate 0..1 of the table's logarithmic melanin axis."""
    return float(MELANIN_RANGE[0] * (MELANIN_RANGE[1] / MELANIN_RANGE[0]) ** coordinate)
