"""Image files, and images in a model's shape, compared with pixels worked out by hand."""

import contextlib
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from components.artifacts.image_files import Change
from components.errors import ConfigurationError, DataError
from tfx_vae.serving.images import PreparedImage, Target, find_images, prepare, read_image

GREY = Target(2, 2, 1)


def grey(rows: Sequence[Sequence[int]]) -> Image.Image:
    return Image.fromarray(np.array(rows, np.uint8))


def stored(image: Image.Image, format_: str = "PNG", **options: object) -> Image.Image:
    """The image as it is read from a file."""
    file = io.BytesIO()
    image.save(file, format_, **options)
    return Image.open(file)


def rows(image: PreparedImage) -> list[list[int]]:
    return image.pixels[..., 0].tolist()


def test_an_image_of_the_models_shape_stays_as_it_is():
    prepared = prepare(stored(grey([[0, 80], [160, 255]])), GREY)

    assert rows(prepared) == [[0, 80], [160, 255]]
    assert prepared.changes == ()
    assert prepared.original == ("PNG", "L", 2, 2)


def test_a_wide_image_keeps_its_aspect_ratio_between_background():
    image = Image.new("L", (40, 20), 200)

    prepared = prepare(image, Target(4, 4, 1))

    assert rows(prepared) == [[0] * 4, [200] * 4, [200] * 4, [0] * 4]
    assert prepared.changes == (Change.RESIZED, Change.PADDED)
    assert rows(prepare(image, Target(4, 4, 1, background=(50, 50, 50))))[0] == [50] * 4


def test_a_tall_image_is_padded_left_and_right_and_a_line_stays_a_pixel_wide():
    assert rows(prepare(Image.new("L", (1, 3), 9), Target(3, 3, 1))) == [[0, 9, 0]] * 3
    assert rows(prepare(Image.new("L", (1, 400), 9), Target(4, 4, 1))) == [[0, 9, 0, 0]] * 4


def test_a_small_image_is_enlarged():
    prepared = prepare(Image.new("L", (2, 2), 77), Target(6, 6, 1))
    assert rows(prepared) == [[77] * 6] * 6
    assert prepared.changes == (Change.RESIZED,)


def test_scaling_down_averages_pixels():
    stripes = grey([[0, 255] * 14] * 28)
    reduced = prepare(stripes, Target(7, 7, 1)).pixels[1:-1, 1:-1]
    assert np.abs(reduced.astype(float) - 127.5).max() < 8


def test_a_stroke_on_grey_paper_gets_no_halo():
    paper = Image.new("L", (280, 280), 200)
    paper.paste(20, (120, 40, 150, 240))
    reduced = prepare(paper, Target(28, 28, 1)).pixels
    assert (reduced.min(), reduced.max()) == (20, 200)


def test_colours_become_their_luma():
    """ITU-R 601-2: 0.299 red + 0.587 green + 0.114 blue."""
    image = Image.fromarray(np.array([[[255, 0, 0], [0, 255, 0]], [[0, 0, 255], [10, 10, 10]]], np.uint8))
    prepared = prepare(image, GREY)
    assert rows(prepared) == [[76, 150], [29, 10]]
    assert prepared.changes == (Change.COLOURS,)


def test_grey_that_is_stored_in_colours_loses_nothing():
    prepared = prepare(stored(grey([[0, 80], [160, 255]]).convert("RGB")), GREY)
    assert rows(prepared) == [[0, 80], [160, 255]]
    assert prepared.changes == ()


def test_grey_for_a_model_of_colours_is_repeated():
    prepared = prepare(grey([[0, 80], [160, 255]]), Target(2, 2, 3))
    assert prepared.pixels[..., 1].tolist() == prepared.pixels[..., 2].tolist() == [[0, 80], [160, 255]]
    assert prepared.changes == (Change.COLOURS,)


def test_a_palette_is_looked_up():
    image = Image.new("P", (2, 2))
    image.putpalette([0, 0, 0, 255, 255, 255, 200, 200, 200])
    image.putdata([0, 1, 2, 1])
    assert rows(prepare(stored(image), GREY)) == [[0, 255], [200, 255]]


def test_transparent_parts_show_the_background():
    """Half of 200 and half of the background; the alpha of 255 shows the image alone, that of 0 the background alone."""
    image = Image.fromarray(np.array([[[200, 255], [200, 0]], [[200, 127], [200, 255]]], np.uint8), "LA")

    on_black = prepare(stored(image), GREY)
    on_white = prepare(stored(image), Target(2, 2, 1, background=(255, 255, 255)))

    assert rows(on_black) == [[200, 0], [100, 200]]
    assert rows(on_white) == [[200, 255], [228, 200]]
    assert on_black.changes == (Change.LAID_ON_BACKGROUND,)


def test_an_alpha_channel_that_hides_nothing_changes_nothing():
    assert prepare(stored(grey([[0, 80], [160, 255]]).convert("RGBA")), GREY).changes == ()


def test_transparency_in_a_palette_is_transparency():
    image = Image.new("P", (2, 2), 1)
    image.putpalette([0, 0, 0, 255, 255, 255])
    prepared = prepare(stored(image, transparency=1), GREY)
    assert rows(prepared) == [[0, 0], [0, 0]]
    assert prepared.changes == (Change.LAID_ON_BACKGROUND,)


def test_inverting_exchanges_light_and_dark_of_the_drawing_but_not_of_its_background():
    dark_stroke = Image.fromarray(np.array([[[0, 255], [0, 0]], [[0, 255], [0, 0]]], np.uint8), "LA")
    inverted = prepare(stored(dark_stroke), Target(2, 2, 1, invert=True))
    assert rows(inverted) == [[255, 0], [255, 0]]
    on_grey = prepare(Image.new("L", (2, 2), 255), Target(4, 2, 1, background=(9, 9, 9), invert=True))
    assert rows(on_grey) == [[9, 9], [0, 0], [0, 0], [9, 9]]


def test_contrast_is_stretched_from_black_to_white_without_the_padding():
    """Of 50 ... 150, each 255 / 100 times as far from 50."""
    prepared = prepare(grey([[50, 100, 150, 150]] * 2), Target(4, 4, 1, (50, 50, 50), autocontrast=True))
    assert rows(prepared)[1:3] == [[0, 127, 255, 255]] * 2
    assert rows(prepared)[0] == [50] * 4
    assert prepared.changes == (Change.STRETCHED, Change.PADDED)
    assert rows(prepare(Image.new("L", (2, 2), 99), Target(2, 2, 1, autocontrast=True))) == [[99, 99], [99, 99]]
    # A hundredth of the 200 pixels may be specks.
    specks = np.full((10, 20), 100, np.uint8)
    specks[0, :2], specks[1, :2], specks[2, :10] = 0, 255, 150
    assert set(prepare(Image.fromarray(specks), Target(10, 20, 1, autocontrast=True)).pixels.ravel().tolist()) == {0, 255}


def test_sixteen_bits_are_reduced_to_the_nearest_of_eight():
    image = Image.fromarray(np.array([[0, 257 * 100], [257 * 100 + 129, 65535]], np.uint16))
    prepared = prepare(stored(image), GREY)
    assert rows(prepared) == [[0, 100], [101, 255]]
    assert prepared.changes == (Change.EIGHT_BITS,)
    assert prepared.original.mode == "I;16"


def test_a_portable_grey_map_of_sixteen_bits_is_one_too():
    image = Image.open(io.BytesIO(b"P5 2 1 65535\n\x00\x00\xff\xff"))
    assert rows(prepare(image, Target(1, 2, 1))) == [[0, 255]]


def test_pixels_of_an_unknown_range_are_refused():
    with pytest.raises(DataError, match=r"32 bits \(F\)"):
        prepare(Image.new("F", (2, 2), 0.5), GREY)
    with pytest.raises(DataError, match=r"32 bits \(I\)"):
        prepare(stored(Image.new("I", (2, 2), 70000), "TIFF"), GREY)


def test_cmyk_without_ink_is_white():
    image = Image.fromarray(np.array([[[0, 0, 0, 0], [0, 0, 0, 255]]] * 2, np.uint8), "CMYK")
    assert rows(prepare(stored(image, "TIFF"), GREY)) == [[255, 0], [255, 0]]


def test_black_and_white_is_grey():
    assert rows(prepare(stored(grey([[0, 255], [255, 0]]).convert("1")), GREY)) == [[0, 255], [255, 0]]


def test_a_photograph_is_turned_by_its_exif_orientation():
    """Orientation 6: what is stored at the left is at the top."""
    exif = Image.Exif()
    exif[0x0112] = 6
    prepared = prepare(stored(grey([[10, 200], [10, 200]]), exif=exif), GREY)
    assert rows(prepared) == [[10, 10], [200, 200]]
    assert prepared.changes == (Change.TURNED,)


def test_of_an_animation_the_first_frame_is_taken():
    frames = [grey([[value] * 2] * 2) for value in (50, 100, 150)]
    prepared = prepare(stored(frames[0], "GIF", save_all=True, append_images=frames[1:]), GREY)
    assert rows(prepared) == [[50, 50], [50, 50]]
    assert prepared.changes == (Change.FIRST_FRAME,)


def test_the_brightness_of_the_edge_does_not_include_the_padding():
    paper = Image.new("L", (20, 40), 255)
    paper.paste(0, (5, 10, 15, 30))
    assert prepare(paper, Target(8, 8, 1)).edge == pytest.approx(1.0, abs=0.03)


def test_models_take_one_channel_or_three():
    with pytest.raises(ConfigurationError, match="2 channels"):
        Target(2, 2, 2)


def save(path: Path, size: tuple[int, int] = (2, 2)) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size, 7).save(path)
    return path


def test_files_come_as_given_and_those_below_directories_in_the_order_of_their_paths(tmp_path: Path):
    last = save(tmp_path / "z.png")
    inner, other = save(tmp_path / "images" / "b" / "2.PNG"), save(tmp_path / "images" / "a.jpg")
    save(tmp_path / "images" / "._a.jpg".replace(".jpg", ".png"))
    save(tmp_path / "images" / ".trash" / "3.png")
    (tmp_path / "images" / "notes.txt").touch()

    assert find_images([last, tmp_path / "images"]) == [last, other, inner]


def test_a_missing_path_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"There is no file or directory .*nowhere\.png"):
        find_images([tmp_path / "nowhere.png"])
    with pytest.raises(ConfigurationError, match="There is no image in the directory"):
        find_images([tmp_path])


MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "CMYK", "I;16")
FORMATS = ("PNG", "JPEG", "GIF", "BMP", "TIFF", "WEBP", "PPM", "ICO")


def image_files() -> list[bytes]:
    """A small file in each format and mode that go together."""
    files = []
    for mode in MODES:
        for format_ in FORMATS:
            file = io.BytesIO()
            with contextlib.suppress(OSError, KeyError, ValueError):
                Image.new(mode, (7, 5)).save(file, format_)
                files.append(file.getvalue())
    return files


@settings(deadline=None)
@given(
    st.deferred(lambda: st.sampled_from(image_files())),
    st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 255)), max_size=5),
    st.integers(0, 5000),
    st.sampled_from([Target(8, 8, 1), Target(9, 5, 3, (1, 2, 3), invert=True, autocontrast=True)]),
)
def test_a_damaged_file_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, whole: bytes, changes: list[tuple[int, int]], end: int, target: Target
):
    content = bytearray(whole)
    for place, byte in changes:
        content[place % len(content)] = byte
    path = tmp_path_factory.getbasetemp() / "damaged"
    path.write_bytes(content[: max(end, 1)])
    try:
        assert read_image(path, target).pixels.shape == (target.height, target.width, target.channels)
    except DataError as error:
        assert str(error).startswith(str(path))
        assert "\n" not in str(error)
