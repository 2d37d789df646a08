"""Where a model looks: maps of its attention, its gradients and its rolled-out attention, one for each output.

The first map of seven is for PSPI, the others for the six pain AUs. Attention of the AU queries is what the model
reads its AUs from; that of PSPI is their mean, weighted by the AUs the model sees. Rollout (Abnar & Zuidema 2020)
follows the attention back through the backbone: averaged over heads, half of it the residual, multiplied over layers.
Gradients are absolute, summed over the colours; the smooth ones (SmoothGrad, Smilkov et al. 2017) averaged over noise.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional
from transformers import PreTrainedModel

from pain3d.errors import ArgumentError
from pain3d.facs import MAX_INTENSITY, PAIN_AUS
from pain3d.streams import derive_seed

if TYPE_CHECKING:
    from pain3d.model.features import Features
    from pain3d.model.vitpain import ViTPain

Method = Literal["attention", "gradient", "gradient_input", "smooth", "rollout"]
METHODS: tuple[Method, ...] = get_args(Method)

TARGETS: tuple[str, ...] = ("PSPI", *PAIN_AUS)
"""Which output each of seven maps is for."""

SMOOTH_DRAWS = 8
SMOOTH_NOISE = 0.1
"""Standard deviation of SmoothGrad's noise, as a share of the range of colours."""

Maps = Mapping[str, Float[np.ndarray, "batch 7 size size"]]


def saliency_maps(
    model: ViTPain,
    image: Float[Tensor, "batch channel size size"],
    neutral: Float[Tensor, "batch shot channel size size"] | None,
    *,
    methods: Sequence[Method] = METHODS,
    seed: int = 0,
) -> tuple[Features, Maps]:
    """What the model reads in these crops, and where it looked for each output.

    Every map is at the size of the crop and not negative; its scale means nothing.

    Args:
        model: in evaluation mode, or there would be dropout in its maps.
        image: crops, 0..1.
        neutral: as `ViTPain.forward` wants it.
        methods: which maps; fewer are faster.
        seed: of SmoothGrad's noise.

    Raises:
        ArgumentError: for an unknown method, or a model in training mode.
    """
    unknown = [method for method in methods if method not in METHODS]
    if unknown:
        raise ArgumentError(f"methods: {unknown[0]!r} is unknown; choose from {', '.join(METHODS)}")
    if model.training:
        raise ArgumentError("model: it is in training mode, where dropout blurs every map; call model.eval() first")
    with recorded_attention(model) as recorded, torch.no_grad():
        features = model(image, neutral)
        rolled = rollout(recorded(len(image)))
    maps: dict[str, Tensor] = {}
    if "attention" in methods:
        maps["attention"] = _enlarged(_with_total(features.attention, features), features.grid, image.shape[-1])
    if "rollout" in methods:
        maps["rollout"] = _enlarged(_rolled_back(features, rolled), features.grid, image.shape[-1])
    if "gradient" in methods or "gradient_input" in methods:
        gradient = input_gradients(model, image, neutral)
        if "gradient" in methods:
            maps["gradient"] = gradient.abs().sum(dim=2)
        if "gradient_input" in methods:
            centred = image - image.mean(dim=(2, 3), keepdim=True)
            maps["gradient_input"] = (gradient * centred[:, None]).sum(dim=2).abs()
    if "smooth" in methods:
        maps["smooth"] = smooth_gradients(model, image, neutral, seed=seed)
    return features, {method: maps[method].float().cpu().numpy() for method in methods}


def input_gradients(
    model: ViTPain,
    image: Float[Tensor, "batch channel size size"],
    neutral: Float[Tensor, "batch shot channel size size"] | None,
) -> Float[Tensor, "batch 7 channel size size"]:
    """Derivative of each output by each pixel of the image; of AU43 that of the logit, which does not saturate."""
    leaf = image.detach().clone().requires_grad_(True)
    with torch.enable_grad():
        features = model(leaf, neutral)
        outputs = [features.pspi, *features.aus[:, :-1].unbind(dim=1), features.au43_logit]
        # A sum over the batch: no picture of it depends on another, so each gets its own derivative.
        gradients = [torch.autograd.grad(output.sum(), leaf, retain_graph=True)[0] for output in outputs]
    return torch.stack(gradients, dim=1).detach()


def smooth_gradients(
    model: ViTPain,
    image: Float[Tensor, "batch channel size size"],
    neutral: Float[Tensor, "batch shot channel size size"] | None,
    *,
    seed: int = 0,
    draws: int = SMOOTH_DRAWS,
    noise: float = SMOOTH_NOISE,
) -> Float[Tensor, "batch 7 size size"]:
    """Absolute gradients averaged over copies of the image with noise of its own; the neutral image has none."""
    generator = torch.Generator().manual_seed(derive_seed(seed, "smooth gradients"))
    total = torch.zeros(len(image), len(TARGETS), *image.shape[2:], device=image.device)
    for _ in range(draws):
        # The same noise for every picture: a picture's map does not depend on its place in the batch.
        grain = torch.randn(image.shape[1:], generator=generator).to(image.device) * noise
        total += input_gradients(model, image + grain, neutral).abs().sum(dim=2)
    return total / draws


def rollout(attentions: Sequence[Float[Tensor, "batch head token token"]]) -> Float[Tensor, "batch token token"]:
    """How much of each token of the input every token of the output is made of; rows sum to 1."""
    first = attentions[0]
    identity = torch.eye(first.shape[-1], dtype=first.dtype, device=first.device)
    rolled = identity.expand(first.shape[0], -1, -1)
    for attention in attentions:
        rolled = (0.5 * attention.mean(dim=1) + 0.5 * identity) @ rolled
    return rolled


@contextlib.contextmanager
def recorded_attention(model: ViTPain) -> Iterator[_Recorder]:
    """While this lasts, the backbone computes its attention openly, and what it attends to is kept."""
    outer = model.backbone.encoder
    before = outer.config._attn_implementation or "sdpa"
    recorder = _Recorder()
    handles = [module.register_forward_hook(recorder.keep) for module in _attention_modules(outer)]
    outer.set_attn_implementation("eager")  # the fused kernels never hold the attention as a matrix
    try:
        yield recorder
    finally:
        outer.set_attn_implementation(before)
        for handle in handles:
            handle.remove()


class _Recorder:
    """The attention of every layer, in the order the layers ran."""

    def __init__(self) -> None:
        self.layers: dict[int, list[Tensor]] = {}
        self._places: dict[nn.Module, int] = {}

    def keep(self, module: nn.Module, inputs: object, output: tuple[Tensor, Tensor]) -> None:
        place = self._places.setdefault(module, len(self._places))
        self.layers.setdefault(place, []).append(output[1].detach())

    def __call__(self, batch: int) -> list[Float[Tensor, "batch head token token"]]:
        """Of the first call of the backbone, and there of the first `batch` rows: neutral images come after."""
        return [calls[0][:batch] for _, calls in sorted(self.layers.items())]


def _attention_modules(encoder: PreTrainedModel) -> list[nn.Module]:
    """The modules that hand out their attention: the library itself lists their class for recording."""
    kinds = {
        part._can_record_outputs["attentions"]
        for part in encoder.modules()
        if isinstance(part, PreTrainedModel) and part._can_record_outputs
    }
    return [part for part in encoder.modules() if isinstance(part, tuple(kinds))]


def _with_total(of_units: Float[Tensor, "batch 6 patch"], features: Features) -> Float[Tensor, "batch 7 patch"]:
    """The maps of the AUs, before them their mean weighted by the AUs as shares of their range."""
    shares = torch.cat([features.aus[:, :-1] / MAX_INTENSITY, features.aus[:, -1:]], dim=1).clamp_min(0)
    # On a face at rest nothing weighs anything: then all alike.
    weights = torch.where(shares.sum(dim=1, keepdim=True) > 0, shares, torch.ones_like(shares))
    total = (weights[..., None] * of_units).sum(dim=1, keepdim=True) / weights.sum(dim=1)[:, None, None]
    return torch.cat([total, of_units], dim=1)


def _rolled_back(features: Features, rolled: Float[Tensor, "batch token token"]) -> Float[Tensor, "batch 7 patch"]:
    """PSPI is read from the class token, the AUs from the patches that their queries attend to."""
    patches = features.attention.shape[-1]
    own = rolled[:, :1, -patches:]
    of_units = features.attention @ rolled[:, -patches:, -patches:]
    return torch.cat([own, of_units], dim=1)


def _enlarged(
    maps: Float[Tensor, "batch 7 patch"], grid: tuple[int, int], size: int
) -> Float[Tensor, "batch 7 size size"]:
    """From the grid of patches to the pixels of the crop."""
    planes = maps.unflatten(2, grid).float()
    return functional.interpolate(planes, size=(size, size), mode="bilinear", align_corners=False)
