"""A dataset of drawings that stands in for frames: a bright bar whose height is the PSPI, for tests of the loop."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import torch

from pain3d.data.manifest import Design, Manifest, ShardRecord, write_manifest
from pain3d.model.config import BackboneConfig, NeutralConfig, ViTPainConfig
from pain3d.streams import stream
from pain3d.train import run_data, validate
from pain3d.train.config import TrainConfig
from pain3d.train.distill import DistillWeights
from pain3d.train.frames import Batch
from pain3d.train.frames_config import FramesConfig
from pain3d.train.losses import TaskWeights

SIDE = 32
GRID = 2


def manifest(**changes) -> Manifest:
    fields = {
        "design": Design(subjects=10, expressions=2, distractors=0, views=2, resolution=SIDE),
        "configuration": {},
        "seed": 1,
        "annotations": ("au_heatmaps",),
        "palette": (),
        "environment": {},
        "pain3d_version": "0",
        "complete": True,
        "shards": tuple(
            ShardRecord(file=f"data/{split}-00000-of-00001.parquet", split=split, rows=rows, bytes=1, sha256="0")
            for split, rows in (("train", 40), ("val", 16), ("test", 8))
        ),
    }
    return Manifest(**{**fields, **changes})


class ToyFrames:
    """What `FrameDataset` promises, without files."""

    def __init__(self, path, split, config, seed):
        self.path, self.config, self.seed, self.split = path, config, seed, split
        self.rows = {"train": 40, "val": 16}[split]
        self.labels = SimpleNamespace(
            placing="landmarks", any_landmarks=True, aus=np.ones((self.rows, 6)), pspi=np.ones(self.rows)
        )
        self.chosen = np.arange(self.rows)
        self.bad: set[int] = set()

    def __len__(self):
        return self.rows

    def order(self, epoch):
        return stream(self.seed, "order", epoch).permutation(self.rows)

    def batch(self, indices, epoch):
        drawn = [self._draw(int(i), epoch) for i in indices]
        image, heat, aus, pspi = (torch.stack(part) for part in zip(*drawn, strict=True))
        neutral = torch.full_like(image, 0.2)[:, None] if self.config.neutral is not None else None
        if any(int(i) in self.bad for i in indices):
            image = image * float("nan")
        return Batch(
            image=image,
            neutral=neutral,
            heatmap=heat if self.config.heatmap else None,
            neutral_heatmap=None,
            au_heat=heat.expand(-1, 6, -1, -1)[:, :, :: SIDE // GRID, :: SIDE // GRID]
            if self.config.au_heatmaps
            else None,
            landmarks=torch.rand(len(drawn), 68, 2, generator=torch.Generator().manual_seed(0)),
            aus=aus,
            pspi=pspi,
            index=torch.as_tensor(np.asarray(indices)),
            frame_ids=[f"{self.split}-{int(i)}" for i in indices],
            neutral_ids=None,
        )

    def _draw(self, index, epoch):
        rng = stream(self.seed, self.split, index)
        levels = rng.integers(0, 6, size=5)
        closed = int(rng.integers(0, 2))
        pspi = levels[0] + max(levels[1], levels[2]) + max(levels[3], levels[4]) + closed
        heat = torch.zeros(1, SIDE, SIDE)
        heat[:, : 2 * int(pspi)] = 0.8
        noise = (
            0.0 if self.config.augment is None else 0.1 * stream(self.seed, epoch, index).normal(size=(3, SIDE, SIDE))
        )
        image = (heat.expand(3, -1, -1) * 0.8 + 0.1 + torch.as_tensor(noise)).clamp(0, 1).float()
        return image, heat, torch.tensor([*levels, closed]).float(), torch.tensor(float(pspi))


def model_config(kind="rgb", *, neutral=False, **changes) -> ViTPainConfig:
    grey = {"mean": (0.1,), "std": (0.3,)} if kind == "heatmap" else {}
    backbone = BackboneConfig(hidden_size=32, layers=2, heads=2, patch_size=16, registers=1, stem="conv")
    fields = {
        "input": kind,
        "image_size": SIDE,
        "backbone": backbone,
        "head_hidden": 32,
        "head_dropout": 0.1,
        "neutral": NeutralConfig(heads=2) if neutral else None,
        **grey,
    }
    return ViTPainConfig(**{**fields, **changes})


def config(kind="rgb", *, teacher=None, distill=None, neutral=False, model=None, **changes) -> TrainConfig:
    model = model or model_config("heatmap" if kind == "teacher" else "rgb", neutral=neutral)
    distill = distill if kind != "student" or distill is not None else DistillWeights()
    frames = FramesConfig(
        size=model.image_size,
        crop=model.crop,
        heatmap=kind != "rgb",
        au_heatmaps=kind == "student",
        neutral="other_view" if neutral else None,
        augment=None,
    )
    fields = {
        "recipe": f"{kind}/toy",
        "model": model,
        "frames": frames,
        "task": TaskWeights(),
        "distill": distill,
        "teacher": None if teacher is None else str(teacher),
        "samples": 96,
        "batch_size": 8,
        "lr": 2e-3,
        "lr_heads": 2e-3,
        "eval_every": 4,
        "save_every": 4,
        "log_every": 1,
        "device": "cpu",
    }
    return TrainConfig(**{**fields, **changes})


def use(monkeypatch, path: Path, **changes) -> Path:
    """Make the loop read drawings; returns a dataset folder that holds a manifest alone."""
    path.mkdir(parents=True, exist_ok=True)
    write_manifest(path, manifest(**changes))
    monkeypatch.setattr(run_data, "FrameDataset", ToyFrames)
    monkeypatch.setattr(validate, "FrameDataset", ToyFrames)
    return path
