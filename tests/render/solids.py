"""Small solids with known answers, and plain skins for them."""

from __future__ import annotations

import numpy as np

from pain3d.face.mesh import FaceMesh, Part, Region, Topology
from pain3d.render.scene import Background, Camera, Light, Scene
from pain3d.skin.maps import SkinMaps

SIZE = 256


def ball(*, centre_m=(0.0, -0.025, 0.0), radius_m=0.09, rings=24, part=Part.SKIN) -> FaceMesh:
    """A sphere of latitude rings; its texture coordinates grow to the right and down, seen from +z."""
    polar = np.linspace(0, np.pi, rings + 1)
    turn = np.linspace(-np.pi, np.pi, 2 * rings + 1)
    p, t = (grid.ravel() for grid in np.meshgrid(polar, turn, indexing="ij"))
    normals = np.stack([np.sin(p) * np.sin(t), np.cos(p), np.sin(p) * np.cos(t)], axis=1)
    across = 2 * rings + 1
    low = (np.arange(rings)[:, None] * across + np.arange(2 * rings)).ravel()
    quads = np.stack([low, low + across, low + across + 1, low + 1], axis=1)
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    points = np.array(centre_m) + radius_m * normals
    corners = points[triangles]
    area = np.square(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])).sum(axis=1)
    triangles = triangles[area > 1e-18].astype(np.int32)
    _, point_of = np.unique(np.round(points, 9), axis=0, return_inverse=True)
    uvs = np.stack([(t / np.pi + 1) / 2, p / np.pi], axis=1) * 0.9 + 0.05
    topology = Topology(
        triangles=triangles,
        uvs=uvs.astype(np.float32),
        part=np.full(len(triangles), part, np.uint8),
        point_of=point_of.ravel().astype(np.int32),
        landmarks=np.linspace(0, len(points) - 1, 68).astype(np.int64),
        measured=np.ones(len(points), bool),
    )
    return FaceMesh(topology=topology, vertices_m=points.astype(np.float32), normals=normals.astype(np.float32))


def together(first: FaceMesh, second: FaceMesh) -> FaceMesh:
    """Both solids as one mesh."""
    a, b, count = first.topology, second.topology, len(first.vertices_m)
    topology = Topology(
        triangles=np.concatenate([a.triangles, b.triangles + count]).astype(np.int32),
        uvs=np.concatenate([a.uvs, b.uvs]),
        part=np.concatenate([a.part, b.part]),
        point_of=np.concatenate([a.point_of, b.point_of + a.point_of.max() + 1]).astype(np.int32),
        landmarks=a.landmarks,
        measured=np.concatenate([a.measured, b.measured]),
    )
    return FaceMesh(
        topology=topology,
        vertices_m=np.concatenate([first.vertices_m, second.vertices_m]),
        normals=np.concatenate([first.normals, second.normals]),
    )


def head_and_nose() -> FaceMesh:
    """A ball with a smaller one before it, to the subject's left."""
    return together(ball(), ball(centre_m=(0.02, -0.02, 0.085), radius_m=0.03, rings=12))


def plain_skin(region: int = Region.SKIN, *, relief_mm: float = 0.0) -> SkinMaps:
    """One colour everywhere, and a gentle wave of relief."""
    wave = np.sin(np.arange(SIZE) * (2 * np.pi / 32))
    return SkinMaps(
        albedo=np.broadcast_to(np.array([190, 150, 130], np.uint8), (SIZE, SIZE, 3)).copy(),
        height_mm=(relief_mm * wave[None, :] * wave[:, None]).astype(np.float32),
        roughness=np.full((SIZE, SIZE), 110, np.uint8),
        region=np.full((SIZE, SIZE), region, np.uint8),
        skin_tone_mst=4,
        ita_degrees=30.0,
    )


def quartered_skin() -> SkinMaps:
    """Lips, brows, hair and garment in the four quarters of the atlas."""
    maps = plain_skin()
    half = SIZE // 2
    maps.region[:half, :half], maps.region[:half, half:] = Region.BROWS, Region.HAIR
    maps.region[half:, :half], maps.region[half:, half:] = Region.LIPS, Region.GARMENT
    return maps


def soft_light(**changes) -> Light:
    """A lamp from the upper right without grain."""
    values = {
        "name": "test",
        "key_direction": (0.48, 0.36, 0.8),
        "key_colour": (0.8, 0.75, 0.7),
        "key_size": (0.3, 0.3),
        "panes": (1, 1),
        "above": (0.3, 0.3, 0.32),
        "level": (0.2, 0.2, 0.2),
        "below": (0.12, 0.1, 0.1),
        "grain": 0.0,
    }
    return Light(**{**values, **changes})


def grey(resolution: int) -> Background:
    """A middle grey background."""
    return Background(name="grey", picture=np.full((resolution, resolution, 3), 118, np.uint8))


def scene(resolution: int = 64, light: Light | None = None, **pose) -> Scene:
    """A camera at the head in plain surroundings."""
    camera = Camera.at_head(resolution=resolution, **pose)
    return Scene(camera=camera, light=light or soft_light(), background=grey(resolution))
