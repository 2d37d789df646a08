# type: ignore  # Warp's types say something else to a checker than to its compiler
# ruff: noqa: UP018, RUF046  # Warp: what changes is made by int() and float(); no tuples
"""Warp kernels that draw worn things over the picture of a face: frames, lenses, tubes.

The pixels that a worn thing may touch get a slot each, and in it the nearest surface of each layer (solid, see-through
things on the skin, lenses) at eight samples and at the centre, kept by integer minima as the face's are. The layers
lie one over the other. Labels are read at the centre, never blended.
"""

from __future__ import annotations

import warp as wp

from pain3d.render.kernels import (
    CPU_FLAGS,
    EDGE_SAMPLES,
    EMPTY,
    DepthMap,
    along_map,
    covers,
    edge_bias,
    facing_triangle,
    nearness_at,
    nearness_slope,
    pack,
    packed_depth,
    packed_triangle,
    touched_pixels,
)
from pain3d.render.materials import (
    PI,
    Lighting,
    LitVertex,
    ggx_lobe,
    lamp_image,
    mirrored,
    on_film,
    sky,
    soft_shadow,
    to_bytes,
    vec3b,
    weights,
)

wp.set_module_options(
    {"enable_backward": False, "fast_math": False, "fuse_fp": False, "cpu_compiler_flags": CPU_FLAGS, "max_unroll": 4}
)

FREE_M = wp.constant(0.0003)
"""A worn thing is drawn over skin that lies less than this before it: both are meshes of flat triangles."""
FAR_M = wp.constant(1.0e9)
OPEN_SKY = wp.constant(0.8)
"""Share of the surroundings that the head leaves to what lies on it."""
FACE_GLOW = wp.constant(0.25)
"""What a mirror that looks back at the face sees of the light that falls on it."""


@wp.struct
class Materials:
    """One entry for each material."""

    albedo: wp.array(dtype=wp.vec3)
    mirror: wp.array(dtype=wp.vec3)
    roughness: wp.array(dtype=float)
    cover: wp.array(dtype=wp.vec2)
    """Share of what is behind that is hidden, facing and grazing."""
    region: wp.array(dtype=wp.uint8)
    """0 leaves the labels."""


@wp.struct
class WornVertex:
    """A vertex in the room's frame, lit."""

    position: wp.vec3
    normal: wp.vec3
    key: float
    """Cosine to the key light, shadow included."""
    shadow: float
    ambient: wp.vec3
    strength: float
    """Share of its material's cover."""


@wp.kernel
def light_worn(
    # mesh
    vertices_m: wp.array(dtype=wp.vec3),
    normals: wp.array(dtype=wp.vec3),
    strength: wp.array(dtype=float),
    # pose: head to room
    rotation: wp.mat33,
    translation_m: wp.vec3,
    light: Lighting,
    # the key light's, in the head frame
    map: DepthMap,
    taps: wp.array(dtype=wp.vec2),
    # out
    lit: wp.array(dtype=WornVertex),
):
    """Light that arrives at each vertex."""
    i = wp.tid()
    n = normals[i]
    place = along_map(map, vertices_m[i] - map.centre_m + n * 0.002 + map.direction * 0.003)
    v = WornVertex()
    v.shadow = soft_shadow(map, taps, place, light.key_size[0], 0.004)
    v.normal = rotation * n
    v.position = rotation * vertices_m[i] + translation_m
    v.key = wp.max(wp.dot(v.normal, light.key_direction), 0.0) * v.shadow
    v.ambient = sky(v.normal, light.irradiance) * OPEN_SKY
    v.strength = strength[i]
    lit[i] = v


@wp.kernel
def touch_pixels(
    triangles: wp.array(dtype=wp.vec3i),
    screen: wp.array(dtype=wp.vec2i),
    nearness: wp.array(dtype=float),
    # out
    slot: wp.array2d(dtype=wp.int32),
    slot_pixel: wp.array(dtype=wp.int32),
    counter: wp.array(dtype=wp.int32),
):
    """Give a slot to each pixel that a triangle facing the camera may touch."""
    t = wp.tid()
    f = facing_triangle(triangles[t], screen, nearness)
    if f.area == wp.int64(0):
        return
    size = slot.shape[0]
    box = touched_pixels(f, size)
    for y in range(box[2], box[3] + 1):
        for x in range(box[0], box[1] + 1):
            if slot[y, x] < 0:  # noqa: SIM102  Warp evaluates both sides of `and`
                if wp.atomic_max(slot, y, x, 0) < 0:
                    k = wp.atomic_add(counter, 0, 1)
                    slot[y, x] = k
                    slot_pixel[k] = y * size + x


@wp.kernel
def rasterise_worn(
    triangles: wp.array(dtype=wp.vec3i),
    layer: wp.array(dtype=wp.uint8),
    screen: wp.array(dtype=wp.vec2i),
    nearness: wp.array(dtype=float),
    slot: wp.array2d(dtype=wp.int32),
    offsets: wp.array(dtype=wp.vec2i),
    # out: [layer, slot, sample], the last sample is the pixel's centre
    samples: wp.array3d(dtype=wp.int64),
):
    """Nearest surfaces at the samples of the touched pixels."""
    t = wp.tid()
    f = facing_triangle(triangles[t], screen, nearness)
    if f.area == wp.int64(0):
        return
    box = touched_pixels(f, slot.shape[0])
    slope = nearness_slope(f)
    bias = edge_bias(f)
    own = int(layer[t])
    for y in range(box[2], box[3] + 1):
        for x in range(box[0], box[1] + 1):
            k = slot[y, x]
            for s in range(EDGE_SAMPLES + 1):
                sx = x * 256 + 128
                sy = y * 256 + 128
                if s < EDGE_SAMPLES:
                    sx += offsets[s][0]
                    sy += offsets[s][1]
                if covers(f, bias, sx, sy):
                    wp.atomic_min(samples, own, k, s, pack(nearness_at(f, slope, sx, sy), t))


@wp.struct
class Worn:
    """A worn surface at one sample."""

    normal: wp.vec3
    cover: float
    matt: wp.vec3
    """Radiance that it scatters, before `cover` thins it."""
    shine: wp.vec3
    """Radiance that it mirrors."""


@wp.func
def worn_at(
    triangles: wp.array(dtype=wp.vec3i),
    lit: wp.array(dtype=WornVertex),
    t: int,
    m: int,
    ray: wp.vec3,
    materials: Materials,
    light: Lighting,
) -> Worn:
    """What a worn surface sends to the camera."""
    corners = triangles[t]
    a = lit[corners[0]]
    b = lit[corners[1]]
    c = lit[corners[2]]
    w = weights(a.position, b.position, c.position, ray)
    w = wp.vec3(wp.clamp(w[0], 0.0, 1.0), wp.clamp(w[1], 0.0, 1.0), wp.clamp(w[2], 0.0, 1.0))
    w = w / (w[0] + w[1] + w[2])
    view = wp.normalize(-ray)
    n = wp.normalize(a.normal * w[0] + b.normal * w[1] + c.normal * w[2])
    n = wp.normalize(n - view * wp.min(wp.dot(n, view) - 0.03, 0.0))
    shadow = a.shadow * w[0] + b.shadow * w[1] + c.shadow * w[2]
    ambient = a.ambient * w[0] + b.ambient * w[1] + c.ambient * w[2]
    key = a.key * w[0] + b.key * w[1] + c.key * w[2]
    cosine = wp.dot(n, view)
    grazing = 1.0 - wp.clamp(cosine, 0.0, 1.0)
    fresnel = grazing * grazing * grazing * grazing * grazing
    mirror = materials.mirror[m]
    share = mirror + (wp.vec3(1.0, 1.0, 1.0) - mirror) * fresnel
    roughness = materials.roughness[m]
    towards = n * (2.0 * cosine) - view
    out = Worn()
    out.normal = n
    out.cover = wp.min(materials.cover[m][0] + (materials.cover[m][1] - materials.cover[m][0]) * grazing * grazing, 1.0)
    out.cover = out.cover * (a.strength * w[0] + b.strength * w[1] + c.strength * w[2])
    if roughness >= 1.0:
        return out  # a shade has no light of its own
    out.matt = wp.cw_mul(materials.albedo[m], light.key_colour * key + ambient)
    seen = mirrored(towards, roughness, light)
    # what looks away from the camera sees the face, not the room
    back = wp.clamp(-towards[2] * 1.5, 0.0, 1.0)
    seen = seen * (1.0 - back) + ambient * (FACE_GLOW * back)
    if roughness > 0.0:
        alpha = roughness * roughness + 0.35 * wp.min(light.key_size[0], light.key_size[1])
        half_vector = wp.normalize(light.key_direction + view)
        nl = wp.max(wp.dot(n, light.key_direction), 0.0)
        nh = wp.clamp(wp.dot(n, half_vector), 0.0, 1.0)
        seen += light.key_colour * (ggx_lobe(wp.min(alpha, 1.0), nh, nl, wp.max(cosine, 0.05)) * nl * shadow * PI)
    else:
        strength = 0.577 * wp.length(light.key_colour) * PI / (4.0 * light.key_size[0] * light.key_size[1])
        tint = light.key_colour * (1.732 / wp.max(wp.length(light.key_colour), 1.0e-4))
        seen += tint * (lamp_image(towards, light) * wp.min(strength, 12.0) * shadow)
    out.shine = wp.cw_mul(seen, share)
    return out


@wp.func
def is_even(samples: wp.array3d(dtype=wp.int64), k: int, material: wp.array(dtype=wp.uint8)) -> bool:
    """Whether a pixel shows the same see-through materials all over, nothing solid: one sample speaks for all."""
    for layer in range(samples.shape[0]):
        first = samples[layer, k, EDGE_SAMPLES]
        if layer == 0 and first != EMPTY:
            return False
        for s in range(EDGE_SAMPLES):
            here = samples[layer, k, s]
            if (here == EMPTY) != (first == EMPTY):
                return False
            if here != EMPTY:  # noqa: SIM102  Warp evaluates both sides of `and`
                if material[packed_triangle(here)] != material[packed_triangle(first)]:
                    return False
    return True


@wp.kernel
def shade_worn(
    # worn things
    triangles: wp.array(dtype=wp.vec3i),
    material: wp.array(dtype=wp.uint8),
    lit: wp.array(dtype=WornVertex),
    materials: Materials,
    light: Lighting,
    slot_pixel: wp.array(dtype=wp.int32),
    samples: wp.array3d(dtype=wp.int64),
    offsets: wp.array(dtype=wp.vec2i),
    # face
    face_triangles: wp.array(dtype=wp.vec3i),
    face_lit: wp.array(dtype=LitVertex),
    face_slot: wp.array(dtype=wp.int32),
    face_samples: wp.array2d(dtype=wp.int64),
    # picture
    size: int,
    focal_px: float,
    centre_px: wp.vec2,
    film: wp.array(dtype=float),
    # in and out
    nearest: wp.array(dtype=wp.int64),
    rgb: wp.array(dtype=vec3b),
    segmentation: wp.array(dtype=wp.uint8),
    depth_m: wp.array(dtype=float),
    heatmap_mm: wp.array(dtype=float),
    # out
    normals: wp.array(dtype=wp.vec3),
    root: wp.array(dtype=wp.vec3),
):
    """Worn things over the picture, labels of what is solid at the centre; normal and root of the albedo of a slot."""
    k = wp.tid()
    pixel = slot_pixel[k]
    here = rgb[pixel]
    base = wp.vec3(float(here[0]), float(here[1]), float(here[2]))
    base = wp.cw_mul(base, base)
    total = wp.vec3(0.0, 0.0, 0.0)
    front = nearest[pixel]
    face = int(-1)
    if front != EMPTY:
        face = packed_triangle(front)
    edge = face_slot[pixel]
    start = int(0)
    if edge < 0 and is_even(samples, k, material):
        start = int(EDGE_SAMPLES)
    for s in range(start, EDGE_SAMPLES + 1):
        px = float(pixel % size) + 0.5
        py = float(pixel // size) + 0.5
        if s < EDGE_SAMPLES:
            px += float(offsets[s][0]) / 256.0
            py += float(offsets[s][1]) / 256.0
        ray = wp.vec3((px - centre_px[0]) / focal_px, (centre_px[1] - py) / focal_px, -1.0)
        skin_m = float(FAR_M)
        if s == EDGE_SAMPLES:
            if front != EMPTY:
                skin_m = packed_depth(front)
        elif edge >= 0:
            if face_samples[edge, s] != EMPTY:
                skin_m = packed_depth(face_samples[edge, s])
        elif face >= 0:
            corners = face_triangles[face]
            a = face_lit[corners[0]].position
            b = face_lit[corners[1]].position
            c = face_lit[corners[2]].position
            w = weights(a, b, c, ray)
            skin_m = -(a[2] * w[0] + b[2] * w[1] + c[2] * w[2])
        limit_m = skin_m + FREE_M
        colour = wp.vec3(base)
        region = wp.uint8(0)
        seen_m = float(0.0)
        solid = samples[0, k, s]
        if solid != EMPTY:
            solid_m = packed_depth(solid)
            if solid_m < limit_m:
                t = packed_triangle(solid)
                m = int(material[t])
                worn = worn_at(triangles, lit, t, m, ray, materials, light)
                sent = on_film(worn.matt + worn.shine, light.exposure, film)
                colour = wp.cw_mul(sent, sent)
                limit_m = solid_m
                region = materials.region[m]
                seen_m = solid_m
                if s == EDGE_SAMPLES:
                    normals[k] = worn.normal
                    root[k] = materials.albedo[m] + materials.mirror[m]
        for layer in range(1, samples.shape[0]):
            clear = samples[layer, k, s]
            clear_m = float(FAR_M)
            if clear != EMPTY:
                clear_m = packed_depth(clear)
            if clear_m < limit_m:
                t = packed_triangle(clear)
                m = int(material[t])
                worn = worn_at(triangles, lit, t, m, ray, materials, light)
                sent = on_film(worn.matt * worn.cover + worn.shine, light.exposure, film)
                colour = colour * (1.0 - worn.cover) + wp.cw_mul(sent, sent)
                if materials.region[m] != wp.uint8(0):
                    region = materials.region[m]
                    seen_m = clear_m
                    if s == EDGE_SAMPLES:
                        normals[k] = worn.normal
                        root[k] = materials.albedo[m]
        if s < EDGE_SAMPLES:
            total += colour
        elif start == s:
            total = colour * float(EDGE_SAMPLES)
        if s == EDGE_SAMPLES and region != wp.uint8(0):
            segmentation[pixel] = region
            depth_m[pixel] = seen_m
            heatmap_mm[pixel] = 0.0
            # what is drawn later asks for depth alone
            nearest[pixel] = pack(1.0 / seen_m, wp.max(face, 0))
    total = total / float(EDGE_SAMPLES)
    rgb[pixel] = to_bytes(wp.vec3(wp.sqrt(total[0]), wp.sqrt(total[1]), wp.sqrt(total[2])))


@wp.kernel
def read_worn(
    slot_pixel: wp.array(dtype=wp.int32),
    least_region: int,
    slot_normals: wp.array(dtype=wp.vec3),
    slot_root: wp.array(dtype=wp.vec3),
    segmentation: wp.array(dtype=wp.uint8),
    # in and out
    normals: wp.array(dtype=wp.vec3),
    root: wp.array(dtype=wp.vec3),
):
    """Normal in the camera's frame and square root of linear albedo where the labels name a worn thing."""
    k = wp.tid()
    i = slot_pixel[k]
    if int(segmentation[i]) < least_region:
        return
    n = slot_normals[k]
    normals[i] = wp.vec3(n[0], -n[1], -n[2])
    c = slot_root[k]
    root[i] = wp.vec3(
        wp.sqrt(wp.clamp(c[0], 0.0, 1.0)), wp.sqrt(wp.clamp(c[1], 0.0, 1.0)), wp.sqrt(wp.clamp(c[2], 0.0, 1.0))
    )
