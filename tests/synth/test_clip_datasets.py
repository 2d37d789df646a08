"""Datasets of clips: rows that know their clip and time, labels that hold at each moment, the same bytes anyhow."""

import shutil
from dataclasses import asdict, replace

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pain3d import cli
from pain3d.data.audit import audit
from pain3d.data.audit_clips import check_clips
from pain3d.data.audit_labels import label_block
from pain3d.data.audit_pictures import PictureRules, check_pictures
from pain3d.data.clips import FRAME_INDICES, SECONDS, SWAY_DEGREES, Clips
from pain3d.data.exporters.threedpain import export_3dpain
from pain3d.data.manifest import read_manifest, write_manifest
from pain3d.data.reader import open_dataset
from pain3d.data.schema import dataset_schema, frame_id, parse_frame_id, schema_fingerprint
from pain3d.errors import ArgumentError, DataError, OutputError
from pain3d.evaluate.crops import neutral_of
from pain3d.evaluate.figures import between_views, frames_of
from pain3d.evaluate.table import truth_table, with_predictions
from pain3d.expressions import sample_pain
from pain3d.facs import AU_NAMES, PAIN_AUS, Expression
from pain3d.model.calibration import Calibration
from pain3d.skin.looks import PLAIN
from pain3d.streams import stream
from pain3d.synth.balance import balance_of_plan
from pain3d.synth.generate import finish_dataset, generate
from pain3d.synth.plan import PlanConfig, plan_shards
from pain3d.synth.rows import reproduce
from pain3d.synth.sheet import show
from pain3d.synth.timeline import Timeline
from pain3d.train.frames import FrameDataset
from pain3d.train.frames_config import FramesConfig

MOVING = PlanConfig(
    subjects=2,
    expressions=1,
    views=2,
    resolution=48,
    seed=9,
    sequence="onset-apex-offset",
    seconds=2,
    annotations=("au_heatmaps",),
    **asdict(PLAIN),
)
FRAMES = 50
PERFORMED = (*AU_NAMES, "PSPI", "time_s", "apex_PSPI", "eye_closure", "blink")


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
    """Folder of a dataset of clips; do not write into it."""
    out = tmp_path_factory.mktemp("moving") / "dataset"
    generate(out, MOVING, workers=1)
    return out


@pytest.fixture(scope="module")
def labels(moving) -> pa.Table:
    return open_dataset(moving).labels()


def hashes(out) -> list[str]:
    return [shard.sha256 for shard in read_manifest(out).shards]


def test_rows_know_their_clip_and_time(moving, labels):
    assert labels.column_names[-6:] == ["sequence_id", "frame_index", "time_s", "apex_PSPI", "eye_closure", "blink"]
    assert len(labels) == MOVING.frames == 2 * 2 * 2 * FRAMES
    rows = labels.to_pylist()
    assert len({row["sequence_id"] for row in rows}) == 2 * 2 * 2
    for row in rows:
        key = parse_frame_id(row["frame_id"])
        assert key.frame_index == row["frame_index"]
        assert row["sequence_id"] == frame_id(key.subject, key.expression_id, key.view_id)
        assert row["frame_id"] == f"{row['sequence_id']}-f{row['frame_index']:03d}"
        assert row["neutral_frame_id"] == f"{row['subject_id']}-e00-v{row['view_id']}-f000"
        assert row["time_s"] == pytest.approx(row["frame_index"] / 25)
    assert [row["frame_index"] for row in rows] == list(range(FRAMES)) * 8, "in the order of time, clip by clip"


def test_the_audit_finds_nothing_to_complain_of(moving):
    report = audit(moving)
    assert report.findings == [] and report.frames == MOVING.frames


def test_a_clip_goes_from_rest_to_its_apex_and_back(moving):
    data = open_dataset(moving)
    clip = data.sequence("s00001-e01-v0")
    assert [sample.frame_index for sample in clip] == list(range(FRAMES))
    assert clip[0].expression == clip[-1].expression == Expression()
    scores = np.array([sample.pspi for sample in clip])
    apex = clip[0].row["apex_PSPI"]
    assert apex == round(apex) > 0 and 0.9 * apex <= scores.max() <= apex
    heat = np.array([sample.heatmap.max() for sample in clip])
    assert heat[0] == heat[-1] == 0 and heat.argmax() in np.flatnonzero(scores > 0.8 * apex)
    assert np.abs(np.diff([sample.yaw for sample in clip])).max() < 0.25
    assert len({sample.yaw for sample in clip}) == FRAMES, "the head is never quite still"
    assert not np.array_equal(clip[0].image, clip[-1].image), "nor is the grain of the film"


def test_views_see_one_performance(labels):
    of_view = [labels.filter(pa.compute.equal(labels["view_id"], view)).to_pylist() for view in (0, 1)]
    for first, second in zip(*of_view, strict=True):
        assert {name: first[name] for name in PERFORMED} == {name: second[name] for name in PERFORMED}
        assert 10 < second["yaw"] - first["yaw"] < 60


def test_a_blink_is_in_no_label_and_no_heatmap(moving, labels):
    rows = labels.to_pylist()
    shut = max((row for row in rows if row["expression_id"] == 0), key=lambda row: row["blink"])
    assert shut["blink"] > 0.9 and not any(shut[name] for name in AU_NAMES) and shut["eye_closure"] == 0
    sample = open_dataset(moving).find(shut["frame_id"])
    assert not sample.heatmap.any()
    upper, lower = sample.landmarks[37:39].mean(axis=0), sample.landmarks[40:42].mean(axis=0)
    opened = sample.neutral.landmarks
    assert lower[1] - upper[1] < 0.4 * (opened[40:42].mean(axis=0) - opened[37:39].mean(axis=0))[1]


@pytest.mark.parametrize("name", ["s00000-e00-v1-f000", "s00001-e01-v0-f024", "s00001-e01-v1-f031"])
def test_a_frame_is_made_again_from_its_row_alone(moving, name):
    row = open_dataset(moving).find(name).row
    again = reproduce(row, MOVING).columns()
    assert set(again) == set(row)
    for column, value in row.items():
        made = again[column].tolist() if isinstance(again[column], np.ndarray) else again[column]
        assert made == pytest.approx(value) if isinstance(value, float) else made == value, column


def test_workers_parts_and_interruptions_change_no_byte(moving, tmp_path):
    generate(tmp_path / "parts", MOVING, workers=2, shard="2/2")

    def stop(done, of):
        if done == 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(tmp_path / "parts", MOVING, workers=1, shard="1/2", on_progress=stop)
    generate(tmp_path / "parts", MOVING, workers=1, shard="1/2")
    finish_dataset(tmp_path / "parts")
    assert hashes(tmp_path / "parts") == hashes(moving)


def test_another_length_is_another_dataset(moving, tmp_path):
    out = shutil.copytree(moving, tmp_path / "copy")
    with pytest.raises(OutputError, match=r"design\.clips\.seconds: 2\.0 there, 3\.0 asked for"):
        generate(out, replace(MOVING, seconds=3), workers=1)


@pytest.mark.parametrize("seconds", [2.0, 2.5, 4.0, 10.0])
def test_every_clip_reaches_what_the_audit_asks_for(seconds):
    for seed in range(64):
        apex = sample_pain(stream(seed, "apex"), 1 + seed % 16)
        line = Timeline.draw(seed, apex, seconds, take=seed % 7)
        acted = [line.at(index / 25).stored().acting for index in range(round(25 * seconds))]
        scores = [acting.expression.pspi for acting in acted]
        assert 0.9 * apex.pspi <= max(scores) <= apex.pspi
        assert not acted[0].vector.any() and not acted[-1].intensities.any()


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("sequence_id", "s00000-e00-v0", "sequence"),
        ("time_s", 0.5, "time"),
        ("eye_closure", 1.5, "eye_closure"),
        ("eye_closure", 0.6, "eye_closure"),
        ("blink", float("nan"), "blink"),
        ("apex_PSPI", 0.5, "apex"),
    ],
)
def test_the_audit_names_what_is_wrong_with_a_row(labels, column, value, rule):
    clips, rows = Clips(sequence="onset-apex-offset", seconds=2.0), labels.to_pylist()
    assert list(check_clips(clips, label_block(labels))) == []
    row = next(i for i, r in enumerate(rows) if r["PSPI"] > 1 and r["eye_closure"] == 0 and r["expression_id"] == 1)
    rows[row][column] = value
    broken = list(check_clips(clips, label_block(pa.Table.from_pylist(rows, labels.schema))))
    assert {(at, name) for at, name, _ in broken} == {(row, rule)}
    for index in (FRAMES, -1):
        rows = labels.to_pylist()
        rows[row]["frame_index"] = index
        broken = {
            (at, name) for at, name, _ in check_clips(clips, label_block(pa.Table.from_pylist(rows, labels.schema)))
        }
        assert broken == {(row, "frame_index"), (row, "time")}


def test_the_audit_wants_rest_at_both_ends(labels):
    rows = labels.to_pylist()
    for row in (rows[0], rows[FRAMES - 1]):
        row.update(AU12=2.0)
    rows[1].update(eye_closure=0.2)
    table = pa.Table.from_pylist(rows, labels.schema)
    broken = [
        (at, rule) for at, rule, _ in check_clips(Clips(sequence="onset-apex-offset", seconds=2.0), label_block(table))
    ]
    assert broken == [(0, "rest"), (FRAMES - 1, "rest"), (1, "rest")]


def rewritten(out, edit) -> None:
    """Edit the rows of the first shard, its hash and size in the manifest as well."""
    manifest = read_manifest(out)
    file = out / manifest.shards[0].file
    rows = pq.read_table(file).to_pylist()
    edit(rows)
    pq.write_table(pa.Table.from_pylist(rows, manifest.schema), file, row_group_size=100, write_page_checksum=True)


def test_the_audit_looks_at_whole_clips(moving, tmp_path):
    out = shutil.copytree(moving, tmp_path / "copy")

    def flatten(rows) -> None:
        for row in rows:
            if row["sequence_id"].endswith("e01-v0"):
                row.update({name: row[name] / 2 for name in AU_NAMES if name != "AU43"})
                row.update(PSPI=sum_of(row))
            if row["frame_id"].endswith("e00-v1-f020"):
                row.update(apex_PSPI=1.0, AU12=row["AU12"] + 1e-3)

    def sum_of(row) -> float:
        return Expression.from_vector(np.array([row[name] for name in AU_NAMES])).pspi

    rewritten(out, flatten)
    found = {(finding.rule, finding.where) for finding in audit(out).findings}
    subject = "s00000" if ("clip", "s00000-e00-v1-f020") in found else "s00001"
    assert ("clip", f"{subject}-e00-v1-f020") in found, "its apex is another than its clip's"
    assert ("expression", f"{subject}-e00-v1-f020") in found, "and its face another than in the other view"
    assert ("apex", f"{subject}-e01-v0") in found, "half of the apex is never reached"


def test_weak_faces_may_be_too_weak_to_see_but_strong_ones_must_show(moving):
    rules = PictureRules.of(read_manifest(moving))
    data = open_dataset(moving)
    rest, strongest = data.find("s00000-e00-v0-f000"), max(data, key=lambda sample: sample.pspi)
    pictures = {name: rest.row[name] for name in ("image", "heatmap", "segmentation", "landmarks", "au_heatmaps")}
    lids = {"eye_closure": 0.0, "blink": 0.0}

    def problems(**aus: float) -> set[str]:
        row = {**pictures, **lids, **dict.fromkeys(AU_NAMES, 0.0), **aus}
        return {rule for rule, _ in check_pictures(rules, row).problems}

    assert problems() == problems(AU4=0.02) == problems(eye_closure=0.6, blink=0.9) == set()
    assert problems(AU4=2.0) == {"heatmap", "au_heatmaps.AU4"}
    assert problems(eye_closure=0.6, AU43=1.0) == {"heatmap", "au_heatmaps.AU43"}
    shown = {**strongest.row, **dict.fromkeys(AU_NAMES, 0.0), **lids}
    assert "heatmap" in {rule for rule, _ in check_pictures(rules, shown).problems}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"seconds": 3}, "seconds: 3 is given, but pictures last no time; ask for clips with sequence onset-apex"),
        ({"sequence": "wave"}, "sequence: 'wave' is unknown; choose one of onset-apex-offset"),
        ({"sequence": "onset-apex-offset", "seconds": 1.9}, r"seconds: 1\.9 is outside 2\.\.10; try 4"),
        ({"sequence": "onset-apex-offset", "seconds": 11}, r"seconds: 11 is outside 2\.\.10; try 4"),
        ({"sequence": "onset-apex-offset", "seconds": float("nan")}, r"seconds: nan is outside"),
    ],
)
def test_plans_that_contradict_themselves(options, message):
    with pytest.raises(ArgumentError, match=message):
        PlanConfig(**options)


def test_a_plan_counts_frames_and_keeps_files_small():
    config = PlanConfig(subjects=20, sequence="onset-apex-offset")
    assert (config.seconds, config.subjects_per_shard, config.frames) == (4.0, 1, 20 * 11 * 3 * 100)
    assert [task.rows for task in plan_shards(config)] == [3300] * 20
    assert SECONDS[1] * 25 < FRAME_INDICES
    balance = balance_of_plan(config)
    assert "x 100 frames of a clip of 4 s = 66,000 frames" in balance.title
    assert balance.by_pspi == balance_of_plan(PlanConfig(subjects=20)).by_pspi, "the apexes are the faces of pictures"


def test_pictures_stay_as_they_were():
    assert PlanConfig().clips is None and PlanConfig().subjects_per_shard == 5
    columns = dataset_schema().names
    assert dataset_schema(clips=True).names[: len(columns)] == columns
    assert schema_fingerprint(dataset_schema(clips=True)) == (
        "90fb86a3ed4696f2ad92a031b84f19d91819ee2bd143759b28e45127d959b7fc"
    )


def test_the_manifest_tells_what_the_clips_are(moving, tmp_path):
    manifest = read_manifest(moving)
    assert manifest.clips == Clips(sequence="onset-apex-offset", seconds=2.0, frames_per_second=25)
    write_manifest(tmp_path, replace(manifest, design=replace(manifest.made, clips=None)))
    assert '"clips"' not in (tmp_path / "manifest.json").read_text()
    for wrong in ('"seconds": 1e9', '"seconds": "2"', '"seconds": true'):
        text = (moving / "manifest.json").read_text().replace('"seconds": 2.0', wrong)
        (tmp_path / "manifest.json").write_text(text)
        with pytest.raises(DataError, match=r"design\.clips"):
            read_manifest(tmp_path)


def test_sequences_are_found_by_name(moving, small_dataset):
    data = open_dataset(moving)
    with pytest.raises(ArgumentError, match=r"sequence: 's00000-e09-v0' is not among"):
        data.sequence("s00000-e09-v0")
    with pytest.raises(ArgumentError, match=r"holds pictures, no clips; generate one with --sequence"):
        open_dataset(small_dataset).sequence("s00000-e01-v0")
    with pytest.raises(ArgumentError, match=r"time_s: this dataset was made without it; .* --sequence"):
        _ = open_dataset(small_dataset)[0].time_s


def test_models_are_shown_rest_without_a_blink(moving):
    frames = FrameDataset(moving, None, FramesConfig(size=32, patch=8, neutral="other_view"), seed=1)
    assert len(frames) == MOVING.frames
    batch = frames.batch(range(0, MOVING.frames, 23), 0)
    assert batch.neutral_ids is not None
    for name, (reference,) in zip(batch.frame_ids, batch.neutral_ids, strict=True):
        own, other = parse_frame_id(name), parse_frame_id(reference)
        assert (other.subject, other.expression_id, other.frame_index) == (own.subject, 0, 0)
        assert other.view_id != own.view_id


def test_evaluation_compares_views_of_one_moment(moving):
    data = open_dataset(moving)
    table = truth_table(data)
    assert table.column_names.count("frame_index") == 1 and table.column("kind").to_pylist()[FRAMES * 2] == "pain"
    neutral = neutral_of(data, data.find("s00001-e01-v0-f020"), seed=0)
    assert neutral.frame_id == "s00001-e00-v1-f000"
    guess = table["frame_index"].to_numpy() / 4 + table["view_id"].to_numpy()  # by moment, and one apart in the views
    calibration = Calibration(thresholds=(1.0, 2.0, 3.0), radii=(1.0,))
    read = frames_of(with_predictions(table, pspi=guess), calibration, draws=0, seed=0)
    assert between_views(read)["range_over_views"]["value"] == pytest.approx(1.0)


def test_a_picture_layout_refuses_clips(moving, tmp_path):
    with pytest.raises(ArgumentError, match=r"holds clips, but the layout of 3DPain has one picture"):
        export_3dpain(moving, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_sheets_and_cards_show_clips(moving, tmp_path):
    assert show(moving, to=tmp_path / "pairs.png").exists()
    assert show(moving, subject="s00001", to=tmp_path / "clips.png").exists()
    card = (moving / "README.md").read_text()
    assert "2 views, each a clip (onset-apex-offset) of 2 s, x 50 frames = 400 frames" in card
    assert "| apex_PSPI |" in card


def test_from_the_command_line(tmp_path, capsys):
    words = ["--subjects", "1", "--expressions", "1", "--views", "1", "--resolution", "32", "--skin", "procedural"]
    words += ["--hair", "cap", "--no-wrinkles", "--no-wet", "--sequence", "onset-apex-offset", "--seconds", "2"]
    assert cli.main(["generate", str(tmp_path / "out"), *words, "--workers", "1"]) == 0
    assert cli.main(["audit", str(tmp_path / "out")]) == 0
    assert "100 frames: sound" in capsys.readouterr().out
    assert cli.main(["plan", *words[:8], "--seconds", "2"]) == 2
    assert "seconds: 2.0 is given, but pictures last no time" in capsys.readouterr().err


def test_sway_is_within_what_the_audit_allows(labels):
    rows = labels.to_pylist()
    for name, most in SWAY_DEGREES.items():
        of_view: dict[str, list[float]] = {}
        for row in rows:
            of_view.setdefault(f"{row['subject_id']} {row['view_id']}", []).append(row[name])
        for angles in of_view.values():
            assert 0.1 < np.ptp(angles) <= 2 * most + 1e-4
    assert set(PAIN_AUS) <= set(AU_NAMES)
