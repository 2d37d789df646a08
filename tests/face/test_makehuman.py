from __future__ import annotations

import multiprocessing
from pathlib import Path

import numpy as np
import pytest

from pain3d.face import cache, makehuman
from pain3d.face.coarse import CoarseModel, load_coarse, target_weights
from pain3d.face.identity import average_identity
from pain3d.face.makehuman import MakeHuman
from pain3d.face.mesh import Part
from pain3d.face.model import Identity
from pain3d.facs import Expression
from pain3d.streams import stream


@pytest.fixture(scope="module")
def model() -> MakeHuman:
    return makehuman.load()


@pytest.fixture(scope="module")
def person(model: MakeHuman) -> Identity:
    return model.sample(stream(0, "test"), age_years=47, sex="female", ethnicity="south_asian")


def test_topology_is_small_enough_to_be_fast(model: MakeHuman) -> None:
    assert len(model.topology.uvs) <= 25_000
    assert len(model.topology.triangles) <= 47_500


def test_every_vertex_is_used_and_every_part_is_there(model: MakeHuman) -> None:
    topology = model.topology
    assert np.array_equal(np.unique(topology.triangles), np.arange(len(topology.uvs)))
    assert set(topology.part.tolist()) == {int(part) for part in Part}
    assert topology.uvs.min() > 0 and topology.uvs.max() < 1


def test_body_is_closed_but_for_the_cut(model: MakeHuman) -> None:
    triangles = model.skin.point_of[model.skin.triangles]
    edges = np.sort(np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)]), axis=1)
    unique, uses = np.unique(edges, axis=0, return_counts=True)
    assert uses.max() == 2
    rim = (model.skin.matrix @ model.coarse.base_m)[unique[uses == 1]]
    assert ((rim[..., 1] < 0.42) | (np.abs(rim[..., 0]) > 0.22)).all()


def test_triangles_are_turned_outward(model: MakeHuman) -> None:
    mesh = model.template
    forehead = mesh.vertices_m[(mesh.vertices_m[:, 2] > 0.0) & (mesh.vertices_m[:, 1] > 0.03)]
    assert len(forehead) > 100
    front = mesh.normals[(mesh.vertices_m[:, 2] > 0.0) & (mesh.vertices_m[:, 1] > 0.03)]
    assert front[:, 2].min() > 0


def test_origin_lies_between_the_eyes(model: MakeHuman, person: Identity) -> None:
    neutral_m = model.head(person).neutral_m
    eyes = [neutral_m[model.coarse.groups[f"helper-{side}-eye"]].mean(axis=0) for side in "lr"]
    np.testing.assert_allclose((eyes[0] + eyes[1]) / 2, 0, atol=1e-6)
    assert eyes[0][0] > 0.025 and eyes[1][0] < -0.025  # +x is the subject's left
    mesh = model.head(person).neutral
    assert mesh.landmarks_m[8, 1] < -0.08 and mesh.landmarks_m[30, 2] > 0.02


def test_pose_is_a_pure_function(model: MakeHuman, person: Identity) -> None:
    head = model.head(person)
    expression = Expression(AU4=3, AU6=2, AU9=4, AU26=2, AU43=1)
    first = head.express(expression)
    head.pose(np.full(16, 1.0))
    again = model.head(person).express(expression)
    assert first.vertices_m.tobytes() == again.vertices_m.tobytes()
    assert first.normals.tobytes() == again.normals.tobytes()
    assert first.vertices_m.dtype == first.normals.dtype == np.float32
    assert head.neutral.vertices_m.tobytes() == model.head(person).neutral.vertices_m.tobytes()


def test_vertices_of_one_point_share_place_and_normal(model: MakeHuman, person: Identity) -> None:
    mesh = model.head(person).pose(np.full(16, 0.9))
    point_of = model.topology.point_of
    first = np.zeros(point_of.max() + 1, dtype=np.int64)
    first[point_of] = np.arange(len(point_of))
    np.testing.assert_array_equal(mesh.vertices_m, mesh.vertices_m[first[point_of]])
    np.testing.assert_array_equal(mesh.normals, mesh.normals[first[point_of]])
    np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=1), 1, atol=1e-4)


def test_only_body_skin_of_head_and_neck_is_measured(model: MakeHuman) -> None:
    topology = model.topology
    for part in (Part.MOUTH, Part.TEETH, Part.TONGUE, Part.EYE, Part.LASH):
        inside = np.unique(topology.triangles[topology.part == part])
        assert topology.measured[inside].mean() == 0
    assert topology.measured[topology.landmarks].all()
    low = model.template.vertices_m[topology.measured][:, 1].min()
    assert -0.2 < low < -0.1  # down to the neck, not the garment


def test_coarse_model_keeps_original_numbering(model: MakeHuman) -> None:
    coarse = model.coarse
    assert np.array_equal(coarse.original[coarse.index_of([0, 7000, 14598, 15127])], [0, 7000, 14598, 15127])
    with pytest.raises(KeyError, match=r"does not keep base\.obj vertices \[13000\]"):
        coarse.index_of([13000])
    with pytest.raises(KeyError, match="no 'unit/browDown'"):
        coarse.unit("browDown")
    assert len([name for name in coarse.target_names if name.startswith("unit/")]) == 52
    assert len([name for name in coarse.target_names if name.startswith("expression/")]) == 3 * 34


def test_macro_weights_are_shares() -> None:
    shape = dict(average_identity().shape) | {"child": 0.1, "old": 0.3, "muscle": 0.8, "weight": 0.2, "african": 2.0}
    weights = target_weights(shape)
    assert sum(w for name, w in weights.items() if name.startswith("race/")) == pytest.approx(1)
    assert sum(w for name, w in weights.items() if name.startswith("universal/")) == pytest.approx(1)
    assert min(weights.values()) >= 0
    assert weights["universal/male-old-maxmuscle-minweight"] == pytest.approx(0.5 * 0.3 * 0.6 * 0.6)


def same(a: CoarseModel, b: CoarseModel) -> bool:
    return all(
        np.array_equal(getattr(a, name), getattr(b, name))
        for name in ("original", "base_m", "quads", "target_first", "target_index", "target_delta_m")
    )


@pytest.fixture
def fresh_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PAIN3D_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def test_cache_is_written_once_and_read_back(fresh_cache: Path) -> None:
    cold = load_coarse()
    (file,) = fresh_cache.iterdir()
    assert file == cache.cache_file("head")
    stamp = file.stat().st_mtime_ns
    warm = load_coarse()
    assert same(cold, warm) and file.stat().st_mtime_ns == stamp


def test_damaged_cache_is_rebuilt(fresh_cache: Path) -> None:
    good = load_coarse()
    file = cache.cache_file("head")
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 0xFF
    file.write_bytes(raw)
    assert same(load_coarse(), good)
    assert file.stat().st_size > 1_000_000
    assert [path.name for path in fresh_cache.iterdir()] == [file.name]


def test_unwritable_cache_costs_nothing_but_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("a file where the folder should be")
    monkeypatch.setenv("PAIN3D_CACHE", str(blocked / "cache"))
    assert len(load_coarse().original) > 6000


def _load_and_hash(_: int) -> bytes:
    return load_coarse().target_delta_m.tobytes()[-1000:] + makehuman.load().topology.uvs.tobytes()[:1000]


def test_many_processes_may_start_at_once(fresh_cache: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        results = pool.map(_load_and_hash, range(3), chunksize=1)
    assert len(set(results)) == 1
    assert sorted(path.name.split("-")[0] for path in fresh_cache.iterdir()) == ["charts", "head", "skin", "tongue"]
