"""What each Action Unit does at intensity 5, in millimetres, over all strata: a Markdown table.

Ranges run over people of average expressiveness, one of each of the fifty strata (age band, sex, appearance group);
the table of landmarks takes every seventh.

    python benchmarks/rig_table.py
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "face"))
from rig_measures import (
    LEFT_LANDMARKS,
    aperture_mm,
    cells,
    gaps_mm,
    head_of,
    inside_eye,
    margin_heights_mm,
    skin,
    travel_mm,
    vector,
)

from pain3d.face import makehuman
from pain3d.face.lips import lip_gaps
from pain3d.facs import AU_NAMES

PAIN = {"AU4": 5, "AU6": 5, "AU7": 5, "AU9": 5, "AU10": 5}


def span(values: np.ndarray | list[float]) -> str:
    low, high = float(np.min(values)), float(np.max(values))
    return f"{low:.1f}" if high - low < 0.05 else f"{low:.1f} .. {high:.1f}"


def main() -> None:
    model = makehuman.load()
    heads = [head_of(model, cell) for cell in cells()]
    print(
        "| unit at 5 | " + " | ".join(f"{name} up" for name in LEFT_LANDMARKS) + " | lip corner out | inner brow out |"
    )
    print("|---" * (len(LEFT_LANDMARKS) + 3) + "|")
    for au in AU_NAMES:
        full = {au: 1.0 if au == "AU43" else 5.0}
        moved = {name: np.stack([travel_mm(h, name, **full) for h in heads[::7]]) for name in LEFT_LANDMARKS}
        cols = [span(moved[name][:, 1]) for name in LEFT_LANDMARKS]
        cols += [span(moved["lip corner"][:, 0]), span(moved["inner brow"][:, 0])]
        print(f"| {au} | " + " | ".join(cols) + " |")
    print("\n| eyes | mm |\n|---|---|")
    for name, aus in (
        ("aperture at rest", {}),
        ("aperture AU5 = 5", {"AU5": 5.0}),
        ("aperture AU6 = 5", {"AU6": 5.0}),
        ("aperture AU7 = 5", {"AU7": 5.0}),
        ("aperture AU6 = AU7 = 5", {"AU6": 5.0, "AU7": 5.0}),
    ):
        print(f"| {name} | {span([aperture_mm(h, skin(h, **aus)) for h in heads])} |")
    for name, aus in (
        ("gap AU43", {"AU43": 1.0}),
        ("gap AU43, AU6 = AU7 = 5", {"AU43": 1.0, "AU6": 5.0, "AU7": 5.0}),
        ("gap AU43, AU5 = 5", {"AU43": 1.0, "AU5": 5.0}),
        ("gap AU43, all pain at 5", {"AU43": 1.0, **PAIN}),
    ):
        print(f"| {name}, largest | {max(gaps_mm(h, skin(h, **aus)).max() for h in heads):.2f} |")
    inside = sum(inside_eye(h, skin(h, **aus)) for h in heads for aus in ({}, {"AU43": 1.0}, PAIN))
    print(f"| skin points inside the clearance of the eyeball | {inside} |")
    crossing = min(margin_heights_mm(h, skin(h, **PAIN, AU43=1.0), eye).min() for h in heads for eye in range(2))
    print(f"| least height of the upper over the lower margin, all pain at 5 and AU43 | {crossing:.2f} |")
    furthest = max(np.linalg.norm(skin(h, **PAIN, AU43=1.0) - skin(h), axis=1).max() * 1000 for h in heads)
    print(f"| largest skin displacement, all pain at 5 and AU43 | {furthest:.1f} |")
    lips = model.fields.lips
    for name, aus in (("at rest", {}), ("AU15 = AU17 = 5", {"AU15": 5.0, "AU17": 5.0}), ("AU25 = 5", {"AU25": 5.0})):
        middle = [lip_gaps(lips, h.rig.displace(vector(**aus)))[:, 24].min() * 1000 for h in heads]
        print(f"| lip gap in the middle, {name} | {span(middle)} |")
    head, full = heads[0], vector(**PAIN, AU43=1.0)
    started = time.perf_counter()
    for _ in range(200):
        posed = head.rig.displace(full)
    rigged = time.perf_counter()
    fine, motion = model.skin.matrix @ posed, head.rig.lid_motion(full)
    refined = time.perf_counter()
    for _ in range(200):
        head.lids.settle(fine, motion)
    settled = time.perf_counter()
    print(f"| displace, ms | {(rigged - started) * 5:.2f} |\n| settle, ms | {(settled - refined) * 5:.2f} |")


if __name__ == "__main__":
    main()
