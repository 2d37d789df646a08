"""The commands that compare: cross-validation over subjects, and the report of what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from pain3d.cli.answers import Answer
from pain3d.console import progress, say


@dataclass(frozen=True, kw_only=True)
class Crossval:
    """Cross-validate over subjects: train, choose on inner validation subjects, test; then both columns of figures.

    Run it again to go on where it stopped. Options that are not given are the recipe's.
    """

    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT")]
    """Folder of the dataset, from import or generate."""
    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Folder of the run: new, empty, or holding a part of the same run."""
    recipe: Literal["finetune_unbc", "linear_probe", "rgb"] = "finetune_unbc"
    """finetune_unbc goes on with the model of --init; linear_probe trains its heads alone; rgb starts from nothing."""
    size: Literal["tiny_cpu", "small_gpu", "paper"] = "tiny_cpu"
    """Budget and, for rgb, model."""
    init: str | None = None
    """The model to start from: a run folder, a model's folder, a bundled name such as vitpain-tiny, or a Hub id."""
    protocol: Annotated[str, tyro.conf.arg(metavar="5fold-published|hdf5:FILE|drawn|loso|json:FILE")] = (
        "5fold-published"
    )
    """Folds of subjects: those published for UNBC-McMaster, those of its HDF5 file, drawn by the seed, one subject left
    out each time, or those of a protocol.json."""
    folds: int = 5
    """How many are drawn; for the protocol drawn."""
    validation: int | None = None
    """Subjects of each fold that choose epoch and thresholds (default: a fifth of those that are not tested)."""
    neutral_frames: Path | None = None
    """CSV subject_id,frame_id: neutral references in place of those that the dataset names."""
    mix: Path | None = None
    """Folder of another dataset, of other people, whose training frames are mixed into every batch."""
    mix_ratio: float | None = None
    """Share of the frames that come from --mix, above 0 and below 1."""
    seed: int = 0
    """Seed of folds, validation subjects, training and bootstrap."""
    bootstrap: int = 1000
    """Draws of subjects for each interval, at least 100."""
    samples: int | None = None
    """Frames to train on in a fold, counted with repetition (default: the recipe's)."""
    batch_size: int | None = None
    """Frames of one batch (default: the recipe's)."""
    lr: float | None = None
    """Highest learning rate (default: the recipe's)."""
    eval_every: int | None = None
    """Steps between looks at the validation subjects (default: the recipe's)."""
    patience: int | None = None
    """Looks without an improvement before a fold's training ends (default: the recipe's)."""
    device: str | None = None
    """auto, cpu, or cuda (default: the recipe's)."""
    workers: int | None = None
    """Processes that read frames (default: the recipe's)."""
    threads: int | None = None
    """Threads that compute on the CPU (default: the recipe's)."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, words: Sequence[str]) -> Answer:
        from pain3d.data.reader import open_dataset
        from pain3d.evaluate import references
        from pain3d.evaluate.crossval import CrossvalConfig, crossval
        from pain3d.evaluate.protocol import protocol_of
        from pain3d.train.choice import DataChoice, with_data
        from pain3d.train.recipes import recipe, with_options

        labels = references.reference_labels(open_dataset(self.out))
        protocol = protocol_of(
            self.protocol,
            labels.column("subject_id").to_pylist(),
            folds=self.folds,
            validation=self.validation,
            seed=self.seed,
        )
        given = {name: vars(self)[name] for name in _OF_RECIPE}
        file = self.neutral_frames
        train = with_options(recipe(self.recipe, size=self.size, init=self.init, seed=self.seed), **given)
        config = CrossvalConfig(
            protocol=protocol,
            train=with_data(train, self.out, DataChoice(mix=self.mix, mix_ratio=self.mix_ratio)),
            neutral_frames=None if file is None else references.read_references(file, labels),
            bootstrap=self.bootstrap,
            seed=self.seed,
        )
        with progress("cross-validating", "frames") as advance:
            found = crossval(self.out, self.run_folder, config, command=words, on_progress=advance, on_phase=say)
        return Answer(text=found.text(), data=found.to_json())


_OF_RECIPE = ("samples", "batch_size", "lr", "eval_every", "patience", "device", "workers", "threads")


@dataclass(frozen=True, kw_only=True)
class Report:
    """Write what a cross-validation or an evaluation found as one HTML page, and as JSON.

    The page holds tables with intervals, plots, the frames read worst, versions, commands, and the TRIPOD+AI / CLAIM
    checklist. It needs no network.
    """

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Folder that crossval or evaluate wrote; report.html and report.json go there."""
    pictures: bool = True
    """Whether the frames that were read worst are shown; if not, no picture of the dataset is in the page."""
    data: Annotated[Path | None, tyro.conf.arg(metavar="OUT")] = None
    """The dataset, if it is no longer where it was."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        from pain3d.evaluate.report import write_report

        found = write_report(self.run_folder, pictures=self.pictures, dataset=self.data)
        return Answer(text=found.text(), data=found.to_json())
