"""Part: one share of a dataset's files, for machines that make one dataset together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self, TypeVar

from pain3d.errors import ArgumentError

_Task = TypeVar("_Task")
_WORDS = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True, kw_only=True)
class Part:
    """Every `of`-th file, from number `index` on."""

    index: int
    """1..of."""
    of: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """``3/16`` is the third of sixteen.

        Raises:
            ArgumentError: for anything else.
        """
        match = _WORDS.fullmatch(text)
        index, of = (int(match[1]), int(match[2])) if match else (0, 0)
        if not 1 <= index <= of:
            raise ArgumentError(f"shard: {text!r} is none; write i/n with i from 1 to n, as in 3/16")
        return cls(index=index, of=of)

    def take(self, tasks: Sequence[_Task]) -> tuple[_Task, ...]:
        """Its share; those of all parts are all tasks, and none twice."""
        return tuple(tasks[self.index - 1 :: self.of])

    def __str__(self) -> str:
        return f"{self.index}/{self.of}"
