"""Pretrained weights (made here, small), and where adapters go."""

import pytest
import torch
from tiny_models import SIZE, model, pictures
from transformers import (
    Dinov2WithRegistersConfig,
    Dinov2WithRegistersModel,
    DINOv3ViTConfig,
    DINOv3ViTModel,
    ViTConfig,
    ViTModel,
)

from pain3d.errors import ArgumentError, DataError
from pain3d.model.config import LoraConfig, NeutralConfig
from pain3d.model.vitpain import ViTPain

SIZES = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "patch_size": 8}
KINDS = ["dinov2_with_registers", "dinov3_vit", "vit"]


@pytest.fixture
def weights(tmp_path):
    """Weights trained at 64 px, as a folder."""

    def saved(kind: str) -> dict[str, object]:
        if kind == "vit":
            made = ViTModel(ViTConfig(**SIZES, image_size=64, intermediate_size=128))
        elif kind == "dinov3_vit":
            made = DINOv3ViTModel(DINOv3ViTConfig(**SIZES, intermediate_size=128, num_register_tokens=2))
        else:
            made = Dinov2WithRegistersModel(Dinov2WithRegistersConfig(**SIZES, image_size=64, num_register_tokens=2))
        made.save_pretrained(tmp_path / kind)
        return {"kind": kind, "pretrained": str(tmp_path / kind), "registers": 0 if kind == "vit" else 2}

    return saved


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("channels", [1, 3])
def test_pretrained_weights_are_read_and_saved_with_the_model(weights, kind, channels, tmp_path):
    subject = model(backbone_changes=weights(kind), input="heatmap", mean=(0.0,) * channels, std=(1.0,) * channels)
    image = pictures(2, channels, SIZE, SIZE)
    tokens = subject.backbone.encoder.eval()
    options = {"interpolate_pos_encoding": True} if kind == "vit" else {}
    straight = tokens(pixel_values=image.expand(-1, 3, -1, -1), **options).last_hidden_state
    torch.testing.assert_close(subject(image).cls, straight[:, 0])
    torch.testing.assert_close(subject(image).patches, straight[:, -16:])
    subject.save_pretrained(tmp_path / "model")
    (tmp_path / kind / "model.safetensors").unlink()
    loaded = ViTPain.from_pretrained(tmp_path / "model")
    assert torch.equal(loaded(image).pspi, subject(image).pspi)


@pytest.mark.parametrize("kind", KINDS)
def test_adapters_are_on_attention_projections_alone(kind, tmp_path):
    changes = {"kind": kind, "registers": 0 if kind == "vit" else 2}
    subject = model(
        backbone_changes=changes, lora=LoraConfig(rank=2), neutral=NeutralConfig(encoder="separate", heads=2)
    )
    names = [name for name, _ in subject.named_parameters() if "lora_" in name]
    assert len(names) == 2 * 2 * 4 * 2  # encoders, layers, projections, A and B
    assert all(".attention." in name for name in names)
    assert not any("embeddings" in name for name in names)
    for name, parameter in subject.named_parameters():
        inside = name.startswith(("backbone.", "neutral_encoder."))
        assert parameter.requires_grad == ("lora_" in name if inside else True), name
    with torch.no_grad():
        for name, parameter in subject.named_parameters():
            if "lora_B" in name:
                parameter.fill_(0.1)
    image, neutral = pictures(2, 3, SIZE, SIZE), pictures(2, 1, 3, SIZE, SIZE, seed=1)
    loaded = ViTPain.from_pretrained(subject.save_pretrained(tmp_path / "model"))
    assert torch.equal(loaded(image, neutral).pspi, subject(image, neutral).pspi)


def test_sizes_that_are_not_those_of_the_weights_are_named(weights):
    changes = weights("dinov2_with_registers")
    with pytest.raises(ArgumentError, match="of other sizes than the configuration; write layers=2, registers=2"):
        model(backbone_changes=changes | {"layers": 3, "registers": 4})
    with pytest.raises(ArgumentError, match=r"backbone.kind: 'vit', but .* is of kind 'dinov2_with_registers'"):
        model(backbone_changes=changes | {"kind": "vit", "registers": 0})


def test_weights_that_are_not_there_are_an_error_with_a_way_out(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match=r"backbone.pretrained: .*empty.*: no weights could be read from the folder"):
        model(backbone_changes={"pretrained": str(tmp_path / "empty")})
