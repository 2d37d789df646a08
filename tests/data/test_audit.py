import dataclasses
import shutil
from pathlib import Path

import handmade
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from pain3d.data.audit import audit
from pain3d.data.images import encode_depth, encode_heatmap, encode_rgb, encode_segmentation, encode_wrinkles
from pain3d.data.manifest import read_manifest, write_manifest
from pain3d.data.progress import begin, finish
from pain3d.data.schema import ANNOTATIONS
from pain3d.data.writer import write_shard
from pain3d.errors import ArgumentError
from pain3d.facs import PAIN_AUS
from pain3d.streams import subject_seed

TRAIN = "data/train-00000-of-00004.parquet"
PAIN = "s00002-e01-v1"
NEUTRAL = "s00002-e00-v1"
SMILE = "s00002-e03-v1"
SIZE = handmade.SIZE


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("sound") / "out"
    handmade.dataset(out, handmade.manifest())
    return out


@pytest.fixture(scope="module")
def annotated(tmp_path_factory) -> Path:
    out = tmp_path_factory.mktemp("annotated") / "out"
    handmade.dataset(out, handmade.manifest(annotations=ANNOTATIONS))
    return out


@pytest.fixture
def out(tmp_path, sound) -> Path:
    return shutil.copytree(sound, tmp_path / "out")


def test_a_sound_dataset_passes(sound):
    seen = []
    report = audit(sound, progress=lambda done, total: seen.append((done, total)))
    assert report.findings == []
    assert report.ok
    assert (report.shards, report.frames, report.subjects) == (6, 80, 10)
    assert seen[-1] == (80, 80)
    assert seen == sorted(seen)
    assert report.to_json()["ok"] is True


def test_a_sound_dataset_with_annotations_passes(annotated):
    assert audit(annotated).findings == []


def test_the_number_of_threads_changes_nothing(out):
    handmade.rewrite(out, TRAIN, lambda rows: [row.update(PSPI=9.0) for row in rows])
    reports = [audit(out, workers=n) for n in (1, 4)]
    assert reports[0].findings == reports[1].findings != []


def set_columns(frame_id: str, **values):
    def edit(rows) -> None:
        (row,) = [row for row in rows if row["frame_id"] == frame_id]
        row.update(values)

    return edit


def png(values) -> dict[str, object]:
    return {"bytes": values, "path": None}


def flat(value: float) -> dict[str, object]:
    return png(encode_heatmap(np.full((SIZE, SIZE), value, np.float32)))


def classes(value: int) -> dict[str, object]:
    return png(encode_segmentation(np.full((SIZE, SIZE), value, np.uint8), handmade.PALETTE))


WIDE = np.zeros((SIZE, SIZE + 1, 3), np.uint8)
CUT = {
    "bytes": encode_rgb(np.random.default_rng(0).integers(0, 255, (SIZE, SIZE, 3), dtype=np.uint8))[:700],
    "path": None,
}
NO_ROTATION = [40, 40, 16, 16, *([0.5] * 12)]


@pytest.mark.parametrize(
    ("frame", "values", "rule", "told"),
    [
        (PAIN, {"PSPI": 7.0}, "pspi", "7 stored, 5 by its AUs"),
        (PAIN, {"PSPI": float("nan")}, "pspi", "nan stored, 5 by its AUs"),
        (PAIN, {"AU4": 5.5, "PSPI": 5.5}, "au_range", "AU4 is 5.5, not in 0..5"),
        (PAIN, {"AU25": -1.0}, "au_range", "AU25 is -1, not in 0..5"),
        (PAIN, {"AU25": float("nan")}, "au_range", "AU25 is nan"),
        (PAIN, {"AU43": 0.5, "PSPI": 5.5}, "au_range", "AU43 is 0.5, not 0 or 1"),
        (PAIN, {"AU1": 3.0}, "expression", "Action Units differ from s00002-e01-v0, which shows the same expression"),
        (NEUTRAL, {"AU1": 3.0}, "expression", "expression 0 is neutral, but an AU acts"),
        (PAIN, {"AU4": 0.0, "PSPI": 0.0}, "expression", "expression 1 is pain, but PSPI is 0"),
        (SMILE, {"AU6": 2.0, "PSPI": 2.0}, "expression", "3 is a distractor, but PSPI is 2"),
        (PAIN, {"neutral_frame_id": "s00002-e00-v0"}, "neutral", "s00002-e00-v0, not s00002-e00-v1"),
        (PAIN, {"neutral_frame_id": "s00077-e00-v1"}, "neutral", "s00077-e00-v1 is not in the dataset"),
        (PAIN, {"expression_id": 9}, "expression_id", "9 is outside 0..3"),
        (PAIN, {"view_id": 2}, "view_id", "2 is outside 0..1"),
        (PAIN, {"view_id": 0}, "frame_id", "subject, expression and view make it s00002-e01-v0"),
        (PAIN, {"subject_id": "bob"}, "subject_id", "'bob' is none; ids read like s00042"),
        (PAIN, {"subject_id": "s00042"}, "subject_id", "s00042 was not asked for"),
        (PAIN, {"split": "val"}, "split", "'val' in a shard of train"),
        (PAIN, {"split": "val"}, "split", "'val', but subject 2 belongs to train"),
        (PAIN, {"split": "val"}, "split", "val, but its subject is also in train"),
        (PAIN, {"age_years": 80}, "age", "80 years do not lie in the band '45-59'"),
        (PAIN, {"age_band": "old"}, "age", "do not lie in the band 'old'"),
        (PAIN, {"sex": "male"}, "cell", "45-59 male middle_eastern, but it belongs to 45-59 female middle_eastern"),
        (PAIN, {"age_years": 50}, "person", "differ from s00002-e00-v0, which shows the same person"),
        (PAIN, {"skin_tone_mst": 11}, "skin_tone_mst", "11 is outside 1..10"),
        (PAIN, {"ita_degrees": 100.0}, "ita_degrees", "100 is outside -90..90"),
        (PAIN, {"yaw": 10.0}, "view", "view 1 has yaw 10, outside 20..45"),
        (PAIN, {"pitch": -13.0}, "view", "pitch -13 is outside -12..12"),
        (PAIN, {"light": ""}, "light", "no name of a light"),
        (PAIN, {"background": ""}, "background", "no name of a background"),
        (PAIN, {"light": "candle"}, "view", "differ from s00002-e00-v1, which shows the same view"),
        (PAIN, {"yaw": 25.0}, "camera", "yaw 25, but the camera's is 30"),
        (PAIN, {"pitch": -4.0}, "camera", "pitch -4, but the camera's is 4"),
        (PAIN, {"roll": 3.0}, "camera", "roll 3, but the camera's is -3"),
        (PAIN, {"camera": NO_ROTATION}, "camera", "the 3x3 part a rotation"),
        (PAIN, {"camera": [float("nan")] * 16}, "camera", "all finite"),
        (PAIN, {"landmarks": [float("nan")] * 136}, "landmarks", "NaN or infinite"),
        (PAIN, {"landmarks": [500.0] * 136}, "landmarks", "far outside the picture"),
        (
            PAIN,
            {"landmarks": [0.5] * 34 + [2.0] * 102},
            "landmarks",
            "51 of 51 landmarks inside",
        ),
        (PAIN, {"seed": -1}, "seed", "-1 is negative"),
        (PAIN, {"heatmap_max_mm": 20.0}, "heatmap_max_mm", "20, not 16"),
        (PAIN, {"light": None}, "null", "column light has no value"),
        (PAIN, {"image": None}, "null", "column image has no value"),
        (PAIN, {"image": {"bytes": None, "path": "x.jpg"}}, "null", "column image.bytes has no value"),
        (PAIN, {"image": CUT}, "image", "the picture is damaged"),
        (PAIN, {"image": png(b"not a picture")}, "image", "the picture cannot be read"),
        (PAIN, {"image": png(encode_rgb(WIDE))}, "image", "33 x 32 pixels, not 32 x 32"),
        (PAIN, {"heatmap": flat(0)}, "heatmap", "zero everywhere although a pain AU acts"),
        (NEUTRAL, {"heatmap": flat(1)}, "heatmap", "not zero although no pain AU acts"),
        (SMILE, {"heatmap": flat(1)}, "heatmap", "not zero although no pain AU acts"),
        (PAIN, {"heatmap": flat(1)}, "heatmap", "680 pixels are not zero outside skin, lips, brows"),
        (PAIN, {"heatmap": png(encode_rgb(WIDE[:, :SIZE]))}, "heatmap", "mode RGB, not 8-bit grey or palette"),
        (PAIN, {"heatmap": png(encode_heatmap(np.zeros((3, 3), np.float32)))}, "heatmap", "3 x 3 pixels, not 32 x 32"),
        (PAIN, {"segmentation": classes(77)}, "segmentation", "classes 77 are not in the palette"),
        (PAIN, {"segmentation": classes(8)}, "segmentation", "less than 1 % of the picture is skin"),
        (PAIN, {"depth": png(encode_depth(np.ones((SIZE, SIZE))))}, "depth", "are background in one of depth and"),
        (PAIN, {"depth": png(b"")}, "depth", "the picture cannot be read"),
        (PAIN, {"normals": png(b"")}, "normals", "the picture cannot be read"),
        (PAIN, {"albedo": png(encode_rgb(WIDE))}, "albedo", "33 x 32 pixels, not 32 x 32"),
        (PAIN, {"wrinkles": flat(0)}, "wrinkles", "zero everywhere although a pain AU acts"),
        (PAIN, {"wrinkles": flat(1)}, "wrinkles", "680 pixels are not zero outside skin, lips, brows"),
        (NEUTRAL, {"wrinkles": flat(1)}, "wrinkles", "not zero although no AU acts"),
        (PAIN, {"wrinkles": png(b"")}, "wrinkles", "the picture cannot be read"),
        (
            PAIN,
            {"wrinkles_max_mm": 16.0, "wrinkles": png(encode_wrinkles(np.zeros((3, 3), np.float32)))},
            "wrinkles_max_mm",
            "16, not 3",
        ),
        (
            PAIN,
            {"au_heatmaps": {name: flat(name == "AU9") for name in PAIN_AUS}},
            "au_heatmaps.AU9",
            "not zero although no pain AU acts",
        ),
    ],
)
def test_a_broken_frame_is_named(tmp_path, sound, annotated, frame, values, rule, told):
    out = shutil.copytree(annotated if set(values) & set(ANNOTATIONS) else sound, tmp_path / "out")
    handmade.rewrite(out, TRAIN, set_columns(frame, **values))
    report = audit(out)
    found = [str(finding) for finding in report.findings if (finding.rule, finding.where) == (rule, frame)]
    assert any(told in text for text in found), [str(finding) for finding in report.findings]
    assert all(text.startswith(f"{TRAIN}: {frame}: {rule}: ") for text in found)
    others = {finding.where for finding in report.findings}
    assert others <= {frame, "s00002-e01-v0", "s00002", "s00077", "s00042", "PSPI", "sex", "age_band"}, (
        "only the offender"
    )


def test_a_shard_without_one_whole_row_is_survived(out):
    handmade.rewrite(out, TRAIN, lambda rows: [row.update(light=None) for row in rows])
    assert audit(out).by_rule["null"] == 16


@pytest.mark.parametrize("column", ["landmarks", "camera"])
def test_infinite_labels_are_survived(out, column):
    def edit(rows) -> None:
        rows[3][column] = [float("inf"), float("-inf")] * (len(rows[3][column]) // 2)

    handmade.rewrite(out, TRAIN, edit)
    assert column in audit(out).by_rule


def test_saturation_is_counted_and_is_no_fault(out):
    heatmap = np.zeros((SIZE, SIZE), np.float32)
    heatmap[8, 10:13] = 17.5
    heatmap[9, 10] = 15.9
    handmade.rewrite(out, TRAIN, set_columns(PAIN, heatmap=png(encode_heatmap(heatmap))))
    report = audit(out)
    assert report.ok
    assert (report.saturated_frames, report.saturated_pixels) == (1, 3)


def test_a_doubled_and_a_missing_frame(out):
    def edit(rows) -> None:
        rows[3] = dict(rows[4])

    handmade.rewrite(out, TRAIN, edit)
    findings = [str(finding) for finding in audit(out).findings]
    assert f"{TRAIN}: s00002-e02-v0: duplicate: also in {TRAIN}" in findings
    assert "s00002-e01-v1: missing: the frame is not in the dataset" in findings
    assert len(findings) == 2


def test_a_subject_in_two_splits(out):
    test_shard = "data/test-00000-of-00001.parquet"
    stolen = []
    handmade.rewrite(out, TRAIN, lambda rows: stolen.append(rows.pop()))
    handmade.rewrite(out, test_shard, lambda rows: rows.append({**stolen[0], "split": "test"}))
    findings = [str(finding) for finding in audit(out).findings]
    assert f"{test_shard}: s00003-e03-v1: split: test, but its subject is also in train" in findings


def test_an_unbalanced_dataset(out):
    found = read_manifest(out)
    kept = tuple(shard for shard in found.shards if "train-00000" not in shard.file and "train-00002" not in shard.file)
    for shard in set(found.shards) - set(kept):
        (out / shard.file).unlink()
    write_manifest(out, dataclasses.replace(found, shards=kept))
    by_rule = audit(out).by_rule
    assert by_rule["missing"] == 4, "one line for each of the four lost subjects"
    assert by_rule["balance"] >= 1
    assert by_rule["levels"] >= 1


def test_a_pain_level_twice_in_one_subject(out):
    def edit(rows) -> None:
        for row in rows:
            if row["frame_id"].startswith("s00002-e02"):
                row.update(AU4=5.0, AU6=0.0, AU7=0.0, PSPI=5.0)

    handmade.rewrite(out, TRAIN, edit)
    assert "s00002: levels: PSPI 5 more than once" in [str(finding) for finding in audit(out).findings]


def test_views_that_vary_by_frame_are_allowed_when_asked_for(out):
    handmade.rewrite(out, TRAIN, set_columns(PAIN, light="candle"))
    found = read_manifest(out)
    write_manifest(out, dataclasses.replace(found, design=dataclasses.replace(found.design, vary_per_frame=True)))
    assert audit(out).ok


def test_some_subjects_alone_are_no_unbalanced_dataset(tmp_path):
    what = handmade.manifest()
    what = dataclasses.replace(what, design=dataclasses.replace(what.design, only=("s00002", "s00003")))
    task = handmade.shards_of(what)[0]
    begin(tmp_path, what, [task[0]])
    write_shard(tmp_path, task[0], handmade.rows(what, task[1]))
    finish(tmp_path, what, [task[0]])
    assert audit(tmp_path).findings == []


@pytest.mark.parametrize(
    ("damage", "expected"),
    [
        (lambda path: path.unlink(), {"missing file"}),
        (lambda path: path.write_bytes(path.read_bytes()[:-200]), {"size", "hash", "unreadable"}),
        (lambda path: path.write_bytes(b""), {"size", "hash", "unreadable"}),
        (lambda path: path.write_bytes(path.read_bytes() + b"x"), {"size", "hash", "unreadable"}),
    ],
)
def test_a_damaged_shard_is_named(out, damage, expected):
    damage(out / TRAIN)
    findings = audit(out).findings
    assert {finding.rule for finding in findings if finding.where == TRAIN} == expected
    assert {finding.where for finding in findings if finding.rule == "missing"} == {"s00002", "s00003"}


def test_a_single_flipped_bit_is_found_and_the_other_rows_are_looked_at(out):
    path = out / TRAIN
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 4
    path.write_bytes(content)
    findings = audit(out).findings
    assert [finding.rule for finding in findings if finding.where == TRAIN] == ["hash", "unreadable"]
    assert "row group 0: could not verify page integrity, CRC" in findings[1].message
    assert [finding.where for finding in findings if finding.rule == "missing"] == ["s00002"], "its neighbour is read"


def test_wrong_columns_are_named(out):
    stored = pq.read_schema(out / TRAIN)
    position = stored.get_field_index("yaw")
    other = stored.set(position, pa.field("yaw", pa.float64()))
    handmade.rewrite(out, TRAIN, lambda rows: None, other)
    assert f"{TRAIN}: schema: column yaw is double, not float" in [str(finding) for finding in audit(out).findings]
    handmade.rewrite(out, TRAIN, lambda rows: None, stored.remove(position).append(pa.field("mood", pa.string())))
    findings = [str(finding) for finding in audit(out).findings]
    assert f"{TRAIN}: schema: column yaw is missing" in findings
    assert f"{TRAIN}: schema: column mood is unknown" in findings


def test_lost_metadata_is_named(out):
    handmade.rewrite(out, TRAIN, lambda rows: None, pq.read_schema(out / TRAIN).remove_metadata())
    assert [str(f) for f in audit(out).findings] == [f"{TRAIN}: schema: the metadata for the datasets library differs"]


def test_a_wrong_number_of_rows_is_named(out):
    found = read_manifest(out)
    shards = tuple(dataclasses.replace(s, rows=17) if s.file == TRAIN else s for s in found.shards)
    write_manifest(out, dataclasses.replace(found, shards=shards))
    assert f"{TRAIN}: schema: 16 rows, 17 in the manifest" in [str(finding) for finding in audit(out).findings]


def test_large_row_groups_are_named(out, monkeypatch):
    monkeypatch.setattr("pain3d.data.audit.MAX_ROW_GROUP_ROWS", 7)
    assert audit(out).by_rule["schema"] == 10


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("data/train-00009-of-00004.parquet", "extra file"),
        ("data/notes.txt", "extra file"),
        ("data/.train-00000-of-00004.parquet.12.tmp", "leftover"),
        (".manifest.json.12.tmp", "leftover"),
        (".progress/x.json", "leftover"),
    ],
)
def test_files_that_do_not_belong_are_named(out, name, rule):
    (out / name).parent.mkdir(exist_ok=True)
    (out / name).write_text("?")
    (finding,) = audit(out).findings
    assert finding.rule == rule
    assert name.startswith(finding.where)


def test_pictures_beside_the_dataset_are_welcome(out):
    (out / "sheet.png").write_text("?")
    assert audit(out).ok


@pytest.mark.parametrize("name", ["README.md", "croissant.json"])
def test_a_missing_card_is_named(out, name):
    (out / name).unlink()
    assert [str(finding) for finding in audit(out).findings] == [f"{name}: missing file: not found"]


def test_an_unfinished_dataset_is_named(out):
    write_manifest(out, dataclasses.replace(read_manifest(out), complete=False))
    assert [finding.rule for finding in audit(out).findings] == ["manifest"]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"format": "pain3d dataset", "schema_version": 2}'])
def test_a_damaged_manifest_is_a_finding(out, content):
    (out / "manifest.json").write_text(content)
    report = audit(out)
    assert [finding.rule for finding in report.findings] == ["manifest"]
    assert "manifest.json" in report.findings[0].message


def test_no_folder_at_all_is_a_bad_argument(tmp_path):
    with pytest.raises(ArgumentError, match="no such folder; name the folder that holds"):
        audit(tmp_path / "nowhere")


def test_another_seed_in_the_manifest_is_found(out):
    write_manifest(out, dataclasses.replace(read_manifest(out), seed=5))
    assert [str(finding) for finding in audit(out).findings] == [
        "manifest.json: seed: no subject's seed follows from 5: the manifest is not that of these frames"
    ]


def test_another_seed_of_a_subject_is_found(out):
    def edit(rows):
        for row in rows:
            if row["subject_id"] == "s00002":
                row["seed"] = 12345

    handmade.rewrite(out, TRAIN, edit)
    expected = subject_seed(0, 2)
    assert [str(finding) for finding in audit(out).findings] == [
        f"{TRAIN}: s00002-e00-v0: seed: 12345, but seed 0 of the dataset makes it {expected}"
    ]


@pytest.mark.parametrize("seed", ['"0"', "1.5", "true", "-1"])
def test_a_seed_that_is_none_is_found(out, seed):
    path = out / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 0,', f'"seed": {seed},'))
    (finding,) = audit(out).findings
    assert finding.rule == "manifest" and "field seed: " in finding.message
