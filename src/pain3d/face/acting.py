"""Acting: what a face does at one moment, between the levels that FACS codes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from jaxtyping import Float

from pain3d.facs import AU_INDEX, AU_NAMES, CLOSED_AT, PAIN_AUS, Expression

_AU43 = AU_INDEX["AU43"]
_PAIN = [AU_INDEX[name] for name in PAIN_AUS]


@dataclass(frozen=True, kw_only=True, eq=False)
class Acting:
    """Action Units on their way, and a blink, which is none of them: FACS codes it as AU45."""

    intensities: Float[np.ndarray, "16"]
    """0..5 each in the order of `AU_NAMES`; AU43 0..1, the share of the way down that lids are closed on purpose."""
    blink: float = 0.0
    """0..1: how far a blink has closed the lids."""

    @classmethod
    def of(cls, acted: Expression | Self) -> Self:
        """An expression, held; acting as it is."""
        return cls(intensities=acted.vector) if isinstance(acted, Expression) else acted

    def closing(self, closure: float, blink: float) -> Self:
        """The same Action Units with lids that are on their way: on purpose, and by a blink."""
        intensities = self.intensities.copy()
        intensities[_AU43] = closure
        return replace(self, intensities=intensities, blink=blink)

    def stored(self) -> Self:
        """The same in values that 32 bits hold without loss."""
        rounded = self.intensities.astype(np.float32).astype(np.float64)
        return replace(self, intensities=rounded, blink=float(np.float32(self.blink)))

    @property
    def closure(self) -> float:
        """0..1: how far lids are closed on purpose."""
        return float(self.intensities[_AU43])

    @property
    def vector(self) -> Float[np.ndarray, "16"]:
        """What a head takes as its pose: lids are where whatever closes them most puts them."""
        vector = self.intensities.copy()
        vector[_AU43] = max(vector[_AU43], self.blink)
        return vector

    @property
    def vector_without_pain(self) -> Float[np.ndarray, "16"]:
        """The same with the six Action Units of pain at 0, the blink as it is: what the heatmap is measured from."""
        vector = self.intensities.copy()
        vector[_PAIN] = 0.0
        vector[_AU43] = self.blink
        return vector

    @property
    def expression(self) -> Expression:
        """The labels: intensities as they are, AU43 from `CLOSED_AT` on."""
        values = dict(zip(AU_NAMES, map(float, self.intensities), strict=True))
        return Expression(**{**values, "AU43": float(values["AU43"] >= CLOSED_AT)})  # pyright: ignore[reportArgumentType]
