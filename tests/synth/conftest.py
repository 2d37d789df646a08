"""One small dataset for all tests of this folder and of the command line."""

from dataclasses import asdict

import pytest

from pain3d.skin.looks import PLAIN
from pain3d.synth.generate import generate
from pain3d.synth.plan import PlanConfig

SMALL = PlanConfig(
    subjects=3,
    expressions=2,
    distractors=1,
    confounds=1,
    views=2,
    resolution=64,
    seed=5,
    subjects_per_shard=1,
    **asdict(PLAIN),
)


@pytest.fixture(scope="session")
def small_config():
    return SMALL


@pytest.fixture(scope="session")
def small_dataset(tmp_path_factory):
    """Folder of a dataset made in this process; do not write into it."""
    out = tmp_path_factory.mktemp("small") / "dataset"
    generate(out, SMALL, workers=1)
    return out
