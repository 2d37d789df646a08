import io

import numpy as np
import pytest
from handmade import PALETTE
from PIL import Image

from pain3d.data import images
from pain3d.data.images import (
    IMAGE_FORMATS,
    check_decodes,
    decode_depth,
    decode_grey,
    decode_heatmap,
    decode_normals,
    decode_rgb,
    decode_small,
    decode_wrinkles,
    encode_depth,
    encode_heatmap,
    encode_normals,
    encode_rgb,
    encode_segmentation,
    encode_wrinkles,
)
from pain3d.errors import ArgumentError, DataError


def smooth_rgb() -> np.ndarray:
    y, x = np.mgrid[:40, :56]
    return np.dstack([4 * x, 5 * y, 100 + 0 * x]).astype(np.uint8)


@pytest.mark.parametrize("image_format", IMAGE_FORMATS)
def test_colour_pictures_come_back(image_format):
    rgb = smooth_rgb()
    encoded = encode_rgb(rgb, image_format)
    assert encoded == encode_rgb(rgb.copy(), image_format)
    decoded = decode_rgb(encoded)
    tolerance = 0 if image_format in ("png", "webp-lossless") else 8
    assert np.abs(decoded.astype(int) - rgb).max() <= tolerance
    assert check_decodes(encoded) == (56, 40)


@pytest.mark.parametrize("image_format", IMAGE_FORMATS)
@pytest.mark.parametrize(("side", "size"), [(28, (28, 20)), (9, (9, 6)), (112, (112, 80)), (1, (1, 1))])
def test_small_pictures_are_scaled_whole_ones(image_format, side, size):
    small = decode_small(encode_rgb(smooth_rgb(), image_format), side)
    assert small.shape == (size[1], size[0], 3)
    whole = Image.fromarray(smooth_rgb()).resize(size, Image.Resampling.LANCZOS)
    assert abs(small.astype(float) - np.asarray(whole, float)).mean() < 4


def test_jpeg_is_quality_95_without_chroma_subsampling():
    picture = Image.open(io.BytesIO(encode_rgb(smooth_rgb())))
    assert picture.format == "JPEG"
    reference = io.BytesIO()
    Image.fromarray(smooth_rgb()).save(reference, "JPEG", quality=95, subsampling="4:4:4")
    assert picture.tobytes() == Image.open(reference).tobytes()


def test_an_unknown_format_is_refused_by_name():
    with pytest.raises(ArgumentError, match=r"image_format: 'gif' is unknown; choose one of jpeg, png, webp"):
        encode_rgb(smooth_rgb(), "gif")  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(
    ("mm", "value"), [(0, 0), (0.03, 0), (0.032, 1), (1, 16), (8, 128), (16, 255), (15.97, 255), (16.1, 255), (99, 255)]
)
def test_heatmap_values_follow_the_contract(mm, value):
    picture = Image.open(io.BytesIO(encode_heatmap(np.full((4, 6), mm, np.float32))))
    assert (picture.format, picture.mode, picture.size) == ("PNG", "L", (6, 4))
    assert set(np.asarray(picture).ravel()) == {value}


def test_heatmap_comes_back_within_half_a_step():
    mm = np.linspace(0, 16, 1000, dtype=np.float32).reshape(20, 50)
    decoded = decode_heatmap(encode_heatmap(mm))
    assert decoded.dtype == np.float32
    assert np.abs(decoded - mm).max() <= 16 / 255 / 2 + 1e-5


def test_wrinkles_have_a_finer_scale():
    mm = np.linspace(0, 3, 1000, dtype=np.float32).reshape(20, 50)
    decoded = decode_wrinkles(encode_wrinkles(mm))
    assert decoded.dtype == np.float32
    assert np.abs(decoded - mm).max() <= 3 / 255 / 2 + 1e-5
    assert decode_wrinkles(encode_wrinkles(mm + 3)).max() == 3
    with pytest.raises(ArgumentError, match="wrinkles: negative or NaN relief; give its absolute value"):
        encode_wrinkles(mm - 1)


@pytest.mark.parametrize("bad", [-1.0, np.nan])
def test_heatmaps_with_impossible_displacements_are_refused(bad):
    with pytest.raises(ArgumentError, match="heatmap: negative or NaN"):
        encode_heatmap(np.array([[1.0, bad]], np.float32))


def test_segmentation_is_an_eight_bit_palette_png():
    classes = np.arange(10, dtype=np.uint8).repeat(10).reshape(10, 10)
    encoded = encode_segmentation(classes, PALETTE)
    assert encoded[24] == 8, "bit depth in the PNG header"
    assert encoded[25] == 3, "colour type in the PNG header: palette"
    assert np.array_equal(decode_grey(encoded), classes)
    colors = decode_rgb(encoded)
    for entry in PALETTE:
        assert tuple(colors[entry.index, 0]) == entry.color


def test_depth_is_sixteen_bit_tenths_of_millimetres():
    depth = np.array([[0, 0.5, 0.12345], [1.0, 6.5535, 9.0]], np.float32)
    encoded = encode_depth(depth)
    assert encoded[24] == 16
    assert np.allclose(decode_depth(encoded), [[0, 0.5, 0.1235], [1, 6.5535, 6.5535]], atol=1e-6)
    with pytest.raises(DataError, match="not 16-bit grey"):
        decode_depth(encode_heatmap(depth))


def test_normals_come_back_within_half_a_degree_and_background_is_black():
    rng = np.random.default_rng(0)
    normals = rng.normal(size=(30, 30, 3)).astype(np.float32)
    normals /= np.linalg.norm(normals, axis=2, keepdims=True)
    normals[:3] = 0
    encoded = encode_normals(normals)
    assert not decode_rgb(encoded)[:3].any()
    decoded = decode_normals(encoded)
    assert not decoded[:3].any()
    cosine = (decoded[3:] * normals[3:]).sum(axis=2)
    assert np.degrees(np.arccos(np.clip(cosine.min(), -1, 1))) < 0.5


@pytest.mark.parametrize("image_format", IMAGE_FORMATS)
def test_pictures_cut_short_are_refused(image_format):
    rng = np.random.default_rng(0)
    encoded = encode_rgb(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8), image_format)
    for decode in (decode_rgb, check_decodes, lambda encoded: decode_small(encoded, 8)):
        with pytest.raises(DataError, match=r"damaged|cannot be read"):
            decode(encoded[: len(encoded) // 2])
    with pytest.raises(DataError, match="cannot be read"):
        decode_rgb(b"GIF89a")


def test_a_colour_picture_is_no_label_image():
    with pytest.raises(DataError, match="mode RGB, not 8-bit grey or palette"):
        decode_grey(encode_rgb(smooth_rgb()))


def test_oversized_pictures_are_refused_before_they_are_decoded(monkeypatch):
    monkeypatch.setattr(images, "MAX_SIDE", 32)
    with pytest.raises(DataError, match="56 x 40; the longest side allowed is 32"):
        decode_rgb(encode_rgb(smooth_rgb()))


def test_a_decompression_bomb_is_refused():
    bomb = io.BytesIO()
    Image.new("1", (16_000, 16_000)).save(bomb, "PNG")
    with pytest.raises(DataError, match="cannot be read"):
        decode_grey(bomb.getvalue())
