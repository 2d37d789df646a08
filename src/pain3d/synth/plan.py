"""What will be made: a pure function from a configuration to subjects, frames and shards. Nothing is rendered here.

A frame depends on the seed of the dataset, its subject, expression and view and on the configuration, never on how many
subjects were asked for, so that shards can be made anywhere, in any order.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from numbers import Real
from pathlib import Path
from typing import Any, Literal, final

from pain3d.arguments import instance_of, whole_number
from pain3d.data.clips import FRAMES_PER_SECOND, SECONDS, SEQUENCES, Clips, SequenceKind
from pain3d.data.images import IMAGE_FORMATS, ImageFormat
from pain3d.data.manifest import Design, shard_file
from pain3d.data.schema import Annotation, checked_annotations, frame_id
from pain3d.demographics import SPLITS, Cell, Split, age_range, cell_of, split_of, subject_id
from pain3d.errors import ArgumentError
from pain3d.expressions import (
    SAMPLERS,
    Sampler,
    confound_name,
    distractor_name,
    pain_level,
    sample_confound,
    sample_distractor,
    sample_pain,
)
from pain3d.facs import Expression
from pain3d.skin.looks import Looks
from pain3d.streams import MAX_SEED, stream, subject_seed

Kind = Literal["neutral", "pain", "distractor", "confound"]

MAX_SUBJECTS = 100_000
MAX_VIEWS = 3
MAX_EXPRESSIONS = 99
"""Expression ids have two digits."""
RESOLUTIONS = (32, 2048)


@dataclass(frozen=True, kw_only=True)
class PlanOptions(Looks):
    """What a dataset is to hold, and how its subjects look."""

    # As asked for, unchecked: the command line is derived from it. `PlanConfig` is the same, checked.

    subjects: int = 50
    """Synthetic people; 50 fill every cell of age, sex and appearance group once."""
    expressions: int = 10
    """Pain expressions of each subject, beside the neutral one."""
    views: int = 3
    """1: frontal; 2: also turned left; 3: also turned right."""
    distractors: int = 0
    """Expressions of each subject with PSPI 0 that are not neutral: smile, speech, yawn, ..."""
    confounds: int = 0
    """Expressions of each subject that share units with pain: Duchenne smile, disgust. PSPI by the formula, never 0."""
    seed: int = 0
    """Seed of the dataset."""
    resolution: int = 512
    """Width and height of the pictures, pixels."""
    sampler: Sampler = "cooccurrence"
    """How AU vectors are weighted within a PSPI level."""
    non_pain: float = 0.5
    """Share of pain frames, 0..1, that one to three other units join."""
    vary_per_frame: bool = False
    """Draw pose, light and background afresh for every frame, or clip, instead of once per subject and view."""
    sequence: SequenceKind | None = None
    """Make each expression and view a clip of 25 frames/s instead of one picture. onset-apex-offset: from rest over the
    expression back to rest; each row knows its clip and time."""
    seconds: float | None = None
    """Length of each clip, 2..10; 4 if left out. Goes with --sequence."""
    backgrounds: Path | None = None
    """Folder of pictures to stand behind the heads; painted backgrounds without it."""
    annotations: tuple[Annotation, ...] = ()
    """Pictures beyond image, heatmap and segmentation."""
    image_format: ImageFormat = "jpeg"
    """jpeg: quality 95, 4:4:4; webp: quality 95; png and webp-lossless: exact."""
    subjects_per_shard: int | None = None
    """Subjects in one Parquet file, the unit of work and of resume. Left out: 5, or 1 where each makes clips."""
    only: tuple[str, ...] = ()
    """Make exactly these subjects of the plan, as in s00007; empty: all."""

    def __post_init__(self) -> None:
        """Leave the checks of `Looks` to `PlanConfig`: here they would seem faults of the parser's."""


@final
@dataclass(frozen=True, kw_only=True)
class PlanConfig(PlanOptions):
    """Everything that decides what a dataset holds. Contradictions are refused at once, with an `ArgumentError`.

    A value of the wrong kind, such as ``subjects=2.5``, is a `TypeError`.
    """

    def __post_init__(self) -> None:
        Looks.__post_init__(self)
        whole = {
            "subjects": (1, MAX_SUBJECTS),
            "expressions": (0, MAX_EXPRESSIONS),
            "views": (1, MAX_VIEWS),
            "distractors": (0, MAX_EXPRESSIONS),
            "confounds": (0, MAX_EXPRESSIONS),
            "seed": (0, MAX_SEED),
            "resolution": RESOLUTIONS,
            "subjects_per_shard": (1, MAX_SUBJECTS),
        }
        self._fill_in()
        values = vars(self)
        for name, (low, high) in whole.items():
            object.__setattr__(self, name, whole_number(name, values[name], _EXAMPLES[name]))
            if not low <= values[name] <= high:
                raise ArgumentError(f"{name}: {values[name]} is outside {low}..{high}; {_WAY_OUT[name]}")
        if self.expression_ids > MAX_EXPRESSIONS + 1:
            raise ArgumentError(
                f"expressions + distractors + confounds: {self.expression_ids - 1} is above {MAX_EXPRESSIONS}, "
                f"the largest two-digit expression id; ask for fewer of them"
            )
        if not isinstance(self.non_pain, Real):
            raise TypeError(f"non_pain: {self.non_pain!r} is not a number; give a share such as 0.5")
        if not 0.0 <= self.non_pain <= 1.0:
            raise ArgumentError(f"non_pain: {self.non_pain:g} is outside 0..1; give a share such as 0.5")
        instance_of(bool, "vary_per_frame", self.vary_per_frame, "True")
        for name, value, choices in (
            ("sampler", self.sampler, SAMPLERS),
            ("image_format", self.image_format, IMAGE_FORMATS),
        ):
            if value not in choices:
                raise ArgumentError(f"{name}: {value!r} is unknown; choose one of {', '.join(choices)}")
        for name in ("annotations", "only"):
            if isinstance(values[name], str):
                raise TypeError(f"{name}: {values[name]!r} is one string; write a tuple, {name}=({values[name]!r},)")
        if self.backgrounds is not None:
            object.__setattr__(self, "backgrounds", Path(self.backgrounds))
        if self.backgrounds is not None and not self.backgrounds.is_dir():
            raise ArgumentError(f"backgrounds: {self.backgrounds} is no folder; give a folder of JPEG or PNG pictures")
        object.__setattr__(self, "annotations", checked_annotations(self.annotations))
        if "wrinkles" in self.annotations and not self.wrinkles:
            raise ArgumentError(
                "annotations: wrinkles are asked for, but wrinkles is False: all of them would be 0; "
                "set wrinkles=True, or leave the annotation out"
            )
        object.__setattr__(self, "only", tuple(sorted({subject_id(self._number(text)) for text in self.only})))

    def _fill_in(self) -> None:
        """What follows from whether there are clips, checked."""
        if self.subjects_per_shard is None:
            object.__setattr__(self, "subjects_per_shard", _PER_SHARD if self.sequence is None else 1)
        if self.sequence is None:
            if self.seconds is not None:
                raise ArgumentError(
                    f"seconds: {self.seconds} is given, but pictures last no time; ask for clips with "
                    f"sequence {SEQUENCES[0]}, or leave it out"
                )
            return
        if self.sequence not in SEQUENCES:
            raise ArgumentError(f"sequence: {self.sequence!r} is unknown; choose one of {', '.join(SEQUENCES)}")
        seconds = _SECONDS if self.seconds is None else self.seconds
        if isinstance(seconds, bool) or not isinstance(seconds, Real):
            raise TypeError(f"seconds: {seconds!r} is not a number; write for example seconds={_SECONDS:g}")
        low, high = SECONDS
        if not low <= seconds <= high:
            raise ArgumentError(f"seconds: {seconds:g} is outside {low:g}..{high:g}; try {_SECONDS:g}")
        object.__setattr__(self, "seconds", float(seconds))

    def _number(self, text: str) -> int:
        number = subject_number(text, argument="only")
        if number >= self.subjects:
            raise ArgumentError(
                f"only: {text} is not in the plan, which ends with {subject_id(self.subjects - 1)}; "
                f"raise subjects, or name another"
            )
        return number

    @property
    def looks(self) -> Looks:
        """How the subjects' surfaces are made."""
        return Looks.of(self)

    @property
    def expression_ids(self) -> int:
        """Expressions of each subject, the neutral one included."""
        return 1 + self.expressions + self.distractors + self.confounds

    @property
    def clips(self) -> Clips | None:
        """What each expression in each view is a clip of; None: one picture."""
        if self.sequence is None or self.seconds is None:
            return None
        return Clips(sequence=self.sequence, seconds=self.seconds, frames_per_second=FRAMES_PER_SECOND)

    @property
    def shard_subjects(self) -> int:
        """Subjects in one file, the last of a split apart."""
        assert self.subjects_per_shard is not None  # filled in when it was made
        return self.subjects_per_shard

    @property
    def frames_per_subject(self) -> int:
        """Expressions times views, times the frames of a clip."""
        return self.expression_ids * self.views * (1 if self.clips is None else self.clips.frames)

    @property
    def subject_numbers(self) -> tuple[int, ...]:
        """Numbers of the subjects to make, increasing."""
        if self.only:
            return tuple(subject_number(text, argument="only") for text in self.only)
        return tuple(range(self.subjects))

    @property
    def frames(self) -> int:
        """Rows of the dataset."""
        return len(self.subject_numbers) * self.frames_per_subject


def options_of(design: Design) -> dict[str, Any]:
    """Options of a plan, by name, that the design in a manifest stands for."""
    options = {name: value for name, value in vars(design).items() if name != "clips"}
    clips = design.clips
    return {**options, "sequence": clips and clips.sequence, "seconds": clips and clips.seconds}


_PER_SHARD = 5
_SECONDS = 4.0
_EXAMPLES = {**{name: str(value) for name, value in vars(PlanOptions()).items()}, "subjects_per_shard": str(_PER_SHARD)}
"""Values that are right: the defaults."""

_WAY_OUT = {
    "subjects": "ask for 50 or a multiple, and every cell of age, sex and appearance group is filled alike",
    "expressions": "the paper uses 10",
    "views": "1 is frontal, 2 adds a left turn, 3 a right turn",
    "distractors": "0 makes none, 2 makes two smiles, yawns and the like for each subject",
    "confounds": "0 makes none, 2 makes a Duchenne smile and disgust for each subject",
    "seed": "give a whole number that is not negative",
    "resolution": "give pixels along one side; the paper uses 512",
    "subjects_per_shard": "5 is the default",
}

PRESETS: dict[str, PlanConfig] = {
    "3dpain": PlanConfig(subjects=2500, expressions=10, views=3),
    "million": PlanConfig(subjects=30_350, expressions=10, views=3, subjects_per_shard=25),
}
"""``3dpain``: the paper's 2,500 subjects x (1 neutral + 10 pain) x 3 views = 82,500 frames. ``million``: 1,001,550."""

_SUBJECT_ID = re.compile(r"s(\d{5,})")


def subject_number(text: str, *, argument: str) -> int:
    """Number of the subject that is called `text`.

    Raises:
        ArgumentError: naming `argument`, if the text is no subject id.
    """
    match = _SUBJECT_ID.fullmatch(text)
    if match is None:
        raise ArgumentError(f"{argument}: {text!r} is no subject id; one reads like s00042")
    return int(match[1])


@dataclass(frozen=True, kw_only=True)
class SubjectPlan:
    """Who one subject is to be."""

    number: int
    seed: int
    """Seed of the subject and of all its frames; the `seed` column."""
    split: Split
    cell: Cell
    age_years: int

    @property
    def subject_id(self) -> str:
        """``s00042`` for number 42."""
        return subject_id(self.number)


@dataclass(frozen=True, kw_only=True)
class FramePlan:
    """One row to make, or one clip: who, doing what, seen how."""

    subject: SubjectPlan
    expression_id: int
    kind: Kind
    expression: Expression
    """Of a clip: at its apex."""
    view_id: int

    @property
    def frame_id(self) -> str:
        """As in ``s00042-e07-v1``; of a clip: its sequence_id."""
        return frame_id(self.subject.number, self.expression_id, self.view_id)


@dataclass(frozen=True, kw_only=True)
class ShardTask:
    """One Parquet file to make: some subjects of one split."""

    file: str
    """Relative to the dataset, as in ``data/train-00000-of-00012.parquet``."""
    split: Split
    subjects: tuple[int, ...]
    rows: int


def plan_subject(number: int, seed: int) -> SubjectPlan:
    """Who subject `number` of the dataset with this seed is."""
    own_seed = subject_seed(seed, number)
    cell = cell_of(number)
    youngest, oldest = age_range(cell.age_band)
    return SubjectPlan(
        number=number,
        seed=own_seed,
        split=split_of(number),
        cell=cell,
        age_years=int(stream(own_seed, "age").integers(youngest, oldest + 1)),
    )


def kind_of(expression_id: int, config: PlanConfig | Design) -> Kind:
    """What an expression id stands for: neutral first, then pain, distractors, confounds."""
    if expression_id == 0:
        return "neutral"
    if expression_id <= config.expressions:
        return "pain"
    return "distractor" if expression_id <= config.expressions + config.distractors else "confound"


def plan_expression(subject: SubjectPlan, expression_id: int, config: PlanConfig) -> Expression:
    """What the subject's face does in this expression."""
    rng = stream(subject.seed, "expression", expression_id)
    match kind_of(expression_id, config):
        case "neutral":
            return Expression()
        case "pain":
            level = pain_level(subject.number, expression_id, expressions=config.expressions, seed=config.seed)
            return sample_pain(rng, level, sampler=config.sampler, non_pain=config.non_pain)
        case "distractor":
            slot = expression_id - config.expressions - 1
            name = distractor_name(subject.number, slot, distractors=config.distractors, seed=config.seed)
            return sample_distractor(rng, name)
        case "confound":
            slot = expression_id - config.expressions - config.distractors - 1
            name = confound_name(subject.number, slot, confounds=config.confounds, seed=config.seed)
            return sample_confound(rng, name)


def plan_frames(number: int, config: PlanConfig) -> Iterator[FramePlan]:
    """The frames, or clips, of one subject: expression by expression, and view by view within each."""
    subject = plan_subject(number, config.seed)
    for expression_id in range(config.expression_ids):
        expression = plan_expression(subject, expression_id, config)
        for view_id in range(config.views):
            yield FramePlan(
                subject=subject,
                expression_id=expression_id,
                kind=kind_of(expression_id, config),
                expression=expression,
                view_id=view_id,
            )


def plan_shards(config: PlanConfig) -> tuple[ShardTask, ...]:
    """The files of the dataset: splits in the order train, val, test, subjects increasing in each."""
    shards: list[ShardTask] = []
    for split in SPLITS:
        members = [number for number in config.subject_numbers if split_of(number) == split]
        groups = [
            tuple(members[first : first + config.shard_subjects])
            for first in range(0, len(members), config.shard_subjects)
        ]
        shards += [
            ShardTask(
                file=shard_file(split, index, len(groups)),
                split=split,
                subjects=group,
                rows=len(group) * config.frames_per_subject,
            )
            for index, group in enumerate(groups)
        ]
    return tuple(shards)
