"""One figure: its value, its interval, and why it is missing where it cannot be computed."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, kw_only=True)
class Score:
    """A measured figure. What cannot be computed is NaN with a reason, never 0."""

    value: float
    reason: str | None = None
    """Why the value is NaN; or, beside a number, why it has no interval."""
    interval: tuple[float, float] | None = None
    """Ends of the interval, lower first."""

    def __post_init__(self) -> None:
        if math.isnan(self.value) and self.reason is None:
            raise ValueError("value: NaN without a reason; say why the figure cannot be computed")

    @property
    def known(self) -> bool:
        """Whether there is a value."""
        return not math.isnan(self.value)

    def between(self, low: float, high: float) -> Score:
        """The same figure with an interval."""
        return replace(self, interval=(low, high))

    def to_json(self) -> dict[str, float | str | None]:
        """Value, low, high and reason; None for what is missing, since JSON knows no NaN."""
        low, high = self.interval or (None, None)
        return {"value": self.value if self.known else None, "low": low, "high": high, "reason": self.reason}


def missing(reason: str) -> Score:
    """A figure that cannot be computed."""
    return Score(value=math.nan, reason=reason)
