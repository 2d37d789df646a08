"""What the rig's tests and `benchmarks/rig_table.py` measure on a head: landmarks, lid gaps, apertures, lips."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator

import numpy as np

from pain3d.demographics import AGE_BANDS, ETHNICITIES, SEXES, Cell, age_range
from pain3d.face.lids import CLEARANCE
from pain3d.face.makehuman import MakeHuman, MakeHumanHead
from pain3d.facs import AU_INDEX, AU_NAMES

LEFT_LANDMARKS = {
    "inner brow": 6983,
    "outer brow": 6982,
    "cheek": 11910,
    "nose wing": 11669,
    "upper lip": 455,
    "lower lip": 494,
    "lip corner": 7129,
    "chin": 5211,
}
"""Vertices of `base.obj` on the left side or the midline."""

EVEN = {"expressiveness": np.ones(16), "asymmetry": np.zeros(16)}


def cells() -> Iterator[Cell]:
    """All fifty strata."""
    for age_band in AGE_BANDS:
        for sex in SEXES:
            for ethnicity in ETHNICITIES:
                yield Cell(age_band=age_band, sex=sex, ethnicity=ethnicity)


def head_of(model: MakeHuman, cell: Cell, seed: int = 0, *, even: bool = True) -> MakeHumanHead:
    """A person of a stratum; `even`: of average expressiveness, moving both sides alike."""
    low, high = age_range(cell.age_band)
    identity = model.sample(
        np.random.default_rng(seed), age_years=(low + high) // 2, sex=cell.sex, ethnicity=cell.ethnicity
    )
    return model.head(dataclasses.replace(identity, **EVEN) if even else identity)


def vector(**intensities: float) -> np.ndarray:
    """AU vector; AU43 may be a fraction."""
    out = np.zeros(len(AU_NAMES))
    for name, value in intensities.items():
        out[AU_INDEX[name]] = value
    return out


def skin(head: MakeHumanHead, **intensities: float) -> np.ndarray:
    """Fine skin points of a pose, metres."""
    aus = vector(**intensities)
    return head.lids.settle(head.model.skin.matrix @ head.rig.displace(aus), head.rig.lid_motion(aus))


def travel_mm(head: MakeHumanHead, landmark: str, **intensities: float) -> np.ndarray:
    """How far a left or midline landmark moves: (outwards, up, forwards)."""
    point = head.model.coarse.index_of([LEFT_LANDMARKS[landmark]])[0]
    return (skin(head, **intensities)[point] - skin(head)[point]).astype(np.float64) * 1000


def margins(head: MakeHumanHead, points_m: np.ndarray, eye: int) -> tuple[np.ndarray, np.ndarray]:
    """The lid margins relative to the centre of the eye, each from corner to corner in columns of equal x, upper then
    lower: (column, 3)."""
    loop = points_m[head.lids.topology[eye].margin].astype(np.float64) - head.lids.centres_m[eye]
    columns = np.linspace(loop[:, 0].min(), loop[:, 0].max(), 101)[1:-1]
    a, b = loop, np.roll(loop, -1, axis=0)
    along = (columns[:, None] - a[:, 0]) / np.where(a[:, 0] == b[:, 0], 1e-12, b[:, 0] - a[:, 0])
    height = np.where((along >= 0) & (along <= 1), a[:, 1] + along * (b[:, 1] - a[:, 1]), np.nan)
    depth = a[:, 2] + along * (b[:, 2] - a[:, 2])
    both = []
    for pick in (np.nanargmax(height, axis=1), np.nanargmin(height, axis=1)):
        rows = np.arange(len(columns))
        both.append(np.stack([columns, height[rows, pick], depth[rows, pick]], axis=1))
    return both[0], both[1]


def gaps_mm(head: MakeHumanHead, points_m: np.ndarray) -> np.ndarray:
    """Opening between the margins in every column of both eyes, from the caruncle (flesh that fills the inner corner,
    12 % of the width of the eye) to the outer corner: (2, column)."""
    out = []
    for eye in range(2):
        upper, lower = margins(head, points_m, eye)
        opening = np.sqrt(np.square(upper[:, 1:] - lower[:, 1:]).sum(axis=1)) * 1000
        out.append(opening[12:] if eye == 0 else opening[::-1][12:])
    return np.stack(out)


def aperture_mm(head: MakeHumanHead, points_m: np.ndarray) -> np.ndarray:
    """Largest opening of the left and the right eye."""
    return gaps_mm(head, points_m).max(axis=1)


def margin_heights_mm(head: MakeHumanHead, points_m: np.ndarray, eye: int) -> np.ndarray:
    """Height of each point of the upper margin above the lower margin at its x: negative where lids cross.

    Points keep their lid: upper and lower are told apart on the wide-open mesh. The inner corner is left out, as above.
    """
    mesh = head.model.skin.matrix @ head.neutral_m - head.lids.centres_m[eye].astype(np.float32)
    loop = head.lids.topology[eye].margin
    x = mesh[loop, 0] * (1 if eye == 0 else -1)
    turned = np.roll(np.arange(len(loop)), -int(x.argmin()))
    split = int(np.flatnonzero(turned == x.argmax())[0])
    one, two = turned[: split + 1], np.append(turned[split:], turned[0])
    upper, lower = (one, two) if mesh[loop[one], 1].mean() > mesh[loop[two], 1].mean() else (two, one)
    now = points_m[loop].astype(np.float64)
    chain = lower[np.argsort(now[lower, 0])]
    lateral = upper[(x[upper] > x.min() + 0.12 * np.ptp(x)) & (x[upper] < x.max())]
    return (now[lateral, 1] - np.interp(now[lateral, 0], now[chain, 0], now[chain, 1])) * 1000


def inside_eye(head: MakeHumanHead, points_m: np.ndarray) -> int:
    """Skin points closer to the centre of an eyeball than the clearance allows."""
    return sum(
        int((np.linalg.norm(points_m - centre, axis=1) < CLEARANCE * radius * (1 - 1e-6)).sum())
        for centre, radius in zip(head.lids.centres_m, head.lids.radii_m, strict=True)
    )
