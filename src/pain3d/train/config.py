"""Everything that decides what a run learns, in one frozen object; contradictions are refused when it is made.

Teacher, student and the arm without a teacher differ by configuration alone: the model's input (heatmap or rgb), and
whether `distill` is set.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

from pain3d.arguments import finite_number, whole_number
from pain3d.errors import ArgumentError
from pain3d.model.config import ViTPainConfig
from pain3d.streams import checked_seed
from pain3d.train.distill import DistillWeights
from pain3d.train.frames_config import FramesConfig
from pain3d.train.losses import TaskWeights
from pain3d.train.mixture import MixConfig

Precision = Literal["no", "bf16", "fp16"]
Device = Literal["auto", "cpu", "cuda"]
Freeze = Literal["nothing", "backbone"]
ChooseBy = Literal["ccc", "mae"]

CONVENIENCE = ("workers", "threads", "device", "save_every", "keep", "log_every", "timeout_s")
"""What may change between the parts of a run: nothing that is learnt depends on it. (To the bit on one machine with
one number of threads; another kind of device rounds otherwise.)"""


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """A run. Positions in the data are a pure function of (seed, step): stop and go on at will."""

    recipe: str
    """What this configuration is called, as in ``student/tiny_cpu``; for the record."""
    model: ViTPainConfig
    frames: FramesConfig
    task: TaskWeights
    distill: DistillWeights | None = None
    """Terms that the teacher, or the heat, adds; None: the labels alone teach."""
    teacher: str | None = None
    """Run folder, checkpoint folder, Hub id or bundled name of a heatmap model; where a term of `distill` needs one."""
    init: str | None = None
    """Run folder, checkpoint folder, Hub id or bundled name of the model that the run starts from, with all weights of
    it; the architecture must be the same. None: from the seed."""
    freeze: Freeze = "nothing"
    """backbone: what encodes pictures keeps its weights and its running statistics, and the heads alone are trained."""
    val_subjects: tuple[str, ...] | None = None
    """Whose frames choose the best model: with `frames.subjects`, these two lists are the split, whatever the dataset's
    own says. None: its validation split."""
    mix: MixConfig | None = None
    """Another dataset, a stated share of every batch; None: the run's own alone."""
    samples: int
    """Budget: frames seen, over all processes. Steps: samples / (batch_size x accumulate x processes)."""
    batch_size: int
    """Frames of one process in one forward pass."""
    accumulate: int = 1
    """Forward passes of one optimiser step."""
    lr: float
    """Peak rate of the backbone, or of its adapters."""
    lr_heads: float
    """Peak rate of everything else."""
    min_lr: float = 1e-6
    """Where the cosine ends."""
    weight_decay: float = 0.05
    warmup_fraction: float = 0.05
    """Part of the steps in which the rate rises to its peak."""
    betas: tuple[float, float] = (0.9, 0.999)
    """AdamW's."""
    clip: float | None = 1.0
    """Largest norm of the gradient; None: as it comes."""
    ema: float | None = None
    """Decay of the running mean of the weights, which is then what is evaluated and kept; None: no mean."""
    precision: Precision = "no"
    """Mixed precision of the forward pass."""
    eval_every: int = 100
    """Steps between looks at the validation subjects; the last step is always followed by one."""
    eval_frames: int = 1000
    """At most so many validation frames a look: a fixed sample, the same for every run on the dataset."""
    patience: int | None = None
    """Stop after so many looks without a better score; None: spend the budget."""
    choose_by: ChooseBy = "ccc"
    """Score by which best/ is chosen: Lin's concordance of PSPI, or the mean absolute error (see `train.validate`)."""
    seed: int = 0
    device: Device = "auto"
    """auto: an accelerator if there is one."""
    threads: int | None = None
    """Threads of torch in this process; None: its own choice."""
    workers: int = 0
    """Processes that decode frames, for each training process; 0: none, it decodes itself."""
    save_every: int = 500
    """Steps between checkpoints; a stop and each better score write one besides."""
    keep: int = 2
    """Checkpoints kept."""
    log_every: int = 10
    """Steps between lines of metrics.jsonl; losses are means over them."""
    timeout_s: float = 1800.0
    """Seconds that processes of one run wait for each other before they give up; one of them looks at the validation
    subjects while the others wait."""

    def __post_init__(self) -> None:
        checked_seed(self.seed)
        for name in ("samples", "batch_size", "accumulate", "eval_every", "eval_frames", "save_every", "keep"):
            _at_least(name, vars(self)[name], 1)
        _at_least("log_every", self.log_every, 1)
        _at_least("workers", self.workers, 0)
        for name in ("patience", "threads"):
            if vars(self)[name] is not None:
                _at_least(name, vars(self)[name], 1)
        for name in ("lr", "lr_heads"):
            _between(name, vars(self)[name], 0.0, math.inf, open_low=True)
        _between("timeout_s", self.timeout_s, 0.0, math.inf, open_low=True)
        _between("min_lr", self.min_lr, 0.0, math.inf)
        _between("weight_decay", self.weight_decay, 0.0, math.inf)
        _between("warmup_fraction", self.warmup_fraction, 0.0, 1.0)
        for beta in self.betas:
            _between("betas", beta, 0.0, 1.0, open_high=True)
        if self.clip is not None:
            _between("clip", self.clip, 0.0, math.inf, open_low=True)
        if self.ema is not None:
            _between("ema", self.ema, 0.0, 1.0, open_high=True)
        named = (("precision", Precision), ("device", Device), ("choose_by", ChooseBy), ("freeze", Freeze))
        for name, kind in named:
            _one_of(name, vars(self)[name], get_args(kind))
        _refuse_contradictions(self)

    def to_json(self) -> dict[str, Any]:
        """As plain values."""
        return json.loads(json.dumps(dataclasses.asdict(self), allow_nan=False))

    def identity(self) -> dict[str, Any]:
        """What must agree for two runs to be one: all but the name, what nothing learnt depends on, and the places of
        the teacher, the first model and the other dataset, whose content is compared instead."""
        apart = (*CONVENIENCE, "recipe", "teacher", "init")
        content = {name: value for name, value in self.to_json().items() if name not in apart}
        if self.mix is not None:
            content["mix"] = {name: value for name, value in content["mix"].items() if name != "dataset"}
        return content

    @property
    def split(self) -> Literal["train", "all"]:
        """Of the dataset, that `frames.subjects` are taken from."""
        return "train" if self.val_subjects is None else "all"

    def steps(self, processes: int = 1) -> int:
        """Optimiser steps that the budget buys.

        Raises:
            ArgumentError: if it buys none.
        """
        per_step = self.batch_size * self.accumulate * processes
        if self.samples < per_step:
            raise ArgumentError(
                f"samples: {self.samples} is less than one step takes (batch_size {self.batch_size} x accumulate "
                f"{self.accumulate} x {processes} processes = {per_step}); raise samples or lower batch_size"
            )
        return self.samples // per_step

    def warmup(self, steps: int) -> int:
        """Steps of rising rate."""
        return round(self.warmup_fraction * steps)


def differences(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> list[str]:
    """What differs, one line each, as in ``config.lr: 0.001 there, 0.002 asked for``."""
    mine, other = _flat(ours), _flat(theirs)
    return [
        f"{name}: {_shown(other, name)} there, {_shown(mine, name)} asked for"
        for name in sorted({*mine, *other})
        if _shown(mine, name) != _shown(other, name)
    ]


def _flat(value: Any, prefix: str = "") -> dict[str, Any]:
    if isinstance(value, Mapping) and value:
        parts = [_flat(part, f"{prefix}.{name}" if prefix else name) for name, part in value.items()]
        return {name: leaf for part in parts for name, leaf in part.items()}
    return {prefix: value}


def _shown(values: Mapping[str, Any], name: str) -> str:
    return json.dumps(values[name]) if name in values else "nothing"


def _refuse_contradictions(config: TrainConfig) -> None:
    heatmap_model = config.model.input == "heatmap"
    if heatmap_model and config.distill is not None:
        raise ArgumentError(
            "distill: set for a model that reads heatmaps, which is a teacher itself; "
            "leave distill out, or set the model's input to 'rgb'"
        )
    needs_teacher = config.distill is not None and config.distill.needs_teacher
    if needs_teacher and config.teacher is None:
        raise ArgumentError(
            "teacher: None, but distill asks for a teacher's features or predictions; train one with "
            "--recipe teacher and name its run folder, or take the recipe rgb, which needs none"
        )
    if config.teacher is not None and not needs_teacher:
        raise ArgumentError(
            f"teacher: {config.teacher} is given, but no term of this configuration looks at it; "
            f"leave it out, or take the recipe student"
        )
    if (config.task.landmarks > 0) != config.model.landmarks:
        raise ArgumentError(
            f"task.landmarks: {config.task.landmarks:g}, but model.landmarks is {config.model.landmarks}; "
            f"a landmark head is trained by a weight above 0, and without one there is nothing to weigh"
        )
    _refuse_frames(config, heatmap=heatmap_model or config.distill is not None)
    _refuse_subjects(config)
    if config.mix is not None and (config.mix.neutral is None) != (config.frames.neutral is None):
        raise ArgumentError(
            f"mix.neutral: {config.mix.neutral!r}, but the frames' neutral is {config.frames.neutral!r}; a model that "
            f"compares needs a reference from both datasets, and one without takes none"
        )


def _refuse_subjects(config: TrainConfig) -> None:
    held_out, trained = config.val_subjects, config.frames.subjects
    if held_out is None:
        return
    if not held_out:
        raise ArgumentError("val_subjects: none named; name at least one, or give None for the validation split")
    if trained is None:
        raise ArgumentError(
            "frames.subjects: None, but val_subjects are named; name the subjects that are trained on, too: "
            "the two lists are the split"
        )
    both = sorted({*held_out} & {*trained})
    if both:
        raise ArgumentError(
            f"val_subjects: {', '.join(both)} are trained on, too; a model is chosen on subjects it did not see"
        )


def _refuse_frames(config: TrainConfig, *, heatmap: bool) -> None:
    frames, model = config.frames, config.model
    if frames.size != model.image_size:
        raise ArgumentError(
            f"frames.size: {frames.size} is not the model's image_size, {model.image_size}; give both the same"
        )
    if frames.crop != model.crop:
        raise ArgumentError(
            f"frames.crop: {frames.crop} is not the model's crop, {model.crop}; give both the same, "
            f"or prediction will cut faces otherwise than training"
        )
    if frames.patch != model.backbone.patch_size:
        raise ArgumentError(
            f"frames.patch: {frames.patch} is not the model's patch_size, {model.backbone.patch_size}; "
            f"give both the same"
        )
    colour = frames.modality == "colour"
    if model.input == "heatmap" and colour != (model.channels == 3):
        raise ArgumentError(
            f"frames.modality: {frames.modality!r}, but the model reads heatmaps of {model.channels} channels; "
            f"give grey for 1, colour for 3"
        )
    if heatmap and not frames.heatmap:
        raise ArgumentError("frames.heatmap: False, but this configuration reads heatmaps; set frames.heatmap=True")
    distill = config.distill
    per_au = distill is not None and distill.spatial > 0 and distill.spatial_target == "per_au"
    if per_au and not frames.au_heatmaps:
        raise ArgumentError(
            "frames.au_heatmaps: False, but distill.spatial compares with the heat of each AU; set "
            "frames.au_heatmaps=True, distill.spatial_target='total', or distill.spatial=0"
        )
    if (frames.neutral is None) != (model.neutral is None):
        raise ArgumentError(
            f"frames.neutral: {frames.neutral!r}, but the model's neutral is {model.neutral!r}; "
            f"a model with a neutral reference needs frames that bring one, and one without takes none"
        )


def _at_least(name: str, value: object, least: int) -> None:
    try:
        number = whole_number(name, value, str(max(least, 1)))
    except TypeError as error:
        raise ArgumentError(str(error)) from None
    if number < least:
        raise ArgumentError(f"{name}: {value} is below {least}; give a whole number of at least {least}")


def _between(
    name: str, value: object, low: float, high: float, *, open_low: bool = False, open_high: bool = False
) -> None:
    try:
        number = finite_number(name, value, "0.5")
    except (TypeError, ValueError) as error:
        raise ArgumentError(str(error)) from None
    if not low <= number <= high or (open_low and number == low) or (open_high and number == high):
        border = f"above {low:g}" if open_low else f"at least {low:g}"
        top = "" if high == math.inf else f" and {'below' if open_high else 'at most'} {high:g}"
        raise ArgumentError(f"{name}: {value} is out of range; give a number {border}{top}")


def _one_of(name: str, value: object, choices: tuple[str, ...]) -> None:
    if value not in choices:
        raise ArgumentError(f"{name}: {value!r} is unknown; choose one of {', '.join(choices)}")
