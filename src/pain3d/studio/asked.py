"""What a browser asks for, in the words of a URL, and the command line that asks for the same."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import Any

from pain3d.errors import ArgumentError
from pain3d.facs import AU_NAMES, Expression
from pain3d.skin.looks import DEFAULT, PROCEDURAL, Looks
from pain3d.synth.sitter import Sitter

SKINS = (DEFAULT.skin, PROCEDURAL)
"""Skins that a page may ask for: a name of a folder or of a model on the Hub is for the command line."""
LARGEST = 1024
"""Pixels: larger pictures, which take seconds, are for the command line too."""
_SHOWN = 40


def asked(query: Iterable[tuple[str, str]]) -> Sitter:
    """Who, what and how of one face.

    Args:
        query: names and values; a name may stand there once. Action Units have names of their own, as in AU4=3; all
            others are those of `Sitter` and `Looks`. What is left out is as in `Sitter`.

    Raises:
        ArgumentError: for a value that is unknown or out of range; its message starts with the name.
    """
    values: dict[str, Any] = {}
    units: dict[str, float] = {}
    for name, text in query:
        if name in values or name in units:
            raise ArgumentError(f"{name}: is given twice; leave out one of the two")
        if name in AU_NAMES:
            units[name] = _number(name, text)
        elif name in _READERS:
            values[name] = _READERS[name](name, text)
        else:
            known = ", ".join((*_READERS, AU_NAMES[0], "...", AU_NAMES[-1]))
            raise ArgumentError(f"{_short(name)}: is no setting of the studio; it has {known}")
    try:
        expression = Expression(**units)  # pyright: ignore[reportArgumentType]
        looks = Looks(**{name: values.pop(name) for name in _LOOKS if name in values})
    except ValueError as error:
        raise ArgumentError(str(error)) from None
    if looks.skin not in SKINS:
        raise ArgumentError(f"skin: {_short(looks.skin)!r} is none of {', '.join(SKINS)}, the skins of the studio")
    sitter = Sitter(aus=_aus(expression), looks=looks, **values)
    if sitter.resolution > LARGEST:
        raise ArgumentError(
            f"resolution: {sitter.resolution} is more than {LARGEST}, the most of the studio; pain3d face makes larger "
            f"pictures"
        )
    return sitter


def command(sitter: Sitter, out: str = "face.png") -> str:
    """The `pain3d face` command line that writes the same files, byte for byte."""
    words = ["pain3d", "face", out]
    for part in fields(Sitter):
        value = vars(sitter)[part.name]
        if part.name != "looks" and value != part.default:
            words += [f"--{part.name.replace('_', '-')}", _text(value)]
    for part in fields(Looks):
        value = vars(sitter.looks)[part.name]
        if value != part.default:
            words += [f"--no-{part.name}"] if value is False else [f"--{part.name}", _text(value)]
    return shlex.join(words)


def _aus(expression: Expression) -> str:
    return ",".join(f"{name}={_text(value)}" for name, value in expression.items() if value)


def _text(value: object) -> str:
    """As short as it reads back the same."""
    if isinstance(value, float):
        return f"{value:g}" if float(f"{value:g}") == value else repr(value)
    return str(value)


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}..."


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise ArgumentError(f"{name}: {_short(text)!r} is not a number; write for example {name}=3") from None


def _whole(name: str, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise ArgumentError(f"{name}: {_short(text)!r} is not a whole number; write for example {name}=71") from None


def _switch(name: str, text: str) -> bool:
    if text not in ("0", "1"):
        raise ArgumentError(f"{name}: {_short(text)!r} is neither 0 nor 1; write for example {name}=1")
    return text == "1"


def _word(name: str, text: str) -> str:
    if len(text) > _SHOWN:
        raise ArgumentError(f"{name}: {_short(text)!r} is unknown; it is longer than any name the studio has")
    return text


_LOOKS = tuple(part.name for part in fields(Looks))
_READERS: Mapping[str, Callable[[str, str], Any]] = {
    "seed": _whole,
    "age_years": _whole,
    "sex": _word,
    "ethnicity": _word,
    "yaw": _number,
    "pitch": _number,
    "light": _word,
    "background": _word,
    "resolution": _whole,
    "skin": _word,
    "hair": _word,
    "wrinkles": _switch,
    "wet": _switch,
    "glasses": _number,
    "cannula": _number,
    "gown": _number,
}
