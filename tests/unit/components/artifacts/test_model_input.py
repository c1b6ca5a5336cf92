"""How image files become pixels, compared with Pillow and with pixels worked out by hand."""

import functools
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image, ImageOps

from components.artifacts.exif import orientation_of
from components.artifacts.features import Fit
from components.artifacts.model_input import (
    ModelInput,
    fit_pixels,
    prepare_images,
    read_model_input,
    write_model_input,
)
from components.errors import DataError

ORIENTATION = 0x0112


def encoded(image: Image.Image, format_: str = "PNG", **options: object) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def picture(width: int = 37, height: int = 23) -> Image.Image:
    coarse = np.random.default_rng(0).integers(0, 256, (5, 7, 3), np.uint8)
    return Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)


def prepared(file: bytes, model_input: ModelInput) -> np.ndarray:
    """uint8, from a graph, as in Transform and in the signatures."""
    [pixels] = graph_of(model_input)(tf.constant([file])).numpy()
    return np.round(pixels * 255).astype(np.uint8)


@functools.cache
def graph_of(model_input: ModelInput) -> Any:
    return tf.function(lambda files: prepare_images(files, model_input), [tf.TensorSpec([None], tf.string)])


def as_pillow_decodes(file: bytes, mode: str) -> np.ndarray:
    pixels = np.array(ImageOps.exif_transpose(Image.open(io.BytesIO(file))).convert(mode))
    return pixels.reshape(*pixels.shape[:2], -1)


def exif(orientation: int, byte_order: str) -> bytes:
    """The EXIF of a camera: the orientation after another entry."""

    def number(value: int, length: int) -> bytes:
        return value.to_bytes(length, "little" if byte_order == "II" else "big")

    def entry(tag: int, value: int) -> bytes:
        return number(tag, 2) + number(3, 2) + number(1, 4) + number(value, 2) + bytes(2)

    entries = entry(0x0100, 4000) + entry(ORIENTATION, orientation)
    return b"Exif\0\0" + byte_order.encode() + number(42, 2) + number(8, 4) + number(2, 2) + entries + number(0, 4)


@pytest.mark.parametrize("byte_order", ["II", "MM"])
def test_a_photograph_is_turned_by_each_orientation_as_pillow_turns_it(byte_order: str):
    for orientation in range(1, 9):
        file = encoded(picture(), "JPEG", exif=exif(orientation, byte_order))
        upright = as_pillow_decodes(file, "RGB")
        assert upright.shape[:2] == ((23, 37) if orientation < 5 else (37, 23))
        np.testing.assert_array_equal(prepared(file, ModelInput(upright.shape)), upright)


def test_the_orientation_is_found_behind_other_segments_and_only_where_it_counts():
    behind = encoded(picture(), "JPEG", exif=exif(6, "II"), comment=b"a comment", icc_profile=bytes(100_000))
    with_xmp = behind[:2] + b"\xff\xe1\x00\x20http://ns.adobe.com/xap" + bytes(7) + behind[2:]
    # Behind the start of the scan a marker is only data.
    plain = encoded(picture(), "JPEG")
    assert orientation_of(tf.constant(behind)).numpy() == 6
    assert orientation_of(tf.constant(with_xmp)).numpy() == 6
    assert orientation_of(tf.constant(plain)).numpy() == 1
    assert orientation_of(tf.constant(plain + b"\xff\xe1\x00\x40" + exif(6, "II"))).numpy() == 1


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_an_orientation_that_does_not_exist_is_upright(orientation: int):
    assert orientation_of(tf.constant(encoded(picture(), "JPEG", exif=exif(orientation, "MM")))).numpy() == 1


def test_the_orientation_of_a_damaged_file_is_some_orientation():
    whole = encoded(picture(), "JPEG", exif=exif(6, "II"))
    head = whole[:100]
    find = tf.function(orientation_of, input_signature=[tf.TensorSpec([], tf.string)])
    for length in range(1, len(head)):
        assert 1 <= find(tf.constant(head[:length])).numpy() <= 8
    rng = np.random.default_rng(0)
    for _ in range(200):
        damaged = bytearray(head)
        damaged[rng.integers(2, 60)] = rng.integers(256)
        assert 1 <= find(tf.constant(bytes(damaged))).numpy() <= 8


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {}),
        ("RGB", {"subsampling": 0, "quality": 95}),
        ("RGB", {"progressive": True}),
        ("L", {}),
        ("CMYK", {}),
    ],
)
def test_a_jpeg_is_decoded_as_pillow_decodes_it(mode: str, options: dict[str, object]):
    file = encoded(picture().convert(mode), "JPEG", **options)
    np.testing.assert_array_equal(prepared(file, ModelInput((23, 37, 3))), as_pillow_decodes(file, "RGB"))


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_an_opaque_png_becomes_grey_or_colours_as_in_pillow(mode: str):
    file = encoded(picture().convert(mode))
    np.testing.assert_array_equal(prepared(file, ModelInput((23, 37, 3))), as_pillow_decodes(file, "RGB"))
    grey = np.array(Image.open(io.BytesIO(file)).convert("RGB").convert("L"))[..., np.newaxis]
    np.testing.assert_array_equal(prepared(file, ModelInput((23, 37, 1))), grey)


def test_sixteen_bits_are_reduced_to_the_nearest_of_eight():
    image = Image.fromarray(np.array([[0, 257 * 100], [257 * 100 + 129, 65535]], np.uint16))
    assert prepared(encoded(image), ModelInput((2, 2, 1)))[..., 0].tolist() == [[0, 100], [101, 255]]


@pytest.mark.parametrize("mode", ["LA", "RGBA"])
@pytest.mark.parametrize("background", [(0, 0, 0), (255, 255, 255), (10, 200, 90)])
def test_transparent_pixels_show_the_background_as_pillow_blends_it(mode: str, background: tuple[int, int, int]):
    image = picture().convert(mode)
    image.putalpha(Image.fromarray(np.random.default_rng(1).integers(0, 256, (23, 37), np.uint8)))
    behind = Image.new("RGB", image.size, background)
    blended = Image.composite(image.convert("RGB"), behind, image.getchannel("A"))

    for channels, opaque in ((3, blended), (1, blended.convert("L"))):
        expected = np.array(opaque).reshape(23, 37, channels)
        actual = prepared(encoded(image), ModelInput((23, 37, channels), background=background))
        np.testing.assert_array_equal(actual, expected)


def test_a_palette_may_have_a_transparent_colour():
    image = Image.new("P", (2, 1))
    image.putpalette([0, 0, 0, 200, 200, 200])
    image.putpixel((1, 0), 1)
    file = encoded(image, transparency=0)
    assert prepared(file, ModelInput((1, 2, 1), background=(9, 9, 9)))[..., 0].tolist() == [[9, 200]]


def columns(*values: int, height: int = 2) -> np.ndarray:
    return np.tile(np.array(values, np.uint8)[np.newaxis, :, np.newaxis], (height, 1, 1))


def fitted(pixels: np.ndarray, shape: tuple[int, int, int], fit: Fit, background: tuple[int, int, int] = (0, 0, 0)) -> Any:
    return fit_pixels(tf.constant(pixels), ModelInput(shape, fit, background)).numpy()[..., 0].tolist()


def test_a_wide_image_is_padded_cropped_or_stretched():
    wide = columns(10, 20, 20, 30)

    assert fitted(wide, (4, 4, 1), Fit.PAD) == [[0] * 4, [10, 20, 20, 30], [10, 20, 20, 30], [0] * 4]
    assert fitted(wide, (4, 4, 1), Fit.PAD, (7, 7, 7))[0] == [7] * 4
    assert fitted(wide, (2, 2, 1), Fit.CROP) == [[20, 20]] * 2
    assert fitted(wide, (4, 4, 1), Fit.CROP) == [[20] * 4] * 4
    assert fitted(wide, (4, 4, 1), Fit.STRETCH) == [[10, 20, 20, 30]] * 4


def test_a_tall_image_is_padded_on_the_left_and_the_right_with_the_luma_of_the_background():
    tall = np.full((4, 2, 1), 50, np.uint8)
    assert fitted(tall, (4, 4, 1), Fit.PAD, (255, 0, 0)) == [[76, 50, 50, 76]] * 4
    padded = fit_pixels(tf.constant(tall), ModelInput((4, 4, 3), Fit.PAD, (255, 0, 0))).numpy()
    assert padded[0].tolist() == [[255, 0, 0], [50] * 3, [50] * 3, [255, 0, 0]]


@pytest.mark.parametrize("fit", list(Fit))
@pytest.mark.parametrize("size", [(1, 1), (1, 4000), (4000, 1), (3, 5), (28, 28), (57, 91)])
def test_a_flat_image_of_any_size_stays_flat(fit: Fit, size: tuple[int, int]):
    flat = np.full((*size, 1), 77, np.uint8)
    assert fitted(flat, (9, 6, 1), fit, (77, 77, 77)) == [[77] * 6] * 9


def test_scaling_down_averages_pixels():
    stripes = columns(*[0, 255] * 14, height=28)
    reduced = np.array(fitted(stripes, (7, 7, 1), Fit.STRETCH))[1:-1, 1:-1]
    assert np.abs(reduced.astype(float) - 127.5).max() < 8


def test_what_is_no_image_is_refused():
    for content in (b"", b"hello", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff"):
        with pytest.raises(tf.errors.InvalidArgumentError):
            prepared(content, ModelInput((2, 2, 1)))


def test_the_model_input_is_read_as_it_was_written(tmp_path: Path):
    written = ModelInput((4, 5, 3), Fit.CROP, (1, 2, 3))
    path = f"{tmp_path}/assets.extra/model_input.json"
    assert read_model_input(path) is None
    write_model_input(written, path)
    assert read_model_input(path) == written
    Path(path).write_text('{"shape": [4, 5')
    with pytest.raises(DataError, match=r"model_input\.json is cut short or corrupt"):
        read_model_input(path)
