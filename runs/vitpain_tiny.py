"""Train the bundled checkpoint: a teacher, its student, calibration on validation subjects, and a model card's figures.

    python runs/vitpain_tiny.py DATA WORK
"""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from pain3d.console import progress, say
from pain3d.train.config import TrainConfig
from pain3d.train.loop import train
from pain3d.train.recipes import recipe, vitpain_tiny

TEACHER_SAMPLES = 16_000
SEED = 0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path, help="dataset with --annotations au_heatmaps and --distractors 3")
    parser.add_argument("work", type=Path, help="folder for the two runs")
    chosen = parser.parse_args()
    teacher = chosen.work / "teacher"
    _train(chosen.data, teacher, dataclasses.replace(recipe("teacher", seed=SEED), samples=TEACHER_SAMPLES))
    _train(chosen.data, chosen.work / "student", vitpain_tiny(teacher=str(teacher), seed=SEED))


def _train(data: Path, run: Path, config: TrainConfig) -> None:
    with progress(f"training {run.name}", "samples") as advance:
        say(train(data, run, config, on_progress=advance, on_phase=say).text())


if __name__ == "__main__":
    main()
