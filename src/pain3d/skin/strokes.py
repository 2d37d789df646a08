"""Everything drawn one by one: brow hairs, head hair, stubble, freckles, moles, age spots.

Strokes are straight segments in canonical millimetres with a root texel; `pain3d.skin.lines` adds wrinkles.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pain3d.skin.atlas import SkinAtlas
from pain3d.skin.fields import Field, smoothstep
from pain3d.skin.kernels import HAIR, SPOT
from pain3d.skin.traits import SkinTraits
from pain3d.streams import stream


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


def join(parts: list[Strokes]) -> Strokes:
    """All strokes as one set."""
    return Strokes(**{name: np.concatenate([getattr(p, name) for p in parts]) for name in Strokes.__dataclass_fields__})


def pick(rng: np.random.Generator, weight: Float[np.ndarray, " n"], count: int) -> Int[np.ndarray, " count"]:
    """`count` indices, evenly spread in proportion to `weight` (systematic sampling)."""
    total = np.cumsum(weight, dtype=np.float64)
    if count <= 0 or total[-1] <= 0:
        return np.empty(0, dtype=np.int64)
    at = (np.arange(count) + rng.random(count)) * (total[-1] / count)
    return np.minimum(np.searchsorted(total, at), len(weight) - 1)


def along_skin(direction: Float[np.ndarray, "n 3"], normal: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    """Unit vectors in the tangent planes."""
    flat = direction - (direction * normal).sum(axis=1, keepdims=True) * normal
    return flat / np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-6)


def _hairs(
    rng: np.random.Generator,
    atlas: SkinAtlas,
    at: Int[np.ndarray, " n"],
    direction: Float[np.ndarray, "n 3"],
    length_mm: Float[np.ndarray, " n"],
    half_width_mm: float,
    strength: Float[np.ndarray, " n"],
    grey: float,
) -> Strokes:
    """Hairs that grow from active texels `at`."""
    n = len(at)
    normal = atlas.normal[at]
    root = atlas.texel[at]
    jitter = along_skin(rng.normal(size=(n, 3)), normal) * np.sqrt(atlas.area_mm2[at])[:, None] * rng.random((n, 1)) * 0.5
    start = atlas.position_mm[root] + jitter
    shade = (rng.random(n) * 127).astype(np.int64)
    shade += 128 * (rng.random(n) < grey)
    return Strokes(
        root=root,
        start_mm=start,
        end_mm=start + along_skin(direction, normal) * length_mm[:, None],
        half_width_mm=np.full(n, half_width_mm),
        strength=strength,
        shade=shade,
        layer=np.full(n, HAIR),
    )


def brow_hairs(traits: SkinTraits, atlas: SkinAtlas) -> Strokes:
    """Hairs of both brows: upright at the inner end, swept outwards, converging from above and below."""
    rng = stream(traits.seed, "brows")
    s, t = atlas.fields[:, Field.BROW_S], atlas.fields[:, Field.BROW_T]
    near = np.flatnonzero((np.abs(t) < 9) & (s > -0.1) & (s < 1.1) & (atlas.fields[:, Field.LID] > 3) & (atlas.part == 0))
    s, t = s[near], t[near]
    half = 0.5 * traits.brow_width_mm
    half = half * (0.62 + 0.38 * smoothstep(-0.05, 0.25, s)) * (1 - 0.80 * smoothstep(0.45, 1.05, s))
    centre = traits.brow_arch_mm * smoothstep(0.2, 0.65, s) * (1 - smoothstep(0.75, 1.1, s))
    away = (t - centre) / np.maximum(half, 0.3)
    weight = smoothstep(1.25, 0.4, np.abs(away)) * smoothstep(-0.08, 0.22, s) * smoothstep(1.1, 0.95, s)
    chosen = pick(rng, weight * atlas.area_mm2[near], int(900 * max(traits.brow_density, 0.1)))
    at, s, away = near[chosen], s[chosen], away[chosen]
    lift = np.interp(s, [0, 0.12, 0.3, 0.6, 1.0], [72, 55, 28, 4, -18]) - 20 * away + rng.normal(0, 9, len(at))
    side = np.sign(atlas.position_mm[atlas.texel[at], 0])
    lift = np.radians(lift)
    direction = np.stack([side * np.cos(lift), np.sin(lift), -0.3 * np.cos(lift)], axis=1)
    length = np.interp(s, [0, 0.25, 0.7, 1.0], [5.5, 7.5, 7.0, 4.5]) * rng.uniform(0.6, 1.1, len(at))
    long_ones = (rng.random(len(at)) < 0.05) & (traits.age_years > 60) & (traits.sex == "male")
    strength = rng.uniform(0.65, 1.0, len(at)) * (0.65 + 0.35 * min(traits.brow_density, 1.0))
    return _hairs(rng, atlas, at, direction, length * (1 + 0.6 * long_ones), 0.17, strength, 0.75 * traits.grey**1.5)


def head_hairs(traits: SkinTraits, atlas: SkinAtlas) -> Strokes:
    """Locks of cropped hair, combed away from the crown."""
    rng = stream(traits.seed, "head hair")
    inside = atlas.fields[:, Field.SCALP] - traits.hairline_mm
    kept = smoothstep(-0.16, 0.0, atlas.fields[:, Field.BALD] - 1.25 * traits.baldness)
    weight = smoothstep(-4.0, 10.0, inside) * kept * (atlas.part == 0)
    on = np.flatnonzero(weight > 0.01)
    share = float((weight[on] * atlas.area_mm2[on]).sum()) / 60000.0
    at = on[pick(rng, weight[on] * atlas.area_mm2[on], int(9000 * share * traits.hair_density))]
    position = atlas.position_mm[atlas.texel[at]]
    flow = position - np.array([6.0, 105.0, -125.0])
    flow += rng.normal(0, 22.0, flow.shape)
    length = (1.5 + 0.85 * traits.hair_length_mm) * rng.uniform(0.5, 1.1, len(at))
    edge = smoothstep(0.0, 9.0, atlas.fields[at, Field.SCALP] - traits.hairline_mm)
    return _hairs(
        rng, atlas, at, flow, length * (0.45 + 0.55 * edge), 0.22, rng.uniform(0.25, 0.8, len(at)), traits.grey
    )


def beard_hairs(traits: SkinTraits, atlas: SkinAtlas) -> Strokes:
    """Stubble, or a short beard."""
    rng = stream(traits.seed, "beard")
    weight = atlas.fields[:, Field.BEARD] * (atlas.part == 0)
    if traits.beard_moustache_only:
        weight = weight * np.where(atlas.position_mm[atlas.texel, 1] < -66, 0.0, 1.0)
    on = np.flatnonzero(weight > 0.02)
    count = int(7000 * min(1.0, traits.beard)) if traits.beard > 0.2 else 0
    at = on[pick(rng, weight[on] * atlas.area_mm2[on], count)]
    down = np.stack([0.25 * np.sign(atlas.position_mm[atlas.texel[at], 0]), np.full(len(at), -1.0), np.full(len(at), -0.1)], 1)
    down = down + rng.normal(0, 0.35, down.shape)
    length = (0.3 + 4.5 * smoothstep(0.4, 1.0, traits.beard)) * rng.uniform(0.5, 1.2, len(at))
    strength = rng.uniform(0.35, 0.9, len(at)) * (0.5 + 0.5 * weight[at])
    return _hairs(rng, atlas, at, down, length, 0.12 + 0.06 * traits.beard, strength, 0.9 * traits.grey)


def spots(traits: SkinTraits, atlas: SkinAtlas) -> Strokes:
    """Freckles, moles and age spots: dots of melanin of many sizes."""
    rng = stream(traits.seed, "spots")
    position = atlas.position_mm[atlas.texel]
    skin = (atlas.part == 0) & (atlas.fields[:, Field.LIP] < 0.3) & (atlas.fields[:, Field.LID] > 1.5)
    skin &= atlas.fields[:, Field.COLLAR] < 40
    area = atlas.area_mm2 * skin
    ax, y, z = np.abs(position[:, 0]), position[:, 1], position[:, 2]
    sunny = np.exp(-((ax / 45) ** 2) - ((y + 18) / 32) ** 2) * (z > -5) + 0.12 * (z > -30)
    aged = np.exp(-(((ax - 55) / 25) ** 2) - ((y - 10) / 50) ** 2) + 0.4 * (y > 40) + 0.15
    kinds = (
        # weight, number, radius mm (log mean, log sd), strength range
        (sunny, int(520 * traits.freckles), (0.75, 0.35), (0.25, 0.85)),
        (np.ones_like(ax), traits.moles, (0.9, 0.35), (0.9, 1.0)),
        (aged, int(45 * traits.age_spots), (2.2, 0.5), (0.25, 0.7)),
    )
    out = []
    for weight, number, (radius, spread), strength in kinds:
        at = pick(rng, weight * area, number)
        root = atlas.texel[at]
        start = atlas.position_mm[root]
        size = radius * np.exp(rng.normal(0, spread, len(at)))
        oblong = along_skin(rng.normal(size=(len(at), 3)), atlas.normal[at]) * (size * rng.uniform(0, 0.9, len(at)))[:, None]
        out.append(
            Strokes(
                root=root,
                start_mm=start,
                end_mm=start + oblong,
                half_width_mm=size,
                strength=rng.uniform(*strength, len(at)),
                shade=np.zeros(len(at), dtype=np.int64),
                layer=np.full(len(at), SPOT),
            )
        )
    return join(out)
