"""Everything drawn one by one, as strokes: straight segments in canonical millimetres, each with a root texel.

Here are hairs; `pain3d.skin.lines` and `pain3d.skin.crinkles` add wrinkles, `pain3d.skin.marks` what marks a skin.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields, replace

import numpy as np
from jaxtyping import Float, Int

from pain3d.skin.fields import Field, smoothstep
from pain3d.skin.ground import Ground, Patch, pick
from pain3d.skin.kernels import HAIR
from pain3d.skin.traits import SkinTraits
from pain3d.streams import stream

BROW_HAIRS = 900
"""On both brows together, at density 1."""
SCALP_LOCKS = 6000
SCALP_MM2 = 60000.0
"""Locks drawn on a full head of hair, and its area."""
LIGHTEST_BROW = 170
"""Lightest shade of a hair of the brow."""
STUBBLE_HAIRS = 7000
CROWN_MM = np.array([6.0, 105.0, -125.0])
"""Where head hair parts, canonical."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Strokes:
    """Segments to draw."""

    root: Int[np.ndarray, " stroke"]
    """Texel that the segment starts from."""
    start_mm: Float[np.ndarray, "stroke 3"]
    end_mm: Float[np.ndarray, "stroke 3"]
    half_width_mm: Float[np.ndarray, " stroke"]
    strength: Float[np.ndarray, " stroke"]
    """0..1."""
    shade: Int[np.ndarray, " stroke"]
    """0..255; for hairs 0..127 pigmented and 128..255 grey, dark to light."""
    layer: Int[np.ndarray, " stroke"]

    def __len__(self) -> int:
        return len(self.root)


def join(parts: Sequence[Strokes]) -> Strokes:
    """All strokes as one set."""
    return Strokes(**{f.name: np.concatenate([getattr(part, f.name) for part in parts]) for f in fields(Strokes)})


def along_skin(direction: Float[np.ndarray, "n 3"], normal: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Unit vectors in the tangent planes."""
    flat = direction - (direction * normal).sum(axis=1, keepdims=True) * normal
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def _hairs(
    rng: np.random.Generator,
    patch: Patch,
    at: Int[np.ndarray, " n"],
    direction: Float[np.ndarray, "n 3"],
    length_mm: Float[np.ndarray, " n"],
    half_width_mm: float,
    strength: Float[np.ndarray, " n"],
    grey: float,
) -> Strokes:
    """Hairs that grow at places `at` of a patch."""
    n = len(at)
    normal = patch.normal[at]
    jitter = along_skin(rng.normal(size=(n, 3)), normal) * (patch.pitch_mm[at] * rng.random(n) * 0.5)[:, None]
    start = patch.position_mm[at] + jitter
    shade = (rng.random(n) * 127).astype(np.int64)
    shade += 128 * (rng.random(n) < grey)
    return Strokes(
        root=patch.root[at],
        start_mm=start,
        end_mm=start + along_skin(direction, normal) * length_mm[:, None],
        half_width_mm=np.full(n, half_width_mm),
        strength=strength,
        shade=shade,
        layer=np.full(n, HAIR),
    )


def brow_hairs(traits: SkinTraits, ground: Ground) -> Strokes:
    """Hairs of both brows: upright at the inner end, swept outwards, converging from above and below."""
    rng = stream(traits.seed, "brows")
    patch = ground.brows
    s, t = patch.field(Field.BROW_S), patch.field(Field.BROW_T)
    half = 0.5 * traits.brow_width_mm
    half = half * (0.62 + 0.38 * smoothstep(-0.05, 0.25, s)) * (1 - 0.80 * smoothstep(0.45, 1.05, s))
    centre = traits.brow_arch_mm * smoothstep(0.2, 0.65, s) * (1 - smoothstep(0.75, 1.1, s))
    away = (t - centre) / np.maximum(half, 0.3)
    weight = smoothstep(1.25, 0.3, np.abs(away)) * smoothstep(-0.1, 0.3, s) * smoothstep(1.1, 0.72, s)
    at = pick(rng, np.cumsum(weight * patch.area_mm2), int(BROW_HAIRS * max(traits.brow_density, 0.1)))
    s, away = s[at], away[at]
    lift = np.interp(s, [0, 0.12, 0.3, 0.6, 1.0], [72, 55, 28, 4, -18]) - 20 * away + rng.normal(0, 9, len(at))
    side = np.sign(patch.position_mm[at, 0])
    lift = np.radians(lift)
    direction = np.stack([side * np.cos(lift), np.sin(lift), -0.3 * np.cos(lift)], axis=1)
    length = np.interp(s, [0, 0.25, 0.7, 1.0], [5.5, 7.5, 7.0, 4.5]) * rng.uniform(0.6, 1.1, len(at))
    if traits.age_years > 60 and traits.sex == "male":  # a few hairs of old men grow on
        length = length * (1 + 0.6 * (rng.random(len(at)) < 0.05))
    strength = rng.uniform(0.65, 1.0, len(at)) * (0.65 + 0.35 * min(traits.brow_density, 1.0))
    hairs = _hairs(rng, patch, at, direction, length, 0.17, strength * (1 - 0.3 * traits.grey), 0.6 * traits.grey**1.5)
    # brows keep more pigment than the head: pure white ones look pasted on
    return replace(hairs, shade=np.minimum(hairs.shade, LIGHTEST_BROW))


def head_hairs(traits: SkinTraits, ground: Ground) -> Strokes:
    """Locks of cropped hair, combed away from the crown."""
    rng = stream(traits.seed, "head hair")
    patch = ground.scalp
    inside = patch.field(Field.SCALP) - traits.hairline_mm
    kept = smoothstep(-0.4, 0.0, patch.field(Field.BALD) - 1.3 * traits.baldness)
    running = np.cumsum(smoothstep(-4.0, 10.0, inside) * kept * patch.area_mm2, dtype=np.float64)
    at = pick(rng, running, int(SCALP_LOCKS * running[-1] / SCALP_MM2 * traits.hair_density))
    flow = patch.position_mm[at] - CROWN_MM + rng.normal(0, 15.0 + 200.0 * traits.hair_curl, (len(at), 3))
    length = (1.5 + 0.85 * traits.hair_length_mm * (1 - 0.7 * traits.hair_curl)) * rng.uniform(0.5, 1.1, len(at))
    edge = smoothstep(0.0, 9.0, inside[at])
    strength = rng.uniform(0.12, 0.42, len(at)) * (1 - 0.75 * traits.hair_curl)
    return _hairs(rng, patch, at, flow, length * (0.45 + 0.55 * edge), 0.22, strength, traits.grey)


def beard_hairs(traits: SkinTraits, ground: Ground) -> Strokes:
    """Stubble, or a short beard."""
    rng = stream(traits.seed, "beard")
    patch = ground.beard
    weight = patch.field(Field.BEARD).astype(np.float64) ** 2  # few stray hairs beyond the edge
    if traits.beard_moustache_only:
        weight = weight * (patch.position_mm[:, 1] > -66) * (np.abs(patch.position_mm[:, 0]) < 27)
    count = int(STUBBLE_HAIRS * min(1.0, traits.beard)) if traits.beard > 0.2 else 0
    at = pick(rng, np.cumsum(weight * patch.area_mm2), count)
    outward = 0.25 * np.sign(patch.position_mm[at, 0])
    down = np.stack([outward, np.full(len(at), -1.0), np.full(len(at), -0.1)], axis=1)
    down = down + rng.normal(0, 0.35, down.shape)
    length = (0.3 + 4.5 * float(smoothstep(0.4, 1.0, np.array(traits.beard)))) * rng.uniform(0.5, 1.2, len(at))
    strength = rng.uniform(0.35, 0.9, len(at)) * (0.5 + 0.5 * weight[at])
    return _hairs(rng, patch, at, down, length, 0.12 + 0.06 * traits.beard, strength, 0.9 * traits.grey)
