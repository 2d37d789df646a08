"""Contact sheets and the page."""

import re
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image

from pain3d.data.audit import audit
from pain3d.data.findings import AuditReport, Finding
from pain3d.data.reader import open_dataset
from pain3d.demographics import ETHNICITIES, cell_of, subject_id
from pain3d.errors import ArgumentError
from pain3d.facs import Expression
from pain3d.synth.page import page
from pain3d.synth.preview import _spread, choose_pairs, hot, overlay, units_text
from pain3d.synth.sheet import show


def test_pairs_share_subject_and_view(small_dataset):
    pairs = choose_pairs(open_dataset(small_dataset), 12)
    assert len({pair.pain.subject_id for pair in pairs}) == 3
    for pair in pairs:
        assert pair.neutral.frame_id == pair.pain.neutral_frame_id
        assert pair.neutral.pspi == 0 < pair.pain.pspi


def test_fewer_pairs_are_spread(small_dataset):
    assert len(choose_pairs(open_dataset(small_dataset), 2)) == 2


def test_overlay_colours_only_where_skin_moves(small_dataset):
    pain = choose_pairs(open_dataset(small_dataset), 1)[0].pain
    colours = overlay(pain).astype(int)
    still = pain.heatmap == 0
    assert (np.ptp(colours[still], axis=-1) == 0).all()
    assert np.ptp(colours[pain.heatmap > 1], axis=-1).min() > 20
    brightness = hot(np.linspace(0, 1, 50)).sum(axis=-1)
    assert (np.diff(brightness) > 0).all(), "more displacement is brighter, for readers who see no colours too"


def test_units_text():
    assert units_text(Expression(AU4=3, AU12=2, AU43=1)) == "AU4=3  AU12=2  AU43=1"
    assert units_text(Expression()) == "no unit acts"


def test_sheets(small_dataset, tmp_path):
    path = show(small_dataset, to=tmp_path / "sheet.png")
    with Image.open(path) as sheet:
        assert sheet.format == "PNG" and sheet.width > 900
        assert len(set(sheet.resize((60, 40)).convert("L").tobytes())) > 20
    one = show(small_dataset, subject="s00001", to=tmp_path / "one.png")
    with Image.open(one) as sheet:
        assert sheet.height > 5 * 224


def test_sheets_go_to_the_preview_folder_and_the_audit_does_not_mind(small_dataset, tmp_path):
    import shutil

    copy = tmp_path / "copy"
    shutil.copytree(small_dataset, copy)
    assert show(copy) == copy / "preview" / "contact_sheet.png"
    assert show(copy, subject="s00002") == copy / "preview" / "s00002.png"
    assert audit(copy).findings == []


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"subject": "7"}, "subject: '7' is no subject id; one reads like s00042"),
        (
            {"subject": "s00009"},
            "subject: s00009 is not among the 3 subjects of {out}, s00000 to s00002; name one of them",
        ),
    ],
)
def test_errors(small_dataset, options, message):
    with pytest.raises(ArgumentError) as caught:
        show(small_dataset, **options)
    assert str(caught.value) == message.format(out=small_dataset)


def test_only_png(small_dataset, tmp_path):
    with pytest.raises(ArgumentError) as caught:
        show(small_dataset, to=tmp_path / "a.jpg")
    assert str(caught.value) == f"to: {tmp_path / 'a.jpg'} does not end in .png; a contact sheet is a PNG picture"


class Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.seen, self.sources = [], [], []

    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        if tag not in ("img", "meta", "link", "br"):
            self.open.append(tag)
        self.sources += [value for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_the_page_is_whole_and_needs_no_network(small_dataset):
    content = page(open_dataset(small_dataset), AuditReport())
    tags = Tags()
    tags.feed(content)
    assert tags.open == []
    assert all(source.startswith("data:image/") for source in tags.sources)
    assert "http" not in re.sub(r"base64,[^\"]*", "", content)
    for said in (
        "not felt pain",
        "not clinical evidence",
        "not a medical device",
        "appearance groups",
        "sound",
        "s00001",
    ):
        assert said in content
    assert not re.search(r"\$[a-z]", content)


def test_the_page_tells_findings(small_dataset):
    report = AuditReport(findings=[Finding(rule="hash", where="x", message="y")])
    assert "1 finding<" in page(open_dataset(small_dataset), report)


def test_shown_subjects_come_from_all_groups_alike() -> None:
    """Steps through the subjects in order fall in with the order of the cells, and would show one group alone."""
    group_of = {subject_id(i): cell_of(i).ethnicity for i in range(50)}
    shown = _spread(group_of, 12)
    counts = [sum(group_of[subject] == group for subject in shown) for group in ETHNICITIES]
    assert len(shown) == 12 and max(counts) - min(counts) <= 1
    assert len({cell_of(int(subject[1:])).age_band for subject in shown}) == 5
    assert {cell_of(int(subject[1:])).sex for subject in shown} == {"female", "male"}
