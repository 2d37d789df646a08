"""Progress as lines, where there is no terminal."""

from __future__ import annotations

import subprocess
import sys

from pain3d import console
from pain3d.console import progress


def test_one_piece_has_no_rate(capsys):
    with progress("reading", "pictures") as advance:
        advance(1, 1)
    assert capsys.readouterr().err == "reading: 1/1 pictures\n"


def test_the_rate_counts_from_the_first_piece(capsys, monkeypatch):
    clock = iter([100.0, 110.0])
    monkeypatch.setattr(console.time, "monotonic", lambda: next(clock))
    with progress("reading", "pictures") as advance:
        advance(1, 21)
        advance(6, 21)
    assert capsys.readouterr().err == "reading: 6/21 pictures, 0.5 pictures/s, 30 s left\n"


def test_a_reader_that_leaves_early_is_no_error():
    code = "from pain3d.console import answer_with; answer_with('x' * 1_000_000)"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        process.stdout.read(1)
        process.stdout.close()
        assert (process.stderr.read(), process.wait()) == (b"", 0)
