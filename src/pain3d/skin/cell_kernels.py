"""Eyes, teeth, gums and lashes: painted by texture coordinates, over the whole of their cells of the atlas."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false, reportIndexIssue=false
# pyright: reportAttributeAccessIssue=false, reportReturnType=false, reportGeneralTypeIssues=false
# pyright: reportInvalidTypeForm=false
# Warp types exist inside kernels only.

import warp as wp

from pain3d.skin.kernels import OPTIONS, Paint, Texel, noise4, smooth, store

wp.set_module_options(OPTIONS)

CELL_EYES = wp.constant(0)
CELL_TEETH = wp.constant(1)
CELL_LASHES = wp.constant(2)


@wp.func
def eye(volume: wp.array(dtype=wp.vec4), q: Paint, u: float, v: float) -> Texel:
    """Sclera, limbus, iris and pupil; (u, v) in the cell of the eyes, pupil in its middle, limbus at radius 0.27."""
    out = Texel()
    dx = u - 0.5
    dy = v - 0.5
    r = wp.sqrt(dx * dx + dy * dy) / 0.27
    turn = wp.atan2(dy, dx)
    flat = wp.vec3(u * 9.0, v * 9.0, 0.5)
    n = noise4(volume, flat + q.offset)
    bent = noise4(volume, flat * 1.9 + q.offset)
    corner = smooth(1.05, 1.8, r) * (0.35 + 0.65 * wp.abs(dx) / (0.27 * wp.max(r, 0.1)))
    white = wp.cw_mul(q.sclera, wp.vec3(1.0 - 0.02 * corner, 1.0 - 0.16 * corner, 1.0 - 0.18 * corner))
    white = white * (1.0 + 0.025 * n[0]) * (1.0 - 0.25 * smooth(0.42, 0.18, v))
    # vessels run from the corners inwards, so they vary slowly along the radius and fast across
    reach = noise4(volume, wp.vec3(turn * 7.0 + 0.8 * bent[1], r * 2.2, 3.5) + q.offset)
    vein = smooth(0.10, 0.0, wp.abs(reach[0] + 0.25 * bent[0])) * smooth(1.10, 1.7, r) * (0.35 + 0.45 * n[1])
    vein = wp.clamp(vein * (0.5 + corner), 0.0, 0.6)
    white = wp.cw_mul(white, wp.vec3(1.0 - 0.10 * vein, 1.0 - 0.50 * vein, 1.0 - 0.50 * vein))
    fibre = noise4(volume, wp.vec3(wp.cos(turn) * 4.7, wp.sin(turn) * 4.7, 0.9 * r) + q.offset)
    ray = noise4(volume, wp.vec3(wp.cos(turn) * 11.0, wp.sin(turn) * 11.0, 1.1 * r) + q.offset)
    iris = q.iris * (1.0 + 0.30 * fibre[0] + 0.45 * ray[0])
    ring = 1.0 - smooth(q.pupil + 0.06, q.pupil + 0.30, r + 0.07 * fibre[1] + 0.05 * ray[1])
    iris = iris * (1.0 - 0.75 * ring) + q.collarette * (0.75 * ring * (1.0 + 0.3 * ray[2]))
    iris = iris * (1.0 - 0.60 * smooth(0.74, 0.97, r)) * (0.65 + 0.35 * smooth(q.pupil, q.pupil + 0.07, r))
    open = smooth(q.pupil - 0.03, q.pupil + 0.04, r)
    iris = iris * open + wp.vec3(0.004, 0.0035, 0.0035) * (1.0 - open)
    edge = smooth(0.92, 1.09, r + 0.02 * fibre[2])
    out.colour = iris * (1.0 - edge) + white * edge
    flesh = smooth(1.80, 1.90, r)
    out.colour = out.colour * (1.0 - flesh) + wp.vec3(0.52, 0.27, 0.24) * ((1.0 - 0.45 * q.depth) * flesh)
    out.rough = 0.08 + 0.10 * edge
    out.region = 4
    return out


@wp.func
def tooth(volume: wp.array(dtype=wp.vec4), q: Paint, u: float, v: float) -> Texel:
    """Enamel; u 0..0.5 over fourteen teeth of a jaw, biting edge at v 0.02 or 0.98, gum line at 0.40 or 0.60."""
    out = Texel()
    column = int(wp.clamp(u * 28.0, 0.0, 13.0))
    from_middle = wp.abs(float(column) - 6.5) - 0.5  # 0 central incisor .. 6 second molar
    edge = v
    if v > 0.5:
        edge = 1.0 - v
    edge = wp.clamp((edge - 0.02) / 0.38, 0.0, 1.2)
    one = noise4(volume, wp.vec3(float(column) * 1.7, wp.floor(v * 2.0) * 5.3, 0.5) + q.offset)
    fine = noise4(volume, wp.vec3(u * 90.0, v * 14.0, 0.5) + q.offset)
    canine = wp.exp(-(from_middle - 2.0) * (from_middle - 2.0) * 2.0)
    yellow = 0.25 * smooth(0.35, 1.0, edge) + 0.10 * canine + 0.08 * one[0]
    colour = wp.cw_mul(q.teeth, wp.vec3(1.0 - 0.16 * yellow, 1.0 - 0.26 * yellow, 1.0 - 0.60 * yellow))
    if from_middle < 2.5:
        glass = smooth(0.14, 0.0, edge)
        colour = wp.cw_mul(colour, wp.vec3(1.0 - 0.16 * glass, 1.0 - 0.13 * glass, 1.0 - 0.10 * glass))
    within = u * 28.0 - float(column)
    gap = 0.82 + 0.18 * smooth(0.0, 0.10, wp.min(within, 1.0 - within))
    colour = colour * ((1.0 + 0.03 * fine[0] + 0.05 * one[1]) * gap)
    dim = 1.0
    if from_middle > 2.5:
        dim = 0.92
    if from_middle > 3.5:
        dim = 0.85
    root = smooth(0.99, 1.08, edge)
    colour = colour * (1.0 - root) + wp.vec3(0.30, 0.13, 0.10) * root
    out.colour = colour * dim
    out.rough = 0.18
    out.region = 5
    return out


@wp.func
def gum(volume: wp.array(dtype=wp.vec4), q: Paint, u: float, v: float) -> Texel:
    """Gums and palate; u 0.52..1 along the arch, margins at v 0.18 and 0.22, or 0.82 and 0.78."""
    out = Texel()
    along = wp.abs(u - 0.76) / 0.24
    edge = v
    if v > 0.5:
        edge = 1.0 - v
    n = noise4(volume, wp.vec3(u * 60.0, v * 30.0, 0.5) + q.offset)
    margin = wp.exp(-wp.abs(edge - 0.20) * 22.0)
    coral = wp.vec3(0.44, 0.165, 0.150) * (1.0 - q.depth) + wp.vec3(0.27, 0.105, 0.10) * q.depth
    colour = coral * (0.80 + 0.30 * margin) * (1.0 + 0.08 * n[0])
    patch = q.depth * 0.5 * smooth(0.0, 0.6, n[2]) * smooth(0.22, 0.16, edge)
    colour = colour * (1.0 - 0.6 * patch)
    out.colour = colour * (1.0 - 0.65 * smooth(0.35, 0.95, along)) * (1.0 - 0.55 * smooth(0.24, 0.40, edge))
    out.height = 0.04 * n[1]
    out.rough = 0.25
    out.region = 7
    return out


@wp.kernel
def paint_cell(
    cell: wp.vec4i,  # first row, first column, rows, columns
    kind: int,  # CELL_EYES, CELL_TEETH or CELL_LASHES
    size: int,
    q: Paint,
    volume: wp.array(dtype=wp.vec4),
    encode: wp.array(dtype=wp.uint8),
    # out
    albedo: wp.array2d(dtype=wp.uint8),
    height: wp.array(dtype=wp.float32),
    rough: wp.array(dtype=wp.uint8),
    region: wp.array(dtype=wp.uint8),
):
    """Parts that are painted by their texture coordinates: every texel of the cell."""
    i = wp.tid()
    row = i / cell[3]
    column = i % cell[3]
    u = (float(column) + 0.5) / float(cell[3])
    v = (float(row) + 0.5) / float(cell[2])
    out = Texel()
    if kind == CELL_EYES:
        out = eye(volume, q, u, v)
    elif kind == CELL_TEETH:
        out = gum(volume, q, u, v)
        if u < 0.51:
            out = tooth(volume, q, u, v)
    else:
        out.colour = q.hair * 0.3 + wp.vec3(0.004, 0.004, 0.004)
        out.rough = 0.5
        out.region = 4
    store((cell[0] + row) * size + cell[1] + column, out, encode, albedo, height, rough, region)
