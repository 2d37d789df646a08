"""The scores of every map on every frame, and their means with intervals over subjects."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from pain3d.errors import ArgumentError
from pain3d.evaluate.crops import Crop
from pain3d.evaluate.faithfulness import (
    REGION_MM,
    SCORES,
    TOLERANCE,
    agreement,
    area_under,
    blurred,
    deletion_curve,
    greyed,
    patch_order,
    smoothed,
)
from pain3d.evaluate.priors import Priors
from pain3d.evaluate.saliency import METHODS, TARGETS, Method
from pain3d.model.vitpain import ViTPain
from pain3d.streams import stream

NO_AU_HEAT = "the dataset was made without au_heatmaps"
ONLY_DELETION = "an order to compare deletion with, no map to score"
ONE_SUBJECT = "an interval over subjects needs at least two of them"
NO_FRAME = "not defined on any frame"

REFERENCE = "mean_training_heat"
"""What each map's paired difference is taken to: the strongest map that has not seen the picture."""

RANDOM_ORDERS = 3
"""Deletion in random order is the mean of so many."""

DELETION = "deletion_auc"

FILLINGS = {"blurred": blurred, "greyed": greyed}

Grid = tuple[int, int]
SizedMap = Float[np.ndarray, "size size"]


@dataclass(frozen=True, kw_only=True)
class ExplainConfig:
    """What is compared, and how finely."""

    split: str = "test"
    """Whose frames: train, val or test."""
    frames: int = 100
    """Frames with pain, spread over the subjects of the split."""
    prior_frames: int = 600
    """Training frames that the mean heatmap is made of."""
    methods: tuple[Method, ...] = METHODS
    """Which maps of the model."""
    region_mm: float = REGION_MM
    """Skin that moved further is region."""
    tolerance: float = TOLERANCE
    """Of the pointing game, as a share of the crop's side."""
    deletion_steps: int = 12
    """Points of a deletion curve after the first."""
    filling: str = "blurred"
    """What takes the place of deleted patches: blurred or greyed."""
    draws: int = 2000
    """Resamplings of the subjects for each interval."""
    seed: int = 0
    """Of the frames, neutral partners, noise, random orders and resamplings."""

    def __post_init__(self) -> None:
        for name in ("frames", "prior_frames", "deletion_steps", "draws"):
            if getattr(self, name) < 1:
                raise ArgumentError(f"{name}: {getattr(self, name)} is less than 1; give a whole number from 1 on")
        if self.filling not in FILLINGS:
            raise ArgumentError(f"filling: {self.filling!r} is unknown; choose one of {', '.join(FILLINGS)}")


def tensors_of(crops: Sequence[Crop], model: ViTPain) -> tuple[Tensor, Tensor | None]:
    """Crops and their neutral ones as the model takes them."""
    device = next(model.parameters()).device
    image = torch.from_numpy(np.stack([crop.image.transpose(2, 0, 1) for crop in crops])).to(device)
    if model.config.neutral is None:
        return image, None
    neutrals = [crop.neutral.transpose(2, 0, 1)[None] for crop in crops if crop.neutral is not None]
    return image, torch.from_numpy(np.stack(neutrals)).to(device)


def tensor_of(model: ViTPain, pixels: UInt8[np.ndarray, "*batch size size 3"]) -> Float[Tensor, "*batch 3 size size"]:
    """Crops of 0..255 as the model takes them."""
    channels_first = np.ascontiguousarray(np.moveaxis(pixels, -1, -3))
    return torch.from_numpy(channels_first).to(model.device).float() / 255


def rows_of(
    model: ViTPain,
    crop: Crop,
    maps: Mapping[str, Float[np.ndarray, "7 size size"]],
    grid: Grid,
    priors: Priors,
    config: ExplainConfig,
) -> Iterator[dict[str, Any]]:
    """The scores of the model's maps and of the priors on one frame, target by target, and deletion of PSPI."""
    areas = dict(_deletions(model, crop, maps, grid, priors, config))
    for place, target in enumerate(TARGETS):
        of_model = {method: smoothed(of_target[place], grid) for method, of_target in maps.items()}
        for method, one in {**of_model, **priors.of(place)}.items():
            yield {
                **_whose(crop, target, method),
                **_scores(crop, place, one, config),
                DELETION: areas[method] if place == 0 else math.nan,
            }
    empty = dict.fromkeys((*SCORES, "region_share"), math.nan)
    for method in ("true_heat", "random"):
        row = _whose(crop, "PSPI", method)
        yield {**row, **empty, "reason": ONLY_DELETION, DELETION: areas[method]}


def _whose(crop: Crop, target: str, method: str) -> dict[str, Any]:
    sample = crop.sample
    return {"frame_id": sample.frame_id, "subject_id": sample.subject_id, "target": target, "map": method}


def _scores(crop: Crop, place: int, one: SizedMap, config: ExplainConfig) -> dict[str, Any]:
    found = agreement(one, crop.heat_mm[place], threshold_mm=config.region_mm, tolerance=config.tolerance)
    reason = NO_AU_HEAT if place and not crop.has_au_heat else found.reason
    scores = {name: getattr(found, name) for name in SCORES}
    return {**scores, "region_share": found.region_share, "reason": reason}


def _deletions(
    model: ViTPain,
    crop: Crop,
    maps: Mapping[str, Float[np.ndarray, "7 size size"]],
    grid: Grid,
    priors: Priors,
    config: ExplainConfig,
) -> Iterator[tuple[str, float]]:
    """Mean predicted PSPI over the deletion of the patches in the order of each map."""
    filling = FILLINGS[config.filling](crop.image)

    def area(order: np.ndarray) -> float:
        curve = deletion_curve(
            lambda pictures: predicted(model, pictures, crop.neutral),
            crop.image,
            order,
            grid,
            steps=config.deletion_steps,
            filling=filling,
        )
        return area_under(*curve)

    ordering = {**{method: of_target[0] for method, of_target in maps.items()}, **priors.of(0)}
    del ordering["uniform"]  # orders nothing: random order is its like
    ordering["true_heat"] = crop.heat_mm[0]
    for name, one in ordering.items():
        yield name, area(patch_order(one, grid))
    rng = stream(config.seed, "random order", crop.sample.frame_id)
    chance = float(np.mean([area(rng.permutation(grid[0] * grid[1])) for _ in range(RANDOM_ORDERS)]))
    yield from (("random", chance), ("uniform", chance))


def predicted(
    model: ViTPain,
    pictures: Float[np.ndarray, "step size size channel"],
    neutral: Float[np.ndarray, "size size channel"] | None,
) -> Float[np.ndarray, " step"]:
    """PSPI of several versions of one crop, each with the same neutral crop."""
    device = next(model.parameters()).device
    image = torch.from_numpy(np.ascontiguousarray(pictures.transpose(0, 3, 1, 2))).to(device)
    shots = None
    if neutral is not None:
        one = torch.from_numpy(np.ascontiguousarray(neutral.transpose(2, 0, 1))).to(device)
        shots = one.expand(len(image), 1, -1, -1, -1)
    with torch.no_grad():
        return model(image, shots).pspi.double().cpu().numpy()


def summarised(rows: Sequence[Mapping[str, Any]], *, draws: int, seed: int) -> Iterator[dict[str, Any]]:
    """Mean of each score of each map, and of its difference to the mean training heatmap on the same frames."""
    of_map: dict[tuple[str, str], dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for row in rows:
        of_map[row["target"], row["map"]][row["frame_id"]] = row
    for (target, method), of_frame in of_map.items():
        reference = of_map[target, REFERENCE]
        scores = (*SCORES, DELETION) if target == "PSPI" else SCORES
        for score in scores:
            found = {frame: row[score] for frame, row in of_frame.items()}
            against = {frame: value - reference[frame][score] for frame, value in found.items()}
            subjects = {frame: row["subject_id"] for frame, row in of_frame.items()}
            reasons = sorted({row["reason"] for row in of_frame.values() if row["reason"]})
            ahead = mean_over_subjects(against, subjects, draws=draws, seed=seed)
            yield {
                **{"target": target, "map": method, "score": score},
                **mean_over_subjects(found, subjects, draws=draws, seed=seed, reason="; ".join(reasons)),
                **{f"ahead_{name}": ahead[name] for name in ("mean", "low", "high")},
            }


def mean_over_subjects(
    values: Mapping[str, float], subjects: Mapping[str, str], *, draws: int, seed: int, reason: str = ""
) -> dict[str, Any]:
    """Mean over the frames where a score is defined, with a 95 % interval from resampling subjects.

    Frames of one subject are alike, so that resampling frames would make the interval too narrow.
    """
    sums: dict[str, float] = defaultdict(float)
    counts: dict[str, int] = defaultdict(int)
    for frame, value in values.items():
        if not math.isnan(value):
            sums[subjects[frame]] += value
            counts[subjects[frame]] += 1
    frames, people = sum(counts.values()), len(counts)
    found = {"mean": math.nan, "low": math.nan, "high": math.nan, "frames": frames, "subjects": people}
    if not frames:
        return {**found, "reason": reason or NO_FRAME}
    total, count = np.array(list(sums.values())), np.array(list(counts.values()))
    found["mean"] = float(total.sum() / frames)
    if people < 2:
        return {**found, "reason": ONE_SUBJECT}
    weights = stream(seed, "subjects").multinomial(people, np.full(people, 1 / people), size=draws)
    found["low"], found["high"] = (float(x) for x in np.quantile(weights @ total / (weights @ count), [0.025, 0.975]))
    return {**found, "reason": ""}


def table(
    summary: Sequence[Mapping[str, Any]], columns: Sequence[tuple[str, str]], names: Sequence[str]
) -> Iterator[str]:
    """Lines of a Markdown table with one row for each map; a column is a target and a score."""
    cells = {(row["map"], row["target"], row["score"]): row for row in summary}
    yield "| map | " + " | ".join(name.replace("_", " ") for name in names) + " |"
    yield "|---|" + "---|" * len(names)
    for method in dict.fromkeys(row["map"] for row in summary):
        of_map = [cells.get((method, *column)) for column in columns]
        if any(row is not None and not math.isnan(row["mean"]) for row in of_map):
            yield f"| {method.replace('_', ' ')} | " + " | ".join(_cell(row) for row in of_map) + " |"


def _cell(row: Mapping[str, Any] | None) -> str:
    if row is None or math.isnan(row["mean"]):
        return "n/a" if row is None else "-" if row["reason"] == ONLY_DELETION else f"n/a: {row['reason']}"
    if math.isnan(row["low"]):
        return f"{row['mean']:.3f} (one subject)"
    return f"{row['mean']:.3f} ({row['low']:.3f} to {row['high']:.3f})"


def plain(value: object) -> object:
    """NaN as None, which JSON can say."""
    return None if isinstance(value, float) and math.isnan(value) else value
