"""Wrinkles that stay at rest: grooves along curves that anatomy prescribes, broken and bent by chance."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from jaxtyping import Float

from pain3d.skin.ground import Ground
from pain3d.skin.kernels import GROOVE
from pain3d.skin.strokes import Strokes
from pain3d.skin.traits import SkinTraits
from pain3d.streams import stream

Curve = tuple[Float[np.ndarray, "_ 2"], float, float]
"""Points (x, y) in the frontal plane [mm], depth 0..1, half width [mm]."""


def wrinkles(traits: SkinTraits, ground: Ground) -> Strokes:
    """All static lines of a subject; deeper and more of them with age, none before about 25."""
    return on_surface([c for c in static_curves(traits) if c[1] > 0.02], ground)


@lru_cache(maxsize=4)
def static_curves(traits: SkinTraits) -> tuple[Curve, ...]:
    """Where lines lie or will lie; of depth 0 in a face too young to show them at rest."""
    rng = stream(traits.seed, "wrinkles")
    strength = traits.wrinkles
    curves: list[Curve] = []
    curves += _forehead(rng, strength)
    for side in (-1.0, 1.0):
        curves += [(points * np.array([side, 1.0]), depth, width) for points, depth, width in _half(rng, strength)]
    curves += _neck(rng, strength)
    return tuple(curves)


def bent(rng: np.random.Generator, points: Sequence[tuple[float, float]], wobble_mm: float) -> Float[np.ndarray, "n 2"]:
    """A smooth curve near some points (x, y) [mm], bent by chance."""
    knots = np.array(points, dtype=np.float64)
    t = _steps(len(knots) - 1, 6 * len(knots))
    k = np.arange(len(knots))
    curve = np.stack([np.interp(t, k, knots[:, 0]), np.interp(t, k, knots[:, 1])], axis=1)
    for _ in range(6):
        curve[1:-1] = 0.25 * curve[:-2] + 0.5 * curve[1:-1] + 0.25 * curve[2:]
    curve[:, 0] += _wobble(rng, len(curve), wobble_mm)
    curve[:, 1] += _wobble(rng, len(curve), wobble_mm)
    return curve


def _wobble(rng: np.random.Generator, n: int, size: float) -> Float[np.ndarray, " n"]:
    """A smooth random deviation along a curve."""
    waves = np.array([1.0, 2.0, 3.0])
    heights = rng.normal(0, size, 3) / waves
    return np.sin(_steps(1, n)[:, None] * np.pi * waves + rng.uniform(0, 2 * np.pi, 3)) @ heights


@cache
def _steps(last: int, n: int) -> Float[np.ndarray, " n"]:
    """Even steps from 0; a face has hundreds of curves and few lengths."""
    return np.linspace(0, last, n)


def _forehead(rng: np.random.Generator, strength: float) -> list[Curve]:
    """Horizontal lines after one pattern of the subject's: level, or higher over the middle of each brow.

    A line is a row of folds, each fading before the next begins; between deep lines lie fine ones.
    """
    out: list[Curve] = []
    wing, bow, tilt = rng.uniform(-0.3, 2.4), rng.uniform(1.0, 5.0), rng.normal(0, 0.012)
    pitch, broad = rng.uniform(7.5, 11.5), rng.uniform(30.0, 47.0)
    deepest = rng.normal(44.0, 7.0)
    y = 30.0 + rng.uniform(0, 4)
    while y < 61.0:
        fine = rng.random() < 0.25
        reach = broad * rng.uniform(0.75, 1.05)
        depth = strength * rng.uniform(0.45, 0.95) * (0.55 + 0.45 * np.exp(-(((y - deepest) / 11) ** 2)))
        at, last = -reach + rng.uniform(0, 8), reach - rng.uniform(0, 8)
        while at < last - 6.0:
            long = min(rng.uniform(22, 75), last - at)
            x = np.linspace(at, at + long, max(int(long / 2), 6))
            line = y + wing * -np.cos(x / 44 * 2 * np.pi) - bow * (x / 44) ** 4 + tilt * x + rng.normal(0, 0.5)
            line = line + _wobble(rng, len(x), 0.55)
            share = 0.4 if fine else 1.0
            out.append((np.stack([x, line], 1), share * depth * rng.uniform(0.55, 1.0), rng.uniform(1.3, 2.3)))
            at += long - rng.uniform(-2.0, 9.0)
        y += pitch * rng.uniform(0.5, 0.65) if fine else pitch * rng.uniform(0.8, 1.2)
    return out


def _half(rng: np.random.Generator, strength: float) -> list[Curve]:
    """Lines of one side, for x > 0."""
    out: list[Curve] = []

    def add(points: list[tuple[float, float]], depth: float, width: float, wobble: float = 0.5) -> None:
        curve = bent(rng, points, wobble)
        out.append((curve, depth * rng.uniform(0.75, 1.15), width))

    add([(16, -37), (20, -44), (25, -52), (29, -60), (31, -68)], 0.10 + 0.75 * strength, 2.0)  # nasolabial
    add([(28, -72), (30, -79), (30, -88)], 0.45 * max(0.0, strength - 0.25), 1.7)  # marionette
    add([(5.5, 10), (5.8, 17), (7.5, 25)], 0.5 * strength, 1.5)  # glabella
    if rng.random() < 0.4:
        add([(2.0, 11), (2.2, 18)], 0.35 * strength, 0.9)
    for angle in np.linspace(32, -42, int(rng.integers(3, 6))):  # crow's feet
        turn = np.radians(angle + rng.normal(0, 5))
        reach = rng.uniform(9, 18)
        inner = np.array([47.5, 0.0]) + 2.0 * np.array([np.cos(turn), np.sin(turn)])
        tip = inner + reach * np.array([np.cos(turn), np.sin(turn)])
        middle = (inner + tip) / 2 + [0, 0.6]
        add([tuple(inner), tuple(middle), tuple(tip)], strength * rng.uniform(0.35, 0.7), 1.0, 0.3)
    for k in range(2 + int(strength > 0.5)):  # below the eye
        drop = 7.0 + 3.6 * k
        add([(21, -5 - drop * 0.45), (28, -4.5 - drop), (37, -4 - drop), (44, -3 - drop * 0.6)],
            strength * rng.uniform(0.3, 0.55) + 0.06 * (k == 0), 1.2, 0.4)  # fmt: skip
    for x in np.arange(2.0, 23.0, 3.2):  # upper and lower lip
        at = x + rng.normal(0, 0.8)
        fade = 0.5 * max(0.0, strength - 0.45) * rng.uniform(0.3, 1.0)
        add([(at, -58 - 0.10 * at), (at * 1.06, -53.0 + 0.05 * at)], fade, 0.6, 0.2)
        if rng.random() < 0.6:
            add([(at, -81 + 0.25 * at), (at * 1.05, -86.0 + 0.2 * at)], 0.8 * fade, 0.6, 0.2)
    for _ in range(int(3 * max(0.0, strength - 0.4))):  # cheek
        x = rng.uniform(38, 58)
        y = rng.uniform(-60, -25)
        add([(x, y), (x + 2, y - 8), (x + 1, y - 16)], 0.35 * (strength - 0.3), 0.8, 0.8)
    return out


def _neck(rng: np.random.Generator, strength: float) -> list[Curve]:
    out: list[Curve] = []
    for k in range(3):
        x = np.linspace(-46, 46, 31)
        y = -136.0 - 15 * k + rng.normal(0, 2.5) + 6 * (x / 46) ** 2 + _wobble(rng, 31, 1.0)
        out.append((np.stack([x, y], 1), (0.06 + 0.3 * strength) * rng.uniform(0.4, 0.9), 2.5))
    return out


def on_surface(curves: Sequence[Curve], ground: Ground, layers: Sequence[int] | None = None) -> Strokes:
    """Segments on the front of the template, tapering towards the ends of their curves.

    Args:
        curves: what to draw.
        ground: of the atlas.
        layers: what each curve is drawn on; `GROOVE` without.
    """
    starts, ends, depths, widths = [np.empty((0, 2))], [np.empty((0, 2))], [np.empty(0)], [np.empty(0)]
    for points, depth, width in curves:
        n = len(points) - 1
        middle = (np.arange(n) + 0.5) / n
        starts.append(points[:-1])
        ends.append(points[1:])
        depths.append(depth * np.clip(3.2 * np.minimum(middle, 1 - middle), 0.15, 1.0) ** 0.7)
        widths.append(np.full(n, width))
    start, root = ground.front.at(np.concatenate(starts))
    end, _ = ground.front.at(np.concatenate(ends))
    off = np.linalg.norm(start - ground.front.position_mm[root], axis=1)
    near = (np.linalg.norm(end - start, axis=1) < 12.0) & (off < 3.0)  # the rest runs past the outline
    n = int(near.sum())
    on = np.repeat(np.full(len(curves), GROOVE) if layers is None else layers, [len(c[0]) - 1 for c in curves])
    return Strokes(
        root=root[near],
        start_mm=start[near],
        end_mm=end[near],
        half_width_mm=np.concatenate(widths)[near],
        strength=np.clip(np.concatenate(depths)[near], 0.0, 1.0),
        shade=np.zeros(n, dtype=np.int64),
        layer=on.astype(np.int64)[near],
    )
