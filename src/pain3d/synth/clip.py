"""write_clip(): a face from rest to an expression and back, as a film with labels for every frame."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np

from pain3d import __version__
from pain3d.data.clips import FRAMES_PER_SECOND
from pain3d.data.files import temporary_beside, write_atomically
from pain3d.errors import ArgumentError, storage_error
from pain3d.facs import AU_NAMES
from pain3d.synth.generate import PREPARING
from pain3d.synth.portrait import portrait_view
from pain3d.synth.sitter import Sitter
from pain3d.synth.studio import prepare, seated
from pain3d.synth.timeline import Moment, Timeline

QUALITY = "16"
"""Constant rate factor of x264: 0 exact .. 51 worst; at 16 compression is hardly seen."""
COLUMNS = ("frame", "time_s", *AU_NAMES, "PSPI", "eye_closure", "blink", "yaw", "pitch", "roll")

Advance = Callable[[int, int], None]
"""(frames made, frames to make)."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A film on disk."""

    file: Path
    labels: Path
    """CSV, one line a frame: `COLUMNS`."""
    about: Path
    """JSON: who, what, and how to make it again."""
    frames: int
    highest_pspi: float

    def text(self) -> str:
        """For a terminal."""
        seconds = self.frames / FRAMES_PER_SECOND
        shown = f"{self.frames} frames, {seconds:g} s, PSPI up to {self.highest_pspi:.1f}"
        return f"wrote {self.file}: {shown}; labels in {self.labels}"

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}


def write_clip(
    out: Path,
    sitter: Sitter,
    *,
    seconds: float = 4.0,
    take: int = 0,
    device: str = "cpu",
    on_progress: Advance = lambda made, of: None,
    on_phase: Callable[[str], None] = lambda said: None,
) -> Clip:
    """Film a face: rest, onset, apex, offset, rest, at 25 frames a second.

    Pictures and labels are a pure function of the arguments. Units start and end at moments of their own, lids blink
    (which is no AU43), the head sways by a degree or two. The first and the last frame are neutral, blinks apart.

    Args:
        out: the film (H.264), ending in ``.mp4``; beside it ``.csv`` has Action Units, PSPI, lids and pose of every
            frame, and ``.json`` says what was asked for. Files of these names are replaced once the new ones are whole.
        sitter: who, what at the apex, how; an even resolution.
        seconds: length, 2..60.
        take: another number, another timing of the same expression.
        device: ``cpu``, or a CUDA device such as ``cuda:0``.
        on_progress: called after each frame.
        on_phase: called with what begins, in words.

    Raises:
        ArgumentError: for a value out of range, or a file that is no MP4 or in no folder.
        StorageError: if the disk does not take it.
    """
    if out.suffix.lower() != ".mp4":
        raise ArgumentError(f"out: {out} does not end in .mp4; name the film, as in pain.mp4")
    if not out.parent.is_dir():
        raise ArgumentError(f"out: the folder {out.parent} does not exist; make the folder first, or name another")
    if sitter.resolution % 2:
        raise ArgumentError(f"resolution: {sitter.resolution} is odd; films need an even number of pixels")
    try:
        timeline = Timeline.draw(sitter.subject.seed, sitter.expression, seconds, take)
    except ValueError as error:
        raise ArgumentError(str(error)) from None
    moments = [timeline.at(frame / FRAMES_PER_SECOND) for frame in range(round(seconds * FRAMES_PER_SECOND))]
    on_phase(PREPARING)
    prepare(device, sitter.looks)
    on_phase("filming")
    _write_film(out, _pictures(sitter, moments, device, on_progress), sitter.resolution)
    labels, about = out.with_suffix(".csv"), out.with_suffix(".json")
    write_atomically(labels, _table(sitter, moments).encode())
    highest = max(moment.acting.expression.pspi for moment in moments)
    told = {
        "pain3d": __version__,
        **asdict(sitter),
        **{name: getattr(sitter.subject, name) for name in ("age_years", "sex", "ethnicity")},
        "apex_PSPI": sitter.expression.pspi,
        "highest_PSPI": highest,
        "seconds": seconds,
        "take": take,
        "frames": len(moments),
        "frames_per_second": FRAMES_PER_SECOND,
    }
    write_atomically(about, (json.dumps(told, indent=2, allow_nan=False) + "\n").encode())
    return Clip(file=out, labels=labels, about=about, frames=len(moments), highest_pspi=highest)


def _pictures(sitter: Sitter, moments: Sequence[Moment], device: str, on_progress: Advance) -> Iterator[np.ndarray]:
    size = sitter.resolution
    sitting = seated(sitter.subject, device)
    view = portrait_view(sitter.subject, size, light=sitter.light, background=sitter.background)
    for number, moment in enumerate(moments):
        there = view.turned(**_pose(sitter, moment)).frame_of_clip(number)
        yield sitting.shoot(sitting.pose(moment.acting), there.scene(size)).rgb
        on_progress(number + 1, len(moments))


def _pose(sitter: Sitter, moment: Moment) -> dict[str, float]:
    return {"yaw": sitter.yaw + moment.yaw, "pitch": sitter.pitch + moment.pitch, "roll": moment.roll}


def _table(sitter: Sitter, moments: Sequence[Moment]) -> str:
    out = io.StringIO()
    lines = csv.writer(out, lineterminator="\n")
    lines.writerow(COLUMNS)
    for number, moment in enumerate(moments):
        acting, labels = moment.acting, moment.acting.expression
        pose = _pose(sitter, moment).values()
        values = [moment.time_s, *labels.vector, labels.pspi, acting.closure, acting.blink, *pose]
        lines.writerow([number, *(f"{value:.4f}" for value in values)])
    return out.getvalue()


def _write_film(out: Path, pictures: Iterator[np.ndarray], resolution: int) -> None:
    """All of it, or nothing."""
    partial = temporary_beside(out)
    try:
        with av.open(str(partial), "w", format="mp4") as film:
            track: Any = film.add_stream("libx264", rate=FRAMES_PER_SECOND, options={"crf": QUALITY, "threads": "1"})
            track.width = track.height = resolution
            track.pix_fmt = "yuv420p"
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, FRAMES_PER_SECOND)
                film.mux(track.encode(frame))
            film.mux(track.encode())
        partial.replace(out)
    except OSError as error:
        raise storage_error(out, error) from error
    except av.error.FFmpegError as error:
        raise storage_error(out, OSError(error.errno, error.strerror)) from error
    finally:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
