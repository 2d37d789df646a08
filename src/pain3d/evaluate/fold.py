"""One fold of a cross-validation: train, choose on validation subjects, and only then look at the test subjects.

FOLD/run/              the training run, as `train` leaves it
FOLD/choosing.parquet  predictions on the fold's training and validation subjects
FOLD/calibration.json  what its validation subjects taught
FOLD/choices.json      everything that is decided, written before a picture of a test subject is opened
FOLD/test.parquet      predictions on its test subjects
FOLD/oracle.parquet    likewise with neutral references chosen by label, for a model that compares
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from pain3d.data.files import write_atomically
from pain3d.errors import DataError
from pain3d.evaluate.calibrate import calibration_of
from pain3d.evaluate.inference import predict_table
from pain3d.evaluate.metrics_file import read_table
from pain3d.evaluate.protocol import Fold
from pain3d.evaluate.published import FoldScores, published_fold, published_threshold
from pain3d.evaluate.table import NeutralPolicy, column
from pain3d.model.calibration import Calibration
from pain3d.model.heads import THRESHOLDS
from pain3d.model.vitpain import ViTPain
from pain3d.outside import json_of
from pain3d.places import Place
from pain3d.train import run_folder
from pain3d.train.config import TrainConfig
from pain3d.train.initial import weights_sha256
from pain3d.train.loop import train

Advance = Callable[[int, int], None]
Say = Callable[[str], None]

CHOICES, CHOOSING, TEST, ORACLE = "choices.json", "choosing.parquet", "test.parquet", "oracle.parquet"
RUN = "run"


@dataclass(frozen=True, kw_only=True)
class FoldJob:
    """All that one fold depends on."""

    dataset: Place
    folder: Path
    fold: Fold
    train: TrainConfig
    """Without subjects: they are the fold's."""
    neutral_frames: tuple[str, ...] | None
    """In place of those that the dataset names."""
    left_out: frozenset[str]
    """Frames that are never scored: every subject's references, whether the model looks at them or not."""
    oracle_frames: tuple[str, ...]
    """References chosen by label; empty where the model compares with none, or a subject has no such frame."""
    device: str
    batch: int

    @property
    def policy(self) -> NeutralPolicy:
        """Where the neutral reference comes from."""
        return "none" if self.train.model.neutral is None else "reference"

    def config(self) -> TrainConfig:
        """The training run of this fold."""
        frames = dataclasses.replace(
            self.train.frames, subjects=self.fold.train, neutral=None if self.policy == "none" else "reference"
        )
        if self.policy == "reference":
            frames = dataclasses.replace(frames, neutral_frames=self.neutral_frames)
        return dataclasses.replace(self.train, frames=frames, val_subjects=self.fold.validation)


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldResult:
    """A finished fold."""

    fold: Fold
    choices: dict[str, Any]
    """As in choices.json."""
    calibration: Calibration
    test: pa.Table
    oracle: pa.Table | None
    published: FoldScores
    oracle_published: FoldScores | None


def run_fold(job: FoldJob, *, on_progress: Advance | None = None, on_phase: Say = lambda said: None) -> FoldResult:
    """Do what is left of a fold; a finished one is read.

    Raises:
        ArgumentError, DataError, StorageError, TrainingError: as `train` and `predict_table`.
    """
    name = job.fold.name
    if not (job.folder / CHOICES).exists():
        on_phase(f"fold {name}: training on {len(job.fold.train)} subjects, choosing on {len(job.fold.validation)}")
        train(job.dataset, job.folder / RUN, job.config(), on_progress=on_progress, on_phase=on_phase)
        _choose(job, on_progress, on_phase)
    wanted = [(TEST, job.neutral_frames), *([(ORACLE, job.oracle_frames)] if job.oracle_frames else [])]
    for file, neutral_frames in wanted:
        if not (job.folder / file).exists():
            on_phase(f"fold {name}: reading its {len(job.fold.test)} test subjects{_as_oracle(file)}")
            model = ViTPain.from_pretrained(job.folder / RUN)
            table = _predicted(job, model, job.fold.test, neutral_frames, on_progress)
            write_table(job.folder / file, table)
    return _result(job)


def _as_oracle(file: str) -> str:
    return " again, as an oracle" if file == ORACLE else ""


def _choose(job: FoldJob, on_progress: Advance | None, on_phase: Say) -> None:
    """Calibration and thresholds, from subjects that are not tested."""
    on_phase(f"fold {job.fold.name}: choosing thresholds")
    model = ViTPain.from_pretrained(job.folder / RUN)
    table = _predicted(job, model, job.fold.training_subjects, job.neutral_frames, on_progress)
    write_table(job.folder / CHOOSING, table)
    validation = table.filter(pa.array(np.isin(column(table, "subject_id").astype(str), job.fold.validation)))
    calibration = calibration_of(validation, {"fold": job.fold.name, "split": "validation subjects of the fold"})
    calibration.write(job.folder)
    truth, guess = column(table, "PSPI"), column(table, "pred_PSPI")
    best = run_folder.read_best(job.folder / RUN)
    run_folder.write_json(
        job.folder / CHOICES,
        {
            "best_step": best["step"],
            "validation": best["values"],
            "weights_sha256": weights_sha256(model),
            "description": model.describe(),
            "thresholds": list(calibration.thresholds),
            "published_thresholds": [published_threshold(truth >= t, guess) for t in THRESHOLDS],
            "choosing_frames": len(table),
        },
    )


def _predicted(
    job: FoldJob,
    model: ViTPain,
    subjects: tuple[str, ...],
    neutral_frames: tuple[str, ...] | None,
    on_progress: Advance | None,
) -> pa.Table:
    table = predict_table(
        model,
        job.dataset,
        None,
        subjects=subjects,
        neutral=job.policy,
        neutral_frames=neutral_frames if job.policy == "reference" else None,
        batch=job.batch,
        device=job.device,
        on_progress=on_progress,
    )
    kept = pa.array([frame not in job.left_out for frame in table.column("frame_id").to_pylist()])
    return table.filter(kept)


def _result(job: FoldJob) -> FoldResult:
    calibration = Calibration.read(job.folder)
    if calibration is None:
        raise DataError(f"{job.folder}: calibration.json is missing; delete the folder and run the same command again")
    choosing = _pair(read_table(job.folder / CHOOSING))
    test = read_table(job.folder / TEST)
    oracle = read_table(job.folder / ORACLE) if job.oracle_frames else None
    name = job.fold.name
    return FoldResult(
        fold=job.fold,
        choices=_read_choices(job.folder / CHOICES),
        calibration=calibration,
        test=test,
        oracle=oracle,
        published=published_fold(name, training=choosing, test=_pair(test)),
        oracle_published=None if oracle is None else published_fold(name, training=choosing, test=_pair(oracle)),
    )


def _read_choices(path: Path) -> dict[str, Any]:
    try:
        return json_of(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise DataError(f"{path}: damaged ({error}); delete {path.parent} and run the same command again") from None


def _pair(table: pa.Table) -> tuple[np.ndarray, np.ndarray]:
    return column(table, "PSPI"), column(table, "pred_PSPI")


def write_table(path: Path, table: pa.Table) -> None:
    """Write a Parquet file, whole or not at all."""
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    write_atomically(path, sink.getvalue().to_pybytes())
