"""The released 3DPain dataset into ours, from its flat folders or the tar archives of its Hub copy."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pain3d import __version__
from pain3d.data.imported_row import ImportedRow
from pain3d.data.importers.builder import building
from pain3d.data.importers.members import Member, is_archive, members
from pain3d.data.importers.policy import Advance, FindFace, Imported, Intake
from pain3d.data.importers.reading import checked_score, checked_units, number_of, picture_of
from pain3d.data.importers.threedpain_names import ANNOTATION_ENDING, Face, face_of_base, face_of_picture
from pain3d.data.importers.threedpain_splits import find_splits, read_splits
from pain3d.data.schema import ShardSplit
from pain3d.errors import ArgumentError, DataError
from pain3d.facs import PAIN_AUS
from pain3d.outside import json_of

IMPORTER_VERSION = 1

PICTURE_FOLDERS = ("meshes_inpainted", "images")
"""Where the pictures lie: the flat layout, and the copy on the Hub."""

_DEPTH = 3
_LARGEST_VIEW = 32_767


@dataclass(frozen=True, kw_only=True)
class _Labels:
    """Action Units and stated PSPI of a face."""

    aus: Mapping[str, float]
    pspi_file: float | None


_NEUTRAL = _Labels(aus=dict.fromkeys(PAIN_AUS, 0.0), pspi_file=None)
"""Neutral pictures have no annotation: they show no Action Unit, PSPI 0."""


@dataclass(frozen=True, kw_only=True)
class _Index:
    """All that must be known before the first picture is read."""

    labels: dict[Face, _Labels] = field(default_factory=dict)
    pictures: set[tuple[Face, int]] = field(default_factory=set)
    bases: Mapping[str, ShardSplit] | None
    """The official split by base name; None: there is none."""
    subjects: Mapping[str, ShardSplit]

    def split_of(self, face: Face) -> ShardSplit | None:
        """A neutral picture is in its subject's split; None: the split CSV leaves the face out."""
        if self.bases is None:
            return "all"
        if face.pain == 0:
            return self.subjects.get(face.subject)
        return self.bases.get(face.base)


def import_3dpain(
    source: Path | str,
    out: Path | str,
    *,
    splits: Path | str | None = None,
    skip_bad: bool = False,
    find_face: FindFace | None = None,
    on_progress: Advance | None = None,
) -> Imported:
    """Make a dataset of the released 3DPain: pain and neutral pictures; the latter have PSPI 0.

    Archives are read in a stream, twice, and never extracted. With a split CSV, faces that it does not name are dropped
    and listed; without, the one split is `all`. Heatmaps are not taken over: they show one frontal view in units of
    their own.

    Args:
        source: folder that holds meshes_inpainted (or images) and annotations, or their tar archives.
        out: folder of the dataset, new or empty.
        splits: the split CSV; one that lies in the source is found.
        skip_bad: leave bad input out and list it in skipped.csv, instead of ending with an error.
        find_face: looks for the face, for `face_box`.
        on_progress: called with (frames done, frames there are).

    Raises:
        ArgumentError: if `source` has another layout.
        DataError: for bad input, with file and member or line.
        OutputError: if `out` is not empty.
        StorageError: if the disk is full, read-only, or fails.
    """
    root = Path(source)
    pictures, annotations = _folder(root, *PICTURE_FOLDERS), _folder(root, "annotations")
    table = find_splits(root) if splits is None else Path(splits)
    bases, subjects = (None, {}) if table is None else read_splits(table)
    index = _Index(bases=bases, subjects=subjects)
    with building(Path(out)) as builder:
        intake = Intake(builder=builder, skip_bad=skip_bad, find_face=find_face)
        for member in members(annotations, root, intake.bad):
            with intake.bad(member.where):
                _index_annotation(index, member)
        for member in members(pictures, root, intake.bad):
            with intake.bad(member.where):
                _index_picture(index, member)
        for face in sorted(set(index.labels) - {face for face, _ in index.pictures}):
            intake.remark(face.annotation, "no picture of it")
        waiting = set(index.pictures)
        # What is bad about names and archives was dealt with in the first round.
        for member in members(pictures, root, lambda where: contextlib.suppress(DataError)):
            found = face_of_picture(member.name)
            if found is None or found not in waiting:
                continue
            waiting.remove(found)
            with intake.bad(member.where):
                _add(intake, index, member, *found)
            if on_progress is not None:
                on_progress(len(index.pictures) - len(waiting), len(index.pictures))
        manifest = builder.finish(
            "3dpain",
            "tar archives" if any(is_archive(path) for path in pictures.iterdir()) else "flat folders",
            importer_version=IMPORTER_VERSION,
            configuration={
                "splits": None if table is None else table.name,
                "skip_bad": skip_bad,
                "face_boxes": find_face is not None,
            },
            version=__version__,
        )
    return Imported(out=Path(out), manifest=manifest)


def _folder(source: Path, *names: str) -> Path:
    """The first folder of these names, at most three levels down, that holds files."""
    if not source.is_dir():
        raise ArgumentError(f"source: {source} is no folder; name the one that holds {names[0]}")
    level = [source]
    for _ in range(_DEPTH + 1):
        for name in names:
            for folder in level:
                if folder.name == name and any(path.is_file() for path in folder.iterdir()):
                    return folder
        level = [path for folder in level for path in sorted(folder.iterdir()) if path.is_dir()]
    raise ArgumentError(
        f"source: {source} holds no {' or '.join(names)} with files in it; name the folder that holds "
        f"meshes_inpainted (or images) and annotations, as folders or tar archives in them"
    )


def _index_annotation(index: _Index, member: Member) -> None:
    if not member.name.endswith(ANNOTATION_ENDING):
        raise DataError(f"{member.where}: is no annotation; one reads like flame_sample_0000_pain_1{ANNOTATION_ENDING}")
    face = face_of_base(member.name.removesuffix(ANNOTATION_ENDING))
    if face is None or face.pain == 0:
        raise DataError(f"{member.where}: is of no pain expression; one reads like flame_sample_0000_pain_1")
    if face in index.labels:
        raise DataError(f"{member.where}: {face.base} has another annotation before this")
    try:
        content = json_of(member.read())
    except ValueError as error:
        raise DataError(f"{member.where}: is no JSON ({error})") from None
    missing = [name for name in PAIN_AUS if not isinstance(content, dict) or name not in content]
    if missing:
        raise DataError(f"{member.where}: {', '.join(missing)} not found; an annotation holds {', '.join(PAIN_AUS)}")
    aus = {name: _number(content[name], f"{member.where}: {name}") for name in PAIN_AUS}
    stated = None
    if "PSPI" in content:
        stated = checked_score(_number(content["PSPI"], f"{member.where}: PSPI"), member.where)
    index.labels[face] = _Labels(aus=checked_units(aus, member.where), pspi_file=stated)


def _number(value: object, where: str) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise DataError(f"{where}: {value!r} is not a number")
    return number_of(str(value), where)


def _index_picture(index: _Index, member: Member) -> None:
    found = face_of_picture(member.name)
    if found is None:
        raise DataError(
            f"{member.where}: is no picture of 3DPain; one reads like "
            f"flame_sample_0000_pain_1_textured_view_000_inpainted.jpg"
        )
    if found in index.pictures:
        raise DataError(f"{member.where}: {found[0].base} from view {found[1]} is there twice")
    if found[1] > _LARGEST_VIEW:
        raise DataError(f"{member.where}: view {found[1]} is above {_LARGEST_VIEW}")
    if found[0].pain == 0:  # others refer to it: it must be sound before they are written
        picture_of(member.read(), member.where)
    index.pictures.add(found)


def _add(intake: Intake, index: _Index, member: Member, face: Face, view: int) -> None:
    split = index.split_of(face)
    if split is None:
        intake.drop(member.where, "not in the split CSV")
        return
    if face.pain and face not in index.labels:
        raise DataError(f"{member.where}: no annotation {face.annotation}")
    labels = index.labels[face] if face.pain else _NEUTRAL
    neutral = Face(subject=face.subject, pain=0)
    if (neutral, view) not in index.pictures:
        intake.remark(member.where, "no neutral picture of this subject and view")
    picture = picture_of(member.read(), member.where)
    intake.add(
        ImportedRow(
            frame_id=face.frame_id(view),
            subject_id=face.subject,
            split=split,
            image=picture.encoded,
            aus=labels.aus,
            pspi_file=labels.pspi_file,
            neutral_frame_id=neutral.frame_id(view) if (neutral, view) in index.pictures else None,
            face_box=intake.face_box(picture.pixels, member.where),
            extras={"expression_id": face.pain, "view_id": view, "source_file": member.where},
        )
    )
