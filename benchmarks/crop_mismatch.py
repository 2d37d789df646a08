"""What a model loses because prediction finds the face where training knew it.

    python benchmarks/crop_mismatch.py MODEL DATASET [--split val] [--frames 1200] [--seed 0]

Training cuts the square around the true landmarks, `predict` the one from the detector's box. The same held-out frames
are read both ways; frames in which the detector finds no face count in the first column only. A calibration fitted on
the one kind of crop is applied to the other, on the other half of the subjects, to see whether the 90 % interval holds.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow as pa

from pain3d.console import progress
from pain3d.evaluate.calibrate import calibration_of
from pain3d.evaluate.figures import frames_of
from pain3d.evaluate.inference import predict_table
from pain3d.evaluate.metrics import bias, mae, pcc
from pain3d.evaluate.photos import Photos, predict_photos
from pain3d.evaluate.ranking import auroc
from pain3d.evaluate.table import column
from pain3d.model.vitpain import ViTPain


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("dataset", type=Path)
    parser.add_argument("--split", default="val", choices=["train", "val", "test"])
    parser.add_argument("--frames", type=int, default=1200, help="about how many, the same number of each subject")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    model = ViTPain.from_pretrained(given.model)
    with progress("finding faces", "frames") as advance:
        photos = predict_photos(
            model, given.dataset, given.split, frames=given.frames, seed=given.seed, on_progress=advance
        )
    with progress("reading known faces", "frames") as advance:
        known = predict_table(model, given.dataset, given.split, seed=given.seed, on_progress=advance)
    known = known.take(photos.rows)
    print(f"{len(known)} frames read, {len(photos.missed)} without a face found\n")
    print(geometry(photos) + "\n\n" + agreement(known, photos) + "\n\n" + coverage(known, photos.table))


def geometry(photos: Photos) -> str:
    """How the detector's square differs from that of the landmarks, by view."""
    rows = [
        "| view | frames | not found | side, mean | side, sd | right, mean (sd) | down, mean (sd) |",
        "|---" * 7 + "|",
    ]
    views, lost = column(photos.table, "view_id"), column(photos.missed, "view_id")
    for name, view in _views(views):
        at = np.ones(len(views), bool) if view is None else views == view
        missed = len(lost) if view is None else int((lost == view).sum())
        x, y = photos.shift[at].T
        side = photos.scale[at]
        rows.append(
            f"| {name} | {at.sum()} | {missed} | {side.mean():.3f} | {side.std():.3f} "
            f"| {x.mean():+.3f} ({x.std():.3f}) | {y.mean():+.3f} ({y.std():.3f}) |"
        )
    return "\n".join(rows)


def agreement(known: pa.Table, photos: Photos) -> str:
    """MAE, bias, PCC and AUROC of the two ways, by view."""
    rows = ["| view | crop | MAE | bias | PCC | AUROC@1 | mean change |", "|---" * 7 + "|"]
    views = column(known, "view_id")
    change = np.abs(column(known, "pred_PSPI") - column(photos.table, "pred_PSPI"))
    for name, view in _views(views):
        at = np.ones(len(views), bool) if view is None else views == view
        for way, table in (("landmarks", known), ("detector", photos.table)):
            truth, guess = column(table, "PSPI")[at], column(table, "pred_PSPI")[at]
            figures = [mae(truth, guess).value, bias(truth, guess).value, pcc(truth, guess).value]
            figures.append(auroc(truth >= 1, guess).value)
            rows.append(
                f"| {name} | {way} | {' | '.join(f'{value:.3f}' for value in figures)} | {change[at].mean():.2f} |"
            )
    return "\n".join(rows)


def coverage(known: pa.Table, detected: pa.Table) -> str:
    """Fitted on every other subject, applied to the rest: share of coded PSPI in the 90 % interval, and its width."""
    subjects = np.array(known.column("subject_id").to_pylist())
    fit_on = np.isin(subjects, np.unique(subjects)[::2])
    rows = ["| interval fitted on | applied to | coverage | mean width |", "|---" * 4 + "|"]
    ways = {"landmarks": known, "detector": detected}
    for fitted, source in ways.items():
        calibration = calibration_of(source.filter(pa.array(fit_on)), {})
        for applied, target in ways.items():
            f = frames_of(target.filter(pa.array(~fit_on)), calibration, draws=0, seed=0)
            inside = (f.truth >= f.calibrated.low) & (f.truth <= f.calibrated.high)
            width = (f.calibrated.high - f.calibrated.low).mean()
            rows.append(f"| {fitted} | {applied} | {inside.mean():.3f} | {width:.2f} |")
    return "\n".join(rows)


def _views(views: np.ndarray) -> list[tuple[str, float | None]]:
    return [("all", None), *((f"{view:.0f}", view) for view in np.unique(views))]


if __name__ == "__main__":
    main()
