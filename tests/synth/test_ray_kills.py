"""Workers, nodes and drivers of Ray, killed at moments that a seed chooses: run to its end, all is as it should be.

A long run over three nodes, two of which die: benchmarks/ray_nodes.py.
"""

import random
import signal
import subprocess
import sys
import time

import pytest
import ray_cluster
from test_ray import WORDS, contents

from pain3d.data.audit import audit
from pain3d.skin.looks import PLAIN
from pain3d.synth.generate import generate
from pain3d.synth.plan import PlanConfig

pytest.importorskip("ray")
pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")]

CONFIG = PlanConfig(**vars(PLAIN), subjects=24, expressions=3, views=2, resolution=64, subjects_per_shard=1, seed=4)
OPTIONS = ["--subjects=24", "--expressions=3", "--views=2", "--resolution=64", *WORDS[4:]]
FILES = 24


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    out = tmp_path_factory.mktemp("local") / "OUT"
    generate(out, CONFIG, workers=1)
    return contents(out)


@pytest.fixture(scope="module")
def cluster():
    with ray_cluster.cluster_of(*[{"num_cpus": 1}] * 3) as made:
        yield made


@pytest.fixture
def three_nodes(cluster):
    while len(cluster.worker_nodes) < 3:
        ray_cluster.add_node(cluster, num_cpus=1)
    return cluster


def nothing_is_missing(out, local):
    assert contents(out) == local
    assert audit(out).findings == []
    assert not [path for path in out.rglob("*") if path.name.endswith((".tmp", ".part"))]


@pytest.mark.parametrize("seed", range(3))
def test_two_nodes_of_three_are_killed(three_nodes, local, tmp_path, seed):
    chance = random.Random(seed)
    moments = sorted(chance.sample(range(1, FILES - 2), 2))
    nodes = sorted(three_nodes.worker_nodes, key=lambda node: node.node_id)
    chance.shuffle(nodes)
    finished = []

    def harm(done, of):
        finished.append(done)
        if moments and len(finished) >= moments[0]:
            moments.pop(0)
            ray_cluster.kill_node(three_nodes, nodes.pop())

    generate(tmp_path / "OUT", CONFIG, engine="ray", address=three_nodes.address, on_progress=harm)
    assert moments == []
    nothing_is_missing(tmp_path / "OUT", local)


@pytest.mark.parametrize("seed", range(3))
def test_a_worker_is_killed_again_and_again(three_nodes, local, tmp_path, seed):
    chance = random.Random(seed)
    killed = []

    def harm(done, of):
        if len(killed) < 6 and chance.random() < 0.5:
            node = chance.choice(sorted(three_nodes.worker_nodes, key=lambda node: node.node_id))
            killed.extend(filter(None, [ray_cluster.kill_worker(node, chance)]))

    generate(tmp_path / "OUT", CONFIG, engine="ray", address=three_nodes.address, on_progress=harm)
    assert killed
    nothing_is_missing(tmp_path / "OUT", local)


@pytest.mark.parametrize("seed", range(3))
def test_the_driver_is_killed_and_run_again(three_nodes, local, tmp_path, seed):
    out = tmp_path / "OUT"
    at = random.Random(seed).randrange(1, FILES - 4)
    command = [sys.executable, "-m", "pain3d", "generate", str(out), *OPTIONS, "--engine=ray"]
    driver = subprocess.Popen([*command, "--address", three_nodes.address], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 300
    while len(list(out.glob(".progress/*.json"))) < at and time.monotonic() < deadline:
        time.sleep(0.02)
    driver.kill()
    assert driver.wait() == -signal.SIGKILL
    assert generate(out, CONFIG, engine="ray", address=three_nodes.address).frames_kept > 0
    nothing_is_missing(out, local)


def test_ctrl_c_ends_a_cluster_that_was_started_for_the_run(local, tmp_path):
    out = tmp_path / "OUT"
    command = [sys.executable, "-m", "pain3d", "generate", str(out), *OPTIONS, "--engine=ray", "--address=local"]
    driver = subprocess.Popen(
        command,
        stderr=subprocess.PIPE,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    deadline = time.monotonic() + 300
    while not list(out.glob(".progress/*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    driver.send_signal(signal.SIGINT)
    _, errors = driver.communicate(timeout=60)
    assert driver.returncode == 130
    assert errors.decode().splitlines()[-1] == "pain3d: interrupted; run the same command again to go on"
    assert "Traceback" not in errors.decode()
    assert list(out.rglob("*.tmp")) == []
    generate(out, CONFIG, workers=1)
    nothing_is_missing(out, local)
