"""A skin model on disk: a diffusers directory with safetensors, read strictly; no pickle, nothing executed.

FOLDER/model_index.json      the parts, as diffusers names them
FOLDER/unet, FOLDER/vae      config.json and diffusion_pytorch_model.safetensors (half precision)
FOLDER/skin/                 config.json: format, conditions, scales; mean.safetensors: the mean picture
FOLDER/README.md             model card
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from diffusers.models.autoencoders.autoencoder_tiny import AutoencoderTiny
from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from pain3d import __version__
from pain3d.errors import DataError, storage_error
from pain3d.outside import json_of
from pain3d.skin.diffusion.conditions import NAMES
from pain3d.skin.diffusion.folder import CONFIG, INDEX, WEIGHTS, digest_of

FORMAT_VERSION = 1
SCALES = ("mean", "picture_scale", "latent_mean", "latent_scale")
_PARTS = {"unet": UNet2DConditionModel, "vae": AutoencoderTiny}


@dataclass(frozen=True, kw_only=True, eq=False)
class SkinModel:
    """A denoiser and an autoencoder with what their numbers mean."""

    unet: UNet2DConditionModel
    vae: AutoencoderTiny
    scales: Mapping[str, torch.Tensor]
    """``mean`` picture (channel, side, side); ``picture_scale`` (channel, 1, 1); ``latent_mean``, ``latent_scale``."""
    digest: str
    """SHA-256 of the files; empty while it is being trained."""


def load(folder: Path) -> SkinModel:
    """A skin model on the CPU, in float32.

    Raises:
        DataError: names the file, what is wrong with it and the way out.
    """
    digest = digest_of(folder)
    path = folder / "skin" / CONFIG
    config = _json(path)
    if config.get("format_version") != FORMAT_VERSION or config.get("conditions") != list(NAMES):
        raise DataError(
            f"{path}: has format_version {config.get('format_version')!r}, or other conditions; this pain3d "
            f"({__version__}) reads {FORMAT_VERSION}; use the version that wrote it ({config.get('pain3d_version')})"
        )
    scales = _tensors(folder / "skin" / "mean.safetensors")
    if set(scales) != set(SCALES):
        raise DataError(
            f"{folder / 'skin/mean.safetensors'}: holds {sorted(scales)}, not {sorted(SCALES)}; get it again"
        )
    unet, vae = (_part(folder / name, kind) for name, kind in _PARTS.items())
    return SkinModel(unet=unet, vae=vae, scales=scales, digest=digest)


def save(model: SkinModel, folder: Path, *, card: str) -> Path:
    """Write a skin model in half precision.

    Raises:
        StorageError: if the disk does not take it.
    """
    try:
        for name in ("skin", *_PARTS):
            (folder / name).mkdir(parents=True, exist_ok=True)
        for name, part in (("unet", model.unet), ("vae", model.vae)):
            # block_out_channels: AutoencoderTiny writes it, and complains when it reads it
            kept = json.loads(part.to_json_string())
            if name == "vae":
                del kept["block_out_channels"]
            (folder / name / CONFIG).write_text(json.dumps(kept, indent=2) + "\n", encoding="utf-8")
            _write(part.state_dict(), folder / name / WEIGHTS, torch.float16)
        _write(model.scales, folder / "skin" / "mean.safetensors", torch.float16)
        config = {"format_version": FORMAT_VERSION, "pain3d_version": __version__, "conditions": list(NAMES)}
        (folder / "skin" / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
        index = {"_class_name": "DiffusionPipeline", **{n: ["diffusers", k.__name__] for n, k in _PARTS.items()}}
        (folder / INDEX).write_text(json.dumps(index, indent=2) + "\n", encoding="utf-8")
        (folder / "README.md").write_text(card, encoding="utf-8")
    except OSError as error:
        raise storage_error(folder, error) from error
    return folder


def _part(folder: Path, kind: Any) -> Any:
    config, weights = _json(folder / CONFIG), _tensors(folder / WEIGHTS)
    try:
        with torch.random.fork_rng(devices=[]):
            part = kind.from_config(config)
        part.load_state_dict(weights, strict=True)
    except Exception as error:  # whatever a constructor makes of values from outside
        raise DataError(f"{folder / WEIGHTS}: does not fit its {CONFIG}; get both again ({error})") from error
    return part.eval().requires_grad_(False)


def _json(path: Path) -> dict[str, Any]:
    try:
        data = json_of(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: is not readable JSON ({error}); get the file again") from error
    if not isinstance(data, dict):
        raise DataError(f"{path}: holds no object; get the file again")
    return data


def _tensors(path: Path) -> dict[str, torch.Tensor]:
    try:
        tensors = {name: tensor.float() for name, tensor in load_file(path).items()}
    except (SafetensorError, OSError, ValueError) as error:
        raise DataError(f"{path}: is damaged or truncated ({error}); get the file again") from error
    for name, tensor in tensors.items():
        if not torch.isfinite(tensor).all():
            raise DataError(f"{path}: {name} holds values that are no numbers; get the file again, or train again")
    return tensors


def _write(tensors: Mapping[str, torch.Tensor], path: Path, dtype: torch.dtype) -> None:
    save_file({name: tensor.detach().cpu().to(dtype).contiguous() for name, tensor in tensors.items()}, path)
