"""Streams: pinned numbers, independence, and no other source of randomness."""

import ast
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import pain3d
from pain3d.streams import MAX_SEED, checked_seed, derive_seed, stream

PATHS = st.lists(st.one_of(st.integers(0, 99), st.sampled_from(["subject", "view", "expression"])), max_size=4)


def test_numbers_are_pinned():
    # These decide every face ever made: a change here changes every dataset.
    assert derive_seed(0) == int.from_bytes(bytes.fromhex("5feceb66ffc86f38"), "big") & MAX_SEED
    assert stream(7, "identity").integers(0, 10**9, 3).tolist() == [812179397, 279410690, 517138867]


@given(st.integers(0, MAX_SEED), PATHS)
def test_seeds_are_in_range_and_repeat(seed, path):
    assert 0 <= derive_seed(seed, *path) <= MAX_SEED
    assert derive_seed(seed, *path) == derive_seed(seed, *path)


def test_streams_do_not_meet():
    paths = [(seed, *path) for seed in range(20) for path in [(), ("view", 0), ("view", 1), ("view0",), ("subject", 1)]]
    assert len({derive_seed(*path) for path in paths}) == len(paths)


def test_drawing_more_from_one_stream_moves_no_other():
    first = stream(3, "a")
    first.random(1000)
    assert stream(3, "b").random() == stream(3, "b").random()


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1])
def test_seeds_out_of_range(seed):
    with pytest.raises(ValueError) as caught:
        checked_seed(seed)
    assert str(caught.value) == f"seed: {seed} is outside 0..{MAX_SEED}; give a whole number that is not negative"


def test_seed_zero_is_a_seed():
    assert checked_seed(0) == 0
    assert not np.array_equal(stream(0).random(4), stream(1).random(4))


FORBIDDEN = {"random", "uuid", "secrets"}
ALLOWED_CLOCKS = {
    *("synth/generate.py", "synth/cost.py", "console.py", "train/loop.py", "train/tally.py"),
    *("stores.py", "train/processes.py"),
}
"""They time a run for the person who watches, and its log, or say how long to wait for a store or another process;
nothing of it reaches a frame, a dataset or a weight."""


def allowed_random(library, name):
    """Of NumPy only generators, made in one place; of torch only what puts the global state back as it was."""
    if library == "torch":
        return {"fork_rng"}
    return {"Generator", "PCG64"} if name == "streams.py" else {"Generator"}


@pytest.mark.parametrize("path", sorted(Path(pain3d.__file__).parent.rglob("*.py")), ids=lambda path: path.stem)
def test_no_other_randomness_and_no_clock(path):
    name = path.relative_to(Path(pain3d.__file__).parent).as_posix()
    forbidden = FORBIDDEN if name in ALLOWED_CLOCKS else FORBIDDEN | {"time", "datetime"}
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            assert not {alias.name.split(".")[0] for alias in node.names} & forbidden
        if isinstance(node, ast.ImportFrom) and node.module:
            assert node.module.split(".")[0] not in forbidden
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Attribute) and node.value.attr == "random":
            library = ast.unparse(node.value.value)
            assert node.attr in allowed_random(library, name), f"{name}: {library}.random.{node.attr}"
