"""Hairs, spots and lines drawn one by one."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import warp as wp

from pain3d.skin import stroke_kernels
from pain3d.skin.atlas import SkinAtlas
from pain3d.skin.fields import Field
from pain3d.skin.ground import Ground, pick
from pain3d.skin.kernels import GROOVE, HAIR
from pain3d.skin.lines import wrinkles
from pain3d.skin.marks import spots
from pain3d.skin.strokes import along_skin, brow_hairs, head_hairs, join
from pain3d.skin.traits import SkinTraits, sample_traits


@pytest.fixture(scope="module")
def ground(atlas: SkinAtlas) -> Ground:
    return Ground(atlas)


def person(**change: object) -> SkinTraits:
    traits = sample_traits(np.random.default_rng(3), age_years=70, sex="male", ethnicity="white")
    return dataclasses.replace(traits, **change)  # type: ignore[arg-type]


def test_pick_is_in_proportion_and_even() -> None:
    weight = np.array([0.0, 1.0, 3.0, 0.0, 6.0])
    chosen = pick(np.random.default_rng(0), np.cumsum(weight), 10_000)
    np.testing.assert_allclose(np.bincount(chosen, minlength=5), [0, 1000, 3000, 0, 6000], atol=2)
    assert len(pick(np.random.default_rng(0), np.cumsum(weight), 0)) == 0
    assert len(pick(np.random.default_rng(0), np.zeros(4), 7)) == 0


def test_along_skin_is_tangent_and_of_unit_length() -> None:
    rng = np.random.default_rng(0)
    normal = rng.normal(size=(50, 3))
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    flat = along_skin(rng.normal(size=(50, 3)), normal)
    np.testing.assert_allclose((flat * normal).sum(axis=1), 0, atol=1e-12)
    np.testing.assert_allclose(np.linalg.norm(flat, axis=1), 1)


def test_kernel_draws_what_a_plain_loop_draws() -> None:
    """On a flat sheet of 0.5 mm texels, slanted against the axes."""
    size, pitch = 64, 0.5
    row, column = np.mgrid[:size, :size]
    sheet = np.stack([column * pitch * 0.8, column * pitch * 0.6 - row * 0.1 * pitch, row * pitch], axis=-1)
    position = sheet.reshape(-1, 3).astype(np.float32)
    rng = np.random.default_rng(4)
    n = 25
    root = rng.integers(10, 54, n) * size + rng.integers(10, 54, n)
    start = position[root]
    end = start + rng.uniform(-1, 1, (n, 1)) * 4 * (position[1] - position[0]) + rng.uniform(-4, 4, (n, 1)) * [0, 0, 1]
    width = rng.uniform(0.1, 1.0, n)
    strength = rng.uniform(0.2, 1.0, n)
    shade = rng.integers(0, 256, n)
    layers = wp.zeros((3, size * size), dtype=wp.int32, device="cpu")
    arrays = [
        wp.array(root.astype(np.int32), device="cpu"),
        wp.array(start, dtype=wp.vec3, device="cpu"),
        wp.array(end.astype(np.float32), dtype=wp.vec3, device="cpu"),
        *(wp.array(a.astype(np.float32), device="cpu") for a in (width, strength)),
        *(wp.array(a.astype(np.int32), device="cpu") for a in (shade, np.full(n, int(GROOVE)))),
        wp.array(position, dtype=wp.vec3, device="cpu"),
    ]
    wp.launch(stroke_kernels.draw_strokes, n, inputs=[*arrays, size], outputs=[layers], device="cpu")
    got = layers.numpy()

    steps = np.linalg.norm(position[[1, size]] - position[0], axis=1)
    expected = np.zeros(size * size)
    for k in range(n):
        along = end[k] - start[k]
        t = np.clip((position - start[k]) @ along / max(along @ along, 1e-6), 0, 1)
        away = np.linalg.norm(position - start[k] - t[:, None] * along, axis=1)
        w = max(width[k], 0.6 * steps.min())
        fall = np.clip(1 - (away / w) ** 2 / 4, 0, 1) ** 3
        expected = np.maximum(expected, strength[k] * min(1, width[k] / w) * fall)
    assert (got[[int(HAIR), 2]] == 0).all()
    np.testing.assert_allclose((got[int(GROOVE)] >> 8) / 4095, expected, atol=0.003)


def test_brow_hairs_grow_on_the_brows_and_outwards(ground: Ground, atlas: SkinAtlas) -> None:
    hairs = brow_hairs(person(brow_density=1.0), ground)
    at = np.searchsorted(atlas.texel, hairs.root)
    assert (np.abs(atlas.fields[at, Field.BROW_T]) < 7).all()
    outward = (hairs.end_mm - hairs.start_mm)[:, 0] * np.sign(hairs.start_mm[:, 0])
    tail = atlas.fields[at, Field.BROW_S] > 0.5
    assert (outward[tail] > 0).mean() > 0.99
    left = (hairs.start_mm[:, 0] > 0).mean()
    assert 0.42 < left < 0.58
    length = np.linalg.norm(hairs.end_mm - hairs.start_mm, axis=1)
    assert length.min() > 1 and length.max() < 14


def test_numbers_follow_the_traits(ground: Ground) -> None:
    assert len(spots(person(freckles=0.0, moles=0, age_spots=0.0), ground)) == 0
    assert len(spots(person(freckles=1.0, moles=3, age_spots=0.0), ground)) > 500
    assert len(head_hairs(person(baldness=0.0), ground)) > 1.5 * len(head_hairs(person(baldness=1.0), ground))
    assert len(wrinkles(person(wrinkles=0.0), ground)) < len(wrinkles(person(wrinkles=1.0), ground))


def test_wrinkles_lie_on_the_face_and_differ_between_people(ground: Ground, atlas: SkinAtlas) -> None:
    one, two = (wrinkles(person(seed=seed, wrinkles=1.0), ground) for seed in (1, 2))
    for lines in (one, two):
        near = np.linalg.norm(lines.start_mm - atlas.position_mm[lines.root], axis=1)
        assert near.max() < 4
        assert (lines.layer == int(GROOVE)).all() and (lines.strength <= 1).all()
    assert len(one) != len(two) or not np.array_equal(one.start_mm, two.start_mm)


def test_join_keeps_everything(ground: Ground) -> None:
    parts = [brow_hairs(person(), ground), wrinkles(person(), ground)]
    both = join(parts)
    assert len(both) == len(parts[0]) + len(parts[1])
    np.testing.assert_array_equal(both.root, np.concatenate([p.root for p in parts]))
