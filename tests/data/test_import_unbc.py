import csv
import json
from pathlib import Path

import h5py
import numpy as np
import pytest
import unbc_tree
from unbc_tree import FRAMES, Frame

from pain3d.data.audit import audit
from pain3d.data.importers import builder, unbc_hdf5
from pain3d.data.importers.landmarks66 import INNER_CORNER_SHARE, ibug68_of_66
from pain3d.data.importers.unbc import import_unbc
from pain3d.data.importers.unbc_archive import CODED_AUS
from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError, OutputError

BLACK = [frame for frame in FRAMES if frame.sequence == "tv095t2aeunaff" and frame.number <= 7]
KEPT = [frame for frame in FRAMES if frame not in BLACK]
FIRST = {"042-ll042": "ll042t1aaaff001", "095-tv095": "tv095t2aeunaff008", "124-dn124": "dn124t1aaaff003"}
ANNOTATIONS = "annotations_unbc_2020-10-13-22-55-04.hdf5"
PICTURES = "frames_unbc_2020-09-21-05-42-04.hdf5"
FOLDS = "UNBC_CVFolds_2019-05-16-15-16-36.hdf5"


@pytest.fixture(scope="module")
def archive(tmp_path_factory):
    return unbc_tree.archive(tmp_path_factory.mktemp("unbc") / "source")


@pytest.fixture
def tree(tmp_path):
    """A tree of one's own, to damage."""
    return unbc_tree.archive(tmp_path / "source")


@pytest.fixture
def files(tmp_path):
    return unbc_tree.hdf5(tmp_path / "source")


def lines(path: Path) -> list[dict[str, str]]:
    with path.open() as stream:
        return list(csv.DictReader(stream))


def facs(root: Path, frame: Frame, kind: str = "FACS") -> Path:
    return root / "Frame_Labels" / kind / frame.within / f"{frame.stem}_facs.txt"


@pytest.mark.parametrize("nested", [False, True])
def test_every_row_of_the_archive_is_what_its_files_say(tmp_path, nested):
    source = unbc_tree.archive(tmp_path / "source", nested=nested)
    done = import_unbc(source, tmp_path / "out")
    data = open_dataset(tmp_path / "out", verify=True)
    assert [sample.frame_id for sample in data] == [frame.frame_id for frame in KEPT]
    for frame, sample in zip(KEPT, data, strict=True):
        listed = unbc_tree.units(frame)
        row = sample.row
        assert (row["subject_id"], row["sequence_id"], row["frame_index"]) == (
            *(frame.subject, frame.sequence, frame.number),
        )
        assert sample.coded_aus == CODED_AUS
        for name in CODED_AUS:
            unit = int(name[2:])
            assert row[name] == (float(unit in listed) if unit == 43 else listed.get(unit, 0))
        assert row["PSPI"] == row["PSPI_file"] == sample.pspi == unbc_tree.pspi(frame)
        images = "Images/Images" if nested else "Images"
        assert row["source_file"] == f"{images}/{frame.within.as_posix()}/{frame.stem}.png"
        assert row["image"]["bytes"] == (source / row["source_file"]).read_bytes(), "the picture is kept as it is"
        assert np.array_equal(sample.image, unbc_tree.pixels(frame))
        assert sample.landmarks == pytest.approx(ibug68_of_66(unbc_tree.points(frame)), abs=1e-4)
        tenth = len(frame.sequence) / 10
        assert [row[name] for name in ("AFF", "OPR", "SEN", "VAS")] == pytest.approx([tenth + i for i in range(4)])
        assert sample.neutral_frame_id == f"{frame.subject}-{FIRST[frame.subject]}"
        for name in ("heatmap", "segmentation", "age_years", "camera", "seed", "view_id", "face_box", "AU1"):
            assert not sample.knows(name)
    assert done.to_json() == {
        "out": str(tmp_path / "out"),
        "kind": "unbc",
        "form": "original archive",
        "subjects": 3,
        "sequences": 5,
        "frames": len(KEPT),
        "dropped": 7,
        "lists": {"dropped": str(tmp_path / "out" / "dropped.csv")},
    }
    assert done.text() == (
        f"{tmp_path / 'out'}: 17 frames of 3 subjects, read from original archive\n"
        f"  7 in {tmp_path / 'out' / 'dropped.csv'}"
    )
    assert [line["why"] for line in lines(tmp_path / "out" / "dropped.csv")] == ["black"] * 7
    assert audit(tmp_path / "out").findings == []


def test_the_same_files_give_the_same_bytes(archive, tmp_path):
    made = [import_unbc(archive, tmp_path / name).manifest.shards for name in ("one", "two")]
    assert made[0] == made[1]


def test_a_score_that_is_not_that_of_its_units_is_listed(tree, tmp_path):
    frame = KEPT[2]
    facs(tree, frame, "PSPI").write_text("   9.0000000e+00\n")
    done = import_unbc(tree, tmp_path / "out")
    assert done.manifest.source.counts["disagreements"] == 1
    assert lines(tmp_path / "out" / "disagreements.csv") == [
        {
            "frame_id": frame.frame_id,
            "file": f"Images/{frame.within.as_posix()}/{frame.stem}.png",
            "PSPI_file": "9",
            "PSPI": f"{unbc_tree.pspi(frame):g}",
            "Action Units": "AU4=4 AU7=4 AU10=2 AU25=1",
        }
    ]
    sample = open_dataset(tmp_path / "out").find(frame.frame_id)
    assert (sample.row["PSPI"], sample.row["PSPI_file"]) == (unbc_tree.pspi(frame), 9)
    assert audit(tmp_path / "out").findings == []


def test_what_is_odd_but_harmless_is_remarked_on(tree, tmp_path):
    frame = KEPT[1]
    facs(tree, frame).write_text(
        "".join(unbc_tree.LINE.format(*row) for row in ((4, 2, 0, 0), (50, 1, 0, 0), (9, 0, 0, 0), (4, 3, 0, 0)))
    )
    facs(tree, frame, "PSPI").write_text("3.0\n")
    (tree / "Sequence_Labels" / "OPR" / "042-ll042" / "ll042t1aaaff.txt").unlink()
    (tree / "Images" / frame.within / f"{frame.sequence}004.png").unlink()
    (tree / "Images" / "notes").mkdir()
    import_unbc(tree, tmp_path / "out")
    where = f"Frame_Labels/FACS/{frame.within.as_posix()}/{frame.stem}_facs.txt"
    assert [(line["file"], line["remark"]) for line in lines(tmp_path / "out" / "remarks.csv")] == [
        ("Sequence_Labels/OPR/042-ll042/ll042t1aaaff.txt", "not found; OPR is null"),
        (f"Images/{frame.within.as_posix()}", f"1 label files without a picture, {frame.sequence}004 first"),
        ("Images/notes", "not the folder of a subject, such as 042-ll042; not read"),
        (f"{where}:2", "AU50 is not one of the ten that were coded throughout; not kept"),
        (f"{where}:3", "AU9 is listed with intensity 0; kept as 0"),
        (f"{where}:4", "AU4 is listed twice; the larger intensity is kept"),
    ]
    row = open_dataset(tmp_path / "out").find(frame.frame_id).row
    assert (row["AU4"], row["AU9"], row["OPR"], row["PSPI"]) == (3, 0, None, 3)


def truncated(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


@pytest.mark.parametrize(
    ("folder", "damage", "told"),
    [
        ("Images", truncated, "the picture is damaged"),
        ("Images", lambda path: path.write_text("no picture"), "the picture cannot be read"),
        (
            "Images",
            lambda path: path.rename(path.with_name("other.png")),
            "is no frame of ll042t1aaaff; one reads",
        ),
        ("Frame_Labels/FACS", lambda path: path.write_text("4 2 0 0\n4 two 0 0\n"), ":2: 'two' is not a number"),
        ("Frame_Labels/FACS", lambda path: path.write_text("4 2\n"), ":1: 2 words, not 4; each line is to hold"),
        ("Frame_Labels/FACS", lambda path: path.write_text("4 6 0 0\n"), ":1: AU4 has intensity 6, outside 0..5"),
        ("Frame_Labels/FACS", lambda path: path.write_text("4.5 1 0 0\n"), ":1: 4.5 is no Action Unit"),
        ("Frame_Labels/FACS", lambda path: path.write_bytes(b"\xff\xfe\x00"), "is no text"),
        ("Frame_Labels/FACS", Path.unlink, "not found"),
        ("Frame_Labels/PSPI", lambda path: path.write_text(""), "0 numbers, not 1"),
        ("Frame_Labels/PSPI", lambda path: path.write_text("nan"), ":1: nan is not finite"),
        ("Frame_Labels/PSPI", lambda path: path.write_text("17"), "PSPI 17 is outside 0..16"),
        ("AAM_landmarks", lambda path: path.write_text("1 2\n" * 65), "65 landmarks, not 66"),
        ("AAM_landmarks", lambda path: path.write_text("1 2\n" * 65 + "1 2 3"), ":66: 3 words, not 2"),
    ],
)
def test_bad_input_ends_the_import_or_is_skipped_and_listed(tree, tmp_path, folder, damage, told):
    frame = KEPT[1]
    ending = {"Images": ".png", "AAM_landmarks": "_aam.txt"}.get(folder, "_facs.txt")
    path = tree / folder / frame.within / f"{frame.stem}{ending}"
    damage(path)
    with pytest.raises(DataError, match=r"; mend it, or leave what is bad out with --skip-bad") as caught:
        import_unbc(tree, tmp_path / "out")
    assert told in str(caught.value)
    assert str(path.parent) in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"], "nothing is half-written"
    done = import_unbc(tree, tmp_path / "out", skip_bad=True)
    skipped = lines(tmp_path / "out" / "skipped.csv")
    assert len(skipped) == done.to_json()["skipped"] == 1
    assert told in skipped[0]["why"]
    kept = [sample.frame_id for sample in open_dataset(tmp_path / "out")]
    assert kept == [other.frame_id for other in KEPT if other != frame]


def test_a_bad_scale_of_a_recording_costs_no_frame(tree, tmp_path):
    (tree / "Sequence_Labels" / "VAS" / "042-ll042" / "ll042t1aaaff.txt").write_text("much")
    with pytest.raises(DataError, match=r"ll042t1aaaff.txt:1: 'much' is not a number"):
        import_unbc(tree, tmp_path / "out")
    import_unbc(tree, tmp_path / "out", skip_bad=True)
    data = open_dataset(tmp_path / "out")
    assert len(data) == len(KEPT)
    assert (data[0].row["VAS"], data[4].row["VAS"]) == (None, pytest.approx(4.4))


def test_the_reference_is_the_first_frame_that_was_kept(tree, tmp_path):
    truncated(tree / "Images/042-ll042/ll042t1aaaff/ll042t1aaaff001.png")
    import_unbc(tree, tmp_path / "out", skip_bad=True)
    first = open_dataset(tmp_path / "out")[0]
    assert first.frame_id == first.neutral_frame_id == "042-ll042-ll042t1aaaff002"
    assert first.pspi > 0, "whatever its label"


def test_the_crop_keeps_pixels_and_moves_landmarks_along(archive, tmp_path):
    import_unbc(archive, tmp_path / "out", crop=True)
    for frame, sample in zip(KEPT, open_dataset(tmp_path / "out"), strict=True):
        whole, points = unbc_tree.pixels(frame), ibug68_of_66(unbc_tree.points(frame))
        left, top = np.rint(points[0] - sample.landmarks[0]).astype(int)
        height, width = sample.image.shape[:2]
        assert (width, height) != (unbc_tree.WIDTH, unbc_tree.HEIGHT)
        assert np.array_equal(sample.image, whole[top : top + height, left : left + width])
        assert sample.landmarks == pytest.approx(points - (left, top), abs=1e-4)
        low, high = sample.landmarks.min(axis=0), sample.landmarks.max(axis=0)
        assert (low >= 0).all() and (high <= (width, height)).all()
    assert audit(tmp_path / "out").findings == []


def test_landmarks_off_the_picture_cannot_be_cut_by(tree, tmp_path):
    path = tree / "AAM_landmarks" / KEPT[0].within / f"{KEPT[0].stem}_aam.txt"
    path.write_text("500 600\n510 620\n" * 33)
    with pytest.raises(DataError, match=r"x 500..510, y 600..620, lie outside the 80 x 60 pixels"):
        import_unbc(tree, tmp_path / "out", crop=True)


def test_an_archive_without_landmarks_or_scales_has_nulls_there(tree, tmp_path):
    (tree / "AAM_landmarks").rename(tmp_path / "landmarks")
    (tree / "Sequence_Labels").rename(tmp_path / "scales")
    boxes = iter([(1.0, 2.0, 30.0, 40.0), None] * 9)
    done = import_unbc(tree, tmp_path / "out", find_face=lambda pixels: next(boxes))
    data = open_dataset(tmp_path / "out")
    assert (data[0].row["face_box"], data[1].row["face_box"]) == ([1, 2, 30, 40], None)
    assert not data[0].knows("landmarks") and data[0].row["VAS"] is None
    assert done.to_json()["no_face"] == 8
    assert audit(tmp_path / "out").findings == []
    with pytest.raises(ArgumentError, match=r"crop: .* holds no landmarks to cut by"):
        import_unbc(tree, tmp_path / "cropped", crop=True)


def test_no_rows_are_held_but_those_of_one_group(archive, tmp_path, monkeypatch):
    monkeypatch.setattr(builder, "MAX_ROW_GROUP_ROWS", 5)
    monkeypatch.setattr(builder, "LEAST_ROW_GROUP_ROWS", 3)
    monkeypatch.setattr(builder, "MAX_SHARD_BYTES", 100_000)
    held = []
    original = builder._SplitWriter.add

    def counted(self, row):
        original(self, row)
        held.append(len(self._rows))

    monkeypatch.setattr(builder._SplitWriter, "add", counted)
    done = import_unbc(archive, tmp_path / "out")
    assert max(held) == 5
    assert [shard.rows for shard in done.manifest.shards] == [8, 8, 1]
    assert [sample.frame_id for sample in open_dataset(tmp_path / "out")] == [frame.frame_id for frame in KEPT]
    assert audit(tmp_path / "out").findings == []


@pytest.mark.parametrize("names_as", ["bytes", "str"])
def test_every_row_of_the_hdf5_files_is_what_they_say(tmp_path, names_as):
    source = unbc_tree.hdf5(tmp_path / "source", names_as=names_as)
    done = import_unbc(source, tmp_path / "out")
    data = open_dataset(tmp_path / "out")
    for frame, sample in zip(KEPT, data, strict=True):
        row, number = sample.row, FRAMES.index(frame)
        assert (sample.frame_id, row["frame_index"]) == (f"{frame.subject}-{number:05d}", number)
        assert (row["subject_id"], row["sequence_id"], row["VAS"]) == (frame.subject, None, None)
        assert row["source_file"] == f"{PICTURES}:{number}"
        assert np.array_equal(sample.image, unbc_tree.pixels(frame))
        assert sample.coded_aus == ("AU4", "AU6", "AU7", "AU9", "AU10", "AU43")
        listed = unbc_tree.units(frame)
        assert [row[f"AU{unit}"] for unit in (4, 6, 7, 9, 10)] == [listed.get(unit, 0) for unit in (4, 6, 7, 9, 10)]
        assert row["AU43"] == (43 in listed)
        assert row["PSPI"] == row["PSPI_file"] == unbc_tree.pspi(frame)
        first = next(other for other in KEPT if other.subject == frame.subject)
        assert sample.neutral_frame_id == f"{frame.subject}-{FRAMES.index(first):05d}"
    assert done.to_json()["form"] == "HDF5"
    dropped = lines(tmp_path / "out" / "dropped.csv")
    assert [line["why"] for line in dropped] == [
        "index 24 points past the last of 24 frames",
        "index 25 points past the last of 24 frames",
        *["black"] * 7,
    ]
    assert json.loads((tmp_path / "out" / unbc_hdf5.FOLDS).read_text())["folds"][0] == {
        "name": "fold-0",
        "train": ["095-tv095", "124-dn124"],
        "test": ["042-ll042"],
    }
    assert audit(tmp_path / "out").findings == []


def rewritten(path: Path, key: str, value) -> None:
    with h5py.File(path, "a") as file:
        if key in file:
            del file[key]
        if value is not None:
            file[key] = value


@pytest.mark.parametrize(
    ("name", "key", "value", "told"),
    [
        (PICTURES, "image", np.zeros((24, 60, 80, 3), np.float32), "image is float32 of shape (24, 60, 80, 3)"),
        (PICTURES, "image", np.zeros((24, 60, 80), np.uint8), "image is uint8 of shape (24, 60, 80)"),
        (PICTURES, "image", None, "image not found; the file holds index"),
        (ANNOTATIONS, "label_AU_9", None, "label_AU_9 not found; PSPI needs"),
        (ANNOTATIONS, "label_AU_9", np.zeros(3), "label_AU_9 has 3 rows, subject_name 26"),
        (ANNOTATIONS, "label_AU_9", np.full(26, b"x"), "label_AU_9 is |S1; it is to hold numbers"),
        (ANNOTATIONS, "label_AU_9", np.full(26, 7.0), "row 0: AU9: intensity 7 is outside 0..5"),
        (ANNOTATIONS, "label_AU_43", np.full(26, 0.5), "row 0: AU43: intensity 0.5 is neither 0 nor 1"),
        (ANNOTATIONS, "label_pspi", np.full(26, 20.0), "row 0: PSPI 20 is outside 0..16"),
        (ANNOTATIONS, "subject_name", np.full(26, b"someone"), "row 0: subject_name 'someone'"),
        (ANNOTATIONS, "index", np.zeros(3), "index has 3 rows, subject_name 26"),
        (PICTURES, "index", np.zeros(3), "index has 3 rows, image 24"),
        (FOLDS, "fold-3", None, "fold-3 not found; there are to be fold-0 to fold-4"),
        (FOLDS, "fold-0/train_subjects", [42, 95], "fold-0: subject 42 is trained on as well"),
        (FOLDS, "fold-1/validation_subjects", [42], "fold-1: subject 42 is tested by another fold too"),
    ],
)
def test_bad_hdf5_files_are_told_by_name(files, tmp_path, name, key, value, told):
    rewritten(files / name, key, value)
    if name == FOLDS and key.startswith("fold-1"):
        rewritten(files / name, "fold-1/train_subjects", [95])
    with pytest.raises(DataError) as caught:
        import_unbc(files, tmp_path / "out")
    assert f"{files / name}" in str(caught.value) and told in str(caught.value)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["source"]


def test_a_file_cut_short_is_told(files, tmp_path):
    truncated(files / ANNOTATIONS)
    with pytest.raises(DataError, match="is no HDF5 file, or cut short"):
        import_unbc(files, tmp_path / "out")


def test_rows_without_frames_and_frames_without_rows_are_listed(files, tmp_path):
    rewritten(files / ANNOTATIONS, "index", [0, 99, 7, *range(3, 26)])
    import_unbc(files, tmp_path / "out")
    assert lines(tmp_path / "out" / "dropped.csv")[0] == {
        "file": f"{ANNOTATIONS}:1",
        "why": "index 99 points past the last of 24 frames",
    }
    assert lines(tmp_path / "out" / "remarks.csv") == [
        {"file": f"{ANNOTATIONS}:2", "remark": f"index 7, but 2 in {PICTURES}; taken as one frame, by row"}
    ]
    assert [sample.row["frame_index"] for sample in open_dataset(tmp_path / "out")][:3] == [0, 2, 3]


def test_an_index_that_counts_from_another_number_is_as_good(files, tmp_path):
    rewritten(files / PICTURES, "index", np.arange(24) + 1)
    rewritten(files / ANNOTATIONS, "index", np.arange(26) + 1)
    import_unbc(files, tmp_path / "out")
    assert len(open_dataset(tmp_path / "out")) == len(KEPT)
    assert not (tmp_path / "out" / "remarks.csv").exists()


def test_frames_and_folds_may_be_alone(tmp_path):
    source = unbc_tree.hdf5(tmp_path / "source")
    (source / FOLDS).unlink()
    rewritten(source / ANNOTATIONS, "label_pspi", None)
    import_unbc(source, tmp_path / "out")
    assert not (tmp_path / "out" / unbc_hdf5.FOLDS).exists()
    assert open_dataset(tmp_path / "out")[0].row["PSPI_file"] is None
    (source / ANNOTATIONS).unlink()
    with pytest.raises(ArgumentError, match=r"holds frames_unbc_.*, but no annotations_unbc_\*.hdf5"):
        import_unbc(source, tmp_path / "other")
    with pytest.raises(ArgumentError, match=r"crop: .* holds no landmarks"):
        import_unbc(unbc_tree.hdf5(tmp_path / "again"), tmp_path / "other", crop=True)


def test_the_source_is_told_apart(archive, tmp_path):
    with pytest.raises(ArgumentError, match="is no folder; name the one that holds Images and Frame_Labels"):
        import_unbc(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(ArgumentError, match=r"holds neither Images with folders such as 042-ll042 in it nor frames"):
        import_unbc(tmp_path, tmp_path / "out")
    both = unbc_tree.hdf5(unbc_tree.archive(tmp_path / "both"))
    with pytest.raises(ArgumentError, match="holds both Images and HDF5 files"):
        import_unbc(both, tmp_path / "out")
    unbc_tree.archive(tmp_path / "mac", frames=FRAMES[:1])
    unbc_tree.archive(tmp_path / "mac" / "__MACOSX", frames=FRAMES[:1])
    assert import_unbc(tmp_path / "mac", tmp_path / "of_mac").manifest.frames == 1
    unbc_tree.archive(tmp_path / "twice" / "a", frames=FRAMES[:1])
    unbc_tree.archive(tmp_path / "twice" / "b", frames=FRAMES[:1])
    with pytest.raises(ArgumentError, match="holds Images twice, in"):
        import_unbc(tmp_path / "twice", tmp_path / "out")
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    with pytest.raises(OutputError, match="holds other files"):
        import_unbc(archive, tmp_path / "out")


def test_66_landmarks_become_68():
    points = np.stack([np.arange(66.0), 100 - np.arange(66.0)], axis=1)
    full = ibug68_of_66(points)
    assert np.array_equal(full[:60], points[:60].astype(np.float32))
    assert np.array_equal(full[[61, 62, 63, 65, 66, 67]], points[60:].astype(np.float32))
    for corner, outer, inner in ((60, 48, (61, 67)), (64, 54, (63, 65))):
        middle = full[list(inner)].mean(axis=0)
        assert full[corner] == pytest.approx(full[outer] + INNER_CORNER_SHARE * (middle - full[outer]))
