"""Living wrinkles: nothing at rest, more with every Action Unit and every year, each face in its own way."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pain3d.demographics import ETHNICITIES, SEXES
from pain3d.face.model import Identity
from pain3d.face.rig import side_weights
from pain3d.facs import AU_INDEX, AU_NAMES, Expression
from pain3d.skin.atlas import SkinAtlas
from pain3d.skin.lines import static_curves
from pain3d.skin.maps import WrinkleRelief
from pain3d.skin.procedural import Painter
from pain3d.skin.traits import SkinTraits, sample_traits
from pain3d.skin.wrinkle_lines import furrows, wear
from pain3d.skin.wrinkle_zones import ZONES, zone_weights
from pain3d.skin.wrinkles import MIDLINE_MM, LivingWrinkles, Wrinkler

PEOPLE = [
    sample_traits(np.random.default_rng(seed), age_years=20 + 7 * seed, sex=sex, ethnicity=ethnicity)
    for seed, (sex, ethnicity) in enumerate((s, e) for s in SEXES for e in ETHNICITIES)
]
"""Both sexes, all groups, 20 to 83 years."""
FOLDING = sorted({name for zone in ZONES.values() for name in zone.gains}, key=AU_NAMES.index)
STILL = [name for name in AU_NAMES if name not in FOLDING]


@pytest.fixture(scope="module")
def wrinkler(painter: Painter) -> Wrinkler:
    return Wrinkler(painter.atlas, painter.ground)


@pytest.fixture(scope="module")
def folded(wrinkler: Wrinkler) -> list[LivingWrinkles]:
    return [wrinkler.fold(traits) for traits in PEOPLE]


def identity(*, asymmetry: float = 0.0, expressiveness: float = 1.0) -> Identity:
    return Identity(
        age_years=50,
        sex="female",
        ethnicity="white",
        shape={},
        expressiveness=np.full(16, expressiveness),
        asymmetry=np.full(16, asymmetry),
    )


def relief(one: LivingWrinkles, who: Identity | None = None, **intensities: float) -> WrinkleRelief:
    expression = Expression(**intensities)  # pyright: ignore[reportArgumentType]
    return one.relief(side_weights(who or identity(), expression.vector))


def depth_mm(found: WrinkleRelief) -> float:
    """Root mean square over the texels that are folded."""
    return float(np.sqrt(np.square(found.height_mm.astype(float)).sum()))


def highest(name: str) -> float:
    return 1.0 if name == "AU43" else 5.0


def test_a_face_at_rest_is_exactly_flat(folded: list[LivingWrinkles]) -> None:
    for one in folded:
        found = relief(one)
        assert found.is_flat
        assert not found.on_grid(found.height_mm).any()


@pytest.mark.parametrize("name", STILL)
def test_units_that_fold_nothing(folded: list[LivingWrinkles], name: str) -> None:
    for one in folded:
        assert relief(one, **{name: 5.0}).is_flat


@pytest.mark.parametrize("name", FOLDING)
def test_every_step_of_a_unit_folds_deeper_everywhere(folded: list[LivingWrinkles], name: str) -> None:
    for one in folded:
        before = np.zeros(len(one.texel), np.float32)
        for level in (1.0,) if name == "AU43" else (0.5, 1.0, 2.0, 3.0, 4.0, 5.0):
            height = relief(one, **{name: level}).height_mm
            assert (np.abs(height) >= np.abs(before)).all()
            assert np.abs(height).max() > np.abs(before).max()
            before = height


@pytest.mark.parametrize("name", FOLDING)
def test_a_unit_among_others_creases_no_zone_less(name: str) -> None:
    rng = np.random.default_rng(1)
    for _ in range(20):
        weights = rng.uniform(0, 1.2, (16, 2))
        more = weights.copy()
        more[AU_INDEX[name]] += 0.1
        assert (zone_weights(more) >= zone_weights(weights)).all()
        assert (zone_weights(more) > zone_weights(weights)).any()


@pytest.mark.parametrize("name", FOLDING)
def test_years_deepen_what_a_unit_folds(wrinkler: Wrinkler, name: str) -> None:
    """In each person from youth to age, and in people on the average with every twenty years.

    Not in each person with every step: lines at rest, which furrows follow, are drawn anew for each age.
    """
    depths = np.zeros((len(PEOPLE), 4))
    for row, traits in zip(depths, PEOPLE, strict=True):
        ages = [dataclasses.replace(traits, age_years=20 + 20 * k, wrinkles=0.35 * k) for k in range(4)]
        assert [wear(aged) for aged in ages] == sorted(wear(aged) for aged in ages)
        row[:] = [depth_mm(relief(wrinkler.fold(aged), **{name: highest(name)})) for aged in ages]
    assert (depths[:, -1] > 1.2 * depths[:, 0]).all()
    assert (np.diff(depths.mean(axis=0)) > 0.03 * depths.mean()).all()


@pytest.mark.parametrize("traits", PEOPLE)
def test_old_faces_have_more_furrows(traits: SkinTraits) -> None:
    drawn = [furrow for some in furrows(traits).values() for furrow in some]
    late = [furrow for furrow in drawn if furrow.onset > 0.2]
    assert 6 < len(late) < len(drawn)


def test_each_side_follows_its_own_weight(wrinkler: Wrinkler, folded: list[LivingWrinkles]) -> None:
    weights = side_weights(identity(), Expression(AU1=3, AU2=4, AU4=3, AU6=4, AU9=5, AU10=2).vector)
    left_alone, right_alone = weights * [1, 0], weights * [0, 1]
    for one in folded:
        x = wrinkler._x[one.texel]
        both, left, right = (one.relief(w).height_mm for w in (weights, left_alone, right_alone))
        assert not left[x < -MIDLINE_MM].any()
        assert not right[x > MIDLINE_MM].any()
        assert np.array_equal(left[x > MIDLINE_MM], both[x > MIDLINE_MM])
        np.testing.assert_allclose(left + right, both, atol=1e-5)


def test_a_symmetric_face_folds_alike_on_both_sides(wrinkler: Wrinkler, folded: list[LivingWrinkles]) -> None:
    """Lines differ from side to side, so that depth is compared, not place."""
    for one in folded:
        x = wrinkler._x[one.texel]
        squares = np.square(relief(one, AU4=4, AU6=4, AU9=4, AU10=4).height_mm.astype(float))
        assert 0.6 < np.sqrt(squares[x > 0].sum() / squares[x < 0].sum()) < 1.6


@pytest.mark.parametrize("asymmetry", [0.3, -0.3])
def test_the_weaker_side_folds_less(wrinkler: Wrinkler, folded: list[LivingWrinkles], asymmetry: float) -> None:
    for one in folded:
        x = wrinkler._x[one.texel] * np.sign(asymmetry)
        even, uneven = (
            np.abs(relief(one, identity(asymmetry=a), AU4=5, AU6=5, AU9=5).height_mm) for a in (0, asymmetry)
        )
        weaker = x < -MIDLINE_MM
        np.testing.assert_allclose(uneven[weaker], 0.7 * even[weaker], atol=1e-5)
        assert np.array_equal(uneven[x > MIDLINE_MM], even[x > MIDLINE_MM])


def test_expressive_faces_fold_deeper(folded: list[LivingWrinkles]) -> None:
    for one in folded:
        low, high = (relief(one, identity(expressiveness=e), AU9=4).height_mm for e in (0.85, 1.15))
        np.testing.assert_allclose(high * 0.85, low * 1.15, atol=1e-5)


def test_no_two_faces_fold_alike(folded: list[LivingWrinkles]) -> None:
    grids = []
    for one in folded:
        found = relief(one, AU1=5, AU2=5, AU4=5, AU6=5, AU9=5, AU10=5, AU17=5)
        grids.append(found.on_grid(found.height_mm).ravel())
    alike = np.corrcoef(grids)[np.triu_indices(len(grids), 1)]
    assert alike.max() < 0.85
    assert alike.min() > 0.05, "the same zones all the same"


@pytest.mark.parametrize("traits", PEOPLE[::3])
def test_the_same_traits_give_the_same_bytes_whatever_came_before(
    wrinkler: Wrinkler, folded: list[LivingWrinkles], traits: SkinTraits
) -> None:
    before = folded[PEOPLE.index(traits)]
    wrinkler.fold(PEOPLE[1])
    again = wrinkler.fold(traits)
    for name in ("height_mm", "blood", "texel"):
        first, second = (getattr(relief(one, AU4=4, AU9=3, AU17=2), name) for one in (before, again))
        assert first.tobytes() == second.tobytes(), name


@pytest.mark.parametrize("names", [("AU1", "AU2"), ("AU17",)])
def test_furrows_keep_the_volume_of_the_skin(
    wrinkler: Wrinkler, folded: list[LivingWrinkles], atlas: SkinAtlas, names: tuple[str, ...]
) -> None:
    """What a furrow takes, its flanks give; where furrows crowd, flanks overlap, and some is lost."""
    for one in folded:
        height = relief(one, **dict.fromkeys(names, 5.0)).height_mm.astype(float)
        assert abs(height.sum()) < 0.35 * np.abs(height).sum()
        assert height.min() < 0 < height.max()


def test_furrows_are_rounded(folded: list[LivingWrinkles]) -> None:
    """No wall is steeper than 63 degrees: scratches would be."""
    pitch_mm = 1.2  # of the small atlas of the tests, at the forehead
    for one in folded:
        found = relief(one, AU1=5, AU2=5)
        down, across = np.gradient(found.on_grid(found.height_mm))
        assert np.hypot(down, across).max() < 2.0 * pitch_mm


@pytest.mark.parametrize("traits", PEOPLE)
def test_lines_at_rest_deepen_and_are_not_doubled(traits: SkinTraits) -> None:
    at_rest = [points for points, _, _ in static_curves(traits)]
    drawn = furrows(traits)
    for name, least in {"glabella": 2, "forehead": 2, "crows_feet": 6, "pouch": 4, "fold_lower": 2}.items():
        same = [one for one in drawn[name] if any(np.array_equal(one.points, points) for points in at_rest)]
        assert len(same) >= least, name
        known = np.concatenate([one.points for one in same])
        for other in drawn[name]:
            if other.depth and other.onset != 0.3 and not any(other is one for one in same):
                away = np.sqrt(np.square(other.points[:, None] - known).sum(axis=2).min(axis=1))
                assert np.median(away) > 2.4, name


def test_blood_leaves_furrows_and_rises_under_strain(folded: list[LivingWrinkles]) -> None:
    for one in folded:
        brows = relief(one, AU1=5, AU2=5)
        deep = brows.height_mm < -0.2
        assert (brows.blood[deep] < 0).all()
        assert (brows.blood <= 0).all(), "raised brows are no strain"
        strained = relief(one, AU4=5, AU6=5, AU7=5, AU9=5, AU10=5)
        assert 0.3 < strained.blood.max() < 0.7
        assert max(one.tint) < 0, "blood takes light away"
        assert min(one.tint) == min(one.tint[1:]), "red least"
