"""The model as a whole: shapes, ranges, and the laws that the released code of this field broke."""

from dataclasses import fields

import numpy as np
import pytest
import torch
from tiny_models import SIZE, config, model, pictures
from torch import Tensor

from pain3d.errors import ArgumentError
from pain3d.model.config import NeutralConfig

SHARED, SEPARATE = NeutralConfig(heads=2), NeutralConfig(encoder="separate", heads=2, layers=2)


def tensors(features) -> dict[str, Tensor]:
    found = {field.name: getattr(features, field.name) for field in fields(features)}
    return {name: value for name, value in found.items() if isinstance(value, Tensor)}


def assert_same(one, other, tolerance=1e-5):
    for name, value in tensors(one).items():
        torch.testing.assert_close(value, tensors(other)[name], atol=tolerance, rtol=tolerance, msg=name)


def test_shapes_and_ranges():
    features = model()(pictures(3, 3, SIZE, SIZE))
    assert features.grid == (4, 4)
    assert features.cls.shape == (3, 32) and features.patches.shape == (3, 16, 32)
    assert features.attention.shape == (3, 6, 16)
    torch.testing.assert_close(features.attention.sum(-1), torch.ones(3, 6))
    assert features.pspi.shape == (3,) and (features.pspi > 0).all() and (features.pspi < 16).all()
    assert features.aus.shape == (3, 6) and (features.aus > 0).all()
    assert (features.aus[:, :5] < 5).all() and (features.aus[:, 5] < 1).all()
    torch.testing.assert_close(torch.sigmoid(features.au43_logit), features.aus[:, 5])
    assert (features.ordinal_logits[:, :-1] > features.ordinal_logits[:, 1:]).all()


def test_an_untrained_model_says_about_the_mean_of_a_dataset():
    features = model()(pictures(4, 3, SIZE, SIZE))
    assert (features.pspi - 6).abs().max() < 1
    assert (features.aus[:, :5] - 1.6).abs().max() < 0.6
    assert (features.aus[:, 5] - 0.2).abs().max() < 0.1


@pytest.mark.parametrize("kind", ["dinov2_with_registers", "dinov3_vit", "vit"])
@pytest.mark.parametrize("stem", ["patch", "conv"])
def test_shuffling_the_patches_changes_the_prediction(kind, stem):
    changes = {"kind": kind, "stem": stem, "registers": 0 if kind == "vit" else 2}
    subject = model(backbone_changes=changes)
    image = pictures(2, 3, SIZE, SIZE)
    patches = image.unflatten(2, (4, 8)).unflatten(4, (4, 8))
    shuffled = patches.flip(2).flip(4).flatten(4, 5).flatten(2, 3)
    before, after = subject(image), subject(shuffled)
    assert before.patches.shape == (2, 16, 32)
    assert (before.cls - after.cls).abs().max() > 1e-3
    assert (before.pspi - after.pspi).abs().max() > 1e-5


@pytest.mark.parametrize("neutral", [None, SHARED, SEPARATE])
@pytest.mark.parametrize("kind", ["dinov2_with_registers", "dinov3_vit", "vit"])
@pytest.mark.parametrize("stem", ["patch", "conv"])
def test_every_trainable_parameter_receives_gradient(kind, stem, neutral):
    changes = {"kind": kind, "stem": stem, "registers": 0 if kind == "vit" else 2}
    subject = model(backbone_changes=changes, neutral=neutral, head_dropout=0.0).train()
    features = subject(pictures(2, 3, SIZE, SIZE), None if neutral is None else pictures(2, 2, 3, SIZE, SIZE, seed=1))
    weights = torch.arange(1.0, 17.0)
    loss = sum(
        (value * weights[: value.shape[-1]] if name == "attention" else value).pow(2).sum()
        for name, value in tensors(features).items()
    )
    loss.backward()
    for name, parameter in subject.named_parameters():
        if not parameter.requires_grad:
            assert name.endswith("mask_token"), name
            continue
        assert parameter.grad is not None, name
        # A constant added to all keys moves no softmax: the true gradient of a key's bias is 0.
        assert name.endswith(("k_proj.bias", "key.bias")) or parameter.grad.abs().sum() > 0, name


def test_the_layout_and_its_landmarks_receive_gradient():
    subject = model(layout_channels=4, landmarks=True, head_dropout=0.0).train()
    features = subject(pictures(2, 3, SIZE, SIZE))
    assert features.landmarks is not None and features.landmarks.shape == (2, 68, 2)
    assert (features.landmarks - 0.5).abs().mean() < 0.3
    (features.landmarks.pow(2).sum() + features.pspi.sum() + features.aus.sum()).backward()
    for name, parameter in subject.heads.layout.named_parameters():
        assert parameter.grad is not None and parameter.grad.abs().sum() > 0, name
    assert model(layout_channels=4)(pictures(2, 3, SIZE, SIZE)).landmarks is None


def test_permuting_a_batch_permutes_the_outputs():
    subject = model(neutral=SHARED, layout_channels=4, landmarks=True)
    image, neutral = pictures(4, 3, SIZE, SIZE), pictures(4, 2, 3, SIZE, SIZE, seed=1)
    order = torch.tensor([2, 0, 3, 1])
    straight, permuted = subject(image, neutral), subject(image[order], neutral[order])
    for name, value in tensors(straight).items():
        torch.testing.assert_close(value[order], tensors(permuted)[name], atol=1e-5, rtol=1e-5, msg=name)


@pytest.mark.parametrize("neutral", [SHARED, SEPARATE])
def test_neutral_references_are_a_set_of_any_size_that_matters(neutral):
    subject = model(neutral=neutral)
    image, three = pictures(2, 3, SIZE, SIZE), pictures(2, 3, 3, SIZE, SIZE, seed=1)
    assert_same(subject(image, three), subject(image, three[:, [2, 0, 1]]))
    assert_same(subject(image, three[:, :1]), subject(image, three[:, :1].expand(-1, 4, -1, -1, -1)))
    assert (subject(image, three).cls - subject(image, three[:, :1]).cls).abs().max() > 1e-4


def test_a_neutral_is_required_or_refused():
    image, neutral = pictures(2, 3, SIZE, SIZE), pictures(2, 1, 3, SIZE, SIZE)
    with pytest.raises(ArgumentError, match=r"neutral: this model compares .* give at least one"):
        model(neutral=SHARED)(image)
    with pytest.raises(ArgumentError, match="neutral: this model reads one picture; leave neutral out"):
        model()(image, neutral)
    with pytest.raises(ArgumentError, match=r"neutral: shape \(1, 1, 3, 32, 32\) is not \[2, references, 3, 32, 32\]"):
        model(neutral=SHARED)(image, neutral[:1])
    with pytest.raises(ArgumentError, match=r"neutral: shape \(2, 0, 3, 32, 32\)"):
        model(neutral=SHARED)(image, neutral[:, :0])


def test_a_picture_of_another_shape_is_refused():
    with pytest.raises(ArgumentError, match=r"image: shape \(1, 3, 40, 40\) is not \[batch, 3, 32, 32\]"):
        model()(pictures(1, 3, 40, 40))
    with pytest.raises(ArgumentError, match=r"image: shape \(1, 1, 32, 32\)"):
        model()(pictures(1, 1, 32, 32))


@pytest.mark.parametrize("channels", [1, 3])
def test_a_teacher_reads_grey_and_colour_heatmaps(channels):
    subject = model(input="heatmap", mean=(0.1,) * channels, std=(0.2,) * channels)
    features = subject(pictures(2, channels, SIZE, SIZE))
    assert features.pspi.shape == (2,)


def test_the_seed_decides_the_weights_and_leaves_the_global_state_alone():
    state = torch.random.get_rng_state()
    one, same, other = model(seed=3), model(seed=3), model(seed=4)
    assert torch.equal(torch.random.get_rng_state(), state)
    image = pictures(1, 3, SIZE, SIZE)
    assert torch.equal(one(image).cls, same(image).cls)
    assert not torch.equal(one(image).cls, other(image).cls)


@pytest.mark.parametrize("stem", ["patch", "conv"])
def test_each_seed_has_its_own_first_weights(stem):
    options = {"backbone_changes": {"stem": stem}, "neutral": SEPARATE, "layout_channels": 4, "landmarks": True}
    one, same, other = (model(seed=seed, **options) for seed in (3, 3, 4))
    drawn = {name for name, value in one.named_parameters() if value.ndim >= 2 and value.std() > 0}
    alike = {name for name in drawn if torch.equal(one.get_parameter(name), other.get_parameter(name))}
    assert {"heads.queries", "heads.au_weight", "heads.layout.squeeze.weight", "heads.pspi_output.weight"} <= drawn
    assert any(name.startswith("backbone.encoder.") for name in drawn) and alike == set()
    assert all(torch.equal(value, same.get_parameter(name)) for name, value in one.named_parameters())


def test_normalisation_happens_inside():
    image = pictures(1, 3, SIZE, SIZE)
    mean, std = (0.1, 0.2, 0.3), (0.4, 0.5, 0.6)
    plain = model(mean=(0.0,) * 3, std=(1.0,) * 3)
    shape = (1, 3, 1, 1)
    by_hand = (image - torch.tensor(mean).reshape(shape)) / torch.tensor(std).reshape(shape)
    assert_same(model(mean=mean, std=std)(image), plain(by_hand))


def test_predict_crops_reads_as_the_forward_does_and_keeps_the_mode():
    subject = model(neutral=SHARED).train()
    crops = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    neutrals = np.random.default_rng(1).integers(0, 256, (2, 2, SIZE, SIZE, 3), dtype=np.uint8)
    predictions = subject.predict_crops(crops, neutrals)
    assert subject.training
    image = torch.from_numpy(crops).permute(0, 3, 1, 2) / 255
    features = subject.eval()(image, torch.from_numpy(neutrals).permute(0, 1, 4, 2, 3) / 255)
    np.testing.assert_allclose([p.pspi for p in predictions], features.pspi.detach().numpy(), rtol=1e-5)
    assert predictions[0].attention.shape == (6, 4, 4)
    assert predictions[0].interval is None and predictions[0].flags is None
    with pytest.raises(ArgumentError, match="crops: float64 values; give uint8"):
        subject.predict_crops(crops / 255.0)


def test_describe_counts_parameters():
    subject = model()
    assert subject.parameter_count > subject.trainable_count > 0.9 * subject.parameter_count
    assert "32 px, 4 x 4 patches" in subject.describe() and config().channels == 3
