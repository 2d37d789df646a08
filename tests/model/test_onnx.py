"""The ONNX file says what PyTorch says, for any batch size, or is not written."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import torch

from pain3d.errors import ArgumentError, DataError, OutputError, StorageError
from pain3d.model import onnx as exporting
from pain3d.model.config import BackboneConfig, NeutralConfig, ViTPainConfig
from pain3d.model.onnx import OPSET, OUTPUTS, TOLERANCE, export_onnx
from pain3d.model.vitpain import ViTPain

BACKBONE = BackboneConfig(hidden_size=32, layers=2, heads=2, patch_size=8, registers=2)
NEUTRAL = NeutralConfig(encoder="shared", heads=2)


def model(*, neutral: NeutralConfig | None = None, layout: bool = False, **backbone: object) -> ViTPain:
    config = ViTPainConfig(
        image_size=32,
        backbone=BackboneConfig(**{**vars(BACKBONE), **backbone}),
        neutral=neutral,
        head_hidden=16,
        layout_channels=4 if layout else None,
        landmarks=layout,
    )
    return ViTPain(config)


def run(path: Path, **inputs: torch.Tensor) -> list[np.ndarray]:
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(list(OUTPUTS), {name: values.numpy() for name, values in inputs.items()})


@pytest.fixture(scope="module")
def plain(tmp_path_factory):
    """A model with a layout, whose landmarks stay outside, and its export."""
    vitpain = model(layout=True)
    return vitpain, export_onnx(vitpain, tmp_path_factory.mktemp("onnx") / "vitpain.onnx")


@pytest.fixture
def encoded(plain, monkeypatch):
    """Exports of a plain model reuse the graph at hand."""
    monkeypatch.setattr(exporting, "_encode", lambda wrapped, shapes: plain[1].path.read_bytes())
    return plain[0]


def agrees(vitpain: ViTPain, path: Path, *, neutral: bool) -> None:
    vitpain.eval()
    for batch in (1, 3, 7):
        image = torch.rand(batch, 3, 32, 32, generator=torch.Generator().manual_seed(batch))
        inputs = {"image": image}
        if neutral:
            inputs["neutral"] = image.flip(0)[:, None].repeat(1, 2, 1, 1, 1)
        pspi, aus, probabilities, attention = run(path, **inputs)
        with torch.no_grad():
            features = vitpain(inputs["image"], inputs.get("neutral"))
        assert np.abs(pspi - features.pspi.numpy()).max() <= 16e-4
        assert np.abs(aus - features.aus.numpy()).max() <= 5e-4
        assert np.abs(probabilities - features.ordinal_logits.sigmoid().numpy()).max() <= 1e-4
        assert np.abs(attention - features.attention.numpy()).max() <= 1e-4
        assert (probabilities.shape, attention.shape) == ((batch, 3), (batch, 6, 16))


def test_any_batch_size_agrees_with_torch(plain):
    vitpain, exported = plain
    assert exported.largest_difference <= TOLERANCE
    assert list(exported.inputs) == ["image"]
    agrees(vitpain, exported.path, neutral=False)


@pytest.mark.slow
def test_a_model_that_compares_takes_its_neutrals_and_is_left_as_it_was(tmp_path, capfd):
    vitpain = model(neutral=NEUTRAL).train()
    exported = export_onnx(vitpain, tmp_path / "new" / "vitpain.onnx", neutral_shots=2)
    assert vitpain.training
    assert capfd.readouterr().out == ""
    assert exported.largest_difference <= TOLERANCE
    assert list(exported.inputs) == ["image", "neutral"]
    agrees(vitpain, exported.path, neutral=True)


@pytest.mark.slow
@pytest.mark.parametrize("stem", ["patch", "conv"])
@pytest.mark.parametrize("backbone", [{"kind": "dinov3_vit"}, {"kind": "vit", "registers": 0}, {}])
def test_every_backbone_exports(tmp_path, backbone, stem):
    assert export_onnx(model(**backbone, stem=stem), tmp_path / "vitpain.onnx").largest_difference <= TOLERANCE


def test_one_valid_file_of_the_stated_opset(plain):
    exported = plain[1]
    assert [path.name for path in exported.path.parent.iterdir()] == ["vitpain.onnx"]
    graph = onnx.load(exported.path)
    assert exported.outputs == OUTPUTS == tuple(value.name for value in graph.graph.output)
    onnx.checker.check_model(graph, full_check=True)
    assert [opset.version for opset in graph.opset_import if opset.domain == ""] == [OPSET]
    assert exported.bytes == exported.path.stat().st_size
    assert exported.to_json()["inputs"] == {"image": ["batch", 3, 32, 32]}
    assert "image batch x 3 x 32 x 32 -> pspi, aus, probabilities, attention" in exported.text()


def test_a_graph_that_disagrees_is_not_written(tmp_path, monkeypatch, encoded):
    monkeypatch.setattr(exporting, "_torch_outputs", lambda wrapped, samples: _off_by_a_little(wrapped, samples))
    with pytest.raises(DataError, match=r"not written: the exported graph differs from PyTorch by 1\.0e-03"):
        export_onnx(encoded, tmp_path / "vitpain.onnx")
    assert not list(tmp_path.iterdir())


def _off_by_a_little(wrapped: torch.nn.Module, samples: tuple[torch.Tensor, ...]) -> list[np.ndarray]:
    with torch.no_grad():
        pspi, *others = (values.numpy() for values in wrapped(*samples))
    return [pspi + 0.016, *others]


def test_wrong_arguments_are_refused_before_anything_is_done(tmp_path):
    taken = tmp_path / "taken.onnx"
    taken.write_bytes(b"mine")
    with pytest.raises(OutputError, match="exists already"):
        export_onnx(model(), taken)
    assert taken.read_bytes() == b"mine"
    with pytest.raises(ArgumentError, match=r"does not end in .onnx; write for example .*vitpain.onnx"):
        export_onnx(model(), tmp_path / "vitpain.pt")
    with pytest.raises(ArgumentError, match="neutral_shots: 0 is less than 1"):
        export_onnx(model(), tmp_path / "vitpain.onnx", neutral_shots=0)


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch, encoded):
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(exporting.os, "fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        export_onnx(encoded, tmp_path / "vitpain.onnx")
    assert not list(tmp_path.iterdir())
