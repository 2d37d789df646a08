"""The terms of the labels, each against numbers worked by hand."""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass

import pytest
import torch

from pain3d.errors import ArgumentError
from pain3d.train.losses import (
    TaskWeights,
    au_loss,
    bernoulli_loss,
    landmark_loss,
    ordinal_targets,
    pspi_loss,
    task_loss,
    weighted,
)

OFF = {"pspi": 0.0, "aus": 0.0, "au43": 0.0, "ordinal": 0.0, "landmarks": 0.0}


@dataclass(frozen=True)
class Outputs:
    """What the losses read of `Features`."""

    pspi: torch.Tensor
    aus: torch.Tensor
    au43_logit: torch.Tensor
    ordinal_logits: torch.Tensor
    landmarks: torch.Tensor | None


@dataclass(frozen=True)
class Labels:
    """What they read of `Batch`."""

    pspi: torch.Tensor
    aus: torch.Tensor
    landmarks: torch.Tensor


def outputs() -> Outputs:
    aus = torch.tensor([[5.0, 0, 0, 0, 0, 0.5], [0, 0, 0, 0, 0, 0.5]])
    points = torch.full((2, 68, 2), 0.5)
    points[0, 30, 0] += 0.03
    points[1, 8, 1] -= 0.004
    return Outputs(torch.tensor([8.0, 0.5]), aus, torch.zeros(2), torch.zeros(2, 3), points)


def labels() -> Labels:
    aus = torch.tensor([[2.0, 0, 0, 0, 0, 1], [0, 0, 0, 0, 0, 0]])
    return Labels(torch.tensor([4.0, 0.0]), aus, torch.full((2, 68, 2), 0.5))


def test_pspi_by_hand():
    # Four points off: linear, 4/16 - 1/32. Half a point off: quadratic, (.5/16)^2 / 2 * 16.
    expected = ((4 / 16 - 1 / 32) + (0.5 / 16) ** 2 / 2 * 16) / 2
    assert pspi_loss(outputs().pspi, labels().pspi).item() == pytest.approx(expected)


def test_intensities_by_hand_and_without_au43():
    expected = (3 / 5 - 1 / 10) / 10  # one of two times five values is three levels off
    assert au_loss(outputs().aus, labels().aus).item() == pytest.approx(expected)


def test_cross_entropy_by_hand():
    logit = torch.tensor([math.log(3.0), 0.0])  # probabilities 3/4 and 1/2
    found = bernoulli_loss(logit, torch.tensor([1.0, 0.0])).item()
    assert found == pytest.approx((math.log(4 / 3) + math.log(2)) / 2)


def test_landmarks_by_hand():
    # Three hundredths of the crop off: linear, .03 - .005. Four thousandths: quadratic, .004^2 / 2 / .01.
    expected = ((0.03 - 0.005) + 0.004**2 / 2 / 0.01) / (2 * 68 * 2)
    assert landmark_loss(outputs().landmarks, labels().landmarks).item() == pytest.approx(expected, rel=1e-4)


def test_landmarks_of_a_model_without_that_head_are_refused():
    bare = dataclasses.replace(outputs(), landmarks=None)
    assert "landmarks" not in task_loss(bare, labels(), TaskWeights())
    with pytest.raises(ArgumentError, match=r"task\.landmarks: above 0, but the model has no landmark head"):
        task_loss(bare, labels(), TaskWeights(landmarks=1.0))


def test_the_ordinal_targets_include_the_threshold():
    found = ordinal_targets(torch.tensor([0.0, 1.0, 2.0, 3.0, 16.0]))
    assert found.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [1, 1, 1], [1, 1, 1]]


def test_the_total_is_the_weighted_sum():
    weights = TaskWeights(pspi=2.0, aus=3.0, au43=0.5, ordinal=0.25, landmarks=30.0)
    terms = task_loss(outputs(), labels(), weights)
    assert list(terms) == ["pspi", "aus", "au43", "ordinal", "landmarks", "total"]
    assert terms["au43"].item() == pytest.approx(math.log(2))
    assert terms["ordinal"].item() == pytest.approx(math.log(2))
    by_hand = 2 * terms["pspi"] + 3 * terms["aus"] + 0.5 * terms["au43"] + 0.25 * terms["ordinal"]
    assert terms["total"].item() == pytest.approx((by_hand + 30 * terms["landmarks"]).item())


@pytest.mark.parametrize("name", OFF)
def test_a_term_stands_alone(name):
    terms = task_loss(outputs(), labels(), TaskWeights(**{**OFF, name: 2.0}))
    assert set(terms) == {name, "total"}
    assert terms["total"].item() == pytest.approx(2 * terms[name].item())


def test_a_weight_of_zero_computes_nothing():
    def fail() -> torch.Tensor:
        raise AssertionError("computed")

    terms = weighted({"a": fail, "b": lambda: torch.tensor(2.0)}, {"a": 0.0, "b": 3.0}, torch.zeros(1))
    assert {name: value.item() for name, value in terms.items()} == {"b": 2.0, "total": 6.0}
    assert task_loss(outputs(), labels(), TaskWeights(**OFF))["total"].item() == 0


def test_gradients_are_those_of_finite_differences():
    generator = torch.Generator().manual_seed(0)
    predicted = torch.rand(3, 6, generator=generator, dtype=torch.double).mul(5).requires_grad_()
    target = torch.rand(3, 6, generator=generator) * 5
    # The terms work in float32, hence the wide step and tolerance.
    for term in (lambda x: au_loss(x, target), lambda x: pspi_loss(x[:, 0], target[:, 0])):
        assert torch.autograd.gradcheck(term, (predicted,), eps=1e-2, atol=3e-3, rtol=3e-2)
    logits = torch.randn(3, 3, generator=generator, dtype=torch.double).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: bernoulli_loss(x, target[:, :3] / 5), (logits,), eps=1e-2, atol=3e-3)


def test_under_autocast_the_terms_are_float32():
    with torch.autocast("cpu", dtype=torch.bfloat16):
        terms = task_loss(outputs(), labels(), TaskWeights())
    plain = task_loss(outputs(), labels(), TaskWeights())
    assert all(value.dtype == torch.float32 for value in terms.values())
    assert {name: value.item() for name, value in terms.items()} == {n: v.item() for n, v in plain.items()}


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), True, "1"])
def test_a_weight_must_be_a_number_of_at_least_zero(value):
    with pytest.raises(ArgumentError) as error:
        TaskWeights(aus=value)
    assert str(error.value) == (
        f"TaskWeights.aus: {value!r} is not a finite number >= 0; "
        f"write for example aus=1.0, or 0.0 to leave the term out"
    )
