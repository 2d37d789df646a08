"""Blender Cycles on the same head and size: 32 samples, denoised, subsurface skin, one key light and a sky.

Usage: python benchmarks/elsewhere/path_tracer.py HEAD.npz OUT.png [FRAMES]

HEAD.npz comes from benchmarks/export_head.py.
"""

import statistics
import sys
import time
from pathlib import Path

import bpy  # this file must not be called cycles.py: it would hide the add-on of that name
import numpy as np
from mathutils import Matrix
from PIL import Image


def mesh_object(head, texture: Path):
    mesh = bpy.data.meshes.new("head")
    mesh.from_pydata(head["vertices_m"].tolist(), [], head["triangles"].tolist())
    layer = mesh.uv_layers.new()
    corners = head["uvs"][head["triangles"].ravel()] * [1, -1] + [0, 1]
    layer.data.foreach_set("uv", corners.astype(np.float32).ravel())
    mesh.shade_smooth()
    material = bpy.data.materials.new("skin")
    material.use_nodes = True
    nodes, links = material.node_tree.nodes, material.node_tree.links
    shader = nodes["Principled BSDF"]
    image = nodes.new("ShaderNodeTexImage")
    image.image = bpy.data.images.load(str(texture.resolve()))
    links.new(image.outputs["Color"], shader.inputs["Base Color"])
    shader.inputs["Subsurface Weight"].default_value = 0.3
    shader.inputs["Subsurface Radius"].default_value = (0.0037, 0.0014, 0.0007)
    shader.inputs["Roughness"].default_value = 0.5
    mesh.materials.append(material)
    head_object = bpy.data.objects.new("head", mesh)
    bpy.context.collection.objects.link(head_object)


def camera(head, size: int):
    fx, _, _, _ = head["intrinsics"]
    data = bpy.data.cameras.new("camera")
    data.sensor_width = 36.0
    data.lens = float(fx) / size * 36.0
    obj = bpy.data.objects.new("camera", data)
    world_to_camera = np.vstack([head["world_to_camera"], [0, 0, 0, 1]])
    flip = np.diag([1.0, -1.0, -1.0, 1.0])  # OpenCV looks along +z with y down, Blender along -z with y up
    obj.matrix_world = Matrix(np.linalg.inv(flip @ world_to_camera).tolist())
    bpy.context.collection.objects.link(obj)
    bpy.context.scene.camera = obj


def main(head_file: str, out_file: str, frames: int) -> None:
    head = np.load(head_file)
    size = int(head["resolution"])
    bpy.ops.wm.read_factory_settings(use_empty=True)
    bpy.ops.preferences.addon_enable(module="cycles")
    texture = Path(out_file).with_suffix(".albedo.png")
    Image.fromarray(head["albedo"]).save(texture)
    mesh_object(head, texture)
    camera(head, size)
    light = bpy.data.objects.new("key", bpy.data.lights.new("key", "AREA"))
    light.data.energy, light.data.size, light.location = 12.0, 0.4, (0.6, 0.6, 0.9)
    light.rotation_euler = (-0.6, 0.55, 0.0)
    bpy.context.collection.objects.link(light)
    scene = bpy.context.scene
    world = scene.world = bpy.data.worlds.new("sky")
    world.use_nodes = True
    world.node_tree.nodes["Background"].inputs[1].default_value = 0.6
    scene.render.engine, scene.cycles.device = "CYCLES", "CPU"
    scene.cycles.samples, scene.cycles.use_denoising = 32, True
    scene.render.resolution_x = scene.render.resolution_y = size
    scene.render.filepath = str(Path(out_file).resolve())
    seconds = []
    for _ in range(frames):
        started = time.perf_counter()
        bpy.ops.render.render(write_still=True)
        seconds.append(time.perf_counter() - started)
    median = statistics.median(seconds)
    print(f"Cycles {bpy.app.version_string}, {size}x{size}, 32 samples, denoised: median {median:.1f} s")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]) if len(sys.argv) > 3 else 3)
