"""A video read frame by frame: a CSV row for each, and a plot over time; one frame in memory at once."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import av
import av.error
import numpy as np
from jaxtyping import UInt8
from matplotlib.figure import Figure

from pain3d.errors import ArgumentError, DataError, storage_error
from pain3d.evaluate.predict import WORDING, Box, Neutrals, neutral_crops, read_face
from pain3d.facs import MAX_PSPI, PAIN_AUS
from pain3d.model.detect import find_faces
from pain3d.model.heads import THRESHOLDS
from pain3d.model.prediction import Prediction

if TYPE_CHECKING:
    from pain3d.model.vitpain import ViTPain

SUFFIXES = (".avi", ".m4v", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".webm", ".wmv")
"""Names that are read as videos."""
COLUMNS = (
    *("frame", "time_s", "faces", "PSPI", "PSPI_low", "PSPI_high", *PAIN_AUS),
    *(f"probability_{least}" for least in THRESHOLDS),
    *("box_left", "box_top", "box_right", "box_bottom"),
)


@dataclass(frozen=True, kw_only=True)
class VideoReading:
    """What was made of a video."""

    file: Path
    table: Path
    """CSV."""
    plot: Path
    """PNG."""
    frames: int
    """Frames that were looked at."""
    with_face: int
    mean_pspi: float | None
    highest_pspi: float | None
    highest_at_s: float | None

    def text(self) -> str:
        """For people."""
        said = [f"{self.file}: {self.frames} frames looked at, {self.with_face} with a face"]
        if self.mean_pspi is not None:
            said.append(f"  PSPI {self.mean_pspi:.1f} on average, {self.highest_pspi:.1f} at {self.highest_at_s:.2f} s")
        return "\n".join([*said, f"  table: {self.table}", f"  plot:  {self.plot}", WORDING])

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        paths = {name: str(vars(self)[name]) for name in ("file", "table", "plot")}
        return {**vars(self), **paths, "wording": WORDING}


def is_video(path: Path | str) -> bool:
    """Whether a file is taken for a video: by its name."""
    return Path(path).suffix.lower() in SUFFIXES


def read_video(
    model: ViTPain,
    video: Path | str,
    *,
    neutral: Sequence[Path | str] = (),
    box: Box | None = None,
    every: int = 1,
    to: Path | str | None = None,
    on_progress: Callable[[int, int], None] | None = None,
) -> VideoReading:
    """Read every `every`-th frame; writes NAME.csv and NAME.png.

    Args:
        model: as for pictures.
        video: file.
        neutral: pictures of the same person at rest, for a model that compares.
        box: the face in every frame; None: the largest is detected in each.
        every: 1 reads every frame, 25 one in 25.
        to: folder to write to; the video's own without.
        on_progress: told (frames decoded, frames of the video as its header says, or decoded so far).

    Raises:
        ArgumentError: for wrong arguments.
        DataError: if the file is missing or no video, or no frame could be decoded.
        StorageError: if the disk does not take what is written.
    """
    if every < 1:
        raise ArgumentError(f"every: {every} is below 1; 1 reads every frame")
    path = Path(video)
    neutrals = neutral_crops(model, neutral)
    folder = path.parent if to is None else Path(to)
    table, plot = folder / f"{path.stem}.pspi.csv", folder / f"{path.stem}.pspi.png"
    curve: list[tuple[float, float, float, float]] = []
    looked = 0
    partial = table.with_name(table.name + ".partial")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with partial.open("w", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            writer.writerow(COLUMNS)
            for number, time_s, picture in _frames(path, every, on_progress):
                faces, read = _read(model, picture, box, neutrals)
                writer.writerow(_row(number, time_s, faces, read))
                curve.append(_point(time_s, read))
                looked += 1
        if looked:
            partial.replace(table)
            _plot(curve, path.name).savefig(plot, dpi=120)
    except OSError as error:
        raise storage_error(folder, error) from error
    finally:
        partial.unlink(missing_ok=True)
    if not looked:
        raise DataError(f"{path}: no frame could be decoded; give a video with a picture stream")
    return _summary(path, table, plot, curve)


def _frames(
    path: Path, every: int, on_progress: Callable[[int, int], None] | None
) -> Iterator[tuple[int, float, UInt8[np.ndarray, "height width 3"]]]:
    """Number, time and upright picture of the frames that are to be read."""
    if not path.is_file():
        raise DataError(f"{path}: there is no such file; check the name")
    try:
        with av.open(str(path)) as container:
            if not container.streams.video:
                raise DataError(f"{path}: holds no pictures; give a video with a picture stream")
            stream = container.streams.video[0]
            stream.thread_type = "AUTO"
            for number, frame in enumerate(container.decode(stream)):
                if number % every == 0:
                    time_s = float(frame.time) if frame.time is not None else float("nan")
                    turned = np.rot90(frame.to_ndarray(format="rgb24"), k=round(frame.rotation / 90) % 4)
                    yield number, time_s, np.ascontiguousarray(turned)
                if on_progress is not None:
                    on_progress(number + 1, max(stream.frames, number + 1))
    except av.error.FFmpegError as error:
        raise DataError(f"{path}: is not a video that can be read ({error.strerror}); give an MP4 or WebM") from error


def _read(
    model: ViTPain, picture: UInt8[np.ndarray, "height width 3"], box: Box | None, neutrals: Neutrals | None
) -> tuple[int, Prediction | None]:
    """How many faces, and the reading of the largest."""
    boxes = [box] if box is not None else [face.box_xyxy for face in find_faces(picture)]
    return len(boxes), read_face(model, picture, boxes[0], neutrals) if boxes else None


def _row(number: int, time_s: float, faces: int, read: Prediction | None) -> list[object]:
    """One line of the table; empty cells where no face was found."""
    head: list[object] = [number, f"{time_s:.4f}", faces]
    if read is None:
        return head + [""] * (len(COLUMNS) - len(head))
    interval = ("", "") if read.interval is None else tuple(f"{end:.3f}" for end in read.interval)
    values = [*(read.aus[name] for name in PAIN_AUS), *(read.probabilities[least] for least in THRESHOLDS)]
    box = read.box or ()
    return [*head, f"{read.pspi:.3f}", *interval, *(f"{v:.3f}" for v in values), *(f"{edge:.1f}" for edge in box)]


def _point(time_s: float, read: Prediction | None) -> tuple[float, float, float, float]:
    nan = float("nan")
    if read is None:
        return time_s, nan, nan, nan
    low, high = (nan, nan) if read.interval is None else read.interval
    return time_s, read.pspi, low, high


def _plot(curve: Sequence[tuple[float, float, float, float]], name: str) -> Figure:
    time_s, pspi, low, high = np.array(curve).T
    figure = Figure(figsize=(10, 3.6), layout="constrained")
    axes = figure.add_subplot()
    if not np.isnan(low).all():
        axes.fill_between(time_s, low, high, color="#eeba9c", alpha=0.6, linewidth=0, label="90 % interval")
    axes.plot(time_s, pspi, color="#c44e28", linewidth=1.6, marker="." if len(curve) < 60 else "", label="PSPI")
    axes.set(xlabel="time [s]", ylabel="PSPI (0..16)", ylim=(0, MAX_PSPI), title=name)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, loc="upper right")
    figure.supxlabel(WORDING, fontsize=8, color="#76716a")
    return figure


def _summary(path: Path, table: Path, plot: Path, curve: Sequence[tuple[float, float, float, float]]) -> VideoReading:
    seen = [point for point in curve if not np.isnan(point[1])]
    highest = max(seen, key=lambda point: point[1], default=None)
    return VideoReading(
        file=path,
        table=table,
        plot=plot,
        frames=len(curve),
        with_face=len(seen),
        mean_pspi=float(np.mean([point[1] for point in seen])) if seen else None,
        highest_pspi=None if highest is None else highest[1],
        highest_at_s=None if highest is None else highest[0],
    )
