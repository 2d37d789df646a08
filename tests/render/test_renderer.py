"""Pictures of real heads: labels hang together, drawing is a function, light keeps faces well exposed."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import numpy as np
import pytest
import warp as wp
from people import PAIN, head, painted_skin, portrait, renderer
from solids import ball, grey, head_and_nose, plain_skin, quartered_skin, scene, soft_light

from pain3d.face.mesh import FaceMesh, Region
from pain3d.facs import PAIN_AUS, Expression
from pain3d.render import kernels, reference, shading, wrinkle_kernels
from pain3d.render.device import checked_device, environment
from pain3d.render.heatmap import au_displacements_mm, pain_displacement_mm
from pain3d.render.lights import LIGHTS, light
from pain3d.render.renderer import Renderer
from pain3d.render.scene import PIVOT_M, Camera, Scene

HEATED = (Region.SKIN, Region.LIPS, Region.BROWS)


def draw(mesh: FaceMesh, maps, view: Scene, displacement=None, **request):
    """One picture of a solid."""
    drawer = Renderer(mesh.topology)
    return drawer.draw(drawer.upload_skin(maps, mesh), drawer.upload_mesh(mesh, displacement), view, **request)


@pytest.fixture(scope="module")
def pain_frame():
    """The test person in pain, from the front."""
    moved = head().express(PAIN)
    mesh = renderer().upload_mesh(moved, pain_displacement_mm(head(), PAIN, moved))
    skin = renderer().upload_skin(painted_skin(), head().neutral)
    view = portrait(light("studio", np.random.default_rng(0)), 256)
    return renderer().draw(skin, mesh, view, normals=True, albedo=True)


def test_row_0_is_the_top_and_pixel_centres_are_halves():
    mesh = ball(centre_m=(0.03, 0.04, 0.0), radius_m=0.02)
    frame = draw(mesh, plain_skin(), scene(101))
    rows, columns = np.nonzero(frame.segmentation)
    x, y = frame.camera.project(np.array([0.03, 0.04, 0.0]))
    assert x > 50
    assert y < 50
    assert abs(columns.mean() + 0.5 - x) < 0.3
    assert abs(rows.mean() + 0.5 - y) < 0.3


def test_texture_u_goes_right_and_v_down():
    regions = draw(ball(), quartered_skin(), scene(64)).segmentation
    assert regions[24, 24] == Region.BROWS
    assert regions[24, 40] == Region.HAIR
    assert regions[40, 24] == Region.LIPS
    assert regions[40, 40] == Region.GARMENT


def test_depth_is_along_the_axis_of_the_camera():
    frame = draw(ball(centre_m=(0, -0.025, 0), radius_m=0.09), plain_skin(), scene(65, distance_m=0.95))
    assert abs(frame.depth_m[32, 32] - (0.95 - 0.02 - 0.09)) < 2e-3


def test_normals_point_at_the_camera_in_its_own_frame():
    mesh = ball(centre_m=PIVOT_M, radius_m=0.06)
    frame = draw(mesh, plain_skin(), scene(65, yaw=25), normals=True)
    assert frame.normals is not None
    inside = frame.segmentation > 0
    assert np.allclose(np.linalg.norm(frame.normals, axis=2), inside, atol=1e-5)
    assert np.allclose(frame.normals[32, 32], (0, 0, -1), atol=0.1)
    assert (frame.normals[inside][:, 2] < 0.3).all()


def test_albedo_is_the_paint():
    frame = draw(ball(), plain_skin(), scene(33), albedo=True)
    assert frame.albedo is not None
    assert np.abs(frame.albedo[16, 16].astype(int) - (190, 150, 130)).max() <= 1
    assert (frame.albedo[frame.segmentation == 0] == 0).all()


def test_order_of_triangles_is_nothing():
    mesh, maps = head_and_nose(), quartered_skin()
    shuffled = np.random.default_rng(0).permutation(len(mesh.topology.triangles))
    topology = dataclasses.replace(
        mesh.topology, triangles=mesh.topology.triangles[shuffled], part=mesh.topology.part[shuffled]
    )
    other = dataclasses.replace(mesh, topology=topology)
    one, two = draw(mesh, maps, scene(96)), draw(other, maps, scene(96))
    assert (one.segmentation == two.segmentation).all()
    assert np.allclose(one.depth_m, two.depth_m, atol=1e-5)


def test_no_displacement_no_heat():
    mesh = ball()
    assert (draw(mesh, plain_skin(), scene(32)).heatmap_mm == 0).all()
    everywhere = np.full(len(mesh.vertices_m), 7.5, np.float32)
    frame = draw(mesh, quartered_skin(), scene(64), everywhere)
    hot = np.isin(frame.segmentation, HEATED)
    assert np.allclose(frame.heatmap_mm[hot], 7.5, atol=1e-4)
    assert (frame.heatmap_mm[~hot] == 0).all()


def test_drawing_is_a_function(pain_frame):
    skin = renderer().upload_skin(painted_skin(), head().neutral)
    for _ in range(2):
        moved = head().express(PAIN)
        mesh = renderer().upload_mesh(moved, pain_displacement_mm(head(), PAIN, moved))
        view = portrait(light("studio", np.random.default_rng(0)), 256)
        frame = renderer().draw(skin, mesh, view, normals=True, albedo=True)
        for name in ("rgb", "heatmap_mm", "segmentation", "depth_m", "landmarks_px", "normals", "albedo"):
            assert getattr(frame, name).tobytes() == getattr(pain_frame, name).tobytes(), name


def test_what_was_drawn_before_leaves_no_trace(pain_frame):
    skin = renderer().upload_skin(painted_skin(), head().neutral)
    renderer().draw(
        skin, renderer().upload_mesh(head().neutral), portrait(light("overcast", np.random.default_rng(9)), 64)
    )
    moved = head().express(PAIN)
    mesh = renderer().upload_mesh(moved, pain_displacement_mm(head(), PAIN, moved))
    frame = renderer().draw(skin, mesh, portrait(light("studio", np.random.default_rng(0)), 256))
    assert frame.rgb.tobytes() == pain_frame.rgb.tobytes()


def test_labels_of_a_head_hang_together(pain_frame):
    frame = pain_frame
    assert ((frame.segmentation == 0) == (frame.depth_m == 0)).all()
    seen = {Region(value) for value in np.unique(frame.segmentation)}
    assert seen >= {Region.BACKGROUND, *HEATED, Region.EYES, Region.TEETH, Region.HAIR, Region.GARMENT}
    hot = np.isin(frame.segmentation, HEATED)
    assert (frame.heatmap_mm[~hot] == 0).all()
    assert frame.heatmap_mm.max() > 3
    inside = frame.depth_m > 0
    assert (frame.depth_m[inside] > 0.6).all()
    assert (frame.depth_m[inside] < 1.4).all()
    assert (frame.normals[~inside] == 0).all()


def test_landmarks_lie_on_what_they_name():
    skin = renderer().upload_skin(painted_skin(), head().neutral)
    view = portrait(light("overcast", np.random.default_rng(0)), 512)
    frame = renderer().draw(skin, renderer().upload_mesh(head().neutral), view)

    def near(index: int, regions: tuple[Region, ...], pixels: int) -> bool:
        x, y = frame.landmarks_px[index].astype(int)
        patch = frame.segmentation[y - pixels : y + pixels + 1, x - pixels : x + pixels + 1]
        return bool(np.isin(patch, regions).any())

    assert all(near(k, (Region.LIPS,), 4) for k in range(48, 68))
    assert all(near(k, (Region.EYES,), 6) for k in range(36, 48))
    assert all(near(k, (Region.SKIN,), 1) for k in range(27, 36))
    eyes, mouth = frame.landmarks_px[36:48, 1].mean(), frame.landmarks_px[48:68, 1].mean()
    assert eyes < mouth
    assert frame.landmarks_px[36, 0] < frame.landmarks_px[45, 0], "the subject's right eye is on the left"


def test_labels_do_not_depend_on_light():
    skin = renderer().upload_skin(painted_skin(), head().neutral)
    mesh = renderer().upload_mesh(head().neutral)
    frames = [renderer().draw(skin, mesh, portrait(light(name, np.random.default_rng(1)))) for name in LIGHTS]
    for frame in frames[1:]:
        assert (frame.segmentation == frames[0].segmentation).all()
        assert (frame.depth_m == frames[0].depth_m).all()
        assert (frame.rgb != frames[0].rgb).mean() > 0.3


def test_heatmaps_of_single_units_are_masked_alike():
    moved = head().express(PAIN)
    rows = au_displacements_mm(head(), PAIN, head().neutral)
    mesh = renderer().upload_mesh(moved, pain_displacement_mm(head(), PAIN, moved), rows)
    skin = renderer().upload_skin(painted_skin(), head().neutral)
    frame = renderer().draw(skin, mesh, portrait(light("studio", np.random.default_rng(0)), 128))
    assert frame.au_heatmaps_mm is not None
    assert frame.au_heatmaps_mm.shape == (6, 128, 128)
    for name, heat in zip(PAIN_AUS, frame.au_heatmaps_mm, strict=True):
        assert (heat.max() > 0.5) == (PAIN[name] > 0), name
        assert (heat[~np.isin(frame.segmentation, HEATED)] == 0).all()


def test_smiles_are_no_pain():
    smile = Expression(AU12=4, AU25=2)
    assert (pain_displacement_mm(head(), smile, head().express(smile)) == 0).all()


@pytest.mark.parametrize("name", LIGHTS)
@pytest.mark.parametrize("ethnicity", ["white", "black"])
def test_faces_are_well_exposed(name, ethnicity):
    skin = renderer().upload_skin(painted_skin(3, ethnicity), head().neutral)
    mesh = renderer().upload_mesh(head().neutral)
    for seed in range(3):
        view = portrait(light(name, np.random.default_rng(seed)), 128, yaw=30.0 * (seed - 1))
        frame = renderer().draw(skin, mesh, view, albedo=True)
        face = frame.segmentation == Region.SKIN
        luminance = frame.rgb[face].mean(axis=1)
        paint = frame.albedo[face].mean(axis=1)
        # a lamp may be dim, but the tone stays that of the person, and nothing burns out or drowns
        assert 0.6 < np.median(luminance) / np.median(paint) < 1.3
        assert np.quantile(luminance, 0.99) < 252
        assert (luminance < 8).mean() < 0.03


def test_head_against_the_reference():
    moved = head().express(PAIN)
    displacement = pain_displacement_mm(head(), PAIN, moved)
    maps = plain_skin()
    view = portrait(soft_light(), 96, yaw=-25.0)
    skin, mesh = renderer().upload_skin(maps, moved), renderer().upload_mesh(moved, displacement)
    fast = renderer().draw(skin, mesh, view)
    seen = reference.visible(moved, view.camera)
    regions = reference.segmentation(moved, seen, maps)
    same = fast.segmentation == regions
    assert same.mean() > 0.998
    assert np.quantile(np.abs(fast.depth_m - seen.depth_m)[same], 0.999) < 5e-4
    heat = reference.heatmap_mm(moved, seen, regions, displacement)
    assert np.quantile(np.abs(fast.heatmap_mm - heat)[same], 0.998) < 0.05
    lit = renderer()._work.lit.numpy()
    arriving = reference.VertexLight(
        key=lit["key"], ambient=lit["ambient"], shadow=lit["shadow"], occlusion=lit["occlusion"]
    )
    slow = reference.picture(moved, maps, view, arriving, samples=2)
    skin_alone = (fast.segmentation == Region.SKIN) & (regions == Region.SKIN)
    off = np.abs(fast.rgb.astype(int) - slow).max(axis=2)[skin_alone]
    assert np.median(off) <= 1
    assert (off > 10).mean() < 0.06


def test_refuses_what_does_not_fit():
    drawer = Renderer(ball().topology)
    with pytest.raises(ValueError, match="belongs to another topology"):
        drawer.upload_mesh(head().neutral)
    mesh = FaceMesh(topology=drawer.topology, vertices_m=ball().vertices_m, normals=ball().normals)
    with pytest.raises(ValueError, match=r"displacement_mm: shape \(3,\) does not fit"):
        drawer.upload_mesh(mesh, np.zeros(3, np.float32))
    odd = plain_skin()
    odd = dataclasses.replace(
        odd, albedo=odd.albedo[:200, :200], height_mm=odd.height_mm[:200, :200], roughness=odd.roughness[:200, :200],
        region=odd.region[:200, :200],
    )  # fmt: skip
    with pytest.raises(ValueError, match="skin maps: 200 texels a side; the renderer needs a power of two"):
        drawer.upload_skin(odd, mesh)


def test_a_missing_device_is_named_and_never_replaced():
    with pytest.raises(ValueError, match=r"device: 'cuda:77' is not on this machine; it has cpu"):
        checked_device("cuda:77")
    assert environment("cpu")["device"] == "cpu"


def test_one_pixel_and_an_empty_picture_are_pictures():
    frame = draw(ball(), plain_skin(), scene(1))
    assert frame.rgb.shape == (1, 1, 3)
    away = Scene(camera=Camera.at_head(resolution=16, shift_m=(3.0, 0.0)), light=soft_light(), background=grey(16))
    frame = draw(ball(), plain_skin(), away)
    assert (frame.segmentation == 0).all()
    assert len(np.unique(frame.rgb.reshape(-1, 3), axis=0)) == 1


def test_starting_is_silent():
    code = "from pain3d.render.device import prepare; prepare('cpu')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == ""
    assert "CUDA driver" not in done.stderr


def test_kernels_compile_for_cuda_without_a_gpu(tmp_path):
    for module in (kernels, shading, wrinkle_kernels):
        assert wp.compile_aot_module(module, arch=80, module_dir=tmp_path, use_ptx=True)
