"""Does a saliency map point where the face moved? Scores of one map against the true heatmap, arrays in, numbers out.

All scores compare a map with the region where the heatmap exceeds a fixed number of millimetres, in the frame of the
crop. A score that is not defined, above all on a face without heat, is NaN with a reason, never 0. References: the
pointing game is Zhang et al., *Top-down neural attention by excitation backprop* (2018); deletion is Petsiuk, Das &
Saenko, *RISE* (2018).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.ndimage import distance_transform_edt, gaussian_filter, uniform_filter
from scipy.stats import rankdata

from pain3d.errors import ArgumentError

REGION_MM = 1.0
"""Skin that moves less can hardly be seen at the size of a crop: 1 mm is half a pixel of a 96-pixel crop of a face."""

TOLERANCE = 1 / 32
"""How far beside the region the peak may lie, as a share of the crop's side: half a patch of a 14 x 14 grid."""

NO_HEAT = "no skin moved further than the threshold"
FLAT_MAP = "the map has no positive value"
CONSTANT_MAP = "the map or the heatmap is constant"

SCORES = ("pointing_game", "mass_inside", "rank_correlation")
"""Names of the scores of a map against a heatmap; more is better in each."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """One map against one heatmap."""

    pointing_game: float
    """1 if the map's highest point lies in the region or within the tolerance of it, 0 if not; among tied highest
    points the share that does, so that a constant map scores what chance scores."""
    mass_inside: float
    """Share of the map's sum that lies in the region, 0..1."""
    rank_correlation: float
    """Spearman's, over all pixels of the crop, -1..1."""
    region_share: float
    """Share of the crop that is region: what `mass_inside` is for a constant map."""
    reason: str = ""
    """Why a score is NaN; empty if none is."""


def region_of(
    heat_mm: Float[np.ndarray, "height width"], threshold_mm: float = REGION_MM
) -> Bool[np.ndarray, "height width"]:
    """Where the skin moved further than the threshold.

    Raises:
        ArgumentError: if the threshold is not positive: all skin at rest would count as region.
    """
    if not threshold_mm > 0:
        raise ArgumentError(f"threshold_mm: {threshold_mm} is not positive; give millimetres, {REGION_MM} by default")
    return heat_mm > threshold_mm


def agreement(
    saliency: Float[np.ndarray, "height width"],
    heat_mm: Float[np.ndarray, "height width"],
    *,
    threshold_mm: float = REGION_MM,
    tolerance: float = TOLERANCE,
) -> Agreement:
    """All scores of a map against a heatmap of the same size.

    Args:
        saliency: any scale; larger is more important. Values below 0 count as 0 in `mass_inside`.
        heat_mm: displacement of the skin in millimetres, 0 on the background.
        threshold_mm: what bounds the region.
        tolerance: of the pointing game, as a share of the height.

    Raises:
        ArgumentError: if the shapes differ or the map is not finite.
    """
    _check(saliency, heat_mm)
    region = region_of(heat_mm, threshold_mm)
    if not region.any():
        nan = float("nan")
        return Agreement(pointing_game=nan, mass_inside=nan, rank_correlation=nan, region_share=0.0, reason=NO_HEAT)
    mass, rank = mass_inside(saliency, region), rank_correlation(saliency, heat_mm)
    reasons = [FLAT_MAP] * bool(np.isnan(mass)) + [CONSTANT_MAP] * bool(np.isnan(rank))
    return Agreement(
        pointing_game=pointing_game(saliency, region, tolerance * len(saliency)),
        mass_inside=mass,
        rank_correlation=rank,
        region_share=float(region.mean()),
        reason="; ".join(reasons),
    )


def pointing_game(
    saliency: Float[np.ndarray, "height width"], region: Bool[np.ndarray, "height width"], tolerance_px: float = 0.0
) -> float:
    """Share of the map's highest points that lie within `tolerance_px` pixels of the region; NaN without a region."""
    if not region.any():
        return float("nan")
    away = np.asarray(distance_transform_edt(~region))
    return float((away[saliency == saliency.max()] <= tolerance_px).mean())


def mass_inside(saliency: Float[np.ndarray, "height width"], region: Bool[np.ndarray, "height width"]) -> float:
    """Share of the map's positive sum inside the region; NaN without a region or without a positive value."""
    positive = np.maximum(saliency.astype(np.float64), 0)
    total = positive.sum()
    return float(positive[region].sum() / total) if total > 0 and region.any() else float("nan")


def rank_correlation(saliency: Float[np.ndarray, "height width"], heat_mm: Float[np.ndarray, "height width"]) -> float:
    """Spearman's rank correlation over all pixels, ties at their mean rank; NaN if either is constant."""
    first, second = rankdata(saliency.ravel()), rankdata(heat_mm.ravel())
    first, second = first - first.mean(), second - second.mean()
    scale = np.sqrt((first @ first) * (second @ second))
    return float(first @ second / scale) if scale > 0 else float("nan")


def patch_order(saliency: Float[np.ndarray, "height width"], grid: tuple[int, int]) -> Int[np.ndarray, " patches"]:
    """Numbers of the patches of a grid, row by row, the most salient first; equal ones in the order of their numbers.

    Raises:
        ArgumentError: if the grid has more rows or columns than the map has pixels.
    """
    rows, columns = grid
    height, width = saliency.shape
    if rows > height or columns > width:
        raise ArgumentError(f"grid: {rows} x {columns} is finer than the map, {height} x {width} pixels")
    down, across = _cells(height, rows), _cells(width, columns)
    sums = np.zeros((rows, columns))
    np.add.at(sums, (down[:, None], across[None, :]), saliency)
    counts = np.bincount(down, minlength=rows)[:, None] * np.bincount(across, minlength=columns)[None, :]
    return np.argsort(-(sums / counts).ravel(), kind="stable")


def steps_of(patches: int, steps: int) -> Int[np.ndarray, " step"]:
    """How many patches are gone at each point of a deletion curve, from 0 to all, evenly.

    Raises:
        ArgumentError: if there are no steps.
    """
    if steps < 1:
        raise ArgumentError(f"steps: {steps} is less than 1; a deletion curve runs from nothing to everything deleted")
    return np.unique(np.rint(np.linspace(0, patches, steps + 1)).astype(np.int64))


def deleted(
    picture: Float[np.ndarray, "height width channel"],
    filling: Float[np.ndarray, "height width channel"],
    order: Int[np.ndarray, " patches"],
    grid: tuple[int, int],
    counts: Int[np.ndarray, " step"],
) -> Float[np.ndarray, "step height width channel"]:
    """The picture with its first `counts` patches of an order replaced by those of another picture."""
    rows, columns = grid
    rank = np.empty(rows * columns, np.int64)
    rank[order] = np.arange(rows * columns)
    down, across = _cells(picture.shape[0], rows), _cells(picture.shape[1], columns)
    of_pixel = rank.reshape(rows, columns)[down[:, None], across[None, :]]
    gone = of_pixel[None] < counts[:, None, None]
    return np.where(gone[..., None], filling[None], picture[None])


def blurred(picture: Float[np.ndarray, "height width channel"]) -> Float[np.ndarray, "height width channel"]:
    """The picture without the detail that tells an expression: a Gaussian of a tenth of its height.

    Blurring keeps colour and light, so that a deleted patch is no edge that the model has never seen.
    """
    sigma = len(picture) / 10
    return gaussian_filter(picture, (sigma, sigma, 0), mode="nearest")


def greyed(picture: Float[np.ndarray, "height width channel"]) -> Float[np.ndarray, "height width channel"]:
    """The mean colour of the picture everywhere."""
    return np.broadcast_to(picture.mean(axis=(0, 1), dtype=np.float64).astype(picture.dtype), picture.shape)


def deletion_curve(
    predict: Callable[[Float[np.ndarray, "step height width channel"]], Float[np.ndarray, " step"]],
    picture: Float[np.ndarray, "height width channel"],
    order: Int[np.ndarray, " patches"],
    grid: tuple[int, int],
    *,
    steps: int,
    filling: Float[np.ndarray, "height width channel"],
) -> tuple[Float[np.ndarray, " step"], Float[np.ndarray, " step"]]:
    """What is predicted as ever more patches of an order go.

    Returns:
        The share of patches deleted, 0 to 1, and the prediction at each.
    """
    counts = steps_of(len(order), steps)
    return counts / len(order), np.asarray(predict(deleted(picture, filling, order, grid, counts)), np.float64)


def area_under(share: Float[np.ndarray, " step"], prediction: Float[np.ndarray, " step"]) -> float:
    """Mean height of a deletion curve, in the unit of the prediction (trapezoids); less is more faithful."""
    return float(np.trapezoid(prediction, share))


def smoothed(saliency: Float[np.ndarray, "height width"], grid: tuple[int, int]) -> Float[np.ndarray, "height width"]:
    """A pixel map at the sharpness of a patch map: gradients are noise from pixel to pixel."""
    size = max(1, len(saliency) // grid[0])
    return uniform_filter(saliency, size, mode="nearest")


def _cells(pixels: int, cells: int) -> Int[np.ndarray, " pixels"]:
    """The row (or column) of patches that each row (or column) of pixels lies in."""
    return np.arange(pixels) * cells // pixels


def _check(saliency: np.ndarray, heat_mm: np.ndarray) -> None:
    if saliency.shape != heat_mm.shape:
        raise ArgumentError(
            f"saliency: its shape {saliency.shape} differs from the heatmap's, {heat_mm.shape}; bring both to the crop"
        )
    if not np.isfinite(saliency).all():
        raise ArgumentError("saliency: some values are NaN or infinite; a map must be finite everywhere")
