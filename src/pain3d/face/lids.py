"""Eyelids: they turn about the eyeball, meet along one line, and never touch the eye.

A blendshape moves a lid along a chord, through the eyeball, and by the same millimetres on every face; lids slide over a
sphere, and how far they have to go depends on the eye. So no target moves the lid margins here. Each fine skin vertex
near the eye turns about the horizontal axis through the centre of the eyeball, by a share of the *aperture* of its own
column: the angle between upper and lower margin at its x, measured on this subject. A lid that drops by the whole
aperture closes the eye, on any face, exactly.

The edge loops of `base.obj` around the eye make this simple. Counted as rings from the back of the socket, ring 13 is the
visible edge of the lids, 11 to 13 the margin that faces the other lid, 14 to 19 the lid skin up to the fold.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float, Int

from pain3d.face.coarse import CoarseModel

SOCKET_POLE = 11915
"""Vertex of `base.obj` at the back of the left socket."""
MARGIN_RING = 13
"""The visible edge of the lids."""
LAST_RING = 22
"""Rings beyond lie on brow, nose and cheek."""

HELD_TO = (14, 20)
"""Up to the first ring no target moves the skin at all, from the second on every target moves it fully."""
FOLLOWS_TO = (13, 21)
"""Up to the first ring skin turns with the margin, from the second on it does not."""

CLEARANCE = 1.035
"""Skin stays outside this many radii of the eyeball; the cornea bulges to 1.028."""
SOFTNESS_M = 0.5e-3
"""Height above the clearance below which skin is compressed instead of cut off, so that layers keep their order."""

REST_DROP = 0.13
REST_LIFT = 0.06
"""How far the lids of an awake, relaxed face rest inside the wide-open eye of `base.obj`, in apertures of that mesh."""
MEETING = 0.15
"""Where closing lids meet, as a share of the open aperture above the lower lid: the lower lid hardly moves."""
GAP_M = 0.03e-3
"""Gap that stays between closed lids."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LidMotion:
    """How far the lids of the left and the right eye go."""

    upper_lid_drop: Float[np.ndarray, "2"]
    upper_lid_lift: Float[np.ndarray, "2"]
    lower_lid_lift: Float[np.ndarray, "2"]
    """In relaxed apertures."""
    closure: Float[np.ndarray, "2"]
    """0 open, 1 closed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class LidRings:
    """Coarse vertices around the eyes by the edge loop that they lie on."""

    ring: Float[np.ndarray, "2 coarse"]
    """Left and right eye: how many quads from the pole of the socket; `LAST_RING` + 1 beyond."""
    held: Float[np.ndarray, " coarse"]
    """1 where targets must not move the skin, because lids do; 0 away from the eyes."""


def lid_rings(coarse: CoarseModel) -> LidRings:
    """Count rings outwards from the back of both sockets."""
    left = int(coarse.index_of([SOCKET_POLE])[0])
    opposite = coarse.base_m[left] * np.float32((-1, 1, 1))
    right = int(np.square(coarse.base_m - opposite).sum(axis=1).argmin())
    ring = np.stack([_rings_from(pole, coarse) for pole in (left, right)])
    held = 1 - _smooth_step((ring.min(axis=0) - HELD_TO[0]) / (HELD_TO[1] - HELD_TO[0]))
    return LidRings(ring=ring, held=held)


def _rings_from(pole: int, coarse: CoarseModel) -> Float[np.ndarray, " coarse"]:
    ring = np.full(len(coarse.base_m), LAST_RING + 1.0)
    reached = np.zeros(len(ring), dtype=bool)
    reached[pole] = True
    ring[pole] = 0
    for k in range(1, LAST_RING + 1):
        touched = coarse.quads[reached[coarse.quads].any(axis=1)].ravel()
        fresh = touched[~reached[touched]]
        reached[fresh] = True
        ring[fresh] = k
    return ring


def _smooth_step(t: np.ndarray) -> np.ndarray:
    t = np.clip(t, 0, 1)
    return t * t * (3 - 2 * t)
