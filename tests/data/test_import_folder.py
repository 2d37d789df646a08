import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from pain3d.data.audit import audit
from pain3d.data.importers.folder import FIELDS, import_folder
from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError

TABLE = """\
Path,Person,split,au04_r,AU6,AU7,AU9,AU10,AU43,AU12,PSPI,neutral,sequence,frame,VAS,age_years,sex,mood
anna/rest.png,anna,train,0,0,0,0,0,0,0,0,,one,1,2.5,71,female,calm
anna/pain.png,anna,train,3,2.5,1,0,2,1,,8.5,anna/rest.png,one,2,2.5,71,female,
ben/pain.png,ben,test,1,0,2,0,0,0,4,5,,,,,,,bad
"""
COLUMNS = {"file": "Path", "subject": "Person", "AU4": "au04_r"}


def picture(name: str) -> np.ndarray:
    return np.full((12, 16, 3), 10 + 10 * len(name), np.uint8)


@pytest.fixture
def source(tmp_path):
    for name in ("anna/rest.png", "anna/pain.png", "ben/pain.png"):
        path = tmp_path / "source" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(picture(name)).save(path)
    (tmp_path / "labels.csv").write_text(TABLE)
    return tmp_path / "source"


def lines(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


def test_every_line_becomes_a_row(source, tmp_path):
    Image.fromarray(picture("more")).save(source / "more.png")
    done = import_folder(source, tmp_path / "out", tmp_path / "labels.csv", columns=COLUMNS)
    rest, pain, other = open_dataset(tmp_path / "out", verify=True)
    assert [sample.frame_id for sample in (rest, pain, other)] == ["anna-rest", "anna-pain", "ben-pain"]
    assert [sample.subject_id for sample in (rest, pain, other)] == ["anna", "anna", "ben"]
    assert [sample.split for sample in (rest, pain, other)] == ["train", "train", "test"]
    assert [pain.row[name] for name in ("AU4", "AU6", "AU7", "AU9", "AU10", "AU43", "AU12")] == [
        3,
        2.5,
        1,
        0,
        2,
        1,
        None,
    ]
    assert (pain.pspi, pain.row["PSPI_file"], other.pspi, other.row["PSPI_file"]) == (8.5, 8.5, 3, 5)
    assert pain.neutral.frame_id == "anna-rest" and not rest.knows("neutral_frame_id")
    assert (pain.row["sequence_id"], pain.row["frame_index"], pain.row["VAS"]) == ("one", 2, 2.5)
    assert (pain.age_years, pain.sex, other.row["age_years"], other.row["sex"]) == (71, "female", None, None)
    assert np.array_equal(other.image, picture("ben/pain.png"))
    assert lines(tmp_path / "out" / "disagreements.csv")[0]["frame_id"] == "ben-pain"
    assert [(line["file"], line["remark"]) for line in lines(tmp_path / "out" / "remarks.csv")] == [
        ("labels.csv:1", "columns not read: mood"),
        (".", "1 pictures without a line of labels, more.png first"),
    ]
    assert done.manifest.configuration["columns"] == COLUMNS
    assert audit(tmp_path / "out").findings == []


def test_a_neutral_picture_that_cannot_be_read_leaves_no_loose_end(source, tmp_path):
    (source / "anna" / "rest.png").write_bytes(b"no picture")
    import_folder(source, tmp_path / "out", tmp_path / "labels.csv", columns=COLUMNS, skip_bad=True)
    assert [sample.frame_id for sample in open_dataset(tmp_path / "out")] == ["anna-pain", "ben-pain"]
    assert "labels.csv:2" in lines(tmp_path / "out" / "skipped.csv")[0]["file"]
    assert audit(tmp_path / "out").findings == []


def test_pspi_alone_is_enough(source, tmp_path):
    (tmp_path / "labels.csv").write_text("file,subject,PSPI\nanna/rest.png,anna,0\nanna/pain.png,anna,1.1e+01\n")
    import_folder(source, tmp_path / "out", tmp_path / "labels.csv")
    data = open_dataset(tmp_path / "out")
    assert [sample.pspi for sample in data] == [0, 11]
    assert data[1].coded_aus == ()
    assert {sample.split for sample in data} == {"all"}
    assert audit(tmp_path / "out").findings == []


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("anna/none.png,anna,train,0,0,0,0,0,0", "none.png: not found"),
        ("anna/pain.png,,,0,0,0,0,0,0", ":3: subject is empty"),
        (",anna,,0,0,0,0,0,0", ":3: file is empty"),
        ("anna/pain.png,anna,,6,0,0,0,0,0", ":3: AU4: intensity 6 is outside 0..5"),
        ("anna/pain.png,anna,,x,0,0,0,0,0", ":3: AU4: 'x' is not a number"),
        ("anna/pain.png,anna,,nan,0,0,0,0,0", ":3: AU4: nan is not finite"),
        ("anna/pain.png,anna,,0,0,0,0,0,0.5", ":3: AU43: intensity 0.5 is neither 0 nor 1"),
        ("anna/pain.png,anna,,0,0,0,0,0,", ":3: neither PSPI nor all of AU4, AU6, AU7, AU9, AU10, AU43 are filled"),
        ("anna/pain.png,anna,dev,0,0,0,0,0,0", ":3: split 'dev'; write train, val, test, or nothing"),
        ("anna/pain.png,anna,test,0,0,0,0,0,0", ":3: anna is in test here, in train above"),
        ("anna/rest.png,anna,train,0,0,0,0,0,0", ":3: anna/rest.png has a line before this"),
        ("../labels.csv,anna,train,0,0,0,0,0,0", ":3: '../labels.csv' leads out of the folder of pictures"),
        ("/etc/passwd,anna,train,0,0,0,0,0,0", ":3: '/etc/passwd' leads out of the folder of pictures"),
        ("anna/pain.png,anna,train,0,0", ":3: another number of cells than in the first line"),
        ("anna/pain.png,anna,train,0,0,0,0,0,0,1", ":3: another number of cells than in the first line"),
    ],
)
def test_bad_lines_are_told_or_skipped(source, tmp_path, line, told):
    table = tmp_path / "labels.csv"
    table.write_text(
        f"file,subject,split,AU4,AU6,AU7,AU9,AU10,AU43\nanna/rest.png,anna,train,0,0,0,0,0,0\n{line}\n"
        f"ben/pain.png,ben,test,1,0,0,0,0,0\n"
    )
    with pytest.raises(DataError, match="or leave what is bad out with --skip-bad") as caught:
        import_folder(source, tmp_path / "out", table)
    assert told in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["labels.csv", "source"]
    import_folder(source, tmp_path / "out", table, skip_bad=True)
    assert [sample.frame_id for sample in open_dataset(tmp_path / "out")] == ["anna-rest", "ben-pain"]
    assert told in lines(tmp_path / "out" / "skipped.csv")[0]["why"]


@pytest.mark.parametrize(
    ("neutral", "told"),
    [("anna/other.png", "has no line of its own"), ("ben/pain.png", "neutral ben/pain.png shows ben")],
)
def test_a_neutral_picture_is_one_of_the_same_subject(source, tmp_path, neutral, told):
    table = tmp_path / "labels.csv"
    table.write_text(f"file,subject,PSPI,neutral\nanna/pain.png,anna,3,{neutral}\nben/pain.png,ben,3,\n")
    with pytest.raises(DataError, match=told):
        import_folder(source, tmp_path / "out", table)


@pytest.mark.parametrize(
    ("head", "columns", "told"),
    [
        ("file,PSPI", {}, "has no column subject; say which one it is, as in --column subject=NAME; it has file, PSPI"),
        ("file,subject", {}, "has neither PSPI nor AU4, AU6, AU7, AU9, AU10, AU43; say which columns they are"),
        ("file,subject,AU4,AU6", {}, "has neither PSPI nor AU7, AU9, AU10, AU43; say"),
        ("file,subject,PSPI", {"AU4": "au04"}, "column: AU4=au04, but .* has no such column"),
        ("file,subject,PSPI", {"AU3": "au03"}, "column: AU3 is none of ours; choose from file, subject"),
    ],
)
def test_the_columns_are_agreed_on_first(source, tmp_path, head, columns, told):
    (tmp_path / "labels.csv").write_text(f"{head}\n")
    with pytest.raises(ArgumentError, match=told):
        import_folder(source, tmp_path / "out", tmp_path / "labels.csv", columns=columns)


def test_a_column_that_is_mapped_away_is_not_read_twice(source, tmp_path):
    (tmp_path / "labels.csv").write_text("file,subject,PSPI,VAS\nanna/rest.png,anna,0,4\n")
    import_folder(source, tmp_path / "out", tmp_path / "labels.csv", columns={"OPR": "VAS"})
    row = open_dataset(tmp_path / "out")[0].row
    assert (row["OPR"], row["VAS"]) == (4, None)


def test_what_is_no_table_is_refused(source, tmp_path):
    with pytest.raises(ArgumentError, match=r"labels: .*none.csv not found"):
        import_folder(source, tmp_path / "out", tmp_path / "none.csv")
    with pytest.raises(ArgumentError, match="is no folder; name the one that holds the pictures"):
        import_folder(tmp_path / "nowhere", tmp_path / "out", tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_bytes(b"\xff\xfe\x00\x01")
    with pytest.raises(DataError, match="is no CSV that can be read"):
        import_folder(source, tmp_path / "out", tmp_path / "labels.csv")
    (tmp_path / "labels.csv").write_text("file,subject,PSPI\n")
    with pytest.raises(DataError, match="no frame was left to import"):
        import_folder(source, tmp_path / "out", tmp_path / "labels.csv")


def test_fields_are_named_once():
    assert len(set(FIELDS)) == len(FIELDS)
