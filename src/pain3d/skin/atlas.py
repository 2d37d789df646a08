"""SkinAtlas: what lies under every texel of the texture, baked once per head model."""

from __future__ import annotations

import dataclasses
import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import scipy
import warp as wp
from jaxtyping import Bool, Float, Int, UInt8
from scipy.ndimage import distance_transform_edt

from pain3d.face.atlas_layout import CELLS
from pain3d.face.cache import Arrays, cached
from pain3d.face.mesh import Part, Topology
from pain3d.skin import bake_kernels
from pain3d.skin.fields import FIELDS, Field, build_fields, canonical_mm
from pain3d.skin.template import Template, masks

FAR_MM = 1.0e4
"""Position of texels that no triangle covers."""
BY_POSITION = (Part.SKIN, Part.MOUTH, Part.TONGUE)
"""Parts painted by where they are, unless they lie in one of `CELLS_BY_UV`."""
CELLS_BY_UV = ("eyes", "teeth_gums", "lashes")
"""Cells painted by texture coordinates, over all their texels."""
_CODE = hashlib.sha256(b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))).hexdigest()
"""Of the code that bakes, as it was imported: whoever edits it gets another atlas without raising a number."""


@dataclass(frozen=True, kw_only=True, eq=False)
class SkinAtlas:
    """Arrays over texels; a texel's number is row * size + column."""

    size: int
    texel: Int[np.ndarray, " active"]
    """int32 number of each covered texel, ascending."""
    part: UInt8[np.ndarray, " active"]
    position_mm: Float[np.ndarray, "texel 3"]
    """float32 canonical coordinates; `FAR_MM` where uncovered."""
    normal: Float[np.ndarray, "active 3"]
    fields: Float[np.ndarray, "active field"]
    """Columns as in `pain3d.skin.fields.Field`."""
    area_mm2: Float[np.ndarray, " active"]
    """Skin under each texel."""
    empty: Int[np.ndarray, " empty"]
    nearest: Int[np.ndarray, " empty"]
    """For each uncovered texel, the covered one to copy."""
    measured: Int[np.ndarray, " texel"]
    """Texels of bare cheek and forehead, where skin tone is measured."""
    measured_mean: Float[np.ndarray, "field"]
    """Mean of the fields over `measured`."""


def load_atlas(template: Template) -> SkinAtlas:
    """`bake_atlas` at its usual size, from the cache if it was baked before."""
    arrays = cached("atlas", lambda: _to_arrays(bake_atlas(template)), made_from=_digest(template))
    size = int(arrays.pop("size"))
    position = np.full((size * size, 3), FAR_MM, dtype=np.float32)
    position[arrays["texel"]] = arrays.pop("position_mm")
    return SkinAtlas(size=size, position_mm=position, **arrays)


def _to_arrays(atlas: SkinAtlas) -> Arrays:
    arrays = {field.name: np.asarray(getattr(atlas, field.name)) for field in dataclasses.fields(atlas)}
    return {**arrays, "position_mm": atlas.position_mm[atlas.texel]}


def _digest(template: Template) -> bytes:
    """Of all that the baked atlas depends on: the head, the code of this package, the libraries."""
    digest = hashlib.sha256(f"{_CODE} {np.__version__} {scipy.__version__} {wp.config.version}".encode())
    mesh, topology = template.mesh, template.mesh.topology
    for array in (
        mesh.vertices_m, mesh.normals, template.base_uvs, topology.triangles, topology.uvs, topology.part,
        topology.landmarks,
    ):  # fmt: skip
        digest.update(array.tobytes())
    return digest.digest()


def bake_atlas(template: Template, size: int = 1024, device: str = "cpu") -> SkinAtlas:
    """Rasterise the texture coordinates of the template head.

    Args:
        template: the neutral average head.
        size: texels along one side, a power of two from 256 on.
        device: Warp device; the result lies in host memory.

    Raises:
        ValueError: for a size that is not a power of two from 256 on.
    """
    if size < 256 or size & (size - 1):
        raise ValueError(f"size: {size} is not a power of two from 256 on; 1024 suits pictures of 512 pixels")
    mesh = template.mesh
    topology = mesh.topology
    position = canonical_mm(mesh.vertices_m, topology.landmarks)
    marked = masks(template.base_uvs)
    fields = build_fields(position, topology.landmarks, marked["lips"], marked["ears"])
    kept = np.isin(topology.part, BY_POSITION) & ~_in_painted_cells(topology)
    triangles = topology.triangles[kept]
    columns = np.concatenate([fields, position, mesh.normals, template.base_uvs], axis=1)
    owner, values = _rasterise(topology.uvs, triangles, columns, size, device)
    texel = np.flatnonzero(owner >= 0).astype(np.int32)
    everywhere = np.full((size * size, 3), FAR_MM, dtype=np.float32)
    everywhere[texel] = values[:, FIELDS : FIELDS + 3]
    normal = values[:, FIELDS + 3 : FIELDS + 6]
    part = topology.part[kept][owner[texel]]
    covered = owner.reshape(size, size) >= 0
    for name in CELLS_BY_UV:
        row, column, rows, columns = cell_texels(name, size)
        covered[row : row + rows, column : column + columns] = True
    nearest = nearest_true(covered)
    empty = np.flatnonzero(~covered.ravel()).astype(np.int32)
    table = np.ascontiguousarray(values[:, :FIELDS])
    table[:, Field.LIP] = masks(values[:, FIELDS + 6 :])["lips"]  # sharper than between vertices
    measured = _bare(table, everywhere[texel], part)
    return SkinAtlas(
        size=size,
        texel=texel,
        part=part,
        position_mm=everywhere,
        normal=normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-9),
        fields=table,
        area_mm2=_areas(topology.uvs, triangles, position, size)[owner[texel]],
        empty=empty,
        nearest=nearest.ravel()[empty],
        measured=texel[measured],
        measured_mean=table[measured].mean(axis=0),
    )


def _in_painted_cells(topology: Topology) -> Bool[np.ndarray, " triangle"]:
    """Which triangles lie in a cell that is painted by texture coordinates."""
    u, v = topology.uvs[topology.triangles].mean(axis=1).T
    cells = [CELLS[name] for name in CELLS_BY_UV]
    return np.any([(u > c.u0) & (u < c.u1) & (v > c.v0) & (v < c.v1) for c in cells], axis=0)


def nearest_true(mask: Bool[np.ndarray, "row column"]) -> Int[np.ndarray, "row column"]:
    """For each element, the flat number (int32) of the nearest one that is true."""
    at = np.empty((2, *mask.shape), dtype=np.int32)
    distance_transform_edt(~mask, return_distances=False, return_indices=True, indices=at)
    return at[0] * np.int32(mask.shape[1]) + at[1]


def cell_texels(name: str, size: int) -> tuple[int, int, int, int]:
    """First row, first column, rows and columns of a cell of the layout."""
    cell = CELLS[name]
    row, column = round(cell.v0 * size), round(cell.u0 * size)
    return row, column, round(cell.v1 * size) - row, round(cell.u1 * size) - column


def _rasterise(
    uvs: np.ndarray, triangles: np.ndarray, values: np.ndarray, size: int, device: str
) -> tuple[np.ndarray, np.ndarray]:
    """Triangle over each texel, -1 for none, and vertex values interpolated at the covered texels."""
    with wp.ScopedDevice(device):
        corners = wp.array((uvs[triangles] * size).astype(np.float32), dtype=wp.vec2)
        owner = wp.full(size * size, -1, dtype=wp.int32)
        wp.launch(bake_kernels.rasterise, len(triangles), inputs=[corners, size], outputs=[owner])
        found = owner.numpy()
        texel = np.flatnonzero(found >= 0).astype(np.int32)
        out = wp.empty((len(texel), values.shape[1]), dtype=float)
        wp.launch(
            bake_kernels.interpolate,
            len(texel),
            inputs=[
                wp.array(texel), owner, corners, wp.array(triangles.astype(np.int32), ndim=2),
                wp.array(values.astype(np.float32), ndim=2), size,
            ],
            outputs=[out],
        )  # fmt: skip
        return found.copy(), out.numpy().copy()


def _areas(uvs: np.ndarray, triangles: np.ndarray, position: np.ndarray, size: int) -> np.ndarray:
    """Square millimetres of skin per texel of each triangle."""
    a, b, c = (position[triangles[:, k]] for k in range(3))
    skin = np.linalg.norm(np.cross(b - a, c - a), axis=1)
    u, v, w = (uvs[triangles[:, k]].astype(np.float64) * size for k in range(3))
    e, f = v - u, w - u
    flat = np.abs(e[:, 0] * f[:, 1] - e[:, 1] * f[:, 0])
    return (skin / np.maximum(flat, 1e-6)).astype(np.float32)


def _bare(fields: np.ndarray, position: np.ndarray, part: np.ndarray) -> np.ndarray:
    """Which covered texels lie on the bare skin of cheeks and forehead."""
    ax, y = np.abs(position[:, 0]), position[:, 1]
    cheek = np.hypot((ax - 38) / 12, (y + 28) / 9) < 1
    forehead = np.hypot(ax / 24, (y - 46) / 9) < 1
    return (cheek | forehead) & (position[:, 2] > -10) & (part == Part.SKIN) & (fields[:, Field.LID] > 10)
