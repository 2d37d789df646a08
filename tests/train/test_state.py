"""Checkpoints: exact, whole or not at all, and refused when they are something else."""

import dataclasses
import json

import pytest
import torch
from torch import nn

from pain3d.errors import DataError
from pain3d.train.ema import Ema
from pain3d.train.state import Counters, Parts, checkpoints, recovered, restore, save, written_whole


def parts(width=3, ema=True):
    torch.manual_seed(0)
    learner = nn.Sequential(nn.Linear(2, width), nn.BatchNorm1d(width))
    return Parts(
        learner=learner,
        optimizer=torch.optim.AdamW(learner.parameters(), lr=0.1),
        ema=Ema(learner, 0.9) if ema else None,
        scaler=None,
    )


def step(made, seed):
    x = torch.randn(5, 2, generator=torch.Generator().manual_seed(seed))
    made.learner(x).square().sum().backward()
    made.optimizer.step()
    made.optimizer.zero_grad()
    if made.ema is not None:
        made.ema.update(made.learner)


def everything(made):
    state = [made.optimizer.state[parameter] for parameter in made.learner.parameters()]
    moments = {f"{i}.{kind}": value for i, values in enumerate(state) for kind, value in values.items()}
    mean = {} if made.ema is None else {f"ema.{name}": value for name, value in made.ema.mean.items()}
    return {**made.learner.state_dict(), **moments, **mean}


def test_a_restored_run_goes_on_to_the_bit(tmp_path):
    whole = parts()
    for seed in range(6):
        step(whole, seed)
        if seed == 2:
            folder = save(tmp_path, whole, Counters(step=3, best=0.5, best_step=2), keep=2)
    again = parts()
    assert restore(folder, again) == Counters(step=3, best=0.5, best_step=2)
    for seed in range(3, 6):
        step(again, seed)
    expected, found = everything(whole), everything(again)
    assert expected.keys() == found.keys() and all(torch.equal(expected[name], found[name]) for name in expected)
    assert again.ema.updates == 6


def test_the_last_ones_are_kept(tmp_path):
    made = parts()
    step(made, 0)
    for number in (1, 2, 10):
        save(tmp_path, made, Counters(step=number), keep=2)
    assert [path.name for path in checkpoints(tmp_path)] == ["step-0000002", "step-0000010"]


def test_it_is_safetensors_and_json_alone(tmp_path):
    folder = save(tmp_path, parts(), Counters(step=1), keep=1)
    assert sorted(path.name for path in folder.iterdir()) == ["state.json", "state.safetensors"]


def test_an_infinite_best_score_survives(tmp_path):
    counters = Counters(step=1, best=-float("inf"))
    assert restore(save(tmp_path, parts(), counters, keep=1), parts()) == counters


def damage_tensors(folder):
    path = folder / "state.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + b"x")


def damage_counters(folder):
    (folder / "state.json").write_text("{")


def remove_tensors(folder):
    (folder / "state.safetensors").unlink()


@pytest.mark.parametrize("damage", [damage_tensors, damage_counters, remove_tensors])
def test_a_damaged_one_is_refused_with_the_way_out(tmp_path, damage):
    folder = save(tmp_path, parts(), Counters(step=1), keep=1)
    damage(folder)
    with pytest.raises(DataError, match="delete the folder step-0000001 to go on from the checkpoint before it"):
        restore(folder, parts())


def test_another_version_is_refused(tmp_path):
    folder = save(tmp_path, parts(), Counters(step=1), keep=1)
    content = json.loads((folder / "state.json").read_text())
    (folder / "state.json").write_text(json.dumps({**content, "version": 99}))
    with pytest.raises(DataError, match="version 99, but this pain3d reads 1"):
        restore(folder, parts())


@pytest.mark.parametrize("other", [parts(width=4), parts(ema=False)], ids=["shape", "no mean"])
def test_other_tensors_are_refused(tmp_path, other):
    folder = save(tmp_path, parts(), Counters(step=1), keep=1)
    with pytest.raises(DataError, match="holds other tensors than this model"):
        restore(folder, other)


def test_a_folder_is_written_whole_or_not_at_all(tmp_path):
    folder = tmp_path / "best"
    with written_whole(folder) as temporary:
        (temporary / "a").write_text("old")
    with pytest.raises(RuntimeError), written_whole(folder) as temporary:
        (temporary / "a").write_text("new")
        raise RuntimeError
    assert (folder / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_a_kill_between_the_renames_is_mended(tmp_path):
    folder = tmp_path / "best"
    with written_whole(folder) as temporary:
        (temporary / "a").write_text("old")
    folder.rename(tmp_path / ".best.old")
    (tmp_path / ".best.tmp").mkdir()
    recovered(folder)
    assert [path.name for path in tmp_path.iterdir()] == ["best"]


def test_counters_are_plain():
    assert all(field.default is not dataclasses.MISSING for field in dataclasses.fields(Counters))
