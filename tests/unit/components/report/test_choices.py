"""Which images are shown, out of ten labelled 0 1 2 0 1 2 0 1 2 5."""

import numpy as np
import pytest

from components.artifacts.images import Images
from components.artifacts.model_input import ModelInput
from components.report.pictures import best_and_worst, one_of_each, pairs, sheet
from components.report.realism import closest_of_each, mixed


@pytest.fixture
def labelled() -> Images:
    return images(10, np.array([0, 1, 2, 0, 1, 2, 0, 1, 2, 5]))


@pytest.fixture
def unlabelled() -> Images:
    return images(10, None)


def images(count: int, labels: np.ndarray | None) -> Images:
    return Images([b""] * count, [b""] * count, labels, ModelInput((28, 28, 1)))


def test_the_sheet_has_a_row_for_each_label_and_leaves_empty_what_there_is_not(labelled: Images):
    assert sheet(labelled, 4).tolist() == [[0, 3, 6, -1], [1, 4, 7, -1], [2, 5, 8, -1], [9, -1, -1, -1]]


def test_the_sheet_of_unlabelled_images_has_the_first_ones(unlabelled: Images):
    assert sheet(unlabelled, 4).tolist() == [[0, 1, 2, 3], [4, 5, 6, 7], [8, 9, -1, -1]]


def test_one_of_each_label_comes_before_the_second_of_any(labelled: Images, unlabelled: Images):
    assert one_of_each(labelled, 6).tolist() == [0, 1, 2, 9, 3, 4]
    assert one_of_each(labelled, 100).tolist() == [0, 1, 2, 9, 3, 4, 5, 6, 7, 8]
    assert one_of_each(unlabelled, 3).tolist() == [0, 1, 2]


def test_the_best_and_the_worst_are_found_within_each_label(labelled: Images):
    losses = np.array([5, 1, 9, 2, 8, 3, 7, 4, 6, 0], np.float32)
    labels, chosen = best_and_worst(labelled, losses, 10)
    assert labels == [0, 1, 2, 5]
    assert chosen.tolist() == [[3, 1, 5, 9], [6, 4, 2, 9]]


def test_without_labels_the_best_and_the_worst_are_those_of_all(unlabelled: Images):
    losses = np.array([5, 1, 9, 2, 8, 3, 7, 4, 6, 0], np.float32)
    labels, chosen = best_and_worst(unlabelled, losses, 2)
    assert labels == []
    assert chosen.tolist() == [[9, 1], [2, 4]]


def test_pairs_are_the_first_of_two_labels_and_two_of_one(labelled: Images):
    assert pairs(labelled, [(2, 5), (1, 1)]) == [(2, 9), (1, 7)]


def test_where_a_label_has_no_image_the_next_two_images_are_a_pair(labelled: Images, unlabelled: Images):
    assert pairs(labelled, [(0, 1), (2, 7)]) == [(0, 1), (2, 3)]
    assert pairs(unlabelled, [(2, 6), (3, 8)]) == [(0, 1), (2, 3)]
    assert pairs(images(3, None), [(2, 6), (3, 8)]) == [(0, 1)]


def test_the_answer_names_the_places_of_the_samples_and_of_no_image():
    order, places = mixed(16, np.random.default_rng(0))
    assert sorted(order) == list(range(32))
    # Four rows of eight.
    assert len(places) == 16
    drawn = [order[8 * (int(place[0]) - 1) + "abcdefgh".index(place[1])] < 16 for place in places]
    assert all(drawn)


def test_the_closest_of_each_label_is_found_and_a_label_without_one_is_left_empty():
    distances, labels = np.array([3.0, 1.0, 2.0, 0.5]), np.array([7, 7, 1, 1])
    assert closest_of_each(distances, labels, [1, 4, 7]) == [3, -1, 1]
