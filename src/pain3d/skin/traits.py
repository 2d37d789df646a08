"""SkinTraits: everything that one skin is painted from, as plain numbers, and how they vary over people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from pain3d.demographics import Ethnicity, Sex, age_band_of, checked_ethnicity, checked_sex
from pain3d.skin.fields import smoothstep
from pain3d.skin.tone import checked_tone
from pain3d.streams import MAX_SEED, checked_seed, stream

Garment = Literal["crew", "v_neck", "gown", "scoop"]
Rgb = tuple[float, float, float]

TONE_SHARES: Mapping[Ethnicity, Mapping[int, float]] = {
    "white": {1: 0.11, 2: 0.23, 3: 0.29, 4: 0.22, 5: 0.11, 6: 0.04},
    "east_asian": {2: 0.12, 3: 0.28, 4: 0.30, 5: 0.18, 6: 0.09, 7: 0.03},
    "middle_eastern": {2: 0.08, 3: 0.17, 4: 0.26, 5: 0.24, 6: 0.15, 7: 0.07, 8: 0.03},
    "south_asian": {3: 0.06, 4: 0.12, 5: 0.20, 6: 0.24, 7: 0.20, 8: 0.12, 9: 0.06},
    "black": {5: 0.06, 6: 0.13, 7: 0.20, 8: 0.25, 9: 0.21, 10: 0.15},
}
"""Share of each Monk Skin Tone in each appearance group: ranges overlap widely, and together they cover 1..10."""

GARMENT_COLOURS: tuple[Rgb, ...] = (
    (0.62, 0.63, 0.62), (0.33, 0.35, 0.37), (0.045, 0.050, 0.060), (0.020, 0.035, 0.095), (0.10, 0.19, 0.33),
    (0.36, 0.52, 0.62), (0.08, 0.20, 0.15), (0.17, 0.27, 0.20), (0.26, 0.030, 0.035), (0.45, 0.24, 0.22),
    (0.48, 0.40, 0.27), (0.13, 0.085, 0.06), (0.20, 0.12, 0.26), (0.46, 0.33, 0.09), (0.28, 0.45, 0.42),
)  # fmt: skip
GOWN_COLOURS: tuple[Rgb, ...] = ((0.38, 0.55, 0.66), (0.40, 0.58, 0.52), (0.60, 0.63, 0.66), (0.45, 0.50, 0.68))

MAX_HAIR_VOLUME_MM = 30.0
MAX_HAIR_DROP_MM = 45.0


@dataclass(frozen=True, kw_only=True)
class SkinTraits:
    """One subject's surface. Strengths without a unit are 0..1 unless said otherwise."""

    seed: int
    """Places every pore, hair, spot and line."""
    age_years: int
    sex: Sex
    ethnicity: Ethnicity
    skin_tone_mst: int
    """Monk Skin Tone 1..10."""
    warmth: float
    """Share of blue light taken by carotene and pheomelanin, 0..0.2."""
    blood_share: float
    """Volume share of blood in the dermis, 0.004..0.02."""
    flush: float
    """How much redder cheeks, nose, ears and chin are; 1 is usual, 0..2."""
    unevenness: float
    """Strength of the slow variation of melanin and blood; 1 is usual, 0..2."""
    periorbital: float
    """Darkness around the eyes."""
    freckles: float
    moles: int
    """Number on face and neck."""
    age_spots: float
    pimples: int
    """Number, of 0.5 to 2 mm."""
    vessels: float
    """Broken vessels on nose and cheeks."""
    veins: float
    """How clearly the veins of the temples shine through."""
    scars: int
    """Number of healed cuts."""
    pores: float
    """Depth of pores; 1 is usual, 0..2."""
    oiliness: float
    wrinkles: float
    """Depth of the lines that stay at rest; about 0 at 20 years, 1 at 80."""
    eye_bags: float
    hair_eumelanin: float
    """0.1 (fair) .. 8 (black); scale of Chiang et al., "A practical and controllable hair and fur model" (2016)."""
    hair_pheomelanin: float
    """0 .. 2 (red); same scale."""
    grey: float
    """Share of hairs without pigment."""
    hairline_mm: float
    """How far the whole front hairline has moved back, -6..20."""
    baldness: float
    """0 none, 0.3 temples, 0.6 front and crown, 1 only the fringe is left."""
    hair_length_mm: float
    """2 (buzz cut) .. 14 (short crop)."""
    hair_volume_mm: float
    """Thickness of the hair over the skull where it is thickest, 1 (buzz cut) .. `MAX_HAIR_VOLUME_MM`."""
    hair_sides: float
    """Share of that thickness at the sides and the back, 0.2 (tapered) .. 1 (round)."""
    hair_sweep: float
    """-0.5..0.5: how much thicker the top is on the subject's left than in the middle, and thinner on the right."""
    hair_fringe_mm: float
    """How far hair falls over one side of the forehead, 0..13; negative: over the subject's right side."""
    hair_drop_mm: float
    """How far below the hairline of the nape hair reaches, 0 .. `MAX_HAIR_DROP_MM` (a bob to the chin)."""
    hair_tufts: float
    """Depth of the tufts that break the outline, as a share of the thickness, 0..0.3."""
    hair_density: float
    hair_curl: float
    """0 combed straight .. 1 tightly coiled."""
    hair_shade: float = 1.0
    """Brightness of painted hair of the head; what lies below ribbons is in their shade."""
    brow_density: float
    brow_width_mm: float
    """Height of the brow at its body, 5..12."""
    brow_arch_mm: float
    """Lift of the outer half, -2..3."""
    beard: float
    """0 none or clean shaven, 0.3 shadow, 0.6 stubble, 1 short full beard."""
    beard_moustache_only: bool
    iris: Rgb
    """Linear sRGB albedo of the iris stroma."""
    iris_collarette: Rgb
    """Linear sRGB around the pupil."""
    sclera_yellow: float
    teeth_yellow: float
    lip_red: float
    """How much redder and darker than the skin the lips are; 1 is usual."""
    make_up: float
    """Lip colour, blush and lash line; 0 for none."""
    garment: Garment
    garment_colour: Rgb
    """Linear sRGB."""

    def __post_init__(self) -> None:
        checked_seed(self.seed)
        age_band_of(self.age_years)
        checked_sex(self.sex)
        checked_ethnicity(self.ethnicity)
        checked_tone(self.skin_tone_mst)


def sample_traits(
    rng: np.random.Generator, *, age_years: int, sex: Sex, ethnicity: Ethnicity, skin_tone_mst: int | None = None
) -> SkinTraits:
    """Draw a skin for a person of this age, sex and appearance group.

    Args:
        rng: the only source of chance.
        age_years: 18..95.
        sex: as in `pain3d.demographics`.
        ethnicity: appearance group.
        skin_tone_mst: Monk Skin Tone 1..10 to use instead of one drawn from `TONE_SHARES`.

    Raises:
        ValueError: for an age, sex, ethnicity or tone that pain3d does not model.
    """
    age_band_of(age_years)
    shares = TONE_SHARES[checked_ethnicity(ethnicity)]
    drawn = int(rng.choice(list(shares), p=np.array(list(shares.values())) / sum(shares.values())))
    tone = drawn if skin_tone_mst is None else checked_tone(skin_tone_mst)
    aged = float(np.clip((age_years - 25) / 55, 0, 1.2))
    seed = int(rng.integers(MAX_SEED))
    complexion = _complexion(rng, tone, aged, sex, ethnicity)
    hair = _hair(rng, tone, age_years, sex, ethnicity)
    return SkinTraits(
        seed=seed,
        age_years=age_years,
        sex=checked_sex(sex),
        ethnicity=ethnicity,
        skin_tone_mst=tone,
        **complexion,
        **hair,
        **_eyes_and_teeth(rng, aged, tone, ethnicity),
        **_clothes(rng),
        **_marks(stream(seed, "marks"), tone, age_years),
        **_haircut(stream(seed, "haircut"), hair, aged, sex),
    )


def _complexion(rng: np.random.Generator, tone: int, aged: float, sex: Sex, ethnicity: Ethnicity) -> dict[str, Any]:
    warm = {"white": 0.02, "east_asian": 0.09, "middle_eastern": 0.07, "south_asian": 0.08, "black": 0.05}[ethnicity]
    fair = max(0.0, (5 - tone) / 4)
    sun = rng.uniform(0.5, 1.4)
    lined = aged**1.25 * (0.75 + 0.2 * sun) * (1.05 - 0.02 * tone)
    return {
        "warmth": float(np.clip(rng.normal(warm, 0.025), 0, 0.03 + 0.03 * (tone - 1))),
        "blood_share": float(np.clip(rng.lognormal(np.log(0.0085), 0.18), 0.005, 0.016)) * (0.92 if tone < 3 else 1.0),
        "flush": float(rng.uniform(0.5, 1.3) + 0.3 * fair),
        "unevenness": float(rng.uniform(0.7, 1.1) + 0.35 * aged),
        "periorbital": float(np.clip(rng.beta(2, 4) + 0.15 * aged + (0.15 if ethnicity == "south_asian" else 0), 0, 1)),
        "freckles": float(rng.beta(1.2, 3) if rng.random() < 0.35 * fair + 0.03 else 0.0),
        "moles": int(rng.poisson(5)),
        "age_spots": float(np.clip(aged * sun * (0.3 + 0.6 * fair) - 0.15, 0, 1)),
        "pores": float(rng.uniform(0.6, 1.3) + (0.2 if sex == "male" else 0)),
        "oiliness": float(np.clip(rng.normal(0.5, 0.15) - 0.25 * aged, 0, 1)),
        "wrinkles": float(np.clip(lined * rng.uniform(0.85, 1.1), 0, 1.3)),
        "eye_bags": float(np.clip(rng.normal(0.15 + 0.6 * aged, 0.15), 0, 1)),
        "lip_red": float(rng.uniform(0.75, 1.2)),
        "make_up": float(rng.uniform(0.2, 0.8) if sex == "female" and rng.random() < 0.3 - 0.12 * aged else 0.0),
    }


def _marks(rng: np.random.Generator, tone: int, age_years: int) -> dict[str, Any]:
    fair, old = float(np.clip((7 - tone) / 5, 0, 1)), float(np.clip((age_years - 35) / 45, 0, 1))
    young = float(np.clip((42 - age_years) / 20, 0, 1))
    return {
        "pimples": int(rng.poisson(14 * young)) if rng.random() < 0.45 else int(rng.poisson(0.7)),
        "vessels": float(fair * np.clip(old * rng.beta(1.5, 1.5) + rng.normal(0, 0.08), 0, 1)),
        "veins": float(fair * rng.beta(1.5, 3) * (0.5 + 0.5 * old)),
        "scars": int(rng.poisson(0.35)),
    }


def _hair(rng: np.random.Generator, tone: int, age_years: int, sex: Sex, ethnicity: Ethnicity) -> dict[str, Any]:
    eumelanin, pheomelanin = float(rng.uniform(4.0, 8.0)), 0.0
    if ethnicity == "white" and tone <= 5:
        eumelanin = float(np.exp(rng.uniform(np.log(0.22), np.log(4.5))))
        pheomelanin = float(rng.uniform(0.8, 1.6) if rng.random() < 0.08 else rng.uniform(0.15, 0.55))
    elif ethnicity == "middle_eastern":
        eumelanin = float(rng.uniform(2.2, 7.0))
    onset = max(28.0, rng.normal(43 if ethnicity == "white" else 46, 6))
    grey = float(np.clip((age_years - onset) / rng.uniform(28, 48), 0, 1)) if age_years > 28 else 0.0
    male = sex == "male"
    prone = rng.random() < (0.55 if ethnicity in ("white", "middle_eastern") else 0.4)
    lost = (age_years - rng.uniform(22, 45)) / 45 * rng.uniform(0.4, 1.3)
    shaven = rng.random() < (0.45 if ethnicity != "east_asian" else 0.7)
    styles = rng.choice([0.35, 0.55, 1.0], p=[0.5, 0.35, 0.15]) * rng.uniform(0.8, 1.05)
    return {
        "hair_eumelanin": eumelanin,
        "hair_pheomelanin": pheomelanin,
        "grey": grey,
        "hairline_mm": float(rng.normal(2 if male else -3, 2.5) + max(0, age_years - 40) * (0.12 if male else 0.05)),
        "baldness": float(np.clip(lost, 0, 1)) if male and prone else 0.0,
        "hair_length_mm": float(rng.uniform(2.5, 9) if male else rng.uniform(7, 14)),
        "hair_curl": float(rng.uniform(0.75, 1.0) if ethnicity == "black" else rng.beta(1, 5)),
        "hair_density": float(rng.uniform(0.8, 1.0) - max(0, age_years - 50) * 0.006),
        "brow_density": float(rng.uniform(0.6, 1.0) + (0.05 if male else -0.08) - max(0, age_years - 55) * 0.008),
        "brow_width_mm": float(rng.normal(7.7 if male else 6.2, 0.9)),
        "brow_arch_mm": float(rng.normal(0.4 if male else 1.2, 0.7)),
        "beard": float((0.12 if shaven else styles) if male else 0.0),
        "beard_moustache_only": bool(male and not shaven and rng.random() < 0.12),
    }


def _haircut(rng: np.random.Generator, hair: Mapping[str, Any], aged: float, sex: Sex) -> dict[str, Any]:
    """What shape the hair has: longer hair stands higher, coils make it round, age and hair loss make it flat."""
    full = sex == "female" or rng.random() < 0.4
    length = hair["hair_length_mm"]
    volume = 0.13 * length**2 * rng.uniform(0.85, 1.3) + (8.0 if full else 1.0 if length < 4 else 5.0)
    thinned = (1 - 0.25 * aged) * (1 - 0.75 * min(1.0, 1.5 * hair["baldness"]))
    coiled = float(smoothstep(0.5, 0.8, np.array(hair["hair_curl"])))
    side, fringe = rng.choice([-1.0, 1.0]), rng.uniform(4.0, 13.0 if sex == "female" else 9.0)
    fringe *= rng.random() < (0.6 if full else 0.3)
    drop = rng.uniform(20.0, MAX_HAIR_DROP_MM) * (rng.random() < 0.85) if sex == "female" else 0.0
    drop *= float(np.clip((volume - 12.0) / 7.0, 0.0, 1.0))  # only a full head of hair is long as well
    sides = rng.uniform(0.55, 0.85) if sex == "female" else rng.uniform(0.4, 0.75)
    return {
        "hair_volume_mm": float(np.clip(volume * thinned, 1.0, MAX_HAIR_VOLUME_MM)),
        "hair_sides": float(sides + coiled * 0.6 * (1 - sides)),
        "hair_sweep": float(rng.uniform(-0.4, 0.4) * (1 - 0.9 * coiled)),
        "hair_fringe_mm": float(side * fringe * (1 - coiled) * max(0.0, 1 - 5 * hair["baldness"])),
        "hair_drop_mm": float(drop * (1 - 0.7 * coiled)),
        "hair_tufts": float(rng.uniform(0.1, 0.25) * (1 - 0.6 * coiled)),
    }


_IRIS: tuple[tuple[Rgb, Rgb], ...] = (
    ((0.036, 0.018, 0.010), (0.058, 0.028, 0.014)),  # dark brown
    ((0.078, 0.038, 0.016), (0.110, 0.055, 0.021)),  # brown
    ((0.110, 0.078, 0.033), (0.130, 0.066, 0.024)),  # hazel
    ((0.088, 0.100, 0.058), (0.120, 0.080, 0.034)),  # green
    ((0.085, 0.120, 0.155), (0.140, 0.130, 0.100)),  # blue
    ((0.115, 0.132, 0.142), (0.150, 0.145, 0.125)),  # grey
)
_IRIS_SHARES: Mapping[Ethnicity, tuple[float, ...]] = {
    "black": (0.85, 0.13, 0.02, 0.0, 0.0, 0.0),
    "east_asian": (0.80, 0.19, 0.01, 0.0, 0.0, 0.0),
    "middle_eastern": (0.50, 0.33, 0.11, 0.05, 0.01, 0.0),
    "south_asian": (0.72, 0.23, 0.04, 0.01, 0.0, 0.0),
    "white": (0.12, 0.22, 0.15, 0.13, 0.28, 0.10),
}


def _eyes_and_teeth(rng: np.random.Generator, aged: float, tone: int, ethnicity: Ethnicity) -> dict[str, Any]:
    colour, inner = _IRIS[int(rng.choice(len(_IRIS), p=_IRIS_SHARES[ethnicity]))]
    level = rng.lognormal(0, 0.15)
    return {
        "iris": _scaled(colour, level),
        "iris_collarette": _scaled(inner, level),
        "sclera_yellow": float(np.clip(rng.normal(0.15 + 0.35 * aged + 0.02 * tone, 0.1), 0, 1)),
        "teeth_yellow": float(np.clip(rng.normal(0.25 + 0.45 * aged, 0.12), 0, 1)),
    }


def _clothes(rng: np.random.Generator) -> dict[str, Any]:
    kinds: tuple[Garment, ...] = ("crew", "v_neck", "gown", "scoop")
    kind = kinds[int(rng.choice(4, p=[0.5, 0.17, 0.18, 0.15]))]
    palette = GOWN_COLOURS if kind == "gown" else GARMENT_COLOURS
    return {
        "garment": kind,
        "garment_colour": _scaled(palette[int(rng.integers(len(palette)))], rng.uniform(0.8, 1.15)),
    }


def _scaled(colour: Rgb, factor: float) -> Rgb:
    return (float(colour[0] * factor), float(colour[1] * factor), float(colour[2] * factor))
