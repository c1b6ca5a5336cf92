"""Image files of all kinds, decoded to pixels worked out by hand."""

import io
import struct
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from components.artifacts.image_files import (
    Colour,
    as_png,
    canonical_image,
    encode_png,
    opened,
    parse_colour,
    pixels_digest,
)
from components.errors import ConfigurationError, DataError


def grey(rows: Sequence[Sequence[int]]) -> Image.Image:
    return Image.fromarray(np.array(rows, np.uint8))


def file_of(image: Image.Image, format_: str = "PNG", **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format_, **options)
    return file.getvalue()


def canonical(image: Image.Image, format_: str = "PNG", background: Colour = (0, 0, 0), **options: Any) -> Image.Image:
    return canonical_image(file_of(image, format_, **options), "a.png", background)


RGBA = Image.fromarray(np.array([[[200, 100, 50, 255], [200, 100, 50, 0], [200, 100, 50, 51]]], np.uint8))
"""A fifth of the last pixel's colour is shown."""


@pytest.mark.parametrize(
    ("image", "format_", "options", "mode", "pixels"),
    [
        (grey([[1, 2, 3]]), "PNG", {}, "L", [1, 2, 3]),
        (grey([[0, 255, 0]]).convert("1"), "PNG", {}, "L", [0, 255, 0]),
        (Image.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16)), "PNG", {}, "L", [0, 100, 255]),
        (Image.fromarray(np.array([[0, 257 * 100, 65535]], np.uint16)), "TIFF", {}, "L", [0, 100, 255]),
        (grey([[7, 7, 7]]).convert("RGB"), "BMP", {}, "RGB", [[7, 7, 7]] * 3),
        (Image.new("CMYK", (1, 1), (0, 255, 255, 0)), "TIFF", {}, "RGB", [[255, 0, 0]]),
        (Image.new("RGB", (1, 1), (9, 8, 7)), "WEBP", {"lossless": True}, "RGB", [[9, 8, 7]]),
        (RGBA, "PNG", {}, "RGB", [[200, 100, 50], [0, 0, 0], [40, 20, 10]]),
        (RGBA, "WEBP", {"lossless": True, "exact": True}, "RGB", [[200, 100, 50], [0, 0, 0], [40, 20, 10]]),
        (Image.merge("LA", (grey([[200, 200]]), grey([[255, 51]]))), "PNG", {}, "L", [200, 40]),
    ],
    ids=["grey", "bilevel", "16 bits", "16 bits TIFF", "RGB", "CMYK", "WebP", "RGBA", "RGBA WebP", "grey with alpha"],
)
def test_every_kind_of_image_becomes_grey_or_rgb_of_eight_bits(
    image: Image.Image, format_: str, options: dict[str, Any], mode: str, pixels: list[object]
):
    decoded = canonical(image, format_, **options)
    assert decoded.mode == mode
    assert np.asarray(decoded)[0].tolist() == pixels


def test_transparent_parts_show_the_background_which_decides_the_colours():
    assert np.asarray(canonical(RGBA, background=(255, 0, 100)))[0].tolist() == [[200, 100, 50], [255, 0, 100], [244, 20, 90]]
    half = Image.merge("LA", (grey([[200, 200]]), grey([[255, 0]])))
    assert canonical(half, background=(9, 9, 9)).mode == "L"
    assert np.asarray(canonical(half, background=(255, 0, 0)))[0].tolist() == [[200, 200, 200], [255, 0, 0]]


def test_a_palette_is_looked_up_and_may_be_transparent():
    image = Image.new("P", (3, 1))
    image.putpalette([0, 0, 0, 10, 20, 30, 200, 100, 0])
    image.putdata([0, 1, 2])
    assert np.asarray(canonical(image))[0].tolist() == [[0, 0, 0], [10, 20, 30], [200, 100, 0]]
    assert np.asarray(canonical(image, transparency=1))[0].tolist() == [[0, 0, 0], [0, 0, 0], [200, 100, 0]]


def test_an_image_is_turned_upright_and_keeps_its_size():
    """Orientation 6: what is stored at the left is at the top."""
    exif = Image.Exif()
    exif[0x0112] = 6
    assert np.asarray(canonical(grey([[10, 20, 30]]), exif=exif)).tolist() == [[10], [20], [30]]


def test_of_an_animation_the_first_frame_is_taken():
    frames = [grey([[value] * 2] * 2) for value in (50, 100, 150)]
    assert np.asarray(canonical(frames[0], "GIF", save_all=True, append_images=frames[1:])).tolist() == [[50, 50], [50, 50]]


def test_a_mode_can_be_asked_for():
    """Red has a luma of 0.299 (ITU-R 601-2)."""
    red = file_of(Image.new("RGB", (1, 1), (255, 0, 0)))
    assert np.asarray(canonical_image(red, "red", mode="L")).tolist() == [[76]]
    assert np.asarray(canonical_image(file_of(grey([[5]])), "grey", mode="RGB")).tolist() == [[[5, 5, 5]]]


def test_the_digest_is_that_of_the_pixels_and_not_of_the_file():
    image = Image.effect_noise((8, 6), 50)
    digests = {pixels_digest(canonical(image, format_)) for format_ in ("PNG", "BMP", "TIFF")}
    assert len(digests) == 1
    assert pixels_digest(canonical(image.transpose(Image.Transpose.ROTATE_90))) not in digests
    assert pixels_digest(Image.new("L", (2, 3))) != pixels_digest(Image.new("L", (3, 2)))
    assert pixels_digest(Image.new("L", (3, 1))) != pixels_digest(Image.new("RGB", (1, 1)))


def test_a_canonical_file_holds_the_pixels_and_nothing_else():
    image = canonical(Image.effect_noise((8, 6), 50), dpi=(72, 72), icc_profile=b"profile")
    with Image.open(io.BytesIO(as_png(image))) as stored:
        assert stored.tobytes() == image.tobytes()
        assert stored.info == {}


def save(path: Path, size: tuple[int, int] = (2, 2)) -> Path:
    Image.new("L", size, 7).save(path)
    return path


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG file of a few bytes, whose head promises an image of any size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(100))
    chunks = (struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_a_good_image_is_read_to_its_end(tmp_path: Path):
    with opened(save(tmp_path / "a.png")) as image:
        assert image.getpixel((1, 1)) == 7


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a.png is empty."),
        (b"hello", "a.png is not an image in a supported format (PNG, JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 2 2\n", "is not an image in a supported format"),
        (png_that_claims(10_000, 10_000), "has more than 89 million pixels"),
        (png_that_claims(60_000, 60_000), "has more than 89 million pixels"),
        (png_that_claims(200, 200), "is damaged or truncated: "),
    ],
)
def test_what_is_wrong_with_a_file_is_one_sentence(tmp_path: Path, content: bytes, sentence: str):
    path = tmp_path / "a.png"
    path.write_bytes(content)
    with pytest.raises(DataError) as failure, opened(path):
        pass
    assert sentence in str(failure.value)
    assert str(failure.value).startswith(str(path))
    assert "\n" not in str(failure.value)


@pytest.mark.parametrize("format_", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP"])
def test_half_a_file_is_refused(tmp_path: Path, format_: str):
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 100).save(whole, format_)
    path = tmp_path / "half"
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(DataError, match=r"half (is damaged or truncated|is not an image)"), opened(path):
        pass


def test_what_the_reader_of_an_image_says_is_preceded_by_its_name(tmp_path: Path):
    path = save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png has pixels of an unknown type\.$"), opened(path):
        raise DataError("has pixels of an unknown type.")


@pytest.mark.parametrize(("content", "reason"), [(b"", "is empty."), (b"text", "is not an image in a supported format")])
def test_the_content_of_a_file_is_refused_with_the_name_that_it_is_given(content: bytes, reason: str):
    with pytest.raises(DataError, match=rf"^shoes/a\.jpg {reason}"):
        canonical_image(content, "shoes/a.jpg")


def test_the_png_for_a_model_depends_only_on_its_pixels():
    pixels = np.arange(12, dtype=np.uint8).reshape(2, 2, 3)
    assert np.array(Image.open(io.BytesIO(encode_png(pixels, compressed=False)))).tolist() == pixels.tolist()
    assert np.array(Image.open(io.BytesIO(encode_png(pixels[..., :1])))).tolist() == pixels[..., 0].tolist()
    black = np.zeros((28, 28, 1), np.uint8)
    assert len(encode_png(black, compressed=False)) > 784 > 200 > len(encode_png(black))


def test_colours_have_names_or_six_digits():
    assert parse_colour("white") == (255, 255, 255)
    assert parse_colour("#102030") == (16, 32, 48)
    with pytest.raises(ConfigurationError, match="'whitish' is not a colour"):
        parse_colour("whitish")
