"""Small UNBC-McMaster trees in both forms, with the oddities of real copies. Labels are functions of the place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from PIL import Image

from pain3d.streams import stream

WIDTH, HEIGHT = 80, 60
LINE = "  {:.7e}   {:.7e}   {:.7e}   {:.7e}\n"


@dataclass(frozen=True, kw_only=True)
class Frame:
    subject: str
    sequence: str
    number: int

    @property
    def stem(self) -> str:
        return f"{self.sequence}{self.number:03d}"

    @property
    def within(self) -> Path:
        return Path(self.subject, self.sequence)

    @property
    def frame_id(self) -> str:
        return f"{self.subject}-{self.stem}"


FRAMES = tuple(
    Frame(subject=subject, sequence=sequence, number=number)
    for subject, sequences, numbers in (
        ("042-ll042", ("ll042t1aaaff", "ll042t1aaunaff"), range(1, 5)),
        ("095-tv095", ("tv095t2aeunaff",), range(1, 11)),
        ("124-dn124", ("dn124t1aaaff", "dn124t2afaff"), range(3, 6)),
    )
    for sequence in sequences
    for number in numbers
)


def units(frame: Frame) -> dict[int, int]:
    """Action Units and intensities that the FACS file lists; some frames list none."""
    if frame.number % 3 == 1:
        return {}
    listed = {4: 1 + frame.number % 5, 7: 1 + frame.number % 4, 10: 2, 25: 1}
    return {**listed, 43: 0} if frame.number % 3 == 2 else listed


def pspi(frame: Frame) -> float:
    own = units(frame)
    return own.get(4, 0) + own.get(7, 0) + own.get(10, 0) + (43 in own)


def pixels(frame: Frame) -> np.ndarray:
    if frame.sequence == "tv095t2aeunaff" and frame.number <= 7:
        return np.zeros((HEIGHT, WIDTH, 3), np.uint8)
    return stream(0, "unbc", frame.stem).integers(30, 220, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def points(frame: Frame) -> np.ndarray:
    """66 points: a face about 40 pixels high."""
    angle = np.linspace(0, 2 * np.pi, 66, endpoint=False)
    return np.stack([40 + frame.number + 15 * np.cos(angle), 30 + 20 * np.sin(angle)], axis=1)


def archive(root: Path, *, nested: bool = False, frames=FRAMES) -> Path:
    """The original archive; nested: Images/Images, Frame_Labels/Frame_Labels/PSPI, AAM_landmarks/AAM_landmarks, ..."""

    def part(*names: str) -> Path:
        return Path(root, names[0], *names) if nested else Path(root, *names)

    for frame in frames:
        write(part("Images") / frame.within / f"{frame.stem}.png", pixels(frame))
        facs = "".join(LINE.format(unit, intensity, 0, 54) for unit, intensity in units(frame).items())
        write(part("Frame_Labels", "FACS") / frame.within / f"{frame.stem}_facs.txt", facs)
        write(part("Frame_Labels", "PSPI") / frame.within / f"{frame.stem}_facs.txt", f"   {pspi(frame):.7e}\n")
        rows = "".join(f"  {x:.7e}   {y:.7e}\n" for x, y in points(frame))
        write(part("AAM_landmarks") / frame.within / f"{frame.stem}_aam.txt", rows)
        for place, name in enumerate(("AFF", "OPR", "SEN", "VAS")):
            scale = f"  {place + len(frame.sequence) / 10:.7e}\n"
            write(part("Sequence_Labels", name) / frame.subject / f"{frame.sequence}.txt", scale)
    write(part("Images") / "042-ll042" / ".DS_Store", "")
    return root


def write(path: Path, content: str | np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if isinstance(content, str):
        path.write_text(content)
    else:
        Image.fromarray(content).save(path)


def hdf5(root: Path, *, frames=FRAMES, names_as: str = "bytes", past_the_end: int = 2, folds: int = 5) -> Path:
    """The three HDF5 files: AU labels in two columns with NaN, some annotations without a frame at the end."""
    root.mkdir(parents=True, exist_ok=True)
    rows = [*frames, *frames[:past_the_end]]
    n = len(frames)
    with h5py.File(root / "frames_unbc_2020-09-21-05-42-04.hdf5", "w") as file:
        file["image"] = np.stack([pixels(frame) for frame in frames])
        file["index"] = np.arange(n)
    with h5py.File(root / "annotations_unbc_2020-10-13-22-55-04.hdf5", "w") as file:
        file["index"] = np.arange(len(rows))
        kind = h5py.string_dtype() if names_as == "str" else "S16"
        file.create_dataset("subject_name", data=[frame.subject for frame in rows], dtype=kind)
        for unit in (4, 6, 7, 9, 10, 43):
            values = np.array([float(units(frame).get(unit, 0)) for frame in rows])
            if unit == 43:
                values = np.array([float(43 in units(frame)) for frame in rows])
            file[f"label_AU_{unit}"] = values if unit == 6 else _columns(values)
        file["label_pspi"] = np.array([pspi(frame) for frame in rows])
    numbers = [int(subject[:3]) for subject in dict.fromkeys(frame.subject for frame in frames)]
    with h5py.File(root / "UNBC_CVFolds_2019-05-16-15-16-36.hdf5", "w") as file:
        for fold in range(folds):
            test = [number for place, number in enumerate(numbers) if place % 5 == fold]
            file[f"fold-{fold}/validation_subjects"] = np.array(test, np.int64)
            file[f"fold-{fold}/train_subjects"] = np.array([n for n in numbers if n not in test], np.int64)
    return root


def _columns(values: np.ndarray) -> np.ndarray:
    """Two columns: NaN and the value, or the value and less; a row of 0 is NaN alone, now and then."""
    table = np.stack([np.full(len(values), np.nan), values], axis=1)
    table[::2] = np.stack([values, np.maximum(values - 1, 0)], axis=1)[::2]
    table[(values == 0) & (np.arange(len(values)) % 3 == 0)] = np.nan
    return table
