"""Tables of the distillation experiment, from the predictions that runs/distillation.py wrote.

    python runs/distillation_table.py WORK A-test --gather runs/predictions/A-test.parquet
    python runs/distillation_table.py runs/predictions/A-test.parquet

The first writes the predictions of all runs into one file, the second needs nothing else: it is committed, so that the
tables of docs/results.md can be made again without a training. Both print the tables. A gathered file that is there
keeps what it holds; runs of WORK are added or take the place of their namesakes.

Differences are from `rgb` (for `student_X`: from `rgb_X`), with a 95 % interval of the hierarchical bootstrap: seeds
and subjects are drawn again, the same ones for both arms. Beside it stands Student's t interval over the seeds alone,
since five seeds are few for a bootstrap.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy import stats

from pain3d.evaluate.bootstrap import paired_difference
from pain3d.evaluate.metrics import Metric, ccc, mae, pcc
from pain3d.evaluate.ranking import auroc
from pain3d.evaluate.score import Score

METRICS: Mapping[str, Metric] = {"MAE": mae, "PCC": pcc, "CCC": ccc, "AUROC@1": auroc}

TRUTH = ("frame_id", "subject_id", "PSPI")
"""Columns that are no predictions."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Arm:
    """The predictions of one arm by seed."""

    seeds: tuple[int, ...]
    pspi: np.ndarray
    """[seed, frame]."""
    truth: np.ndarray
    subject: np.ndarray

    def keep(self, seeds: tuple[int, ...]) -> np.ndarray:
        """Predictions of these seeds, in this order."""
        return self.pspi[[self.seeds.index(seed) for seed in seeds]]

    def of(self, name: str) -> np.ndarray:
        """The truth as a metric wants it: AUROC@1 asks for PSPI >= 1."""
        return self.truth >= 1 if name == "AUROC@1" else self.truth


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("source", type=Path, help="folder of the runs, or a gathered file")
    parser.add_argument("frames", nargs="?", help="which predictions of a folder, as in A-test")
    parser.add_argument("--gather", type=Path, help="file that gathers the predictions of the folder's runs")
    parser.add_argument("--against", help="arm that every other one is compared with, in place of `rgb` and `rgb_X`")
    parser.add_argument("--json", type=Path, help="write every figure here besides")
    chosen = parser.parse_args()
    if chosen.source.is_file():
        if chosen.frames is not None or chosen.gather is not None:
            parser.error(f"source: {chosen.source} is a gathered file; leave frames and --gather out, or give a folder")
        table = pq.read_table(chosen.source)
    elif chosen.frames is None:
        parser.error("frames: not given; say which predictions of the folder, as in A-test")
    else:
        table = gathered(chosen.source, chosen.frames, chosen.gather)
    arms = arms_of(table)
    if chosen.against is not None and chosen.against not in arms:
        parser.error(f"against: {chosen.against!r} has no predictions here; choose one of {', '.join(arms)}")
    rows = {name: row_of(name, arms, chosen.against) for name in arms}
    print(markdown(rows))
    if chosen.json is not None:
        chosen.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def gathered(work: Path, frames: str, to: Path | None) -> pa.Table:
    """One row a frame: what is true of it, and a column `ARM-SEED` of predicted PSPI for each run."""
    paths = sorted(work.glob(f"*/predictions-{frames}.parquet"))
    if not paths:
        raise SystemExit(f"{work}: no run has predictions of {frames}")
    whole = pq.read_table(to) if to is not None and to.exists() else pq.read_table(paths[0], columns=[*TRUTH])
    for path in paths:
        table = pq.read_table(path, columns=["frame_id", "pred_PSPI"])
        if not table.column("frame_id").equals(whole.column("frame_id")):
            raise SystemExit(f"{path}: predictions of other frames than the rest")
        name, column = path.parent.name, table.column("pred_PSPI").cast(pa.float32())
        at = whole.column_names.index(name) if name in whole.column_names else None
        whole = whole.append_column(name, column) if at is None else whole.set_column(at, name, column)
    if to is not None:
        to.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(whole, to, compression="zstd")
    return whole


def arms_of(table: pa.Table) -> dict[str, Arm]:
    """Every arm of a gathered table, its seeds in order."""
    found: dict[str, list[int]] = {}
    for column in table.column_names:
        if column not in TRUTH:
            name, _, seed = column.rpartition("-")
            found.setdefault(name, []).append(int(seed))
    truth, subject = (table.column(name).to_numpy() for name in ("PSPI", "subject_id"))
    return {
        name: Arm(
            seeds=tuple(sorted(seeds)),
            pspi=np.stack([table.column(f"{name}-{s}").to_numpy() for s in sorted(seeds)]).astype(np.float64),
            truth=truth.astype(np.float64),
            subject=subject.astype(str),
        )
        for name, seeds in sorted(found.items())
    }


def partner_of(name: str) -> str | None:
    """The arm that this one is compared with."""
    if name.startswith("student_"):
        return name.replace("student_", "rgb_", 1)
    return None if name == "rgb" or (name.startswith("rgb_") and name != "rgb_longer") else "rgb"


def row_of(name: str, arms: Mapping[str, Arm], against: str | None) -> dict[str, object]:
    """Means and spreads over seeds, and the paired difference from the arm's partner."""
    arm = arms[name]
    row: dict[str, object] = {"seeds": len(arm.seeds)}
    for metric_name, metric in METRICS.items():
        values = [metric(arm.of(metric_name), pspi).value for pspi in arm.pspi]
        spread = float(np.std(values, ddof=1)) if len(values) > 1 else None
        row[metric_name] = {"mean": float(np.mean(values)), "sd": spread, "by_seed": values}
    partner = partner_of(name) if against is None else against
    if partner in arms and partner != name:
        other = arms[partner]
        seeds = tuple(seed for seed in arm.seeds if seed in other.seeds)
        row["against"], row["pairs"] = partner, len(seeds)
        for metric_name in METRICS:
            row[f"difference {metric_name}"] = difference(metric_name, arm, other, seeds)
    return row


def difference(metric_name: str, arm: Arm, other: Arm, seeds: tuple[int, ...]) -> dict[str, object]:
    """Arm minus partner: the hierarchical interval, and Student's t over seeds."""
    metric, truth = METRICS[metric_name], arm.of(metric_name)
    first, second = arm.keep(seeds), other.keep(seeds)
    found: Score = paired_difference(metric, truth, first, second, arm.subject)
    by_seed = [metric(truth, a).value - metric(truth, b).value for a, b in zip(first, second, strict=True)]
    t_interval = None
    if len(seeds) > 1:
        half = stats.t.ppf(0.975, len(seeds) - 1) * np.std(by_seed, ddof=1) / np.sqrt(len(seeds))
        t_interval = [float(np.mean(by_seed) - half), float(np.mean(by_seed) + half)]
    return found.to_json() | {"t_interval": t_interval, "by_seed": by_seed}


def markdown(rows: Mapping[str, Mapping[str, object]]) -> str:
    """Two tables: the arms, and their differences."""
    lines = ["| arm | seeds | " + " | ".join(METRICS) + " |", "|---|---:|" + "---:|" * len(METRICS)]
    for name, row in rows.items():
        cells = " | ".join(_mean(row[metric]) for metric in METRICS)
        lines.append(f"| {name} | {row['seeds']} | {cells} |")
    compared = ("MAE", "PCC", "AUROC@1")
    lines += ["", "| arm | against | pairs | " + " | ".join(f"{name}, difference" for name in compared) + " |"]
    lines.append("|---|---|---:|" + "---:|" * len(compared))
    for name, row in rows.items():
        if "against" in row:
            cells = " | ".join(_difference(row[f"difference {metric}"]) for metric in compared)
            lines.append(f"| {name} | {row['against']} | {row['pairs']} | {cells} |")
    return "\n".join(lines)


def _mean(cell: object) -> str:
    assert isinstance(cell, dict)
    return f"{cell['mean']:.3f}" + ("" if cell["sd"] is None else f" ± {cell['sd']:.3f}")


def _difference(cell: object) -> str:
    assert isinstance(cell, dict)
    if cell["low"] is None:
        return f"{cell['value']:+.3f}"
    low, high = cell["t_interval"]
    return f"{cell['value']:+.3f} [{cell['low']:+.3f}, {cell['high']:+.3f}], t [{low:+.3f}, {high:+.3f}]"


if __name__ == "__main__":
    main()
