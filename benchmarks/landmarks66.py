"""How far the two landmarks that 66-point files lack are off when they are filled in.

Usage: python benchmarks/landmarks66.py DATA     (a dataset that pain3d generated)

Prints the mean and the largest distance over its test frames, in per cent of the longer extent of the landmarks.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq

from pain3d.data.importers.landmarks66 import INNER_CORNERS, ibug68_of_66


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    table = pq.read_table(parser.parse_args().data / "data", columns=["landmarks"], filters=[("split", "=", "test")])
    faces = np.array(table["landmarks"].to_pylist()).reshape(-1, 68, 2)
    kept = [point for point in range(68) if point not in INNER_CORNERS]
    off = np.array([[np.linalg.norm(ibug68_of_66(f[kept])[c] - f[c]) for c in INNER_CORNERS] for f in faces])
    share = 100 * off / np.ptp(faces, axis=1).max(axis=1)[:, None]
    print(f"{len(faces):,} frames: {share.mean():.2f} % on average, {share.max():.2f} % at most")


if __name__ == "__main__":
    main()
