"""What a plan would cost, from frames that are made and thrown away."""

import json

import pytest

from pain3d import cli
from pain3d.skin.looks import PLAIN
from pain3d.synth.cost import Cost, cost_of_plan
from pain3d.synth.generate import generate
from pain3d.synth.plan import PRESETS, PlanConfig


def test_space_is_that_of_the_dataset(tmp_path):
    config = PlanConfig(**vars(PLAIN), subjects=4, expressions=4, views=2, resolution=128, annotations=("depth",))
    cost = cost_of_plan(config)
    made = generate(tmp_path / "OUT", config, workers=1).manifest
    assert (cost.subjects, cost.frames, cost.files) == (4, made.frames, len(made.shards))
    assert cost.bytes == pytest.approx(sum(shard.bytes for shard in made.shards), rel=0.2)
    assert 0 < cost.frame_seconds < 5 and 0 <= cost.subject_seconds < 60


def test_time_and_space_grow_with_the_plan():
    one = Cost(subjects=10, frames=330, files=2, subject_seconds=2.0, frame_seconds=0.1, bytes_per_frame=80_000)
    assert one.core_hours == pytest.approx((20 + 33) / 3600)
    assert one.bytes == 26_400_000
    assert "165 frames, 13 MB each" in one.text() and "2.00 s a subject, 100 ms a frame" in one.text()


def test_a_million_frames():
    config = PRESETS["million"]
    assert config.frames == 1_001_550 and config.subjects % 50 == 0


def test_one_frame_is_enough(capfd):
    words = ["--subjects=1", "--expressions=0", "--views=1", "--resolution=32", "--skin=procedural", "--hair=cap"]
    assert cli.main(["plan", *words, "--cost", "--json"]) == 0
    told = json.loads(capfd.readouterr().out)
    assert told["frames"] == told["cost"]["files"] == 1 and told["cost"]["bytes"] > 1_500


def test_what_a_preset_sets_is_not_given_beside_it(capfd):
    assert cli.main(["plan", "--preset=million", "--subjects-per-shard=5"]) == 2
    assert "--subjects-per-shard: given beside --preset million, which sets it to 25" in capfd.readouterr().err
