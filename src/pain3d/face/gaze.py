"""Gaze: where a sitter looks, near the camera and not through it.

Eyeballs do not turn as bodies: a turned facet could move an edge of the segmentation by a pixel. What is painted on
them and their normals turn, which is what a picture shows of a ball's turning.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Self

import numpy as np
from jaxtyping import Float, Int

from pain3d.face.eyes import GAZE_TARGET_M, IRIS_RINGS, SCLERA_ANGLE, SCLERA_RINGS, SEGMENTS, fit_sphere
from pain3d.face.mesh import FaceMesh, Part

YAW_DEVIATION_DEGREES = 2.5
PITCH_DEVIATION_DEGREES = 1.5
MOST_DEVIATIONS = 2.0
DISTANCE_M = (0.7, 2.5)
"""Nearest and farthest thing looked at: a face at the bedside, a wall of the room."""


@dataclass(frozen=True, kw_only=True)
class Gaze:
    """The point that both eyes look at, so that their lines of sight meet there."""

    target_m: tuple[float, float, float] = GAZE_TARGET_M
    """In the frame of the head, metres; the default is where the head model looks."""

    @classmethod
    def sample(cls, rng: np.random.Generator) -> Self:
        """Draw a point near the one straight ahead: at most two standard deviations aside, `DISTANCE_M` away."""
        yaw, pitch = np.clip(rng.normal(size=2), -MOST_DEVIATIONS, MOST_DEVIATIONS)
        z_m = float(rng.uniform(*DISTANCE_M))
        x = math.tan(math.radians(float(yaw) * YAW_DEVIATION_DEGREES))
        y = math.tan(math.radians(float(pitch) * PITCH_DEVIATION_DEGREES))
        return cls(target_m=(x * z_m, y * z_m, z_m))


@dataclass(frozen=True, kw_only=True)
class EyeTurn:
    """How one eye looks, in its own frame: right and up as the camera of a frontal picture sees them, and its axis."""

    direction: tuple[float, float, float]
    """Unit vector to look along; (0, 0, 1) is the eyeball's axis."""
    limbus_sine: float
    """Sine of the angle between the axis and the edge of the iris."""


@dataclass(frozen=True, kw_only=True, eq=False)
class TurnedEyes:
    """Both eyes of a head that look at a point, for all its expressions: none of them moves an eyeball."""

    left: EyeTurn
    right: EyeTurn
    vertices: Int[np.ndarray, " vertex"]
    """Of both eyeballs."""
    normals: Float[np.ndarray, "vertex 3"]
    """In the frame of the head, unit length."""

    @classmethod
    def of(cls, neutral: FaceMesh, gaze: Gaze) -> Self:
        """Turn the eyes of a face at rest."""
        vertices = np.unique(neutral.topology.triangles[neutral.topology.part == Part.EYE])
        eyes = [_Eye.of(neutral, half) for half in np.split(vertices, 2)]
        left, right = (eye.turn(gaze) for eye in eyes)
        normals = np.concatenate([eye.normals(turn) for eye, turn in zip(eyes, (left, right), strict=True)])
        return cls(left=left, right=right, vertices=vertices, normals=normals)

    def on(self, mesh: FaceMesh) -> FaceMesh:
        """A pose with the normals of its eyeballs turned; all else stays, bit for bit."""
        normals = mesh.normals.copy()
        normals[self.vertices] = self.normals
        return replace(mesh, normals=normals)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Eye:
    """An eyeball of a mesh in its own frame. Sums are written out: BLAS may add in another order elsewhere."""

    centre_m: Float[np.ndarray, "3"]
    frame: Float[np.ndarray, "3 3"]
    """Rows: right, up, axis, in the frame of the head."""
    local: Float[np.ndarray, "vertex 3"]
    """Normals in that frame."""
    around: Float[np.ndarray, "segment 2"]
    """Unit vectors from the axis to the vertices of a ring."""
    limbus_sine: float

    @classmethod
    def of(cls, mesh: FaceMesh, vertices: Int[np.ndarray, " vertex"]) -> _Eye:
        points = mesh.vertices_m[vertices].astype(np.float64)
        sclera = len(SCLERA_RINGS) * SEGMENTS
        centre, radius = fit_sphere(points[-sclera:])
        x, y, z = _unit(points[0] - centre)
        level = math.sqrt(x * x + z * z)
        frame = np.array([[z, 0, -x], [-x * y, level * level, -z * y], [x * level, y * level, z * level]]) / level
        limbus = _in_frame(frame, points[-sclera - SEGMENTS : -sclera] - centre)[:, :2]
        across = np.sqrt(np.square(limbus).sum(axis=1))
        return cls(
            centre_m=centre,
            frame=frame,
            local=_in_frame(frame, mesh.normals[vertices].astype(np.float64)),
            around=limbus / across[:, None],
            limbus_sine=float(across.mean() / radius),
        )

    def turn(self, gaze: Gaze) -> EyeTurn:
        rest, to = (np.array(target) - self.centre_m for target in (GAZE_TARGET_M, gaze.target_m))
        yaw = math.atan2(to[0], to[2]) - math.atan2(rest[0], rest[2])
        pitch = math.atan2(to[1], math.hypot(to[0], to[2])) - math.atan2(rest[1], math.hypot(rest[0], rest[2]))
        direction = (math.sin(yaw) * math.cos(pitch), math.sin(pitch), math.cos(yaw) * math.cos(pitch))
        return EyeTurn(direction=direction, limbus_sine=self.limbus_sine)

    def normals(self, turn: EyeTurn) -> Float[np.ndarray, "vertex 3"]:
        """The normals of the turned eyeball where the vertices of the unturned one lie."""
        sine = np.concatenate([[0.0], IRIS_RINGS * self.limbus_sine, self._sclera(math.sin)])
        cosine = np.concatenate([[1.0], np.sqrt(1 - np.square(sine[1 : len(IRIS_RINGS) + 1])), self._sclera(math.cos)])
        ring = self.local[1:].reshape(-1, SEGMENTS, 3)
        outward = np.concatenate([[0.0], (ring[..., :2] * self.around).sum(axis=2).mean(axis=1)])
        forward = np.concatenate([self.local[:1, 2], ring[..., 2].mean(axis=1)])
        where = np.concatenate([[[0.0, 0.0, 1.0]], _rings(sine[1:], cosine[1:], self.around)])
        axis = np.array([0.0, 0.0, 1.0])
        seen = _swing(where, np.array(turn.direction), axis)
        # the chord to the axis is nearly the angle, and needs no arc cosine
        chord, chords = (np.sqrt(np.maximum(2 - 2 * z, 0)) for z in (seen[:, 2], cosine))
        across = np.sqrt(np.square(seen[:, :2]).sum(axis=1))
        aside = seen[:, :2] / np.maximum(across, 1e-9)[:, None]
        turned = np.column_stack(
            [aside * np.interp(chord, chords, outward)[:, None], np.interp(chord, chords, forward)]
        )
        return _in_frame(self.frame.T, _swing(_unit(turned), axis, np.array(turn.direction)))

    def _sclera(self, function) -> list[float]:
        limbus = math.asin(self.limbus_sine)
        return [function(limbus + ring * (SCLERA_ANGLE - limbus)) for ring in SCLERA_RINGS]


def _rings(sine: np.ndarray, cosine: np.ndarray, around: np.ndarray) -> Float[np.ndarray, "vertex 3"]:
    points = np.empty((len(sine), SEGMENTS, 3))
    points[..., :2] = sine[:, None, None] * around
    points[..., 2] = cosine[:, None]
    return points.reshape(-1, 3)


def _swing(
    vectors: Float[np.ndarray, "n 3"], start: Float[np.ndarray, "3"], end: Float[np.ndarray, "3"]
) -> Float[np.ndarray, "n 3"]:
    """Turn by the shortest way that takes one unit vector to another (Listing's law: eyes do not roll)."""
    middle = start + end
    along = (vectors * middle).sum(axis=1) / (1 + (start * end).sum())
    return vectors - along[:, None] * middle + 2 * (vectors * start).sum(axis=1)[:, None] * end


def _unit(vectors: np.ndarray) -> np.ndarray:
    return vectors / np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True))


def _in_frame(frame: Float[np.ndarray, "3 3"], vectors: Float[np.ndarray, "n 3"]) -> Float[np.ndarray, "n 3"]:
    return (vectors[:, None, :] * frame).sum(axis=2)
