"""Warp kernels that find what lies under each texel."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false, reportIndexIssue=false
# pyright: reportAttributeAccessIssue=false, reportReturnType=false, reportGeneralTypeIssues=false
# pyright: reportInvalidTypeForm=false
# Warp types exist inside kernels only.

import warp as wp

from pain3d.skin.kernels import OPTIONS

wp.set_module_options(OPTIONS)


@wp.kernel
def rasterise(
    corners: wp.array2d(dtype=wp.vec2),  # (triangle, 3) in texels
    size: int,
    # out
    owner: wp.array(dtype=wp.int32),  # (texel) highest triangle that covers the texel's centre; starts at -1
):
    t = wp.tid()
    a = corners[t, 0]
    b = corners[t, 1]
    c = corners[t, 2]
    area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
    if wp.abs(area) < 1.0e-9:
        return
    x0 = wp.max(0, int(wp.min(a[0], wp.min(b[0], c[0])) - 0.5))
    x1 = wp.min(size - 1, int(wp.max(a[0], wp.max(b[0], c[0]))))
    y0 = wp.max(0, int(wp.min(a[1], wp.min(b[1], c[1])) - 0.5))
    y1 = wp.min(size - 1, int(wp.max(a[1], wp.max(b[1], c[1]))))
    for y in range(y0, y1 + 1):
        for x in range(x0, x1 + 1):
            px = float(x) + 0.5
            py = float(y) + 0.5
            w1 = ((px - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (py - a[1])) / area
            w2 = ((b[0] - a[0]) * (py - a[1]) - (px - a[0]) * (b[1] - a[1])) / area
            if w1 >= -1.0e-4 and w2 >= -1.0e-4 and w1 + w2 <= 1.0001:
                wp.atomic_max(owner, y * size + x, t)


@wp.kernel
def interpolate(
    texel: wp.array(dtype=wp.int32),  # (active)
    owner: wp.array(dtype=wp.int32),  # (texel)
    corners: wp.array2d(dtype=wp.vec2),
    triangles: wp.array2d(dtype=wp.int32),
    values: wp.array2d(dtype=wp.float32),  # (vertex, column)
    size: int,
    # out
    out: wp.array2d(dtype=wp.float32),  # (active, column)
):
    i = wp.tid()
    at = texel[i]
    t = owner[at]
    a = corners[t, 0]
    b = corners[t, 1]
    c = corners[t, 2]
    px = float(at % size) + 0.5
    py = float(at / size) + 0.5
    area = (b[0] - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (b[1] - a[1])
    w1 = ((px - a[0]) * (c[1] - a[1]) - (c[0] - a[0]) * (py - a[1])) / area
    w2 = ((b[0] - a[0]) * (py - a[1]) - (px - a[0]) * (b[1] - a[1])) / area
    w0 = 1.0 - w1 - w2
    for k in range(values.shape[1]):
        out[i, k] = w0 * values[triangles[t, 0], k] + w1 * values[triangles[t, 1], k] + w2 * values[triangles[t, 2], k]
