"""Complete configurations, each a function: what to train (teacher, student, rgb) at which size, and what to make of a
model on real data (finetune_unbc, linear_probe).

config = recipe("student", size="tiny_cpu", teacher="runs/teacher")
config = recipe("finetune_unbc", init="vitpain-tiny")
config = dataclasses.replace(config, samples=100_000)
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from pain3d.errors import ArgumentError
from pain3d.model.checkpoint import config_of
from pain3d.model.config import BackboneConfig, NeutralConfig, ViTPainConfig, small, tiny
from pain3d.model.config import paper as paper_model
from pain3d.train.augment import AugmentConfig
from pain3d.train.config import TrainConfig
from pain3d.train.distill import DistillWeights
from pain3d.train.frames_config import FramesConfig
from pain3d.train.losses import TaskWeights

Kind = Literal["teacher", "student", "rgb"]
"""teacher: reads heatmaps. student: reads pictures, taught by a teacher. rgb: reads pictures, labels alone teach."""
Transfer = Literal["finetune_unbc", "linear_probe"]
"""What begins with a model that is there: all of it goes on learning, or its heads alone."""
Size = Literal["tiny_cpu", "small_gpu", "paper"]

FROM_SCRATCH = TaskWeights(pspi=6.0, aus=6.0, au43=1.0, ordinal=0.5, landmarks=30.0)
"""Landmarks first, then what is read off them: the smooth L1 terms are below a tenth by then, hence the weights."""

FROM_SCRATCH_TAUGHT = DistillWeights(feature_cls=5.0, feature_patch=5.0, prediction=3.0, spatial=0.5)
"""Beside `FROM_SCRATCH`; chosen on validation subjects (docs/results.md lists what was tried)."""

MILD = AugmentConfig(
    shift=0.03,
    scale=0.06,
    turn_degrees=5.0,
    brightness=0.05,
    contrast=0.1,
    gamma=0.1,
    saturation=0.2,
    tint=0.03,
    blur_chance=0.0,
    shrink_chance=0.0,
    noise_chance=0.0,
    jpeg_chance=0.0,
)
"""For budgets of some thousand frames: a model that must also learn to see through strong augmentation has hardly begun
when they are spent."""

UNBC_FRAMES = 48_398 * 4 // 5
"""Training frames of one of five folds."""

FINE_TUNING = TaskWeights(pspi=1.0, aus=0.1, au43=0.025, ordinal=0.25)
"""Action Units at a tenth, as officially on UNBC-McMaster."""

PAPER_FRAMES = 1_750 * 33
"""Training frames of the paper's dataset: 1,750 subjects, neutral frames counted as targets."""


def tiny_cpu(kind: Kind, *, teacher: str | None = None, seed: int = 0, neutral: bool = False) -> TrainConfig:
    """For two CPU cores: a small transformer behind a convolutional stem, from scratch, 112 px.

    A read-out that knows the place of each patch, with landmarks as a side task, is what makes it learn from a few
    thousand frames at all: without both, PCC on validation subjects stayed at .05.
    """
    backbone = BackboneConfig(hidden_size=128, layers=3, heads=4, patch_size=16, registers=2, stem_width=192)
    model = tiny(
        input=_input(kind),
        image_size=112,
        backbone=backbone,
        neutral=NeutralConfig(heads=4) if neutral else None,
        head_hidden=128,
        head_dropout=0.0,
        layout_channels=32,
        landmarks=kind != "teacher",
    )
    parts = _parts(kind, model, teacher)
    task = dataclasses.replace(FROM_SCRATCH, landmarks=FROM_SCRATCH.landmarks if model.landmarks else 0.0)
    return TrainConfig(
        recipe=f"{kind}/tiny_cpu",
        **{
            **parts,
            "task": task,
            "frames": dataclasses.replace(parts["frames"], augment=MILD),
            "distill": FROM_SCRATCH_TAUGHT if kind == "student" else None,
        },
        samples=20_000,
        batch_size=16,
        lr=1e-3,
        lr_heads=1e-3,
        min_lr=1e-5,
        weight_decay=0.05,
        warmup_fraction=0.1,
        betas=(0.9, 0.98),
        eval_every=125,
        eval_frames=600,
        save_every=250,
        seed=seed,
        device="cpu",
        threads=1,
    )


def vitpain_tiny(*, teacher: str, seed: int = 0) -> TrainConfig:
    """The bundled checkpoint: the student of `tiny_cpu` for an hour or so of one core, fully augmented, since it will
    meet other cameras and a detector's boxes."""
    config = tiny_cpu("student", teacher=teacher, seed=seed)
    return dataclasses.replace(
        config,
        recipe="vitpain_tiny",
        frames=dataclasses.replace(config.frames, augment=AugmentConfig()),
        samples=130_000,
        eval_every=500,
        eval_frames=1_200,
        save_every=500,
    )


def small_gpu(kind: Kind, *, teacher: str | None = None, seed: int = 0, neutral: bool = False) -> TrainConfig:
    """For one GPU: DINOv2 with registers, small, pretrained, wholly trained, 224 px."""
    model = small(input=_input(kind), neutral=NeutralConfig(heads=6) if neutral else None)
    return TrainConfig(
        recipe=f"{kind}/small_gpu",
        **_parts(kind, model, teacher),
        samples=1_000_000,
        batch_size=64,
        lr=5e-5,
        lr_heads=5e-4,
        ema=0.999,
        precision="bf16",
        eval_every=500,
        eval_frames=2_000,
        save_every=500,
        workers=8,
        seed=seed,
    )


def paper(kind: Kind, *, teacher: str | None = None, seed: int = 0, neutral: bool = True) -> TrainConfig:
    """The published configuration, as far as it is known: DINOv3-L with LoRA, 224 px, 150 epochs of 3DPain.

    Their learning rates, batch, decay, clipping, precision and choice by mean absolute error; their three loss terms
    become ours (`TaskWeights`). The teacher is from v1 of the paper, of which no configuration is public: it is the
    same with heatmaps, and compares with no neutral, since a heatmap is measured from neutral already.
    """
    model = paper_model(input=_input(kind))
    if kind == "teacher" or not neutral:
        model = dataclasses.replace(model, neutral=None)
    return TrainConfig(
        recipe=f"{kind}/paper",
        **_parts(kind, model, teacher),
        samples=150 * PAPER_FRAMES,
        batch_size=48,
        lr=1e-5,
        lr_heads=1e-4,
        min_lr=1e-6,
        weight_decay=0.1,
        warmup_fraction=0.0,
        precision="fp16",
        eval_every=1_000,
        eval_frames=5_000,
        choose_by="mae",
        save_every=1_000,
        workers=8,
        seed=seed,
    )


def finetune_unbc(*, init: str, size: Size = "tiny_cpu", seed: int = 0) -> TrainConfig:
    """The model of a checkpoint goes on learning on UNBC-McMaster, or data like it, at small rates.

    As officially: Action Units weigh a tenth, frames with PSPI >= 1 are seen twice as often; `paper` has their batch of
    100, 50 epochs, rates, decay and precision. Ours: the best epoch is chosen on validation subjects, by concordance,
    as most frames show nothing and the mean absolute error alone rewards saying so; a model that compares is given
    the reference that the dataset names.

    Args:
        init: run folder, checkpoint folder, Hub id or bundled name; its architecture is kept.
        size: of the budget alone.
        seed: of order and augmentation.

    Raises:
        ArgumentError: if the model reads heatmaps, which real data has not.
        DataError: if there is no such model.
    """
    model = config_of(init)
    if model.input != "rgb":
        raise ArgumentError(
            f"init: {init} reads heatmaps (a teacher), which no real data has; name a student or rgb model"
        )
    frames = FramesConfig(
        size=model.image_size,
        crop=model.crop,
        patch=model.backbone.patch_size,
        neutral=None if model.neutral is None else "reference",
        augment=MILD if size == "tiny_cpu" else AugmentConfig(),
        pain_weight=2.0,
    )
    return TrainConfig(
        recipe=f"finetune_unbc/{size}",
        model=model,
        frames=frames,
        task=dataclasses.replace(FINE_TUNING, landmarks=5.0 if model.landmarks else 0.0),
        init=init,
        seed=seed,
        **_FINE_TUNING_BUDGETS[size],
    )


_FINE_TUNING_BUDGETS: Mapping[Size, Mapping[str, Any]] = {
    "tiny_cpu": {
        **{"samples": 10_000, "batch_size": 16, "lr": 5e-5, "lr_heads": 2e-4, "min_lr": 1e-6, "weight_decay": 0.05},
        **{"eval_every": 125, "eval_frames": 1_000, "save_every": 125, "device": "cpu", "threads": 1},
    },
    "small_gpu": {
        **{"samples": 20 * UNBC_FRAMES, "batch_size": 64, "lr": 1e-5, "lr_heads": 1e-4, "min_lr": 1e-6},
        **{"weight_decay": 0.05, "precision": "bf16", "eval_every": 500, "eval_frames": 5_000, "workers": 8},
    },
    "paper": {
        **{"samples": 50 * UNBC_FRAMES, "batch_size": 100, "lr": 1e-5, "lr_heads": 1e-4, "min_lr": 1e-6},
        **{"weight_decay": 0.1, "warmup_fraction": 0.0, "precision": "fp16", "eval_every": 387},
        **{"eval_frames": 10_000, "workers": 8},
    },
}
"""`paper` looks at the validation subjects once an epoch."""


def linear_probe(*, init: str, size: Size = "tiny_cpu", seed: int = 0) -> TrainConfig:
    """How much a checkpoint's features know already: as `finetune_unbc`, with the backbone as it is and the heads
    alone trained, at ten times their rate.

    The heads are the model's own, from the checkpoint's weights: attention of the AU queries and small perceptrons,
    more than one linear layer.
    """
    config = finetune_unbc(init=init, size=size, seed=seed)
    return dataclasses.replace(config, recipe=f"linear_probe/{size}", freeze="backbone", lr_heads=10 * config.lr_heads)


TRANSFERS: Mapping[Transfer, Callable[..., TrainConfig]] = {
    "finetune_unbc": finetune_unbc,
    "linear_probe": linear_probe,
}

RECIPES: Mapping[Size, Callable[..., TrainConfig]] = {"tiny_cpu": tiny_cpu, "small_gpu": small_gpu, "paper": paper}


def recipe(
    kind: Kind | Transfer,
    *,
    size: Size = "tiny_cpu",
    teacher: str | None = None,
    init: str | None = None,
    seed: int = 0,
    neutral: bool | None = None,
) -> TrainConfig:
    """The configuration of this name.

    Args:
        kind: what to train.
        size: of model and budget; of a transfer, whose model is the checkpoint's, of the budget alone.
        teacher: run folder, checkpoint folder, Hub id or bundled name; for the student.
        init: the same, of the model whose weights the run starts from; a transfer needs one.
        seed: of weights, order and augmentation.
        neutral: compare with a neutral frame from another view; None: as the recipe does.

    Raises:
        ArgumentError: for an unknown kind or size, a student without a teacher, a teacher for anything else, or a
            transfer without a model to start from.
        DataError: if there is no such model.
    """
    kinds = (*get_args(Kind), *get_args(Transfer))
    for name, value, choices in (("recipe", kind, kinds), ("size", size, get_args(Size))):
        if value not in choices:
            raise ArgumentError(f"{name}: {value!r} is unknown; choose one of {', '.join(choices)}")
    if kind == "finetune_unbc" or kind == "linear_probe":
        if init is None:
            raise ArgumentError(
                f"init: not given, but {kind} starts from a model; name a run folder, a checkpoint folder, a Hub id or "
                f"a bundled name such as vitpain-tiny"
            )
        if teacher is not None:
            raise ArgumentError(f"teacher: {teacher} is given, but {kind} has none; leave it out")
        if neutral:
            raise ArgumentError(f"neutral: True, but {kind} keeps the architecture of {init}; leave it out")
        return TRANSFERS[kind](init=init, size=size, seed=seed)
    if kind == "teacher" and neutral:
        raise ArgumentError("neutral: True for a teacher, but a heatmap is measured from neutral already; leave it out")
    chosen = {} if neutral is None else {"neutral": neutral}
    return with_options(RECIPES[size](kind, teacher=teacher, seed=seed, **chosen), init=init)


def with_options(config: TrainConfig, **options: Any) -> TrainConfig:
    """The configuration with the options that are not None in place of its own.

    Raises:
        ArgumentError: if one breaks a rule.
    """
    return dataclasses.replace(config, **{name: value for name, value in options.items() if value is not None})


def _input(kind: Kind) -> Literal["heatmap", "rgb"]:
    return "heatmap" if kind == "teacher" else "rgb"


def _parts(kind: Kind, model: ViTPainConfig, teacher: str | None) -> dict[str, Any]:
    """What the kind decides: teacher, student and rgb differ in nothing else."""
    distill = DistillWeights() if kind == "student" else None
    if kind == "student" and teacher is None:
        raise ArgumentError(
            "teacher: not given, but a student learns from one; train it with --recipe teacher and name its run "
            "folder, or take the recipe rgb, which needs none"
        )
    frames = FramesConfig(
        size=model.image_size,
        crop=model.crop,
        patch=model.backbone.patch_size,
        heatmap=kind != "rgb",
        au_heatmaps=kind == "student",
        neutral=None if model.neutral is None else "other_view",
        augment=AugmentConfig(),
    )
    return {
        "model": model,
        "frames": frames,
        "task": TaskWeights(),
        "distill": distill,
        "teacher": teacher,
    }
