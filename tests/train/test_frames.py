"""Batches of a tiny dataset: pure functions of seed and epoch, neutrals of other views, errors that name the file."""

import io
import pickle
import shutil

import fsspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from pain3d.data.manifest import read_manifest
from pain3d.data.reader import open_dataset
from pain3d.data.schema import parse_frame_id
from pain3d.errors import ArgumentError, DataError
from pain3d.model.crop import cut, square_of_landmarks
from pain3d.model.features import Features
from pain3d.model.prediction import predictions_of
from pain3d.train.augment import AugmentConfig
from pain3d.train.frames import FrameDataset
from pain3d.train.frames_config import FramesConfig
from pain3d.train.loader import batches
from pain3d.train.sampling import balanced_copies, subset

PLAIN = FramesConfig(size=32, patch=8)
RICH = FramesConfig(
    size=32, patch=8, neutral="other_view", heatmap=True, au_heatmaps=True, augment=AugmentConfig(), window=3
)


def in_a_worker(frames):
    """What a spawned process gets."""
    return pickle.loads(pickle.dumps(frames))  # noqa: S301


def equal(one, other):
    assert one.frame_ids == other.frame_ids and one.neutral_ids == other.neutral_ids
    for name in ("image", "neutral", "heatmap", "neutral_heatmap", "au_heat", "landmarks", "aus", "pspi", "index"):
        left, right = getattr(one, name), getattr(other, name)
        assert (left is None) == (right is None)
        assert left is None or torch.equal(left, right), name


def test_a_plain_batch_is_what_cut_gives(learning_dataset):
    frames = FrameDataset(learning_dataset, None, PLAIN, 0)
    samples = open_dataset(learning_dataset)
    batch = frames.batch([0, 5, 17], 0)
    for place, number in enumerate((0, 5, 17)):
        sample = samples[number]
        crop = cut(sample.image, square_of_landmarks(sample.landmarks, PLAIN.crop), 32)
        assert np.array_equal(batch.image[place].numpy(), crop.transpose(2, 0, 1).astype(np.float32) / 255)
        assert batch.frame_ids[place] == sample.frame_id
        assert batch.pspi[place] == sample.expression.pspi
    assert batch.neutral is None and batch.heatmap is None and batch.neutral_ids is None


def test_batches_from_a_store_are_those_from_a_disk(learning_dataset):
    store = fsspec.filesystem("memory")
    store.put(str(learning_dataset), "/shop/faces", recursive=True)
    there, here = (
        FrameDataset("memory://shop/faces", "train", RICH, 1),
        FrameDataset(learning_dataset, "train", RICH, 1),
    )
    equal(in_a_worker(there).batch(range(5), 0), here.batch(range(5), 0))
    store.rm("/shop", recursive=True)


def test_shapes_and_ranges(learning_dataset):
    batch = FrameDataset(learning_dataset, "train", RICH, 1).batch(range(9), 0)
    assert batch.image.shape == (9, 3, 32, 32) and batch.neutral.shape == (9, 1, 3, 32, 32)
    assert batch.heatmap.shape == (9, 1, 32, 32) and batch.neutral_heatmap.shape == (9, 1, 1, 32, 32)
    assert batch.au_heat.shape == (9, 6, 4, 4) and batch.aus.shape == (9, 6)
    for tensor in (batch.image, batch.neutral, batch.heatmap, batch.au_heat):
        assert tensor.dtype == torch.float32 and tensor.min() >= 0 and tensor.max() <= 1
    assert batch.neutral_heatmap.max() == 0


def test_au_maps_are_patch_means_of_the_crop(learning_dataset):
    config = FramesConfig(size=32, patch=8, au_heatmaps=True)
    frames, samples = FrameDataset(learning_dataset, None, config, 0), open_dataset(learning_dataset)
    number = int(np.argmax(frames.labels.aus[:, 0]))
    sample = samples[number]
    whole = np.rint(sample.au_heatmaps["AU4"] / 16 * 255).astype(np.uint8)
    crop = cut(whole, square_of_landmarks(sample.landmarks, config.crop), 32) / 255
    expected = crop.reshape(4, 8, 4, 8).mean(axis=(1, 3))
    found = frames.batch([number], 0).au_heat[0, 0].numpy()
    assert expected.max() > 0.02
    assert np.abs(found - expected).max() < 0.1 * expected.max()


def test_batches_depend_on_seed_and_epoch_alone(learning_dataset):
    frames, again = (FrameDataset(learning_dataset, "train", RICH, 3) for _ in range(2))
    again.batch([7, 2], 5)
    equal(frames.batch([4, 1, 20], 2), in_a_worker(again).batch([4, 1, 20], 2))
    assert not torch.equal(frames.batch([4], 2).image, frames.batch([4], 3).image)
    other = FrameDataset(learning_dataset, "train", RICH, 4)
    assert not torch.equal(frames.batch([4], 2).image, other.batch([4], 2).image)


def test_order_shows_every_frame_once_and_a_window_at_a_time(learning_dataset):
    frames = FrameDataset(learning_dataset, "train", RICH, 0)
    order = frames.order(0)
    assert sorted(order) == list(range(len(frames)))
    assert not np.array_equal(order, frames.order(1))
    each = len(order) // 7  # seven training subjects
    assert len(set(frames.labels.subjects[order[: 3 * each]])) == 3


def test_workers_change_nothing_and_any_start_is_exact(learning_dataset):
    frames = FrameDataset(learning_dataset, "train", RICH, 0)
    alone = list(batches(frames, batch_size=8, start=0, stop=20))
    for one, other in zip(alone[3:], batches(frames, batch_size=8, start=3, stop=20, workers=2), strict=True):
        equal(one, other)
    second = list(batches(frames, batch_size=8, start=2, stop=4, rank=1, processes=2))
    equal(second[0], alone[5])
    assert {i for batch in alone[:15] for i in batch.index.tolist()} <= set(range(len(frames)))


def test_neutral_frames_are_targets_too(learning_dataset):
    frames = FrameDataset(learning_dataset, "train", RICH, 0)
    neutral = np.flatnonzero(frames.labels.expressions == 0)
    assert len(neutral) == 7 * 3 and set(neutral) <= set(frames.order(0))
    batch = frames.batch(neutral[:2], 0)
    assert batch.pspi.tolist() == [0, 0] and not batch.aus.any()


def test_neutrals_are_of_other_views(learning_dataset):
    shots = FramesConfig(size=32, neutral="other_view", neutral_shots=2)
    for frame_id, references in zip(*ids(learning_dataset, shots), strict=True):
        subject, _, view, _ = parse_frame_id(frame_id)
        found = [parse_frame_id(reference) for reference in references]
        assert all((s, e) == (subject, 0) and v != view for s, e, v, _ in found)
        assert len(set(found)) == 2
    oracle = FramesConfig(size=32, neutral="same_view")
    for frame_id, references in zip(*ids(learning_dataset, oracle), strict=True):
        subject, _, view, _ = parse_frame_id(frame_id)
        assert [parse_frame_id(reference) for reference in references] == [(subject, 0, view, None)]


def ids(dataset, config):
    batch = FrameDataset(dataset, "val", config, 0).batch(range(18), 0)
    return batch.frame_ids, batch.neutral_ids


def test_held_out_partners_stay(learning_dataset):
    frames = FrameDataset(learning_dataset, "val", FramesConfig(size=32, neutral="other_view"), 0)
    equal(frames.batch(range(18), 0), frames.batch(range(18), 9))


def test_too_many_shots_are_refused(learning_dataset):
    with pytest.raises(ArgumentError, match=r"neutral_shots: 3 from other views, but .* has 3 views.*--views 4"):
        FrameDataset(learning_dataset, "val", FramesConfig(size=32, neutral="other_view", neutral_shots=3), 0)


def test_subsets_are_nested_and_keep_neutrals(learning_dataset):
    labels = FrameDataset(learning_dataset, "train", PLAIN, 0).labels
    neutral = labels.expressions == 0
    larger = set(range(len(neutral)))
    for most in (100, 60, 41, 25, 18, 7):
        chosen = set(subset(labels.subjects, neutral, most, 0))
        assert chosen <= larger and most - 2 <= len(chosen) <= most
        for subject in {labels.subjects[i] for i in chosen}:
            assert sum(neutral[i] for i in chosen if labels.subjects[i] == subject) == 3
        larger = chosen


def test_balance_evens_the_levels_out():
    pspi = np.array([0.0] * 80 + [3.0] * 15 + [9.0] * 5)
    chosen = np.arange(100)
    copies = balanced_copies(pspi, chosen, 0, 0)
    assert copies.sum() == 100
    for level in (0, 3, 9):
        assert abs(copies[pspi == level].sum() - 100 / 3) < 12
    assert not np.array_equal(copies, balanced_copies(pspi, chosen, 0, 1))


@pytest.fixture
def broken(learning_dataset, tmp_path):
    """A copy whose first validation shard `change` rewrites."""

    def make(change):
        out = tmp_path / "copy"
        shutil.copytree(learning_dataset, out)
        shard = next(shard for shard in read_manifest(out).shards if shard.split == "val")
        path = out / shard.file
        with pq.ParquetFile(path) as file:
            tables = [change(file.read_row_group(i)) for i in range(file.num_row_groups)]
        with pq.ParquetWriter(path, tables[0].schema) as writer:
            for table in tables:
                writer.write_table(table)
        text = (out / "manifest.json").read_text()
        (out / "manifest.json").write_text(text.replace(f'"bytes": {shard.bytes}', f'"bytes": {path.stat().st_size}'))
        return out, path.name

    return make


def replaced(table, name, values):
    return table.set_column(table.schema.get_field_index(name), table.schema.field(name), values)


def marked(landmarks):
    """A black picture with a red dot at the outer corner of one eye, a blue one at that of the other."""
    y, x = np.mgrid[:64, :64] + 0.5
    picture = np.zeros((64, 64, 3), np.uint8)
    for channel, number in ((0, 36), (2, 45)):
        away = (x - landmarks[number, 0]) ** 2 + (y - landmarks[number, 1]) ** 2
        picture[..., channel] = np.rint(255 * np.exp(-away / 8))
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return {"bytes": buffer.getvalue(), "path": None}


def test_landmarks_follow_the_picture_through_turn_and_mirror(broken):
    def change(table):
        points = np.array(table.column("landmarks").to_pylist()).reshape(-1, 68, 2)
        pictures = [marked(one) for one in points]
        return replaced(table, "image", pa.array(pictures, table.schema.field("image").type))

    out, _ = broken(change)
    photometry = ("blur", "shrink", "noise", "jpeg")
    geometry = AugmentConfig(
        **dict.fromkeys(("brightness", "contrast", "gamma", "saturation", "tint"), 0.0),
        **{f"{name}_chance": 0.0 for name in photometry},
    )
    frames = FrameDataset(out, "val", FramesConfig(size=32, augment=geometry), 0)
    batch = frames.batch(range(12), 0)
    y, x = torch.meshgrid(*[(torch.arange(32) + 0.5) / 32] * 2, indexing="ij")
    mirrored = 0
    for image, points in zip(batch.image, batch.landmarks, strict=True):
        weights = image / image.sum((1, 2), keepdim=True).clamp_min(1e-6)
        red, blue = (torch.stack([(weights[c] * x).sum(), (weights[c] * y).sum()]) for c in (0, 2))
        straight = max((red - points[36]).abs().max(), (blue - points[45]).abs().max())
        crossed = max((red - points[45]).abs().max(), (blue - points[36]).abs().max())
        assert min(straight, crossed) < 0.01 < max(straight, crossed)
        mirrored += int(crossed < straight)
        # In the crop the subject's right eye, 36, is always on the left.
        assert points[36, 0] < points[45, 0]
    assert 0 < mirrored < 12


def test_landmarks_that_are_taught_are_told_in_pixels_of_the_picture(learning_dataset):
    sample = open_dataset(learning_dataset)[5]
    batch = FrameDataset(learning_dataset, None, PLAIN, 0).batch([5], 0)
    readings = {"cls": torch.zeros(1, 4), "patches": torch.zeros(1, 4, 4), "attention": torch.full((1, 6, 4), 0.25)}
    learnt = Features(
        **readings,
        pspi=batch.pspi,
        aus=batch.aus,
        au43_logit=torch.zeros(1),
        ordinal_logits=torch.zeros(1, 3),
        landmarks=batch.landmarks,
        grid=(2, 2),
    )
    square = square_of_landmarks(sample.landmarks, PLAIN.crop)
    told = predictions_of(learnt, None)[0].at(box=(0, 0, 1, 1), square=square, size=(64, 64))
    np.testing.assert_allclose(told.landmarks, sample.landmarks, atol=1e-3)


def test_a_mislabelled_shard_is_refused(broken):
    def change(table):
        return replaced(table, "PSPI", pa.array(np.full(len(table), 7, np.float32)))

    out, name = broken(change)
    with pytest.raises(DataError, match=rf"{name}: s\d+-e00-v0: PSPI is 7, but its AUs make PSPI 0"):
        FrameDataset(out, "val", PLAIN, 0)


def test_an_unreadable_neutral_is_an_error_that_names_it(broken):
    def change(table):
        pictures = table.column("image").to_pylist()
        for row, expression in enumerate(table.column("expression_id").to_pylist()):
            if expression == 0:
                pictures[row] = {"bytes": pictures[row]["bytes"][:300], "path": None}
        return replaced(table, "image", pa.array(pictures, table.schema.field("image").type))

    out, name = broken(change)
    frames = FrameDataset(out, "val", FramesConfig(size=32, neutral="other_view"), 0)
    pain = np.flatnonzero(frames.labels.expressions == 1)[:1]
    with pytest.raises(DataError, match=rf"{name}: s\d+-e00-v\d: image: the picture cannot be read"):
        frames.batch(pain, 0)


def test_a_damaged_shard_names_its_file_from_workers_too(learning_dataset, tmp_path):
    out = tmp_path / "copy"
    shutil.copytree(learning_dataset, out)
    shard = next(shard for shard in read_manifest(out).shards if shard.split == "train")
    frames = FrameDataset(out, "train", PLAIN, 0)
    content = bytearray((out / shard.file).read_bytes())
    content[4 : len(content) // 2] = bytes(len(content) // 2 - 4)
    (out / shard.file).write_bytes(content)
    with pytest.raises(DataError, match=rf"{shard.file}: .*damaged|{shard.file}: .*cannot be read") as caught:
        list(batches(frames, batch_size=16, start=0, stop=7, workers=1))
    assert "Traceback" not in str(caught.value)


def test_missing_annotations_are_named(learning_dataset, tmp_path):
    out = tmp_path / "copy"
    shutil.copytree(learning_dataset, out)
    text = (out / "manifest.json").read_text()
    (out / "manifest.json").write_text(text.replace('"au_heatmaps"', ""))
    with pytest.raises(ArgumentError, match="--annotations au_heatmaps"):
        FrameDataset(out, "train", FramesConfig(size=32, au_heatmaps=True), 0)


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"size": 0}, "frames.size: 0 is below 1"),
        ({"size": 30, "au_heatmaps": True}, "frames.size: 30 is no multiple of the patch, 16"),
        ({"size": 32, "neutral": "frontal"}, "frames.neutral: 'frontal' is unknown"),
        ({"size": 32, "neutral": "same_view", "neutral_shots": 2}, "a view has one neutral frame"),
        ({"size": 32, "max_frames": 0}, "frames.max_frames: 0 is below 1"),
    ],
)
def test_configurations_that_contradict(fields, text):
    with pytest.raises(ArgumentError, match=text):
        FramesConfig(**fields)
