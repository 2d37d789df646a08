"""One call from a model and a dataset to a report: predictions, figures with intervals, tables, plots."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import torch

from pain3d.arguments import whole_number
from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError, storage_error
from pain3d.evaluate import figures, tables
from pain3d.evaluate.baselines import always_positive, mean_predictor, training_truth
from pain3d.evaluate.calibrate import calibration_of
from pain3d.evaluate.figures import frames_of
from pain3d.evaluate.inference import checked_policy, predict_table
from pain3d.evaluate.metrics_file import EVALUATION, METRICS, PLOTS, PREDICTIONS, VERSION, write_metrics
from pain3d.evaluate.oracle import fit_oracle
from pain3d.evaluate.plots import Bar, write_plots
from pain3d.evaluate.provenance import command_of, dataset_facts, is_synthetic, versions
from pain3d.evaluate.table import NeutralPolicy, truth_table
from pain3d.model.calibration import Calibration
from pain3d.model.heads import THRESHOLDS
from pain3d.model.vitpain import ViTPain
from pain3d.places import Place, location, name_of, resolved
from pain3d.streams import checked_seed
from pain3d.train.initial import weights_sha256

LEAST_BOOTSTRAP = 100
ORACLES: tuple[NeutralPolicy, ...] = ("none", "other_view", "same_view")

Advance = Callable[[int, int], None]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """What a model is worth on the frames of a dataset."""

    data: dict[str, Any]
    """As in metrics.json."""
    table: pa.Table
    """Truth and prediction of every frame."""
    calibration: Calibration
    files: tuple[Path, ...]
    """What was written."""

    def text(self) -> str:
        """The headline, for a terminal."""
        written = [f"written: {', '.join(str(file) for file in self.files[:3])}"] if self.files else []
        return "\n".join([tables.text(self.data), *written])

    def markdown(self) -> str:
        """All tables."""
        return tables.markdown(self.data)

    def to_json(self) -> dict[str, Any]:
        """Plain values; a figure that cannot be computed is null and has a reason."""
        return self.data


def evaluate(
    model: ViTPain | str | Path,
    dataset: str | Place,
    *,
    to: str | Path | None = None,
    split: str | None = "test",
    neutral: NeutralPolicy | None = None,
    shots: int = 1,
    seed: int = 0,
    bootstrap: int = 1000,
    batch: int = 32,
    device: str = "auto",
    training: str | Place | None = None,
    oracle: bool = True,
    command: Sequence[str] = (),
    on_progress: Advance | None = None,
    on_phase: Say | None = None,
) -> Evaluation:
    """Evaluate a model on held-out subjects.

    Args:
        model: a ViTPain, or what `ViTPain.from_pretrained` takes. A teacher is evaluated on the true heatmaps.
        dataset: folder of a finished dataset.
        to: folder for predictions.parquet, metrics.json, tables.md and plots/; None writes nothing.
        split: ``train``, ``val`` or ``test``; None for all frames of a dataset that the model never saw.
        neutral: ``other_view`` by default for a model that compares; ``same_view`` is an oracle, and marked as one.
        shots: neutral references a frame.
        seed: of the neutral references and of the bootstrap.
        bootstrap: draws of subjects for each interval; at least 100.
        batch: frames at once.
        device: ``auto``, ``cpu`` or ``cuda``.
        training: dataset on whose training subjects mean predictor and geometry oracle are fitted; `dataset` itself
            when None, and the oracle then needs a `split` that is not its training split.
        oracle: whether to fit the geometry oracle.
        command: words of the command line, for the record.
        on_progress: called with (done, of) frames.
        on_phase: called with a line as each part begins.

    Raises:
        ArgumentError: for arguments that contradict each other or the model.
        DataError: if there are no frames to evaluate on, or none to calibrate with.
    """
    _check(seed, bootstrap, shots=shots, batch=batch)
    device = checked_device(device)
    say = on_phase or (lambda _: None)
    name = _name_of(model)
    model = model if isinstance(model, ViTPain) else ViTPain.from_pretrained(model)
    opened = open_dataset(dataset, split)
    checked_policy(model, neutral)
    truth_table(opened)  # says kindly that a split is empty before anything is computed
    if training is not None:
        training_truth(training)  # likewise
    run: dict[str, Any] = {"neutral": neutral, "shots": shots, "seed": seed, "batch": batch, "device": device}
    done_before, frames = 0, len(opened)
    calibration, calibrated_by = model.calibration, _origin(model.calibration)
    if calibration is None:
        source = dataset if training is None else training
        _check_validation(source, dataset, split)
        say("calibrating on the validation subjects: the model brought no calibration")
        done_before = len(open_dataset(source, "val"))
        advance = _part_of(on_progress, 0, done_before + frames)
        validation = predict_table(model, source, "val", **run, on_progress=advance)
        seed_of_source = open_dataset(source, "val").manifest.seed
        about = {"dataset": name_of(location(source)), "dataset_seed": seed_of_source, "split": "val"}
        calibration = calibration_of(validation, {**about, "crop": "landmarks"})
        calibrated_by = f"fitted on the validation subjects of {about['dataset']}, cut as the scored frames are"
    say("predicting")
    advance = _part_of(on_progress, done_before, done_before + frames)
    table = predict_table(model, dataset, split, **run, on_progress=advance)
    say("computing figures and intervals")
    about = {
        "format": EVALUATION,
        "format_version": VERSION,
        "title": f"{name} on {name_of(location(dataset))}",
        "name": name,
        "model": model.describe(),
        "dataset": {"path": str(dataset), "seed": opened.manifest.seed, "pain3d": opened.manifest.pain3d_version},
        "split": split,
        "shots": shots,
        "seed": seed,
        "bootstrap": bootstrap,
        "calibration": calibrated_by,
        "training": None if training is None else str(training),
        "synthetic": is_synthetic(opened.manifest),
        "folds": [],
        "columns": None,
        "oracles": {},
        "provenance": {
            "commands": [command_of(command)] if command else [],
            "versions": versions(),
            "dataset": dataset_facts(dataset, opened.manifest),
            "model": {"description": model.describe(), "sha256": weights_sha256(model)},
            "training": None,
            "protocol": None,
        },
    }
    rivals = baseline_tables(dataset, split, training=training, oracle=oracle, seed=seed)
    data = about | report(table, calibration, rivals, bootstrap=bootstrap, seed=seed)
    files = () if to is None else _write(Path(to), data, table, calibration)
    return Evaluation(data=data, table=table, calibration=calibration, files=files)


def report(
    table: pa.Table,
    calibration: figures.Calibrates,
    baselines: dict[str, pa.Table | str],
    *,
    bootstrap: int = 1000,
    seed: int = 0,
) -> dict[str, Any]:
    """All figures of a prediction table: a pure function of it.

    Args:
        table: from `predict_table`.
        calibration: fitted on validation subjects.
        baselines: tables of the same frames to stand beside the model in the headline, or why there is none.
        bootstrap: draws of subjects.
        seed: of the draws.
    """
    f = frames_of(table, calibration, draws=bootstrap, seed=seed)
    return {
        "frames": len(table),
        "subjects": len(set(f.subject)),
        "with_pain": {str(t): float((f.truth >= t).mean()) for t in THRESHOLDS},
        "neutral_policy": table.column("neutral_policy")[0].as_py(),
        "headline": figures.headline(f),
        "baselines": {name: _beside(rival, calibration, bootstrap, seed) for name, rival in baselines.items()},
        "thresholds": figures.by_threshold(f),
        "aus": figures.by_au(f),
        "groups": figures.by_demographics(f),
        "distractors": figures.distractors(f),
        "confounds": figures.confounds(f),
        "neutral": figures.neutral_specificity(f),
        "stability": figures.between_views(f),
        "coverage": figures.coverage(f),
        "prevalence": figures.prevalence(f),
    }


def baseline_tables(
    dataset: str | Place, split: str | None, *, training: str | Place | None, oracle: bool, seed: int
) -> dict[str, pa.Table | str]:
    """Predictors that see no picture, on the same frames; a text says why one is missing."""
    truth = truth_table(open_dataset(dataset, split))
    source = dataset if training is None else training
    found: dict[str, pa.Table | str] = {}
    try:
        found["mean predictor"] = mean_predictor(truth, training_truth(source))
    except DataError as error:
        found["mean predictor"] = str(error)
    found["always positive"] = always_positive(truth)
    if not oracle:
        return found
    for policy in ORACLES:
        name = f"geometry oracle, neutral {policy.replace('_', ' ')}"
        found[name] = _oracle(source, dataset, split, policy, seed, fair=training is not None)
    return found


def _oracle(
    source: str | Place, dataset: str | Place, split: str | None, policy: NeutralPolicy, seed: int, *, fair: bool
) -> pa.Table | str:
    if not fair and split not in ("val", "test"):
        return "it would be fitted on these very subjects; name the dataset to fit it on with --training"
    try:
        return fit_oracle(source, policy, learners=("ridge",), seed=seed).predict(dataset, split, seed=seed)
    except (ArgumentError, DataError) as error:
        return str(error)


def _beside(rival: pa.Table | str, calibration: figures.Calibrates, bootstrap: int, seed: int) -> dict[str, Any]:
    if isinstance(rival, str):
        missing = {"value": None, "low": None, "high": None, "reason": rival}
        return dict.fromkeys(("mae", "rmse", "pcc", "icc31", "icc21", "kappa", "auroc1"), missing)
    return figures.headline(frames_of(rival, calibration, draws=bootstrap, seed=seed))


def checked_device(device: str) -> str:
    """The device itself; for ``auto`` the graphics card where there is one.

    Raises:
        ArgumentError: if there is no such device; nothing falls back to the processor in silence.
    """
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    if device.partition(":")[0] not in ("cpu", "cuda"):
        raise ArgumentError(f"device: {device!r} is unknown; choose auto, cpu or cuda")
    if device != "cpu" and not torch.cuda.is_available():
        raise ArgumentError(f"device: {device!r}, but torch {torch.__version__} sees no such card; choose cpu or auto")
    return device


def _check(seed: int, bootstrap: int, *, shots: int, batch: int) -> None:
    try:
        checked_seed(seed)
        draws = whole_number("bootstrap", bootstrap, "1000")
        counts = {"shots": whole_number("shots", shots, "1"), "batch": whole_number("batch", batch, "32")}
    except (TypeError, ValueError) as error:
        raise ArgumentError(str(error)) from None
    if draws < LEAST_BOOTSTRAP:
        raise ArgumentError(f"bootstrap: {bootstrap} is below {LEAST_BOOTSTRAP}; too few draws for an interval")
    for name, count in counts.items():
        if count < 1:
            raise ArgumentError(f"{name}: {count} is below 1; leave it out for the default")


def _name_of(model: ViTPain | str | Path) -> str:
    """What tables call the model: a folder's last name, not where it lies."""
    if isinstance(model, ViTPain):
        return "model"
    return Path(model).resolve().name if Path(model).is_dir() else str(model)


def _origin(calibration: Calibration | None) -> str:
    """Where thresholds and intervals come from, in words."""
    if calibration is None:
        return ""
    about = calibration.provenance
    if about.get("crop") != "detector":
        return "from the checkpoint"
    return (
        "from the checkpoint, fitted on faces found by the detector as in predict; here faces are cut by their true "
        "landmarks"
    )


def _part_of(on_progress: Advance | None, before: int, of: int) -> Advance | None:
    """Progress of one of several parts as that of the whole."""
    return None if on_progress is None else lambda done, _: on_progress(before + done, of)


def _check_validation(source: str | Place, dataset: str | Place, split: str | None) -> None:
    if not len(open_dataset(source, "val")):
        raise DataError(
            f"{source}: no validation subjects to calibrate thresholds and intervals on, and the model brings no "
            f"calibration; generate 10 subjects or more, or evaluate a checkpoint with calibration.json"
        )
    if split != "test" and resolved(location(source)) == resolved(location(dataset)):
        raise ArgumentError(
            f"split: {split or 'all'!r}, but the model brings no calibration, and calibrating on the frames that are "
            f"scored would flatter it; choose test, name the dataset it was trained on with --training OUT, or "
            f"evaluate a model with calibration.json, as train leaves it in RUN/best"
        )


def _write(to: Path, data: dict[str, Any], table: pa.Table, calibration: Calibration) -> tuple[Path, ...]:
    written = write_judgement(to, data, table, calibration)
    calibration.write(to)
    return written


def write_judgement(
    to: Path, data: dict[str, Any], table: pa.Table, calibration: figures.Calibrates
) -> tuple[Path, ...]:
    """Write tables.md, metrics.json, predictions.parquet and plots/; returns the files.

    Raises:
        StorageError: if the disk does not take them.
    """
    try:
        to.mkdir(parents=True, exist_ok=True)
        files = (to / "tables.md", to / METRICS, to / PREDICTIONS)
        files[0].write_text(tables.markdown(data), encoding="utf-8")
        pq.write_table(table, files[2])
        f = frames_of(table, calibration, draws=0, seed=0)
        probabilities = {t: f.calibrated.probabilities[:, t - 1] for t in (1, 2, 3)}
        plots = write_plots(table, to / PLOTS, title=data["title"], probabilities=probabilities, bars=_bars(data))
        write_metrics(to, data)
    except OSError as error:
        raise storage_error(to, error) from error
    return *files, *plots


def _bars(data: dict[str, Any]) -> list[Bar]:
    found = []
    for group, block in data["groups"].items():
        for name, row in block["rows"].items():
            ends = (row["mae"][key] for key in ("value", "low", "high"))
            value, low, high = (float("nan") if end is None else end for end in ends)
            found.append(Bar(group=group, name=name, value=value, low=low, high=high))
    return found
