"""Arguments of the Python functions held against their rules: the message names argument, value, rule and way out."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import TypeVar

_Kind = TypeVar("_Kind")


def whole_number(name: str, value: object, example: str) -> int:
    """The value as an int; NumPy's whole numbers count, True and 1.0 do not.

    Raises:
        TypeError: for anything else.
    """
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name}: {value!r} is not a whole number; write for example {name}={example}")
    return int(value)


def finite_number(name: str, value: object, example: str) -> float:
    """The value as a float.

    Raises:
        TypeError: if it is no number.
        ValueError: if it is NaN or infinite.
    """
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name}: {value!r} is not a number; write for example {name}={example}")
    if not math.isfinite(value):
        raise ValueError(f"{name}: {value} is not finite; write for example {name}={example}")
    return float(value)


def instance_of(kind: type[_Kind], name: str, value: object, example: str) -> _Kind:
    """The value itself.

    Raises:
        TypeError: if it is of another kind.
    """
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOU" else "a"
        raise TypeError(f"{name}: {value!r} is not {article} {kind.__name__}; write for example {name}={example}")
    return value
