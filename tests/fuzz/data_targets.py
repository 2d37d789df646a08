"""Readers of datasets: manifest, notes, shards, pictures."""

from __future__ import annotations

import dataclasses
import io
import json
from collections.abc import Callable
from pathlib import Path

import handmade
import imported
import numpy as np
from law import Target
from PIL import Image

from pain3d.data import images
from pain3d.data.audit import audit
from pain3d.data.files import file_sha256
from pain3d.data.manifest import read_manifest, write_manifest
from pain3d.data.progress import check_output, sound_shards
from pain3d.data.reader import Dataset, open_dataset
from pain3d.pictures import read_picture

WHAT = handmade.manifest(subjects=2, expressions=1, distractors=0, views=1, annotations=("depth", "normals"))
SHARDS = [shard for shard, _ in handmade.shards_of(WHAT)]
RASTER = np.arange(24 * 20 * 3, dtype=np.uint8).reshape(24, 20, 3)


def made(home: Path) -> Path:
    handmade.dataset(home / "set", WHAT)
    return home / "set"


def first_shard(out: Path) -> Path:
    return min((out / "data").iterdir())


def taken_from(out: Path) -> None:
    """Everything that a sample shows."""
    data = open_dataset(out)
    _look(data)


def _look(data: Dataset) -> None:
    str(data)
    data.labels()
    for sample in data:
        sample.arrays()
        str(sample)
        for name in ("depth", "normals", "neutral"):
            if sample.knows(name) or name == "neutral":
                getattr(sample, name)


def on_record_again(out: Path) -> None:
    """The manifest as someone would write it who changed the first shard."""
    found = read_manifest(out)
    path = first_shard(out)
    shards = tuple(
        dataclasses.replace(shard, bytes=path.stat().st_size, sha256=file_sha256(path))
        if out / shard.file == path
        else shard
        for shard in found.shards
    )
    write_manifest(out, dataclasses.replace(found, shards=shards))


def shard(read: Callable[[Path], object]) -> Target:
    def reading(home: Path) -> None:
        on_record_again(home / "set")
        read(home / "set")

    return Target(prepare=lambda home: first_shard(made(home)), read=reading)


def training(out: Path) -> None:
    from pain3d.train.frames import FrameDataset
    from pain3d.train.frames_config import FramesConfig

    frames = FrameDataset(out, "all", FramesConfig(size=32), seed=0)
    frames.batch(range(min(2, len(frames))), 0)


def notes(home: Path) -> Path:
    out = made(home)
    whole = read_manifest(out)
    write_manifest(out, dataclasses.replace(whole, complete=False, shards=()))
    (out / ".progress").mkdir()
    record = dataclasses.asdict(whole.shards[0])
    note = out / ".progress" / f"{whole.shards[0].file.removeprefix('data/')}.json"
    note.write_text(json.dumps(record))
    return note


def picture(file_format: str, mode: str = "RGB") -> Callable[[Path], Path]:
    def prepare(home: Path) -> Path:
        source = Image.fromarray(RASTER)
        if mode == "I;16":
            source = Image.fromarray(RASTER[..., 0].astype(np.uint16) * 200)
        elif mode != "RGB":
            source = source.convert(mode)
        buffer = io.BytesIO()
        source.save(buffer, file_format)
        path = home / f"picture.{file_format.lower()}"
        path.write_bytes(buffer.getvalue())
        return path

    return prepare


def decoded(read: Callable[[bytes], object], ending: str) -> Callable[[Path], object]:
    return lambda home: read((home / f"picture.{ending}").read_bytes())


def import_made(home: Path) -> Path:
    imported.dataset(home / "set", subjects=("042-ll042",), sequences=1, frames=3)
    return home / "set" / "manifest.json"


def audited(home: Path) -> None:
    audit(home / "set")


def opened(home: Path) -> None:
    taken_from(home / "set")


def of_a_user(home: Path) -> None:
    for path in home.glob("picture.*"):
        read_picture(path)


TARGETS: dict[str, Target] = {
    "manifest, opened": Target(prepare=lambda home: made(home) / "manifest.json", read=opened),
    "manifest, audited": Target(prepare=lambda home: made(home) / "manifest.json", read=audited),
    "manifest, gone on with": Target(
        prepare=lambda home: made(home) / "manifest.json", read=lambda home: check_output(home / "set", WHAT)
    ),
    "manifest of an import, audited": Target(prepare=import_made, read=audited),
    "manifest of an import, opened": Target(prepare=import_made, read=opened),
    "note": Target(prepare=notes, read=lambda home: sound_shards(home / "set", SHARDS)),
    "shard, opened": shard(taken_from),
    "shard, audited": shard(audit),
    "shard, trained on": shard(training),
    "JPEG": Target(prepare=picture("JPEG"), read=decoded(images.decode_rgb, "jpeg")),
    "JPEG, checked": Target(prepare=picture("JPEG"), read=decoded(images.check_decodes, "jpeg")),
    "PNG": Target(prepare=picture("PNG"), read=decoded(images.decode_rgb, "png")),
    "WebP": Target(prepare=picture("WEBP"), read=decoded(images.decode_rgb, "webp")),
    "label map": Target(prepare=picture("PNG", "P"), read=decoded(images.decode_grey, "png")),
    "depth": Target(prepare=picture("PNG", "I;16"), read=decoded(images.decode_depth, "png")),
    **{
        f"{name} of a user": Target(prepare=picture(name), read=of_a_user)
        for name in ("JPEG", "PNG", "WEBP", "TIFF", "GIF", "BMP")
    },
}
