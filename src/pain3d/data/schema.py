"""The columns of a dataset: names, types, units, version. What is fixed here is pinned by a fingerprint in the tests.

The schema carries the `huggingface` metadata of the `datasets` library, so that picture columns decode and fixed-length
lists keep their length with no code of ours.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

import numpy as np
import pyarrow as pa
from jaxtyping import Float

from pain3d.data.clips import ClipMoment
from pain3d.demographics import AgeBand, Ethnicity, Sex, Split, subject_id
from pain3d.errors import ArgumentError
from pain3d.facs import AU_DESCRIPTIONS, AU_NAMES, PAIN_AUS, Expression

SCHEMA_VERSION = 1
"""Raised when a column changes its name, type or meaning."""

HEATMAP_MAX_MM = 16.0
"""Displacement that the heatmap's value 255 stands for; larger ones saturate, and the audit counts them."""

WRINKLES_MAX_MM = 3.0
"""Relief that value 255 of `wrinkles` stands for; more saturates."""

MAX_ROW_GROUP_ROWS = 100
"""Readers hold one row group at a time."""

ShardSplit = Literal["train", "val", "test", "all"]
SHARD_SPLITS: tuple[ShardSplit, ...] = get_args(ShardSplit)
"""`all` holds the frames of an imported dataset whose source has no official split; protocols divide its subjects."""

Annotation = Literal["depth", "normals", "au_heatmaps", "albedo", "wrinkles"]
ANNOTATIONS: tuple[Annotation, ...] = get_args(Annotation)
"""Columns on request, in column order.

depth: 16-bit PNG, 0.1 mm along the viewing axis, 0 is background. normals: RGB PNG, see `images.encode_normals`.
au_heatmaps: a struct of six pictures AU4, AU6, AU7, AU9, AU10, AU43 on the scale of `heatmap`: displacement by that AU
alone. albedo: RGB PNG, the light-free colour. wrinkles: 8-bit grey PNG on a scale of its own, `WRINKLES_MAX_MM`, which
stands beside it in the column wrinkles_max_mm.
"""

_IMAGE = pa.struct([pa.field("bytes", pa.binary()), pa.field("path", pa.string())])
_AU_IMAGES = pa.struct([pa.field(name, _IMAGE) for name in PAIN_AUS])

_COLUMNS: Mapping[str, pa.DataType] = {
    "frame_id": pa.string(),
    "subject_id": pa.string(),
    "split": pa.string(),
    "neutral_frame_id": pa.string(),
    "expression_id": pa.int16(),
    "view_id": pa.int16(),
    "image": _IMAGE,
    "heatmap": _IMAGE,
    "heatmap_max_mm": pa.float32(),
    "segmentation": _IMAGE,
    "landmarks": pa.list_(pa.float32(), 136),
    **dict.fromkeys(AU_NAMES, pa.float32()),
    "PSPI": pa.float32(),
    "age_years": pa.int16(),
    "age_band": pa.string(),
    "sex": pa.string(),
    "ethnicity": pa.string(),
    "skin_tone_mst": pa.int8(),
    "ita_degrees": pa.float32(),
    "yaw": pa.float32(),
    "pitch": pa.float32(),
    "roll": pa.float32(),
    "camera": pa.list_(pa.float32(), 16),
    "light": pa.string(),
    "background": pa.string(),
    "seed": pa.int64(),
}

_IMPORTED_COLUMNS: Mapping[str, pa.DataType] = {
    "sequence_id": pa.string(),
    "frame_index": pa.int32(),
    "source_file": pa.string(),
    "PSPI_file": pa.float32(),
    "VAS": pa.float32(),
    "OPR": pa.float32(),
    "SEN": pa.float32(),
    "AFF": pa.float32(),
    "face_box": pa.list_(pa.float32(), 4),
}
"""The last columns of a dataset that was imported (`manifest.Source`). There every column but `frame_id`, `subject_id`,
`split`, `image` and `PSPI` may be null: what the source does not tell is not made up."""

_CLIP_COLUMNS: Mapping[str, pa.DataType] = {
    "sequence_id": pa.string(),
    "frame_index": pa.int32(),
    "time_s": pa.float32(),
    "apex_PSPI": pa.float32(),
    "eye_closure": pa.float32(),
    "blink": pa.float32(),
}
"""The last columns of a dataset of clips (`manifest.Design.clips`)."""

_ANNOTATION_COLUMNS: Mapping[Annotation, Mapping[str, pa.DataType]] = {
    "depth": {"depth": _IMAGE},
    "normals": {"normals": _IMAGE},
    "au_heatmaps": {"au_heatmaps": _AU_IMAGES},
    "albedo": {"albedo": _IMAGE},
    "wrinkles": {"wrinkles": _IMAGE, "wrinkles_max_mm": pa.float32()},
}

COLUMN_DESCRIPTIONS: Mapping[str, str] = {
    "frame_id": "unique: subject, expression, view, as in s00042-e07-v1, and frame of a clip, as in s00042-e07-v1-f012",
    "subject_id": "one synthetic person",
    "split": "train, val or test; subjects never cross",
    "neutral_frame_id": "frame of the same subject and view with expression 0; of its clip the first",
    "expression_id": "0 neutral, then pain expressions, then distractors (PSPI 0), then confounds",
    "view_id": "0 frontal, 1 turned to the subject's own left, 2 to the right",
    "image": "RGB picture",
    "heatmap": "8-bit grey PNG: value/255 * heatmap_max_mm is the visible skin displacement due to the pain AUs",
    "heatmap_max_mm": "millimetres that value 255 of the heatmap stands for",
    "segmentation": "8-bit palette PNG of classes; the palette stands in manifest.json",
    "landmarks": "68 iBUG landmarks, x y each, pixels, pixel centres at .5",
    **{name: f"{text}, {'0 or 1' if name == 'AU43' else '0..5'}" for name, text in AU_DESCRIPTIONS.items()},
    "PSPI": "Prkachin-Solomon Pain Intensity of the AU columns, 0..16",
    "age_years": "years",
    "age_band": "18-29, 30-44, 45-59, 60-74 or 75-95",
    "sex": "female or male",
    "ethnicity": "appearance group of the parametric model",
    "skin_tone_mst": "Monk Skin Tone, 1..10",
    "ita_degrees": "Individual Typology Angle of the albedo, degrees",
    "yaw": "degrees, positive to the subject's own left",
    "pitch": "degrees, positive up",
    "roll": "degrees",
    "camera": "fx fy cx cy in pixels, then the world-to-camera 3x4 matrix, row major, metres",
    "light": "light recipe",
    "background": "background recipe",
    "seed": "of the subject: with frame_id it reproduces this frame alone",
    "depth": "16-bit grey PNG, 0.1 mm along the viewing axis, 0 is background",
    "normals": "RGB PNG in the camera's frame, component = (value - 128) / 127, black is background",
    "au_heatmaps": "one heatmap for each pain AU acting alone",
    "albedo": "RGB PNG, the colour without light",
    "wrinkles": "8-bit grey PNG: value/255 * wrinkles_max_mm is how far the AUs raise or sink the relief of the skin",
    "wrinkles_max_mm": "millimetres that value 255 of wrinkles stands for",
    "sequence_id": "recording or clip that the frame is from",
    "frame_index": "number of the frame in its recording, as in the source; in a clip from 0",
    "time_s": "seconds from the beginning of the clip",
    "apex_PSPI": "PSPI of what is acted at the apex of the clip, before it wavers; the same in all its frames",
    "eye_closure": "0..1: how far the lids are down on purpose; AU43 is 1 from half-way",
    "blink": "0..1: how far a blink has closed the lids; FACS codes it as AU45, and no other column counts it",
    "source_file": "file of the source, relative to the folder that was imported; HDF5: file and row",
    "PSPI_file": "PSPI as the source states it; the column PSPI follows from the Action Units where they are coded",
    "VAS": "visual analogue scale: pain that the person reported for the whole recording, 0..10",
    "OPR": "observer's rating of pain for the whole recording, 0..5",
    "SEN": "sensory scale that the person reported for the whole recording, as in the source",
    "AFF": "affective scale that the person reported for the whole recording, as in the source",
    "face_box": "x y width height of the face by a detector, pixels; only where there are no landmarks",
}


def checked_annotations(names: Sequence[str]) -> tuple[Annotation, ...]:
    """The annotations in column order, or an `ArgumentError` that names the choices."""
    for name in names:
        if name not in ANNOTATIONS:
            raise ArgumentError(f"annotations: {name!r} is unknown; choose from {', '.join(ANNOTATIONS)}")
    return tuple(name for name in ANNOTATIONS if name in names)


def dataset_schema(annotations: Sequence[str] = (), *, imported: bool = False, clips: bool = False) -> pa.Schema:
    """The Arrow schema of a dataset with these annotations, metadata of the `datasets` library included.

    Args:
        annotations: columns on request.
        imported: whether the dataset was imported, and so has the columns about its source.
        clips: whether its frames are those of clips, and so have the columns about their moment.
    """
    columns = dict(_COLUMNS)
    for name in checked_annotations(annotations):
        columns.update(_ANNOTATION_COLUMNS[name])
    if imported:
        columns.update(_IMPORTED_COLUMNS)
    if clips:
        columns.update(_CLIP_COLUMNS)
    features = {name: _feature(kind) for name, kind in columns.items()}
    metadata = {
        "huggingface": json.dumps({"info": {"features": features}}),
        "pain3d_schema_version": str(SCHEMA_VERSION),
    }
    return pa.schema([pa.field(name, kind) for name, kind in columns.items()], metadata=metadata)


def schema_fingerprint(schema: pa.Schema) -> str:
    """SHA-256 of the schema's names, types and metadata."""
    lines = [f"{part.name}: {part.type}" for part in schema]
    lines += [f"{key.decode()}={value.decode()}" for key, value in sorted((schema.metadata or {}).items())]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def image_columns(annotations: Sequence[str] = ()) -> tuple[str, ...]:
    """Parquet paths of the encoded pictures, such as ``image`` and ``au_heatmaps.AU4``."""
    paths: list[str] = []
    for part in dataset_schema(annotations):
        if part.type == _IMAGE:
            paths.append(part.name)
        elif part.type == _AU_IMAGES:
            paths += [f"{part.name}.{name}" for name in PAIN_AUS]
    return tuple(paths)


def label_columns(*, imported: bool = False, clips: bool = False) -> tuple[str, ...]:
    """The columns that are no pictures: small enough to hold for a whole dataset."""
    columns = {**_COLUMNS, **(_IMPORTED_COLUMNS if imported else {}), **(_CLIP_COLUMNS if clips else {})}
    return tuple(name for name, kind in columns.items() if kind != _IMAGE)


def _feature(kind: pa.DataType) -> dict[str, object]:
    """The description that the `datasets` library gives a type."""
    if kind == _IMAGE:
        return {"_type": "Image"}
    if pa.types.is_struct(kind):
        return {part.name: _feature(part.type) for part in kind}
    if pa.types.is_fixed_size_list(kind):
        return {"feature": _feature(kind.value_type), "length": kind.list_size, "_type": "List"}
    return {"dtype": {"float": "float32"}.get(str(kind), str(kind)), "_type": "Value"}


def frame_id(subject: int, expression_id: int, view_id: int, frame_index: int | None = None) -> str:
    """``s00042-e07-v1`` for subject number 42, expression 7, view 1; ``s00042-e07-v1-f012`` for frame 12 of a clip."""
    shown = f"{subject_id(subject)}-e{expression_id:02d}-v{view_id}"
    return shown if frame_index is None else f"{shown}-f{frame_index:03d}"


_FRAME_ID = re.compile(r"s(\d{5,})-e(\d{2,})-v(\d+)(?:-f(\d{3,}))?")


class FrameKey(NamedTuple):
    """What a frame id says."""

    subject: int
    expression_id: int
    view_id: int
    frame_index: int | None
    """In its clip; None for a picture of its own."""


def parse_frame_id(text: str) -> FrameKey:
    """Subject number, expression, view, and frame of a clip, of a frame id.

    Raises:
        ArgumentError: if the text is no frame id.
    """
    match = _FRAME_ID.fullmatch(text)
    if match is None:
        raise ArgumentError(f"frame_id: {text!r} is none; a frame id reads like s00042-e07-v1")
    subject, expression_id, view_id = (int(part) for part in match.groups()[:3])
    return FrameKey(subject, expression_id, view_id, None if match[4] is None else int(match[4]))


@dataclass(frozen=True, kw_only=True, eq=False)
class FrameRow:
    """One row, its pictures already encoded (`pain3d.data.images`)."""

    subject: int
    """Subject number; the ids follow from it, expression, view and moment."""
    expression_id: int
    view_id: int
    split: Split
    image: bytes
    """RGB picture: JPEG, PNG or WebP."""
    heatmap: bytes
    """From `encode_heatmap`, scaled to `HEATMAP_MAX_MM`."""
    segmentation: bytes
    """From `encode_segmentation`."""
    landmarks: Float[np.ndarray, "68 2"]
    """iBUG-68 in pixels, pixel centres at .5."""
    expression: Expression
    """The AU columns and PSPI follow from it."""
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
    """fx fy cx cy, then world-to-camera 3x4, row major."""
    light: str
    background: str
    seed: int
    moment: ClipMoment | None = None
    """Of a frame of a clip."""
    annotations: Mapping[str, bytes | Mapping[str, bytes]] = field(default_factory=dict)
    """Encoded depth, normals, albedo, wrinkles; au_heatmaps is a mapping from the six pain AUs to their pictures."""

    def columns(self) -> dict[str, object]:
        """The value of every column, annotations included."""
        first, own = (None, None) if self.moment is None else (0, self.moment.frame_index)
        return {
            "frame_id": frame_id(self.subject, self.expression_id, self.view_id, own),
            "subject_id": subject_id(self.subject),
            "split": self.split,
            "neutral_frame_id": frame_id(self.subject, 0, self.view_id, first),
            "expression_id": self.expression_id,
            "view_id": self.view_id,
            "image": _picture(self.image),
            "heatmap": _picture(self.heatmap),
            "heatmap_max_mm": HEATMAP_MAX_MM,
            "segmentation": _picture(self.segmentation),
            "landmarks": np.asarray(self.landmarks, np.float32).reshape(136),
            **dict(self.expression.items()),
            "PSPI": self.expression.pspi,
            "age_years": self.age_years,
            "age_band": self.age_band,
            "sex": self.sex,
            "ethnicity": self.ethnicity,
            "skin_tone_mst": self.skin_tone_mst,
            "ita_degrees": self.ita_degrees,
            "yaw": self.yaw,
            "pitch": self.pitch,
            "roll": self.roll,
            "camera": np.asarray(self.camera, np.float32).reshape(16),
            "light": self.light,
            "background": self.background,
            "seed": self.seed,
            **{name: _picture(value) for name, value in self.annotations.items()},
            **({"wrinkles_max_mm": WRINKLES_MAX_MM} if "wrinkles" in self.annotations else {}),
            **self._clip_columns(),
        }

    def _clip_columns(self) -> dict[str, object]:
        moment = self.moment
        if moment is None:
            return {}
        return {
            "sequence_id": frame_id(self.subject, self.expression_id, self.view_id),
            "frame_index": moment.frame_index,
            "time_s": moment.time_s,
            "apex_PSPI": moment.apex_pspi,
            "eye_closure": moment.eye_closure,
            "blink": moment.blink,
        }


def _picture(encoded: bytes | Mapping[str, bytes]) -> dict[str, object]:
    if isinstance(encoded, bytes):
        return {"bytes": encoded, "path": None}
    return {name: _picture(part) for name, part in encoded.items()}
