"""Age bands, sexes, appearance groups, and the balanced order in which subjects fill them.

Ethnicity here means *appearance groups* of a parametric model, as in SynPAIN: mixtures of three shape anchors plus a
range of skin tones. They describe pictures, not people.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

Sex = Literal["female", "male"]
Ethnicity = Literal["black", "east_asian", "middle_eastern", "south_asian", "white"]
AgeBand = Literal["18-29", "30-44", "45-59", "60-74", "75-95"]
Split = Literal["train", "val", "test"]

SEXES: tuple[Sex, ...] = get_args(Sex)
ETHNICITIES: tuple[Ethnicity, ...] = get_args(Ethnicity)
AGE_BANDS: tuple[AgeBand, ...] = get_args(AgeBand)
SPLITS: tuple[Split, ...] = get_args(Split)

CELLS = len(AGE_BANDS) * len(SEXES) * len(ETHNICITIES)
"""Fifty strata: five age bands, two sexes, five appearance groups."""

MIN_AGE_YEARS = 18
MAX_AGE_YEARS = 95


@dataclass(frozen=True, kw_only=True, order=True)
class Cell:
    """One stratum of the balanced design."""

    age_band: AgeBand
    sex: Sex
    ethnicity: Ethnicity


def age_range(band: AgeBand) -> tuple[int, int]:
    """First and last age of a band, in whole years, both included."""
    low, high = band.split("-")
    return int(low), int(high)


def age_band_of(age_years: int) -> AgeBand:
    """The band that an age falls in.

    Raises:
        ValueError: if the age lies outside 18..95.
    """
    for band in AGE_BANDS:
        low, high = age_range(band)
        if low <= age_years <= high:
            return band
    raise ValueError(f"age_years: {age_years} is outside {MIN_AGE_YEARS}..{MAX_AGE_YEARS}, the ages pain3d models")


def checked_sex(sex: str) -> Sex:
    """The sex itself, or a ValueError that names the choices."""
    if sex not in SEXES:
        raise ValueError(f"sex: {sex!r} is unknown; choose one of {', '.join(SEXES)}")
    return sex


def checked_ethnicity(ethnicity: str) -> Ethnicity:
    """The appearance group itself, or a ValueError that names the choices."""
    if ethnicity not in ETHNICITIES:
        raise ValueError(f"ethnicity: {ethnicity!r} is unknown; choose one of {', '.join(ETHNICITIES)}")
    return ethnicity


def cell_of(subject: int) -> Cell:
    """The stratum of subject number `subject`: depends on the number alone.

    Every prefix 0..n-1 has age, sex and ethnicity margins within one of each other; any 50 in a row fill
    all cells.
    """
    j = subject % CELLS
    return Cell(
        age_band=AGE_BANDS[j % len(AGE_BANDS)],
        sex=SEXES[j % len(SEXES)],
        ethnicity=ETHNICITIES[(j + j // 5) % len(ETHNICITIES)],
    )


def split_of(subject: int) -> Split:
    """The split of subject number `subject`: 7 train, 2 val and 1 test in every ten subjects."""
    block, place = divmod(subject, 10)
    p = (block % 5 + block // 5) % 10
    if place == p:
        return "test"
    return "val" if place in ((p + 1) % 10, (p + 6) % 10) else "train"


def subject_id(subject: int) -> str:
    """``s00042`` for subject number 42."""
    return f"s{subject:05d}"
