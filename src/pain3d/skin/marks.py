"""What marks one skin among others: freckles, moles, age spots, pimples, scars, and vessels that shine through."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from pain3d.skin.ground import Ground, Patch, pick
from pain3d.skin.kernels import SCAR, SPOT, VESSEL
from pain3d.skin.lines import Curve, bent, on_surface
from pain3d.skin.strokes import Strokes, along_skin, join
from pain3d.skin.traits import SkinTraits
from pain3d.streams import stream

ARTERY, VEIN = 0, 1
"""Shades on the layer of vessels: blood rich in oxygen, and poor."""
VESSELS, TWIGS = 110, 4
"""Broken vessels at strength 1, and pieces of each."""


def marks(traits: SkinTraits, ground: Ground) -> Strokes:
    """All of them."""
    return join([make(traits, ground) for make in (spots, pimples, broken_vessels, veins, scars)])


def spots(traits: SkinTraits, ground: Ground) -> Strokes:
    """Freckles, moles and age spots: dots of melanin of many sizes."""
    rng = stream(traits.seed, "spots")
    kinds = (
        # where, number, radius mm (median, log sd), strength range
        (ground.sunny, int(60 + 800 * traits.freckles) if traits.freckles > 0 else 0, (0.6, 0.3), (0.12, 0.5)),
        (ground.anywhere, traits.moles, (0.85, 0.35), (0.45, 0.8)),
        (ground.aged, int(45 * traits.age_spots), (2.2, 0.5), (0.2, 0.6)),
    )
    return join([_dots(rng, ground.bare, *kind) for kind in kinds])


def _dots(
    rng: np.random.Generator,
    patch: Patch,
    running: np.ndarray,
    number: int,
    radius_mm: tuple[float, float],
    strength: tuple[float, float],
) -> Strokes:
    at = pick(rng, running, number)
    n = len(at)
    start = patch.position_mm[at]
    size = radius_mm[0] * np.exp(rng.normal(0, radius_mm[1], n))
    oblong = along_skin(rng.normal(size=(n, 3)), patch.normal[at]) * (size * rng.uniform(0, 0.9, n))[:, None]
    return Strokes(
        root=patch.root[at],
        start_mm=start,
        end_mm=start + oblong,
        half_width_mm=size,
        strength=rng.uniform(*strength, n),
        shade=np.zeros(n, dtype=np.int64),
        layer=np.full(n, SPOT),
    )


def pimples(traits: SkinTraits, ground: Ground) -> Strokes:
    """Inflamed follicles of cheeks, chin and forehead."""
    rng = stream(traits.seed, "pimples")
    red = _dots(rng, ground.bare, ground.oily, traits.pimples, (0.9, 0.3), (0.3, 0.9))
    return _on(red, VESSEL, ARTERY)


def broken_vessels(traits: SkinTraits, ground: Ground) -> Strokes:
    """Telangiectases: fine red vessels of nose and cheeks, each a path that turns by chance."""
    rng = stream(traits.seed, "broken vessels")
    patch = ground.bare
    at = pick(rng, ground.flushed, int(VESSELS * traits.vessels))
    n = len(at)
    normal, start = patch.normal[at], patch.position_mm[at].astype(np.float64)
    way = along_skin(rng.normal(size=(n, 3)), normal)
    strength = rng.uniform(0.25, 0.8, n)
    pieces: list[Strokes] = []
    for _ in range(TWIGS):
        way = along_skin(way + rng.normal(0, 0.55, (n, 3)), normal)
        end = start + way * rng.uniform(0.6, 1.6, n)[:, None]
        pieces.append(
            Strokes(
                root=patch.root[at],
                start_mm=start,
                end_mm=end,
                half_width_mm=np.full(n, 0.22),
                strength=strength,
                shade=np.full(n, ARTERY),
                layer=np.full(n, VESSEL),
            )
        )
        start = end
    return join(pieces)


def veins(traits: SkinTraits, ground: Ground) -> Strokes:
    """Two or three veins of each temple, as seen through fair or thin skin."""
    rng = stream(traits.seed, "veins")
    curves: list[Curve] = []
    for side in (-1.0, 1.0):
        for _ in range(int(rng.integers(1, 4))):
            x, y = rng.uniform(52, 60), rng.uniform(8, 22)
            knots = [(x, y), (x + 2, y + 9), (x - 3, y + 19), (x - 1, y + 30)]
            points = bent(rng, knots, 1.6) * np.array([side, 1.0])
            curves.append((points, traits.veins * rng.uniform(0.3, 0.6), rng.uniform(0.9, 1.5)))
    return _on(on_surface([curve for curve in curves if curve[1] > 0.02], ground), VESSEL, VEIN)


def scars(traits: SkinTraits, ground: Ground) -> Strokes:
    """Healed cuts: pale lines anywhere on the front of the face."""
    rng = stream(traits.seed, "scars")
    curves: list[Curve] = []
    for _ in range(traits.scars):
        x, y = rng.uniform(-48, 48), rng.uniform(-95, 55)
        turn, reach = rng.uniform(0, np.pi), rng.uniform(4, 11)
        dx, dy = reach * np.cos(turn), reach * np.sin(turn)
        bow = rng.normal(0, 0.12) * reach
        knots = [(x - dx, y - dy), (x - bow * np.sin(turn), y + bow * np.cos(turn)), (x + dx, y + dy)]
        curves.append((bent(rng, knots, 0.3), rng.uniform(0.5, 1.0), rng.uniform(0.6, 1.1)))
    return _on(on_surface(curves, ground), SCAR, 0)


def _on(strokes: Strokes, layer: int, shade: int) -> Strokes:
    n = len(strokes)
    return replace(strokes, layer=np.full(n, int(layer)), shade=np.full(n, shade))
