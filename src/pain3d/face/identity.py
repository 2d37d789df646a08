"""Drawing people: age, sex and appearance group -> shape weights of the MakeHuman head.

Macro weights place the head among MakeHuman's anchors; some hundred local changes make it a person. These are drawn
from truncated normal distributions with a standard deviation of about a fifth of their range (at a third, faces look
like caricatures), they share factors (a wide nose has wide nostrils, a fleshy face full cheeks and neck), left and
right move together but for a little, and some drift with age. Height and proportions of the body are left at average:
a portrait cannot tell them from the distance of the camera.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from pain3d.demographics import SEXES, Ethnicity, Sex
from pain3d.face.model import Identity
from pain3d.facs import AU_NAMES

MIXTURES: Mapping[Ethnicity, tuple[float, float, float]] = {
    "black": (0.82, 0.06, 0.12),
    "east_asian": (0.05, 0.80, 0.15),
    "middle_eastern": (0.20, 0.12, 0.68),
    "south_asian": (0.27, 0.30, 0.43),
    "white": (0.04, 0.06, 0.90),
}
"""Mean shares of the african, asian and caucasian anchors in each appearance group."""
MIXTURE_SPREAD = 0.3
"""Standard deviation of the logarithm of each share."""

OLD_FROM_YEARS, OLD_AT_YEARS = 25.0, 90.0
"""MakeHuman's young head is 25 years old, its old one about 90; between them shapes mix evenly."""
CHILD_AT_18 = 0.10
"""Share of the child (about 11 years) in a head of 18 years; none from 25 on."""
AGEING_SPREAD = 0.05
"""Standard deviation of how far ahead of their years people look, as a share of young to old."""

LIMIT = 2.0
"""Draws further than this many standard deviations out are drawn again."""
SIDE_SPREAD = 0.03
"""Standard deviation of what the left and right of a paired change differ by."""

LOCAL_SPREAD: Mapping[str, tuple[float, Mapping[str, float]]] = {
    "head/head-scale-horiz-incr": (0.08, {"width": 0.10}),
    "head/head-scale-vert-incr": (0.05, {"length": 0.09}),
    "head/head-scale-depth-incr": (0.12, {}),
    "head/head-fat-incr": (0.12, {"flesh": 0.17}),
    "head/head-angle-out": (0.05, {}),
    "head/head-back-scale-depth-incr": (0.12, {}),
    "forehead/forehead-nubian-incr": (0.04, {}),
    "forehead/forehead-scale-vert-incr": (0.06, {}),
    "forehead/forehead-temple-incr": (0.20, {}),
    "forehead/forehead-trans-forward": (0.14, {}),
    "eyebrows/eyebrows-angle-up": (0.16, {}),
    "eyebrows/eyebrows-trans-up": (0.20, {}),
    "eyebrows/eyebrows-trans-forward": (0.08, {"jaw": 0.04}),
    "eyes/eye-corner1-up": (0.22, {}),
    "eyes/eye-corner2-up": (0.25, {}),
    "eyes/eye-height1-incr": (0.10, {"eye": 0.08}),
    "eyes/eye-height2-incr": (0.08, {"eye": 0.10}),
    "eyes/eye-height3-incr": (0.10, {"eye": 0.08}),
    "eyes/eye-scale-incr": (0.10, {"eye": 0.08}),
    "eyes/eye-push1-out": (0.14, {}),
    "eyes/eye-push2-out": (0.14, {}),
    "eyes/eye-eyefold-up": (0.22, {}),
    "eyes/eye-eyefold-angle-up": (0.22, {}),
    "eyes/eye-bag-incr": (0.16, {}),
    "eyes/eye-bag-height-incr": (0.16, {}),
    "eyes/eye-bag-out": (0.14, {}),
    "eyes/eye-epicanthus-out": (0.12, {}),
    "eyes/eye-trans-up": (0.10, {}),
    "eyes/eye-trans-out": (0.22, {"width": 0.08}),
    "nose/nose-scale-vert-incr": (0.16, {"nose": 0.10, "length": 0.08}),
    "nose/nose-scale-depth-incr": (0.14, {"nose": 0.12}),
    "nose/nose-scale-horiz-incr": (0.10, {"nose width": 0.18}),
    "nose/nose-nostrils-width-incr": (0.10, {"nose width": 0.18}),
    "nose/nose-flaring-incr": (0.15, {"nose width": 0.12}),
    "nose/nose-width1-incr": (0.20, {"nose width": 0.06}),
    "nose/nose-width2-incr": (0.18, {"nose width": 0.10}),
    "nose/nose-width3-incr": (0.14, {"nose width": 0.14}),
    "nose/nose-hump-incr": (0.20, {"nose": 0.08}),
    "nose/nose-curve-convex": (0.18, {"nose": 0.06}),
    "nose/nose-greek-incr": (0.20, {}),
    "nose/nose-point-up": (0.12, {}),
    "nose/nose-point-width-incr": (0.20, {"nose width": 0.08}),
    "nose/nose-septumangle-incr": (0.20, {}),
    "nose/nose-base-up": (0.18, {}),
    "nose/nose-volume-incr": (0.12, {"nose": 0.10, "nose width": 0.06}),
    "nose/nose-compression-uncompress": (0.12, {}),
    "nose/nose-nostrils-angle-up": (0.20, {}),
    "nose/nose-trans-up": (0.15, {}),
    "mouth/mouth-scale-horiz-incr": (0.18, {"width": 0.08}),
    "mouth/mouth-scale-vert-incr": (0.08, {"lips": 0.10}),
    "mouth/mouth-scale-depth-incr": (0.12, {}),
    "mouth/mouth-upperlip-height-incr": (0.14, {"lips": 0.18}),
    "mouth/mouth-lowerlip-height-incr": (0.14, {"lips": 0.16}),
    "mouth/mouth-upperlip-volume-incr": (0.12, {"lips": 0.20}),
    "mouth/mouth-lowerlip-volume-incr": (0.12, {"lips": 0.20}),
    "mouth/mouth-cupidsbow-incr": (0.25, {}),
    "mouth/mouth-cupidsbow-width-incr": (0.22, {}),
    "mouth/mouth-upperlip-width-incr": (0.16, {}),
    "mouth/mouth-lowerlip-width-incr": (0.16, {}),
    "mouth/mouth-upperlip-middle-up": (0.12, {}),
    "mouth/mouth-lowerlip-middle-up": (0.12, {}),
    "mouth/mouth-angles-up": (0.12, {}),
    "mouth/mouth-philtrum-volume-incr": (0.25, {}),
    "mouth/mouth-laugh-lines-out": (0.15, {}),
    "mouth/mouth-dimples-out": (0.15, {}),
    "mouth/mouth-trans-up": (0.12, {}),
    "mouth/mouth-trans-forward": (0.08, {}),
    "chin/chin-jaw-drop-incr": (0.22, {"jaw": 0.08}),
    "chin/chin-height-incr": (0.06, {"length": 0.07}),
    "chin/chin-prominent-incr": (0.18, {"jaw": 0.06}),
    "chin/chin-bones-incr": (0.10, {"jaw": 0.12}),
    "chin/chin-width-incr": (0.12, {"jaw": 0.16}),
    "chin/chin-cleft-incr": (0.22, {}),
    "chin/chin-prognathism-incr": (0.14, {}),
    "cheek/cheek-volume-incr": (0.11, {"flesh": 0.10}),
    "cheek/cheek-bones-incr": (0.24, {}),
    "cheek/cheek-inner-incr": (0.18, {"flesh": 0.06}),
    "cheek/cheek-trans-up": (0.20, {}),
    "neck/measure-neck-circ-incr": (0.07, {"flesh": 0.09}),
    "neck/neck-scale-horiz-incr": (0.10, {"flesh": 0.06}),
    "neck/neck-scale-depth-incr": (0.10, {}),
    "neck/neck-scale-vert-incr": (0.06, {}),
    "neck/neck-double-incr": (0.07, {"flesh": 0.09}),
    "ears/ear-scale-incr": (0.18, {}),
    "ears/ear-scale-vert-incr": (0.16, {}),
    "ears/ear-scale-depth-incr": (0.18, {}),
    "ears/ear-lobe-incr": (0.28, {}),
    "ears/ear-flap-incr": (0.12, {}),
    "ears/ear-wing-incr": (0.18, {}),
    "ears/ear-rot-forward": (0.16, {}),
    "ears/ear-shape-round": (0.16, {}),
}
"""Standard deviation of each local change, of its own and by the factors that it shares with others. Changes of eyes,
cheeks and ears come in pairs; their files carry ``l-`` or ``r-``."""

OUTLINES = ("diamond", "invertedtriangular", "oval", "rectangular", "round", "square", "triangular")
OUTLINE_SPREAD = 0.20
"""Each head takes some of MakeHuman's outlines (oval, square, ...), never less than none."""

HEAVY_OUTLINES = ("rectangular", "square")
"""Outlines with a heavy jaw: women's heads take 0.4 of what men's take."""

PAIRED_FOLDERS = ("eyes", "cheek", "ears")

AGE_DRIFT: Mapping[str, float] = {
    "ears/ear-scale-vert-incr": 0.20,
    "ears/ear-lobe-incr": 0.25,
    "nose/nose-scale-vert-incr": 0.12,
    "mouth/mouth-upperlip-volume-incr": -0.18,
    "mouth/mouth-lowerlip-volume-incr": -0.12,
    "eyes/eye-bag-incr": 0.20,
    "neck/neck-double-incr": 0.12,
}
"""Mean of some local changes at MakeHuman's old age."""

SEX_MEAN: Mapping[str, tuple[float, float]] = {
    "chin/chin-bones-incr": (-0.08, 0.10),
    "chin/chin-width-incr": (-0.14, 0.14),
    "chin/chin-jaw-drop-incr": (-0.06, 0.08),
    "eyebrows/eyebrows-trans-forward": (-0.10, 0.10),
    "eyebrows/eyebrows-trans-up": (0.14, -0.12),
    "forehead/forehead-trans-forward": (0.08, -0.06),
    "nose/nose-scale-vert-incr": (-0.05, 0.05),
    "nose/nose-scale-horiz-incr": (-0.08, 0.06),
    "mouth/mouth-scale-horiz-incr": (-0.06, 0.06),
    "mouth/mouth-upperlip-volume-incr": (0.12, -0.08),
    "mouth/mouth-lowerlip-volume-incr": (0.12, -0.08),
    "mouth/mouth-angles-up": (0.08, 0.16),
    "cheek/cheek-bones-incr": (0.12, -0.04),
    "eyes/eye-scale-incr": (0.12, -0.06),
    "eyes/eye-height2-incr": (0.06, -0.04),
    "neck/neck-scale-horiz-incr": (-0.05, 0.24),
    "neck/neck-scale-depth-incr": (-0.05, 0.18),
    "neck/measure-neck-circ-incr": (0.0, 0.16),
    "neck/neck-scale-vert-incr": (-0.12, -0.22),
}
"""Mean of some local changes for women and men. MakeHuman's anchors carry part of what tells the sexes apart, but as
bald heads without makeup or beard they need more; its necks are long, and the corners of its mouths hang."""

LOPSIDED = (
    "brown-1", "brown-2", "cheek-1", "cheek-2", "eye-1", "eye-2", "eye-3", "eye-4", "jaw-1", "jaw-2",
    "mouth-1", "mouth-2", "nose-1", "nose-2", "nose-3", "nose-4", "temple-1",
)  # fmt: skip
LOPSIDED_SPREAD = 0.08


def old_share(age_years: int) -> float:
    """How much of MakeHuman's old head is in an average head of this age, 0..1."""
    return float(np.clip((age_years - OLD_FROM_YEARS) / (OLD_AT_YEARS - OLD_FROM_YEARS), 0, 1))


def child_share(age_years: int) -> float:
    """How much of MakeHuman's child is in a head of this age."""
    return float(CHILD_AT_18 * np.clip((OLD_FROM_YEARS - age_years) / (OLD_FROM_YEARS - 18), 0, 1))


def sample_identity(rng: np.random.Generator, *, age_years: int, sex: Sex, ethnicity: Ethnicity) -> Identity:
    """Draw a person."""
    # one axis, as in MakeHuman: child below 0, young at 0, old at 1
    apparent = old_share(age_years) - child_share(age_years) + AGEING_SPREAD * _bounded(rng)
    old, child = float(np.clip(apparent, 0, 1)), float(np.clip(-apparent, 0, CHILD_AT_18))
    shape = {"child": child, "old": old, **_build(rng, sex, old), **_anchors(rng, ethnicity)}
    shape |= _local(rng, sex, old)
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


def _bounded(rng: np.random.Generator) -> float:
    """A standard normal draw within `LIMIT`."""
    while True:
        value = float(rng.standard_normal())
        if abs(value) <= LIMIT:
            return value


def _build(rng: np.random.Generator, sex: Sex, old: float) -> dict[str, float]:
    towards_other = 0.05 * abs(_bounded(rng))
    muscle = (0.60 if sex == "male" else 0.45) - 0.08 * old + 0.09 * _bounded(rng)
    weight = 0.52 + 0.10 * _bounded(rng)
    return {
        "male": 1 - towards_other if sex == "male" else towards_other,
        "muscle": float(np.clip(muscle, 0.2, 0.8)),
        "weight": float(np.clip(weight, 0.25, 0.8)),
    }


def _anchors(rng: np.random.Generator, ethnicity: Ethnicity) -> dict[str, float]:
    shares = [mean * np.exp(MIXTURE_SPREAD * _bounded(rng)) for mean in MIXTURES[ethnicity]]
    african, asian, caucasian = (float(share / sum(shares)) for share in shares)
    return {"african": african, "asian": asian, "caucasian": caucasian}


def _local(rng: np.random.Generator, sex: Sex, old: float) -> dict[str, float]:
    names = sorted({factor for _, loadings in LOCAL_SPREAD.values() for factor in loadings})
    factors = {name: _bounded(rng) for name in names}
    weights: dict[str, float] = {}
    for name, (own, loadings) in LOCAL_SPREAD.items():
        mean = AGE_DRIFT[name] * old if name in AGE_DRIFT else 0.0
        if name in SEX_MEAN:
            mean += SEX_MEAN[name][SEXES.index(sex)]
        value = mean + own * _bounded(rng) + sum(load * factors[factor] for factor, load in loadings.items())
        folder, change = name.split("/")
        if folder in PAIRED_FOLDERS:
            apart = SIDE_SPREAD * _bounded(rng)
            weights[f"{folder}/l-{change}"] = value + apart / 2
            weights[f"{folder}/r-{change}"] = value - apart / 2
        else:
            weights[name] = value
    for outline in OUTLINES:
        heavy = outline in HEAVY_OUTLINES and sex == "female"
        weights[f"head/head-{outline}"] = max(0.0, OUTLINE_SPREAD * _bounded(rng)) * (0.4 if heavy else 1.0)
    for place in LOPSIDED:
        amount = LOPSIDED_SPREAD * _bounded(rng)
        weights[f"asym/asym-{place}-{'l' if amount > 0 else 'r'}"] = abs(amount)
    return weights
