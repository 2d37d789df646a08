"""Reads a .glb back as numbers: a second, plain implementation for the tests."""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np

_TYPES = {5121: np.uint8, 5125: np.uint32, 5126: np.float32}
_COLUMNS = {"SCALAR": 1, "VEC2": 2, "VEC3": 3, "VEC4": 4}


class Glb:
    def __init__(self, path: Path) -> None:
        content = path.read_bytes()
        magic, version, length = struct.unpack_from("<4sII", content)
        assert (magic, version, length) == (b"glTF", 2, len(content))
        size, kind = struct.unpack_from("<I4s", content, 12)
        assert kind == b"JSON" and size % 4 == 0
        self.document: dict[str, Any] = json.loads(content[20 : 20 + size])
        binary_size, kind = struct.unpack_from("<I4s", content, 20 + size)
        assert kind == b"BIN\0" and 28 + size + binary_size == length
        self.binary = content[28 + size :]

    def view(self, number: int) -> bytes:
        view = self.document["bufferViews"][number]
        assert view["byteOffset"] % 4 == 0
        assert view["byteOffset"] + view["byteLength"] <= len(self.binary)
        return self.binary[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]

    def values(self, number: int) -> np.ndarray:
        accessor = self.document["accessors"][number]
        kind, columns = _TYPES[accessor["componentType"]], _COLUMNS[accessor["type"]]
        out = np.zeros((accessor["count"], columns), kind)
        if "bufferView" in accessor:
            out[:] = np.frombuffer(self.view(accessor["bufferView"]), kind).reshape(-1, columns)
        if "sparse" in accessor:
            sparse = accessor["sparse"]
            at = np.frombuffer(self.view(sparse["indices"]["bufferView"]), np.uint32)
            assert len(at) == sparse["count"] and (np.diff(at.astype(int)) > 0).all()
            out[at] = np.frombuffer(self.view(sparse["values"]["bufferView"]), kind).reshape(-1, columns)
        if "min" in accessor:
            assert np.array_equal(out.min(axis=0), np.array(accessor["min"], kind))
            assert np.array_equal(out.max(axis=0), np.array(accessor["max"], kind))
        return out

    def mesh(self, name: str) -> dict[str, Any]:
        return next(mesh for mesh in self.document["meshes"] if mesh["name"] == name)

    def mixed_m(self, name: str, weights: dict[str, float]) -> np.ndarray:
        """Vertices of a mesh as a viewer moves them."""
        mesh = self.mesh(name)
        first = mesh["primitives"][0]
        points = self.values(first["attributes"]["POSITION"]).astype(np.float64)
        for target, named in zip(first["targets"], mesh["extras"]["targetNames"], strict=True):
            points += weights.get(named, 0.0) * self.values(target["POSITION"])
        return points
