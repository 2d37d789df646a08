"""The teacher's terms, each against numbers worked by hand; the teacher frozen; the student alone without heat."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from pain3d.errors import ArgumentError
from pain3d.train.distill import (
    DistillWeights,
    Projector,
    Teacher,
    bernoulli_divergence,
    distill_loss,
    feature_loss,
    heat_distribution,
    patch_weights,
    prediction_loss,
    spatial_loss,
    total_heat,
)

OFF = {"feature_cls": 0.0, "feature_patch": 0.0, "prediction": 0.0, "spatial": 0.0}


@dataclass(frozen=True)
class Outputs:
    """What the terms read of `Features`."""

    cls: Tensor
    patches: Tensor
    attention: Tensor
    pspi: Tensor
    aus: Tensor
    au43_logit: Tensor
    ordinal_logits: Tensor
    grid: tuple[int, int] = (2, 2)


@dataclass(frozen=True)
class Maps:
    """What they read of `Batch`."""

    heatmap: Tensor | None
    au_heat: Tensor | None
    neutral_heatmap: Tensor | None = None


def outputs(seed: int, *, batch: int = 2, dim: int = 4) -> Outputs:
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    return Outputs(
        cls=normal(batch, dim).requires_grad_(),
        patches=normal(batch, 4, dim).requires_grad_(),
        attention=normal(batch, 6, 4).softmax(-1).requires_grad_(),
        pspi=(16 * normal(batch).sigmoid()).requires_grad_(),
        aus=(5 * normal(batch, 6).sigmoid()).requires_grad_(),
        au43_logit=normal(batch).requires_grad_(),
        ordinal_logits=normal(batch, 3).requires_grad_(),
    )


def maps() -> Maps:
    heatmap = torch.zeros(2, 1, 4, 4)
    heatmap[0, 0, :2, :2] = 0.4
    au_heat = torch.zeros(2, 6, 2, 2)
    au_heat[0, 0, 0, 0] = 0.4
    return Maps(heatmap, au_heat)


def test_features_by_hand():
    # [0, 4] normalises to [-1, 1]: distances 1 and .5 bend at 1 to .5 and .125; the second sample agrees.
    target = torch.tensor([[0.0, 4.0], [4.0, 0.0]])
    projected = torch.tensor([[0.0, 0.5], [1.0, -1.0]])
    assert feature_loss(projected, target).item() == pytest.approx((0.5 + 0.125) / 2 / 2, rel=1e-4)


def test_warm_patches_count_more_by_hand():
    heat = torch.tensor([[0.3, 0.1, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
    weights = patch_weights(heat)
    assert weights.tolist() == [pytest.approx([0.5, 0.25, 0.125, 0.125]), pytest.approx([0.25] * 4)]
    target = torch.tensor([0.0, 4.0]).expand(2, 4, 2)
    projected = torch.tensor([-1.0, 1.0]).repeat(2, 4, 1)
    projected[0, 0] = 0  # off by 1 in both channels: .5, at the warmest patch
    projected[1, 0] = 0  # the same on a still face
    assert feature_loss(projected, target, weights).item() == pytest.approx((0.5 * 0.5 + 0.25 * 0.5) / 2, rel=1e-4)


def test_total_heat_is_the_mean_over_channels_and_patch():
    heatmap = torch.zeros(1, 3, 4, 4)
    heatmap[0, 0, :2, :2] = 0.6
    heatmap[0, :, 3, 3] = 0.4
    assert total_heat(heatmap, (2, 2)).tolist() == [pytest.approx([0.2, 0.0, 0.0, 0.1])]


def test_agreement_with_the_teacher_costs_nothing():
    assert prediction_loss(outputs(0), outputs(0)).item() == pytest.approx(0.0, abs=1e-7)


def test_predictions_by_hand():
    teacher = replace(outputs(0), pspi=torch.full((2,), 4.0), aus=torch.zeros(2, 6))
    student = replace(teacher, pspi=torch.tensor([8.0, 4.0]), aus=torch.tensor([[2.0, 0, 0, 0, 0, 1.0], [0.0] * 6]))
    expected = (4 / 16 - 1 / 32) / 2 + (2 / 5 - 1 / 10) / 10
    assert prediction_loss(student, teacher).item() == pytest.approx(expected, abs=1e-6)


def test_divergence_by_hand():
    student, teacher = torch.tensor([0.0]), torch.tensor([math.log(3.0)])
    expected = 0.75 * math.log(0.75 / 0.5) + 0.25 * math.log(0.25 / 0.5)
    assert bernoulli_divergence(student, teacher).item() == pytest.approx(expected)


def test_spatial_by_hand():
    # (3/4, 1/4) against (1/2, 1/2); the other map holds no heat and counts for nothing.
    heat = torch.tensor([[[0.6, 0.2], [0.0, 0.0]]])
    attention = torch.tensor([[[0.5, 0.5], [0.9, 0.1]]])
    expected = 0.75 * math.log(1.5) + 0.25 * math.log(0.5)
    assert spatial_loss(attention, heat).item() == pytest.approx(expected)
    assert spatial_loss(torch.tensor([[[0.75, 0.25], [0.9, 0.1]]]), heat).item() == pytest.approx(0.0, abs=1e-7)


def test_still_faces_have_no_place_to_look_at():
    attention = torch.full((2, 6, 4), 0.25).requires_grad_()
    loss = spatial_loss(attention, torch.zeros(2, 6, 4))
    loss.backward()
    assert loss.item() == 0
    assert attention.grad is not None
    assert not attention.grad.any()


def test_less_than_a_grey_level_is_no_heat():
    share, acts = heat_distribution(torch.tensor([[0.003, 0.0], [0.004, 0.004]]))
    assert acts.tolist() == [False, True]
    assert share.tolist() == [[0, 0], [0.5, 0.5]]


def test_attention_rounded_to_zero_stays_finite():
    loss = spatial_loss(torch.tensor([[0.0, 1.0]]).half(), torch.tensor([[0.5, 0.0]]))
    assert loss.item() == pytest.approx(-math.log(1e-8), rel=1e-5)


def test_the_two_spatial_targets():
    student = replace(outputs(0), attention=torch.full((2, 6, 4), 0.25))
    for target in ("per_au", "total"):
        weights = DistillWeights(**{**OFF, "spatial": 1.0}, spatial_target=target)
        found = distill_loss(student, None, maps(), None, weights)
        assert found["spatial"].item() == pytest.approx(math.log(4)), target
    one_query = torch.full((2, 6, 4), 0.25)
    one_query[0, 0] = torch.tensor([0.7, 0.1, 0.1, 0.1])
    student = replace(student, attention=one_query)
    per_au = distill_loss(student, None, maps(), None, DistillWeights(**{**OFF, "spatial": 1.0}))
    assert per_au["spatial"].item() == pytest.approx(-math.log(0.7), rel=1e-5)
    weights = DistillWeights(**{**OFF, "spatial": 1.0}, spatial_target="total")
    mean = (0.7 + 5 * 0.25) / 6
    assert distill_loss(student, None, maps(), None, weights)["spatial"].item() == pytest.approx(-math.log(mean))


@pytest.mark.parametrize(
    ("name", "reached"),
    [
        ("feature_cls", {"cls"}),
        ("feature_patch", {"patches"}),
        ("prediction", {"pspi", "aus", "au43_logit", "ordinal_logits"}),
        ("spatial", {"attention"}),
    ],
)
def test_a_term_stands_alone_and_reaches_the_student_only(name, reached):
    student, teacher = outputs(1), outputs(2, dim=6)
    weights = DistillWeights(**{**OFF, name: 2.0})
    projector = Projector(4, 6, seed=0, cls=name == "feature_cls", patch=name == "feature_patch")
    terms = distill_loss(student, teacher, maps(), projector, weights)
    assert set(terms) == {name, "total"}
    assert terms["total"].item() == pytest.approx(2 * terms[name].item())
    terms["total"].backward()
    leaves = ("cls", "patches", "attention", "pspi", "aus", "au43_logit", "ordinal_logits")
    assert {leaf for leaf in leaves if getattr(student, leaf).grad is not None} == reached
    assert all(getattr(student, leaf).grad.abs().sum() > 0 for leaf in reached)
    assert all(getattr(teacher, leaf).grad is None for leaf in leaves)
    assert all(parameter.grad is not None for parameter in projector.parameters())


def test_the_gradient_is_there_from_the_first_step():
    student, teacher = outputs(1), outputs(2, dim=6)
    terms = distill_loss(student, teacher, maps(), Projector(4, 6, seed=0), DistillWeights(feature_cls=1.0))
    terms["total"].backward()
    assert student.cls.grad is not None
    assert student.cls.grad.norm() > 0.05


def test_gradients_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(3)

    def double(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.double)

    target, heat = double(2, 3, 4), torch.rand(2, 3, generator=generator)
    probability = double(2, 3).sigmoid()
    terms = {
        "features": (lambda x: feature_loss(x, target, patch_weights(heat)), double(2, 3, 4)),
        "divergence": (lambda x: bernoulli_divergence(x, probability), double(2, 3)),
        "spatial": (lambda x: spatial_loss(x.softmax(-1), heat), double(2, 3)),
    }
    for term, point in terms.values():
        # The terms work in float32, hence the wide step and tolerance.
        assert torch.autograd.gradcheck(term, (point.requires_grad_(),), eps=1e-2, atol=3e-3)


def test_the_projector_is_drawn_from_its_seed_alone():
    state = torch.random.get_rng_state()
    first, again, other = (Projector(4, 6, seed=seed) for seed in (0, 0, 1))
    assert torch.equal(torch.random.get_rng_state(), state)
    assert torch.equal(first.cls.weight, again.cls.weight)
    assert not torch.equal(first.cls.weight, other.cls.weight)
    assert not torch.equal(first.cls.weight, first.patch.weight)


def test_the_terms_are_float32_under_autocast():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = distill_loss(outputs(1), outputs(2), maps(), Projector(4, 4, seed=0), DistillWeights())
    assert {value.dtype for value in terms.values()} == {torch.float32}


class Toy(nn.Module):
    """A model with dropout and weights, that remembers what it was given."""

    def __init__(self, kind: str = "heatmap", neutral: object = None) -> None:
        super().__init__()
        self.config = SimpleNamespace(input=kind, heatmap_max_mm=16.0, neutral=neutral)
        self.layer = nn.Linear(4, 1)
        self.dropout = nn.Dropout(0.5)

    def forward(self, image: Tensor, neutral: Tensor | None) -> Outputs:
        self.seen = (image, neutral)
        pspi = self.dropout(self.layer(image.mean(2).expand(-1, 4, -1)))[:, 0, 0]
        return replace(outputs(0, batch=len(image)), pspi=pspi)


def test_the_teacher_is_frozen_and_without_dropout():
    toy = Toy()
    teacher = Teacher(toy.train(), heatmap_max_mm=16.0)
    toy.train()  # as a careless caller might
    first, second = teacher(maps()), teacher(maps())
    assert torch.equal(first.pspi, second.pspi)
    assert not first.pspi.requires_grad
    assert not any(parameter.requires_grad for parameter in toy.parameters())
    student = outputs(1)
    distill_loss(student, first, maps(), Projector(4, 4, seed=0), DistillWeights())["total"].backward()
    assert all(parameter.grad is None for parameter in toy.parameters())


@pytest.mark.parametrize(("configured", "given"), [(None, False), (object(), True)])
def test_the_teacher_sees_a_neutral_if_it_was_built_for_one(configured, given):
    toy = Toy(neutral=configured)
    Teacher(toy, heatmap_max_mm=16.0)(replace(maps(), neutral_heatmap=torch.zeros(2, 1, 1, 4, 4)))
    assert (toy.seen[1] is not None) == given


def test_a_teacher_of_pictures_or_of_another_scale_is_refused():
    with pytest.raises(ArgumentError) as error:
        Teacher(Toy("rgb"), heatmap_max_mm=16.0)
    assert str(error.value) == (
        "teacher: this model reads 'rgb', a teacher reads 'heatmap'; "
        "train one with: pain3d train DATASET RUN --recipe teacher"
    )
    with pytest.raises(ArgumentError, match="heatmaps of 16 mm full scale, the dataset has 12 mm"):
        Teacher(Toy(), heatmap_max_mm=12.0)


def test_without_heat_the_spatial_term_says_what_to_set():
    bare = Maps(None, None)
    with pytest.raises(ArgumentError, match=r"set FramesConfig\(au_heatmaps=True\)"):
        distill_loss(outputs(1), None, bare, None, DistillWeights(**{**OFF, "spatial": 1.0}))
    with pytest.raises(ArgumentError, match=r"set FramesConfig\(heatmap=True\)"):
        Teacher(Toy(), heatmap_max_mm=16.0)(bare)


def test_what_a_term_lacks_is_named():
    for name in ("feature_cls", "feature_patch", "prediction"):
        weights = DistillWeights(**{**OFF, name: 1.0})
        assert weights.needs_teacher
        with pytest.raises(ArgumentError, match="give a teacher"):
            distill_loss(outputs(1), None, maps(), Projector(4, 4, seed=0), weights)
    weights = DistillWeights(**{**OFF, "feature_cls": 1.0})
    for projector in (None, Projector(4, 4, seed=0, cls=False)):
        with pytest.raises(ArgumentError, match="feature_cls > 0; give Projector"):
            distill_loss(outputs(1), outputs(2), maps(), projector, weights)
    assert not DistillWeights(**{**OFF, "spatial": 1.0}).needs_teacher


def test_grids_that_differ_are_refused():
    student, teacher = outputs(1), replace(outputs(2), grid=(4, 4))
    with pytest.raises(ArgumentError, match="teacher: its patches form a grid of 4 x 4, the student's of 2 x 2"):
        distill_loss(student, teacher, maps(), Projector(4, 4, seed=0), DistillWeights())
    with pytest.raises(ArgumentError, match=r"batch.au_heat: its maps are 3 x 3"):
        distill_loss(
            student,
            None,
            replace(maps(), au_heat=torch.ones(2, 6, 3, 3)),
            None,
            DistillWeights(**{**OFF, "spatial": 1.0}),
        )


def test_weights_are_checked():
    with pytest.raises(ArgumentError, match=r"DistillWeights.spatial: -1.0 is not a finite number >= 0"):
        DistillWeights(spatial=-1.0)
    with pytest.raises(ArgumentError, match="'mean' is not one of per_au, total"):
        DistillWeights(spatial_target="mean")  # type: ignore[arg-type]
