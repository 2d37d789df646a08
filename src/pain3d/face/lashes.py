"""Eyelashes: ribbons along the lids, rooted on the settled lid margins, so that they follow every blink.

A ribbon is drawn see-through by the renderer, which cuts single hairs out of it: u runs along the lid from nose to
temple, v from the roots (0) to the tips (1).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pain3d.face.eyes import eyeballs
from pain3d.face.mesh import Part
from pain3d.face.parts import AnatomyPart, PartTopology


@dataclass(frozen=True, kw_only=True)
class LashRow:
    """The lashes of one lid."""

    margin: tuple[tuple[int, ...], tuple[int, ...]]
    """Vertices of `base.obj` along the edge of the lid, nose to temple; left and right eye."""
    length_mm: float
    """Of the longest lash, along its curve."""
    stations: int
    """Points of the ribbon along the lid."""
    bands: int
    """Pieces of the ribbon from root to tip."""
    rise_degrees: tuple[float, float]
    """Direction of a lash at its root and at its tip: 0 straight away from the eyeball, 90 up the lid."""


UPPER_LASHES = LashRow(
    margin=(
        (6844, 6841, 6838, 6785, 6784, 6790, 6793, 6796, 6799, 6802, 6805),
        (60, 57, 54, 1, 0, 6, 9, 12, 15, 18, 21),
    ),
    length_mm=8.5,
    stations=19,
    bands=3,
    rise_degrees=(-25.0, 65.0),
)
LOWER_LASHES = LashRow(
    margin=(
        (11695, 6834, 6831, 6828, 6825, 6820, 6817, 6814, 11693, 6811, 6808),
        (5080, 50, 47, 44, 41, 36, 33, 30, 5078, 27, 24),
    ),
    length_mm=3.8,
    stations=15,
    bands=2,
    rise_degrees=(-25.0, -65.0),
)
ROWS = (UPPER_LASHES, LOWER_LASHES)

FAN = 0.55
"""How far lashes lean along the lid towards its ends, per millimetre outwards, at the temple."""
FAN_CENTRE = 0.35
"""Where along the lid lashes stand straight."""


class Lashes(AnatomyPart):
    """Four ribbons, 328 triangles."""

    cell = "lashes"

    def __init__(self, coarse_of: Int[np.ndarray, " base"]) -> None:
        """Build the ribbons.

        Args:
            coarse_of: number in the coarse model of each vertex of `base.obj`.
        """
        self._coarse_of = coarse_of
        self._ribbons = [_Ribbon(row, coarse_of, eye) for row in ROWS for eye in (0, 1)]
        counts = np.cumsum([0, *(len(ribbon.uvs) for ribbon in self._ribbons)])
        triangles = [r.triangles + first for r, first in zip(self._ribbons, counts[:-1], strict=True)]
        self.topology = PartTopology(
            triangles=np.concatenate(triangles).astype(np.int32),
            uvs=np.concatenate([ribbon.uvs for ribbon in self._ribbons]).astype(np.float32),
            part=np.full(sum(map(len, triangles)), Part.LASH, np.uint8),
            point_of=np.arange(counts[-1], dtype=np.int32),
        )

    def place(
        self,
        posed_m: Float[np.ndarray, "coarse 3"],
        neutral_m: Float[np.ndarray, "coarse 3"],
        body_m: Float[np.ndarray, "body 3"],
    ) -> Float[np.ndarray, "point 3"]:
        """Points of the ribbons: upper left and right, lower left and right."""
        centres, _ = eyeballs(neutral_m, self._coarse_of)
        return np.concatenate([ribbon.place(body_m, centres[ribbon.eye]) for ribbon in self._ribbons])


class _Ribbon:
    """The lashes of one lid of one eye."""

    def __init__(self, row: LashRow, coarse_of: np.ndarray, eye: int) -> None:
        self.eye = eye
        self._margin = coarse_of[list(row.margin[eye])]
        along = np.linspace(0, 1, row.stations)
        self._weights = _spline_weights(along * (len(self._margin) - 1), len(self._margin))
        self._slopes = np.gradient(self._weights, axis=0)
        self._nasal = -1.0 if eye == 0 else 1.0
        """Sign of x towards the nose."""
        out, up = _curve(row)
        length = row.length_mm / 1000 * (0.5 + 0.5 * np.sin(np.pi * np.clip(0.12 + 0.76 * along, 0, 1)) ** 0.8)
        self._out = out[:, None] * length
        self._up = up[:, None] * length
        self._lean = FAN * (along - FAN_CENTRE) * self._out
        u, v = np.meshgrid(along, np.linspace(0, 1, row.bands + 1))
        self.uvs = np.stack([u, v], axis=2).reshape(-1, 2)
        a = (np.arange(row.bands)[:, None] * row.stations + np.arange(row.stations - 1)).ravel()
        quads = np.stack([a, a + 1, a + row.stations + 1, a + row.stations], axis=1)
        if (eye == 0) == (row is LOWER_LASHES):
            quads = quads[:, ::-1]
        self.triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])

    def place(self, body_m: np.ndarray, centre_m: np.ndarray) -> Float[np.ndarray, "point 3"]:
        margin = body_m[self._margin].astype(np.float64)
        roots = np.einsum("sk,kc->sc", self._weights, margin)
        along = _units(np.einsum("sk,kc->sc", self._slopes, margin))
        outwards = roots - centre_m
        outwards = _units(outwards - np.einsum("sc,sc->s", outwards, along)[:, None] * along)
        up = _cross(outwards, along) * -self._nasal
        points = roots + self._out[:, :, None] * outwards + self._up[:, :, None] * up + self._lean[:, :, None] * along
        return points.reshape(-1, 3).astype(np.float32)


def _curve(row: LashRow) -> tuple[Float[np.ndarray, " row"], Float[np.ndarray, " row"]]:
    """A lash of length 1 that bends evenly: how far out and how far up its points lie, root to tip."""
    steps = np.linspace(0, 1, 61)
    angle = np.radians(row.rise_degrees[0] + (row.rise_degrees[1] - row.rise_degrees[0]) * steps)
    out = np.concatenate([[0], np.cumsum(np.cos(angle[:-1]) * np.diff(steps))])
    up = np.concatenate([[0], np.cumsum(np.sin(angle[:-1]) * np.diff(steps))])
    chosen = np.linspace(0, 60, row.bands + 1).astype(int)
    return out[chosen], up[chosen]


def _spline_weights(places: Float[np.ndarray, " station"], count: int) -> Float[np.ndarray, "station control"]:
    """Weights of a Catmull-Rom spline through control points 0..count-1, ends doubled."""
    weights = np.zeros((len(places), count))
    first = np.minimum(places.astype(int), count - 2)
    t = places - first
    basis = (
        (-t + 2 * t**2 - t**3) / 2,
        (2 - 5 * t**2 + 3 * t**3) / 2,
        (t + 4 * t**2 - 3 * t**3) / 2,
        (t**3 - t**2) / 2,
    )
    for k, value in enumerate(basis):
        np.add.at(weights, (np.arange(len(places)), np.clip(first + k - 1, 0, count - 1)), value)
    return weights


def _cross(a: Float[np.ndarray, "n 3"], b: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    out = np.empty_like(a)
    for k in range(3):
        i, j = (k + 1) % 3, (k + 2) % 3
        out[:, k] = a[:, i] * b[:, j] - a[:, j] * b[:, i]
    return out


def _units(vectors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    return vectors / np.sqrt(np.square(vectors).sum(axis=1, keepdims=True))
