"""One row of an imported dataset: what the source tells, and null for the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float

from pain3d.data.schema import ShardSplit, dataset_schema
from pain3d.errors import DataError
from pain3d.facs import AU_NAMES, MAX_PSPI, PAIN_AUS, Expression

Extra = Mapping[str, str | int | float]


@dataclass(frozen=True, kw_only=True, eq=False)
class ImportedRow:
    """A picture as the source has it, already encoded, and its labels."""

    frame_id: str
    """Unique in the dataset."""
    subject_id: str
    split: ShardSplit
    image: bytes
    """JPEG, PNG or WebP."""
    aus: Mapping[str, float]
    """Intensities of the Action Units that were coded, 0..5, AU43 0 or 1; the others are null."""
    pspi_file: float | None = None
    """PSPI as the source states it."""
    neutral_frame_id: str | None = None
    landmarks: Float[np.ndarray, "68 2"] | None = None
    """iBUG-68 in pixels."""
    face_box: tuple[float, float, float, float] | None = None
    """x y width height, pixels; where there are no landmarks."""
    extras: Extra = field(default_factory=dict)
    """Further columns by name, such as sequence_id, frame_index, source_file, VAS, age_years, view_id."""

    def __post_init__(self) -> None:
        Expression(**dict(self.aus))  # pyright: ignore[reportArgumentType]  # raises where an intensity is impossible
        if self.pspi is None:
            raise DataError(
                f"{self.frame_id}: neither PSPI nor all of {', '.join(PAIN_AUS)} are known; a frame needs a label"
            )
        if not 0 <= self.pspi <= MAX_PSPI:
            raise DataError(f"{self.frame_id}: PSPI {self.pspi:g} is outside 0..16")

    @property
    def pspi(self) -> float | None:
        """By the Action Units where all six of PSPI are coded, as the source states it otherwise."""
        if set(PAIN_AUS) <= set(self.aus):
            return Expression(**{name: self.aus[name] for name in PAIN_AUS}).pspi  # pyright: ignore[reportArgumentType]
        return self.pspi_file

    def columns(self) -> dict[str, object]:
        """The value of every column; None where there is none."""
        known: dict[str, object] = {
            "frame_id": self.frame_id,
            "subject_id": self.subject_id,
            "split": self.split,
            "neutral_frame_id": self.neutral_frame_id,
            "image": {"bytes": self.image, "path": None},
            "landmarks": None if self.landmarks is None else np.asarray(self.landmarks, np.float32).reshape(136),
            **{name: self.aus[name] for name in AU_NAMES if name in self.aus},
            "PSPI": self.pspi,
            "PSPI_file": self.pspi_file,
            "face_box": self.face_box,
            **self.extras,
        }
        unknown = sorted(set(known) - set(_NOTHING))
        if unknown:
            raise ValueError(f"extras: {', '.join(unknown)} are no columns of a dataset")
        return {**_NOTHING, **known}


_NOTHING: Mapping[str, object] = dict.fromkeys(dataset_schema(imported=True).names)
"""A row that tells nothing."""
