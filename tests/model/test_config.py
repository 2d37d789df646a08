"""Configurations refuse contradictions and survive JSON."""

import json

import pytest
from tiny_models import backbone, config

from pain3d.errors import ArgumentError, DataError
from pain3d.model.config import LoraConfig, NeutralConfig, ViTPainConfig, paper, small, tiny


@pytest.mark.parametrize("made", [tiny(), tiny(input="heatmap"), small(), paper(), paper(input="heatmap"), config()])
def test_json_gives_back_the_same(made):
    assert ViTPainConfig.from_json(json.loads(json.dumps(made.to_json()))) == made


def test_a_heatmap_is_grey_unless_said_otherwise():
    assert tiny(input="heatmap").channels == 1 and tiny().channels == 3
    assert tiny(input="heatmap", mean=(0.0,) * 3, std=(1.0,) * 3).channels == 3


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"image_size": 30}, "image_size: 30 is not a multiple of the patch size 8; write for example 32"),
        ({"mean": (0.5,), "std": (0.5,)}, "mean, std: 1 and 1 values; input rgb has 3 channels"),
        ({"std": (0.0, 1.0, 1.0)}, "std, heatmap_max_mm: .* must be above 0"),
        ({"neutral": NeutralConfig(heads=3)}, "neutral.heads: 3 does not divide the hidden size 32"),
        ({"landmarks": True}, "landmarks: True, but layout_channels is None"),
        ({"head_dropout": 1.0}, "head_dropout: 1.0 is not in"),
        ({"backbone_changes": {"hidden_size": 30}}, "backbone.hidden_size: 30 is not a multiple of 4 x heads"),
        ({"backbone_changes": {"kind": "vit"}}, "'vit' has neither registers nor drop_path"),
        ({"backbone_changes": {"stem": "conv", "patch_size": 14}}, "backbone.patch_size: 14 with stem='conv'"),
        ({"backbone_changes": {"stem": "conv", "pretrained": "a/b"}}, "backbone.stem: 'conv' starts from scratch"),
        ({"backbone_changes": {"layers": 0}}, "backbone.layers: 0 is not a whole number of at least 1"),
    ],
)
def test_contradictions_are_refused(change, message):
    with pytest.raises(ArgumentError, match=message):
        config(**change)


def test_adapters_have_a_rank():
    with pytest.raises(ArgumentError, match=r"lora.rank: 0"):
        LoraConfig(rank=0)


def test_json_of_another_shape_is_refused():
    with pytest.raises(DataError, match=r"config: \[\] is not an object with the entries of ViTPainConfig"):
        ViTPainConfig.from_json([])
    data = config().to_json()
    with pytest.raises(DataError, match=r"config.mean\[1\]: True is not of type float and finite"):
        ViTPainConfig.from_json(data | {"mean": [0.5, True, 0.5]})
    assert backbone().patch_size == 8
