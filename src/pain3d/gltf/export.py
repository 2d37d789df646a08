"""export_glb(): a subject as one .glb file with named morph targets for all Action Units."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from pain3d import __version__
from pain3d.arguments import instance_of
from pain3d.data.files import make_folder, write_atomically
from pain3d.errors import ArgumentError
from pain3d.face.atlas_layout import CELLS
from pain3d.face.mesh import FaceMesh, Part
from pain3d.face.rig import LEVEL_WEIGHTS, LEVELS
from pain3d.facs import AU_DESCRIPTIONS
from pain3d.gltf import textures
from pain3d.gltf.container import Container
from pain3d.gltf.morphs import CORRECTED_MM, Deviation, Morphs, Target, build_morphs, deviation_of, quick_morphs
from pain3d.skin.procedural import GREY_HAIR, hair_albedo
from pain3d.skin.ribbons import Ribbons, rims
from pain3d.synth.subject import Subject, painter
from pain3d.worn.cannula import SHADE
from pain3d.worn.solids import Material

STILL_M = 2e-6
"""A target moves a vertex by more than two micrometres, or not at all."""
STILL_NORMAL = 2e-3
_EYES_ROUGHNESS, _MOUTH_ROUGHNESS = 0.08, 0.35
"""Of wet surfaces, which pain3d's own renderer shades by a model of its own."""


@dataclass(frozen=True, kw_only=True)
class GlbReport:
    """What was written."""

    file: Path
    bytes: int
    vertices: int
    triangles: int
    targets: tuple[str, ...]
    """Names of the morph targets, in the order of their weights: the Action Units, then the correctives."""
    deviation: Deviation
    """How far they are from the rig."""

    def text(self) -> str:
        """For a terminal."""
        off = self.deviation
        return (
            f"wrote {self.file}: {self.bytes / 2**20:.1f} MiB, {self.triangles:,} triangles, {len(self.targets)} morph "
            f"targets; mixed by a viewer they are off from the rig by {off.largest_mm:.2f} mm at most over "
            f"{off.expressions} expressions ({off.largest_in})"
        )

    def to_json(self) -> dict[str, Any]:
        """Plain values."""
        return {
            "file": str(self.file),
            "bytes": self.bytes,
            "vertices": self.vertices,
            "triangles": self.triangles,
            "targets": list(self.targets),
            "largest_deviation_mm": round(self.deviation.largest_mm, 4),
            "largest_deviation_in": self.deviation.largest_in,
            "median_deviation_mm": round(self.deviation.median_mm, 4),
        }


def export_glb(subject: Subject, path: Path | str, *, corrected_mm: float = CORRECTED_MM) -> GlbReport:
    """Write a subject as binary glTF 2.0: skin, eyes, teeth, tongue, lashes, hair and what is worn.

    Metres, +y up, the face towards +z. Every mesh has the same morph targets, named in ``extras.targetNames``: one for
    each Action Unit in full, and correctives. What weights an expression needs stands in ``asset.extras.pain3d``.

    Args:
        subject: whom.
        path: file to write, ending in ``.glb``; a file of that name is replaced once the new one is whole.
        corrected_mm: how far the sum of the Action Units may be off before there is a corrective, millimetres.

    Raises:
        TypeError: if `subject` is none.
        ArgumentError: for a path that does not end in .glb, or a `corrected_mm` that is not above 0.
        StorageError: if the disk does not take it.
    """
    instance_of(Subject, "subject", subject, "pain3d.Subject.sample(seed=7)")
    out = Path(path)
    if out.suffix.lower() != ".glb":
        raise ArgumentError(f"path: {str(path)!r} does not end in .glb; name the file so, or viewers will not know it")
    if not corrected_mm > 0:
        raise ArgumentError(f"corrected_mm: {corrected_mm} is not above 0; 1 mm is a good start")
    morphs = build_morphs(subject.head, corrected_mm)
    deviation = deviation_of(subject.head, morphs)
    document = _Document(subject, morphs, deviation)
    content = document.to_bytes()
    make_folder(out.parent)
    write_atomically(out, content)
    return GlbReport(
        file=out,
        bytes=len(content),
        vertices=document.vertices,
        triangles=document.triangles,
        targets=tuple(target.name for target in morphs.targets),
        deviation=deviation,
    )


def quick_glb(subject: Subject) -> bytes:
    """The same file, made in a fraction of the time: its correctives are the usual ones, and nothing is measured."""
    return _Document(subject, quick_morphs(subject.head), None).to_bytes()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shape:
    """Vertices of one mesh at rest, and with each target in full."""

    points_m: Float[np.ndarray, "vertex 3"]
    normals: Float[np.ndarray, "vertex 3"]
    moved_m: Sequence[Float[np.ndarray, "vertex 3"]]
    """What each target adds."""
    turned: Sequence[Float[np.ndarray, "vertex 3"]] = ()
    """What it adds to normals; empty where they stay."""


class _Document:
    """Puts the parts of a subject together."""

    def __init__(self, subject: Subject, morphs: Morphs, deviation: Deviation | None) -> None:
        self._subject, self._morphs, self._deviation = subject, morphs, deviation
        self._held = Container()
        self._materials: list[dict[str, Any]] = []
        self._textures: list[dict[str, Any]] = []
        self._meshes: list[dict[str, Any]] = []
        self.vertices = self.triangles = 0
        self._face()
        if subject.ribbons is not None:
            self._hair(subject.ribbons)
        self._worn()

    def to_bytes(self) -> bytes:
        nodes = [{"name": mesh["name"], "mesh": number} for number, mesh in enumerate(self._meshes)]
        head = {"name": "head", "children": list(range(len(nodes)))}
        return self._held.to_bytes(
            {
                "asset": {
                    "version": "2.0",
                    "generator": f"pain3d {__version__}",
                    "extras": {"pain3d": _about(self._subject, self._morphs, self._deviation)},
                },
                "scene": 0,
                "scenes": [{"nodes": [len(nodes)]}],
                "nodes": [*nodes, head],
                "meshes": self._meshes,
                "materials": self._materials,
                "textures": self._textures,
                "samplers": [{"magFilter": 9729, "minFilter": 9987, "wrapS": 33071, "wrapT": 33071}],
            }
        )

    def _face(self) -> None:
        topology, maps = self._morphs.neutral.topology, self._subject.maps
        attributes, targets = self._uploaded(self._dressed())
        uvs = self._held.vertices(topology.uvs)
        cell = CELLS["lashes"]
        lash_uvs = (topology.uvs - (cell.u0, cell.v0)) / (cell.u1 - cell.u0, cell.v1 - cell.v0)
        colour = {"index": self._texture(textures.colour(maps), "image/jpeg", "colour")}
        rough = {"index": self._texture(textures.roughness(maps), "image/png", "roughness")}
        relief = {"index": self._texture(textures.relief(maps, painter().atlas), "image/png", "relief")}
        own = self._held.vertices(np.clip(lash_uvs, 0, 1).astype(np.float32))
        card = {"index": self._texture(textures.lashes(maps), "image/png", "lashes")}
        plain = {"baseColorTexture": colour, "metallicFactor": 0.0}
        skin = {**plain, "metallicRoughnessTexture": rough}
        looks = (
            ("skin", (Part.SKIN, Part.MOUTH), uvs, skin, {"normalTexture": relief}),
            ("mouth", (Part.TEETH, Part.TONGUE), uvs, {**plain, "roughnessFactor": _MOUTH_ROUGHNESS}, {}),
            ("eyes", (Part.EYE,), uvs, {**plain, "roughnessFactor": _EYES_ROUGHNESS}, {}),
            ("lashes", (Part.LASH,), own, {"baseColorTexture": card, "metallicFactor": 0.0}, _HOLED),
        )  # fmt: skip
        primitives = [
            self._primitive(
                {**attributes, "TEXCOORD_0": uv},
                topology.triangles[np.isin(topology.part, parts)],
                self._material(name, surface, more),
                targets,
            )
            for name, parts, uv, surface, more in looks
        ]
        self._mesh("face", primitives)

    def _hair(self, ribbons: Ribbons) -> None:
        neutral = self._morphs.neutral
        points, normals = ribbons.posed(neutral, neutral)
        wide = ribbons.half_width_m
        rest = rims(points, normals, wide)
        moved = [rims(*ribbons.posed(neutral, bare), wide) - rest for bare in self._bare()]
        shape = _Shape(points_m=rest, normals=np.repeat(normals.reshape(-1, 3), 2, axis=0), moved_m=moved)
        attributes, targets = self._uploaded(shape)
        attributes["TEXCOORD_0"] = self._held.vertices(_strand_uvs(ribbons))
        attributes["COLOR_0"] = self._held.vertices(self._hair_colours(ribbons))
        picture = {"index": self._texture(textures.strands(), "image/png", "strands")}
        surface = {"baseColorTexture": picture, "metallicFactor": 0.0, "roughnessFactor": 0.55}
        material = self._material("hair", surface, _HOLED)
        self._mesh("hair", [self._primitive(attributes, _strips(*wide.shape), material, targets)])

    def _worn(self) -> None:
        over = self._subject.wardrobe
        if over is None:
            return
        rest, normals = over.posed(self._morphs.neutral)
        moved = [over.posed(bare)[0] - rest for bare in self._bare()]
        attributes, targets = self._uploaded(_Shape(points_m=rest, normals=normals, moved_m=moved))
        cover = np.column_stack([np.ones((len(rest), 3)), over.strength]).astype(np.float32)
        attributes["COLOR_0"] = self._held.vertices(cover)
        primitives = []
        for number, material in enumerate(over.materials):
            corners = over.triangles[over.material == number]
            if len(corners) and material is not SHADE:  # a viewer casts its own
                surface, more = _worn_surface(material)
                primitives.append(
                    self._primitive(attributes, corners, self._material(f"worn {number}", surface, more), targets)
                )
        self._mesh("worn", primitives)

    def _bare(self) -> Iterator[FaceMesh]:
        """The bare head as each target alone moves it."""
        neutral = self._morphs.neutral
        for target in self._morphs.targets:
            yield replace(neutral, vertices_m=neutral.vertices_m + target.offset_m)

    def _dressed(self) -> _Shape:
        """The head with its hair. A corrective adds what its pose has beyond the targets of its units."""
        dress, shares = self._subject.with_hair, {"w": 0.0, "4w(1-w)": 0.5, "w1w2": 1.0}
        rest = dress(self._morphs.neutral)
        moved: dict[str, np.ndarray] = {}
        turned: dict[str, np.ndarray] = {}
        for target in self._morphs.targets:
            mesh, share = dress(target.mesh), np.float32(shares[target.rule])
            for found, now, before in ((moved, mesh.vertices_m, rest.vertices_m), (turned, mesh.normals, rest.normals)):
                change = now - before
                if share:
                    change -= share * sum(found[unit] for unit in target.units)
                found[target.name] = change
        return _Shape(
            points_m=rest.vertices_m, normals=rest.normals, moved_m=[*moved.values()], turned=[*turned.values()]
        )

    def _uploaded(self, shape: _Shape) -> tuple[dict[str, int], list[dict[str, int]]]:
        self.vertices += len(shape.points_m)
        attributes = {
            "POSITION": self._held.vertices(np.ascontiguousarray(shape.points_m, np.float32)),
            "NORMAL": self._held.vertices(_unit(shape.normals)),
        }
        targets = [{"POSITION": self._held.changes(moved.astype(np.float32), STILL_M)} for moved in shape.moved_m]
        for target, turned in zip(targets, shape.turned, strict=bool(shape.turned)):
            target["NORMAL"] = self._held.changes(turned.astype(np.float32), STILL_NORMAL)
        return attributes, targets

    def _primitive(
        self, attributes: dict[str, int], corners: np.ndarray, material: int, targets: list[dict[str, int]]
    ) -> dict[str, Any]:
        self.triangles += len(corners)
        indices = self._held.triangles(corners)
        return {"attributes": attributes, "indices": indices, "material": material, "targets": targets}

    def _mesh(self, name: str, primitives: list[dict[str, Any]]) -> None:
        names = [target.name for target in self._morphs.targets]
        self._meshes.append(
            {"name": name, "primitives": primitives, "weights": [0.0] * len(names), "extras": {"targetNames": names}}
        )

    def _texture(self, encoded: bytes, kind: str, name: str) -> int:
        self._textures.append({"sampler": 0, "source": self._held.picture(encoded, kind, name)})
        return len(self._textures) - 1

    def _material(self, name: str, surface: dict[str, Any], more: dict[str, Any]) -> int:
        self._materials.append({"name": name, "pbrMetallicRoughness": surface, **more})
        return len(self._materials) - 1

    def _hair_colours(self, ribbons: Ribbons) -> Float[np.ndarray, "vertex 4"]:
        """Linear colour of each vertex: some ribbons grey, deep ones darker."""
        traits = self._subject.skin_traits
        # the share of grey of ribbons scatters as that of strands does
        scatter = ribbons.seed % 256 / 255.0 - 0.5
        grey = np.clip(traits.grey + 2.4 * scatter * traits.grey * (1 - traits.grey), 0, 1)[:, None]
        pigmented = hair_albedo(traits.hair_eumelanin, traits.hair_pheomelanin)
        colour = (pigmented * (1 - grey) + np.array(GREY_HAIR) * grey) * (0.55 + 0.45 * ribbons.layer[:, None])
        colour = np.column_stack([np.clip(1.25 * colour, 0, 1), np.ones(len(colour))])
        return np.repeat(colour, 2 * ribbons.half_width_m.shape[1], axis=0).astype(np.float32)


_HOLED: dict[str, Any] = {"alphaMode": "MASK", "alphaCutoff": 0.45, "doubleSided": True}


def _worn_surface(material: Material) -> tuple[dict[str, Any], dict[str, Any]]:
    metal = max(material.mirror) > 0.2
    colour = [*map(float, material.mirror if metal else material.albedo), float(material.cover[0])]
    surface = {
        "baseColorFactor": colour,
        "metallicFactor": 1.0 if metal else 0.0,
        "roughnessFactor": float(material.roughness),
    }
    return surface, {"doubleSided": True} | ({"alphaMode": "BLEND"} if material.cover[0] < 1 else {})


def _strand_uvs(ribbons: Ribbons) -> Float[np.ndarray, "vertex 2"]:
    count, points = ribbons.half_width_m.shape
    tile = ribbons.seed % textures.STRAND_TILES
    u = (tile[:, None, None] + np.array([0.02, 0.98])) / textures.STRAND_TILES
    v = np.linspace(0, 1, points)[:, None]
    uvs = np.empty((count, points, 2, 2), np.float32)
    uvs[..., 0], uvs[..., 1] = u, v
    return uvs.reshape(-1, 2)


def _strips(ribbons: int, points: int) -> Int[np.ndarray, "triangle 3"]:
    """Two triangles between neighbours along each ribbon."""
    at = 2 * (points * np.arange(ribbons)[:, None] + np.arange(points - 1)[None])
    first = np.stack([at, at + 1, at + 2], axis=-1)
    second = np.stack([at + 1, at + 3, at + 2], axis=-1)
    return np.stack([first, second], axis=2).reshape(-1, 3)


def _unit(normals: np.ndarray) -> Float[np.ndarray, "vertex 3"]:
    long = normals.astype(np.float64)
    return np.ascontiguousarray(long / np.sqrt(np.square(long).sum(axis=1, keepdims=True)), np.float32)


def _about(subject: Subject, morphs: Morphs, deviation: Deviation | None) -> dict[str, Any]:
    """What a program needs to play an expression, and to know whose face it is."""
    who = {name: getattr(subject, name) for name in ("seed", "age_years", "sex", "ethnicity")}
    measured = {} if deviation is None else {"largest_deviation_mm": round(deviation.largest_mm, 4)}
    return {
        "subject": who,
        "units": dict(AU_DESCRIPTIONS),
        "intensity_to_weight": {"levels": list(LEVELS), "weights": list(LEVEL_WEIGHTS), "AU43": "the intensity, 0..1"},
        "correctives": dict(_correctives(morphs.targets)),
        **measured,
    }


def _correctives(targets: Sequence[Target]) -> Iterator[tuple[str, dict[str, Any]]]:
    for target in targets:
        if target.rule != "w":
            yield target.name, {"units": list(target.units), "weight": target.rule}
