"""Which Action Unit creases which part of the face, and how deeply. Data, no behaviour.

Muscles of the face end in the skin; when one shortens, the skin over it folds across its pull. Furrows and the muscles
behind them after Ekman, Friesen & Hager, *Facial Action Coding System* (2002), which codes units by these very furrows.
Depths are our own reading of photographs and of published profiles of the glabella and the outer canthus (0.1 to 0.4 mm
at rest in old skin, several times that when the muscle acts); they are not fitted to measurements.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pain3d.facs import AU_INDEX, AU_NAMES


@dataclass(frozen=True, kw_only=True)
class Zone:
    """One set of furrows that come and go together on each side of the face."""

    drawn: str
    """The set of furrows in `pain3d.skin.wrinkle_lines`; zones may share one."""
    gains: Mapping[str, float]
    """How much each Action Unit creases here at full contraction."""
    depth_mm: float
    """Deepest furrow at full contraction in old skin."""
    young: float
    """Share of that depth at 18 years."""
    fade_mm: tuple[float, float] | None = None
    """Distance from the middle of the face at which the zone is 0 and whole; None: whole everywhere."""


ZONES: Mapping[str, Zone] = {
    # corrugator and procerus draw the brows together: upright furrows between them
    "glabella": Zone(drawn="glabella", gains={"AU4": 1.0}, depth_mm=3.0, young=0.58),
    # the frontalis lifts the brows: furrows across the forehead, its inner and its outer part alone
    "forehead_inner": Zone(drawn="forehead", gains={"AU1": 1.0}, depth_mm=1.9, young=0.40, fade_mm=(34.0, 12.0)),
    "forehead_outer": Zone(drawn="forehead", gains={"AU2": 1.0}, depth_mm=1.9, young=0.40, fade_mm=(12.0, 34.0)),
    # the outer ring of the orbicularis oculi lifts the cheek; its inner ring tightens the lids
    "crows_feet": Zone(drawn="crows_feet", gains={"AU6": 1.0, "AU7": 0.35}, depth_mm=1.8, young=0.45),
    "pouch": Zone(drawn="pouch", gains={"AU6": 0.9, "AU7": 0.75}, depth_mm=1.7, young=0.58),
    "lid_crease": Zone(drawn="lid_crease", gains={"AU7": 0.55, "AU43": 0.35}, depth_mm=0.9, young=0.45),
    # levator labii superioris alaeque nasi and nasalis wrinkle the nose; the procerus joins in a frown
    "nose_root": Zone(drawn="nose_root", gains={"AU9": 1.0, "AU4": 0.4}, depth_mm=2.4, young=0.60),
    "nose_side": Zone(drawn="nose_side", gains={"AU9": 1.0}, depth_mm=2.3, young=0.65),
    # levator labii superioris lifts the lip, zygomaticus its corner: the cheek folds over the upper lip
    "fold_upper": Zone(drawn="fold_upper", gains={"AU9": 1.0, "AU10": 0.9}, depth_mm=2.4, young=0.60),
    "fold_lower": Zone(
        drawn="fold_lower", gains={"AU10": 0.85, "AU12": 0.65, "AU6": 0.4, "AU9": 0.35}, depth_mm=2.5, young=0.60
    ),
    # the mentalis pulls on the skin of the chin from within: pits, and a crease below the lip
    "chin": Zone(drawn="chin", gains={"AU17": 1.0}, depth_mm=1.2, young=0.60),
}
"""All zones, in the order in which their relief is added up."""

_GAINS = np.zeros((len(ZONES), len(AU_NAMES)))
for _row, _zone in zip(_GAINS, ZONES.values(), strict=True):
    for _au, _gain in _zone.gains.items():
        _row[AU_INDEX[_au]] = _gain


def zone_weights(weights: Float[np.ndarray, "16 2"]) -> Float[np.ndarray, "zone 2"]:
    """How far each zone is creased on the left and on the right side; 1 is full contraction.

    Units that crease one zone join as the root of the sum of squares, as they do in `pain3d.face.rig`.

    Args:
        weights: from `pain3d.face.rig.side_weights`.
    """
    return np.sqrt(np.square(_GAINS[:, :, None] * weights).sum(axis=1))
