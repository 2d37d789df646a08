"""A small imported dataset, written by hand: drawings of faces, a few labels, and every column that may be null."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from pain3d.data.manifest import Manifest, ShardRecord, Source, write_manifest
from pain3d.data.schema import dataset_schema
from pain3d.facs import PAIN_AUS

SUBJECTS = ("042-ll042", "043-jh043", "047-jl047", "048-aa048")
FRAMES = 9
"""A subject has so many; the first is its reference."""
SIDE = 48
GROUP = 4
"""Rows of a row group: a subject's frames lie in several."""


def levels(subject: int, frame: int) -> dict[str, float]:
    """AUs of a frame: half of them show nothing, and of each subject some do."""
    strong = (frame * 2 + subject) % 5 if frame % 2 else 0
    return {"AU4": strong, "AU6": max(0, strong - 1), "AU7": 0, "AU9": 0, "AU10": strong // 2, "AU43": int(frame == 3)}


def landmarks(subject: int) -> np.ndarray:
    """68 points on an ellipse, in pixels."""
    turn = np.linspace(0, 2 * np.pi, 68, endpoint=False)
    return np.stack([24 + subject + 12 * np.cos(turn), 22 + 14 * np.sin(turn)], axis=1).astype(np.float32)


def picture(subject: int, frame: int) -> bytes:
    """A bright ellipse whose brightness tells the frame's PSPI."""
    y, x = np.mgrid[:SIDE, :SIDE] + 0.5
    inside = ((x - 24 - subject) / 12) ** 2 + ((y - 22) / 14) ** 2 < 1
    pixels = np.full((SIDE, SIDE, 3), 20, np.uint8)
    pixels[inside] = 60 + 15 * int(levels(subject, frame)["AU4"]) + np.array([0, 2 * frame, 5 * subject], np.uint8)
    pixels[:, : SIDE // 2] //= 2  # no face is its own mirror image
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def rows(split: str = "all", *, coded=PAIN_AUS, placed: str = "landmarks") -> list[dict[str, object]]:
    """The rows of all subjects; the reference is the first frame, whatever its label."""
    found = []
    for number, subject in enumerate(SUBJECTS):
        for frame in range(FRAMES):
            aus = levels(number, frame)
            pspi = aus["AU4"] + max(aus["AU6"], aus["AU7"]) + max(aus["AU9"], aus["AU10"]) + aus["AU43"]
            found.append(
                {
                    "frame_id": f"{subject}-{frame:03d}",
                    "subject_id": subject,
                    "split": split,
                    "neutral_frame_id": f"{subject}-000",
                    "image": {"bytes": picture(number, frame), "path": None},
                    "landmarks": landmarks(number).reshape(136) if placed == "landmarks" else None,
                    "face_box": [12.0 + number, 8.0, 24.0, 28.0] if placed == "boxes" else None,
                    "PSPI": pspi,
                    "frame_index": frame,
                    **{name: aus[name] for name in coded},
                }
            )
    return found


def write(out: Path, content: list[dict[str, object]]) -> Path:
    """A finished dataset of these rows, one shard a split."""
    schema = dataset_schema(imported=True)
    (out / "data").mkdir(parents=True)
    records = []
    for split in dict.fromkeys(str(row["split"]) for row in content):
        members = [row for row in content if row["split"] == split]
        file = f"data/{split}-00000-of-00001.parquet"
        arrays = [pa.array([row.get(part.name) for row in members], type=part.type) for part in schema]
        pq.write_table(
            pa.Table.from_arrays(arrays, schema=schema), out / file, row_group_size=GROUP, write_page_checksum=True
        )
        stored = (out / file).read_bytes()
        digest = hashlib.sha256(stored).hexdigest()
        records.append(ShardRecord(file=file, split=split, rows=len(members), bytes=len(stored), sha256=digest))
    manifest = Manifest(
        design=None,
        configuration={},
        seed=0,
        annotations=(),
        palette=(),
        environment={},
        pain3d_version="0",
        complete=True,
        shards=tuple(records),
        source=Source(kind="unbc", form="by hand", importer_version=1, counts={"frames": len(content)}),
    )
    write_manifest(out, manifest)
    return out
