"""Cross-validation over folds of subjects, resumable by fold, and one judgement of all held-out frames together.

RUN/crossval.json   what is cross-validated, on what, with which versions
RUN/protocol.json   the folds
RUN/fold-01/ ...    see `fold`
RUN/metrics.json    RUN/predictions.parquet    RUN/tables.md    RUN/plots/
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from pain3d.arguments import instance_of
from pain3d.data.files import make_folder
from pain3d.data.findings import listed
from pain3d.data.progress import only_run
from pain3d.data.reader import Dataset, open_dataset
from pain3d.errors import ArgumentError, DataError, OutputError
from pain3d.evaluate import references, tables
from pain3d.evaluate.evaluate import checked_device, write_judgement
from pain3d.evaluate.fold import FoldJob, FoldResult, run_fold
from pain3d.evaluate.metrics_file import CROSSVAL, METRICS
from pain3d.evaluate.metrics_file import VERSION as METRICS_VERSION
from pain3d.evaluate.pooled import CALIBRATED_BY, judged
from pain3d.evaluate.protocol import Protocol
from pain3d.evaluate.provenance import command_of, dataset_facts, is_synthetic, training_facts, versions
from pain3d.evaluate.published import NAMES
from pain3d.evaluate.tables import plus_minus
from pain3d.model.heads import THRESHOLDS
from pain3d.outside import json_of
from pain3d.places import Place
from pain3d.train.config import TrainConfig, differences
from pain3d.train.initial import load_initial
from pain3d.train.run_folder import write_json

FORMAT, VERSION = "pain3d crossval run", 1
DESCRIPTION, PROTOCOL = "crossval.json", "protocol.json"

Advance = Callable[[int, int], None]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class CrossvalConfig:
    """What is done in every fold, and how it is judged."""

    protocol: Protocol
    train: TrainConfig
    """Without subjects; its seed is that of every fold."""
    neutral_frames: references.References | None = None
    """Neutral references by subject; None: those that the dataset names."""
    bootstrap: int = 1000
    """Draws of subjects for each interval; at least 100."""
    seed: int = 0
    """Of the bootstrap and of the references that are chosen by label."""
    batch: int = 32
    """Frames at once when a model is read out."""

    def __post_init__(self) -> None:
        if self.bootstrap < 100:
            raise ArgumentError(f"bootstrap: {self.bootstrap} is below 100; too few draws for an interval")
        if self.batch < 1:
            raise ArgumentError(f"batch: {self.batch} is below 1; leave it out for the default")
        if self.train.model.input != "rgb":
            raise ArgumentError(
                "recipe: a teacher reads heatmaps, which real data has not; take a recipe that reads pictures"
            )
        if self.train.frames.subjects is not None or self.train.val_subjects is not None:
            raise ArgumentError(
                "train: names subjects, but they are the fold's; leave frames.subjects and val_subjects None"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Crossval:
    """A finished cross-validation."""

    run: Path
    data: dict[str, Any]
    """As in metrics.json."""
    table: pa.Table
    """Truth and prediction of every held-out frame; the column `fold` says which model made it."""

    def text(self) -> str:
        """For a terminal."""
        written = f"written: {self.run / METRICS}; for a page: pain3d report {self.run}"
        return "\n".join([tables.text(self.data), "", *columns_text(self.data), "", written])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return self.data


def crossval(
    dataset: str | Place,
    run: str | Path,
    config: CrossvalConfig,
    *,
    command: Sequence[str] = (),
    on_progress: Advance | None = None,
    on_phase: Say = lambda said: None,
) -> Crossval:
    """Train, choose and test in every fold, then judge all held-out frames together.

    Call it again to go on where an earlier call stopped; the end is the same to the bit.

    Args:
        dataset: folder of a finished dataset.
        run: folder of the run: new, empty, or holding a part of the same run.
        config: what is done.
        command: words of the command line, for the record.
        on_progress: called with (done, of) of the part that is being done.
        on_phase: called with what begins, in words.

    Raises:
        ArgumentError: if protocol, model and dataset do not go together; nothing was started.
        OutputError: if `run` holds anything else; nothing was changed.
        DataError: if dataset, checkpoint or a part of the run is missing or damaged.
        TrainingError: if a loss is not finite.
        StorageError: if the disk fails; run again to go on.
    """
    instance_of(CrossvalConfig, "config", config, "CrossvalConfig(...)")
    folder, opened = Path(run), open_dataset(dataset)
    labels = references.reference_labels(opened)
    config.protocol.checked(set(labels.column("subject_id").to_pylist()))
    left_out = _left_out(opened, config, labels)
    mixed = _mixed(opened, config)
    _refuse_data(opened, config, labels, left_out)
    device = checked_device(config.train.device)
    initial = load_initial(config.train)
    init_sha256 = None if initial is None else initial.sha256
    found = _claimed(folder, _description(config, opened, init_sha256, mixed, command), on_phase)
    oracle = _oracle_frames(config, labels, on_phase)
    with only_run(folder):
        config.protocol.write(folder / PROTOCOL)
        results: list[FoldResult] = []
        for number, fold in enumerate(config.protocol.folds, 1):
            job = FoldJob(
                dataset=opened.path,
                folder=folder / f"fold-{number:02d}",
                fold=fold,
                train=config.train,
                neutral_frames=None if config.neutral_frames is None else references.flat(config.neutral_frames),
                left_out=left_out,
                oracle_frames=references.flat({subject: oracle[subject] for subject in fold.test}) if oracle else (),
                device=device,
                batch=config.batch,
            )
            make_folder(job.folder)
            results.append(run_fold(job, on_progress=on_progress, on_phase=on_phase))
        on_phase("computing figures and intervals")
        figures, table, calibration = judged(opened, config.protocol, results, draws=config.bootstrap, seed=config.seed)
        data = {**_about(opened, config, results, found), **figures}
        write_judgement(folder, data, table, calibration)
    return Crossval(run=folder, data=data, table=table)


def _about(
    opened: Dataset, config: CrossvalConfig, results: Sequence[FoldResult], found: Mapping[str, Any]
) -> dict[str, Any]:
    """What metrics.json says besides figures; as the run was first asked for, so that a resumed one ends alike."""
    protocol, name = config.protocol, _name_of(config.train)
    description = results[0].choices["description"]
    return {
        "format": CROSSVAL,
        "format_version": METRICS_VERSION,
        "title": f"{name} on {opened.path.resolve().name}, {len(protocol.folds)} folds",
        "name": name,
        "model": description,
        "split": f"each held out once, {len(protocol.folds)} folds, {protocol.name}",
        "seed": config.seed,
        "bootstrap": config.bootstrap,
        "calibration": CALIBRATED_BY,
        "synthetic": is_synthetic(opened.manifest),
        "provenance": {
            "commands": [] if found["command"] is None else [found["command"]],
            "versions": found["versions"],
            "dataset": found["dataset"],
            "model": {"description": description, "sha256": None},
            "training": training_facts(config.train, found["init_sha256"]),
            "protocol": protocol.to_json(),
        },
    }


def _name_of(config: TrainConfig) -> str:
    """What tables call the model: its recipe, and what it started from."""
    recipe = config.recipe.partition("/")[0]
    return recipe if config.init is None else f"{Path(config.init).name}, {recipe}"


def columns_text(data: Mapping[str, Any]) -> list[str]:
    """Both columns, for a terminal; oracles below, named so."""
    lines = []
    for name, column in {"": data["columns"], **data["oracles"]}.items():
        lines.append(f"oracle row, {name}:" if name else f"  {'':<10}{'ours':<30}as published")
        lines += [
            f"  {key:<10}{tables.shown(column['ours'][key]):<30}{plus_minus(column['published'][key])}" for key in NAMES
        ]
    return lines


def _left_out(opened: Dataset, config: CrossvalConfig, labels: pa.Table) -> frozenset[str]:
    """Frames that serve as references, for whichever model. In datasets of ours every neutral face would be one."""
    if config.neutral_frames is not None:
        return frozenset(references.flat(config.neutral_frames))
    if opened.manifest.source is None:
        return frozenset()
    return frozenset(references.flat(references.named_references(labels)))


def _mixed(opened: Dataset, config: CrossvalConfig) -> dict[str, Any] | None:
    """Facts of the dataset that is mixed in; refused if it shows anybody who is tested.

    Two generated datasets call different people alike, so names are compared between imported ones, and hashes always.
    """
    mix = config.train.mix
    if mix is None:
        return None
    other = open_dataset(mix.dataset)
    facts = dataset_facts(mix.dataset, other.manifest)
    same = facts["manifest_sha256"] == dataset_facts(opened.path, opened.manifest)["manifest_sha256"]
    imported = opened.manifest.source is not None and other.manifest.source is not None
    shared = sorted({*config.protocol.subjects} & {*(mix.subjects or other.subjects)}) if same or imported else []
    if shared:
        raise ArgumentError(
            f"mix: {mix.dataset} shows {', '.join(shared[:5])}{', ...' if len(shared) > 5 else ''}, who are tested: in "
            f"their folds the model would have seen them; mix in a dataset of other people"
        )
    return facts


def _refuse_data(opened: Dataset, config: CrossvalConfig, labels: pa.Table, left_out: frozenset[str]) -> None:
    if config.train.model.neutral is not None:
        if opened.manifest.source is None:
            raise ArgumentError(
                f"recipe: this model compares with a neutral reference, but {opened.path} was generated, and there "
                f"the named reference is the same view, aligned to the pixel; take a model without a neutral, or "
                f"pain3d evaluate"
            )
        named = config.neutral_frames or references.named_references(labels)
        without = sorted(subject for subject, frames in named.items() if not frames)
        if without:
            raise ArgumentError(
                f"neutral_frames: the dataset names no reference of {', '.join(without)}; name them in a CSV file with "
                f"--neutral-frames, or take a model that reads one picture"
            )
    frames, subjects = (np.array(labels.column(name).to_pylist(), dtype=str) for name in ("frame_id", "subject_id"))
    pspi = labels.column("PSPI").to_numpy()
    scored = ~np.isin(frames, sorted(left_out))
    for fold in config.protocol.folds:
        levels = pspi[scored & np.isin(subjects, fold.validation)]
        for t in THRESHOLDS:
            if (levels >= t).all() or not (levels >= t).any():
                how = "no frame" if not (levels >= t).any() else "no frame but those"
                raise ArgumentError(
                    f"validation: the validation subjects of fold {fold.name} ({', '.join(fold.validation)}) have "
                    f"{how} with PSPI >= {t}, and cannot choose a threshold; give another seed, or more of them"
                )
        if not (scored & np.isin(subjects, fold.test)).any():
            raise ArgumentError(
                f"protocol: the test subjects of fold {fold.name} ({', '.join(fold.test)}) have no frames but their "
                f"references; leave them out when importing, or choose another protocol"
            )


def _oracle_frames(config: CrossvalConfig, labels: pa.Table, on_phase: Say) -> dict[str, tuple[str, ...]]:
    """References chosen by label, of every subject; none for a model that does not compare."""
    if config.train.model.neutral is None:
        return {}
    chosen = references.label_chosen(labels, config.protocol.subjects, config.seed)
    without = sorted(subject for subject, frames in chosen.items() if not frames)
    if without:
        on_phase(f"note: no oracle row: {', '.join(without)} have no frame of PSPI 0")
        return {}
    return chosen


def _description(
    config: CrossvalConfig,
    opened: Dataset,
    init_sha256: str | None,
    mixed: Mapping[str, Any] | None,
    command: Sequence[str],
) -> dict[str, Any]:
    neutral = config.neutral_frames
    return {
        "format": FORMAT,
        "version": VERSION,
        "command": command_of(command) if command else None,
        "protocol": config.protocol.to_json(),
        "train": config.train.to_json(),
        "identity": config.train.identity(),
        "init_sha256": init_sha256,
        "mix_sha256": None if mixed is None else mixed["manifest_sha256"],
        "neutral_frames": None if neutral is None else {subject: list(frames) for subject, frames in neutral.items()},
        "bootstrap": config.bootstrap,
        "seed": config.seed,
        "batch": config.batch,
        "dataset": dataset_facts(opened.path, opened.manifest),
        "versions": versions(),
    }


_COMPARED = (
    *("version", "protocol", "identity", "init_sha256", "mix_sha256"),
    *("neutral_frames", "bootstrap", "seed", "batch"),
)


def _claimed(folder: Path, wanted: dict[str, Any], on_phase: Say) -> dict[str, Any]:
    """Claim a folder for this run, or find that it holds a part of it; returns what stands in crossval.json."""
    path = folder / DESCRIPTION
    if not path.exists():
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise OutputError(
                f"{folder}: holds other files, or is one; name a new or empty folder; nothing was changed"
            )
        make_folder(folder)
        write_json(path, wanted)
        return wanted
    try:
        found = json_of(path.read_text(encoding="utf-8"))
        theirs = {**{name: found[name] for name in _COMPARED}, "dataset": found["dataset"]["manifest_sha256"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{path}: damaged ({error}); restore it, or name a new folder") from None
    ours = {**{name: wanted[name] for name in _COMPARED}, "dataset": wanted["dataset"]["manifest_sha256"]}
    if differing := differences(json.loads(json.dumps(ours)), theirs):
        raise OutputError(
            f"{folder}: holds another cross-validation ({listed(differing)}); name a new folder, or ask for the same "
            f"one to go on with it; nothing was changed"
        )
    for line in differences(wanted["versions"], found["versions"]):
        on_phase(f"note: {line}: the rest of this run may round otherwise than its beginning")
    return found
