"""What the diffusion model is told about a skin: its traits as a vector of plain numbers."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float

from pain3d.demographics import ETHNICITIES
from pain3d.skin.tone import target_ita_degrees
from pain3d.skin.traits import SkinTraits

NAMES = (
    "given", "age", "female", *ETHNICITIES, "tone", "beard", "moustache_only",
    "wrinkles", "flush", "unevenness", "periorbital", "eye_bags", "oiliness", "make_up", "lip_red",
)  # fmt: skip
"""Elements of the vector, in order. All are 0 where nothing is asked for; ``given`` tells that from a young skin."""


def conditions(traits: SkinTraits) -> Float[np.ndarray, " condition"]:
    """float32 numbers of about -1..2, in the order of `NAMES`.

    The appearance group is a mixture that sums to 1; a subject of pain3d is of one group.
    """
    group = [float(traits.ethnicity == name) for name in ETHNICITIES]
    values = [
        1.0,
        (traits.age_years - 50) / 30,
        float(traits.sex == "female"),
        *group,
        target_ita_degrees(traits.skin_tone_mst) / 50,
        traits.beard,
        float(traits.beard_moustache_only),
        traits.wrinkles,
        traits.flush,
        traits.unevenness,
        traits.periorbital,
        traits.eye_bags,
        traits.oiliness,
        traits.make_up,
        traits.lip_red,
    ]
    return np.array(values, dtype=np.float32)
