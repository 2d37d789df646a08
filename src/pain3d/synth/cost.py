"""Cost: what a plan takes in time and space, from a few frames that are made here and now."""

from __future__ import annotations

import itertools
import statistics
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from pain3d.data.findings import counted
from pain3d.data.schema import FrameRow
from pain3d.synth.plan import PlanConfig, plan_shards
from pain3d.synth.rows import RowMaker
from pain3d.synth.studio import prepare

TRIED_SUBJECTS = 2
"""After one that is not counted: it loads what every process loads once."""
TRIED_FRAMES = 40
"""Of each at most, so that all views are among them; the first has the subject's head, skin and hair in it."""
TRIED_MOMENTS = 3
"""Of each clip: at rest, and on the way."""
ROW_BYTES = 1_500
"""Of a row beside its pictures: labels, landmarks, names."""


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Of making a dataset on machines like this one."""

    subjects: int
    frames: int
    files: int
    subject_seconds: float
    """Of one core, for head, skin and hair of a subject."""
    frame_seconds: float
    """Of one core, for a frame with its annotations, pictures encoded."""
    bytes_per_frame: int

    @property
    def core_hours(self) -> float:
        """Of all of it; several processes on one machine share memory and caches, and take some more."""
        return (self.subjects * self.subject_seconds + self.frames * self.frame_seconds) / 3600

    @property
    def bytes(self) -> int:
        """On disk."""
        return self.frames * self.bytes_per_frame

    def text(self) -> str:
        """Lines for people, as `Balance.text` has them."""
        each = self.frames / self.files
        files = f"{counted(self.files, 'file')} of {each:,.0f} frames, {each * self.bytes_per_frame / 1e6:,.0f} MB each"
        lines = (
            (
                "time",
                f"about {self.core_hours:,.2g} core-hours on machines like this one: {self.subject_seconds:.2f} s a "
                f"subject, {1000 * self.frame_seconds:.0f} ms a frame, measured now",
            ),
            (
                "space",
                f"about {self.bytes / 1e9:,.2g} GB: {self.bytes_per_frame:,} bytes a frame; {files}",
            ),
        )
        return "\n".join(f"  {name:<17}{words}" for name, words in lines)

    def to_json(self) -> dict[str, float]:
        """Plain values."""
        return {
            "core_hours": round(self.core_hours, 3),
            "bytes": self.bytes,
            "files": self.files,
            "subject_seconds": round(self.subject_seconds, 4),
            "frame_seconds": round(self.frame_seconds, 4),
            "bytes_per_frame": self.bytes_per_frame,
        }


def cost_of_plan(config: PlanConfig, *, device: str = "cpu") -> Cost:
    """Make some frames of a plan, in this process, and keep none.

    Raises:
        ArgumentError, DataError: as `generate`.
    """
    prepare(device, config.looks)
    firsts: list[float] = []
    others: list[float] = []
    sizes: list[int] = []
    every = 1 if config.clips is None else -(-config.clips.frames // TRIED_MOMENTS)
    with tempfile.TemporaryDirectory() as shelf:  # or the second call would find the skins of the first
        maker = RowMaker(config, device, skins=Path(shelf))
        for tried in range(1 + TRIED_SUBJECTS):
            before = time.perf_counter()
            rows = maker.subject_rows(config.subject_numbers[tried % len(config.subject_numbers)], every=every)
            for made, row in enumerate(itertools.islice(rows, TRIED_FRAMES if tried else 1)):
                now = time.perf_counter()
                if tried:
                    (others if made else firsts).append(now - before)
                    sizes.append(_size(row))
                before = now
    frame = statistics.mean(others or firsts)
    return Cost(
        subjects=len(config.subject_numbers),
        frames=config.frames,
        files=len(plan_shards(config)),
        subject_seconds=max(statistics.mean(firsts) - frame, 0.0),
        frame_seconds=frame,
        bytes_per_frame=round(statistics.mean(sizes)) + ROW_BYTES,
    )


def _size(row: FrameRow) -> int:
    pictures: list[bytes] = [row.image, row.heatmap, row.segmentation]
    for more in row.annotations.values():
        pictures += [more] if isinstance(more, bytes) else list(more.values())
    return sum(map(len, pictures))
