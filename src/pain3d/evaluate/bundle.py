"""A finished run made ready for people: calibrated on validation subjects, and a folder with a card to hand on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError, UserError
from pain3d.evaluate.calibrate import calibration_of
from pain3d.evaluate.evaluate import Evaluation, evaluate
from pain3d.evaluate.model_card import model_card
from pain3d.evaluate.photos import predict_photos
from pain3d.model.calibration import FILE as CALIBRATION
from pain3d.model.calibration import Calibration
from pain3d.model.checkpoint import find
from pain3d.model.vitpain import ViTPain
from pain3d.outside import json_of
from pain3d.places import Place, location, name_of

FRAMES = 1200
"""Frames that a calibration is fitted on, the same number of each validation subject: their number matters less than
that of the subjects, and finding a face takes a tenth of a second."""

Advance = Callable[[int, int], None]
Say = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Bundle:
    """What `make_bundle` wrote."""

    folder: Path
    calibration: Calibration
    evaluations: tuple[Evaluation, ...]


def calibrate_photos(
    model: ViTPain,
    dataset: str | Place,
    *,
    frames: int | None = FRAMES,
    seed: int = 0,
    on_progress: Advance | None = None,
) -> Calibration:
    """A calibration for what `predict` reads: fitted on validation subjects whose faces were found, not known.

    Args:
        model: reads pictures; it need not be calibrated.
        dataset: the one it was trained on.
        frames: about how many; None: all of the validation split.
        seed: of the frames, and of their neutral frames.
        on_progress: called with (done, of) frames.

    Raises:
        ArgumentError: if the model reads heatmaps, or the frames are all with or all without pain.
        DataError: if there are no validation subjects, or no face was found.
    """
    photos = predict_photos(model, dataset, "val", frames=frames, seed=seed, on_progress=on_progress)
    if not len(photos.table):
        raise DataError(
            f"{dataset}: no face was found in {len(photos.missed)} validation frames; nothing to calibrate on"
        )
    manifest = open_dataset(dataset, "val").manifest
    about = {"dataset": name_of(location(dataset)), "dataset_seed": manifest.seed, "split": "val", "crop": "detector"}
    return calibration_of(photos.table, {**about, "pain3d": manifest.pain3d_version, "not_found": len(photos.missed)})


def calibrate_run(run: str | Path, dataset: str | Place, *, on_progress: Advance | None = None) -> str:
    """Calibrate RUN/best and write calibration.json into it, unless it is there; says in a line what was done.

    A model that reads heatmaps is no reader of photos and gets none. What keeps a model from being calibrated (a
    dataset of a few subjects, say) is told and no error: the training was finished before.
    """
    folder = find(run)
    if (folder / CALIBRATION).exists():
        return "calibrated before"
    model = ViTPain.from_pretrained(folder)
    if model.config.input != "rgb":
        return "not calibrated: a teacher reads heatmaps, not photos"
    try:
        found = calibrate_photos(model, dataset, on_progress=on_progress)
        found.write(folder)
    except UserError as error:
        return f"not calibrated, so its readings have no interval: {error}"
    about = found.provenance
    return (
        f"calibrated on {about['frames']:,} frames of {about['subjects']} validation subjects: readings have intervals"
    )


def make_bundle(
    run: str | Path,
    dataset: str | Place,
    to: str | Path,
    *,
    commands: Sequence[str],
    name: str = "vitpain-tiny",
    confirmation: str | Path | None = None,
    frames: int | None = FRAMES,
    bootstrap: int = 1000,
    on_progress: Advance | None = None,
    on_phase: Say | None = None,
) -> Bundle:
    """A model folder from a run: weights, configuration, calibration, and a card with its figures on test subjects.

    Args:
        run: a finished run, or a model's folder.
        dataset: the one it was trained on; calibrated on its validation, judged on its test subjects.
        to: folder to write; a model in it is replaced.
        commands: how it was made, as one would type it; shown in the card.
        name: of the model.
        confirmation: another dataset, no subject of which the model's makers looked at before: all of its frames are
            judged, and stand first in the card.
        frames: of the validation split to calibrate on.
        bootstrap: draws of subjects for each interval.
        on_progress: called with (done, of) frames.
        on_phase: called with a line as each part begins.

    Raises:
        ArgumentError: if the model reads heatmaps.
        DataError: if run or dataset is damaged or lacks subjects.
        StorageError: if the disk does not take it.
    """
    say = on_phase or (lambda _: None)
    model = ViTPain.from_pretrained(run)
    if model.config.input != "rgb":
        raise ArgumentError(f"run: {run} holds a teacher, which reads heatmaps; bundle a student or an rgb model")
    say("calibrating on validation subjects")
    model.calibration = calibrate_photos(model, dataset, frames=frames, on_progress=on_progress)
    folder = Path(to)
    judged: dict[str, tuple[str | Place, str | None]] = {"test subjects": (dataset, "test")}
    if confirmation is not None:
        judged = {"confirmation set": (confirmation, None), **judged}
    evaluations: dict[str, Evaluation] = {}
    for label, (where, split) in judged.items():
        say(f"judging: {label}")
        evaluations[label] = evaluate(
            model, where, split=split, training=dataset, bootstrap=bootstrap, on_progress=on_progress
        )
    card = model_card(
        name=name,
        model=model,
        training=training_facts(run),
        dataset=open_dataset(dataset).manifest,
        commands=commands,
        evaluations={label: one.data for label, one in evaluations.items()},
    )
    model.save_pretrained(folder, card=card)
    return Bundle(folder=folder, calibration=model.calibration, evaluations=tuple(evaluations.values()))


def training_facts(run: str | Path) -> dict[str, Any]:
    """Recipe, seed and budget of a run; empty for a model's folder without a run.

    Raises:
        DataError: if the run's files are damaged.
    """
    config, summary = Path(run) / "config.json", Path(run) / "summary.json"
    if not summary.exists():
        return {}
    try:
        how, done = json_of(config.read_bytes()), json_of(summary.read_bytes())
        facts = {name: done[name] for name in ("samples", "steps", "best_step")}
        return {"recipe": how["recipe"], "seed": how["config"]["seed"], **facts, "packages": how["packages"]}
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise DataError(f"{run}: config.json or summary.json is damaged ({error}); train again") from error
