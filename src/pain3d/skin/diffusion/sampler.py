"""Draws pictures of skin from a skin model: few steps, guided, each a pure function of weights, conditions and seed."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any, cast

import numpy as np
import torch
from diffusers.schedulers.scheduling_dpmsolver_multistep import DPMSolverMultistepScheduler
from jaxtyping import Bool, Float

from pain3d.skin.diffusion.checkpoint import SkinModel

STEPS = 10
GUIDANCE = 1.5
"""1: as the model learned it; more: closer to what is asked for, less varied."""
NOISE: dict[str, Any] = {
    "num_train_timesteps": 1000, "beta_schedule": "squaredcos_cap_v2", "prediction_type": "v_prediction",
}  # fmt: skip
"""The schedule that denoiser and sampler share."""


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Sums in one order: the same bytes on any number of cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


@torch.no_grad()
def sample(
    model: SkinModel,
    conditions: Float[np.ndarray, " condition"],
    seed: int,
    *,
    known: Float[np.ndarray, "channel side side"] | None = None,
    mask: Bool[np.ndarray, "side side"] | None = None,
    steps: int = STEPS,
    guidance: float = GUIDANCE,
) -> Float[np.ndarray, "channel side side"]:
    """One picture, as `Chart.paint_on` takes it.

    Args:
        model: what to draw from.
        conditions: as `conditions.conditions` makes them.
        seed: the only source of chance, 0..2^63-1.
        known: a picture to agree with where `mask` is true; both or neither.
        mask: true where `known` holds.
        steps: evaluations of the denoiser, each with and without conditions.
        guidance: strength of the conditions.
    """
    chance = torch.Generator("cpu").manual_seed(seed)
    with one_thread():
        side = int(model.unet.config["sample_size"])
        shape = (1, int(model.unet.config["in_channels"]), side, side)
        scheduler = DPMSolverMultistepScheduler(**NOISE)
        scheduler.set_timesteps(steps)
        asked = torch.from_numpy(conditions)[None]
        both = torch.cat([asked, torch.zeros_like(asked)])
        noise = torch.randn(shape, generator=chance)
        held = None if known is None or mask is None else _held(model, known, mask, side)
        x = noise
        for t in scheduler.timesteps:
            if held is not None:  # what is known, at this step's noise (Lugmayr et al., RePaint, 2022)
                x = torch.where(held[1], scheduler.add_noise(held[0], noise, cast("torch.IntTensor", t[None])), x)
            out = model.unet(x.expand(2, -1, -1, -1), t, None, class_labels=both).sample
            guided = out[1:] + guidance * (out[:1] - out[1:])
            x = scheduler.step(guided, t, x, return_dict=False)[0]
        if held is not None:
            x = torch.where(held[1], held[0], x)
        return decode(model, x)[0].numpy()


def decode(model: SkinModel, latents: torch.Tensor) -> torch.Tensor:
    """Pictures of normalised latents."""
    s = model.scales
    decoded: torch.Tensor = model.vae.decode(latents * s["latent_scale"] + s["latent_mean"]).sample  # pyright: ignore[reportAttributeAccessIssue]
    return decoded * s["picture_scale"] + s["mean"]


def encode(model: SkinModel, pictures: torch.Tensor) -> torch.Tensor:
    """Normalised latents of pictures."""
    s = model.scales
    packed: torch.Tensor = model.vae.encode((pictures - s["mean"]) / s["picture_scale"]).latents  # pyright: ignore[reportAttributeAccessIssue]
    return (packed - s["latent_mean"]) / s["latent_scale"]


def _held(model: SkinModel, known: np.ndarray, mask: np.ndarray, side: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents of what is known, and where they see nothing else."""
    cell = len(mask) // side
    whole = mask.reshape(side, cell, side, cell).all(axis=(1, 3))
    filled = np.where(mask, known, model.scales["mean"].numpy())
    return encode(model, torch.from_numpy(filled[None].astype(np.float32))), torch.from_numpy(whole)[None, None]
