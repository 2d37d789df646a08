"""Frames of a dataset as the crops that a model sees, with the true heatmaps beside, and maps back on the picture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, UInt8
from PIL import Image

from pain3d.data.reader import Dataset
from pain3d.data.sample import Sample
from pain3d.data.schema import HEATMAP_MAX_MM, frame_id, parse_frame_id
from pain3d.errors import ArgumentError, DataError
from pain3d.facs import PAIN_AUS
from pain3d.model.config import ViTPainConfig
from pain3d.model.crop import Square, cut, square_of_landmarks
from pain3d.streams import stream


@dataclass(frozen=True, kw_only=True, eq=False)
class Crop:
    """One frame, ready for the model."""

    sample: Sample
    square: Square
    image: Float[np.ndarray, "size size channel"]
    """0..1; three channels of colour, or one of displacement for a model that reads heatmaps."""
    neutral: Float[np.ndarray, "size size channel"] | None
    """Of another view, for a model that compares with a face at rest."""
    heat_mm: Float[np.ndarray, "7 size size"]
    """The true heatmaps, total and of each pain AU."""
    has_au_heat: bool
    """False where the dataset was made without au_heatmaps: six of the seven are then empty."""


def crop_of(data: Dataset, number: int, config: ViTPainConfig, seed: int) -> Crop:
    """Frame `number`, cut by its true landmarks; the neutral frame is drawn by `seed` from the other views."""
    sample = data[number]
    heat = heat_in_crop(sample, config)
    neutral = None if config.neutral is None else _input_of(neutral_of(data, sample, seed), config)
    return Crop(
        sample=sample,
        square=square_of_landmarks(sample.landmarks, config.crop),
        image=_input_of(sample, config),
        neutral=neutral,
        heat_mm=heat,
        has_au_heat="au_heatmaps" in sample.row,
    )


def heat_in_crop(sample: Sample, config: ViTPainConfig) -> Float[np.ndarray, "7 size size"]:
    """The total heatmap and those of the six pain AUs in the crop, millimetres; empty where the dataset has none."""
    maps = [sample.heatmap]
    if "au_heatmaps" in sample.row:
        of_units = sample.au_heatmaps
        maps += [of_units[name] for name in PAIN_AUS]
    steps = np.zeros((9, *sample.heatmap.shape), np.uint8)
    for place, millimetres in enumerate(maps):
        steps[place] = np.rint(np.minimum(millimetres / HEATMAP_MAX_MM, 1) * 255)
    square = square_of_landmarks(sample.landmarks, config.crop)
    # Three maps go as the colours of one picture: the cut is the one that training and prediction use.
    pictures = [np.ascontiguousarray(steps[i : i + 3].transpose(1, 2, 0)) for i in (0, 3, 6)]
    crops = [cut(picture, square, config.image_size).transpose(2, 0, 1) for picture in pictures]
    return np.concatenate(crops)[:7].astype(np.float32) * np.float32(HEATMAP_MAX_MM / 255)


def on_picture(
    of_crop: Float[np.ndarray, "size size"], square: Square, height: int, width: int
) -> Float[np.ndarray, "height width"]:
    """A map from the crop back on the whole picture; 0 outside the crop."""
    scale = len(of_crop) / square.side
    left, top = square.cx - square.side / 2, square.cy - square.side / 2
    placed = Image.fromarray(of_crop.astype(np.float32)).transform(
        (width, height),
        Image.Transform.AFFINE,
        (scale, 0, -left * scale, 0, scale, -top * scale),
        resample=Image.Resampling.BILINEAR,
        fillcolor=0,
    )
    return np.asarray(placed)


def _input_of(sample: Sample, config: ViTPainConfig) -> Float[np.ndarray, "size size channel"]:
    if config.input == "heatmap":
        if config.channels != 1:
            raise ArgumentError(
                f"model: it reads heatmaps of {config.channels} channels; only a grey one can be explained"
            )
        return heat_in_crop(sample, config)[0][..., None] / np.float32(config.heatmap_max_mm)
    square = square_of_landmarks(sample.landmarks, config.crop)
    picture: UInt8[np.ndarray, "size size 3"] = cut(sample.image, square, config.image_size)
    return picture.astype(np.float32) / np.float32(255)


def neutral_of(data: Dataset, sample: Sample, seed: int) -> Sample:
    """A seeded frame at rest of this subject, from another view than this one's.

    Raises:
        DataError: if there is one view only.
    """
    own = parse_frame_id(sample.frame_id)
    others = [other for other in range(data.manifest.made.views) if other != own.view_id]
    if not others:
        raise DataError(
            f"{sample.frame_id}: its subject has no neutral frame from another view, which this model needs; "
            f"generate a dataset with --views 2 or more, or take a model without a neutral reference"
        )
    chosen = others[int(stream(seed, "neutral", sample.frame_id).integers(len(others)))]
    return data.find(frame_id(own.subject, 0, chosen, None if own.frame_index is None else 0))
