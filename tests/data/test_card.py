import dataclasses
import json

import datasets
import handmade
import mlcroissant
import numpy as np
import pyarrow.dataset
import pytest
import yaml

from pain3d.data.images import decode_grey
from pain3d.data.manifest import read_manifest
from pain3d.data.schema import ANNOTATIONS, dataset_schema
from pain3d.data.writer import shard_bytes


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("card") / "out"
    handmade.dataset(folder, handmade.manifest(annotations=ANNOTATIONS))
    return folder


@pytest.fixture(autouse=True)
def offline(monkeypatch, tmp_path):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_OFFLINE", True)
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True, raising=False)


def test_the_front_matter_names_the_splits_and_the_licence(out):
    _, front, text = (out / "README.md").read_text().split("---\n", 2)
    front = yaml.safe_load(front)
    assert front["license"] == "cc0-1.0"
    assert front["configs"][0]["data_files"] == [
        {"split": split, "path": f"data/{split}-*.parquet"} for split in ("train", "val", "test")
    ]
    assert front["size_categories"] == ["n<1K"]
    assert "10 subjects x (1 neutral + 2 pain + 1 distractor + 0 confound expressions) x 2 views = 80 frames" in text


def test_the_card_counts_what_is_there(out):
    text = (out / "README.md").read_text()
    assert "| train | 7 | 56 |" in text
    assert "| val | 2 | 16 |" in text
    assert "| test | 1 | 8 |" in text
    assert "| 18-29 | 30-44 | 45-59 | 60-74 | 75-95 |\n| --- | --- | --- | --- | --- |\n| 2 | 2 | 2 | 2 | 2 |" in text
    assert "| 40 | 4 | 4 | 4 | 4 | 2 |" in text, "frames by PSPI: neutral and smiles, then the levels"
    for name in dataset_schema(ANNOTATIONS).names:
        assert f"\n| {name} | " in text


def test_the_card_says_what_it_is_not_for(out):
    text = (out / "README.md").read_text()
    for promise in ("not the pain that a person feels", "not clinical evidence", "medical device", "appearance groups"):
        assert promise in text


def test_a_split_without_frames_is_not_announced(tmp_path):
    handmade.dataset(tmp_path, handmade.manifest(subjects=2))
    _, front, text = (tmp_path / "README.md").read_text().split("---\n", 2)
    assert [part["split"] for part in yaml.safe_load(front)["configs"][0]["data_files"]] == ["val", "test"]
    assert 'data_files="data/val-*.parquet"' in text


def test_the_same_dataset_gives_the_same_card(tmp_path, out):
    handmade.dataset(tmp_path, handmade.manifest(annotations=ANNOTATIONS))
    for name in ("README.md", "croissant.json"):
        assert (tmp_path / name).read_bytes() == (out / name).read_bytes()


@pytest.mark.filterwarnings("ignore:ConjunctiveGraph is deprecated:DeprecationWarning")  # in rdflib, not here
def test_the_croissant_metadata_is_valid(out):
    metadata = mlcroissant.Dataset(jsonld=str(out / "croissant.json")).metadata
    assert metadata.issues.errors == set()
    (only,) = metadata.issues.warnings
    assert "datePublished" in only, "the one recommendation that a reproducible file cannot follow"


@pytest.mark.filterwarnings("ignore")  # of the parts mlcroissant is built from
def test_croissant_lists_every_shard_and_loads_every_record(out):
    content = json.loads((out / "croissant.json").read_text())
    files = {part["contentUrl"]: part for part in content["distribution"] if part["@type"] == "cr:FileObject"}
    manifest = read_manifest(out)
    assert {name: part["sha256"] for name, part in files.items()} == {s.file: s.sha256 for s in manifest.shards}
    records = list(mlcroissant.Dataset(jsonld=str(out / "croissant.json")).records("frames"))
    assert len(records) == 80
    assert records[0]["frames/image"].size == (32, 32)
    assert records[0]["frames/au_heatmaps_AU9"].mode == "L"
    assert len({record["frames/frame_id"] for record in records}) == 80


@pytest.mark.parametrize("way", ["folder", "files"])
def test_datasets_loads_it_with_no_code_of_ours(out, tmp_path, way):
    if way == "folder":
        loaded = datasets.load_dataset(str(out), cache_dir=str(tmp_path))
    else:
        files = {split: str(out / f"data/{split}-*.parquet") for split in ("train", "val", "test")}
        loaded = datasets.load_dataset("parquet", data_files=files, cache_dir=str(tmp_path))
    assert {split: len(rows) for split, rows in loaded.items()} == {"train": 56, "val": 16, "test": 8}
    assert loaded["train"].column_names == dataset_schema(ANNOTATIONS).names
    row = loaded["train"][3]
    expected = handmade.row(handmade.manifest(annotations=ANNOTATIONS), 2, 1, 1)
    assert row["frame_id"] == "s00002-e01-v1"
    assert (row["image"].format, row["image"].mode, row["image"].size) == ("JPEG", "RGB", (32, 32))
    assert row["heatmap"].mode == "L"
    assert row["segmentation"].mode == "P"
    assert np.array_equal(np.asarray(row["segmentation"]), decode_grey(expected.segmentation))
    assert row["depth"].mode == "I;16"
    assert row["au_heatmaps"]["AU9"].mode == "L"
    assert np.array_equal(np.float32(row["landmarks"]).reshape(68, 2), expected.landmarks)
    assert row["PSPI"] == expected.expression.pspi


def test_pyarrow_alone_reads_it(out):
    table = pyarrow.dataset.dataset(out / "data", format="parquet").to_table(columns=["frame_id", "PSPI", "image"])
    assert table.num_rows == 80
    assert table.column("image")[0].as_py()["bytes"].startswith(b"\xff\xd8\xff")


def test_a_subject_more_than_a_row_group_still_loads(tmp_path):
    what = handmade.manifest(subjects=3)
    rows = [dataclasses.replace(row, view_id=i) for i, row in enumerate(handmade.rows(what, [2]) * 14)]
    (tmp_path / "x.parquet").write_bytes(shard_bytes(rows))
    loaded = datasets.load_dataset("parquet", data_files=str(tmp_path / "x.parquet"), cache_dir=str(tmp_path / "c"))
    assert len(loaded["train"]) == 112
