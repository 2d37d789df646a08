"""The kernel that draws strokes: hairs, grooves and spots, each into the texels near its root."""

# pyright: reportArgumentType=false, reportCallIssue=false, reportOperatorIssue=false, reportIndexIssue=false
# pyright: reportAttributeAccessIssue=false, reportReturnType=false, reportGeneralTypeIssues=false
# pyright: reportInvalidTypeForm=false
# Warp types exist inside kernels only.

import numpy as np
import warp as wp

from pain3d.skin.kernels import OPTIONS
from pain3d.skin.strokes import Strokes

wp.set_module_options(OPTIONS)


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


def launch(strokes: Strokes, position: wp.array, size: int, layers: wp.array) -> None:
    """Draw strokes.

    Args:
        strokes: what to draw; root texels count on the grid of `position`.
        position: (texel) canonical mm, `FAR_MM` where nothing lies; its device draws.
        size: texels along one side.
        layers: (layer, texel) what was drawn; in and out.
    """
    with wp.ScopedDevice(position.device):
        wp.launch(
            draw_strokes,
            len(strokes),
            inputs=[
                wp.array(strokes.root.astype(np.int32)),
                wp.array(strokes.start_mm.astype(np.float32), dtype=wp.vec3),
                wp.array(strokes.end_mm.astype(np.float32), dtype=wp.vec3),
                wp.array(strokes.half_width_mm.astype(np.float32)),
                wp.array(strokes.strength.astype(np.float32)),
                wp.array(strokes.shade.astype(np.int32)),
                wp.array(strokes.layer.astype(np.int32)),
                position,
                size,
            ],
            outputs=[layers],
        )
