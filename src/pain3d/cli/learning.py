"""The commands that train, judge and use models: words to calls, no logic. Torch is loaded when one of them runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from pain3d.cli.answers import Answer
from pain3d.console import progress, say
from pain3d.data.sample import Sample
from pain3d.errors import ArgumentError
from pain3d.synth.page import Read

if TYPE_CHECKING:
    from pain3d.train.choice import DataChoice

BUNDLED = "vitpain-tiny"
"""The model that comes with the package."""


@dataclass(frozen=True, kw_only=True)
class Train:
    """Train ViTPain, or go on where an earlier run stopped.

    RUN/best is then a model for evaluate and predict. Options that are not given are the recipe's.
    """

    out: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="OUT")]
    """Folder of the dataset, or its URL."""
    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Folder of the run: new, empty, or holding a part of the same run."""
    recipe: Literal["teacher", "student", "rgb", "finetune_unbc", "linear_probe"] = "student"
    """teacher reads heatmaps; student reads pictures and learns from a teacher; rgb reads pictures without one;
    finetune_unbc goes on with the model of --init, on real data; linear_probe trains its heads alone."""
    size: Literal["tiny_cpu", "small_gpu", "paper"] = "tiny_cpu"
    """tiny_cpu: two cores, from scratch. small_gpu: DINOv2-S. paper: DINOv3-L with LoRA."""
    teacher: str | None = None
    """The student's teacher: a run folder, a model's folder, or a Hub id."""
    init: str | None = None
    """Start from the weights of this model: a run folder, a model's folder, a bundled name such as vitpain-tiny, or a
    Hub id; of the same architecture, which finetune_unbc and linear_probe take over."""
    subjects: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ID,ID,...")] = ()
    """Train on these subjects alone (default: those of the training split)."""
    val_subjects: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ID,ID,...")] = ()
    """Choose the best model on these subjects (default: the validation split, if OUT has one)."""
    few_shot: int | None = None
    """Train on so many subjects, drawn by the seed from the training split, or from all but --val-subjects and
    --held-out."""
    held_out: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ID,ID,...")] = ()
    """Never draw these subjects for --few-shot, such as those of a test."""
    mix: Path | None = None
    """Folder of another dataset, whose training frames are mixed into every batch."""
    mix_ratio: float | None = None
    """Share of the frames that come from --mix, above 0 and below 1."""
    mix_subjects: Annotated[tuple[str, ...], tyro.conf.arg(metavar="ID,ID,...")] = ()
    """Mix in these subjects alone (default: those of its training split)."""
    neutral: bool = False
    """Compare with a neutral picture of the same person, from another view."""
    seed: int = 0
    """Seed of the run: weights, order, augmentation."""
    samples: int | None = None
    """Frames to train on in all, counted with repetition (default: the recipe's)."""
    batch_size: int | None = None
    """Frames of one batch on one device (default: the recipe's)."""
    accumulate: int | None = None
    """Batches of one optimiser step (default: the recipe's)."""
    lr: float | None = None
    """Highest learning rate (default: the recipe's)."""
    device: str | None = None
    """auto, cpu, or cuda (default: the recipe's)."""
    precision: Literal["no", "bf16", "fp16"] | None = None
    """Mixed precision (default: the recipe's)."""
    workers: int | None = None
    """Processes that read frames (default: the recipe's)."""
    threads: int | None = None
    """Threads that compute on the CPU (default: the recipe's)."""
    save_every: int | None = None
    """Steps between checkpoints (default: the recipe's)."""
    eval_every: int | None = None
    """Steps between validations (default: the recipe's)."""
    patience: int | None = None
    """Validations without an improvement before the run ends (default: the recipe's)."""
    log_every: int | None = None
    """Steps between lines of RUN/metrics.jsonl (default: the recipe's)."""
    timeout_s: float | None = None
    """Seconds that several processes wait for each other before they give up (default: the recipe's)."""
    calibrate: bool = True
    """Whether 1,200 frames of validation subjects are read at the end, as predict would, and thresholds and 90 %
    intervals kept in RUN/best; a tenth of a second a frame. A teacher needs none."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        from pain3d.train.choice import with_data
        from pain3d.train.loop import train
        from pain3d.train.recipes import recipe, with_options

        config = recipe(
            self.recipe, size=self.size, teacher=self.teacher, init=self.init, seed=self.seed, neutral=self.neutral
        )
        given = {name: vars(self)[name] for name in _OF_RECIPE}
        config = with_options(with_data(config, self.out, self._data()), **given)
        with progress("training", "samples") as advance:
            result = train(self.out, self.run_folder, config, on_progress=advance, on_phase=say)
        said = self._calibrated()
        return Answer(text=f"{result.text()}\n{said}", data={**result.to_json(), "calibration": said})

    def _data(self) -> DataChoice:
        from pain3d.train.choice import DataChoice

        return DataChoice(
            subjects=_names(self.subjects) or None,
            val_subjects=_names(self.val_subjects) or None,
            few_shot=self.few_shot,
            held_out=_names(self.held_out),
            mix=self.mix,
            mix_ratio=self.mix_ratio,
            mix_subjects=_names(self.mix_subjects) or None,
        )

    def _calibrated(self) -> str:
        from accelerate import PartialState

        if not self.calibrate or not PartialState().is_main_process:
            return "not calibrated"
        if self.val_subjects:
            return "not calibrated: a calibration is fitted on a validation split, and subjects were named instead"
        from pain3d.evaluate.bundle import calibrate_run

        with progress("calibrating", "frames") as advance:
            return calibrate_run(self.run_folder, self.out, on_progress=advance)


_OF_RECIPE = (
    *("samples", "batch_size", "accumulate", "lr", "device", "precision"),
    *("workers", "threads", "save_every", "eval_every", "patience", "log_every", "timeout_s"),
)


@dataclass(frozen=True, kw_only=True)
class Evaluate:
    """Judge a model on subjects it never saw: errors, agreement, detection, groups, distractors, calibration.

    Writes predictions.parquet, metrics.json, tables.md and plots.
    """

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")]
    """A run folder, a model's folder, a bundled name such as vitpain-tiny, or a Hub id."""
    out: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="OUT")]
    """Folder of the dataset, or its URL."""
    split: Literal["train", "val", "test", "all"] = "test"
    """Whose frames; all: every frame of a dataset that the model never saw."""
    to: Path = Path("evaluation")
    """Folder to write to; what an earlier evaluation left there is replaced."""
    training: Annotated[str | None, tyro.conf.arg(metavar="OUT")] = None
    """Dataset that the model was trained on, where OUT is another: mean predictor and geometry oracle are fitted on its
    training subjects (default: OUT)."""
    neutral: Literal["other_view", "same_view"] | None = None
    """Where a comparing model's neutral picture comes from; same_view is an oracle (default: other_view, if needed)."""
    shots: int = 1
    """Neutral pictures of each face, for a model that compares."""
    bootstrap: int = 1000
    """Draws of subjects for each interval, at least 100."""
    oracle: bool = True
    """Whether the geometry oracle is fitted too, on true landmarks; some seconds for 20,000 frames."""
    device: str = "auto"
    """auto, cpu, or cuda."""
    seed: int = 0
    """Seed of the neutral pictures and of the bootstrap."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, words: Sequence[str]) -> Answer:
        from pain3d.evaluate.evaluate import evaluate

        with progress("reading", "frames") as advance:
            found = evaluate(
                self.model,
                self.out,
                to=self.to,
                split=None if self.split == "all" else self.split,
                training=self.training,
                neutral=self.neutral,
                shots=self.shots,
                bootstrap=self.bootstrap,
                oracle=self.oracle,
                device=self.device,
                seed=self.seed,
                command=words,
                on_progress=advance,
                on_phase=say,
            )
        return Answer(text=found.text(), data=found.to_json())


@dataclass(frozen=True, kw_only=True)
class Predict:
    """Read faces in photos or videos: PSPI with a 90 % interval, six Action Units, and an overlay.

    PSPI is observer-coded facial expression, not felt pain; not a medical device. Nothing leaves this machine. A video
    gives NAME.pspi.csv and NAME.pspi.png.
    """

    images: Annotated[tyro.conf.Positional[tuple[Path, ...]], tyro.conf.arg(metavar="IMAGE...")]
    """Pictures (JPEG, PNG, WebP, ...) or videos (MP4, WebM, ...) of any size."""
    model: str = BUNDLED
    """A bundled name, a run folder, a model's folder, or a Hub id."""
    neutral: tuple[Path, ...] = ()
    """Picture of the same person at rest, for a model that compares; may be given several times."""
    box: Annotated[str | None, tyro.conf.arg(metavar="X0,Y0,X1,Y1")] = None
    """The face, forehead to chin, in pixels from the top left; detected without."""
    all_faces: bool = False
    """Read every face of a picture, not the largest alone."""
    overlay: Path | None = None
    """Folder for one PNG a reading; no PNG without. Of videos: folder of the table and plot."""
    every: int = 1
    """Of videos: read one frame in so many."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        if not self.images:
            raise ArgumentError("images: none given; name at least one picture or video")
        from pain3d.evaluate.predict import read_images
        from pain3d.evaluate.video import is_video, read_video
        from pain3d.model.vitpain import ViTPain

        box = None if self.box is None else _box_of(self.box)
        model = ViTPain.from_pretrained(self.model)
        texts: list[str] = []
        data: dict[str, object] = {"model": self.model}
        exit_code = 0
        pictures = [path for path in self.images if not is_video(path)]
        if pictures:
            with progress("reading", "pictures") as advance:
                found = read_images(
                    model,
                    pictures,
                    neutral=self.neutral,
                    box=box,
                    all_faces=self.all_faces,
                    overlay=self.overlay,
                    on_progress=advance,
                )
            texts.append(found.text())
            data |= found.to_json()
            exit_code = 0 if found.ok else 1
        videos = [path for path in self.images if is_video(path)]
        read = []
        for video in videos:
            with progress(f"reading {video.name}", "frames") as advance:
                read.append(
                    read_video(
                        model,
                        video,
                        neutral=self.neutral,
                        box=box,
                        every=self.every,
                        to=self.overlay,
                        on_progress=advance,
                    )
                )
        texts += [one.text() for one in read]
        return Answer(
            text="\n".join(texts), data={**data, "videos": [one.to_json() for one in read]}, exit_code=exit_code
        )


@dataclass(frozen=True, kw_only=True)
class Explain:
    """Show where a model looks, and how well that agrees with the true heatmaps."""

    model: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="MODEL")]
    """A run folder, a model's folder, a bundled name such as vitpain-tiny, or a Hub id."""
    out: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="OUT")]
    """Folder of the dataset, or its URL."""
    split: Literal["train", "val", "test"] = "test"
    """Whose frames."""
    frames: int = 100
    """How many frames, drawn by the seed."""
    to: Path = Path("explanation")
    """Folder to write to."""
    seed: int = 0
    """Seed of the frames drawn and of the bootstrap."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        from pain3d.evaluate.agreement import ExplainConfig
        from pain3d.evaluate.explain import explain_dataset
        from pain3d.model.vitpain import ViTPain

        model = ViTPain.from_pretrained(self.model)
        config = ExplainConfig(split=self.split, frames=self.frames, seed=self.seed)
        with progress("explaining", "frames") as advance:
            found = explain_dataset(model, self.out, config, to=self.to, on_progress=advance)
        return Answer(text=f"{found.markdown()}\nsheet: {found.sheet}", data=found.to_json())


def bundled_reader() -> Read | None:
    """What the bundled model says about frames of a dataset, for the demo's page; None where there is no such model."""
    if not (resources.files("pain3d") / "checkpoints" / BUNDLED / "config.json").is_file():
        return None

    def read(samples: Sequence[Sample]) -> dict[str, str]:
        from pain3d.evaluate.predict import said_of_frames
        from pain3d.model.vitpain import ViTPain

        say(f"reading: {len(samples)} faces with {BUNDLED}")
        return said_of_frames(ViTPain.from_pretrained(BUNDLED), samples, BUNDLED)

    return read


def _names(lists: Sequence[str]) -> tuple[str, ...]:
    """Ids of one or several comma-separated lists."""
    return tuple(name.strip() for text in lists for name in text.split(",") if name.strip())


def _box_of(text: str) -> tuple[float, float, float, float]:
    rule = f"box: {text!r} is not left,top,right,bottom in pixels; write for example --box 120,80,360,400"
    try:
        left, top, right, bottom = (float(part) for part in text.split(","))
    except ValueError:
        raise ArgumentError(rule) from None
    if not (left < right and top < bottom):
        raise ArgumentError(rule)
    return left, top, right, bottom
