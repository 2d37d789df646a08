"""A dataset in the layout of the released 3DPain, so that loaders written for it read ours.

DST/pain_faces/meshes_inpainted/flame_sample_0000_pain_1_textured_view_000_inpainted.jpg
DST/pain_faces/meshes_inpainted/flame_sample_0000_neutral_textured_view_000_inpainted.jpg
DST/pain_faces/annotations/flame_sample_0000_pain_1_annotations.json
DST/pain_faces/heatmaps/flame_sample_0000_pain_1_heatmap.png
DST/split.csv
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, UInt8

from pain3d.data.findings import counted
from pain3d.data.images import encode_rgb
from pain3d.data.importers.threedpain_names import Face
from pain3d.data.importers.threedpain_splits import COLUMNS
from pain3d.data.manifest import Manifest
from pain3d.data.reader import open_dataset
from pain3d.data.sample import Sample
from pain3d.data.whole_folder import whole_folder
from pain3d.demographics import SPLITS
from pain3d.errors import ArgumentError
from pain3d.facs import PAIN_AUS

Advance = Callable[[int, int], None]

ROOT = "pain_faces"
SPLIT_CSV = "split.csv"

_JPEG = b"\xff\xd8"


@dataclass(frozen=True, kw_only=True)
class Exported:
    """What an export did."""

    out: Path
    subjects: int
    pictures: int
    annotations: int
    heatmaps: int
    left_out: int
    """Frames of distractors and confounds, for which the layout has no place."""

    def text(self) -> str:
        """What was done, for people."""
        lost = f"; {counted(self.left_out, 'frame')} of distractors and confounds left out" if self.left_out else ""
        return (
            f"{self.out}: {counted(self.pictures, 'picture')}, {counted(self.annotations, 'annotation')} and "
            f"{counted(self.heatmaps, 'heatmap')} of {counted(self.subjects, 'subject')}{lost}"
        )

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        return {**vars(self), "out": str(self.out)}


def export_3dpain(
    dataset: Path | str, out: Path | str, *, neutral_targets: bool = False, on_progress: Advance | None = None
) -> Exported:
    """Write a dataset in the layout of the released 3DPain.

    Heatmaps show the frontal view in matplotlib's `hot` on black, each from 0 to its own largest displacement, as the
    released ones do. Pictures that are no JPEG are encoded as one.

    Args:
        dataset: folder of a dataset that pain3d made, or imported from 3DPain.
        out: folder to write, new or empty.
        neutral_targets: name the neutral pictures in the split CSV as well, by their file names, as the authors' loader
            compares them: it then trains on PSPI 0, which it does not with the authors' own CSV.
        on_progress: called with (frames done, frames there are).

    Raises:
        ArgumentError: if the dataset was imported from elsewhere, or holds clips.
        DataError: if it is damaged.
        OutputError: if `out` is not empty.
        StorageError: if the disk is full, read-only, or fails.
    """
    data = open_dataset(dataset)
    source = data.manifest.source
    if source is not None and source.kind != "3dpain":
        raise ArgumentError(
            f"dataset: {dataset} was imported ({source.kind}); the layout holds subjects x expressions x views, as a "
            f"dataset has that pain3d generated or imported from 3dpain"
        )
    if data.manifest.clips is not None:
        raise ArgumentError(
            f"dataset: {dataset} holds clips, but the layout of 3DPain has one picture for each expression and view; "
            f"generate a dataset without --sequence"
        )
    with whole_folder(Path(out)) as folder:
        writer = _Writer(folder, data.manifest, neutral_targets)
        for number, sample in enumerate(data, 1):
            writer.add(sample)
            if on_progress is not None:
                on_progress(number, len(data))
        writer.write_splits()
    return writer.done(Path(out))


class _Writer:
    """Writes the files of one export."""

    def __init__(self, folder: Path, manifest: Manifest, neutral_targets: bool) -> None:
        self._folder, self._manifest, self._neutral_targets = folder, manifest, neutral_targets
        self._split_of: dict[str, int] = {}
        self._subjects: set[str] = set()
        self._annotated: set[Face] = set()
        self._pictures = self._heatmaps = self._left_out = 0
        for part in ("meshes_inpainted", "annotations", "heatmaps"):
            (folder / ROOT / part).mkdir(parents=True)

    def add(self, sample: Sample) -> None:
        """Write the files of a frame."""
        design = self._manifest.design
        if design is not None and sample.expression_id > design.expressions:
            self._left_out += 1
            return
        face = _face_of(sample)
        name = face.picture(sample.view_id)
        encoded = sample.row["image"]["bytes"]
        jpeg = encoded if encoded.startswith(_JPEG) else encode_rgb(sample.image, "jpeg")
        self._write("meshes_inpainted", name, jpeg)
        self._pictures += 1
        self._subjects.add(sample.subject_id)
        split = SPLITS.index(sample.split) if sample.split in SPLITS else None
        if face.pain == 0:
            if self._neutral_targets and split is not None:
                self._split_of[Path(name).stem] = split
            return
        if split is not None:
            self._split_of[face.base] = split
        if face not in self._annotated:
            self._annotated.add(face)
            self._write("annotations", face.annotation, _annotation(sample))
        if sample.view_id == 0 and sample.knows("heatmap"):
            self._write("heatmaps", face.heatmap, encode_rgb(hot(sample.heatmap), "png"))
            self._heatmaps += 1

    def write_splits(self) -> None:
        """Write the split CSV, unless the dataset has no split."""
        if not self._split_of:
            return
        stream = io.StringIO()
        table = csv.writer(stream, lineterminator="\n")
        table.writerow(COLUMNS)
        table.writerows(sorted(self._split_of.items()))
        (self._folder / SPLIT_CSV).write_text(stream.getvalue(), encoding="utf-8")

    def done(self, out: Path) -> Exported:
        """What was written."""
        return Exported(
            out=out,
            subjects=len(self._subjects),
            pictures=self._pictures,
            annotations=len(self._annotated),
            heatmaps=self._heatmaps,
            left_out=self._left_out,
        )

    def _write(self, part: str, name: str, content: bytes) -> None:
        (self._folder / ROOT / part / name).write_bytes(content)


def hot(displacement: Float[np.ndarray, "height width"]) -> UInt8[np.ndarray, "height width 3"]:
    """Displacement in the colours of matplotlib's `hot`, from black at 0 to white at its largest value."""
    share = displacement / max(float(displacement.max()), 1e-6)
    rising = ((0.0, 0.365079), (0.365079, 0.746032), (0.746032, 1.0))
    channels = [np.interp(share, ends, (0.0, 1.0)) for ends in rising]
    # The map begins in a very dark red; what did not move is to be black.
    channels[0] = np.where(share > 0, 0.0416 + (1 - 0.0416) * channels[0], 0.0)
    return np.rint(255 * np.stack(channels, axis=-1)).astype(np.uint8)


def _face_of(sample: Sample) -> Face:
    subject = sample.subject_id
    if subject[:1] == "s" and subject[1:].isdecimal():
        subject = f"flame_sample_{int(subject[1:]):04d}"
    return Face(subject=subject, pain=sample.expression_id)


def _annotation(sample: Sample) -> bytes:
    values = {**{name: sample.expression[name] for name in PAIN_AUS}, "PSPI": sample.pspi}
    plain = {name: int(value) if float(value).is_integer() else value for name, value in values.items()}
    return (json.dumps(plain) + "\n").encode()
