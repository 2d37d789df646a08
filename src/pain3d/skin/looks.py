"""Looks: in which of the ways that pain3d knows a subject's surface is made; none of them moves a label of the face."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from pain3d.arguments import instance_of
from pain3d.errors import ArgumentError

Hair = Literal["cap", "strands"]
HAIR: tuple[Hair, ...] = get_args(Hair)


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Choices that hold for all subjects of a dataset. A value that is none of the choices is an `ArgumentError`."""

    skin: str = "procedural"
    """procedural: painted; diffusion: its ground sampled from the bundled model; or a model's folder or Hub id."""

    hair: Hair = "cap"
    """cap: painted on a smooth volume; strands: haircuts and beards of see-through ribbons."""

    wrinkles: bool = False
    """Let Action Units fold the skin; without, wrinkles are those of the face at rest."""

    wet: bool = False
    """Wet eyes and mouths, and a gaze of each subject's own; without, they are matt and all look at the same point."""

    def __post_init__(self) -> None:
        instance_of(str, "skin", self.skin, "'procedural'")
        if not self.skin:
            raise ArgumentError("skin: is empty; give procedural, diffusion, a folder, or a Hub id such as owner/name")
        if self.hair not in HAIR:
            raise ArgumentError(f"hair: {self.hair!r} is none of {', '.join(HAIR)}; write for example hair='strands'")
        instance_of(bool, "wrinkles", self.wrinkles, "True")
        instance_of(bool, "wet", self.wet, "True")

    @classmethod
    def of(cls, options: Looks) -> Looks:
        """The looks among more options."""
        return Looks(**{field.name: getattr(options, field.name) for field in fields(Looks)})


PROCEDURAL = "procedural"
"""The skin that is painted from traits alone, without a model."""
PLAIN = Looks()
"""What the bundled model was trained on."""
