"""The export, read by what a loader for the released layout does: glob, strip suffixes, match, filter by the CSV."""

import csv
import json
from collections import defaultdict
from pathlib import Path

import handmade
import imported
import matplotlib
import numpy as np
import pytest
import threedpain_tree
from PIL import Image

from pain3d.data.audit import audit
from pain3d.data.exporters.threedpain import export_3dpain, hot
from pain3d.data.images import decode_heatmap
from pain3d.data.importers.threedpain import import_3dpain
from pain3d.data.reader import open_dataset
from pain3d.demographics import SPLITS
from pain3d.errors import ArgumentError, OutputError
from pain3d.facs import PAIN_AUS

SUFFIXES = ("_textured_view_", "_view_", "_bg_", "_render_", "_deform_", "_inpainted", "_textured")


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    folder = tmp_path_factory.mktemp("export") / "ours"
    handmade.dataset(folder)
    return folder


def loaded(root: Path) -> list[tuple[Path, dict[str, float], str]]:
    """Picture, annotation and base name of every frame, as loaders of the released layout see them."""
    pictures = defaultdict(list)
    for path in sorted(root.glob("meshes_inpainted/*.jpg")):
        suffix = next(suffix for suffix in SUFFIXES if suffix in path.stem)
        pictures[path.stem.split(suffix)[0]].append(path)
    frames = []
    for path in sorted(root.glob("annotations/*.json")):
        base = path.name.replace("_annotations.json", "")
        frames += [(picture, json.loads(path.read_text()), base) for picture in pictures[base]]
    for base, paths in pictures.items():
        if "_neutral" in base:
            frames += [(path, {**dict.fromkeys(PAIN_AUS, 0), "PSPI": 0}, path.stem) for path in paths]
    return frames


def split_of(path: Path) -> dict[str, int]:
    with path.open() as stream:
        return {row["annotation_base_name"].strip(): int(row["split"]) for row in csv.DictReader(stream)}


def test_a_loader_of_the_released_layout_reads_every_frame(ours, tmp_path):
    done = export_3dpain(ours, tmp_path / "dst")
    data = open_dataset(ours)
    frames = loaded(tmp_path / "dst" / "pain_faces")
    assert len(frames) == done.pictures == 10 * 3 * 2
    splits = split_of(tmp_path / "dst" / "split.csv")
    for path, labels, base in frames:
        subject, view = int(path.stem.split("_")[2]), int(path.stem.split("_view_")[1][:3])
        expression = 0 if "_neutral" in base else int(base.split("_pain_")[1])
        sample = data.find(f"s{subject:05d}-e{expression:02d}-v{view}")
        assert path.read_bytes() == sample.row["image"]["bytes"], "a JPEG is kept as it is"
        assert labels == {**{name: sample.expression[name] for name in PAIN_AUS}, "PSPI": sample.pspi}
        assert all(isinstance(value, int) for value in labels.values())
        if expression:
            assert splits[base] == SPLITS.index(sample.split)
        else:
            assert base not in splits
    assert len(splits) == 20
    assert done.text() == (
        f"{tmp_path / 'dst'}: 60 pictures, 20 annotations and 20 heatmaps of 10 subjects; 20 frames of distractors and "
        f"confounds left out"
    )
    assert done.to_json()["left_out"] == 20


def test_neutral_pictures_can_be_named_in_the_split_csv(ours, tmp_path):
    export_3dpain(ours, tmp_path / "dst", neutral_targets=True)
    splits = split_of(tmp_path / "dst" / "split.csv")
    frames = loaded(tmp_path / "dst" / "pain_faces")
    assert all(base in splits for _, _, base in frames)
    assert sum(labels["PSPI"] == 0 for _, labels, base in frames if splits[base] == 0) == 14


def test_heatmaps_are_the_frontal_ones_in_hot_on_black(ours, tmp_path):
    export_3dpain(ours, tmp_path / "dst")
    paths = sorted((tmp_path / "dst" / "pain_faces" / "heatmaps").iterdir())
    assert [path.name for path in paths[:2]] == [f"flame_sample_0000_pain_{pain}_heatmap.png" for pain in (1, 2)]
    colours = np.asarray(Image.open(paths[1]))
    millimetres = decode_heatmap(open_dataset(ours).find("s00000-e02-v0").row["heatmap"]["bytes"])
    assert np.array_equal(colours.any(axis=2), millimetres > 0)
    assert colours.max() == 255


def test_hot_is_that_of_matplotlib():
    share = np.linspace(0, 1, 256)[1:, None]
    theirs = matplotlib.colormaps["hot"](share.astype(np.float64), bytes=True)[..., :3]
    assert np.abs(hot(share).astype(int) - theirs).max() <= 2
    assert not hot(np.zeros((2, 2))).any()


def test_export_and_import_again(ours, tmp_path):
    export_3dpain(ours, tmp_path / "dst")
    done = import_3dpain(tmp_path / "dst", tmp_path / "back")
    assert done.manifest.source.lists == ()
    before = {
        (sample.subject_id, sample.expression_id, sample.view_id): sample
        for sample in open_dataset(ours)
        if sample.expression_id <= 2
    }
    back = open_dataset(tmp_path / "back")
    assert len(back) == len(before)
    for sample in back:
        subject = f"s{int(sample.subject_id[-4:]):05d}"
        own = before[subject, sample.expression_id, sample.view_id]
        assert sample.row["image"]["bytes"] == own.row["image"]["bytes"]
        assert (sample.split, sample.pspi) == (own.split, own.pspi)
        assert {name: sample.row[name] for name in PAIN_AUS} == {name: own.row[name] for name in PAIN_AUS}
        assert sample.neutral.view_id == own.neutral.view_id and sample.neutral.expression_id == 0
    assert audit(tmp_path / "back").findings == []


def test_what_was_imported_is_exported_as_it_was(tmp_path):
    source = threedpain_tree.flat(tmp_path / "source")
    import_3dpain(source, tmp_path / "out")
    export_3dpain(tmp_path / "out", tmp_path / "dst")
    for name, content in threedpain_tree.contents().items():
        written = (tmp_path / "dst" / "pain_faces" / name).read_bytes()
        if name.endswith(".json"):
            assert json.loads(written) == json.loads(content)
        else:
            assert written == content
    assert split_of(tmp_path / "dst" / "split.csv") == split_of(source / "uniform_data_70_20_10_split.csv")


def test_other_datasets_and_full_folders_are_refused(ours, tmp_path):
    imported.dataset(tmp_path / "unbc")
    with pytest.raises(ArgumentError, match=r"was imported \(unbc\); the layout holds subjects x expressions x views"):
        export_3dpain(tmp_path / "unbc", tmp_path / "dst")
    with pytest.raises(OutputError, match="holds other files"):
        export_3dpain(ours, tmp_path / "unbc")


def test_nothing_remains_of_an_export_that_fails(ours, tmp_path):
    def interrupt(done, of):
        if done == 5:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        export_3dpain(ours, tmp_path / "dst", on_progress=interrupt)
    assert list(tmp_path.iterdir()) == []
