"""The atlas from the cache is the atlas that is baked."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from pain3d.face.cache import cache_file
from pain3d.skin import atlas as atlas_module
from pain3d.skin.atlas import SkinAtlas, bake_atlas, load_atlas
from pain3d.skin.template import Template


def same(a: SkinAtlas, b: SkinAtlas) -> bool:
    pairs = [(getattr(a, part.name), getattr(b, part.name)) for part in dataclasses.fields(SkinAtlas)]
    return all(
        type(x) is type(y) and np.asarray(x).dtype == np.asarray(y).dtype and np.array_equal(x, y) for x, y in pairs
    )


def test_cached_atlas_is_the_baked_one(template: Template, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PAIN3D_CACHE", str(tmp_path))
    baked = bake_atlas(template)
    assert same(load_atlas(template), baked)
    assert cache_file("atlas").exists()
    monkeypatch.setattr(atlas_module, "bake_atlas", lambda _: pytest.fail("baked again"))
    assert same(load_atlas(template), baked)


def test_another_head_has_another_atlas(template: Template) -> None:
    other = dataclasses.replace(template, base_uvs=template.base_uvs * np.float32(0.5))
    assert atlas_module._digest(other) != atlas_module._digest(template)
