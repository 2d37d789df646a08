"""Train the bundled checkpoint: a teacher, its student, calibration on validation subjects, and its card's figures.

    pain3d generate DATA --subjects 600 --distractors 3 --annotations au_heatmaps --resolution 256 --seed 1
    python runs/vitpain_tiny.py DATA WORK src/pain3d/checkpoints/vitpain-tiny

About 75 minutes of one core. Finished parts are left as they are, an interrupted one goes on.
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from pain3d.console import progress, say
from pain3d.evaluate.bundle import make_bundle
from pain3d.train.config import TrainConfig
from pain3d.train.loop import train
from pain3d.train.recipes import recipe, vitpain_tiny

TEACHER_SAMPLES = 16_000
SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="the dataset of the first command")
    parser.add_argument("work", type=Path, help="folder for the two runs")
    parser.add_argument("to", type=Path, help="folder of the model to write")
    chosen = parser.parse_args()
    teacher, student = chosen.work / "teacher", chosen.work / "student"
    _train(chosen.data, teacher, dataclasses.replace(recipe("teacher", seed=SEED), samples=TEACHER_SAMPLES))
    _train(chosen.data, student, vitpain_tiny(teacher=str(teacher), seed=SEED))
    commands = [line.strip() for line in (__doc__ or "").splitlines() if line.startswith("    ")]
    with progress("reading", "frames") as advance:
        made = make_bundle(student, chosen.data, chosen.to, commands=commands, on_progress=advance, on_phase=say)
    for evaluation in made.evaluations:
        print(evaluation.text())


def _train(data: Path, run: Path, config: TrainConfig) -> None:
    with progress(f"training {run.name}", "samples") as advance:
        say(train(data, run, config, on_progress=advance, on_phase=say).text())


if __name__ == "__main__":
    main()
