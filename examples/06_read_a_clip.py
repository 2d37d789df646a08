"""A clip of a face in pain, and what the bundled model reads in it from moment to moment.

Usage: python examples/06_read_a_clip.py [FOLDER]
"""

import sys

import pain3d


def main(folder: str) -> None:
    """Make a clip, and read it."""
    plan = pain3d.PlanConfig(
        subjects=1, expressions=1, views=1, resolution=192, seed=7, sequence="onset-apex-offset", seconds=2
    )
    pain3d.generate(folder, plan)
    clip = pain3d.open_dataset(folder).sequence("s00000-e01-v0")
    model = pain3d.ViTPain.from_pretrained("vitpain-tiny")

    print(f"{clip[0].sequence_id}: PSPI {clip[0].row['apex_PSPI']:g} at its apex")
    print("time    truth   read   lids down")
    for sample in clip[::4]:
        read = model.predict(sample.image).pspi
        lids = max(sample.row["eye_closure"], sample.row["blink"])
        print(f"{sample.time_s:4.1f} s  {sample.pspi:5.1f}  {read:5.1f}   {100 * lids:3.0f} %")

    print("PSPI is observer-coded facial expression, not felt pain. The model has seen synthetic faces alone.")


if __name__ == "__main__":  # worker processes read this file, too
    main(sys.argv[1] if len(sys.argv) > 1 else "moving")
