"""What an import does with input that is bad, and with scores that are not those of the Action Units."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import UInt8

from pain3d.data.findings import counted
from pain3d.data.imported_row import ImportedRow
from pain3d.data.importers.builder import DatasetBuilder
from pain3d.data.manifest import Manifest
from pain3d.errors import DataError

Advance = Callable[[int, int], None]
"""(frames done, frames there are)."""

FindFace = Callable[[UInt8[np.ndarray, "height width 3"]], tuple[float, float, float, float] | None]
"""Gives x y width height of the largest face of a picture in pixels, None where it finds none."""

PSPI_TOLERANCE = 1e-3
"""Scores of a source are written with fewer digits than float32 holds; they are sums of whole numbers."""


@dataclass(frozen=True, kw_only=True)
class Intake:
    """Takes rows into a dataset, one at a time, by one policy."""

    builder: DatasetBuilder
    skip_bad: bool
    """Leave bad input out, and list it in skipped.csv; otherwise it ends the import."""
    find_face: FindFace | None = None
    """Looks for a face where there are no landmarks."""

    @contextlib.contextmanager
    def bad(self, file: str) -> Iterator[None]:
        """Bad input in here is skipped and listed under `file`, or ends the import with a way out."""
        try:
            yield
        except DataError as error:
            if not self.skip_bad:
                raise DataError(f"{error}; mend it, or leave what is bad out with --skip-bad") from None
            self.builder.note("skipped", {"file": file, "why": str(error)})

    def remark(self, file: str, what: str) -> None:
        """List something odd that cost no frame."""
        self.builder.note("remarks", {"file": file, "remark": what})

    def drop(self, file: str, why: str) -> None:
        """List a frame that is left out on purpose."""
        self.builder.note("dropped", {"file": file, "why": why})

    def add(self, row: ImportedRow) -> None:
        """Take in a row, and list it where its source states another PSPI than its Action Units make."""
        self.builder.add(row)
        if row.pspi_file is not None and row.pspi is not None and abs(row.pspi_file - row.pspi) > PSPI_TOLERANCE:
            units = " ".join(f"{name}={value:g}" for name, value in row.aus.items() if value)
            file = row.extras.get("source_file", "")
            line = {"frame_id": row.frame_id, "file": file, "PSPI_file": f"{row.pspi_file:g}", "PSPI": f"{row.pspi:g}"}
            self.builder.note("disagreements", {**line, "Action Units": units})

    def face_box(
        self, pixels: UInt8[np.ndarray, "height width 3"], file: str
    ) -> tuple[float, float, float, float] | None:
        """The face, where somebody looks for it; a picture without one is listed."""
        if self.find_face is None:
            return None
        found = self.find_face(pixels)
        if found is None:
            self.builder.note("no_face", {"file": file})
        return found


@dataclass(frozen=True, kw_only=True)
class Imported:
    """What an import did."""

    out: Path
    manifest: Manifest

    def text(self) -> str:
        """What was done, for people."""
        source = self.manifest.source
        assert source is not None
        counts = source.counts
        held = f"{counted(counts['frames'], 'frame')} of {counted(counts['subjects'], 'subject')}"
        lines = [f"{self.out}: {held}, read from {source.form}"]
        lines += [f"  {counts[name.removesuffix('.csv')]:,} in {self.out / name}" for name in source.lists]
        return "\n".join(lines)

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        source = self.manifest.source
        assert source is not None
        return {
            "out": str(self.out),
            "kind": source.kind,
            "form": source.form,
            **source.counts,
            "lists": {name.removesuffix(".csv"): str(self.out / name) for name in source.lists},
        }
