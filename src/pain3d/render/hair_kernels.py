# type: ignore  # Warp's types say something else to a checker than to its compiler
# ruff: noqa: UP018  # Warp: what changes is made by int() and float(); no tuples
"""Warp kernels that draw hair: ribbons of strands, see-through, laid over the finished picture.

Shares of colour and cover are summed up as whole numbers, so that the order of ribbons is nothing; which of them lies
in front is told by weights, not by sorting (weighted blended transparency, McGuire & Bavoil, *JCGT* 2013).
"""

from __future__ import annotations

import warp as wp

from pain3d.render.kernels import CPU_FLAGS, EMPTY, DepthMap, along_map, packed_depth
from pain3d.render.materials import Lighting, hashed, on_film, sky, soft_shadow, to_bytes, vec3b

wp.set_module_options(
    {"enable_backward": False, "fast_math": False, "fuse_fp": False, "cpu_compiler_flags": CPU_FLAGS, "max_unroll": 4}
)

REGION_HAIR = wp.constant(wp.uint8(8))
COVER_UNIT = wp.constant(64.0)
"""Optical depth 1 as a whole number."""
COLOUR_UNIT = wp.constant(1024.0)
"""Radiance 1 as a whole number."""
FREE_M = wp.constant(0.001)
"""Hair is drawn over what lies less than this before it: ribbons cut a little into the scalp they lie on."""
THIN_PX = wp.constant(1.2)
"""Half width that a ribbon is widened to, and made fainter instead."""


@wp.struct
class HairPoint:
    """A point of a ribbon's middle line, lit."""

    normal: wp.vec3
    """Room's frame."""
    matt: wp.vec3
    shine: float
    """Of the surface of strands: the colour of the light."""
    glow: float
    """Of light that went through strands: tinted."""
    faint: float
    """Share of its cover that a ribbon keeps that was widened."""


@wp.struct
class HairColour:
    """Linear colours of a subject's strands."""

    pigmented: wp.vec3
    grey: wp.vec3
    pigmented_through: wp.vec3
    """Of light that goes through strands."""
    grey_through: wp.vec3
    grey_share: float


@wp.kernel
def light_ribbons(
    # ribbons, head frame: [ribbon, point]
    points_m: wp.array2d(dtype=wp.vec3),
    normals: wp.array2d(dtype=wp.vec3),
    half_width_m: wp.array2d(dtype=float),
    layer: wp.array(dtype=float),
    # pose and camera
    rotation: wp.mat33,
    translation_m: wp.vec3,
    focal_px: float,
    centre_px: wp.vec2,
    light: Lighting,
    # the key light's, in the head frame
    map: DepthMap,
    taps: wp.array(dtype=wp.vec2),
    # out
    lit: wp.array2d(dtype=HairPoint),
    screen: wp.array3d(dtype=wp.vec2i),
    nearness: wp.array2d(dtype=float),
):
    """Light at each point of a ribbon (Kajiya & Kay 1989, two lobes as Marschner 2003), and its rims on the screen."""
    r, k = wp.tid()
    last = points_m.shape[1] - 1
    p = points_m[r, k]
    before = points_m[r, wp.max(k - 1, 0)]
    after = points_m[r, wp.min(k + 1, last)]
    along = wp.normalize(rotation * (after - before) + wp.vec3(0.0, -1.0e-7, 0.0))
    n = normals[r, k]
    room_normal = rotation * n
    position = rotation * p + translation_m
    view = wp.normalize(-position)
    # light
    place = along_map(map, p - map.centre_m + n * 0.004 + map.direction * 0.003)
    shadow = soft_shadow(map, taps, place, light.key_size[0], 0.006)
    v = float(k) / float(last)
    deep = 0.5 + 0.5 * layer[r]
    open_sky = deep * (0.75 + 0.25 * v)
    towards = light.key_direction
    sine = wp.sqrt(wp.max(1.0 - wp.dot(along, towards) * wp.dot(along, towards), 0.0))
    wrapped = wp.clamp((wp.dot(room_normal, towards) + 0.35) / 1.35, 0.0, 1.0)
    out = HairPoint()
    out.normal = room_normal
    ambient = sky(room_normal, light.irradiance) * open_sky
    out.matt = (light.key_colour * (sine * wrapped * shadow * deep) + ambient) * 0.85
    half_vector = wp.normalize(towards + view)
    out.shine = float(0.0)
    out.glow = float(0.0)
    for lobe in range(2):
        lean = wp.where(lobe == 0, -0.10, 0.16)
        strand_way = wp.normalize(along + room_normal * lean)
        across = wp.dot(strand_way, half_vector)
        s = wp.sqrt(wp.max(1.0 - across * across, 0.0))
        if lobe == 0:
            out.shine = wp.pow(s, 40.0) * wrapped * shadow * deep
        else:
            out.glow = wp.pow(s, 14.0) * wrapped * shadow * deep
    # rims
    side = wp.cross(along, room_normal)
    facing = wp.cross(along, view)
    if wp.dot(side, facing) < 0.0:
        facing = facing * -1.0
    side = wp.normalize(wp.normalize(side + wp.vec3(1.0e-7, 0.0, 0.0)) * 0.6 + facing * 0.4)
    far = wp.max(-position[2], 0.07)
    half = half_width_m[r, k]
    pixels = half * focal_px / far
    out.faint = wp.min(pixels / THIN_PX, 1.0)
    half = half * wp.max(THIN_PX / wp.max(pixels, 1.0e-3), 1.0)
    if half_width_m[r, k] == 0.0:
        half = 0.0
    lit[r, k] = out
    nearness[r, k] = wp.where(-position[2] < 0.07, 0.0, 1.0 / far)
    for rim in range(2):
        corner = position + side * (half * (2.0 * float(rim) - 1.0))
        depth = wp.max(-corner[2], 0.07)
        x = wp.clamp(corner[0] / depth * focal_px + centre_px[0], -16384.0, 16384.0)
        y = wp.clamp(centre_px[1] - corner[1] / depth * focal_px, -16384.0, 16384.0)
        screen[r, k, rim] = wp.vec2i(int(wp.floor(x * 256.0 + 0.5)), int(wp.floor(y * 256.0 + 0.5)))


@wp.struct
class Strand:
    """What a ribbon is made of at one place."""

    cover: float
    tone: float
    """Brightness relative to the mean, about 1."""
    grey: float
    """Share of grey, 0..1."""


@wp.func
def strand_at(seed: int, u: float, v: float, strands: float, pixels: float, grey_share: float) -> Strand:
    """Strands side by side over a thin body, each with its own tone and length; u across, v from root to tip.

    `pixels` is the width of the ribbon: its rims fade over about one.
    """
    x = u * strands + 0.35 * (float(hashed(seed + 77) & 255) / 255.0 - 0.5)
    cell = wp.clamp(int(x), 0, 63)
    fx = x - float(cell)
    bits = hashed(seed * 64 + cell)
    tone = float(bits & 1023) / 1023.0
    long = 0.68 + 0.32 * float((bits >> 10) & 255) / 255.0
    # a strand is round: bright and dense along its middle
    middle = 0.3 + 0.4 * float((bits >> 6) & 255) / 255.0
    across = wp.clamp(1.0 - wp.abs(fx - middle) / 0.6, 0.0, 1.0)
    rim = wp.min(1.0, 0.8 * pixels * wp.min(u, 1.0 - u))
    tip = wp.clamp((long - v) * 6.0, 0.0, 1.0)
    root = wp.clamp(v * 12.0, 0.0, 1.0)
    out = Strand()
    out.cover = rim * tip * root * ((0.62 - 0.45 * v) + (0.3 + 0.3 * v) * across)
    out.tone = (0.65 + 0.7 * tone) * (0.82 + 0.3 * across)
    mixed = float((bits >> 2) & 255) / 255.0 - 0.5
    out.grey = wp.clamp(grey_share + 2.4 * mixed * grey_share * (1.0 - grey_share), 0.0, 1.0)
    return out


@wp.kernel
def cover_by_ribbons(
    screen: wp.array3d(dtype=wp.vec2i),
    nearness: wp.array2d(dtype=float),
    lit: wp.array2d(dtype=HairPoint),
    half_width_m: wp.array2d(dtype=float),
    layer: wp.array(dtype=float),
    seed: wp.array(dtype=wp.int32),
    beard: wp.array(dtype=wp.uint8),
    colours: HairColour,
    key_colour: wp.vec3,
    nearest: wp.array2d(dtype=wp.int64),
    # out
    optical: wp.array2d(dtype=wp.int32),
    labelled: wp.array2d(dtype=wp.int32),
    radiance: wp.array3d(dtype=wp.int32),
    front_um: wp.array2d(dtype=wp.int32),
    surface: wp.array3d(dtype=wp.int32),
):
    """Sum up what each triangle of each ribbon adds to the pixels whose centres it covers: colours, and their weight.

    `surface` takes normals and colours where it has the size of the picture; else nobody asked for them.
    """
    r, k, half = wp.tid()
    if half_width_m[r, k] == 0.0 and half_width_m[r, k + 1] == 0.0:
        return
    n0 = nearness[r, k]
    n1 = nearness[r, k + 1]
    if n0 == 0.0 or n1 == 0.0:
        return
    # corners: (point, rim) = (k, 0), (k + 1, 1), and (k, 1) or (k + 1, 0)
    a = screen[r, k, 0]
    b = screen[r, k + 1, 1]
    c = screen[r, k, 1]
    nc = n0
    if half == 1:
        c = screen[r, k + 1, 0]
        nc = n1
    abx = float(b[0] - a[0])
    aby = float(b[1] - a[1])
    acx = float(c[0] - a[0])
    acy = float(c[1] - a[1])
    area = abx * acy - aby * acx
    if wp.abs(area) < 64.0:
        return
    size = nearest.shape[0]
    x0 = wp.max((wp.min(a[0], wp.min(b[0], c[0])) + 127) >> 8, 0)
    x1 = wp.min((wp.max(a[0], wp.max(b[0], c[0])) - 128) >> 8, size - 1)
    y0 = wp.max((wp.min(a[1], wp.min(b[1], c[1])) + 127) >> 8, 0)
    y1 = wp.min((wp.max(a[1], wp.max(b[1], c[1])) - 128) >> 8, size - 1)
    if x0 > x1 or y0 > y1:
        return
    first = lit[r, k]
    second = lit[r, k + 1]
    last = float(lit.shape[1] - 1)
    ax = float(screen[r, k, 1][0] - screen[r, k, 0][0]) / 256.0
    ay = float(screen[r, k, 1][1] - screen[r, k, 0][1]) / 256.0
    wide = wp.max(wp.sqrt(ax * ax + ay * ay), 1.0)
    strands = wp.max(wp.floor(half_width_m[r, 2] * 2000.0 / 0.9 + 0.5), 1.0)
    while strands > 1.0 and strands * 1.8 > wide:  # finer than the pixels can show
        strands = wp.floor(strands * 0.5)
    before = 0.12 + layer[r] * layer[r]
    b_step = acy / area * 256.0
    c_step = -aby / area * 256.0
    for y in range(y0, y1 + 1):
        px = float(x0 * 256 + 128 - a[0])
        py = float(y * 256 + 128 - a[1])
        b_row = (px * acy - py * acx) / area
        c_row = (abx * py - aby * px) / area
        # where the row enters and leaves the triangle, with a pixel to spare; a share of 0 is one of its edges
        low = float(0.0)
        high = float(x1 - x0)
        for edge in range(3):
            at = b_row
            by = b_step
            if edge == 1:
                at = c_row
                by = c_step
            elif edge == 2:
                at = 1.0 - b_row - c_row
                by = -b_step - c_step
            if by > 1.0e-9:
                low = wp.max(low, -at / by)
            elif by < -1.0e-9:
                high = wp.min(high, -at / by)
            elif at < 0.0:
                high = -2.0
        for x in range(x0 + wp.max(int(low) - 1, 0), x0 + wp.min(int(wp.max(high, -1.0)) + 1, x1 - x0) + 1):
            along_row = float(x - x0)
            wb = b_row + b_step * along_row
            wc = c_row + c_step * along_row
            wa = 1.0 - wb - wc
            if wa >= 0.0 and wb >= 0.0 and wc >= 0.0:
                near = wa * n0 + wb * n1 + wc * nc
                depth = 1.0 / near
                behind = nearest[y, x]
                free = behind == EMPTY
                if not free:
                    free = depth < packed_depth(behind) + FREE_M
                if free:
                    u = wb
                    step = wb
                    if half == 0:
                        u += wc
                    else:
                        step += wc
                    v = (float(k) + step) / last
                    s = strand_at(seed[r], u, v, strands, wide, colours.grey_share)
                    cover = s.cover * (first.faint * (1.0 - step) + second.faint * step)
                    if cover > 0.02:
                        base = (colours.pigmented * (1.0 - s.grey) + colours.grey * s.grey) * s.tone
                        lightened = first.matt * (1.0 - step) + second.matt * step
                        shine = (first.shine * (1.0 - step) + second.shine * step) * (0.4 + 0.6 * s.tone)
                        glow = (first.glow * (1.0 - step) + second.glow * step) * s.tone
                        seen = wp.cw_mul(base, lightened) + key_colour * (0.08 * shine)
                        through = colours.pigmented_through * (1.0 - s.grey) + colours.grey_through * s.grey
                        seen += wp.cw_mul(through, key_colour) * (0.9 * s.tone * glow)
                        w = cover * before * 64.0
                        squared = cover * cover
                        # -log(1 - cover), near enough
                        optical_depth = int(cover * (1.0 + 0.6 * cover + 1.4 * squared * squared) * COVER_UNIT + 0.5)
                        wp.atomic_add(optical, y, x, optical_depth)
                        for channel in range(3):
                            wp.atomic_add(
                                radiance, y, x, channel, int(wp.min(seen[channel], 8.0) * w * COLOUR_UNIT + 0.5)
                            )
                        wp.atomic_add(radiance, y, x, 3, int(w * 16.0 + 0.5))
                        if surface.shape[1] == size:
                            n = first.normal * (1.0 - step) + second.normal * step
                            for channel in range(3):
                                wp.atomic_add(surface, channel, y, x, int(n[channel] * w * COLOUR_UNIT))
                                wp.atomic_add(surface, 3 + channel, y, x, int(base[channel] * w * COLOUR_UNIT))
                        if beard[r] == wp.uint8(0):
                            wp.atomic_add(labelled, y, x, optical_depth)
                            wp.atomic_min(front_um, y, x, int(depth * 1.0e6))


@wp.kernel
def composite_hair(
    optical: wp.array(dtype=wp.int32),
    labelled: wp.array(dtype=wp.int32),
    radiance: wp.array2d(dtype=wp.int32),
    front_um: wp.array(dtype=wp.int32),
    exposure: float,
    film: wp.array(dtype=float),
    # in and out
    rgb: wp.array(dtype=vec3b),
    segmentation: wp.array(dtype=wp.uint8),
    depth_m: wp.array(dtype=float),
    heatmap_mm: wp.array(dtype=float),
):
    """Hair over the picture; where more than half of a pixel is hair of the head, the labels say hair."""
    i = wp.tid()
    if radiance[i, 3] <= 0:
        return
    through = wp.exp(-float(optical[i]) / COVER_UNIT)
    scale = 16.0 / (float(radiance[i, 3]) * COLOUR_UNIT)
    seen = wp.vec3(float(radiance[i, 0]) * scale, float(radiance[i, 1]) * scale, float(radiance[i, 2]) * scale)
    hair = on_film(seen, exposure, film)
    here = rgb[i]
    v = wp.vec3(float(here[0]), float(here[1]), float(here[2]))
    v = wp.cw_mul(v, v) * through + wp.cw_mul(hair, hair) * (1.0 - through)
    rgb[i] = to_bytes(wp.vec3(wp.sqrt(v[0]), wp.sqrt(v[1]), wp.sqrt(v[2])))
    if wp.exp(-float(labelled[i]) / COVER_UNIT) < 0.5:
        segmentation[i] = REGION_HAIR
        depth_m[i] = float(front_um[i]) * 1.0e-6
        heatmap_mm[i] = 0.0


@wp.kernel
def read_hair(
    labelled: wp.array(dtype=wp.int32),
    radiance: wp.array2d(dtype=wp.int32),
    surface: wp.array2d(dtype=wp.int32),
    # in and out
    normals: wp.array(dtype=wp.vec3),
    root: wp.array(dtype=wp.vec3),
):
    """Normal in the camera's frame and square root of linear albedo where the labels say that ribbons are seen."""
    i = wp.tid()
    if wp.exp(-float(labelled[i]) / COVER_UNIT) >= 0.5:
        return
    n = wp.vec3(float(surface[0, i]), float(surface[1, i]), float(surface[2, i]))
    n = wp.normalize(n + wp.vec3(0.0, 0.0, 1.0))
    normals[i] = wp.vec3(n[0], -n[1], -n[2])
    scale = 16.0 / (float(radiance[i, 3]) * COLOUR_UNIT)
    root[i] = wp.vec3(
        wp.sqrt(wp.clamp(float(surface[3, i]) * scale, 0.0, 1.0)),
        wp.sqrt(wp.clamp(float(surface[4, i]) * scale, 0.0, 1.0)),
        wp.sqrt(wp.clamp(float(surface[5, i]) * scale, 0.0, 1.0)),
    )
