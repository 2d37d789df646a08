"""What every command shares: its answer, and errors that name arguments as they are typed."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from pain3d.synth.plan import PlanOptions


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a command has to say."""

    text: str
    """For people."""
    data: dict[str, object]
    """For ``--json``."""
    exit_code: int = 0


class Command(Protocol):
    """One subcommand: a frozen dataclass whose fields are its arguments."""

    @property
    def json(self) -> bool:
        """Whether the answer is printed as JSON."""
        ...

    def run(self, words: Sequence[str], /) -> Answer:
        """Do the work; `words` are the command line's."""
        ...


def with_flag(message: str, command: object) -> str:
    """The message with its argument spelt as on the command line: ``non_pain: 2 is`` -> ``--non-pain: 2 is``."""
    name, colon, rest = message.partition(":")
    flags = {name for owner in (command, PlanOptions()) for name in _flags(owner)}
    return f"--{name.replace('_', '-')}{colon}{rest}" if name in flags else message


def _flags(owner: object) -> Iterator[str]:
    """Fields that are typed with their name."""
    for part in dataclasses.fields(owner):  # pyright: ignore[reportArgumentType]
        if "Positional" not in str(part.type):
            yield part.name
