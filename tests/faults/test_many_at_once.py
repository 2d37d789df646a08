"""Processes that start at once with empty caches: kernels, head model and atlas are made by each, and are one."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

TOGETHER = 6
SCRIPT = """
import hashlib
from pain3d.facs import Expression
from pain3d.skin.looks import PLAIN
from pain3d.synth.portrait import render
from pain3d.synth.subject import Subject
frame = render(Subject.sample(seed=7, looks=PLAIN), Expression(AU4=3), resolution=64)
print(hashlib.sha256(frame.image.tobytes() + frame.heatmap.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_processes_that_start_at_once_on_empty_caches_agree(tmp_path: Path) -> None:
    own = {"PAIN3D_CACHE": str(tmp_path / "cache"), "WARP_CACHE_PATH": str(tmp_path / "kernels")}
    runs = [
        subprocess.Popen(
            [sys.executable, "-c", SCRIPT],
            env={**os.environ, **own},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(TOGETHER)
    ]
    told = [run.communicate(timeout=1200) for run in runs]
    assert [run.returncode for run in runs] == [0] * TOGETHER, told
    assert len({answer for answer, _ in told}) == 1
    assert not list(tmp_path.rglob("*.part")), "half-written files of the cache"
    again = subprocess.run([sys.executable, "-c", SCRIPT], env={**os.environ, **own}, capture_output=True, text=True)
    assert again.stdout == told[0][0]
