"""The furrows that one face folds into, drawn by chance along the lines that anatomy prescribes.

Furrows cross the pull of the muscle below, as the tension lines of the skin do. Where a line stays at rest, the same
curve deepens: it is taken from `pain3d.skin.lines`, which knows it long before it shows. Further furrows are the
subject's own: place, number, length and branches.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from pain3d.skin.lines import Curve, bent, static_curves
from pain3d.skin.traits import SkinTraits
from pain3d.streams import stream

OLDEST_YEARS = 85.0
YOUNGEST_YEARS = 18.0
BRANCH_RADIANS = np.radians(24.0)
CLEAR_MM = 2.5
"""Furrows that lie closer to a line of the face at rest are that line."""
Points = Float[np.ndarray, "n 2"]
Box = tuple[float, float, float, float]
"""Least and largest distance from the middle of the face, least and largest height [mm]."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Furrow:
    """A fold of the skin along a curve: a rounded valley, and the skin that it displaced as flanks."""

    points: Points
    """(x, y) in the frontal plane of the template [mm]."""
    depth: float
    """Share 0..1 of the zone's depth; 0 for a fold that only rises."""
    half_width_mm: float
    rise: float = 1.0
    """Height of the flanks relative to what keeps the volume."""
    reach: float = 2.3
    """Breadth of the flanks over that of the valley."""
    onset: float = -1.0
    """Wear of the skin, 0..1, at which it begins to show; from -0.5 down it always does."""

    @property
    def height(self) -> float:
        """Of its flanks, as a share of the zone's depth: what the valley displaced, spread over their breadth."""
        return self.depth * self.rise / self.reach if self.depth else self.rise


def wear(traits: SkinTraits) -> float:
    """How far age has taken the skin, 0 at 18 years to about 1.1: half by years, half by what sun and luck did."""
    years = (traits.age_years - YOUNGEST_YEARS) / (OLDEST_YEARS - YOUNGEST_YEARS)
    return float(0.5 * np.clip(years, 0.0, 1.15) + 0.5 * min(traits.wrinkles, 1.2))


def furrows(traits: SkinTraits) -> Mapping[str, tuple[Furrow, ...]]:
    """Every furrow of a subject by the name of its set, whatever its age: old skin shows more of the same."""
    static = [(curve, np.abs(curve[0][:, 0]).mean(), curve[0][:, 1].mean()) for curve in static_curves(traits)]
    out: dict[str, tuple[Furrow, ...]] = {}
    for name, (draw, box, broader) in _SETS.items():
        lines = stream(traits.seed, "living wrinkles", name, "lines")
        kept = [_deepened(lines, curve, broader) for curve, x, y in static if box is not None and _lies_in(x, y, box)]
        rng = stream(traits.seed, "living wrinkles", name)
        known = np.concatenate([line.points for line in kept]) if kept else np.empty((0, 2))
        drawn = kept + [furrow for furrow in draw(rng) if _is_clear(furrow, known)]
        out[name] = tuple(furrow for one in drawn for furrow in _branched(rng, one))
    return out


def _lies_in(x: float, y: float, box: Box) -> bool:
    return box[0] <= x <= box[1] and box[2] <= y <= box[3]


def _deepened(rng: np.random.Generator, curve: Curve, broader: float) -> Furrow:
    points, _, half_width_mm = curve
    return Furrow(points=points, depth=rng.choice((0.45, 0.75, 0.9, 1.0)), half_width_mm=broader * half_width_mm)


def _is_clear(furrow: Furrow, known: Points) -> bool:
    if not furrow.depth or not len(known):
        return True
    dx, dy = (furrow.points[:, None, k] - known[:, k] for k in (0, 1))
    away = (dx * dx + dy * dy).min(axis=1)
    return bool(np.median(away) > CLEAR_MM**2)


def _branched(rng: np.random.Generator, furrow: Furrow) -> list[Furrow]:
    """The furrow, and perhaps a shallower one that leaves it at a small angle."""
    n = len(furrow.points)
    if n < 8 or furrow.depth < 0.3 or furrow.half_width_mm > 2.2 or rng.random() > 0.35:
        return [furrow]
    at, turn, long = rng.uniform(0.25, 0.7), rng.choice((-1.0, 1.0)), rng.uniform(5.0, 9.0)
    k = int(at * (n - 2))
    along = furrow.points[k + 1] - furrow.points[k]
    along = along / max(float(np.hypot(*along)), 1e-6)
    cosine, sine = np.cos(BRANCH_RADIANS), turn * np.sin(BRANCH_RADIANS)
    way = np.array([cosine * along[0] - sine * along[1], sine * along[0] + cosine * along[1]])
    points = furrow.points[k] + np.linspace(0, min(long, 0.5 * n), 7)[:, None] * way
    branch = replace(
        furrow, points=points, depth=0.55 * furrow.depth, half_width_mm=0.85 * furrow.half_width_mm, onset=0.3
    )
    return [furrow, branch]


def _both(draw: Callable[[], list[Furrow]]) -> list[Furrow]:
    """What is drawn for x > 0, drawn again for the other side: alike, not equal."""
    left, right = draw(), draw()
    return left + [replace(one, points=one.points * np.array([-1.0, 1.0])) for one in right]


def _jittered(
    rng: np.random.Generator, points: Sequence[tuple[float, float]], mm: float, wobble: float = 0.35
) -> Points:
    """A curve near some points, moved as a whole and bent."""
    dx, dy = rng.normal(0, mm, 2)
    return bent(rng, [(x + dx, y + dy) for x, y in points], wobble)


def _ridge(points: Points, rise: float, half_width_mm: float) -> Furrow:
    """Skin that bunches up without a valley."""
    return Furrow(points=points, depth=0.0, half_width_mm=half_width_mm, rise=rise, reach=1.0)


def _glabella(rng: np.random.Generator) -> list[Furrow]:
    """Beside the two lines that most people get: one between them, and oblique ones over the brows' heads."""
    out: list[Furrow] = []
    if rng.random() < 0.45:
        out.append(
            Furrow(
                points=_jittered(rng, [(0.6, 7), (0.2, 14), (0.5, 22)], 0.8),
                depth=rng.uniform(0.35, 0.8),
                half_width_mm=1.5,
            )
        )
    out += _both(
        lambda: [
            Furrow(
                points=_jittered(rng, [(9.5, 17), (12.5, 23), (16.5, 28)], 1.0),
                depth=rng.uniform(0.25, 0.6),
                half_width_mm=1.6,
                onset=rng.uniform(-0.3, 0.7),
            ),
            _ridge(
                _jittered(rng, [(9.0, 11), (11.5, 17), (14.5, 22)], 0.8), rng.uniform(0.25, 0.45), 4.5
            ),  # the corrugator's belly
        ]
    )
    return out


def _forehead(rng: np.random.Generator) -> list[Furrow]:
    """Short furrows between the long ones, over either brow."""
    return _both(
        lambda: [
            Furrow(
                points=_jittered(rng, [(6, y + 1), (15, y + 2.2), (25, y + 1.2), (33, y - 1.5)], 1.2, 0.7),
                depth=rng.uniform(0.35, 0.7),
                half_width_mm=rng.uniform(1.2, 1.7),
                onset=rng.uniform(-0.2, 0.9),
            )
            for y in 30.0 + 8.2 * np.arange(4)
        ]
    )


def _crows_feet(rng: np.random.Generator) -> list[Furrow]:
    """Rays from the outer corner of the eye; the lower ones bend down over the cheekbone."""

    def rays() -> list[Furrow]:
        out: list[Furrow] = []
        for angle in np.linspace(44, -62, int(rng.integers(4, 7))):
            turn = np.radians(angle + rng.normal(0, 6))
            ray = np.array([np.cos(turn), np.sin(turn)])
            reach, sag = rng.uniform(11, 22), 0.09 * max(0.0, 20.0 - angle)
            knots: list[tuple[float, float]] = []
            for s in (0.0, 0.5, 1.0):
                along = 4.0 + reach * s
                knots.append((46.5 + along * ray[0] - 0.4 * sag * s * s, -1.0 + along * ray[1] - sag * s * s))
            out.append(
                Furrow(
                    points=bent(rng, knots, 0.35),
                    depth=rng.uniform(0.45, 1.0),
                    half_width_mm=rng.uniform(1.0, 1.4),
                    onset=rng.uniform(-0.8, 0.5),
                )
            )
        return out

    return _both(rays)


def _pouch(rng: np.random.Generator) -> list[Furrow]:
    """The roll of muscle below the lid, the furrow under it, and that over the lifted cheek."""
    return _both(
        lambda: [
            _ridge(
                _jittered(rng, [(19, -6.0), (27, -8.8), (36, -8.2), (43, -4.5)], 0.6),
                rng.uniform(0.5, 0.9),
                rng.uniform(2.5, 3.3),
            ),
            Furrow(
                points=_jittered(rng, [(18, -9.5), (25, -13.2), (34, -13.6), (43, -9.5), (48, -5.0)], 0.6),
                depth=rng.uniform(0.7, 1.0),
                half_width_mm=1.7,
            ),
            Furrow(
                points=_jittered(rng, [(20, -17.0), (28, -20.5), (38, -19.5), (47, -14.0), (53, -9.0)], 1.2, 0.6),
                depth=rng.uniform(0.4, 0.8),
                half_width_mm=1.6,
                onset=rng.uniform(-0.4, 0.5),
            ),
            Furrow(
                points=_jittered(rng, [(22, -5.2), (30, -7.4), (39, -5.6)], 0.4, 0.25),
                depth=rng.uniform(0.3, 0.6),
                half_width_mm=1.0,
                onset=rng.uniform(-0.2, 0.5),
            ),
        ]
    )


def _lid_crease(rng: np.random.Generator) -> list[Furrow]:
    """Fine folds of the upper lid."""
    return _both(
        lambda: [
            Furrow(
                points=_jittered(rng, [(22, y - 2.2), (30, y), (38, y - 0.8), (45, y - 4.2)], 0.4, 0.25),
                depth=rng.uniform(0.5, 1.0),
                half_width_mm=0.95,
                onset=onset,
            )
            for y, onset in ((8.2, -1.0), (10.8, 0.2))
        ]
    )


def _nose_root(rng: np.random.Generator) -> list[Furrow]:
    """Across the root of the nose, arched or straight."""
    out: list[Furrow] = []
    count = int(rng.integers(2, 5))
    arch = rng.uniform(-0.6, 2.2)
    for k, y in enumerate(np.linspace(8.5, -4.5, count)):
        half = rng.uniform(6.5, 10.0)
        x = np.linspace(-half, half, 5) + rng.normal(0, 0.7)
        height = y + rng.normal(0, 0.6) + arch * (1 - np.linspace(-1, 1, 5) ** 2)
        out.append(
            Furrow(
                points=bent(rng, [(float(a), float(b)) for a, b in zip(x, height, strict=True)], 0.3),
                depth=rng.uniform(0.6, 1.0),
                half_width_mm=rng.uniform(1.3, 1.7),
                onset=-1.0 if k < 2 else rng.uniform(-0.3, 0.4),
            )
        )
    return out


def _nose_side(rng: np.random.Generator) -> list[Furrow]:
    """Oblique over the side of the bridge, and down beside it from the inner corner of the eye."""

    def side() -> list[Furrow]:
        out: list[Furrow] = []
        for y, onset in ((-1.5, -1.0), (-7.5, -1.0), (-13.0, rng.uniform(0.0, 0.7)), (-18.0, 0.6)):
            lean, long, inner = rng.uniform(0.35, 0.9), rng.uniform(7.0, 11.0), rng.uniform(3.0, 4.6)
            knots = [(inner + long * s, y - lean * long * s**1.4) for s in (0.0, 0.33, 0.67, 1.0)]
            out.append(
                Furrow(
                    points=_jittered(rng, knots, 0.6, 0.3),
                    depth=rng.uniform(0.55, 1.0),
                    half_width_mm=rng.uniform(1.05, 1.35),
                    onset=onset,
                )
            )
        out.append(
            Furrow(
                points=_jittered(rng, [(13.0, -9), (15.5, -15), (18.2, -21), (20.2, -27)], 0.7),
                depth=rng.uniform(0.6, 0.95),
                half_width_mm=2.0,
            )
        )
        return out

    return _both(side)


def _fold_upper(rng: np.random.Generator) -> list[Furrow]:
    """The nasolabial fold beside the wing of the nose, and the cheek that swells over it."""
    return _both(
        lambda: [
            Furrow(
                points=_jittered(rng, [(15.8, -25), (17.8, -31), (20.0, -38), (23.2, -46.5)], 0.9),
                depth=rng.uniform(0.6, 1.0),
                half_width_mm=2.9,
                reach=1.8,
            ),
            _ridge(
                _jittered(rng, [(19.5, -24), (22.0, -31), (25.5, -38)], 1.2),
                rng.uniform(0.4, 0.7),
                rng.uniform(4.0, 6.0),
            ),
        ]
    )


def _fold_lower(rng: np.random.Generator) -> list[Furrow]:
    """Beside the line of the fold: the cheek that swells over it, and in old skin a second line outside."""
    return _both(
        lambda: [
            _ridge(
                _jittered(rng, [(24.0, -40), (28.5, -47), (33.0, -55), (35.5, -63)], 1.2),
                rng.uniform(0.4, 0.8),
                rng.uniform(4.5, 6.5),
            ),
            Furrow(
                points=_jittered(rng, [(31, -46), (36, -54), (39, -63), (39, -71)], 1.5, 0.8),
                depth=rng.uniform(0.25, 0.5),
                half_width_mm=1.7,
                onset=rng.uniform(0.2, 0.8),
            ),
        ]
    )


def _chin(rng: np.random.Generator) -> list[Furrow]:
    """Pits of the boss, on a lattice shaken by chance, and the crease below the lip."""
    out = [
        Furrow(
            points=_jittered(rng, [(-18, -93), (-10, -89.5), (0, -88.3), (10, -89.5), (18, -93)], 0.7),
            depth=1.0,
            half_width_mm=2.4,
        )
    ]
    spacing = rng.uniform(3.6, 4.6)
    for row, y in enumerate(np.arange(-95.0, -111.0, -spacing)):
        for x in np.arange(-16.0, 16.1, spacing) + 0.5 * spacing * (row % 2):
            place = np.array([x, y]) + rng.normal(0, 0.22 * spacing, 2)
            depth, way, size = rng.uniform(0.3, 0.75), rng.uniform(0, np.pi), rng.uniform(1.3, 1.9)
            outward = (place[0] / 17.0) ** 2 + ((place[1] + 102.5) / 9.5) ** 2
            if outward < 1.0:
                depth *= 1.0 - 0.6 * outward  # the boss has no rim
                half = 0.6 * np.array([np.cos(way), np.sin(way)])
                out.append(Furrow(points=np.stack([place - half, place + half]), depth=depth, half_width_mm=size))
    return out


_SETS: Mapping[str, tuple[Callable[[np.random.Generator], list[Furrow]], Box | None, float]] = {
    "glabella": (_glabella, (0.0, 10.0, 8.0, 28.0), 1.15),
    "forehead": (_forehead, (0.0, 45.0, 28.0, 72.0), 1.0),
    "crows_feet": (_crows_feet, (46.0, 70.0, -22.0, 24.0), 1.15),
    "pouch": (_pouch, (18.0, 45.0, -22.0, -5.0), 1.15),
    "lid_crease": (_lid_crease, None, 1.0),
    "nose_root": (_nose_root, None, 1.0),
    "nose_side": (_nose_side, None, 1.0),
    "fold_upper": (_fold_upper, None, 1.0),
    "fold_lower": (_fold_lower, (14.0, 34.0, -54.8, -44.0), 2.0),
    "chin": (_chin, None, 1.0),
}
"""How each set is drawn, where static lines belong to it, and how much broader these are when folded."""
