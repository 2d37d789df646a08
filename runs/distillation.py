"""The distillation experiment: every arm, every seed, then predictions that runs/distillation_table.py compares.

    python runs/distillation.py DATA WORK --share 0/2 &      # two processes, one core each
    python runs/distillation.py DATA WORK --share 1/2 &

A run that is finished is left as it is, one that was interrupted goes on: start the same command again.
"""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow.parquet as pq
import torch

from pain3d.evaluate.inference import predict_table
from pain3d.model.vitpain import ViTPain
from pain3d.train.config import TrainConfig
from pain3d.train.loop import train
from pain3d.train.recipes import recipe

SAMPLES = 4_000
"""Frames that an arm sees; `rgb_longer` sees twice as many, which pays for the teacher's training too."""

OFF = {"feature_cls": 0.0, "feature_patch": 0.0, "prediction": 0.0, "spatial": 0.0}


def _arm(kind: str, *, samples: int = SAMPLES, neutral: bool = False, **changes: object) -> Callable[..., TrainConfig]:
    """What an arm trains with, as a function of seed and teacher; `changes` may hold `terms` and `max_frames`."""
    terms = changes.get("terms")
    frames_at_most = changes.get("max_frames")

    def config(seed: int, teacher: str) -> TrainConfig:
        found = recipe(kind, seed=seed, teacher=teacher if kind == "student" else None, neutral=neutral)  # pyright: ignore
        distill = found.distill
        if distill is not None and terms is not None:
            kept = {name: getattr(distill, name) for name in terms}  # pyright: ignore
            distill = dataclasses.replace(distill, **{**OFF, **kept})
        return dataclasses.replace(
            found,
            distill=distill,
            teacher=found.teacher if distill is not None and distill.needs_teacher else None,
            samples=samples,
            eval_frames=400,
            save_every=10_000,
            frames=dataclasses.replace(found.frames, max_frames=frames_at_most),
        )

    return config


ARMS: Mapping[str, Callable[..., TrainConfig]] = {
    "teacher": _arm("teacher"),
    "rgb": _arm("rgb"),
    "student": _arm("student"),
    "rgb_longer": _arm("rgb", samples=2 * SAMPLES),
    "only_patch": _arm("student", terms=("feature_patch",)),
    "only_cls": _arm("student", terms=("feature_cls",)),
    "only_prediction": _arm("student", terms=("prediction",)),
    "only_spatial": _arm("student", terms=("spatial",)),
    "rgb_neutral": _arm("rgb", neutral=True),
    "student_neutral": _arm("student", neutral=True),
    "rgb_5x": _arm("rgb", samples=5 * SAMPLES),
    "student_4x": _arm("student", samples=4 * SAMPLES),
    "student_5x": _arm("student", samples=5 * SAMPLES),
    **{
        f"{kind}_{frames}": _arm(kind, max_frames=frames)
        for frames in (100, 300, 1_000, 3_000)
        for kind in ("rgb", "student")
    },
}
"""In the order in which they are trained. `rgb_300` and `student_300` see 300 different training frames, again and
again; both read the dataset of the run's seed, so that a pair shares its frames. `rgb_5x` and `student_5x` see 20,000
frames each; `student_4x` sees 16,000, so that with its teacher's 4,000 it costs what `rgb_5x` does."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="dataset to train and validate on")
    parser.add_argument("work", type=Path, help="folder for the runs")
    parser.add_argument("--arms", default=",".join(ARMS), help="comma between names")
    parser.add_argument("--seeds", type=int, default=5, help="seeds 0..N-1 of every arm")
    parser.add_argument("--share", default="0/1", help="i/n: of the seeds, those with seed mod n = i")
    parser.add_argument("--score", type=Path, help="only predict every frame of this dataset with finished runs")
    chosen = parser.parse_args()
    part, parts = map(int, chosen.share.split("/"))
    torch.set_num_threads(1)
    for arm in chosen.arms.split(","):
        for seed in range(part, chosen.seeds, parts):
            run = chosen.work / f"{arm}-{seed}"
            if chosen.score is None:
                print(f"{arm}, seed {seed}", flush=True)
                print(train(chosen.data, run, ARMS[arm](seed, str(chosen.work / f"teacher-{seed}"))).text(), flush=True)
                predict(run, chosen.data, "test")
            elif (run / "summary.json").exists():
                predict(run, chosen.score, None)


def predict(run: Path, data: Path, split: str | None) -> None:
    """Write the run's predictions beside it, once."""
    out = run / f"predictions-{data.name}-{split or 'all'}.parquet"
    if out.exists():
        return
    table = predict_table(ViTPain.from_pretrained(run), data, split, batch=64)
    pq.write_table(table, out.with_suffix(".part"))
    out.with_suffix(".part").rename(out)


if __name__ == "__main__":
    main()
