"""The part of the audit that looks across rows: completeness, balance, links, one person through all frames."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from itertools import product

import numpy as np

from pain3d.data.audit_clips import LEAST_AT_APEX
from pain3d.data.audit_labels import LabelBlock
from pain3d.data.findings import Finding
from pain3d.data.manifest import MANIFEST, Manifest, ShardRecord
from pain3d.data.schema import frame_id
from pain3d.demographics import subject_id
from pain3d.facs import AU_NAMES, MAX_PSPI, pspi_of_vectors
from pain3d.streams import subject_seed

_PERSON = ("age_years", "age_band", "sex", "ethnicity", "skin_tone_mst", "ita_degrees", "seed")
_PLACE = ("light", "background")
"""What the frames of a view share even where the head moves."""
_LIDS = ("eye_closure", "blink")
_VIEW = ("yaw", "pitch", "roll", "camera", "light", "background")


class WholeDataset:
    """Takes in the labels row group by row group; then `findings` holds them against the design.

    Of a frame it keeps its id, of a subject, a view and an expression what their frames must share.
    """

    def __init__(self, manifest: Manifest) -> None:
        self._manifest = manifest
        self._files: dict[str, str] = {}
        self._splits: dict[int, str] = {}
        self._links: list[tuple[str, str]] = []
        self._cells: dict[int, tuple[str, str, str]] = {}
        self._shared: dict[tuple[object, ...], tuple[str, bytes]] = {}
        self._scores: dict[tuple[int, int], float] = {}
        self._highest: dict[tuple[int, int, int], float] = {}
        """PSPI that each clip reaches."""
        self._seeds: dict[int, int] = {}
        self._expected_seeds: dict[int, int] = {}
        self._strays: dict[int, Finding] = {}
        self._at_once: list[Finding] = []

    @property
    def subjects(self) -> int:
        """Subjects seen."""
        return len(self._splits)

    def add_broken(self, frame_id: str, shard: ShardRecord) -> None:
        """Take in that a frame is there, though its row cannot be looked at."""
        self._files[frame_id] = shard.file

    def add(self, block: LabelBlock, shard: ShardRecord) -> None:
        """Take in the rows of one row group."""
        columns, clips = block.columns, self._manifest.clips
        scores = pspi_of_vectors(block.aus)
        for i, name in enumerate(block.ids):
            number, expression, view = block.subjects[i], int(columns["expression_id"][i]), int(columns["view_id"][i])
            if name in self._files:
                self._found("duplicate", name, f"also in {self._files[name]}", shard)
                continue
            self._files[name] = shard.file
            self._links.append((name, columns["neutral_frame_id"][i]))
            stored = str(columns["split"][i])
            if self._splits.setdefault(number, stored) != stored:
                self._found("split", name, f"{stored}, but its subject is also in {self._splits[number]}", shard)
            self._cells[number] = (columns["age_band"][i], columns["sex"][i], columns["ethnicity"][i])
            self._share(("person", number), _PERSON, block, i, shard)
            if clips is None:
                self._scores[number, expression] = float(scores[i])
                self._share(("expression", number, expression), (), block, i, shard)
            else:
                self._add_moment(block, i, shard, (number, expression, view), float(scores[i]))
            if not self._manifest.made.vary_per_frame:
                self._share(("view", number, view), _VIEW if clips is None else _PLACE, block, i, shard)
            seed = int(columns["seed"][i])
            other = self._seeds.setdefault(seed, number)
            if other != number:
                self._found("seed", name, f"{seed} is also the seed of {subject_id(other)}", shard)
            if number >= 0 and number not in self._strays and seed != self._seed_of(number):
                message = f"{seed}, but seed {self._manifest.seed} of the dataset makes it {self._seed_of(number)}"
                self._strays[number] = Finding(rule="seed", where=name, message=message, file=shard.file)

    def _add_moment(
        self, block: LabelBlock, i: int, shard: ShardRecord, place: tuple[int, int, int], score: float
    ) -> None:
        """A row of a clip: its views show one performance, and its apex stands for its expression."""
        number, expression, _ = place
        index = int(block.columns["frame_index"][i])
        self._scores[number, expression] = float(block.columns["apex_PSPI"][i])
        self._share(("expression", number, expression, index), (*AU_NAMES, *_LIDS), block, i, shard)
        self._share(("clip", *place), ("apex_PSPI",), block, i, shard)
        self._highest[place] = max(score, self._highest.get(place, 0.0))

    def findings(self) -> Iterator[Finding]:
        """Everything that is wrong across rows."""
        yield from self._at_once
        for place, highest in self._highest.items():
            apex = self._scores[place[:2]]
            if highest < LEAST_AT_APEX * apex:
                message = f"PSPI {highest:g} at most, but {apex:g} at its apex"
                yield Finding(rule="apex", where=frame_id(*place), message=message)
        yield from self._foreign_seeds()
        yield from self._missing_frames()
        for name, neutral in self._links:
            if neutral not in self._files:
                message = f"its neutral partner {neutral} is not in the dataset"
                yield Finding(rule="neutral", where=name, message=message, file=self._files[name])
        yield from self._unbalanced_subjects()
        yield from self._unbalanced_levels()

    def _share(
        self, key: tuple[object, ...], names: Iterable[str], block: LabelBlock, i: int, shard: ShardRecord
    ) -> None:
        """Hold a row's values against the first row with the same key; an expression shares its AUs."""
        values = [np.asarray(block.columns[name][i]) for name in names] or [block.aus[i]]
        digest = b"|".join(value.tobytes() for value in values)
        first, expected = self._shared.setdefault(key, (block.ids[i], digest))
        if digest != expected:
            what = ", ".join(names) or "Action Units"
            self._found(str(key[0]), block.ids[i], f"{what} differ from {first}, which shows the same {key[0]}", shard)

    def _seed_of(self, number: int) -> int:
        """What the dataset's seed makes of a subject, derived once."""
        if number not in self._expected_seeds:
            self._expected_seeds[number] = subject_seed(self._manifest.seed, number)
        return self._expected_seeds[number]

    def _foreign_seeds(self) -> Iterator[Finding]:
        """The first frame of each subject whose seed is another; where all are, the manifest is the one to blame."""
        if len(self._strays) > 1 and len(self._strays) == len(self._splits):
            message = f"no subject's seed follows from {self._manifest.seed}: the manifest is not that of these frames"
            yield Finding(rule="seed", where=MANIFEST, message=message)
        else:
            yield from self._strays.values()

    def _missing_frames(self) -> Iterator[Finding]:
        design = self._manifest.made
        numbers = [int(name[1:]) for name in design.only] or range(design.subjects)
        expressions = range(design.expression_ids)
        moments = (None,) if design.clips is None else range(design.clips.frames)
        for number in numbers:
            expected = [frame_id(number, *place) for place in product(expressions, range(design.views), moments)]
            missing = [name for name in expected if name not in self._files]
            if len(missing) == len(expected):
                yield Finding(
                    rule="missing", where=subject_id(number), message=f"none of its {len(expected)} frames is there"
                )
            else:
                for name in missing:
                    yield Finding(rule="missing", where=name, message="the frame is not in the dataset")

    def _unbalanced_subjects(self) -> Iterator[Finding]:
        if self._manifest.made.only:
            return
        for place, title in enumerate(("age_band", "sex", "ethnicity")):
            counts = Counter(cell[place] for cell in self._cells.values())
            known = {"age_band": 5, "sex": 2, "ethnicity": 5}[title]
            yield from _spread("balance", title, counts, known)

    def _unbalanced_levels(self) -> Iterator[Finding]:
        design = self._manifest.made
        levels: defaultdict[int, list[float]] = defaultdict(list)
        for (number, expression), score in sorted(self._scores.items()):
            if 1 <= expression <= design.expressions:
                levels[number].append(score)
        if design.expressions <= MAX_PSPI:
            for number, scores in levels.items():
                repeated = [f"{score:g}" for score, count in Counter(scores).items() if count > 1]
                if repeated:
                    yield Finding(
                        rule="levels", where=subject_id(number), message=f"PSPI {', '.join(repeated)} more than once"
                    )
        if not design.only:
            counts = Counter(score for scores in levels.values() for score in scores)
            yield from _spread("levels", "PSPI", counts, int(MAX_PSPI))

    def _found(self, rule: str, where: str, message: str, shard: ShardRecord) -> None:
        self._at_once.append(Finding(rule=rule, where=where, message=message, file=shard.file))


def _spread(rule: str, title: str, counts: Counter, known: int) -> Iterator[Finding]:
    """Counts of all known values must lie within one of each other."""
    if not counts:
        return
    low = min(counts.values()) if len(counts) >= known else 0
    high = max(counts.values())
    if high - low > 1:
        listed = ", ".join(f"{value} {count}" for value, count in sorted(counts.items()))
        yield Finding(rule=rule, where=title, message=f"counts differ by {high - low}, at most 1 is allowed: {listed}")
