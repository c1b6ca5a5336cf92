import numpy as np
import pytest

from components.evaluator.sample_metrics import linear_probe_accuracy, nearest_neighbours_accuracy

both = pytest.mark.parametrize("accuracy", [linear_probe_accuracy, nearest_neighbours_accuracy])


@pytest.fixture
def random():
    return np.random.default_rng(0)


@both
def test_labels_that_lie_apart_are_told(accuracy, random):
    labels = random.integers(0, 3, 200)
    codes = 10.0 * np.eye(3)[labels] + random.normal(size=(200, 3))
    assert accuracy(codes, labels) == 1.0


@both
def test_codes_that_say_nothing_are_right_by_chance(accuracy, random):
    # Two labels: half of 2,000, with a standard error of 0.011.
    assert accuracy(random.normal(size=(4000, 2)), random.integers(0, 2, 4000)) == pytest.approx(0.5, abs=0.045)


def test_a_ring_around_a_disc_is_told_by_neighbours_and_not_by_a_line(random):
    labels = random.integers(0, 2, 1000)
    angle = random.uniform(0, 2 * np.pi, 1000)
    codes = np.stack([np.cos(angle), np.sin(angle)], axis=1) * np.where(labels, 5.0, 1.0)[:, np.newaxis]
    assert nearest_neighbours_accuracy(codes, labels) > 0.99
    assert linear_probe_accuracy(codes, labels) < 0.65


@both
def test_it_is_the_second_half_that_is_judged(accuracy, random):
    labels = np.repeat([0, 1, 0, 1], 50)
    codes = np.where(labels, 5.0, -5.0)[:, np.newaxis] + random.normal(size=(200, 1))
    codes[100:] *= -1
    assert accuracy(codes, labels) == 0.0


@both
def test_the_scale_of_a_dimension_does_not_decide_for_a_line(accuracy, random):
    labels = random.integers(0, 2, 200)
    codes = np.stack([np.where(labels, 1.0, -1.0) * 1e-3, random.normal(size=200) * 1e3], axis=1)
    assert accuracy(codes, labels) == (1.0 if accuracy is linear_probe_accuracy else pytest.approx(0.5, abs=0.2))


@both
@pytest.mark.parametrize("labels", [[3, 3, 3, 3], [1, 1, 2, 2]])
def test_with_one_label_to_learn_from_there_is_no_accuracy(accuracy, labels):
    assert np.isnan(accuracy(np.zeros((4, 2)), np.array(labels)))


@both
def test_few_codes_are_enough(accuracy):
    assert accuracy(np.array([[0.0], [9.0], [0.1], [8.9]]), np.array([0, 1, 0, 1])) >= 0.5
