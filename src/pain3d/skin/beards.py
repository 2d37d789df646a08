"""Beards and moustaches that stand off the skin; what is shorter is painted alone."""

from __future__ import annotations

import numpy as np

from pain3d.face.mesh import FaceMesh
from pain3d.skin.fields import Field, smoothstep
from pain3d.skin.hair_ground import HairGround
from pain3d.skin.ribbons import Ribbons, no_ribbons, unit
from pain3d.skin.traits import SkinTraits
from pain3d.streams import stream

TRIANGLES = 6_000
FULL_BEARD = 0.75
"""`SkinTraits.beard` from which a beard stands off the skin."""
LIP_MM = -68.0
"""Canonical height above which a beard is a moustache."""


def beard_ribbons(traits: SkinTraits, ground: HairGround, neutral: FaceMesh, points: int) -> Ribbons:
    """The hair of a full beard or a moustache; what is shorter is painted alone.

    Args:
        traits: as drawn.
        ground: of the head model.
        neutral: the bare head at rest.
        points: along each ribbon.
    """
    if traits.beard < FULL_BEARD:
        return no_ribbons(points)
    rng = stream(traits.seed, "beard")
    longest = rng.uniform(7.0, 20.0)
    dense = ground.fields[:, Field.BEARD].clip(0.0, 1.0) ** 0.7
    place = ground.position_mm
    if traits.beard_moustache_only:
        dense = dense * smoothstep(-68.0, -62.0, place[:, 1]) * smoothstep(32.0, 24.0, np.abs(place[:, 0]))
    count = TRIANGLES // (2 * points - 2)
    triangle, share = ground.scattered(rng, neutral, dense, count)
    count = len(triangle)
    corners = ground.triangles[triangle]
    vertices = ground.vertices[corners]
    root = (neutral.vertices_m[vertices].astype(np.float64) * share[..., None]).sum(axis=1) * 1000.0
    normal = unit((neutral.normals[vertices].astype(np.float64) * share[..., None]).sum(axis=1))
    start = (place[corners] * share[..., None]).sum(axis=1)
    lip = start[:, 1] > LIP_MM  # a moustache is combed aside and kept off the mouth
    way = np.where(lip[:, None], (1.0, -0.45, 0.2), (0.0, -1.0, 0.15))
    way[:, 0] *= np.sign(start[:, 0])
    way = unit(way - normal * (way * normal).sum(axis=1, keepdims=True) + 0.25 * rng.normal(0, 1, (count, 3)))
    chin = smoothstep(-70.0, -105.0, start[:, 1]) * smoothstep(45.0, 15.0, np.abs(start[:, 0]))
    length = np.where(lip, min(longest, 9.0), longest * (0.55 + 0.45 * chin)) * rng.uniform(0.7, 1.0, count)
    length = length * (0.3 + 0.7 * (dense[corners] * share).sum(axis=1))
    along = np.linspace(0.0, 1.0, points)[None, :, None]
    stand = (0.25 + 0.5 * rng.random(count))[:, None, None] * (along - 0.45 * along**2)
    line = root[:, None] + (way[:, None] * along + normal[:, None] * stand) * length[:, None, None]
    taper = np.interp(along[0, :, 0], (0.0, 0.3, 1.0), (0.8, 1.0, 0.15))
    return Ribbons(
        root=vertices,
        share=share,
        points_m=line / 1000.0,
        normals=np.broadcast_to(normal[:, None], line.shape).copy(),
        half_width_m=rng.uniform(0.3, 0.6, count)[:, None] * taper / 1000.0,
        layer=rng.random(count),
        seed=rng.integers(0, 1 << 20, count),
        beard=np.ones(count, dtype=bool),
    )
