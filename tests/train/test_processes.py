"""The command in processes of its own: killed for good, and shared by two."""

import os
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

from pain3d.train.state import checkpoints

pytestmark = pytest.mark.slow

COMMAND = ("-m", "pain3d", "train")
OPTIONS = (*("--recipe", "rgb", "--samples", "96", "--batch-size", "4"), *("--save-every", "2", "--eval-every", "4"))
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
    launch = ("-m", "torch.distributed.run", "--nproc-per-node", "2", "--master-port", "0", "--standalone")
    run(*launch, *COMMAND, learning_dataset, tmp_path / "run", *OPTIONS)
    found, expected = learnt(tmp_path / "run"), learnt(whole)
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        if "running_" not in name and "num_batches" not in name:  # each process keeps statistics of its own pictures
            torch.testing.assert_close(found[name], value, atol=2e-4, rtol=1e-3, msg=name)
