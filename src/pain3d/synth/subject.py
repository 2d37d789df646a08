"""Subject: one synthetic person, drawn from a seed."""

from __future__ import annotations

from functools import cache, cached_property
from typing import final

import numpy as np
from jaxtyping import Float

from pain3d.arguments import whole_number
from pain3d.demographics import (
    ETHNICITIES,
    MAX_AGE_YEARS,
    MIN_AGE_YEARS,
    SEXES,
    AgeBand,
    Ethnicity,
    Sex,
    age_band_of,
    checked_ethnicity,
    checked_sex,
)
from pain3d.face import makehuman
from pain3d.face.mesh import FaceMesh
from pain3d.face.model import Head, Identity
from pain3d.places import Place
from pain3d.render.device import checked_device
from pain3d.skin.atlas import bake_atlas, load_atlas
from pain3d.skin.beards import beard_ribbons
from pain3d.skin.diffusion.skins import DiffusionSkins
from pain3d.skin.growth import head_ribbons, points_of
from pain3d.skin.hair import Scalp, with_hair
from pain3d.skin.hair_ground import HairGround
from pain3d.skin.haircut import Haircut, haircut_of, scalp_under
from pain3d.skin.looks import DEFAULT, PROCEDURAL, Looks, Worn
from pain3d.skin.maps import SkinMaps
from pain3d.skin.procedural import Painter
from pain3d.skin.ribbons import Ribbons, joined
from pain3d.skin.template import Template
from pain3d.skin.traits import SkinTraits, sample_traits
from pain3d.skin.wrinkles import LivingWrinkles, Wrinkler
from pain3d.streams import checked_seed, stream
from pain3d.worn.gown import gown_traits, printed
from pain3d.worn.ground import WornGround
from pain3d.worn.wardrobe import Wardrobe, wardrobe_of

SkinMaker = Painter | DiffusionSkins
TRAINING_SIZE = 512
"""Texels along one side of the atlas that training skins are painted on."""


@final
class Subject:
    """One synthetic person: a shape, a skin, and a way to move. Geometry and skin are made when first asked for."""

    def __init__(
        self,
        *,
        seed: int,
        age_years: int,
        sex: Sex,
        ethnicity: Ethnicity,
        looks: Looks = DEFAULT,
        skin: SkinMaker | None = None,
    ) -> None:
        """The person that this seed, age, sex and appearance group stand for; `sample` draws what is left open.

        Args:
            seed: 0..2^63-1.
            age_years: 18..95.
            sex: female or male.
            ethnicity: appearance group of the parametric model, one of `pain3d.demographics.ETHNICITIES`.
            looks: how skin, hair and eyes are made, whether the skin folds, what is worn.
            skin: makes the skin that `looks` names; one a process by default.

        Raises:
            TypeError: for a seed or an age that is no whole number.
            ValueError: for a value outside its range.
        """
        self._skin = skin
        self.seed = checked_seed(seed)
        self.age_years = whole_number("age_years", age_years, "71")
        self.age_band: AgeBand = age_band_of(self.age_years)
        self.sex: Sex = checked_sex(sex)
        self.ethnicity: Ethnicity = checked_ethnicity(ethnicity)
        self.looks = looks

    @classmethod
    def sample(
        cls,
        seed: int,
        *,
        age_years: int | None = None,
        sex: Sex | None = None,
        ethnicity: Ethnicity | None = None,
        looks: Looks = DEFAULT,
    ) -> Subject:
        """Draw a person; what is given stays as given, and giving it changes nothing else about the draw.

        Args:
            seed: 0..2^63-1; the same seed gives the same person.
            age_years: 18..95; drawn evenly when left out.
            sex: female or male; drawn when left out.
            ethnicity: appearance group; drawn when left out.
            looks: how skin, hair and eyes are made, whether the skin folds, what is worn.

        Raises:
            TypeError: for a seed or an age that is no whole number.
            ValueError: for a value outside its range.
        """
        rng = stream(checked_seed(seed), "demographics")
        age, woman_or_man, group = (
            int(rng.integers(MIN_AGE_YEARS, MAX_AGE_YEARS + 1)),
            SEXES[rng.integers(len(SEXES))],
            ETHNICITIES[rng.integers(len(ETHNICITIES))],
        )
        return cls(
            seed=seed,
            age_years=age if age_years is None else age_years,
            sex=woman_or_man if sex is None else sex,
            ethnicity=group if ethnicity is None else ethnicity,
            looks=looks,
        )

    @cached_property
    def identity(self) -> Identity:
        """Shape, expressiveness and asymmetry of the head."""
        return makehuman.load().sample(
            stream(self.seed, "identity"), age_years=self.age_years, sex=self.sex, ethnicity=self.ethnicity
        )

    @cached_property
    def head(self) -> Head:
        """The head, ready to move."""
        return makehuman.load().head(self.identity)

    @cached_property
    def skin_traits(self) -> SkinTraits:
        """Tone, marks of age, hair, garment: what the skin is painted from."""
        return self._drawn_traits if self.haircut is None else scalp_under(self._drawn_traits, self.haircut)

    @cached_property
    def haircut(self) -> Haircut | None:
        """The style of the ribbons of hair; None where hair is painted alone."""
        return haircut_of(self._drawn_traits) if self.looks.hair == "strands" else None

    @cached_property
    def _drawn_traits(self) -> SkinTraits:
        drawn = sample_traits(
            stream(self.seed, "skin"), age_years=self.age_years, sex=self.sex, ethnicity=self.ethnicity
        )
        return gown_traits(drawn, self.seed) if "gown" in self.worn else drawn

    @property
    def worn(self) -> tuple[Worn, ...]:
        """What this person wears in all pictures: glasses, cannula, gown."""
        return self.looks.worn_by(self.seed)

    @cached_property
    def wardrobe(self) -> Wardrobe | None:
        """Glasses and cannula, fitted to the head; None without either."""
        return wardrobe_of(self.worn, self.seed, self.head, worn_ground())

    @cached_property
    def ribbons(self) -> Ribbons | None:
        """Hair, grown on the head at rest; None where there is none, or paint alone."""
        if self.haircut is None:
            return None
        bare, points = self.head.neutral, points_of(self.haircut)
        head = head_ribbons(self.skin_traits, self.haircut, hair_ground(), self.with_hair(bare))
        grown = joined([head, beard_ribbons(self.skin_traits, hair_ground(), bare, points)])
        return grown if len(grown) else None

    def with_hair(self, mesh: FaceMesh) -> FaceMesh:
        """The head in a pose of its face, `mesh`, wearing its hair: what pictures show. Labels measure bare skin."""
        return with_hair(mesh, scalp(), self._lift_mm)

    @cached_property
    def _lift_mm(self) -> Float[np.ndarray, " scalp"]:
        return scalp().lift_mm(self.skin_traits)

    @cached_property
    def maps(self) -> SkinMaps:
        """The skin.

        Raises:
            DataError: if there is no such skin model, or it is damaged.
        """
        made = (self._skin or skin_maker(self.looks.skin)).paint(self.skin_traits)
        return printed(made, painter().atlas, self.seed) if "gown" in self.worn else made

    @cached_property
    def wrinkles(self) -> LivingWrinkles:
        """What the skin can fold into."""
        return wrinkler().fold(self.skin_traits)

    @property
    def _who(self) -> tuple[int, int, Sex, Ethnicity, Looks]:
        return self.seed, self.age_years, self.sex, self.ethnicity, self.looks

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Subject) and self._who == other._who

    def __hash__(self) -> int:
        return self._who.__hash__()

    def __repr__(self) -> str:
        looks = "" if self.looks == DEFAULT else f", looks={self.looks!r}"
        who = f"seed={self.seed}, age_years={self.age_years}, sex={self.sex!r}, ethnicity={self.ethnicity!r}"
        return f"Subject({who}{looks})"


@cache
def painter() -> Painter:
    """Paints skins for the default head model; one a process."""
    checked_device("cpu")  # starts Warp without a word about a missing GPU driver
    return Painter(load_atlas(_template()))


def training_painter() -> Painter:
    """A painter at the size that skin models learn from: a quarter of the texels, and of the time."""
    checked_device("cpu")  # as in `painter`
    return Painter(bake_atlas(_template(), TRAINING_SIZE))


@cache
def diffusion_skins(name_or_path: str, shelf: Place | None = None) -> DiffusionSkins:
    """Makes skins by diffusion for the default head model; one a process, a model and a shelf."""
    return DiffusionSkins(name_or_path, painter(), shelf)


def skin_maker(skin: str, shelf: Place | None = None) -> SkinMaker:
    """What makes the skin of this name.

    Args:
        skin: as `Looks` takes it.
        shelf: folder that keeps sampled skins.
    """
    return painter() if skin == PROCEDURAL else diffusion_skins(skin, shelf)


@cache
def wrinkler() -> Wrinkler:
    """Folds skins for the default head model; one a process."""
    return Wrinkler(painter().atlas, painter().ground)


@cache
def scalp() -> Scalp:
    """Where the default head model bears hair; one a process."""
    return Scalp.of(_template())


@cache
def hair_ground() -> HairGround:
    """What ribbons of hair lie against on the default head model; one a process."""
    return HairGround.of(_template())


@cache
def worn_ground() -> WornGround:
    """Where things are worn on the default head model; one a process."""
    return WornGround.of(_template())


def _template() -> Template:
    model = makehuman.load()
    return Template(mesh=model.template, base_uvs=model.base_uvs)
