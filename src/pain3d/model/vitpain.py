"""ViTPain: a face, and if configured neutral pictures of it, to PSPI and the Action Units of pain."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor, nn

from pain3d.errors import ArgumentError
from pain3d.model import checkpoint
from pain3d.model.backbone import Backbone, Tokens
from pain3d.model.calibration import Calibration
from pain3d.model.config import ViTPainConfig
from pain3d.model.features import Features
from pain3d.model.heads import Heads
from pain3d.model.neutral import NeutralComparison
from pain3d.model.prediction import Prediction, predictions_of

if TYPE_CHECKING:
    from pain3d.pictures import PictureLike

Box = Sequence[float]
"""Left, top, right, bottom in pixels."""


class ViTPain(nn.Module):
    """Reads PSPI, six Action Units and the chance of PSPI >= 1, 2, 3 from a square crop of a face.

        model = ViTPain.from_pretrained("vitpain-tiny")
        model.predict("photo.jpg").pspi

    Parameters of the backbones have names that start with `backbone.` or `neutral_encoder.`; the others are heads.
    """

    def __init__(self, config: ViTPainConfig, *, seed: int = 0, encoder_config: dict[str, Any] | None = None) -> None:
        """
        Args:
            seed: of the first weights; torch's own random state is left as it was.
            encoder_config: of the pretrained backbone, as a checkpoint holds it; nothing is then downloaded.
        """
        super().__init__()
        self.config = config
        self.calibration: Calibration | None = None
        """Thresholds and intervals, if the checkpoint brought them."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            self.backbone = Backbone(config, encoder_config)
            separate = config.neutral is not None and config.neutral.encoder == "separate"
            self.neutral_encoder = Backbone(config, encoder_config) if separate else None
            self.comparison = NeutralComparison(config) if config.neutral is not None else None
            self.heads = Heads(config)
        shape = (1, config.channels, 1, 1)
        self.register_buffer("mean", torch.tensor(config.mean).reshape(shape), persistent=False)
        self.register_buffer("std", torch.tensor(config.std).reshape(shape), persistent=False)

    def forward(
        self,
        image: Float[Tensor, "batch channel size size"],
        neutral: Float[Tensor, "batch shot channel size size"] | None = None,
    ) -> Features:
        """Everything the model says about a batch.

        Args:
            image: 0..1, cropped; a heatmap counts in units of `config.heatmap_max_mm`.
            neutral: neutral references of the same persons, for a model that compares with them.

        Raises:
            ArgumentError: if neutral references are missing or refused, or a shape is not the configuration's.
        """
        self._check(image, neutral)
        tokens = self._encode(image, neutral)
        readings = self.heads(tokens)
        return Features(cls=tokens.cls, patches=tokens.patches, grid=self.config.grid, **readings._asdict())

    def _encode(self, image: Tensor, neutral: Tensor | None) -> Tokens:
        if self.comparison is None or neutral is None:
            return self.backbone(self._normalised(image))
        count, shots = neutral.shape[:2]
        references = neutral.flatten(0, 1)
        if self.neutral_encoder is None:
            # One pass over both, the pictures first: in training, batch statistics then are of both kinds.
            both = self.backbone(self._normalised(torch.cat([image, references])))
            tokens = Tokens(cls=both.cls[:count], patches=both.patches[:count])
            others = Tokens(cls=both.cls[count:], patches=both.patches[count:])
        else:
            tokens = self.backbone(self._normalised(image))
            others = self.neutral_encoder(self._normalised(references))
        compared = torch.cat([others.cls[:, None], others.patches], dim=1)
        return self.comparison(tokens, compared.unflatten(0, (count, shots)).flatten(1, 2))

    def _normalised(self, image: Tensor) -> Tensor:
        return (image - cast(Tensor, self.mean)) / cast(Tensor, self.std)

    def _check(self, image: Tensor, neutral: Tensor | None) -> None:
        side = self.config.image_size
        one = (self.config.channels, side, side)
        if image.ndim != 4 or tuple(image.shape[1:]) != one:
            raise ArgumentError(
                f"image: shape {tuple(image.shape)} is not [batch, {', '.join(map(str, one))}] as the model is "
                f"configured ({self.config.input}, image_size {side}); cut it with pain3d.model.crop.cut"
            )
        if self.config.neutral is None and neutral is not None:
            raise ArgumentError(
                "neutral: this model reads one picture; leave neutral out, or load a model that compares"
            )
        if self.config.neutral is not None and neutral is None:
            raise ArgumentError(
                "neutral: this model compares with neutral pictures of the same person; give at least one"
            )
        if neutral is not None and (
            neutral.ndim != 5
            or not neutral.shape[1]
            or tuple(neutral.shape[2:]) != one
            or neutral.shape[0] != image.shape[0]
        ):
            raise ArgumentError(
                f"neutral: shape {tuple(neutral.shape)} is not [{image.shape[0]}, references, "
                f"{', '.join(map(str, one))}]"
            )

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return self.heads.queries.device

    @property
    def parameter_count(self) -> int:
        """Number of weights, frozen ones included."""
        return sum(parameter.numel() for parameter in self.parameters())

    @property
    def trainable_count(self) -> int:
        """Number of weights that training changes."""
        return sum(parameter.numel() for parameter in self.parameters() if parameter.requires_grad)

    def describe(self) -> str:
        """One line for people."""
        config = self.config
        backbone = config.backbone
        origin = backbone.pretrained or f"from scratch, {backbone.stem} stem"
        parts = [
            f"{backbone.kind} {backbone.hidden_size} x {backbone.layers} ({origin})",
            f"{config.input} {config.image_size} px, {config.grid[0]} x {config.grid[1]} patches",
            "no neutral" if config.neutral is None else f"neutral by a {config.neutral.encoder} encoder",
            f"{self.parameter_count / 1e6:.2f} M parameters, {self.trainable_count / 1e6:.2f} M trained",
        ]
        return "ViTPain: " + "; ".join(parts if config.lora is None else [*parts, f"LoRA rank {config.lora.rank}"])

    def encoder_config(self) -> dict[str, Any] | None:
        """Configuration of a pretrained backbone, for a checkpoint; None for one from scratch."""
        if self.config.backbone.pretrained is None:
            return None
        held = copy.deepcopy(self.backbone.encoder.config.to_dict())
        return {name: value for name, value in held.items() if not name.startswith("_") and name not in _MACHINE}

    @classmethod
    def from_pretrained(cls, name_or_path: str | Path) -> ViTPain:
        """A bundled name (`vitpain-tiny`), a run folder, a folder of `save_pretrained`, or a Hub id; on the CPU.

        Raises:
            DataError: if there is none, or if it is damaged or of another version.
        """
        return checkpoint.load(name_or_path)

    def save_pretrained(self, folder: str | Path, *, card: str | None = None) -> Path:
        """Write config.json, model.safetensors, and calibration.json and README.md where there are such.

        Raises:
            StorageError: if the disk does not take it; what was there before is then intact.
        """
        return checkpoint.save(self, Path(folder), card=card)

    def push_to_hub(self, repo_id: str, *, card: str | None = None, private: bool = False) -> str:
        """Upload what `save_pretrained` writes to the Hugging Face Hub; the address of the commit."""
        return checkpoint.push(self, repo_id, card=card, private=private)

    def predict(
        self,
        image: PictureLike,
        neutral: PictureLike | Sequence[PictureLike] | None = None,
        *,
        box: Box | None = None,
        neutral_box: Box | None = None,
    ) -> Prediction:
        """Read one photo of any size; the face is found and cropped as in training.

        Args:
            image: path, PIL image, or uint8 array [height, width, 3].
            neutral: one or more neutral pictures of the same person, for a model that compares.
            box: the face in `image` (left, top, right, bottom, in pixels, forehead to chin); None: it is detected.
            neutral_box: the same for each neutral picture.

        Raises:
            NoFaceError: if no face is found.
            DataError: if a file is not a readable picture.
            ArgumentError: if the model reads heatmaps, or neutral pictures are missing or refused.
        """
        from pain3d.model.face import crop_face, crop_neutrals  # the detector is loaded when it is needed

        if self.config.input != "rgb":
            raise ArgumentError("predict: this model reads heatmaps (a teacher); load a model with input 'rgb'")
        neutrals = crop_neutrals(neutral, self.config, neutral_box)
        crop = crop_face(image, self.config, box)
        (prediction,) = self.predict_crops(crop.pixels[None], None if neutrals is None else neutrals[None])
        return prediction.at(box=crop.box, square=crop.square, size=crop.size)

    @torch.inference_mode()
    def predict_crops(
        self,
        crops: UInt8[np.ndarray, "batch size size channel"],
        neutrals: UInt8[np.ndarray, "batch shot size size channel"] | None = None,
    ) -> list[Prediction]:
        """Read crops that were cut with `pain3d.model.crop.cut`; the model's mode (training or not) is left as it was.

        Args:
            crops: sRGB (or heatmaps) 0..255.
            neutrals: as many neutral references for each.
        """
        was_training = self.training
        self.eval()
        try:
            image = self._tensor(crops)
            features = self(image, None if neutrals is None else self._tensor(neutrals))
        finally:
            self.train(was_training)
        return predictions_of(features, self.calibration)

    def _tensor(self, crops: UInt8[np.ndarray, "*batch size size channel"]) -> Tensor:
        if crops.dtype != np.uint8:
            raise ArgumentError(f"crops: {crops.dtype} values; give uint8 0..255")
        channels_first = np.ascontiguousarray(np.moveaxis(crops, -1, -3))
        return torch.from_numpy(channels_first).to(self.device).float() / 255


_MACHINE = ("transformers_version", "architectures", "dtype", "name_or_path")
"""Entries of a transformers configuration that say where it came from, not what it is."""
