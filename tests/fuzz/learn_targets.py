"""Readers of models, skins, runs, figures, caches."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import tiny_models
import torch
from law import Target
from torch import nn

from pain3d.errors import DataError
from pain3d.evaluate.metrics_file import read_metrics as read_figures
from pain3d.evaluate.metrics_file import read_table
from pain3d.evaluate.protocol import protocol_of, read_protocol
from pain3d.evaluate.references import read_references
from pain3d.face.cache import DAMAGE, read_arrays, write_arrays
from pain3d.model import checkpoint
from pain3d.model.calibration import Calibration
from pain3d.skin.diffusion import checkpoint as skins
from pain3d.skin.diffusion.chart import CHANNELS, SIDE
from pain3d.skin.diffusion.recipe import SkinRecipe, new_denoiser, new_packer
from pain3d.train import run_folder, state
from pain3d.train.ema import Ema
from pain3d.train.log import MetricsLog, read_metrics

TINY_SKIN = SkinRecipe(packer_width=8, widths=(16, 16))


def saved(name: str) -> Callable[[Path], Path]:
    def prepare(home: Path) -> Path:
        model = tiny_models.model()
        model.calibration = Calibration(thresholds=(0.5, 1.5, 2.5), radii=(1.0,), provenance={"seed": 1})
        return checkpoint.save(model, home / "model") / name

    return prepare


def skin(name: str) -> Callable[[Path], Path]:
    def prepare(home: Path) -> Path:
        scales = {
            "mean": torch.zeros(CHANNELS, SIDE, SIDE),
            "picture_scale": torch.ones(CHANNELS, 1, 1),
            "latent_mean": torch.zeros(4, 1, 1),
            "latent_scale": torch.ones(4, 1, 1),
        }
        made = skins.SkinModel(unet=new_denoiser(TINY_SKIN), vae=new_packer(TINY_SKIN), scales=scales, digest="")
        return skins.save(made, home / "skin", card="a card") / name

    return prepare


def parts() -> state.Parts:
    torch.manual_seed(0)
    learner = nn.Linear(2, 3)
    optimizer = torch.optim.AdamW(learner.parameters(), lr=0.1)
    learner(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return state.Parts(learner=learner, optimizer=optimizer, ema=Ema(learner, 0.9), scaler=None)


def training_state(name: str) -> Callable[[Path], Path]:
    return lambda home: state.save(home, parts(), state.Counters(step=1, best=0.5), keep=1) / name


def metrics_lines(home: Path) -> Path:
    log = MetricsLog(home / "run", resume_step=0)
    for step in (1, 2, 3):
        log.write("train", step, step, {"loss/total": 1.0})
        log.write("val", step, step, {"mae": 2.0})
    log.close()
    return home / "run" / "metrics.jsonl"


def gone_on_with(home: Path) -> None:
    read_metrics(home / "run", "val")
    MetricsLog(home / "run", resume_step=2).close()
    shutil.rmtree(home / "run" / "tensorboard")


def written(name: str, content: object) -> Callable[[Path], Path]:
    def prepare(home: Path) -> Path:
        (home / name).write_text(json.dumps(content))
        return home / name

    return prepare


def predictions(home: Path) -> Path:
    table = pa.table({"frame_id": ["a", "b"], "subject_id": ["s", "t"], "PSPI": [1.0, 2.0], "pred_PSPI": [1.5, 1.0]})
    pq.write_table(table, home / "predictions.parquet")
    return home / "predictions.parquet"


def protocol(home: Path) -> Path:
    protocol_of("drawn", [f"s{number}" for number in range(6)], folds=3).write(home / "protocol.json")
    return home / "protocol.json"


LABELS = pa.table({"frame_id": ["a", "b"], "subject_id": ["s", "t"]})


def references(home: Path) -> Path:
    (home / "neutral.csv").write_text("subject_id,frame_id\ns,a\nt,b\n")
    return home / "neutral.csv"


def kept_arrays(home: Path) -> Path:
    arrays = {"picture": np.arange(12, dtype=np.float16).reshape(3, 4), "other": np.arange(5)}
    write_arrays(home / "kept.npz", arrays, made_from=b"x")
    return home / "kept.npz"


def arrays(home: Path) -> None:
    """As every caller reads them."""
    try:
        read_arrays(home / "kept.npz", made_from=b"x")
    except (OSError, *DAMAGE) as error:
        raise DataError("made anew") from error


FIGURES = {"format": "pain3d evaluation", "format_version": 2, "frames": 3}
SUMMARY = {"format": run_folder.FORMAT, "samples": 3, "steps": 2, "best_step": 1}

TARGETS: dict[str, Target] = {
    "model, config": Target(prepare=saved("config.json"), read=lambda home: checkpoint.load(home / "model"), slow=True),
    "model, weights": Target(
        prepare=saved("model.safetensors"), read=lambda home: checkpoint.load(home / "model"), slow=True
    ),
    "model, calibration": Target(prepare=saved("calibration.json"), read=lambda home: Calibration.read(home / "model")),
    "skin, config": Target(prepare=skin("skin/config.json"), read=lambda home: skins.load(home / "skin"), slow=True),
    "skin, mean": Target(prepare=skin("skin/mean.safetensors"), read=lambda home: skins.load(home / "skin"), slow=True),
    "skin, denoiser": Target(prepare=skin("unet/config.json"), read=lambda home: skins.load(home / "skin"), slow=True),
    "skin, packer": Target(prepare=skin("vae/config.json"), read=lambda home: skins.load(home / "skin"), slow=True),
    "skin, weights": Target(
        prepare=skin("vae/diffusion_pytorch_model.safetensors"), read=lambda home: skins.load(home / "skin"), slow=True
    ),
    "training state, counters": Target(
        prepare=training_state("state.json"),
        read=lambda home: state.restore(state.checkpoints(home)[-1], parts()),
    ),
    "training state, tensors": Target(
        prepare=training_state("state.safetensors"),
        read=lambda home: state.restore(state.checkpoints(home)[-1], parts()),
    ),
    "lines of a run": Target(prepare=metrics_lines, read=gone_on_with),
    "summary of a run": Target(prepare=written("summary.json", SUMMARY), read=run_folder.read_summary),
    "figures": Target(prepare=written("metrics.json", FIGURES), read=read_figures),
    "predictions": Target(prepare=predictions, read=lambda home: read_table(home / "predictions.parquet")),
    "protocol": Target(prepare=protocol, read=lambda home: read_protocol(home / "protocol.json")),
    "neutral frames": Target(prepare=references, read=lambda home: read_references(home / "neutral.csv", LABELS)),
    "arrays of the cache": Target(prepare=kept_arrays, read=arrays),
}
