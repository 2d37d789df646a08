"""The original archive of UNBC-McMaster: folders of pictures, landmarks and label files, one a frame.

    Images/042-ll042/ll042t1aaaff/ll042t1aaaff001.png
    Frame_Labels/PSPI/042-ll042/ll042t1aaaff/ll042t1aaaff001_facs.txt     one number
    Frame_Labels/FACS/...                    ll042t1aaaff001_facs.txt     rows of AU, intensity, two more; empty: no AU
    AAM_landmarks/...                        ll042t1aaaff001_aam.txt      66 rows of x y
    Sequence_Labels/VAS/042-ll042/ll042t1aaaff.txt                        one number; OPR, SEN, AFF alike

Copies in which a folder holds another of the same name (Images/Images) are read as well.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from jaxtyping import Float

from pain3d.data.importers.builder import DatasetBuilder
from pain3d.data.importers.landmarks66 import ibug68_of_66
from pain3d.data.importers.policy import Intake
from pain3d.data.importers.reading import checked_score, file_bytes, number_rows, one_number, picture_of
from pain3d.data.importers.unbc_frame import Place, UnbcFrame
from pain3d.errors import ArgumentError, DataError
from pain3d.facs import MAX_INTENSITY

CODED_AUS = ("AU4", "AU6", "AU7", "AU9", "AU10", "AU12", "AU20", "AU25", "AU26", "AU43")
"""Action Units that the coders looked for; in a frame that does not list one it is absent, not unknown."""

SCALES = ("VAS", "OPR", "SEN", "AFF")

KNOWN_BLACK = frozenset(("tv095t2aeunaff", number) for number in range(1, 8))
"""Recording and number of frames in which the camera showed nothing."""

SUBJECT_FOLDER = re.compile(r"\d{3}-[a-z]{2}\d{3}", re.IGNORECASE)
_DEPTH = 4
"""How many folders below the source a part of it may lie."""

_PICTURES = (".png", ".jpg", ".jpeg")


def find_part(source: Path, *names: str) -> Path | None:
    """The folder of this name, or of these one in another, which holds folders of subjects; None if there is none.

    Raises:
        ArgumentError: if there are two.
    """
    found: list[Path] = []
    waiting = deque([(source, 0)])
    while waiting:
        folder, depth = waiting.popleft()
        inside = _folders(folder)
        own = [part.lower() for part in (folder.relative_to(source).parts or (source.name,))]
        if any(SUBJECT_FOLDER.fullmatch(path.name) for path in inside):
            if _lies_in(own, [name.lower() for name in names]):
                found.append(folder)
        elif depth < _DEPTH:
            waiting.extend((path, depth + 1) for path in inside)
    if len(found) > 1:
        raise ArgumentError(
            f"source: {source} holds {'/'.join(names)} twice, in {found[0]} and {found[1]}; name the folder of one copy"
        )
    return found[0] if found else None


def _lies_in(parts: list[str], names: list[str]) -> bool:
    """Whether the names come in this order among the parts, the last one last."""
    rest = iter(parts)
    return parts[-1] == names[-1] and all(name in rest for name in names)


class UnbcArchive:
    """An archive on disk."""

    form = "original archive"

    def __init__(self, source: Path, images: Path) -> None:
        self._source, self._images = source, images
        self._pspi = self._required("Frame_Labels", "PSPI")
        self._facs = self._required("Frame_Labels", "FACS")
        self._landmarks = find_part(source, "AAM_landmarks")
        self._scale_folders = {name: find_part(source, "Sequence_Labels", name) for name in SCALES}
        self._scales: dict[tuple[str, str], dict[str, float]] = {}
        self.has_landmarks = self._landmarks is not None

    def places(self, intake: Intake) -> list[Place]:
        """Every picture, by subject, recording and number."""
        places: list[Place] = []
        for subject in _folders(self._images):
            if not SUBJECT_FOLDER.fullmatch(subject.name):
                intake.remark(self._name(subject), "not the folder of a subject, such as 042-ll042; not read")
                continue
            for sequence in _folders(subject):
                own = list(self._places_of(subject.name, sequence, intake))
                self._read_scales(subject.name, sequence.name, intake)
                self._remark_labels_alone(subject.name, sequence.name, own, intake)
                places += own
        return places

    def finish(self, builder: DatasetBuilder) -> None:
        """Nothing more: the archive names no folds."""

    def close(self) -> None:
        """Nothing is open."""

    def _required(self, *names: str) -> Path:
        found = find_part(self._source, *names)
        if found is None:
            raise ArgumentError(
                f"source: {self._source} holds Images, but no {'/'.join(names)} with folders of subjects in it; "
                f"name the folder that holds Images, Frame_Labels, AAM_landmarks and Sequence_Labels"
            )
        return found

    def _places_of(self, subject: str, sequence: Path, intake: Intake) -> Iterator[Place]:
        for path in sorted(sequence.iterdir()):
            if path.name.startswith(".") or path.name == "Thumbs.db":
                continue
            file = self._name(path)
            with intake.bad(file):
                number = path.stem.removeprefix(sequence.name)
                if path.suffix.lower() not in _PICTURES or not number.isdecimal() or number == path.stem:
                    raise DataError(f"{path}: is no frame of {sequence.name}; one reads like {sequence.name}001.png")
                yield Place(subject_id=subject, sequence_id=sequence.name, frame_index=int(number), file=file)

    def _read_scales(self, subject: str, sequence: str, intake: Intake) -> None:
        found: dict[str, float] = {}
        for name, folder in self._scale_folders.items():
            if folder is None:
                continue
            path = folder / subject / f"{sequence}.txt"
            if not path.exists():
                intake.remark(self._name(path), f"not found; {name} is null")
                continue
            with intake.bad(self._name(path)):
                found[name] = one_number(path, f"the {name} of the recording")
        self._scales[subject, sequence] = found

    def _remark_labels_alone(self, subject: str, sequence: str, own: list[Place], intake: Intake) -> None:
        labels = (self._facs / subject / sequence).glob("*_facs.txt")
        labelled = {path.name.removesuffix("_facs.txt") for path in labels}
        alone = sorted(labelled - {Path(place.file).stem for place in own})
        if alone:
            folder = self._name(self._images / subject / sequence)
            intake.remark(folder, f"{len(alone)} label files without a picture, {alone[0]} first")

    def frame(self, place: Place, intake: Intake) -> UnbcFrame:
        """Picture and labels."""
        path = self._source / place.file
        assert place.sequence_id is not None
        within = Path(place.subject_id, place.sequence_id)
        facs = self._facs / within / f"{path.stem}_facs.txt"
        pspi = self._pspi / within / f"{path.stem}_facs.txt"
        return UnbcFrame(
            picture=picture_of(file_bytes(path), path),
            aus=read_facs(facs, lambda line, what: intake.remark(f"{self._name(facs)}:{line}", what)),
            pspi_file=checked_score(one_number(pspi, "the PSPI of the frame"), str(pspi)),
            landmarks=None
            if self._landmarks is None
            else read_landmarks(self._landmarks / within / f"{path.stem}_aam.txt"),
            scales=self._scales[place.subject_id, place.sequence_id],
            known_black=(place.sequence_id, place.frame_index) in KNOWN_BLACK,
        )

    def _name(self, path: Path) -> str:
        return path.relative_to(self._source).as_posix()


def read_facs(path: Path, remark: Callable[[int, str], None]) -> dict[str, float]:
    """Intensities of the coded Action Units in a FACS file: 0 where it does not list one.

    AU43 is 1 where it is listed: its intensity was not coded.

    Args:
        path: the file; an empty one lists nothing.
        remark: told, with the line, what is odd but does no harm.

    Raises:
        DataError: if a row is not four numbers, or an intensity outside 0..5.
    """
    aus: dict[str, float] = dict.fromkeys(CODED_AUS, 0.0)
    for line, (unit, intensity, *_) in number_rows(path, 4, "Action Unit, intensity and two more numbers"):
        name = f"AU{unit:g}"
        if not unit.is_integer() or unit < 1:
            raise DataError(f"{path}:{line}: {unit:g} is no Action Unit")
        if name not in aus:
            remark(line, f"{name} is not one of the ten that were coded throughout; not kept")
            continue
        if name == "AU43":
            aus[name] = 1.0
            continue
        if not 0 <= intensity <= MAX_INTENSITY:
            raise DataError(f"{path}:{line}: {name} has intensity {intensity:g}, outside 0..5")
        if intensity == 0:
            remark(line, f"{name} is listed with intensity 0; kept as 0")
        if aus[name]:
            remark(line, f"{name} is listed twice; the larger intensity is kept")
        aus[name] = max(aus[name], intensity)
    return aus


def read_landmarks(path: Path) -> Float[np.ndarray, "68 2"]:
    """The 66 points of an AAM file as iBUG-68, pixels.

    Raises:
        DataError: if there are not 66 rows of two numbers.
    """
    points = [row for _, row in number_rows(path, 2, "x y of a landmark")]
    if len(points) != 66:
        raise DataError(f"{path}: {len(points)} landmarks, not 66")
    return ibug68_of_66(np.array(points))


def _folders(folder: Path) -> list[Path]:
    """Those within, without the leftovers of other systems."""
    own = (path for path in sorted(folder.iterdir()) if path.is_dir())
    return [path for path in own if not path.name.startswith((".", "__MACOSX"))]
