"""Flattening: plane positions of mesh points that keep the shape of every triangle, without ever folding one over.

Minimises the symmetric Dirichlet energy, area * (|J|^2 + |J^-1|^2), by Newton's method with each triangle's Hessian
projected to be positive (Teran et al. 2005; Smith & Schaefer 2015). The energy is infinite for a folded triangle, and
the line search refuses one, so an injective start stays injective.
"""

from __future__ import annotations

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int

DET_HESSIAN = np.array([[0, 0, 0, 1], [0, 0, -1, 0], [0, -1, 0, 0], [1, 0, 0, 0]], dtype=float)
"""Second derivative of det J by the entries (J00, J01, J10, J11)."""


def rest_shapes(
    points: Float[np.ndarray, "point 3"], triangles: Int[np.ndarray, "triangle 3"]
) -> Float[np.ndarray, "triangle 2 2"]:
    """Each triangle laid into the plane: columns are its two edges from corner 0."""
    a = points[triangles[:, 1]] - points[triangles[:, 0]]
    b = points[triangles[:, 2]] - points[triangles[:, 0]]
    length = np.linalg.norm(a, axis=1)
    along = (a * b).sum(axis=1) / length
    across = np.linalg.norm(np.cross(a, b), axis=1) / length
    zero = np.zeros_like(along)
    return np.stack([np.stack([length, along], axis=1), np.stack([zero, across], axis=1)], axis=1)


def flatten(
    start: Float[np.ndarray, "point 2"],
    triangles: Int[np.ndarray, "triangle 3"],
    rest: Float[np.ndarray, "triangle 2 2"],
    weights: Float[np.ndarray, " triangle"],
    fixed: Bool[np.ndarray, "point 2"],
    steps: int = 40,
) -> Float[np.ndarray, "point 2"]:
    """Positions that make triangles look like `rest`, as far as their neighbours allow.

    Args:
        start: positions in which no triangle is folded (all counter-clockwise).
        triangles: corners.
        rest: wanted shapes, as `rest_shapes` makes them, scaled as wanted.
        weights: importance of each triangle.
        fixed: coordinates that keep their start value.
        steps: Newton steps.
    """
    from scipy.sparse.linalg import spsolve  # slow to import; only what is not cached yet needs it

    inverse = np.linalg.inv(rest)
    # J = [b - a, c - a] @ inverse is linear in the corners: entry (r, k) = sum over corners of position[r] * slope[k]
    slopes = np.stack([-inverse.sum(axis=1), inverse[:, 0], inverse[:, 1]], axis=1)
    free = np.flatnonzero(~fixed.ravel())
    place = start.copy()
    energy = _energy(place, triangles, slopes, weights)
    for _ in range(steps):
        gradient, hessian = _derivatives(place, triangles, slopes, weights)
        step = np.zeros(place.size)
        step[free] = -spsolve(hessian[free][:, free].tocsc(), gradient[free])
        size = 1.0
        while size > 1e-8:
            trial = place + size * step.reshape(place.shape)
            lower = _energy(trial, triangles, slopes, weights)
            if lower < energy + 1e-4 * size * float(gradient @ step):
                break
            size *= 0.5
        else:
            break
        done = energy - lower < 1e-5 * energy
        place, energy = trial, lower
        if done:
            break
    return place


def _jacobians(place: np.ndarray, triangles: np.ndarray, slopes: np.ndarray) -> np.ndarray:
    return np.einsum("tcr,tck->trk", place[triangles], slopes)


def _energy(place: np.ndarray, triangles: np.ndarray, slopes: np.ndarray, weights: np.ndarray) -> float:
    J = _jacobians(place, triangles, slopes)
    det = J[:, 0, 0] * J[:, 1, 1] - J[:, 0, 1] * J[:, 1, 0]
    if det.min() <= 0:
        return np.inf
    return float((weights * np.square(J).sum(axis=(1, 2)) * (1 + det**-2)).sum())


def _derivatives(
    place: np.ndarray, triangles: np.ndarray, slopes: np.ndarray, weights: np.ndarray
) -> tuple[Float[np.ndarray, " coordinate"], sp.csr_matrix]:
    J = _jacobians(place, triangles, slopes).reshape(-1, 4)
    det = J[:, 0] * J[:, 3] - J[:, 1] * J[:, 2]
    grow = np.square(J).sum(axis=1)
    slope_grow = 2 * J
    slope_det = np.stack([J[:, 3], -J[:, 2], -J[:, 1], J[:, 0]], axis=1)
    both = (1 + det**-2)[:, None]
    gradient = weights[:, None] * (both * slope_grow - (2 * grow / det**3)[:, None] * slope_det)
    mixed = np.einsum("ti,tj->tij", slope_grow, slope_det)
    hessian = (
        2 * both[:, :, None] * np.eye(4)
        - (2 / det**3)[:, None, None] * (mixed + mixed.transpose(0, 2, 1))
        + (6 * grow / det**4)[:, None, None] * np.einsum("ti,tj->tij", slope_det, slope_det)
        - (2 * grow / det**3)[:, None, None] * DET_HESSIAN
    )
    values, vectors = np.linalg.eigh(hessian)
    positive = np.maximum(values, 1e-9) * weights[:, None]
    hessian = np.einsum("tik,tk,tjk->tij", vectors, positive, vectors)

    # entry (r, k) of J by coordinate r of corner c: slopes[c, k]
    chain = np.einsum("tck,rs->trkcs", slopes, np.eye(2)).reshape(-1, 4, 6)
    coordinate = (2 * triangles[:, :, None] + np.arange(2)).reshape(-1, 6)
    per_triangle = np.einsum("tpi,tpq,tqj->tij", chain, hessian, chain, optimize=True)
    n = place.size
    full_gradient = np.bincount(coordinate.ravel(), np.einsum("tpi,tp->ti", chain, gradient).ravel(), minlength=n)
    rows, columns = np.repeat(coordinate, 6, axis=1).ravel(), np.tile(coordinate, (1, 6)).ravel()
    return full_gradient, sp.csr_matrix((per_triangle.ravel(), (rows, columns)), shape=(n, n))
