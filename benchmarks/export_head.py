"""Write one posed head as an .npz that the scripts in benchmarks/elsewhere read.

Usage: python benchmarks/export_head.py HEAD.npz [RESOLUTION]
"""

import sys

import numpy as np

import pain3d
from pain3d.render.scene import Camera


def main(path: str, resolution: int) -> None:
    subject = pain3d.Subject.sample(seed=7, age_years=71, sex="female", ethnicity="black")
    mesh = subject.with_hair(subject.head.express(pain3d.Expression(AU4=3, AU6=3, AU9=3, AU43=0)))
    floats = np.array(Camera.at_head(yaw=20, pitch=0, roll=0, resolution=resolution).floats)
    np.savez(
        path,
        vertices_m=mesh.vertices_m,
        triangles=mesh.topology.triangles,
        uvs=mesh.topology.uvs,
        albedo=subject.maps.albedo,
        resolution=resolution,
        intrinsics=floats[:4],
        world_to_camera=floats[4:].reshape(3, 4),
    )
    print(f"{path}: {len(mesh.topology.triangles):,} triangles, {resolution}x{resolution}")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else 512)
