"""Every figure of a report out of one prediction table, each with an interval from resampled subjects or a reason."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pyarrow as pa
from jaxtyping import Bool, Float

from pain3d.data.clips import FRAME_INDICES
from pain3d.demographics import AGE_BANDS, ETHNICITIES, SEXES
from pain3d.evaluate.bootstrap import with_interval
from pain3d.evaluate.groups import GroupTable, by_group, monk_third
from pain3d.evaluate.metrics import Metric, icc21, icc31, kappa, mae, pcc, rmse, share
from pain3d.evaluate.prevalence import CLINICAL_SHARE, clinical_weights
from pain3d.evaluate.ranking import auprc, auroc, ece, f1, precision, recall, specificity
from pain3d.evaluate.score import missing
from pain3d.evaluate.stability import stability
from pain3d.evaluate.table import RECORDED, aus_of, column, logits_of
from pain3d.facs import PAIN_AUS
from pain3d.model.calibration import Calibrated
from pain3d.model.heads import THRESHOLDS

GROUPS: Mapping[str, tuple[str, ...]] = {
    "age_band": AGE_BANDS,
    "sex": SEXES,
    "ethnicity": ETHNICITIES,
    "monk_third": ("1-3", "4-7", "8-10"),
    "turn": ("frontal", "turned"),
}
"""What divides subjects or frames, and the order in which the groups are shown."""

FRONTAL_DEGREES = 10.0
"""A head turned by no more counts as frontal: view 0 has at most 5 degrees, the others at least 20."""

NOT_POSED = "the dataset was imported, and does not tell which expression was posed"

HEADLINE = {"mae": mae, "rmse": rmse, "pcc": pcc, "icc31": icc31, "icc21": icc21, "kappa": kappa}

Figure = dict[str, Any]
"""{"value", "low", "high", "reason"}; value is None where there is a reason."""


class Calibrates(Protocol):
    """A `Calibration`, or several that share the frames among them."""

    @property
    def coverage(self) -> float:
        """Nominal, of the intervals."""
        ...

    def apply(self, pspi: np.ndarray, ordinal_logits: np.ndarray, /) -> Calibrated:
        """Intervals, probabilities and flags of the frames of a table, in its order."""
        ...


@dataclass(frozen=True, kw_only=True, eq=False)
class Frames:
    """The columns of a prediction table that figures are made of, and what the calibration makes of them."""

    truth: Float[np.ndarray, " frame"]
    guess: Float[np.ndarray, " frame"]
    true_aus: Float[np.ndarray, "frame 6"]
    guessed_aus: Float[np.ndarray, "frame 6"]
    kind: np.ndarray
    expression: np.ndarray
    expression_id: Float[np.ndarray, " frame"]
    """Equal where frames of a subject show one face, at one moment of a clip; NaN where the dataset was imported."""
    subject: np.ndarray
    groups: Mapping[str, np.ndarray]
    """By `GROUPS`, those that the dataset tells of at least one frame; "" where it does not tell it of a frame."""
    calibrated: Calibrated
    coverage: float
    """Nominal."""
    draws: int
    """Of subjects, for each interval."""
    seed: int

    def score(
        self, metric: Any, truth: np.ndarray, guess: np.ndarray, where: Any = None, weights: Any = None
    ) -> Figure:
        """A metric with its interval, over the frames `where`."""
        at = slice(None) if where is None else where
        chosen = None if weights is None else weights[at]
        found = with_interval(
            metric, truth[at], guess[at], self.subject[at], weights=chosen, draws=self.draws, seed=self.seed
        )
        return found.to_json()

    def grouped(
        self, metric: Metric, truth: np.ndarray, guess: np.ndarray, group: str, where: Any = None
    ) -> GroupTable:
        """The same for each group; see `groups.by_group`."""
        at = slice(None) if where is None else where
        labels = self.expression if group == "expression" else self.groups[group]
        return by_group(metric, truth[at], guess[at], labels[at], self.subject[at], draws=self.draws, seed=self.seed)


def frames_of(table: pa.Table, calibration: Calibrates, *, draws: int, seed: int) -> Frames:
    """Read a table from `table.with_predictions`."""
    guess = column(table, "pred_PSPI")
    return Frames(
        truth=column(table, "PSPI"),
        guess=guess,
        true_aus=aus_of(table, predicted=False),
        guessed_aus=aus_of(table, predicted=True),
        kind=column(table, "kind"),
        expression=column(table, "expression").astype(str),
        expression_id=_one_face(table),
        subject=column(table, "subject_id").astype(str),
        groups={name: labels for name, labels in _groups_of(table).items() if (labels != "").any()},
        calibrated=calibration.apply(guess, logits_of(table)),
        coverage=calibration.coverage,
        draws=draws,
        seed=seed,
    )


def _one_face(table: pa.Table) -> Float[np.ndarray, " frame"]:
    expression = column(table, "expression_id")
    if "frame_index" not in table.column_names:
        return expression
    return expression * FRAME_INDICES + column(table, "frame_index")


def _groups_of(table: pa.Table) -> dict[str, np.ndarray]:
    """Each frame's group by `GROUPS`; "" where the dataset does not tell it."""
    found = {
        name: np.array([label or "" for label in table.column(name).to_pylist()], dtype=str)
        for name in ("age_band", "sex", "ethnicity")
    }
    tone, yaw = column(table, "skin_tone_mst"), column(table, "yaw")
    found["monk_third"] = np.full(len(table), "", dtype=object)
    found["monk_third"][np.isfinite(tone)] = monk_third(tone[np.isfinite(tone)])
    turn = np.where(np.abs(yaw) <= FRONTAL_DEGREES, "frontal", "turned")
    found["turn"] = np.where(np.isfinite(yaw), turn, "")
    return found


def headline(f: Frames) -> dict[str, Figure]:
    """Agreement of the predicted with the coded PSPI."""
    found = {name: f.score(metric, f.truth, f.guess) for name, metric in HEADLINE.items()}
    return {**found, "auroc1": f.score(auroc, f.truth >= 1, f.guess)}


def by_threshold(f: Frames) -> dict[str, dict[str, Figure]]:
    """Binary figures of PSPI >= t: ranking by the predicted PSPI, decisions by the calibrated thresholds."""
    found = {}
    for i, t in enumerate(THRESHOLDS):
        positive, flag = f.truth >= t, f.calibrated.flags[:, i]
        found[str(t)] = {
            "auroc": f.score(auroc, positive, f.guess),
            "auprc": f.score(auprc, positive, f.guess),
            **{m: f.score(metric, positive, flag) for m, metric in _DECISIONS.items()},
            "ece": _ece(f, positive, f.calibrated.probabilities[:, i]),
        }
    return found


_DECISIONS = {"f1": f1, "precision": precision, "recall": recall, "specificity": specificity}


def by_au(f: Frames) -> dict[str, dict[str, Figure]]:
    """Each intensity's error and agreement; AU43 as a yes or no."""
    found: dict[str, dict[str, Figure]] = {}
    for i, name in enumerate(PAIN_AUS):
        true, said = f.true_aus[:, i], f.guessed_aus[:, i]
        coded = np.isfinite(true)
        if name == "AU43":
            closed = true >= 0.5
            wanted = {"mae": (mae, true, said), "auroc": (auroc, closed, said), "f1": (f1, closed, said >= 0.5)}
        else:
            wanted = {key: (metric, true, said) for key, metric in (("mae", mae), ("pcc", pcc), ("icc31", icc31))}
        uncoded = missing("the dataset does not code it").to_json()
        found[name] = {
            key: f.score(metric, expected, given, coded) if coded.any() else uncoded
            for key, (metric, expected, given) in wanted.items()
        }
    return found


def by_demographics(f: Frames) -> dict[str, Any]:
    """MAE, PCC and AUROC@1 of each group, and the distance between its best and worst.

    Groupings that the dataset does not tell are left out, and so are frames of which it does not tell the group.
    """
    found = {}
    for group in f.groups:
        names, told = GROUPS[group], f.groups[group] != ""
        measured = {
            "mae": f.grouped(mae, f.truth, f.guess, group, told),
            "pcc": f.grouped(pcc, f.truth, f.guess, group, told),
            "auroc1": f.grouped(auroc, f.truth >= 1, f.guess, group, told),
        }
        rows = {
            name: {key: table.rows[name].to_json() for key, table in measured.items()}
            for name in names
            if name in measured["mae"].rows
        }
        gaps = {key: table.worst_gap.to_json() for key, table in measured.items()}
        by_chance = {key: _plain(table.chance_gap) for key, table in measured.items()}
        found[group] = {"rows": rows, "worst_gap": gaps, "chance_gap": by_chance}
    return found


def distractors(f: Frames) -> dict[str, Any]:
    """How often faces without pain that are not at rest are called PSPI >= t."""
    about = f.kind == "distractor"
    if (f.kind == RECORDED).all():
        return {"rows": {}, "reason": NOT_POSED}
    if not about.any():
        return {"rows": {}, "reason": "this dataset has no distractors; generate one with --distractors 3"}
    rows: dict[str, dict[str, Figure]] = {}
    for name in ("all", *sorted(set(f.expression[about]))):
        where = about if name == "all" else about & (f.expression == name)
        rows[name] = {f"PSPI >= {t}": _rate(f, f.calibrated.flags[:, i], where) for i, t in enumerate(THRESHOLDS)}
        rows[name]["mean prediction"] = _rate(f, f.guess, where)
    return {"rows": rows, "reason": None}


def confounds(f: Frames) -> dict[str, Any]:
    """Faces that share Action Units with pain (effort, disgust, ...): their PSPI by the formula, and what is read."""
    about = f.kind == "confound"
    if (f.kind == RECORDED).all():
        return {"rows": {}, "reason": NOT_POSED}
    if not about.any():
        return {"rows": {}, "reason": "this dataset has no confounds; generate one with --confounds 3"}
    rows: dict[str, dict[str, Figure]] = {}
    for name in ("all", *sorted(set(f.expression[about]))):
        where = about if name == "all" else about & (f.expression == name)
        rows[name] = {
            "mean PSPI": _rate(f, f.truth, where),
            "mean prediction": _rate(f, f.guess, where),
            "MAE": f.score(mae, f.truth, f.guess, where),
        }
    return {"rows": rows, "reason": None}


def neutral_specificity(f: Frames) -> dict[str, dict[str, dict[str, Figure]]]:
    """Share of faces at rest not called PSPI >= t, by age band and by thirds of the Monk scale."""
    rest = f.kind == "neutral"
    found: dict[str, dict[str, dict[str, Figure]]] = {}
    if not rest.any():
        return found
    for group in ("age_band", "monk_third"):
        if group not in f.groups:
            continue
        found[group] = {}
        for name in GROUPS[group]:
            where = rest & (f.groups[group] == name)
            flags = f.calibrated.flags
            found[group][name] = {f"PSPI >= {t}": _rate(f, ~flags[:, i], where) for i, t in enumerate(THRESHOLDS)}
    return found


def between_views(f: Frames) -> dict[str, Figure]:
    """How far apart the readings of one expression in its several views are."""
    names = ("sd_between_views", "range_over_views", "icc_of_views")
    if not np.isfinite(f.expression_id).all():
        return dict.fromkeys(names, missing("the dataset does not tell which frames show one expression").to_json())
    found = stability(f.guess, f.subject, f.expression_id.astype(int), draws=f.draws, seed=f.seed)
    values = (found.sd, found.range, found.icc1)
    return {name: value.to_json() for name, value in zip(names, values, strict=True)}


def coverage(f: Frames) -> dict[str, Any]:
    """Share of frames whose coded PSPI lies in the interval, overall and by group, and the interval's mean width."""
    inside = (f.truth >= f.calibrated.low) & (f.truth <= f.calibrated.high)
    groups = {
        group: {name: _rate(f, inside, labels == name) for name in GROUPS[group] if (labels == name).any()}
        for group, labels in f.groups.items()
    }
    return {
        "nominal": f.coverage,
        "overall": _rate(f, inside, None),
        "groups": groups,
        "width": _rate(f, f.calibrated.high - f.calibrated.low, None),
    }


def prevalence(f: Frames) -> dict[str, Any]:
    """Figures at UNBC's prevalence, frames weighted, beside the rule that calls every frame painful."""
    if not (f.truth == 0).any() or not (f.truth > 0).any():
        reason = "frames of one kind only, all with or all without pain, cannot be weighted to a prevalence"
        return {"share": CLINICAL_SHARE, "rows": {}, "reason": reason}
    weights = clinical_weights(f.truth)
    rows: dict[str, dict[str, dict[str, Figure]]] = {}
    for i, t in enumerate(THRESHOLDS):
        positive, flag = f.truth >= t, f.calibrated.flags[:, i]
        always = np.ones(len(positive), bool)
        rows[str(t)] = {
            "model": _at_prevalence(f, positive, flag, f.guess, weights),
            "always positive": _at_prevalence(f, positive, always, always.astype(float), weights),
        }
    return {"share": CLINICAL_SHARE, "rows": rows, "reason": None}


def _at_prevalence(
    f: Frames, positive: Bool[np.ndarray, " frame"], flag: np.ndarray, guess: np.ndarray, weights: np.ndarray
) -> dict[str, Figure]:
    found = {name: f.score(metric, positive, flag, weights=weights) for name, metric in _DECISIONS.items()}
    return {
        **found,
        "auroc": f.score(auroc, positive, guess, weights=weights),
        "auprc": f.score(auprc, positive, guess, weights=weights),
    }


def _rate(f: Frames, values: np.ndarray, where: np.ndarray | None) -> Figure:
    if where is not None and not where.any():
        return missing("no such frames").to_json()
    return f.score(share, values, values.astype(np.float64), where)


def _ece(f: Frames, positive: np.ndarray, chance: np.ndarray) -> Figure:
    if not np.isfinite(chance).all():
        return missing("the predictor tells no probabilities").to_json()
    return f.score(ece, positive, chance)


def _plain(value: float) -> float | None:
    return float(value) if np.isfinite(value) else None
