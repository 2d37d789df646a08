"""Warp kernels that decide what colour a surface has: light at the vertices, light at the pixels, lashes.

Low frequencies (key light with soft shadow, surroundings, occlusion, light spread under the skin) are computed at the
vertices; pixels add relief, texture and the mirror-like part. The reference renderer follows the same equations.
"""

from __future__ import annotations

import warp as wp

from pain3d.render.kernels import CPU_FLAGS, EMPTY, packed_depth, packed_triangle, vec4b

# Kernels are never differentiated, and no flag may trade exact arithmetic for speed.
wp.set_module_options(
    {"enable_backward": False, "fast_math": False, "fuse_fp": False, "cpu_compiler_flags": CPU_FLAGS, "max_unroll": 4}
)

PI = wp.constant(3.14159265)
SKIN = wp.constant(wp.uint8(0))
MOUTH = wp.constant(wp.uint8(1))
TEETH = wp.constant(wp.uint8(2))
EYE = wp.constant(wp.uint8(4))
LASH = wp.constant(wp.uint8(5))
REGION_LIPS = wp.constant(wp.uint8(2))
REGION_BROWS = wp.constant(wp.uint8(3))
REGION_HAIR = wp.constant(wp.uint8(8))
REGION_GARMENT = wp.constant(wp.uint8(9))
SLOPE_STEP_MM = wp.constant(0.004)
"""Millimetres of relief per texel of 1024 that one step of the stored slope stands for."""
SKIN_F0 = wp.constant(0.032)
"""Reflectance of skin oil at normal incidence (refractive index 1.4)."""
MIRROR_SIDE = wp.constant(32)
"""Texels along the side of an octahedral map of the surroundings."""

vec3b = wp.types.vector(3, wp.uint8)


@wp.struct
class Lighting:
    """A light recipe in the room's frame."""

    key_direction: wp.vec3
    key_right: wp.vec3
    key_up: wp.vec3
    key_colour: wp.vec3
    key_size: wp.vec2
    panes: wp.vec2
    exposure: float
    irradiance: wp.array(dtype=wp.vec3)
    """Nine spherical-harmonic coefficients, already convolved with the cosine."""
    mirror: wp.array2d(dtype=wp.vec3)
    """(level, texel): surroundings as mirrors of rising roughness see them, octahedral."""


@wp.struct
class LitVertex:
    """What a pixel needs of a vertex; one cache line."""

    position: wp.vec3
    normal: wp.vec3
    key: wp.vec3
    ambient: wp.vec3
    uv: wp.vec2
    shadow: float
    occlusion: float


@wp.struct
class Skin:
    """Textures of one subject, all levels one after the other, and what was baked on the neutral head."""

    size: int
    colour: wp.array(dtype=vec4b)
    """Square root of linear albedo, roughness."""
    relief: wp.array(dtype=vec4b)
    """Slopes along u and v + 128, cavity, unused."""
    region: wp.array2d(dtype=wp.uint8)
    occlusion: wp.array(dtype=wp.vec4)
    """Bent normal (head frame) and unoccluded share of the sky, 0..1, for each vertex."""
    spread: wp.array(dtype=wp.vec3)
    """How much of its key light a vertex takes from its neighbours, for red, green and blue."""


@wp.func
def whole(x: float) -> int:
    """Largest whole number not above x; a generic processor has no instruction for floor."""
    i = int(x)
    if x < float(i):
        i -= 1
    return i


@wp.func
def sky(n: wp.vec3, sh: wp.array(dtype=wp.vec3)) -> wp.vec3:
    """Irradiance / pi from the surroundings on a surface with normal n."""
    e = sh[0] + sh[1] * n[1] + sh[2] * n[2] + sh[3] * n[0]
    e += sh[4] * (n[0] * n[1]) + sh[5] * (n[1] * n[2]) + sh[6] * (3.0 * n[2] * n[2] - 1.0)
    e += sh[7] * (n[0] * n[2]) + sh[8] * (n[0] * n[0] - n[1] * n[1])
    return wp.max(e, wp.vec3(0.0, 0.0, 0.0))


@wp.func
def shadow_tap(height: wp.array2d(dtype=wp.int32), x: float, y: float, level_um: float) -> float:
    """1 where light passes; taps outside the map are lit."""
    ix = whole(x)
    iy = whole(y)
    if ix < 0 or iy < 0 or ix >= height.shape[1] or iy >= height.shape[0]:
        return 1.0
    if float(height[iy, ix]) > level_um:
        return 0.0
    return 1.0


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
    # shadow map, in the head frame
    shadow_right: wp.vec3,
    shadow_up: wp.vec3,
    shadow_direction: wp.vec3,
    shadow_centre_m: wp.vec3,
    shadow_half_m: float,
    shadow_height: wp.array2d(dtype=wp.int32),
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
    facing = wp.dot(n, shadow_direction)
    inside = part == MOUTH or part == TEETH or part == wp.uint8(3)
    if inside:
        # what lies behind the lips sees the sky through their opening alone, and a little through the cheeks
        d = p - opening_m
        behind = wp.max(-d[2] - 0.004, 0.0) + 0.15 * wp.abs(d[0])
        open_sky = 0.05 + 0.95 * opening_m2 / (opening_m2 + 1.5 * behind * behind)
        bent = wp.normalize(0.5 * n + wp.vec3(0.0, 0.0, 1.0))
    if facing > -0.3:
        clear_m = float(0.0015)
        if part == EYE:
            # lids lie on the eyeball: the map is too coarse to part them
            clear_m = 0.0045
        q = p - shadow_centre_m + n * clear_m
        scale = 0.5 * float(shadow_height.shape[0]) / shadow_half_m
        middle = 0.5 * float(shadow_height.shape[0])
        sx = wp.dot(q, shadow_right) * scale + middle
        sy = middle - wp.dot(q, shadow_up) * scale
        here = wp.dot(q, shadow_direction) * 1.0e6
        slope = 1.0e6 / scale
        # blockers first: how far above do they float?
        blockers = float(0.0)
        above = float(0.0)
        search = 0.02 * scale * wp.max(light.key_size[0], 0.12)
        for k in range(8):
            bx = sx + taps[k * 2][0] * search
            by = sy + taps[k * 2][1] * search
            ix = whole(bx)
            iy = whole(by)
            if ix >= 0 and iy >= 0 and ix < shadow_height.shape[1] and iy < shadow_height.shape[0]:
                h = float(shadow_height[iy, ix])
                if h > here + 1.2 * slope:
                    blockers += 1.0
                    above += h - here
        if blockers > 0.0:
            gap_m = above / blockers * 1.0e-6
            wide = wp.clamp(gap_m * light.key_size[0] * scale, 0.9, 12.0)
            passed = float(0.0)
            for k in range(16):
                reach = wide * (wp.abs(taps[k][0]) + wp.abs(taps[k][1]))
                passed += shadow_tap(
                    shadow_height, sx + taps[k][0] * wide, sy + taps[k][1] * wide, here + slope * (0.9 + 0.35 * reach)
                )
            shadow = passed / 16.0
    room_normal = rotation * n
    arriving = wp.max(facing, 0.0) * shadow
    if inside:
        arriving = arriving * open_sky
        shadow = shadow * open_sky
    key[i] = wp.vec3(arriving, arriving, arriving)
    ambient = sky(wp.normalize(rotation * wp.normalize(n + bent)), light.irradiance) * open_sky
    v = LitVertex()
    v.position = rotation * p + translation_m
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


@wp.struct
class Footprint:
    """Four texels around a point and their shares."""

    texels: wp.vec4i
    shares: wp.vec4


@wp.func
def footprint(size0: int, level: int, uv: wp.vec2) -> Footprint:
    """Where a texture of several levels, one after the other, holds the surroundings of uv."""
    size = size0 >> level
    # levels before this one hold size0^2 (1 + 1/4 + ...) texels
    first = (4 * (size0 * size0 - size * size)) // 3
    x = wp.clamp(uv[0] * float(size) - 0.5, 0.0, float(size) - 1.001)
    y = wp.clamp(uv[1] * float(size) - 0.5, 0.0, float(size) - 1.001)
    ix = int(x)
    iy = int(y)
    fx = x - float(ix)
    fy = y - float(iy)
    corner = first + iy * size + ix
    f = Footprint()
    f.texels = wp.vec4i(corner, corner + 1, corner + size, corner + size + 1)
    f.shares = wp.vec4((1.0 - fx) * (1.0 - fy), fx * (1.0 - fy), (1.0 - fx) * fy, fx * fy)
    return f


@wp.func
def as_vec4(texel: vec4b) -> wp.vec4:
    return wp.vec4(float(int(texel[0])), float(int(texel[1])), float(int(texel[2])), float(int(texel[3])))


@wp.func
def sample(texture: wp.array(dtype=vec4b), f: Footprint) -> wp.vec4:
    """Bilinear texture value, 0..255."""
    value = as_vec4(texture[f.texels[0]]) * f.shares[0] + as_vec4(texture[f.texels[1]]) * f.shares[1]
    return value + as_vec4(texture[f.texels[2]]) * f.shares[2] + as_vec4(texture[f.texels[3]]) * f.shares[3]


@wp.func
def mirrored(direction: wp.vec3, roughness: float, light: Lighting) -> wp.vec3:
    """Surroundings as seen in a mirror of this roughness."""
    s = wp.abs(direction[0]) + wp.abs(direction[1]) + wp.abs(direction[2])
    x = direction[0] / s
    y = direction[1] / s
    if direction[2] < 0.0:
        fold = (1.0 - wp.abs(y)) * wp.where(x >= 0.0, 1.0, -1.0)
        y = (1.0 - wp.abs(x)) * wp.where(y >= 0.0, 1.0, -1.0)
        x = fold
    level = wp.clamp(int(roughness * 5.0), 0, light.mirror.shape[0] - 1)
    size = MIRROR_SIDE
    u = (x * 0.5 + 0.5) * float(size) - 0.5
    v = (y * 0.5 + 0.5) * float(size) - 0.5
    ix = wp.clamp(whole(u), 0, size - 2)
    iy = wp.clamp(whole(v), 0, size - 2)
    fx = wp.clamp(u - float(ix), 0.0, 1.0)
    fy = wp.clamp(v - float(iy), 0.0, 1.0)
    k = iy * size + ix
    top = light.mirror[level, k] * (1.0 - fx) + light.mirror[level, k + 1] * fx
    low = light.mirror[level, k + size] * (1.0 - fx) + light.mirror[level, k + size + 1] * fx
    return top * (1.0 - fy) + low * fy


@wp.func
def schlick(f0: float, cosine: float) -> float:
    m = wp.clamp(1.0 - cosine, 0.0, 1.0)
    m2 = m * m
    return f0 + (1.0 - f0) * m2 * m2 * m


@wp.func
def ggx_lobe(alpha: float, nh: float, nl: float, nv: float) -> float:
    """Microfacet distribution and visibility (GGX with Hammon's joint approximation), without Fresnel."""
    a2 = alpha * alpha
    d = nh * nh * (a2 - 1.0) + 1.0
    distribution = a2 / (PI * d * d)
    masking = 0.5 / wp.max(2.0 * nl * nv * (1.0 - alpha) + (nl + nv) * alpha, 1.0e-4)
    return distribution * masking


@wp.func
def env_reflectance(f0: float, roughness: float, nv: float) -> float:
    """Share of the surroundings that a rough surface mirrors (Karis, *Physically based shading on mobile*, 2014)."""
    rx = 1.0 - roughness
    ry = 0.0425 - 0.0275 * roughness
    g = wp.min(rx * rx, wp.exp(-6.4324 * nv)) * rx + ry
    return f0 * (-1.04 * g + 1.04 - 0.572 * roughness) + (1.04 * g - 0.04 + 0.022 * roughness)


@wp.func
def bounced(open_sky: float, albedo: float) -> float:
    """Gain by light that bounces between the walls of a fold (Jimenez et al., *Practical real-time strategies for
    accurate indirect occlusion*, 2016)."""
    a = 2.0404 * albedo - 0.3324
    b = 0.6417 - 4.7951 * albedo
    c = 2.7552 * albedo + 0.6903
    return wp.max((a * open_sky + b) * open_sky + c, 1.0)


@wp.func
def lamp_image(r: wp.vec3, light: Lighting) -> float:
    """The lamp as a polished surface shows it: window panes, softbox or disc, 0..1."""
    toward = wp.dot(r, light.key_direction)
    if toward <= 0.2:
        return 0.0
    x = wp.dot(r, light.key_right) / (toward * light.key_size[0])
    y = wp.dot(r, light.key_up) / (toward * light.key_size[1])
    if light.panes[0] < 0.5:
        return wp.clamp((1.15 - wp.sqrt(x * x + y * y)) / 0.3, 0.0, 1.0)
    inside = wp.clamp((1.1 - wp.abs(x)) / 0.2, 0.0, 1.0) * wp.clamp((1.1 - wp.abs(y)) / 0.2, 0.0, 1.0)
    if inside > 0.0 and light.panes[0] > 1.5:
        across = (x * 0.5 + 0.5) * light.panes[0]
        across = wp.abs(across - float(whole(across + 0.5)))
        down = (y * 0.5 + 0.5) * light.panes[1]
        down = wp.abs(down - float(whole(down + 0.5)))
        inside = inside * wp.clamp(wp.min(across, down) / 0.09, 0.25, 1.0)
    return inside


@wp.func
def lids_above(
    nearest: wp.array(dtype=wp.int64), size: int, x: float, y: float, depth_m: float, reach_px: float
) -> float:
    """How open the sky is over a wet part: lids and lips close above it in the picture cast soft shadow, 0..1."""
    free = float(0.0)
    total = float(0.0)
    for k in range(8):
        # a fan upwards, near and far
        dx = (float(k % 4) - 1.5) * 0.35
        far = reach_px * (0.45 + 0.55 * float(k // 4))
        ix = wp.clamp(int(x + dx * far), 0, size - 1)
        iy = wp.clamp(int(y - far), 0, size - 1)
        there = nearest[iy * size + ix]
        passed = float(1.0)
        if there != EMPTY:
            nearer = depth_m - packed_depth(there)
            passed = 1.0 - wp.clamp(nearer / 0.0012, 0.0, 1.0)
        free += passed
        total += 1.0
    return free / total


@wp.func
def on_film(radiance: wp.vec3, exposure: float, film: wp.array(dtype=float)) -> wp.vec3:
    """sRGB 0..255 after the film's curve; the table is spaced by square roots up to radiance 16."""
    last = float(film.shape[0] - 1)
    r = wp.sqrt(wp.clamp(radiance[0] * exposure / 16.0, 0.0, 1.0)) * last
    g = wp.sqrt(wp.clamp(radiance[1] * exposure / 16.0, 0.0, 1.0)) * last
    b = wp.sqrt(wp.clamp(radiance[2] * exposure / 16.0, 0.0, 1.0)) * last
    return wp.vec3(film[int(r + 0.5)], film[int(g + 0.5)], film[int(b + 0.5)])


@wp.func
def to_bytes(colour: wp.vec3) -> vec3b:
    return vec3b(
        wp.uint8(wp.clamp(colour[0] + 0.5, 0.0, 255.0)),
        wp.uint8(wp.clamp(colour[1] + 0.5, 0.0, 255.0)),
        wp.uint8(wp.clamp(colour[2] + 0.5, 0.0, 255.0)),
    )


@wp.func
def weights(a: wp.vec3, b: wp.vec3, c: wp.vec3, ray: wp.vec3) -> wp.vec3:
    """Perspective-correct barycentric coordinates of the point where a ray from the camera meets a triangle's plane."""
    wa = wp.dot(ray, wp.cross(b, c))
    wb = wp.dot(ray, wp.cross(c, a))
    wc = wp.dot(ray, wp.cross(a, b))
    total = wa + wb + wc
    # edge-on triangles: stay inside rather than run away
    w = wp.vec3(wp.clamp(wa / total, -0.5, 1.5), wp.clamp(wb / total, -0.5, 1.5), 0.0)
    return wp.vec3(w[0], w[1], 1.0 - w[0] - w[1])


@wp.func
def pixel_ray(pixel: int, size: int, focal_px: float, centre_px: wp.vec2) -> wp.vec3:
    """Direction through the centre of a pixel, in the room's frame."""
    x = float(pixel % size) + 0.5
    y = float(pixel // size) + 0.5
    return wp.vec3((x - centre_px[0]) / focal_px, (centre_px[1] - y) / focal_px, -1.0)


@wp.func
def uv_at(a: LitVertex, b: LitVertex, c: LitVertex, w: wp.vec3) -> wp.vec2:
    return a.uv * w[0] + b.uv * w[1] + c.uv * w[2]


@wp.func
def shows_heat(region: wp.uint8) -> bool:
    """Skin, lips and brows are where displacement is seen."""
    return region == wp.uint8(1) or region == REGION_LIPS or region == REGION_BROWS


@wp.kernel
def shade(
    # mesh
    triangles: wp.array(dtype=wp.vec3i),
    part: wp.array(dtype=wp.uint8),
    displacement_mm: wp.array(dtype=float),
    lit: wp.array(dtype=LitVertex),
    skin: Skin,
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
    uv = uv_at(a, b, c, w)
    position = a.position * w[0] + b.position * w[1] + c.position * w[2]
    kind = part[triangle]
    # labels
    tx = wp.clamp(int(uv[0] * float(skin.size)), 0, skin.size - 1)
    ty = wp.clamp(int(uv[1] * float(skin.size)), 0, skin.size - 1)
    region = wp.uint8(0)
    if kind == SKIN:
        region = skin.region[ty, tx]
    elif kind == MOUTH:
        region = wp.uint8(7)
    elif kind == TEETH:
        region = wp.uint8(5)
    elif kind == wp.uint8(3):
        region = wp.uint8(6)
    elif kind == EYE:
        region = wp.uint8(4)
    if i < pixels:
        segmentation[i] = region
        depth_m[i] = -position[2]
        heat = float(0.0)
        if shows_heat(region):
            heat = displacement_mm[corners[0]] * w[0] + displacement_mm[corners[1]] * w[1]
            heat = wp.max(heat + displacement_mm[corners[2]] * w[2], 0.0)
        heatmap_mm[i] = heat
    # surface
    texels = footprint(skin.size, texture_level[triangle], uv)
    paint = sample(skin.colour, texels) * (1.0 / 255.0)
    relief = sample(skin.relief, texels)
    albedo = wp.vec3(paint[0] * paint[0], paint[1] * paint[1], paint[2] * paint[2])
    roughness = wp.max(paint[3], 0.05)
    cavity = relief[2] / 255.0
    smooth = wp.normalize(a.normal * w[0] + b.normal * w[1] + c.normal * w[2])
    e1 = b.position - a.position
    e2 = c.position - a.position
    face = wp.cross(e1, e2)
    area2 = wp.max(wp.dot(face, face), 1.0e-20)
    right = wp.cross(e2, face)
    up = wp.cross(face, e1)
    duv1 = b.uv - a.uv
    duv2 = c.uv - a.uv
    per_u = (right * duv1[0] + up * duv2[0]) / area2
    per_v = (right * duv1[1] + up * duv2[1]) / area2
    to_m = SLOPE_STEP_MM * 0.001 * 1024.0
    lean = per_u * ((relief[0] - 128.0) * to_m) + per_v * ((relief[1] - 128.0) * to_m)
    steep = wp.length(lean)
    lean = lean * (1.0 / (1.0 + 0.35 * steep))
    normal = wp.normalize(smooth - lean)
    view = wp.normalize(-position)
    nv_smooth = wp.dot(smooth, view)
    if nv_smooth < 0.05:
        smooth = wp.normalize(smooth + view * (0.05 - nv_smooth))
    nv = wp.max(wp.dot(normal, view), 0.05)
    # light that was gathered at the vertices
    key = a.key * w[0] + b.key * w[1] + c.key * w[2]
    ambient = a.ambient * w[0] + b.ambient * w[1] + c.ambient * w[2]
    shadow = a.shadow * w[0] + b.shadow * w[1] + c.shadow * w[2]
    occlusion = a.occlusion * w[0] + b.occlusion * w[1] + c.occlusion * w[2]
    l = light.key_direction
    nl = wp.dot(normal, l)
    nl_smooth = wp.dot(smooth, l)
    wet = kind != SKIN
    living = kind == SKIN and region != REGION_GARMENT and region != REGION_HAIR
    # relief modulates the spread key light, red least
    soft = wp.vec3(1.0, 1.0, 1.0)
    if living:
        soft = wp.vec3(0.45, 0.75, 0.95)
    if kind == EYE:
        soft = wp.vec3(0.0, 0.0, 0.0)
    lower = 0.12 + wp.max(nl_smooth, 0.0)
    gain = (0.12 + wp.max(nl, 0.0)) / lower - 1.0
    gain = wp.clamp(gain, -0.8, 0.9)
    key = wp.cw_mul(key, wp.vec3(1.0 + soft[0] * gain, 1.0 + soft[1] * gain, 1.0 + soft[2] * gain))
    lift = wp.clamp(0.35 * (wp.dot(normal, wp.vec3(0.0, 1.0, 0.0)) - wp.dot(smooth, wp.vec3(0.0, 1.0, 0.0))), -0.2, 0.2)
    ambient = ambient * (1.0 + lift)
    contact = float(1.0)
    if wet:
        reach = 0.0045 * focal_px / wp.max(-position[2], 0.05)
        contact = lids_above(nearest, size, px, py, -position[2], reach)
        if kind == EYE:
            contact = 0.4 + 0.6 * contact
        else:
            contact = 0.7 + 0.3 * contact
    ambient = wp.cw_mul(
        ambient, wp.vec3(bounced(occlusion, albedo[0]), bounced(occlusion, albedo[1]), bounced(occlusion, albedo[2]))
    )
    received = (wp.cw_mul(light.key_colour, key) + ambient) * (contact * (0.4 + 0.6 * cavity))
    radiance = wp.cw_mul(albedo, received)
    # mirror-like part
    half_vector = wp.normalize(l + view)
    nh = wp.clamp(wp.dot(normal, half_vector), 0.0, 1.0)
    vh = wp.clamp(wp.dot(view, half_vector), 0.0, 1.0)
    mirror_direction = normal * (2.0 * wp.dot(normal, view)) - view
    lamp = 0.35 * wp.min(light.key_size[0], light.key_size[1])
    open_mirror = wp.clamp(occlusion * occlusion * 1.2, 0.0, 1.0) * contact * cavity
    f0 = SKIN_F0
    strength = float(1.0)
    if kind == SKIN and region == REGION_GARMENT:
        strength = 0.25
    if kind == SKIN and region == REGION_HAIR:
        f0 = 0.046
        strength = 0.6
    if kind == EYE:
        f0 = 0.04
        bright = wp.length(light.key_colour) / (PI * light.key_size[0] * light.key_size[1] * 4.0)
        image = lamp_image(mirror_direction, light) * wp.min(bright * 1.2, 14.0) * contact
        tint = light.key_colour / wp.max(wp.length(light.key_colour), 1.0e-4) * 1.732
        glare = mirrored(mirror_direction, 0.0, light) * open_mirror
        radiance += (tint * image + glare) * schlick(f0, nv)
    else:
        if wet:
            roughness = wp.min(roughness, 0.4)
        alpha = roughness * roughness
        wide = wp.min(alpha + lamp, 1.0)
        tight = wp.min(alpha * 0.3 + lamp, 1.0)
        nl_lit = wp.max(nl, 0.0)
        share = float(0.0)
        if living:
            share = 0.3
        lobes = (1.0 - share) * ggx_lobe(wide, nh, nl_lit, nv) + share * ggx_lobe(tight, nh, nl_lit, nv)
        fresnel = schlick(f0, vh)
        radiance += light.key_colour * (lobes * fresnel * nl_lit * shadow * strength * PI * contact * cavity)
        radiance += mirrored(mirror_direction, roughness, light) * (
            env_reflectance(f0, roughness, nv) * open_mirror * strength
        )
        if living or region == REGION_GARMENT:
            # down hair and fibres glow at grazing view
            rim = 1.0 - nv
            radiance += wp.cw_mul(albedo, received) * (0.2 * rim * rim * rim)
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


@wp.func
def hashed(i: int) -> int:
    """20 well mixed bits (PCG, Jarzynski & Olano, *Hash functions for GPU rendering*, JCGT 2020)."""
    h = wp.uint32(i) * wp.uint32(747796405) + wp.uint32(1597334677)
    h = ((h >> ((h >> wp.uint32(28)) + wp.uint32(4))) ^ h) * wp.uint32(277803737)
    return int(((h >> wp.uint32(22)) ^ h) & wp.uint32(0xFFFFF))


@wp.func
def strand(u: float, v: float) -> float:
    """1 where a lash hair is: hairs of hashed place, lean and length; u along the lid, v from root to tip."""
    hairs = 62.0
    found = float(0.0)
    for k in range(3):
        # neighbours lean into this cell
        cell = whole(u * hairs) + k - 1
        bits = hashed(cell + 1000)
        h = float(bits & 1023) / 1023.0
        g = float((bits >> 10) & 1023) / 1023.0
        middle = (float(cell) + 0.5 + 0.5 * (h - 0.5) + (g - 0.5) * 1.3 * v * v) / hairs
        long = 0.62 + 0.38 * h
        width = 0.26 * (1.0 - v / long) / hairs
        if v < long and wp.abs(u - middle) < width:
            found = 1.0
    return found


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
    """How many of eight samples of each pixel a lash covers, each card counted; integers, so order is nothing."""
    t = lash_triangles[wp.tid()]
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
                        free = 1.0 / near < packed_depth(behind) + 0.0006
                    if free:
                        uv = (uvs[corners[0]] * (wa * na) + uvs[corners[1]] * (wb * nb) + uvs[corners[2]] * (wc * nc)) / near
                        u = (uv[0] - cell[0]) / (cell[2] - cell[0])
                        v = (uv[1] - cell[1]) / (cell[3] - cell[1])
                        if strand(u, v) > 0.5:
                            hits += 1
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
        through = 1.0 - 0.85 * wp.min(float(hits) / 8.0, 1.0)
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
    skin: Skin,
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
    paint = sample(skin.colour, footprint(skin.size, texture_level[triangle], uv_at(a, b, c, w))) / 255.0
    root[i] = wp.vec3(paint[0], paint[1], paint[2])


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
