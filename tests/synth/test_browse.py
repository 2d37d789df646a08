"""The dataset page: what is in it is what is in the dataset, and nothing in a dataset can run in it."""

import io
import math
import re
import shlex

import fsspec
import numpy as np
import pyarrow as pa
import pytest
import tyro
from data import handmade, imported
from page_files import sheets_of, store_of, values_of
from PIL import Image

from pain3d import cli
from pain3d.cli.making import Generate
from pain3d.data.audit import audit
from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError
from pain3d.synth.browse.columns import packed, packed_numbers, packed_words
from pain3d.synth.browse.page import write_dataset_page
from pain3d.synth.browse.remake import SUBJECT, remake_command
from pain3d.synth.browse.sheets import ACROSS, heat_palette
from pain3d.synth.generate import plan_manifest
from pain3d.synth.plan import PlanConfig
from pain3d.synth.preview import overlay

AS_TYPED = (tyro.conf.FlagCreatePairsOff, tyro.conf.UseAppendAction)
HOSTILE = ("</script><script>alert(1)</script>", '"><img src=x onerror=alert(1)>', "<!--<script>", "'\u2028\\u003c")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """A dataset of 80 frames, audited, and its page in one file."""
    out = tmp_path_factory.mktemp("browse") / "faces"
    handmade.dataset(out)
    write_dataset_page(out, report=audit(out))
    return out


@pytest.fixture(scope="module")
def brought(tmp_path_factory):
    """An imported dataset and its page."""
    out = tmp_path_factory.mktemp("browse") / "brought"
    imported.dataset(out)
    write_dataset_page(out)
    return out


def page_of(out):
    return out / "preview" / "browse"


def test_every_label_is_in_the_page(made):
    columns = store_of(page_of(made))["columns"]
    labels = open_dataset(made).labels()
    for name in set(labels.column_names) - {"neutral_frame_id", "view_id", "heatmap_max_mm", "landmarks", "camera"}:
        expected = labels.column(name).to_pylist()
        assert values_of(columns[name]) == ([str(value) for value in expected] if name == "seed" else expected), name
    names = labels["frame_id"].to_pylist()
    assert [names[row] for row in values_of(columns["neutral_row"])] == labels["neutral_frame_id"].to_pylist()
    kinds = {0: "neutral", 1: "pain", 2: "pain", 3: "distractor"}
    assert values_of(columns["kind"]) == [kinds[number] for number in labels["expression_id"].to_pylist()]
    assert columns["age_band"]["words"] == ["18-29", "30-44", "45-59", "60-74", "75-95"]
    assert set(values_of(columns["view"])) == {"frontal", "turned left"}


def test_the_page_is_one_file_with_its_thumbnails(made):
    folder = page_of(made)
    assert [path.name for path in folder.iterdir()] == ["index.html"]
    data, side = open_dataset(made), store_of(folder)["sheets"]["tile"]
    sheets = {name: Image.open(io.BytesIO(content)) for name, content in sheets_of(folder).items()}
    assert sorted(sheets) == [
        *(f"faces-{number:05d}.jpg" for number in range(5)),
        *(f"heat-{number:05d}.png" for number in range(5)),
    ]
    peaks = values_of(store_of(folder)["columns"]["peak_mm"])
    for number in (0, 5, 15, 16, 79):
        sheet, place = divmod(number, ACROSS**2)
        left, top = place % ACROSS * side, place // ACROSS * side
        box = (left, top, left + side, top + side)
        face = np.asarray(sheets[f"faces-{sheet:05d}.jpg"].crop(box), float)
        heat = np.asarray(sheets[f"heat-{sheet:05d}.png"].convert("RGBA").crop(box), float)
        assert abs(face.mean(axis=(0, 1)) - data[number].image.mean(axis=(0, 1))).max() < 3
        assert ((heat[..., 3] > 0) == (data[number].heatmap > 0)).all()
        assert peaks[number] == pytest.approx(data[number].heatmap.max())


def test_heat_over_the_grey_face_is_the_overlay_of_the_sheets(made):
    """The page darkens and lays heat over in the browser; the contact sheet does it in NumPy."""
    palette, opacity = heat_palette()
    colours, alpha = np.frombuffer(palette, np.uint8).reshape(-1, 3), np.frombuffer(opacity, np.uint8)
    sample = max(open_dataset(made), key=lambda sample: sample.pspi)
    level = np.rint(sample.heatmap / 16 * (len(alpha) - 1)).astype(int)
    share = alpha[level][..., None] / 255
    grey = sample.image.mean(axis=2, keepdims=True) * 0.55
    shown = grey * (1 - share) + colours[level] * share
    assert abs(shown - overlay(sample)).mean() < 4


def test_equal_datasets_give_equal_bytes(made, tmp_path):
    def files(folder):
        return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}

    report = audit(made)
    for name, frames in (("one", 100), ("many", 0)):
        for again in ("a", "b"):
            write_dataset_page(made, to=tmp_path / f"{name}-{again}", report=report, embed_up_to=frames)
        assert files(tmp_path / f"{name}-a") == files(tmp_path / f"{name}-b")
    assert sheets_of(tmp_path / "one-a").keys() == sheets_of(tmp_path / "many-a").keys()
    assert store_of(tmp_path / "one-a")["columns"] == store_of(tmp_path / "many-a")["columns"]


def test_an_imported_dataset(brought):
    store = store_of(page_of(brought))
    labels = open_dataset(brought).labels()
    columns, score = store["columns"], labels["PSPI"].to_pylist()
    assert not store["sheets"]["heat"] and "peak_mm" not in columns and "view" not in columns
    assert "AU1" not in columns and "age_band" not in columns and store["about"]["remake"] is None
    assert values_of(columns["AU4"]) == labels["AU4"].to_pylist()
    assert values_of(columns["VAS"]) == labels["VAS"].to_pylist()
    kinds = values_of(columns["kind"])
    assert kinds.count("neutral") == len(imported.SUBJECTS)
    assert all((kind == "pain") == (value > 0) for kind, value in zip(kinds, score, strict=True))
    face = Image.open(io.BytesIO(sheets_of(page_of(brought))["faces-00000.jpg"]))
    side = store["sheets"]["tile"]
    tile = np.asarray(face.crop((0, 0, side, side)), float)
    assert tile[: side // 8 - 8].max() < 30 < tile[side // 4 : -side // 4].mean(), "whole pictures, on black"


def test_names_of_strangers_cannot_run(tmp_path):
    imported.dataset(tmp_path / "data", subjects=HOSTILE, sequences=1, frames=2)
    for name, frames in (("one", 100), ("many", 0)):
        index = write_dataset_page(tmp_path / "data", to=tmp_path / name, embed_up_to=frames)
        text = index.read_text()
        assert "alert(1)</script>" not in text and "<img" not in text and "<!--" not in text
        scripts = {"one": 3, "many": 2}[name]
        assert text.count("<script") == text.count("</script>") == scripts
        assert sorted(set(values_of(store_of(tmp_path / name)["columns"]["subject_id"]))) == sorted(HOSTILE)


def test_no_address_is_asked(made, brought):
    for out in (made, brought):
        text = (page_of(out) / "index.html").read_text()
        assert not re.search(
            r"https?:|//[a-z]+\.[a-z]|@import|fetch\(|XMLHttpRequest", re.sub(r'"[A-Za-z0-9+/=]{99,}"', "", text)
        )
        assert "connect-src 'none'" in text


def test_the_audit_stands_on_the_page(made, tmp_path):
    assert store_of(page_of(made))["audit"]["ok"]
    report = audit(made)
    for number in range(700):
        report.found("hash", f"file {number}", "SHA-256 differs from the manifest")
    write_dataset_page(made, to=tmp_path / "page", report=report)
    told = store_of(tmp_path / "page")["audit"]
    assert not told["ok"] and told["verdict"] == "700 findings" and len(told["findings"]) == 500
    assert told["rules"] == [{"rule": "hash", "count": 700}]
    write_dataset_page(made, to=tmp_path / "page")
    assert store_of(tmp_path / "page")["audit"] is None, "an older page is replaced"


def test_what_is_not_ours_is_left_alone(made, tmp_path):
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "index.html").write_text("my own page")
    (tmp_path / "file").write_text("")
    refusals = {
        "mine": f"to: {tmp_path / 'mine'} holds other files; name an empty folder, or one that does not exist yet",
        "file": f"to: {tmp_path / 'file'} is a file; a page is a folder: name one that does not exist yet",
        "a/b": f"to: the folder {tmp_path / 'a'} does not exist; make it first, or name another",
    }
    for name, message in refusals.items():
        with pytest.raises(ArgumentError) as caught:
            write_dataset_page(made, to=tmp_path / name)
        assert str(caught.value) == message
    assert (tmp_path / "mine" / "index.html").read_text() == "my own page"


def test_a_damaged_picture_is_named_and_the_older_page_stays(tmp_path):
    out = tmp_path / "faces"
    handmade.dataset(out)
    index = write_dataset_page(out)
    before = index.read_bytes()
    file = "data/train-00000-of-00004.parquet"
    handmade.rewrite(out, file, lambda rows: rows[3]["image"].update(bytes=rows[3]["image"]["bytes"][:300]))
    with pytest.raises(DataError, match=r"s0000\d-e01-v1: the picture .*; run pain3d audit"):
        write_dataset_page(out)
    assert index.read_bytes() == before
    assert [path.name for path in index.parent.parent.iterdir()] == ["browse"], "nothing half-written is left"


def test_a_dataset_in_a_store_has_its_page_on_disk(made, tmp_path):
    files = fsspec.filesystem("memory")
    files.put(f"{made}/", "/shelf/faces", recursive=True)
    here = write_dataset_page(made, to=tmp_path / "here").read_bytes()
    assert write_dataset_page("memory://shelf/faces", to=tmp_path / "there").read_bytes() == here
    with pytest.raises(ArgumentError) as caught:
        write_dataset_page("memory://shelf/faces")
    said = "to: memory://shelf/faces lies in an object store, but a page opens from disk; name a folder of this machine"
    assert str(caught.value) == said


def test_columns_take_the_narrowest_exact_type():
    for values, kind in (
        ([0, 254, math.nan], "u1"),
        ([0, 255], "i2"),
        ([-1, math.nan], "i2"),
        ([40_000], "i4"),
        ([0.5, math.nan], "f4"),
    ):
        column = packed_numbers(np.array(values, float))
        assert column["type"] == kind
        assert values_of(column) == [None if math.isnan(value) else value for value in values]
    assert values_of(packed_words(["b", None, "a", "b", "b", "a"], ["c", "b"])) == ["b", None, "a", "b", "b", "a"]
    assert packed_words(["b", "a"] * 3, ["c", "b"])["words"] == ["b", "a"]
    assert packed(pa.chunked_array([[None, None]], pa.string())) is None
    seeds = [2**62 + 1, 2**62 + 1]
    assert values_of(packed(pa.chunked_array([seeds], pa.int64()))) == [str(seed) for seed in seeds]


@pytest.mark.parametrize(
    "config",
    [
        PlanConfig(),
        PlanConfig(subjects=600, distractors=3, resolution=256, seed=9, annotations=("depth", "au_heatmaps")),
        PlanConfig(skin="procedural", hair="cap", wrinkles=False, wet=False, glasses=0.25, vary_per_frame=True),
        PlanConfig(sequence="onset-apex-offset"),
        PlanConfig(sequence="onset-apex-offset", seconds=2.5, subjects_per_shard=2),
    ],
)
def test_the_command_makes_the_same_plan(config):
    words = shlex.split(remake_command(plan_manifest(config)).replace(SUBJECT, "s00007"))
    assert words[:3] == ["pain3d", "generate", "s00007"]
    asked = PlanConfig(**vars(tyro.cli(Generate, args=words[2:], config=AS_TYPED).plan))
    assert vars(asked) == {**vars(config), "only": ("s00007",)}


def test_the_command_line(capfd, made, tmp_path):
    assert cli.main(["show", str(made), "--html", "--no-audit", "--to", str(tmp_path / "page")]) == 0
    assert capfd.readouterr().out == f"wrote {tmp_path / 'page' / 'index.html'}\n"
    assert cli.main(["show", str(made), "--html", "--to", str(tmp_path / "page")]) == 0
    assert capfd.readouterr().out.endswith("\naudit: 80 frames, sound\n")
    assert cli.main(["show", str(made), "--html", "--subject", "s00001"]) == 2
    assert "--subject: s00001 is given beside --html" in capfd.readouterr().err
