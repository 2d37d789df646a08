"""Skins by diffusion, held to their laws with a model that has learned for two steps."""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from pain3d import stores
from pain3d.demographics import ETHNICITIES
from pain3d.errors import ArgumentError, DataError
from pain3d.places import location
from pain3d.skin.diffusion import checkpoint
from pain3d.skin.diffusion import folder as folder_of
from pain3d.skin.diffusion.chart import CHANNELS, SIDE, Chart
from pain3d.skin.diffusion.conditions import NAMES, conditions
from pain3d.skin.diffusion.grounds import Grounds
from pain3d.skin.diffusion.recipe import SkinRecipe, train_skin
from pain3d.skin.diffusion.sampler import sample
from pain3d.skin.diffusion.skins import DiffusionSkins
from pain3d.skin.tone import target_ita_degrees
from pain3d.skin.traits import sample_traits

TINY = SkinRecipe(painted=4, packer_steps=2, steps=2, batch=1, packer_width=8, widths=(16, 16))
WEIGHTS = "unet/diffusion_pytorch_model.safetensors"


def quiet(_: str) -> None:
    pass


@pytest.fixture(scope="module")
def folder(tmp_path_factory, painter) -> Path:
    return train_skin(tmp_path_factory.mktemp("skin") / "model", TINY, lambda: painter, say=quiet)


@pytest.fixture(scope="module")
def model(folder):
    return checkpoint.load(folder)


@pytest.fixture
def skins(folder, painter, tmp_path, monkeypatch) -> DiffusionSkins:
    monkeypatch.setenv("PAIN3D_CACHE", str(tmp_path / "cache"))
    return DiffusionSkins(folder, painter)


@pytest.fixture
def copy(folder, tmp_path) -> Path:
    return Path(shutil.copytree(folder, tmp_path / "copy"))


def traits_of(number: int = 3, **asked):
    given = {"age_years": 40, "sex": "male", "ethnicity": "white"} | asked
    return sample_traits(np.random.default_rng(number), **given)


def same(a, b) -> bool:
    return all(np.array_equal(getattr(a, name), getattr(b, name)) for name in ("albedo", "height_mm", "roughness"))


def test_the_same_recipe_gives_the_same_weights_also_from_where_it_stopped(folder, painter, tmp_path):
    again = train_skin(tmp_path / "again", TINY, lambda: painter, say=quiet)
    assert folder_of.digest_of(again) == checkpoint.digest_of(folder)
    # painted skins and autoencoder are kept: nothing is painted twice
    resumed = train_skin(tmp_path / "again", TINY, lambda: pytest.fail("painted again"), say=quiet)
    assert folder_of.digest_of(resumed) == checkpoint.digest_of(folder)


def test_the_folder_of_another_recipe_is_refused(folder, painter):
    with pytest.raises(ArgumentError, match="holds a run of another recipe; name another folder"):
        train_skin(folder, dataclasses.replace(TINY, steps=3), lambda: painter, say=quiet)


@pytest.mark.parametrize("name", ["painted", "steps", "packer_steps", "batch"])
def test_a_recipe_of_nothing_is_refused(name):
    with pytest.raises(ArgumentError, match=f"{name}: 0 is below"):
        SkinRecipe(**{name: 0})


def test_a_sample_is_a_function_of_weights_conditions_and_seed(model):
    asked = conditions(traits_of())
    before = torch.random.get_rng_state()
    first = sample(model, asked, 5)
    assert first.shape == (CHANNELS, SIDE, SIDE)
    assert np.isfinite(first).all()
    assert np.array_equal(first, sample(model, asked, 5))
    assert not np.array_equal(first, sample(model, asked, 6))
    assert torch.equal(before, torch.random.get_rng_state())


@pytest.mark.parametrize("name", [name for name in NAMES if name != "given"])
def test_every_condition_reaches_the_sample(model, name):
    asked = conditions(traits_of())
    other = asked.copy()
    other[NAMES.index(name)] += 1
    assert not np.array_equal(sample(model, asked, 5, steps=2), sample(model, other, 5, steps=2))


def test_without_guidance_by_conditions_they_play_no_part(model):
    asked = conditions(traits_of())
    assert np.array_equal(
        sample(model, asked, 5, steps=2, guidance=0), sample(model, 2 * asked, 5, steps=2, guidance=0)
    )


def test_the_appearance_group_is_a_mixture(model):
    for group in ETHNICITIES:
        asked = conditions(traits_of(ethnicity=group))
        assert sum(asked[NAMES.index(name)] for name in ETHNICITIES) == 1


def test_the_tone_is_the_one_asked_for_in_every_tone(skins, tones):
    for tone, (traits, painted) in tones.items():
        made = skins.paint(traits)
        assert abs(made.ita_degrees - target_ita_degrees(tone)) <= 5
        assert made.skin_tone_mst == painted.skin_tone_mst
        assert not np.array_equal(made.albedo, painted.albedo)


def test_the_bundled_model_draws_every_tone_and_keeps_what_is_painted(painter, tones, tmp_path, monkeypatch):
    monkeypatch.setenv("PAIN3D_CACHE", str(tmp_path))
    skins = DiffusionSkins("diffusion", painter)
    for tone in (1, 4, 7, 10):
        traits, painted = tones[tone]
        made = skins.paint(traits)
        assert abs(made.ita_degrees - target_ita_degrees(tone)) < 2
        face = skins.chart.weight > 0.9
        change = np.abs(made.albedo.astype(float) - painted.albedo)[skins.chart.window][face]
        assert 0.5 < change.mean() < 12  # another ground, the same face


def test_what_is_not_the_faces_skin_stays_as_painted(skins):
    traits = traits_of()
    made, painted = skins.paint(traits), skins.painter.paint(traits)
    off = np.ones(made.albedo.shape[:2], dtype=bool)
    off[skins.chart.window] = skins.chart.weight == 0
    assert 0.6 < off.mean() < 0.95
    assert np.array_equal(made.albedo[off], painted.albedo[off])
    assert np.array_equal(made.height_mm[off], painted.height_mm[off])
    assert np.array_equal(made.region, painted.region)


def test_putting_back_what_was_cut_out_changes_next_to_nothing(painter):
    grounds, painted = Grounds(painter), painter.paint(traits_of())
    chart, ground = grounds.chart, grounds.picture(traits_of())
    assert np.array_equal(ground, chart.picture(painter.paint(traits_of(), bare=True)))  # the window is all of it
    back = chart.drawn_on(painted, ground, ground)
    assert np.abs(back.albedo.astype(int) - painted.albedo).max() <= 1
    assert np.allclose(back.height_mm, painted.height_mm, atol=1e-6)


def test_a_skin_is_sampled_once_and_kept_by_hash(skins, folder, monkeypatch):
    traits = traits_of()
    first = skins.paint(traits)
    again = DiffusionSkins(folder, skins.painter)
    monkeypatch.setattr("pain3d.skin.diffusion.sampler.sample", lambda *_, **__: pytest.fail("sampled again"))
    assert same(again.paint(traits), first)


def test_a_run_keeps_its_skins_and_needs_no_sampler_again(skins, folder, tmp_path, monkeypatch):
    traits, shelf = traits_of(), tmp_path / "run" / "skins"
    first = DiffusionSkins(folder, skins.painter, shelf).paint(traits)
    (kept,) = shelf.iterdir()
    monkeypatch.setenv("PAIN3D_CACHE", str(tmp_path / "another machine"))
    monkeypatch.setattr("pain3d.skin.diffusion.sampler.sample", lambda *_, **__: pytest.fail("sampled again"))
    again = DiffusionSkins(folder, skins.painter, shelf)
    assert same(again.paint(traits), first)
    kept.write_bytes(kept.read_bytes()[:500])
    with pytest.raises(DataError, match=r"skin-sample.*is damaged .* delete it, and the skin is sampled again"):
        again.picture(traits)


def test_a_run_may_keep_its_skins_in_a_store(skins, folder, tmp_path, monkeypatch):
    traits, shelf = traits_of(), location("memory://run/skins")
    on_disk = DiffusionSkins(folder, skins.painter, tmp_path / "skins")
    drawn = on_disk.picture(traits)
    assert np.array_equal(DiffusionSkins(folder, skins.painter, shelf).picture(traits), drawn)
    (kept,) = (tmp_path / "skins").iterdir()
    assert stores.names(shelf) == [kept.name] and stores.read(shelf / kept.name) == kept.read_bytes()
    monkeypatch.setattr("pain3d.skin.diffusion.sampler.sample", lambda *_, **__: pytest.fail("sampled again"))
    again = DiffusionSkins(folder, skins.painter, shelf)
    assert np.array_equal(again.picture(traits), drawn)
    stores.put(shelf / kept.name, kept.read_bytes()[:500])
    with pytest.raises(DataError, match=r"memory://run/skins/skin-sample.*is damaged .* delete it, and the skin"):
        again.picture(traits)
    stores.remove([shelf / kept.name])


def test_a_sample_that_is_no_number_is_refused(painter):
    traits = traits_of()
    bad = np.full((CHANNELS, SIDE, SIDE), np.nan, dtype=np.float32)
    with pytest.raises(DataError, match="values that are no numbers; train it again"):
        Chart(painter.atlas).paint_on(painter.paint(traits), bad, bad, traits)


def test_a_tone_that_is_missed_is_refused(painter):
    chart, traits = Chart(painter.atlas), traits_of(skin_tone_mst=3)
    painted = painter.paint(traits)
    with pytest.raises(DataError, match=r"degrees ITA instead of .*; train the model again, or use skin=procedural"):
        chart.paint_on(
            painted, chart.picture(painted), chart.picture(painted), dataclasses.replace(traits, skin_tone_mst=8)
        )


@pytest.mark.parametrize("side", ["left", "right", "top"])
def test_completion_keeps_every_known_texel(skins, side):
    known = skins.painter.paint(traits_of(9))
    mask = np.zeros((known.size, known.size), dtype=bool)
    half = known.size // 2
    mask[{"left": np.s_[:, half:], "right": np.s_[:, :half], "top": np.s_[:half]}[side]] = True
    traits = traits_of(3)
    made = skins.complete(traits, known, mask)
    for name in ("albedo", "height_mm", "roughness"):
        assert np.array_equal(getattr(made, name)[mask], getattr(known, name)[mask])
        assert not np.array_equal(getattr(made, name)[~mask], getattr(known, name)[~mask])
    assert same(made, skins.complete(traits, known, mask))


def test_completion_has_no_seam(skins):
    known = skins.painter.paint(traits_of(9, skin_tone_mst=2))
    half = known.size // 2
    mask = np.zeros((known.size, known.size), dtype=bool)
    mask[:, :half] = True
    made = skins.complete(traits_of(3, skin_tone_mst=7), known, mask).albedo.astype(float)
    rows = np.s_[int(0.32 * known.size) : int(0.44 * known.size)]
    across = np.abs(made[rows, half] - made[rows, half - 1]).mean()
    beside = np.abs(np.diff(known.albedo[rows, half - 40 : half].astype(float), axis=1)).mean()
    assert across < 2 * beside + 1


def test_completion_plays_no_part_off_the_mask(skins):
    known = skins.painter.paint(traits_of(9))
    mask = np.zeros((known.size, known.size), dtype=bool)
    mask[:, : known.size // 2] = True
    noisy = dataclasses.replace(known, albedo=np.where(mask[..., None], known.albedo, np.uint8(255)))
    assert same(skins.complete(traits_of(), known, mask), skins.complete(traits_of(), noisy, mask))


def test_completion_refuses_what_it_cannot_do(skins):
    known = skins.painter.paint(traits_of())
    with pytest.raises(DataError, match="mask: no texel of cheeks and forehead is known"):
        skins.complete(traits_of(), known, np.zeros((known.size, known.size), dtype=bool))
    with pytest.raises(ValueError, match="mask: bool"):
        skins.complete(traits_of(), known, np.zeros((3, 3), dtype=bool))


def test_a_missing_file_is_named(copy):
    (copy / WEIGHTS).unlink()
    with pytest.raises(DataError, match=r"unet.*is missing or unreadable; get the whole folder again"):
        checkpoint.load(copy)


def test_damaged_weights_are_named(copy):
    (copy / WEIGHTS).write_bytes(b"no tensors")
    with pytest.raises(DataError, match="is damaged or truncated"):
        checkpoint.load(copy)


def test_weights_that_are_no_numbers_are_named(copy):
    tensors = load_file(copy / WEIGHTS)
    tensors["conv_in.bias"] = torch.full_like(tensors["conv_in.bias"], float("nan"))
    save_file(tensors, copy / WEIGHTS)
    with pytest.raises(DataError, match=r"conv_in.bias holds values that are no numbers"):
        checkpoint.load(copy)


def test_weights_of_another_shape_are_named(copy):
    tensors = load_file(copy / WEIGHTS)
    del tensors["conv_in.bias"]
    save_file(tensors, copy / WEIGHTS)
    with pytest.raises(DataError, match=r"does not fit its config.json; get both again"):
        checkpoint.load(copy)


@pytest.mark.parametrize("change", [{"act_fn": None}, {"up_block_types": [None, "UpBlock2D"]}, {"norm_num_groups": 0}])
def test_a_configuration_that_builds_nothing_is_named(copy, change):
    config = (copy / WEIGHTS).parent / "config.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), **change}))
    with pytest.raises(DataError, match=r"does not fit its config.json; get both again"):
        checkpoint.load(copy)


def test_another_version_is_refused(copy):
    path = copy / "skin" / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"format_version": 99}))
    with pytest.raises(DataError, match="has format_version 99"):
        checkpoint.load(copy)


def test_a_name_that_is_nothing_is_refused():
    with pytest.raises(ArgumentError, match="skin: 'nothing' is no folder; give procedural, diffusion, a folder"):
        folder_of.find("nothing")


def test_a_diffusers_user_can_load_the_parts(folder):
    from diffusers.models.unets.unet_2d_condition import UNet2DConditionModel

    unet = UNet2DConditionModel.from_pretrained(folder / "unet", low_cpu_mem_usage=False)
    assert unet.config["in_channels"] == 16


def test_the_model_needs_no_torchvision_and_painting_no_torch():
    code = "import sys, pain3d.skin.diffusion.skins; print('torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
    code = (
        "import sys, pain3d.synth.rows, pain3d.synth.workers, pain3d.synth.generate;"
        "print(sorted({'torch', 'diffusers'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
