"""Sheets, read back pixel by pixel."""

import io

import numpy as np
import pytest
from PIL import Image

from components.errors import ConfigurationError
from tfx_vae.serving.commands.sheet import MOST_PIXELS, Sheet, check_size, square, to_bytes


def drawn(sheet: Sheet) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(sheet.png())))


def test_every_pixel_is_a_square_and_images_follow_each_other_in_rows():
    values = np.arange(5, dtype=np.uint8) * 50
    images = np.broadcast_to(values[:, None, None, None], (5, 4, 4, 1))

    paper = drawn(Sheet([images], columns=3))

    # The largest scale is 8: a gap of 8, images of 32.
    assert paper.shape == (8 + 2 * 40, 8 + 3 * 40, 3)
    centres = [paper[8 + 40 * (index // 3) + 16, 8 + 40 * (index % 3) + 16].tolist() for index in range(5)]
    assert centres == [[value] * 3 for value in values.tolist()]
    assert paper[8 + 40 + 16, 8 + 2 * 40 + 16].tolist() == [255] * 3  # the sixth place is empty
    assert np.all(paper[8:40, 8:40] == 0)


def test_colours_are_kept_and_the_rows_of_a_group_are_below_each_other():
    red, blue = (np.broadcast_to(np.array(colour, np.uint8), (1, 4, 4, 3)) for colour in ((255, 0, 0), (0, 0, 255)))
    paper = drawn(Sheet([red, blue], columns=1))
    assert paper[24, 24].tolist() == [255, 0, 0]
    assert paper[64, 24].tolist() == [0, 0, 255]


def test_labels_do_not_overlap_and_long_ones_are_cut_in_the_middle():
    images = np.zeros((2, 28, 28, 1), np.uint8)
    plain = drawn(Sheet([images], columns=2))
    labelled = drawn(Sheet([images], columns=2, row_labels=["original"], labels=["a", "a" * 500]))

    assert labelled.shape[0] > plain.shape[0]
    assert labelled.shape[1] > plain.shape[1]
    below = labelled[8 + 28 * 8 + 2 :]
    assert below.min() < 128
    # Nothing of the long label reaches into the place of its neighbour.
    left = labelled.shape[1] - 2 * (28 * 8 + 8)
    between = below[:, left + 28 * 8 : left + 28 * 8 + 8]
    assert between.min() == 255


def test_the_size_of_a_sheet_is_limited():
    check_size(MOST_PIXELS // 784, 28, 28)
    with pytest.raises(ConfigurationError, match=r"^21400 images of 28x28 .* which holds 21399"):
        check_size(MOST_PIXELS // 784 + 1, 28, 28)


def test_many_images_make_a_square():
    assert [square(count) for count in (1, 2, 4, 5, 9, 10, 64)] == [1, 2, 2, 3, 3, 4, 8]


def test_pixels_are_rounded_to_the_nearest():
    assert to_bytes(np.array([-0.1, 0.0, 0.5, 0.4999 / 255, 0.5001 / 255, 1.0, 1.2])).tolist() == [0, 0, 128, 0, 1, 255, 255]
