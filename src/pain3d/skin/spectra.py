"""Skin colour from its pigments: a two-layer spectral model, tabulated once.

Light crosses the epidermis (melanin) twice and is scattered back by the dermis (blood). Sources: melanin and baseline
absorption and reduced scattering from S. Jacques, "Optical properties of biological tissues", Phys. Med. Biol. 58
(2013), and his skin optics summary; haemoglobin extinction from S. Prahl's compilation (omlc.org); diffuse reflectance
of a half space after T. Farrell et al., Med. Phys. 19 (1992); colour matching functions after C. Wyman et al., JCGT
2(2) (2013); CIE illuminant D65.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from jaxtyping import Float

WAVELENGTH_NM = np.arange(400, 701, 10, dtype=np.float64)

# fmt: off
_OXY = np.array([
    266232, 466840, 480360, 246072, 102580, 62816, 44480, 33209, 26629, 23684, 20933, 20035, 24202, 39957,
    53236, 43016, 32613, 44496, 50104, 14401, 3200, 1506, 942, 610, 442, 368, 320, 294, 278, 276, 290,
])
_DEOXY = np.array([
    223296, 303956, 407560, 528600, 413280, 103292, 23389, 16156, 14550, 16684, 20862, 25774, 31590, 39036,
    46592, 53412, 53788, 45072, 37020, 28324, 14677, 9444, 6510, 5149, 4345, 3750, 3227, 2795, 2408, 2052,
    1794,
])
_D65 = np.array([
    82.75, 91.49, 93.43, 86.68, 104.86, 117.01, 117.81, 114.86, 115.92, 108.81, 109.35, 107.8, 104.79, 107.69,
    104.41, 104.05, 100, 96.33, 95.79, 88.69, 90.01, 89.6, 87.7, 83.29, 83.7, 80.03, 80.21, 82.28, 78.28,
    69.72, 71.61,
])
# fmt: on

BLOOD_G_PER_L = 150.0
HAEMOGLOBIN_G_PER_MOL = 64500.0
EPIDERMIS_CM = 0.0060
"""Optical path through the melanin-bearing layer, one way."""
MELANOSOME_PER_CM = 680.0
"""Absorption of a melanosome at 500 nm (Jacques)."""
MELANIN_EXPONENT = 1.9
"""Fall of the absorption with wavelength. 3.33 for melanin alone; in living skin scattering between unevenly spread
melanosomes flattens it, and 3.33 would make dark skin orange (b* 38 at L* 30; measured skin has 8 to 14)."""
SURFACE = 0.028
"""Diffuse reflectance of the horny layer, which no pigment colours: what keeps dark skin neutral."""
OXYGENATION = (0.25, 0.80)
"""Share of oxygenated blood at the two ends of the table's last pigment axis: venous pooling, normal skin."""

MELANIN_RANGE = (0.004, 0.60)
"""Volume share of melanosomes in the epidermis, at the ends of the table; the axis is logarithmic."""
BLOOD_RANGE = (0.0005, 0.12)
"""Volume share of blood in the dermis, at the ends of the table; the axis is logarithmic."""
TABLE_SHAPE = (64, 32, 2)

XYZ_TO_LINEAR_SRGB = np.array(
    [[3.2404542, -1.5371385, -0.4985314], [-0.9692660, 1.8760108, 0.0415560], [0.0556434, -0.2040259, 1.0572252]]
)


def _lobe(wavelength: np.ndarray, centre: float, below: float, above: float) -> np.ndarray:
    return np.exp(-0.5 * ((wavelength - centre) * np.where(wavelength < centre, below, above)) ** 2)


def _colour_matching() -> Float[np.ndarray, "3 wavelength"]:
    w = WAVELENGTH_NM
    x = 0.362 * _lobe(w, 442.0, 0.0624, 0.0374) + 1.056 * _lobe(w, 599.8, 0.0264, 0.0323)
    x -= 0.065 * _lobe(w, 501.1, 0.0490, 0.0382)
    y = 0.821 * _lobe(w, 568.8, 0.0213, 0.0247) + 0.286 * _lobe(w, 530.9, 0.0613, 0.0322)
    z = 1.217 * _lobe(w, 437.0, 0.0845, 0.0278) + 0.681 * _lobe(w, 459.0, 0.0385, 0.0725)
    return np.stack([x, y, z])


def reflectance(melanin: np.ndarray, blood: np.ndarray, oxygenation: np.ndarray) -> Float[np.ndarray, "... wavelength"]:
    """Diffuse reflectance spectrum of skin; arguments are volume shares, and broadcast."""
    w = WAVELENGTH_NM
    melanin, blood, oxygenation = (np.asarray(a, dtype=np.float64)[..., None] for a in (melanin, blood, oxygenation))
    baseline = 0.244 + 85.3 * np.exp(-(w - 154.0) / 66.2)
    melanosome = MELANOSOME_PER_CM * (w / 500.0) ** -MELANIN_EXPONENT
    epidermis = melanin * melanosome + (1.0 - melanin) * baseline
    molar = 2.303 * BLOOD_G_PER_L / HAEMOGLOBIN_G_PER_MOL
    haemoglobin = molar * (oxygenation * _OXY + (1.0 - oxygenation) * _DEOXY)
    dermis = blood * haemoglobin + (1.0 - blood) * baseline
    scatter = 46.0 * (w / 500.0) ** -1.421
    albedo = scatter / (scatter + dermis)
    internal = 3.2  # extrapolated boundary for the index step of tissue, (1 + r) / (1 - r)
    root = np.sqrt(3.0 * (1.0 - albedo))
    back = 0.5 * albedo * (1.0 + np.exp(-4.0 / 3.0 * internal * root)) * np.exp(-root)
    return SURFACE + (1.0 - SURFACE) * np.exp(-2.0 * EPIDERMIS_CM * epidermis) * back


def linear_srgb(spectrum: Float[np.ndarray, "... wavelength"]) -> Float[np.ndarray, "... 3"]:
    """Linear sRGB of a reflectance spectrum under D65, where a perfect white is 1."""
    matching = _colour_matching() * _D65
    xyz = spectrum @ matching.T / matching.sum(axis=1) * np.array([0.95047, 1.0, 1.08883])
    return xyz @ XYZ_TO_LINEAR_SRGB.T


@cache
def pigment_table() -> Float[np.ndarray, "melanin blood oxygenation 3"]:
    """Linear sRGB albedo over the pigment axes, float32."""
    melanin = np.geomspace(*MELANIN_RANGE, TABLE_SHAPE[0])[:, None, None]
    blood = np.geomspace(*BLOOD_RANGE, TABLE_SHAPE[1])[:, None]
    table = linear_srgb(reflectance(melanin, blood, np.array(OXYGENATION)))
    return np.clip(table, 0.002, 0.95).astype(np.float32)
