"""Every reader of bytes from outside: a right answer or an error of one line, whatever the bytes are."""

from __future__ import annotations

from pathlib import Path

import pytest
from damages import ANY, Damage, damaged
from hypothesis import HealthCheck, given, settings
from law import hold
from readers import TARGETS

QUICK, SLOW = 30, 6
"""Examples for each reader; `atheris_run.py` goes further."""


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Path, Path, bytes]]:
    """Folder, file and its sound content, by reader, made when first asked for."""
    return _Homes(tmp_path_factory)


class _Homes(dict):
    def __init__(self, factory: pytest.TempPathFactory) -> None:
        super().__init__()
        self._factory = factory

    def __missing__(self, name: str) -> tuple[Path, Path, bytes]:
        home = self._factory.mktemp("fuzz") / "home"
        home.mkdir()
        path = TARGETS[name].prepare(home)
        self[name] = home, path, path.read_bytes()
        return self[name]


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_sound_is_read(name: str, homes: dict[str, tuple[Path, Path, bytes]]) -> None:
    assert hold(TARGETS[name], *homes[name])


def fuzz(name: str, homes: dict[str, tuple[Path, Path, bytes]], examples: int) -> None:
    @settings(
        max_examples=examples, derandomize=True, database=None, deadline=None, suppress_health_check=[*HealthCheck]
    )
    @given(damages=ANY)
    def every(damages: list[Damage]) -> None:
        home, path, content = homes[name]
        hold(TARGETS[name], home, path, damaged(content, damages))

    every()


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_damaged_is_refused_in_one_line_or_read(name: str, homes: dict[str, tuple[Path, Path, bytes]]) -> None:
    fuzz(name, homes, SLOW if TARGETS[name].slow else QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("name", TARGETS)
def test_the_same_at_length(name: str, homes: dict[str, tuple[Path, Path, bytes]]) -> None:
    fuzz(name, homes, 100 if TARGETS[name].slow else 1000)
