"""What is behind the head: procedural rooms, softly out of focus, or pictures of the user's own."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float
from PIL import Image

from pain3d.errors import ArgumentError, DataError
from pain3d.pictures import read_picture
from pain3d.render.scene import MAX_RESOLUTION, Background
from pain3d.skin.tone import linear_to_srgb

CANVAS = 96
"""Rooms are painted this small and enlarged: they are out of focus anyway."""

Canvas = Float[np.ndarray, "side side 3"]


def background(name: str, rng: np.random.Generator, resolution: int) -> Background:
    """Draw a background of the kind `name` under neutral light.

    Args:
        name: one of `BACKGROUNDS`.
        rng: decides colours, furniture and focus.
        resolution: pixels along each side of the picture.

    Raises:
        ValueError: for an unknown kind or a resolution that is not positive.
    """
    if name not in _ROOMS:
        raise ValueError(f"background: unknown kind {name!r}; pain3d has {', '.join(BACKGROUNDS)}")
    _check_resolution(resolution)
    canvas, blur = _ROOMS[name](rng)
    canvas = _blurred(np.clip(canvas, 0.0, 1.0), blur)
    picture = np.rint(linear_to_srgb(canvas) * 255).astype(np.uint8)
    large = Image.fromarray(picture).resize((resolution, resolution), Image.Resampling.BICUBIC)
    return Background(name=name, picture=np.asarray(large))


@dataclass(frozen=True, kw_only=True, eq=False)
class UserBackgrounds:
    """Pictures of the user's own, in the order of their names."""

    files: tuple[Path, ...]

    def draw(self, rng: np.random.Generator, resolution: int) -> Background:
        """One of the pictures, its middle square, at this resolution.

        Raises:
            ValueError: if the picture cannot be read any more, or the resolution is not positive.
        """
        _check_resolution(resolution)
        file = self.files[int(rng.integers(len(self.files)))]
        return Background(name=file.name, picture=_middle_square(file, resolution), lit=False)


SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff")


def user_backgrounds(folder: Path | str) -> UserBackgrounds:
    """All pictures of a folder, each opened once so that a broken one is named now and not in the middle of a run.

    Raises:
        ValueError: if the folder is none, holds no picture, or holds one that cannot be read.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ValueError(f"backgrounds: {folder} is not a folder; give one that holds pictures ({', '.join(SUFFIXES)})")
    files = sorted((file for file in folder.iterdir() if file.suffix.lower() in SUFFIXES), key=lambda file: file.name)
    if not files:
        raise ValueError(f"backgrounds: {folder} holds no picture; put in at least one of {', '.join(SUFFIXES)}")
    for file in files:
        _middle_square(file, 8)
    return UserBackgrounds(files=tuple(files))


def _middle_square(file: Path, resolution: int) -> np.ndarray:
    try:
        image = Image.fromarray(read_picture(file))
    except DataError as problem:
        raise ArgumentError(f"backgrounds: {problem}; or take it out of the folder") from problem
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    square = image.crop((left, top, left + side, top + side))
    return np.asarray(square.resize((resolution, resolution), Image.Resampling.LANCZOS))


def _check_resolution(resolution: int) -> None:
    if isinstance(resolution, bool) or not isinstance(resolution, int | np.integer):
        raise TypeError(f"resolution: {resolution!r} is not a whole number of pixels; give for example 512")
    if not 1 <= resolution <= MAX_RESOLUTION:
        raise ValueError(f"resolution: {resolution} is outside 1..{MAX_RESOLUTION} pixels; try 512")


def _wall(rng: np.random.Generator, low: float = 0.3, high: float = 0.65) -> Canvas:
    """A painted wall with a slow fall of light across it."""
    paint = _paint(rng, rng.uniform(low, high), 0.22)
    x, y = _grid()
    slope, tilt = rng.uniform(-0.3, 0.3), rng.uniform(-0.25, 0.1)
    return paint * (1 + slope * (x - 0.5) + tilt * (y - 0.5))[..., None]


def _plain(rng: np.random.Generator) -> tuple[Canvas, float]:
    """A studio paper: brighter behind the head, darker in the corners."""
    x, y = _grid()
    away = np.square(x - rng.uniform(0.35, 0.65)) + np.square(y - rng.uniform(0.3, 0.6))
    return _paint(rng, rng.uniform(0.12, 0.55), 0.25) * (1.15 - 1.1 * away)[..., None], 4.0


def _ward(rng: np.random.Generator) -> tuple[Canvas, float]:
    """A hospital room: rail, bed-head panel, a monitor, a bag on its stand, perhaps a curtain."""
    canvas = _wall(rng, 0.42, 0.66)
    dado = rng.uniform(0.5, 0.72)
    _fill(canvas, 0, dado, 1, 1, _paint(rng, rng.uniform(0.22, 0.42), 0.3))
    _fill(canvas, 0, dado - 0.03, 1, dado + 0.02, _paint(rng, 0.5, 0.1))
    left = rng.random() < 0.5
    panel = rng.uniform(0.02, 0.2) if left else rng.uniform(0.55, 0.7)
    _fill(canvas, panel, 0.3, panel + 0.3, 0.37, _paint(rng, 0.62, 0.05))
    for k in range(3):
        _fill(canvas, panel + 0.04 + 0.08 * k, 0.32, panel + 0.065 + 0.08 * k, 0.355, _paint(rng, 0.25, 0.6))
    screen = rng.uniform(0.72, 0.84) if left else rng.uniform(0.02, 0.12)
    top = rng.uniform(0.06, 0.2)
    _fill(canvas, screen, top, screen + 0.17, top + 0.15, np.array([0.04, 0.045, 0.05]))
    for k in range(3):
        glow = np.array([(0.1, 0.55, 0.2), (0.1, 0.35, 0.6), (0.6, 0.5, 0.1)][k])
        _fill(canvas, screen + 0.015, top + 0.03 + 0.04 * k, screen + 0.13, top + 0.042 + 0.04 * k, glow)
    if rng.random() < 0.6:
        _drape(canvas, rng, 0.0 if not left else 0.8, 0.2)
    return canvas, rng.uniform(2.0, 3.2)


def _window(rng: np.random.Generator) -> tuple[Canvas, float]:
    """A wall with a bright window at one side."""
    canvas = _wall(rng, 0.25, 0.5)
    x0 = rng.uniform(-0.15, 0.05) if rng.random() < 0.5 else rng.uniform(0.62, 0.75)
    wide, top, low = rng.uniform(0.32, 0.45), rng.uniform(-0.1, 0.12), rng.uniform(0.55, 0.75)
    _fill(canvas, x0 - 0.03, top - 0.03, x0 + wide + 0.03, low + 0.04, _paint(rng, 0.7, 0.04))
    _fill(canvas, x0, top, x0 + wide, low, np.array([0.85, 0.93, 1.0]))
    _fill(canvas, x0, low - rng.uniform(0.08, 0.2), x0 + wide, low, np.array([0.3, 0.42, 0.2]))
    middle = x0 + wide / 2
    _fill(canvas, middle - 0.012, top, middle + 0.012, low, np.array([0.6, 0.6, 0.58]))
    _fill(canvas, x0, (top + low) / 2 - 0.012, x0 + wide, (top + low) / 2 + 0.012, np.array([0.6, 0.6, 0.58]))
    return canvas, rng.uniform(1.6, 3.0)


def _curtain(rng: np.random.Generator) -> tuple[Canvas, float]:
    """The folds of a cubicle curtain under its rail."""
    canvas = _wall(rng, 0.4, 0.6)
    _drape(canvas, rng, -0.1, 1.2)
    rail = rng.uniform(0.0, 0.08)
    _fill(canvas, 0, rail, 1, rail + 0.02, np.array([0.6, 0.6, 0.6]))
    return canvas, rng.uniform(1.2, 2.2)


def _bookcase(rng: np.random.Generator) -> tuple[Canvas, float]:
    """Shelves full of spines."""
    canvas = _wall(rng, 0.12, 0.25)
    shelf = rng.uniform(0.2, 0.27)
    y = rng.uniform(-0.12, 0.02)
    while y < 1:
        x = rng.uniform(-0.05, 0.0)
        while x < 1:
            wide, tall = rng.uniform(0.02, 0.06), rng.uniform(0.62, 0.92) * shelf
            if rng.random() < 0.86:
                _fill(
                    canvas,
                    x,
                    y + shelf - tall,
                    x + wide,
                    y + shelf - 0.015,
                    _paint(rng, rng.choice([0.06, 0.12, 0.22, 0.4]), 0.38),
                )
            x += wide + 0.003
        _fill(canvas, 0, y + shelf - 0.015, 1, y + shelf + 0.012, np.array([0.27, 0.18, 0.11]))
        y += shelf
    return canvas, rng.uniform(1.8, 3.0)


def _pillow(rng: np.random.Generator) -> tuple[Canvas, float]:
    """A head-rest of white linen before a darker wall."""
    canvas = _wall(rng, 0.2, 0.4)
    x, y = _grid()
    edge = rng.uniform(0.18, 0.34) + 0.08 * np.square(2 * x - 1)
    linen = _paint(rng, rng.uniform(0.6, 0.75), 0.06)
    folds = np.zeros_like(x)
    for _ in range(6):
        angle, pitch, phase = rng.uniform(0, math.pi), rng.uniform(4, 14), rng.uniform(0, 6.3)
        folds += np.sin((math.cos(angle) * x + math.sin(angle) * y) * pitch + phase) / 6
    shade = (0.9 + 0.14 * folds) * np.clip(0.72 + 1.6 * (y - edge), 0.72, 1.05)
    inside = np.clip((y - edge) * 30, 0, 1)[..., None]
    return canvas * (1 - inside) + linen * shade[..., None] * inside, rng.uniform(1.0, 1.8)


def _outdoors(rng: np.random.Generator) -> tuple[Canvas, float]:
    """A garden far out of focus: sky, leaves, discs of light."""
    x, y = _grid()
    horizon = rng.uniform(0.25, 0.5)
    above = np.clip((horizon - y) * 5 + 0.5, 0, 1)[..., None]
    canvas = np.array([0.62, 0.74, 0.88]) * above + np.array([0.12, 0.17, 0.07]) * (1 - above)
    for _ in range(46):
        cx, cy, radius = rng.uniform(0, 1), rng.uniform(0, 1), rng.uniform(0.03, 0.1)
        leaf = _paint(rng, rng.uniform(0.05, 0.3), 0.2) * np.array([0.8, 1.15, 0.5])
        bright = rng.random() < 0.25
        colour = np.array([0.85, 0.86, 0.65]) * rng.uniform(0.5, 1) if bright else leaf
        disc = np.clip((radius - np.sqrt(np.square(x - cx) + np.square(y - cy))) * 80, 0, 1)[..., None] * 0.55
        canvas = canvas * (1 - disc) + colour * disc
    return canvas, rng.uniform(1.2, 2.0)


_ROOMS: Mapping[str, Callable[[np.random.Generator], tuple[Canvas, float]]] = {
    "plain": _plain,
    "ward": _ward,
    "window": _window,
    "curtain": _curtain,
    "bookcase": _bookcase,
    "pillow": _pillow,
    "outdoors": _outdoors,
}
BACKGROUNDS: tuple[str, ...] = tuple(_ROOMS)
"""Names of the procedural backgrounds."""


def _grid() -> tuple[np.ndarray, np.ndarray]:
    centre = (np.arange(CANVAS) + 0.5) / CANVAS
    x, y = np.meshgrid(centre, centre)
    return x, y


def _paint(rng: np.random.Generator, value: float, saturation: float) -> Float[np.ndarray, "3"]:
    """A linear colour of this lightness, with a random hue."""
    hue = rng.uniform(0, 2 * math.pi)
    third = 2 * math.pi / 3
    wheel = np.array([math.cos(hue), math.cos(hue - third), math.cos(hue + third)])
    return np.clip(value * (1 + saturation * rng.uniform(0.2, 1) * wheel), 0, 1)


def _fill(canvas: Canvas, x0: float, y0: float, x1: float, y1: float, colour: np.ndarray) -> None:
    columns = slice(max(round(x0 * CANVAS), 0), max(round(x1 * CANVAS), 0))
    rows = slice(max(round(y0 * CANVAS), 0), max(round(y1 * CANVAS), 0))
    canvas[rows, columns] = colour


def _drape(canvas: Canvas, rng: np.random.Generator, x0: float, wide: float) -> None:
    """Cloth in vertical folds over part of the canvas."""
    x, y = _grid()
    folds = np.zeros_like(x)
    for pitch in (rng.uniform(26, 40), rng.uniform(48, 75), rng.uniform(90, 120)):
        folds += np.sin(x * pitch + rng.uniform(0, 6.3) + 0.7 * np.sin(y * rng.uniform(1, 3))) * 16 / pitch
    cloth = _paint(rng, rng.uniform(0.28, 0.5), 0.45) * (1 + 0.42 * folds)[..., None]
    inside = ((x >= x0) & (x < x0 + wide))[..., None]
    canvas[:] = np.where(inside, cloth, canvas)


def _blurred(canvas: Canvas, pixels: float) -> Canvas:
    """Three box blurs along each axis: a round, smooth defocus."""
    radius = max(round(pixels), 1)
    for axis in (0, 1):
        for _ in range(3):
            pads = [(0, 0)] * 3
            pads[axis] = (radius + 1, radius)
            sums = np.cumsum(np.pad(canvas, pads, mode="edge"), axis=axis)
            near = [slice(None)] * 3
            far = [slice(None)] * 3
            near[axis], far[axis] = slice(0, -2 * radius - 1), slice(2 * radius + 1, None)
            canvas = (sums[tuple(far)] - sums[tuple(near)]) / (2 * radius + 1)
    return canvas
