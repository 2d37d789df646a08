"""ViTPain as one ONNX file, held against PyTorch before it gets its name.

The file holds the weights, the normalisation and every output a prediction needs; the batch size is free, the image
size and the number of neutral references are fixed. Cropping and calibration stay outside, and so do the landmarks,
which are a side task of training.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from pain3d.arguments import whole_number
from pain3d.errors import ArgumentError, DataError, OutputError, storage_error

if TYPE_CHECKING:
    from pain3d.model.vitpain import ViTPain

OPSET = 18
"""The newest that torch's exporter writes without a conversion, and that onnxruntime has run since 2023."""

OUTPUTS = ("pspi", "aus", "probabilities", "attention")
"""PSPI 0..16 [B], AU4 AU6 AU7 AU9 AU10 (0..5) and AU43 (0..1) [B,6], P(PSPI >= 1, 2, 3) [B,3], attention [B,6,N]."""

TOLERANCE = 1e-4
"""Largest difference from PyTorch, relative to the range of the output: 16 for PSPI, 5 for intensities, 1 else."""

BATCHES = (1, 2, 5)
"""Batch sizes that are compared. The graph is traced with 2, so that no 1 is taken for a constant."""

_RANGES: Mapping[str, float] = {"pspi": 16.0, "aus": 5.0, "probabilities": 1.0, "attention": 1.0}


@dataclass(frozen=True, kw_only=True)
class OnnxExport:
    """What was written."""

    path: Path
    inputs: Mapping[str, tuple[int | str, ...]]
    """Name and shape; "batch" is free. Pictures are float32 RGB (or heatmaps) 0..1, cropped to the square."""
    outputs: tuple[str, ...]
    opset: int
    bytes: int
    largest_difference: float
    """From PyTorch, over the batch sizes tried, relative to the range of each output."""

    def text(self) -> str:
        """One line for a terminal."""
        shapes = ", ".join(f"{name} {' x '.join(map(str, shape))}" for name, shape in self.inputs.items())
        return (
            f"{self.path}: {self.bytes / 1e6:.1f} MB, opset {self.opset}; {shapes} -> {', '.join(self.outputs)}; "
            f"at most {self.largest_difference:.1e} from PyTorch"
        )

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        return {
            "path": str(self.path),
            "inputs": {name: list(shape) for name, shape in self.inputs.items()},
            "outputs": list(self.outputs),
            "opset": self.opset,
            "bytes": self.bytes,
            "largest_difference": self.largest_difference,
        }


def export_onnx(model: ViTPain, path: str | Path, *, neutral_shots: int = 1) -> OnnxExport:
    """Write the model to `path`, a new file that ends in .onnx; it appears whole, checked, or not at all.

    Args:
        model: any ViTPain; it is left in the mode it was in.
        path: where to write.
        neutral_shots: how many neutral references the exported graph takes, if the model takes any.

    Raises:
        ArgumentError: for a wrong suffix or number.
        OutputError: if the file exists.
        DataError: if onnxruntime and PyTorch disagree by more than `TOLERANCE`.
        StorageError: if the disk refuses.
    """
    path = Path(path)
    _check(path, whole_number("neutral_shots", neutral_shots, "1"))
    shapes = _input_shapes(model, neutral_shots)
    training = model.training
    try:
        wrapped = _Outputs(model).eval()
        encoded = _encode(wrapped, shapes)
        difference = _largest_difference(encoded, wrapped, shapes)
    finally:
        model.train(training)
    if not difference <= TOLERANCE:
        raise DataError(
            f"{path}: not written: the exported graph differs from PyTorch by {difference:.1e} of an output's range, "
            f"more than {TOLERANCE:.0e}; update onnxruntime and onnxscript, and report it if that does not help"
        )
    _write(path, encoded)
    return OnnxExport(
        path=path,
        inputs={name: ("batch", *shape) for name, shape in shapes.items()},
        outputs=OUTPUTS,
        opset=OPSET,
        bytes=len(encoded),
        largest_difference=difference,
    )


def _check(path: Path, neutral_shots: int) -> None:
    if path.suffix != ".onnx":
        raise ArgumentError(f"path: {path} does not end in .onnx; write for example {path.with_suffix('.onnx')}")
    if neutral_shots < 1:
        raise ArgumentError(f"neutral_shots: {neutral_shots} is less than 1; write for example neutral_shots=1")
    if path.exists():
        raise OutputError(f"{path}: exists already; give another name or remove it first")


def _input_shapes(model: ViTPain, neutral_shots: int) -> dict[str, tuple[int, ...]]:
    """Of one sample: image, and neutral where the model takes one."""
    config = model.config
    image = (config.channels, config.image_size, config.image_size)
    if config.neutral is None:
        return {"image": image}
    return {"image": image, "neutral": (neutral_shots, *image)}


@final
class _Outputs(nn.Module):
    """The model with plain tensors out, in the order of `OUTPUTS`."""

    def __init__(self, model: ViTPain) -> None:
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, neutral: Tensor | None = None) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        features = self.model(image, neutral)
        return features.pspi, features.aus, torch.sigmoid(features.ordinal_logits), features.attention


def _samples(shapes: Mapping[str, tuple[int, ...]], batch: int) -> tuple[Tensor, ...]:
    """Noise 0..1, the same for the same batch size."""
    generator = torch.Generator().manual_seed(batch)
    return tuple(torch.rand((batch, *shape), generator=generator) for shape in shapes.values())


def _encode(wrapped: _Outputs, shapes: Mapping[str, tuple[int, ...]]) -> bytes:
    """The ONNX file."""
    device = next(wrapped.parameters()).device
    examples = tuple(sample.to(device) for sample in _samples(shapes, batch=2))
    batch = torch.export.Dim("batch", min=1)
    with _silence(), torch.no_grad():
        program = torch.onnx.export(
            wrapped,
            examples,
            dynamo=True,
            opset_version=OPSET,
            input_names=list(shapes),
            output_names=list(OUTPUTS),
            dynamic_shapes=tuple({0: batch} for _ in examples),
            verbose=False,
        )
    assert program is not None
    return program.model_proto.SerializeToString()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """The exporter prints and warns about its own insides; standard output may be somebody's JSON."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def _largest_difference(encoded: bytes, wrapped: _Outputs, shapes: Mapping[str, tuple[int, ...]]) -> float:
    """Over `BATCHES` and outputs, in units of each output's range; NaN anywhere is infinitely far."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(encoded, options, providers=["CPUExecutionProvider"])
    worst = 0.0
    for batch in BATCHES:
        samples = _samples(shapes, batch)
        ours = session.run(list(OUTPUTS), {n: s.numpy() for n, s in zip(shapes, samples, strict=True)})
        for name, found, expected in zip(OUTPUTS, ours, _torch_outputs(wrapped, samples), strict=True):
            worst = max(worst, _difference(np.asarray(found), expected) / _RANGES[name])
    return worst


def _torch_outputs(wrapped: _Outputs, samples: tuple[Tensor, ...]) -> list[np.ndarray]:
    device = next(wrapped.parameters()).device
    with torch.no_grad():
        return [values.float().cpu().numpy() for values in wrapped(*(sample.to(device) for sample in samples))]


def _difference(found: Float[np.ndarray, "..."], expected: Float[np.ndarray, "..."]) -> float:
    if found.shape != expected.shape or not (np.isfinite(found).all() and np.isfinite(expected).all()):
        return float("inf")
    return float(np.abs(found - expected).max())


def _write(path: Path, encoded: bytes) -> None:
    """Beside the goal first, then renamed."""
    temporary = path.with_name(f".{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            file.write(encoded)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        raise storage_error(path, error) from error
