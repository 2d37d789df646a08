"""Which parameter is trained how: groups that hold every trainable parameter once, and the rate at each step."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import nn

from pain3d.errors import UserError

BACKBONE = ("backbone.", "stem.", "neutral_encoder.")
"""Names of what encodes pictures begin so, below the model; whatever else the model holds is a head."""


class PartitionError(UserError):
    """The optimiser does not hold every trainable parameter exactly once: a defect of the model or the groups."""


def parameter_groups(learner: nn.Module, *, lr: float, lr_heads: float, weight_decay: float) -> list[dict[str, Any]]:
    """The optimiser's groups, each with its `name` and the `base_lr` that the schedule scales; empty ones are left out.

    Weights of layers decay; biases, norms, embeddings, tokens and queries do not: decay would pull what has no
    scale-free direction towards zero (Loshchilov & Hutter 2019; DINOv2's recipe).

    Args:
        learner: holds the model as ``model``, and beside it what is trained along, such as a projector.
        lr: rate of the backbone's parameters (adapters, where it is frozen).
        lr_heads: rate of all others.
    """
    decayed = _decaying(learner)
    groups = {
        f"{part}/{kind}": {
            "name": f"{part}/{kind}",
            "params": [],
            "lr": rate,
            "base_lr": rate,
            "weight_decay": weight_decay if kind == "decay" else 0.0,
        }
        for part, rate in (("backbone", lr), ("heads", lr_heads))
        for kind in ("decay", "no_decay")
    }
    for name, parameter in learner.named_parameters():
        if parameter.requires_grad:
            kind = "decay" if name in decayed else "no_decay"
            groups[f"{'backbone' if is_backbone(name) else 'heads'}/{kind}"]["params"].append(parameter)
    filled = [group for group in groups.values() if group["params"]]
    assert_partition(filled, learner.named_parameters())
    return filled


def assert_partition(groups: Iterable[Mapping[str, Any]], named: Iterable[tuple[str, nn.Parameter]]) -> None:
    """Every trainable parameter is in exactly one group, and nothing else is in any.

    Raises:
        PartitionError: naming what is left out, held twice, or frozen or foreign.
    """
    held: dict[int, int] = {}
    for group in groups:
        for parameter in group["params"]:
            held[_key(parameter)] = held[_key(parameter)] + 1 if _key(parameter) in held else 1
    trainable = {_key(parameter): name for name, parameter in named if parameter.requires_grad}
    left_out = sorted(name for key, name in trainable.items() if key not in held)
    twice = sorted(name for key, name in trainable.items() if key in held and held[key] > 1)
    strangers = sum(key not in trainable for key in held)
    if left_out or twice or strangers:
        raise PartitionError(
            f"optimiser: left out {_listed(left_out)}; held twice {_listed(twice)}; {strangers} frozen or foreign; "
            f"each trainable parameter belongs in one group: correct parameter_groups, or freeze what is not trained"
        )


def is_backbone(name: str) -> bool:
    """Whether a parameter of the learner belongs to what encodes pictures."""
    return name.removeprefix("model.").startswith(BACKBONE)


def learning_rate(base: float, step: int, *, steps: int, warmup: int, least: float) -> float:
    """Rate of step `step` (0 first): a straight line up over `warmup` steps, then half a cosine down to `least`.

    The first step already learns (base / warmup), the last is at `least` to within one step of the cosine. A base
    below `least` stays as it is after warm-up.
    """
    if step < warmup:
        return base * (step + 1) / warmup
    floor = min(least, base)
    done = (step - warmup) / max(1, steps - warmup)
    return floor + (base - floor) * 0.5 * (1.0 + math.cos(math.pi * min(1.0, done)))


def set_learning_rate(optimizer: torch.optim.Optimizer, step: int, *, steps: int, warmup: int, least: float) -> None:
    """Give every group the rate of this step."""
    for group in optimizer.param_groups:
        group["lr"] = learning_rate(group["base_lr"], step, steps=steps, warmup=warmup, least=least)


def _decaying(learner: nn.Module) -> set[str]:
    """Names of the weights of layers: matrices and kernels, but no embedding tables, and no bare parameters."""
    return {
        f"{prefix}.{name}" if prefix else name
        for prefix, module in learner.named_modules()
        if not isinstance(module, nn.Embedding)
        for name, parameter in module.named_parameters(recurse=False)
        if name.endswith("weight") and parameter.ndim >= 2
    }


def _key(parameter: torch.Tensor) -> int:
    return id(parameter)


def _listed(names: list[str]) -> str:
    return "nothing" if not names else ", ".join(names[:8]) + (f", and {len(names) - 8} more" if len(names) > 8 else "")
