"""Drawing people: age, sex and appearance group -> shape weights of the MakeHuman head."""

from __future__ import annotations

import numpy as np

from pain3d.demographics import Ethnicity, Sex
from pain3d.face.model import Identity
from pain3d.facs import AU_NAMES

MIXTURES = {
    "black": (0.92, 0.02, 0.06),
    "east_asian": (0.02, 0.95, 0.03),
    "middle_eastern": (0.18, 0.14, 0.68),
    "south_asian": (0.24, 0.30, 0.46),
    "white": (0.02, 0.03, 0.95),
}
"""Mean shares of the african, asian and caucasian anchors in each appearance group."""


def old_share(age_years: float) -> float:
    """How much of MakeHuman's old head (about 90 years) is in a head of this age; 0 up to 25 years."""
    return float(np.clip((age_years - 25) / 65, 0, 1))


def sample_identity(rng: np.random.Generator, *, age_years: int, sex: Sex, ethnicity: Ethnicity) -> Identity:
    """Draw a person."""
    african, asian, caucasian = MIXTURES[ethnicity]
    shape = {
        "male": 1.0 if sex == "male" else 0.0,
        "child": 0.0,
        "old": old_share(age_years),
        "muscle": float(rng.uniform(0.35, 0.65)),
        "weight": float(rng.uniform(0.35, 0.7)),
        "african": african,
        "asian": asian,
        "caucasian": caucasian,
    }
    return Identity(
        age_years=age_years,
        sex=sex,
        ethnicity=ethnicity,
        shape=shape,
        expressiveness=rng.uniform(0.85, 1.15, len(AU_NAMES)),
        asymmetry=rng.uniform(-0.3, 0.3, len(AU_NAMES)),
    )


def average_identity() -> Identity:
    """Nobody: half woman, half man, 25 years, a third of each anchor, no local change."""
    shape = {"male": 0.5, "child": 0.0, "old": 0.0, "muscle": 0.5, "weight": 0.5}
    return Identity(
        age_years=25,
        sex="female",
        ethnicity="white",
        shape=shape | {"african": 1 / 3, "asian": 1 / 3, "caucasian": 1 / 3},
        expressiveness=np.ones(len(AU_NAMES)),
        asymmetry=np.zeros(len(AU_NAMES)),
    )
