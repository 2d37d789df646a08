"""A slow, plain NumPy renderer of the same model, which the tests hold the fast one against.

Independent where a renderer goes wrong: projection, visibility by brute force over triangles in double precision,
perspective-correct interpolation, texture lookup, labels, supersampling instead of edge coverage, ray-cast shadow
instead of a depth map. The equations of light are those of `materials`, written once more for whole arrays. Not
covered: lashes, grain, contact shadow of lids, texture levels beyond the finest, occlusion and walls baked from depth
maps.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int, UInt8

from pain3d.face.mesh import FaceMesh, Part, Region
from pain3d.render.environment import irradiance_coefficients, surroundings
from pain3d.render.film import film_curve, srgb_to_linear
from pain3d.render.scene import Camera, Light, Scene
from pain3d.skin.maps import SkinMaps, WrinkleRelief
from pain3d.skin.tone import linear_to_srgb

REGION_OF_PART = {Part.MOUTH: Region.MOUTH, Part.TEETH: Region.TEETH, Part.TONGUE: Region.TONGUE, Part.EYE: Region.EYES}
HEATED = (Region.SKIN, Region.LIPS, Region.BROWS)
ROUGHNESS_OF_MIRROR = (0.08, 0.25, 0.45, 0.65, 0.9)
UPRIGHT = np.array([1.0, -1.0, -1.0])


@dataclass(frozen=True, kw_only=True, eq=False)
class VertexLight:
    """Light that arrives at each vertex."""

    key: Float[np.ndarray, "vertex 3"]
    """Key light times cosine and shadow, after it spread under the skin."""
    ambient: Float[np.ndarray, "vertex 3"]
    shadow: Float[np.ndarray, " vertex"]
    """1 in full light."""
    occlusion: Float[np.ndarray, " vertex"]
    """Open share of the sky."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Visible:
    """What the centres of a grid of pixels show."""

    triangle: Int[np.ndarray, "side side"]
    """-1 is background."""
    weights: Float[np.ndarray, "side side 3"]
    """Perspective-correct barycentric coordinates."""
    depth_m: Float[np.ndarray, "side side"]
    """0 is background."""


def visible(mesh: FaceMesh, camera: Camera) -> Visible:
    """The nearest front-facing triangle at each pixel centre, by brute force; lashes are left out."""
    points = camera.to_camera(mesh.vertices_m)
    screen = points[:, :2] / points[:, 2:] * camera.focal_px + np.array(camera.centre_px)
    side = camera.resolution
    depth = np.full((side, side), np.inf)
    triangle = np.full((side, side), -1)
    weights = np.zeros((side, side, 3))
    for t in np.flatnonzero(mesh.topology.part != Part.LASH):
        corners = mesh.topology.triangles[t]
        p = screen[corners]
        area = _cross2(p[1] - p[0], p[2] - p[0])
        if area >= 0 or points[corners, 2].min() < 0.07:
            continue
        low = np.maximum(np.ceil(p.min(axis=0) - 0.5), 0).astype(int)
        high = np.minimum(np.floor(p.max(axis=0) - 0.5), side - 1).astype(int)
        if (low > high).any():
            continue
        x, y = np.meshgrid(np.arange(low[0], high[0] + 1), np.arange(low[1], high[1] + 1))
        here = np.stack([x, y], axis=-1) + 0.5
        flat = np.stack([_cross2(p[(k + 1) % 3] - here, p[(k + 2) % 3] - here) / area for k in range(3)], axis=-1)
        near = flat / points[corners, 2]
        z = 1 / near.sum(axis=-1)
        nearer = (flat >= 0).all(axis=-1) & (z < depth[y, x])
        depth[y[nearer], x[nearer]] = z[nearer]
        triangle[y[nearer], x[nearer]] = t
        weights[y[nearer], x[nearer]] = (near * z[..., None])[nearer]
    return Visible(triangle=triangle, weights=weights, depth_m=np.where(triangle >= 0, depth, 0))


def interpolate(
    mesh: FaceMesh, seen: Visible, values: Float[np.ndarray, "vertex *c"]
) -> Float[np.ndarray, "side side *c"]:
    """A value of the vertices at each pixel centre; background takes that of triangle 0, mask it."""
    corners = mesh.topology.triangles[np.maximum(seen.triangle, 0)]
    weights = seen.weights.reshape(*seen.weights.shape, *[1] * (values.ndim - 1))
    return (values[corners] * weights).sum(axis=2)


def segmentation(mesh: FaceMesh, seen: Visible, maps: SkinMaps) -> UInt8[np.ndarray, "side side"]:
    """`Region` of each pixel."""
    part = mesh.topology.part[np.maximum(seen.triangle, 0)]
    texel = np.clip((interpolate(mesh, seen, mesh.topology.uvs) * maps.size).astype(int), 0, maps.size - 1)
    regions = maps.region[texel[..., 1], texel[..., 0]].copy()
    for kind, region in REGION_OF_PART.items():
        regions[part == kind] = region
    regions[seen.triangle < 0] = Region.BACKGROUND
    return regions


def heatmap_mm(
    mesh: FaceMesh,
    seen: Visible,
    regions: UInt8[np.ndarray, "side side"],
    displacement_mm: Float[np.ndarray, " vertex"],
) -> Float[np.ndarray, "side side"]:
    """Displacement on skin, lips and brows, 0 elsewhere."""
    return np.where(np.isin(regions, HEATED), interpolate(mesh, seen, displacement_mm), 0)


def cast_light(mesh: FaceMesh, camera: Camera, light: Light, rays: int = 16) -> VertexLight:
    """Light at the vertices of a small mesh under an open sky, by casting rays at the lamp; nothing spreads."""
    head_to_room = UPRIGHT[:, None] * camera.rotation
    normals = (mesh.normals[:, None, :].astype(float) * head_to_room).sum(axis=2)
    direction = np.array(light.key_direction)
    towards = (head_to_room * direction[:, None]).sum(axis=0)
    right = np.array([towards[2], 0, -towards[0]]) / math.hypot(towards[0], towards[2])
    up = np.cross(towards, right)
    blocked = np.zeros(len(mesh.vertices_m))
    for k in range(rays):
        radius, turn = light.key_size[0] * math.sqrt((k + 0.5) / rays), k * math.pi * (3 - math.sqrt(5))
        ray = towards + radius * (math.cos(turn) * right + math.sin(turn) * up)
        blocked += _blocked(mesh, mesh.vertices_m + mesh.normals * 0.0015, ray)
    shadow = 1 - blocked / rays
    facing = np.maximum((normals * direction).sum(axis=1), 0)
    return VertexLight(
        key=np.repeat((facing * shadow)[:, None], 3, axis=1),
        ambient=sky(normals, irradiance_coefficients(light)),
        shadow=shadow,
        occlusion=np.ones(len(normals)),
    )


def sky(n: Float[np.ndarray, "n 3"], coefficients: Float[np.ndarray, "9 3"]) -> Float[np.ndarray, "n 3"]:
    """Irradiance / pi from the surroundings."""
    x, y, z = n.T
    one = np.ones_like(x)
    basis = np.stack([one, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], axis=1)
    return np.maximum((basis[:, :, None] * coefficients).sum(axis=1), 0)


def picture(
    mesh: FaceMesh,
    maps: SkinMaps,
    scene: Scene,
    light: VertexLight,
    samples: int = 4,
    wrinkles: WrinkleRelief | None = None,
) -> UInt8[np.ndarray, "side side 3"]:
    """sRGB picture; each pixel is the mean of samples x samples points, mixed as `shading.resolve` does."""
    fine = _enlarged(scene.camera, samples)
    seen = visible(mesh, fine)
    radiance = _radiance(mesh, seen, maps, fine, scene.light, light, wrinkles)
    encoded = np.rint(linear_to_srgb(film_curve(radiance * scene.light.exposure)) * 255)
    background = np.repeat(np.repeat(_backdrop(scene), samples, axis=0), samples, axis=1)
    encoded = np.where(seen.triangle[..., None] >= 0, encoded, background)
    side = scene.camera.resolution
    squares = np.square(encoded).reshape(side, samples, side, samples, 3).mean(axis=(1, 3))
    return np.rint(np.sqrt(squares)).astype(np.uint8)


def wrinkles_mm(
    mesh: FaceMesh, seen: Visible, regions: UInt8[np.ndarray, "side side"], wrinkles: WrinkleRelief
) -> Float[np.ndarray, "side side"]:
    """Relief of the pose, up or down, on skin, lips and brows, 0 elsewhere."""
    height = wrinkles.on_grid(wrinkles.height_mm).astype(float)[..., None]
    relief = np.abs(_bilinear(height, interpolate(mesh, seen, mesh.topology.uvs)))[..., 0]
    return np.where(np.isin(regions, HEATED), relief, 0)


def _radiance(
    mesh: FaceMesh,
    seen: Visible,
    maps: SkinMaps,
    camera: Camera,
    light: Light,
    arriving: VertexLight,
    wrinkles: WrinkleRelief | None,
) -> Float[np.ndarray, "side side 3"]:
    positions = camera.to_camera(mesh.vertices_m) * UPRIGHT
    view = _unit(-interpolate(mesh, seen, positions))
    head_to_room = UPRIGHT[:, None] * camera.rotation
    normals = (mesh.normals[:, None, :].astype(float) * head_to_room).sum(axis=2)
    smooth = _unit(interpolate(mesh, seen, normals))
    regions = segmentation(mesh, seen, maps)[..., None]
    part = mesh.topology.part[np.maximum(seen.triangle, 0)][..., None]
    living = (part == Part.SKIN) & (regions != Region.GARMENT) & (regions != Region.HAIR)
    uv = interpolate(mesh, seen, mesh.topology.uvs)
    slope, open_sky, bled = _slopes(maps.height_mm, uv), np.ones_like(uv[..., :1]), np.ones_like(smooth)
    if wrinkles is not None:
        height = wrinkles.on_grid(wrinkles.height_mm)
        slope = slope + np.where(living, _slopes(height, uv), 0)
        open_sky = np.where(living, _bilinear(1 / (1 + np.maximum(-height, 0))[..., None], uv), 1)
        blood = _bilinear(wrinkles.on_grid(wrinkles.blood)[..., None], uv)
        bled = np.where(living, 1 + np.array(wrinkles.tint) * blood, 1)
    normal = _unit(smooth - _lean(mesh, seen, slope, positions))
    smooth = _unit(smooth - view * np.minimum(_dot(smooth, view) - 0.05, 0))
    albedo = _bilinear(np.sqrt(srgb_to_linear(maps.albedo / 255)), uv) ** 2 * bled
    roughness = np.maximum(_bilinear(maps.roughness[..., None] / 255, uv), 0.05)
    roughness = np.where(part == Part.SKIN, roughness, np.minimum(roughness, 0.4))
    key = interpolate(mesh, seen, arriving.key)
    ambient = interpolate(mesh, seen, arriving.ambient)
    shadow = interpolate(mesh, seen, arriving.shadow[:, None])
    occlusion = interpolate(mesh, seen, arriving.occlusion[:, None])
    # matt
    direction, colour = np.array(light.key_direction), np.array(light.key_colour)
    turned = 0.12 + np.maximum(_dot(normal, direction), 0)
    gain = np.clip(turned / (0.12 + np.maximum(_dot(smooth, direction), 0)) - 1, -0.8, 0.9)
    soft = np.where(living, np.array([0.45, 0.75, 0.95]), np.where(part == Part.EYE, 0.0, 1.0))
    lift = 1 + np.clip(0.35 * (normal - smooth)[..., 1:2], -0.2, 0.2)
    fill = 0.1 * albedo * colour * (1 - occlusion)
    matt = colour * key * (1 + soft * gain) + ambient * lift * _bounced(occlusion, albedo) + fill
    cavity = _bilinear(_cavity(maps)[..., None], uv) * open_sky
    matt = matt * (0.4 + 0.6 * cavity)
    radiance = albedo * matt
    mirror_direction = 2 * _dot(normal, view) * normal - view
    above = np.minimum(_dot(smooth, view), 0.3) + 0.3
    clear = np.minimum(1.2 * occlusion**2, 1) * np.clip((_dot(mirror_direction, smooth) + 0.3) / above, 0, 1)
    mirrored = _mirrored(mirror_direction, roughness, light) * clear + albedo * ambient * (1 - clear)
    radiance = radiance + _shine(normal, view, roughness, shadow, mirrored, living, regions, part, light) * cavity
    rim = (1 - np.maximum(_dot(normal, view), 0.05)) ** 3
    return radiance + np.where(living | (regions == Region.GARMENT), 0.2 * albedo * matt * rim, 0)


def _shine(normal, view, roughness, shadow, mirrored, living, regions, part, light: Light) -> np.ndarray:
    """Two lobes of the key light and the mirrored surroundings; eyes are left matt here."""
    direction, colour = np.array(light.key_direction), np.array(light.key_colour)
    cloth, hair = regions == Region.GARMENT, regions == Region.HAIR
    strength = np.where(part == Part.SKIN, np.where(cloth, 0.25, np.where(hair, 0.6, 1.0)), 1.0)
    f0 = np.where((part == Part.SKIN) & hair, 0.046, 0.032)
    nv, nl = np.maximum(_dot(normal, view), 0.05), np.maximum(_dot(normal, direction), 0)
    half = _unit(direction + view)
    nh, vh = np.clip(_dot(normal, half), 0, 1), np.clip(_dot(view, half), 0, 1)
    lamp, alpha, share = 0.35 * min(light.key_size), roughness**2, np.where(living, 0.3, 0.0)
    lobes = (1 - share) * _ggx(np.minimum(alpha + lamp, 1), nh, nl, nv)
    lobes = lobes + share * _ggx(np.minimum(0.3 * alpha + lamp, 1), nh, nl, nv)
    shine = colour * lobes * (f0 + (1 - f0) * (1 - vh) ** 5) * nl * shadow * math.pi
    shine = shine + mirrored * _env_reflectance(f0, roughness, nv)
    return np.where(part == Part.EYE, 0, shine * strength)


def _ggx(alpha, nh, nl, nv):
    squared = alpha * alpha
    distribution = squared / (math.pi * (nh * nh * (squared - 1) + 1) ** 2)
    return distribution * 0.5 / np.maximum(2 * nl * nv * (1 - alpha) + (nl + nv) * alpha, 1e-4)


def _env_reflectance(f0, roughness, nv):
    rx, ry = 1 - roughness, 0.0425 - 0.0275 * roughness
    g = np.minimum(rx * rx, np.exp(-6.4324 * nv)) * rx + ry
    return f0 * (-1.04 * g + 1.04 - 0.572 * roughness) + (1.04 * g - 0.04 + 0.022 * roughness)


def _mirrored(direction, roughness, light: Light):
    level = np.clip((roughness * 5).astype(int), 0, 4)[..., 0]
    flat = direction.reshape(-1, 3)
    seen = np.stack([surroundings(light, flat, blur).reshape(direction.shape) for blur in ROUGHNESS_OF_MIRROR])
    return np.take_along_axis(seen, level[None, ..., None], axis=0)[0]


def _bounced(open_sky, albedo):
    gain = ((2.0404 * albedo - 0.3324) * open_sky + 0.6417 - 4.7951 * albedo) * open_sky + 2.7552 * albedo + 0.6903
    return np.maximum(gain, 1)


def _slopes(height_mm: Float[np.ndarray, "size size"], uv) -> np.ndarray:
    """Metres by which a height map rises along u and v."""
    padded = np.pad(height_mm, 1, mode="edge").astype(float)
    slopes = np.stack([padded[1:-1, 2:] - padded[1:-1, :-2], padded[2:, 1:-1] - padded[:-2, 1:-1]], axis=-1)
    return _bilinear(slopes * (0.5 * len(height_mm) / 1000), uv)


def _lean(mesh: FaceMesh, seen: Visible, slope, positions) -> np.ndarray:
    """Gradient of the relief along the surface, softened as in `materials.lean_of`."""
    corners = mesh.topology.triangles[np.maximum(seen.triangle, 0)]
    p, t = positions[corners], mesh.topology.uvs[corners].astype(float)
    e1, e2, d1, d2 = (
        p[..., 1, :] - p[..., 0, :],
        p[..., 2, :] - p[..., 0, :],
        t[..., 1, :] - t[..., 0, :],
        t[..., 2, :] - t[..., 0, :],
    )
    face = np.cross(e1, e2)
    along1, along2 = _dot(slope, d1), _dot(slope, d2)
    lean = (np.cross(e2, face) * along1 + np.cross(face, e1) * along2) / np.maximum(_dot(face, face), 1e-20)
    return lean / (1 + 0.35 * np.sqrt(_dot(lean, lean)))


def _cavity(maps: SkinMaps) -> Float[np.ndarray, "size size"]:
    padded = np.pad(maps.height_mm, 1, mode="edge").astype(float)
    around = (padded[1:-1, 2:] + padded[1:-1, :-2] + padded[2:, 1:-1] + padded[:-2, 1:-1]) / 4
    return 1 - np.minimum(np.maximum(around - maps.height_mm, 0) / (0.08 * 1024 / maps.size), 0.6)


def _bilinear(texture: Float[np.ndarray, "size size c"], uv) -> np.ndarray:
    size = len(texture)
    place = np.clip(uv * size - 0.5, 0, size - 1.001)
    whole = place.astype(int)
    fx, fy = (place - whole)[..., 0:1], (place - whole)[..., 1:2]
    x, y = whole[..., 0], whole[..., 1]
    top = texture[y, x] * (1 - fx) + texture[y, x + 1] * fx
    low = texture[y + 1, x] * (1 - fx) + texture[y + 1, x + 1] * fx
    return top * (1 - fy) + low * fy


def _backdrop(scene: Scene) -> np.ndarray:
    """The background on film; its picture must have the camera's resolution here."""
    picture = scene.background.picture
    if not scene.background.lit:
        return picture
    lit = srgb_to_linear(picture / 255) * np.array(scene.light.backdrop) * scene.light.exposure
    return np.rint(linear_to_srgb(film_curve(lit)) * 255)


def _enlarged(camera: Camera, factor: int) -> Camera:
    return Camera(
        resolution=camera.resolution * factor,
        focal_px=camera.focal_px * factor,
        centre_px=(camera.centre_px[0] * factor, camera.centre_px[1] * factor),
        rotation=camera.rotation,
        translation_m=camera.translation_m,
    )


def _blocked(mesh: FaceMesh, origins: Float[np.ndarray, "n 3"], ray: Float[np.ndarray, "3"]) -> Float[np.ndarray, " n"]:
    """1 where a ray from an origin meets a triangle (Moeller & Trumbore, *JGT* 1997)."""
    corners = mesh.vertices_m[mesh.topology.triangles]
    e1, e2 = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    ray = ray.astype(np.float32)
    across = np.cross(ray, e2)
    determinant = _dot(e1, across)[:, 0]
    safe = np.where(np.abs(determinant) < 1e-14, np.inf, determinant)
    found = np.zeros(len(origins))
    # what faces away from the lamp is dark already
    for i in np.flatnonzero(_dot(mesh.normals, ray)[:, 0] > -0.3):
        away = origins[i] - corners[:, 0]
        u = _dot(away, across)[:, 0] / safe
        q = np.cross(away, e1)
        v, distance = (q * ray).sum(axis=1) / safe, _dot(e2, q)[:, 0] / safe
        found[i] = ((u >= 0) & (v >= 0) & (u + v <= 1) & (distance > 1e-4)).any()
    return found


def _cross2(a, b):
    return a[..., 0] * b[..., 1] - a[..., 1] * b[..., 0]


def _dot(a, b):
    return (a * b).sum(axis=-1, keepdims=True)


def _unit(a):
    return a / np.maximum(np.sqrt(_dot(a, a)), 1e-12)
