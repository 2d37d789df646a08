"""All parts of a head that are not body skin, in the order in which the head model appends them."""

from __future__ import annotations

from pain3d.face.coarse import CoarseModel
from pain3d.face.eyes import Eyes
from pain3d.face.lashes import Lashes
from pain3d.face.parts import AnatomyPart
from pain3d.face.teeth import Dentition
from pain3d.face.tongue import Tongue


def anatomy_parts(coarse: CoarseModel) -> tuple[AnatomyPart, ...]:
    """Eyes, teeth and gums, lashes."""
    return Eyes(coarse.coarse_of), Dentition(coarse.coarse_of), Tongue(coarse), Lashes(coarse.coarse_of)
