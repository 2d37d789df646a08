"""Which faces are made: Action Unit vectors for a wanted pain score, and faces that look like pain and are not.

Pain: all 15,552 integer vectors of the six PSPI units are enumerated once; a sampler is a weight on each of them.
Pain scores are scheduled, not drawn, so that any number of subjects is balanced over PSPI 1..16.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from itertools import combinations, product
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Int

from pain3d.demographics import CELLS
from pain3d.facs import AU_NAMES, MAX_PSPI, NON_PAIN_AUS, PAIN_AUS, Expression, pspi
from pain3d.streams import stream

Sampler = Literal["cooccurrence", "uniform"]
SAMPLERS: tuple[Sampler, ...] = get_args(Sampler)

LEVELS = int(MAX_PSPI)
"""Pain scores 1..16 are wanted equally often."""

EYES_CLOSED_SHARE = 0.10
"""Share of AU43 at each PSPI below `EYES_CLOSED_FREE_FROM`; .10 keeps finite samples under the promised 15 %."""

EYES_CLOSED_FREE_FROM = 8

Range = tuple[int, int]
"""Lowest and highest intensity, both included."""

DISTRACTORS: Mapping[str, Mapping[str, Range]] = {
    "smile": {"AU12": (2, 5), "AU25": (0, 3)},
    "speech": {"AU25": (2, 4), "AU26": (1, 3), "AU20": (0, 1)},
    "surprise": {"AU1": (2, 5), "AU2": (2, 5), "AU5": (2, 5), "AU25": (2, 4), "AU26": (2, 5)},
    "yawn": {"AU25": (4, 5), "AU27": (3, 5), "AU2": (0, 2)},
    "sadness": {"AU1": (2, 5), "AU15": (2, 5), "AU17": (1, 3)},
    "laugh": {"AU12": (3, 5), "AU25": (3, 5), "AU26": (1, 4)},
    "doubt": {"AU2": (1, 4), "AU15": (1, 4), "AU17": (2, 5)},
    "fright": {"AU1": (3, 5), "AU2": (1, 4), "AU5": (2, 5), "AU20": (1, 4), "AU25": (2, 4)},
}
"""Faces without any unit of pain: PSPI 0. Each unit's intensity is drawn from its range."""

CONFOUNDS: Mapping[str, Mapping[str, Range]] = {
    "duchenne_smile": {"AU6": (2, 5), "AU12": (2, 5), "AU25": (0, 4)},
    "disgust": {"AU9": (2, 5), "AU10": (2, 5), "AU17": (0, 3)},
}
"""Faces that share units with pain and are not pain: their PSPI is what the formula says, never 0."""

_JOINING: Mapping[str, float] = {
    "AU1": 1.0,
    "AU2": 0.7,
    "AU5": 0.5,
    "AU12": 2.0,
    "AU15": 0.8,
    "AU17": 1.0,
    "AU20": 2.0,
    "AU25": 3.0,
    "AU26": 2.0,
    "AU27": 1.0,
}
"""How readily a unit joins a face in pain. Mouth opening (25, 26, 27), 12 and 20 are the ones often seen beside the
six (Craig, Prkachin & Grunau, *Handbook of Pain Assessment*, 2011)."""

_NEVER_TOGETHER: frozenset[frozenset[str]] = frozenset(
    frozenset(pair)
    for pair in (
        ("AU26", "AU27"),  # two grades of one jaw movement
        ("AU12", "AU15"),  # pull the lip corner opposite ways
        ("AU12", "AU20"),  # likewise, up and sideways
        ("AU17", "AU25"),  # a raised chin presses the lips together
        ("AU17", "AU26"),
        ("AU17", "AU27"),
        ("AU5", "AU43"),  # the upper lid cannot rise and close
    )
)

_NEEDS: Mapping[str, str] = {"AU26": "AU25", "AU27": "AU25"}
"""A dropped jaw parts the lips here; FACS allows a jaw dropped behind closed lips."""

_JOINING_INTENSITY: Float[np.ndarray, "5"] = np.array([0.25, 0.30, 0.25, 0.15, 0.05])
"""Chance of intensity 1..5: beside pain, strong smiles and stretches are the exception."""

MOST_JOINING = 3


@cache
def pain_vectors() -> Int[np.ndarray, "15552 6"]:
    """All integer vectors of the six units of pain, in the order of `PAIN_AUS`."""
    return np.array(list(product(*([range(6)] * 5), range(2))), dtype=np.int64)


@cache
def pain_weights(sampler: Sampler, level: int) -> Float[np.ndarray, "15552"]:
    """How likely each of `pain_vectors()` is at PSPI `level`; sums to 1.

    Args:
        sampler: ``uniform``: every vector with that score alike. ``cooccurrence``: in proportion to
            exp(-|AU6 - AU7|), since both narrow the eye and go together; eyes never closed alone, and closed in a
            share of `EYES_CLOSED_SHARE` below PSPI 8.
        level: 1..16.

    Raises:
        ValueError: for an unknown sampler or a level outside 1..16.
    """
    if sampler not in SAMPLERS:
        raise ValueError(f"sampler: {sampler!r} is unknown; choose one of {', '.join(SAMPLERS)}")
    if not 1 <= level <= LEVELS:
        raise ValueError(f"level: {level} is outside 1..{LEVELS}; PSPI 0 is the neutral face")
    vectors = pain_vectors()
    unit = dict(zip(PAIN_AUS, vectors.T, strict=True))
    weights = (np.asarray(pspi(**unit)) == level).astype(np.float64)
    if sampler == "cooccurrence":
        weights *= np.exp(-np.abs(unit["AU6"] - unit["AU7"]))
        weights[vectors[:, :-1].sum(axis=1) == 0] = 0.0
        closed = unit["AU43"] == 1
        if level < EYES_CLOSED_FREE_FROM and weights[closed].any():
            weights[closed] *= EYES_CLOSED_SHARE / weights[closed].sum()
            weights[~closed] *= (1 - EYES_CLOSED_SHARE) / weights[~closed].sum()
    return weights / weights.sum()


@cache
def _possible(sampler: Sampler, level: int) -> tuple[Int[np.ndarray, "possible 6"], Float[np.ndarray, " possible"]]:
    """The vectors that may be drawn, and their cumulative weights."""
    weights = pain_weights(sampler, level)
    possible = weights > 0
    cumulative = np.cumsum(weights[possible])
    return pain_vectors()[possible], cumulative / cumulative[-1]


def scheduled(subject: int, slot: int, *, slots: int, choices: int) -> int:
    """Which of `choices` the `slot`-th of a subject's `slots` gets: the balanced order behind every schedule here.

    Over the first n subjects, for any n, the counts of the choices differ by at most one; a subject's slots are
    distinct while `slots` <= `choices`; and every demographic cell runs through all choices, because the order moves
    on by about half a turn each time that subjects, cells and choices come round together.
    """
    position = subject * slots + slot
    turns = position // math.lcm(CELLS * slots, choices)
    return (position + turns * _half_turn(choices)) % choices


@cache
def _half_turn(choices: int) -> int:
    """The smallest step from half of `choices` on that visits all of them."""
    return next(step for step in range(choices // 2, choices + 1) if math.gcd(step, choices) == 1)


@cache
def _seeded_order(seed: int, name: str, choices: int) -> tuple[int, ...]:
    return tuple(int(i) for i in stream(seed, "schedule", name).permutation(choices))


def pain_level(subject: int, expression_id: int, *, expressions: int, seed: int) -> int:
    """The PSPI 1..16 that pain expression `expression_id` (1..`expressions`) of a subject is to have.

    The subject's scores are handed to its expression ids in a seeded order, so that no id favours any score.

    Args:
        subject: number of the subject, from 0.
        expression_id: 1..expressions.
        expressions: pain expressions of each subject.
        seed: seed of the dataset.
    """
    slot = int(stream(seed, "subject", subject, "slots").permutation(expressions)[expression_id - 1])
    return _seeded_order(seed, "pspi", LEVELS)[scheduled(subject, slot, slots=expressions, choices=LEVELS)] + 1


def distractor_name(subject: int, slot: int, *, distractors: int, seed: int) -> str:
    """Name in `DISTRACTORS` of a subject's distractor number `slot` (from 0)."""
    return _scheduled_name("distractors", tuple(DISTRACTORS), subject, slot, distractors, seed)


def confound_name(subject: int, slot: int, *, confounds: int, seed: int) -> str:
    """Name in `CONFOUNDS` of a subject's confound number `slot` (from 0)."""
    return _scheduled_name("confounds", tuple(CONFOUNDS), subject, slot, confounds, seed)


def _scheduled_name(kind: str, names: tuple[str, ...], subject: int, slot: int, slots: int, seed: int) -> str:
    order = _seeded_order(seed, kind, len(names))
    return names[order[scheduled(subject, slot, slots=slots, choices=len(names))]]


def sample_pain(
    rng: np.random.Generator, level: int, *, sampler: Sampler = "cooccurrence", non_pain: float = 0.5
) -> Expression:
    """Draw a face in pain with PSPI `level`.

    Args:
        rng: source of randomness.
        level: PSPI 1..16.
        sampler: see `pain_weights`.
        non_pain: chance, 0..1, that one to three units other than the six join in; they leave PSPI as it is.
    """
    vectors, cumulative = _possible(sampler, level)
    row = vectors[np.searchsorted(cumulative, rng.random(), side="right")]
    units = {name: int(value) for name, value in zip(PAIN_AUS, row, strict=True) if value}
    if rng.random() < non_pain:
        units |= _sample_joining(rng, eyes_closed="AU43" in units)
    return _expression(units)


def sample_distractor(rng: np.random.Generator, name: str) -> Expression:
    """Draw one of `DISTRACTORS`: PSPI 0, no unit of pain."""
    return _sample_named(rng, DISTRACTORS, "distractor", name)


def sample_confound(rng: np.random.Generator, name: str) -> Expression:
    """Draw one of `CONFOUNDS`: not pain, and its PSPI is by the formula."""
    return _sample_named(rng, CONFOUNDS, "confound", name)


def _sample_named(
    rng: np.random.Generator, table: Mapping[str, Mapping[str, Range]], kind: str, name: str
) -> Expression:
    if name not in table:
        raise ValueError(f"{kind}: {name!r} is unknown; choose one of {', '.join(table)}")
    return _expression({unit: int(rng.integers(low, high + 1)) for unit, (low, high) in table[name].items()})


@cache
def _joining_sets(size: int, eyes_closed: bool) -> tuple[tuple[tuple[str, ...], ...], Float[np.ndarray, " set"]]:
    """The plausible sets of `size` joining units, and how likely each is."""
    present = ("AU43",) if eyes_closed else ()
    sets = tuple(units for units in combinations(NON_PAIN_AUS, size) if plausible((*units, *present)))
    weights = np.array([math.prod(_JOINING[unit] for unit in units) for units in sets])
    return sets, weights / weights.sum()


def plausible(units: tuple[str, ...]) -> bool:
    """True when no two of the units work against each other, and a dropped jaw comes with parted lips."""
    return all(frozenset(pair) not in _NEVER_TOGETHER for pair in combinations(units, 2)) and all(
        unit not in units or needed in units for unit, needed in _NEEDS.items()
    )


def _sample_joining(rng: np.random.Generator, *, eyes_closed: bool) -> dict[str, int]:
    sets, weights = _joining_sets(int(rng.integers(1, MOST_JOINING + 1)), eyes_closed)
    units = sets[rng.choice(len(sets), p=weights)]
    return {unit: 1 + int(rng.choice(5, p=_JOINING_INTENSITY)) for unit in units}


def _expression(units: Mapping[str, int]) -> Expression:
    return Expression.from_vector(np.array([units.get(name, 0) for name in AU_NAMES], dtype=float))
