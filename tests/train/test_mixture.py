"""Two datasets in one run: exact counts, each frame in its turn, the same batches whatever stops or reads them."""

import os
import signal

import numpy as np
import pytest
import real
import torch
import toy
from safetensors.torch import load_file
from toy import ToyFrames, config, use

from pain3d.errors import ArgumentError, DataError, OutputError
from pain3d.train import run_data
from pain3d.train.frames import FrameDataset
from pain3d.train.frames_config import FramesConfig
from pain3d.train.loader import batches
from pain3d.train.loop import train
from pain3d.train.mixture import MixConfig, Mixture, others_before
from pain3d.train.state import checkpoints

PLAIN = FramesConfig(size=32, patch=8)


@pytest.fixture(scope="module")
def mixture(learning_dataset, tmp_path_factory):
    unbc = real.write(tmp_path_factory.mktemp("mixed") / "unbc", real.rows(coded=("AU4",), placed="centre"))
    own, other = FrameDataset(unbc, None, PLAIN, 0), FrameDataset(learning_dataset, "train", PLAIN, 0)
    return Mixture(own, other, MixConfig(dataset=str(learning_dataset), ratio=0.3).share)


def ours(batch):
    return [frame_id.startswith("s0") for frame_id in batch.frame_ids]


def test_counts_are_exact(mixture):
    shown = list(batches(mixture, batch_size=8, start=0, stop=25))
    counts = np.cumsum([sum(ours(batch)) for batch in shown])
    assert all(len(batch.frame_ids) == 8 for batch in shown)
    assert counts.tolist() == [(m * 8 * 3) // 10 for m in range(1, 26)] and counts[-1] == 60


@pytest.mark.parametrize("ratio", [0.1, 0.25, 1 / 3, 0.5, 0.7, 0.999])
def test_no_batch_is_off_by_a_frame(ratio):
    share = MixConfig(dataset="x", ratio=ratio).share
    for size in (1, 7, 100):
        counts = np.diff([others_before(m, size, share) for m in range(300)])
        assert set(counts) <= {int(size * ratio), int(size * ratio) + 1}
        assert others_before(10**9, size, share) == 10**9 * size * share.numerator // share.denominator


def test_each_dataset_is_gone_through_epoch_by_epoch(mixture):
    shown = list(batches(mixture, batch_size=8, start=0, stop=40))
    flat = [(mine, int(i)) for batch in shown for mine, i in zip(ours(batch), batch.index, strict=True)]
    own = [number for mine, number in flat if not mine]
    other = [number for mine, number in flat if mine]
    size = len(mixture.own)
    for epoch in range(len(own) // size):
        assert own[epoch * size : (epoch + 1) * size] == mixture.own.order(epoch).tolist()
    assert other == mixture.other.order(0)[: len(other)].tolist()


@pytest.mark.slow
def test_workers_and_any_start_give_the_same_batches(mixture):
    alone = list(batches(mixture, batch_size=8, start=0, stop=12))
    for one, other in zip(alone[5:], batches(mixture, batch_size=8, start=5, stop=12, workers=2), strict=True):
        assert one.frame_ids == other.frame_ids
        assert torch.equal(one.image, other.image) and torch.equal(one.index, other.index)
    (second,) = batches(mixture, batch_size=8, start=3, stop=4, rank=1, processes=2)
    assert second.frame_ids == alone[7].frame_ids


def test_what_one_dataset_does_not_know_stays_unknown(mixture):
    batch = mixture.micro_batch(0, 20)
    made = torch.tensor(ours(batch))
    assert made.sum() == 6
    assert batch.landmarks[~made].isnan().all() and batch.landmarks[made].isfinite().all()
    assert batch.aus[~made].isnan().any(1).all() and batch.aus[made].isfinite().all()


@pytest.mark.parametrize("ratio", [0, 1, -0.5, 1.5, True, "half", float("nan")])
def test_a_share_is_between_nothing_and_everything(ratio):
    with pytest.raises(ArgumentError, match=r"mix\.ratio: .* is no share"):
        MixConfig(dataset="x", ratio=ratio)


class Marked(ToyFrames):
    """Frame ids that say which dataset they are of."""

    def batch(self, indices, epoch):
        batch = super().batch(indices, epoch)
        batch.frame_ids[:] = [f"{self.path.name}:{name}" for name in batch.frame_ids]
        return batch


@pytest.fixture
def two(monkeypatch, tmp_path):
    own, other = use(monkeypatch, tmp_path / "own"), use(monkeypatch, tmp_path / "other", seed=7)
    monkeypatch.setattr(run_data, "FrameDataset", lambda path, *rest: Marked(type(own)(path), *rest))
    return own, other


def mixed(other, **changes):
    return config(
        mix=MixConfig(dataset=str(other), ratio=0.3),
        samples=96,
        accumulate=2,
        ema=0.9,
        save_every=4,
        eval_every=2,
        **changes,
    )


@pytest.mark.usefixtures("one_thread")
def test_a_stopped_mixture_goes_on_to_the_bit(two, tmp_path):
    own, other = two
    train(own, tmp_path / "whole", mixed(other))

    def stop(done, _):
        if done == 3 * 16:
            os.kill(os.getpid(), signal.SIGINT)

    with pytest.raises(KeyboardInterrupt):
        train(own, tmp_path / "run", mixed(other), on_progress=stop)
    train(own, tmp_path / "run", mixed(other))
    whole, parts = (load_file(checkpoints(tmp_path / name)[-1] / "state.safetensors") for name in ("whole", "run"))
    assert whole.keys() == parts.keys() and all(torch.equal(whole[name], parts[name]) for name in whole)


@pytest.mark.usefixtures("one_thread")
def test_another_mixture_is_another_run_but_its_place_is_not(two, tmp_path, monkeypatch):
    own, other = two
    train(own, tmp_path / "run", mixed(other))
    moved = use(monkeypatch, tmp_path / "moved", seed=7)
    assert train(own, tmp_path / "run", mixed(moved)).samples_now == 0
    half = config(**{**vars(mixed(other)), "mix": MixConfig(dataset=str(other), ratio=0.5)})
    with pytest.raises(OutputError, match=r"config\.mix\.ratio: 0\.3 there, 0\.5 asked for"):
        train(own, tmp_path / "run", half)
    with pytest.raises(OutputError, match=r"mix.*asked for"):
        train(own, tmp_path / "run", mixed(use(monkeypatch, tmp_path / "third", seed=8)))


def test_a_mixture_that_cannot_be_read_is_refused_before_anything_starts(two, tmp_path, monkeypatch):
    own, _ = two
    unfinished = use(monkeypatch, tmp_path / "unfinished", complete=False)
    for other, words in ((tmp_path / "nowhere", "not found"), (unfinished, "not finished")):
        with pytest.raises(DataError, match=words):
            train(own, tmp_path / "run", mixed(other))
    scaled = use(monkeypatch, tmp_path / "scaled", heatmap_max_mm=8.0)
    with pytest.raises(ArgumentError, match=r"model\.heatmap_max_mm: 16, but the heatmaps of .*scaled"):
        train(own, tmp_path / "run", mixed(scaled))
    assert not (tmp_path / "run").exists()


def test_references_come_from_both_or_from_neither():
    made = toy.config(neutral=True)
    with pytest.raises(ArgumentError, match=r"mix\.neutral: None, but the frames' neutral is 'other_view'"):
        toy.config(**{**vars(made), "mix": MixConfig(dataset="x", ratio=0.5)})
