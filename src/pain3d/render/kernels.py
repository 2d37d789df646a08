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


@wp.struct
class Facing:
    """A triangle on the screen, its corners in the order that makes its area positive."""

    a: wp.vec2i
    b: wp.vec2i
    c: wp.vec2i
    near: wp.vec3
    """Nearness of the corners."""
    area: wp.int64
    """Twice the area; 0 for what is not drawn: turned away, or partly behind the camera."""


@wp.func
def facing_triangle(corners: wp.vec3i, screen: wp.array(dtype=wp.vec2i), nearness: wp.array(dtype=float)) -> Facing:
    """Counter-clockwise seen from outside is clockwise on a screen with y down: the last two corners are swapped."""
    f = Facing()
    f.area = wp.int64(0)
    f.near = wp.vec3(nearness[corners[0]], nearness[corners[2]], nearness[corners[1]])
    if f.near[0] == 0.0 or f.near[1] == 0.0 or f.near[2] == 0.0:
        return f
    f.a = screen[corners[0]]
    f.b = screen[corners[2]]
    f.c = screen[corners[1]]
    f.area = wp.max(edge_function(f.a, f.b, wp.int64(f.c[0]), wp.int64(f.c[1])), wp.int64(0))
    return f


@wp.func
def touched_pixels(f: Facing, size: int) -> wp.vec4i:
    """First and last column, first and last row of the pixels that a triangle may touch, on a picture of this size."""
    return wp.vec4i(
        wp.max(wp.min(f.a[0], wp.min(f.b[0], f.c[0])) >> 8, 0),
        wp.min(wp.max(f.a[0], wp.max(f.b[0], f.c[0])) >> 8, size - 1),
        wp.max(wp.min(f.a[1], wp.min(f.b[1], f.c[1])) >> 8, 0),
        wp.min(wp.max(f.a[1], wp.max(f.b[1], f.c[1])) >> 8, size - 1),
    )


@wp.func
def nearness_slope(f: Facing) -> wp.vec2:
    """Change of 1 / depth across a triangle for one screen unit right and down."""
    abx = float(f.b[0] - f.a[0])
    aby = float(f.b[1] - f.a[1])
    acx = float(f.c[0] - f.a[0])
    acy = float(f.c[1] - f.a[1])
    to_b = f.near[1] - f.near[0]
    to_c = f.near[2] - f.near[0]
    area = float(f.area)
    return wp.vec2((to_b * acy - to_c * aby) / area, (to_c * abx - to_b * acx) / area)


@wp.func
def nearness_at(f: Facing, slope: wp.vec2, x: int, y: int) -> float:
    """1 / depth at a screen position, never beyond the corners'."""
    near = f.near[0] + slope[0] * float(x - f.a[0]) + slope[1] * float(y - f.a[1])
    low = wp.min(f.near[0], wp.min(f.near[1], f.near[2]))
    return wp.clamp(near, low, wp.max(f.near[0], wp.max(f.near[1], f.near[2])))


@wp.func
def covers(f: Facing, bias: wp.vec3i, x: int, y: int) -> bool:
    """Whether a screen position lies on a triangle; `bias` as `edge_bias` gives it."""
    px = wp.int64(x)
    py = wp.int64(y)
    ab = edge_function(f.a, f.b, px, py) - wp.int64(bias[0])
    bc = edge_function(f.b, f.c, px, py) - wp.int64(bias[1])
    ca = edge_function(f.c, f.a, px, py) - wp.int64(bias[2])
    return (ab | bc | ca) >= wp.int64(0)


@wp.func
def edge_bias(f: Facing) -> wp.vec3i:
    """What keeps points on an edge for one of the two triangles that share it."""
    return wp.vec3i(int(owns_edge(f.a, f.b)), int(owns_edge(f.b, f.c)), int(owns_edge(f.c, f.a)))


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
    f = facing_triangle(triangles[t], screen, nearness)
    if f.area == wp.int64(0):
        return
    a = f.a
    b = f.b
    c = f.c
    # texels of the finest level in a pixel; each level has a quarter of them
    texels = uv_area[t] * 65536.0 * float(texture_size) * float(texture_size) / float(f.area)
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
    slope = nearness_slope(f)
    px = wp.int64(x0 * 256 + half)
    py = wp.int64(y0 * 256 + half)
    row_ab = edge_function(a, b, px, py) - owns_edge(a, b)
    row_bc = edge_function(b, c, px, py) - owns_edge(b, c)
    row_ca = edge_function(c, a, px, py) - owns_edge(c, a)
    for y in range(y0, y1 + 1):
        ab = row_ab
        bc = row_bc
        ca = row_ca
        for x in range(x0, x1 + 1):
            if (ab | bc | ca) >= wp.int64(0):
                wp.atomic_min(nearest, y, x, pack(nearness_at(f, slope, x * 256 + half, y * 256 + half), t))
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
    f = facing_triangle(triangles[t], screen, nearness)
    if f.area == wp.int64(0):
        return
    box = touched_pixels(f, slot.shape[0])
    if box[0] > box[1] or box[2] > box[3]:
        return
    touched = int(0)
    for ty in range(box[2] >> 3, (box[3] >> 3) + 1):
        for tx in range(box[0] >> 3, (box[1] >> 3) + 1):
            touched += int(edge_tile[ty, tx])
    if touched == 0:
        return
    slope = nearness_slope(f)
    bias = edge_bias(f)
    for y in range(box[2], box[3] + 1):
        for x in range(box[0], box[1] + 1):
            k = slot[y, x]
            if k >= 0:
                for s in range(EDGE_SAMPLES):
                    sx = x * 256 + 128 + offsets[s][0]
                    sy = y * 256 + 128 + offsets[s][1]
                    if covers(f, bias, sx, sy):
                        wp.atomic_min(samples, k, s, pack(nearness_at(f, slope, sx, sy), t))


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


@wp.struct
class DepthMap:
    """Heights of a mesh as seen from one direction, orthographic, in the mesh's frame."""

    right: wp.vec3
    up: wp.vec3
    direction: wp.vec3
    centre_m: wp.vec3
    half_m: float
    """Of the square that it shows."""
    height: wp.array2d(dtype=wp.int32)
    """Micrometres towards `direction`."""


@wp.func
def along_map(map: DepthMap, q: wp.vec3) -> wp.vec3:
    """Right, up and height, in metres, of a place relative to the middle of a map."""
    return wp.vec3(wp.dot(q, map.right), wp.dot(q, map.up), wp.dot(q, map.direction))


@wp.kernel
def draw_depth_map(
    triangles: wp.array(dtype=wp.vec3i),
    vertices_m: wp.array(dtype=wp.vec3),
    # in and out: its heights
    map: DepthMap,
):
    """The highest surface at each texel centre; both sides cast shadow."""
    t = wp.tid()
    corners = triangles[t]
    size = map.height.shape[0]
    scale = 0.5 * float(size) / map.half_m
    middle = 0.5 * float(size)
    qa = along_map(map, vertices_m[corners[0]] - map.centre_m)
    qb = along_map(map, vertices_m[corners[1]] - map.centre_m)
    qc = along_map(map, vertices_m[corners[2]] - map.centre_m)
    ax = qa[0] * scale + middle
    ay = middle - qa[1] * scale
    bx = qb[0] * scale + middle
    by = middle - qb[1] * scale
    cx = qc[0] * scale + middle
    cy = middle - qc[1] * scale
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
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            px = float(x) + 0.5
            py = float(y) + 0.5
            wb = ((px - ax) * (cy - ay) - (py - ay) * (cx - ax)) / area
            wc = ((bx - ax) * (py - ay) - (by - ay) * (px - ax)) / area
            wa = 1.0 - wb - wc
            if wa >= 0.0 and wb >= 0.0 and wc >= 0.0:
                wp.atomic_max(map.height, y, x, int((wa * qa[2] + wb * qb[2] + wc * qc[2]) * 1.0e6))


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
    map: DepthMap,
    # in and out: sum of visible directions, and of their cosines; sum of all cosines
    gathered: wp.array(dtype=wp.vec4),
    possible: wp.array(dtype=float),
    # in and out: where the sky is walled off, as nine spherical harmonics
    walls: wp.array2d(dtype=float),
):
    """Adds one direction of the sky to each vertex that sees it, and to the walls of each that does not."""
    i = wp.tid()
    n = normals[i]
    direction = map.direction
    cosine = wp.dot(n, direction)
    if cosine <= 0.0:
        return
    height = map.height
    scale = 0.5 * float(height.shape[0]) / map.half_m
    middle = 0.5 * float(height.shape[0])
    q = along_map(map, vertices_m[i] - map.centre_m + n * 0.002)
    x = q[0] * scale + middle - 0.5
    y = middle - q[1] * scale - 0.5
    level = (q[2] + 1.4 / scale) * 1.0e6
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
