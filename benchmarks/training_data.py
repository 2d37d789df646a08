"""What a training frame costs, stage by stage: `python benchmarks/training_data.py DATASET`.

Processor time of one process, milliseconds a frame; run it on an idle machine.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from pain3d.train.augment import AugmentConfig
from pain3d.train.frames import FrameDataset
from pain3d.train.frames_config import FramesConfig

BATCH = 64
GEOMETRY = AugmentConfig(
    brightness=0,
    contrast=0,
    gamma=0,
    saturation=0,
    tint=0,
    blur_chance=0,
    shrink_chance=0,
    noise_chance=0,
    jpeg_chance=0,
)


def configurations(size: int) -> dict[str, FramesConfig]:
    """Each adds to the plain crop."""
    full = AugmentConfig()
    return {
        "decode and crop": FramesConfig(size=size),
        "and turn, shift, scale, flip": FramesConfig(size=size, augment=GEOMETRY),
        "and photometry": FramesConfig(size=size, augment=full),
        "with heatmap": FramesConfig(size=size, augment=full, heatmap=True),
        "with heatmap and AU maps": FramesConfig(size=size, augment=full, heatmap=True, au_heatmaps=True),
        "with neutral of another view": FramesConfig(size=size, augment=full, neutral="other_view"),
    }


def milliseconds(frames: FrameDataset, count: int) -> float:
    """Processor time a frame, in the order of an epoch, row groups read included."""
    order = frames.order(0)
    frames.batch(order[:BATCH], 0)
    started = time.process_time()
    done = 0
    for start in range(BATCH, min(count, len(order)), BATCH):
        done += len(frames.batch(order[start : start + BATCH], 0).frame_ids)
    return (time.process_time() - started) / max(done, 1) * 1e3


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--size", type=int, default=112)
    parser.add_argument("--frames", type=int, default=640)
    given = parser.parse_args()
    for name, config in configurations(given.size).items():
        opened = time.process_time()
        frames = FrameDataset(given.dataset, "train", config, 0)
        opened = time.process_time() - opened
        cost = milliseconds(frames, given.frames)
        print(f"{name:32} {cost:6.2f} ms a frame   (opened in {opened:.2f} s)")


if __name__ == "__main__":
    main()
