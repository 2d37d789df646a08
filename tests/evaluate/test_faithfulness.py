"""Laws of the scores that hold a saliency map against the true heatmap."""

import math

import numpy as np
import pytest

from pain3d.errors import ArgumentError
from pain3d.evaluate.faithfulness import (
    NO_HEAT,
    agreement,
    area_under,
    blurred,
    deleted,
    deletion_curve,
    greyed,
    mass_inside,
    patch_order,
    pointing_game,
    rank_correlation,
    region_of,
    smoothed,
    steps_of,
)
from pain3d.streams import stream

GRID = (4, 4)


def heat(top=8, left=4, size=32):
    """A square of 8 x 8 pixels that moved 6 mm."""
    picture = np.zeros((size, size), np.float32)
    picture[top : top + 8, left : left + 8] = 6
    return picture


def test_a_map_that_is_the_heatmap_is_perfect():
    scores = agreement(heat(), heat())
    assert (scores.pointing_game, scores.mass_inside, scores.reason) == (1, 1, "")
    assert scores.rank_correlation == pytest.approx(1)
    assert scores.region_share == 64 / 1024


def test_random_maps_score_what_chance_scores():
    rng = stream(0, "random maps")
    scores = [agreement(rng.random((32, 32)), heat(), tolerance=0.0) for _ in range(400)]
    assert np.mean([score.pointing_game for score in scores]) == pytest.approx(1 / 16, abs=0.04)
    assert np.mean([score.mass_inside for score in scores]) == pytest.approx(1 / 16, abs=0.005)
    assert np.mean([score.rank_correlation for score in scores]) == pytest.approx(0, abs=0.01)


def test_a_constant_map_scores_the_share_of_the_region_and_has_no_rank_correlation():
    scores = agreement(np.ones((32, 32)), heat(), tolerance=0.0)
    assert scores.pointing_game == scores.mass_inside == scores.region_share
    assert math.isnan(scores.rank_correlation)
    assert scores.reason == "the map or the heatmap is constant"


def test_a_face_without_heat_has_no_score_and_says_why():
    scores = agreement(np.ones((32, 32)), heat() * 0.1)
    assert math.isnan(scores.pointing_game)
    assert math.isnan(scores.mass_inside)
    assert math.isnan(scores.rank_correlation)
    assert scores.reason == NO_HEAT


@pytest.mark.parametrize(("column", "tolerance", "expected"), [(13, 1.0, 0), (13, 2.0, 1), (12, 1.0, 1), (12, 0, 0)])
def test_the_pointing_game_allows_the_tolerance_and_no_more(column, tolerance, expected):
    saliency = np.zeros((32, 32))
    saliency[10, column] = 1  # the region's last column is 11
    assert pointing_game(saliency, region_of(heat()), tolerance) == expected


def test_scores_by_hand():
    saliency = np.array([[3.0, 1.0], [-5.0, 0.0]])
    region = np.array([[True, False], [True, False]])
    assert mass_inside(saliency, region) == 0.75
    assert rank_correlation(saliency, np.array([[2.0, 0.0], [0.0, 0.0]])) == pytest.approx(0.7745966)


def test_all_scores_are_blind_to_scale_and_to_mirrors():
    rng = stream(1, "mirrors")
    saliency, truth = rng.random((32, 32)), heat() * rng.random((32, 32)).astype(np.float32)
    once = agreement(saliency, truth)
    for other in (agreement(saliency * 7, truth), agreement(saliency[:, ::-1], truth[:, ::-1])):
        assert other.pointing_game == once.pointing_game
        assert other.mass_inside == pytest.approx(once.mass_inside)
        assert other.rank_correlation == pytest.approx(once.rank_correlation)


def test_patches_come_most_salient_first():
    order = patch_order(heat(), GRID)
    assert order[0] == 4  # row 1 (pixels 8..15), columns 0 and 1 share the square
    assert order[1] == 5
    assert sorted(order) == list(range(16))


def test_deleting_nothing_changes_nothing_and_deleting_all_leaves_the_filling():
    rng = stream(2, "deletion")
    picture = rng.random((32, 32, 3)).astype(np.float32)
    filling = blurred(picture)
    first, *between, last = deleted(picture, filling, rng.permutation(16), GRID, steps_of(16, 4))
    assert (first == picture).all()
    assert (last == filling).all()
    assert [round(float((frame != picture).any(axis=2).mean()), 2) for frame in between] == [0.25, 0.5, 0.75]


def test_a_curve_by_hand():
    """The prediction is the mean over the bright patch: gone at once in the right order, last in the reverse one."""
    picture = np.repeat(heat()[..., None], 3, axis=2)
    filling = np.zeros_like(picture)

    def predict(pictures):
        return pictures.mean(axis=(1, 2, 3)) * 16

    right = deletion_curve(predict, picture, patch_order(heat(left=8), GRID), GRID, steps=16, filling=filling)
    assert right[0].tolist() == [i / 16 for i in range(17)]
    assert right[1][0] == pytest.approx(6)
    order = patch_order(heat(), GRID)
    best = area_under(*deletion_curve(predict, picture, order, GRID, steps=16, filling=filling))
    worst = area_under(*deletion_curve(predict, picture, order[::-1], GRID, steps=16, filling=filling))
    # By hand: 6, 3, 0, 0, ... and 6, ..., 6, 3, 0 with trapezoids a sixteenth wide.
    assert best == pytest.approx((4.5 + 1.5) / 16)
    assert worst == pytest.approx((14 * 6 + 4.5 + 1.5) / 16)


def test_a_prediction_that_ignores_the_picture_has_a_flat_curve():
    share, prediction = deletion_curve(
        lambda pictures: np.full(len(pictures), 5.0),
        np.zeros((32, 32, 3), np.float32),
        np.arange(16),
        GRID,
        steps=5,
        filling=np.ones((32, 32, 3), np.float32),
    )
    assert area_under(share, prediction) == pytest.approx(5)


def test_fillings_keep_the_mean_colour():
    picture = stream(3, "fillings").random((32, 32, 3)).astype(np.float32)
    for filling in (blurred(picture), greyed(picture)):
        assert filling.shape == picture.shape
        assert filling.mean(axis=(0, 1)) == pytest.approx(picture.mean(axis=(0, 1)), abs=0.02)
    assert blurred(picture).std() < 0.2 * picture.std()


def test_smoothing_keeps_a_constant_map():
    assert smoothed(np.full((32, 32), 0.5), GRID) == pytest.approx(np.full((32, 32), 0.5))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: agreement(np.ones((4, 4)), heat()), r"saliency: its shape \(4, 4\) differs"),
        (lambda: agreement(np.full((32, 32), np.nan), heat()), "saliency: some values are NaN or infinite"),
        (lambda: region_of(heat(), 0.0), r"threshold_mm: 0\.0 is not positive"),
        (lambda: patch_order(heat(), (64, 64)), "grid: 64 x 64 is finer than the map"),
        (lambda: steps_of(16, 0), "steps: 0 is less than 1"),
    ],
)
def test_errors_name_the_argument_and_the_rule(call, message):
    with pytest.raises(ArgumentError, match=message):
        call()
