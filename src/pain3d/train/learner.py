"""What is optimised: a model, the projector that feature alignment needs, and the loss over both."""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import final

import torch
from safetensors.torch import save as safetensors_bytes
from torch import Tensor, nn

from pain3d.data.manifest import Manifest
from pain3d.errors import ArgumentError, DataError
from pain3d.model.vitpain import Features, ViTPain
from pain3d.streams import derive_seed
from pain3d.train.config import TrainConfig
from pain3d.train.distill import Projector, Teacher, distill_loss
from pain3d.train.frames import Batch
from pain3d.train.losses import task_loss
from pain3d.train.validate import inputs


@final
class Learner(nn.Module):
    """One module from batch to loss, so that a wrapper for many devices sees every parameter in one forward."""

    def __init__(self, config: TrainConfig, teacher: Teacher | None) -> None:
        """Build model and projector from the seed."""
        super().__init__()
        self.model = ViTPain(config.model, seed=derive_seed(config.seed, "model"))
        self.projector = _projector(config, teacher)
        self._task, self._distill = config.task, config.distill

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
    model = ViTPain.from_pretrained(config.teacher)
    teacher = Teacher(model, heatmap_max_mm=manifest.heatmap_max_mm)
    _refuse_other_geometry(config, model)
    return teacher


def weights_sha256(model: nn.Module) -> str:
    """A hash of all weights: which teacher taught, wherever its folder lies."""
    digest = hashlib.sha256()
    for name, value in sorted(model.state_dict().items()):
        digest.update(safetensors_bytes({name: value.detach().cpu().contiguous()}))
    return digest.hexdigest()


def check_dataset(dataset: Path, manifest: Manifest, config: TrainConfig) -> None:
    """Refuse a dataset that this configuration cannot be trained on.

    Raises:
        DataError: if it is not finished or has no training or validation frames.
        ArgumentError: if its heatmaps are on another scale, or it has no heatmaps of each AU where they are needed.
    """
    if not manifest.complete:
        raise DataError(f"{dataset}: the dataset is not finished; run the same generate command again to finish it")
    for split in ("train", "val"):
        if manifest.rows_of(split) == 0:
            raise DataError(
                f"{dataset}: no {split} frames; a model is trained on some subjects and chosen on others: "
                f"generate a dataset of at least ten subjects"
            )
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
