"""A cache file answers only for what it was made from."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pain3d.face import cache
from pain3d.face.cache import cache_file, cached


@pytest.fixture
def builds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one whenever `number` is built, in an empty cache."""
    monkeypatch.setenv("PAIN3D_CACHE", str(tmp_path / "cache"))
    return []


def number(builds: list[int], value: int, made_from: bytes) -> int:
    def build() -> dict[str, np.ndarray]:
        builds.append(value)
        return {"number": np.array(value)}

    return int(cached("number", build, made_from=made_from)["number"])


def test_what_was_made_from_the_same_is_read_back(builds: list[int]) -> None:
    assert [number(builds, value, b"a") for value in (1, 2, 3)] == [1, 1, 1]
    assert builds == [1]


def test_what_was_made_from_something_else_is_made_anew_in_the_same_file(builds: list[int]) -> None:
    assert [number(builds, 1, b"a"), number(builds, 2, b"b"), number(builds, 3, b"b")] == [1, 2, 2]
    assert builds == [1, 2]
    assert list(cache_file("number").parent.iterdir()) == [cache_file("number")]


@pytest.mark.parametrize("flip", [0x01, 0x08, 0xFF])
def test_damage_to_any_byte_is_survived(builds: list[int], flip: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Read right all the same, or made anew; never an error, never another value."""
    number(builds, 7, b"a")
    whole = cache_file("number").read_bytes()
    monkeypatch.setattr(cache, "write_arrays", lambda *_, **__: None)  # it takes 8 ms
    for place in range(len(whole)):
        damaged = bytearray(whole)
        damaged[place] ^= flip
        cache_file("number").write_bytes(damaged)
        assert number(builds, 7, b"a") == 7
    assert len(builds) > 100


@pytest.mark.parametrize("left", [0, 1, 100, -1])
def test_a_file_cut_short_is_made_anew(builds: list[int], left: int) -> None:
    number(builds, 1, b"a")
    file = cache_file("number")
    file.write_bytes(file.read_bytes()[:left])
    assert [number(builds, 2, b"a"), number(builds, 3, b"a")] == [2, 2]


def test_a_file_of_something_else_is_made_anew(builds: list[int]) -> None:
    number(builds, 1, b"a")
    cache_file("number").write_bytes(b"not an archive" * 100)
    assert number(builds, 2, b"a") == 2
