"""Laws of the maps and their scores: a planted model that looks where it is told, and mirrors."""

import json
import math
from dataclasses import replace
from pathlib import Path
from sys import path as places

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

places.append(str(Path(__file__).parents[1] / "data"))
import handmade

from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError
from pain3d.evaluate.agreement import ExplainConfig, mean_over_subjects
from pain3d.evaluate.crops import crop_of, heat_in_crop, on_picture
from pain3d.evaluate.explain import explain_dataset, explain_image
from pain3d.evaluate.priors import centre_prior, chosen_frames, priors_of
from pain3d.evaluate.saliency import METHODS, input_gradients, rollout, saliency_maps
from pain3d.model.config import BackboneConfig, NeutralConfig, ViTPainConfig, tiny
from pain3d.model.crop import Square
from pain3d.model.vitpain import ViTPain
from pain3d.streams import stream

SIZE = 32


def config(**changes) -> ViTPainConfig:
    options = {"hidden_size": 32, "layers": 2, "heads": 2, "patch_size": 8, "stem": "patch"}
    backbone = BackboneConfig(**{**options, **changes.pop("backbone", {})})
    return tiny(backbone=backbone, image_size=SIZE, head_hidden=16, **changes)


def model_of(**changes) -> ViTPain:
    return ViTPain(config(**changes), seed=0).eval()


class Planted(nn.Module):
    """Reads heatmaps: its PSPI is their sum, and its queries attend in proportion to them."""

    def __init__(self) -> None:
        super().__init__()
        self.real = model_of(input="heatmap", backbone={"patch_size": 2})
        self.config, self.backbone = self.real.config, self.real.backbone

    def forward(self, image, neutral=None):
        heat = functional.adaptive_avg_pool2d(image, self.config.grid).flatten(2)
        attention = heat / heat.sum(dim=2, keepdim=True).clamp_min(1e-9)
        score = image.sum(dim=(1, 2, 3))
        return replace(
            self.real(image),
            attention=attention.expand(-1, 6, -1),
            pspi=score,
            aus=score[:, None].expand(-1, 6),
            au43_logit=score,
        )


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    out = tmp_path_factory.mktemp("explained") / "faces"
    handmade.dataset(out, handmade.manifest(subjects=20, annotations=("au_heatmaps",)))
    return out


@pytest.fixture(scope="module")
def found(dataset, tmp_path_factory):
    to = tmp_path_factory.mktemp("explanation")
    return explain_dataset(
        Planted(), dataset, ExplainConfig(frames=8, deletion_steps=8, draws=200, prior_frames=20), to=to
    )


def cell(found, target, method, score):
    return next(row for row in found.summary if (row["target"], row["map"], row["score"]) == (target, method, score))


def test_a_model_that_looks_where_it_is_told_wins_the_pointing_game(found):
    for method in ("attention", "gradient_input"):
        assert cell(found, "PSPI", method, "pointing_game")["mean"] == 1
    assert cell(found, "AU4", "attention", "pointing_game")["mean"] == 1


def test_deletion_in_the_right_order_is_faster_than_in_a_random_one(found):
    areas = {name: cell(found, "PSPI", name, "deletion_auc")["mean"] for name in ("true_heat", "attention", "random")}
    # Blurring moves heat about and keeps its sum, which is what this model reads: the gap is small by design.
    assert areas["true_heat"] < 0.95 * areas["random"]
    assert areas["attention"] < 0.95 * areas["random"]


def test_every_score_stands_beside_the_priors(found):
    maps = {row["map"] for row in found.summary if row["target"] == "PSPI"}
    assert maps == {*METHODS, "mean_training_heat", "centre", "uniform", "true_heat", "random"}
    ahead = cell(found, "PSPI", "mean_training_heat", "mass_inside")
    assert (ahead["ahead_mean"], ahead["ahead_low"], ahead["ahead_high"]) == (0, 0, 0)


def test_what_is_not_defined_is_nan_with_a_reason(found):
    rows = [row for row in found.rows if math.isnan(row["pointing_game"])]
    assert rows
    assert all(row["reason"] for row in rows)
    constant = cell(found, "PSPI", "uniform", "rank_correlation")
    assert math.isnan(constant["mean"])
    assert "the map or the heatmap is constant" in constant["reason"]


def test_the_files_hold_the_summary_and_no_nan(found):
    folder = found.sheet.parent
    content = json.loads((folder / "explanation.json").read_text(), parse_constant=pytest.fail)
    assert len(content["summary"]) == len(found.summary)
    assert "| attention |" in (folder / "explanation.md").read_text()
    assert len((folder / "explanation_frames.jsonl").read_text().splitlines()) == len(found.rows)


def test_the_same_seed_explains_the_same(dataset, found):
    again = explain_dataset(Planted(), dataset, found.config)
    assert json.dumps(again.to_json()["summary"]) == json.dumps(found.to_json()["summary"])


def test_a_dataset_without_maps_of_single_units_says_so(tmp_path):
    handmade.dataset(tmp_path / "faces", handmade.manifest(subjects=20))
    found = explain_dataset(Planted(), tmp_path / "faces", ExplainConfig(frames=2, methods=("attention",), draws=10))
    assert cell(found, "AU4", "attention", "pointing_game")["reason"] == "the dataset was made without au_heatmaps"


@pytest.mark.parametrize("kind", ["dinov2_with_registers", "dinov3_vit", "vit"])
@pytest.mark.parametrize("stem", ["patch", "conv"])
def test_every_backbone_gives_every_map(kind, stem):
    model = model_of(backbone={"kind": kind, "stem": stem, "registers": 0 if kind == "vit" else 2})
    image = torch.rand(2, 3, SIZE, SIZE)
    before = model(image).pspi
    features, maps = saliency_maps(model, image, None)
    assert set(maps) == set(METHODS)
    for one in maps.values():
        assert one.shape == (2, 7, SIZE, SIZE)
        assert np.isfinite(one).all()
        assert (one >= 0).all()
        assert (one.std(axis=(2, 3)) > 0).all()
    assert features.pspi.detach() == pytest.approx(before.detach(), abs=1e-5)
    assert (model(image).pspi == before).all()  # the attention is fused again


@pytest.mark.parametrize("encoder", ["shared", "separate"])
def test_a_neutral_reference_is_compared_with_and_not_explained(encoder):
    model = model_of(neutral=NeutralConfig(encoder=encoder, heads=2))
    image, neutral = torch.rand(2, 3, SIZE, SIZE), torch.rand(2, 1, 3, SIZE, SIZE)
    _, maps = saliency_maps(model, image, neutral)
    _, others = saliency_maps(model, image, neutral.flip(0))
    assert np.allclose(maps["rollout"][:, 0], others["rollout"][:, 0])  # of the class token: the picture's own
    assert not np.allclose(maps["gradient"], others["gradient"])


def test_a_picture_has_its_own_map_whatever_its_batch():
    model, image = model_of(), torch.rand(3, 3, SIZE, SIZE)
    _, maps = saliency_maps(model, image, None)
    _, alone = saliency_maps(model, image[1:2], None)
    for name, one in maps.items():
        assert np.allclose(one[1:2], alone[name], rtol=1e-3, atol=1e-6), name


def test_gradients_are_those_of_finite_differences():
    model = model_of().double()
    image = torch.rand(1, 3, SIZE, SIZE, dtype=torch.float64)
    gradient = input_gradients(model, image, None)[0, 0, :, 9, 17]
    for channel in range(3):
        nudge = torch.zeros_like(image)
        nudge[0, channel, 9, 17] = 0.02  # readings are float32: a smaller step drowns in their rounding
        with torch.no_grad():
            slope = (model(image + nudge).pspi - model(image - nudge).pspi) / 0.04
        assert gradient[channel].item() == pytest.approx(slope.item(), rel=0.05, abs=1e-4)


def test_rollout_by_hand():
    """Two layers whose tokens all look at token 1."""
    attention = torch.zeros(1, 2, 3, 3)
    attention[..., 1] = 1
    rolled = rollout([attention, attention])
    assert rolled[0].tolist() == [[0.25, 0.75, 0], [0, 1, 0], [0, 0.75, 0.25]]


def test_rollout_rows_sum_to_one():
    layers = [torch.rand(2, 3, 5, 5).softmax(dim=-1) for _ in range(4)]
    assert torch.allclose(rollout(layers).sum(dim=-1), torch.ones(2, 5))


def test_a_mirrored_map_comes_back_mirrored_on_the_mirrored_picture():
    one = stream(0, "map").random((16, 16)).astype(np.float32)
    placed = on_picture(one, Square(cx=20, cy=30, side=24), 60, 50)
    mirrored = on_picture(one[:, ::-1].copy(), Square(cx=30, cy=30, side=24), 60, 50)
    assert np.allclose(mirrored, placed[:, ::-1], atol=1e-5)
    assert (placed[:17] == 0).all()
    assert (placed[:, 33:] == 0).all()


def test_a_map_comes_back_where_the_crop_was_cut():
    one = np.zeros((16, 16), np.float32)
    one[4, 12] = 1
    placed = on_picture(one, Square(cx=32, cy=32, side=64), 64, 64)
    top, left = np.unravel_index(placed.argmax(), placed.shape)
    assert (abs(top + 0.5 - 4.5 * 4), abs(left + 0.5 - 12.5 * 4)) == (0.5, 0.5)


def test_the_crop_of_the_heatmap_keeps_its_millimetres(dataset):
    data = open_dataset(dataset, "test")
    sample = data[chosen_frames(data, 1, 0)[0]]
    heat = heat_in_crop(sample, config())
    assert heat.shape == (7, SIZE, SIZE)
    assert heat[0].max() == pytest.approx(sample.heatmap.max(), abs=0.4)


def test_the_neutral_partner_is_of_another_view(dataset):
    data = open_dataset(dataset, "test")
    number = chosen_frames(data, 1, 0)[0]
    crop = crop_of(data, number, config(neutral=NeutralConfig(heads=2)), seed=0)
    assert crop.neutral is not None
    assert crop.neutral.shape == crop.image.shape
    same = crop_of(data, number, config(neutral=NeutralConfig(heads=2)), seed=0)
    assert (same.neutral == crop.neutral).all()


def test_chosen_frames_show_pain_and_spread_over_the_subjects(dataset):
    data = open_dataset(dataset, "train")
    numbers = chosen_frames(data, len(data.subjects), 0)
    assert {data[number].subject_id for number in numbers} == set(data.subjects)
    assert all(data[number].pspi > 0 for number in numbers)
    assert set(chosen_frames(data, 3, 0)) < set(numbers)


def test_priors_are_made_of_training_frames(dataset):
    priors = priors_of(dataset, config(), frames=10)
    assert priors.frames[0] == 10
    assert priors.mean_training_heat[0].max() > 0
    assert (centre_prior(8) == centre_prior(8)[::-1, ::-1]).all()


def test_an_interval_over_subjects_is_wider_than_one_over_frames():
    values = {f"f{i}": float(i // 25) for i in range(100)}
    subjects = {frame: f"s{i // 25}" for i, frame in enumerate(values)}
    found = mean_over_subjects(values, subjects, draws=2000, seed=0)
    assert (found["mean"], found["frames"], found["subjects"]) == (1.5, 100, 4)
    assert found["low"] < 0.8
    assert found["high"] > 2.2
    alone = mean_over_subjects({"f0": 1.0}, {"f0": "s0"}, draws=10, seed=0)
    assert math.isnan(alone["low"])
    assert alone["reason"] == "an interval over subjects needs at least two of them"


def test_one_picture_is_explained_at_its_own_size():
    model = model_of()
    picture = stream(0, "picture").integers(0, 255, (70, 90, 3), dtype=np.uint8)
    found = explain_image(model, picture, box=(30, 20, 60, 50))
    assert {one.shape for one in found.maps.values()} == {(7, 70, 90)}
    assert found.maps["attention"][0][35, 45] > 0
    assert found.maps["attention"][0][0, 0] == 0
    assert found.sheet().width >= 900


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ExplainConfig(frames=0), "frames: 0 is less than 1"),
        (lambda: ExplainConfig(filling="black"), "filling: 'black' is unknown"),
        (
            lambda: saliency_maps(model_of(), torch.rand(1, 3, SIZE, SIZE), None, methods=("magic",)),
            "'magic' is unknown",
        ),
        (lambda: saliency_maps(model_of().train(), torch.rand(1, 3, SIZE, SIZE), None), "it is in training mode"),
        (
            lambda: explain_image(model_of(input="heatmap"), np.zeros((9, 9, 3), np.uint8)),
            "it reads 'heatmap', not pictures",
        ),
    ],
)
def test_errors_name_the_argument_and_the_rule(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
