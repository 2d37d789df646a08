"""Small imported datasets made by hand, for those that read them: no importer takes part."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from pain3d.data.images import encode_rgb
from pain3d.data.imported_row import ImportedRow
from pain3d.data.importers.builder import building
from pain3d.data.manifest import Manifest
from pain3d.streams import stream

WIDTH, HEIGHT = 64, 48
CODED = ("AU4", "AU6", "AU7", "AU9", "AU10", "AU12", "AU20", "AU25", "AU26", "AU43")
SUBJECTS = ("042-ll042", "043-jh043", "047-jl047", "048-aa048", "049-bm049")


def landmarks() -> np.ndarray:
    """68 points of a face that fills most of the picture's height."""
    angle = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    return np.stack([32 + 14 * np.cos(angle), 24 + 18 * np.sin(angle)], axis=1).astype(np.float32)


def dataset(
    out: Path,
    *,
    subjects: tuple[str, ...] = SUBJECTS,
    sequences: int = 2,
    frames: int = 6,
    with_landmarks: bool = True,
) -> Manifest:
    """As `pain3d import unbc` leaves it: split `all`, one reference a subject, pain in the middle of each sequence."""
    with building(out) as builder:
        for subject in subjects:
            code = subject.partition("-")[2]
            for sequence in range(sequences):
                for frame in range(1, frames + 1):
                    builder.add(_row(subject, code, sequence, frame, frames, with_landmarks))
        return builder.finish(
            "unbc", "original archive", importer_version=1, configuration={"crop": False}, version="0.1.0"
        )


def _row(subject: str, code: str, sequence: int, frame: int, frames: int, with_landmarks: bool) -> ImportedRow:
    name = f"{code}t{sequence + 1}aaaff"
    rng = stream(0, "imported", subject, sequence, frame)
    brow = max(0, min(frame - 1, frames - frame))
    aus = {**dict.fromkeys(CODED, 0.0), "AU4": float(min(brow, 5)), "AU7": float(brow > 1), "AU43": float(brow > 2)}
    score = aus["AU4"] + aus["AU7"] + aus["AU43"]
    picture = rng.integers(40, 200, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    picture[..., 0] += np.uint8(3 * score)
    return ImportedRow(
        frame_id=f"{subject}-{name}{frame:03d}",
        subject_id=subject,
        split="all",
        image=encode_rgb(picture, "png"),
        aus=aus,
        pspi_file=score,
        neutral_frame_id=f"{subject}-{code}t1aaaff001",
        landmarks=landmarks() if with_landmarks else None,
        face_box=None if with_landmarks else (18.0, 6.0, 28.0, 36.0),
        extras={
            "sequence_id": name,
            "frame_index": frame,
            "source_file": f"Images/{subject}/{name}/{name}{frame:03d}.png",
            "VAS": 3.0 + sequence,
            "OPR": 2.0,
            "SEN": 5.0,
            "AFF": 4.0,
        },
    )
