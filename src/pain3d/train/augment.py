"""Changes of a training picture that leave its labels true.

Geometry (where the square lies, a turn, a mirror) is drawn once for a picture and its maps; photometry touches the
picture alone. Nothing hides a part of the face, unless `erase` is switched on. A mirrored face has the same labels: AU
intensities name no side.
"""

from __future__ import annotations

import io
import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from PIL import Image, ImageFilter

from pain3d.errors import ArgumentError
from pain3d.model.crop import Square, cut_picture, place

MIRROR = np.array(
    [
        *range(16, -1, -1),
        *range(26, 16, -1),
        *range(27, 31),
        *range(35, 30, -1),
        *(45, 44, 43, 42, 47, 46),
        *(39, 38, 37, 36, 41, 40),
        *range(54, 47, -1),
        *range(59, 54, -1),
        *range(64, 59, -1),
        *range(67, 64, -1),
    ]
)
"""The iBUG-68 landmark that each one becomes in a mirror."""

MAX_TURN_DEGREES = 30.0


@dataclass(frozen=True, kw_only=True)
class AugmentConfig:
    """How far a draw may go; 0 everywhere changes nothing. `chance` fields are probabilities."""

    shift: float = 0.05
    """Of the square, at most, in sides: more than detector and landmarks differ by (0.02, one standard deviation)."""
    scale: float = 0.12
    """The square's side times exp of at most this, both ways."""
    turn_degrees: float = 12.0
    flip_chance: float = 0.5
    brightness: float = 0.12
    """At most, of the range, added in both directions."""
    contrast: float = 0.25
    """Factor exp of at most this about the middle."""
    gamma: float = 0.25
    """Exponent exp of at most this."""
    saturation: float = 0.4
    """Factor 1 plus or minus at most this."""
    tint: float = 0.06
    """Of each channel's gain."""
    blur_chance: float = 0.15
    blur_sigma: float = 1.0
    """Pixels of a 112-pixel crop, at most."""
    shrink_chance: float = 0.15
    shrink: float = 2.0
    """Times, at most, that the crop is made smaller and larger again."""
    noise_chance: float = 0.3
    noise: float = 0.03
    """Standard deviation, at most, of the range."""
    jpeg_chance: float = 0.2
    jpeg_quality: int = 40
    """Least quality of a recompression."""
    erase_chance: float = 0.0
    """Of a grey rectangle over a part of the face. Off: it may hide the very units that the labels speak of."""
    erase_side: float = 0.3
    """Its sides at most, in sides of the crop."""

    def __post_init__(self) -> None:
        limits = {**dict.fromkeys(vars(self), (0.0, 1.0)), **_RANGES}
        for name, value in vars(self).items():
            least, most = limits[name]
            if not least <= value <= most:
                raise ArgumentError(f"augment.{name}: {value} is outside {least:g}..{most:g}; give a number within")


_RANGES = {
    "shift": (0.0, 0.3),
    "scale": (0.0, 0.5),
    "turn_degrees": (0.0, MAX_TURN_DEGREES),
    "brightness": (0.0, 0.5),
    "tint": (0.0, 0.3),
    "blur_sigma": (0.0, 4.0),
    "shrink": (1.0, 8.0),
    "noise": (0.0, 0.3),
    "jpeg_quality": (5, 95),
    "erase_side": (0.0, 0.6),
}


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Where a crop lies and how it is turned: shared by a picture, its heatmap and its AU maps."""

    square: Square
    angle: float = 0.0
    """Degrees, content counter-clockwise."""
    flip: bool = False

    def cut(self, picture: Image.Image, size: int, scale: float = 1.0) -> Image.Image:
        """The crop; `scale` is that of the picture to the coordinates of the square."""
        square = self.square
        if scale != 1.0:
            square = Square(cx=square.cx * scale, cy=square.cy * scale, side=square.side * scale)
        return cut_picture(picture, square, size, angle=self.angle, flip=self.flip)

    def landmarks(self, points: Float[np.ndarray, "68 2"], size: int) -> Float[np.ndarray, "68 2"]:
        """iBUG landmarks in the crop, pixels; in a mirrored crop the left ones are right ones."""
        placed = place(points, self.square, size, angle=self.angle, flip=self.flip)
        return placed[MIRROR] if self.flip else placed


def draw_geometry(
    config: AugmentConfig, square: Square, rng: np.random.Generator, *, flip: bool | None = None
) -> Geometry:
    """One draw about a square; `flip` given: that of the picture this one is compared with."""
    dx, dy, grow, turn, mirrored = rng.uniform(-1, 1, 5)
    moved = square.moved(dx * config.shift, dy * config.shift, math.exp(grow * config.scale))
    drawn = bool((mirrored + 1) / 2 < config.flip_chance)
    return Geometry(square=moved, angle=float(turn * config.turn_degrees), flip=drawn if flip is None else flip)


def photometry(config: AugmentConfig, picture: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The crop in another light, through another lens, sensor and file; geometry stays."""
    values, chances = rng.uniform(-1, 1, 8), rng.uniform(0, 1, 5)
    amount = rng.uniform(0, 1, 4).tolist()
    if config.saturation:
        picture = Image.blend(picture.convert("L").convert("RGB"), picture, 1 + values[0] * config.saturation)
    picture = picture.point(_tone_table(config, values[1:7]))
    if chances[0] < config.blur_chance:
        sigma = amount[0] * config.blur_sigma * picture.width / 112
        picture = picture.filter(ImageFilter.GaussianBlur(sigma))
    if chances[1] < config.shrink_chance:
        side = max(1, round(picture.width / (1 + amount[1] * (config.shrink - 1))))
        small = picture.resize((side, side), Image.Resampling.BILINEAR)
        picture = small.resize(picture.size, Image.Resampling.BILINEAR)
    if chances[2] < config.noise_chance:
        picture = _noisy(picture, amount[2] * config.noise, rng)
    if chances[3] < config.jpeg_chance:
        picture = _recompressed(picture, round(config.jpeg_quality + amount[3] * (95 - config.jpeg_quality)))
    if chances[4] < config.erase_chance:
        picture = _erased(picture, config.erase_side, rng)
    return picture


_LEVELS = np.arange(256) / 255


def _tone_table(config: AugmentConfig, values: Float[np.ndarray, "6"]) -> list[int]:
    """Gamma, contrast, brightness and tint as one table of 256 values for each channel."""
    curve = _LEVELS ** math.exp(values[0] * config.gamma)
    curve = (curve - 0.5) * math.exp(values[1] * config.contrast) + 0.5 + values[2] * config.brightness
    channels = curve * (1 + values[3:6, None] * config.tint)
    return np.rint(np.clip(channels, 0, 1) * 255).astype(int).ravel().tolist()


def _noisy(picture: Image.Image, sigma: float, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(picture).astype(np.float32)
    pixels += rng.standard_normal(pixels.shape, np.float32) * np.float32(255 * sigma)
    return Image.fromarray(np.clip(np.rint(pixels, out=pixels), 0, 255, out=pixels).astype(np.uint8))


def _recompressed(picture: Image.Image, quality: int) -> Image.Image:
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=quality)
    again = Image.open(buffer, formats=("JPEG",))
    again.load()
    return again


def _erased(picture: Image.Image, most: float, rng: np.random.Generator) -> Image.Image:
    side = picture.width
    width, height = (max(1, round(share * side)) for share in rng.uniform(most / 3, most, 2))
    x, y = int(rng.integers(side - width + 1)), int(rng.integers(side - height + 1))
    erased = picture.copy()
    erased.paste((127, 127, 127), (x, y, x + width, y + height))
    return erased
