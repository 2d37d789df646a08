"""One tiny dataset for all tests of the learning half: made once a session."""

from dataclasses import asdict

import pytest

from pain3d.skin.looks import PLAIN
from pain3d.synth.generate import generate
from pain3d.synth.plan import PlanConfig

LEARNING = PlanConfig(
    subjects=10,
    expressions=2,
    distractors=3,
    views=3,
    resolution=64,
    seed=11,
    annotations=("au_heatmaps",),
    subjects_per_shard=2,
    **asdict(PLAIN),
)


@pytest.fixture(scope="session")
def learning_dataset(tmp_path_factory: pytest.TempPathFactory):
    """Folder of a dataset with train, val and test subjects and au_heatmaps; do not write into it."""
    out = tmp_path_factory.mktemp("learning") / "dataset"
    generate(out, LEARNING, workers=1)
    return out
