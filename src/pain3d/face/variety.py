"""How different people are, in millimetres: finds look-alikes and caricatures in a set of heads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pain3d.face.atlas_layout import face_weight
from pain3d.face.coarse import CoarseModel
from pain3d.face.model import Identity
from pain3d.face.subdivision import SmoothNormals


@dataclass(frozen=True, kw_only=True)
class Pair:
    """The two that are most alike."""

    first: int
    second: int
    rms: float
    """Root mean square of their distance, in the unit of the descriptor."""


@dataclass(frozen=True, kw_only=True)
class Outlier:
    """The head furthest from the average of its set."""

    index: int
    rms_mm: float
    """Distance to the average head of the set."""
    mahalanobis: float
    """The same in standard deviations of the set, over the main directions in which it varies; about the square root
    of their number for an ordinary member."""


MAIN_DIRECTIONS = 20


def face_descriptor(coarse: CoarseModel, identities: Sequence[Identity]) -> Float[np.ndarray, "head face 3"]:
    """Vertices of the face (brow to chin, ear to ear) of neutral heads, in mm in the head frame.

    Nothing is aligned or scaled: heads stand with the middle of their eyes at the origin, as in pictures.
    """
    base_m = coarse.base_m - coarse.eye_middle(coarse.base_m)
    triangles = np.concatenate([coarse.quads[:, [0, 1, 2]], coarse.quads[:, [0, 2, 3]]])
    normals = SmoothNormals(triangles, len(base_m))(base_m)
    skin = np.zeros(len(base_m), dtype=bool)
    skin[triangles] = True
    face = skin & (face_weight(base_m, normals) > 0.5)
    return np.stack([coarse.blend(identity.shape)[face] for identity in identities]) * 1000


def nearest_pair(descriptor: Float[np.ndarray, "subject place 3"]) -> Pair:
    """The two subjects that differ least (root mean square over places: vertices, or patches of skin)."""
    flat = descriptor.reshape(len(descriptor), -1).astype(np.float64)
    squares = np.square(flat).sum(axis=1)
    apart = squares[:, None] + squares[None] - 2 * flat @ flat.T
    np.fill_diagonal(apart, np.inf)
    first, second = np.unravel_index(int(apart.argmin()), apart.shape)
    rms = float(np.sqrt(max(apart[first, second], 0) / descriptor.shape[1]))
    return Pair(first=int(first), second=int(second), rms=rms)


def worst_outlier(descriptor: Float[np.ndarray, "head face 3"]) -> Outlier:
    """The head with the largest Mahalanobis distance from the others' average."""
    flat = descriptor.reshape(len(descriptor), -1).astype(np.float64)
    centred = flat - flat.mean(axis=0)
    left, _, _ = np.linalg.svd(centred, full_matrices=False)
    directions = min(MAIN_DIRECTIONS, len(flat) - 1)
    distance = np.sqrt(np.square(left[:, :directions]).sum(axis=1) * (len(flat) - 1))
    index = int(distance.argmax())
    rms = float(np.sqrt(np.square(centred[index]).sum() / descriptor.shape[1]))
    return Outlier(index=index, rms_mm=rms, mahalanobis=float(distance[index]))
