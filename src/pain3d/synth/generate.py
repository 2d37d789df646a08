"""Run a plan, shard by shard, on this machine or a cluster; stop and go on at will."""

from __future__ import annotations

import contextlib
import hashlib
import platform
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

from pain3d import __version__
from pain3d.arguments import instance_of
from pain3d.data.findings import counted, listed
from pain3d.data.manifest import (
    Design,
    Json,
    Manifest,
    ShardPlan,
    ShardRecord,
    differences,
    environment,
    read_manifest,
)
from pain3d.data.progress import (
    SKINS,
    begin,
    begin_part,
    check_output,
    finish,
    is_finished,
    only_part,
    only_run,
    recorded,
    sound_shards,
)
from pain3d.data.schema import FrameRow
from pain3d.data.writer import write_shard
from pain3d.errors import ArgumentError, DataError, OutputError
from pain3d.places import Place, location
from pain3d.render import device as render_device
from pain3d.render.backgrounds import user_backgrounds
from pain3d.skin.diffusion import folder
from pain3d.skin.looks import PROCEDURAL
from pain3d.synth.engine import Engine, Phase, Workers, asked, opened
from pain3d.synth.part import Part
from pain3d.synth.plan import PlanConfig, ShardTask, options_of, plan_shards
from pain3d.synth.rows import RowMaker, palette_of, row_order
from pain3d.synth.studio import prepare
from pain3d.synth.workers import Handler, Tick

Advance = Callable[[int, int], None]
"""(frames made, frames to make)."""
PREPARING = "preparing: kernels and head model (the first time on a machine takes up to a minute)"
_Given = TypeVar("_Given")
_Answer = TypeVar("_Answer")


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a run did."""

    out: Place
    manifest: Manifest
    """Of the finished dataset, or with the files of `part` alone."""
    part: Part | None = None
    stopped: bool = False
    """Told to stop before all was made: `manifest` names what is finished."""
    frames_made: int
    """0 when everything was there already."""
    frames_kept: int
    """Frames of shards that earlier runs finished."""
    seconds: float
    """How long it took."""
    seconds_to_first_frame: float
    """How much of that passed before the first frame was there: kernels, head model, worker processes, first skin."""
    frames_per_second: float
    """Between the first frame and the last, as the progress display counts; 0 where there are not two."""

    def text(self) -> str:
        """What was done, for people."""
        shards = counted(len(self.manifest.shards), "shard")
        total = f"{self.out}: {counted(self.manifest.frames, 'frame')} in {shards}"
        if self.stopped:
            total = f"{total}; stopped as told: run the same command again to go on"
        elif self.part is not None:
            total = f"{total} of part {self.part}; when all parts are made, run pain3d finish {self.out}"
        if not self.frames_made:
            return total if self.stopped else f"{total}; all there already, nothing done"
        kept = f", {self.frames_kept:,} kept" if self.frames_kept else ""
        made = f"{self.frames_made:,} made in {self.seconds:.1f} s"
        if self.frames_made == 1:
            return f"{total}; {made}{kept}"
        pace = f"start-up {self.seconds_to_first_frame:.1f} s, then {self.frames_per_second:.1f} frames/s"
        return f"{total}; {made} ({pace}){kept}"

    def to_json(self) -> dict[str, object]:
        """The same as plain values."""
        return {
            "out": str(self.out),
            "frames": self.manifest.frames,
            "shards": len(self.manifest.shards),
            "part": None if self.part is None else str(self.part),
            "stopped": self.stopped,
            "frames_made": self.frames_made,
            "frames_kept": self.frames_kept,
            "seconds": round(self.seconds, 3),
            "seconds_to_first_frame": round(self.seconds_to_first_frame, 3),
            "frames_per_second": round(self.frames_per_second, 3),
            "sha256": {shard.file: shard.sha256 for shard in self.manifest.shards},
        }


def generate(
    out: Place | str,
    config: PlanConfig,
    *,
    shard: str | None = None,
    engine: Engine = "local",
    address: str | None = None,
    workers: Workers = "auto",
    device: str = "cpu",
    on_progress: Advance | None = None,
    on_phase: Phase = lambda said: None,
    stop: Callable[[], bool] = lambda: False,
) -> Result:
    """Make a dataset, or go on making it where an earlier run stopped.

    The bytes do not depend on `engine`, `workers`, `shard` or interruptions.

    Args:
        out: folder of the dataset, or URL of a place in a store: new, empty, or holding a part of the same dataset.
        config: what to make.
        shard: ``i/n``: make this part of n alone, every n-th file, beside runs elsewhere that make the others in the
            same folder; `finish_dataset` then makes a dataset of them. None: all.
        engine: ``local``: processes of this machine. ``ray``: tasks of a Ray cluster, whose nodes see `out` under the
            same path; needs the extra ``cluster``.
        address: of the cluster: ``auto`` (None), the one that runs here or that RAY_ADDRESS names; ``local``, one that
            is started here and ends with the run; or ``HOST:PORT`` of its head.
        workers: processes; ``auto``: one for each core that this process may use. On Ray the most shards that are made
            at the same time; ``auto``: as many as the cluster has CPUs, or GPUs for ``cuda``.
        device: ``cpu``, or a CUDA device such as ``cuda:0``; on Ray ``cuda``, a GPU for each task.
        on_progress: called with (frames made, frames to make) after each frame; on Ray after each shard.
        on_phase: called with what begins, in words, before anything that takes long and shows no frames.
        stop: once it says so, no shard is begun any more; those in hand are finished.

    Raises:
        TypeError: if `config` is no PlanConfig.
        ArgumentError: for workers below 1, a shard that is none, an unknown device, or a cluster that is not there.
        OutputError: if `out` holds anything else, or is another folder on a node.
        WorkerError, StorageError: if a worker dies, or disk or store fails, on Ray several times; run again to go
            on.
    """
    started = time.monotonic()
    instance_of(PlanConfig, "config", config, "PlanConfig(subjects=50)")
    folder = location(out)
    tasks = {task.file: task for task in plan_shards(config)}
    plans = [ShardPlan(file=task.file, split=task.split, rows=task.rows) for task in tasks.values()]
    part = None if shard is None else Part.parse(shard)
    own = plans if part is None else part.take(plans)
    job = _Job(out=_from_root(folder), config=_found_anywhere(config), device=device)
    with opened(engine, address=address, workers=workers, device=device, on_phase=on_phase) as dispatch:
        manifest = asked(dispatch, job.manifest)
        check_output(folder, manifest)
        with _claimed(folder, manifest, plans, part) as claimed:
            pending = [tasks[plan.file] for plan in claimed]
            counter = _Counter(sum(task.rows for task in pending), on_progress)
            if pending:
                on_phase(PREPARING)
            dispatch(
                sorted(pending, key=lambda task: -task.rows),
                job.handler,
                on_tick=counter.tick,
                on_result=counter.shard,
                before=job.prepare,
                stop=stop,
            )
            unmade = {task.file for task in pending} - counter.files
            if part is None and not unmade:
                final = finish(folder, manifest, plans)
            else:
                made = [plan for plan in own if plan.file not in unmade]
                final = replace(manifest, shards=recorded(folder, made))
    return Result(
        out=folder,
        manifest=final,
        part=part,
        stopped=bool(unmade),
        frames_made=counter.frames,
        frames_kept=final.frames - counter.frames,
        seconds=time.monotonic() - started,
        seconds_to_first_frame=(counter.first_at or started) - started,
        frames_per_second=counter.rate,
    )


def finish_dataset(out: Place | str) -> Manifest:
    """Make a dataset of parts that were made one by one: check every file, write card, metadata and manifest.

    Args:
        out: the folder that the parts share.

    Raises:
        DataError: if there is no dataset, or a file is missing or damaged; it names them.
        OutputError: if a part is still being made.
        StorageError: if the disk does not take it.
    """
    folder = location(out)
    manifest = read_manifest(folder)
    if is_finished(folder):
        return manifest
    plans = [ShardPlan(file=task.file, split=task.split, rows=task.rows) for task in plan_shards(_design(manifest))]
    with only_run(folder):
        sound = sound_shards(folder, plans)
        missing = [plan.file for plan in plans if plan.file not in sound]
        if missing:
            raise DataError(
                f"{folder}: {counted(len(missing), 'file')} of {len(plans)} not made yet, or damaged: "
                f"{', '.join(missing[:5])}{', ...' if len(missing) > 5 else ''}; run their parts again"
            )
        return finish(folder, manifest, plans)


def _design(manifest: Manifest) -> PlanConfig:
    """As much of a plan as decides which files there are."""
    per_shard = int(str(manifest.configuration["subjects_per_shard"]))
    return PlanConfig(**options_of(manifest.made), subjects_per_shard=per_shard, skin=PROCEDURAL)


@contextlib.contextmanager
def _claimed(
    folder: Place, manifest: Manifest, plans: Sequence[ShardPlan], part: Part | None
) -> Iterator[tuple[ShardPlan, ...]]:
    """Hold the folder, or a part of it; gives what is to be made."""
    if part is None:
        with only_run(folder):
            yield begin(folder, manifest, plans)
        return
    own = part.take(plans)
    if is_finished(folder) and len(sound_shards(folder, own)) == len(own):
        yield ()
        return
    with only_part(folder, f"part {part.index} of {part.of}"):
        yield begin_part(folder, manifest, plans, own)


def plan_manifest(config: PlanConfig, device: str = "cpu") -> Manifest:
    """The manifest of the dataset that this configuration makes, before any shard is made."""
    return Manifest(
        design=Design(**{part.name: getattr(config, part.name) for part in fields(Design)}),
        configuration={
            "sampler": config.sampler,
            "non_pain": config.non_pain,
            "backgrounds": _fingerprints(config.backgrounds),
            "image_format": config.image_format,
            **asdict(config.looks),
            "skin": _skin(config.skin),
            "subjects_per_shard": config.shard_subjects,
        },
        seed=config.seed,
        annotations=config.annotations,
        palette=palette_of(config.looks),
        environment=environment(**_checked(render_device.environment, device)),
        pain3d_version=__version__,
    )


def _fingerprints(folder: Path | None) -> Json:
    """Names and hashes of the user's backgrounds: pixels depend on them."""
    if folder is None:
        return None
    files = _checked(user_backgrounds, folder).files
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in files}


def _checked(call: Callable[[_Given], _Answer], argument: _Given) -> _Answer:
    """What the call answers; the ValueError by which it refuses its argument becomes an ArgumentError."""
    try:
        return call(argument)
    except ValueError as error:
        raise ArgumentError(str(error)) from None


def _skin(skin: str) -> str:
    """What the manifest says of a skin: for a model its weights, wherever they lie."""
    if skin == PROCEDURAL:
        return skin
    return f"diffusion {folder.digest_of(folder.find(skin))}"


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What is done where shards are made; it travels to every worker."""

    out: Place
    config: PlanConfig
    device: str

    def manifest(self) -> Manifest:
        """As this machine would make it."""
        return plan_manifest(self.config, self.device)

    def prepare(self) -> None:
        """Hold this machine against the dataset's manifest, then make what all its workers share: each would compile
        the same kernels.

        Raises:
            OutputError: if the folder is another one here, or what is made here would differ.
        """
        here = f"{self.out}: on machine {platform.node()}"
        try:
            differing = differences(self.manifest(), read_manifest(self.out))
        except DataError as error:
            raise OutputError(f"{here} not the dataset's folder ({error}); name one that all machines share") from None
        if differing:
            raise OutputError(
                f"{here} the same plan gives other bytes, or the folder is another one ({listed(differing)}); make a "
                f"dataset on machines of one kind, with the same packages"
            )
        prepare(self.device, self.config.looks)

    def handler(self) -> Handler:
        """Makes a shard and writes it."""
        maker = RowMaker(self.config, self.device, skins=self.out / SKINS)
        return partial(_make_shard, self.out, self.config, maker)


def _from_root(folder: Place) -> Place:
    return folder.absolute() if isinstance(folder, Path) else folder


def _found_anywhere(config: PlanConfig) -> PlanConfig:
    """The same plan, its folders named from the root: a worker may stand elsewhere."""
    backgrounds = None if config.backgrounds is None else config.backgrounds.absolute()
    skin = str(Path(config.skin).absolute()) if Path(config.skin).is_dir() else config.skin
    return replace(config, backgrounds=backgrounds, skin=skin)


def _make_shard(out: Place, config: PlanConfig, maker: RowMaker, task: ShardTask, tick: Tick) -> ShardRecord:
    plan = ShardPlan(file=task.file, split=task.split, rows=task.rows)
    rows = (row for number in task.subjects for row in _in_order(_ticked(maker.subject_rows(number), tick), config))
    return write_shard(out, plan, rows, config.annotations, clips=config.clips is not None)


def _ticked(rows: Iterator[FrameRow], tick: Tick) -> Iterator[FrameRow]:
    for row in rows:
        tick()
        yield row


def _in_order(rows: Iterator[FrameRow], config: PlanConfig) -> Iterable[FrameRow]:
    """Of one subject. Clips come in the order of a shard, and are too many to be held."""
    return rows if config.clips is not None else sorted(rows, key=row_order)


class _Counter:
    """Counts frames for whoever watches."""

    def __init__(self, to_make: int, on_progress: Advance | None) -> None:
        self.to_make = to_make
        self.frames = 0
        """Of finished shards."""
        self.files: set[str] = set()
        self.first_at: float | None = None
        """When the first frame was there, on the monotonic clock."""
        self._last_at = 0.0
        self._done = self._first = 0
        self._on_progress = on_progress

    def tick(self, frames: int) -> None:
        self._done += frames
        self._last_at = time.monotonic()
        if self.first_at is None:
            self.first_at = self._last_at
            self._first = frames
        if self._on_progress is not None:
            self._on_progress(self._done, self.to_make)

    @property
    def rate(self) -> float:
        """Frames a second once the first, or the first shard's, were there."""
        if self.first_at is None or self._done == self._first:
            return 0.0
        return (self._done - self._first) / max(self._last_at - self.first_at, 0.001)

    def shard(self, record: ShardRecord) -> None:
        self.frames += record.rows
        self.files.add(record.file)
