"""Every trainable parameter is trained, once; rates rise, fall, and end where they should."""

import itertools
import math

import pytest
import torch
from torch import nn
from toy import config, model_config

from pain3d.model.config import LoraConfig
from pain3d.model.vitpain import ViTPain
from pain3d.train.distill import Projector
from pain3d.train.learner import Learner
from pain3d.train.optim import PartitionError, assert_partition, is_backbone, learning_rate, parameter_groups

RATES = {"lr": 1e-4, "lr_heads": 1e-3, "weight_decay": 0.1}


def by_group(learner):
    names = {id(parameter): name for name, parameter in learner.named_parameters()}
    groups = parameter_groups(learner, **RATES)
    return {group["name"]: {names[id(parameter)] for parameter in group["params"]} for group in groups}


@pytest.fixture(scope="module")
def learner():
    learner = Learner(config("rgb", neutral=True), None)
    learner.projector = Projector(32, 32, seed=0)
    return learner


def test_the_groups_hold_every_trainable_parameter_once(learner):
    groups = by_group(learner)
    held = [name for names in groups.values() for name in names]
    assert sorted(held) == sorted(name for name, p in learner.named_parameters() if p.requires_grad)


def test_the_au_queries_are_trained_and_do_not_decay(learner):
    # The official code leaves them out of every group.
    assert "model.heads.queries" in by_group(learner)["heads/no_decay"]


def test_the_projector_learns_at_the_rate_of_the_heads(learner):
    groups = by_group(learner)
    assert {"projector.cls.weight", "projector.patch.weight"} <= groups["heads/decay"]
    assert {"projector.cls.bias", "projector.patch.bias"} <= groups["heads/no_decay"]


def test_weights_of_layers_decay_and_nothing_else_does(learner):
    for name, names in by_group(learner).items():
        decays = name.endswith("/decay")
        for one in names:
            parameter = learner.get_parameter(one)
            assert decays == (one.endswith("weight") and parameter.ndim >= 2), one
            assert is_backbone(one) == name.startswith("backbone")


def test_each_group_has_its_rate(learner):
    groups = {group["name"]: group for group in parameter_groups(learner, **RATES)}
    assert {name: group["base_lr"] for name, group in groups.items()} == {
        "backbone/decay": 1e-4,
        "backbone/no_decay": 1e-4,
        "heads/decay": 1e-3,
        "heads/no_decay": 1e-3,
    }
    assert groups["heads/decay"]["weight_decay"] == 0.1
    assert groups["heads/no_decay"]["weight_decay"] == 0.0


def test_with_lora_only_adapters_of_the_backbone_are_trained():
    model = ViTPain(model_config(lora=LoraConfig(rank=2)))
    groups = by_group(model)
    of_backbone = set().union(*(names for name, names in groups.items() if name.startswith("backbone")))
    encoder = {name for name in of_backbone if ".encoder." in name}
    assert encoder and all(".lora_" in name and "attention" in name for name in encoder)


def test_what_is_left_out_is_named():
    module = nn.Linear(2, 2)
    with pytest.raises(PartitionError, match="left out bias; held twice nothing; 0 frozen"):
        assert_partition([{"params": [module.weight]}], module.named_parameters())


def test_what_is_held_twice_is_named():
    module = nn.Linear(2, 2)
    groups = [{"params": [module.weight, module.bias]}, {"params": [module.weight]}]
    with pytest.raises(PartitionError, match="held twice weight"):
        assert_partition(groups, module.named_parameters())


def test_a_frozen_parameter_belongs_in_no_group():
    module = nn.Linear(2, 2)
    module.bias.requires_grad_(False)
    with pytest.raises(PartitionError, match="1 frozen or foreign"):
        assert_partition([{"params": [module.weight, module.bias]}], module.named_parameters())


def test_the_optimiser_moves_every_trainable_parameter():
    learner = Learner(config("rgb"), None)
    before = {name: value.clone() for name, value in learner.named_parameters()}
    optimizer = torch.optim.AdamW(parameter_groups(learner, **RATES))
    for parameter in learner.parameters():
        parameter.grad = torch.ones_like(parameter) if parameter.requires_grad else None
    optimizer.step()
    for name, parameter in learner.named_parameters():
        assert torch.equal(parameter, before[name]) != parameter.requires_grad, name


SCHEDULE = {"steps": 100, "warmup": 10, "least": 1e-5}


def test_the_rate_rises_in_a_line_and_falls_as_a_cosine():
    rates = [learning_rate(1e-3, step, **SCHEDULE) for step in range(101)]
    assert rates[:3] == pytest.approx([1e-4, 2e-4, 3e-4])
    assert max(rates) == rates[10] == rates[9] == pytest.approx(1e-3)
    assert rates[55] == pytest.approx((1e-3 + 1e-5) / 2)
    assert rates[100] == pytest.approx(1e-5)
    assert all(later <= earlier for earlier, later in itertools.pairwise(rates[10:]))


def test_without_warmup_the_first_step_is_at_the_peak():
    assert learning_rate(1e-3, 0, steps=5, warmup=0, least=0.0) == 1e-3


@pytest.mark.parametrize(("base", "least"), [(1e-3, 1e-2), (1e-6, 1e-5)])
def test_a_base_below_the_least_rate_is_kept(base, least):
    assert learning_rate(base, 50, steps=100, warmup=0, least=least) == base


def test_a_schedule_of_one_step_is_finite():
    assert math.isfinite(learning_rate(1e-3, 0, steps=1, warmup=1, least=0.0))
