# type: ignore  # Warp's types say something else to a checker than to its compiler
# ruff: noqa: UP018, RUF046  # Warp: what changes is made by int() and float(); no tuples
"""Warp kernels that decide what is seen: projection, visibility at pixel centres, edge samples, depth maps.

Screen positions are whole numbers of 1/256 pixel and edge functions whole numbers, so coverage is exact and the same
on every device; the nearest surface is kept by an integer minimum over packed (depth, triangle), which does not
depend on the order of triangles.
"""

from __future__ import annotations

import warp as wp

# The banner of Warp goes to standard output, where it would spoil machine-readable results.
wp.config.log_level = wp.LOG_ERROR

CPU_FLAGS = "-mllvm=-inline-threshold=9000"
"""A generic processor, so that bytes do not depend on the machine's; only inlining differs from the compiler's default,
which makes shading a quarter faster."""

# Kernels are never differentiated, and no flag may trade exact arithmetic for speed.
wp.set_module_options(
    {"enable_backward": False, "fast_math": False, "fuse_fp": False, "cpu_compiler_flags": CPU_FLAGS, "max_unroll": 4}
)

SUBPIXELS = wp.constant(256)
"""Screen units in a pixel."""
EMPTY = wp.constant(wp.int64(0x7FFFFFFFFFFFFFFF))
"""Packed value of a sample that no triangle covers."""
TRIANGLE_BITS = wp.constant(wp.int64(21))
NEARNESS_SCALE = wp.constant(67108864.0)
"""2^26: nearness (1 / metre) as a whole number; finer than float32 itself beyond half a metre."""
NEAREST = wp.constant(wp.int64(1073741824))
"""Nearness 16 / m; what comes closer than 1/16 m is not drawn."""
LASH = wp.constant(wp.uint8(5))
EDGE_SAMPLES = wp.constant(8)

vec4b = wp.types.vector(4, wp.uint8)


@wp.func
def edge_function(a: wp.vec2i, b: wp.vec2i, x: wp.int64, y: wp.int64) -> wp.int64:
    """Twice the signed area of (a, b, point)."""
    return wp.int64(b[0] - a[0]) * (y - wp.int64(a[1])) - wp.int64(b[1] - a[1]) * (x - wp.int64(a[0]))


@wp.func
def owns_edge(a: wp.vec2i, b: wp.vec2i) -> wp.int64:
    """0 for top and left edges, which own the points on them, 1 for the others."""
    if b[1] < a[1] or (b[1] == a[1] and b[0] > a[0]):
        return wp.int64(0)
    return wp.int64(1)


@wp.func
def pack(nearness: float, triangle: int) -> wp.int64:
    """(depth, triangle) such that the smaller value is the nearer one."""
    depth = NEAREST - wp.int64(nearness * NEARNESS_SCALE)
    return (depth << TRIANGLE_BITS) | wp.int64(triangle)


@wp.func
def packed_triangle(packed: wp.int64) -> int:
    return int(packed & ((wp.int64(1) << TRIANGLE_BITS) - wp.int64(1)))


@wp.func
def packed_depth(packed: wp.int64) -> float:
    """Metres."""
    return NEARNESS_SCALE / float(NEAREST - (packed >> TRIANGLE_BITS))


@wp.func
def nearness_gradient(a: wp.vec2i, b: wp.vec2i, c: wp.vec2i, na: float, nb: float, nc: float, area: float) -> wp.vec2:
    """Change of 1 / depth across the triangle for one screen unit right and down."""
    abx = float(b[0] - a[0])
    aby = float(b[1] - a[1])
    acx = float(c[0] - a[0])
    acy = float(c[1] - a[1])
    return wp.vec2(((nb - na) * acy - (nc - na) * aby) / area, ((nc - na) * abx - (nb - na) * acx) / area)


@wp.kernel
def project(
    # mesh
    vertices_m: wp.array(dtype=wp.vec3),
    # camera
    rotation: wp.mat33,
    translation_m: wp.vec3,
    focal_px: float,
    centre_px: wp.vec2,
    # out
    screen: wp.array(dtype=wp.vec2i),
    nearness: wp.array(dtype=float),
):
    """Vertices onto the screen; nearness 0 marks what is behind the camera or too close."""
    i = wp.tid()
    p = rotation * vertices_m[i] + translation_m
    if p[2] < 0.07:
        nearness[i] = 0.0
        return
    near = 1.0 / p[2]
    x = wp.clamp(p[0] * near * focal_px + centre_px[0], -16384.0, 16384.0)
    y = wp.clamp(p[1] * near * focal_px + centre_px[1], -16384.0, 16384.0)
    screen[i] = wp.vec2i(int(wp.floor(x * 256.0 + 0.5)), int(wp.floor(y * 256.0 + 0.5)))
    nearness[i] = near


@wp.kernel
def rasterise(
    # mesh
    triangles: wp.array(dtype=wp.vec3i),
    part: wp.array(dtype=wp.uint8),
    uv_area: wp.array(dtype=float),
    texture_size: int,
    screen: wp.array(dtype=wp.vec2i),
    nearness: wp.array(dtype=float),
    # out
    nearest: wp.array2d(dtype=wp.int64),
    texture_level: wp.array(dtype=wp.int32),
):
    """Nearest triangle at each pixel centre; and which texture level fits each triangle."""
    t = wp.tid()
    if part[t] == LASH:
        return
    corners = triangles[t]
    na = nearness[corners[0]]
    nb = nearness[corners[2]]
    nc = nearness[corners[1]]
    if na == 0.0 or nb == 0.0 or nc == 0.0:
        return
    # counter-clockwise seen from outside is clockwise on a screen with y down: swap, so that the area is positive
    a = screen[corners[0]]
    b = screen[corners[2]]
    c = screen[corners[1]]
    area = edge_function(a, b, wp.int64(c[0]), wp.int64(c[1]))
    if area <= wp.int64(0):
        return
    # texels of the finest level in a pixel; each level has a quarter of them
    texels = uv_area[t] * 65536.0 * float(texture_size) * float(texture_size) / float(area)
    level = int(0)
    while texels > 2.3 and level < 7:
        texels = texels * 0.25
        level += 1
    texture_level[t] = level
    size = nearest.shape[0]
    half = 128
    x0 = wp.max((wp.min(a[0], wp.min(b[0], c[0])) - half + 255) >> 8, 0)
    x1 = wp.min((wp.max(a[0], wp.max(b[0], c[0])) - half) >> 8, size - 1)
    y0 = wp.max((wp.min(a[1], wp.min(b[1], c[1])) - half + 255) >> 8, 0)
    y1 = wp.min((wp.max(a[1], wp.max(b[1], c[1])) - half) >> 8, size - 1)
    if x0 > x1 or y0 > y1:
        return
    gradient = nearness_gradient(a, b, c, na, nb, nc, float(area))
    low = wp.min(na, wp.min(nb, nc))
    high = wp.max(na, wp.max(nb, nc))
    bias_ab = owns_edge(a, b)
    bias_bc = owns_edge(b, c)
    bias_ca = owns_edge(c, a)
    px = wp.int64(x0 * 256 + half)
    py = wp.int64(y0 * 256 + half)
    row_ab = edge_function(a, b, px, py) - bias_ab
    row_bc = edge_function(b, c, px, py) - bias_bc
    row_ca = edge_function(c, a, px, py) - bias_ca
    for y in range(y0, y1 + 1):
        ab = row_ab
        bc = row_bc
        ca = row_ca
        for x in range(x0, x1 + 1):
            if (ab | bc | ca) >= wp.int64(0):
                near = na + gradient[0] * float(x * 256 + half - a[0]) + gradient[1] * float(y * 256 + half - a[1])
                wp.atomic_min(nearest, y, x, pack(wp.clamp(near, low, high), t))
            ab -= wp.int64(b[1] - a[1]) * wp.int64(256)
            bc -= wp.int64(c[1] - b[1]) * wp.int64(256)
            ca -= wp.int64(a[1] - c[1]) * wp.int64(256)
        row_ab += wp.int64(b[0] - a[0]) * wp.int64(256)
        row_bc += wp.int64(c[0] - b[0]) * wp.int64(256)
        row_ca += wp.int64(a[0] - c[0]) * wp.int64(256)


@wp.func
def depth_step(here: wp.int64, gap_m: float) -> wp.int64:
    """Difference of packed values that a gap in depth makes at this distance."""
    near = float(NEAREST - (here >> TRIANGLE_BITS)) / NEARNESS_SCALE
    return wp.int64(gap_m * near * near * NEARNESS_SCALE) << TRIANGLE_BITS


@wp.func
def differs(here: wp.int64, there: wp.int64, part: wp.array(dtype=wp.uint8), step: wp.int64) -> bool:
    """Whether two neighbouring samples lie on different surfaces."""
    if here == there:
        return False
    if wp.abs(here - there) > step:
        return True
    return part[packed_triangle(here)] != part[packed_triangle(there)]


@wp.kernel
def find_edges(
    nearest: wp.array2d(dtype=wp.int64),
    part: wp.array(dtype=wp.uint8),
    gap_m: float,
    # out
    slot: wp.array2d(dtype=wp.int32),
    slot_pixel: wp.array(dtype=wp.int32),
    edge_tile: wp.array2d(dtype=wp.uint8),
    counters: wp.array(dtype=wp.int32),
):
    """Give a slot to each pixel that borders on another surface, and mark its tile of 8 x 8 pixels."""
    y, x = wp.tid()
    size = nearest.shape[0]
    here = nearest[y, x]
    step = wp.int64(0)
    if here != EMPTY:
        step = depth_step(here, gap_m)
    found = False
    if x > 0:
        found = differs(here, nearest[y, x - 1], part, step)
    if not found and x < size - 1:
        found = differs(here, nearest[y, x + 1], part, step)
    if not found and y > 0:
        found = differs(here, nearest[y - 1, x], part, step)
    if not found and y < size - 1:
        found = differs(here, nearest[y + 1, x], part, step)
    if found:
        k = wp.atomic_add(counters, 0, 1)
        slot[y, x] = k
        slot_pixel[k] = y * size + x
        edge_tile[y >> 3, x >> 3] = wp.uint8(1)
    else:
        slot[y, x] = -1


@wp.kernel
def rasterise_edges(
    # mesh
    triangles: wp.array(dtype=wp.vec3i),
    part: wp.array(dtype=wp.uint8),
    screen: wp.array(dtype=wp.vec2i),
    nearness: wp.array(dtype=float),
    # edge pixels
    slot: wp.array2d(dtype=wp.int32),
    edge_tile: wp.array2d(dtype=wp.uint8),
    offsets: wp.array(dtype=wp.vec2i),
    # out
    samples: wp.array2d(dtype=wp.int64),
):
    """Nearest triangle at each of the eight samples of the edge pixels."""
    t = wp.tid()
    if part[t] == LASH:
        return
    corners = triangles[t]
    na = nearness[corners[0]]
    nb = nearness[corners[2]]
    nc = nearness[corners[1]]
    if na == 0.0 or nb == 0.0 or nc == 0.0:
        return
    a = screen[corners[0]]
    b = screen[corners[2]]
    c = screen[corners[1]]
    area = edge_function(a, b, wp.int64(c[0]), wp.int64(c[1]))
    if area <= wp.int64(0):
        return
    size = slot.shape[0]
    x0 = wp.max(wp.min(a[0], wp.min(b[0], c[0])) >> 8, 0)
    x1 = wp.min(wp.max(a[0], wp.max(b[0], c[0])) >> 8, size - 1)
    y0 = wp.max(wp.min(a[1], wp.min(b[1], c[1])) >> 8, 0)
    y1 = wp.min(wp.max(a[1], wp.max(b[1], c[1])) >> 8, size - 1)
    if x0 > x1 or y0 > y1:
        return
    touched = int(0)
    for ty in range(y0 >> 3, (y1 >> 3) + 1):
        for tx in range(x0 >> 3, (x1 >> 3) + 1):
            touched += int(edge_tile[ty, tx])
    if touched == 0:
        return
    gradient = nearness_gradient(a, b, c, na, nb, nc, float(area))
    low = wp.min(na, wp.min(nb, nc))
    high = wp.max(na, wp.max(nb, nc))
    bias_ab = owns_edge(a, b)
    bias_bc = owns_edge(b, c)
    bias_ca = owns_edge(c, a)
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            k = slot[y, x]
            if k >= 0:
                for s in range(EDGE_SAMPLES):
                    sx = x * 256 + 128 + offsets[s][0]
                    sy = y * 256 + 128 + offsets[s][1]
                    px = wp.int64(sx)
                    py = wp.int64(sy)
                    ab = edge_function(a, b, px, py) - bias_ab
                    bc = edge_function(b, c, px, py) - bias_bc
                    ca = edge_function(c, a, px, py) - bias_ca
                    if (ab | bc | ca) >= wp.int64(0):
                        near = na + gradient[0] * float(sx - a[0]) + gradient[1] * float(sy - a[1])
                        wp.atomic_min(samples, k, s, pack(wp.clamp(near, low, high), t))


@wp.kernel
def group_samples(
    # edge pixels
    samples: wp.array2d(dtype=wp.int64),
    slot_pixel: wp.array(dtype=wp.int32),
    nearest: wp.array(dtype=wp.int64),
    part: wp.array(dtype=wp.uint8),
    gap_m: float,
    pixels: int,
    # out
    counters: wp.array(dtype=wp.int32),
    extra_triangle: wp.array(dtype=wp.int32),
    extra_place: wp.array(dtype=wp.vec2i),
    group_fragment: wp.array2d(dtype=wp.int32),
    group_weight: wp.array2d(dtype=wp.int32),
):
    """Sort the samples of an edge pixel into at most four surfaces, each of which is shaded once.

    A group is named by its fragment: the pixel itself where its centre shows that surface, else a fragment of its
    own, made at the first sample that shows it. Samples beyond four surfaces join the first.
    """
    k = wp.tid()
    pixel = slot_pixel[k]
    groups = int(1)
    first = wp.vec4i(-1, -1, -1, -1)
    weight = wp.vec4i(0, 0, 0, 0)
    for s in range(EDGE_SAMPLES):
        here = samples[k, s]
        step = wp.int64(0)
        if here != EMPTY:
            step = depth_step(here, gap_m)
        mine = int(-1)
        if not differs(here, nearest[pixel], part, step):
            mine = int(0)
        for g in range(1, 4):
            if mine < 0 and g < groups:  # noqa: SIM102  Warp evaluates both sides of `and`
                if not differs(here, samples[k, first[g]], part, step):
                    mine = g
        if mine < 0:
            mine = int(0)
            if groups < 4:
                mine = groups
                first[groups] = s
                groups += 1
        weight[mine] = weight[mine] + 1
    group_fragment[k, 0] = pixel
    group_weight[k, 0] = weight[0]
    for g in range(1, 4):
        group_weight[k, g] = weight[g]
        if g < groups:
            packed = samples[k, first[g]]
            if packed == EMPTY:
                group_fragment[k, g] = -1
            else:
                f = wp.atomic_add(counters, 1, 1)
                extra_triangle[f] = packed_triangle(packed)
                extra_place[f] = wp.vec2i(pixel, first[g])
                group_fragment[k, g] = pixels + f


@wp.kernel
def depth_map(
    # mesh
    triangles: wp.array(dtype=wp.vec3i),
    vertices_m: wp.array(dtype=wp.vec3),
    # view along -direction, orthographic
    right: wp.vec3,
    up: wp.vec3,
    direction: wp.vec3,
    centre_m: wp.vec3,
    half_width_m: float,
    # out
    height: wp.array2d(dtype=wp.int32),
):
    """Height towards the light in micrometres, the highest surface at each texel centre; both sides cast shadow."""
    t = wp.tid()
    corners = triangles[t]
    size = height.shape[0]
    scale = 0.5 * float(size) / half_width_m
    middle = 0.5 * float(size)
    qa = vertices_m[corners[0]] - centre_m
    qb = vertices_m[corners[1]] - centre_m
    qc = vertices_m[corners[2]] - centre_m
    ax = wp.dot(qa, right) * scale + middle
    ay = middle - wp.dot(qa, up) * scale
    bx = wp.dot(qb, right) * scale + middle
    by = middle - wp.dot(qb, up) * scale
    cx = wp.dot(qc, right) * scale + middle
    cy = middle - wp.dot(qc, up) * scale
    area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
    # faces turned away cast the same silhouette; drawing one side halves the work
    if area >= -1.0e-9:
        return
    x0 = wp.max(int(wp.ceil(wp.min(ax, wp.min(bx, cx)) - 0.5)), 0)
    x1 = wp.min(int(wp.floor(wp.max(ax, wp.max(bx, cx)) - 0.5)), size - 1)
    y0 = wp.max(int(wp.ceil(wp.min(ay, wp.min(by, cy)) - 0.5)), 0)
    y1 = wp.min(int(wp.floor(wp.max(ay, wp.max(by, cy)) - 0.5)), size - 1)
    if x0 > x1 or y0 > y1:
        return
    ha = wp.dot(qa, direction)
    hb = wp.dot(qb, direction)
    hc = wp.dot(qc, direction)
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            px = float(x) + 0.5
            py = float(y) + 0.5
            wb = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) / area
            wc = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) / area
            wa = 1.0 - wb - wc
            if wa >= 0.0 and wb >= 0.0 and wc >= 0.0:
                wp.atomic_max(height, y, x, int((wa * ha + wb * hb + wc * hc) * 1.0e6))


@wp.func
def free_share(height: wp.array2d(dtype=wp.int32), ix: int, iy: int, fx: float, fy: float, level_um: float) -> float:
    """Share of the four texels around a place of a depth map that do not rise above a level."""
    free = float(0.0)
    if float(height[iy, ix]) <= level_um:
        free += (1.0 - fx) * (1.0 - fy)
    if float(height[iy, ix + 1]) <= level_um:
        free += fx * (1.0 - fy)
    if float(height[iy + 1, ix]) <= level_um:
        free += (1.0 - fx) * fy
    if float(height[iy + 1, ix + 1]) <= level_um:
        free += fx * fy
    return free


@wp.kernel
def gather_occlusion(
    # mesh
    vertices_m: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    # depth map along one direction
    right: wp.vec3,
    up: wp.vec3,
    direction: wp.vec3,
    centre_m: wp.vec3,
    half_width_m: float,
    height: wp.array2d(dtype=wp.int32),
    # in and out: sum of visible directions, and of their cosines; sum of all cosines
    gathered: wp.array(dtype=wp.vec4),
    possible: wp.array(dtype=float),
    # in and out: where the sky is walled off, as nine spherical harmonics
    walls: wp.array2d(dtype=float),
):
    """Adds one direction of the sky to each vertex that sees it, and to the walls of each that does not."""
    i = wp.tid()
    n = normals[i]
    cosine = wp.dot(n, direction)
    if cosine <= 0.0:
        return
    scale = 0.5 * float(height.shape[0]) / half_width_m
    middle = 0.5 * float(height.shape[0])
    q = vertices_m[i] - centre_m + n * 0.002
    x = wp.dot(q, right) * scale + middle - 0.5
    y = middle - wp.dot(q, up) * scale - 0.5
    level = (wp.dot(q, direction) + 1.4 / scale) * 1.0e6
    ix = wp.clamp(int(wp.floor(x)), 0, height.shape[0] - 2)
    iy = wp.clamp(int(wp.floor(y)), 0, height.shape[0] - 2)
    fx = wp.clamp(x - float(ix), 0.0, 1.0)
    fy = wp.clamp(y - float(iy), 0.0, 1.0)
    free = free_share(height, ix, iy, fx, fy, level)
    seen = free * cosine
    gathered[i] = gathered[i] + wp.vec4(direction[0] * seen, direction[1] * seen, direction[2] * seen, seen)
    possible[i] = possible[i] + cosine
    # walls count at grazing angles as well, where a texel of the map hides how steep the surface itself is
    steep = wp.sqrt(wp.max(1.0 - cosine * cosine, 0.0)) / wp.max(cosine, 0.15)
    wall = 1.0 - free_share(height, ix, iy, fx, fy, level + wp.min(0.5 * steep, 2.0) / scale * 1.0e6)
    if wall > 0.0:
        x = direction[0]
        y = direction[1]
        z = direction[2]
        walls[i, 0] = walls[i, 0] + wall
        walls[i, 1] = walls[i, 1] + wall * y
        walls[i, 2] = walls[i, 2] + wall * z
        walls[i, 3] = walls[i, 3] + wall * x
        walls[i, 4] = walls[i, 4] + wall * x * y
        walls[i, 5] = walls[i, 5] + wall * y * z
        walls[i, 6] = walls[i, 6] + wall * (3.0 * z * z - 1.0)
        walls[i, 7] = walls[i, 7] + wall * x * z
        walls[i, 8] = walls[i, 8] + wall * (x * x - y * y)


@wp.kernel
def settle_occlusion(
    normals: wp.array(dtype=wp.vec3),
    neighbours: wp.array2d(dtype=wp.int32),
    gathered: wp.array(dtype=wp.vec4),
    possible: wp.array(dtype=float),
    walls: wp.array2d(dtype=float),
    band_gain: wp.array(dtype=float),
    # out
    occlusion: wp.array(dtype=wp.vec4),
    smooth_walls: wp.array2d(dtype=float),
):
    """Bent normal, open share of the sky and walls, smoothed over the neighbours of each vertex."""
    i = wp.tid()
    total = gathered[i]
    all = possible[i]
    around = float(1.0)
    for k in range(neighbours.shape[1]):
        j = neighbours[i, k]
        if j >= 0:
            total += gathered[j]
            all += possible[j]
            around += 1.0
    for h in range(9):
        wall = walls[i, h]
        for k in range(neighbours.shape[1]):
            j = neighbours[i, k]
            if j >= 0:
                wall += walls[j, h]
        smooth_walls[i, h] = wall / around * band_gain[h]
    bent = wp.vec3(total[0], total[1], total[2])
    if wp.length(bent) < 1.0e-6:
        bent = normals[i]
    bent = wp.normalize(bent)
    open_sky = wp.clamp(total[3] / wp.max(all, 1.0e-6), 0.04, 1.0)
    # maps of a few millimetres a texel darken shallow hollows too much
    open_sky = 0.5 * (open_sky + wp.sqrt(open_sky))
    occlusion[i] = wp.vec4(bent[0], bent[1], bent[2], open_sky)


@wp.kernel
def encode_textures(
    # maps
    albedo: wp.array3d(dtype=wp.uint8),
    height_mm: wp.array2d(dtype=float),
    roughness: wp.array2d(dtype=wp.uint8),
    linear_root: wp.array(dtype=wp.uint8),
    slope_step_mm: float,
    # out: level 0
    colour: wp.array(dtype=vec4b),
    relief: wp.array(dtype=vec4b),
):
    """Level 0 of the compact textures: roots of linear colour, roughness, slopes of the relief, cavity."""
    y, x = wp.tid()
    size = height_mm.shape[0]
    i = y * size + x
    colour[i] = vec4b(
        linear_root[int(albedo[y, x, 0])],
        linear_root[int(albedo[y, x, 1])],
        linear_root[int(albedo[y, x, 2])],
        roughness[y, x],
    )
    left = height_mm[y, wp.max(x - 1, 0)]
    right = height_mm[y, wp.min(x + 1, size - 1)]
    top = height_mm[wp.max(y - 1, 0), x]
    low = height_mm[wp.min(y + 1, size - 1), x]
    here = height_mm[y, x]
    du = (right - left) * 0.5 / slope_step_mm + 128.5
    dv = (low - top) * 0.5 / slope_step_mm + 128.5
    # a pit lies below its surroundings and sees less of the sky
    pit = wp.max((left + right + top + low) * 0.25 - here, 0.0)
    cavity = 255.0 * (1.0 - wp.min(pit / (20.0 * slope_step_mm), 0.6))
    relief[i] = vec4b(
        wp.uint8(wp.clamp(du, 0.0, 255.0)), wp.uint8(wp.clamp(dv, 0.0, 255.0)), wp.uint8(cavity), wp.uint8(0)
    )


@wp.kernel
def halve_textures(
    first: int,
    size: int,
    # in and out: levels one after the other; `first` and `size` name the finer one
    colour: wp.array(dtype=vec4b),
    relief: wp.array(dtype=vec4b),
):
    """The next level: means of linear colour and slopes; relief that is lost becomes roughness."""
    y, x = wp.tid()
    half = size // 2
    c = wp.vec3(0.0, 0.0, 0.0)
    rough = float(0.0)
    s = wp.vec3(0.0, 0.0, 0.0)
    squares = float(0.0)
    for k in range(4):
        j = first + (2 * y + k // 2) * size + 2 * x + k % 2
        a = colour[j]
        b = relief[j]
        v = wp.vec3(float(a[0]), float(a[1]), float(a[2]))
        c += wp.cw_mul(v, v)
        rough += float(a[3])
        du = float(b[0]) - 128.0
        dv = float(b[1]) - 128.0
        s += wp.vec3(du, dv, float(b[2]))
        squares += du * du + dv * dv
    c = c * 0.25
    s = s * 0.25
    lost = wp.max(squares * 0.25 - s[0] * s[0] - s[1] * s[1], 0.0)
    # slopes are steps of 0.004 mm over texels of about 0.3 mm
    rough = rough * 0.25 + 255.0 * 0.35 * wp.min(lost * 0.00018, 0.4)
    i = first + size * size + y * half + x
    colour[i] = vec4b(
        wp.uint8(wp.sqrt(c[0]) + 0.5),
        wp.uint8(wp.sqrt(c[1]) + 0.5),
        wp.uint8(wp.sqrt(c[2]) + 0.5),
        wp.uint8(wp.min(rough + 0.5, 255.0)),
    )
    relief[i] = vec4b(wp.uint8(s[0] + 128.5), wp.uint8(s[1] + 128.5), wp.uint8(s[2] + 0.5), wp.uint8(0))
