"""The recipe of the skin model: paint skins, learn to pack them, learn to draw them."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal, cast, final

import numpy as np
import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from diffusers.schedulers.scheduling_ddpm import DDPMScheduler
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pain3d.arguments import whole_number
from pain3d.demographics import age_range, cell_of
from pain3d.errors import ArgumentError, storage_error
from pain3d.skin.diffusion import checkpoint, sampler
from pain3d.skin.diffusion.chart import CHANNELS, SIDE
from pain3d.skin.diffusion.checkpoint import SkinModel
from pain3d.skin.diffusion.conditions import NAMES, conditions
from pain3d.skin.diffusion.grounds import Grounds
from pain3d.skin.procedural import Painter
from pain3d.skin.traits import SkinTraits, sample_traits
from pain3d.streams import derive_seed, stream

Say = Callable[[str], None]
Device = Literal["cpu", "cuda"]
LATENTS = 16
PATCH = 64
"""Texels a side of what the autoencoder learns from: it has no norms, so that a part looks as it does in the whole."""
REDUCTION = 8
"""Texels of the picture to one of the latents."""
_MIN_SNR = 5.0
_EMA = 0.998


@final
@dataclass(frozen=True, kw_only=True)
class SkinRecipe:
    """Everything that decides the weights. Contradictions are refused at once, with an `ArgumentError`."""

    painted: int = 1500
    """Skins to paint and learn from."""
    packer_steps: int = 1200
    """Steps of the autoencoder."""
    steps: int = 3600
    """Steps of the denoiser."""
    batch: int = 8
    """Patches in one step of the autoencoder; the denoiser takes twice as many latents."""
    packer_width: int = 32
    widths: tuple[int, ...] = (64, 128)
    learning_rate: float = 1e-3
    seed: int = 0
    """Of the skins, the first weights, the order and the noise."""

    def __post_init__(self) -> None:
        for name, low in (
            ("painted", 2),
            ("packer_steps", 1),
            ("steps", 1),
            ("batch", 1),
            ("seed", 0),
            ("packer_width", 1),
        ):
            if whole_number(name, vars(self)[name], "400") < low:
                raise ArgumentError(f"{name}: {vars(self)[name]} is below {low}; the defaults are a good start")


PRESETS: dict[str, SkinRecipe] = {
    "cpu": SkinRecipe(),
    "gpu": SkinRecipe(painted=4000, packer_steps=20000, steps=60000, batch=16, packer_width=64, widths=(128, 256)),
}


def training_traits(seed: int, number: int) -> SkinTraits:
    """Skin `number` of the training set: cells of age, sex and group in the order of a dataset's subjects."""
    cell = cell_of(number)
    rng = stream(seed, "train-skin", "traits", number)
    low, high = age_range(cell.age_band)
    return sample_traits(rng, age_years=int(rng.integers(low, high + 1)), sex=cell.sex, ethnicity=cell.ethnicity)


def train_skin(
    folder: Path, recipe: SkinRecipe, painter: Callable[[], Painter], *, device: Device = "cpu", say: Say = print
) -> Path:
    """Train a skin model, or go on where an earlier run in this folder stopped.

    Args:
        folder: becomes the model; ``folder/run`` holds what a later run goes on from.
        recipe: what to do.
        painter: makes what paints the training set; called if none is painted yet.
        device: of torch.
        say: told how far it is.

    Raises:
        ArgumentError: if the folder holds a run of another recipe, or there is no such device.
        StorageError: if the disk does not take it.
    """
    if device == "cuda" and not torch.cuda.is_available():
        raise ArgumentError("device: cuda is not there; use cpu")
    run = _Run(folder, recipe)
    pictures, asked = _painted(run, painter, say)
    with torch.random.fork_rng():
        torch.manual_seed(derive_seed(recipe.seed, "train-skin", "weights"))
        model, packed_loss = _packer(run, pictures, device, say)
        latents = _latents(model, pictures)
        middle, spread = latents.mean(dim=(0, 2, 3), keepdim=True)[0], latents.std(dim=(0, 2, 3), keepdim=True)[0]
        scales = {**model.scales, "latent_mean": middle.half().float(), "latent_scale": spread.half().float()}
        latents = (latents - scales["latent_mean"]) / scales["latent_scale"]
        denoised_loss = _denoiser(run, model.unet, latents, asked, device, say)
    _to(model.unet, "cpu")
    made = SkinModel(unet=model.unet, vae=model.vae, scales=scales, digest="")
    return checkpoint.save(made, folder, card=_card(recipe, packed_loss, denoised_loss))


def _to(part: torch.nn.Module, device: Device) -> torch.nn.Module:
    return part.to(torch.device(device))  # diffusers wraps this method, and hides its types


class _Run:
    """What is kept of an unfinished run."""

    def __init__(self, folder: Path, recipe: SkinRecipe) -> None:
        self.recipe = recipe
        self.home = folder / "run"
        text = json.dumps(asdict(recipe), indent=2)
        path = self.home / "recipe.json"
        try:
            self.home.mkdir(parents=True, exist_ok=True)
            if path.exists() and path.read_text(encoding="utf-8") != text:
                raise ArgumentError(f"out: {folder} holds a run of another recipe; name another folder")
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise storage_error(folder, error) from error

    def kept(self, name: str) -> dict[str, torch.Tensor] | None:
        """Tensors of an earlier run; None where there are none that can be read."""
        try:
            return load_file(self.home / f"{name}.safetensors")
        except (OSError, SafetensorError):
            return None

    def keep(self, name: str, tensors: dict[str, torch.Tensor]) -> None:
        path = self.home / f"{name}.safetensors"
        partial = path.with_suffix(".partial")
        try:
            save_file({k: v.detach().cpu().contiguous().clone() for k, v in tensors.items()}, partial)
            partial.replace(path)
        except OSError as error:
            raise storage_error(path, error) from error


def _painted(run: _Run, new_painter: Callable[[], Painter], say: Say) -> tuple[torch.Tensor, torch.Tensor]:
    kept = run.kept("painted")
    if kept is None:
        grounds = Grounds(new_painter())
        pictures = torch.empty(run.recipe.painted, CHANNELS, SIDE, SIDE, dtype=torch.float16)
        asked = torch.empty(run.recipe.painted, len(NAMES))
        for number in range(run.recipe.painted):
            traits = training_traits(run.recipe.seed, number)
            pictures[number] = torch.from_numpy(grounds.picture(traits)).half()
            asked[number] = torch.from_numpy(conditions(traits))
            if number % 50 == 0:
                say(f"painted {number} of {run.recipe.painted}")
        kept = {"pictures": pictures, "asked": asked}
        run.keep("painted", kept)
    return kept["pictures"], kept["asked"]


def _packer(run: _Run, pictures: torch.Tensor, device: Device, say: Say) -> tuple[SkinModel, float]:
    recipe = run.recipe
    mean = pictures.float().mean(dim=0)
    mean = (mean + mean.flip(-1)) / 2
    spread = (pictures[:200].float() - mean).pow(2).mean(dim=(0, 2, 3), keepdim=True)[0].sqrt() + 1e-3
    # half precision from the start, as the file keeps them: the network learns with what it will be used with
    scales = {"mean": mean.half().float(), "picture_scale": spread.half().float()}
    vae, unet = new_packer(recipe), new_denoiser(recipe)
    kept = run.kept("packer")
    loss = float("nan")
    if kept is not None:
        loss = float(kept.pop("loss"))
        vae.load_state_dict(kept)
    else:
        _to(vae, device).train()
        rng = stream(recipe.seed, "train-skin", "packer")
        optimiser = torch.optim.AdamW(vae.parameters(), lr=recipe.learning_rate, weight_decay=1e-4)
        for step in range(recipe.packer_steps):
            _set_rate(optimiser, recipe.learning_rate, step, recipe.packer_steps)
            x = pictures[torch.from_numpy(rng.integers(len(pictures), size=recipe.batch))].float()
            x = (x.flip(-1) if rng.random() < 0.5 else x) - scales["mean"]
            row, column = rng.integers(SIDE - PATCH + 1, size=2)
            x = (x / scales["picture_scale"])[:, :, row : row + PATCH, column : column + PATCH].to(device)
            packed: torch.Tensor = vae.encode(x).latents  # pyright: ignore[reportAttributeAccessIssue]
            noise = torch.from_numpy(rng.standard_normal(packed.shape).astype(np.float32)).to(device)
            out: torch.Tensor = vae.decode(packed + 0.05 * noise).sample  # pyright: ignore[reportAttributeAccessIssue]
            now = (out - x).pow(2).mean()
            optimiser.zero_grad()
            (now + 1e-3 * packed.pow(2).mean()).backward()
            torch.nn.utils.clip_grad_norm_(vae.parameters(), 1.0)
            optimiser.step()
            loss = now.item() if step == 0 else 0.98 * loss + 0.02 * now.item()
            if step % 100 == 0:
                say(f"packing: step {step} of {recipe.packer_steps}, squared error {loss:.4f}")
        _to(vae, "cpu")
        run.keep("packer", {**vae.state_dict(), "loss": torch.tensor(loss)})
    return SkinModel(unet=unet, vae=vae.eval(), scales=scales, digest=""), loss


@torch.no_grad()
def _latents(model: SkinModel, pictures: torch.Tensor) -> torch.Tensor:
    """Of the pictures and of their mirror images."""
    s, out = model.scales, []
    for picture in pictures:
        x = (torch.stack([picture, picture.flip(-1)]).float() - s["mean"]) / s["picture_scale"]
        out.append(model.vae.encode(x).latents)  # pyright: ignore[reportAttributeAccessIssue]
    return torch.cat(out)


def _denoiser(
    run: _Run, unet: UNet2DConditionModel, latents: torch.Tensor, asked: torch.Tensor, device: Device, say: Say
) -> float:
    recipe = run.recipe
    noise_of = DDPMScheduler(**sampler.NOISE)
    alpha = noise_of.alphas_cumprod
    snr = alpha / (1 - alpha)
    weight = snr.clamp(max=_MIN_SNR) / (snr + 1)  # Hang et al., min-SNR (2023), for v
    _to(unet, device).train()
    optimiser = torch.optim.AdamW(unet.parameters(), lr=recipe.learning_rate, weight_decay=1e-4)
    average = {name: tensor.clone() for name, tensor in unet.state_dict().items()}
    first, loss = 0, float("nan")
    kept = run.kept("denoiser")
    if kept is not None:
        first, loss = int(kept.pop("step")), float(kept.pop("loss"))
        _load_progress(kept, unet, average, optimiser)
    for step in range(first, recipe.steps):
        rng = stream(recipe.seed, "train-skin", "denoiser", step)
        _set_rate(optimiser, recipe.learning_rate, step, recipe.steps)
        at = torch.from_numpy(rng.integers(len(latents), size=2 * recipe.batch))
        x, noise = latents[at], torch.from_numpy(rng.standard_normal((len(at), *latents.shape[1:])).astype(np.float32))
        t = torch.from_numpy(rng.integers(len(alpha), size=len(at)))
        told = asked[at // 2] * torch.from_numpy(rng.random((len(at), 1)) > 0.1)
        at_time = cast("torch.IntTensor", t)  # diffusers says so of whole numbers of any width
        target = noise_of.get_velocity(x, noise, at_time).to(device)
        out = unet(
            noise_of.add_noise(x, noise, at_time).to(device), t.to(device), None, class_labels=told.to(device)
        ).sample
        now = ((out - target).pow(2).mean(dim=(1, 2, 3)) * weight[t].to(device)).mean()
        optimiser.zero_grad()
        now.backward()
        torch.nn.utils.clip_grad_norm_(unet.parameters(), 1.0)
        optimiser.step()
        keep = min(_EMA, (1 + step) / (10 + step))
        for name, tensor in unet.state_dict().items():
            average[name].lerp_(tensor, 1 - keep)
        loss = now.item() if step == 0 else 0.99 * loss + 0.01 * now.item()
        if step % 100 == 0:
            say(f"drawing: step {step} of {recipe.steps}, weighted loss {loss:.4f}")
        if (step + 1) % 500 == 0:
            counters = {"step": torch.tensor(step + 1), "loss": torch.tensor(loss)}
            run.keep("denoiser", {**_progress(unet, average, optimiser), **counters})
    unet.load_state_dict(average)
    unet.eval()
    return loss


def _progress(
    unet: UNet2DConditionModel, average: dict[str, torch.Tensor], optimiser: torch.optim.Optimizer
) -> dict[str, torch.Tensor]:
    moments = optimiser.state_dict()["state"]
    return {
        **{f"now.{name}": tensor for name, tensor in unet.state_dict().items()},
        **{f"average.{name}": tensor for name, tensor in average.items()},
        **{f"adam.{k}.{name}": tensor for k, state in moments.items() for name, tensor in state.items()},
    }


def _load_progress(
    kept: dict[str, torch.Tensor],
    unet: UNet2DConditionModel,
    average: dict[str, torch.Tensor],
    optimiser: torch.optim.Optimizer,
) -> None:
    unet.load_state_dict({name.removeprefix("now."): t for name, t in kept.items() if name.startswith("now.")})
    for name, tensor in average.items():
        tensor.copy_(kept[f"average.{name}"])
    moments: dict[int, dict[str, torch.Tensor]] = {}
    for name, tensor in kept.items():
        if name.startswith("adam."):
            _, number, kind = name.split(".")
            moments.setdefault(int(number), {})[kind] = tensor
    optimiser.load_state_dict({**optimiser.state_dict(), "state": moments})


def _set_rate(optimiser: torch.optim.Optimizer, rate: float, step: int, steps: int) -> None:
    """A short rise, then half a cosine down to a twentieth."""
    share = step / max(1, steps)
    for group in optimiser.param_groups:
        group["lr"] = rate * min(1.0, (step + 1) / 50) * (0.05 + 0.95 * 0.5 * (1 + np.cos(np.pi * share)))


def new_packer(recipe: SkinRecipe) -> AutoencoderTiny:
    """An autoencoder that packs a picture into 16 x 16 x `LATENTS`."""
    n = 4  # three halvings: `REDUCTION`
    return AutoencoderTiny(
        in_channels=CHANNELS,
        out_channels=CHANNELS,
        latent_channels=LATENTS,
        encoder_block_out_channels=(recipe.packer_width,) * n,
        decoder_block_out_channels=(recipe.packer_width,) * n,
        num_encoder_blocks=(1,) * n,
        num_decoder_blocks=(1,) * n,
    )


def new_denoiser(recipe: SkinRecipe) -> UNet2DConditionModel:
    """A denoiser that is told the conditions beside the time."""
    n = len(recipe.widths)
    return UNet2DConditionModel(
        sample_size=SIDE // REDUCTION,
        in_channels=LATENTS,
        out_channels=LATENTS,
        block_out_channels=recipe.widths,
        layers_per_block=1,
        down_block_types=("DownBlock2D",) * n,
        up_block_types=("UpBlock2D",) * n,
        mid_block_type="UNetMidBlock2D",
        class_embed_type="simple_projection",
        projection_class_embeddings_input_dim=len(NAMES),
        cross_attention_dim=8,
        norm_num_groups=8,
    )


def _card(recipe: SkinRecipe, packed: float, denoised: float) -> str:
    asked = ("painted", "packer_steps", "steps", "seed")
    words = " ".join(f"--{name.replace('_', '-')} {vars(recipe)[name]}" for name in asked)
    return f"""---
library_name: diffusers
license: apache-2.0
tags: [synthetic, skin, texture]
---
# A diffusion model of UV skins for pain3d

Draws the ground of a face's skin on the atlas of pain3d: colours, relief and gloss broader than about 2 mm. The
procedural painter adds grain, hairs, lines and marks. It learned from painted skins only: no photograph, no person.

Made by `pain3d train-skin OUT {words}`.

| figure | value |
|---|---|
| autoencoder, mean squared error in units of each channel's variance | {packed:.4f} |
| denoiser, min-SNR weighted v loss | {denoised:.4f} |
"""
