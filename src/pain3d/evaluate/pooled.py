"""All held-out frames of a cross-validation together: our figures, and the published ones beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from pain3d.data.reader import Dataset
from pain3d.evaluate import figures
from pain3d.evaluate.baselines import always_positive, mean_predictor
from pain3d.evaluate.evaluate import report
from pain3d.evaluate.figures import Figure, frames_of
from pain3d.evaluate.fold import FoldResult
from pain3d.evaluate.metrics import pcc
from pain3d.evaluate.protocol import Protocol
from pain3d.evaluate.published import MACRO_F1, PCC, FoldScores, published
from pain3d.evaluate.ranking import auroc, call_bits, f1, macro_f1
from pain3d.evaluate.references import LABEL_CHOSEN
from pain3d.evaluate.table import truth_table
from pain3d.model.calibration import Calibrated, Calibration
from pain3d.model.heads import THRESHOLDS

CALIBRATED_BY = "from each fold's own validation subjects"


@dataclass(frozen=True, kw_only=True, eq=False)
class FoldCalibrations:
    """The calibration of each fold, applied to its own held-out frames."""

    of_fold: Sequence[Calibration]
    member: Int[np.ndarray, " frame"]
    """Which fold each frame of the table was held out in."""

    @property
    def coverage(self) -> float:
        """Nominal."""
        return self.of_fold[0].coverage

    def apply(self, pspi: np.ndarray, ordinal_logits: np.ndarray) -> Calibrated:
        """What the fold's calibration makes of each frame."""
        n = len(pspi)
        found = Calibrated(
            low=np.full(n, np.nan),
            high=np.full(n, np.nan),
            probabilities=np.full((n, len(THRESHOLDS)), np.nan),
            flags=np.zeros((n, len(THRESHOLDS)), bool),
        )
        for number, calibration in enumerate(self.of_fold):
            at = self.member == number
            for whole, part in zip(found, calibration.apply(pspi[at], ordinal_logits[at]), strict=True):
                whole[at] = part
        return found


def pooled_table(tables: Mapping[str, pa.Table]) -> pa.Table:
    """The prediction tables of folds, by name, as one with the column `fold`."""
    named = [table.append_column("fold", pa.array([name] * len(table), pa.string())) for name, table in tables.items()]
    return pa.concat_tables(named)


def calibrations_of(results: Sequence[FoldResult], tables: Sequence[pa.Table]) -> FoldCalibrations:
    """Of the pooled tables, in the order of the folds."""
    member = np.repeat(np.arange(len(results)), [len(table) for table in tables])
    return FoldCalibrations(of_fold=[result.calibration for result in results], member=member)


def columns_of(
    table: pa.Table, calibration: figures.Calibrates, folds: Sequence[FoldScores], *, draws: int, seed: int
) -> dict[str, Any]:
    """Ours and the published figures of the same frames, by the names of `published.NAMES`."""
    f = frames_of(table, calibration, draws=draws, seed=seed)
    ours: dict[str, Figure] = {PCC: f.score(pcc, f.truth, f.guess)}
    ours |= {f"AUROC@{t}": f.score(auroc, f.truth >= t, f.guess) for t in THRESHOLDS}
    ours |= {f"F1@{t}": f.score(f1, f.truth >= t, f.calibrated.flags[:, i]) for i, t in enumerate(THRESHOLDS)}
    ours[MACRO_F1] = f.score(macro_f1, f.truth, call_bits(f.calibrated.flags))
    return {"ours": ours, "published": {name: figure.to_json() for name, figure in published(folds).items()}}


def judged(
    dataset: Dataset, protocol: Protocol, results: Sequence[FoldResult], *, draws: int, seed: int
) -> tuple[dict[str, Any], pa.Table, FoldCalibrations]:
    """Every figure of the held-out frames; their table; what calibrates it.

    Args:
        dataset: that was cross-validated.
        protocol: all of its folds have a result.
        results: of the folds, in the protocol's order.
        draws: of subjects, for each interval.
        seed: of the draws.
    """
    if [result.fold for result in results] != list(protocol.folds):
        raise AssertionError("results of some folds are missing, or in another order")
    tests = [result.test for result in results]
    table = pooled_table({result.fold.name: result.test for result in results})
    calibration = calibrations_of(results, tests)
    data = report(table, calibration, _baselines(dataset, results), bootstrap=draws, seed=seed)
    scores = [result.published for result in results]
    data["columns"] = columns_of(table, calibration, scores, draws=draws, seed=seed)
    data["oracles"] = _oracles(results, draws=draws, seed=seed)
    data["folds"] = [_about_fold(result) for result in results]
    return data, table, calibration


def _baselines(dataset: Dataset, results: Sequence[FoldResult]) -> dict[str, pa.Table | str]:
    """Predictors that see no picture, on the same frames; means are those of each fold's training subjects."""
    means = [mean_predictor(_truth_of(r.test), truth_table(dataset, r.fold.training_subjects)) for r in results]
    rules = [always_positive(_truth_of(r.test)) for r in results]
    return {"mean predictor": pa.concat_tables(means), "always positive": pa.concat_tables(rules)}


def _truth_of(table: pa.Table) -> pa.Table:
    return table.select(table.column_names[: table.column_names.index("pred_PSPI")])


def _oracles(results: Sequence[FoldResult], *, draws: int, seed: int) -> dict[str, Any]:
    tables = {result.fold.name: result.oracle for result in results if result.oracle is not None}
    scores = [result.oracle_published for result in results if result.oracle_published is not None]
    if len(tables) != len(results):
        return {}
    calibration = calibrations_of(results, list(tables.values()))
    return {LABEL_CHOSEN: columns_of(pooled_table(tables), calibration, scores, draws=draws, seed=seed)}


def _about_fold(result: FoldResult) -> dict[str, Any]:
    fold, choices = result.fold, result.choices
    return {
        "fold": fold.name,
        "train": list(fold.train),
        "validation": list(fold.validation),
        "test": list(fold.test),
        "test_frames": len(result.test),
        "best_step": choices["best_step"],
        "thresholds": choices["thresholds"],
        "weights_sha256": choices["weights_sha256"],
        "published": result.published.to_json(),
    }
