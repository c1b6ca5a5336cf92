"""The pictures themselves: what they show, and that they are the same each time."""

import io

import matplotlib
import numpy as np
import pytest
from PIL import Image

from components.report.figures import (
    beside_prior,
    class_balance,
    image_grid,
    kl_per_dimension,
    label_colours,
    later_limits,
    loss_curve,
    scatter,
)


def pixels(png: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), np.int64)


def test_images_stand_in_their_rows_and_columns_and_what_is_missing_is_white():
    shown = np.zeros((2, 2, 14, 14, 1), np.float32)
    shown[0, 1], shown[1, 1] = 0.5, np.nan
    picture = pixels(image_grid(shown))
    height, width, _ = picture.shape
    centres = picture[[height // 4, 3 * height // 4]][:, [width // 4, 3 * width // 4]].mean(axis=2)
    assert centres.tolist() == [[0, 127], [0, 255]]


def test_colours_are_shown_as_they_are():
    shown = np.zeros((1, 3, 8, 8, 3), np.float32)
    shown[0, [0, 1, 2], :, :, [0, 1, 2]] = 1.0
    picture = pixels(image_grid(shown))
    centres = picture[picture.shape[0] // 2, [picture.shape[1] * part // 6 for part in (1, 3, 5)]]
    assert centres.tolist() == [[255, 0, 0], [0, 255, 0], [0, 0, 255]]


def test_labels_of_rows_and_columns_are_not_cut_off():
    shown = np.zeros((2, 2, 8, 8, 1), np.float32)
    picture = pixels(image_grid(shown, row_labels=["MMMMMMMMMM", "i"], column_labels=["first", "second"]))
    for edge in (picture[0], picture[:, 0], picture[:, -1]):
        assert (edge == 255).all()
    assert (picture[:, : picture.shape[1] // 8] < 128).any()


@pytest.mark.parametrize(
    "draw",
    [
        lambda: class_balance({"train": {"0": 5, "10": 1, "9": 2}, "test": {"0": 1}}),
        lambda: loss_curve({"train": [3.0, 2.0], "eval": [2.5, 2.2]}, 2, "loss"),
        lambda: kl_per_dimension(np.array([0.0, 1.5, 0.2]), np.array([False, True, True])),
        lambda: beside_prior(np.random.default_rng(0).normal(size=(300, 3)), range(-50, 51), range(101), True),
        lambda: scatter(np.random.default_rng(0).normal(size=(60, 2)), np.arange(60) % 12, "x", "y"),
    ],
    ids=["class_balance", "loss_curve", "kl_per_dimension", "beside_prior", "scatter"],
)
def test_a_figure_is_the_same_whatever_matplotlib_was_told_and_tells_it_nothing(draw):
    before = draw()
    with matplotlib.rc_context({"font.size": 30, "lines.linewidth": 9, "axes.facecolor": "black", "savefig.dpi": 20}):
        settings = dict(matplotlib.rcParams)
        assert draw() == before
        assert dict(matplotlib.rcParams) == settings


def test_ten_labels_have_ten_colours():
    assert len(set(label_colours(np.arange(10)).values())) == 10
    assert list(label_colours(np.array([7, 3, 3]))) == [3, 7]


def test_of_a_long_training_the_later_losses_are_drawn_alone_too():
    long = {"train": [500.0, 200.0, *np.linspace(110, 100, 18)], "eval": [300.0, 190.0, *np.linspace(112, 103, 18)]}
    limits = later_limits(long)
    assert limits is not None
    low, high = limits
    assert low < 100
    assert 112 < high < 190
    short = {"train": [500.0, 110.0, 100.0], "eval": [300.0, 112.0, 103.0]}
    assert later_limits(short) is None
    assert pixels(loss_curve(long, 20, "loss")).shape[0] > 1.5 * pixels(loss_curve(short, 3, "loss")).shape[0]
