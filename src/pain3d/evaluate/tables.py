"""A report's figures as Markdown tables and as the lines of the command line; nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

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
_GROUPS = {"age_band": "age", "sex": "sex", "ethnicity": "appearance group", "monk_third": "Monk skin tone"}


def shown(figure: Json, digits: int = 3) -> str:
    """``0.951 [0.940, 0.960]``; ``n/a: reason`` for what cannot be computed."""
    if figure["value"] is None:
        return f"n/a: {figure['reason']}"
    text = f"{figure['value']:.{digits}f}"
    if figure["low"] is None or figure["high"] is None:
        return text
    return f"{text} [{figure['low']:.{digits}f}, {figure['high']:.{digits}f}]"


def markdown(data: Json) -> str:
    """All tables of a report."""
    parts = [
        f"# {data['title']}\n\n{_about(data)}",
        _headline(data),
        _section("By threshold", "PSPI >=", _BINARY, data["thresholds"]),
        _aus(data["aus"]),
        _groups(data),
        _distractors(data["distractors"]),
        _neutral(data["neutral"]),
        _section("Stability over the views of one expression", "", _names(data["stability"]), {"": data["stability"]}),
        _coverage(data["coverage"]),
        _prevalence(data["prevalence"]),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def text(data: Json) -> str:
    """What the command line says: the headline, the thresholds, and where the rest stands."""
    lines = [data["title"], _plain(_about(data)), ""]
    lines += [f"  {label:<10}{shown(data['headline'][name])}" for name, label in _HEADLINE.items()]
    lines += [
        f"  AUROC@{t:<4}{shown(row['auroc'])}   F1 {shown(row['f1'])}" for t, row in sorted(data["thresholds"].items())
    ]
    coverage = data["coverage"]["overall"]
    lines += [f"  {'coverage':<10}{shown(coverage)} of the {100 * data['coverage']['nominal']:.0f} % intervals"]
    return "\n".join([*lines, "", _plain(_caution(data))])


def _about(data: Json) -> str:
    where = f"{data['frames']:,} frames of {data['subjects']:,} subjects ({data['split'] or 'all splits'})"
    neutral = {
        "none": "without a neutral reference",
        "other_view": "neutral reference: a seeded frame of the subject from another view",
        "same_view": "ORACLE ROW: neutral reference of the same view, aligned to the pixel; not a headline figure",
    }[data["neutral_policy"]]
    return (
        f"{where}; {neutral}. Thresholds, probabilities and intervals: {data['calibration']}. In brackets: "
        f"95 % intervals, {data['bootstrap']:,} bootstrap draws of subjects."
    )


def _caution(data: Json) -> str:
    return "Synthetic faces; PSPI is coded facial expression, not felt pain. Not a medical device."


def _plain(words: str) -> str:
    return words.replace("**", "")


def _headline(data: Json) -> str:
    rows = {data["name"]: data["headline"], **data["baselines"]}
    table = _table(
        ["", *_HEADLINE.values(), "AUROC@1"],
        ([name, *(shown(row[key]) for key in (*_HEADLINE, "auroc1"))] for name, row in rows.items()),
    )
    return f"## Headline\n\n{table}\n\n{_caution(data)}"


def _section(title: str, corner: str, columns: Mapping[str, str], rows: Mapping[str, Json]) -> str:
    body = ([name, *(shown(row[key]) for key in columns)] for name, row in rows.items())
    return f"## {title}\n\n" + _table([corner, *columns.values()], body)


def _names(row: Json) -> dict[str, str]:
    return {name: name.replace("_", " ") for name in row}


def _aus(aus: Json) -> str:
    keys = list(dict.fromkeys(key for row in aus.values() for key in row))
    body = ([name, *(shown(row[key]) if key in row else "" for key in keys)] for name, row in aus.items())
    return "## By Action Unit\n\n" + _table(["", *(key.upper() for key in keys)], body)


def _groups(data: Json) -> str:
    parts = ["## By group"]
    for group, block in data["groups"].items():
        keys = list(next(iter(block["rows"].values())))
        body = [[name, *(shown(row[key]) for key in keys)] for name, row in block["rows"].items()]
        body.append(["**worst gap**", *(shown(block["worst_gap"][key]) for key in keys)])
        chance = (block["chance_gap"][key] for key in keys)
        body.append(["gap under shuffled labels, 95 %", *("n/a" if gap is None else f"{gap:.3f}" for gap in chance)])
        parts.append(_table([_GROUPS[group], *(key.replace("_", " ") for key in keys)], body))
    return "\n\n".join(parts)


def _distractors(block: Json) -> str:
    if block["reason"] is not None:
        return f"## Distractors\n\nn/a: {block['reason']}"
    keys = list(next(iter(block["rows"].values())))
    body = ([name, *(shown(row[key]) for key in keys)] for name, row in block["rows"].items())
    head = "## Distractors: share of frames without pain that are called PSPI >= t\n\n"
    return head + _table(["", *(key.replace("_", " ") for key in keys)], body)


def _neutral(block: Json) -> str:
    parts = ["## Neutral faces: specificity (share not called PSPI >= t)"]
    for group, rows in block.items():
        keys = list(next(iter(rows.values())))
        body = ([name, *(shown(row[key]) for key in keys)] for name, row in rows.items())
        parts.append(_table([_GROUPS[group], *(key.replace("_", " ") for key in keys)], body))
    return "\n\n".join(parts)


def _coverage(block: Json) -> str:
    body = [["all", shown(block["overall"])]]
    body += [[f"{_GROUPS[g]}: {name}", shown(row)] for g, rows in block["groups"].items() for name, row in rows.items()]
    body.append(["mean width, PSPI", shown(block["width"], 2)])
    return f"## Coverage of the {100 * block['nominal']:.0f} % interval\n\n" + _table(["", "coverage"], body)


def _prevalence(block: Json) -> str:
    head = (
        f"## At a clinical prevalence: {100 * block['share']:.1f} % of frames with PSPI > 0, as in UNBC-McMaster\n\n"
        "Frames are weighted, and the thresholds stay as they are.\n\n"
    )
    if block["reason"] is not None:
        return f"{head}n/a: {block['reason']}"
    parts = []
    for t, rows in block["rows"].items():
        keys = list(next(iter(rows.values())))
        body = ([name, *(shown(row[key]) for key in keys)] for name, row in rows.items())
        parts.append(_table([f"PSPI >= {t}", *(key.upper() if len(key) < 6 else key for key in keys)], body))
    return head + "\n\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
