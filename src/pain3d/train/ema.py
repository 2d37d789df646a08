"""The running mean of the weights: what is evaluated and kept, where the configuration asks for it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping

import torch
from torch import Tensor, nn


class Ema:
    """mean <- d mean + (1 - d) weights after each step, with d = min(decay, (1 + n) / (10 + n)) at update n.

    The lower decay of the first updates keeps the random start from lingering in the mean. Buffers of floats (running
    statistics) are averaged like weights; whole numbers are copied. Frozen parameters are left out: they never move.
    """

    def __init__(self, module: nn.Module, decay: float) -> None:
        self.decay = decay
        self.updates = 0
        self.mean = {name: value.detach().clone() for name, value in _moving(module).items()}

    @torch.no_grad()
    def update(self, module: nn.Module) -> None:
        """Take in the weights after a step."""
        decay = min(self.decay, (1 + self.updates) / (10 + self.updates))
        self.updates += 1
        for name, value in _moving(module).items():
            if value.is_floating_point():
                self.mean[name].lerp_(value.detach(), 1.0 - decay)
            else:
                self.mean[name].copy_(value)

    @contextlib.contextmanager
    def in_place_of(self, module: nn.Module) -> Iterator[None]:
        """The module holds the mean in here, and its own weights again afterwards."""
        own = {name: value.detach().clone() for name, value in _moving(module).items()}
        _fill(module, self.mean)
        try:
            yield
        finally:
            _fill(module, own)


@torch.no_grad()
def _fill(module: nn.Module, values: Mapping[str, Tensor]) -> None:
    for name, value in _moving(module).items():
        value.copy_(values[name])


def _moving(module: nn.Module) -> dict[str, Tensor]:
    """What training changes: trainable parameters and buffers."""
    moving: dict[str, Tensor] = {
        name: parameter for name, parameter in module.named_parameters() if parameter.requires_grad
    }
    return moving | dict(module.named_buffers())
