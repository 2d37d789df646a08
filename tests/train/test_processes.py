"""The command in processes of its own: killed for good, and shared by two."""

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from pain3d.train.log import read_metrics
from pain3d.train.state import checkpoints

pytestmark = pytest.mark.slow

LAUNCH = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--standalone")
COMMAND = ("-m", "pain3d", "train")
OPTIONS = (
    *("--recipe", "rgb", "--samples", "96", "--batch-size", "4"),
    *("--save-every", "2", "--eval-every", "4", "--log-every", "1"),
)
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def run(*words):
    done = subprocess.run([sys.executable, *map(str, words)], capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stderr


def learnt(folder):
    weights = load_file(checkpoints(folder)[-1] / "state.safetensors")
    return {name: value for name, value in weights.items() if name.startswith("model/")}


@pytest.fixture(scope="module")
def whole(learning_dataset, tmp_path_factory):
    folder = tmp_path_factory.mktemp("processes") / "whole"
    run(*COMMAND, learning_dataset, folder, *OPTIONS, "--accumulate", 2)
    return folder


def test_kill_9_loses_nothing(learning_dataset, tmp_path, whole):
    folder = tmp_path / "run"
    words = [*COMMAND, learning_dataset, folder, *OPTIONS, "--accumulate", 2]
    with subprocess.Popen([sys.executable, *map(str, words)], env=ENVIRONMENT, stderr=subprocess.DEVNULL) as process:
        while process.poll() is None and not checkpoints(folder):
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL and not (folder / "summary.json").exists()
    run(*words)
    found, expected = learnt(folder), learnt(whole)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name], expected[name]) for name in expected)
    best = "best/model.safetensors"
    assert (folder / best).read_bytes() == (whole / best).read_bytes()


def test_two_processes_learn_what_one_learns_that_accumulates_twice(learning_dataset, tmp_path, whole):
    run(*LAUNCH, *COMMAND, learning_dataset, tmp_path / "run", *OPTIONS)
    assert_learnt_the_same(tmp_path / "run", whole)
    found, expected = curve(tmp_path / "run"), curve(whole)
    assert found.keys() == expected.keys() and len(expected) == 12
    assert found == pytest.approx(expected, rel=1e-3, abs=2e-4)


@pytest.mark.parametrize("rank", [0, 1])
def test_two_processes_end_when_one_dies_and_go_on_together(learning_dataset, tmp_path, whole, rank):
    folder = tmp_path / "run"
    words = [*LAUNCH, *COMMAND, learning_dataset, folder, *OPTIONS]
    said = struck(words, folder, rank, signal.SIGKILL)
    assert f"process {1 - rank} of 2 waits no longer: another one died" in said
    assert "pain3d: error: " in said and "they go on from step " in said
    assert not (folder / "summary.json").exists()
    run(*words)
    assert_learnt_the_same(folder, whole)
    assert curve(folder) == pytest.approx(curve(whole), rel=1e-3, abs=2e-4)


def test_a_process_that_does_not_answer_is_not_waited_for_for_ever(learning_dataset, tmp_path):
    folder = tmp_path / "run"
    words = [*LAUNCH, *COMMAND, learning_dataset, folder, *OPTIONS, "--timeout-s", "6"]
    said = struck(words, folder, 1, signal.SIGSTOP)
    assert "process 0 of 2 waits no longer: another one died, or did not answer within 6 s" in said
    assert checkpoints(folder)


def assert_learnt_the_same(folder, whole):
    found, expected = learnt(folder), learnt(whole)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if "running_" not in name and "num_batches" not in name:  # each process keeps statistics of its own pictures
            torch.testing.assert_close(found[name], value, atol=2e-4, rtol=1e-3, msg=name)


def curve(folder):
    """The loss of every step."""
    return {line["step"]: line["loss/total"] for line in read_metrics(folder, "train")}


def struck(words, folder, rank, number):
    """What a run of two says when one of them gets this signal after its first checkpoint."""
    command = [sys.executable, *map(str, words)]
    with subprocess.Popen(command, env=ENVIRONMENT, stderr=subprocess.PIPE, text=True) as launcher:
        while launcher.poll() is None and not checkpoints(folder):
            time.sleep(0.02)
        ranks = {process_rank(child): child for child in children(launcher.pid)}
        os.kill(ranks[rank], number)
        try:
            said = launcher.communicate(timeout=120)[1]
        finally:
            for process in ranks.values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(process, signal.SIGKILL)
            launcher.kill()
    assert launcher.returncode != 0
    return said


def children(process):
    return [int(word) for word in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def process_rank(process):
    words = Path(f"/proc/{process}/environ").read_bytes().split(b"\0")
    return next(int(word.removeprefix(b"RANK=")) for word in words if word.startswith(b"RANK="))
