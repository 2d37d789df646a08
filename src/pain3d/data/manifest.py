"""manifest.json: what a dataset is, what made it, and what its files must contain.

The finished manifest depends on the plan and on the machine's kind alone: it holds no time, no worker count, and no
trace of an interruption.
"""

from __future__ import annotations

import dataclasses
import json
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import pyarrow as pa
from PIL import features

from pain3d import stores
from pain3d.data.clips import FRAMES_PER_SECOND, SECONDS, SEQUENCES, Clips
from pain3d.data.files import read_bytes, write_atomically
from pain3d.data.images import Palette, PaletteEntry
from pain3d.data.schema import (
    HEATMAP_MAX_MM,
    SCHEMA_VERSION,
    SHARD_SPLITS,
    Annotation,
    ShardSplit,
    dataset_schema,
    label_columns,
)
from pain3d.errors import DataError
from pain3d.outside import json_of
from pain3d.places import Place
from pain3d.streams import checked_seed

MANIFEST = "manifest.json"
PROGRESS = ".progress"
"""Folder of the notes that a run leaves about finished shards; gone when the dataset is finished."""
FORMAT = "pain3d dataset"

_SHARD_FILE = re.compile(r"data/(train|val|test|all)-\d{5}-of-\d{5}\.parquet")

SourceKind = Literal["unbc", "3dpain", "folder"]
SOURCE_KINDS: tuple[SourceKind, ...] = get_args(SourceKind)

Json = None | bool | int | float | str | Sequence["Json"] | Mapping[str, "Json"]


@dataclass(frozen=True, kw_only=True)
class Design:
    """The part of a plan that the audit counts against."""

    subjects: int
    """Subjects s00000..s(N-1)."""
    expressions: int
    """Pain expressions a subject; expression_id 1..expressions."""
    distractors: int
    """Distractor expressions a subject, numbered after the pain expressions: PSPI 0."""
    confounds: int = 0
    """Confounds a subject, numbered last: faces that share units with pain; PSPI by the formula, never 0."""
    views: int
    resolution: int
    """Width and height of every picture, pixels."""
    vary_per_frame: bool = False
    """Camera, light and background were drawn for each frame, not for each subject and view."""
    only: tuple[str, ...] = ()
    """The subjects that were made, where `--only` chose some; empty: all."""
    clips: Clips | None = None
    """What each expression in each view is a clip of; None, and not in the file: one picture."""

    @property
    def frames_per_subject(self) -> int:
        """Rows that one subject fills."""
        return self.expression_ids * self.views * (1 if self.clips is None else self.clips.frames)

    @property
    def expression_ids(self) -> int:
        """Expressions of one subject, the neutral one included."""
        return 1 + self.expressions + self.distractors + self.confounds


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the frames of an imported dataset come from, and what became of them on the way."""

    kind: SourceKind
    form: str
    """Which form of the source was read, such as ``original archive`` or ``HDF5``."""
    importer_version: int
    """Raised when an importer gives other rows for the same files."""
    counts: Mapping[str, int]
    """Subjects, frames, and how many were dropped, skipped, or disagree with their source."""
    lists: tuple[str, ...] = ()
    """CSV files beside the manifest that name each of these, such as ``disagreements.csv``."""


@dataclass(frozen=True, kw_only=True)
class ShardPlan:
    """One file to make."""

    file: str
    """Relative to the dataset's folder, from `shard_file`."""
    split: ShardSplit
    rows: int


@dataclass(frozen=True, kw_only=True)
class ShardRecord:
    """One finished file."""

    file: str
    split: ShardSplit
    rows: int
    bytes: int
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """Everything that makes a dataset what it is, and its files once they are made."""

    design: Design | None
    """None where the dataset was imported."""
    configuration: Mapping[str, Json]
    """Every other parameter that a pixel or label depends on."""
    seed: int
    """0 where the dataset was imported."""
    annotations: tuple[Annotation, ...]
    palette: Palette
    environment: Mapping[str, str]
    """From `environment`."""
    pain3d_version: str
    schema_version: int = SCHEMA_VERSION
    heatmap_max_mm: float = HEATMAP_MAX_MM
    complete: bool = False
    shards: tuple[ShardRecord, ...] = ()
    source: Source | None = None
    """None where pain3d made the dataset; the field is not in the file then."""

    @property
    def made(self) -> Design:
        """The design of a dataset that pain3d made.

        Raises:
            DataError: if it was imported.
        """
        if self.design is None:
            kind = "elsewhere" if self.source is None else self.source.kind
            raise DataError(
                f"the dataset was imported ({kind}), but this needs one that pain3d generated, with its subjects x "
                f"expressions x views; make one with pain3d generate"
            )
        return self.design

    @property
    def schema(self) -> pa.Schema:
        """The Arrow schema of its shards."""
        return dataset_schema(self.annotations, imported=self.source is not None, clips=self.clips is not None)

    @property
    def label_columns(self) -> tuple[str, ...]:
        """Its columns that are no pictures, those of annotations apart."""
        return label_columns(imported=self.source is not None, clips=self.clips is not None)

    @property
    def clips(self) -> Clips | None:
        """What its frames are clips of, if they are."""
        return None if self.design is None else self.design.clips

    @property
    def frames(self) -> int:
        """Rows of all finished shards."""
        return sum(shard.rows for shard in self.shards)

    def rows_of(self, split: ShardSplit) -> int:
        """Rows of the finished shards of one split."""
        return sum(shard.rows for shard in self.shards if shard.split == split)

    def identity(self) -> dict[str, Json]:
        """What must agree for two runs to belong to one dataset: everything but progress."""
        content = _content(self)
        return {name: value for name, value in content.items() if name not in ("complete", "shards")}


def shard_file(split: ShardSplit, index: int, count: int) -> str:
    """``data/train-00000-of-00012.parquet``."""
    return f"data/{split}-{index:05d}-of-{count:05d}.parquet"


def environment(**device: str) -> dict[str, str]:
    """What the bytes of a dataset depend on besides the code: machine kind, instruction sets, library versions.

    Args:
        device: what the renderer runs on, for example ``device="cpu"``, ``warp_target="znver4"``.
    """
    codecs = {name: str(features.version(name)) for name in ("libjpeg_turbo", "zlib_ng", "webp")}
    return {
        "machine": f"{platform.system()} {platform.machine()}",
        "cpu_instruction_sets": " ".join(_cpu_instruction_sets()),
        **{name: version(name) for name in ("anny", "numpy", "pillow", "pyarrow", "scipy", "warp-lang")},
        **codecs,
        **device,
    }


def _cpu_instruction_sets() -> list[str]:
    """The vector instructions that NumPy uses here; it leaves out of its report what is empty."""
    config: Mapping[str, Any] = np.show_config(mode="dicts") or {}
    simd = config.get("SIMD Extensions") or {}
    return [name for part in ("baseline", "found") for name in simd.get(part) or ()]


def differences(ours: Manifest, theirs: Manifest) -> list[str]:
    """What differs between two datasets, one line each, as in ``design.subjects: 10 there, 20 asked for``."""
    mine, other = _flat(ours.identity()), _flat(theirs.identity())
    return [
        f"{name}: {_shown(other, name)} there, {_shown(mine, name)} asked for"
        for name in sorted({*mine, *other})
        if _shown(other, name) != _shown(mine, name)
    ]


def write_manifest(out: Place, manifest: Manifest) -> None:
    """Write OUT/manifest.json in one step: a reader sees the old file or the new one, never a part."""
    write_atomically(out / MANIFEST, manifest_bytes(manifest))


def start_manifest(out: Place, manifest: Manifest) -> bool:
    """Write the first manifest of a dataset, and tell whether it is this one that lies there now.

    On a disk it is, for the folder is held. In a store another run may have written one since the caller looked; it is
    left as it is then.
    """
    if isinstance(out, Path):
        write_manifest(out, manifest)
        return True
    return stores.create(out / MANIFEST, manifest_bytes(manifest))


def manifest_bytes(manifest: Manifest) -> bytes:
    """The file's content."""
    content = {"format": FORMAT, **_content(manifest)}
    return (json.dumps(content, indent=2, ensure_ascii=False, allow_nan=False) + "\n").encode()


def read_manifest(out: Place) -> Manifest:
    """The manifest of a dataset.

    Raises:
        DataError: if it is missing, cut short, not ours, or of another schema version.
    """
    path = out / MANIFEST
    try:
        content = json_of(read_bytes(path).decode("utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path}: not found; {out} is no pain3d dataset, or its path is wrong") from None
    except NotADirectoryError:
        raise DataError(f"{out}: is a file; name the folder of a dataset, the one that holds {MANIFEST}") from None
    except (OSError, ValueError) as error:
        raise DataError(
            f"{path}: cut short or damaged ({error}); restore it from a copy, "
            f"or make the dataset anew in another folder"
        ) from None
    if not isinstance(content, dict) or "format" not in content or content["format"] != FORMAT:
        raise DataError(f"{path}: not the manifest of a pain3d dataset; choose another folder")
    found = content.get("schema_version")
    if found != SCHEMA_VERSION:
        raise DataError(
            f"{path}: schema version {found}, but this pain3d reads and writes {SCHEMA_VERSION}; "
            f"use the pain3d that made it, or make the dataset anew in another folder"
        )
    try:
        return _from_content(content)
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path}: field {error} is missing or wrong; restore the file from a copy") from None


def _content(manifest: Manifest) -> dict[str, Any]:
    # Through JSON once, so that tuples and lists, ints and floats compare as they will after reading.
    content = json.loads(json.dumps(dataclasses.asdict(manifest), sort_keys=False, allow_nan=False))
    # Manifests stay as they were before there were clips and imported datasets, byte for byte.
    if manifest.design is not None and manifest.design.clips is None:
        del content["design"]["clips"]
    return {name: value for name, value in content.items() if name != "source" or value is not None}


def _from_content(content: Mapping[str, Any]) -> Manifest:
    fields = {name: value for name, value in content.items() if name != "format"}
    checked_seed(fields["seed"])
    source = _source(fields.pop("source")) if "source" in fields else None
    design = fields.pop("design")
    if (design is None) != (source is not None):
        raise ValueError("design: null where the dataset was imported, and only there")
    palette = tuple(_palette_entry(entry) for entry in fields.pop("palette"))
    shards = tuple(shard_record(shard) for shard in fields.pop("shards"))
    annotations = tuple(fields.pop("annotations"))
    return Manifest(
        design=None if design is None else _design(design),
        palette=palette,
        shards=shards,
        annotations=annotations,
        source=source,
        **fields,
    )


def shard_record(content: Mapping[str, Any]) -> ShardRecord:
    """The record that a JSON object holds.

    Raises:
        TypeError, ValueError: if it holds none, or names a file that is no shard of a dataset.
    """
    record = ShardRecord(**content)
    whole = isinstance(record.rows, int) and isinstance(record.bytes, int) and isinstance(record.sha256, str)
    if not whole or record.split not in SHARD_SPLITS or not _SHARD_FILE.fullmatch(record.file):
        raise ValueError(f"shards: {record}")
    return record


def _design(content: Mapping[str, Any]) -> Design:
    clips = {"clips": _clips(content["clips"])} if "clips" in content else {}
    design = Design(**{**content, "only": tuple(content["only"]), **clips})
    for name in ("subjects", "expressions", "distractors", "confounds", "views", "resolution"):
        if type(content[name]) is not int:
            raise ValueError(f"design.{name}: {content[name]!r}")
    return design


def _palette_entry(content: Mapping[str, Any]) -> PaletteEntry:
    entry = PaletteEntry(**{**content, "color": tuple(content["color"])})
    numbers = (entry.index, *entry.color)
    if not all(type(number) is int and 0 <= number <= 255 for number in numbers) or len(numbers) != 4:
        raise ValueError(f"palette: {content!r}")
    if not isinstance(entry.name, str):
        raise ValueError(f"palette: {content!r}")
    return entry


def _clips(content: Mapping[str, Any]) -> Clips:
    clips = Clips(**content)
    low, high = SECONDS
    whole = type(clips.seconds) in (int, float) and low <= clips.seconds <= high
    if clips.sequence not in SEQUENCES or not whole or clips.frames_per_second != FRAMES_PER_SECOND:
        raise ValueError(f"design.clips: {content!r}")
    return clips


def _source(content: Mapping[str, Any]) -> Source:
    source = Source(**{**content, "lists": tuple(content["lists"])})
    if source.kind not in SOURCE_KINDS or type(source.importer_version) is not int:
        raise ValueError(f"source: {content!r}")
    return source


def _flat(value: Json, prefix: str = "") -> dict[str, Json]:
    if isinstance(value, Mapping):
        parts = [_flat(part, f"{prefix}.{name}" if prefix else name) for name, part in value.items()]
        return {name: leaf for part in parts for name, leaf in part.items()}
    return {prefix: value}


def _shown(values: Mapping[str, Json], name: str) -> str:
    return json.dumps(values[name]) if name in values else "nothing"
