import pickle
import shutil

import handmade
import numpy as np
import pytest
from torch.utils.data import DataLoader, default_collate

from pain3d.data import reader
from pain3d.data.progress import begin
from pain3d.data.reader import open_dataset
from pain3d.data.sample import Sample
from pain3d.data.schema import ANNOTATIONS
from pain3d.errors import ArgumentError, DataError

TRAIN = "data/train-00001-of-00004.parquet"


@pytest.fixture(scope="module")
def what():
    return handmade.manifest(annotations=ANNOTATIONS)


@pytest.fixture(scope="module")
def out(tmp_path_factory, what):
    folder = tmp_path_factory.mktemp("reader") / "out"
    handmade.dataset(folder, what)
    return folder


def test_tables_hold_every_frame_a_row_group_at_a_time(out):
    dataset = open_dataset(out)
    tables = list(dataset.tables(["frame_id", "image"]))
    assert len(tables) >= len(dataset.manifest.shards) > 1
    rows = [row for table in tables for row in table.to_pylist()]
    assert [row["frame_id"] for row in rows] == [sample.frame_id for sample in dataset]
    assert rows[17]["image"]["bytes"] == dataset[17].row["image"]["bytes"]


@pytest.mark.parametrize(("split", "frames"), [("train", 56), ("val", 16), ("test", 8), (None, 80)])
def test_every_frame_comes_once_and_in_order(out, split, frames):
    dataset = open_dataset(out, split, verify=True)
    assert len(dataset) == frames
    ids = [sample.frame_id for sample in dataset]
    assert len(set(ids)) == frames
    assert ids == [dataset[i].frame_id for i in range(frames)]
    assert ids == dataset.labels(["frame_id"]).column("frame_id").to_pylist()
    if split is not None:
        assert {sample.split for sample in dataset} == {split}


def test_a_sample_holds_what_was_written(out, what):
    sample = open_dataset(out).find("s00003-e02-v1")
    row = handmade.row(what, 3, 2, 1)
    assert sample.expression == row.expression
    assert sample.pspi == row.expression.pspi == sample.row["PSPI"]
    assert (sample.subject_id, sample.expression_id, sample.view_id) == ("s00003", 2, 1)
    assert (sample.age_years, sample.sex, sample.ethnicity) == (row.age_years, row.sex, row.ethnicity)
    assert sample.seed == row.seed
    assert np.array_equal(sample.landmarks, row.landmarks)
    assert np.array_equal(sample.camera, row.camera)
    assert sample.image.shape == (32, 32, 3)
    assert sample.image.dtype == np.uint8
    assert sample.heatmap.dtype == np.float32
    assert sample.heatmap.max() == pytest.approx(row.expression.pspi / 2, abs=16 / 255)
    assert set(np.unique(sample.segmentation)) == {0, 1, 2, 4}
    assert sample.depth.max() == pytest.approx(0.5)
    assert sample.normals[10, 10] == pytest.approx([0, 0, 1])
    assert sample.albedo.shape == (32, 32, 3)
    assert sample.au_heatmaps["AU9"].max() == pytest.approx(row.expression["AU9"], abs=16 / 255)
    assert sample.image is sample.image, "decoded once"


def test_the_neutral_partner_is_the_same_subject_and_view_at_rest(out):
    for sample in open_dataset(out, "train"):
        neutral = sample.neutral
        assert isinstance(neutral, Sample)
        assert (neutral.subject_id, neutral.view_id, neutral.expression_id) == (sample.subject_id, sample.view_id, 0)
        assert neutral.expression.is_neutral
        assert neutral.neutral is neutral
        assert not neutral.heatmap.any()


def test_python_s_rules_of_sequences_hold(out):
    dataset = open_dataset(out, "val")
    assert dataset[-1].frame_id == dataset[15].frame_id
    assert [sample.frame_id for sample in dataset[2:4]] == [dataset[2].frame_id, dataset[3].frame_id]
    for index in (16, -17):
        with pytest.raises(IndexError, match=f"index: {index} is outside a dataset of 16 frames"):
            dataset[index]


def test_subjects(out):
    dataset = open_dataset(out)
    assert dataset.subjects == tuple(f"s{i:05d}" for i in range(10))
    assert [s.frame_id for s in dataset.subject("s00004")][:3] == ["s00004-e00-v0", "s00004-e00-v1", "s00004-e01-v0"]
    with pytest.raises(ArgumentError, match="subject: 's00099' is not in"):
        dataset.subject("s00099")
    with pytest.raises(ArgumentError, match="frame_id: 'x' is not among the 80 frames"):
        dataset.find("x")
    assert repr(dataset).endswith("80 frames of 10 subjects)")


def test_few_row_groups_are_held(out, monkeypatch):
    reads = []
    original = reader.pq.ParquetFile.read_row_group

    def counted(self, *args):
        reads.append(args)
        return original(self, *args)

    monkeypatch.setattr(reader.pq.ParquetFile, "read_row_group", counted)
    dataset = open_dataset(out)
    for sample in dataset:
        assert sample.neutral.view_id == sample.view_id
        assert len(dataset._groups) <= reader.CACHED_ROW_GROUPS
    assert len(reads) == 10, "each subject's rows are read once, its neutral partners with them"


def test_a_dataset_survives_pickling_without_its_cache(out):
    dataset = open_dataset(out, "train")
    list(dataset)
    again = pickle.loads(pickle.dumps(dataset))  # noqa: S301  a round trip in one process
    assert len(pickle.dumps(dataset)) < 20_000
    assert [sample.frame_id for sample in again] == [sample.frame_id for sample in dataset]


def stacked(samples: list[Sample]):
    return default_collate([{**s.arrays(), "neutral": s.neutral.image} for s in samples])


def test_a_torch_loader_takes_it_as_it_is(out):
    dataset = open_dataset(out, "train")
    loader = DataLoader(
        dataset, batch_size=10, shuffle=True, num_workers=1, collate_fn=stacked, multiprocessing_context="spawn"
    )
    batches = list(loader)
    assert sum(len(batch["pspi"]) for batch in batches) == 56
    assert batches[0]["image"].shape == batches[0]["neutral"].shape == (10, 32, 32, 3)
    assert batches[0]["aus"].shape == (10, 16)
    assert sorted(name for batch in batches for name in batch["frame_id"]) == sorted(s.frame_id for s in dataset)


def test_what_was_not_made_is_missing_by_name(tmp_path):
    handmade.dataset(tmp_path, handmade.manifest(subjects=1))
    with pytest.raises(ArgumentError, match="depth: this dataset was made without it; generate one with --annotations"):
        _ = open_dataset(tmp_path)[0].depth


def test_an_unknown_split_is_refused(out):
    with pytest.raises(ArgumentError, match="split: 'validation' is unknown; choose one of train, val, test"):
        open_dataset(out, "validation")


def test_an_unfinished_dataset_is_refused(tmp_path, what):
    begin(tmp_path, what, [])
    with pytest.raises(DataError, match="not finished; run the same generate command again"):
        open_dataset(tmp_path)


def test_no_dataset_is_refused(tmp_path):
    with pytest.raises(DataError, match=r"manifest.json: not found; .* is no pain3d dataset"):
        open_dataset(tmp_path)


def test_a_file_in_place_of_a_dataset_is_called_one(tmp_path):
    (tmp_path / "face.jpg").write_bytes(b"picture")
    with pytest.raises(DataError, match=r"face\.jpg: is a file; name the folder of a dataset, the one that"):
        open_dataset(tmp_path / "face.jpg")


def test_damaged_shards_are_named(tmp_path, out):
    copy = shutil.copytree(out, tmp_path / "copy")
    path = copy / TRAIN
    content = path.read_bytes()
    path.write_bytes(content[:-9])
    with pytest.raises(DataError, match=rf"{TRAIN}: \d+ bytes, but \d+ in the manifest; run the same generate command"):
        open_dataset(copy)
    assert len(open_dataset(copy, "val")) == 16, "the other splits are sound"
    flipped = bytearray(content)
    flipped[len(content) // 3] ^= 4
    path.write_bytes(flipped)
    with pytest.raises(DataError, match=f"{TRAIN}: its SHA-256 differs from the manifest's"):
        open_dataset(copy, verify=True)
    with pytest.raises(DataError, match=f"{TRAIN}: damaged or cut short"):
        list(open_dataset(copy))
    path.write_bytes(content[:-8] + bytes(8))
    with pytest.raises(DataError, match=f"{TRAIN}: damaged or cut short"):
        list(open_dataset(copy))
    path.unlink()
    with pytest.raises(DataError, match=f"{TRAIN}: not found, but listed in the manifest"):
        open_dataset(copy)


def test_a_damaged_picture_names_its_frame(tmp_path, out):
    copy = shutil.copytree(out, tmp_path / "copy")
    handmade.rewrite(copy, TRAIN, lambda rows: rows[3].update(image={"bytes": b"?", "path": None}))
    sample = open_dataset(copy).find("s00004-e01-v1")
    with pytest.raises(DataError, match="s00004-e01-v1: image: the picture cannot be read"):
        _ = sample.image


def test_an_empty_split_is_empty_and_says_which_are_not(tmp_path):
    handmade.dataset(tmp_path, handmade.manifest(subjects=1))
    dataset = open_dataset(tmp_path, "train")
    assert repr(dataset) == f"Dataset({str(tmp_path)!r}, 0 frames of 0 subjects)"
    assert (len(dataset), list(dataset), dataset.subjects) == (0, [], ())
    whole = open_dataset(tmp_path).labels()
    assert dataset.labels().schema.names == whole.schema.names
    assert dataset.labels().schema.types == whole.schema.types
    assert dataset.labels(["PSPI"]).column("PSPI").to_pylist() == []
    with pytest.raises(ArgumentError, match="is not among the 0 frames opened"):
        dataset.find("s00000-e00-v0")
    with pytest.raises(IndexError) as caught:
        dataset[0]
    assert (
        str(caught.value)
        == f"index: 0 is outside a dataset of 0 frames; of {tmp_path}, these splits have some: test (8)"
    )


def test_a_frame_id_is_no_index(out):
    with pytest.raises(TypeError) as caught:
        open_dataset(out)["s00000-e00-v0"]
    assert str(caught.value) == (
        "index: 's00000-e00-v0' is not a number; a frame id is looked up with .find('s00000-e00-v0')"
    )
    with pytest.raises(TypeError, match=r"index: 1\.0 is not a whole number"):
        open_dataset(out)[1.0]
    assert open_dataset(out)[np.int64(3)].frame_id == open_dataset(out)[3].frame_id


def test_a_sample_is_shown_in_a_line_without_arrays(out):
    shown = repr(open_dataset(out).find("s00000-e00-v0"))
    assert shown.startswith("Sample('s00000-e00-v0', ") and shown.endswith(", Expression(), pspi=0)")
    assert len(shown) < 150 and "array" not in shown
