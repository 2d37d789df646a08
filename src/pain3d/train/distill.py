"""What the teacher adds: its features, its predictions, and where the face moves.

The teacher reads the heatmap of a frame, the student its picture. Four terms, each with a weight:

- `feature_cls`, `feature_patch`: the student's tokens, through a linear projector (a FitNets hint: Romero et al.
  2015), predict the teacher's, layer-normalised without affine parameters, by smooth L1 (target and loss of data2vec:
  Baevski et al. 2022). A frozen target of unit variance cannot collapse or be shrunk away, and the gradient is there
  from the first step. Not a cosine: most patches of a heatmap are black, so their tokens share one direction, which a
  cosine counts as agreement; here the projector's bias takes up that part at once, and what is left to learn is
  what differs between faces.
- `prediction`: PSPI and intensities by the task's smooth L1, AU43 and the ordinal outputs by the divergence from the
  teacher's probabilities (Hinton et al. 2015, temperature 1: a single logit has no dark knowledge to heat up).
- `spatial`: KL(heat || attention), the student's AU queries against the true heat. It needs no teacher.

Heat and tokens are compared patch by patch, so teacher and student share one grid.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, final, get_args

import torch
from jaxtyping import Float
from torch import Tensor, nn
from torch.nn import functional

from pain3d.errors import ArgumentError
from pain3d.train.losses import au_loss, bernoulli_loss, check_weights, pspi_loss, weighted

if TYPE_CHECKING:
    from pain3d.model.features import Features
    from pain3d.model.vitpain import ViTPain
    from pain3d.train.frames import Batch

SpatialTarget = Literal["per_au", "total"]

MINIMUM_HEAT = 1 / 255
"""A map whose warmest patch lies below one grey level of the heatmap holds rounding, not movement."""

HEAT_SHARE = 0.5
"""Share of the patch term that goes to the patches in proportion to their heat. Where nothing moves, the teacher's
tokens know little but their position; but that a region is still is knowledge too, hence not all."""

BERNOULLI_SHARE = 0.25
"""AU43 and the ordinal outputs within `prediction`, as in `TaskWeights`."""


@dataclass(frozen=True, kw_only=True)
class DistillWeights:
    """Weights of the terms. A term of weight 0 is not computed, and where none needs the teacher, it does not run."""

    feature_cls: float = 1.0
    """Alignment of the CLS token."""

    feature_patch: float = 1.0
    """Alignment of the patch tokens, warm patches counting more (`HEAT_SHARE`)."""

    prediction: float = 1.0
    """Agreement with the teacher's PSPI, AUs and ordinal probabilities."""

    spatial: float = 0.1
    """Attention of the AU queries against the heat. A divergence in nats starts at 1 to 3, the other terms well below
    1."""

    spatial_target: SpatialTarget = "per_au"
    """per_au: each query against the heat of its own AU, where that acts. total: the mean of the six queries against
    the whole heatmap."""

    def __post_init__(self) -> None:
        check_weights(self, also=("spatial_target",))
        if self.spatial_target not in get_args(SpatialTarget):
            raise ArgumentError(
                f"DistillWeights.spatial_target: {self.spatial_target!r} is not one of "
                f"{', '.join(get_args(SpatialTarget))}; write for example spatial_target='per_au'"
            )

    @property
    def needs_teacher(self) -> bool:
        """Whether any term looks at the teacher."""
        return self.feature_cls > 0 or self.feature_patch > 0 or self.prediction > 0

    @property
    def needs_projector(self) -> bool:
        """Whether any term compares features."""
        return self.feature_cls > 0 or self.feature_patch > 0


@final
class Projector(nn.Module):
    """Student tokens -> teacher tokens, one linear map for CLS and one for patches; thrown away after training.

    Linear, so that what it reads must already lie open in the student's features, where the heads find it too.
    """

    def __init__(self, student_dim: int, teacher_dim: int, *, seed: int, cls: bool = True, patch: bool = True) -> None:
        """`cls`, `patch`: which of the two maps to make; one that no term uses would never get a gradient."""
        super().__init__()
        generator = torch.Generator().manual_seed(seed)
        self.cls = _linear(student_dim, teacher_dim, generator) if cls else None
        self.patch = _linear(student_dim, teacher_dim, generator) if patch else None


def _linear(inputs: int, outputs: int, generator: torch.Generator) -> nn.Linear:
    # Not zeros: the gradient that reaches the student passes through this matrix.
    # On "meta" first: nn.Linear would draw from the global random state.
    layer = nn.Linear(inputs, outputs, device="meta").to_empty(device="cpu")
    nn.init.normal_(layer.weight, std=1 / math.sqrt(inputs), generator=generator)
    nn.init.zeros_(layer.bias)
    return layer


@final
class Teacher:
    """A frozen heatmap model. Not a module, so that no `train()` and no optimiser of the student's reaches it."""

    def __init__(self, model: ViTPain, *, heatmap_max_mm: float) -> None:
        """Freeze the model, which must read heatmaps on the dataset's scale.

        Raises:
            ArgumentError: if it reads pictures, or heatmaps on another scale.
        """
        if model.config.input != "heatmap":
            raise ArgumentError(
                f"teacher: this model reads {model.config.input!r}, a teacher reads 'heatmap'; "
                f"train one with: pain3d train DATASET RUN --recipe teacher"
            )
        if not math.isclose(model.config.heatmap_max_mm, heatmap_max_mm, rel_tol=1e-6):
            raise ArgumentError(
                f"teacher: it was trained on heatmaps of {model.config.heatmap_max_mm:g} mm full scale, the dataset "
                f"has {heatmap_max_mm:g} mm; train a teacher on this dataset, or give a dataset of the teacher's scale"
            )
        self.model = model.eval().requires_grad_(False)

    def to(self, device: torch.device | str) -> Teacher:
        """Move the model in place."""
        self.model.to(device)
        return self

    @torch.no_grad()
    def __call__(self, batch: Batch) -> Features:
        """What the teacher makes of the batch's heatmaps, without dropout and without a graph."""
        neutral = None if self.model.config.neutral is None else batch.neutral_heatmap
        self.model.eval()
        return self.model(required(batch.heatmap, "heatmap"), neutral)


def distill_loss(
    student: Features, teacher: Features | None, batch: Batch, projector: Projector | None, weights: DistillWeights
) -> dict[str, Tensor]:
    """The terms of positive weight, unweighted, and `total`, their weighted sum (0 without a graph if there is none).

    Raises:
        ArgumentError: if a term of positive weight lacks the teacher, the projector or the heat, or the grids differ.
    """
    terms: dict[str, Callable[[], Tensor]] = {
        "feature_cls": lambda: feature_loss(_map(projector, "cls")(student.cls.float()), _seen(teacher).cls),
        "feature_patch": lambda: _patch_term(student, _seen(teacher), batch, _map(projector, "patch")),
        "prediction": lambda: prediction_loss(student, _seen(teacher)),
        "spatial": lambda: _spatial_term(student, batch, weights.spatial_target),
    }
    return weighted(terms, {name: getattr(weights, name) for name in terms}, student.pspi)


def _seen(teacher: Features | None) -> Features:
    if teacher is None:
        raise ArgumentError("teacher: None, but feature and prediction terms compare with one; give a teacher")
    return teacher


def _map(projector: Projector | None, token: Literal["cls", "patch"]) -> nn.Linear:
    chosen = None if projector is None else projector.cls if token == "cls" else projector.patch
    if chosen is None:
        raise ArgumentError(
            f"projector: None for {token}, but feature_{token} > 0; give Projector(student_dim, teacher_dim, seed=0)"
        )
    return chosen


def required(maps: Tensor | None, name: str) -> Tensor:
    """The maps.

    Raises:
        ArgumentError: if the batch has none.
    """
    if maps is None:
        flag = {"heatmap": "heatmap", "au_heat": "au_heatmaps"}[name]
        raise ArgumentError(f"batch.{name}: None, but the teacher's terms read it; set FramesConfig({flag}=True)")
    return maps


def _patch_term(student: Features, teacher: Features, batch: Batch, project: nn.Linear) -> Tensor:
    if student.grid != teacher.grid:
        raise ArgumentError(
            f"teacher: its patches form a grid of {_grid(teacher)}, the student's of {_grid(student)}, and patch "
            f"alignment compares them one by one; train a teacher of the student's image and patch size, or set "
            f"feature_patch=0"
        )
    heat = total_heat(required(batch.heatmap, "heatmap"), student.grid)
    return feature_loss(project(student.patches.float()), teacher.patches, patch_weights(heat))


def _grid(features: Features) -> str:
    return f"{features.grid[0]} x {features.grid[1]}"


def feature_loss(
    projected: Float[Tensor, "batch *patch dim"],
    target: Float[Tensor, "batch *patch dim"],
    weights: Float[Tensor, "batch *patch"] | None = None,
) -> Float[Tensor, ""]:
    """Smooth L1 to the layer-normalised target: mean over channels, weighted sum over patches, mean over the batch.

    `weights` sum to 1 over the patches of each sample; None is the mean.
    """
    target = functional.layer_norm(target.detach().float(), target.shape[-1:])
    distance = functional.smooth_l1_loss(projected.float(), target, reduction="none").mean(-1)
    if weights is None:
        return distance.mean()
    return (weights * distance).flatten(1).sum(1).mean()


def total_heat(heatmap: Float[Tensor, "batch channel height width"], grid: tuple[int, int]) -> Tensor:
    """The heatmap averaged over channels and over each patch: [batch, patch].

    Of a colour map that is its lightness, which grows with the heat but not in proportion.
    """
    return functional.adaptive_avg_pool2d(heatmap.float().mean(1, keepdim=True), grid).flatten(1)


def patch_weights(heat: Float[Tensor, "batch patch"]) -> Float[Tensor, "batch patch"]:
    """Half uniform, half in proportion to the heat; all uniform where there is none. Each row sums to 1."""
    uniform = torch.full_like(heat, 1 / heat.shape[1])
    share, acts = heat_distribution(heat)
    return torch.where(acts[:, None], (1 - HEAT_SHARE) * uniform + HEAT_SHARE * share, uniform)


def heat_distribution(heat: Float[Tensor, "*map patch"]) -> tuple[Tensor, Tensor]:
    """Each map divided by its sum (0 where it holds no heat), and whether it holds any."""
    acts = heat.amax(-1) >= MINIMUM_HEAT
    total = torch.where(acts, heat.sum(-1), 1.0)
    return torch.where(acts[..., None], heat / total[..., None], 0.0), acts


def prediction_loss(student: Features, teacher: Features) -> Float[Tensor, ""]:
    """PSPI + intensities + .25 (AU43 + ordinal): 0 where the two agree."""
    pspi = pspi_loss(student.pspi, teacher.pspi.detach())
    aus = au_loss(student.aus, teacher.aus.detach())
    au43 = bernoulli_divergence(student.au43_logit, teacher.au43_logit.detach())
    ordinal = bernoulli_divergence(student.ordinal_logits, teacher.ordinal_logits.detach())
    return pspi + aus + BERNOULLI_SHARE * (au43 + ordinal)


def bernoulli_divergence(logit: Float[Tensor, "..."], target_logit: Float[Tensor, "..."]) -> Float[Tensor, ""]:
    """Mean KL(target || prediction) of single probabilities: cross-entropy less the target's own entropy."""
    probability = torch.sigmoid(target_logit.float())
    return bernoulli_loss(logit, probability) - bernoulli_loss(target_logit, probability)


def _spatial_term(student: Features, batch: Batch, target: SpatialTarget) -> Tensor:
    rows, columns = student.grid
    if target == "total":
        heat = total_heat(required(batch.heatmap, "heatmap"), student.grid)
        return spatial_loss(student.attention.float().mean(1), heat)
    heat = required(batch.au_heat, "au_heat").float()
    if heat.shape[-2:] != (rows, columns):
        raise ArgumentError(
            f"batch.au_heat: its maps are {heat.shape[-2]} x {heat.shape[-1]}, the student's patches form a grid of "
            f"{rows} x {columns}; give FramesConfig the patch grid of the student"
        )
    return spatial_loss(student.attention, heat.flatten(2))


def spatial_loss(
    attention: Float[Tensor, "batch *map patch"], heat: Float[Tensor, "batch *map patch"]
) -> Float[Tensor, ""]:
    """KL(heat || attention) in nats, the mean over the maps that hold heat; 0 where none does.

    A neutral face, or an AU that does not act, moves nothing: there is no place to look at, and none is asked for.
    """
    share, acts = heat_distribution(heat.float())
    # In half precision a softmax may round to 0, whose logarithm would end the run. Added, not clamped: a query that
    # looks elsewhere altogether keeps its gradient.
    logs = (attention.float() + 1e-8).log()
    divergence = (torch.xlogy(share, share) - share * logs).sum(-1)
    return (divergence * acts).sum() / acts.sum().clamp_min(1)
