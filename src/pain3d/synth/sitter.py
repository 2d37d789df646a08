"""Sitter: who, what and how of one face, asked for in words; shared by the commands that make one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from pain3d.arguments import finite_number
from pain3d.demographics import Ethnicity, Sex
from pain3d.errors import ArgumentError
from pain3d.facs import Expression
from pain3d.render.backgrounds import BACKGROUNDS
from pain3d.render.lights import LIGHTS
from pain3d.skin.looks import DEFAULT, Looks
from pain3d.synth.plan import RESOLUTIONS
from pain3d.synth.subject import Subject


@dataclass(frozen=True, kw_only=True)
class Sitter:
    """Checked when it is made.

    Raises:
        ArgumentError: for a value that is unknown or out of range.
    """

    aus: str = ""
    """As `Expression.parse` reads it, ``"AU4=3,AU6=2,AU43=1"``; neutral when empty."""
    seed: int = 0
    """As `Subject.sample` takes it, with the three that follow."""
    age_years: int | None = None
    sex: Sex | None = None
    ethnicity: Ethnicity | None = None
    yaw: float = 0.0
    """As `render` takes it, with the four that follow."""
    pitch: float = 0.0
    light: str | None = None
    background: str | None = None
    resolution: int = 512
    looks: Looks = DEFAULT

    def __post_init__(self) -> None:
        low, high = RESOLUTIONS
        if not low <= self.resolution <= high:
            raise ArgumentError(
                f"resolution: {self.resolution} is outside {low}..{high}; give pixels along one side, as 512"
            )
        for name, value, choices in (("light", self.light, LIGHTS), ("background", self.background, BACKGROUNDS)):
            if value is not None and value not in choices:
                raise ArgumentError(f"{name}: {value!r} is unknown; choose one of {', '.join(choices)}")
        try:
            _ = self.expression, self.subject
            for name, degrees in (("yaw", self.yaw), ("pitch", self.pitch)):
                if not -180 <= finite_number(name, degrees, "30") <= 180:
                    raise ValueError(f"{name}: {degrees:g} is outside -180..180 degrees; 0 looks into the camera")
        except ValueError as error:
            raise ArgumentError(str(error).replace("expression: ", "aus: ")) from None

    @cached_property
    def expression(self) -> Expression:
        """What the face does."""
        return Expression.parse(self.aus)

    @cached_property
    def subject(self) -> Subject:
        """Who sits."""
        return Subject.sample(
            self.seed, age_years=self.age_years, sex=self.sex, ethnicity=self.ethnicity, looks=self.looks
        )
