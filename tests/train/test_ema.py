"""The running mean by hand, and that it leaves the model as it was."""

import torch
from torch import nn

from pain3d.train.ema import Ema


def module(value):
    layer = nn.BatchNorm1d(2)
    with torch.no_grad():
        layer.weight.fill_(value)
    return layer


def test_the_mean_follows_the_formula():
    layer = module(0.0)
    ema = Ema(layer, 0.5)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    ema.update(layer)  # d = min(.5, 1/10)
    torch.testing.assert_close(ema.mean["weight"], torch.full((2,), 0.9))
    ema.update(layer)  # d = 2/11
    torch.testing.assert_close(ema.mean["weight"], torch.full((2,), 1 - 0.1 * 2 / 11))


def test_the_decay_is_never_above_the_one_asked_for():
    layer = module(0.0)
    ema = Ema(layer, 0.5)
    ema.updates = 1000
    with torch.no_grad():
        layer.weight.fill_(1.0)
    ema.update(layer)
    torch.testing.assert_close(ema.mean["weight"], torch.full((2,), 0.5))


def test_running_statistics_are_averaged_and_counts_copied():
    layer = module(1.0)
    ema = Ema(layer, 0.5)
    layer.running_mean.fill_(2.0)
    layer.num_batches_tracked.fill_(7)
    ema.update(layer)
    torch.testing.assert_close(ema.mean["running_mean"], torch.full((2,), 1.8))
    assert int(ema.mean["num_batches_tracked"]) == 7


def test_the_module_holds_the_mean_inside_and_itself_afterwards():
    layer = module(0.0)
    ema = Ema(layer, 0.5)
    with torch.no_grad():
        layer.weight.fill_(1.0)
    with ema.in_place_of(layer):
        assert torch.equal(layer.weight, torch.zeros(2))
    assert torch.equal(layer.weight, torch.ones(2))


def test_frozen_weights_are_left_out():
    layer = module(0.0)
    layer.weight.requires_grad_(False)
    assert "weight" not in Ema(layer, 0.5).mean
