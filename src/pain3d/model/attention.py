"""Cross-attention, written out: its weights are an output that the spatial distillation trains."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional


class CrossAttention(nn.Module):
    """Multi-head attention of queries over other tokens."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.output = nn.Linear(width, width)
        for layer in (self.query, self.key, self.value, self.output):
            nn.init.xavier_uniform_(layer.weight)
            nn.init.zeros_(layer.bias)

    def forward(
        self, queries: Float[Tensor, "batch query width"], tokens: Float[Tensor, "batch token width"]
    ) -> Float[Tensor, "batch query width"]:
        """Attention through torch's fused kernel."""
        mixed = functional.scaled_dot_product_attention(
            self._split(self.query(queries)), self._split(self.key(tokens)), self._split(self.value(tokens))
        )
        return self.output(mixed.transpose(1, 2).flatten(2))

    def with_weights(
        self, queries: Float[Tensor, "batch query width"], tokens: Float[Tensor, "batch token width"]
    ) -> tuple[Float[Tensor, "batch query width"], Float[Tensor, "batch query token"]]:
        """The same, and the weights averaged over the heads; each query's sum to 1, and gradients flow through them."""
        q, k, v = self._split(self.query(queries)), self._split(self.key(tokens)), self._split(self.value(tokens))
        scores = q.float() @ k.float().transpose(-2, -1) * q.shape[-1] ** -0.5
        weights = torch.softmax(scores, dim=-1)
        mixed = weights.to(v.dtype) @ v
        return self.output(mixed.transpose(1, 2).flatten(2)), weights.mean(dim=1)

    def _split(self, tokens: Float[Tensor, "batch token width"]) -> Float[Tensor, "batch head token part"]:
        return tokens.unflatten(-1, (self.heads, -1)).transpose(1, 2)
