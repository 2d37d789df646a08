"""Nasal oxygen cannula: two prongs, a tube over the cheeks and behind the ears, joined below the chin.

The tube is bound to the skin below it. In each pose it is drawn taut over that skin: a line that is smoothed again and
again and pushed back outside, so that it bridges furrows and never dips into them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from pain3d.face.mesh import FaceMesh, Part
from pain3d.skin.fields import canonical_mm
from pain3d.skin.template import Template, masks
from pain3d.worn.anchors import Anchors
from pain3d.worn.materials import SHADE, TUBE
from pain3d.worn.solids import Material, Solid, joined, resampled, sweep, tangents, unit

TUBE_MM = 1.7
"""Outer radius of the tube (3 to 4 mm across in adult cannulas)."""
BRIDGE_MM = (2.7, 1.9)
"""Half height and half depth of the flat piece below the nose."""
SLIDER_MM = np.array([(2.6, 2.2), (3.3, 2.6), (3.3, 2.6), (3.3, 2.6), (2.2, 1.9)])
"""Half widths along the piece that joins both tubes, one for each point of the tail."""
BRIDGE_REACH_MM = (9.0, 15.0)
"""Distance from the middle up to which that piece is whole, and where it has become the tube."""
SKIN_GAP_MM = 0.15
SLACK_MM = 1.2
"""How far a taut tube may stand off the skin that it bridges."""
DRIFT_MM = 2.0
"""How far it may slide along the skin."""
SPACING_MM = 3.0
LANES_MM = np.array([-4.6, -3.2, -1.6, 0.0, 1.6, 3.2, 4.6])
"""Skin is watched below the tube, in the middle and on both sides; the outer lanes are where its shade ends."""
BELOW = slice(1, 6)
"""The lanes below the tube."""
MIDDLE = 3
SHADE_MM = 0.2
"""Height of the shade over the skin."""
BRIDGE_SLACK_MM = 5.0
"""The same of the piece below the nose, which a lifted lip pushes away."""
ROUNDS = 24
PUSHES = 12
"""Rounds of smoothing and pushing outside, and of pushing alone at the end."""
PRONG_X_MM = 6.6
PLASTIC, DARK = range(2)
"""Materials, in the order of `CANNULA_MATERIALS`."""
CANNULA_MATERIALS: tuple[Material, ...] = (TUBE, SHADE)

LOOP_MM = np.array([
    (0.0, -53.8, 36.0), (9.0, -53.3, 34.5), (17.0, -51.6, 31.0), (25.0, -47.8, 27.0), (34.0, -42.0, 23.0),
    (44.0, -33.0, 16.0), (54.0, -22.0, 3.0), (62.0, -12.0, -16.0), (68.0, -4.0, -40.0), (73.0, 1.0, -58.0),
    (75.5, 3.0, -70.0), (76.0, -3.0, -84.0), (72.0, -18.0, -91.0), (64.0, -38.0, -88.0), (57.0, -58.0, -80.0),
    (54.0, -80.0, -72.0), (50.0, -100.0, -66.0), (44.0, -120.0, -60.0), (33.0, -138.0, -50.0), (15.0, -152.0, -43.0),
    (2.2, -160.0, -42.0),
])  # fmt: skip
"""Canonical places of half the loop: from below the nose over cheek and ear to where both halves meet on the neck."""
TAIL_MM = np.array(
    [(0.0, -158.0, -41.0), (0.0, -175.0, -46.0), (0.0, -192.0, -44.0), (0.0, -215.0, -30.0), (0.0, -250.0, -12.0)]
)
"""From there down."""
COLUMELLA_MM = np.array([(0.0, -49.0, 34.0), (0.0, -47.5, 35.5), (0.0, -46.0, 37.5)])
"""From the base of the nose forwards."""
NOSTRIL_MM = np.array([8.5, -41.2, 32.0])
"""Roof of a nostril."""


@dataclass(frozen=True, kw_only=True, eq=False)
class CannulaPath:
    """Where a cannula lies on every head of the model, found once."""

    loop: Anchors
    """[point, lane]: from where the halves meet, over the subject's right ear, the lip and the left ear, back."""
    tail: Anchors
    """[point, lane]."""
    nostrils: Anchors
    """[2]: left, right."""
    columella: Anchors
    """[point]: skin between the nostrils, which a lifted lip meets."""

    @classmethod
    def of(cls, template: Template) -> CannulaPath:
        """The path on a head model, from its template head."""
        topology = template.mesh.topology
        place = canonical_mm(template.mesh.vertices_m, topology.landmarks)
        ear = masks(template.base_uvs, ["ears"])["ears"]
        skin = topology.triangles[topology.part == Part.SKIN]
        bare = skin[(ear[skin] < 0.5).all(axis=1)]
        normals = template.mesh.normals.astype(np.float64)

        def laned(line: np.ndarray) -> Anchors:
            middle = Anchors.bound(line, place, bare)
            points = (place[middle.corners] * middle.share[..., None]).sum(axis=-2)
            up = unit((normals[middle.corners] * middle.share[..., None]).sum(axis=-2))
            aside = unit(np.cross(tangents(points, closed=False), up))
            lanes = points[:, None] + aside[:, None] * LANES_MM[:, None]
            return Anchors.bound(lanes, place, bare)

        half = _spaced(_curve(LOOP_MM))
        whole = np.concatenate([(half * (-1.0, 1.0, 1.0))[:0:-1], half])
        return cls(
            loop=laned(whole),
            tail=laned(_spaced(_curve(TAIL_MM))),
            columella=Anchors.bound(COLUMELLA_MM, place, bare),
            nostrils=Anchors.bound(np.stack([NOSTRIL_MM, NOSTRIL_MM * (-1.0, 1.0, 1.0)]), place, bare),
        )


def cannula(path: CannulaPath, mesh: FaceMesh) -> Solid:
    """The cannula on a bare head in a pose; the same topology in all poses."""
    skin, normals = path.loop.on(mesh)
    flat = _flatness(len(skin))
    half = TUBE_MM + flat[:, None] * (np.array(BRIDGE_MM) - TUBE_MM)
    line = taut(skin[:, BELOW], normals[:, BELOW], half, beside=path.columella.on(mesh))
    up = normals[:, MIDDLE]
    loop = sweep(line, up, half, closed=False, material=PLASTIC, sides=10)
    tail_skin, tail_normals = path.tail.on(mesh)
    thick = np.full((len(tail_skin), 2), TUBE_MM)
    thick[: len(SLIDER_MM)] = SLIDER_MM
    tail = sweep(
        taut(tail_skin[:, BELOW], tail_normals[:, BELOW], thick),
        tail_normals[:, MIDDLE],
        thick,
        closed=False,
        material=PLASTIC,
        sides=10,
    )
    shades = [_shade(skin, normals), _shade(tail_skin, tail_normals)]
    return joined([loop, tail, *_prongs(line, up, *path.nostrils.on(mesh)), *shades])


def _shade(skin: Float[np.ndarray, "point lane 3"], normals: Float[np.ndarray, "point lane 3"]) -> Solid:
    """A dark band on the skin below a tube, that fades to its rims."""
    count, lanes = skin.shape[:2]
    i, j = np.arange(count - 1)[:, None] * lanes, np.arange(lanes - 1)[None]
    a, b, c, d = i + j, i + lanes + j, i + lanes + j + 1, i + j + 1
    triangles = np.concatenate([np.stack([a, d, c], -1).reshape(-1, 3), np.stack([a, c, b], -1).reshape(-1, 3)])
    fade = np.ones((count, lanes))
    fade[:, [0, -1]] = 0.0
    return Solid(
        points_mm=(skin + normals * SHADE_MM).reshape(-1, 3),
        normals=normals.reshape(-1, 3),
        triangles=triangles.astype(np.int64),
        material=np.full(len(triangles), DARK),
        strength=fade.ravel(),
    )


def taut(
    skin: Float[np.ndarray, "point lane 3"],
    normals: Float[np.ndarray, "point lane 3"],
    half_mm: Float[np.ndarray, "point 2"],
    beside: tuple[Float[np.ndarray, "place 3"], Float[np.ndarray, "place 3"]] | None = None,
) -> Float[np.ndarray, "point 3"]:
    """The middle line of a tube that is drawn tight over the skin.

    Args:
        skin: below the tube and to its sides, millimetres.
        normals: unit.
        half_mm: half width along the skin and away from it.
        beside: more skin and its normals, which the middle of the line has to clear.
    """
    under = skin.shape[1] // 2
    middle, up = skin[:, under], normals[:, under]
    least = half_mm[:, 1] + SKIN_GAP_MM
    wide = (half_mm[:, 0] - half_mm[:, 1]) / (BRIDGE_MM[0] - BRIDGE_MM[1])
    most = least + SLACK_MM + (BRIDGE_SLACK_MM - SLACK_MM) * np.clip(wide, 0.0, 1.0)
    watched, facing = (_with_neighbours(rows, under) for rows in (skin, normals))
    level = _reach(facing, up, half_mm) + SKIN_GAP_MM + (watched * facing).sum(axis=2)
    if beside is not None:
        facing, level = _with_more(facing, level, *beside, up, half_mm)
    line = middle + up * least[:, None]
    for _ in range(ROUNDS):
        line[1:-1] = 0.5 * line[1:-1] + 0.25 * (line[2:] + line[:-2])
        off = line - middle
        height = (off * up).sum(axis=1)
        aside = off - up * height[:, None]
        drift = np.sqrt(np.square(aside).sum(axis=1))
        aside = aside * np.minimum(1.0, DRIFT_MM / np.maximum(drift, 1e-9))[:, None]
        line = _pushed(middle + aside + up * np.clip(height, least, most)[:, None], level, facing)
    for _ in range(PUSHES):
        line = _pushed(line, level, facing)
    return line


def _pushed(line: np.ndarray, level: np.ndarray, facing: np.ndarray) -> Float[np.ndarray, "point 3"]:
    """Each point moved out of the skin that it is deepest in; `level` is where the tube clears it, along `facing`."""
    short = level - (line[:, None] * facing).sum(axis=2)
    rows, worst = np.arange(len(line)), short.argmax(axis=1)
    return line + facing[rows, worst] * np.clip(short[rows, worst], 0.0, 1.0)[:, None]


def _with_more(
    facing: np.ndarray, level: np.ndarray, skin: np.ndarray, normals: np.ndarray, up: np.ndarray, half_mm: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The watched places of each point, and for those next to the middle these places as well."""
    more = np.broadcast_to(normals, (len(up), *normals.shape))
    reach = _reach(more, up, half_mm) + SKIN_GAP_MM + (skin * normals).sum(axis=1)
    far = np.abs(np.arange(len(up)) - len(up) // 2) > 1
    return np.concatenate([facing, more], axis=1), np.concatenate(
        [level, np.where(far[:, None], -np.inf, reach)], axis=1
    )


def _with_neighbours(rows: np.ndarray, under: int) -> Float[np.ndarray, "point place 3"]:
    """All lanes of each point, and the middle one of the points before and after."""
    middle = rows[:, under]
    before, after = np.concatenate([middle[:1], middle[:-1]]), np.concatenate([middle[1:], middle[-1:]])
    return np.concatenate([rows, before[:, None], after[:, None]], axis=1)


def _reach(facing: np.ndarray, up: np.ndarray, half_mm: np.ndarray) -> Float[np.ndarray, "point place"]:
    """How far the tube's elliptic cross-section reaches towards skin that faces it from these directions."""
    lifted = (facing * up[:, None]).sum(axis=2)
    leaning = np.maximum(1.0 - np.square(lifted), 0.0)
    return np.sqrt(np.square(half_mm[:, 1:] * lifted) + np.square(half_mm[:, :1]) * leaning)


def _prongs(line: np.ndarray, up: np.ndarray, nostrils: np.ndarray, nostril_normals: np.ndarray) -> list[Solid]:
    """From the piece below the nose up into the nostrils."""
    middle = len(line) // 2
    step = round(PRONG_X_MM / SPACING_MM)
    out = []
    for side, root, inward in zip((1, -1), nostrils, nostril_normals, strict=True):
        base = line[middle + side * step]
        tip = root - inward * 1.5
        knee = (base + tip) / 2 + up[middle] * 1.3
        curve = resampled(_curve(np.stack([base, knee, tip])), 9)
        thick = np.repeat(np.interp(np.arange(9), (0, 3, 8), (2.2, 1.75, 1.55))[:, None], 2, axis=1)
        out.append(sweep(curve, np.tile(up[middle], (9, 1)), thick, closed=False, material=PLASTIC, sides=10))
    return out


def _flatness(points: int) -> Float[np.ndarray, " point"]:
    """1 in the middle of the loop, where it is the piece below the nose, 0 where it is a tube."""
    from_middle = np.abs(np.arange(points) - points // 2) * SPACING_MM
    return np.clip((BRIDGE_REACH_MM[1] - from_middle) / (BRIDGE_REACH_MM[1] - BRIDGE_REACH_MM[0]), 0.0, 1.0)


def _curve(places: np.ndarray) -> np.ndarray:
    """A smooth line through places (Catmull-Rom)."""
    ends = np.concatenate([2 * places[:1] - places[1:2], places, 2 * places[-1:] - places[-2:-1]])
    t = np.linspace(0.0, 1.0, 12, endpoint=False)[None, :, None]
    a, b, c, d = (ends[k : len(ends) - 3 + k, None] for k in range(4))
    inner = 0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3)
    return np.concatenate([inner.reshape(-1, 3), places[-1:]])


def _spaced(line: np.ndarray) -> np.ndarray:
    length = np.sqrt(np.square(np.diff(line, axis=0)).sum(axis=1)).sum()
    return resampled(line, round(length / SPACING_MM) + 1)
