"""What both forms of UNBC-McMaster give: places of frames, and frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from jaxtyping import Float

from pain3d.data.importers.builder import DatasetBuilder
from pain3d.data.importers.policy import Intake
from pain3d.data.importers.reading import SourcePicture


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a frame lies: small, so that all of them fit into memory."""

    subject_id: str
    """As in the source, such as 042-ll042."""
    sequence_id: str | None
    frame_index: int
    file: str
    """Of the picture, relative to the source."""


@dataclass(frozen=True, kw_only=True, eq=False)
class UnbcFrame:
    """A frame as the source has it."""

    picture: SourcePicture
    aus: Mapping[str, float]
    """Of every coded Action Unit; 0 is absent."""
    pspi_file: float | None
    landmarks: Float[np.ndarray, "68 2"] | None
    scales: Mapping[str, float] = field(default_factory=dict)
    """VAS, OPR, SEN, AFF of its recording, those that are there."""
    known_black: bool = False
    """Named as black in the source's notes."""


class UnbcSource(Protocol):
    """One form of the source."""

    @property
    def form(self) -> str:
        """Its name."""
        ...

    @property
    def has_landmarks(self) -> bool:
        """Whether frames have landmarks."""
        ...

    def places(self, intake: Intake) -> list[Place]:
        """Every frame, by subject, recording and number."""
        ...

    def frame(self, place: Place, intake: Intake) -> UnbcFrame:
        """The frame at a place.

        Raises:
            DataError: if its picture or labels are bad.
        """
        ...

    def finish(self, builder: DatasetBuilder) -> None:
        """Write what further files the source gives rise to."""
        ...

    def close(self) -> None:
        """Close what is open."""
        ...
