"""Morph targets of one head: what a linear mixer can play of the rig, and how far it is off.

A viewer adds targets, each times its weight. The rig does more: units that pull on one shape join as the root of a sum
of squares, and lids slide over a ball. So there are targets for the units, and correctives for what their sum misses.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from pain3d.expressions import sample_pain
from pain3d.face.mesh import FaceMesh
from pain3d.face.model import Head
from pain3d.face.rig import LEVEL_WEIGHTS, LEVELS, intensity_to_weight
from pain3d.facs import AU_INDEX, AU_NAMES, MAX_INTENSITY
from pain3d.streams import stream

CORRECTED_MM = 1.0
"""A corrective is made where the sum of the targets is off by more than this somewhere on the face."""
USUAL = (
    ("AU4", "AU5"), ("AU5", "AU43"), ("AU6", "AU7"), ("AU6", "AU43"), ("AU7", "AU43"),
    ("AU10", "AU17"), ("AU17", "AU25"), ("AU17", "AU26"), ("AU17", "AU27"), ("AU26", "AU27"),
)  # fmt: skip
"""Pairs that want a corrective on most heads, those of the seeds 0 to 5: what `quick_morphs` makes."""
PROBED_EXPRESSIONS = 40
"""Expressions of pain that the deviation is measured on, beside every unit at every level and every pair."""
_AU43 = AU_INDEX["AU43"]

Weights = Float[np.ndarray, "16"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Target:
    """One morph target."""

    name: str
    units: tuple[str, ...]
    """Whose weights make its own: one unit, or the two of a corrective."""
    rule: str
    """``w``: the unit's weight. ``4w(1-w)``: none at rest and in full, all half-way. ``w1w2``: the product of both."""
    mesh: FaceMesh
    """The pose that shows it in full."""
    offset_m: Float[np.ndarray, "vertex 3"]
    """float32, what it adds at weight 1."""

    def weight(self, weights: Weights) -> float:
        """Its weight in an expression whose units have these weights."""
        own = [float(weights[AU_INDEX[unit]]) for unit in self.units]
        if self.rule == "w":
            return own[0]
        return 4 * own[0] * (1 - own[0]) if self.rule == "4w(1-w)" else own[0] * own[1]


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """How far the morph targets are from the rig, over the expressions that were tried."""

    largest_mm: float
    """The vertex that is farthest off."""
    largest_in: str
    """The expression in which it is."""
    median_mm: float
    """Of the farthest vertex of each expression."""
    expressions: int


@dataclass(frozen=True, kw_only=True, eq=False)
class Morphs:
    """All targets of one head."""

    neutral: FaceMesh
    targets: tuple[Target, ...]
    """One for each Action Unit in the order of `AU_NAMES`, then the correctives."""


def weights_of(intensities: Float[np.ndarray, "16"]) -> Weights:
    """Morph weights of an expression: `intensity_to_weight`, and AU43 as it is."""
    weights = intensity_to_weight(intensities)
    weights[_AU43] = intensities[_AU43]
    return weights


def build_morphs(head: Head, corrected_mm: float = CORRECTED_MM) -> Morphs:
    """Find the targets of a head: some 150 poses, a second or two.

    Args:
        head: whose.
        corrected_mm: how far the sum of targets may be off before there is a corrective, millimetres.
    """
    neutral = head.neutral
    targets = [_target(head, neutral, [], name=name, units=(name,), rule="w") for name in AU_NAMES]
    halves = [(f"{name} half-way", (name,), "4w(1-w)") for name in AU_NAMES]
    pairs = [(f"{one} with {other}", (one, other), "w1w2") for one, other in combinations(AU_NAMES, 2)]
    correctives: list[Target] = []
    for name, units, rule in (*halves, *pairs):
        found = _target(head, neutral, targets, name=name, units=units, rule=rule)
        if _farthest_mm(found.offset_m) > corrected_mm:
            correctives.append(found)
    return Morphs(neutral=neutral, targets=(*targets, *correctives))


def quick_morphs(head: Head) -> Morphs:
    """The Action Units and the correctives of `USUAL` pairs, whatever they are worth on this head: 27 poses."""
    neutral = head.neutral
    targets = [_target(head, neutral, [], name=name, units=(name,), rule="w") for name in AU_NAMES]
    pairs = [
        _target(head, neutral, targets, name=f"{one} with {other}", units=(one, other), rule="w1w2")
        for one, other in USUAL
    ]
    return Morphs(neutral=neutral, targets=(*targets, *pairs))


def _target(
    head: Head, neutral: FaceMesh, below: Sequence[Target], *, name: str, units: tuple[str, ...], rule: str
) -> Target:
    """What the pose of these units has that the targets `below` do not give."""
    weights = np.zeros(len(AU_NAMES))
    weights[[AU_INDEX[unit] for unit in units]] = 0.5 if rule == "4w(1-w)" else 1.0
    mesh = head.pose(_intensities(weights))
    offset = (mesh.vertices_m - _mixed_m(neutral, below, weights)).astype(np.float32)
    return Target(name=name, units=units, rule=rule, mesh=mesh, offset_m=offset)


def _intensities(weights: Weights) -> Float[np.ndarray, "16"]:
    """The inverse of `weights_of`."""
    intensities = np.interp(weights, LEVEL_WEIGHTS, LEVELS)
    intensities[_AU43] = weights[_AU43]
    return intensities


def _mixed_m(neutral: FaceMesh, targets: Sequence[Target], weights: Weights) -> Float[np.ndarray, "vertex 3"]:
    mixed = neutral.vertices_m.copy()
    for target in targets:
        weight = target.weight(weights)
        if weight:
            mixed += np.float32(weight) * target.offset_m
    return mixed


def _farthest_mm(offset_m: np.ndarray) -> float:
    return 1000 * float(np.sqrt(np.square(offset_m).sum(axis=1).max()))


def deviation_of(head: Head, morphs: Morphs) -> Deviation:
    """Hold the targets against the rig: some 240 poses, a few seconds."""
    tried = []
    for name, intensities in _probes():
        mixed = _mixed_m(morphs.neutral, morphs.targets, weights_of(intensities))
        tried.append((_farthest_mm(head.pose(intensities).vertices_m - mixed), name))
    farthest, name = max(tried)
    return Deviation(
        largest_mm=farthest,
        largest_in=name,
        median_mm=float(np.median([mm for mm, _ in tried])),
        expressions=len(tried),
    )


def _probes() -> Iterator[tuple[str, Float[np.ndarray, "16"]]]:
    """Every unit at every level, every pair in full, and expressions of pain."""
    full = {name: 1.0 if name == "AU43" else MAX_INTENSITY for name in AU_NAMES}
    for name in AU_NAMES:
        for level in (0.25, 0.5, 0.75, 1.0) if name == "AU43" else (1.0, 2.0, 3.0, 4.0, 5.0):
            yield f"{name} {level:g}", _vector({name: level})
    for pair in combinations(AU_NAMES, 2):
        yield " ".join(f"{name} {full[name]:g}" for name in pair), _vector({name: full[name] for name in pair})
    for number in range(PROBED_EXPRESSIONS):
        expression = sample_pain(stream(0, "morph probe", number), level=1 + number % 16)
        yield str(expression), expression.vector


def _vector(intensities: dict[str, float]) -> Float[np.ndarray, "16"]:
    vector = np.zeros(len(AU_NAMES))
    for name, intensity in intensities.items():
        vector[AU_INDEX[name]] = intensity
    return vector
