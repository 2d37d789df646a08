"""Every numbered example runs as its first lines say."""

import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"
SAID = {
    "00_one_face": ("one-face", "PSPI 12, skin moves up to"),
    "01_a_dataset": ("faces", "audit: sound, 40 frames"),
    "02_read_a_face": ("", "not felt pain"),
    "03_train": ("students", "a student of 64 frames reads"),
    "04_a_moving_head": ("head.glb", "morph targets"),
    "05_own_head": ("egg.png", "the brow moved"),
    "06_read_a_clip": ("moving", "at its apex"),
}
LONG = ("01_a_dataset", "03_train", "06_read_a_clip")


def test_each_is_tried_here():
    assert {path.stem for path in EXAMPLES.glob("[0-9]*.py")} == set(SAID)


@pytest.mark.parametrize("name", [pytest.param(name, marks=pytest.mark.slow if name in LONG else ()) for name in SAID])
def test_it_runs_and_says(name, tmp_path):
    argument, expected = SAID[name]
    words = [sys.executable, EXAMPLES / f"{name}.py", *([argument] if argument else [])]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert expected in done.stdout
    assert not argument or (tmp_path / argument).exists()
