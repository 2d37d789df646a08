"""Damage to a file, drawn by Hypothesis: to its bytes, or to what its JSON says."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

Damage = Callable[[bytes], bytes]

WORDS = (
    b"nan",
    b"-1",
    b"1e999",
    b"0",
    b"9" * 30,
    b'"',
    b",",
    b"\n",
    b"\r",
    b"\0",
    b"../../x",
    b"/x",
    b"\xff\xfe",
    b"{",
    b"[" * 3000,
)
"""What readers stumble over; the last: deeper than Python recurses."""

VALUES = st.one_of(
    st.sampled_from([None, True, -1, 0, 1.5, 10**400, 2**63, 1e308, "", "x", "../../x", "\0", "\ud800", [], {}, [[]]]),
    st.integers(-3, 70_000),
    st.text(max_size=5),
    st.lists(st.integers(-1, 5), max_size=5),
)


def _spot(content: bytes, where: float) -> int:
    return int(where * len(content))


@st.composite
def byte_damage(draw: st.DrawFn) -> Damage:
    where, kind = draw(st.floats(0, 1, exclude_max=True)), draw(st.sampled_from(["cut", "flip", "put", "in", "out"]))
    length = draw(st.integers(1, 16))
    put = draw(st.one_of(st.sampled_from(WORDS), st.binary(min_size=1, max_size=8)))
    bit = 1 << draw(st.integers(0, 7))

    def damage(content: bytes) -> bytes:
        spot = _spot(content, where)
        match kind:
            case "cut":
                return content[:spot]
            case "flip" if content:
                return content[:spot] + bytes([content[spot] ^ bit]) + content[spot + 1 :]
            case "put":
                return content[:spot] + put + content[spot + len(put) :]
            case "in":
                return content[:spot] + put + content[spot:]
        return content[:spot] + content[spot + length :]

    return damage


@st.composite
def json_damage(draw: st.DrawFn) -> Damage:
    """One value taken out, put in, or replaced; files that hold no JSON stay as they are."""
    which, value = draw(st.integers(0, 400)), draw(VALUES)
    kind = draw(st.sampled_from(["replace", "replace", "remove", "add"]))

    def damage(content: bytes) -> bytes:
        try:
            tree = json.loads(content)
        except ValueError:
            return content
        places = list(_places(tree))
        if not places:
            return content
        tree = copy.deepcopy(tree)
        owner, key = list(_places(tree))[which % len(places)]
        if kind == "replace":
            owner[key] = value
        elif kind == "remove":
            del owner[key]
        elif isinstance(owner, dict):
            owner["unknown"] = value
        else:
            owner.insert(0, value)
        return json.dumps(tree).encode()

    return damage


def _places(tree: Any):
    if isinstance(tree, dict):
        for key, value in list(tree.items()):
            yield tree, key
            yield from _places(value)
    elif isinstance(tree, list):
        for number, value in enumerate(tree):
            yield tree, number
            yield from _places(value)


ANY = st.lists(st.one_of(byte_damage(), json_damage()), min_size=1, max_size=3)
"""One after the other."""


def damaged(content: bytes, damages: list[Damage]) -> bytes:
    for damage in damages:
        content = damage(content)
    return content
