"""Haircut: which style of hair a subject wears, drawn from the seed of its skin, and the scalp that lies below."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np

from pain3d.skin.traits import SkinTraits
from pain3d.streams import stream

Style = Literal["bald", "buzz", "short", "parted", "bob", "long", "bun", "ponytail", "afro", "receding"]
STYLES: tuple[Style, ...] = ("bald", "buzz", "short", "parted", "bob", "long", "bun", "ponytail", "afro", "receding")

Comb = Literal["whorl", "back", "parting", "knot", "out"]
"""Which way hair lies: down from the crown all around, back, away from a parting, towards a knot, straight out."""

UNDERCOAT = (0.4, 0.8)
"""Brightness of the scalp below ribbons, pigmented and grey: shade between grey hairs is soft."""
SHAVED_MM = 250.0
"""`SkinTraits.hairline_mm` that leaves no hair anywhere."""


@dataclass(frozen=True, kw_only=True)
class Haircut:
    """How the hair of one subject is grown."""

    style: Style
    comb: Comb
    length_mm: float
    """Of the longest ribbons, 0..390; 0 for a painted scalp alone."""
    parting_mm: float
    """Where the parting lies, to the subject's left, -35..35."""
    lift_mm: float
    """How far the outermost hair lies above the volume of the scalp, 0.5..9."""
    wave_mm: float
    """Half width of waves and coils, 0..4."""
    wave_length_mm: float
    """Way from crest to crest, 7..90."""
    frizz: float
    """Share of hair that stands off, 0..1."""
    fringe_mm: float
    """How far over the forehead hair may hang below the hairline, 0..28."""


_FEMALE: Mapping[Style, float] = {
    "short": 0.13,
    "parted": 0.07,
    "bob": 0.27,
    "long": 0.28,
    "bun": 0.12,
    "ponytail": 0.11,
}
_MALE: Mapping[Style, float] = {"buzz": 0.24, "short": 0.42, "parted": 0.22, "bob": 0.03, "long": 0.03, "bun": 0.02}
_RARE: Mapping[Style, float] = {"buzz": 0.02, "bald": 0.03}
_COILY: Mapping[str, Mapping[Style, float]] = {
    "female": {"afro": 0.36, "buzz": 0.14, "bun": 0.26, "ponytail": 0.1, "bob": 0.14},
    "male": {"afro": 0.25, "buzz": 0.55, "bald": 0.14, "bun": 0.06},
}
_COILED = 0.6
"""`SkinTraits.hair_curl` from which hair is coily."""


def haircut_of(traits: SkinTraits) -> Haircut:
    """The haircut of a subject: a pure function of its traits; style, length and parting come from the skin's seed."""
    rng = stream(traits.seed, "hairstyle")
    style = _style(rng, traits)
    curl = traits.hair_curl
    wavy = float(np.clip((curl - 0.12) / 0.4, 0.0, 1.0))
    comb: Comb = {
        "bald": "whorl", "buzz": "whorl", "short": "whorl", "parted": "parting", "bob": "parting", "long": "parting",
        "bun": "knot", "ponytail": "knot", "afro": "out", "receding": "back",
    }[style]  # pyright: ignore[reportAssignmentType]  # fmt: skip
    if style == "short" and rng.random() < 0.35:
        comb = "back"
    low, high = {
        "bald": (0.0, 0.0), "buzz": (0.0, 0.0), "short": (22.0, 42.0), "parted": (55.0, 85.0), "bob": (185.0, 235.0),
        "long": (280.0, 380.0), "bun": (120.0, 170.0), "ponytail": (120.0, 170.0), "afro": (12.0, 22.0),
        "receding": (22.0, 40.0),
    }[style]  # fmt: skip
    coily = curl >= _COILED
    return Haircut(
        style=style,
        comb=comb,
        length_mm=float(rng.uniform(low, high)),
        parting_mm=float(rng.choice([-1.0, 1.0]) * rng.uniform(0.0, 32.0)),
        lift_mm=float(rng.uniform(2.0, 5.0) * (0.45 if comb == "knot" else 1.6 if comb == "out" else 1.0)),
        wave_mm=float(2.4 if coily else 3.2 * wavy),
        wave_length_mm=float(rng.uniform(7.0, 10.0) if coily else np.interp(wavy, (0.0, 1.0), (85.0, 26.0))),
        frizz=float(np.clip(0.08 + 0.5 * curl + rng.normal(0, 0.04), 0.03, 0.7)) * (0.4 if high < 100 else 1.0),
        fringe_mm=float(rng.uniform(8.0, 26.0) if style in ("short", "bob", "long") and rng.random() < 0.4 else 2.0),
    )


def _style(rng: np.random.Generator, traits: SkinTraits) -> Style:
    chance = rng.random()
    if traits.baldness > 0.3:
        return "bald" if chance < 0.22 else "buzz" if chance < 0.4 else "receding"
    shares = dict(_COILY[traits.sex] if traits.hair_curl >= _COILED else _FEMALE if traits.sex == "female" else _MALE)
    aged = float(np.clip((traits.age_years - 55) / 30, 0.0, 1.0))
    for style in ("long", "ponytail", "afro"):  # fewer with age, and shorter hair in their place
        if style in shares:
            kept = 1.0 - 0.75 * aged
            shares["short"] = shares.get("short", 0.0) + shares[style] * (1.0 - kept)
            shares[style] *= kept
    for style, share in _RARE.items():
        shares[style] = shares.get(style, 0.0) + share
    names = list(shares)
    bounds = np.cumsum(list(shares.values()))
    return names[int(np.searchsorted(bounds / bounds[-1], chance, side="right"))]


def scalp_under(traits: SkinTraits, haircut: Haircut) -> SkinTraits:
    """The traits with the painted scalp that this haircut lies on: its thickness, sides, edges."""
    style = haircut.style
    even = {"hair_fringe_mm": 0.0, "hair_drop_mm": 0.0}
    if style == "bald":
        return dataclasses.replace(traits, hairline_mm=SHAVED_MM, hair_volume_mm=1.0, **even)
    if style == "buzz":
        return dataclasses.replace(traits, hair_volume_mm=1.5, hair_length_mm=2.5, hair_sides=0.7, **even)
    volume, sides = {
        "short": (9.0, 0.5), "parted": (11.0, 0.55), "bob": (12.0, 0.9), "long": (11.0, 0.9), "bun": (4.0, 0.8),
        "ponytail": (4.0, 0.8), "afro": (27.0, 0.95), "receding": (4.0, 0.7),
    }[style]  # fmt: skip
    thinned = 1.0 - 0.25 * float(np.clip((traits.age_years - 45) / 45, 0.0, 1.0))
    tufts = min(traits.hair_tufts, 0.1)
    return dataclasses.replace(
        traits, hair_volume_mm=volume * thinned, hair_sides=sides, hair_tufts=tufts, hair_sweep=0.0,
        hair_shade=float(np.interp(traits.grey, (0.0, 1.0), UNDERCOAT)), **even,
    )  # fmt: skip
