"""CoarseModel: head and shoulders of the MakeHuman base mesh with everything that moves them, in metres.

Its vertices are those of `base.obj` that a portrait needs: skin down to mid-chest and the helpers around and inside
the head (eyes, lashes, teeth, tongue, hair cap, joint cubes). They are numbered compactly, in the file's order;
`original` and `index_of` translate. Height, body proportions and cup size stay out: on a head they amount to a shift
and a change of size that a portrait cannot tell from the distance of the camera.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from pain3d.face.assets import BASE_VERTICES, asset_root, read_base_mesh, read_target, read_vertex_groups
from pain3d.face.cache import Arrays, cached

RACES = ("african", "asian", "caucasian")
AGES = ("child", "young", "old")
MUSCLES = ("minmuscle", "averagemuscle", "maxmuscle")
WEIGHTS = ("minweight", "averageweight", "maxweight")
LOCAL_FOLDERS = (
    "asym", "cheek", "chin", "ears", "eyebrows", "eyes", "forehead", "head", "mouth", "neck", "nose",
)  # fmt: skip

CHEST_DM = 3.7
"""Height on the base mesh at which the body is cut: 36 cm below the eyes."""
ARM_DM = 2.6
"""How far out along the arms the body is kept."""
EYE_LEFT = range(14598, 14670)
EYE_RIGHT = range(14670, 14742)
"""Vertices of the eyeballs in `base.obj`."""

Shape = Mapping[str, float]
"""Shape weights of one head: see `CoarseModel.weights_of`."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CoarseModel:
    """Vertices, skin quads and targets at the resolution of `base.obj`."""

    original: Int[np.ndarray, " coarse"]
    """Number of each vertex in `base.obj`, ascending."""
    base_m: Float[np.ndarray, "coarse 3"]
    """float32, frame of the file (y up, z out of the face, x to the subject's left, origin at mid-body)."""
    quads: Int[np.ndarray, "quad 4"]
    """Body skin, cavities included."""
    quad_uvs: Int[np.ndarray, "quad 4"]
    uvs: Float[np.ndarray, "uv 2"]
    """As in the file: v up, whole body."""
    target_names: Mapping[str, int]
    target_first: Int[np.ndarray, " targets_and_one"]
    target_index: Int[np.ndarray, " moved"]
    target_delta_m: Float[np.ndarray, "moved 3"]

    @cached_property
    def coarse_of(self) -> Int[np.ndarray, " base"]:
        """Compact number of every `base.obj` vertex, -1 where dropped."""
        compact = np.full(BASE_VERTICES, -1, dtype=np.int32)
        compact[self.original] = np.arange(len(self.original))
        return compact

    def index_of(self, original: Iterable[int] | Int[np.ndarray, " n"]) -> Int[np.ndarray, " n"]:
        """Compact numbers of `base.obj` vertices.

        Raises:
            KeyError: for a vertex that a portrait does not need.
        """
        wanted = np.array(list(original), dtype=np.int64)
        found = self.coarse_of[wanted]
        if (found < 0).any():
            lost = wanted[found < 0][:5].tolist()
            raise KeyError(f"original: the coarse model does not keep base.obj vertices {lost}")
        return found

    @cached_property
    def groups(self) -> Mapping[str, Int[np.ndarray, " vertex"]]:
        """Named vertex sets of the file that are kept whole, in compact numbers: helper-l-eye, joint-jaw, ..."""
        found = {name: self.coarse_of[members] for name, members in read_vertex_groups().items()}
        return {name: members for name, members in found.items() if (members >= 0).all()}

    def target(self, name: str) -> tuple[Int[np.ndarray, " moved"], Float[np.ndarray, "moved 3"]]:
        """Compact indices and displacements [m] of a target: ``nose/nose-hump-incr``, ``race/asian-male-old``,
        ``universal/male-old-maxmuscle-minweight``, ``expression/caucasian/nose-left-elevation``, ``unit/jawOpen``."""
        k = self._target_number(name)
        part = slice(self.target_first[k], self.target_first[k + 1])
        return self.target_index[part], self.target_delta_m[part]

    def unit(self, name: str) -> tuple[Int[np.ndarray, " moved"], Float[np.ndarray, "moved 3"]]:
        """One of the 52 face units: ``browDownLeft``, ..."""
        return self.target(f"unit/{name}")

    def expression_unit(self, race: str, name: str) -> tuple[Int[np.ndarray, " moved"], Float[np.ndarray, "moved 3"]]:
        """One of the 34 expression units of a race: ``("asian", "eye-left-slit")``."""
        return self.target(f"expression/{race}/{name}")

    def dense(self, name: str) -> Float[np.ndarray, "coarse 3"]:
        """A target as displacements [m] of all vertices."""
        out = np.zeros_like(self.base_m)
        index, delta = self.target(name)
        out[index] = delta
        return out

    def _target_number(self, name: str) -> int:
        try:
            return self.target_names[name]
        except KeyError:
            raise KeyError(f"target: the head assets have no {name!r}") from None

    def combine(self, weights: Mapping[str, float]) -> Float[np.ndarray, "coarse 3"]:
        """Base mesh plus weighted targets, in the frame of the file."""
        vertices = self.base_m.copy()
        for name, weight in weights.items():
            if weight != 0:
                index, delta = self.target(name)
                vertices[index] += np.float32(weight) * delta
        return vertices

    def blend(self, shape: Shape) -> Float[np.ndarray, "coarse 3"]:
        """The neutral head of a shape, in metres in its own head frame: origin midway between the eyeballs."""
        vertices = self.combine(target_weights(shape))
        return vertices - self.eye_middle(vertices)

    def eye_middle(self, vertices_m: Float[np.ndarray, "coarse 3"]) -> Float[np.ndarray, "3"]:
        """The point midway between the centres of the eyeballs."""
        return vertices_m[self._eyes].mean(axis=0, dtype=np.float64).astype(np.float32)

    @cached_property
    def _eyes(self) -> Int[np.ndarray, " vertex"]:
        return self.index_of([*EYE_LEFT, *EYE_RIGHT])


MACROS = ("male", "child", "old", "muscle", "weight", *RACES)
"""Shape weights that mix whole heads; all others name a local target."""


def target_weights(shape: Shape) -> dict[str, float]:
    """Weights of the targets that make a shape.

    A shape gives ``male`` 0..1, ``child`` and ``old`` 0..1 (the rest is young), ``muscle`` and ``weight`` 0..1
    (0.5 average), ``african``, ``asian`` and ``caucasian`` (used as shares of their sum), and any number of local
    changes: -1..1 by the name of a pair of `LOCAL_PAIRS`, 0..1 by that of a single target. Macro weights are products
    of the piecewise linear interpolation weights of each dimension, as MakeHuman defines them.
    """
    ages = {"child": shape["child"], "old": shape["old"], "young": 1 - shape["child"] - shape["old"]}
    sexes = {"male": shape["male"], "female": 1 - shape["male"]}
    muscles = _around_average(shape["muscle"], MUSCLES)
    fat = _around_average(shape["weight"], WEIGHTS)
    total = sum(shape[race] for race in RACES)
    weights: dict[str, float] = {}
    for sex, s in sexes.items():
        for age, a in ages.items():
            for race in RACES:
                weights[f"race/{race}-{sex}-{age}"] = s * a * shape[race] / total
            for muscle, m in muscles.items():
                for weight, w in fat.items():
                    weights[f"universal/{sex}-{age}-{muscle}-{weight}"] = s * a * m * w
    for name, value in shape.items():
        if name not in MACROS:
            negative, positive = LOCAL_PAIRS.get(name, (name, name))
            weights[positive if value >= 0 else negative] = abs(value)
    return weights


def _around_average(value: float, names: tuple[str, str, str]) -> dict[str, float]:
    low, high = max(0.0, 1 - 2 * value), max(0.0, 2 * value - 1)
    return {names[0]: low, names[1]: 1 - low - high, names[2]: high}


def _local_pairs() -> dict[str, tuple[str, str]]:
    """(negative, positive) target of each local change that has opposites, by the name of the positive one."""
    categories = json.loads((asset_root() / "mpfb2/targets/target.json").read_text())
    pairs: dict[str, tuple[str, str]] = {}
    for folder in LOCAL_FOLDERS:
        for category in categories[folder]["categories"] if folder in categories else ():
            if "opposites" not in category:
                continue
            for side in ("left", "right", "unsided"):
                negative = category["opposites"][f"negative-{side}"]
                positive = category["opposites"][f"positive-{side}"]
                if negative and positive:
                    pairs[f"{folder}/{positive}"] = (f"{folder}/{negative}", f"{folder}/{positive}")
    return pairs


LOCAL_PAIRS: Mapping[str, tuple[str, str]] = _local_pairs()


def load_coarse() -> CoarseModel:
    """Read the coarse model from the cache, or from the asset files the first time."""
    arrays = cached("head", _parse)
    names = arrays.pop("target_names").tobytes().decode().split("\n")
    return CoarseModel(**arrays, target_names={name: k for k, name in enumerate(names)})


def _parse() -> Arrays:
    mesh = read_base_mesh()
    groups = read_vertex_groups()
    middle = mesh.vertices_dm[mesh.quads].mean(axis=1)
    quads = (mesh.quad_groups == "body") & (middle[:, 1] > CHEST_DM) & (np.abs(middle[:, 0]) < ARM_DM)
    keep = np.zeros(BASE_VERTICES, dtype=bool)
    keep[mesh.quads[quads].ravel()] = True
    for name, members in groups.items():
        if name.startswith(("helper", "joint")) and name not in ("helper-tights", "helper-skirt"):
            keep[members] = mesh.vertices_dm[members, 1].mean() > CHEST_DM
    original = np.flatnonzero(keep)
    compact = np.full(BASE_VERTICES, -1, dtype=np.int32)
    compact[original] = np.arange(len(original))

    root = asset_root()
    files = [(f"universal/{p.name[10:-10]}", p) for p in sorted(root.glob("mpfb2/targets/macrodetails/universal-*"))]
    files += [(f"race/{p.name[:-10]}", p) for p in sorted(root.glob("mpfb2/targets/macrodetails/*-*.gz"))]
    files = [(n, p) for n, p in files if "-baby" not in n and not n.startswith("race/universal")]
    for folder in LOCAL_FOLDERS:
        files += [(f"{folder}/{p.name[:-10]}", p) for p in sorted((root / "mpfb2/targets" / folder).glob("*.gz"))]
    for race in RACES:
        folder = root / "mpfb2/targets/expression/units" / race
        files += [(f"expression/{race}/{p.name[:-10]}", p) for p in sorted(folder.glob("*.gz"))]
    files += [(f"unit/{p.stem}", p) for p in sorted((root / "faceunits01/targets/faceunits").glob("*.target"))]

    first, index, delta = [0], [], []
    for _, path in files:
        moved, shift = read_target(path)
        kept = keep[moved]
        index.append(compact[moved[kept]])
        delta.append(shift[kept] * 0.1)
        first.append(first[-1] + len(index[-1]))
    used, quad_uvs = np.unique(mesh.quad_uvs[quads], return_inverse=True)
    return {
        "original": original.astype(np.int32),
        "base_m": (mesh.vertices_dm[original] * 0.1).astype(np.float32),
        "quads": compact[mesh.quads[quads]],
        "quad_uvs": quad_uvs.reshape(-1, 4).astype(np.int32),
        "uvs": mesh.uvs[used],
        "target_names": np.frombuffer("\n".join(name for name, _ in files).encode(), dtype=np.uint8),
        "target_first": np.array(first, dtype=np.int32),
        "target_index": np.concatenate(index).astype(np.int32),
        "target_delta_m": np.concatenate(delta).astype(np.float32),
    }
