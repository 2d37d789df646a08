"""What all kernels of the skin share: options, noise, the subject's parameters, the result for a texel."""

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
HAIR = wp.constant(0)
GROOVE = wp.constant(1)
SPOT = wp.constant(2)
VESSEL = wp.constant(3)
SCAR = wp.constant(4)
"""Layers that strokes are drawn on."""
LAYERS = 5


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


@wp.func
def resolved(cell_mm: float, pitch_mm: float) -> float:
    """How much of a noise texels of this pitch can carry: all at 0.4 cells, none from 0.9 on."""
    return smooth(0.9, 0.4, pitch_mm / cell_mm)


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
    spot_melanin: float  # natural logarithm that a full spot adds
    periorbital: float
    pores: float
    oil: float
    aged: float
    lip_red: float
    make_up: float
    make_up_colour: wp.vec3
    eye_shadow: wp.vec3
    hair: wp.vec3
    grey_hair: wp.vec3
    grey: float
    hairline_mm: float
    baldness: float
    hair_cover: float
    hair_height_mm: float
    hair_curl: float
    hair_shade: float
    hair_edge_mm: float  # how far inside the hairline hair is full
    fringe_mm: float  # how far it falls over the forehead on one side
    fringe_side: float  # 1 left, -1 right
    drop_mm: float  # how far below the nape's hairline hair reaches
    hair_locks: float  # 0..1: how clearly hair falls into locks
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
    """What is painted on one texel."""

    colour: wp.vec3  # linear sRGB
    height: float  # mm
    rough: float
    region: int  # pain3d.face.mesh.Region


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
