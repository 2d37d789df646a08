"""Teeth, gums and palate: anatomical dental arches, carried by the helper teeth of the base mesh.

The helpers say where the jaws are and how the lower one moves; tooth shapes and sizes are our own. Both arches are
built once, in bite, in the frame of an arch: x to the subject's left, y up, z forward, origin at the facial side of the
upper incisors' edges; millimetres.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from pain3d.face.mesh import Part
from pain3d.face.parts import AnatomyPart, PartTopology
from pain3d.face.tooth import LOWER, UPPER, Tooth, crown, faces_mm

UPPER_FRONT, UPPER_LEFT, UPPER_RIGHT = (15069, 15086, 15119), (15076, 15080), (15110, 15113)
LOWER_FRONT, LOWER_LEFT, LOWER_RIGHT = (15010, 15001, 15036), (15008, 15007), (15043, 15042)
"""Vertices of `base.obj` on the helper teeth that make the frames: edge of the incisors, ends of the arches."""
STOMION = (520, 523)
"""Where the lips meet: lowest point of the upper lip and highest of the lower one, in the middle."""
INNER_LIPS = (571, 554, 537, 540, 557, 574)
"""Middle of the inside of both lips."""

HELPER_WIDTH_M = 0.068
"""Helper arch of the average head; teeth scale with it, but little: they differ by some 5 % between adults."""
SCALE_RANGE = (0.94, 1.06)
INCISAL_SHOW_M = 0.0015
"""How far the upper incisors reach below the line where the lips meet (0..3 mm in adults at rest)."""
LIP_CLEARANCE_M = 0.0025
"""Room between the incisors and the inside of the lips."""
FORWARD_RANGE_M = (-0.002, 0.0045)
"""How far the arches may be shifted towards the lips: the helpers stand 5 to 8 mm behind them."""


@dataclass(frozen=True, kw_only=True)
class Arch:
    """A row of fourteen teeth."""

    teeth: tuple[Tooth, ...]
    half_width_mm: float
    """From the middle to the line of contacts at the last molar."""
    contacts_mm: float
    """Where the line of contacts crosses the middle, along z."""
    edge_mm: float
    """Height of the occlusal plane."""
    up: int
    """+1 where roots point up, -1 where they point down."""
    torque: tuple[float, ...]
    """How far each tooth's root leans inwards per millimetre of height, middle to end."""


UPPER_ARCH = Arch(
    teeth=UPPER,
    half_width_mm=26.0,
    contacts_mm=-2.9,
    edge_mm=0.0,
    up=1,
    torque=(0.16, 0.16, 0.08, 0.02, 0.0, -0.02, -0.02),
)
LOWER_ARCH = Arch(
    teeth=LOWER,
    half_width_mm=24.0,
    contacts_mm=-5.4,
    edge_mm=2.2,
    up=-1,
    torque=(0.10, 0.10, 0.06, 0.0, -0.08, -0.15, -0.2),
)
"""Edges overlap by 2.2 mm; the lower arch bites inside the upper one."""

COLUMNS = 14
TEETH_U = (0.0, 0.5)
GUMS_U = (0.52, 1.0)
EDGE_V, GUM_LINE_V = 0.02, 0.40
"""Of the upper jaw; the lower one is mirrored about v = 0.5."""

GUM_STATIONS = (-0.6, 0.0, 0.6)
"""Places across a tooth where the gums have points; a papilla stands between teeth."""
PAPILLA = 0.42
"""Height of the papilla above the gum line, in crown heights."""
FACIAL_GUM = ((0.0, -0.6, 0.00), (0.7, 0.55, 0.09), (4.0, 0.9, 0.13), (9.5, -1.2, 0.18))
LINGUAL_GUM = ((0.0, 0.6, 0.22), (0.8, -0.5, 0.25), (5.0, -1.6, 0.30))
"""Rows of points: height above the gum line [mm], distance outwards from the tooth [mm], v in the upper jaw."""
PALATE_RISE_MM, PALATE_COLUMNS = 7.5, 5
FLOOR_GUM = (11.0, -2.5, 0.40)
"""Row of the lower jaw where the gum meets the floor of the mouth."""


class Dentition(AnatomyPart):
    """Both arches."""

    cell = "teeth_gums"

    def __init__(self, coarse_of: Int[np.ndarray, " base"]) -> None:
        """Build the arches.

        Args:
            coarse_of: number in the coarse model of each vertex of `base.obj`.
        """
        self._upper = [coarse_of[list(group)] for group in (UPPER_FRONT, UPPER_LEFT, UPPER_RIGHT)]
        self._lower = [coarse_of[list(group)] for group in (LOWER_FRONT, LOWER_LEFT, LOWER_RIGHT)]
        self._stomion = coarse_of[list(STOMION)]
        self._inner_lips = coarse_of[list(INNER_LIPS)]
        upper, lower = _arch_mesh(UPPER_ARCH), _arch_mesh(LOWER_ARCH)
        self._upper_local_m = (upper.points_mm / 1000).astype(np.float32)
        self._lower_local_m = (lower.points_mm / 1000).astype(np.float32)
        count = len(upper.points_mm)
        self.topology = PartTopology(
            triangles=np.concatenate([upper.triangles, lower.triangles + count]).astype(np.int32),
            uvs=np.concatenate([upper.uvs, lower.uvs]).astype(np.float32),
            part=np.concatenate([upper.part, lower.part]).astype(np.uint8),
            point_of=np.arange(count + len(lower.points_mm), dtype=np.int32),
        )

    def place(
        self,
        posed_m: Float[np.ndarray, "coarse 3"],
        neutral_m: Float[np.ndarray, "coarse 3"],
        body_m: Float[np.ndarray, "body 3"],
    ) -> Float[np.ndarray, "point 3"]:
        """Points of the upper arch, which never moves, and of the lower one, which follows the jaw."""
        origin, axes = self._seat(neutral_m)
        scale = self._scale(neutral_m)
        rest_origin, rest_axes = arch_frame(neutral_m, self._lower)
        jaw_origin, jaw_axes = arch_frame(posed_m, self._lower)
        turn = np.einsum("ki,kj->ij", rest_axes, jaw_axes)  # rows: a point at rest times this, turned with the jaw
        lower_origin = jaw_origin + np.einsum("i,ij->j", origin - rest_origin, turn)
        lower_axes = np.einsum("ki,ij->kj", axes, turn)
        return np.concatenate(
            [
                _transform(self._upper_local_m, origin, scale * axes),
                _transform(self._lower_local_m, lower_origin, scale * lower_axes),
            ]
        )

    def _scale(self, neutral_m: np.ndarray) -> float:
        across = neutral_m[self._upper[1]].mean(axis=0) - neutral_m[self._upper[2]].mean(axis=0)
        width = float(np.sqrt(np.square(across, dtype=np.float64).sum()))
        return min(max(width / HELPER_WIDTH_M, SCALE_RANGE[0]), SCALE_RANGE[1])

    def _seat(self, neutral_m: np.ndarray) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3 3"]]:
        """Frame of the arches at rest: helper teeth, moved to where the lips want the incisors."""
        origin, axes = arch_frame(neutral_m, self._upper)
        room = float(neutral_m[self._inner_lips, 2].min()) - origin[2] - LIP_CLEARANCE_M
        forward = min(max(room, FORWARD_RANGE_M[0]), FORWARD_RANGE_M[1])
        line = float(neutral_m[self._stomion, 1].mean(dtype=np.float64))
        return np.array([origin[0], line - INCISAL_SHOW_M, origin[2] + forward]), axes


def arch_frame(
    coarse_m: Float[np.ndarray, "coarse 3"], groups: list[Int[np.ndarray, "_"]]
) -> tuple[Float[np.ndarray, "3"], Float[np.ndarray, "3 3"]]:
    """Origin and axes (rows) of a helper arch from its front and its two ends."""
    front, left, right = (coarse_m[group].mean(axis=0, dtype=np.float64) for group in groups)
    x = _unit(left - right)
    ahead = front - (left + right) / 2
    z = _unit(ahead - (ahead * x).sum() * x)
    y = np.array([z[1] * x[2] - z[2] * x[1], z[2] * x[0] - z[0] * x[2], z[0] * x[1] - z[1] * x[0]])
    return front, np.stack([x, y, z])


def _unit(vector: Float[np.ndarray, "3"]) -> Float[np.ndarray, "3"]:
    return vector / np.sqrt(np.square(vector).sum())


def _transform(
    local_m: Float[np.ndarray, "point 3"], origin: Float[np.ndarray, "3"], axes: Float[np.ndarray, "3 3"]
) -> Float[np.ndarray, "point 3"]:
    axes, origin = axes.astype(np.float32), origin.astype(np.float32)
    return origin + local_m[:, :1] * axes[0] + local_m[:, 1:2] * axes[1] + local_m[:, 2:] * axes[2]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Mesh:
    points_mm: Float[np.ndarray, "point 3"]
    triangles: Int[np.ndarray, "triangle 3"]
    uvs: Float[np.ndarray, "point 2"]
    part: Int[np.ndarray, " triangle"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Seats:
    """Where the teeth of an arch stand, subject's right to left."""

    teeth: list[Tooth]
    middles: Float[np.ndarray, "tooth 3"]
    along: Float[np.ndarray, "tooth 3"]
    outwards: Float[np.ndarray, "tooth 3"]
    torque: Float[np.ndarray, " tooth"]
    up: int

    def place(self, k: int, mlh: Float[np.ndarray, "point 3"]) -> Float[np.ndarray, "point 3"]:
        """Points of tooth k: along the arch, outwards, from the edge to the root."""
        along, outwards, height = mlh[:, :1], mlh[:, 1:2], mlh[:, 2:]
        return (
            self.middles[k]
            + along * self.along[k]
            + (outwards - self.torque[k] * height) * self.outwards[k]
            + height * self.up * np.array([0.0, 1.0, 0.0])
        )


def _seats(arch: Arch) -> _Seats:
    """Put the teeth side by side on half an ellipse of just their length."""
    widths = np.array([tooth.width_mm for tooth in arch.teeth])
    turn = np.linspace(0, np.pi / 2, 501)
    depth = _depth_of_length(arch.half_width_mm, float(widths.sum()), turn)
    run = _run(arch.half_width_mm, depth, turn)
    middle_turn = np.interp(np.cumsum(widths) - widths / 2, run, turn)
    x, z = arch.half_width_mm * np.sin(middle_turn), depth * (np.cos(middle_turn) - 1) + arch.contacts_mm
    half = np.stack([x, np.full(len(x), arch.edge_mm), z], axis=1)
    slope = np.stack([arch.half_width_mm * np.cos(middle_turn), 0 * x, -depth * np.sin(middle_turn)], axis=1)
    slope /= np.sqrt(np.square(slope).sum(axis=1, keepdims=True))
    mirror = np.array([-1.0, 1.0, 1.0])
    middles = np.concatenate([half[::-1] * mirror, half])
    along = np.concatenate([-slope[::-1] * mirror, slope])
    outwards = np.stack([-along[:, 2], 0 * along[:, 1], along[:, 0]], axis=1)
    torque = np.array([*arch.torque[::-1], *arch.torque])
    return _Seats(
        teeth=[*arch.teeth[::-1], *arch.teeth],
        middles=middles,
        along=along,
        outwards=outwards,
        torque=torque,
        up=arch.up,
    )


def _depth_of_length(width: float, length: float, turn: Float[np.ndarray, " sample"]) -> float:
    """How deep a quarter of an ellipse is that has a given width and length, by bisection."""
    shallow, deep = 0.5 * width, 4 * width
    for _ in range(30):
        middle = (shallow + deep) / 2
        shallow, deep = (shallow, middle) if _run(width, middle, turn)[-1] > length else (middle, deep)
    return (shallow + deep) / 2


def _run(width: float, depth: float, turn: np.ndarray) -> Float[np.ndarray, " sample"]:
    """Arc length of an ellipse from its front [mm]."""
    steps = np.hypot(width * np.diff(np.sin(turn)), depth * np.diff(np.cos(turn)))
    return np.concatenate([[0], np.cumsum(steps)])


def _arch_mesh(arch: Arch) -> _Mesh:
    seats = _seats(arch)
    pieces = [_tooth_mesh(seats, k) for k in range(COLUMNS)] + [_gum_mesh(seats, facial=f) for f in (True, False)]
    starts = np.cumsum([0, *(len(piece.points_mm) for piece in pieces)])
    uvs = np.concatenate([piece.uvs for piece in pieces])
    if arch.up < 0:
        uvs[:, 1] = 1 - uvs[:, 1]
    return _Mesh(
        points_mm=np.concatenate([piece.points_mm for piece in pieces]),
        triangles=np.concatenate([piece.triangles + start for piece, start in zip(pieces, starts[:-1], strict=True)]),
        uvs=uvs,
        part=np.concatenate([piece.part for piece in pieces]),
    )


def _tooth_mesh(seats: _Seats, k: int) -> _Mesh:
    tooth = seats.teeth[k]
    mlh, triangles = crown(tooth)
    if k < COLUMNS // 2:
        mlh = mlh * np.array([-1.0, 1.0, 1.0])
    handed = (k < COLUMNS // 2) != (seats.up > 0)
    u = TEETH_U[0] + (TEETH_U[1] - TEETH_U[0]) * (k + 0.5 + 0.42 * mlh[:, 0] / (tooth.width_mm / 2)) / COLUMNS
    v = EDGE_V + (GUM_LINE_V - EDGE_V) * np.clip((mlh[:, 2] - tooth.lift_mm) / tooth.height_mm, 0, 1.2)
    return _Mesh(
        points_mm=seats.place(k, mlh),
        triangles=triangles if handed else triangles[:, ::-1],
        uvs=np.stack([u, v], axis=1),
        part=np.full(len(triangles), Part.TEETH),
    )


def _gum_mesh(seats: _Seats, *, facial: bool) -> _Mesh:
    """A strip of gum on one side of the teeth; on the inside of the upper jaw the palate closes it."""
    rows = FACIAL_GUM if facial else LINGUAL_GUM if seats.up > 0 else (*LINGUAL_GUM, FLOOR_GUM)
    grid = np.stack([_gum_row(seats, row, facial) for row in rows])
    v = np.repeat(np.array([row[2] for row in rows])[:, None], grid.shape[1], axis=1)
    if facial:  # v runs from the vestibule down to the margin
        v = 0.18 - v
    if not facial and seats.up > 0:
        palate = _palate(grid[-1])
        grid = np.concatenate([grid, palate])
        v = np.concatenate([v, np.linspace(LINGUAL_GUM[-1][2], 0.48, len(palate) + 1)[1:, None] + 0 * palate[:, :, 0]])
    u = np.broadcast_to(np.linspace(*GUMS_U, grid.shape[1]), v.shape)
    triangles = _grid_triangles(*v.shape)
    return _Mesh(
        points_mm=grid.reshape(-1, 3),
        triangles=triangles if facial == (seats.up > 0) else triangles[:, ::-1],
        uvs=np.stack([u, v], axis=2).reshape(-1, 2),
        part=np.full(len(triangles), Part.MOUTH),
    )


def _gum_row(seats: _Seats, row: tuple[float, float, float], facial: bool) -> Float[np.ndarray, "station 3"]:
    """Points along the arch: papilla, three on a tooth, papilla, ... at one height above the scalloped gum line."""
    above, outside, _ = row
    ends: list[np.ndarray] = []
    for k, tooth in enumerate(seats.teeth):
        places = np.array([-1.0, *GUM_STATIONS, 1.0])
        line = 1 - PAPILLA * np.abs(places) ** 2.4
        fade = np.clip(1 - above / 8.0, 0, 1)  # the scallops fade towards the vestibule
        height = tooth.lift_mm + tooth.height_mm * (fade * line + (1 - fade)) + above
        facial_mm, lingual_mm = faces_mm(tooth, 0.8 * places, np.minimum(line, 1.0))
        surface = facial_mm if facial else lingual_mm
        mlh = np.stack([places * tooth.width_mm / 2, surface + outside, height], axis=1)
        ends.append(seats.place(k, mlh))
    points = [ends[0][0]]
    for here, following in zip(ends, [*ends[1:], None], strict=True):
        points += [*here[1:-1], here[-1] if following is None else (here[-1] + following[0]) / 2]
    return np.stack(points)


def _palate(rim: Float[np.ndarray, "station 3"]) -> Float[np.ndarray, "row station 3"]:
    """Rows that close the dome between the two halves of the lingual gum."""
    across = rim[::-1]
    rows: list[np.ndarray] = []
    for t in np.linspace(0, 1, PALATE_COLUMNS + 1)[1:]:
        row = rim + (across - rim) * t / 2
        width = np.sqrt(np.square(across - rim).sum(axis=1))
        row[:, 1] += PALATE_RISE_MM * np.sin(t * np.pi / 2) * np.clip(width / 25.0, 0, 1)
        rows.append(row)
    return np.stack(rows)


def _grid_triangles(rows: int, columns: int) -> Int[np.ndarray, "triangle 3"]:
    a = (np.arange(rows - 1)[:, None] * columns + np.arange(columns - 1)).ravel()
    b, c, d = a + 1, a + columns + 1, a + columns
    return np.concatenate([np.stack([a, b, c], axis=1), np.stack([a, c, d], axis=1)])
