"""A run's figures as one self-contained HTML page: a pure function of figures and pictures, which needs no network."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
from jaxtyping import UInt8

from pain3d import __version__
from pain3d.evaluate import tables
from pain3d.evaluate.checklist import OPEN, Item, source_in_words
from pain3d.evaluate.gallery import Failure
from pain3d.evaluate.published import MACRO_F1, NAMES, PCC
from pain3d.evaluate.tables import Section, Table, plus_minus, shown
from pain3d.pages import data_url, figure, style

Json = Mapping[str, Any]

_INTERVAL = re.compile(r"(-?[\d.]+) (\[.*\]|± .*)")

PUBLISHED_WORDS = """*Ours* pools the held-out frames of all folds; thresholds come from each fold's validation \
subjects; intervals (95 %) from drawing subjects again; what cannot be computed is n/a with its reason. *As published* \
follows the official definitions to the letter: unweighted means over folds, thresholds from linspace(0, 6, 200) on \
all of the fold's training subjects (lowest on ties), ± 2.776 sd / √5; what cannot be computed counts 0.0 and has a \
footnote. The second column compares with published figures; the first is the stricter one."""

PRIVATE = """These are pictures of the dataset. Before this page leaves your machine, make it again with \
<code>--no-pictures</code>, unless the dataset's licence lets you show them."""

ORACLE_WORDS = """*Oracle* columns are no headline figures: the neutral reference of each subject was chosen by its \
label, which nobody knows of a new person."""


def page(
    data: Json,
    *,
    items: Sequence[Item],
    failures: Sequence[Failure],
    pictures: Mapping[str, UInt8[np.ndarray, "side side 3"]] | None,
    plots: Mapping[str, bytes],
) -> str:
    """The page's HTML.

    Args:
        data: as in metrics.json.
        items: from `checklist.checklist`.
        failures: from `gallery.worst_frames`.
        pictures: of the failures, by frame id; None: the page shows none.
        plots: PNG files by name.
    """
    sections = tables.sections(data)
    body = [
        _columns(data),
        _section(sections[0]),
        _folds(data["folds"]),
        _plots(plots),
        *(_section(section) for section in sections[1:] if section.tables),
        _uncomputed([section for section in sections if not section.tables]),
        _failures(failures, pictures),
        _provenance(data["provenance"]),
        _checklist(items),
    ]
    return Template((Path(__file__).parent / "report.html").read_text(encoding="utf-8")).substitute(
        title=html.escape(data["title"]),
        style=style(),
        about=_words(tables.about(data)),
        tiles="\n".join(_tiles(data)),
        caution=_words(tables.caution(data)),
        body="\n".join(part for part in body if part),
        version=__version__,
    )


def _tiles(data: Json) -> Iterator[str]:
    folds, headline = data["folds"], data["headline"]
    tiles = [
        (f"{data['subjects']:,}", "subjects, each read by a model that never saw it" if folds else "subjects"),
        (f"{data['frames']:,}", "scored frames"),
        (f"{len(folds)}", "folds of subjects"),
        (_rounded(headline["mae"]), "mean absolute error of PSPI, 0..16"),
        (_rounded(headline["pcc"]), "Pearson correlation with coded PSPI"),
        (_rounded(headline["auroc1"]), "AUROC of PSPI ≥ 1"),
    ]
    for number, words in tiles:
        if number != "0":
            yield f'<div class="tile"><b>{number}</b><span>{words}</span></div>'


def _rounded(figure: Json) -> str:
    return "n/a" if figure["value"] is None else f"{figure['value']:.2f}"


def _columns(data: Json) -> str:
    """Our figures and the published ones, side by side; those of oracles beside them, named so."""
    if data["columns"] is None:
        return ""
    notes: dict[str, int] = {}
    columns = {"": data["columns"], **data["oracles"]}
    head = [""]
    for name in columns:
        oracle = f"oracle, {name}: " if name else ""
        head += [f"{oracle}ours", f"{oracle}as published"]
    rows = []
    for key in NAMES:
        row = [key]
        for column in columns.values():
            figure_of = column["published"][key]
            marks = [notes.setdefault(f"{key}, {note}", len(notes) + 1) for note in figure_of["footnotes"]]
            row += [shown(column["ours"][key]), plus_minus(figure_of) + "".join(f" [{mark}]" for mark in marks)]
        rows.append(tuple(row))
    parts = [
        f'<h2>Ours, and as published</h2>\n<p class="lead">{_words(PUBLISHED_WORDS)}</p>',
        _table(Table(head=tuple(head), rows=tuple(rows))),
        *([f'<p class="foot">{_words(ORACLE_WORDS)}</p>'] if data["oracles"] else []),
    ]
    if notes:
        listed = "<br>".join(f"[{number}] {html.escape(note)}" for note, number in notes.items())
        parts.append(f'<p class="foot">{listed}</p>')
    if data["columns"]["published"][PCC]["half_width"] is None:
        parts.append('<p class="foot">The published interval is defined for five folds; here there is none.</p>')
    return "\n".join(parts)


def _folds(folds: Sequence[Json]) -> str:
    if not folds:
        return ""
    figures = (*NAMES[:4], MACRO_F1)
    names = ("fold", "tested", "frames", "chose", "best step", "our thresholds", *figures)
    head = "".join(f"<th>{name}</th>" for name in names)
    rows = []
    for fold in folds:
        cells = (
            html.escape(fold["fold"]),
            _ids(fold["test"]),
            f"{fold['test_frames']:,}",
            _ids(fold["validation"]),
            f"{fold['best_step']:,}",
            ", ".join(f"{threshold:.2f}" for threshold in fold["thresholds"]),
            *(f"{fold['published']['values'][name]:.3f}" for name in figures),
        )
        rows.append(f"<tr>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>")
    words = "The five last columns are by the official definitions. Test subjects chose nothing."
    table = f'<div class="wide"><table><tr>{head}</tr>{"".join(rows)}</table></div>'
    return f'<h2>By fold</h2>\n<p class="lead">{words}</p>\n{table}'


def _ids(subjects: Sequence[str]) -> str:
    return " ".join(f'<b class="id">{html.escape(subject)}</b>' for subject in subjects)


def _plots(plots: Mapping[str, bytes]) -> str:
    if not plots:
        return ""
    shown_plots = "".join(
        f'<figure><img src="{data_url(encoded, "png")}" alt="{html.escape(name)}"></figure>'
        for name, encoded in plots.items()
    )
    return f'<h2>Plots</h2>\n<div class="plots">{shown_plots}</div>'


def _failures(failures: Sequence[Failure], pictures: Mapping[str, np.ndarray] | None) -> str:
    head = "<h2>Read worst</h2>\n<p class='lead'>The frames with the largest errors, at most two of a subject.</p>"
    if pictures is None:
        rows = tuple((f.frame_id, f.subject_id, f"{f.truth:g}", f"{f.guess:.2f}") for f in failures)
        return f"{head}\n{_table(Table(head=('frame', 'subject', 'coded PSPI', 'read'), rows=rows))}"
    faces = "".join(
        figure(pictures[f.frame_id], f"{f.frame_id}: coded {f.truth:g}, read {f.guess:.1f}") for f in failures
    )
    return f'{head}\n<p class="note">{PRIVATE}</p>\n<div class="faces">{faces}</div>'


def _uncomputed(sections: Sequence[Section]) -> str:
    """What has no figures here, in a list, so that nothing goes missing unsaid."""
    if not sections:
        return ""
    rows = tuple((section.title, section.before.rpartition("n/a: ")[2]) for section in sections)
    return _section(Section(title="Not computed", tables=(Table(head=("what", "why"), rows=rows),)))


def _provenance(facts: Json) -> str:
    dataset, model, training = facts["dataset"], facts["model"], facts["training"]
    rows = [
        ("dataset", f"{dataset['path']}: {dataset['frames']:,} frames"),
        ("what it is", source_in_words(dataset)),
        ("manifest SHA-256", dataset["manifest_sha256"]),
        ("model", model["description"]),
    ]
    if model["sha256"] is not None:
        rows.append(("its weights, SHA-256", model["sha256"]))
    if training is not None and training["init"]:
        rows.append(("started from", f"{training['init']}, SHA-256 {training['init_sha256']}"))
    if training is not None and training["mix"] is not None:
        rows.append(("mixed in", training["mix"]))
    rows.append(("versions", ", ".join(f"{name} {number}" for name, number in facts["versions"].items())))
    commands = "\n".join(facts["commands"]) or OPEN
    table = _table(Table(head=("", ""), rows=tuple(rows)))
    return f"<h2>What was run</h2>\n<pre>{html.escape(commands)}</pre>\n{table}"


def _checklist(items: Sequence[Item]) -> str:
    known = sum(item.answer is not None for item in items)
    words = (
        f"Of {len(items)} items of TRIPOD+AI, {known} are answered from what the program knows; ● marks those that "
        f"CLAIM asks for, too. What stands as “{OPEN}” is for the authors of a study to say."
    )
    rows = "".join(
        f"<tr><td>{item.number}</td><td>{'●' if item.claim else ''}</td><td>{html.escape(item.topic)}</td>"
        f"<td class='{'known' if item.answer else 'open'}'>{html.escape(item.answer or OPEN)}</td></tr>"
        for item in items
    )
    head = "<tr><th>TRIPOD+AI</th><th>CLAIM</th><th>item</th><th>answer</th></tr>"
    return f'<h2>Checklist</h2>\n<p class="lead">{words}</p>\n<div class="wide"><table>{head}{rows}</table></div>'


def _section(section: Section) -> str:
    parts = [f"<h2>{html.escape(section.title)}</h2>"]
    parts += [f'<p class="lead">{_words(words)}</p>' for words in section.before.split("\n\n") if words]
    parts += [_table(table) for table in section.tables]
    parts += [f'<p class="foot">{_words(words)}</p>' for words in section.after.split("\n\n") if words]
    return "\n".join(parts)


def _table(table: Table) -> str:
    head = "".join(f"<th>{html.escape(cell)}</th>" for cell in table.head)
    rows = "".join(f"<tr>{''.join(f'<td>{_cell(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
    top = f"<tr>{head}</tr>" if any(table.head) else ""
    return f'<div class="wide"><table>{top}{rows}</table></div>'


def _cell(text: str) -> str:
    """A figure with its interval below, softer; a reason softer; anything else as it is."""
    match = _INTERVAL.fullmatch(text)
    if match is not None:
        return f"{match[1]}<span>{html.escape(match[2])}</span>"
    if text.startswith("n/a: "):
        return f"n/a<em>{html.escape(text[5:])}</em>"
    return _words(text)


def _words(text: str) -> str:
    """Escaped, with *emphasis* and **strength** as HTML."""
    strong = re.sub(r"\*\*(.+?)\*\*", r"<b>\1</b>", html.escape(text))
    return re.sub(r"\*(.+?)\*", r"<i>\1</i>", strong)
