"""From tokens to what is read off a face: six AUs, PSPI, and the chance that PSPI reaches 1, 2, 3."""

from __future__ import annotations

from typing import NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pain3d.facs import MAX_INTENSITY, MAX_PSPI, PAIN_AUS
from pain3d.model.attention import CrossAttention
from pain3d.model.backbone import Tokens
from pain3d.model.config import ViTPainConfig

THRESHOLDS = (1, 2, 3)
"""PSPI from which a frame counts as pain, in the field's three usual readings."""

QUERIES = len(PAIN_AUS)

LANDMARKS = 68
"""iBUG-68."""

START_PSPI, START_INTENSITY, START_CLOSED, START_PAIN = 6.0, 1.6, 0.2, 0.7
"""What an untrained model says: means over a dataset with 1 neutral, 10 pain and 3 distractor frames a view."""


class Readings(NamedTuple):
    """Outputs of the heads."""

    pspi: Float[Tensor, " batch"]
    aus: Float[Tensor, "batch 6"]
    au43_logit: Float[Tensor, " batch"]
    ordinal_logits: Float[Tensor, "batch 3"]
    attention: Float[Tensor, "batch 6 patch"]
    landmarks: Float[Tensor, "batch 68 2"] | None


class Layout(nn.Module):
    """All patches in their places, a few channels of each: what tells an eye's corner from a mouth's."""

    def __init__(self, config: ViTPainConfig, channels: int) -> None:
        super().__init__()
        width, (rows, columns) = config.backbone.hidden_size, config.grid
        flat = rows * columns * channels
        self.squeeze = nn.Linear(width, channels)
        self.read = nn.Sequential(nn.LayerNorm(flat), nn.Linear(flat, width), nn.GELU())
        self.landmarks = nn.Linear(flat, 2 * LANDMARKS) if config.landmarks else None
        if self.landmarks is not None:
            nn.init.constant_(self.landmarks.bias, 0.5)  # the middle of the crop

    def forward(
        self, patches: Float[Tensor, "batch patch width"]
    ) -> tuple[Float[Tensor, "batch width"], Float[Tensor, "batch 68 2"] | None]:
        """The layout as one vector, and the landmarks."""
        flat = self.squeeze(patches).flatten(1)
        points = None if self.landmarks is None else self.landmarks(flat).float().unflatten(1, (LANDMARKS, 2))
        return self.read(flat), points


class Heads(nn.Module):
    """Six learned queries look at the patches, one for each AU; PSPI sees these, the CLS token and the layout (without
    one, the mean patch)."""

    def __init__(self, config: ViTPainConfig) -> None:
        super().__init__()
        width, hidden = config.backbone.hidden_size, config.head_hidden
        self.layout = None if config.layout_channels is None else Layout(config, config.layout_channels)
        self.queries = nn.Parameter(torch.randn(QUERIES, width) * 0.02)
        self.norm_queries = nn.LayerNorm(width)
        self.attention = CrossAttention(width, config.backbone.heads)
        self.au_mlp = nn.Sequential(
            nn.LayerNorm(width), nn.Linear(width, hidden), nn.GELU(), nn.Dropout(config.head_dropout)
        )
        self.au_weight = nn.Parameter(torch.randn(QUERIES, hidden) * 0.02)
        self.au_bias = nn.Parameter(_logits([START_INTENSITY / MAX_INTENSITY] * (QUERIES - 1) + [START_CLOSED]))
        joined = (2 + QUERIES) * width
        self.pspi_mlp = nn.Sequential(
            nn.LayerNorm(joined), nn.Linear(joined, hidden), nn.GELU(), nn.Dropout(config.head_dropout)
        )
        self.pspi_output = nn.Linear(hidden, 1)
        self.ordinal_output = nn.Linear(hidden, len(THRESHOLDS))
        self._start()

    def _start(self) -> None:
        """Outputs near the dataset's mean, so that no early step is spent on finding it."""
        for layer in (self.pspi_output, self.ordinal_output):
            nn.init.trunc_normal_(layer.weight, std=0.02)
        with torch.no_grad():
            self.pspi_output.bias.copy_(_logits([START_PSPI / MAX_PSPI]))
            # softplus(-1) = 0.31: the three chances start at 0.70, 0.63, 0.56
            self.ordinal_output.bias.copy_(torch.cat([_logits([START_PAIN]), torch.full((len(THRESHOLDS) - 1,), -1.0)]))

    def forward(self, tokens: Tokens) -> Readings:
        """All readings, in float32."""
        queries = self.queries.expand(tokens.cls.shape[0], -1, -1)
        looked, attention = self.attention.with_weights(self.norm_queries(queries), tokens.patches)
        au_tokens = queries + looked
        whole, landmarks = tokens.patches.mean(1), None
        if self.layout is not None:
            whole, landmarks = self.layout(tokens.patches)
            au_tokens = au_tokens + whole[:, None]
        au_logits = (self.au_mlp(au_tokens) * self.au_weight).sum(-1).float() + self.au_bias
        aus = torch.sigmoid(au_logits) * _ranges(au_logits)
        joined = torch.cat([tokens.cls, whole, au_tokens.flatten(1)], dim=1)
        hidden = self.pspi_mlp(joined)
        return Readings(
            pspi=MAX_PSPI * torch.sigmoid(self.pspi_output(hidden).float().squeeze(1)),
            aus=aus,
            au43_logit=au_logits[:, -1],
            ordinal_logits=_descending(self.ordinal_output(hidden).float()),
            attention=attention,
            landmarks=landmarks,
        )


def _descending(raw: Float[Tensor, "batch 3"]) -> Float[Tensor, "batch 3"]:
    """Logits that fall from threshold to threshold: P(PSPI >= 1) >= P(PSPI >= 2) >= P(PSPI >= 3) by construction."""
    steps = torch.cat([raw[:, :1], -functional.softplus(raw[:, 1:])], dim=1)
    return steps.cumsum(dim=1)


def _ranges(like: Tensor) -> Float[Tensor, "6"]:
    """The largest value of each AU: 5, and 1 for AU43, a probability."""
    return torch.tensor([MAX_INTENSITY] * (QUERIES - 1) + [1.0], dtype=like.dtype, device=like.device)


def _logits(shares: list[float]) -> Tensor:
    return torch.logit(torch.tensor(shares))
