# type: ignore  # Warp's types say something else to a checker than to its compiler
# ruff: noqa: UP018  # Warp: what changes is made by int() and float()
"""Warp functions of wet eyes and mouths: iris below the cornea, shadow of the lids, tear line, dark mouth.

Nothing is compiled from here; `shading` calls these for skins uploaded with ``wet=True``. `reference_wet` says the same
for whole arrays.
"""

from __future__ import annotations

import warp as wp

from pain3d.render.kernels import EMPTY, packed_depth
from pain3d.render.materials import (
    EYE,
    PI,
    TEETH,
    Arriving,
    Lighting,
    LitVertex,
    Skin,
    Surface,
    footprint,
    ggx_lobe,
    mirrored,
    sample,
    schlick,
)

IRIS_UV_RADIUS = wp.constant(0.27)
"""Distance of the limbus from the pupil's centre in the cell of the eyes; see `face.eyes`."""
SCLERA_ANGLE = wp.constant(1.8325957)
"""Radians from the optical axis to the end of the painted eye; see `face.eyes`."""
CORNEA_INDEX = wp.constant(1.336)
"""Refractive index of the aqueous humour."""
IRIS_DEPTH_M = wp.constant(0.0022)
"""How far the pupil lies below the drawn surface: 2.9 mm chamber (Rabsilber et al. 2006) less 0.5 mm cornea, about."""
LID_REACH_M = wp.constant(0.0050)
"""A lid darkens the eyeball so far below its edge."""
LIP_REACH_M = wp.constant(0.0100)
TEAR_HEIGHT_M = wp.constant(0.0004)
"""Height of the tear meniscus: 0.2 to 0.4 mm in healthy eyes."""
LID_STEP_M = wp.constant(0.0012)
"""A lid or lip this much nearer to the camera than what it covers shades it fully."""
IN_EYE_SHADOW = wp.constant(0.30)
"""Light that a lid close above leaves to the eyeball."""
IN_MOUTH_SHADOW = wp.constant(0.54)
SCLERA_TINT = wp.constant(wp.vec3(0.95, 0.90, 0.875))
"""Vessels too fine to paint, and a film of tears, make the white of an eye warmer than its paint."""
TOOTH_TINT = wp.constant(wp.vec3(0.90, 0.82, 0.755))
"""Wet enamel lets part of the light through into the dark mouth, blue least: what comes back is darker and warmer."""
TOOTH_GREY = wp.constant(0.3)
"""Share by which enamel loses its yellow: yellow in half shadow is seen as olive, which teeth are not."""
DEEP_TINT = wp.constant(wp.vec3(0.95, 0.72, 0.70))
"""Colour of light that reached the depth of the mouth by way of its red walls."""
SALIVA_ALPHA = wp.constant(0.045)
"""Width of the highlight that saliva on the lips adds (GGX), before the lamp's own."""
SALIVA_SHARE = wp.constant(0.5)
"""Share of the lips that a film covers evenly enough to mirror."""


@wp.func
def pupil_power(light: Lighting) -> float:
    """Exponent that widens the pupil in dim light and narrows it in bright light; 1 leaves it as painted."""
    mean = (light.irradiance[0][0] + light.irradiance[0][1] + light.irradiance[0][2]) / 3.0
    key = (light.key_colour[0] + light.key_colour[1] + light.key_colour[2]) / 3.0
    return wp.clamp(1.30 - 0.9 * (mean + 0.5 * key - 0.4), 0.85, 1.30)


@wp.func
def iris_shift_m(normal: wp.vec3, view: wp.vec3, radius: float) -> wp.vec3:
    """From a point of the cornea to where its refracted line of sight meets the iris, along the surface.

    radius: distance from the pupil's centre in radii of the iris. The iris hangs from the limbus: 0 there.
    """
    cosine = wp.clamp(wp.dot(normal, view), 0.05, 1.0)
    across = (normal * cosine - view) / CORNEA_INDEX
    along = wp.sqrt(wp.max(1.0 - wp.dot(across, across), 0.1))
    return across * (IRIS_DEPTH_M * wp.max(1.0 - radius * radius, 0.0) / along)


@wp.func
def iris_place(place: wp.vec2, power: float) -> wp.vec2:
    """Where in the painted iris a place of the seen one is found, from the pupil's centre in texture coordinates."""
    radius = wp.length(place) / IRIS_UV_RADIUS
    if radius >= 1.0 or radius < 1.0e-4:
        return place
    return place * (wp.pow(radius, power) / radius)


@wp.func
def turned_place(place: wp.vec2, look: wp.vec4, mirror: float) -> wp.vec2:
    """Where in the painted eye a place of the eyeball is found when the eye looks aside.

    Args:
        place: from the pupil's centre in the cell of the eyes, as the mesh carries it.
        look: direction in the frame of the eye (right, up, axis), and the sine of the angle of its limbus.
        mirror: 1 for the left eye, -1 for the right one, whose texture runs the other way.
    """
    limbus = wp.asin(look[3])
    radius = wp.length(place)
    angle = limbus + (radius - IRIS_UV_RADIUS) * (SCLERA_ANGLE - limbus) / (0.5 - IRIS_UV_RADIUS)
    if radius < IRIS_UV_RADIUS:
        angle = wp.asin(radius / IRIS_UV_RADIUS * look[3])
    across = wp.sin(angle) / wp.max(radius, 1.0e-6)
    d = wp.vec3(mirror * place[0] * across, -place[1] * across, wp.cos(angle))
    # the shortest turn that takes where the eye looks to its axis
    to = wp.vec3(look[0], look[1], look[2])
    ahead = wp.vec3(0.0, 0.0, 1.0)
    d = d - (to + ahead) * (wp.dot(d, to + ahead) / (1.0 + look[2])) + ahead * (2.0 * wp.dot(d, to))
    sine = wp.sqrt(d[0] * d[0] + d[1] * d[1])
    radius = sine / look[3] * IRIS_UV_RADIUS
    if sine > look[3] or d[2] < 0.0:
        angle = wp.atan2(sine, d[2])
        radius = IRIS_UV_RADIUS + (angle - limbus) * (0.5 - IRIS_UV_RADIUS) / (SCLERA_ANGLE - limbus)
    along = wp.min(radius, 0.5) / wp.max(sine, 1.0e-6)
    return wp.vec2(mirror * d[0] * along, -d[1] * along)


@wp.func
def in_eye_cell(skin: Skin, uv: wp.vec2) -> wp.vec2:
    """Texture place from the pupil's centre, in sides of the cell of the eyes."""
    cell = skin.eye_cell
    wide = wp.vec2(cell[2] - cell[0], cell[3] - cell[1])
    return wp.cw_div(uv - wp.vec2(cell[0], cell[1]), wide) - wp.vec2(0.5, 0.5)


@wp.func
def looked_at(skin: Skin, a: LitVertex, b: LitVertex, c: LitVertex, uv: wp.vec2) -> wp.vec2:
    """Place in the cell of the eyes, from the pupil's centre, that an eye shows at texture place uv of a triangle."""
    place = in_eye_cell(skin, uv)
    e1 = b.uv - a.uv
    e2 = c.uv - a.uv
    if e1[0] * e2[1] - e1[1] * e2[0] > 0.0:
        return turned_place(place, skin.right_look, -1.0)
    return turned_place(place, skin.left_look, 1.0)


@wp.func
def eye_paint(skin: Skin, level: int, place: wp.vec2) -> wp.vec3:
    """Albedo at a place of the cell of the eyes."""
    cell = skin.eye_cell
    wide = wp.vec2(cell[2] - cell[0], cell[3] - cell[1])
    there = wp.vec2(cell[0], cell[1]) + wp.cw_mul(place + wp.vec2(0.5, 0.5), wide)
    paint = sample(skin.colour, footprint(skin.size, level, there)) * (1.0 / 255.0)
    return wp.vec3(paint[0] * paint[0], paint[1] * paint[1], paint[2] * paint[2])


@wp.func
def below_cornea(
    s: Surface, a: LitVertex, b: LitVertex, c: LitVertex, uv: wp.vec2, level: int, skin: Skin, power: float
) -> wp.vec3:
    """Albedo of what the eye shows at texture place uv: sclera, or iris and pupil through the cornea."""
    place = looked_at(skin, a, b, c, uv)
    radius = wp.length(place) / IRIS_UV_RADIUS
    if radius >= 1.0:
        return wp.cw_mul(eye_paint(skin, level, place), SCLERA_TINT)
    e1 = b.position - a.position
    e2 = c.position - a.position
    face = wp.cross(e1, e2)
    shift = iris_shift_m(s.smooth, s.view, radius) / wp.max(wp.dot(face, face), 1.0e-24)
    moved = (b.uv - a.uv) * wp.dot(shift, wp.cross(e2, face)) + (c.uv - a.uv) * wp.dot(shift, wp.cross(face, e1))
    # a small step on this side of the limbus: the texture is stretched differently on the other
    still = in_eye_cell(skin, uv)
    step = float(0.05)
    if (wp.length(still) < IRIS_UV_RADIUS) == (wp.dot(in_eye_cell(skin, uv + moved) - still, still) > 0.0):
        step = -step
    place = place + (looked_at(skin, a, b, c, uv + moved * step) - place) / step
    return eye_paint(skin, level, iris_place(place, power))


@wp.func
def covered(nearest: wp.array(dtype=wp.int64), size: int, x: float, y: float, depth_m: float) -> float:
    """How far a pixel shows something before a depth, 0..1."""
    there = nearest[wp.clamp(int(y), 0, size - 1) * size + wp.clamp(int(x), 0, size - 1)]
    if there == EMPTY:
        return 0.0
    return wp.clamp((depth_m - packed_depth(there)) / LID_STEP_M, 0.0, 1.0)


@wp.func
def left_by_lids(
    s: Surface, nearest: wp.array(dtype=wp.int64), size: int, x: float, y: float, focal_px: float
) -> float:
    """Share of the light that lids leave to the eyes, and lips to teeth and tongue; the upper one shades most."""
    depth_m = wp.max(-s.position[2], 0.05)
    reach_m = LIP_REACH_M
    least = IN_MOUTH_SHADOW
    if s.part == EYE:
        reach_m = LID_REACH_M
        least = IN_EYE_SHADOW
    reach_px = reach_m * focal_px / depth_m
    shade = float(0.0)
    total = float(0.0)
    for ring in range(3):
        far = reach_px * (float(ring) + 0.7) / 3.0
        # the nearer a lid, the more of the sky it hides
        near = 1.0 - 0.25 * float(ring)
        for k in range(5):
            lean = 0.5 * (float(k) - 2.0)
            shade += near * covered(nearest, size, x + lean * far, y - far * (1.0 - 0.2 * wp.abs(lean)), depth_m)
            total += near
        for k in range(2):
            side = 2.0 * float(k) - 1.0
            shade += 0.6 * near * covered(nearest, size, x + side * far, y + 0.3 * far, depth_m)
            total += 0.6 * near
    return 1.0 - (1.0 - least) * shade / total


@wp.func
def tear_line(s: Surface, nearest: wp.array(dtype=wp.int64), size: int, x: float, y: float, focal_px: float) -> float:
    """Share of a pixel of the eyeball that the tear meniscus on the lower lid fills, 0..1."""
    depth_m = wp.max(-s.position[2], 0.05)
    height_px = TEAR_HEIGHT_M * focal_px / depth_m
    edge = covered(nearest, size, x, y + wp.max(height_px, 1.0), depth_m)
    return edge * wp.min(height_px, 1.0)


@wp.func
def tear_shine(s: Surface, g: Arriving, light: Lighting, tear: float) -> wp.vec3:
    """What a meniscus adds: its hollow turns up to the sky and mirrors a wide piece of it."""
    up = wp.normalize(s.normal + wp.vec3(0.0, 0.7, 0.0))
    direction = up * (2.0 * wp.dot(up, s.view)) - s.view
    sky = mirrored(direction, 0.3, light) * 0.05
    key = light.key_colour * (0.08 * wp.max(wp.dot(up, light.key_direction), 0.0) * g.shadow)
    # lids that narrow leave it less to mirror
    return (sky + key) * (tear * g.contact * g.contact)


@wp.func
def open_to_light(d_m: wp.vec3, opening_m2: float) -> float:
    """Share of the sky that a point inside the mouth sees, at d_m from the middle of the lips; falls with depth."""
    behind = wp.max(-d_m[2] - 0.002, 0.0) + 0.32 * wp.abs(d_m[0])
    through = wp.min(opening_m2, 8.0e-4)
    return 0.06 + 0.94 * through / (through + 2.6 * behind * behind)


@wp.func
def wet_albedo(s: Surface, open_sky: float) -> wp.vec3:
    """Colour of the surface when wet; teeth take on the red of the mouth where little sky is open to them."""
    if s.part == TEETH:
        deep = wp.vec3(1.0, 1.0, 1.0) + (DEEP_TINT - wp.vec3(1.0, 1.0, 1.0)) * (1.0 - open_sky)
        grey = (s.albedo[0] + s.albedo[1] + s.albedo[2]) / 3.0
        enamel = s.albedo * (1.0 - TOOTH_GREY) + wp.vec3(grey, grey, grey) * TOOTH_GREY
        return wp.cw_mul(wp.cw_mul(enamel, TOOTH_TINT), deep)
    return s.albedo


@wp.func
def left_to_mirror(s: Surface, mirror: float) -> float:
    """Share of the surroundings that a wet tooth mirrors: at grazing view it shows the mouth and its neighbours."""
    if s.part != TEETH:
        return mirror
    facing = wp.clamp(2.0 * wp.dot(s.normal, s.view), 0.0, 1.0)
    return mirror * facing * facing


@wp.func
def saliva_shine(s: Surface, g: Arriving, light: Lighting) -> wp.vec3:
    """What the wet film adds on the lips: it lies over the lines of the lips, so that its highlight is narrow."""
    n = wp.normalize(s.normal + s.smooth)
    nl = wp.dot(n, light.key_direction)
    if nl <= 0.0:
        return wp.vec3(0.0, 0.0, 0.0)
    half_vector = wp.normalize(light.key_direction + s.view)
    nh = wp.clamp(wp.dot(n, half_vector), 0.0, 1.0)
    vh = wp.clamp(wp.dot(s.view, half_vector), 0.0, 1.0)
    lamp = 0.35 * wp.min(light.key_size[0], light.key_size[1])
    lobe = ggx_lobe(wp.min(SALIVA_ALPHA + lamp, 1.0), nh, nl, wp.max(wp.dot(n, s.view), 0.05))
    film = schlick(0.02, vh) * (SALIVA_SHARE * s.cavity)
    return light.key_colour * (lobe * film * nl * g.shadow * PI)
