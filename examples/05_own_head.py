"""A head model of your own behind the renderer: here an egg with 68 points on it, that can frown.

Put the arrays of your model where the egg makes its own (triangles, texture coordinates, landmarks, what an Action Unit
does), and picture, heatmap, segmentation, depth and landmarks come from them.

Usage: python examples/05_own_head.py [OUT.png]
"""

import sys

import numpy as np
from PIL import Image

import pain3d
from pain3d.demographics import Ethnicity, Sex
from pain3d.face.mesh import FaceMesh, Part, Region, Topology
from pain3d.face.model import Head, HeadModel, Identity
from pain3d.facs import AU_INDEX
from pain3d.render.backgrounds import background
from pain3d.render.heatmap import pain_displacement_mm
from pain3d.render.lights import light
from pain3d.render.renderer import Renderer
from pain3d.render.scene import Camera, Scene
from pain3d.skin.maps import SkinMaps

RINGS = 48
RADII_M = np.array([0.075, 0.11, 0.09])


def sphere() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Unit directions (vertex, 3), texture coordinates (vertex, 2) and triangles (triangle, 3)."""
    polar, turn = np.linspace(0.02, np.pi - 0.02, RINGS + 1), np.linspace(-np.pi, np.pi, 2 * RINGS + 1)
    p, t = (grid.ravel() for grid in np.meshgrid(polar, turn, indexing="ij"))
    directions = np.stack([np.sin(p) * np.sin(t), np.cos(p), np.sin(p) * np.cos(t)], axis=1)
    across = 2 * RINGS + 1
    first = (np.arange(RINGS)[:, None] * across + np.arange(2 * RINGS)).ravel()
    quads = np.stack([first, first + across, first + across + 1, first + 1], axis=1)
    return (
        directions,
        np.stack([(t / np.pi + 1) / 2, p / np.pi], axis=1),
        np.concatenate([quads[:, :3], quads[:, [0, 2, 3]]]),
    )


class EggModel(HeadModel):
    """What all eggs share: the topology."""

    def __init__(self) -> None:
        self.directions, uvs, triangles = sphere()
        ring = np.linspace(0, 2 * np.pi, 68, endpoint=False)
        wanted = np.stack([0.4 * np.sin(ring), 0.4 * np.cos(ring), np.ones(68)], axis=1)
        wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
        self.topology = Topology(
            triangles=triangles.astype(np.int32),
            uvs=uvs.astype(np.float32),
            part=np.full(len(triangles), Part.SKIN, np.uint8),
            point_of=np.unique(self.directions.round(9), axis=0, return_inverse=True)[1].ravel().astype(np.int32),
            landmarks=(wanted @ self.directions.T).argmax(axis=1),
            measured=np.ones(len(uvs), bool),
        )

    def sample(self, rng: np.random.Generator, *, age_years: int, sex: Sex, ethnicity: Ethnicity) -> Identity:
        """An egg is as slim as its seed says."""
        return Identity(
            age_years=age_years,
            sex=sex,
            ethnicity=ethnicity,
            shape={"slim": float(rng.uniform(0.85, 1.0))},
            expressiveness=rng.uniform(0.85, 1.15, 16),
            asymmetry=np.zeros(16),
        )

    def head(self, identity: Identity) -> Head:
        """This egg, ready to move."""
        return Egg(self, identity)


class Egg(Head):
    """One egg. AU4 lowers its brow by 8 mm at intensity 5; other units do nothing yet."""

    def __init__(self, model: EggModel, identity: Identity) -> None:
        self.identity, self.topology, self._directions = identity, model.topology, model.directions

    def pose(self, intensities: np.ndarray) -> FaceMesh:
        """The egg at these intensities, in the frame of the egg at rest."""
        radii = RADII_M * (self.identity.shape["slim"], 1.0, 1.0)
        points = self._directions * radii
        brow = np.exp(-np.square((points - (0, 0.045, 0.08)) / (0.04, 0.015, 0.05)).sum(axis=1))
        unit = AU_INDEX["AU4"]
        points[:, 1] -= 0.008 * intensities[unit] / 5 * self.identity.expressiveness[unit] * brow
        normals = self._directions / radii
        normals /= np.linalg.norm(normals, axis=1, keepdims=True)
        return FaceMesh(
            topology=self.topology, vertices_m=points.astype(np.float32), normals=normals.astype(np.float32)
        )


def shell(size: int = 256) -> SkinMaps:
    """One colour all over, a little rough."""
    return SkinMaps(
        albedo=np.broadcast_to(np.array([205, 165, 140], np.uint8), (size, size, 3)).copy(),
        height_mm=np.zeros((size, size), np.float32),
        roughness=np.full((size, size), 120, np.uint8),
        region=np.full((size, size), Region.SKIN, np.uint8),
        skin_tone_mst=4,
        ita_degrees=30.0,
    )


def main(path: str) -> None:
    """Draw one egg at rest and frowning, and where it moved."""
    rng = np.random.default_rng(0)
    model = EggModel()
    head = model.head(model.sample(rng, age_years=40, sex="female", ethnicity="white"))
    scene = Scene(
        camera=Camera.at_head(yaw=15, resolution=256),
        light=light("studio", rng),
        background=background("plain", rng, 256),
    )
    renderer = Renderer(model.topology)
    skin = renderer.upload_skin(shell(), head.neutral)
    frown = pain3d.Expression(AU4=5)
    moved = head.express(frown)
    rest = renderer.draw(skin, renderer.upload_mesh(head.neutral), scene)
    pain = renderer.draw(skin, renderer.upload_mesh(moved, pain_displacement_mm(head, frown, moved)), scene)
    heat = (pain.heatmap_mm[..., None].repeat(3, axis=2) / 16 * 255).clip(0, 255).astype(np.uint8)
    Image.fromarray(np.concatenate([rest.rgb, pain.rgb, heat], axis=1)).save(path)
    print(f"{path}: the brow moved {pain.heatmap_mm.max():.1f} mm, landmark 0 at {pain.landmarks_px[0].round(1)} px")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "egg.png")
