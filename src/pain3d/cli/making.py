"""The commands that make and show datasets: words to calls, no logic."""

from __future__ import annotations

import signal
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from pain3d.cli.answers import Answer
from pain3d.console import progress, say
from pain3d.data.findings import counted
from pain3d.demographics import Ethnicity, Sex
from pain3d.errors import ArgumentError
from pain3d.interrupt import StopRequest
from pain3d.skin.looks import Looks
from pain3d.synth.engine import Engine
from pain3d.synth.plan import PRESETS, PlanConfig, PlanOptions

if TYPE_CHECKING:
    from pain3d.synth.sitter import Sitter

Preset = Literal["3dpain", "million"]
_PRESET_SETS = {
    "3dpain": ("subjects", "expressions", "views"),
    "million": ("subjects", "expressions", "views", "subjects_per_shard"),
}


@dataclass(frozen=True, kw_only=True)
class Demo:
    """Make a small dataset, check it, and show it: pictures, heatmaps, Action Units and PSPI on one page.

    Takes about a minute on two cores, and on a machine's first run another, in which the renderer is compiled.
    """

    out: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="OUT")] = "pain3d-demo"
    """Folder to make; a finished demo in it is shown again."""
    seed: int = 0
    """Seed of the dataset: another seed, other people."""
    workers: int | Literal["auto"] = "auto"
    """Processes; auto: one for each core."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        from pain3d.cli.learning import bundled_reader
        from pain3d.synth.demo import demo

        with progress("making", "frames") as advance:
            made = demo(
                self.out,
                seed=self.seed,
                workers=self.workers,
                on_progress=advance,
                on_phase=say,
                read=bundled_reader(),
            )
        return Answer(text=made.text(), data=made.to_json(), exit_code=0 if made.report.ok else 1)


@dataclass(frozen=True, kw_only=True)
class Generate:
    """Make a dataset, or go on where an earlier run stopped.

    The bytes depend on the plan alone, not on --engine, --workers or interruptions. A finished dataset is left as it
    is. Ctrl-C ends at once; SIGTERM, which job schedulers send, finishes the files in hand first. The same command goes
    on.
    """

    out: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="OUT")]
    """Folder of the dataset, or a URL such as s3://bucket/faces: new, empty, or holding a part of the same dataset."""
    preset: Preset | None = None
    """3dpain: the paper's 2,500 subjects x (1 neutral + 10 pain) x 3 views = 82,500 frames. million: 30,350 subjects,
    1,001,550 frames, in files of 25 subjects."""
    shard: str | None = None
    """i/n: make this part of n alone, as one of n runs that share OUT; then run pain3d finish OUT."""
    engine: Engine = "local"
    """local: processes of this machine. ray: tasks of a Ray cluster, whose nodes see OUT under the same path; needs
    pip install 'pain3d[cluster]'."""
    address: str | None = None
    """Of the Ray cluster. auto, as without it: the one that runs here or that RAY_ADDRESS names. local: one that is
    started here and ends with the run. HOST:PORT: of its head."""
    workers: int | Literal["auto"] = "auto"
    """Processes; auto: one for each core. On Ray: shards that are made at the same time; auto: one for each CPU of the
    cluster, or GPU."""
    device: str = "cpu"
    """What to render on: cpu, or a CUDA device such as cuda:0. On Ray: cpu, or cuda, a GPU for each task."""
    plan: tyro.conf.OmitArgPrefixes[PlanOptions] = field(default_factory=PlanOptions)
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, words: Sequence[str]) -> Answer:
        from pain3d.synth.generate import generate

        config = _plan_config(self.plan, self.preset, words)
        with progress("making", "frames") as advance, StopRequest(signal.SIGTERM) as request:
            result = generate(
                self.out,
                config,
                shard=self.shard,
                engine=self.engine,
                address=self.address,
                workers=self.workers,
                device=self.device,
                on_progress=advance,
                on_phase=say,
                stop=lambda: request.asked,
            )
        return Answer(text=result.text(), data=result.to_json())


@dataclass(frozen=True, kw_only=True)
class Finish:
    """Make a dataset of parts (generate --shard i/n): check that all files are there and whole, write the manifest.

    A finished dataset is left as it is.
    """

    out: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="OUT")]
    """Folder, or URL, that the parts share."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        from pain3d.synth.generate import finish_dataset

        made = finish_dataset(self.out)
        text = f"{self.out}: {counted(made.frames, 'frame')} in {counted(len(made.shards), 'shard')}, finished"
        return Answer(text=text, data={"out": str(self.out), "frames": made.frames, "shards": len(made.shards)})


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Show what a dataset would hold, and how evenly, without making it."""

    preset: Preset | None = None
    """3dpain: the paper's 2,500 subjects x (1 neutral + 10 pain) x 3 views = 82,500 frames. million: 30,350 subjects,
    1,001,550 frames, in files of 25 subjects."""
    cost: bool = False
    """Make some frames, keep none, and tell core-hours and bytes of the whole; half a minute."""
    plan: tyro.conf.OmitArgPrefixes[PlanOptions] = field(default_factory=PlanOptions)
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, words: Sequence[str]) -> Answer:
        from pain3d.synth.balance import balance_of_plan

        config = _plan_config(self.plan, self.preset, words)
        balance = balance_of_plan(config)
        if not self.cost:
            return Answer(text=balance.text(), data=balance.to_json())
        from pain3d.synth.cost import cost_of_plan

        say("making some frames, to measure what they cost")
        cost = cost_of_plan(config)
        return Answer(text=f"{balance.text()}\n{cost.text()}", data={**balance.to_json(), "cost": cost.to_json()})


@dataclass(frozen=True, kw_only=True)
class Audit:
    """Check a dataset: files, hashes, schema, labels, pictures, balance.

    Exit status 1, and a list, when anything is wrong.
    """

    out: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="OUT")]
    """Folder of the dataset, or its URL."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        from pain3d.data.audit import audit

        with progress("checking", "frames") as advance:
            report = audit(self.out, progress=advance)
        lines = [*(str(finding) for finding in report.findings), f"{counted(report.frames, 'frame')}: {report.verdict}"]
        return Answer(text="\n".join(lines), data=report.to_json(), exit_code=0 if report.ok else 1)


@dataclass(frozen=True, kw_only=True)
class Show:
    """Draw a contact sheet of a dataset, or write a page to browse all of it.

    The sheet shows neutral and pain side by side, heatmap, Action Units, PSPI. The page (--html) opens from disk and
    shows every frame, with filters, heatmaps, distributions, balance and the audit's result.
    """

    out: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="OUT")]
    """Folder of the dataset, or its URL."""
    subject: str | None = None
    """Show every expression of this subject, as in s00042; without it: some of each of several subjects."""
    html: bool = False
    """Write the page instead of the sheet: one file up to 2000 frames, a folder above. Some 150 frames/s at 512 px."""
    audit: bool = True
    """With --html: whether the dataset is checked first, which is 1.4 times the work of the page; if not, the page says
    so."""
    to: Path | None = None
    """PNG file to write; OUT/preview/contact_sheet.png, or OUT/preview/s00042.png, without it. With --html: folder to
    write, OUT/preview/browse without it; an older page in it is replaced."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        if self.html:
            return self._page()
        from pain3d.synth.sheet import show

        path = show(self.out, subject=self.subject, to=self.to)
        return Answer(text=f"wrote {path}", data={"contact_sheet": str(path)})

    def _page(self) -> Answer:
        from pain3d.data.audit import audit
        from pain3d.synth.browse.page import page_folder, write_dataset_page

        if self.subject is not None:
            raise ArgumentError(
                f"subject: {self.subject} is given beside --html, whose page holds all subjects and finds them by "
                f"name; leave out one of the two"
            )
        page_folder(self.out, self.to)  # refuses now what would fail after the audit
        report = None
        if self.audit:
            with progress("checking", "frames") as advance:
                report = audit(self.out, progress=advance)
        with progress("drawing", "frames") as advance:
            path = write_dataset_page(self.out, to=self.to, report=report, on_progress=advance)
        verdict = "" if report is None else f"\naudit: {counted(report.frames, 'frame')}, {report.verdict}"
        return Answer(
            text=f"wrote {path}{verdict}",
            data={"page": str(path), "audit": None if report is None else report.to_json()},
            exit_code=0 if report is None or report.ok else 1,
        )


@dataclass(frozen=True, kw_only=True)
class _Sitting(Looks):
    """What commands that make one face have in common: as typed, unchecked. `sitter` is the same, checked."""

    aus: str = ""
    """Action Units and intensities 0..5 (AU43: 0 or 1), as in "AU4=3,AU6=2,AU43=1"; neutral without."""
    seed: int = 0
    """Who: another seed, another person."""
    age_years: int | None = None
    """18..95; drawn from the seed without."""
    sex: Sex | None = None
    """Drawn from the seed without."""
    ethnicity: Ethnicity | None = None
    """Appearance group; drawn from the seed without."""
    yaw: float = 0.0
    """Degrees, positive to the subject's own left."""
    pitch: float = 0.0
    """Degrees, positive up."""
    light: str | None = None
    """Light recipe; the subject's own without."""
    background: str | None = None
    """Background recipe; the subject's own without."""
    resolution: int = 512
    """Width and height of the pictures, pixels."""

    def __post_init__(self) -> None:
        """Leave the checks of `Looks` to `sitter`: what is raised here would be taken for a fault of the parser's."""

    @property
    def sitter(self) -> Sitter:
        """The same, checked."""
        from pain3d.synth.sitter import Sitter

        asked = {part.name: getattr(self, part.name) for part in fields(Sitter) if part.name != "looks"}
        return Sitter(**asked, looks=Looks.of(self))


@dataclass(frozen=True, kw_only=True)
class Face(_Sitting):
    """Make one face with the Action Units of your choice: picture, heatmap, segmentation, and labels as JSON.

    The pictures lie side by side: OUT.png, OUT.heatmap.png, OUT.segmentation.png, OUT.json.
    """

    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT.png")]
    """PNG file to write; an older one is replaced."""
    json: bool = False
    """Print the labels as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        from pain3d.synth.face_files import write_face

        made = write_face(self.out, self.sitter, on_phase=say)
        return Answer(text=made.text(), data=made.labels)


@dataclass(frozen=True, kw_only=True)
class Clip(_Sitting):
    """Film one face: from rest over an expression back to rest, 25 frames a second, with labels for every frame.

    Beside the film lie OUT.csv (Action Units, PSPI, lids and pose of every frame) and OUT.json.
    """

    out: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="OUT.mp4")]
    """MP4 file to write; an older one is replaced."""
    seconds: float = 4.0
    """Length of the film, 2..60."""
    take: int = 0
    """Another number, another timing of the same expression."""
    json: bool = False
    """Print the result as JSON, and nothing else, on standard output."""

    def run(self, _: Sequence[str]) -> Answer:
        from pain3d.synth.clip import write_clip

        with progress("filming", "frames") as advance:
            made = write_clip(
                self.out, self.sitter, seconds=self.seconds, take=self.take, on_progress=advance, on_phase=say
            )
        return Answer(text=made.text(), data=made.to_json())


def _plan_config(options: PlanOptions, preset: Preset | None, words: Sequence[str]) -> PlanConfig:
    if preset is None:
        return PlanConfig(**vars(options))
    whole = vars(PRESETS[preset])
    for name in _PRESET_SETS[preset]:
        flag = f"--{name.replace('_', '-')}"
        if any(word == flag or word.startswith(f"{flag}=") for word in words):
            raise ArgumentError(
                f"{name}: given beside --preset {preset}, which sets it to {whole[name]}; leave out one of the two"
            )
    return PlanConfig(**{**vars(options), **{name: whole[name] for name in _PRESET_SETS[preset]}})
