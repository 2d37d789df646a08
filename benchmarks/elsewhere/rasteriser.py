"""pyrender (OpenGL through OSMesa or EGL) on the same head and size: colour and depth, no other label.

Usage: PYOPENGL_PLATFORM=osmesa python benchmarks/elsewhere/rasteriser.py HEAD.npz OUT.png [FRAMES]
"""

import os
import statistics
import sys
import time

import numpy as np
import pyrender
import trimesh
from PIL import Image


def main(head_file: str, out_file: str, frames: int) -> None:
    head = np.load(head_file)
    size = int(head["resolution"])
    fx, fy, cx, cy = (float(value) for value in head["intrinsics"])
    material = trimesh.visual.material.PBRMaterial(
        baseColorTexture=Image.fromarray(head["albedo"]), metallicFactor=0.0, roughnessFactor=0.5
    )
    uv = head["uvs"] * [1, -1] + [0, 1]
    mesh = trimesh.Trimesh(
        head["vertices_m"],
        head["triangles"],
        visual=trimesh.visual.TextureVisuals(uv=uv, material=material),
        process=False,
    )
    pose = np.linalg.inv(np.diag([1.0, -1.0, -1.0, 1.0]) @ np.vstack([head["world_to_camera"], [0, 0, 0, 1]]))
    renderer = pyrender.OffscreenRenderer(size, size)
    seconds = []
    for _ in range(frames):
        started = time.perf_counter()
        scene = pyrender.Scene(ambient_light=[0.3, 0.3, 0.3])
        scene.add(pyrender.Mesh.from_trimesh(mesh, smooth=True))  # every frame has a new expression: upload counts
        scene.add(pyrender.IntrinsicsCamera(fx, fy, cx, cy, znear=0.05), pose=pose)
        scene.add(pyrender.DirectionalLight(intensity=4.0), pose=pose)
        colour, _depth = renderer.render(scene)
        seconds.append(time.perf_counter() - started)
    Image.fromarray(colour).save(out_file)
    platform = os.environ["PYOPENGL_PLATFORM"]
    median_ms = 1000 * statistics.median(seconds)
    print(f"pyrender {pyrender.__version__} ({platform}), {size}x{size}: median {median_ms:.0f} ms")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 10)
