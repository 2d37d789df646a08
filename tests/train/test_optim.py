"""Every trainable parameter is trained, once; rates rise, fall, and end where they should."""

import itertools
import math

import pytest
import torch
from torch import nn
from toy import ToyFrames, config, model_config

from pain3d.model.config import LoraConfig
from pain3d.model.vitpain import ViTPain
from pain3d.train.distill import DistillWeights, Projector, Teacher
from pain3d.train.learner import Learner
from pain3d.train.losses import TaskWeights
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


def toy_teacher():
    return Teacher(ViTPain(model_config("heatmap")), heatmap_max_mm=16.0)


def test_every_trainable_parameter_gets_a_gradient_from_the_whole_loss():
    read = model_config(neutral=True, layout_channels=4, landmarks=True, head_dropout=0.0)
    made = config("student", teacher="t", neutral=True, model=read, task=TaskWeights(landmarks=15.0))
    teacher = toy_teacher()
    learner = Learner(made, teacher).train()
    batch = ToyFrames(None, "train", made.frames, 0).batch(range(8), 0)
    learner(batch, teacher(batch))["total"].backward()
    parameter_groups(learner, **RATES)  # asserts the partition
    assert learner.get_parameter("model.heads.layout.landmarks.weight").requires_grad
    for name, parameter in learner.named_parameters():
        if not parameter.requires_grad:
            assert name.endswith("mask_token"), name
            continue
        assert parameter.grad is not None, name
        # A constant added to all keys moves no softmax.
        assert name.endswith(("k_proj.bias", "key.bias")) or parameter.grad.abs().sum() > 0, name


def test_runs_of_other_seeds_start_from_other_weights():
    one, other = (Learner(config(seed=seed), None).model.heads.queries for seed in (1, 2))
    assert not torch.equal(one, other)


@pytest.mark.parametrize(("off", "held"), [("feature_patch", "cls"), ("feature_cls", "patch")])
def test_a_projector_has_only_the_map_that_a_term_uses(off, held):
    learner = Learner(config("student", teacher="t", distill=DistillWeights(**{off: 0.0})), toy_teacher())
    assert {name for name, _ in learner.projector.named_parameters()} == {f"{held}.weight", f"{held}.bias"}


def test_without_a_feature_term_there_is_no_projector():
    off = DistillWeights(feature_cls=0.0, feature_patch=0.0)
    assert Learner(config("student", teacher="t", distill=off), toy_teacher()).projector is None


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
