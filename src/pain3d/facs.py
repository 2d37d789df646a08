"""Facial Action Units, their intensities, and PSPI: the only definition of each.

Sources: Ekman, Friesen & Hager, *Facial Action Coding System* (2002) for the units; Prkachin & Solomon,
*Pain* 139 (2008) for the score.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import SupportsFloat, TypedDict, Unpack, final, overload

import numpy as np
from jaxtyping import Float, Real
from numpy.typing import ArrayLike

AU_DESCRIPTIONS: Mapping[str, str] = {
    "AU1": "inner brow raiser",
    "AU2": "outer brow raiser",
    "AU4": "brow lowerer",
    "AU5": "upper lid raiser",
    "AU6": "cheek raiser",
    "AU7": "lid tightener",
    "AU9": "nose wrinkler",
    "AU10": "upper lip raiser",
    "AU12": "lip corner puller",
    "AU15": "lip corner depressor",
    "AU17": "chin raiser",
    "AU20": "lip stretcher",
    "AU25": "lips part",
    "AU26": "jaw drop",
    "AU27": "mouth stretch",
    "AU43": "eyes closed",
}
"""The sixteen Action Units that pain3d moves, with their names in the FACS manual."""

AU_NAMES: tuple[str, ...] = tuple(AU_DESCRIPTIONS)
"""Order of every AU vector in the package."""

AU_INDEX: Mapping[str, int] = {name: i for i, name in enumerate(AU_NAMES)}

PAIN_AUS: tuple[str, ...] = ("AU4", "AU6", "AU7", "AU9", "AU10", "AU43")
"""The Action Units that PSPI counts."""

NON_PAIN_AUS: tuple[str, ...] = tuple(name for name in AU_NAMES if name not in PAIN_AUS)

MAX_INTENSITY = 5.0
"""FACS levels A..E are 1..5; 0 is absent."""

MAX_PSPI = 16.0

CLOSED_AT = 0.5
"""Share of the way down from which lids that are closing on purpose count as closed (AU43)."""


class Intensities(TypedDict, total=False):
    """Keyword arguments of `Expression`: intensities 0..5; AU43 is 0 or 1."""

    AU1: float
    AU2: float
    AU4: float
    AU5: float
    AU6: float
    AU7: float
    AU9: float
    AU10: float
    AU12: float
    AU15: float
    AU17: float
    AU20: float
    AU25: float
    AU26: float
    AU27: float
    AU43: float


@overload
def pspi(*, AU4: float, AU6: float, AU7: float, AU9: float, AU10: float, AU43: float) -> float: ...
@overload
def pspi(
    *, AU4: ArrayLike, AU6: ArrayLike, AU7: ArrayLike, AU9: ArrayLike, AU10: ArrayLike, AU43: ArrayLike
) -> float | Real[np.ndarray, "*batch"]: ...
def pspi(
    *, AU4: ArrayLike, AU6: ArrayLike, AU7: ArrayLike, AU9: ArrayLike, AU10: ArrayLike, AU43: ArrayLike
) -> float | Real[np.ndarray, "*batch"]:
    """Prkachin-Solomon Pain Intensity, 0..16.

    PSPI = AU4 + max(AU6, AU7) + max(AU9, AU10) + AU43, with AU43 0 or 1 (Prkachin & Solomon 2008).

    Args:
        AU4: intensity 0..5, a scalar or an array; all six broadcast together.
        AU6: the same, as are the next three.
        AU7: the same.
        AU9: the same.
        AU10: the same.
        AU43: 0 or 1.

    Returns:
        A float for scalars, an array of the broadcast shape otherwise. NaN in, NaN out.

    Ranges are not checked, for speed: an intensity of 9 is added up like any other. `Expression` checks them.
    """
    score = np.asarray(AU4) + np.maximum(AU6, AU7) + np.maximum(AU9, AU10) + np.asarray(AU43)
    return float(score) if np.ndim(score) == 0 else score


def pspi_of_vectors(vectors: Float[np.ndarray, "*batch 16"]) -> Float[np.ndarray, "*batch"]:
    """PSPI of AU vectors in the order of `AU_NAMES`."""
    return np.asarray(pspi(**{name: vectors[..., AU_INDEX[name]] for name in PAIN_AUS}))


@final
class Expression:
    """An immutable FACS Action Unit vector: what the face does.

    >>> Expression(AU4=3, AU6=2, AU9=4, AU43=1).pspi
    10.0
    """

    __slots__ = ("_values",)
    _values: tuple[float, ...]

    def __init__(self, **intensities: Unpack[Intensities]) -> None:
        """Make an expression; Action Units not named are 0.

        Raises:
            ValueError: for an unknown Action Unit, NaN, an intensity outside 0..5, or AU43 other than 0 or 1.
        """
        values = [0.0] * len(AU_NAMES)
        for name, intensity in intensities.items():
            values[_au_index(name)] = _checked(name, intensity)
        object.__setattr__(self, "_values", tuple(values))

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"Expression is immutable: cannot set {name}; make a new one with .replace({name}=...)")

    def __reduce__(self):
        return _expression_from_values, (self._values,)

    @classmethod
    def from_vector(cls, vector: Float[np.ndarray, "16"]) -> Expression:
        """The expression whose intensities stand in the order of `AU_NAMES`."""
        return cls(**{name: float(value) for name, value in zip(AU_NAMES, vector, strict=True)})  # pyright: ignore[reportArgumentType]

    @classmethod
    def parse(cls, text: str) -> Expression:
        """Read ``"AU4=3,AU6=2"`` (spaces or commas between); the empty string is neutral.

        Raises:
            ValueError: if a piece is not AU=INTENSITY, or as for the constructor.
        """
        intensities: dict[str, float] = {}
        for piece in text.replace(",", " ").split():
            name, _, value = piece.partition("=")
            try:
                intensities[name.upper()] = float(value)
            except ValueError:
                raise ValueError(
                    f"expression: {piece!r} is not AU=INTENSITY; write for example 'AU4=3,AU6=2,AU43=1'"
                ) from None
        return cls(**intensities)  # pyright: ignore[reportArgumentType]

    def replace(self, **intensities: Unpack[Intensities]) -> Expression:
        """A copy with some intensities changed."""
        return Expression(**{**dict(self.items()), **intensities})  # pyright: ignore[reportArgumentType]

    def __getitem__(self, name: str) -> float:
        return self._values[_au_index(name)]

    def items(self) -> Iterator[tuple[str, float]]:
        """(name, intensity) for all sixteen Action Units."""
        return zip(AU_NAMES, self._values, strict=True)

    @property
    def vector(self) -> Float[np.ndarray, "16"]:
        """Intensities in the order of `AU_NAMES`, float64."""
        return np.array(self._values)

    @property
    def pspi(self) -> float:
        """Prkachin-Solomon Pain Intensity, 0..16."""
        return pspi(**{name: self[name] for name in PAIN_AUS})

    @property
    def is_neutral(self) -> bool:
        """True when no Action Unit acts."""
        return not any(self._values)

    def without_pain(self) -> Expression:
        """The same expression with the six Action Units of pain at 0: what the heatmap is measured from."""
        return Expression(**{name: value for name, value in self.items() if name not in PAIN_AUS})  # pyright: ignore[reportArgumentType]

    def only(self, name: str) -> Expression:
        """The expression in which this Action Unit alone acts, as strongly as here."""
        return Expression(**{name: self[name]})  # pyright: ignore[reportArgumentType]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Expression) and self._values == other._values

    def __hash__(self) -> int:
        return hash(self._values)

    def __repr__(self) -> str:
        return f"Expression({', '.join(f'{name}={value:g}' for name, value in self.items() if value)})"


def _expression_from_values(values: tuple[float, ...]) -> Expression:
    return Expression.from_vector(np.array(values))


def _au_index(name: str) -> int:
    try:
        return AU_INDEX[name]
    except KeyError:
        raise ValueError(f"{name}: unknown Action Unit; pain3d knows {', '.join(AU_NAMES)}") from None


def _checked(name: str, intensity: object) -> float:
    if not isinstance(intensity, SupportsFloat):
        raise TypeError(f"{name}: intensity {intensity!r} is not a number; give a number from 0 to 5")
    if np.ndim(intensity):  # pyright: ignore[reportArgumentType]
        raise TypeError(f"{name}: intensity {intensity!r} is an array, but an Expression is one face; give one number")
    value = float(intensity)
    if math.isnan(value):
        raise ValueError(f"{name}: intensity is NaN; give a number from 0 to 5 (0 is absent)")
    if name == "AU43" and value not in (0.0, 1.0):
        raise ValueError(f"AU43: intensity {value:g} is neither 0 nor 1; FACS codes eye closure as absent or present")
    if not 0.0 <= value <= MAX_INTENSITY:
        raise ValueError(f"{name}: intensity {value:g} is outside 0..5; FACS levels A..E are 1..5, 0 is absent")
    return value
