"""Pictures a second in training and in prediction, beside the shape of the official architecture at the same size.

The official ViTPain (v4) is written here from its description: a DINOv3 encoder for the face and a second one for the
neutral face, both frozen but for LoRA of rank 8 on queries and values, one cross-attention of eight heads in which
all tokens ask all neutral tokens, a PSPI head of four layers, three binary heads, six queries over the patches. All
weights are random and nothing is downloaded. Every variant runs in this process on the same noise; the repeats
alternate, so that a busy machine is busy for all, and the table shows medians. Decoding and cropping are left out.

    python benchmarks/training_speed.py [--batch 16] [--repeats 5] [--threads 2] [--device cpu] [--markdown]
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

import torch
from peft import LoraConfig as PeftLoraConfig
from peft import inject_adapter_in_model
from torch import Tensor, nn
from torch.nn import functional
from transformers import DINOv3ViTConfig, DINOv3ViTModel

from pain3d.model.config import BackboneConfig, NeutralConfig, ViTPainConfig, tiny
from pain3d.model.vitpain import ViTPain
from pain3d.train.losses import TaskWeights, task_loss

VIT_TINY = BackboneConfig(hidden_size=192, layers=12, heads=3, patch_size=16, registers=4, stem="patch")
"""DeiT's ViT-Ti/16, at 224 pixels."""


class Labels(NamedTuple):
    """What `task_loss` reads of a batch."""

    pspi: Tensor
    aus: Tensor


class Official(nn.Module):
    """The official architecture's shape with the encoder of `backbone`'s size."""

    def __init__(self, backbone: BackboneConfig, image_size: int) -> None:
        super().__init__()
        width = backbone.hidden_size
        self.face, self.neutral = _encoder(backbone, image_size), _encoder(backbone, image_size)
        self.cross = nn.MultiheadAttention(width, 8, batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.pspi = nn.Sequential(
            *_layer(width, width // 2, 0.5),
            *_layer(width // 2, width // 4, 0.5),
            *_layer(width // 4, width // 8, 0.3),
            nn.Dropout(0.3),
            nn.Linear(width // 8, 1),
        )
        self.binary = nn.ModuleList(nn.Linear(width, 1) for _ in range(3))
        self.queries = nn.Parameter(torch.randn(1, 6, width) * 0.02)
        self.look = nn.MultiheadAttention(width, 8, batch_first=True)
        self.aus = nn.Sequential(nn.Linear(width, width // 2), nn.ReLU(), nn.Linear(width // 2, 1), nn.ReLU())
        self.skip = 1 + backbone.registers

    def forward(self, image: Tensor, neutral: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """PSPI / 16, AUs, logits of PSPI >= 1, 2, 3."""
        face = self.face(image).last_hidden_state
        references = self.neutral(neutral).last_hidden_state
        tokens = self.norm(face + self.cross(face, references, references, need_weights=False)[0])
        cls, patches = tokens[:, 0], tokens[:, self.skip :]
        queried = self.look(self.queries.expand(len(image), -1, -1), patches, patches, need_weights=False)[0]
        logits = torch.cat([head(cls) for head in self.binary], dim=1)
        return torch.sigmoid(self.pspi(cls))[:, 0], self.aus(queried)[..., 0], logits


def _encoder(backbone: BackboneConfig, image_size: int) -> nn.Module:
    config = DINOv3ViTConfig(
        image_size=image_size,
        patch_size=backbone.patch_size,
        hidden_size=backbone.hidden_size,
        intermediate_size=backbone.mlp_ratio * backbone.hidden_size,
        num_hidden_layers=backbone.layers,
        num_attention_heads=backbone.heads,
        num_register_tokens=backbone.registers,
    )
    encoder = DINOv3ViTModel(config).requires_grad_(False)
    lora = PeftLoraConfig(r=8, lora_alpha=16, lora_dropout=0.1, target_modules=["q_proj", "v_proj"])
    return inject_adapter_in_model(lora, encoder)


def _layer(inputs: int, outputs: int, dropout: float) -> tuple[nn.Module, ...]:
    return nn.Dropout(dropout), nn.Linear(inputs, outputs), nn.GELU()


class Variant(NamedTuple):
    """A row of the table."""

    size: str
    name: str
    model: nn.Module
    image_size: int
    neutral: bool
    loss: Callable[[object, Labels], Tensor]


def official_loss(outputs: object, labels: Labels) -> Tensor:
    """MSE(PSPI/16) + MSE(AU) + mean binary cross-entropy."""
    pspi, aus, logits = outputs  # pyright: ignore[reportGeneralTypeIssues]
    reached = (labels.pspi[:, None] >= torch.tensor([1, 2, 3], device=pspi.device)).float()
    regression = functional.mse_loss(pspi, labels.pspi / 16) + functional.mse_loss(aus, labels.aus)
    return regression + functional.binary_cross_entropy_with_logits(logits, reached)


def our_loss(outputs: object, labels: Labels) -> Tensor:
    """The task loss of the recipes."""
    return task_loss(outputs, labels, TaskWeights())["total"]  # pyright: ignore[reportArgumentType]


def variants() -> list[Variant]:
    """Both sizes: without a neutral, with one through the same encoder, and the official shape."""
    sizes = {"tiny_cpu": tiny(), "ViT-tiny": ViTPainConfig(image_size=224, backbone=VIT_TINY)}
    rows = []
    for size, config in sizes.items():
        shared = ViTPainConfig(
            image_size=config.image_size, backbone=config.backbone, neutral=NeutralConfig(encoder="shared")
        )
        side = config.image_size
        rows += [
            Variant(size, "ViTPain", ViTPain(config), side, False, our_loss),
            Variant(size, "ViTPain, neutral", ViTPain(shared), side, True, our_loss),
            Variant(size, "official shape", Official(config.backbone, side), side, True, official_loss),
        ]
    return rows


def seconds(variant: Variant, batch: int, device: str, *, training: bool, optimizer: torch.optim.Optimizer) -> float:
    """One step, from pictures on the device to changed weights or to finished outputs."""
    side = variant.image_size
    image = torch.rand(batch, 3, side, side, device=device)
    # ViTPain takes several references, the official model one.
    shape = (batch, 3, side, side) if isinstance(variant.model, Official) else (batch, 1, 3, side, side)
    inputs = (image, torch.rand(shape, device=device)) if variant.neutral else (image,)
    labels = Labels(torch.rand(batch, device=device) * 16, torch.rand(batch, 6, device=device))
    variant.model.train(training)
    _wait(device)
    start = time.perf_counter()
    if training:
        variant.loss(variant.model(*inputs), labels).backward()
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    else:
        with torch.inference_mode():
            variant.model(*inputs)
    _wait(device)
    return time.perf_counter() - start


def _wait(device: str) -> None:
    if device != "cpu":
        torch.cuda.synchronize()


def measure(rows: list[Variant], batch: int, repeats: int, device: str) -> dict[tuple[int, bool], float]:
    """Median pictures a second by (row, training); the first step of each is a warm-up."""
    times: dict[tuple[int, bool], list[float]] = {(i, t): [] for i in range(len(rows)) for t in (True, False)}
    optimizers = []
    for variant in rows:
        variant.model.to(device)
        trained = [parameter for parameter in variant.model.parameters() if parameter.requires_grad]
        optimizers.append(torch.optim.AdamW(trained, lr=1e-5))
    for repeat in range(repeats + 1):
        for index, training in times:
            took = seconds(rows[index], batch, device, training=training, optimizer=optimizers[index])
            if repeat:
                times[index, training].append(took)
    return {key: batch / statistics.median(values) for key, values in times.items()}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--markdown", action="store_true", help="a table for a page")
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    rows = variants()
    speeds = measure(rows, options.batch, options.repeats, options.device)
    header = ("size", "model", "parameters [M]", "trained [M]", "training [images/s]", "prediction [images/s]")
    table = [header]
    for index, variant in enumerate(rows):
        counts = [(p.numel() / 1e6, p.requires_grad) for p in variant.model.parameters()]
        table.append(
            (
                f"{variant.size}, {variant.image_size} px",
                variant.name,
                f"{sum(count for count, _ in counts):.2f}",
                f"{sum(count for count, trained in counts if trained):.2f}",
                f"{speeds[index, True]:.1f}",
                f"{speeds[index, False]:.1f}",
            )
        )
    if options.markdown:
        table.insert(1, ("---", "---", "---:", "---:", "---:", "---:"))
    for row in table:
        print("| " + " | ".join(row) + " |" if options.markdown else "".join(f"{cell:24s}" for cell in row).rstrip())


if __name__ == "__main__":
    main()
