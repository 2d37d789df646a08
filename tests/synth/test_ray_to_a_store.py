"""Ray's workers write into an object store: nodes need no folder in common."""

import fsspec
import pytest
import s3_server

from pain3d.skin.looks import PLAIN
from pain3d.synth.generate import generate
from pain3d.synth.plan import PlanConfig

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")]

CONFIG = PlanConfig(**vars(PLAIN), subjects=6, expressions=1, views=1, resolution=32, subjects_per_shard=1, seed=4)


@pytest.fixture
def server(monkeypatch):
    with s3_server.serving(monkeypatch, "cluster") as server:
        yield server


def test_the_objects_are_the_files_of_the_local_engine(server, tmp_path):
    generate(tmp_path / "OUT", CONFIG, workers=1)
    made = generate("s3://cluster/faces", CONFIG, engine="ray", address="local", workers=2)
    assert made.frames_made == CONFIG.frames
    files = fsspec.filesystem("s3", use_listings_cache=False)
    held = {path.removeprefix("cluster/faces/"): files.cat_file(path) for path in files.find("cluster")}
    here = {path.relative_to(tmp_path / "OUT").as_posix(): path for path in (tmp_path / "OUT").rglob("*")}
    assert held == {name: path.read_bytes() for name, path in here.items() if path.is_file()}
    assert generate("s3://cluster/faces", CONFIG, engine="ray", address="local", workers=2).frames_made == 0
