# type: ignore  # Warp's types say something else to a checker than to its compiler
# ruff: noqa: UP018, RUF046, SIM109  # Warp: what changes is made by int() and float(); no tuples
"""Warp kernels that decide what colour a surface has: light at the vertices, light at the pixels, lashes.

Low frequencies (key light with soft shadow, surroundings, occlusion, light spread under the skin) are computed at the
vertices; pixels add relief, texture and the mirror-like part. The reference renderer follows the same equations.
"""

from __future__ import annotations

import warp as wp

from pain3d.render.kernels import CPU_FLAGS, EMPTY, DepthMap, along_map, packed_depth, packed_triangle
from pain3d.render.materials import (
    EYE,
    MOUTH,
    REGION_GARMENT,
    REGION_LIPS,
    SKIN,
    TEETH,
    Lighting,
    LitVertex,
    Skin,
    Wrinkles,
    arriving_at,
    bled,
    contact_light,
    eye_shine,
    footprint,
    hashed,
    is_living,
    on_film,
    open_mirror,
    pixel_ray,
    received,
    sample,
    shows_heat,
    skin_shine,
    sky,
    soft_shadow,
    strand,
    surface_at,
    to_bytes,
    uv_at,
    vec3b,
    weights,
    wrinkled,
)
from pain3d.render.wet import (
    below_cornea,
    eye_paint,
    left_by_lids,
    left_to_mirror,
    looked_at,
    open_to_light,
    pupil_power,
    saliva_shine,
    tear_line,
    tear_shine,
    wet_albedo,
)

# Kernels are never differentiated, and no flag may trade exact arithmetic for speed.
wp.set_module_options(
    {"enable_backward": False, "fast_math": False, "fuse_fp": False, "cpu_compiler_flags": CPU_FLAGS, "max_unroll": 4}
)


@wp.kernel
def light_vertices(
    # mesh
    vertices_m: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    uvs: wp.array(dtype=wp.vec2),
    vertex_part: wp.array(dtype=wp.uint8),
    skin: Skin,
    # mouth opening in the head frame: centre, area [m^2]
    opening_m: wp.vec3,
    opening_m2: float,
    # pose: head to room
    rotation: wp.mat33,
    translation_m: wp.vec3,
    light: Lighting,
    # the key light's, in the head frame
    map: DepthMap,
    taps: wp.array(dtype=wp.vec2),
    # out
    lit: wp.array(dtype=LitVertex),
    key: wp.array(dtype=wp.vec3),
):
    """Light that arrives at each vertex: key with percentage-closer soft shadow, surroundings with occlusion."""
    i = wp.tid()
    p = vertices_m[i]
    n = normals[i]
    baked = skin.occlusion[i]
    open_sky = baked[3]
    bent = wp.vec3(baked[0], baked[1], baked[2])
    part = vertex_part[i]
    shadow = float(1.0)
    facing = wp.dot(n, map.direction)
    inside = part == MOUTH or part == TEETH or part == wp.uint8(3)
    if inside:
        # what lies behind the lips sees the sky through their opening alone, and a little through the cheeks
        d = p - opening_m
        behind = wp.max(-d[2] - 0.004, 0.0) + 0.15 * wp.abs(d[0])
        through = wp.min(opening_m2, 8.0e-4)
        open_sky = 0.1 + 0.9 * through / (through + 1.5 * behind * behind)
        if skin.wet == 1:
            open_sky = open_to_light(d, opening_m2)
        if part == MOUTH:
            # mucosa glows with what shines through lips and cheeks
            open_sky = wp.max(open_sky, 0.5)
        bent = wp.normalize(0.5 * n + wp.vec3(0.0, 0.0, 1.0))
    elif part == EYE:
        # the bake takes the lids for a wall; what they hide is found in the picture
        open_sky = wp.max(open_sky, 0.65)
    if facing > -0.3:
        clear_m = float(0.0015)
        if part == EYE:
            # lids lie on the eyeball: the map is too coarse to part them
            clear_m = float(0.0045)
        place = along_map(map, p - map.centre_m + n * clear_m)
        shadow = soft_shadow(map, taps, place, light.key_size[0], skin.spacing_m[i])
    room_normal = rotation * n
    arriving = wp.max(facing, 0.0) * shadow
    if inside:
        arriving = arriving * open_sky
        shadow = shadow * open_sky
    key[i] = wp.vec3(arriving, arriving, arriving)
    ambient = sky(wp.normalize(rotation * wp.normalize(n + bent)), light.irradiance) * open_sky
    v = LitVertex()
    v.position = rotation * p + translation_m
    if part == SKIN:
        v.mirror = open_mirror(skin.walls, i, n, wp.transpose(rotation) * wp.normalize(-v.position))
    else:
        v.mirror = wp.min(open_sky * open_sky * 1.2, 1.0)
    v.normal = room_normal
    v.ambient = ambient
    v.uv = uvs[i]
    v.shadow = shadow
    v.occlusion = open_sky
    lit[i] = v


@wp.kernel
def spread_light(
    # mesh
    neighbours: wp.array2d(dtype=wp.int32),
    skin: Skin,
    key: wp.array(dtype=wp.vec3),
    # out
    spread: wp.array(dtype=wp.vec3),
    lit: wp.array(dtype=LitVertex),
):
    """One step of diffusion of the key light under the skin; red travels furthest."""
    i = wp.tid()
    total = wp.vec3(0.0, 0.0, 0.0)
    count = float(0.0)
    for k in range(neighbours.shape[1]):
        j = neighbours[i, k]
        if j >= 0:
            total += key[j]
            count += 1.0
    here = key[i]
    if count > 0.0:
        here = here + wp.cw_mul(skin.spread[i], total / count - here)
    spread[i] = here
    lit[i].key = here


@wp.kernel
def shade(
    # mesh
    triangles: wp.array(dtype=wp.vec3i),
    part: wp.array(dtype=wp.uint8),
    displacement_mm: wp.array(dtype=float),
    lit: wp.array(dtype=LitVertex),
    skin: Skin,
    wrinkles: Wrinkles,
    light: Lighting,
    # picture
    pixels: int,
    size: int,
    focal_px: float,
    centre_px: wp.vec2,
    nearest: wp.array(dtype=wp.int64),
    texture_level: wp.array(dtype=wp.int32),
    extra_triangle: wp.array(dtype=wp.int32),
    extra_place: wp.array(dtype=wp.vec2i),
    offsets: wp.array(dtype=wp.vec2i),
    backdrop: wp.array(dtype=vec3b),
    film: wp.array(dtype=float),
    # out
    colour: wp.array(dtype=vec3b),
    segmentation: wp.array(dtype=wp.uint8),
    depth_m: wp.array(dtype=float),
    heatmap_mm: wp.array(dtype=float),
):
    """Colour of each fragment (pixel centres first, then the other surfaces of edge pixels), labels of the centres."""
    i = wp.tid()
    pixel = i
    triangle = int(0)
    offset_x = float(0.5)
    offset_y = float(0.5)
    if i < pixels:
        packed = nearest[i]
        if packed == EMPTY:
            colour[i] = backdrop[i]
            segmentation[i] = wp.uint8(0)
            depth_m[i] = 0.0
            heatmap_mm[i] = 0.0
            return
        triangle = packed_triangle(packed)
    else:
        triangle = extra_triangle[i - pixels]
        place = extra_place[i - pixels]
        pixel = place[0]
        offset_x = 0.5 + float(offsets[place[1]][0]) / 256.0
        offset_y = 0.5 + float(offsets[place[1]][1]) / 256.0
    px = float(pixel % size) + offset_x
    py = float(pixel // size) + offset_y
    ray = wp.vec3((px - centre_px[0]) / focal_px, (centre_px[1] - py) / focal_px, -1.0)
    corners = triangles[triangle]
    a = lit[corners[0]]
    b = lit[corners[1]]
    c = lit[corners[2]]
    w = weights(a.position, b.position, c.position, ray)
    s = surface_at(a, b, c, w, part[triangle], texture_level[triangle], skin, wrinkles)
    if i < pixels:
        segmentation[i] = s.region
        depth_m[i] = -s.position[2]
        heat = float(0.0)
        if shows_heat(s.region):
            heat = displacement_mm[corners[0]] * w[0] + displacement_mm[corners[1]] * w[1]
            heat = wp.max(heat + displacement_mm[corners[2]] * w[2], 0.0)
        heatmap_mm[i] = heat
    contact = float(1.0)
    if s.part != SKIN:
        contact = contact_light(s, nearest, size, px, py, focal_px)
        if skin.wet == 1:
            contact = left_by_lids(s, nearest, size, px, py, focal_px)
            open_sky = a.occlusion * w[0] + b.occlusion * w[1] + c.occlusion * w[2]
            s.albedo = wet_albedo(s, open_sky)
            if s.part == EYE:
                level = texture_level[triangle]
                s.albedo = below_cornea(s, a, b, c, uv_at(a, b, c, w), level, skin, pupil_power(light))
    g = arriving_at(a, b, c, w, contact)
    if skin.wet == 1:
        g.mirror = left_to_mirror(s, g.mirror)
    matt = received(s, g, light)
    radiance = wp.cw_mul(s.albedo, matt)
    if s.part == EYE:
        radiance += eye_shine(s, g, light)
        if skin.wet == 1:
            radiance += tear_shine(s, g, light, tear_line(s, nearest, size, px, py, focal_px))
    else:
        radiance += skin_shine(s, g, light)
        if skin.wet == 1 and s.region == REGION_LIPS:
            radiance += saliva_shine(s, g, light)
    if s.living or s.region == REGION_GARMENT:
        # down hair and fibres glow at grazing view
        rim = 1.0 - wp.max(wp.dot(s.normal, s.view), 0.05)
        radiance += wp.cw_mul(s.albedo, matt) * (0.2 * rim * rim * rim)
    colour[i] = to_bytes(on_film(radiance, light.exposure, film))


@wp.kernel
def resolve(
    # edge pixels
    slot_pixel: wp.array(dtype=wp.int32),
    group_fragment: wp.array2d(dtype=wp.int32),
    group_weight: wp.array2d(dtype=wp.int32),
    colour: wp.array(dtype=vec3b),
    backdrop: wp.array(dtype=vec3b),
    # out
    rgb: wp.array(dtype=vec3b),
):
    """Mix the surfaces of an edge pixel by the area that each covers, in linear light (gamma 2 is close enough)."""
    k = wp.tid()
    pixel = slot_pixel[k]
    total = wp.vec3(0.0, 0.0, 0.0)
    for g in range(4):
        w = group_weight[k, g]
        if w > 0:
            f = group_fragment[k, g]
            here = backdrop[pixel]
            if f >= 0:
                here = colour[f]
            v = wp.vec3(float(here[0]), float(here[1]), float(here[2]))
            total += wp.cw_mul(v, v) * float(w)
    total = total / 8.0
    rgb[pixel] = to_bytes(wp.vec3(wp.sqrt(total[0]), wp.sqrt(total[1]), wp.sqrt(total[2])))


@wp.kernel
def cover_by_lashes(
    # mesh
    triangles: wp.array(dtype=wp.vec3i),
    lash_triangles: wp.array(dtype=wp.int32),
    uvs: wp.array(dtype=wp.vec2),
    cell: wp.vec4,
    screen: wp.array(dtype=wp.vec2i),
    nearness: wp.array(dtype=float),
    nearest: wp.array2d(dtype=wp.int64),
    offsets: wp.array(dtype=wp.vec2i),
    # out
    covered: wp.array2d(dtype=wp.int32),
):
    """How much of each pixel lashes cover, in 256ths, each card counted; integers, so order is nothing."""
    i = wp.tid()
    t = lash_triangles[i]
    # lower lids come second and have fewer hairs
    density = float(1.0)
    if 2 * i >= lash_triangles.shape[0]:
        density = 0.6
    corners = triangles[t]
    a = screen[corners[0]]
    b = screen[corners[1]]
    c = screen[corners[2]]
    na = nearness[corners[0]]
    nb = nearness[corners[1]]
    nc = nearness[corners[2]]
    abx = float(b[0] - a[0])
    aby = float(b[1] - a[1])
    acx = float(c[0] - a[0])
    acy = float(c[1] - a[1])
    area = abx * acy - aby * acx
    if wp.abs(area) < 1.0 or na == 0.0 or nb == 0.0 or nc == 0.0:
        return
    size = nearest.shape[0]
    x0 = wp.max(wp.min(a[0], wp.min(b[0], c[0])) >> 8, 0)
    x1 = wp.min(wp.max(a[0], wp.max(b[0], c[0])) >> 8, size - 1)
    y0 = wp.max(wp.min(a[1], wp.min(b[1], c[1])) >> 8, 0)
    y1 = wp.min(wp.max(a[1], wp.max(b[1], c[1])) >> 8, size - 1)
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            behind = nearest[y, x]
            hits = int(0)
            for s in range(8):
                px = float(x * 256 + 128 + offsets[s][0] - a[0])
                py = float(y * 256 + 128 + offsets[s][1] - a[1])
                wb = (px * acy - py * acx) / area
                wc = (abx * py - aby * px) / area
                wa = 1.0 - wb - wc
                if wa >= 0.0 and wb >= 0.0 and wc >= 0.0:
                    near = wa * na + wb * nb + wc * nc
                    free = behind == EMPTY
                    if not free:
                        free = 1.0 / near < packed_depth(behind) + 0.0015
                    if free:
                        uv = (
                            uvs[corners[0]] * (wa * na) + uvs[corners[1]] * (wb * nb) + uvs[corners[2]] * (wc * nc)
                        ) / near
                        u = (uv[0] - cell[0]) / (cell[2] - cell[0])
                        v = (uv[1] - cell[1]) / (cell[3] - cell[1])
                        hits += int(32.0 * strand(u, v, density) + 0.5)
            if hits > 0:
                wp.atomic_add(covered, y, x, hits)


@wp.kernel
def finish(
    covered: wp.array(dtype=wp.int32),
    lash_colour: wp.vec3,
    grain: float,
    grain_seed: int,
    # in and out
    rgb: wp.array(dtype=vec3b),
):
    """Lashes over the picture, then film grain."""
    i = wp.tid()
    hits = covered[i]
    if hits == 0 and grain <= 0.0:
        return
    here = rgb[i]
    v = wp.vec3(float(here[0]), float(here[1]), float(here[2]))
    if hits > 0:
        through = 1.0 - 0.85 * wp.min(float(hits) / 256.0, 1.0)
        v = wp.cw_mul(v, v) * through + wp.cw_mul(lash_colour, lash_colour) * (1.0 - through)
        v = wp.vec3(wp.sqrt(v[0]), wp.sqrt(v[1]), wp.sqrt(v[2]))
    if grain > 0.0:
        bits = hashed(i + hashed(grain_seed) * 1021)
        # the sum of two equal draws: a triangle of deviation 0.41
        noise = float((bits & 1023) + (bits >> 10) - 1023) / 1023.0
        v = v + wp.vec3(noise, noise, noise) * (grain * 255.0 * 2.4)
    rgb[i] = to_bytes(v)


@wp.kernel
def read_surface(
    triangles: wp.array(dtype=wp.vec3i),
    lit: wp.array(dtype=LitVertex),
    nearest: wp.array(dtype=wp.int64),
    segmentation: wp.array(dtype=wp.uint8),
    size: int,
    focal_px: float,
    centre_px: wp.vec2,
    part: wp.array(dtype=wp.uint8),
    skin: Skin,
    wrinkles: Wrinkles,
    texture_level: wp.array(dtype=wp.int32),
    # out
    normals: wp.array(dtype=wp.vec3),
    root: wp.array(dtype=wp.vec3),
):
    """Normal in the camera's frame and square root of linear albedo at each pixel centre."""
    i = wp.tid()
    packed = nearest[i]
    if packed == EMPTY:
        return
    triangle = packed_triangle(packed)
    corners = triangles[triangle]
    a = lit[corners[0]]
    b = lit[corners[1]]
    c = lit[corners[2]]
    w = weights(a.position, b.position, c.position, pixel_ray(i, size, focal_px, centre_px))
    n = wp.normalize(a.normal * w[0] + b.normal * w[1] + c.normal * w[2])
    normals[i] = wp.vec3(n[0], -n[1], -n[2])
    uv = uv_at(a, b, c, w)
    level = texture_level[triangle]
    paint = sample(skin.colour, footprint(skin.size, level, uv)) / 255.0
    root[i] = wp.vec3(paint[0], paint[1], paint[2])
    if skin.wet == 1 and part[triangle] == EYE:
        turned = eye_paint(skin, level, looked_at(skin, a, b, c, uv))
        root[i] = wp.vec3(wp.sqrt(turned[0]), wp.sqrt(turned[1]), wp.sqrt(turned[2]))
    if wrinkles.size > 0 and is_living(part[triangle], segmentation[i]):
        fold = wrinkled(wrinkles, skin, level, uv)
        gain = bled(wrinkles, fold[3])
        root[i] = wp.vec3(paint[0] * wp.sqrt(gain[0]), paint[1] * wp.sqrt(gain[1]), paint[2] * wp.sqrt(gain[2]))


@wp.kernel
def read_displacements(
    triangles: wp.array(dtype=wp.vec3i),
    lit: wp.array(dtype=LitVertex),
    nearest: wp.array(dtype=wp.int64),
    segmentation: wp.array(dtype=wp.uint8),
    size: int,
    focal_px: float,
    centre_px: wp.vec2,
    displacements_mm: wp.array2d(dtype=float),
    # out
    heatmaps_mm: wp.array2d(dtype=float),
):
    """Each row of displacements at each pixel centre, on skin, lips and brows alone."""
    row, i = wp.tid()
    if not shows_heat(segmentation[i]):
        return
    corners = triangles[packed_triangle(nearest[i])]
    a = lit[corners[0]].position
    b = lit[corners[1]].position
    c = lit[corners[2]].position
    w = weights(a, b, c, pixel_ray(i, size, focal_px, centre_px))
    heat = displacements_mm[row, corners[0]] * w[0] + displacements_mm[row, corners[1]] * w[1]
    heatmaps_mm[row, i] = wp.max(heat + displacements_mm[row, corners[2]] * w[2], 0.0)
