"""The report: a page that is whole in itself, the same as data, and a checklist that claims nothing unknown."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import numpy as np
import pyarrow as pa
import pytest
from data.handmade import dataset, manifest
from train import real

from pain3d.data.reader import open_dataset
from pain3d.errors import DataError
from pain3d.evaluate.checklist import OPEN, checklist
from pain3d.evaluate.evaluate import baseline_tables, report, write_judgement
from pain3d.evaluate.gallery import EACH_SUBJECT, worst_frames
from pain3d.evaluate.metrics_file import CROSSVAL, EVALUATION, VERSION
from pain3d.evaluate.pooled import columns_of
from pain3d.evaluate.provenance import command_of, dataset_facts, is_synthetic, versions
from pain3d.evaluate.published import published_fold
from pain3d.evaluate.report import write_report
from pain3d.evaluate.table import aus_of, column, truth_table, with_predictions
from pain3d.model.calibration import Calibration
from pain3d.streams import stream

CALIBRATION = Calibration(thresholds=(0.5, 1.5, 2.5), radii=(1.0,))
VOID = ("meta", "link", "img", "br", "hr", "input")
NAMED = "Ben & <script>Söhne</script>"


class Page(HTMLParser):
    """What a page holds; raises where tags do not close in order."""

    def __init__(self, text):
        super().__init__()
        self.open, self.tags, self.sources, self.words = [], [], [], []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


def judged(folder, data_folder, *, error=1.0, folds=()):
    """Write the figures of a made-up predictor."""
    opened = open_dataset(data_folder)
    truth = truth_table(opened)
    pspi = column(truth, "PSPI")
    guess = np.clip(pspi + error * stream(0, "test", "report").normal(size=len(pspi)), 0, 16)
    logits = np.stack([3 * (guess - t + 0.5) for t in (1, 2, 3)], axis=1)
    table = with_predictions(truth, pspi=guess, aus=aus_of(truth, predicted=False), logits=logits)
    scores = [published_fold(name, training=(pspi, guess), test=(pspi * scale, guess)) for name, scale in folds]
    about = {
        "format": CROSSVAL if folds else EVALUATION,
        "format_version": VERSION,
        "title": f"{NAMED} on OUT",
        "name": NAMED,
        "split": None,
        "bootstrap": 100,
        "calibration": "made up",
        "synthetic": is_synthetic(opened.manifest),
        "folds": [
            {
                **{"fold": name, "train": ["a"], "validation": ["b"], "test": ["c"], "test_frames": 3, "best_step": 7},
                **{"thresholds": [0.5, 1.5, 2.5], "published": score.to_json()},
            }
            for (name, _), score in zip(folds, scores, strict=True)
        ],
        "columns": columns_of(table, CALIBRATION, scores, draws=100, seed=0) if folds else None,
        "oracles": {"neutral chosen by label": columns_of(table, CALIBRATION, scores, draws=0, seed=0)}
        if folds
        else {},
        "provenance": {
            "commands": [command_of(["crossval", "my data", "run"])],
            "versions": versions(),
            "dataset": dataset_facts(data_folder, opened.manifest),
            "model": {"description": "ViTPain: tiny", "sha256": None},
            "training": None,
            "protocol": None,
        },
    }
    data = about | report(table, CALIBRATION, {}, bootstrap=100)
    write_judgement(folder, data, table, CALIBRATION)
    return data, table


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    folder = tmp_path_factory.mktemp("report") / "OUT"
    dataset(folder, manifest(subjects=10, expressions=4, distractors=1, views=2))
    return folder


@pytest.fixture(scope="module")
def recorded(tmp_path_factory):
    """An imported dataset, which tells neither age nor view nor what was posed."""
    return real.write(tmp_path_factory.mktemp("report") / "recorded", real.rows())


def test_the_page_is_whole_and_holds_every_part(out, tmp_path):
    judged(tmp_path / "run", out)
    found = write_report(tmp_path / "run")
    page = Page(found.page.read_text(encoding="utf-8"))
    assert page.sources and all(source.startswith("data:image/") for source in page.sources)
    assert page.tags.count("style") == page.tags.count("h1") == 1 and "script" not in page.tags
    assert NAMED in page.text, "what comes from outside is escaped"
    for words in ("Headline", "By threshold", "By group", "Plots", "Read worst", "What was run", "Checklist"):
        assert words in page.text
    for words in ("not felt pain", "not clinical evidence", "Not a medical device", "pain3d crossval 'my data' run"):
        assert words.lower() in page.text.lower()
    assert page.tags.count("img") == 5 + len(found.data["worst"])
    assert json.loads((tmp_path / "run" / "report.json").read_text()) == found.data
    assert [item["topic"] for item in found.data["checklist"] if not item["reported"]]


def test_no_pictures_keeps_the_dataset_out(out, tmp_path):
    judged(tmp_path / "run", out)
    found = write_report(tmp_path / "run", pictures=False)
    page = Page(found.page.read_text(encoding="utf-8"))
    assert all(source.startswith("data:image/png") for source in page.sources)  # plots are, frames are JPEG
    assert found.data["worst"][0]["frame_id"] in page.text
    assert write_report(tmp_path / "run", pictures=False).page.read_bytes() == found.page.read_bytes()


def test_an_imported_dataset_is_reported_with_what_it_does_not_tell(recorded, tmp_path):
    data, _ = judged(tmp_path / "run", recorded)
    assert data["groups"] == {} and data["neutral"] == {}
    assert data["distractors"]["reason"] == "the dataset was imported, and does not tell which expression was posed"
    assert data["stability"]["sd_between_views"]["value"] is None
    page = Page(write_report(tmp_path / "run").page.read_text(encoding="utf-8"))
    assert "the dataset does not tell it: age, sex, appearance group" in page.text
    assert "clinical evidence" not in page.text, "the faces are not synthetic"
    assert "Before this page leaves your machine" in page.text


def test_aus_that_are_not_coded_are_said_to_be_so(tmp_path):
    folder = real.write(tmp_path / "some", real.rows(coded=("AU4", "AU6")))
    data, _ = judged(tmp_path / "run", folder)
    assert data["aus"]["AU9"]["mae"] == {"value": None, "low": None, "high": None, "reason": UNCODED}
    assert data["aus"]["AU4"]["mae"]["value"] == 0


UNCODED = "the dataset does not code it"


def test_both_columns_stand_side_by_side_with_footnotes(out, tmp_path):
    data, _ = judged(tmp_path / "run", out, folds=[("1", 1), ("2", 1), ("3", 1), ("4", 1), ("5", 0)])
    page = Page(write_report(tmp_path / "run").page.read_text(encoding="utf-8"))
    assert "Ours, and as published" in page.text and "By fold" in page.text
    assert "[1] PCC, fold 5 counts 0.0: the truth or the prediction is constant" in page.text
    assert "oracle, neutral chosen by label: ours" in page.text and "no headline figures" in page.text
    mean = data["columns"]["published"]["PCC"]["mean"]
    assert f"{mean:.3f}" in page.text and "±" in page.text


def test_the_worst_frames_are_the_worst_and_of_several_people():
    error = np.array([5.0, 4, 3, 2, 2, 1])
    table = pa.table(
        {
            "frame_id": ["a1", "a2", "a3", "b2", "b1", "c1"],
            "subject_id": ["a", "a", "a", "b", "b", "c"],
            "PSPI": np.zeros(6),
            "pred_PSPI": error,
        }
    )
    found = worst_frames(table, 4)
    assert [failure.frame_id for failure in found] == ["a1", "a2", "b1", "b2"]
    assert EACH_SUBJECT == 2
    order = np.array([3, 1, 5, 0, 2, 4])
    assert worst_frames(table.take(order), 4) == found


def test_the_checklist_says_not_reported_where_nothing_is_known(recorded, out, tmp_path):
    real_data, _ = judged(tmp_path / "real", recorded)
    items = {item.number: item for item in checklist(real_data)}
    assert [int(number.rstrip("abcdefg")) for number in items] == sorted(int(n.rstrip("abcdefg")) for n in items)
    assert {int(number.rstrip("abcdefg")) for number in items} == set(range(1, 28))
    for number in ("1", "2", "5b", "6a", "8b", "17", "18a", "18b", "18d", "19", "25"):
        assert items[number].answer is None and items[number].to_json()["answer"] == OPEN
    assert "unbc" in (items["5a"].answer or "") and "not felt pain" in (items["8a"].answer or "")
    synthetic = {item.number: item for item in checklist(judged(tmp_path / "synthetic", out)[0])}
    assert "synthetic" in (synthetic["6a"].answer or "") and "posed" in (synthetic["8b"].answer or "")


def test_a_folder_without_figures_is_refused_kindly(tmp_path):
    with pytest.raises(DataError, match="name the folder that pain3d crossval OUT RUN or pain3d evaluate"):
        write_report(tmp_path)
    (tmp_path / "metrics.json").write_text('{"format": "pain3d evaluation", "format_version": 1}')
    with pytest.raises(DataError, match=r"not the figures of this version of pain3d .*evaluate again"):
        write_report(tmp_path)


def test_a_dataset_that_is_gone_or_another_one_is_an_error(out, recorded, tmp_path):
    judged(tmp_path / "run", out)
    with pytest.raises(DataError, match="no pain3d dataset"):
        write_report(tmp_path / "run", dataset=tmp_path / "none")
    with pytest.raises(ValueError, match=r"data: .* is not the dataset that was scored"):
        write_report(tmp_path / "run", dataset=recorded)


def test_predictors_beside_the_model_say_what_an_imported_dataset_lacks(recorded):
    found = baseline_tables(recorded, None, training=recorded, oracle=True, seed=0)
    assert "no training frames to take the mean of" in str(found["mean predictor"])
    assert "was imported, and does not tell the true landmarks" in str(found["geometry oracle, neutral none"])
    assert isinstance(found["always positive"], pa.Table)
