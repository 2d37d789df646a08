"""A teacher that sees heatmaps, and a student that sees pictures and learns from it.

The budgets here show that everything works, and teach nothing: leave `samples` out for the recipes' own.

Usage: python examples/03_train.py [FOLDER]
"""

import sys
from pathlib import Path

import pain3d
from pain3d.train.recipes import recipe, with_options


def main(folder: Path) -> None:
    """Train both, or go on where an earlier run stopped; then read a face of a subject that neither has seen."""
    faces, teacher, student = folder / "faces", folder / "teacher", folder / "student"
    plan = pain3d.PlanConfig(
        subjects=20, expressions=3, views=1, resolution=128, skin="procedural", annotations=("au_heatmaps",)
    )
    pain3d.generate(faces, plan)

    small = {"samples": 64, "batch_size": 16}
    pain3d.train(faces, teacher, with_options(recipe("teacher"), **small))
    taught = pain3d.train(faces, student, with_options(recipe("student", teacher=str(teacher)), **small))
    print(taught.text())

    model = pain3d.ViTPain.from_pretrained(student)
    sample = pain3d.open_dataset(faces, split="test")[1]
    print(
        f"{sample.frame_id}: PSPI {sample.pspi:g}, a student of 64 frames reads {model.predict(sample.image).pspi:.1f}"
    )


if __name__ == "__main__":  # worker processes read this file, too
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "a-student"))
