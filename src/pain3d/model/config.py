"""What a ViTPain is built from: frozen configurations that refuse contradictions at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pain3d.errors import ArgumentError
from pain3d.model import codec
from pain3d.model.crop import CropPolicy

Kind = Literal["dinov2_with_registers", "dinov3_vit", "vit"]

RGB_MEAN, RGB_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""ImageNet's, which DINOv2 and DINOv3 (web images) were trained with."""

GREY_HEATMAP_MEAN, GREY_HEATMAP_STD = (0.05,), (0.12,)
"""Mean and deviation, rounded, of face crops of pain frames at 16 mm: the map is black but for the moved regions."""

COLOUR_HEATMAP_MEAN, COLOUR_HEATMAP_STD = (0.10, 0.02, 0.005), (0.22, 0.08, 0.04)


_MOST = 16_384
"""Of any count of a configuration: a file of a few bytes can ask for a model that no memory holds."""


@dataclass(frozen=True, kw_only=True)
class BackboneConfig:
    """A vision transformer of `transformers`."""

    kind: Kind = "dinov2_with_registers"
    """Architecture, as `transformers` names it (`model_type`)."""
    pretrained: str | None = None
    """Hub id or folder of its weights; None: from scratch. The sizes below must then be those of the weights."""
    hidden_size: int = 192
    """Width of a token."""
    layers: int = 6
    heads: int = 3
    """Attention heads of a layer."""
    mlp_ratio: int = 4
    """Hidden width of a layer's MLP over `hidden_size`."""
    patch_size: int = 16
    """Side in pixels of the square that one patch token stands for, stem included."""
    registers: int = 2
    """Extra tokens that keep global information off the patches (Darcet et al. 2024); 0 for `vit`."""
    stem: Literal["patch", "conv"] = "conv"
    """`patch`: the usual linear patch embedding. `conv`: strided 3x3 convolutions whose feature map the backbone's own
    forward reads with patch 1 (Xiao et al. 2021, "Early convolutions help transformers see better"): learns far
    faster from scratch; the patch size must be 4, 8, 16 or 32."""
    stem_width: int | None = None
    """Channels of a convolutional stem's last stage, halved from stage to stage before it; None: `hidden_size`."""
    drop_path: float = 0.0
    """Chance of skipping a layer in training (stochastic depth)."""

    def __post_init__(self) -> None:
        for name in ("hidden_size", "layers", "heads", "mlp_ratio", "patch_size"):
            _at_least(f"backbone.{name}", getattr(self, name), 1)
        _at_least("backbone.registers", self.registers, 0)
        _share("backbone.drop_path", self.drop_path)
        if self.stem_width is not None:
            _at_least("backbone.stem_width", self.stem_width, 1)
            if self.stem != "conv":
                raise ArgumentError(f"backbone.stem_width: {self.stem_width} needs stem='conv'; leave it out")
        if self.hidden_size % (4 * self.heads):
            raise ArgumentError(
                f"backbone.hidden_size: {self.hidden_size} is not a multiple of 4 x heads ({self.heads}); write for "
                f"example {4 * self.heads * max(1, round(self.hidden_size / (4 * self.heads)))}"
            )
        if self.kind == "vit" and (self.registers or self.drop_path):
            raise ArgumentError("backbone.kind: 'vit' has neither registers nor drop_path; set both to 0")
        if self.stem == "conv" and self.patch_size not in (4, 8, 16, 32):
            raise ArgumentError(
                f"backbone.patch_size: {self.patch_size} with stem='conv' is not 4, 8, 16 or 32; choose one of these "
                f"or stem='patch'"
            )
        if self.stem == "conv" and self.pretrained is not None:
            raise ArgumentError(
                f"backbone.stem: 'conv' starts from scratch, but pretrained={self.pretrained!r} brings its own patch "
                f"embedding; choose stem='patch'"
            )


@dataclass(frozen=True, kw_only=True)
class LoraConfig:
    """Low-rank adapters (Hu et al. 2022) on the attention projections; the rest of the backbone is frozen."""

    rank: int = 8
    alpha: int = 16
    """The adapter is scaled by alpha / rank."""
    dropout: float = 0.1

    def __post_init__(self) -> None:
        _at_least("lora.rank", self.rank, 1)
        _share("lora.dropout", self.dropout)


@dataclass(frozen=True, kw_only=True)
class NeutralConfig:
    """How a picture is compared with neutral pictures of the same person."""

    encoder: Literal["shared", "separate"] = "shared"
    """One backbone for both, or a second one of the same configuration for the neutral pictures."""
    layers: int = 1
    """Cross-attention blocks."""
    heads: int = 3

    def __post_init__(self) -> None:
        _at_least("neutral.layers", self.layers, 1)
        _at_least("neutral.heads", self.heads, 1)


@dataclass(frozen=True, kw_only=True)
class ViTPainConfig:
    """Everything that decides the architecture of a ViTPain and what it reads."""

    input: Literal["rgb", "heatmap"] = "rgb"
    """What the model sees: a picture, or a heatmap (the teacher)."""
    image_size: int = 112
    """Side of the square crop in pixels."""
    backbone: BackboneConfig = field(default_factory=BackboneConfig)
    lora: LoraConfig | None = None
    """None: the whole backbone is trained."""
    neutral: NeutralConfig | None = None
    """None: the model reads one picture and refuses a neutral one."""
    head_hidden: int = 192
    """Width of the hidden layer of the heads."""
    head_dropout: float = 0.1
    layout_channels: int | None = None
    """Channels that each patch keeps in the layout, the vector of all patches in their places that the heads read
    beside the tokens. The crop aligns faces, so that a place means a part of the face: from scratch, a model without it
    learns nothing from the first ten thousand frames. None: the mean patch instead, for pretrained backbones."""
    landmarks: bool = False
    """Whether a linear head reads the 68 landmarks off the layout."""
    crop: CropPolicy = field(default_factory=CropPolicy)
    """Which square around the face is cut out, in training and in prediction."""
    heatmap_max_mm: float = 16.0
    """Displacement that a heatmap value of 1 stands for; a dataset of another scale is refused."""
    mean: tuple[float, ...] = RGB_MEAN
    """Subtracted from each channel; their number is the number of channels: 3, or 1 for a grey heatmap."""
    std: tuple[float, ...] = RGB_STD
    """Divides each channel."""

    def __post_init__(self) -> None:
        _at_least("head_hidden", self.head_hidden, 1)
        _share("head_dropout", self.head_dropout)
        if self.layout_channels is not None:
            _at_least("layout_channels", self.layout_channels, 1)
        elif self.landmarks:
            raise ArgumentError("landmarks: True, but layout_channels is None; write for example layout_channels=32")
        _at_least("image_size", self.image_size, 1)
        if self.image_size % self.backbone.patch_size:
            raise ArgumentError(
                f"image_size: {self.image_size} is not a multiple of the patch size {self.backbone.patch_size}; write "
                f"for example {self.backbone.patch_size * max(1, round(self.image_size / self.backbone.patch_size))}"
            )
        if len(self.mean) != len(self.std) or self.channels not in ((3,) if self.input == "rgb" else (1, 3)):
            allowed = "3 channels" if self.input == "rgb" else "1 (grey) or 3 (colour) channels"
            raise ArgumentError(
                f"mean, std: {len(self.mean)} and {len(self.std)} values; input {self.input} has {allowed}"
            )
        if min(self.std) <= 0 or self.heatmap_max_mm <= 0:
            raise ArgumentError(f"std, heatmap_max_mm: {self.std}, {self.heatmap_max_mm} must be above 0")
        if self.neutral is not None and self.backbone.hidden_size % self.neutral.heads:
            raise ArgumentError(
                f"neutral.heads: {self.neutral.heads} does not divide the hidden size {self.backbone.hidden_size}; "
                f"write for example neutral.heads={self.backbone.heads}"
            )

    @property
    def encoder_channels(self) -> int:
        """Channels that the transformer's own patch embedding reads: the stem's last, or the picture's."""
        if self.backbone.stem == "patch":
            return self.channels
        return self.backbone.stem_width or self.backbone.hidden_size

    @property
    def channels(self) -> int:
        """Channels of the input: 3, or 1 for a grey heatmap."""
        return len(self.mean)

    @property
    def grid(self) -> tuple[int, int]:
        """Rows and columns of patches."""
        side = self.image_size // self.backbone.patch_size
        return side, side

    def to_json(self) -> dict[str, Any]:
        """Plain dictionaries, with every field."""
        return codec.to_json(self)

    @classmethod
    def from_json(cls, data: object, where: str = "config") -> ViTPainConfig:
        """What `to_json` wrote.

        Raises:
            DataError: for an unknown, missing or mistyped entry, named with `where`.
        """
        return codec.from_json(cls, data, where)


def tiny(**changes: Any) -> ViTPainConfig:
    """About 3 million parameters, from scratch, for two CPU cores; `changes` are fields of `ViTPainConfig`."""
    return ViTPainConfig(**_input(changes))


def small(**changes: Any) -> ViTPainConfig:
    """DINOv2-small with registers and pretrained weights (22 million parameters), all trained, 224 px, for one GPU."""
    backbone = BackboneConfig(
        pretrained="facebook/dinov2-with-registers-small",
        hidden_size=384,
        layers=12,
        heads=6,
        patch_size=14,
        registers=4,
        stem="patch",
        drop_path=0.1,
    )
    return ViTPainConfig(**{"backbone": backbone, "image_size": 224, "head_hidden": 384, **_input(changes)})


def paper(**changes: Any) -> ViTPainConfig:
    """The released ViTPain: DINOv3-L/16 (web images), LoRA of rank 8, a second encoder for the neutral picture."""
    backbone = BackboneConfig(
        kind="dinov3_vit",
        pretrained="facebook/dinov3-vitl16-pretrain-lvd1689m",
        hidden_size=1024,
        layers=24,
        heads=16,
        registers=4,
        stem="patch",
    )
    defaults = {
        "backbone": backbone,
        "image_size": 224,
        "lora": LoraConfig(),
        "neutral": NeutralConfig(encoder="separate", heads=8),
        "head_hidden": 512,
        "head_dropout": 0.3,
    }
    return ViTPainConfig(**{**defaults, **_input(changes)})


def _input(changes: dict[str, Any]) -> dict[str, Any]:
    """The mean and deviation that go with a grey heatmap, unless they are given."""
    if changes.get("input") == "heatmap" and "mean" not in changes:
        return {"mean": GREY_HEATMAP_MEAN, "std": GREY_HEATMAP_STD, **changes}
    return changes


def _at_least(name: str, value: int, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ArgumentError(f"{name}: {value!r} is not a whole number of at least {least}")
    if value > _MOST:
        raise ArgumentError(f"{name}: {value} is above {_MOST}; no model is as large")


def _share(name: str, value: float) -> None:
    if not 0 <= value < 1:
        raise ArgumentError(f"{name}: {value!r} is not in 0 <= {name} < 1")
