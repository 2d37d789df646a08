# type: ignore  # Warp's types say something else to a checker than to its compiler
# ruff: noqa: UP018, SIM109  # Warp: what changes is made by int() and float(); no tuples
"""Warp functions that say what a surface looks like: textures, microfacets, surroundings, lamps, lids, lashes, film.

Nothing is compiled from here; `shading` calls these.
"""

from __future__ import annotations

import warp as wp

from pain3d.render.kernels import EMPTY, DepthMap, packed_depth, vec4b

PI = wp.constant(3.14159265)
SKIN = wp.constant(wp.uint8(0))
MOUTH = wp.constant(wp.uint8(1))
TEETH = wp.constant(wp.uint8(2))
TONGUE = wp.constant(wp.uint8(3))
EYE = wp.constant(wp.uint8(4))
LASH = wp.constant(wp.uint8(5))
REGION_LIPS = wp.constant(wp.uint8(2))
REGION_BROWS = wp.constant(wp.uint8(3))
REGION_HAIR = wp.constant(wp.uint8(8))
REGION_GARMENT = wp.constant(wp.uint8(9))
SLOPE_STEP_MM = wp.constant(0.004)
"""Millimetres of relief per texel of 1024 that one step of the stored slope stands for."""
BLOOD_STEP = wp.constant(0.008)
"""Change of the logarithm of the blood content that one step of a pose's texture stands for."""
COARSEST_WRINKLES = wp.constant(5)
"""Last level of a pose's texture."""
SKIN_F0 = wp.constant(0.032)
"""Reflectance of skin oil at normal incidence (refractive index 1.4)."""
HAIR_F0 = wp.constant(0.046)
OIL_SHARE = wp.constant(0.3)
"""Share of the sharper lobe of skin."""
LOBE_SINE = wp.constant(0.3)
"""Sine of the half width of what rough skin mirrors: so far above the horizon its own relief hides nothing."""
WET_ROUGHNESS = wp.constant(0.4)
"""Teeth, tongue and mucosa are wet."""
CATCHLIGHT = wp.constant(0.17)
"""Most that the bright core of a lamp reaches from its middle in the eye (tangent): under a third of the iris."""
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
    mirror: float
    """Open share of the surroundings where a mirror of skin's roughness shows them to the camera."""


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
    walls: wp.array2d(dtype=float)
    """(vertex, harmonic): share of a mirror's view (towards a direction of the head frame) that the head fills."""
    spread: wp.array(dtype=wp.vec3)
    """How much of its key light a vertex takes from its neighbours, for red, green and blue."""
    spacing_m: wp.array(dtype=float)
    """Distance of a vertex from its neighbours."""
    wet: int
    """1: eyes and mouth are shaded by the functions of `wet`."""
    eye_cell: wp.vec4
    """u0, v0, u1, v1 of the eyes in the atlas."""
    left_look: wp.vec4
    """Where the left eye looks, in its own frame (right, up, axis), and the sine of its limbus' angle."""
    right_look: wp.vec4


@wp.struct
class Wrinkles:
    """What a pose folds into the skin; all levels one after the other."""

    size: int
    """0: nothing is folded."""
    relief: wp.array(dtype=vec4b)
    """Slopes along u and v + 128 in the steps of the skin's relief, openness, blood + 128."""
    tint: wp.vec3
    """Share by which a change of 1 in the logarithm of the blood content changes red, green and blue."""


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
def open_mirror(walls: wp.array2d(dtype=float), i: int, n: wp.vec3, view: wp.vec3) -> float:
    """Share of what a rough mirror at a vertex shows that is surroundings, not head: jaw and neck mirror each other.

    Occlusion alone cannot know: at grazing view the mirror looks along the surface, where walls hide most.
    """
    cosine = wp.dot(n, view)
    # most of a face has no walls; what faces away is not seen
    if walls[i, 0] == 0.0 or cosine < -0.4:
        return 1.0
    cosine = wp.max(cosine, 0.0)
    r = n * (2.0 * cosine) - view
    r = wp.normalize(r)
    x = r[0]
    y = r[1]
    z = r[2]
    wall = walls[i, 0] + walls[i, 1] * y + walls[i, 2] * z + walls[i, 3] * x
    wall += walls[i, 4] * (x * y) + walls[i, 5] * (y * z) + walls[i, 6] * (3.0 * z * z - 1.0)
    wall += walls[i, 7] * (x * z) + walls[i, 8] * (x * x - y * y)
    # the lobe's share above the horizon, in the same three bands
    above = 0.5 + 0.656 * cosine
    return wp.clamp(1.0 - wall / above, 0.0, 1.0)


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


@wp.func
def soft_shadow(
    map: DepthMap,
    taps: wp.array(dtype=wp.vec2),
    place_m: wp.vec3,
    lamp: float,
    spacing_m: float,
) -> float:
    """Share of the lamp that is seen from a place (right, up, towards the lamp) of its depth map.

    Percentage-closer soft shadows (Fernando, SIGGRAPH 2005): the wider the lamp and the higher the blockers float
    above the place, the wider the penumbra; never narrower than the vertices that carry it stand apart.
    """
    height = map.height
    scale = 0.5 * float(height.shape[0]) / map.half_m
    middle = 0.5 * float(height.shape[0])
    x = place_m[0] * scale + middle
    y = middle - place_m[1] * scale
    level_um = place_m[2] * 1.0e6
    texel_um = 1.0e6 / scale
    narrow = wp.clamp(0.8 * spacing_m * scale, 0.9, 14.0)
    search = wp.max(0.02 * scale * wp.max(lamp, 0.12), narrow)
    blockers = float(0.0)
    above_um = float(0.0)
    for k in range(8):
        ix = whole(x + taps[2 * k][0] * search)
        iy = whole(y + taps[2 * k][1] * search)
        if ix >= 0 and iy >= 0 and ix < height.shape[1] and iy < height.shape[0]:
            h = float(height[iy, ix])
            if h > level_um + 1.2 * texel_um:
                blockers += 1.0
                above_um += h - level_um
    if blockers == 0.0:
        return 1.0
    wide = wp.clamp(above_um / blockers * 1.0e-6 * lamp * scale, narrow, 14.0)
    passed = float(0.0)
    for k in range(16):
        reach = wide * (wp.abs(taps[k][0]) + wp.abs(taps[k][1]))
        clear_um = texel_um * (0.9 + 0.35 * reach)
        passed += shadow_tap(height, x + taps[k][0] * wide, y + taps[k][1] * wide, level_um + clear_um)
    return passed / 16.0


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
    """The lamp as the tear film shows it: window panes, softbox or disc, its edge blurred, 0..1."""
    toward = wp.dot(r, light.key_direction)
    if toward <= 0.2:
        return 0.0
    core = wp.min(1.0, CATCHLIGHT / wp.max(light.key_size[0], light.key_size[1]))
    x = wp.dot(r, light.key_right) / (toward * light.key_size[0] * core)
    y = wp.dot(r, light.key_up) / (toward * light.key_size[1] * core)
    distance = wp.sqrt(x * x + y * y)
    if light.panes[0] > 0.5:
        # a square with round corners
        distance = wp.sqrt(wp.sqrt(x * x * x * x + y * y * y * y))
    inside = wp.clamp((1.3 - distance) / 0.7, 0.0, 1.0)
    inside = inside * inside * (3.0 - 2.0 * inside)
    if inside > 0.0 and light.panes[0] > 1.5:
        across = (x * 0.5 + 0.5) * light.panes[0]
        across = wp.abs(across - float(whole(across + 0.5)))
        down = (y * 0.5 + 0.5) * light.panes[1]
        down = wp.abs(down - float(whole(down + 0.5)))
        inside = inside * wp.clamp(wp.min(across, down) / 0.12, 0.45, 1.0)
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


@wp.struct
class Surface:
    """What is known about a point before light falls on it; directions in the room's frame."""

    part: wp.uint8
    region: wp.uint8
    position: wp.vec3
    view: wp.vec3
    """Towards the camera."""
    smooth: wp.vec3
    """Normal of the mesh."""
    normal: wp.vec3
    """Normal with relief."""
    albedo: wp.vec3
    roughness: float
    cavity: float
    living: bool
    """Skin, lips and brows: light spreads below, oil lies above."""


@wp.struct
class Arriving:
    """Light at a point, interpolated from the vertices."""

    key: wp.vec3
    ambient: wp.vec3
    shadow: float
    occlusion: float
    mirror: float
    contact: float
    """Share that lids and lips close above leave."""


@wp.func
def region_of(skin: Skin, part: wp.uint8, uv: wp.vec2) -> wp.uint8:
    """Class of the segmentation: by the nearest texel on skin, by part elsewhere."""
    if part == MOUTH:
        return wp.uint8(7)
    if part == TEETH:
        return wp.uint8(5)
    if part == TONGUE:
        return wp.uint8(6)
    if part == EYE:
        return wp.uint8(4)
    x = wp.clamp(int(uv[0] * float(skin.size)), 0, skin.size - 1)
    y = wp.clamp(int(uv[1] * float(skin.size)), 0, skin.size - 1)
    return skin.region[y, x]


@wp.func
def wrinkled(wrinkles: Wrinkles, skin: Skin, level: int, uv: wp.vec2) -> wp.vec4:
    """The pose's relief at a place: slopes, openness 0..1, change of the logarithm of the blood content.

    Args:
        level: of the skin's textures that suits the picture; the pose's texture is coarser.
    """
    size = int(skin.size)
    coarser = int(level)
    while size > wrinkles.size:
        size = size // 2
        coarser -= 1
    fold = sample(wrinkles.relief, footprint(wrinkles.size, wp.clamp(coarser, 0, COARSEST_WRINKLES), uv))
    return wp.vec4(fold[0] - 128.0, fold[1] - 128.0, fold[2] * (1.0 / 255.0), (fold[3] - 128.0) * BLOOD_STEP)


@wp.func
def bled(wrinkles: Wrinkles, blood: float) -> wp.vec3:
    """What a change of the blood content multiplies linear albedo by."""
    return wp.vec3(1.0, 1.0, 1.0) + wrinkles.tint * blood


@wp.func
def is_living(part: wp.uint8, region: wp.uint8) -> bool:
    """Skin, lips and brows: light spreads below, oil lies above, muscles fold it."""
    return part == SKIN and region != REGION_GARMENT and region != REGION_HAIR


@wp.func
def lean_of(a: LitVertex, b: LitVertex, c: LitVertex, slopes: wp.vec2) -> wp.vec3:
    """Gradient of the relief along the surface, from its slopes in the texture and the triangle's own frame."""
    e1 = b.position - a.position
    e2 = c.position - a.position
    face = wp.cross(e1, e2)
    area2 = wp.max(wp.dot(face, face), 1.0e-20)
    duv1 = b.uv - a.uv
    duv2 = c.uv - a.uv
    right = wp.cross(e2, face)
    up = wp.cross(face, e1)
    # slopes are millimetres for a step of 1/1024 of the atlas
    s = slopes[0] * SLOPE_STEP_MM * 1.024 / area2
    t = slopes[1] * SLOPE_STEP_MM * 1.024 / area2
    lean = right * (duv1[0] * s + duv1[1] * t) + up * (duv2[0] * s + duv2[1] * t)
    return lean / (1.0 + 0.35 * wp.length(lean))


@wp.func
def surface_at(
    a: LitVertex,
    b: LitVertex,
    c: LitVertex,
    w: wp.vec3,
    part: wp.uint8,
    level: int,
    skin: Skin,
    wrinkles: Wrinkles,
) -> Surface:
    """The surface at a point of a triangle."""
    uv = uv_at(a, b, c, w)
    s = Surface()
    s.part = part
    s.region = region_of(skin, part, uv)
    s.position = a.position * w[0] + b.position * w[1] + c.position * w[2]
    s.view = wp.normalize(-s.position)
    texels = footprint(skin.size, level, uv)
    paint = sample(skin.colour, texels) * (1.0 / 255.0)
    relief = sample(skin.relief, texels)
    s.albedo = wp.vec3(paint[0] * paint[0], paint[1] * paint[1], paint[2] * paint[2])
    s.roughness = wp.max(paint[3], 0.05)
    s.cavity = relief[2] * (1.0 / 255.0)
    slopes = wp.vec2(relief[0] - 128.0, relief[1] - 128.0)
    s.living = is_living(part, s.region)
    if s.living and wrinkles.size > 0:
        fold = wrinkled(wrinkles, skin, level, uv)
        slopes += wp.vec2(fold[0], fold[1])
        s.cavity = s.cavity * fold[2]
        s.albedo = wp.cw_mul(s.albedo, bled(wrinkles, fold[3]))
    smooth = wp.normalize(a.normal * w[0] + b.normal * w[1] + c.normal * w[2])
    s.normal = wp.normalize(smooth - lean_of(a, b, c, slopes))
    # interpolated normals may turn away at silhouettes
    away = wp.min(wp.dot(smooth, s.view) - 0.05, 0.0)
    s.smooth = wp.normalize(smooth - s.view * away)
    return s


@wp.func
def contact_light(
    s: Surface, nearest: wp.array(dtype=wp.int64), size: int, x: float, y: float, focal_px: float
) -> float:
    """Share of the light that lids leave to the eyes, and lips to the teeth."""
    reach_px = 0.0045 * focal_px / wp.max(-s.position[2], 0.05)
    free = lids_above(nearest, size, x, y, -s.position[2], reach_px)
    if s.part == EYE:
        return 0.65 + 0.35 * free
    return 0.7 + 0.3 * free


@wp.func
def arriving_at(a: LitVertex, b: LitVertex, c: LitVertex, w: wp.vec3, contact: float) -> Arriving:
    """Light of the vertices at a point of their triangle."""
    g = Arriving()
    g.key = a.key * w[0] + b.key * w[1] + c.key * w[2]
    g.ambient = a.ambient * w[0] + b.ambient * w[1] + c.ambient * w[2]
    g.shadow = a.shadow * w[0] + b.shadow * w[1] + c.shadow * w[2]
    g.occlusion = a.occlusion * w[0] + b.occlusion * w[1] + c.occlusion * w[2]
    g.mirror = a.mirror * w[0] + b.mirror * w[1] + c.mirror * w[2]
    g.contact = contact
    return g


@wp.func
def received(s: Surface, g: Arriving, light: Lighting) -> wp.vec3:
    """Matt light on a surface; relief modulates what the vertices gathered, red least, as it comes from deeper."""
    soft = wp.vec3(1.0, 1.0, 1.0)
    if s.living:
        soft = wp.vec3(0.45, 0.75, 0.95)
    if s.part == EYE:
        soft = wp.vec3(0.0, 0.0, 0.0)
    turned = 0.12 + wp.max(wp.dot(s.normal, light.key_direction), 0.0)
    gain = turned / (0.12 + wp.max(wp.dot(s.smooth, light.key_direction), 0.0)) - 1.0
    gain = wp.clamp(gain, -0.8, 0.9)
    key = wp.cw_mul(g.key, wp.vec3(1.0 + soft[0] * gain, 1.0 + soft[1] * gain, 1.0 + soft[2] * gain))
    lift = 1.0 + wp.clamp(0.35 * (s.normal[1] - s.smooth[1]), -0.2, 0.2)
    ambient = wp.vec3(
        g.ambient[0] * lift * bounced(g.occlusion, s.albedo[0]),
        g.ambient[1] * lift * bounced(g.occlusion, s.albedo[1]),
        g.ambient[2] * lift * bounced(g.occlusion, s.albedo[2]),
    )
    # what a fold does not get from the sky it gets in part from the lit skin around
    fill = wp.cw_mul(s.albedo, light.key_colour) * (0.1 * (1.0 - g.occlusion))
    return (wp.cw_mul(light.key_colour, key) + ambient + fill) * (g.contact * (0.4 + 0.6 * s.cavity))


@wp.func
def eye_shine(s: Surface, g: Arriving, light: Lighting) -> wp.vec3:
    """The clear coat of the eye: a sharp image of the lamp, and the surroundings."""
    cosine = wp.dot(s.normal, s.view)
    mirror_direction = s.normal * (2.0 * cosine) - s.view
    strength = wp.length(light.key_colour)
    bright = 0.577 * strength * PI / (4.0 * light.key_size[0] * light.key_size[1])
    image = lamp_image(mirror_direction, light) * wp.clamp(2.2 * bright, 9.0, 22.0) * g.contact
    tint = light.key_colour * (1.732 / wp.max(strength, 1.0e-4))
    open_mirror = wp.min(g.occlusion * g.occlusion * 1.2, 1.0) * g.contact
    glare = mirrored(mirror_direction, 0.0, light) * open_mirror
    return (tint * image + glare) * schlick(0.04, wp.max(cosine, 0.05))


@wp.func
def skin_shine(s: Surface, g: Arriving, light: Lighting) -> wp.vec3:
    """Two lobes of the key light and the mirrored surroundings, for all that is no eye."""
    f0 = SKIN_F0
    strength = float(1.0)
    roughness = s.roughness
    share = float(0.0)
    if s.living:
        share = OIL_SHARE
    elif s.part != SKIN:
        roughness = wp.min(roughness, WET_ROUGHNESS)
    elif s.region == REGION_GARMENT:
        strength = float(0.25)
    else:
        f0 = HAIR_F0
        strength = float(0.6)
    cosine = wp.dot(s.normal, s.view)
    nv = wp.max(cosine, 0.05)
    nl = wp.max(wp.dot(s.normal, light.key_direction), 0.0)
    half_vector = wp.normalize(light.key_direction + s.view)
    nh = wp.clamp(wp.dot(s.normal, half_vector), 0.0, 1.0)
    vh = wp.clamp(wp.dot(s.view, half_vector), 0.0, 1.0)
    # a large lamp blurs its own highlight
    lamp = 0.35 * wp.min(light.key_size[0], light.key_size[1])
    alpha = roughness * roughness
    lobes = (1.0 - share) * ggx_lobe(wp.min(alpha + lamp, 1.0), nh, nl, nv)
    lobes += share * ggx_lobe(wp.min(0.3 * alpha + lamp, 1.0), nh, nl, nv)
    shine = light.key_colour * (lobes * schlick(f0, vh) * nl * g.shadow * PI)
    mirror_direction = s.normal * (2.0 * cosine) - s.view
    # walls of the head, and slopes of the relief that lean away from the camera, mirror skin instead of surroundings
    clear = g.mirror
    rise = wp.dot(mirror_direction, s.smooth)
    if rise < LOBE_SINE:
        above = wp.min(wp.dot(s.smooth, s.view), LOBE_SINE) + LOBE_SINE
        clear = clear * wp.clamp((rise + LOBE_SINE) / above, 0.0, 1.0)
    seen = mirrored(mirror_direction, roughness, light) * clear
    if clear < 1.0:
        seen += wp.cw_mul(s.albedo, g.ambient) * (1.0 - clear)
    shine += seen * env_reflectance(f0, roughness, nv)
    return shine * (strength * g.contact * s.cavity)


@wp.func
def hashed(i: int) -> int:
    """20 well mixed bits (PCG, Jarzynski & Olano, *Hash functions for GPU rendering*, JCGT 2020)."""
    h = wp.uint32(i) * wp.uint32(747796405) + wp.uint32(1597334677)
    h = ((h >> ((h >> wp.uint32(28)) + wp.uint32(4))) ^ h) * wp.uint32(277803737)
    return int(((h >> wp.uint32(22)) ^ h) & wp.uint32(0xFFFFF))


@wp.func
def strand(u: float, v: float, density: float) -> float:
    """How dark lashes are, 0..1: hairs of hashed place, lean and length; u along the lid, v from root to tip.

    Hairs stand closer than pixels: each is drawn twice as wide and half as dark, over the mean of all, and the roots
    close to a line.
    """
    hairs = float(62.0)
    found = wp.max(0.9 - 3.0 * v, 0.38 * (1.0 - v / 0.85)) * density
    for k in range(3):
        # neighbours lean into this cell
        cell = whole(u * hairs) + k - 1
        bits = hashed(cell + 1000)
        h = float(bits & 1023) / 1023.0
        g = float((bits >> 10) & 1023) / 1023.0
        middle = (float(cell) + 0.5 + 0.5 * (h - 0.5) + (g - 0.5) * 1.3 * v * v) / hairs
        long = 0.62 + 0.38 * h
        width = 0.52 * (1.0 - v / long) / hairs
        kept = float((bits >> 5) & 255) < density * 256.0
        if kept and v < long:
            found = wp.max(found, 0.6 * (1.0 - wp.abs(u - middle) / wp.max(width, 1.0e-6)))
    return wp.clamp(found * wp.min(1.0, 6.0 * (1.0 - v)), 0.0, 1.0)
