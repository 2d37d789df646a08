"""What a ViTPain says about a batch, as tensors: the losses and the distillation work on these."""

from __future__ import annotations

from dataclasses import dataclass

from jaxtyping import Float
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class Features:
    """Tokens, where the AU queries looked, and the readings; all readings are float32."""

    cls: Float[Tensor, "batch width"]
    """The token of the whole picture, after the comparison with the neutral references if there is one."""
    patches: Float[Tensor, "batch patch width"]
    """A token for each patch, row by row from the top left."""
    attention: Float[Tensor, "batch 6 patch"]
    """Where each AU query looked, heads averaged; sums to 1 over the patches."""
    pspi: Float[Tensor, " batch"]
    """0..16."""
    aus: Float[Tensor, "batch 6"]
    """In the order of `PAIN_AUS`: five intensities 0..5, and the probability of AU43."""
    au43_logit: Float[Tensor, " batch"]
    """Of the probability in the last column of `aus`."""
    ordinal_logits: Float[Tensor, "batch 3"]
    """Of PSPI >= 1, 2, 3; they fall from left to right."""
    landmarks: Float[Tensor, "batch 68 2"] | None
    """iBUG-68 x, y in the crop, 0..1; None for a model without that head."""
    grid: tuple[int, int]
    """Rows and columns of patches."""
