"""The dataset page: one HTML file to open from disk, for a dataset of any size, generated or imported.

A small dataset is embedded whole, so that the one file can be mailed. For a larger one the same page finds its labels
(`columns.js`) and thumbnails (`sheets/`) beside it: 82,500 frames would make a file of 300 MB, which no browser opens
gladly, while sheets are loaded as the grid scrolls. Labels come as a script that assigns them, because a page opened
from disk may not fetch.
"""

from __future__ import annotations

import base64
import html
import json
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from string import Template
from typing import Any

import numpy as np
import pyarrow as pa

from pain3d import __version__
from pain3d.data.files import write_atomically
from pain3d.data.findings import AuditReport
from pain3d.data.images import decode_grey, decode_small
from pain3d.data.manifest import Manifest
from pain3d.data.reader import Dataset, open_dataset
from pain3d.data.schema import SHARD_SPLITS
from pain3d.demographics import AGE_BANDS, ETHNICITIES, SEXES
from pain3d.errors import ArgumentError, DataError
from pain3d.facs import AU_DESCRIPTIONS, PAIN_AUS
from pain3d.pages import style
from pain3d.places import Place, name_of
from pain3d.synth.browse.columns import Packed, packed, packed_numbers, packed_words
from pain3d.synth.browse.folder import COLUMNS, INDEX, MARK, SHEETS, check_replaceable, replaced
from pain3d.synth.browse.remake import SUBJECT, remake_command
from pain3d.synth.browse.sheets import ACROSS, Sheets, heat_palette
from pain3d.synth.plan import kind_of
from pain3d.synth.preview import preview_folder

EMBEDDED_FRAMES = 2_000
"""Up to so many, page and pictures are one file: some 14 MB at most."""
EMBEDDED_TILE, SHEET_TILE = 192, 128
"""Pixels of a thumbnail; smaller where the pictures themselves are."""
SHOWN_FINDINGS = 500

_ORDER = {"split": SHARD_SPLITS, "age_band": AGE_BANDS, "sex": SEXES, "ethnicity": ETHNICITIES}
_VIEWS = {0: "frontal", 1: "turned left", 2: "turned right"}
_KINDS = ("neutral", "no pain", "pain", "distractor", "confound")
_SCRIPTS = ("store", "filter", "tiles", "grid", "facets", "charts", "details", "main")

Advance = Callable[[int, int], None]
"""Called with the frames drawn and the frames there are."""


def write_dataset_page(
    dataset: Place | str,
    *,
    to: Path | None = None,
    report: AuditReport | None = None,
    embed_up_to: int = EMBEDDED_FRAMES,
    on_progress: Advance | None = None,
) -> Path:
    """Write the page of a finished dataset.

    Reads every picture once, one row group in memory at a time: some 150 frames/s a core at 512 x 512. Equal datasets
    and reports give equal bytes.

    Args:
        dataset: folder of the dataset, or its URL.
        to: folder to write, new, empty, or holding an older page; ``preview/browse`` of the dataset by default.
            Needed where the dataset lies in an object store.
        report: what the audit said about the dataset; None: the page says that there was none.
        embed_up_to: frames of the largest dataset whose page is one file.
        on_progress: called now and then, and at the end.

    Returns:
        The file to open: ``index.html`` in that folder.

    Raises:
        ArgumentError: if `to` is a file, holds anything but a page, or its parent does not exist.
        DataError: if the dataset cannot be read.
        StorageError: if the page cannot be written.
    """
    target = page_folder(dataset, to)
    data = open_dataset(dataset)
    with replaced(target) as folder:
        form = _Embedded(folder) if len(data) <= embed_up_to else _Beside(folder)
        _write(data, report, form, on_progress)
    return target / INDEX


def page_folder(dataset: Place | str, to: Path | None = None) -> Path:
    """Where the page of a dataset goes, after a look at whether it may; arguments and errors as above."""
    if to is None:
        preview = preview_folder(open_dataset(dataset).path)
        if not isinstance(preview, Path):
            raise ArgumentError(
                f"to: {dataset} lies in an object store, but a page opens from disk; name a folder of this machine"
            )
        to = preview / "browse"
    check_replaceable(to)
    return to


@dataclass(frozen=True)
class _Embedded:
    """Everything in one file."""

    folder: Path
    tile = EMBEDDED_TILE
    sheets: dict[str, str] = field(default_factory=dict)

    def put_sheet(self, name: str, content: bytes) -> None:
        self.sheets[name] = base64.b64encode(content).decode()

    def finish(self, page: Callable[[str], str], labels: str) -> None:
        scripts = f"<script>{labels}</script>\n<script>window.pain3dSheets = {_json(self.sheets)}</script>"
        write_atomically(self.folder / INDEX, page(scripts).encode())


@dataclass(frozen=True)
class _Beside:
    """Labels and thumbnails in files beside the page."""

    folder: Path
    tile = SHEET_TILE

    def put_sheet(self, name: str, content: bytes) -> None:
        path = self.folder / SHEETS / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)

    def finish(self, page: Callable[[str], str], labels: str) -> None:
        (self.folder / COLUMNS).write_text(labels, encoding="utf-8")
        write_atomically(self.folder / INDEX, page(f'<script src="{COLUMNS}"></script>').encode())


def _write(data: Dataset, report: AuditReport | None, form: _Embedded | _Beside, on_progress: Advance | None) -> None:
    side = form.tile
    if data.manifest.design is not None:
        side = min(side, -(-data.manifest.design.resolution // 16) * 16)
    has_heat = data.manifest.source is None
    sheets = Sheets(side, form.put_sheet, heat=has_heat)
    peaks: list[float] = []
    for done, (face, heat, most_mm) in enumerate(_pictures(data, side), start=1):
        sheets.add(face, heat)
        peaks.append(np.nan if heat is None else float(heat.max()) * most_mm / 255)
        if on_progress is not None and (done % 20 == 0 or done == len(data)):
            on_progress(done, len(data))
    sheets.close()
    store = {
        "about": _about(data.manifest, name_of(data.path)),
        "rows": len(data),
        "columns": _columns(data, np.array(peaks)),
        "sheets": {"tile": side, "across": ACROSS, "heat": has_heat, "folder": SHEETS},
        "audit": None if report is None else _audit(report),
    }
    form.finish(lambda scripts: _html(data, scripts), f"window.pain3dData = {_json(store)};\n")


def _pictures(data: Dataset, side: int) -> Iterator[tuple[np.ndarray, np.ndarray | None, float]]:
    """Thumbnail, heatmap as stored, and the millimetres that its 255 stands for, of every frame."""
    for table in data.tables(["frame_id", "image", "heatmap", "heatmap_max_mm"]):
        for row in table.to_pylist():
            heat = row["heatmap"]
            try:
                face = decode_small(row["image"]["bytes"], side)
                grey = None if heat is None or heat["bytes"] is None else decode_grey(heat["bytes"])
            except DataError as error:
                raise DataError(f"{row['frame_id']}: {error}; run pain3d audit {data.path} to see the rest") from None
            yield face, grey, float(row["heatmap_max_mm"] or 0.0)


def _columns(data: Dataset, peaks_mm: np.ndarray) -> dict[str, Packed]:
    """Every label that is a number or a string and that some row has, and those that the page adds."""
    labels = data.labels()
    columns = {
        name: packed_words(labels.column(name).to_pylist(), _ORDER[name])
        if name in _ORDER and labels.column(name).null_count < len(labels)
        else packed(labels.column(name))
        for name in labels.column_names
        if name not in ("neutral_frame_id", "view_id", "heatmap_max_mm")
    }
    columns["kind"] = packed_words(_kinds(labels, data.manifest), _KINDS)
    columns["neutral_row"] = packed_numbers(_neutral_rows(labels))
    if labels.column("view_id").null_count < len(labels):
        views = [None if view is None else _VIEWS.get(view, f"view {view}") for view in labels["view_id"].to_pylist()]
        columns["view"] = packed_words(views, tuple(_VIEWS.values()))
    if not np.isnan(peaks_mm).all():
        columns["peak_mm"] = packed_numbers(peaks_mm)
    return {name: column for name, column in columns.items() if column is not None}


def _kinds(labels: pa.Table, manifest: Manifest) -> list[str]:
    if manifest.design is not None:
        design = manifest.design
        return [kind_of(number, design) for number in labels["expression_id"].to_pylist()]
    frames, references, scores = (labels[name].to_pylist() for name in ("frame_id", "neutral_frame_id", "PSPI"))
    return [
        "neutral" if frame == reference else "pain" if score > 0 else "no pain"
        for frame, reference, score in zip(frames, references, scores, strict=True)
    ]


def _neutral_rows(labels: pa.Table) -> np.ndarray:
    """Row of each frame's neutral partner, NaN where it has none."""
    row_of = {frame: row for row, frame in enumerate(labels["frame_id"].to_pylist())}
    return np.array([row_of.get(name, np.nan) for name in labels["neutral_frame_id"].to_pylist()], float)


def _about(manifest: Manifest, name: str) -> dict[str, Any]:
    return {
        "name": name,
        "version": manifest.pain3d_version,
        "resolution": None if manifest.design is None else manifest.design.resolution,
        "seed": None if manifest.design is None else str(manifest.seed),
        "source": None if manifest.source is None else f"{manifest.source.kind}, {manifest.source.form}",
        "bytes": sum(shard.bytes for shard in manifest.shards),
        "heatmap_max_mm": manifest.heatmap_max_mm,
        "units": [{"name": unit, "words": words, "pain": unit in PAIN_AUS} for unit, words in AU_DESCRIPTIONS.items()],
        "remake": remake_command(manifest),
        "subject_word": SUBJECT,
    }


def _audit(report: AuditReport) -> dict[str, Any]:
    findings = Counter(report.by_rule)
    return {
        "verdict": report.verdict,
        "ok": report.ok,
        "frames": report.frames,
        "shards": report.shards,
        "saturated_frames": report.saturated_frames,
        "rules": [{"rule": rule, "count": count} for rule, count in findings.most_common()],
        "findings": [
            {"rule": found.rule, "where": found.where, "file": found.file, "message": found.message}
            for found in report.findings[:SHOWN_FINDINGS]
        ],
    }


def _html(data: Dataset, scripts: str) -> str:
    here = Path(__file__).parent
    code = "".join((here / "js" / f"{name}.js").read_text(encoding="utf-8") for name in _SCRIPTS)
    return Template((here / "page.html").read_text(encoding="utf-8")).substitute(
        mark=MARK,
        style=style() + (here / "page.css").read_text(encoding="utf-8"),
        heat_scale=_heat_scale(),
        name=html.escape(name_of(data.path)),
        version=__version__,
        scripts=scripts,
        code=f'"use strict";\n(() => {{\n{code}}})();\n',
    )


def _heat_scale() -> str:
    """The colours of the heatmap from 0 to its maximum, as a CSS gradient."""
    colours = np.frombuffer(heat_palette()[0], np.uint8).reshape(-1, 3)[::9]
    return f"linear-gradient(90deg, {', '.join(f'rgb({r} {g} {b})' for r, g, b in colours.tolist())})"


def _json(value: object) -> str:
    # A subject may be called </script>: the page's parser must see no < inside a script.
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")).replace("<", "\\u003c")
