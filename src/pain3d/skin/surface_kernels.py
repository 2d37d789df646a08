"""Paints what is known by position: skin, lips, hair, cloth, mouth and tongue. Colours are linear sRGB."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false, reportIndexIssue=false
# pyright: reportAttributeAccessIssue=false, reportReturnType=false, reportGeneralTypeIssues=false
# pyright: reportInvalidTypeForm=false
# Warp types exist inside kernels only.

import warp as wp

from pain3d.skin.fields import Field
from pain3d.skin.kernels import (
    GROOVE,
    HAIR,
    OPTIONS,
    SCAR,
    SPOT,
    VESSEL,
    Paint,
    Texel,
    noise4,
    resolved,
    smooth,
    store,
)  # fmt: skip

wp.set_module_options(OPTIONS)

F_BLOOD = wp.constant(int(Field.BLOOD))
F_MELANIN = wp.constant(int(Field.MELANIN))
F_VENOUS = wp.constant(int(Field.VENOUS))
F_OIL = wp.constant(int(Field.OIL))
F_PORE = wp.constant(int(Field.PORE))
F_BEARD = wp.constant(int(Field.BEARD))
F_SCALP = wp.constant(int(Field.SCALP))
F_BALD = wp.constant(int(Field.BALD))
F_BROW_S = wp.constant(int(Field.BROW_S))
F_BROW_T = wp.constant(int(Field.BROW_T))
F_LIP = wp.constant(int(Field.LIP))
F_LID = wp.constant(int(Field.LID))
F_COLLAR = wp.constant(int(Field.COLLAR))
F_NAPE = wp.constant(int(Field.NAPE))


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
            rib = wp.sin(wp.atan2(p[0], p[2] + 60.0) * 90.0) * resolved(3.2, pitch)
        out.height += 0.8 * smooth(0.0, 2.5, depth) + 0.10 * rib
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
        middle = wp.exp(-p[0] * p[0] / 2.5)
        coat = wp.exp(-p[0] * p[0] / 90.0)  # paler in the middle than along the rim
        out.colour = wp.vec3(0.36, 0.125, 0.115) * (1.0 + 0.10 * n[0] + 0.14 * fine[0]) * (1.0 - 0.25 * middle)
        out.colour = out.colour + wp.vec3(0.05, 0.06, 0.055) * (coat * (1.0 + 0.4 * fine[2]))
        out.height = 0.15 * fine[1] - 0.35 * middle
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
    return smooth(1.2, 0.3, away) * smooth(-0.08, 0.28, s) * smooth(1.08, 0.74, s) * smooth(3.0, 6.0, lid)


@wp.func
def hair_colour(q: Paint, shade: int) -> wp.vec3:
    """Colour of one hair: 0..127 pigmented, 128..255 grey, dark to light."""
    if shade < 128:
        return q.hair * (0.35 + 0.8 * float(shade) / 127.0)
    return q.grey_hair * (0.6 + 0.45 * float(shade - 128) / 127.0)


@wp.func
def strands(volume: wp.array(dtype=wp.vec4), q: Paint, p: wp.vec3, width: float, per_radian: float) -> wp.vec4:
    """Noise drawn out along the way hair is combed: away from the crown, all around.

    `width` is that of a strand in mm; `per_radian` says how often it changes along its way.
    """
    d = p - wp.vec3(0.0, 25.0, -60.0)
    axis = wp.vec3(0.055, 0.775, -0.63)  # from the middle of the head to the crown
    r = wp.length(d)
    cosine = wp.dot(d, axis) / r
    around = d - axis * (cosine * r)
    reach = wp.length(around)
    e = around / wp.max(reach, 1.0)
    k = 60.0 / width
    if width < 2.0:
        # the number of strands around grows in steps, so that they stay about as wide; locks narrow to the whorl
        k = wp.pow(2.0, wp.floor(wp.log2(wp.max(reach, 12.0) / width) + 0.5))
    down = wp.acos(wp.clamp(cosine, -1.0, 1.0)) * per_radian
    return noise4(volume, wp.vec3(e[0] * k, e[2] * k, e[1] * k + down) + q.offset)


@wp.struct
class Site:
    """A texel of skin, and the noise there."""

    p: wp.vec3  # canonical mm
    step: float  # mm from texel to texel
    lid: float  # mm outside the lid margin
    lip: float  # 0..1
    broad: wp.vec4  # cells of 58 mm
    slow: wp.vec4  # 23 mm
    mid: wp.vec4  # 7.3 mm
    fine: wp.vec4  # 2.3 mm
    micro: wp.vec4  # 0.9 mm


@wp.func
def survey(volume: wp.array(dtype=wp.vec4), q: Paint, p: wp.vec3, step: float, lid: float, lip: float) -> Site:
    """Noise of four sizes, as far as texels can carry it."""
    s = Site()
    s.p = p
    s.step = step
    s.lid = lid
    s.lip = smooth(0.15, 0.85, lip)
    s.broad = noise4(volume, p / 58.0 + q.offset)
    s.slow = noise4(volume, p / 23.0 + q.offset)
    s.mid = noise4(volume, p / 7.3 + q.offset)
    if step < 2.0:
        s.fine = noise4(volume, p / 2.3 + q.offset) * resolved(2.3, step)
    if step < 0.8:
        s.micro = noise4(volume, p / 0.9 + q.offset) * resolved(0.9, step)
    return s


@wp.struct
class Marks:
    """Strokes drawn on a texel, 0..1 each."""

    spot: float
    groove: float
    artery: float
    vein: float
    scar: float


@wp.func
def marks_on(layers: wp.array2d(dtype=wp.int32), at: int) -> Marks:
    m = Marks()
    m.spot = float(layers[SPOT, at] >> 8) / 4095.0
    m.groove = float(layers[GROOVE, at] >> 8) / 4095.0
    m.scar = float(layers[SCAR, at] >> 8) / 4095.0
    vessel = float(layers[VESSEL, at] >> 8) / 4095.0
    if (layers[VESSEL, at] & 255) == 0:
        m.artery = vessel
    else:
        m.vein = vessel
    return m


@wp.func
def lip_crease(volume: wp.array(dtype=wp.vec4), q: Paint, s: Site) -> float:
    """Creases that cross the vermilion, -1..1: fine at its middle, fanning out to the corners."""
    from_gap = s.p[1] + 70.0
    x = s.p[0] * (1.0 - 0.0004 * from_gap * from_gap)
    fine = noise4(volume, wp.vec3(x / 1.5, s.p[1] / 11.0, s.p[2] / 11.0) + q.offset)
    return fine[0] * resolved(1.5, s.step)


@wp.func
def skin_colour(
    table: wp.array3d(dtype=wp.vec3),
    q: Paint,
    s: Site,
    blood_at: float,
    melanin_at: float,
    venous_at: float,
    crease: float,
    m: Marks,
) -> wp.vec3:
    """Albedo of skin and lips from the pigments there; contents add up as logarithms."""
    near_eye = wp.exp(-wp.max(s.lid, 0.0) * wp.max(s.lid, 0.0) / 60.0)
    bare = 1.0 - s.lip
    melanin = melanin_at * (1.0 + near_eye * (1.3 * q.periorbital - 0.65)) * (0.7 + 0.7 * q.depth)
    melanin += q.uneven * (
        0.10 * s.broad[0] + 0.15 * s.slow[0] + 0.11 * s.mid[0] + 0.10 * s.fine[0] + 0.11 * s.micro[0]
    )
    melanin += m.spot * bare * q.spot_melanin * (1.0 + 0.35 * s.fine[2] + 0.25 * s.micro[2])
    # the inside of the lower lip keeps little pigment, most clearly in dark skin
    rosy = wp.exp(-s.p[0] * s.p[0] / 240.0) * smooth(-68.0, -72.0, s.p[1])
    melanin += 0.06 * m.groove - 0.5 * m.scar + s.lip * (-0.28 + (0.25 - 0.25 * rosy) * q.depth + 0.06 * s.mid[2])
    venous = wp.min(venous_at * (0.25 + 0.75 * q.periorbital) + 0.5 * m.vein, 1.0)
    blood = q.flush * blood_at * (1.0 + 0.5 * s.broad[1]) + 0.16 * m.groove + 0.5 * venous
    blood += q.uneven * (0.12 * s.broad[2] + 0.18 * s.slow[1] + 0.24 * s.mid[1] + 0.28 * s.fine[1] + 0.26 * s.micro[1])
    blood += bare * (1.3 * m.artery + 0.12 * m.scar)
    vermilion = 2.1 * q.lip_red * (1.0 - 0.12 * q.depth - 0.22 * q.aged)
    blood += s.lip * (vermilion + 0.12 * s.mid[3] + 0.12 * s.fine[3] - 0.22 * crease)
    oxygen = (1.0 - 0.8 * venous) * (1.0 - 0.25 * s.lip * q.depth)
    colour = pigment(table, q.melanin + q.per_melanin * melanin, q.blood + q.per_blood * blood, oxygen)
    colour = wp.cw_mul(colour, q.tint) * (1.0 + 0.07 * s.lip * crease)
    if q.make_up > 0.0:
        stick = 0.7 * q.make_up * s.lip
        colour = colour * (1.0 - stick) + q.make_up_colour * (stick * (1.0 + 0.1 * s.fine[0] + 0.08 * crease))
        powder = 0.55 * q.make_up * smooth(0.0, 2.0, s.lid) * smooth(11.0, 4.0, s.lid) * smooth(-1.0, 3.0, s.p[1])
        colour = colour * (1.0 - powder) + q.eye_shadow * (powder * (1.0 + 0.1 * s.fine[0]))
        liner = q.make_up * 0.6 * wp.exp(-wp.abs(s.lid - 0.3) * 1.6)
        colour = colour * (1.0 - liner)
    return colour


@wp.func
def bare_skin(
    q: Paint, s: Site, colour: wp.vec3, pore_at: float, oil_at: float, bag_at: float, crease: float, m: Marks
) -> Texel:
    """Skin with pores, fine relief, wrinkles and gloss, before any hair."""
    out = Texel()
    pore = pore_at * q.pores * wp.max(0.0, s.micro[0] + 0.3 * s.fine[1])
    out.colour = colour * (1.0 - 0.14 * pore)  # pores hold shadow
    relief = 0.035 * s.mid[3] + (0.030 + 0.035 * q.aged) * s.fine[3] + 0.016 * s.micro[3] - 0.045 * pore
    relief += 0.12 * m.artery + 0.10 * m.scar + 0.05 * m.spot * q.aged
    relief = relief * (1.0 - s.lip) + s.lip * (0.03 * s.fine[3] + 0.10 * crease)
    out.height = relief - m.groove * 0.9 * smooth(2.2, 0.7, s.step) + q.eye_bags * 0.7 * bag_at
    wet = 0.20 * wp.exp(-wp.abs(s.lid) * 1.2)
    out.rough = 0.52 - 0.13 * q.oil * oil_at - 0.14 * s.lip - wet - 0.10 * m.scar
    out.rough += 0.03 * s.slow[3] + 0.04 * (s.mid[2] + s.fine[2] + s.micro[2]) - 0.04 * s.lip * crease
    out.region = 1
    if s.lip > 0.5:
        out.region = 2
    return out


@wp.func
def with_brow(q: Paint, s: Site, under: Texel, along: float, across: float) -> Texel:
    """A faint shadow of the hairs too fine to draw one by one."""
    out = under
    brow = brow_cover(q, along, across, s.lid)
    if brow > 0.0:
        veil = 0.55 * brow * q.brow_density * (1.0 + 0.35 * s.fine[0])
        hair = q.hair * (0.7 * (1.0 - q.grey)) + q.grey_hair * (0.55 * q.grey)
        out.colour = under.colour * (1.0 - veil) + hair * veil
        if brow > 0.35:
            out.region = 3
    return out


@wp.func
def with_beard(q: Paint, s: Site, under: Texel, density: float) -> Texel:
    """Follicles shine blue-grey through shaven skin; stubble and beard lie on it.

    The region stays skin: what moves under a beard is seen, and the heatmap should show it.
    """
    out = under
    beard = wp.clamp(density + density * (1.0 - density) * (0.6 * s.mid[0] + 0.9 * s.fine[3]), 0.0, 1.0)
    if q.moustache_only > 0.5:
        beard = beard * (1.0 - 0.9 * smooth(-62.0, -68.0, s.p[1])) * (1.0 - 0.9 * smooth(24.0, 32.0, wp.abs(s.p[0])))
    if q.beard > 0.0 and beard > 0.0:
        grain = 1.0 - 0.6 * smooth(0.5, 0.9, q.beard)
        veil = beard * q.beard * (0.62 + 0.1 * s.mid[1] + grain * (0.2 * s.fine[0] + 0.3 * s.micro[1]))
        if q.beard < 0.5:
            veil = veil * (1.0 - 0.7 * q.grey)
        veil = wp.clamp(veil, 0.0, 0.9)
        grizzled = 0.6 * q.grey * smooth(0.3, 0.8, q.beard)
        hair = (q.hair * (1.0 - grizzled) + q.grey_hair * grizzled) * 0.75 + wp.vec3(0.008, 0.010, 0.012)
        out.colour = under.colour * (1.0 - veil) + hair * veil
        out.rough = under.rough + 0.2 * veil
        if q.beard > 0.75:
            out.height = under.height + (q.beard - 0.6) * beard * (1.0 + 0.3 * s.fine[1])
    return out


@wp.func
def with_head_hair(
    volume: wp.array(dtype=wp.vec4), q: Paint, s: Site, under: Texel, inside_mm: float, nape: float, bald_at: float
) -> Texel:
    """Short hair, combed or coiled, thinning towards its line and where baldness has come.

    Locks lie over each other: each is lit along its middle and dark where it dips below the next.
    """
    out = under
    inside = inside_mm - q.hairline_mm + q.drop_mm * nape
    aside = (q.fringe_side * s.p[0] - 30.0) / 22.0
    inside += q.fringe_mm * wp.exp(-aside * aside)
    if inside < -9.0:
        return out
    straight = 1.0 - q.hair_curl
    strand = strands(volume, q, s.p, 1.5, 5.0) * straight
    lock = strands(volume, q, s.p, 5.5, 3.0) * straight + s.mid * (0.6 * q.hair_curl)
    if q.hair_curl > 0.1 and s.step < 1.8:
        strand += noise4(volume, s.p / 1.9 + q.offset) * (q.hair_curl * resolved(1.9, s.step))
    inside += 2.0 * s.slow[3] + 1.5 * s.mid[0] + 1.2 * s.fine[0]
    inside += (2.0 + 0.15 * q.fringe_mm) * lock[1] + 2.2 * strand[1]
    lost = q.baldness * (1.3 + 0.16 * s.mid[1] + 0.12 * s.slow[2] + 0.16 * lock[3] + 0.22 * strand[1])
    full = smooth(-3.0, q.hair_edge_mm, inside) * (0.04 + 0.96 * smooth(-0.4, 0.0, bald_at - lost))
    if full > 0.0:
        cover = wp.clamp(full * q.hair_cover, 0.0, 0.985)
        mixed = (0.7 - 0.5 * q.hair_curl) * strand[2] + 0.9 * lock[2]  # coils of both colours blend
        grizzled = wp.clamp(q.grey + mixed * q.grey * (1.0 - q.grey), 0.0, 1.0)
        hair = q.hair * (1.0 - grizzled) + q.grey_hair * (grizzled * 0.85)
        locks = q.hair_locks * lock[0]
        contrast = 0.18 + 0.14 * q.hair_curl * (1.0 - 0.6 * q.grey)
        hair = hair * q.hair_shade * (0.82 + contrast * strand[0] + 0.28 * locks + 0.08 * s.slow[2])
        out.colour = under.colour * (1.0 - cover) + hair * cover
        relief = 1.0 + 0.35 * (1.0 + q.hair_curl) * strand[0] + 0.9 * locks
        out.height = under.height + q.hair_height_mm * full * relief
        gloss = 0.44 + 0.16 * q.hair_curl + 0.08 * strand[3]
        out.rough = under.rough * (1.0 - cover) + gloss * cover
        if full > 0.5:
            out.region = 8
    return out


@wp.func
def with_stroke(q: Paint, under: Texel, tuft: int) -> Texel:
    """The hair that was drawn on this texel, if any."""
    out = under
    share = float(tuft >> 8) / 4095.0
    out.colour = under.colour * (1.0 - share) + hair_colour(q, tuft & 255) * share
    out.height = under.height + 0.10 * share
    out.rough = under.rough * (1.0 - share) + 0.62 * share
    return out


@wp.func
def at_border(skin: Texel, over: Texel, below: float, border: float) -> Texel:
    """Skin just above a neckline, and the texels that it shares with the cloth."""
    out = skin
    out.colour = skin.colour * (1.0 - 0.30 * smooth(-4.0, 0.0, below))  # shadow of contact
    if below > -border:
        share = smooth(-border, border, below)
        out.colour = out.colour * (1.0 - share) + over.colour * share
        out.height = skin.height * (1.0 - share) + over.height * share
        out.rough = skin.rough * (1.0 - share) + over.rough * share
        if below > 0.0:
            out.region = over.region
    return out


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
    out = Texel()
    if int(part[i]) != 0:
        out = mucosa(volume, q, p, int(part[i]))
    else:
        step = pitch[i]
        below = collar_depth(q.garment, fields[i, F_COLLAR], p)
        border = 0.75 * step
        over = Texel()
        if below > -border:
            over = cloth(volume, q, p, wp.max(below, 0.0), step)
        if below > border:
            out = over
        else:
            s = survey(volume, q, p, step, fields[i, F_LID], fields[i, F_LIP])
            m = marks_on(layers, at)
            crease = 0.0
            if s.lip > 0.0:
                crease = lip_crease(volume, q, s)
            venous = fields[i, F_VENOUS]
            colour = skin_colour(table, q, s, fields[i, F_BLOOD], fields[i, F_MELANIN], venous, crease, m)
            out = bare_skin(q, s, colour, fields[i, F_PORE], fields[i, F_OIL], venous, crease, m)
            out = with_brow(q, s, out, fields[i, F_BROW_S], fields[i, F_BROW_T])
            out = with_beard(q, s, out, fields[i, F_BEARD])
            out = with_head_hair(volume, q, s, out, fields[i, F_SCALP], fields[i, F_NAPE], fields[i, F_BALD])
            out = with_stroke(q, out, layers[HAIR, at])
            out = at_border(out, over, below, border)
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
