"""Models small enough for a test."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from pain3d.model.config import BackboneConfig, ViTPainConfig
from pain3d.model.vitpain import ViTPain

SIZE = 32


def backbone(**changes: Any) -> BackboneConfig:
    fields = {"hidden_size": 32, "layers": 2, "heads": 2, "patch_size": 8, "registers": 2, "stem": "patch", **changes}
    return BackboneConfig(**fields)


def config(*, backbone_changes: dict[str, Any] | None = None, **changes: Any) -> ViTPainConfig:
    if changes.get("input") == "heatmap" and "mean" not in changes:
        changes |= {"mean": (0.05,), "std": (0.12,)}
    given = {"image_size": SIZE, "backbone": backbone(**(backbone_changes or {})), "head_hidden": 16, **changes}
    return ViTPainConfig(**given)


def model(*, seed: int = 0, **changes: Any) -> ViTPain:
    return ViTPain(config(**changes), seed=seed).eval()


def pictures(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))
