"""Studio: a renderer with a subject in front of it. The one place where geometry, skin and renderer meet."""

from __future__ import annotations

from collections.abc import Collection
from functools import cache

import warp as wp

from pain3d.data.schema import Annotation
from pain3d.face import makehuman
from pain3d.face.coarse import load_coarse
from pain3d.face.rig import side_weights
from pain3d.facs import Expression
from pain3d.render import device as render_device
from pain3d.render.frame import Frame
from pain3d.render.heatmap import au_displacements_mm, pain_displacement_mm
from pain3d.render.renderer import MeshOnDevice, Renderer
from pain3d.render.scene import Scene
from pain3d.skin import bake_kernels, cell_kernels, kernels
from pain3d.synth.subject import Subject


def prepare(device: str = "cpu") -> None:
    """Make what all processes of this machine share, if it is not there yet: cached assets and compiled kernels."""
    load_coarse()
    render_device.prepare(device)
    for module in (bake_kernels, cell_kernels, kernels):
        wp.load_module(module, device="cpu")


class Studio:
    """A renderer for the default head model; one a process and device, from `studio`."""

    def __init__(self, device: str = "cpu") -> None:
        self.renderer = Renderer(makehuman.load().topology, device=device)

    def seat(self, subject: Subject, *, wrinkles: bool = True) -> Sitting:
        """Put a subject before the camera.

        Args:
            wrinkles: whether Action Units fold the skin; without, it stays as painted in every pose.
        """
        return Sitting(self.renderer, subject, wrinkles=wrinkles)


@cache
def studio(device: str) -> Studio:
    """The studio of this process on a device."""
    return Studio(device)


class Sitting:
    """One subject before the camera: the skin is uploaded once, the face once for each expression."""

    def __init__(self, renderer: Renderer, subject: Subject, *, wrinkles: bool) -> None:
        self.subject = subject
        self.wrinkles = wrinkles
        self._renderer = renderer
        self._neutral = subject.head.neutral
        self._skin = renderer.upload_skin(subject.maps, subject.with_hair(self._neutral))

    def pose(self, expression: Expression, annotations: Collection[Annotation] = ()) -> MeshOnDevice:
        """Upload the face that makes `expression`, with what its heatmaps show, for `shoot`."""
        head = self.subject.head
        posed = self._neutral if expression.is_neutral else head.express(expression)
        alone = au_displacements_mm(head, expression, self._neutral) if "au_heatmaps" in annotations else None
        moved = pain_displacement_mm(head, expression, posed)
        folded = None
        if self.wrinkles and not expression.is_neutral:
            folded = self.subject.wrinkles.relief(side_weights(head.identity, expression.vector))
        return self._renderer.upload_mesh(
            self.subject.with_hair(posed), moved, alone, folded, keep_wrinkles="wrinkles" in annotations
        )

    def shoot(self, posed: MeshOnDevice, scene: Scene, annotations: Collection[Annotation] = ()) -> Frame:
        """Take a picture of a posed face. Scenes that share light and background objects share their uploads."""
        return self._renderer.draw(
            self._skin,
            posed,
            scene,
            normals="normals" in annotations,
            albedo="albedo" in annotations,
            wrinkles="wrinkles" in annotations,
        )


_LAST: dict[str, Sitting] = {}
"""The sitting of the last subject on each device, so that several pictures of one subject upload its skin once."""


def seated(subject: Subject, device: str, *, wrinkles: bool = True) -> Sitting:
    """The sitting of a subject; asked for the same subject again, the same sitting."""
    last = _LAST.get(device)
    if last is None or last.subject is not subject or last.wrinkles != wrinkles:
        last = _LAST[device] = studio(device).seat(subject, wrinkles=wrinkles)
    return last
