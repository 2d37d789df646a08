"""The Ray engine: the bytes of the local one, every refusal kind, every death tried again, as often as said."""

import builtins
import contextlib
import functools
import hashlib
import json
import random
import shutil
import subprocess
import sys
from dataclasses import replace

import crew_handlers
import pytest
import ray_cluster

from pain3d import cli
from pain3d.data.audit import audit
from pain3d.errors import ArgumentError, OutputError
from pain3d.skin.looks import PLAIN
from pain3d.synth import engine, ray_session, ray_tasks
from pain3d.synth import generate as generating
from pain3d.synth.generate import finish_dataset, generate
from pain3d.synth.plan import PlanConfig, ShardTask
from pain3d.synth.workers import WorkerError

pytest.importorskip("ray")
pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::ResourceWarning")

CONFIG = PlanConfig(**vars(PLAIN), subjects=8, expressions=1, views=1, resolution=32, subjects_per_shard=1, seed=4)
WORDS = ["--subjects=8", "--expressions=1", "--views=1", "--resolution=32", "--subjects-per-shard=1", "--seed=4"]
WORDS += ["--skin=procedural", "--hair=cap", "--no-wrinkles", "--no-wet"]


def contents(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file()
    }


@pytest.fixture(scope="module")
def cluster():
    with ray_cluster.cluster_of(head_cpus=2) as made:
        yield made


@pytest.fixture(scope="module")
def joined(cluster):
    """A session of the caller's own: starting workers anew for every test takes minutes."""
    import ray

    ray.init(cluster.address, log_to_driver=False)
    yield cluster
    ray.shutdown()


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    out = tmp_path_factory.mktemp("local") / "OUT"
    generate(out, CONFIG, workers=1)
    return out


def run(tasks, prepare, *, workers="auto", before=engine._nothing, on_tick=lambda done: None, said=None):
    results = []
    say = (lambda words: None) if said is None else said.append
    with engine.opened("ray", address=None, workers=workers, device="cpu", on_phase=say) as dispatch:
        dispatch(tasks, prepare, on_tick=on_tick, on_result=results.append, before=before, stop=lambda: False)
    return results


def test_ray_makes_the_bytes_of_the_local_engine_though_a_worker_is_killed(cluster, local, tmp_path):
    out = tmp_path / "OUT"
    chance = random.Random(7)
    killed, seen, said = [], [], []

    def harm(done, of):
        seen.append((done, of))
        if not killed:
            killed.extend(filter(None, [ray_cluster.kill_worker(cluster.head_node, chance)]))

    result = generate(out, CONFIG, engine="ray", address=cluster.address, on_progress=harm, on_phase=said.append)
    assert contents(out) == contents(local)
    assert audit(out).ok
    assert killed and any(f"{killed[0]}: its worker was killed" in words for words in said)
    assert any(words.startswith("Ray: 1 node, 2 slots") for words in said)
    assert seen == [(done, 16) for done in range(2, 17, 2)]
    assert (result.frames_made, result.frames_kept, result.stopped) == (16, 0, False)
    again = generate(out, CONFIG, engine="ray", address=cluster.address)
    assert (again.frames_made, again.frames_kept) == (0, 16)


def test_parts_engines_and_the_command_line_mix(joined, local, tmp_path, capfd):
    out = tmp_path / "OUT"
    done = generate(out, CONFIG, shard="1/3", engine="ray", address=joined.address)
    generate(out, CONFIG, shard="2/3", workers=1)
    assert cli.main(["generate", str(out), *WORDS, "--engine", "ray", "--json", "--shard", "3/3"]) == 0
    assert set(json.loads(capfd.readouterr().out)) == set(done.to_json())
    finish_dataset(out)
    assert contents(out) == contents(local)


def test_an_interrupt_calls_tasks_back_and_the_run_goes_on(joined, local, tmp_path):
    out = tmp_path / "OUT"

    def interrupt(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(out, CONFIG, engine="ray", on_progress=interrupt)
    assert len(list((out / "data").glob("*.parquet"))) >= 1
    assert list(out.rglob("*.tmp")) == []
    assert generate(out, CONFIG, workers=1).frames_kept >= 2
    assert contents(out) == contents(local)


def test_told_to_stop_it_finishes_what_is_in_hand(joined, tmp_path):
    asked = []
    stopped = generate(
        tmp_path / "OUT",
        CONFIG,
        engine="ray",
        on_progress=lambda done, of: asked.append(done),
        stop=lambda: bool(asked),
    )
    assert stopped.stopped and 2 <= stopped.frames_made < 16
    assert list((tmp_path / "OUT").rglob("*.tmp")) == []


def test_a_folder_that_a_node_sees_otherwise_is_refused(joined, tmp_path, monkeypatch):
    out = tmp_path / "OUT"
    there = generating._claimed

    @contextlib.contextmanager
    def elsewhere(folder, *rest):
        with there(folder, *rest) as claimed:
            shutil.move(out, tmp_path / "moved")
            yield claimed

    monkeypatch.setattr(generating, "_claimed", elsewhere)
    with pytest.raises(
        OutputError, match=r"OUT: on machine \S+ not the dataset's folder .*one that all machines share"
    ):
        generate(out, CONFIG, engine="ray")


def test_a_node_of_another_kind_is_refused(joined, tmp_path, monkeypatch):
    out = tmp_path / "OUT"
    real = engine.asked

    def other(dispatch, question):
        manifest = real(dispatch, question)
        return replace(manifest, environment={**manifest.environment, "numpy": "1.0"})

    monkeypatch.setattr(generating, "asked", other)
    with pytest.raises(OutputError, match=r"the same plan gives other bytes.*environment.numpy: \"1.0\" there"):
        generate(out, CONFIG, engine="ray")
    assert not list(out.rglob("*.parquet"))


def test_deaths_and_full_disks_are_tried_again(joined, tmp_path):
    for number, end in enumerate(("kill", "disk")):
        tries = tmp_path / f"{number}"
        tries.mkdir()
        ticks, said = [], []
        prepare = functools.partial(crew_handlers.unlucky, tries, 3, end)
        assert run(["a"], prepare, on_tick=ticks.append, said=said) == ["a"]
        assert len(list(tries.iterdir())) == 4
        assert ticks == [1], "of tries that failed nothing is counted"
        assert len([words for words in said if "tried again" in words]) == 3


def test_the_fourth_death_ends_the_run(joined, tmp_path):
    task = ShardTask(file="data/train-00000-of-00001.parquet", split="train", subjects=(0,), rows=1)
    with pytest.raises(WorkerError) as caught:
        run([task], functools.partial(crew_handlers.unlucky, tmp_path, 99, "kill"))
    assert str(caught.value) == (
        "data/train-00000-of-00001.parquet: failed 4 times on Ray, the last time because its worker was killed, or its "
        "node died; finished shards are kept; run the same command again to go on"
    )
    assert len(list(tmp_path.iterdir())) == 4


def test_errors_of_the_user_are_not_tried_again(joined, tmp_path):
    with pytest.raises(ArgumentError, match="out/a: argument"):
        run(["a"], functools.partial(crew_handlers.unlucky, tmp_path, 99, "argument"))
    assert len(list(tmp_path.iterdir())) == 1


def test_a_defect_arrives_with_its_traceback(joined):
    with pytest.raises(RuntimeError, match=r"(?s)ZeroDivisionError.*return 1 // 0"):
        run([1], crew_handlers.failing)


def test_workers_is_a_limit(joined, tmp_path):
    prepare = functools.partial(crew_handlers.most_at_once, tmp_path)
    assert run(list(range(4)), prepare, workers=1) == [1] * 4


def test_address_of_another_cluster_while_in_one(joined, tmp_path):
    with pytest.raises(ArgumentError, match=r"address: local, but this process is in the Ray cluster at \S+; leave"):
        generate(tmp_path / "OUT", CONFIG, engine="ray", address="local")


def test_a_cluster_without_nodes_ends_the_run(joined, monkeypatch):
    monkeypatch.setattr(ray_session.RaySession, "slots", lambda self: 0)
    monkeypatch.setattr(ray_tasks, "NO_NODE_S", 2.0)
    said = []
    with pytest.raises(WorkerError, match="no node of the Ray cluster could take a shard for 0 minutes"):
        run([30, 30, 30], crew_handlers.slow, said=said)
    assert said.count("Ray: no node can take a shard; waiting for one") == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"engine": "spark"}, "engine: 'spark' is unknown; choose one of local, ray"),
        ({"address": "auto"}, "address: 'auto' is given, but the engine is local; add --engine ray"),
        (
            {"engine": "ray", "address": "somewhere"},
            "address: 'somewhere' is none; write auto, local, or HOST:PORT of the head, as in 10.0.0.1:6379",
        ),
        (
            {"engine": "ray", "address": "ray://10.0.0.1:10001"},
            "address: 'ray://10.0.0.1:10001' is none; write auto, local, or HOST:PORT of the head, as in 10.0.0.1:6379",
        ),
        (
            {"engine": "ray", "device": "cuda:1"},
            "device: 'cuda:1' is not for Ray, which gives each task a GPU of its own; write cpu or cuda",
        ),
        (
            {"engine": "ray", "workers": 0},
            "workers: 0 is below 1; give a number of processes, or auto for one a core",
        ),
    ],
)
def test_what_is_refused(tmp_path, words, message):
    with pytest.raises(ArgumentError) as caught:
        generate(tmp_path / "OUT", CONFIG, **words)
    assert str(caught.value) == message
    assert not list(tmp_path.iterdir())


def test_a_host_that_does_not_answer(tmp_path):
    with pytest.raises(ArgumentError, match=r"address: 127.0.0.1:1 does not answer .*ray start --head, or write local"):
        generate(tmp_path / "OUT", CONFIG, engine="ray", address="127.0.0.1:1")


def test_without_ray_the_extra_is_named(tmp_path, monkeypatch):
    real = builtins.__import__

    def without(name, *rest):
        if name == "ray":
            raise ModuleNotFoundError(name)
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(ArgumentError) as caught:
        generate(tmp_path / "OUT", CONFIG, engine="ray", address="local")
    assert str(caught.value) == (
        "engine: ray is not installed; run pip install 'pain3d[cluster]' on every node, or use the local engine"
    )


def test_ray_is_not_loaded_unless_asked_for():
    code = "import sys, pain3d.cli, pain3d.synth.generate; print('ray' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_no_gpu_no_run(joined, tmp_path):
    with pytest.raises(ArgumentError, match="device: cuda, but no node of the Ray cluster has a GPU; start nodes with"):
        generate(tmp_path / "OUT", CONFIG, engine="ray", device="cuda")
    assert not list(tmp_path.iterdir())
