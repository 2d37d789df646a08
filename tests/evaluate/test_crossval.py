"""Cross-validation on a small imported dataset: whole, resumable to the bit, and blind to its test subjects."""

from __future__ import annotations

import dataclasses
import json
import shutil

import numpy as np
import pyarrow as pa
import pytest
from train import real
from train.toy import model_config

from pain3d.cli import main
from pain3d.data.reader import open_dataset
from pain3d.errors import ArgumentError, DataError, OutputError
from pain3d.evaluate import fold as fold_module
from pain3d.evaluate.crossval import CrossvalConfig, crossval
from pain3d.evaluate.metrics_file import read_table
from pain3d.evaluate.protocol import protocol_of, read_protocol
from pain3d.evaluate.published import NAMES, published, published_fold
from pain3d.evaluate.references import read_references, reference_labels
from pain3d.evaluate.table import column
from pain3d.model.vitpain import ViTPain
from pain3d.train.mixture import MixConfig
from pain3d.train.recipes import recipe

pytestmark = pytest.mark.usefixtures("one_thread")

ALL = "data/all-00000-of-00001.parquet"


@pytest.fixture(scope="module")
def unbc(tmp_path_factory):
    return real.write(tmp_path_factory.mktemp("crossval") / "unbc", real.rows())


@pytest.fixture(scope="module")
def start(tmp_path_factory):
    """A checkpoint to start from, which compares with a reference."""
    folder = tmp_path_factory.mktemp("start") / "tiny"
    return ViTPain(model_config(neutral=True), seed=5).save_pretrained(folder)


def config(start, **changes):
    train = dataclasses.replace(recipe("finetune_unbc", init=str(start)), samples=16, batch_size=4, eval_every=2)
    protocol = protocol_of("drawn", real.SUBJECTS, folds=2)
    return CrossvalConfig(**{"protocol": protocol, "train": train, "bootstrap": 100, **changes})


@pytest.fixture(scope="module")
def done(unbc, start, tmp_path_factory):
    folder = tmp_path_factory.mktemp("done") / "run"
    return crossval(unbc, folder, config(start), command=["crossval", "my data", "run"])


def test_every_subject_is_held_out_once_and_references_are_not_scored(done):
    frames = done.table.column("frame_id").to_pylist()
    assert sorted(frames) == [f"{s}-{i:03d}" for s in real.SUBJECTS for i in range(1, real.FRAMES)]
    tested = {f["fold"]: set(f["test"]) for f in done.data["folds"]}
    for subject, fold in zip(*(done.table.column(n).to_pylist() for n in ("subject_id", "fold")), strict=True):
        assert subject in tested[fold]
    assert set(done.table.column("neutral_policy").to_pylist()) == {"reference"}
    owners, used = (done.table.column(name).to_pylist() for name in ("subject_id", "neutral_frame_ids"))
    assert used == [f"{subject}-000" for subject in owners]
    assert read_protocol(done.run / "protocol.json").subjects == real.SUBJECTS


def test_both_columns_stand_in_the_figures(done):
    assert tuple(done.data["columns"]["ours"]) == tuple(done.data["columns"]["published"]) == NAMES
    scores = []
    for number, about in enumerate(done.data["folds"], 1):
        choosing, test = (read_table(done.run / f"fold-{number:02d}" / n) for n in ("choosing.parquet", "test.parquet"))
        assert set(choosing.column("subject_id").to_pylist()) == {*about["train"], *about["validation"]}
        pairs = [(column(t, "PSPI"), column(t, "pred_PSPI")) for t in (choosing, test)]
        scores.append(published_fold(about["fold"], training=pairs[0], test=pairs[1]))
        choices = json.loads((done.run / f"fold-{number:02d}" / "choices.json").read_text())
        assert choices["published_thresholds"] == list(scores[-1].thresholds)
        assert about["published"] == scores[-1].to_json()
    assert done.data["columns"]["published"] == {name: one.to_json() for name, one in published(scores).items()}
    assert done.data["columns"]["published"]["PCC"]["half_width"] is None  # two folds, not five
    truth, guess = column(done.table, "PSPI"), column(done.table, "pred_PSPI")
    assert done.data["columns"]["ours"]["PCC"]["value"] == pytest.approx(np.corrcoef(truth, guess)[0, 1], abs=1e-9)


def test_label_chosen_neutrals_are_an_oracle_row(done):
    assert list(done.data["oracles"]) == ["neutral chosen by label"]
    assert "oracle row, neutral chosen by label" in done.text()
    oracle = read_table(done.run / "fold-01" / "oracle.parquet")
    pspi = dict(zip(*(done.table.column(name).to_pylist() for name in ("frame_id", "PSPI")), strict=True))
    used = set(oracle.column("neutral_frame_ids").to_pylist())
    assert len(used) == 2 and all(frame.endswith("-000") or pspi[frame] == 0 for frame in used)
    assert not used & set(oracle.column("frame_id").to_pylist())


def test_the_command_and_versions_are_kept(done):
    facts = done.data["provenance"]
    assert facts["commands"] == ["pain3d crossval 'my data' run"]
    assert facts["dataset"]["source"]["kind"] == "unbc" and len(facts["dataset"]["manifest_sha256"]) == 64
    assert len(facts["training"]["init_sha256"]) == 64
    assert json.loads((done.run / "metrics.json").read_text()) == done.data


def test_the_command_line_goes_on_with_the_same_run_and_writes_the_page(done, unbc, start, capfd):
    before = (done.run / "metrics.json").read_bytes()
    words = ["crossval", unbc, done.run, "--init", start, "--protocol", "drawn", "--folds", "2", "--samples", "16"]
    words += ["--batch-size", "4", "--eval-every", "2", "--bootstrap", "100"]
    assert main([str(word) for word in words]) == 0
    said = capfd.readouterr().out
    assert "ours" in said and "as published" in said and "macro F1" in said
    assert (done.run / "metrics.json").read_bytes() == before
    assert main(["report", str(done.run), "--no-pictures"]) == 0
    assert "report.html" in capfd.readouterr().out
    assert "Ours, and as published" in (done.run / "report.html").read_text(encoding="utf-8")
    assert main([*(str(word) for word in words[:5]), "--protocol", "5fold-published"]) == 2
    assert "--protocol: 5fold-published names subjects 80" in capfd.readouterr().err


class Killed(BaseException):
    """What a kill looks like from inside: nothing is written any more."""


@pytest.mark.parametrize("where", ["train", "predict_table", "write_table"])
def test_a_run_that_was_killed_ends_the_same_to_the_bit(done, unbc, start, tmp_path, monkeypatch, where):
    """Killed in the second fold, before training, before a prediction, or before its table is written."""
    calls = {"train": 2, "predict_table": 4, "write_table": 5}[where]
    original, left = getattr(fold_module, where), [calls]

    def stopping(*args, **kwargs):
        left[0] -= 1
        if left[0] == 0:
            raise Killed
        return original(*args, **kwargs)

    with monkeypatch.context() as patched:
        patched.setattr(fold_module, where, stopping)
        with pytest.raises(Killed):
            crossval(unbc, tmp_path / "run", config(start), command=["crossval", "my data", "run"])
    assert (tmp_path / "run" / "fold-01" / "test.parquet").exists()
    assert not (tmp_path / "run" / "metrics.json").exists()
    again = crossval(unbc, tmp_path / "run", config(start), command=["crossval", "other words"])
    assert again.data == done.data
    for name in ("metrics.json", "tables.md", "predictions.parquet", "protocol.json", "plots/scatter.png"):
        assert (again.run / name).read_bytes() == (done.run / name).read_bytes(), name
    for number in ("01", "02"):
        for name in ("choices.json", "calibration.json", "test.parquet", "run/best/model.safetensors"):
            one, other = (run / f"fold-{number}" / name for run in (again.run, done.run))
            assert one.read_bytes() == other.read_bytes(), name


def _spoilt(rows, subjects):
    """The test subjects' pictures cannot be opened, and their labels say something else."""
    for row in rows:
        if row["subject_id"] in subjects:
            row["image"] = {"bytes": b"no picture", "path": None}
            other = 0.0 if row["AU4"] else 5.0
            row.update({"AU4": other, "AU6": 0.0, "AU7": 0.0, "AU9": 0.0, "AU10": 0.0, "AU43": 0.0, "PSPI": other})
    return rows


def test_test_frames_are_never_read_before_the_last_evaluation(done, start, tmp_path):
    """With pictures of test subjects that nobody can open, and other labels, everything is decided as before."""
    first = config(start).protocol.folds[0]
    spoilt = real.write(tmp_path / "spoilt", _spoilt(real.rows(), first.test))
    # Of this protocol only its first fold can be reached: the second one trains on the spoilt pictures.
    with pytest.raises(DataError, match="the picture cannot be read"):
        crossval(spoilt, tmp_path / "run", config(start))
    fold = tmp_path / "run" / "fold-01"
    assert not (fold / "test.parquet").exists()
    for name in ("choices.json", "calibration.json", "choosing.parquet", "run/best/model.safetensors"):
        assert (fold / name).read_bytes() == (done.run / "fold-01" / name).read_bytes(), name


def test_a_folder_of_another_run_is_refused(done, unbc, start, tmp_path):
    other = dataclasses.replace(config(start).train, lr=1e-3)
    with pytest.raises(OutputError, match=r"holds another cross-validation \(identity.lr: 5e-05 there, 0.001 asked"):
        crossval(unbc, done.run, config(start, train=other))
    with pytest.raises(OutputError, match="another cross-validation"):
        crossval(unbc, done.run, config(start, protocol=protocol_of("loso", real.SUBJECTS)))
    (tmp_path / "letters.txt").write_text("mine")
    with pytest.raises(OutputError, match="holds other files"):
        crossval(unbc, tmp_path, config(start))


def test_refusals_before_anything_is_started(unbc, start, tmp_path):
    few = real.SUBJECTS[:3]
    with pytest.raises(ArgumentError, match="loso does not test 048-aa048"):
        crossval(unbc, tmp_path / "run", config(start, protocol=protocol_of("loso", few)))
    calm = [{**row, **dict.fromkeys(("AU4", "AU6", "AU7", "AU9", "AU10", "AU43", "PSPI"), 0.0)} for row in real.rows()]
    painless = real.write(tmp_path / "painless", calm)
    with pytest.raises(ArgumentError, match="have no frame with PSPI >= 1, and cannot choose a threshold"):
        crossval(painless, tmp_path / "run", config(start))
    nameless = real.write(tmp_path / "nameless", [{**row, "neutral_frame_id": None} for row in real.rows()])
    with pytest.raises(ArgumentError, match=r"names no reference of 042-ll042, .*--neutral-frames"):
        crossval(nameless, tmp_path / "run", config(start))
    with pytest.raises(ArgumentError, match="bootstrap: 5 is below 100"):
        config(start, bootstrap=5)
    assert not (tmp_path / "run").exists()


def test_whoever_is_tested_may_not_be_mixed_in(unbc, start, tmp_path):
    copy = real.write(tmp_path / "copy", [{**row, "frame_index": 99} for row in real.rows("train")])
    train = config(start).train
    for folder in (unbc, copy):
        mixed = dataclasses.replace(train, mix=MixConfig(dataset=str(folder), ratio=0.5, neutral="reference"))
        with pytest.raises(ArgumentError, match=r"shows 042-ll042, .* who are tested"):
            crossval(unbc, tmp_path / "run", config(start, train=mixed))
    assert not (tmp_path / "run").exists()


def _file(path, text):
    path.write_text(text, encoding="utf-8")
    return path


LINES = "".join(f"{subject},{subject}-002\n" for subject in real.SUBJECTS)


def test_references_of_a_file_take_the_place_of_those_that_are_named(unbc, start, tmp_path):
    labels = reference_labels(open_dataset(unbc))
    given = read_references(_file(tmp_path / "neutral.csv", "subject_id,frame_id\n" + LINES), labels)
    assert given == {subject: (f"{subject}-002",) for subject in real.SUBJECTS}
    found = crossval(unbc, tmp_path / "run", config(start, neutral_frames=given))
    assert set(found.table.column("neutral_frame_ids").to_pylist()) == {f"{s}-002" for s in real.SUBJECTS}
    frames = set(found.table.column("frame_id").to_pylist())
    assert not {f"{s}-002" for s in real.SUBJECTS} & frames and {f"{s}-000" for s in real.SUBJECTS} <= frames


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("subject,frame\n", "line 1: 'subject,frame'; the columns are subject_id,frame_id"),
        ("", "line 1: ''; the columns are"),
        ("subject_id,frame_id\n" + LINES + "049-bm049,x\n", "line 6: the dataset has no subject '049-bm049'"),
        ("subject_id,frame_id\n042-ll042,nothing\n", "line 2: the dataset has no frame 'nothing'"),
        ("subject_id,frame_id\n042-ll042,043-jh043-001\n", "line 2: frame '043-jh043-001' is of 043-jh043, not of 042"),
        ("subject_id,frame_id\n042-ll042\n", "line 2: 1 cells; give subject_id,frame_id"),
        ("subject_id,frame_id\n" + LINES + LINES, "line 6: frame '042-ll042-002' is named twice"),
        ("subject_id,frame_id\n\n042-ll042,042-ll042-001\n", "names no frame of 043-jh043, 047-jl047, 048-aa048"),
    ],
)
def test_a_wrong_file_of_references_is_an_error_with_its_line(unbc, tmp_path, text, message):
    labels = reference_labels(open_dataset(unbc))
    with pytest.raises((ArgumentError, DataError), match=message):
        read_references(_file(tmp_path / "neutral.csv", text), labels)
    with pytest.raises(DataError, match="not found; give a CSV file"):
        read_references(tmp_path / "none.csv", labels)


def test_a_model_that_reads_one_picture_is_scored_on_the_same_frames(done, unbc, tmp_path):
    alone = ViTPain(model_config(), seed=5).save_pretrained(tmp_path / "alone")
    found = crossval(unbc, tmp_path / "run", config(alone))
    assert found.table.column("frame_id").to_pylist() == done.table.column("frame_id").to_pylist()
    assert found.data["oracles"] == {} and found.data["neutral_policy"] == "none"
    assert isinstance(found.table, pa.Table)
    shutil.rmtree(found.run)
