# type: ignore  # Warp's types say something else to a checker than to its compiler
"""Kernels by which the tests call the functions of `wet`."""

import warp as wp

from pain3d.render.kernels import CPU_FLAGS
from pain3d.render.wet import iris_place, iris_shift_m, open_to_light, turned_place

wp.set_module_options({"enable_backward": False, "fast_math": False, "cpu_compiler_flags": CPU_FLAGS})


@wp.kernel
def call_iris_shift(
    n: wp.array(dtype=wp.vec3), view: wp.array(dtype=wp.vec3), r: wp.array(dtype=float), out: wp.array(dtype=wp.vec3)
):
    i = wp.tid()
    out[i] = iris_shift_m(n[i], view[i], r[i])


@wp.kernel
def call_iris_place(place: wp.array(dtype=wp.vec2), power: float, out: wp.array(dtype=wp.vec2)):
    i = wp.tid()
    out[i] = iris_place(place[i], power)


@wp.kernel
def call_open_to_light(d_m: wp.array(dtype=wp.vec3), opening_m2: float, out: wp.array(dtype=float)):
    i = wp.tid()
    out[i] = open_to_light(d_m[i], opening_m2)


@wp.kernel
def call_turned_place(place: wp.array(dtype=wp.vec2), look: wp.vec4, mirror: float, out: wp.array(dtype=wp.vec2)):
    i = wp.tid()
    out[i] = turned_place(place[i], look, mirror)
