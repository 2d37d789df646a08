"""Frozen configurations to JSON and back, strictly: an unknown, missing or mistyped entry is an error that names it."""

from __future__ import annotations

import math
import types
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from pain3d.errors import DataError

_Config = TypeVar("_Config")

_EMPTY = type(None)


def to_json(config: object) -> dict[str, Any]:
    """A configuration as plain dictionaries, lists, numbers and strings; every field is written."""
    return {field.name: _plain(getattr(config, field.name)) for field in fields(config)}  # pyright: ignore[reportArgumentType]


def from_json(kind: type[_Config], data: object, where: str) -> _Config:
    """The configuration that `to_json` wrote.

    Args:
        where: file and place, for the error: `RUN/config.json: model`.

    Raises:
        DataError: for an unknown or missing entry, for a value of another type, or one that breaks a rule of the class.
    """
    if not isinstance(data, Mapping):
        raise DataError(f"{where}: {data!r} is not an object with the entries of {kind.__name__}")
    hints = get_type_hints(kind)
    names = [field.name for field in fields(kind)]  # pyright: ignore[reportArgumentType]
    unknown, missing = sorted(set(data) - set(names)), [name for name in names if name not in data]
    if unknown or missing:
        wrong = [f"unknown: {', '.join(unknown)}"] * bool(unknown) + [f"missing: {', '.join(missing)}"] * bool(missing)
        raise DataError(
            f"{where}: not the entries of {kind.__name__} ({'; '.join(wrong)}); it was written by another version of "
            f"pain3d or edited: use the version that wrote it"
        )
    values = {name: _typed(hints[name], data[name], f"{where}.{name}") for name in names}
    try:
        return kind(**values)
    except (ValueError, TypeError) as error:
        raise DataError(f"{where}: {error}") from error


def _plain(value: object) -> Any:
    if is_dataclass(value):
        return to_json(value)
    if isinstance(value, (tuple, list)):
        return [_plain(part) for part in value]
    if isinstance(value, Mapping):
        return {str(key): _plain(part) for key, part in value.items()}
    return value


def _typed(hint: Any, value: object, where: str) -> Any:
    """The value as the hint wants it."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return _one_of(arguments, value, where)
    if origin is Literal:
        if value not in arguments:
            raise DataError(f"{where}: {value!r} is none of {', '.join(map(repr, arguments))}")
        return value
    if origin is tuple:
        return _tuple(arguments, value, where)
    if origin is not None and issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise DataError(f"{where}: {value!r} is not an object")
        return {_key(arguments[0], k): _typed(arguments[1], v, f"{where}.{k}") for k, v in value.items()}
    if is_dataclass(hint) and isinstance(hint, type):
        return from_json(hint, value, where)
    return _scalar(hint, value, where)


def _key(hint: Any, key: object) -> Any:
    return int(str(key)) if hint is int else key


def _one_of(options: tuple[Any, ...], value: object, where: str) -> Any:
    if value is None and _EMPTY in options:
        return None
    errors = []
    for option in options:
        if option is not _EMPTY:
            try:
                return _typed(option, value, where)
            except DataError as error:
                errors.append(error)
    raise errors[0]


def _tuple(hints: tuple[Any, ...], value: object, where: str) -> tuple[Any, ...]:
    if not isinstance(value, (list, tuple)):
        raise DataError(f"{where}: {value!r} is not a list")
    if len(hints) == 2 and hints[1] is Ellipsis:
        hints = (hints[0],) * len(value)
    if len(hints) != len(value):
        raise DataError(f"{where}: {value!r} has {len(value)} entries instead of {len(hints)}")
    return tuple(_typed(hint, part, f"{where}[{i}]") for i, (hint, part) in enumerate(zip(hints, value, strict=True)))


def _scalar(hint: Any, value: object, where: str) -> Any:
    if hint is Any or hint is object:
        return value
    if hint is float:
        if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
            return float(value)
    elif isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise DataError(f"{where}: {value!r} is not of type {hint.__name__}{' and finite' * (hint is float)}")
