"""Files that are images, that are not, and that should not be decoded."""

import io
import struct
import zlib
from pathlib import Path

import pytest
from PIL import Image

from components.errors import ConfigurationError, DataError
from tfx_vae.serving.image_files import find_images, opened


def save(path: Path, size: tuple[int, int] = (2, 2)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, 7).save(path)
    return path


def png_that_claims(width: int, height: int) -> bytes:
    """A PNG file of a few bytes, whose head promises an image of any size."""
    header = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = b"IDAT" + zlib.compress(bytes(100))
    chunks = (struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk)) for chunk in (header, data))
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def test_files_come_as_given_and_those_below_directories_in_the_order_of_their_paths(tmp_path: Path):
    last = save(tmp_path / "z.png")
    inner, other = save(tmp_path / "images" / "b" / "2.PNG"), save(tmp_path / "images" / "a.jpg")
    save(tmp_path / "images" / "._a.jpg".replace(".jpg", ".png"))
    save(tmp_path / "images" / ".trash" / "3.png")
    (tmp_path / "images" / "notes.txt").touch()

    assert find_images([last, tmp_path / "images"]) == [last, other, inner]


def test_what_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"There is no file or directory .*nowhere\.png"):
        find_images([tmp_path / "nowhere.png"])
    with pytest.raises(ConfigurationError, match="There is no image in the directory"):
        find_images([tmp_path])


def test_a_good_image_is_read_to_its_end(tmp_path: Path):
    with opened(save(tmp_path / "a.png")) as image:
        assert image.getpixel((1, 1)) == 7


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "a.png is empty."),
        (b"hello", "a.png is not an image that can be read: PNG, JPEG"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 2 2\n", "is not an image that can be read"),
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
def test_half_a_file_is_no_image(tmp_path: Path, format_: str):
    whole = io.BytesIO()
    Image.effect_noise((64, 64), 100).save(whole, format_)
    path = tmp_path / "half"
    path.write_bytes(whole.getvalue()[: len(whole.getvalue()) // 2])
    with pytest.raises(DataError, match=r"half (is damaged or truncated|is not an image)"), opened(path):
        pass


def test_what_the_reader_of_an_image_says_is_preceded_by_its_name(tmp_path: Path):
    path = save(tmp_path / "a.png")
    with pytest.raises(DataError, match=r"a\.png has pixels that nobody knows\.$"), opened(path):
        raise DataError("has pixels that nobody knows.")
