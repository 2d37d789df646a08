"""The commands that take data of others in, and give ours and models out: words to calls, no logic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import tyro

from pain3d.cli.answers import Answer
from pain3d.console import progress
from pain3d.errors import ArgumentError

_BELONGS_TO = {"crop": "unbc", "splits": "3dpain", "labels": "folder", "column": "folder"}
"""Options that make sense for one source alone."""
_EXPORTED = {"neutral_shots": "onnx", "neutral_targets": "3dpain", "subject": "glb", "skin": "glb"}
"""The same for what is written."""


@dataclass(frozen=True, kw_only=True)
class Import:
    """Make a dataset of files that others made: UNBC-McMaster, the released 3DPain, or a folder with a table.

    docs/real_data.md says which files are read, what becomes of each column, and what is dropped.
    """

    kind: tyro.conf.Positional[Literal["unbc", "3dpain", "folder"]]
    """unbc: the original archive or the HDF5 files. 3dpain: folders or tar archives. folder: pictures and a CSV."""
    source: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="SRC")]
    """Folder of the files; nothing in it is changed."""
    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
    """Folder of the dataset: new or empty."""
    crop: bool = False
    """unbc: keep the square around the face alone, by the landmarks; smaller files, no resampling."""
    splits: Path | None = None
    """3dpain: the split CSV (default: the one in SRC, if there is one)."""
    labels: Path | None = None
    """folder: the CSV, a line for each picture."""
    column: Annotated[tuple[str, ...], tyro.conf.arg(metavar="FIELD=NAME")] = ()
    """folder: which column of the CSV is which of ours, as in AU4=au04_r; may be given several times."""
    face_boxes: bool = False
    """Look for the face where there are no landmarks, so that training can cut it out; about .1 s a picture."""
    skip_bad: bool = False
    """Leave bad input out and list it in OUT/skipped.csv, instead of ending with an error."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        _refuse_foreign(self, "import", self.kind, _BELONGS_TO)
        find_face = _largest_face if self.face_boxes else None
        with progress("importing", "frames") as advance:
            match self.kind:
                case "unbc":
                    from pain3d.data.importers.unbc import import_unbc

                    done = import_unbc(
                        self.source,
                        self.out,
                        crop=self.crop,
                        skip_bad=self.skip_bad,
                        find_face=find_face,
                        on_progress=advance,
                    )
                case "3dpain":
                    from pain3d.data.importers.threedpain import import_3dpain

                    done = import_3dpain(
                        self.source,
                        self.out,
                        splits=self.splits,
                        skip_bad=self.skip_bad,
                        find_face=find_face,
                        on_progress=advance,
                    )
                case "folder":
                    from pain3d.data.importers.folder import import_folder

                    if self.labels is None:
                        raise ArgumentError("labels: not given; name the CSV that holds a line for each picture")
                    done = import_folder(
                        self.source,
                        self.out,
                        self.labels,
                        columns=_columns_of(self.column),
                        skip_bad=self.skip_bad,
                        find_face=find_face,
                        on_progress=advance,
                    )
        return Answer(text=done.text(), data=done.to_json())


@dataclass(frozen=True, kw_only=True)
class Export:
    """Write a model as ONNX, a dataset in the layout of the released 3DPain, or one of its people in 3D.

    The ONNX file is checked against PyTorch, and takes any batch size. The 3D file (binary glTF) has the Action Units
    as named morph targets.
    """

    format: tyro.conf.Positional[Literal["onnx", "3dpain", "glb"]]
    """What to write: onnx of a model, 3dpain or glb of a dataset."""
    source: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL|OUT")]
    """onnx: a run folder, a model's folder, a bundled name such as vitpain-tiny, or a Hub id; else a dataset."""
    destination: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DST")]
    """onnx: file to write, ending in .onnx; an existing one is refused. 3dpain: folder to write, new or empty. glb:
    file to write, ending in .glb."""
    neutral_shots: int | None = None
    """onnx: neutral pictures for each face, for a model that compares; 1 without."""
    neutral_targets: bool = False
    """3dpain: name neutral pictures in the split CSV too, so that the authors' loader trains on PSPI 0."""
    subject: str | None = None
    """glb: whom, as in s00042; the first without."""
    skin: str | None = None
    """glb: folder or Hub id of the model that sampled the skins, if that is not the bundled one."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        _refuse_foreign(self, "export", self.format, _EXPORTED)
        match self.format:
            case "3dpain":
                from pain3d.data.exporters.threedpain import export_3dpain

                with progress("exporting", "frames") as advance:
                    written = export_3dpain(
                        self.source, self.destination, neutral_targets=self.neutral_targets, on_progress=advance
                    )
            case "glb":
                from pain3d.gltf.export import export_glb
                from pain3d.synth.reopen import first_subject, subject_of

                name = self.subject or first_subject(self.source)
                written = export_glb(subject_of(self.source, name, skin=self.skin), self.destination)
            case "onnx":
                from pain3d.model.onnx import export_onnx
                from pain3d.model.vitpain import ViTPain

                model = ViTPain.from_pretrained(self.source)
                shots = 1 if self.neutral_shots is None else self.neutral_shots
                written = export_onnx(model, self.destination, neutral_shots=shots)
        return Answer(text=written.text(), data=written.to_json())


def _refuse_foreign(command: Import | Export, verb: str, chosen: str, belongs_to: Mapping[str, str]) -> None:
    for name, kind in belongs_to.items():
        given = getattr(command, name) not in (None, ()) and getattr(command, name) is not False
        if given and chosen != kind:
            raise ArgumentError(f"{name}: belongs to pain3d {verb} {kind}; leave it out for {chosen}")


def _columns_of(words: Sequence[str]) -> Mapping[str, str]:
    columns: dict[str, str] = {}
    for word in words:
        field, equals, name = word.partition("=")
        if not (field and equals and name) or field in columns:
            raise ArgumentError(f"column: {word!r}; write each field once, as in --column AU4=au04_r")
        columns[field] = name
    return columns


def _largest_face(pixels: np.ndarray) -> tuple[float, float, float, float] | None:
    """x y width height."""
    from pain3d.model.detect import find_faces

    found = find_faces(pixels)
    if not found:
        return None
    left, top, right, bottom = found[0].box_xyxy
    return left, top, right - left, bottom - top
