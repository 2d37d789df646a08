"""The comparison with neutral pictures of the same person."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn

from pain3d.model.attention import CrossAttention
from pain3d.model.backbone import Tokens
from pain3d.model.config import ViTPainConfig


class NeutralComparison(nn.Module):
    """Blocks in which the tokens of a picture ask the tokens of its neutral references.

    The references of a face are one set of tokens: their order does not matter, and any number of them will do.
    """

    def __init__(self, config: ViTPainConfig) -> None:
        super().__init__()
        if config.neutral is None:
            raise AssertionError("a model without neutral references has no comparison")
        width = config.backbone.hidden_size
        self.blocks = nn.ModuleList(Block(width, config.neutral.heads) for _ in range(config.neutral.layers))
        self.norm = nn.LayerNorm(width)

    def forward(self, tokens: Tokens, references: Float[Tensor, "batch token width"]) -> Tokens:
        """The tokens of the picture with what differs from its references."""
        both = torch.cat([tokens.cls[:, None], tokens.patches], dim=1)
        for block in self.blocks:
            both = block(both, references)
        both = self.norm(both)
        return Tokens(cls=both[:, 0], patches=both[:, 1:])


class Block(nn.Module):
    """Pre-norm cross-attention and MLP, each beside a residual path."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.norm_tokens = nn.LayerNorm(width)
        self.norm_references = nn.LayerNorm(width)
        self.attention = CrossAttention(width, heads)
        self.norm_mlp = nn.LayerNorm(width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(
        self, tokens: Float[Tensor, "batch query width"], references: Float[Tensor, "batch token width"]
    ) -> Float[Tensor, "batch query width"]:
        """Tokens of the same shape."""
        tokens = tokens + self.attention(self.norm_tokens(tokens), self.norm_references(references))
        return tokens + self.mlp(self.norm_mlp(tokens))
