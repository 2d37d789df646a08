"""UNBC-McMaster into a dataset, from the original archive or the HDF5 files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from pain3d import __version__
from pain3d.data.imported_row import ImportedRow
from pain3d.data.importers.builder import building
from pain3d.data.importers.cropping import cropped
from pain3d.data.importers.policy import Advance, FindFace, Imported, Intake
from pain3d.data.importers.unbc_archive import UnbcArchive, find_part
from pain3d.data.importers.unbc_frame import Place, UnbcFrame, UnbcSource
from pain3d.data.importers.unbc_hdf5 import UnbcHdf5
from pain3d.errors import ArgumentError

IMPORTER_VERSION = 1

BLACKEST = 16
"""A picture none of whose values, 0..255, is above this shows nothing; compression leaves some noise in black."""


def import_unbc(
    source: Path | str,
    out: Path | str,
    *,
    crop: bool = False,
    skip_bad: bool = False,
    find_face: FindFace | None = None,
    on_progress: Advance | None = None,
) -> Imported:
    """Make a dataset of UNBC-McMaster, with the one split `all`.

    PSPI is recomputed from the Action Units; where the source states another, disagreements.csv lists it. Black frames
    are dropped and listed in dropped.csv. The reference of a subject is the first frame kept of its first recording,
    whatever its label.

    Args:
        source: folder of the original archive, or of the HDF5 files.
        out: folder of the dataset, new or empty.
        crop: keep the square around the face alone, by the landmarks.
        skip_bad: leave bad input out and list it in skipped.csv, instead of ending with an error.
        find_face: looks for the face where there are no landmarks; it fills `face_box`.
        on_progress: called with (frames done, frames there are).

    Raises:
        ArgumentError: if `source` holds neither form, or `crop` is asked for without landmarks.
        DataError: for bad input, with file and line.
        OutputError: if `out` is not empty.
        StorageError: if the disk is full, read-only, or fails.
    """
    files = _source_of(Path(source))
    if crop and not files.has_landmarks:
        raise ArgumentError(f"crop: {source} holds no landmarks to cut by; leave --crop out")
    with building(Path(out)) as builder:
        intake = Intake(builder=builder, skip_bad=skip_bad, find_face=find_face)
        try:
            places = files.places(intake)
            references: dict[str, str] = {}
            for number, place in enumerate(places, 1):
                with intake.bad(place.file):
                    _add(intake, place, files.frame(place, intake), references, crop)
                if on_progress is not None:
                    on_progress(number, len(places))
            files.finish(builder)
        finally:
            files.close()
        manifest = builder.finish(
            "unbc",
            files.form,
            importer_version=IMPORTER_VERSION,
            configuration={"crop": crop, "skip_bad": skip_bad, "face_boxes": find_face is not None},
            version=__version__,
        )
    return Imported(out=Path(out), manifest=manifest)


def _source_of(source: Path) -> UnbcSource:
    if not source.is_dir():
        raise ArgumentError(f"source: {source} is no folder; name the one that holds Images and Frame_Labels")
    images, files = find_part(source, "Images"), UnbcHdf5.find(source)
    if images is not None and files is not None:
        raise ArgumentError(f"source: {source} holds both Images and HDF5 files; name the folder of one of them")
    if images is not None:
        return UnbcArchive(source, images)
    if files is not None:
        return files
    raise ArgumentError(
        f"source: {source} holds neither Images with folders such as 042-ll042 in it nor frames_unbc_*.hdf5; name the "
        f"folder of the original archive or of the HDF5 files"
    )


def _add(intake: Intake, place: Place, frame: UnbcFrame, references: dict[str, str], crop: bool) -> None:
    picture, landmarks = frame.picture, frame.landmarks
    if frame.known_black or _is_black(picture.pixels):
        intake.drop(place.file, "black")
        return
    if crop and landmarks is not None:
        picture, landmarks = cropped(picture, landmarks, place.file)
    name = Path(place.file).stem if place.sequence_id is not None else f"{place.frame_index:05d}"
    frame_id = f"{place.subject_id}-{name}"
    row = ImportedRow(
        frame_id=frame_id,
        subject_id=place.subject_id,
        split="all",
        image=picture.encoded,
        aus=frame.aus,
        pspi_file=frame.pspi_file,
        neutral_frame_id=references.get(place.subject_id, frame_id),
        landmarks=landmarks,
        face_box=intake.face_box(picture.pixels, place.file) if landmarks is None else None,
        extras={
            **({} if place.sequence_id is None else {"sequence_id": place.sequence_id}),
            "frame_index": place.frame_index,
            "source_file": place.file,
            **frame.scales,
        },
    )
    intake.add(row)
    references.setdefault(place.subject_id, frame_id)


def _is_black(pixels: UInt8[np.ndarray, "height width 3"]) -> bool:
    return int(pixels.max()) <= BLACKEST
