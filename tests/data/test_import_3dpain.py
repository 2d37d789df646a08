import csv
import io
import json
import tarfile
from pathlib import Path

import numpy as np
import pytest
import threedpain_tree as tree

from pain3d.data.audit import audit
from pain3d.data.importers.threedpain import import_3dpain
from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError

NAME = "flame_sample_0000_pain_1_textured_view_000_inpainted.jpg"
NAMED = ("train", "val", "test")


def lines(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


@pytest.fixture
def flat(tmp_path):
    return tree.flat(tmp_path / "source")


@pytest.mark.parametrize("layout", [tree.flat, tree.hub])
def test_every_picture_becomes_a_row(tmp_path, layout):
    source = layout(tmp_path / "source")
    done = import_3dpain(source, tmp_path / "out")
    data = open_dataset(tmp_path / "out", verify=True)
    assert len(data) == len(tree.SUBJECTS) * (1 + tree.PAINS) * tree.VIEWS
    for subject in tree.SUBJECTS:
        for pain in range(tree.PAINS + 1):
            for view in range(tree.VIEWS):
                kind = f"pain_{pain}" if pain else "neutral"
                sample = data.find(f"{subject}_{kind}-view_{view:03d}")
                name = f"{subject}_{kind}_textured_view_{view:03d}_inpainted.jpg"
                assert sample.row["image"]["bytes"] == tree.jpeg(name)
                assert sample.row["source_file"].endswith(name)
                assert sample.coded_aus == tree.UNITS
                expected = tree.units(subject, pain) if pain else dict.fromkeys(tree.UNITS, 0)
                assert {unit: sample.row[unit] for unit in tree.UNITS} == expected
                assert sample.pspi == (tree.pspi(subject, pain) if pain else 0)
                assert sample.row["PSPI_file"] == (tree.pspi(subject, pain) if pain else None)
                assert (sample.expression_id, sample.view_id, sample.subject_id) == (pain, view, subject)
                assert sample.split == NAMED[tree.SPLITS[subject]]
                assert sample.neutral_frame_id == f"{subject}_neutral-view_{view:03d}"
                assert not sample.knows("heatmap") and not sample.knows("AU12") and not sample.knows("landmarks")
    assert [done.manifest.rows_of(split) for split in (*NAMED, "all")] == [6, 6, 6, 0]
    assert audit(tmp_path / "out").findings == []


def test_without_a_split_csv_there_is_one_split(flat, tmp_path):
    (flat / "uniform_data_70_20_10_split.csv").unlink()
    done = import_3dpain(flat, tmp_path / "out")
    assert [done.manifest.rows_of(split) for split in (*NAMED, "all")] == [0, 0, 0, 18]


def test_faces_that_the_split_csv_leaves_out_are_dropped(flat, tmp_path):
    path = flat / "uniform_data_70_20_10_split.csv"
    kept = [line for line in path.read_text().splitlines() if not line.startswith("flame_sample_0002")]
    path.write_text("\n".join(kept))
    import_3dpain(flat, tmp_path / "out")
    assert len(open_dataset(tmp_path / "out")) == 12
    dropped = lines(tmp_path / "out" / "dropped.csv")
    assert len(dropped) == 6 and {line["why"] for line in dropped} == {"not in the split CSV"}


@pytest.mark.parametrize(
    ("row", "told"),
    [
        ("flame_sample_0001_pain_1,3", ":8: split '3'; write 0 for train"),
        ("whoever,0", ":8: 'whoever' is no base name"),
        ("flame_sample_0001_pain_2,2", ":8: flame_sample_0001 is in test here and in val above"),
    ],
)
def test_bad_split_rows_are_told_with_their_line(flat, tmp_path, row, told):
    path = tmp_path / "mine.csv"
    path.write_text(tree.split_csv() + row)
    with pytest.raises(DataError) as caught:
        import_3dpain(flat, tmp_path / "out", splits=path)
    assert told in str(caught.value)
    path.write_text("name,fold\n")
    with pytest.raises(DataError, match=r"mine.csv:1: its columns are \['name', 'fold'\]"):
        import_3dpain(flat, tmp_path / "out", splits=path)


def test_two_split_csvs_are_refused(flat, tmp_path):
    (flat / "another.csv").write_text(tree.split_csv())
    with pytest.raises(ArgumentError, match=r"holds another.csv and uniform_data.*; name one with --splits"):
        import_3dpain(flat, tmp_path / "out")


@pytest.mark.parametrize(
    ("file", "content", "told", "lost"),
    [
        (f"meshes_inpainted/{NAME}", b"no picture", "the picture cannot be read", 1),
        (f"meshes_inpainted/{NAME}", tree.jpeg(NAME)[:-80], "the picture is damaged", 1),
        ("meshes_inpainted/holiday.jpg", b"", "is no picture of 3DPain", 0),
        (f"meshes_inpainted/{NAME.replace('jpg', 'png')}", b"", "pain_1 from view 0 is there twice", 0),
        ("annotations/flame_sample_0000_pain_1_annotations.json", b"{", "is no JSON", 2),
        (
            "annotations/flame_sample_0000_pain_1_annotations.json",
            b'{"AU4": 1}',
            "AU6, AU7, AU9, AU10, AU43 not found",
            2,
        ),
        ("annotations/flame_sample_0000_pain_1_annotations.json", b"[]", "AU4, AU6, AU7, AU9, AU10, AU43 not found", 2),
        ("annotations/notes.json", b"{}", "is no annotation", 0),
        ("annotations/flame_sample_0000_neutral_annotations.json", b"{}", "is of no pain expression", 0),
    ],
)
def test_bad_files_end_the_import_or_are_skipped(flat, tmp_path, file, content, told, lost):
    (flat / "pain_faces" / file).write_bytes(content)
    with pytest.raises(DataError, match="or leave what is bad out with --skip-bad") as caught:
        import_3dpain(flat, tmp_path / "out")
    assert told in str(caught.value) and Path(file).name in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]
    import_3dpain(flat, tmp_path / "out", skip_bad=True)
    assert len(open_dataset(tmp_path / "out")) == 18 - lost
    assert told in lines(tmp_path / "out" / "skipped.csv")[0]["why"]


def test_a_neutral_picture_that_cannot_be_read_leaves_no_loose_end(tmp_path):
    source = tree.flat(tmp_path / "source")
    name = "flame_sample_0001_neutral_textured_view_001_inpainted.jpg"
    (source / "pain_faces" / "meshes_inpainted" / name).write_bytes(b"no picture")
    import_3dpain(source, tmp_path / "out", skip_bad=True)
    assert len(open_dataset(tmp_path / "out")) == 17
    assert len(lines(tmp_path / "out" / "skipped.csv")) == 1
    assert audit(tmp_path / "out").findings == []


@pytest.mark.parametrize(
    "value", [pytest.param(value, id=str(value)) for value in ("3", None, True, 9, -1, float("nan"))]
)
def test_values_of_annotations_are_checked(flat, tmp_path, value):
    path = flat / "pain_faces" / "annotations" / "flame_sample_0001_pain_2_annotations.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "AU7": value}))
    with pytest.raises(DataError, match=r"flame_sample_0001_pain_2_annotations.json: AU7"):
        import_3dpain(flat, tmp_path / "out")


def test_scores_that_disagree_and_what_is_missing_are_listed(flat, tmp_path):
    faces = flat / "pain_faces"
    path = faces / "annotations" / "flame_sample_0001_pain_2_annotations.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), "PSPI": 1}))
    (faces / "meshes_inpainted" / "flame_sample_0000_neutral_textured_view_001_inpainted.jpg").unlink()
    for view in range(tree.VIEWS):
        (faces / "meshes_inpainted" / f"flame_sample_0002_pain_1_textured_view_{view:03d}_inpainted.jpg").unlink()
    import_3dpain(flat, tmp_path / "out")
    found = lines(tmp_path / "out" / "disagreements.csv")
    assert [line["frame_id"] for line in found] == [f"flame_sample_0001_pain_2-view_00{view}" for view in range(2)]
    remarks = lines(tmp_path / "out" / "remarks.csv")
    assert [line["remark"] for line in remarks] == [
        "no picture of it",
        *["no neutral picture of this subject and view"] * 2,
    ]
    assert not open_dataset(tmp_path / "out").find("flame_sample_0000_pain_1-view_001").knows("neutral_frame_id")
    assert audit(tmp_path / "out").findings == []


@pytest.mark.parametrize("name", ["../evil.jpg", "/etc/evil.jpg", "a/../../evil.jpg", "..\\evil.jpg", "C:\\evil.jpg"])
def test_names_that_lead_out_of_an_archive_are_refused(tmp_path, name):
    source = tree.hub(tmp_path / "source", extra={name: b"evil"})
    with pytest.raises(DataError, match="leads out of the archive; do not trust this file"):
        import_3dpain(source, tmp_path / "out")
    import_3dpain(source, tmp_path / "out", skip_bad=True)
    assert len(open_dataset(tmp_path / "out")) == 18
    assert len(lines(tmp_path / "out" / "skipped.csv")) == 1
    assert not list(tmp_path.rglob("evil*"))


def test_links_in_archives_are_refused(tmp_path):
    source = tree.hub(tmp_path / "source")
    with tarfile.open(source / "images" / "more.tar", "w") as archive:
        info = tarfile.TarInfo("link.jpg")
        info.type, info.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(info)
    with pytest.raises(DataError, match="is a link or a device"):
        import_3dpain(source, tmp_path / "out")


def test_archives_cut_short_are_told(tmp_path):
    source = tree.hub(tmp_path / "source")
    path = source / "images" / "images_00001.tar.gz"
    path.write_bytes(path.read_bytes()[:2000])
    with pytest.raises(DataError, match=r"images_00001.tar.gz: damaged or cut short"):
        import_3dpain(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    import_3dpain(source, tmp_path / "out", skip_bad=True)
    assert 9 <= len(open_dataset(tmp_path / "out")) < 18
    assert audit(tmp_path / "out").findings == []


def test_archives_are_read_in_a_stream(tmp_path, monkeypatch):
    modes = []
    original = tarfile.open

    def counted(path, mode):
        modes.append(mode)
        return original(path, mode)

    source = tree.hub(tmp_path / "source")
    monkeypatch.setattr(tarfile, "open", counted)
    import_3dpain(source, tmp_path / "out")
    assert set(modes) == {"r|*"}


def test_other_folders_are_refused(tmp_path):
    with pytest.raises(ArgumentError, match=r"source: .* is no folder"):
        import_3dpain(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(ArgumentError, match="holds no meshes_inpainted or images with files in it"):
        import_3dpain(tmp_path, tmp_path / "out")


def test_faces_are_looked_for_on_request(flat, tmp_path):
    import_3dpain(flat, tmp_path / "out", find_face=lambda pixels: (1.0, 2.0, 3.0, float(len(pixels))))
    assert open_dataset(tmp_path / "out")[0].row["face_box"] == [1, 2, 3, 16]


def test_a_member_is_a_picture_as_it_was(tmp_path):
    source = tree.hub(tmp_path / "source")
    import_3dpain(source, tmp_path / "out")
    from PIL import Image

    sample = open_dataset(tmp_path / "out").find("flame_sample_0001_pain_2-view_001")
    name = "flame_sample_0001_pain_2_textured_view_001_inpainted.jpg"
    assert np.array_equal(sample.image, np.asarray(Image.open(io.BytesIO(tree.jpeg(name)))))
