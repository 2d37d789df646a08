"""Clips: what a dataset of films is made of, as its manifest and its rows tell it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, get_args

SequenceKind = Literal["onset-apex-offset"]
SEQUENCES: tuple[SequenceKind, ...] = get_args(SequenceKind)
"""onset-apex-offset: from rest over the expression back to rest."""

FRAMES_PER_SECOND = 25
SECONDS = (2.0, 10.0)
"""Shortest and longest clip of a dataset. All clips of a subject lie in one file, which is held in memory until it is
whole."""
FRAME_INDICES = 1000
"""More than the longest clip has frames: ids have three digits for them."""
SWAY_DEGREES: Mapping[str, float] = {"yaw": 1.6, "pitch": 1.2, "roll": 0.8}
"""Largest turn of the head from where a view holds it."""


@dataclass(frozen=True, kw_only=True)
class Clips:
    """That each expression, seen in each view, is a clip."""

    sequence: SequenceKind
    seconds: float
    """Length of each."""
    frames_per_second: int = FRAMES_PER_SECOND

    @property
    def frames(self) -> int:
        """Of each clip."""
        return round(self.seconds * self.frames_per_second)


@dataclass(frozen=True, kw_only=True)
class ClipMoment:
    """Where a row stands in its clip, and what its Action Units do not tell of the moment. Values are float32's."""

    frame_index: int
    """0 for the first."""
    time_s: float
    apex_pspi: float
    """PSPI of what is acted at the apex: one value for the whole clip."""
    eye_closure: float
    """0..1: how far lids are down on purpose; AU43 is 1 from half-way."""
    blink: float
    """0..1: how far a blink (AU45 of FACS, no pain) has closed them."""
