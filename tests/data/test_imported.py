"""Imported datasets: what reads ours reads them, and what cannot refuses kindly."""

import dataclasses

import datasets
import handmade
import imported
import mlcroissant
import pytest

from pain3d.data.audit import audit
from pain3d.data.files import file_sha256
from pain3d.data.importers.builder import building
from pain3d.data.manifest import read_manifest, write_manifest
from pain3d.data.reader import open_dataset
from pain3d.errors import DataError, OutputError
from pain3d.synth.sheet import show

SHARD = "data/all-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("imported") / "unbc"
    imported.dataset(folder)
    return folder


def test_the_manifest_reads_back(out):
    found = read_manifest(out)
    assert found.design is None
    assert found.source is not None
    assert (found.source.kind, found.source.form) == ("unbc", "original archive")
    assert found.source.counts == {"subjects": 5, "sequences": 10, "frames": 60}
    assert (found.rows_of("all"), found.rows_of("train"), found.frames) == (60, 0, 60)
    with pytest.raises(DataError, match=r"the dataset was imported \(unbc\), but this needs one that pain3d generated"):
        _ = found.made


def test_manifests_of_our_own_do_not_speak_of_sources(tmp_path):
    handmade.dataset(tmp_path)
    assert '"source"' not in (tmp_path / "manifest.json").read_text()


@pytest.mark.parametrize("edit", [{"source": None}, {"design": handmade.manifest().design}])
def test_a_design_and_a_source_exclude_each_other(tmp_path, out, edit):
    (tmp_path / "data").mkdir()
    write_manifest(tmp_path, dataclasses.replace(read_manifest(out), **edit))
    with pytest.raises(DataError, match="design: null where the dataset was imported, and only there"):
        read_manifest(tmp_path)


def test_the_reader_gives_what_was_imported(out):
    data = open_dataset(out, "all", verify=True)
    assert (len(data), len(open_dataset(out)), len(open_dataset(out, "train"))) == (60, 60, 0)
    assert data.subjects == imported.SUBJECTS
    assert [sample.row["frame_index"] for sample in data.subject("047-jl047")] == [*range(1, 7), *range(1, 7)]
    sample = data.find("047-jl047-jl047t2aaaff004")
    assert (sample.subject_id, sample.split, sample.pspi) == ("047-jl047", "all", 3)
    assert sample.coded_aus == imported.CODED
    assert sample.row["AU1"] is None
    assert sample.expression["AU1"] == 0
    assert sample.neutral.frame_id == "047-jl047-jl047t1aaaff001"
    assert sample.neutral.neutral.frame_id == sample.neutral_frame_id
    assert sample.landmarks == pytest.approx(imported.landmarks())
    assert sample.image.shape == (imported.HEIGHT, imported.WIDTH, 3)
    assert (sample.row["sequence_id"], sample.row["VAS"], sample.row["face_box"]) == ("jl047t2aaaff", 4, None)
    assert repr(sample) == "Sample('047-jl047-jl047t2aaaff004', Expression(AU4=2, AU7=1), pspi=3)"
    assert set(sample.arrays()) == {"frame_id", "subject_id", "image", "landmarks", "aus", "pspi"}


@pytest.mark.parametrize("name", ["heatmap", "segmentation", "age_years", "yaw", "camera", "seed", "expression_id"])
def test_what_the_source_does_not_tell_is_refused_by_name(out, name):
    sample = open_dataset(out)[3]
    assert not sample.knows(name)
    with pytest.raises(DataError, match=f"{sample.frame_id}: {name}: its dataset was imported"):
        getattr(sample, name)


def test_a_box_stands_where_there_are_no_landmarks(tmp_path):
    imported.dataset(tmp_path / "out", with_landmarks=False)
    sample = open_dataset(tmp_path / "out")[0]
    assert sample.row["face_box"] == [18, 6, 28, 36]
    assert not sample.knows("landmarks")
    assert audit(tmp_path / "out").findings == []


def test_the_audit_finds_it_sound(out):
    report = audit(out)
    assert report.findings == []
    assert (report.frames, report.subjects, report.shards) == (60, 5, 1)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("AU12", 6.0, "au_range"),
        ("PSPI", 9.0, "pspi"),
        ("PSPI", None, "null"),
        ("subject_id", None, "null"),
        ("split", "train", "split"),
        ("frame_id", "042-ll042-ll042t1aaaff001", "duplicate"),
        ("neutral_frame_id", "nobody", "neutral"),
        ("neutral_frame_id", "043-jh043-jh043t1aaaff001", "neutral"),
        ("image", {"bytes": b"no picture", "path": None}, "image"),
        ("image", None, "null"),
        ("face_box", [1.0, 2.0, 3.0, 4.0], "face_box"),
        ("landmarks", [float("nan")] * 136, "landmarks"),
    ],
)
def test_the_audit_finds_what_is_wrong(tmp_path, column, value, rule):
    imported.dataset(tmp_path / "out", subjects=imported.SUBJECTS[:2], sequences=1, frames=3)
    handmade.rewrite(tmp_path / "out", SHARD, lambda rows: rows[1].update({column: value}))
    assert {finding.rule for finding in audit(tmp_path / "out").findings} == {rule}


def test_the_datasets_library_loads_it_with_its_split(out, tmp_path):
    frames = datasets.load_dataset(str(out), split="all", cache_dir=str(tmp_path))
    assert len(frames) == 60
    assert list(datasets.load_dataset(str(out), cache_dir=str(tmp_path))) == ["everything"]
    assert frames[0]["image"].size == (imported.WIDTH, imported.HEIGHT)
    assert frames[0]["heatmap"] is None


def test_what_is_damaged_or_missing_is_told_with_a_way_out(tmp_path):
    with building(tmp_path / "out") as builder:
        builder.note("dropped", {"file": "a.png", "why": "black"})
        builder.add(imported._row("042-ll042", "ll042", 0, 1, 3, True))
        builder.finish("unbc", "original archive", importer_version=1, configuration={}, version="0.1.0")
    (tmp_path / "out" / "dropped.csv").unlink()
    assert [str(finding) for finding in audit(tmp_path / "out").findings] == ["dropped.csv: missing file: not found"]
    path = tmp_path / "out" / SHARD
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"in the manifest; import it again into another folder, or restore it"):
        open_dataset(tmp_path / "out")


@pytest.mark.filterwarnings("ignore")  # of the parts mlcroissant is built from
def test_the_croissant_metadata_is_valid(out):
    assert mlcroissant.Dataset(jsonld=str(out / "croissant.json")).metadata.issues.errors == set()


def test_show_draws_frames_beside_their_landmarks(out, tmp_path):
    assert show(out, to=tmp_path / "all.png").stat().st_size > 10_000
    assert show(out, subject="049-bm049", to=tmp_path / "one.png").is_file()
    with pytest.raises(ValueError, match="subject: s00001 is not among the 5 subjects of"):
        show(out, subject="s00001", to=tmp_path / "none.png")


def test_equal_rows_give_equal_bytes(out, tmp_path):
    imported.dataset(tmp_path / "again")
    for name in (SHARD, "manifest.json", "README.md", "croissant.json"):
        assert file_sha256(tmp_path / "again" / name) == file_sha256(out / name)


def test_a_folder_that_is_not_empty_is_refused(out, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(OutputError, match=r"holds other files \(mine.txt, ...\); name a new or empty folder"):
        imported.dataset(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_nothing_remains_of_an_import_that_fails(tmp_path):
    for error in (RuntimeError, KeyboardInterrupt):
        with pytest.raises(error), building(tmp_path / "out") as builder:
            builder.note("skipped", {"file": "a.png", "why": "damaged"})
            builder.add(imported._row("042-ll042", "ll042", 0, 1, 3, True))
            raise error
        assert list(tmp_path.iterdir()) == []
