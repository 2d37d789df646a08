"""Looks: in which of the ways that pain3d knows a subject's surface is made; none of them moves a label of the face."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

from pain3d.arguments import instance_of

Hair = Literal["cap", "strands"]
HAIR: tuple[Hair, ...] = get_args(Hair)


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Choices that hold for all subjects of a dataset."""

    skin: str = "procedural"
    """procedural: painted. diffusion: its ground sampled from the bundled model; or the folder or Hub id of a model."""

    hair: Hair = "cap"
    """cap: painted strands on a smooth volume. strands: a haircut of see-through ribbons over it."""

    wrinkles: bool = False
    """Whether Action Units fold the skin; without, wrinkles are those of the face at rest."""

    def __post_init__(self) -> None:
        instance_of(str, "skin", self.skin, "'procedural'")
        if not self.skin:
            raise ValueError("skin: is empty; give procedural, diffusion, a folder, or a Hub id such as owner/name")
        if self.hair not in HAIR:
            raise ValueError(f"hair: {self.hair!r} is none of {', '.join(HAIR)}; write for example hair='strands'")
        instance_of(bool, "wrinkles", self.wrinkles, "True")


PROCEDURAL = "procedural"
"""The skin that is painted from traits alone, without a model."""
PLAIN = Looks()
"""What the bundled model was trained on."""
