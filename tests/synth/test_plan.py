"""Laws of the plan: what is made depends on the seed, the subject and the configuration, and on nothing else."""

import math
from collections import Counter
from dataclasses import replace
from itertools import chain

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pain3d.demographics import age_range, split_of
from pain3d.errors import ArgumentError
from pain3d.synth.balance import balance_of_plan
from pain3d.synth.plan import PRESETS, PlanConfig, kind_of, plan_frames, plan_shards, plan_subject, subject_number

SMALL = PlanConfig(subjects=20, expressions=3, views=2, distractors=2, confounds=1)


def test_the_paper_s_dataset():
    config = PRESETS["3dpain"]
    assert (config.frames, len(plan_shards(config))) == (82_500, 500)
    balance = balance_of_plan(config)
    assert balance.by_split == {"train": 1750, "val": 500, "test": 250}
    assert balance.by_cell == (50,) * 50
    assert balance.by_pspi[0] == 2500
    assert {balance.by_pspi[score] for score in range(1, 17)} == {1562, 1563}


def test_eyes_close_in_at_most_fifteen_percent_below_eight():
    config = PlanConfig(subjects=1000)
    faces = [frame.expression for n in range(1000) for frame in plan_frames(n, config) if frame.view_id == 0]
    weak = [face for face in faces if 0 < face.pspi < 8]
    assert 0.05 < sum(face["AU43"] for face in weak) / len(weak) <= 0.15


@given(st.integers(0, 19), st.integers(20, 5000))
def test_a_subject_does_not_depend_on_how_many_were_asked_for(number, subjects):
    assert list(plan_frames(number, replace(SMALL, subjects=subjects))) == list(plan_frames(number, SMALL))


def test_frames_are_in_order_and_of_their_kind():
    frames = list(plan_frames(7, SMALL))
    assert [frame.frame_id for frame in frames[:4]] == [
        "s00007-e00-v0",
        "s00007-e00-v1",
        "s00007-e01-v0",
        "s00007-e01-v1",
    ]
    assert [frame.kind for frame in frames[::2]] == ["neutral", *["pain"] * 3, *["distractor"] * 2, "confound"]
    assert len(frames) == SMALL.frames_per_subject
    for frame in frames:
        assert (frame.expression.pspi == 0) == (frame.kind in ("neutral", "distractor"))
        assert frame.expression.is_neutral == (frame.kind == "neutral")
    for a, b in zip(frames[::2], frames[1::2], strict=True):
        assert a.expression == b.expression, "views share the expression"


@given(st.integers(0, 10**5), st.integers(0, 2**62))
def test_subjects(number, seed):
    subject = plan_subject(number, seed)
    low, high = age_range(subject.cell.age_band)
    assert low <= subject.age_years <= high
    assert subject.seed != plan_subject(number + 1, seed).seed
    assert subject.split == split_of(number)


def test_ages_are_uniform_in_their_band():
    ages = Counter(plan_subject(5 * i, 0).age_years for i in range(1200))
    assert set(ages) == set(range(18, 30))
    assert min(ages.values()) > 70 and max(ages.values()) < 135


@given(st.integers(1, 400), st.integers(1, 9))
def test_shards_hold_every_subject_once_in_order(subjects, size):
    config = PlanConfig(subjects=subjects, subjects_per_shard=size, expressions=1, views=1)
    shards = plan_shards(config)
    for split in ("train", "val", "test"):
        own = [shard for shard in shards if shard.split == split]
        members = list(chain.from_iterable(shard.subjects for shard in own))
        assert members == [number for number in range(subjects) if split_of(number) == split]
        assert [shard.file for shard in own] == [
            f"data/{split}-{i:05d}-of-{len(own):05d}.parquet" for i in range(math.ceil(len(members) / size))
        ]
    assert sum(shard.rows for shard in shards) == config.frames


def test_only_keeps_the_plan_and_drops_the_rest():
    config = replace(SMALL, only=("s00011", "s00007", "s00011"))
    assert config.only == ("s00007", "s00011")
    assert config.frames == 2 * SMALL.frames_per_subject
    assert sorted(chain.from_iterable(shard.subjects for shard in plan_shards(config))) == [7, 11]
    assert list(plan_frames(7, config)) == list(plan_frames(7, SMALL))


def test_kinds_of_ids():
    assert [kind_of(i, SMALL) for i in range(SMALL.expression_ids)] == [
        "neutral", "pain", "pain", "pain", "distractor", "distractor", "confound",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"subjects": 0},
            "subjects: 0 is outside 1..100000; ask for 50 or a multiple, and every cell of age, sex and appearance "
            "group is filled alike",
        ),
        ({"expressions": -1}, "expressions: -1 is outside 0..99; the paper uses 10"),
        ({"views": 4}, "views: 4 is outside 1..3; 1 is frontal, 2 adds a left turn, 3 a right turn"),
        (
            {"distractors": -1},
            "distractors: -1 is outside 0..99; 0 makes none, 2 makes two smiles, yawns and the like for each subject",
        ),
        (
            {"confounds": 100},
            "confounds: 100 is outside 0..99; 0 makes none, 2 makes a Duchenne smile and disgust for each subject",
        ),
        ({"seed": -1}, f"seed: -1 is outside 0..{2**63 - 1}; give a whole number that is not negative"),
        ({"resolution": 31}, "resolution: 31 is outside 32..2048; give pixels along one side; the paper uses 512"),
        ({"resolution": 2049}, "resolution: 2049 is outside 32..2048; give pixels along one side; the paper uses 512"),
        ({"subjects_per_shard": 0}, "subjects_per_shard: 0 is outside 1..100000; 5 is the default"),
        ({"non_pain": 1.5}, "non_pain: 1.5 is outside 0..1; give a share such as 0.5"),
        ({"non_pain": math.nan}, "non_pain: nan is outside 0..1; give a share such as 0.5"),
        (
            {"expressions": 90, "distractors": 10},
            "expressions + distractors + confounds: 100 is above 99, the largest two-digit expression id; ask for "
            "fewer of them",
        ),
        ({"sampler": "normal"}, "sampler: 'normal' is unknown; choose one of cooccurrence, uniform"),
        ({"image_format": "gif"}, "image_format: 'gif' is unknown; choose one of jpeg, png, webp, webp-lossless"),
        (
            {"annotations": ("flow",)},
            "annotations: 'flow' is unknown; choose from depth, normals, au_heatmaps, albedo, wrinkles",
        ),
        ({"only": ("7",)}, "only: '7' is no subject id; one reads like s00042"),
        (
            {"only": ("s00050",)},
            "only: s00050 is not in the plan, which ends with s00049; raise subjects, or name another",
        ),
    ],
)
def test_errors(options, message):
    with pytest.raises(ArgumentError) as caught:
        PlanConfig(**options)
    assert str(caught.value) == message


def test_backgrounds_must_be_a_folder(tmp_path):
    with pytest.raises(ArgumentError) as caught:
        PlanConfig(backgrounds=tmp_path / "no")
    assert str(caught.value) == f"backgrounds: {tmp_path / 'no'} is no folder; give a folder of JPEG or PNG pictures"


def test_subject_numbers():
    assert subject_number("s00042", argument="only") == 42
    assert subject_number("s123456", argument="only") == 123456
