"""How well PSPI can be read from the true landmarks and head pose, with and without a neutral face; no picture is used.

    python benchmarks/geometry_oracle.py OUT [--split val] [--noise-px 0 0.5 1 2] [--learners ridge boosting]

Fits on the training subjects of OUT, chooses on its validation subjects, and reports the split asked for. Prints one
line for each kind of neutral reference and each error of the landmarks.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from pain3d.evaluate.oracle import fit_oracle
from pain3d.evaluate.table import column


def figures(table) -> tuple[float, float, float]:
    """Pearson correlation, mean absolute error, AUROC at PSPI >= 1."""
    truth, guess = column(table, "PSPI"), column(table, "pred_PSPI")
    ranks, pain = rankdata(guess), truth >= 1
    above = ranks[pain].sum() - pain.sum() * (pain.sum() + 1) / 2
    auroc = above / (pain.sum() * (~pain).sum())
    return float(np.corrcoef(truth, guess)[0, 1]), float(np.abs(truth - guess).mean()), float(auroc)


def main() -> None:
    """Read the arguments and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    parser.add_argument("--split", default="val", choices=["train", "val", "test"])
    parser.add_argument("--noise-px", type=float, nargs="+", default=[0.0])
    parser.add_argument("--learners", nargs="+", default=["ridge"], choices=["ridge", "boosting"])
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    print("| neutral | landmark error, px | learner | PCC | MAE | AUROC@1 |\n|---|---|---|---|---|---|")
    for noise in args.noise_px:
        for policy in ("none", "other_view", "same_view"):
            oracle = fit_oracle(args.out, policy, learners=tuple(args.learners), noise_px=noise, seed=args.seed)
            table = oracle.predict(args.out, args.split, seed=args.seed, noise_px=noise)
            pcc, mae, auroc = figures(table)
            print(f"| {policy} | {noise:g} | {oracle.learner} | {pcc:.3f} | {mae:.2f} | {auroc:.3f} |", flush=True)


if __name__ == "__main__":
    main()
