"""Named random streams: the package's only source of randomness.

A stream is a pure function of a seed and a path of names and numbers, so that drawing more from one never moves
another, and order, worker count and the number of subjects asked for change nothing.
"""

from __future__ import annotations

import hashlib

import numpy as np

from pain3d.arguments import whole_number

MAX_SEED = 2**63 - 1


def derive_seed(seed: int, *path: str | int) -> int:
    """A seed in 0..2^63-1 that depends on `seed` and `path` alone."""
    text = "/".join([str(int(seed)), *(str(part) for part in path)])
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") & MAX_SEED


def stream(seed: int, *path: str | int) -> np.random.Generator:
    """A fresh generator for the stream `path` of `seed`."""
    return np.random.Generator(np.random.PCG64(derive_seed(seed, *path)))


def subject_seed(seed: int, number: int) -> int:
    """Seed of subject `number` of the dataset with this seed: the `seed` column of all its frames."""
    return derive_seed(seed, "subject", number)


def checked_seed(seed: int) -> int:
    """The seed itself.

    Raises:
        TypeError: if it is no whole number.
        ValueError: if it is not in 0..2^63-1.
    """
    seed = whole_number("seed", seed, "7")
    if not 0 <= seed <= MAX_SEED:
        raise ValueError(f"seed: {seed} is outside 0..{MAX_SEED}; give a whole number that is not negative")
    return seed
