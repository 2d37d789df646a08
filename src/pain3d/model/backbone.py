"""The vision transformer, run through its own forward in `transformers`: positions, registers and norms included.

Calling its blocks one by one, as published code of this field did, loses rotary positions and register tokens and
leaves the model blind to where a patch is.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from transformers import (
    AutoConfig,
    AutoModel,
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    DINOv3ViTConfig,
    DINOv3ViTModel,
    PretrainedConfig,
    PreTrainedModel,
    ViTConfig,
    ViTModel,
)

from pain3d.errors import ArgumentError, DataError
from pain3d.model.config import BackboneConfig, LoraConfig, ViTPainConfig

ATTENTION_PROJECTIONS = r"(.*\.)?attention\.(q_proj|k_proj|v_proj|o_proj)"
"""Full names of the modules that take an adapter, in all three architectures: nothing outside attention."""


class Tokens(NamedTuple):
    """What a backbone says about a batch of pictures; register tokens are left out."""

    cls: Float[Tensor, "batch width"]
    patches: Float[Tensor, "batch patch width"]
    """Row by row from the top left."""


class Backbone(nn.Module):
    """A picture in, tokens out."""

    def __init__(self, config: ViTPainConfig, encoder_config: Mapping[str, Any] | None = None) -> None:
        """
        Args:
            encoder_config: of `transformers`, as a checkpoint holds it: the weights are then left random, to be
                overwritten, and nothing is downloaded.

        Raises:
            DataError: if pretrained weights cannot be read.
            ArgumentError: if they are of other sizes than the configuration.
        """
        super().__init__()
        backbone = config.backbone
        self.prefix = 1 + backbone.registers
        if backbone.pretrained is None:
            self.stem = ConvStem(config) if backbone.stem == "conv" else nn.Identity()
            self.encoder = _from_scratch(config)
        else:
            self.stem = nn.Identity()
            self.encoder = _pretrained(backbone, encoder_config)
        channels = self.encoder.config.num_channels
        self.repeat = channels if config.channels == 1 and channels == 3 else 1
        self.interpolate = backbone.kind == "vit"
        if config.lora is not None:
            _adapt(self.encoder, config.lora)
        _freeze_idle(self.encoder)

    def forward(self, pixels: Float[Tensor, "batch channel height width"]) -> Tokens:
        """Tokens of normalised pictures."""
        pixels = self.stem(pixels.expand(-1, self.repeat, -1, -1) if self.repeat > 1 else pixels)
        # ViT is the one that must be told that a picture may be of another size than its position table.
        options = {"interpolate_pos_encoding": True} if self.interpolate else {}
        tokens = self.encoder(pixel_values=pixels, **options).last_hidden_state
        return Tokens(cls=tokens[:, 0], patches=tokens[:, self.prefix :])


class ConvStem(nn.Sequential):
    """Strided 3x3 convolutions from pixels to a map with one cell a patch; channels double up to the token width."""

    def __init__(self, config: ViTPainConfig) -> None:
        steps = config.backbone.patch_size.bit_length() - 1
        last = config.encoder_channels
        widths = [config.channels, *(max(1, last >> (steps - 1 - i)) for i in range(steps))]
        layers: list[nn.Module] = []
        for before, after in pairwise(widths):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(after), nn.GELU()]
        super().__init__(*layers)
        self.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue]  # a quarter faster on a CPU

    def forward(self, input: Float[Tensor, "batch channel height width"]) -> Float[Tensor, "batch out row column"]:
        return super().forward(input.to(memory_format=torch.channels_last))


def _from_scratch(config: ViTPainConfig) -> PreTrainedModel:
    backbone = config.backbone
    conv = backbone.stem == "conv"
    shared: dict[str, Any] = {
        "hidden_size": backbone.hidden_size,
        "num_hidden_layers": backbone.layers,
        "num_attention_heads": backbone.heads,
        "image_size": config.grid[0] if conv else config.image_size,
        "patch_size": 1 if conv else backbone.patch_size,
        "num_channels": config.encoder_channels,
    }
    if backbone.kind == "dinov2_with_registers":
        return Dinov2WithRegistersModel(
            Dinov2WithRegistersConfig(
                **shared,
                mlp_ratio=backbone.mlp_ratio,
                num_register_tokens=backbone.registers,
                drop_path_rate=backbone.drop_path,
            )
        )
    shared["intermediate_size"] = backbone.hidden_size * backbone.mlp_ratio
    if backbone.kind == "dinov3_vit":
        return DINOv3ViTModel(
            DINOv3ViTConfig(
                **shared,
                num_register_tokens=backbone.registers,
                drop_path_rate=backbone.drop_path,
                pos_embed_rescale=None,  # one image size: nothing to be robust against
            )
        )
    return ViTModel(ViTConfig(**shared), add_pooling_layer=False)


def _pretrained(backbone: BackboneConfig, encoder_config: Mapping[str, Any] | None) -> PreTrainedModel:
    """The weights of the hub or of a folder; only their architecture when a checkpoint brings its own weights."""
    options = {"add_pooling_layer": False} if backbone.kind == "vit" else {}
    if encoder_config is not None:
        config = AutoConfig.for_model(**encoder_config)
        _check_sizes(backbone, config)
        return AutoModel.from_config(config, **options)
    name = str(backbone.pretrained)
    changes: dict[str, Any] = {} if backbone.kind == "vit" else {"drop_path_rate": backbone.drop_path}
    if backbone.kind == "dinov3_vit":
        changes["pos_embed_rescale"] = None
    try:
        _check_sizes(backbone, AutoConfig.from_pretrained(name))
        return AutoModel.from_pretrained(name, use_safetensors=True, dtype=torch.float32, **options, **changes)
    except ArgumentError:
        raise
    except (OSError, ValueError, TypeError) as error:
        known = "the folder" if Path(name).exists() else "the hub id"
        raise DataError(
            f"backbone.pretrained: {name!r}: no weights could be read from {known} ({_first_line(error)}); connect to "
            f"the network, download them beforehand and name the folder, or set pretrained to null to start from "
            f"scratch"
        ) from error


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _check_sizes(backbone: BackboneConfig, encoder: PretrainedConfig) -> None:
    """Hold the configuration against what the weights say of themselves."""
    if encoder.model_type != backbone.kind:
        raise ArgumentError(
            f"backbone.kind: {backbone.kind!r}, but {backbone.pretrained!r} is of kind {encoder.model_type!r}; set "
            f"kind to that, or name other weights"
        )
    truth = {
        "hidden_size": encoder.hidden_size,
        "layers": encoder.num_hidden_layers,
        "heads": encoder.num_attention_heads,
        "patch_size": encoder.patch_size,
        "registers": 0 if backbone.kind == "vit" else encoder.num_register_tokens,
        "mlp_ratio": encoder.mlp_ratio
        if backbone.kind == "dinov2_with_registers"
        else encoder.intermediate_size // encoder.hidden_size,
    }
    wrong = {name: value for name, value in truth.items() if value != getattr(backbone, name)}
    if wrong:
        sizes = ", ".join(f"{name}={value}" for name, value in wrong.items())
        raise ArgumentError(
            f"backbone: the weights {backbone.pretrained!r} are of other sizes than the configuration; write {sizes}"
        )


def _adapt(encoder: PreTrainedModel, lora: LoraConfig) -> None:
    """Freeze the encoder and put adapters on its attention projections."""
    from peft import LoraConfig as PeftLoraConfig  # slow to import, and seldom needed
    from peft import inject_adapter_in_model

    encoder.requires_grad_(False)
    peft = PeftLoraConfig(
        r=lora.rank, lora_alpha=lora.alpha, lora_dropout=lora.dropout, target_modules=ATTENTION_PROJECTIONS
    )  # pyright: ignore[reportCallIssue]
    inject_adapter_in_model(peft, encoder)


def _freeze_idle(encoder: PreTrainedModel) -> None:
    """Take no gradient for what the forward never uses: the mask token of pretraining, an empty set of registers."""
    for name, parameter in encoder.named_parameters():
        if name.endswith("mask_token") or parameter.numel() == 0:
            parameter.requires_grad_(False)
