"""Sample: one frame of a dataset as a user meets it. Pictures are decoded when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, UInt8

from pain3d.data.images import decode_depth, decode_grey, decode_heatmap, decode_normals, decode_rgb, decode_wrinkles
from pain3d.demographics import AgeBand, Ethnicity, Sex, Split
from pain3d.errors import ArgumentError, DataError
from pain3d.facs import AU_NAMES, PAIN_AUS, Expression

_Picture = TypeVar("_Picture")


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """A picture and everything that is known about it."""

    frame_id: str
    subject_id: str
    split: Split
    neutral_frame_id: str
    expression_id: int
    view_id: int
    expression: Expression
    landmarks: Float[np.ndarray, "68 2"]
    """iBUG-68 x, y in pixels, float32, pixel centres at .5."""
    age_years: int
    age_band: AgeBand
    sex: Sex
    ethnicity: Ethnicity
    skin_tone_mst: int
    """Monk Skin Tone 1..10."""
    ita_degrees: float
    yaw: float
    """Degrees, as pitch and roll."""
    pitch: float
    roll: float
    camera: Float[np.ndarray, "16"]
    """fx fy cx cy, then world-to-camera 3x4, row major, float32."""
    light: str
    background: str
    seed: int
    row: Mapping[str, Any]
    """Every column as stored, the encoded pictures included."""
    find: Callable[[str], Sample]
    """Gives the sample of a frame id of the same dataset."""

    @property
    def pspi(self) -> float:
        """Prkachin-Solomon Pain Intensity, 0..16."""
        return self.expression.pspi

    @property
    def neutral(self) -> Sample:
        """The same subject in the same view, at rest; a neutral sample is its own."""
        return self if self.neutral_frame_id == self.frame_id else self.find(self.neutral_frame_id)

    @cached_property
    def image(self) -> UInt8[np.ndarray, "height width 3"]:
        """sRGB, row 0 at the top."""
        return self._decoded("image", decode_rgb)

    @cached_property
    def heatmap(self) -> Float[np.ndarray, "height width"]:
        """Visible skin displacement due to the pain AUs, millimetres, float32; saturates at 16."""
        largest = float(self.row["heatmap_max_mm"])
        return self._decoded("heatmap", lambda encoded: decode_heatmap(encoded, largest))

    @cached_property
    def segmentation(self) -> UInt8[np.ndarray, "height width"]:
        """Classes of the manifest's palette."""
        return self._decoded("segmentation", decode_grey)

    @cached_property
    def depth(self) -> Float[np.ndarray, "height width"]:
        """Metres along the viewing axis, float32; 0 is background."""
        return self._decoded("depth", decode_depth)

    @cached_property
    def normals(self) -> Float[np.ndarray, "height width 3"]:
        """Unit vectors, float32; zero on background."""
        return self._decoded("normals", decode_normals)

    @cached_property
    def albedo(self) -> UInt8[np.ndarray, "height width 3"]:
        """The colour without light, sRGB."""
        return self._decoded("albedo", decode_rgb)

    @cached_property
    def wrinkles(self) -> Float[np.ndarray, "height width"]:
        """How far the AUs raise or sink the relief of the skin, millimetres, float32; saturates at 3."""
        encoded = self._column("wrinkles")["bytes"]
        return decode_wrinkles(encoded, float(self.row["wrinkles_max_mm"]))

    @cached_property
    def au_heatmaps(self) -> Mapping[str, Float[np.ndarray, "height width"]]:
        """Displacement by each pain AU alone, millimetres, float32."""
        largest = float(self.row["heatmap_max_mm"])
        pictures = self._column("au_heatmaps")
        return {name: decode_heatmap(pictures[name]["bytes"], largest) for name in PAIN_AUS}

    def arrays(self) -> dict[str, Any]:
        """Arrays, numbers and strings by name: what a data loader's collate function stacks."""
        return {
            "frame_id": self.frame_id,
            "subject_id": self.subject_id,
            "image": self.image,
            "heatmap": self.heatmap,
            "segmentation": self.segmentation,
            "landmarks": self.landmarks,
            "aus": self.expression.vector.astype(np.float32),
            "pspi": np.float32(self.pspi),
        }

    def __repr__(self) -> str:
        who = f"{self.age_years} years, {self.sex}, {self.ethnicity}"
        return f"Sample({self.frame_id!r}, {who}, yaw={self.yaw:.0f}, {self.expression!r}, pspi={self.pspi:g})"

    def _decoded(self, name: str, decode: Callable[[bytes], _Picture]) -> _Picture:
        try:
            return decode(self._column(name)["bytes"])
        except DataError as error:
            raise DataError(f"{self.frame_id}: {name}: {error}") from None

    def _column(self, name: str) -> Any:
        if name not in self.row:
            raise ArgumentError(f"{name}: this dataset was made without it; generate one with --annotations {name}")
        return self.row[name]


def sample_of_row(row: Mapping[str, Any], find: Callable[[str], Sample]) -> Sample:
    """The sample that a row, as Arrow gives it, stands for."""
    return Sample(
        **{name: row[name] for name in _AS_STORED},
        expression=Expression.from_vector(np.array([row[name] for name in AU_NAMES])),
        landmarks=np.array(row["landmarks"], np.float32).reshape(68, 2),
        camera=np.array(row["camera"], np.float32),
        row=row,
        find=find,
    )


_AS_STORED = (
    "frame_id",
    "subject_id",
    "split",
    "neutral_frame_id",
    "expression_id",
    "view_id",
    "age_years",
    "age_band",
    "sex",
    "ethnicity",
    "skin_tone_mst",
    "ita_degrees",
    "yaw",
    "pitch",
    "roll",
    "light",
    "background",
    "seed",
)
