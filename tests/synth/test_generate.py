"""Generation: the same bytes whatever the workers, the order and the interruptions."""

import hashlib
import json
import multiprocessing
import os
import subprocess
from dataclasses import asdict, replace

import pytest

from pain3d.data.audit import audit
from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, OutputError, StorageError
from pain3d.skin.looks import PLAIN
from pain3d.synth import generate as generating
from pain3d.synth.engine import checked_workers
from pain3d.synth.generate import generate
from pain3d.synth.plan import PlanConfig
from pain3d.synth.rows import reproduce
from pain3d.synth.workers import usable_cores


def fingerprint(folder):
    """Hash of every file by name."""
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def rows_of(folder):
    return {sample.frame_id: sample.row for sample in open_dataset(folder)}


def test_the_dataset_is_sound(small_dataset, small_config):
    report = audit(small_dataset)
    assert report.findings == []
    assert (report.frames, report.subjects) == (small_config.frames, small_config.subjects)


def test_two_workers_make_the_same_bytes(small_dataset, small_config, tmp_path):
    seen = []
    result = generate(tmp_path / "two", small_config, workers=2, on_progress=lambda done, of: seen.append((done, of)))
    assert fingerprint(tmp_path / "two") == fingerprint(small_dataset)
    assert seen == [(i, small_config.frames) for i in range(1, small_config.frames + 1)]
    assert (result.frames_made, result.frames_kept) == (small_config.frames, 0)
    assert multiprocessing.active_children() == []


def test_a_finished_run_repeated_does_nothing(small_dataset, small_config):
    before = {path: path.stat().st_mtime_ns for path in small_dataset.rglob("*")}
    result = generate(small_dataset, small_config, workers=1)
    assert (result.frames_made, result.frames_kept) == (0, small_config.frames)
    assert {path: path.stat().st_mtime_ns for path in small_dataset.rglob("*")} == before
    assert "all there already, nothing done" in result.text()


@pytest.mark.parametrize(
    "shards_first", [pytest.param(0, marks=pytest.mark.slow), 1, pytest.param(2, marks=pytest.mark.slow)]
)
def test_an_interrupted_run_continued_ends_the_same(small_dataset, small_config, tmp_path, shards_first):
    out = tmp_path / "stopped"
    last = shards_first * small_config.frames_per_subject + 3

    def stop(done, of):
        if done == last:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(out, small_config, workers=1, on_progress=stop)
    assert len(list((out / "data").glob("*.parquet")) if shards_first else []) == shards_first
    assert list(out.rglob("*.tmp")) == []
    result = generate(out, small_config, workers=1)
    assert result.frames_kept == shards_first * small_config.frames_per_subject
    assert fingerprint(out) == fingerprint(small_dataset)


@pytest.mark.parametrize("harm", [lambda path: path.unlink(), lambda path: path.write_bytes(path.read_bytes()[:-9])])
def test_a_lost_or_damaged_shard_is_made_again(small_dataset, small_config, tmp_path, harm):
    out = tmp_path / "harmed"
    subprocess.run(["cp", "-r", str(small_dataset), str(out)], check=True)
    harm(sorted((out / "data").iterdir())[0])
    assert generate(out, small_config, workers=1).frames_made == small_config.frames_per_subject
    assert fingerprint(out) == fingerprint(small_dataset)


def test_only_remakes_exactly_those_subjects(small_dataset, small_config, tmp_path):
    out = tmp_path / "only"
    generate(out, replace(small_config, only=("s00002", "s00001")), workers=1)
    whole, part = rows_of(small_dataset), rows_of(out)
    assert {name.split("-")[0] for name in part} == {"s00001", "s00002"}
    assert len(part) == 2 * small_config.frames_per_subject
    assert all(whole[name] == row for name, row in part.items())
    assert audit(out).findings == []


def test_a_frame_is_reproduced_from_its_row_alone(small_dataset, small_config):
    for number in (0, 13, 22):
        row = open_dataset(small_dataset)[number].row
        again = reproduce(row, small_config).columns()
        for name in ("frame_id", "split", "image", "heatmap", "segmentation", "light", "background", "seed", "PSPI"):
            assert again[name] == row[name], name
        assert again["landmarks"].tolist() == row["landmarks"]
        assert again["camera"].tolist() == row["camera"]
        assert again["yaw"] == pytest.approx(row["yaw"], abs=1e-5)


def test_more_subjects_change_no_row(small_dataset, small_config, tmp_path):
    generate(tmp_path / "more", replace(small_config, subjects=5, only=("s00002",)), workers=1)
    whole = rows_of(small_dataset)
    assert all(whole[name] == row for name, row in rows_of(tmp_path / "more").items())


def test_views_share_everything_but_the_expression(small_dataset):
    data = open_dataset(small_dataset)
    for sample in data:
        for name in ("yaw", "pitch", "roll", "camera", "light", "background"):
            assert sample.row[name] == sample.neutral.row[name]


def test_vary_per_frame_draws_afresh(small_config, tmp_path):
    config = replace(small_config, vary_per_frame=True, only=("s00000",), views=1)
    generate(tmp_path / "vary", config, workers=1)
    yaws = [sample.yaw for sample in open_dataset(tmp_path / "vary")]
    assert len(set(yaws)) == config.frames
    assert audit(tmp_path / "vary").findings == []


def test_annotations_and_formats(small_config, tmp_path):
    config = replace(
        small_config,
        annotations=("albedo", "depth", "normals", "au_heatmaps", "wrinkles"),
        wrinkles=True,
        hair="strands",
        image_format="webp-lossless",
        only=("s00001",),
        views=1,
    )
    generate(tmp_path / "rich", config, workers=1)
    assert audit(tmp_path / "rich").findings == []
    data = open_dataset(tmp_path / "rich")
    pain = next(sample for sample in data if sample.pspi > 0)
    assert pain.depth.max() > 0.5 and pain.normals.any() and pain.albedo.any()
    acting = {name for name, picture in pain.au_heatmaps.items() if picture.max() > 0.3}
    assert acting == {name for name in pain.au_heatmaps if pain.expression[name]}
    assert 0.1 < pain.wrinkles.max() < 3 and not pain.neutral.wrinkles.any()
    row = pain.row
    assert reproduce(row, config).columns()["au_heatmaps"] == row["au_heatmaps"]
    assert reproduce(row, config).columns()["wrinkles"] == row["wrinkles"]


def test_wrinkles_change_pictures_of_acting_faces_and_no_label(small_dataset, small_config, tmp_path):
    config = replace(small_config, wrinkles=True, only=("s00001",))
    generate(tmp_path / "folded", config, workers=1)
    manifest = json.loads((tmp_path / "folded" / "manifest.json").read_text())
    assert manifest["configuration"]["wrinkles"] is True
    smooth = {sample.frame_id: sample.row for sample in open_dataset(small_dataset)}
    seen = set()
    for sample in open_dataset(tmp_path / "folded"):
        folded, other = dict(sample.row), dict(smooth[sample.frame_id])
        seen.add((sample.expression_id == 0, folded.pop("image") == other.pop("image")))
        assert folded == other
        assert reproduce(sample.row, config).columns()["image"] == sample.row["image"]
    assert seen == {(True, True), (False, False)}


def test_heatmaps_show_pain_and_nothing_else(small_dataset):
    for sample in open_dataset(small_dataset):
        assert (sample.heatmap.max() > 0.3) == (sample.pspi > 0)


def test_user_backgrounds(small_config, tmp_path):
    from PIL import Image

    folder = tmp_path / "walls"
    folder.mkdir()
    Image.new("RGB", (90, 70), (10, 200, 30)).save(folder / "green.png")
    config = replace(small_config, backgrounds=folder, only=("s00000",), expressions=1, views=1)
    generate(tmp_path / "out", config, workers=1)
    sample = open_dataset(tmp_path / "out")[0]
    assert sample.background == "green.png"
    green = sample.image[sample.segmentation == 0].mean(axis=0)
    assert green[1] > green[0] + 80
    Image.new("RGB", (90, 70), (200, 10, 30)).save(folder / "green.png")
    with pytest.raises(OutputError, match="holds another dataset"):
        generate(tmp_path / "out", config, workers=1)


def test_broken_backgrounds_are_named_before_anything_is_written(small_config, tmp_path):
    folder = tmp_path / "walls"
    folder.mkdir()
    with pytest.raises(ArgumentError, match="holds no picture; put in at least one of"):
        generate(tmp_path / "out", replace(small_config, backgrounds=folder), workers=1)
    (folder / "broken.png").write_bytes(b"no picture")
    with pytest.raises(ArgumentError, match=r"broken\.png: is not a picture that can be read"):
        generate(tmp_path / "out", replace(small_config, backgrounds=folder), workers=1)
    assert not (tmp_path / "out").exists()


def test_another_plan_in_the_same_folder_is_refused(small_dataset, small_config):
    before = fingerprint(small_dataset)
    with pytest.raises(OutputError) as caught:
        generate(small_dataset, replace(small_config, seed=6), workers=1)
    assert str(caught.value) == (
        f"{small_dataset}: holds another dataset (seed: 5 there, 6 asked for); name a new folder, or ask for the same "
        f"dataset to go on with it; nothing was changed"
    )
    assert fingerprint(small_dataset) == before


def test_a_full_disk_is_told_kindly_and_survived(small_dataset, small_config, tmp_path, monkeypatch):
    out = tmp_path / "full"
    real, calls = os.replace, []

    def full(source, target):
        if str(target).endswith(".parquet"):
            calls.append(target)
            if len(calls) == 2:
                raise OSError(28, "No space left on device")
        return real(source, target)

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(StorageError, match="the disk is full; free some space, then run the same command again"):
        generate(out, small_config, workers=1)
    monkeypatch.undo()
    assert list(out.rglob("*.tmp")) == []
    generate(out, small_config, workers=1)
    assert fingerprint(out) == fingerprint(small_dataset)


@pytest.mark.parametrize("workers", [0, -2])
def test_too_few_workers(workers, small_config, tmp_path):
    with pytest.raises(ArgumentError) as caught:
        generate(tmp_path / "out", small_config, workers=workers)
    assert str(caught.value) == (f"workers: {workers} is below 1; give a number of processes, or auto for one a core")
    assert not (tmp_path / "out").exists()


def test_auto_workers():
    assert checked_workers("auto") == usable_cores()
    assert checked_workers(3) == 3


def test_no_silent_change_of_device(small_config, tmp_path):
    with pytest.raises(ArgumentError, match="device: 'cuda:99' is not on this machine; it has cpu"):
        generate(tmp_path / "out", small_config, device="cuda:99")
    assert not (tmp_path / "out").exists()


def test_manifest_holds_the_plan_and_no_trace_of_the_run(small_dataset):
    manifest = json.loads((small_dataset / "manifest.json").read_text())
    assert manifest["design"]["subjects"] == 3 and manifest["seed"] == 5 and manifest["complete"]
    assert manifest["configuration"] == {
        "sampler": "cooccurrence",
        "non_pain": 0.5,
        **asdict(PLAIN),
        "backgrounds": None,
        "image_format": "jpeg",
        "subjects_per_shard": 1,
    }
    assert [entry["name"] for entry in manifest["palette"]][:4] == ["background", "skin", "lips", "brows"]
    assert not any(word in json.dumps(manifest) for word in ("workers", "time", "date"))


def test_configurations_are_what_the_options_say():
    assert PlanConfig() == PlanConfig(subjects=50)
    assert generating.plan_manifest(PlanConfig()).design.subjects == 50
