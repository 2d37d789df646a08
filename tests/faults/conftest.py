"""The undisturbed run, made once, and a table of the time that each fault cost."""

from __future__ import annotations

from collections.abc import Callable

import pytest

pytest.register_assert_rewrite("disturbed")  # so that what it demands is told in full

import disturbed  # noqa: E402
from disturbed import Lost  # noqa: E402


@pytest.fixture(scope="session")
def whole(tmp_path_factory: pytest.TempPathFactory) -> disturbed.Undisturbed:
    return disturbed.undisturbed(tmp_path_factory.mktemp("undisturbed") / "OUT")


@pytest.fixture
def lost(record_property: Callable[[str, object], None], whole: disturbed.Undisturbed) -> Lost:
    """Notes how much longer two runs with a fault in between took than the undisturbed one."""

    def note(*runs: disturbed.Ended) -> None:
        record_property("lost_s", sum(run.seconds for run in runs) - whole.seconds)

    return note


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    rows = {
        report.nodeid: dict(report.user_properties)["lost_s"]
        for report in terminalreporter.getreports("passed")
        if "lost_s" in dict(report.user_properties)
    }
    if rows:
        terminalreporter.section("time lost to each fault, start-up of the second run included")
    for name, seconds in sorted(rows.items(), key=lambda row: row[0]):
        terminalreporter.line(f"{seconds:6.1f} s  {name}")
