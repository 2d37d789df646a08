"""Two runs started on one output."""

from __future__ import annotations

from pathlib import Path

import pytest
from disturbed import OPTIONS, Run, Undisturbed, demand_whole

from pain3d import cli


@pytest.mark.slow
def test_the_second_is_refused_and_the_first_ends_undisturbed(
    tmp_path: Path, whole: Undisturbed, capfd: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "OUT"
    first = Run(out)
    first.wait_for(1)
    assert cli.main(["generate", str(out), *OPTIONS]) == 2
    assert capfd.readouterr().err.endswith("another run is writing here; wait for it, or name another folder\n")
    assert first.ended().status == 0
    demand_whole(out, whole, first)


@pytest.mark.slow
def test_started_at_the_same_moment(tmp_path: Path, whole: Undisturbed) -> None:
    """One of them makes it all; the others come too early and are refused, or too late and find it finished."""
    runs = [Run(tmp_path / "OUT") for _ in range(4)]
    ended = [run.ended() for run in runs]
    assert {run.status for run in ended} <= {0, 2} and any(run.status == 0 for run in ended)
    assert all("another run is writing here" in run.said for run in ended if run.status == 2)
    demand_whole(tmp_path / "OUT", whole, *runs)
