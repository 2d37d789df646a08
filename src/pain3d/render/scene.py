"""What is photographed and how: camera, light, background. Frozen data, no GPU.

Frames used here: *head* (the world of pain3d: the neutral head, +x to the subject's left, +y up, +z out of the face)
and *room* (the camera's own axes turned upright: +x right in the picture, +y up, +z from the face towards the viewer).
Head pose is part of the camera, so lights stand still in the room while the head turns.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8

PIVOT_M = (0.0, -0.03, -0.075)
"""The point of the head that stays in place when it turns, near the top of the neck joint."""
AIM_M = (0.0, -0.025, -0.02)
"""The point of a frontal head that is drawn at the middle of the picture."""
MAX_RESOLUTION = 4096


@dataclass(frozen=True, kw_only=True, eq=False)
class Camera:
    """A pinhole camera in the convention of OpenCV: x right, y down, z forward; pixel centres at .5."""

    resolution: int
    """Width and height of the picture in pixels."""
    focal_px: float
    centre_px: tuple[float, float]
    rotation: Float[np.ndarray, "3 3"]
    """Head to camera."""
    translation_m: Float[np.ndarray, "3"]
    """Origin of the head frame, in the camera's frame."""
    yaw: float = 0.0
    """Degrees, as are `pitch` and `roll`; kept for the record, the geometry is in `rotation`."""
    pitch: float = 0.0
    roll: float = 0.0

    def __post_init__(self) -> None:
        if isinstance(self.resolution, bool) or not isinstance(self.resolution, int | np.integer):
            raise TypeError(f"resolution: {self.resolution!r} is not a whole number of pixels; give for example 512")
        if not 1 <= self.resolution <= MAX_RESOLUTION:
            raise ValueError(f"resolution: {self.resolution} is outside 1..{MAX_RESOLUTION} pixels; try 512")
        numbers = [self.focal_px, *self.centre_px, *self.rotation.ravel(), *self.translation_m.ravel()]
        if not np.isfinite(numbers).all() or self.focal_px <= 0:
            raise ValueError("camera: needs finite numbers and a positive focal length")

    @classmethod
    def at_head(
        cls,
        *,
        yaw: float = 0.0,
        pitch: float = 0.0,
        roll: float = 0.0,
        resolution: int = 512,
        vertical_fov: float = 19.0,
        distance_m: float = 0.95,
        shift_m: tuple[float, float] = (0.0, 0.0),
    ) -> Camera:
        """A camera that looks level at a head turned by R = Rz(roll) Rx(pitch) Ry(yaw).

        Args:
            yaw: degrees; positive turns the face to the subject's own left, which is right in the picture.
            pitch: degrees; positive lifts the face.
            roll: degrees; positive tips the top of the head to the subject's right (left in the picture).
            resolution: pixels along each side.
            vertical_fov: full angle of view in degrees, 1..120.
            distance_m: from the camera to the middle of the face, 0.3..10 m.
            shift_m: moves the head right and up in the picture, metres.

        Raises:
            ValueError: for angles that are not finite, or values outside the ranges above.
        """
        for name, degrees in (("yaw", yaw), ("pitch", pitch), ("roll", roll)):
            if not math.isfinite(degrees) or abs(degrees) > 180:
                raise ValueError(f"{name}: {degrees} is not an angle in -180..180 degrees; 0 looks into the camera")
        if not 1 <= vertical_fov <= 120:
            raise ValueError(f"vertical_fov: {vertical_fov} is outside 1..120 degrees; a portrait has about 19")
        if not 0.3 <= distance_m <= 10:
            raise ValueError(f"distance_m: {distance_m} is outside 0.3..10 m; a portrait is taken from about 1 m")
        head_to_room = head_rotation(yaw=yaw, pitch=pitch, roll=roll)
        pivot, aim = np.array(PIVOT_M), np.array(AIM_M)
        origin_in_room = pivot - (head_to_room * pivot).sum(axis=1) - aim + np.array([shift_m[0], shift_m[1], 0.0])
        room_to_camera = np.array([1.0, -1.0, -1.0])
        if isinstance(resolution, int | np.integer) and resolution > 0:
            focal = resolution / 2 / math.tan(math.radians(vertical_fov) / 2)
        else:
            focal = 1.0
        return cls(
            resolution=resolution,
            focal_px=focal,
            centre_px=(resolution / 2, resolution / 2),
            rotation=room_to_camera[:, None] * head_to_room,
            translation_m=room_to_camera * origin_in_room + np.array([0.0, 0.0, distance_m]),
            yaw=float(yaw),
            pitch=float(pitch),
            roll=float(roll),
        )

    @property
    def floats(self) -> Float[np.ndarray, "16"]:
        """fx fy cx cy, then world-to-camera 3x4 row major, float32: the `camera` column of the dataset."""
        pose = np.concatenate([self.rotation, self.translation_m[:, None]], axis=1)
        return np.array([self.focal_px, self.focal_px, *self.centre_px, *pose.ravel()], dtype=np.float32)

    @property
    def head_to_room(self) -> tuple[Float[np.ndarray, "3 3"], Float[np.ndarray, "3"]]:
        """Rotation and translation [m] from the head's frame to the room's."""
        upright = np.array([1.0, -1.0, -1.0])
        return upright[:, None] * self.rotation, upright * self.translation_m

    def to_camera(self, points_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 3"]:
        """Points of the head frame in the camera's frame, metres (float64; plain sums, so equal on every machine)."""
        points = np.asarray(points_m, dtype=np.float64)
        x, y, z = points[..., 0:1], points[..., 1:2], points[..., 2:3]
        return x * self.rotation[:, 0] + y * self.rotation[:, 1] + z * self.rotation[:, 2] + self.translation_m

    def project(self, points_m: Float[np.ndarray, "*batch 3"]) -> Float[np.ndarray, "*batch 2"]:
        """Pixels (x, y) of points of the head frame, hidden or not; float64."""
        seen = self.to_camera(points_m)
        return seen[..., :2] / seen[..., 2:] * self.focal_px + np.array(self.centre_px)


def head_rotation(*, yaw: float, pitch: float, roll: float) -> Float[np.ndarray, "3 3"]:
    """Rz(roll) Rx(pitch) Ry(yaw) in degrees, head to room: positive yaw to the subject's left, positive pitch up."""
    cy, sy = math.cos(math.radians(yaw)), math.sin(math.radians(yaw))
    cp, sp = math.cos(math.radians(pitch)), math.sin(math.radians(pitch))
    cr, sr = math.cos(math.radians(roll)), math.sin(math.radians(roll))
    turn = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    lift = np.array([[1, 0, 0], [0, cp, sp], [0, -sp, cp]])
    tip = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return _product(tip, _product(lift, turn))


def _product(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    return (a[:, :, None] * b[None, :, :]).sum(axis=1)


@dataclass(frozen=True, kw_only=True)
class Lobe:
    """A soft glow in the surroundings: radiance colour * exp(sharpness * (cos angle - 1)) around a direction."""

    direction: tuple[float, float, float]
    """In the room, from the face towards the glow; unit."""
    colour: tuple[float, float, float]
    sharpness: float


@dataclass(frozen=True, kw_only=True)
class Light:
    """One key light and the surroundings that fill the shadows, all in the room's frame, linear colours.

    The unit of brightness: a white, matt surface that faces a key light of colour (1, 1, 1) has radiance 1.
    """

    name: str
    key_direction: tuple[float, float, float]
    """From the face towards the lamp; unit."""
    key_colour: tuple[float, float, float]
    key_size: tuple[float, float]
    """Half width and half height of the lamp as seen from the face, as tangents: shadow softness, catchlight."""
    panes: tuple[int, int]
    """Panes of the window across and down, seen in the eyes; (1, 1) is a plain softbox, (0, 0) a round lamp."""
    above: tuple[float, float, float]
    """Radiance of the surroundings overhead, at eye height and below."""
    level: tuple[float, float, float]
    below: tuple[float, float, float]
    lobes: tuple[Lobe, ...] = ()
    exposure: float = 1.0
    """Fixed factor of the recipe between radiance and film."""
    backdrop: tuple[float, float, float] = (0.5, 0.5, 0.5)
    """Light that falls on a background, in the same unit."""
    grain: float = 0.003
    """Standard deviation of the film grain at middle grey, 0..0.05, in fractions of white."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Background:
    """What is behind the head: a square picture under neutral light of radiance 1."""

    name: str
    picture: UInt8[np.ndarray, "side side 3"]
    """sRGB; of any side, scaled to the camera's resolution."""
    lit: bool = True
    """False for photographs, which carry their own light: then the recipe changes nothing about them."""

    def __post_init__(self) -> None:
        shape = self.picture.shape
        if len(shape) != 3 or shape[0] != shape[1] or shape[2] != 3 or self.picture.dtype != np.uint8:
            raise ValueError(
                f"background {self.name}: the picture must be square uint8 RGB, got {self.picture.dtype} {shape}"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """Everything in a picture besides the person."""

    camera: Camera
    light: Light
    background: Background
    grain_seed: int = 0
    """Seed of the film grain, 0..2^31-1."""

    def __post_init__(self) -> None:
        if not 0 <= self.grain_seed < 2**31:
            raise ValueError(f"grain_seed: {self.grain_seed} is outside 0..{2**31 - 1}")
