"""Studio: a renderer with a subject in front of it. The one place where geometry, skin and renderer meet."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from jaxtyping import Float, UInt8

from pain3d.data.schema import Annotation
from pain3d.face import makehuman
from pain3d.face.mesh import FaceMesh, displacement_mm
from pain3d.facs import PAIN_AUS, Expression
from pain3d.render.frame import Frame
from pain3d.render.renderer import Renderer
from pain3d.render.scene import Scene
from pain3d.synth.subject import Subject
from pain3d.synth.views import sample_view


class Studio:
    """A renderer for the default head model; one a process and device, from `studio`."""

    def __init__(self, device: str = "cpu") -> None:
        self.renderer = Renderer(makehuman.load().topology, device=device)

    def seat(self, subject: Subject) -> Sitting:
        """Put a subject before the camera."""
        return Sitting(self.renderer, subject)


@cache
def studio(device: str = "cpu") -> Studio:
    """The studio of this process on a device."""
    return Studio(device)


class Sitting:
    """One subject before the camera: the skin is uploaded once, the face once for each expression."""

    def __init__(self, renderer: Renderer, subject: Subject) -> None:
        self.subject = subject
        self._renderer = renderer
        self._neutral = subject.head.neutral
        self._skin = renderer.upload_skin(subject.maps, self._neutral)

    def pose(self, expression: Expression, annotations: Collection[Annotation] = ()) -> Any:
        """Upload the face that makes `expression`, with what its heatmaps need, for `shoot`."""
        posed = self._express(expression)
        moved = None
        if any(expression[name] for name in PAIN_AUS):
            moved = displacement_mm(posed, self._express(expression.without_pain()))
        alone = self._each_alone(expression) if "au_heatmaps" in annotations else None
        return self._renderer.upload_mesh(posed, moved, au_displacements_mm=alone)

    def shoot(self, posed: Any, scene: Scene, annotations: Collection[Annotation] = ()) -> Frame:
        """Take a picture of a posed face."""
        return self._renderer.draw(
            self._skin, posed, scene, normals="normals" in annotations, albedo="albedo" in annotations
        )

    def _express(self, expression: Expression) -> FaceMesh:
        return self._neutral if expression.is_neutral else self.subject.head.express(expression)

    def _each_alone(self, expression: Expression) -> Float[np.ndarray, "6 vertex"]:
        return np.stack(
            [displacement_mm(self._express(expression.only(name)), self._neutral) for name in PAIN_AUS]
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Portrait:
    """What `render` returns: a picture with its labels, as arrays; row 0 at the top."""

    subject: Subject
    expression: Expression
    image: UInt8[np.ndarray, "side side 3"]
    """sRGB."""
    heatmap: Float[np.ndarray, "side side"]
    """Displacement of the visible skin that the units of pain cause, millimetres; 0 elsewhere."""
    segmentation: UInt8[np.ndarray, "side side"]
    """`pain3d.face.mesh.Region` of each pixel."""
    landmarks: Float[np.ndarray, "68 2"]
    """iBUG-68 x, y in pixels, hidden or not; pixel centres at .5."""
    frame: Frame
    """All of the renderer's answer: depth, camera, ..."""


def render(
    subject: Subject,
    expression: Expression | None = None,
    *,
    yaw: float = 0.0,
    pitch: float = 0.0,
    roll: float = 0.0,
    light: str | None = None,
    background: str | None = None,
    resolution: int = 512,
    device: str = "cpu",
) -> Portrait:
    """Photograph a subject.

    Args:
        subject: whom; what was made for it is kept, so further pictures come faster.
        expression: what the face does; neutral when left out.
        yaw: degrees, positive to the subject's own left.
        pitch: degrees, positive up.
        roll: degrees, positive tips the head to the subject's right.
        light: one of `pain3d.render.lights.LIGHTS`; the subject's own when left out.
        background: one of `pain3d.render.backgrounds.BACKGROUNDS`; the subject's own when left out.
        resolution: pixels along each side.
        device: ``cpu``, or a CUDA device such as ``cuda:0``.

    Raises:
        ValueError: for an angle, a name or a resolution out of range.
    """
    acted = Expression() if expression is None else expression
    view = sample_view(subject.seed, 0, resolution=resolution, light_name=light, background_name=background)
    sitting = _seated(subject, device)
    frame = sitting.shoot(sitting.pose(acted), view.turned(yaw=yaw, pitch=pitch, roll=roll).scene(resolution))
    return Portrait(
        subject=subject,
        expression=acted,
        image=frame.rgb,
        heatmap=frame.heatmap_mm,
        segmentation=frame.segmentation,
        landmarks=frame.landmarks_px,
        frame=frame,
    )


_LAST: dict[str, Sitting] = {}
"""The sitting of the last subject on each device, so that several pictures of one subject upload its skin once."""


def _seated(subject: Subject, device: str) -> Sitting:
    if device not in _LAST or _LAST[device].subject is not subject:
        _LAST[device] = studio(device).seat(subject)
    return _LAST[device]
