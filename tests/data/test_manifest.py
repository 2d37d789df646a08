import dataclasses
import json

import handmade
import pytest

from pain3d.data.manifest import (
    ShardRecord,
    differences,
    environment,
    manifest_bytes,
    read_manifest,
    shard_file,
    write_manifest,
)
from pain3d.errors import DataError

WHAT = dataclasses.replace(
    handmade.manifest(annotations=("depth",)),
    complete=True,
    shards=(ShardRecord(file=shard_file("train", 0, 1), split="train", rows=3, bytes=7, sha256="ab"),),
)


def test_a_manifest_reads_back(tmp_path):
    write_manifest(tmp_path, WHAT)
    assert read_manifest(tmp_path) == WHAT
    assert manifest_bytes(read_manifest(tmp_path)) == (tmp_path / "manifest.json").read_bytes()
    assert differences(WHAT, read_manifest(tmp_path)) == []


def test_progress_is_no_difference():
    assert differences(WHAT, dataclasses.replace(WHAT, complete=False, shards=())) == []


def test_a_parameter_that_is_missing_on_one_side_is_a_difference():
    other = dataclasses.replace(WHAT, configuration={"image_format": "jpeg", "hair": "long"})
    assert differences(WHAT, other) == [
        'configuration.hair: "long" there, nothing asked for',
        "configuration.non_pain: nothing there, 0.5 asked for",
    ]


def test_shards_are_named_as_the_contract_says():
    assert shard_file("train", 0, 12) == "data/train-00000-of-00012.parquet"


def test_the_environment_names_all_that_bytes_depend_on_and_no_time_or_place():
    made = environment(device="cuda", warp_target="sm_90")
    assert made["device"] == "cuda"
    assert {"machine", "cpu_instruction_sets", "anny", "numpy", "pillow", "pyarrow", "scipy", "warp-lang"} <= set(made)
    assert {"libjpeg_turbo", "zlib_ng", "webp"} <= set(made)
    assert made == environment(device="cuda", warp_target="sm_90")
    assert all(isinstance(value, str) and "/" not in value for value in made.values())


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "something else"}, "not the manifest of a pain3d dataset"),
        ({"schema_version": 2}, "schema version 2, but this pain3d reads and writes 1"),
        ({"schema_version": None}, "schema version None"),
        ({"design": {"subjects": 1}}, "is missing or wrong"),
        ({"design": 3}, "is missing or wrong"),
        ({"shards": [{"file": "../../etc/passwd"}]}, "is missing or wrong"),
        ({"palette": [{"index": 1}]}, "is missing or wrong"),
        ({"palette": [{"index": [1, 2], "name": "skin", "color": [1, 2, 3]}]}, "is missing or wrong"),
        ({"palette": [{"index": 1.5, "name": "skin", "color": [1, 2, 3]}]}, "is missing or wrong"),
        ({"palette": [{"index": 256, "name": "skin", "color": [1, 2, 3]}]}, "is missing or wrong"),
        ({"palette": [{"index": 1, "name": None, "color": [1, 2, 3]}]}, "is missing or wrong"),
        ({"palette": [{"index": 1, "name": "skin", "color": [1, 2]}]}, "is missing or wrong"),
        ({"surprise": 1}, "is missing or wrong"),
    ],
)
def test_manifests_that_are_not_ours_are_refused(tmp_path, change, told):
    write_manifest(tmp_path, WHAT)
    path = tmp_path / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(DataError, match=told) as caught:
        read_manifest(tmp_path)
    assert str(path) in str(caught.value)
    assert caught.value.exit_code == 1


def test_a_shard_outside_the_folder_is_refused(tmp_path):
    write_manifest(tmp_path, WHAT)
    path = tmp_path / "manifest.json"
    path.write_text(path.read_text().replace("data/train", "../data/train"))
    with pytest.raises(DataError, match="is missing or wrong"):
        read_manifest(tmp_path)
