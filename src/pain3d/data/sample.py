"""Sample: one frame of a dataset as a user meets it. Pictures are decoded when first asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
from jaxtyping import Float, UInt8

from pain3d.data.images import decode_depth, decode_grey, decode_heatmap, decode_normals, decode_rgb, decode_wrinkles
from pain3d.data.schema import ANNOTATIONS, ShardSplit
from pain3d.demographics import AgeBand, Ethnicity, Sex
from pain3d.errors import ArgumentError, DataError
from pain3d.facs import AU_NAMES, PAIN_AUS, Expression

_Picture = TypeVar("_Picture")


@dataclass(frozen=True, kw_only=True, eq=False)
class Sample:
    """A picture and everything that is known about it."""

    frame_id: str
    subject_id: str
    split: ShardSplit
    expression: Expression
    """The Action Units; in imported frames, those that were not coded are 0 here and not among `coded_aus`."""
    coded_aus: tuple[str, ...]
    """Action Units that the row has a value for: all sixteen where pain3d made the frame."""
    row: Mapping[str, Any]
    """Every column as stored, the encoded pictures included; None where an imported frame has no value."""
    find: Callable[[str], Sample]
    """Gives the sample of a frame id of the same dataset."""

    # What follows raises a DataError where the frame was imported and its source does not tell.

    @property
    def neutral_frame_id(self) -> str:
        """Of the same subject: same view and expression 0, or the reference of an imported frame."""
        return self._known("neutral_frame_id")

    @property
    def expression_id(self) -> int:
        """0 is neutral."""
        return self._known("expression_id")

    @property
    def view_id(self) -> int:
        """0 is frontal."""
        return self._known("view_id")

    @cached_property
    def landmarks(self) -> Float[np.ndarray, "68 2"]:
        """iBUG-68 x, y in pixels, float32, pixel centres at .5."""
        return np.array(self._known("landmarks"), np.float32).reshape(68, 2)

    @property
    def age_years(self) -> int:
        """Years."""
        return self._known("age_years")

    @property
    def age_band(self) -> AgeBand:
        """The band that the age falls in."""
        return self._known("age_band")

    @property
    def sex(self) -> Sex:
        """female or male."""
        return self._known("sex")

    @property
    def ethnicity(self) -> Ethnicity:
        """Appearance group of the parametric model."""
        return self._known("ethnicity")

    @property
    def skin_tone_mst(self) -> int:
        """Monk Skin Tone 1..10."""
        return self._known("skin_tone_mst")

    @property
    def ita_degrees(self) -> float:
        """Individual Typology Angle of the albedo, degrees."""
        return self._known("ita_degrees")

    @property
    def yaw(self) -> float:
        """Degrees, as pitch and roll."""
        return self._known("yaw")

    @property
    def pitch(self) -> float:
        """Degrees."""
        return self._known("pitch")

    @property
    def roll(self) -> float:
        """Degrees."""
        return self._known("roll")

    @cached_property
    def camera(self) -> Float[np.ndarray, "16"]:
        """fx fy cx cy, then world-to-camera 3x4, row major, float32."""
        return np.array(self._known("camera"), np.float32)

    @property
    def light(self) -> str:
        """Light recipe."""
        return self._known("light")

    @property
    def background(self) -> str:
        """Background recipe."""
        return self._known("background")

    @property
    def seed(self) -> int:
        """Of the subject."""
        return self._known("seed")

    @property
    def sequence_id(self) -> str:
        """The clip that the frame is from, or the recording of an imported one."""
        return self._column("sequence_id")

    @property
    def frame_index(self) -> int:
        """Number of the frame in its clip, from 0, or in its recording, as the source counts."""
        return self._column("frame_index")

    @property
    def time_s(self) -> float:
        """Seconds from the beginning of its clip."""
        return self._column("time_s")

    @property
    def pspi(self) -> float:
        """Prkachin-Solomon Pain Intensity, 0..16; as stored where not all of its Action Units are coded."""
        return self.expression.pspi if set(PAIN_AUS) <= set(self.coded_aus) else float(self._known("PSPI"))

    @property
    def neutral(self) -> Sample:
        """The sample of `neutral_frame_id`; a neutral sample is its own."""
        return self if self.neutral_frame_id == self.frame_id else self.find(self.neutral_frame_id)

    def knows(self, column: str) -> bool:
        """Whether the row has a value in this column."""
        if column not in self.row:
            return False
        value = self.row[column]
        return value is not None and not (isinstance(value, Mapping) and all(v is None for v in value.values()))

    @cached_property
    def image(self) -> UInt8[np.ndarray, "height width 3"]:
        """sRGB, row 0 at the top."""
        return self._decoded("image", decode_rgb)

    @cached_property
    def heatmap(self) -> Float[np.ndarray, "height width"]:
        """Visible skin displacement due to the pain AUs, millimetres, float32; saturates at 16."""
        return self._decoded("heatmap", lambda encoded: decode_heatmap(encoded, float(self.row["heatmap_max_mm"])))

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
        pictures = self._column("au_heatmaps")
        largest = float(self.row["heatmap_max_mm"])
        return {name: decode_heatmap(pictures[name]["bytes"], largest) for name in PAIN_AUS}

    def arrays(self) -> dict[str, Any]:
        """Arrays, numbers and strings by name: what a data loader's collate function stacks.

        Of imported frames, label maps and landmarks that the source does not tell are left out.
        """
        maps = {name: getattr(self, name) for name in ("heatmap", "segmentation", "landmarks") if self.knows(name)}
        return {
            "frame_id": self.frame_id,
            "subject_id": self.subject_id,
            "image": self.image,
            **maps,
            "aus": self.expression.vector.astype(np.float32),
            "pspi": np.float32(self.pspi),
        }

    def __repr__(self) -> str:
        known = [f"{self.age_years} years"] if self.knows("age_years") else []
        known += [str(self.row[name]) for name in ("sex", "ethnicity") if self.knows(name)]
        known += [f"yaw={self.yaw:.0f}"] if self.knows("yaw") else []
        about = ", ".join([repr(self.frame_id), *known, repr(self.expression), f"pspi={self.pspi:g}"])
        return f"Sample({about})"

    def _decoded(self, name: str, decode: Callable[[bytes], _Picture]) -> _Picture:
        try:
            return decode(self._column(name)["bytes"])
        except DataError as error:
            raise DataError(f"{self.frame_id}: {name}: {error}") from None

    def _column(self, name: str) -> Any:
        if name not in self.row:
            how = f"--annotations {name}" if name in ANNOTATIONS else "--sequence onset-apex-offset"
            raise ArgumentError(f"{name}: this dataset was made without it; generate one with {how}")
        return self._known(name)

    def _known(self, name: str) -> Any:
        if not self.knows(name):
            raise DataError(
                f"{self.frame_id}: {name}: its dataset was imported, and the source does not tell it; leave it out, "
                f"or take a dataset that pain3d generated"
            )
        return self.row[name]


def sample_of_row(row: Mapping[str, Any], find: Callable[[str], Sample]) -> Sample:
    """The sample that a row, as Arrow gives it, stands for."""
    coded = tuple(name for name in AU_NAMES if row[name] is not None)
    return Sample(
        frame_id=row["frame_id"],
        subject_id=row["subject_id"],
        split=row["split"],
        expression=Expression.from_vector(np.array([row[name] if name in coded else 0.0 for name in AU_NAMES])),
        coded_aus=coded,
        row=row,
        find=find,
    )
