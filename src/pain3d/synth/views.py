"""How a picture is taken: pose of the head, camera, light and background of each view."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from pain3d.render.backgrounds import BACKGROUNDS, UserBackgrounds, background
from pain3d.render.lights import LIGHTS, light
from pain3d.render.scene import Background, Camera, Light, Scene
from pain3d.streams import derive_seed, stream

YAW_DEGREES: Mapping[int, tuple[float, float]] = {0: (-5.0, 5.0), 1: (20.0, 45.0), 2: (-45.0, -20.0)}
"""Range of yaw in each view: frontal, turned to the subject's own left, to the right."""
PITCH_DEGREES = (-12.0, 12.0)
ROLL_DEGREES = (-4.0, 4.0)
DISTANCE_M = (0.87, 0.95)
SHIFT_M = 0.008
"""Most that the head stands off the camera's aim, across and up."""


@dataclass(frozen=True, kw_only=True, eq=False)
class View:
    """One way to look at one subject."""

    yaw: float
    """Degrees, as pitch and roll."""
    pitch: float
    roll: float
    distance_m: float
    shift_m: tuple[float, float]
    light: Light
    background: Background
    grain_seed: int

    def turned(self, *, yaw: float, pitch: float, roll: float) -> View:
        """The same place and light, with the head turned otherwise."""
        return replace(self, yaw=float(yaw), pitch=float(pitch), roll=float(roll))

    def frame_of_clip(self, frame_index: int) -> View:
        """The same with grain of its own: grain that stands still looks like dirt."""
        return replace(self, grain_seed=derive_seed(self.grain_seed, "clip", frame_index) % 2**31)

    def scene(self, resolution: int) -> Scene:
        """What the renderer needs to know, for pictures of `resolution` pixels a side."""
        camera = Camera.at_head(
            yaw=self.yaw,
            pitch=self.pitch,
            roll=self.roll,
            resolution=resolution,
            distance_m=self.distance_m,
            shift_m=self.shift_m,
        )
        return Scene(camera=camera, light=self.light, background=self.background, grain_seed=self.grain_seed)


def sample_view(
    subject_seed: int,
    view_id: int,
    *,
    resolution: int,
    expression_id: int | None = None,
    backgrounds: UserBackgrounds | None = None,
    light_name: str | None = None,
    background_name: str | None = None,
) -> View:
    """Draw a view of a subject.

    Args:
        subject_seed: seed of the subject.
        view_id: 0 frontal, 1 turned to the subject's own left, 2 to the right.
        resolution: pixels along each side.
        expression_id: given, the view is drawn for this expression alone; None: one for all expressions.
        backgrounds: pictures to stand behind the head; painted ones without.
        light_name: one of `LIGHTS`, instead of a drawn one.
        background_name: one of `BACKGROUNDS`, instead of a drawn one.

    Raises:
        ValueError: for an unknown name.
    """
    path = ("view", view_id) if expression_id is None else ("view", view_id, "expression", expression_id)
    pose = stream(subject_seed, *path, "pose")
    lamp = stream(subject_seed, *path, "light")
    wall = stream(subject_seed, *path, "background")
    drawn_light = LIGHTS[lamp.integers(len(LIGHTS))]
    drawn_background = BACKGROUNDS[wall.integers(len(BACKGROUNDS))]
    if backgrounds is None:
        behind = background(background_name or drawn_background, wall, resolution)
    else:
        behind = backgrounds.draw(wall, resolution)
    return View(
        yaw=float(pose.uniform(*YAW_DEGREES[view_id])),
        pitch=float(pose.uniform(*PITCH_DEGREES)),
        roll=float(pose.uniform(*ROLL_DEGREES)),
        distance_m=float(pose.uniform(*DISTANCE_M)),
        shift_m=(
            float(pose.uniform(-SHIFT_M, SHIFT_M)),
            float(pose.uniform(-SHIFT_M, SHIFT_M)),
        ),
        light=light(light_name or drawn_light, lamp),
        background=behind,
        grain_seed=derive_seed(subject_seed, *path, "grain") % 2**31,
    )
