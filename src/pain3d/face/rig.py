"""Rig: Action Unit intensities -> displaced coarse vertices, and how far the lids go.

Four steps, each monotone in every intensity: `intensity_to_weight`, the subject's own expressiveness and asymmetry, the
root of the sum of squares where several Action Units pull on one shape, and one sparse product. Then the lips meet
or part.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from pain3d.face.coarse import CoarseModel
from pain3d.face.lid_rings import lid_rings
from pain3d.face.lids import LidMotion
from pain3d.face.lips import LipTopology, build_lips, lip_gaps, meet_lips
from pain3d.face.model import Identity
from pain3d.face.units import LID_MOTIONS, RECIPES, SHAPES, Push, Shape, Window
from pain3d.facs import AU_INDEX, AU_NAMES, MAX_INTENSITY

LEVELS = (0.0, 1.0, 2.0, 3.0, 4.0, 5.0)
LEVEL_WEIGHTS = (0.0, 0.2, 0.4, 0.62, 0.82, 1.0)
"""Share of full excursion at 0 and at the FACS levels A trace, B slight, C marked, D severe, E maximum. FACS gives
words, no millimetres: the steps are nearly even, a little smaller towards the maximum, so that a trace can be seen."""

MIDLINE_FADE_M = 6e-3
"""Half the width over which an unsided target passes from the left half to the right."""

SIZE_VERTICES = (11909, 220, 5211)
"""Left cheekbone, nasal root and chin in `base.obj`: they give the size of a face."""


def intensity_to_weight(intensity: Float[np.ndarray, "*any"]) -> Float[np.ndarray, "*any"]:
    """Share of a unit's full excursion: piecewise linear through .2, .4, .62, .82 and 1 at A, B, C, D and E."""
    return np.interp(intensity, LEVELS, LEVEL_WEIGHTS)


def side_weights(identity: Identity, intensities: Float[np.ndarray, "16"]) -> Float[np.ndarray, "16 2"]:
    """Weight of each Action Unit on the left and on the right side of this subject's face.

    The stronger side moves as far as `expressiveness` says, the weaker one .7 to 1 of it. Closing the eyes (AU43) is
    not scaled: closed is closed, on both sides.

    Args:
        identity: its `expressiveness` and `asymmetry` (positive: the right side is the weaker one).
        intensities: 0..5 each in the order of `AU_NAMES`, AU43 0..1.

    Raises:
        ValueError: for an intensity outside its range, or NaN.
    """
    top = np.full(len(AU_NAMES), MAX_INTENSITY)
    top[AU_INDEX["AU43"]] = 1.0
    wrong = ~((intensities >= 0) & (intensities <= top))
    if wrong.any():
        k = int(np.flatnonzero(wrong)[0])
        raise ValueError(f"{AU_NAMES[k]}: intensity {intensities[k]:g} is outside 0..{top[k]:g}; give one inside")
    full = intensity_to_weight(intensities) * identity.expressiveness
    weaker = 1 - np.abs(identity.asymmetry)
    left = full * np.where(identity.asymmetry < 0, weaker, 1.0)
    right = full * np.where(identity.asymmetry > 0, weaker, 1.0)
    weights = np.stack([left, right], axis=1)
    weights[AU_INDEX["AU43"]] = intensities[AU_INDEX["AU43"]]
    return weights


PARTED_AT = 0.1
"""Weight of a unit that parts the lips from which nothing holds them together."""
_PARTING = [AU_INDEX[au] for au in ("AU10", "AU25", "AU26", "AU27")]

_CALLED = (*SHAPES, *LID_MOTIONS)
_GAINS = np.zeros((len(_CALLED), len(AU_NAMES)))
for _au, _recipe in RECIPES.items():
    for _shape, _gain in _recipe.items():
        _GAINS[_CALLED.index(_shape), AU_INDEX[_au]] = _gain


def amounts(weights: Float[np.ndarray, "16 2"]) -> Float[np.ndarray, "called 2"]:
    """How much of each shape, then of each lid motion, the weights call on each side.

    Units that call the same shape join as the root of the sum of squares: the sum grows with every one of them, but
    never beyond 1.41 times the larger of two.
    """
    return np.sqrt(np.square(_GAINS[:, :, None] * weights).sum(axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class RigFields:
    """Displacement fields of all shapes, one topology's; see `build_fields`."""

    matrix: sp.csr_matrix
    """(3 x moved, 2 x shapes) metres: column 2 k is shape k on the left, 2 k + 1 on the right."""
    moved: Int[np.ndarray, " moved"]
    """Coarse vertices that any shape moves."""
    span: tuple[Int[np.ndarray, "2"], Int[np.ndarray, "2"]]
    """Ends of the breadth and of the height of a face."""
    lips: LipTopology
    template_size_m: float
    """Size, as `face_size_m` measures it, of the template on which the targets were modelled."""


class Rig:
    """The face of one person, ready to move."""

    def __init__(self, fields: RigFields, identity: Identity, neutral_m: Float[np.ndarray, "coarse 3"]) -> None:
        """
        Args:
            fields: of the coarse model, from `build_fields`.
            identity: who moves.
            neutral_m: coarse vertices of this person at rest, head frame, metres.
        """
        self._fields = fields
        self._identity = identity
        self._neutral_m = neutral_m
        self._scale = face_size_m(fields.span, neutral_m) / fields.template_size_m
        self._rest_gaps_m = lip_gaps(fields.lips, neutral_m)

    def displace(self, intensities: Float[np.ndarray, "16"]) -> Float[np.ndarray, "coarse 3"]:
        """Coarse vertices of the face with these intensities; lid margins stay at rest, for `Lids` to move.

        Args:
            intensities: 0..5 each in the order of `AU_NAMES`, AU43 0..1.
        """
        weights = side_weights(self._identity, intensities)
        called = amounts(weights)[: len(SHAPES)]
        out = self._neutral_m.copy()
        moves = self._fields.matrix @ (called.ravel() * self._scale)
        out[self._fields.moved] += moves.reshape(-1, 3).astype(out.dtype)
        parted = float(weights[_PARTING].max()) / PARTED_AT
        return meet_lips(self._fields.lips, out, self._rest_gaps_m, sealed=max(0.0, 1.0 - parted))

    def lid_motion(self, intensities: Float[np.ndarray, "16"]) -> LidMotion:
        """How far each lid goes, for `Lids.settle`."""
        called = amounts(side_weights(self._identity, intensities))[len(SHAPES) :]
        return LidMotion(**dict(zip(LID_MOTIONS, called, strict=True)))


def build_fields(coarse: CoarseModel) -> RigFields:
    """Compute the displacement fields of all shapes on the coarse model; once a process, a fraction of a second."""
    frame_m = coarse.base_m.astype(np.float64) - coarse.eye_middle(coarse.base_m)
    mirror = mirror_of(coarse)
    free = 1 - lid_rings(coarse).held
    columns = []
    for shape in SHAPES.values():
        left = _field(coarse, shape, frame_m) * free[:, None]
        right = left[mirror] * np.array((-1.0, 1.0, 1.0))
        columns += [left, right]
    stacked = np.stack(columns, axis=2)
    moved = np.flatnonzero(np.abs(stacked).max(axis=(1, 2)) > 1e-7)
    cheekbone, root, chin = coarse.index_of(SIZE_VERTICES)
    span = (np.array([cheekbone, mirror[cheekbone]]), np.array([root, chin]))
    return RigFields(
        matrix=sp.csr_matrix(stacked[moved].reshape(-1, len(columns))),
        moved=moved,
        span=span,
        lips=build_lips(coarse),
        template_size_m=face_size_m(span, coarse.base_m),
    )


def face_size_m(span: tuple[Int[np.ndarray, "2"], Int[np.ndarray, "2"]], coarse_m: np.ndarray) -> float:
    """Geometric mean of the breadth and the height of a face: muscles of a larger face pull further."""
    breadth, height = (np.sqrt(np.square(coarse_m[a] - coarse_m[b]).sum()) for a, b in span)
    return float(np.sqrt(breadth * height))


def mirror_of(coarse: CoarseModel) -> Int[np.ndarray, " coarse"]:
    """The vertex opposite to each; `base.obj` is exactly symmetric."""
    order = np.lexsort(coarse.base_m.T)
    opposite = np.lexsort((coarse.base_m * np.array((-1, 1, 1), dtype=np.float32)).T)
    mirror = np.empty(len(order), dtype=np.int64)
    mirror[order] = opposite
    return mirror


def _field(coarse: CoarseModel, shape: Shape, frame_m: np.ndarray) -> Float[np.ndarray, "coarse 3"]:
    out = np.zeros_like(frame_m)
    for name, weight in shape.targets.items():
        delta = _target(coarse, name)
        if "left" not in name.lower():
            delta = delta * _left_half(frame_m)[:, None]
        out += weight * delta
    if shape.window is not None:
        out *= _inside(shape.window, frame_m)[:, None]
    for push in shape.pushes:
        out += _bump(coarse, push, frame_m)
    return out


def _target(coarse: CoarseModel, name: str) -> Float[np.ndarray, "coarse 3"]:
    kind, unit = name.split("/")
    if kind == "unit":
        return coarse.dense(name).astype(np.float64)
    races = [coarse.dense(f"expression/{race}/{unit}").astype(np.float64) for race in ("african", "asian", "caucasian")]
    return (races[0] + races[1] + races[2]) / 3


def _left_half(frame_m: np.ndarray) -> Float[np.ndarray, " coarse"]:
    return _smooth_step((frame_m[:, 0] + MIDLINE_FADE_M) / (2 * MIDLINE_FADE_M))


def _smooth_step(t: np.ndarray) -> np.ndarray:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)


def _inside(window: Window, frame_m: np.ndarray) -> Float[np.ndarray, " coarse"]:
    inside = np.ones(len(frame_m))
    for (low, high), value in zip((window.x, window.y), (np.abs(frame_m[:, 0]), frame_m[:, 1]), strict=True):
        mm = value * 1000
        if low is not None:
            inside *= _smooth_step((mm - low) / window.soft + 1)
        if high is not None:
            inside *= _smooth_step((high - mm) / window.soft + 1)
    return window.outside + (1 - window.outside) * inside


def _bump(coarse: CoarseModel, push: Push, frame_m: np.ndarray) -> Float[np.ndarray, "coarse 3"]:
    centre = frame_m[coarse.index_of([push.vertex])[0]]
    near = np.square(np.clip(1 - np.square(frame_m - centre).sum(axis=1) / (push.radius * 1e-3) ** 2, 0, None))
    if centre[0] < MIDLINE_FADE_M:
        near = near * _left_half(frame_m)
    return near[:, None] * np.array(push.by) * 1e-3
