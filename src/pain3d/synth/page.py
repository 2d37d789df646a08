"""One self-contained HTML page that shows a dataset: faces, heatmaps, labels, balance. Needs no network."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from string import Template

from PIL import Image

from pain3d import __version__
from pain3d.data.files import write_atomically
from pain3d.data.findings import AuditReport
from pain3d.data.reader import Dataset, open_dataset
from pain3d.data.sample import Sample
from pain3d.facs import AU_DESCRIPTIONS, MAX_INTENSITY, PAIN_AUS, Expression
from pain3d.pages import figure, style
from pain3d.places import Place, location, name_of
from pain3d.synth.balance import Balance, balance_of_rows
from pain3d.synth.preview import Pair, by_expression, choose_pairs, classes, dotted, overlay, preview_folder, units_text

Read = Callable[[Sequence[Sample]], Mapping[str, str]]
"""What a model says about frames: a line of words by frame id. The page itself knows no model."""

PAIRS = 10


def write_page(dataset: Place | str, report: AuditReport, read: Read | None = None) -> Place:
    """Write ``preview/index.html`` into a finished dataset.

    Args:
        dataset: folder of the dataset, or its URL.
        report: what the audit said about it.
        read: gives the reading that is shown beside the truth of each pain frame.

    Returns:
        The page.

    Raises:
        DataError: if the dataset cannot be read.
        StorageError: if the page cannot be written.
    """
    folder = location(dataset)
    data = open_dataset(folder)
    content = page(data, report, read)
    path = preview_folder(folder) / "index.html"
    write_atomically(path, content.encode())
    return path


def page(data: Dataset, report: AuditReport, read: Read | None = None) -> str:
    """The page's HTML."""
    pairs = choose_pairs(data, PAIRS)
    readings = {} if read is None else read([pair.pain for pair in pairs])
    balance = _balance(data)
    return Template(_resource("page.html")).substitute(
        style=style(),
        name=html.escape(name_of(data.path)),
        version=__version__,
        seed=data.manifest.seed,
        subjects=f"{balance.subjects:,}",
        frames=f"{balance.frames:,}",
        resolution=data.manifest.made.resolution,
        megabytes=f"{balance.bytes / 1e6:,.0f}",
        audit=report.verdict,
        audit_class="good" if report.ok else "bad",
        cards="\n".join(_card(pair, readings) for pair in pairs),
        labels=_labels(data, pairs),
        views=_all_views(data, pairs),
        scores=_bars({str(score): count for score, count in balance.by_pspi.items()}),
        margins="\n".join(
            f"<section><h3>{html.escape(name.capitalize())}</h3>{_bars(counts)}</section>"
            for name, counts in balance.margins
        ),
        cells=f"{len(balance.by_cell)} of 50 cells of age, sex and appearance group hold a subject",
    )


def _balance(data: Dataset) -> Balance:
    columns = ["subject_id", "split", "age_band", "sex", "ethnicity", "expression_id", "view_id", "PSPI"]
    faces = [row for row in data.labels(columns).to_pylist() if row["view_id"] == 0]
    size = sum(shard.bytes for shard in data.manifest.shards)
    shards = len(data.manifest.shards)
    return balance_of_rows(faces, title=str(data.path), frames=len(data), shards=shards, size=size)


def _card(pair: Pair, readings: Mapping[str, str]) -> str:
    sample = pair.pain
    said = readings.get(sample.frame_id, "")
    read = f'<p class="formula reading">{html.escape(said)}</p>' if said else ""
    pictures = (
        figure(pair.neutral.image, "neutral"),
        figure(sample.image, "pain"),
        figure(overlay(sample), f"displacement, at most {sample.heatmap.max():.1f} mm"),
    )
    facts = (
        f"{sample.age_years} years, {sample.sex}, {sample.ethnicity.replace('_', ' ')}, "
        f"Monk skin tone {sample.skin_tone_mst}, yaw {sample.yaw:.0f}°, {sample.split}"
    )
    return (
        f'<article class="card"><header><b>{sample.subject_id}</b><span>{html.escape(facts)}</span></header>'
        f'<div class="trio">{"".join(pictures)}</div>'
        f'<div class="labels"><div class="score"><b>{sample.pspi:g}</b><span>PSPI of 16</span></div>'
        f'<div class="units">{_units(sample.expression)}</div></div>'
        f'<p class="formula">{_formula(sample.expression)}</p>'
        f"{read}</article>"
    )


def _labels(data: Dataset, pairs: Sequence[Pair]) -> str:
    """One frame of the strongest pain with everything that comes with it."""
    if not pairs:
        return ""
    sample = max((pair.pain for pair in pairs), key=lambda sample: (sample.view_id == 0, sample.pspi))
    pictures = (
        figure(sample.image, "image"),
        figure(overlay(sample), "heatmap"),
        figure(classes(sample, data.manifest.palette), "segmentation", Image.Resampling.NEAREST),
        figure(dotted(sample), "68 landmarks"),
    )
    return f'<div class="four">{"".join(pictures)}</div>'


def _all_views(data: Dataset, pairs: Iterable[Pair]) -> str:
    """Every expression and view of one subject."""
    for pair in pairs:
        rows = by_expression(data.subject(pair.pain.subject_id))
        lines = "".join(_line(row) for row in rows)
        said = f"{pair.pain.subject_id}: light, background and pose stay; the expression alone changes."
        return f'<p class="lead">{said}</p>{lines}'
    return ""


def _line(row: list[Sample]) -> str:
    expression = row[0].expression
    acting = "" if expression.is_neutral else units_text(expression)
    kind = "<em>distractor</em>" if acting and not expression.pspi else ""
    pictures = "".join(figure(sample.image, f"yaw {sample.yaw:.0f}°") for sample in row)
    if expression.pspi:
        pictures += figure(overlay(row[0]), "heatmap of the first")
    words = f"<b>PSPI {expression.pspi:g}</b><span>{acting or 'neutral'}</span>{kind}"
    return f'<div class="line"><div class="what">{words}</div>{pictures}</div>'


def _units(expression: Expression) -> str:
    bars = []
    for name, value in expression.items():
        if value:
            largest = 1.0 if name == "AU43" else MAX_INTENSITY
            kind = "pain" if name in PAIN_AUS else "other"
            bars.append(
                f'<div class="unit {kind}"><span>{name}</span><em>{AU_DESCRIPTIONS[name]}</em>'
                f'<i><u style="width:{100 * value / largest:.0f}%"></u></i><b>{value:g}</b></div>'
            )
    return "".join(bars)


def _formula(expression: Expression) -> str:
    unit = {name: f"{name}={expression[name]:g}" for name in PAIN_AUS}
    return (
        f"PSPI {expression.pspi:g}: {unit['AU4']} + max({unit['AU6']}, {unit['AU7']}) + "
        f"max({unit['AU9']}, {unit['AU10']}) + {unit['AU43']}"
    )


def _bars(counts: Mapping[str, int]) -> str:
    most = max(counts.values(), default=0) or 1
    return "".join(
        f'<div class="bar"><span>{html.escape(name.replace("_", " "))}</span>'
        f'<i><u style="width:{100 * count / most:.0f}%"></u></i><b>{count:,}</b></div>'
        for name, count in counts.items()
    )


def _resource(name: str) -> str:
    return (Path(__file__).parent / name).read_text(encoding="utf-8")
