"""Shapes are checked at run time, in the tests alone.

Only array annotations count: tests hand over wrong types and names on purpose, to read the errors that answer them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, get_args

from beartype import beartype
from jaxtyping import AbstractArray

Function = TypeVar("Function", bound=Callable[..., Any])


def shapes_checked(function: Function) -> Function:
    """Beartype over the annotations that name an array."""
    function.__annotations__ = {
        name: hint if _names_an_array(hint) else Any for name, hint in function.__annotations__.items()
    }
    return beartype(function)


def _names_an_array(hint: object) -> bool:
    if isinstance(hint, type) and issubclass(hint, AbstractArray):
        return True
    return any(_names_an_array(part) for part in get_args(hint))
