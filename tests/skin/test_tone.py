"""Pigments, colour spaces and the Monk scale."""

from __future__ import annotations

import numpy as np
import pytest

from pain3d.demographics import ETHNICITIES
from pain3d.skin.spectra import MELANIN_RANGE, linear_srgb, pigment_table, reflectance
from pain3d.skin.tone import (
    MST_ITA_DEGREES,
    blood_coordinate,
    blood_tint,
    cielab,
    ita_degrees,
    melanin_coordinate,
    melanin_share,
    nearest_tone,
    srgb_to_linear,
    target_ita_degrees,
    warm_tint,
)
from pain3d.skin.traits import TONE_SHARES


def test_a_perfect_white_is_white_and_cielab_knows_it() -> None:
    white = linear_srgb(np.ones(31))
    np.testing.assert_allclose(white, 1.0, atol=2e-3)
    np.testing.assert_allclose(cielab(np.ones(3)), [100, 0, 0], atol=0.05)
    np.testing.assert_allclose(cielab(srgb_to_linear(np.array([119, 119, 119], np.uint8))), [50.03, 0, 0], atol=0.05)
    # a published pair: sRGB (200, 150, 120) is L* 66.4, a* 14.7, b* 23.6
    lab = cielab(srgb_to_linear(np.array([200, 150, 120], np.uint8)))
    np.testing.assert_allclose(lab, [66.4, 14.7, 23.6], atol=0.5)


def test_ita_is_the_angle_of_its_definition() -> None:
    linear = srgb_to_linear(np.full((4, 3), [200, 150, 120], np.uint8))
    lightness, _, yellow = cielab(linear[0])
    assert ita_degrees(linear) == pytest.approx(np.degrees(np.arctan((lightness - 50) / yellow)))


@pytest.mark.parametrize("blood", [0.005, 0.01, 0.02])
def test_melanin_darkens_every_band_and_blood_reddens(blood: float) -> None:
    shares = np.geomspace(*MELANIN_RANGE, 30)
    spectra = reflectance(shares, np.array(blood), np.array(0.8))
    assert (np.diff(spectra, axis=0) < 0).all()
    assert (spectra > 0).all() and (spectra < 1).all()
    less, more = (
        cielab(linear_srgb(reflectance(np.array(0.02), np.array(b), np.array(0.8)))) for b in (blood, 2 * blood)
    )
    assert more[1] > less[1] + 2 and more[0] < less[0]


def test_colours_of_the_scale_are_those_of_measured_skin() -> None:
    """L*, a*, b* stay inside the ranges that spectrophotometers find on faces, from very light to dark skin."""
    for tone in range(1, 11):
        blood = blood_coordinate(0.0085)
        at = melanin_coordinate(target_ita_degrees(tone), blood=blood, warmth=0.02)
        table = pigment_table()
        colour = table[round(at * 63), round(blood * 31), 1] * warm_tint(0.02)
        lightness, red, yellow = cielab(colour)
        assert 26 < lightness < 73 and 5 < red < 15 and 8 < yellow < 24
        assert 0.003 < melanin_share(at) < 0.5


def test_scale_falls_from_very_light_to_dark_and_inverts() -> None:
    assert (np.diff(MST_ITA_DEGREES) < -4).all()
    assert MST_ITA_DEGREES[0] > 55 and MST_ITA_DEGREES[-1] < -30
    assert [nearest_tone(target_ita_degrees(tone)) for tone in range(1, 11)] == list(range(1, 11))


def test_groups_overlap_and_cover_the_scale() -> None:
    assert set(TONE_SHARES) == set(ETHNICITIES)
    assert set().union(*TONE_SHARES.values()) == set(range(1, 11))
    for shares in TONE_SHARES.values():
        assert sum(shares.values()) == pytest.approx(1)
        assert len(shares) >= 6
    for tone in range(3, 8):
        assert sum(tone in shares for shares in TONE_SHARES.values()) >= 3


@pytest.mark.parametrize("tone", [0, 11, 2.5])
def test_a_tone_off_the_scale_is_refused(tone: int) -> None:
    with pytest.raises(ValueError, match=r"^skin_tone_mst: .* is outside 1\.\.10, the Monk scale; 1 is the lightest$"):
        target_ita_degrees(tone)


@pytest.mark.parametrize("tone", range(1, 11))
def test_blood_takes_green_light_and_less_of_it_from_dark_skin(tone: int) -> None:
    tint = blood_tint(tone, blood_share=0.0085, warmth=0.05)
    assert (tint < 0).all()
    assert abs(tint[1]) > abs(tint[0]), "red least"
    assert np.abs(tint).max() < 0.35
    if tone > 1:
        assert abs(tint[1]) <= abs(blood_tint(tone - 1, blood_share=0.0085, warmth=0.05)[1]) + 1e-3
