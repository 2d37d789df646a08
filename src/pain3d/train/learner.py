"""What is optimised: a model, the projector that feature alignment needs, and the loss over both."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import final

import torch
from torch import Tensor, nn

from pain3d.data.manifest import Manifest
from pain3d.errors import ArgumentError, DataError
from pain3d.model.vitpain import Features, ViTPain
from pain3d.places import Place, location
from pain3d.streams import derive_seed
from pain3d.train.config import TrainConfig
from pain3d.train.distill import Projector, Teacher, distill_loss
from pain3d.train.frames import Batch
from pain3d.train.initial import Initial, first_model
from pain3d.train.losses import task_loss
from pain3d.train.optim import is_backbone
from pain3d.train.validate import inputs


@final
class Learner(nn.Module):
    """One module from batch to loss, so that a wrapper for many devices sees every parameter in one forward."""

    def __init__(
        self, config: TrainConfig, teacher: Teacher | None, initial: Initial | None = None, *, landmarks: bool = True
    ) -> None:
        """Build model and projector from the seed, or the model from a checkpoint.

        Args:
            config: of the run.
            teacher: where a term looks at one.
            initial: whose weights the model starts from.
            landmarks: whether any frame has landmarks; where none has, their head is left as it is.
        """
        super().__init__()
        self.model = first_model(config, initial)
        self.projector = _projector(config, teacher)
        self._task, self._distill = config.task, config.distill
        self._frozen_backbone = config.freeze == "backbone"
        if self._frozen_backbone:
            for name, parameter in self.named_parameters():
                if is_backbone(name):
                    parameter.requires_grad_(False)
        layout = self.model.heads.layout
        if not landmarks and layout is not None and layout.landmarks is not None:
            # Without a gradient, weight decay alone would still pull it to zero.
            layout.landmarks.requires_grad_(False)

    def train(self, mode: bool = True) -> Learner:
        """As of any module, but that a frozen backbone stays in evaluation mode: its running statistics are its own."""
        super().train(mode)
        if mode and self._frozen_backbone:
            for encoder in (self.model.backbone, self.model.neutral_encoder):
                if encoder is not None:
                    encoder.eval()
        return self

    def forward(self, batch: Batch, teacher: Features | None) -> dict[str, Tensor]:
        """The unweighted terms, as ``task/pspi`` or ``distill/spatial``, and ``total``, what is minimised."""
        features = self.model(*inputs(self.model.config.input, batch))
        parts = {"task": task_loss(features, batch, self._task)}
        if self._distill is not None:
            parts["distill"] = distill_loss(features, teacher, batch, self.projector, self._distill)
        terms = {
            f"{part}/{name}": value
            for part, values in parts.items()
            for name, value in values.items()
            if name != "total"
        }
        return {**terms, "total": torch.stack([values["total"] for values in parts.values()]).sum()}


def load_teacher(config: TrainConfig, manifest: Manifest) -> Teacher | None:
    """The frozen teacher that the configuration names, held against student and dataset.

    Raises:
        DataError: if there is no such model, or it is damaged.
        ArgumentError: if it reads no heatmaps, or was trained on another scale, size, crop or patch grid.
    """
    if config.teacher is None:
        return None
    try:
        model = ViTPain.from_pretrained(config.teacher)
    except DataError as error:
        raise DataError(f"teacher: {str(error).removeprefix('model: ')}") from error
    teacher = Teacher(model, heatmap_max_mm=manifest.heatmap_max_mm)
    _refuse_other_geometry(config, model)
    return teacher


def check_dataset(dataset: Place, manifest: Manifest, config: TrainConfig) -> None:
    """Refuse a dataset that this configuration cannot be trained on.

    Raises:
        DataError: if it is not finished or has no training or validation frames.
        ArgumentError: if its heatmaps are on another scale, or it has no heatmaps of each AU where they are needed.
    """
    _refuse_unfinished(dataset, manifest)
    for split in ("train", "val") if config.val_subjects is None else ():
        if manifest.rows_of(split) == 0:
            way_out = (
                "generate a dataset of at least ten subjects"
                if manifest.source is None
                else "it was imported without an official split: name subjects and val_subjects"
            )
            raise DataError(
                f"{dataset}: no {split} frames; a model is trained on some subjects and chosen on others: {way_out}"
            )
    _refuse_maps(dataset, manifest, config)


def check_other_dataset(manifest: Manifest | None, config: TrainConfig) -> None:
    """Refuse a dataset that cannot be mixed in.

    Raises:
        DataError: if it is not finished or has no training frames.
        ArgumentError: if it lacks what the run's model or its losses read.
    """
    if manifest is None or config.mix is None:
        return
    dataset = location(config.mix.dataset)
    _refuse_unfinished(dataset, manifest)
    if config.mix.subjects is None and manifest.rows_of("train") == 0:
        raise DataError(f"{dataset}: no train frames to mix in; name those of its subjects that are (mix_subjects)")
    _refuse_maps(dataset, manifest, config)


def _refuse_unfinished(dataset: Place, manifest: Manifest) -> None:
    if not manifest.complete:
        raise DataError(f"{dataset}: the dataset is not finished; run the same generate command again to finish it")


def _refuse_maps(dataset: Place, manifest: Manifest, config: TrainConfig) -> None:
    if manifest.source is not None:
        if config.frames.heatmap or config.frames.au_heatmaps:
            kind = "a teacher reads" if config.model.input == "heatmap" else "a student learns from"
            raise ArgumentError(
                f"recipe: {config.recipe}: {kind} heatmaps, but {dataset} was imported ({manifest.source.kind}) and "
                f"has none; take the recipe rgb, finetune_unbc or linear_probe"
            )
        return
    if manifest.heatmap_max_mm != config.model.heatmap_max_mm:
        raise ArgumentError(
            f"model.heatmap_max_mm: {config.model.heatmap_max_mm:g}, but the heatmaps of {dataset} are on a scale of "
            f"{manifest.heatmap_max_mm:g} mm; give the model the dataset's"
        )
    if config.frames.au_heatmaps and "au_heatmaps" not in manifest.annotations:
        raise ArgumentError(
            f"frames.au_heatmaps: True, but {dataset} holds no heatmaps of single AUs; generate one with "
            f"--annotations au_heatmaps, or set distill.spatial_target='total' and frames.au_heatmaps=False"
        )


@contextlib.contextmanager
def seeded_torch(seed: int) -> Iterator[None]:
    """Torch's own generator, which dropout draws from, starts at `seed`; afterwards as it was."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield


def _projector(config: TrainConfig, teacher: Teacher | None) -> Projector | None:
    weights = config.distill
    if weights is None or teacher is None or not weights.needs_projector:
        return None
    return Projector(
        config.model.backbone.hidden_size,
        teacher.model.config.backbone.hidden_size,
        seed=derive_seed(config.seed, "projector"),
        cls=weights.feature_cls > 0,
        patch=weights.feature_patch > 0,
    )


def _refuse_other_geometry(config: TrainConfig, model: ViTPain) -> None:
    """Patches are compared one by one, and crops are cut once for both: no silent interpolation between the two."""
    theirs, ours = model.config, config.model
    for name, their, our in (
        ("image_size", theirs.image_size, ours.image_size),
        ("grid", theirs.grid, ours.grid),
        ("crop", theirs.crop, ours.crop),
    ):
        if their != our:
            raise ArgumentError(
                f"teacher: {config.teacher} was trained with {name} {their}, the student has {our}; both read the same "
                f"crop, patch by patch: train a teacher with the student's {name}, or give the student the teacher's"
            )
    if theirs.neutral is not None and config.frames.neutral is None:
        raise ArgumentError(
            f"teacher: {config.teacher} compares with a neutral heatmap, but the student's frames bring no neutral; "
            f"train a teacher without one (a heatmap is measured from neutral already)"
        )
