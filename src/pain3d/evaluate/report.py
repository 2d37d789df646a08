"""From a folder of figures to what people read: report.html, whole in itself, and report.json."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pain3d.data.files import write_atomically
from pain3d.evaluate.checklist import checklist
from pain3d.evaluate.gallery import pictures_of, worst_frames
from pain3d.evaluate.metrics_file import PLOTS, PREDICTIONS, read_metrics, read_table
from pain3d.evaluate.report_page import page
from pain3d.places import Place, location

PAGE, JSON = "report.html", "report.json"


@dataclass(frozen=True, kw_only=True)
class Report:
    """What was written."""

    page: Path
    data: dict[str, Any]
    """As in report.json."""

    def text(self) -> str:
        """For a terminal."""
        answered = sum(item["reported"] for item in self.data["checklist"])
        return (
            f"{self.page}: {self.data['title']}\n{self.page.with_name(JSON)}: the same as data; "
            f"{answered} of {len(self.data['checklist'])} items of the checklist answered"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {"page": str(self.page), **self.data}


def write_report(run: str | Path, *, pictures: bool = True, dataset: str | Place | None = None) -> Report:
    """Write RUN/report.html and RUN/report.json.

    Args:
        run: folder that `crossval` or `evaluate` wrote.
        pictures: show the frames that were read worst. Without, no picture of the dataset enters the page.
        dataset: folder of the dataset, for the pictures, where it is no longer where it was.

    Raises:
        DataError: if the folder holds no figures, or the dataset is not there.
        StorageError: if the disk does not take it.
    """
    folder = Path(run)
    data = read_metrics(folder)
    failures = worst_frames(read_table(folder / PREDICTIONS))
    where = location(dataset if dataset is not None else data["provenance"]["dataset"]["path"])
    faces = pictures_of(where, failures) if pictures else None
    items = checklist(data)
    plots = {path.stem: path.read_bytes() for path in sorted((folder / PLOTS).glob("*.png"))}
    content = page(data, items=items, failures=failures, pictures=faces, plots=plots)
    full = {
        **data,
        "format": "pain3d report",
        "worst": [failure.to_json() for failure in failures],
        "checklist": [item.to_json() for item in items],
    }
    write_atomically(folder / PAGE, content.encode())
    write_atomically(folder / JSON, (json.dumps(full, indent=2, allow_nan=False) + "\n").encode())
    return Report(page=folder / PAGE, data=full)
