"""What the page is told about a person and the place: everything that is quick to say, so that it comes first."""

from __future__ import annotations

from dataclasses import asdict
from functools import cache
from typing import Any

import numpy as np

from pain3d.data.images import encode_rgb
from pain3d.render.environment import surroundings
from pain3d.render.lighting import wall_on_film
from pain3d.render.scene import AIM_M, PIVOT_M, Light
from pain3d.skin.tone import MST_ITA_DEGREES
from pain3d.studio.asked import command
from pain3d.synth.portrait import portrait_view
from pain3d.synth.sitter import Sitter
from pain3d.synth.timeline import Timeline

ENVIRONMENT = (32, 64)
"""Rows and columns of the picture of a light's surroundings."""
WALL_PIXELS = 512
FRAMES_PER_SECOND = 25
FOV_DEGREES = 19.0
"""Angle of view of `Camera.at_head`."""


def person(sitter: Sitter) -> dict[str, Any]:
    """Who it is, how it is lit and seen, and the command line, as plain values."""
    subject = sitter.subject
    traits, shape = subject.skin_traits, subject.identity.shape
    return {
        "seed": subject.seed,
        "age_years": subject.age_years,
        "sex": subject.sex,
        "ethnicity": subject.ethnicity,
        "anchors": {name: round(shape[name], 3) for name in ("african", "asian", "caucasian")},
        "skin_tone_mst": traits.skin_tone_mst,
        "ita_degrees": MST_ITA_DEGREES[traits.skin_tone_mst - 1],
        "looks": asdict(subject.looks),
        "worn": list(subject.worn),
        "pspi": sitter.expression.pspi,
        "command": command(sitter),
    }


def place(sitter: Sitter) -> dict[str, Any]:
    """Camera, and this light as the renderer has it for this person: numbers of the room, linear colours."""
    view = portrait_view(sitter.subject, 16, light=sitter.light, background=sitter.background)
    lamp = view.light
    return {
        "camera": {
            "fov_degrees": FOV_DEGREES,
            "distance_m": view.distance_m,
            "shift_m": view.shift_m,
            "pivot_m": PIVOT_M,
            "aim_m": AIM_M,
        },
        "light": {
            "name": lamp.name,
            "key_direction": lamp.key_direction,
            "key_colour": lamp.key_colour,
            "key_size": lamp.key_size,
            "exposure": lamp.exposure,
            "surroundings": {"rows": ENVIRONMENT[0], "columns": ENVIRONMENT[1], "rgb": _surroundings(lamp)},
        },
        "background": view.background.name,
    }


def wall(sitter: Sitter) -> bytes:
    """JPEG of what is behind the head, lit."""
    view = portrait_view(sitter.subject, WALL_PIXELS, light=sitter.light, background=sitter.background)
    return encode_rgb(wall_on_film(view.background, view.light, WALL_PIXELS))


def played(sitter: Sitter, seconds: float, take: int) -> dict[str, Any]:
    """The expression in time, from rest over its apex back to rest: every frame as plain values.

    Raises:
        ValueError: for a length outside 2..60 seconds.
    """
    line = Timeline.draw(sitter.subject.seed, sitter.expression, seconds, take)
    moments = [line.at(number / FRAMES_PER_SECOND) for number in range(round(seconds * FRAMES_PER_SECOND))]
    return {
        "frames_per_second": FRAMES_PER_SECOND,
        "frames": [
            {
                "aus": np.round(moment.acting.intensities, 4).tolist(),
                "blink": round(moment.acting.blink, 4),
                "yaw": round(moment.yaw, 3),
                "pitch": round(moment.pitch, 3),
                "roll": round(moment.roll, 3),
                "pspi": round(moment.acting.expression.pspi, 4),
            }
            for moment in moments
        ],
    }


@cache
def _directions() -> np.ndarray:
    """Of an equirectangular picture as three.js lays it round a scene, row 0 below: its middle is -z... +x."""
    rows, columns = ENVIRONMENT
    v = (np.arange(rows) + 0.5) / rows
    u = (np.arange(columns) + 0.5) / columns
    u, v = np.meshgrid(u, v)
    turn, lift = 2 * np.pi * (u - 0.5), np.pi * (v - 0.5)
    return np.stack([np.cos(lift) * np.cos(turn), np.sin(lift), np.cos(lift) * np.sin(turn)], axis=-1).reshape(-1, 3)


def _surroundings(light: Light) -> list[float]:
    return np.round(surroundings(light, _directions()), 4).ravel().tolist()
