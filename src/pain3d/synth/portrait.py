"""render(): one picture of one subject with its labels, in one call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, UInt8

from pain3d.arguments import finite_number, instance_of, whole_number
from pain3d.facs import Expression

if TYPE_CHECKING:
    from pain3d.render.frame import Frame
    from pain3d.render.scene import Scene
    from pain3d.synth.studio import Sitting
    from pain3d.synth.subject import Subject
    from pain3d.synth.views import View


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

    def __repr__(self) -> str:
        side = len(self.image)
        return f"Portrait({self.subject!r}, {self.expression!r}, {side} x {side} pixels)"


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
        TypeError: for an argument of the wrong kind.
        ValueError: for an angle, a name or a resolution out of range.
    """
    # Here, not above, so that `import pain3d` stays light.
    from pain3d.synth.studio import seated
    from pain3d.synth.subject import Subject

    instance_of(Subject, "subject", subject, "pain3d.Subject.sample(seed=7)")
    acted = Expression() if expression is None else expression
    instance_of(Expression, "expression", acted, "pain3d.Expression(AU4=3)")
    angles = {"yaw": yaw, "pitch": pitch, "roll": roll}
    for name, angle in angles.items():
        finite_number(name, angle, "30")
    resolution = whole_number("resolution", resolution, "512")
    view = portrait_view(subject, resolution, light=light, background=background)
    return photograph(seated(subject, device), acted, view.turned(**angles).scene(resolution))


def portrait_view(
    subject: Subject, resolution: int, *, light: str | None = None, background: str | None = None
) -> View:
    """Where `render` puts camera, lamp and wall before a subject; arguments as there."""
    from pain3d.synth.views import sample_view

    return sample_view(subject.seed, 0, resolution=resolution, light_name=light, background_name=background)


def photograph(sitting: Sitting, acted: Expression, scene: Scene) -> Portrait:
    """A picture of who sits there, with its labels."""
    frame = sitting.shoot(sitting.pose(acted), scene)
    subject = sitting.subject
    return Portrait(
        subject=subject,
        expression=acted,
        image=frame.rgb,
        heatmap=frame.heatmap_mm,
        segmentation=frame.segmentation,
        landmarks=frame.landmarks_px,
        frame=frame,
    )
