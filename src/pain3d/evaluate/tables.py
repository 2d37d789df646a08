"""A report's figures as sections of words and tables; as Markdown and as the lines of the command line.

Nothing is computed here.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pain3d.evaluate.groups import GROUP_NAMES

Json = Mapping[str, Any]
"""As `figures.figures_of` makes it: figures are {"value", "low", "high", "reason"}."""

_HEADLINE = {"mae": "MAE", "rmse": "RMSE", "pcc": "PCC", "icc31": "ICC(3,1)", "icc21": "ICC(2,1)", "kappa": "kappa"}
_BINARY = {
    "auroc": "AUROC",
    "auprc": "AUPRC",
    "f1": "F1",
    "precision": "precision",
    "recall": "recall",
    "specificity": "specificity",
    "ece": "ECE",
}
_NAMES = {"mae": "MAE", "pcc": "PCC", "auroc1": "AUROC@1", "icc31": "ICC(3,1)", "auroc": "AUROC", "auprc": "AUPRC"} | {
    "f1": "F1",
    "sd_between_views": "standard deviation between views, PSPI",
    "range_over_views": "largest less smallest, PSPI",
    "icc_of_views": "ICC(1,1) of the views",
}
_OTHERS = {
    "mean predictor": "the mean PSPI of the training frames for every frame",
    "always positive": "16 for every frame, so that every one counts as pain",
    "geometry oracle": "ridge regression on the 68 true landmarks and the true head pose, alone or beside the "
    "subject's neutral face from another or the same view; it reads labels that no model gets, and says how much PSPI "
    "shows in the geometry",
}
"""What the rows below the model's are."""

_STABILITY = "Stability over the views of one expression"

NOT_TOLD = "the dataset does not tell it"


@dataclass(frozen=True, kw_only=True)
class Table:
    """Cells as text, `shown` already."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]

    def markdown(self) -> str:
        """A pipe table."""
        lines = [f"| {' | '.join(self.head)} |", f"|{'---|' * len(self.head)}"]
        return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in self.rows)])


@dataclass(frozen=True, kw_only=True)
class Section:
    """Words and tables under a heading."""

    title: str
    before: str = ""
    tables: tuple[Table, ...] = ()
    after: str = ""

    def markdown(self) -> str:
        """With a heading of the second level."""
        parts = (f"## {self.title}", self.before, *(table.markdown() for table in self.tables), self.after)
        return "\n\n".join(part for part in parts if part)


_FIGURE = ("value", "low", "high")


def shown(figure: Json, digits: int = 3) -> str:
    """``0.951 [0.940, 0.960]``; ``n/a: reason`` for what cannot be computed."""
    if figure["value"] is None:
        return f"n/a: {figure['reason']}"
    # Adding 0 after rounding turns -0.000 into 0.000.
    value, low, high = (None if figure[key] is None else round(figure[key], digits) + 0.0 for key in _FIGURE)
    return (
        f"{value:.{digits}f}"
        if low is None or high is None
        else f"{value:.{digits}f} [{low:.{digits}f}, {high:.{digits}f}]"
    )


def plus_minus(figure: Json) -> str:
    """``0.460 ± 0.060``, or the mean alone where the published definition gives no interval."""
    half = figure["half_width"]
    return f"{figure['mean']:.3f}" if half is None else f"{figure['mean']:.3f} ± {half:.3f}"


def markdown(data: Json) -> str:
    """All tables of a report."""
    parts = [f"# {data['title']}\n\n{about(data)}", *(section.markdown() for section in sections(data))]
    return "\n\n".join(parts) + "\n"


def sections(data: Json) -> list[Section]:
    """All tables of a report, in order."""
    return [
        _headline(data),
        _thresholds(data),
        _aus(data["aus"]),
        _groups(data["groups"]),
        _named_faces(data["distractors"], "Distractors: share of frames without pain that are called PSPI >= t"),
        _named_faces(
            data["confounds"], "Confounds: faces that share Action Units with pain, and have PSPI by its formula"
        ),
        _neutral(data["neutral"]),
        _stability(data["stability"]),
        _coverage(data["coverage"]),
        _prevalence(data["prevalence"]),
    ]


def text(data: Json) -> str:
    """What the command line says: the headline, the thresholds, and where the rest stands."""
    lines = [data["title"], _plain(about(data)), ""]
    lines += [f"  {label:<10}{shown(data['headline'][name])}" for name, label in _HEADLINE.items()]
    lines += [
        f"  AUROC@{t:<4}{shown(row['auroc'])}   F1 {shown(row['f1'])}" for t, row in sorted(data["thresholds"].items())
    ]
    coverage = data["coverage"]["overall"]
    lines += [f"  {'coverage':<10}{shown(coverage)} of the {100 * data['coverage']['nominal']:.0f} % intervals"]
    return "\n".join([*lines, "", _plain(caution(data))])


def about(data: Json) -> str:
    """Which frames, which neutral reference, where thresholds come from."""
    where = f"{data['frames']:,} frames of {data['subjects']:,} subjects ({data['split'] or 'all splits'})"
    neutral = {
        "none": "without a neutral reference",
        "other_view": "neutral reference: a seeded frame of the subject from another view",
        "same_view": "ORACLE ROW: neutral reference of the same view, aligned to the pixel; not a headline figure",
        "reference": "neutral reference: the frame that the dataset names for the subject, left out of the figures",
    }[data["neutral_policy"]]
    return (
        f"{where}; {neutral}. Thresholds, probabilities and intervals: {data['calibration']}. In brackets: "
        f"95 % intervals, {data['bootstrap']:,} bootstrap draws of subjects."
    )


def caution(data: Json) -> str:
    """What the figures are not."""
    faces = "Synthetic faces, no clinical evidence; " if data["synthetic"] else ""
    return f"{faces}PSPI is observer-coded facial expression, not felt pain. Not a medical device."


def _plain(words: str) -> str:
    return words.replace("**", "")


def _headline(data: Json) -> Section:
    rows = {data["name"]: data["headline"], **data["baselines"]}
    table = _table(
        ["", *_HEADLINE.values(), "AUROC@1"],
        ([name, *(shown(row[key]) for key in (*_HEADLINE, "auroc1"))] for name, row in rows.items()),
    )
    others = [f"*{kind}*: {words}." for kind, words in _OTHERS.items() if any(name.startswith(kind) for name in rows)]
    after = " ".join(["The rows below the model's look at no picture." if others else "", *others])
    after = f"{after} @1: PSPI >= 1 against 0."
    return Section(title="Headline", tables=(table,), after=f"{after.strip()}\n\n{caution(data)}")


def _thresholds(data: Json) -> Section:
    body = ([t, *(shown(row[key]) for key in _BINARY)] for t, row in data["thresholds"].items())
    shares = ", ".join(f"{100 * share:.0f} % have PSPI >= {t}" for t, share in data["with_pain"].items())
    words = (
        f"Of these frames {shares}. AUROC and AUPRC rank by the predicted PSPI; the rest is of the decision at the "
        f"calibrated threshold, and ECE of the calibrated probability."
    )
    return Section(title="By threshold", before=words, tables=(_table(["PSPI >=", *_BINARY.values()], body),))


def _stability(rows: Json) -> Section:
    words = (
        "Readings of the same face with the same expression from several sides; 0, 0 and 1 would be the same from all."
    )
    reasons = {figure["reason"] for figure in rows.values() if figure["value"] is None}
    if len(reasons) == 1 and all(figure["value"] is None for figure in rows.values()):
        return Section(title=_STABILITY, before=f"n/a: {reasons.pop()}")
    table = _table(["", "value"], ([_named(key), shown(figure)] for key, figure in rows.items()))
    return Section(title=_STABILITY, before=words, tables=(table,))


def _named(key: str) -> str:
    return _NAMES[key] if key in _NAMES else key.replace("_", " ")


def _aus(aus: Json) -> Section:
    keys = list(dict.fromkeys(key for row in aus.values() for key in row))
    body = ([name, *(shown(row[key]) if key in row else "" for key in keys)] for name, row in aus.items())
    words = "MAE in intensities 0..5; AU43 (eyes closed) is a probability, and closed from 0.5 on."
    return Section(title="By Action Unit", before=words, tables=(_table(["", *map(_named, keys)], body),))


def _groups(groups: Json) -> Section:
    if not groups:
        return Section(title="By group", before=f"n/a: {NOT_TOLD}: {', '.join(GROUP_NAMES.values())}")
    words = (
        "A worst gap is the distance between the best and the worst group. It is never 0, and wide where groups are "
        "small: hold it against the gap that shuffled group labels stay below in 95 of 100 draws."
    )
    found = []
    for group, block in groups.items():
        keys = list(next(iter(block["rows"].values())))
        body = [[name, *(shown(row[key]) for key in keys)] for name, row in block["rows"].items()]
        body.append(["**worst gap**", *(shown(block["worst_gap"][key]) for key in keys)])
        chance = (block["chance_gap"][key] for key in keys)
        body.append(["gap under shuffled labels, 95 %", *("n/a" if gap is None else f"{gap:.3f}" for gap in chance)])
        found.append(_table([GROUP_NAMES[group], *map(_named, keys)], body))
    absent = [name for group, name in GROUP_NAMES.items() if group not in groups]
    after = f"n/a: {NOT_TOLD}: {', '.join(absent)}" if absent else ""
    return Section(title="By group", before=words, tables=tuple(found), after=after)


def _named_faces(block: Json, title: str) -> Section:
    if block["reason"] is not None:
        return Section(title=title, before=f"n/a: {block['reason']}")
    return Section(title=title, tables=(_keyed("", block["rows"]),))


def _neutral(block: Json) -> Section:
    title = "Neutral faces: specificity (share not called PSPI >= t)"
    if not block:
        return Section(title=title, before="n/a: the dataset marks no frames as neutral, or tells no groups")
    found = tuple(_keyed(GROUP_NAMES[group], rows) for group, rows in block.items())
    return Section(title=title, tables=found)


def _coverage(block: Json) -> Section:
    body = [["all", shown(block["overall"])]]
    body += [
        [f"{GROUP_NAMES[g]}: {name}", shown(row)] for g, rows in block["groups"].items() for name, row in rows.items()
    ]
    body.append(["mean width, PSPI", shown(block["width"], 2)])
    title = f"Coverage of the {100 * block['nominal']:.0f} % interval"
    words = "The interval is fitted on validation subjects; with fewer than nine of them it is the whole scale, 0..16."
    return Section(title=title, before=words, tables=(_table(["", "coverage"], body),))


def _prevalence(block: Json) -> Section:
    title = f"At a clinical prevalence: {100 * block['share']:.1f} % of frames with PSPI > 0, as in UNBC-McMaster"
    words = "Frames are weighted, and the thresholds stay as they are."
    if block["reason"] is not None:
        return Section(title=title, before=f"{words}\n\nn/a: {block['reason']}")
    found = tuple(_keyed(f"PSPI >= {t}", rows) for t, rows in block["rows"].items())
    return Section(title=title, before=words, tables=found)


def _keyed(corner: str, rows: Json) -> Table:
    """A row for each name, a column for each key of the first."""
    keys = list(next(iter(rows.values())))
    body = ([name, *(shown(row[key]) for key in keys)] for name, row in rows.items())
    return _table([corner, *map(_named, keys)], body)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    return Table(head=tuple(head), rows=tuple(tuple(row) for row in rows))
