"""Looks: in which of the ways that pain3d knows a subject's surface is made; none of them moves a label of the face."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal, get_args

from pain3d.arguments import finite_number, instance_of
from pain3d.errors import ArgumentError
from pain3d.streams import stream

Hair = Literal["cap", "strands"]
HAIR: tuple[Hair, ...] = get_args(Hair)

Worn = Literal["glasses", "cannula", "gown"]
WORN: tuple[Worn, ...] = get_args(Worn)


@dataclass(frozen=True, kw_only=True)
class Looks:
    """Choices that hold for all subjects of a dataset. A value that is none of the choices is an `ArgumentError`."""

    skin: str = "diffusion"
    """diffusion: ground sampled from the bundled model; procedural: all painted; or a model's folder or Hub id."""

    hair: Hair = "strands"
    """strands: haircuts and beards of see-through ribbons; cap: painted on a smooth volume."""

    wrinkles: bool = True
    """Whether Action Units fold the skin; if not, wrinkles are those of the face at rest."""

    wet: bool = True
    """Whether eyes and mouths are wet and each subject has a gaze; if not, they are matt and all look at one point."""

    glasses: float = 0.0
    """Share of subjects who wear glasses, 0..1; drawn for each subject by itself, as the next two; 1: all do."""

    cannula: float = 0.0
    """Share of subjects with a nasal oxygen cannula, 0..1."""

    gown: float = 0.0
    """Share of subjects put into a printed hospital gown, 0..1."""

    def __post_init__(self) -> None:
        instance_of(str, "skin", self.skin, "'procedural'")
        if not self.skin:
            raise ArgumentError("skin: is empty; give procedural, diffusion, a folder, or a Hub id such as owner/name")
        if self.hair not in HAIR:
            raise ArgumentError(f"hair: {self.hair!r} is none of {', '.join(HAIR)}; write for example hair='strands'")
        instance_of(bool, "wrinkles", self.wrinkles, "True")
        instance_of(bool, "wet", self.wet, "True")
        for name in WORN:
            object.__setattr__(self, name, _checked_share(name, vars(self)[name]))

    @classmethod
    def of(cls, options: Looks) -> Looks:
        """The looks among more options."""
        return Looks(**{field.name: getattr(options, field.name) for field in fields(Looks)})

    def worn_by(self, seed: int) -> tuple[Worn, ...]:
        """What the subject with this seed wears: one draw for each thing; a larger share only adds subjects."""
        shares = vars(self)
        return tuple(name for name in WORN if stream(seed, "worn", name).random() < shares[name])


def _checked_share(name: str, value: object) -> float:
    share = finite_number(name, value, "0.3")
    if not 0.0 <= share <= 1.0:
        raise ArgumentError(f"{name}: {share:g} is outside 0..1; give the share of subjects who wear it, such as 0.3")
    return share


PROCEDURAL = "procedural"
"""The skin that is painted from traits alone, without a model."""
DEFAULT = Looks()
PLAIN = Looks(skin=PROCEDURAL, hair="cap", wrinkles=False, wet=False)
"""The quickest: skin and hair are painted, and neither moves."""
