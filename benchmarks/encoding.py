"""Encoding, writing, reading and auditing at 512 x 512: milliseconds, bytes a frame, frames a second.

Pictures are drawn with arrays: a noisy portrait, the heatmap of a broad smooth movement, blobs for a segmentation.

    python benchmarks/encoding.py [FRAMES]
"""

from __future__ import annotations

import dataclasses
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "data"))
import handmade

from pain3d.data.audit import audit
from pain3d.data.images import IMAGE_FORMATS, encode_heatmap, encode_rgb, encode_segmentation
from pain3d.data.progress import begin, finish
from pain3d.data.reader import open_dataset
from pain3d.data.writer import shard_bytes, write_shard

SIZE = 512


def pictures() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """A colour picture, a heatmap in mm and classes, about as hard to pack as rendered ones."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:SIZE, :SIZE].astype(np.float32)
    face = ((x - 256) / 150) ** 2 + ((y - 256) / 200) ** 2 < 1
    classes = np.where(((x - 256) / 200) ** 2 + ((y - 480) / 130) ** 2 < 1, 9, 0).astype(np.uint8)
    classes[((x - 256) / 170) ** 2 + ((y - 150) / 120) ** 2 < 1] = 8
    classes[face & (y > 120)] = 1
    classes[((x - 256) / 50) ** 2 + ((y - 360) / 15) ** 2 < 1] = 2
    for center in (190, 320):
        classes[((x - center) / 25) ** 2 + ((y - 230) / 10) ** 2 < 1] = 4
        classes[((x - center) / 35) ** 2 + ((y - 200) / 7) ** 2 < 1] = 3
    wave = 2 + np.sin(x / 40) * np.cos(y / 31) + 0.5 * np.sin((x + y) / 17)
    heatmap = np.where(np.isin(classes, (1, 2, 3)), wave, 0).astype(np.float32)
    light = 120 + 60 * np.sin(x / 90) + 30 * np.cos(y / 70)
    rgb = light[:, :, None] * (1.2, 0.9, 0.75) * np.where(face, 1, 0.6)[:, :, None] + rng.normal(0, 4, (SIZE, SIZE, 3))
    return np.clip(rgb, 0, 255).astype(np.uint8), heatmap, classes


def clock(name: str, call: Callable[[], bytes], repeats: int = 30) -> bytes:
    """Print the time and size of what `call` makes."""
    encoded = call()
    start = time.perf_counter()
    for _ in range(repeats):
        call()
    print(f"{name:24s} {(time.perf_counter() - start) / repeats * 1e3:7.2f} ms {len(encoded):9,d} bytes")
    return encoded


def main(frames: int) -> None:
    """Print the table."""
    rgb, heatmap, classes = pictures()
    for image_format in IMAGE_FORMATS:
        clock(f"image, {image_format}", lambda chosen=image_format: encode_rgb(rgb, chosen), repeats=5)
    image = encode_rgb(rgb)
    grey = clock("heatmap", lambda: encode_heatmap(heatmap))
    neutral = clock("heatmap, neutral", lambda: encode_heatmap(0 * heatmap))
    regions = clock("segmentation", lambda: encode_segmentation(classes, handmade.PALETTE))

    plan = handmade.manifest(subjects=max(frames // 33, 1), expressions=10, distractors=0, views=3)
    plan = dataclasses.replace(plan, design=dataclasses.replace(plan.design, resolution=SIZE))
    shards = handmade.shards_of(plan)

    def rows(subjects: list[int]):
        for row in handmade.rows(plan, subjects):
            landmarks = row.landmarks * SIZE / handmade.SIZE
            acts = row.expression.pspi > 0
            yield handmade.changed(
                row, image=image, segmentation=regions, heatmap=grey if acts else neutral, landmarks=landmarks
            )

    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "dataset"
        begin(out, plan, [shard for shard, _ in shards])
        seconds = {"Parquet": 0.0, "Parquet, hash, fsync": 0.0}
        for shard, subjects in shards:
            made = list(rows(subjects))
            start = time.perf_counter()
            shard_bytes(made)
            seconds["Parquet"] += time.perf_counter() - start
            start = time.perf_counter()
            write_shard(out, shard, made)
            seconds["Parquet, hash, fsync"] += time.perf_counter() - start
        count = plan.design.subjects * plan.design.frames_per_subject
        for name, total in seconds.items():
            print(f"{name:24s} {total / count * 1e3:7.2f} ms a frame")
        manifest = finish(out, plan, [shard for shard, _ in shards])
        print(f"{'on disk':24s} {sum(shard.bytes for shard in manifest.shards) / count:,.0f} bytes a frame")
        for workers in (1, None):
            start = time.perf_counter()
            report = audit(out, workers=workers)
            speed = report.frames / (time.perf_counter() - start)
            print(f"audit, {workers or 'all'} threads{speed:16.0f} frames/s, {len(report.findings)} findings")
        dataset = open_dataset(out)
        start = time.perf_counter()
        for sample in dataset:
            sample.arrays()
        print(f"read in order {len(dataset) / (time.perf_counter() - start):21.0f} frames/s")
        order = np.random.default_rng(0).permutation(len(dataset))[:200]
        start = time.perf_counter()
        for i in order:
            dataset[int(i)].arrays()
        print(f"read at random {len(order) / (time.perf_counter() - start):20.0f} frames/s")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 660)
