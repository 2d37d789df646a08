"""Imported frames as batches: chosen subjects, named references, faces without landmarks, AUs that nobody coded."""

import dataclasses

import numpy as np
import pytest
import real
import torch

from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError
from pain3d.evaluate.inference import predict_table
from pain3d.model.config import BackboneConfig, NeutralConfig, ViTPainConfig
from pain3d.model.crop import cut, square_of_box, square_of_landmarks, square_of_picture
from pain3d.model.vitpain import ViTPain
from pain3d.train.augment import AugmentConfig
from pain3d.train.frames import FrameDataset
from pain3d.train.frames_config import FramesConfig
from pain3d.train.loader import batches
from pain3d.train.validate import Validation, validation_frames

PLAIN = FramesConfig(size=32, patch=8)
REFERENCE = FramesConfig(size=32, patch=8, neutral="reference", augment=AugmentConfig(), window=3)


@pytest.fixture(scope="module")
def unbc(tmp_path_factory):
    return real.write(tmp_path_factory.mktemp("real") / "unbc", real.rows())


def written(tmp_path, change):
    content = real.rows()
    for row in content:
        change(row)
    return real.write(tmp_path / "changed", content)


@pytest.mark.parametrize("split", [None, "all"])
def test_frames_are_cut_by_their_landmarks(unbc, split):
    frames, samples = FrameDataset(unbc, split, PLAIN, 0), open_dataset(unbc)
    assert len(frames) == len(samples) == 4 * real.FRAMES and frames.labels.placing == "landmarks"
    batch = frames.batch([0, 17], 0)
    for place, number in enumerate((0, 17)):
        sample = samples[number]
        crop = cut(sample.image, square_of_landmarks(sample.landmarks, PLAIN.crop), 32)
        assert np.array_equal(batch.image[place].numpy(), crop.transpose(2, 0, 1).astype(np.float32) / 255)
        assert batch.pspi[place] == sample.pspi


def test_only_some_subjects(unbc):
    chosen = FramesConfig(size=32, subjects=("048-aa048", "043-jh043"))
    some, everyone = FrameDataset(unbc, None, chosen, 0), FrameDataset(unbc, None, PLAIN, 0)
    assert {name[:9] for name in some.labels.frame_ids} == {"043-jh043", "048-aa048"}
    assert len(some.chosen) == len(some) == 2 * real.FRAMES and sorted(some.order(0)) == list(range(len(some)))
    for number in (0, 5, 12):
        one = some.batch([number], 0)
        place = list(everyone.labels.frame_ids).index(one.frame_ids[0])
        assert torch.equal(one.image, everyone.batch([place], 0).image)
        assert torch.equal(one.pspi, everyone.batch([place], 0).pspi)


def test_unknown_subjects_are_named(unbc):
    with pytest.raises(ArgumentError, match=r"subjects: 049-bm not among the 4 subjects read of .*: 042-ll042, "):
        FrameDataset(unbc, None, FramesConfig(size=32, subjects=("042-ll042", "049-bm")), 0)


def test_the_named_reference_is_compared_with_and_never_scored(unbc):
    frames = FrameDataset(unbc, None, REFERENCE, 0)
    assert len(frames.chosen) == 4 * (real.FRAMES - 1)
    assert not any(str(frames.labels.frame_ids[i]).endswith("-000") for i in [*frames.chosen, *frames.order(1)])
    batch = frames.batch(frames.chosen, 0)
    assert batch.neutral.shape == (32, 1, 3, 32, 32)
    for frame_id, (reference,) in zip(batch.frame_ids, batch.neutral_ids, strict=True):
        assert reference == f"{frame_id[:9]}-000"


def test_the_reference_is_mirrored_with_its_frame_and_jittered_by_itself(unbc):
    still = AugmentConfig(
        **dict.fromkeys(
            ("shift", "scale", "turn_degrees", "brightness", "contrast", "gamma", "saturation", "tint"), 0.0
        ),
        **{f"{name}_chance": 0.0 for name in ("blur", "shrink", "noise", "jpeg")},
        flip_chance=0.5,
    )
    plain = FrameDataset(unbc, None, dataclasses.replace(REFERENCE, augment=None), 0)
    mirrored = FrameDataset(unbc, None, dataclasses.replace(REFERENCE, augment=still), 0)
    straight, drawn = (each.batch(plain.chosen, 0) for each in (plain, mirrored))
    flipped = [torch.equal(one.flip(-1), other) for one, other in zip(straight.image, drawn.image, strict=True)]
    assert 0 < sum(flipped) < len(flipped)
    for flip, one, other in zip(flipped, straight.neutral, drawn.neutral, strict=True):
        assert torch.equal(one.flip(-1) if flip else one, other)
    jittered = FrameDataset(unbc, None, REFERENCE, 0).batch(plain.chosen[:1], 0)
    assert not torch.equal(jittered.neutral[:, 0], straight.neutral[:1, 0])


def test_workers_and_interruptions_change_nothing(unbc):
    frames = FrameDataset(unbc, None, dataclasses.replace(REFERENCE, pain_weight=2.0, subjects=real.SUBJECTS[1:]), 0)
    alone = list(batches(frames, batch_size=5, start=0, stop=9))
    for one, other in zip(alone[4:], batches(frames, batch_size=5, start=4, stop=9, workers=2), strict=True):
        assert one.frame_ids == other.frame_ids and one.neutral_ids == other.neutral_ids
        assert torch.equal(one.image, other.image) and torch.equal(one.neutral, other.neutral)


def test_other_references_may_be_named(unbc):
    named = tuple(f"{subject}-{number:03d}" for subject in real.SUBJECTS for number in (2, 4, 6))
    frames = FrameDataset(unbc, None, dataclasses.replace(REFERENCE, neutral_frames=named, neutral_shots=2), 0)
    assert set(frames.labels.frame_ids[frames.chosen]).isdisjoint(named)
    batch = frames.batch(frames.chosen, 0)
    for frame_id, references in zip(batch.frame_ids, batch.neutral_ids, strict=True):
        assert len(set(references)) == 2 and set(references) < set(named)
        assert {reference[:9] for reference in references} == {frame_id[:9]}


def test_a_subject_without_a_named_reference_is_refused(unbc):
    named = tuple(f"{subject}-002" for subject in real.SUBJECTS[1:])
    with pytest.raises(ArgumentError, match=r"neutral_frames: 0 frames of the subject of 042-ll042-000 in"):
        FrameDataset(unbc, None, dataclasses.replace(REFERENCE, neutral_frames=named), 0)


def test_a_frame_without_a_reference_is_refused(tmp_path):
    def forget(row):
        if row["frame_id"] == "047-jl047-004":
            row["neutral_frame_id"] = None

    out = written(tmp_path, forget)
    FrameDataset(out, None, PLAIN, 0)
    with pytest.raises(DataError, match=r"047-jl047-004: its neutral_frame_id names no frame read with it \(1 frames"):
        FrameDataset(out, None, REFERENCE, 0)


def test_references_work_on_our_own_datasets(learning_dataset):
    frames = FrameDataset(learning_dataset, "val", FramesConfig(size=32, neutral="reference"), 0)
    batch = frames.batch(frames.chosen, 0)
    assert not any("-e00-" in frame_id for frame_id in batch.frame_ids)
    for frame_id, (reference,) in zip(batch.frame_ids, batch.neutral_ids, strict=True):
        assert (reference[:6], reference[-2:]) == (frame_id[:6], frame_id[-2:]) and "-e00-" in reference


def test_views_that_nobody_named_are_refused(unbc):
    with pytest.raises(ArgumentError, match=r"frames.neutral: 'other_view', but .* names no views; choose 'reference'"):
        FrameDataset(unbc, None, FramesConfig(size=32, neutral="other_view"), 0)


def test_heatmaps_that_are_not_there_are_refused(unbc):
    with pytest.raises(ArgumentError, match=r"was imported \(unbc\) and has no heatmaps"):
        FrameDataset(unbc, None, FramesConfig(size=32, heatmap=True), 0)


@pytest.mark.parametrize("placed", ["boxes", "centre"])
def test_faces_without_landmarks_are_cut_by_one_rule(tmp_path, placed):
    out = real.write(tmp_path / "data", real.rows(placed=placed))
    frames, samples = FrameDataset(out, None, PLAIN, 0), open_dataset(out)
    assert (frames.labels.placing, frames.labels.any_landmarks) == (placed, False)
    batch = frames.batch([11], 0)
    box = (13.0, 8.0, 37.0, 36.0)
    square = square_of_box(box, PLAIN.crop) if placed == "boxes" else square_of_picture(real.SIDE, real.SIDE)
    expected = cut(samples[11].image, square, 32)
    assert np.array_equal(batch.image[0].numpy(), expected.transpose(2, 0, 1).astype(np.float32) / 255)
    assert batch.landmarks.isnan().all()


def test_the_rule_is_that_of_the_dataset_not_of_the_subjects_read(tmp_path):
    def change(row):
        if row["subject_id"] == real.SUBJECTS[0]:
            row |= {"landmarks": None, "face_box": [12.0, 8.0, 24.0, 28.0]}

    out = written(tmp_path, change)
    frames = FrameDataset(out, None, dataclasses.replace(PLAIN, subjects=real.SUBJECTS[:2]), 0)
    assert (frames.labels.placing, frames.labels.any_landmarks) == ("boxes", True)
    unknown = frames.batch(range(len(frames)), 0).landmarks.isnan().flatten(1)
    assert unknown[: real.FRAMES].all() and not unknown[real.FRAMES :].any()


def test_a_frame_with_neither_among_others_is_refused(tmp_path):
    def forget(row):
        if row["frame_id"] == "043-jh043-002":
            row["landmarks"] = None

    with pytest.raises(DataError, match=r"1 of 36 frames have neither landmarks nor a face_box, 043-jh043-002 first"):
        FrameDataset(written(tmp_path, forget), None, PLAIN, 0)


def test_aus_that_were_not_coded_are_not_made_up(tmp_path):
    out = real.write(tmp_path / "data", real.rows(coded=("AU4", "AU10")))
    aus = FrameDataset(out, None, PLAIN, 0).batch(range(4), 0).aus
    assert aus.isnan().any(0).tolist() == [False, True, True, True, False, True]


def test_a_label_against_its_aus_is_refused_and_one_without_is_taken_at_its_word(tmp_path):
    def change(row):
        if row["frame_id"] == "042-ll042-003":
            row["PSPI"] = 9.0

    with pytest.raises(DataError, match="042-ll042-003: PSPI is 9, but its AUs make PSPI 2"):
        FrameDataset(written(tmp_path, change), None, PLAIN, 0)
    content = real.rows(coded=("AU4",))
    content[3]["PSPI"] = 9.0
    frames = FrameDataset(real.write(tmp_path / "few", content), None, PLAIN, 0)
    assert frames.labels.pspi[3] == 9.0


def test_frames_with_pain_come_so_many_times_as_often(unbc):
    frames = FrameDataset(unbc, None, dataclasses.replace(PLAIN, pain_weight=2.0), 0)
    pain = frames.labels.pspi >= 1
    share = 2 * pain.sum() / (2 * pain.sum() + (~pain).sum())
    counts = np.zeros(len(frames))
    for epoch in range(20):
        order = frames.order(epoch)
        assert len(order) == len(frames)
        copies = np.bincount(order, minlength=len(frames))
        assert set(copies[pain]) <= {1, 2} and set(copies[~pain]) <= {0, 1}
        counts += copies
    assert abs(counts[pain].sum() / counts.sum() - share) < 0.02
    assert abs(counts[pain].mean() / counts[~pain].mean() - 2) < 0.15


def tiny(neutral=False, **changes):
    backbone = BackboneConfig(hidden_size=32, layers=1, heads=2, patch_size=8, registers=1)
    compares = NeutralConfig(heads=2) if neutral else None
    return ViTPainConfig(image_size=32, backbone=backbone, head_hidden=16, neutral=compares, **changes)


def test_prediction_leaves_references_out_and_reads_subjects_alone(unbc):
    table = predict_table(ViTPain(tiny(neutral=True)), unbc, None, subjects=("043-jh043",), batch=5)
    assert table.column("frame_id").to_pylist() == [f"043-jh043-{frame:03d}" for frame in range(1, real.FRAMES)]
    assert set(table.column("neutral_frame_ids").to_pylist()) == {"043-jh043-000"}
    assert set(table.column("neutral_policy").to_pylist()) == {"reference"}
    expected = [row["PSPI"] for row in real.rows() if row["frame_id"] in table.column("frame_id").to_pylist()]
    assert table.column("PSPI").to_pylist() == expected
    everything = predict_table(ViTPain(tiny()), unbc, None)
    assert len(everything) == 4 * real.FRAMES
    assert set(everything.column("kind").to_pylist()) == {"recorded"}


def test_a_look_at_named_subjects(unbc):
    looked = validation_frames(unbc, dataclasses.replace(REFERENCE, pain_weight=2.0), ("047-jl047",))
    assert {frame_id[:9] for frame_id in looked.labels.frame_ids} == {"047-jl047"}
    look = Validation(looked, frames=100, batch_size=4)
    assert len(look.indices) == real.FRAMES - 1


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"subjects": ()}, "frames.subjects: none named"),
        ({"subjects": ("a", "b", "a")}, "frames.subjects: a named twice"),
        ({"neutral_frames": ("a",)}, "frames.neutral_frames: given, but neutral is None; only 'reference' looks at"),
        ({"neutral": "reference", "neutral_shots": 2}, "frames.neutral_shots: 2, but a frame names one reference"),
        ({"pain_weight": 0.0}, "frames.pain_weight: 0.0 is no weight"),
        ({"pain_weight": 2.0, "balance": True}, "frames.pain_weight: 2, but balance decides already"),
    ],
)
def test_contradictions_are_refused(fields, words):
    with pytest.raises(ArgumentError) as caught:
        FramesConfig(**{"size": 32, **fields})
    assert words in str(caught.value)
