"""A report's figures as Markdown tables and as the lines of the command line; nothing is computed here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
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
_OTHERS = """The rows below the model's look at no picture. *mean predictor*: the mean PSPI of the training frames for \
every frame. *always positive*: 16 for every frame, so that every one counts as pain. *geometry oracle*: ridge \
regression on the 68 true landmarks and the true head pose, alone or beside the subject's neutral face from another or \
the same view; it reads labels that no model gets, and says how much PSPI shows in the geometry. \
@1: PSPI >= 1 against 0."""


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


def markdown(data: Json) -> str:
    """All tables of a report."""
    parts = [
        f"# {data['title']}\n\n{_about(data)}",
        _headline(data),
        _thresholds(data),
        _aus(data["aus"]),
        _groups(data),
        _distractors(data["distractors"]),
        _confounds(data["confounds"]),
        _neutral(data["neutral"]),
        _stability(data),
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
    return f"## Headline\n\n{table}\n\n{_OTHERS}\n\n{_caution(data)}"


def _thresholds(data: Json) -> str:
    body = ([t, *(shown(row[key]) for key in _BINARY)] for t, row in data["thresholds"].items())
    shares = ", ".join(f"{100 * share:.0f} % have PSPI >= {t}" for t, share in data["with_pain"].items())
    words = (
        f"Of these frames {shares}. AUROC and AUPRC rank by the predicted PSPI; the rest is of the decision at the "
        f"calibrated threshold, and ECE of the calibrated probability."
    )
    return f"## By threshold\n\n{words}\n\n" + _table(["PSPI >=", *_BINARY.values()], body)


def _stability(data: Json) -> str:
    rows = data["stability"]
    words = (
        "Readings of the same face with the same expression from several sides; 0, 0 and 1 would be the same from all."
    )
    body = ([_named(key), shown(figure)] for key, figure in rows.items())
    return f"## Stability over the views of one expression\n\n{words}\n\n" + _table(["", "value"], body)


def _named(key: str) -> str:
    return _NAMES[key] if key in _NAMES else key.replace("_", " ")


def _aus(aus: Json) -> str:
    keys = list(dict.fromkeys(key for row in aus.values() for key in row))
    body = ([name, *(shown(row[key]) if key in row else "" for key in keys)] for name, row in aus.items())
    words = "MAE in intensities 0..5; AU43 (eyes closed) is a probability, and closed from 0.5 on."
    return f"## By Action Unit\n\n{words}\n\n" + _table(["", *map(_named, keys)], body)


def _groups(data: Json) -> str:
    words = (
        "A worst gap is the distance between the best and the worst group. It is never 0, and wide where groups are "
        "small: hold it against the gap that shuffled group labels stay below in 95 of 100 draws."
    )
    parts = [f"## By group\n\n{words}"]
    for group, block in data["groups"].items():
        keys = list(next(iter(block["rows"].values())))
        body = [[name, *(shown(row[key]) for key in keys)] for name, row in block["rows"].items()]
        body.append(["**worst gap**", *(shown(block["worst_gap"][key]) for key in keys)])
        chance = (block["chance_gap"][key] for key in keys)
        body.append(["gap under shuffled labels, 95 %", *("n/a" if gap is None else f"{gap:.3f}" for gap in chance)])
        parts.append(_table([GROUP_NAMES[group], *map(_named, keys)], body))
    return "\n\n".join(parts)


def _distractors(block: Json) -> str:
    if block["reason"] is not None:
        return f"## Distractors\n\nn/a: {block['reason']}"
    keys = list(next(iter(block["rows"].values())))
    body = ([name, *(shown(row[key]) for key in keys)] for name, row in block["rows"].items())
    head = "## Distractors: share of frames without pain that are called PSPI >= t\n\n"
    return head + _table(["", *(key.replace("_", " ") for key in keys)], body)


def _confounds(block: Json) -> str:
    head = "## Confounds: faces that share Action Units with pain, and have PSPI by its formula\n\n"
    if block["reason"] is not None:
        return f"{head}n/a: {block['reason']}"
    keys = list(next(iter(block["rows"].values())))
    body = ([name, *(shown(row[key]) for key in keys)] for name, row in block["rows"].items())
    return head + _table(["", *keys], body)


def _neutral(block: Json) -> str:
    parts = ["## Neutral faces: specificity (share not called PSPI >= t)"]
    for group, rows in block.items():
        keys = list(next(iter(rows.values())))
        body = ([name, *(shown(row[key]) for key in keys)] for name, row in rows.items())
        parts.append(_table([GROUP_NAMES[group], *(key.replace("_", " ") for key in keys)], body))
    return "\n\n".join(parts)


def _coverage(block: Json) -> str:
    body = [["all", shown(block["overall"])]]
    body += [
        [f"{GROUP_NAMES[g]}: {name}", shown(row)] for g, rows in block["groups"].items() for name, row in rows.items()
    ]
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
        parts.append(_table([f"PSPI >= {t}", *(_named(key) for key in keys)], body))
    return head + "\n\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    return "\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)])
