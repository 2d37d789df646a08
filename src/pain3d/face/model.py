"""HeadModel: the one interface between identity parameters, Action Units and geometry.

The default is `pain3d.face.makehuman`; other head models (FLAME, ICT-FaceKit) come behind the same two classes.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pain3d.demographics import Ethnicity, Sex
from pain3d.face.mesh import FaceMesh, Topology
from pain3d.facs import Expression


@dataclass(frozen=True, kw_only=True, eq=False)
class Identity:
    """Everything that makes one head: a plain record, drawn from a seed, that a head model turns into geometry."""

    age_years: int
    sex: Sex
    ethnicity: Ethnicity
    shape: Mapping[str, float]
    """Named shape weights of the head model."""
    expressiveness: Float[np.ndarray, "16"]
    """Scale of each Action Unit's full intensity for this subject, U(.85, 1.15), in the order of `AU_NAMES`."""
    asymmetry: Float[np.ndarray, "16"]
    """-0.3..0.3: how much less than 1 the weaker side moves; positive: the subject's right side is the weaker one."""


class Head(ABC):
    """One person's head, ready to move."""

    identity: Identity
    topology: Topology

    @abstractmethod
    def pose(self, intensities: Float[np.ndarray, "16"]) -> FaceMesh:
        """The face with the given AU intensities.

        Args:
            intensities: in the order of `AU_NAMES`, 0..5 each; AU43 may take any value in 0..1 here, so that a blink
                can be played. All zeros give the neutral face.

        Returns:
            A new mesh in the frame of the neutral head.
        """

    def express(self, expression: Expression) -> FaceMesh:
        """The face that makes `expression`."""
        return self.pose(expression.vector)

    @property
    def neutral(self) -> FaceMesh:
        """The face at rest."""
        return self.pose(np.zeros(16))


class HeadModel(ABC):
    """A family of heads with one topology."""

    topology: Topology

    @abstractmethod
    def sample(self, rng: np.random.Generator, *, age_years: int, sex: Sex, ethnicity: Ethnicity) -> Identity:
        """Draw a person of this age, sex and appearance group."""

    @abstractmethod
    def head(self, identity: Identity) -> Head:
        """The head of this person."""
