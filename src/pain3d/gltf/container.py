"""The binary container of glTF 2.0: arrays and pictures in, the bytes of a .glb out.

Written here because no kept package packs morph targets, least of all sparse ones; held against the validator of the
Khronos group. Specification: https://registry.khronos.org/glTF/specs/2.0/glTF-2.0.html
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import Any

import numpy as np

ARRAY_BUFFER, ELEMENT_ARRAY_BUFFER = 34962, 34963
_COMPONENTS = {np.dtype(np.float32): 5126, np.dtype(np.uint32): 5125, np.dtype(np.uint8): 5121}
_KINDS = {1: "SCALAR", 2: "VEC2", 3: "VEC3", 4: "VEC4"}
_JSON_CHUNK, _BINARY_CHUNK = 0x4E4F534A, 0x004E4942


class Container:
    """Collects what a document refers to by number."""

    def __init__(self) -> None:
        self._bytes = bytearray()
        self._views: list[dict[str, Any]] = []
        self._accessors: list[dict[str, Any]] = []
        self._images: list[dict[str, Any]] = []

    def vertices(self, values: np.ndarray) -> int:
        """Number of an accessor for an attribute of vertices: float32 (count, 2..4), or uint8 (count, 4) as 0..1."""
        accessor = self._accessor(values)
        accessor["bufferView"] = self._view(values, ARRAY_BUFFER)
        if values.dtype == np.uint8:
            accessor["normalized"] = True
        return self._add(accessor)

    def triangles(self, corners: np.ndarray) -> int:
        """Number of an accessor for the corners (count, 3) of triangles."""
        flat = np.ascontiguousarray(corners, np.uint32).reshape(-1)
        accessor = self._accessor(flat)
        accessor["bufferView"] = self._view(flat, ELEMENT_ARRAY_BUFFER)
        return self._add(accessor)

    def changes(self, values: np.ndarray, least: float) -> int:
        """Number of an accessor for what a morph target adds, float32 (count, 3).

        Args:
            values: one row a vertex.
            least: rows whose components are all below it in size are stored as zero, which costs nothing.
        """
        at = np.flatnonzero((np.abs(values) >= least).any(axis=1)).astype(np.uint32)
        kept = np.zeros_like(values)
        kept[at] = values[at]
        accessor = self._accessor(kept)
        if len(at):  # a sparse accessor must hold something
            accessor["sparse"] = {
                "count": len(at),
                "indices": {"bufferView": self._view(at, None), "componentType": _COMPONENTS[at.dtype]},
                "values": {"bufferView": self._view(np.ascontiguousarray(values[at]), None)},
            }
        return self._add(accessor)

    def picture(self, encoded: bytes, kind: str, name: str) -> int:
        """Number of an image: PNG or JPEG bytes; kind is ``image/png`` or ``image/jpeg``."""
        view = self._view(np.frombuffer(encoded, np.uint8), None)
        self._images.append({"bufferView": view, "mimeType": kind, "name": name})
        return len(self._images) - 1

    def to_bytes(self, document: Mapping[str, Any]) -> bytes:
        """The file: the document with all that was collected."""
        whole = {
            **document,
            "buffers": [{"byteLength": len(self._bytes)}],
            "bufferViews": self._views,
            "accessors": self._accessors,
            "images": self._images,
        }
        text = json.dumps(whole, separators=(",", ":"), allow_nan=False).encode()
        text += b" " * (-len(text) % 4)
        binary = bytes(self._bytes) + b"\0" * (-len(self._bytes) % 4)
        length = 12 + 8 + len(text) + 8 + len(binary)
        head = struct.pack("<4sII", b"glTF", 2, length) + struct.pack("<II", len(text), _JSON_CHUNK)
        return head + text + struct.pack("<II", len(binary), _BINARY_CHUNK) + binary

    def _accessor(self, values: np.ndarray) -> dict[str, Any]:
        columns = 1 if values.ndim == 1 else values.shape[1]
        found: dict[str, Any] = {
            "componentType": _COMPONENTS[values.dtype],
            "count": len(values),
            "type": _KINDS[columns],
        }
        if values.dtype == np.float32 and columns == 3:  # positions must say their range, others may
            found["min"], found["max"] = values.min(axis=0).tolist(), values.max(axis=0).tolist()
        return found

    def _add(self, accessor: dict[str, Any]) -> int:
        self._accessors.append(accessor)
        return len(self._accessors) - 1

    def _view(self, values: np.ndarray, target: int | None) -> int:
        self._bytes += b"\0" * (-len(self._bytes) % 4)
        view: dict[str, Any] = {"buffer": 0, "byteOffset": len(self._bytes), "byteLength": values.nbytes}
        if target is not None:
            view["target"] = target
        self._bytes += np.ascontiguousarray(values).tobytes()
        self._views.append(view)
        return len(self._views) - 1
