"""Warp functions and kernels that draw strokes and paint skin. Colours are linear sRGB until they are stored."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false, reportIndexIssue=false
# pyright: reportAttributeAccessIssue=false, reportReturnType=false, reportGeneralTypeIssues=false
# pyright: reportInvalidTypeForm=false
# Warp types exist inside kernels only.

import warp as wp

# The banner of Warp goes to standard output, where it would spoil machine-readable results.
wp.config.log_level = wp.LOG_ERROR

CPU_FLAGS = "-mllvm=-inline-threshold=9000"
"""A generic processor, so that bytes do not depend on the machine's; only inlining differs from the default."""
# Kernels are never differentiated, and no flag may trade exact arithmetic for speed.
OPTIONS = {"enable_backward": False, "fast_math": False, "fuse_fp": False, "cpu_compiler_flags": CPU_FLAGS}
wp.set_module_options(OPTIONS)

NOISE_CELLS = 32
"""Period of the noise volume, in cells along each axis; a power of two."""
HAIR, GROOVE, SPOT = 0, 1, 2
"""Layers that strokes are drawn on."""


@wp.func
def smooth(low: float, high: float, x: float) -> float:
    t = wp.clamp((x - low) / (high - low), 0.0, 1.0)
    return t * t * (3.0 - 2.0 * t)


@wp.func
def noise4(volume: wp.array(dtype=wp.vec4), p: wp.vec3) -> wp.vec4:
    """Four independent smooth noises at once, each about -1..1, of one cell's size."""
    fx = wp.floor(p[0])
    fy = wp.floor(p[1])
    fz = wp.floor(p[2])
    x = p[0] - fx
    y = p[1] - fy
    z = p[2] - fz
    x = x * x * (3.0 - 2.0 * x)
    y = y * y * (3.0 - 2.0 * y)
    z = z * z * (3.0 - 2.0 * z)
    x0 = int(fx) & 31
    y0 = (int(fy) & 31) * 32
    z0 = (int(fz) & 31) * 1024
    x1 = (x0 + 1) & 31
    y1 = (y0 + 32) & 1023
    z1 = (z0 + 1024) & 32767
    a = volume[z0 + y0 + x0] * (1.0 - x) + volume[z0 + y0 + x1] * x
    b = volume[z0 + y1 + x0] * (1.0 - x) + volume[z0 + y1 + x1] * x
    c = volume[z1 + y0 + x0] * (1.0 - x) + volume[z1 + y0 + x1] * x
    d = volume[z1 + y1 + x0] * (1.0 - x) + volume[z1 + y1 + x1] * x
    return (a * (1.0 - y) + b * y) * (1.0 - z) + (c * (1.0 - y) + d * y) * z


# ---- strokes ------------------------------------------------------------------------------------------------------


@wp.kernel
def draw_strokes(
    root: wp.array(dtype=wp.int32),  # (stroke) texel to start from
    start: wp.array(dtype=wp.vec3),  # (stroke) canonical mm
    end: wp.array(dtype=wp.vec3),
    half_width: wp.array(dtype=wp.float32),  # mm
    strength: wp.array(dtype=wp.float32),  # 0..1
    shade: wp.array(dtype=wp.int32),  # 0..255, kept beside the strength
    layer: wp.array(dtype=wp.int32),
    position: wp.array(dtype=wp.vec3),  # (texel) canonical mm; far away where nothing lies
    size: int,
    # out
    layers: wp.array2d(dtype=wp.int32),  # (layer, texel) strength * 4095 << 8 | shade; the strongest stroke wins
):
    s = wp.tid()
    at = root[s]
    p = position[at]
    du = position[wp.min(at + 1, size * size - 1)] - p
    dv = position[wp.min(at + size, size * size - 1)] - p
    if wp.length_sq(du) > 100.0:
        du = p - position[wp.max(at - 1, 0)]
    if wp.length_sq(dv) > 100.0:
        dv = p - position[wp.max(at - size, 0)]
    uu = wp.dot(du, du)
    uv = wp.dot(du, dv)
    vv = wp.dot(dv, dv)
    det = uu * vv - uv * uv
    if uu > 100.0 or vv > 100.0 or det < 1.0e-8:
        return
    a = start[s] - p
    b = end[s] - p
    ax = (vv * wp.dot(du, a) - uv * wp.dot(dv, a)) / det
    ay = (uu * wp.dot(dv, a) - uv * wp.dot(du, a)) / det
    bx = (vv * wp.dot(du, b) - uv * wp.dot(dv, b)) / det
    by = (uu * wp.dot(dv, b) - uv * wp.dot(du, b)) / det
    pitch = wp.sqrt(wp.min(uu, vv))
    width = wp.max(half_width[s], 0.6 * pitch)
    gain = strength[s]
    if half_width[s] < width:
        gain = gain * half_width[s] / width
    margin = 2.0 * width / pitch + 1.0
    row = at / size
    column = at % size
    x0 = wp.max(0, column + wp.max(-64, int(wp.floor(wp.min(ax, bx) - margin))))
    x1 = wp.min(size - 1, column + wp.min(64, int(wp.max(ax, bx) + margin + 1.0)))
    y0 = wp.max(0, row + wp.max(-64, int(wp.floor(wp.min(ay, by) - margin))))
    y1 = wp.min(size - 1, row + wp.min(64, int(wp.max(ay, by) + margin + 1.0)))
    along = end[s] - start[s]
    squared = wp.max(wp.dot(along, along), 1.0e-6)
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            d = position[y * size + x] - start[s]
            t = wp.clamp(wp.dot(d, along) / squared, 0.0, 1.0)
            away = d - t * along
            q = wp.dot(away, away) / (width * width)
            if q < 4.0:
                fall = 1.0 - q * 0.25
                value = int(gain * fall * fall * fall * 4095.0)
                if value > 0:
                    wp.atomic_max(layers, layer[s], y * size + x, (value << 8) | shade[s])


# ---- paint --------------------------------------------------------------------------------------------------------


@wp.struct
class Paint:
    """One subject's traits as the kernel uses them."""

    melanin: float  # coordinates 0..1 on the pigment table
    blood: float
    per_melanin: float  # table coordinate per unit of natural logarithm
    per_blood: float
    tint: wp.vec3
    depth: float  # 0 lightest tone .. 1 darkest
    flush: float
    uneven: float
    periorbital: float
    pores: float
    oil: float
    aged: float
    lip_red: float
    make_up: float
    make_up_colour: wp.vec3
    hair: wp.vec3
    grey_hair: wp.vec3
    grey: float
    hairline_mm: float
    baldness: float
    hair_cover: float
    hair_height_mm: float
    hair_curl: float
    hair_edge_mm: float  # how far inside the hairline hair is full
    brow_half_mm: float
    brow_arch_mm: float
    brow_density: float
    beard: float
    moustache_only: float
    garment: int
    cloth: wp.vec3
    iris: wp.vec3
    collarette: wp.vec3
    pupil: float
    sclera: wp.vec3
    teeth: wp.vec3
    eye_bags: float
    offset: wp.vec3


@wp.struct
class Texel:
    colour: wp.vec3
    height: float
    rough: float
    region: int


@wp.func
def pigment(table: wp.array3d(dtype=wp.vec3), melanin: float, blood: float, oxygen: float) -> wp.vec3:
    """Albedo at coordinates 0..1 of the pigment table."""
    m = wp.clamp(melanin, 0.0, 1.0) * float(table.shape[0] - 1)
    b = wp.clamp(blood, 0.0, 1.0) * float(table.shape[1] - 1)
    i = wp.min(int(m), table.shape[0] - 2)
    j = wp.min(int(b), table.shape[1] - 2)
    x = m - float(i)
    y = b - float(j)
    c = wp.vec3(0.0, 0.0, 0.0)
    if oxygen > 0.0:
        c += oxygen * (
            (table[i, j, 1] * (1.0 - y) + table[i, j + 1, 1] * y) * (1.0 - x)
            + (table[i + 1, j, 1] * (1.0 - y) + table[i + 1, j + 1, 1] * y) * x
        )
    if oxygen < 1.0:
        c += (1.0 - oxygen) * (
            (table[i, j, 0] * (1.0 - y) + table[i, j + 1, 0] * y) * (1.0 - x)
            + (table[i + 1, j, 0] * (1.0 - y) + table[i + 1, j + 1, 0] * y) * x
        )
    return c


@wp.func
def resolved(cell_mm: float, pitch_mm: float) -> float:
    """How much of a noise texels of this pitch can carry: all at 0.4 cells, none from 0.9 on."""
    return smooth(0.9, 0.4, pitch_mm / cell_mm)


@wp.func
def collar_depth(garment: int, below: float, p: wp.vec3) -> float:
    """Millimetres below the neckline of this garment; `below` is measured from a crew neck."""
    x = wp.abs(p[0])
    front = smooth(-95.0, -15.0, p[2])
    if garment == 1:  # V neck
        return below - front * wp.max(0.0, 62.0 - 1.25 * x)
    if garment == 2:  # hospital gown: wide, slack
        return below + 2.0 - front * 30.0 * wp.exp(-x * x / 2200.0)
    if garment == 3:  # scoop
        return below - front * 52.0 * wp.exp(-x * x / 2600.0)
    return below - 2.0


@wp.func
def cloth(volume: wp.array(dtype=wp.vec4), q: Paint, p: wp.vec3, depth: float, pitch: float) -> Texel:
    """Knitted jersey, or woven cotton for a gown."""
    out = Texel()
    slow = noise4(volume, wp.vec3(p[0] / 34.0, p[1] / 60.0, p[2] / 34.0) + q.offset)
    fine = noise4(volume, p / 3.1 + q.offset) * resolved(3.1, pitch)
    thread = wp.vec4()
    if pitch < 1.0:
        thread = noise4(volume, p / 1.3 + q.offset) * resolved(1.3, pitch)
    out.height = 0.5 * slow[0] * smooth(15.0, 60.0, depth) + 0.04 * thread[0] + 0.03 * fine[1]
    shade = 1.0 + 0.05 * slow[1] + 0.035 * fine[0] + 0.05 * thread[1]
    band = 15.0
    if q.garment == 2:
        band = 9.0
    if depth < band:
        rib = 0.0
        if q.garment == 0:
            rib = wp.sin(wp.atan2(p[0], p[2] + 60.0) * 110.0) * resolved(3.2, pitch)
        out.height += 0.8 * smooth(0.0, 2.5, depth) + 0.14 * rib
        shade *= (0.95 + 0.05 * rib) * (0.72 + 0.28 * smooth(0.0, 2.0, depth))
    else:
        shade *= 0.90 + 0.10 * smooth(band, band + 2.0 + 2.0 * pitch, depth)
    out.colour = q.cloth * shade
    out.rough = 0.92
    out.region = 9
    return out


@wp.func
def mucosa(volume: wp.array(dtype=wp.vec4), q: Paint, p: wp.vec3, part: int) -> Texel:
    """Mouth cavity and tongue, by position."""
    out = Texel()
    n = noise4(volume, p / 4.0 + q.offset)
    fine = noise4(volume, p / 1.4 + q.offset)
    if part == 3:
        out.colour = wp.vec3(0.36, 0.125, 0.115) * (1.0 + 0.10 * n[0] + 0.14 * fine[0])
        out.height = 0.15 * fine[1]
        out.rough = 0.38
        out.region = 6
    else:
        deep = smooth(30.0, -5.0, p[2])
        red = wp.vec3(0.37, 0.120, 0.110) * (1.0 - 0.45 * q.depth) + wp.vec3(0.03, 0.02, 0.02) * q.depth
        out.colour = red * (1.0 - 0.72 * deep) * (1.0 + 0.08 * n[0])
        out.height = 0.05 * fine[1]
        out.rough = 0.30
        out.region = 7
    return out


@wp.func
def brow_cover(q: Paint, s: float, t: float, lid: float) -> float:
    """Envelope of the brow, 0..1."""
    if s < -0.08 or s > 1.1:
        return 0.0
    half = q.brow_half_mm * (0.62 + 0.38 * smooth(-0.05, 0.25, s)) * (1.0 - 0.80 * smooth(0.45, 1.05, s))
    centre = q.brow_arch_mm * smooth(0.2, 0.65, s) * (1.0 - smooth(0.75, 1.1, s))
    away = wp.abs(t - centre) / wp.max(half, 0.3)
    return smooth(1.2, 0.35, away) * smooth(-0.08, 0.2, s) * smooth(1.08, 0.92, s) * smooth(3.0, 6.0, lid)


@wp.func
def hair_colour(q: Paint, shade: int) -> wp.vec3:
    """Colour of one hair: 0..127 pigmented, 128..255 grey, dark to light."""
    if shade < 128:
        return q.hair * (0.35 + 0.8 * float(shade) / 127.0)
    return q.grey_hair * (0.7 + 0.5 * float(shade - 128) / 127.0)


@wp.func
def store(
    at: int,
    texel: Texel,
    encode: wp.array(dtype=wp.uint8),
    albedo: wp.array2d(dtype=wp.uint8),
    height: wp.array(dtype=wp.float32),
    rough: wp.array(dtype=wp.uint8),
    region: wp.array(dtype=wp.uint8),
):
    for k in range(3):
        albedo[at, k] = encode[int(wp.sqrt(wp.clamp(texel.colour[k], 0.0, 1.0)) * 4095.0)]
    height[at] = texel.height
    rough[at] = wp.uint8(wp.clamp(texel.rough, 0.03, 1.0) * 255.0)
    region[at] = wp.uint8(texel.region)


@wp.func
def strands(volume: wp.array(dtype=wp.vec4), q: Paint, p: wp.vec3) -> wp.vec4:
    """Noise drawn out along the way hair is combed: away from the crown, all around."""
    d = p - wp.vec3(0.0, 25.0, -60.0)
    axis = wp.vec3(0.055, 0.775, -0.63)  # from the middle of the head to the crown
    r = wp.length(d)
    cosine = wp.dot(d, axis) / r
    around = d - axis * (cosine * r)
    reach = wp.length(around)
    e = around / wp.max(reach, 1.0)
    k = wp.max(reach, 12.0) / 1.5
    # the number of strands around grows in steps, so that they stay about 1.5 mm wide
    k = wp.pow(2.0, wp.floor(wp.log2(k) + 0.5))
    return noise4(volume, wp.vec3(e[0] * k, e[2] * k, e[1] * k + wp.acos(wp.clamp(cosine, -1.0, 1.0)) * 7.0) + q.offset)


@wp.kernel
def paint(
    # the atlas
    texel: wp.array(dtype=wp.int32),
    part: wp.array(dtype=wp.uint8),
    position: wp.array(dtype=wp.vec3),
    fields: wp.array2d(dtype=wp.float32),
    pitch: wp.array(dtype=wp.float32),  # mm from texel to texel
    # the subject
    q: Paint,
    layers: wp.array2d(dtype=wp.int32),
    table: wp.array3d(dtype=wp.vec3),
    volume: wp.array(dtype=wp.vec4),
    encode: wp.array(dtype=wp.uint8),
    # out
    albedo: wp.array2d(dtype=wp.uint8),
    height: wp.array(dtype=wp.float32),
    rough: wp.array(dtype=wp.uint8),
    region: wp.array(dtype=wp.uint8),
):
    i = wp.tid()
    at = texel[i]
    p = position[at]
    kind = int(part[i])
    step = pitch[i]
    out = Texel()
    if kind != 0:
        out = mucosa(volume, q, p, kind)
    else:
        below = collar_depth(q.garment, fields[i, 13], p)
        border = 0.75 * step  # there skin and cloth share the texel
        if below > border:
            out = cloth(volume, q, p, below, step)
        else:
            blood_at = fields[i, 0]
            lip = smooth(0.15, 0.85, fields[i, 10])
            lid = fields[i, 11]
            slow = noise4(volume, p / 23.0 + q.offset)
            mid = noise4(volume, p / 7.3 + q.offset)
            fine = wp.vec4()
            if step < 2.0:
                fine = noise4(volume, p / 2.3 + q.offset) * resolved(2.3, step)
            micro = wp.vec4()
            if step < 0.8:
                micro = noise4(volume, p / 0.9 + q.offset) * resolved(0.9, step)
            spot = float(layers[2, at] >> 8) / 4095.0
            groove = float(layers[1, at] >> 8) / 4095.0
            tuft = layers[0, at]
            hair = float(tuft >> 8) / 4095.0
            # pigments
            shadow = 0.35 + 1.3 * q.periorbital
            near_eye = wp.exp(-wp.max(lid, 0.0) * wp.max(lid, 0.0) / 60.0)
            melanin = fields[i, 1] * (1.0 + near_eye * (shadow - 1.0)) * (0.7 + 0.7 * q.depth)
            melanin += q.uneven * (0.12 * slow[0] + 0.09 * mid[0] + 0.08 * fine[0] + 0.09 * micro[0])
            melanin += spot * (1.0 - lip) * (0.6 + 0.5 * fine[2] + 0.3 * micro[2])
            blood = q.flush * blood_at + q.uneven * (0.16 * slow[1] + 0.22 * mid[1] + 0.25 * fine[1] + 0.24 * micro[1])
            blood += 0.16 * groove
            melanin += 0.10 * groove
            venous = fields[i, 2] * (0.25 + 0.75 * q.periorbital)
            blood += 0.5 * venous
            melanin = melanin + lip * (-0.28 + 0.20 * q.depth + 0.06 * mid[2])
            blood = blood + lip * (1.40 * q.lip_red * (1.0 - 0.30 * q.depth - 0.22 * q.aged) + 0.12 * mid[3] + 0.12 * fine[3])
            colour = pigment(
                table, q.melanin + q.per_melanin * melanin, q.blood + q.per_blood * blood, 1.0 - 0.8 * venous
            )
            colour = wp.cw_mul(colour, q.tint)
            if q.make_up > 0.0:
                stick = 0.7 * q.make_up * lip
                colour = colour * (1.0 - stick) + q.make_up_colour * (stick * (1.0 + 0.1 * fine[0]))
                liner = q.make_up * 0.6 * wp.exp(-wp.abs(lid - 0.3) * 1.6)
                colour = colour * (1.0 - liner)
            # relief; pores hold shadow
            colour = colour * (1.0 - 0.10 * fields[i, 4] * q.pores * wp.max(0.0, micro[0] + 0.3 * fine[1]))
            pore = fields[i, 4] * q.pores
            relief = 0.025 * mid[3] + (0.018 + 0.03 * q.aged) * fine[3] + 0.012 * micro[3]
            relief -= pore * 0.038 * wp.max(0.0, micro[0] + 0.3 * fine[1])
            relief = relief * (1.0 - lip) + lip * 0.05 * (fine[3] + 0.5 * micro[3])
            relief -= groove * 0.9 * smooth(2.2, 0.7, step)
            relief += q.eye_bags * 0.7 * fields[i, 2]
            # roughness
            oil = q.oil * fields[i, 3]
            gloss = 0.52 - 0.13 * oil - 0.16 * lip - 0.20 * wp.exp(-wp.abs(lid) * 1.2) + 0.03 * mid[2] + 0.03 * fine[2] + 0.03 * micro[2]
            out.region = 1
            if lip > 0.5:
                out.region = 2
            # brows: single hairs, over a faint shadow of those too fine to draw
            brow = brow_cover(q, fields[i, 8], fields[i, 9], lid)
            if brow > 0.0:
                under = 0.55 * brow * q.brow_density * (1.0 + 0.35 * fine[0])
                colour = (
                    colour * (1.0 - under)
                    + q.hair * (0.7 * under * (1.0 - q.grey))
                    + q.grey_hair * (under * q.grey * 0.8)
                )
                if brow > 0.35:
                    out.region = 3
            # beard: follicles shine blue-grey through shaven skin; stubble and beard are hairs as well
            beard = fields[i, 5]
            beard = wp.clamp(beard + beard * (1.0 - beard) * (1.6 * mid[0] + 1.0 * fine[3]), 0.0, 1.0)
            if q.moustache_only > 0.5 and p[1] < -66.0:
                beard = beard * 0.12
            if q.beard > 0.0 and beard > 0.0:
                grain = 1.0 - 0.6 * smooth(0.5, 0.9, q.beard)
                veil = beard * q.beard * (0.62 + 0.1 * mid[1] + grain * (0.2 * fine[0] + 0.3 * micro[1]))
                if q.beard < 0.5:
                    veil = veil * (1.0 - 0.7 * q.grey)
                veil = wp.clamp(veil, 0.0, 0.9)
                grizzle = 0.6 * q.grey * smooth(0.3, 0.8, q.beard)
                deep = q.hair * (1.0 - grizzle) + q.grey_hair * grizzle
                colour = colour * (1.0 - veil) + (deep * 0.75 + wp.vec3(0.008, 0.010, 0.012)) * veil
                gloss += 0.2 * veil
                if q.beard > 0.75 and beard > 0.5:
                    out.region = 8
                    relief += (q.beard - 0.6) * beard * (1.0 + 0.3 * fine[1])
            # head hair
            inside = fields[i, 6] - q.hairline_mm + 2.5 * slow[3] + 3.2 * mid[0] + 2.2 * fine[0]
            kept = smooth(-0.28, 0.0, fields[i, 7] - q.baldness * (1.3 + 0.16 * mid[1] + 0.10 * fine[1] + 0.12 * slow[2]))
            full = smooth(-3.0, q.hair_edge_mm, inside) * (0.04 + 0.96 * kept)
            if full > 0.0:
                cover = full * q.hair_cover * (1.0 + 0.12 * fine[1] + 0.10 * micro[0])
                cover = wp.clamp(cover, 0.0, 0.98)
                lock = strands(volume, q, p) * (1.0 - q.hair_curl)
                if q.hair_curl > 0.1 and step < 1.8:
                    lock += noise4(volume, p / 1.7 + q.offset) * (q.hair_curl * resolved(1.7, step))
                grizzled = wp.clamp(q.grey + 0.35 * lock[2] * q.grey * (1.0 - q.grey) * 4.0, 0.0, 1.0)
                tone = q.hair * (1.0 - grizzled) + q.grey_hair * (grizzled * 0.85)
                tone = tone * (0.80 + 0.32 * lock[0] + 0.10 * mid[2] + 0.12 * fine[2])
                colour = colour * (1.0 - cover) + tone * cover
                relief += q.hair_height_mm * full * (1.0 + 0.45 * lock[0] + 0.12 * fine[0])
                gloss += (0.55 - gloss) * cover
                if full > 0.5:
                    out.region = 8
            if hair > 0.0:
                colour = colour * (1.0 - hair) + hair_colour(q, tuft & 255) * hair
                relief += 0.10 * hair
                gloss += (0.62 - gloss) * hair
            # the collar leaves a little shadow of contact
            colour = colour * (1.0 - 0.30 * smooth(-4.0, 0.0, below))
            out.colour = colour
            out.height = relief
            out.rough = gloss
            if below > -border:
                over = cloth(volume, q, p, wp.max(below, 0.0), step)
                share = smooth(-border, border, below)
                out.colour = colour * (1.0 - share) + over.colour * share
                out.height = relief * (1.0 - share) + over.height * share
                out.rough = gloss * (1.0 - share) + over.rough * share
                if below > 0.0:
                    out.region = 9
    store(at, out, encode, albedo, height, rough, region)


@wp.kernel
def spread(
    empty: wp.array(dtype=wp.int32),  # texels outside every chart
    source: wp.array(dtype=wp.int32),  # the nearest texel inside one
    # in and out
    albedo: wp.array2d(dtype=wp.uint8),
    height: wp.array(dtype=wp.float32),
    rough: wp.array(dtype=wp.uint8),
    region: wp.array(dtype=wp.uint8),
):
    i = wp.tid()
    at = empty[i]
    from_ = source[i]
    for k in range(3):
        albedo[at, k] = albedo[from_, k]
    height[at] = height[from_]
    rough[at] = rough[from_]
    region[at] = region[from_]
