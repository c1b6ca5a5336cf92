import numpy as np
import pytest
import tensorflow as tf

from components.models.latent_paths import linear_path, spherical_path

both_paths = pytest.mark.parametrize("path", [linear_path, spherical_path])


@pytest.fixture
def ends():
    """Start and end codes of 500 paths in 32 dimensions."""
    codes = np.random.default_rng(0).normal(size=(2, 500, 32)).astype(np.float32)
    return codes[0], codes[1]


@both_paths
@pytest.mark.parametrize("steps", [2, 3, 10])
def test_a_path_has_as_many_codes_as_asked_and_ends_exactly_where_it_should(path, ends, steps):
    codes = path(*ends, tf.constant(steps)).numpy()
    assert codes.shape == (500, steps, 32)
    np.testing.assert_array_equal(codes[:, 0], ends[0])
    np.testing.assert_array_equal(codes[:, -1], ends[1])


def test_a_spherical_path_ends_exactly_also_where_sines_of_one_angle_differ():
    # A vectorised sine and a scalar one can differ in the last bit, and TensorFlow takes one for 7 angles and the other for the
    # 7 x 16 products of angle and time: without care it shows in about one call in eight.
    random = np.random.default_rng(0)
    for _ in range(50):
        start, end = random.normal(size=(2, 7, 32)).astype(np.float32)
        codes = spherical_path(start, end, 16).numpy()
        np.testing.assert_array_equal(codes[:, 0], start)
        np.testing.assert_array_equal(codes[:, -1], end)


@both_paths
def test_a_path_of_one_step_is_its_start(path, ends):
    np.testing.assert_array_equal(path(*ends, 1), ends[0][:, np.newaxis])


@both_paths
def test_the_number_of_steps_may_be_known_only_when_it_runs(path, ends):
    signature = [tf.TensorSpec((None, 32)), tf.TensorSpec((None, 32)), tf.TensorSpec((), tf.int32)]
    traced = tf.function(path, input_signature=signature)
    for steps in (1, 4, 7):
        np.testing.assert_allclose(traced(*ends, steps), path(*ends, steps), rtol=1e-5, atol=1e-6)


def test_a_linear_path_goes_in_equal_steps():
    codes = linear_path(np.float32([[0, 8]]), np.float32([[4, 0]]), 5)
    np.testing.assert_array_equal(codes, [[[0, 8], [1, 6], [2, 4], [3, 2], [4, 0]]])


def test_a_spherical_path_between_two_axes_goes_along_the_circle_in_equal_angles():
    codes = spherical_path(np.float32([[2, 0]]), np.float32([[0, 2]]), 4)
    angles = np.radians([0, 30, 60, 90])
    np.testing.assert_allclose(codes[0], 2 * np.stack([np.cos(angles), np.sin(angles)], axis=1), atol=1e-6)


def test_a_spherical_path_keeps_the_length_of_its_ends_where_the_straight_line_is_shorter(ends):
    start, end = (3 * codes / np.linalg.norm(codes, axis=1, keepdims=True) for codes in ends)
    np.testing.assert_allclose(np.linalg.norm(spherical_path(start, end, 9), axis=2), 3.0, rtol=1e-5)
    assert np.linalg.norm(linear_path(start, end, 9), axis=2)[:, 4].max() < 2.7


def test_a_short_arc_keeps_its_length_as_precisely_as_a_long_one():
    start, end = np.float32([[1, 0]]), np.float32([[np.cos(0.002), np.sin(0.002)]])
    middle = spherical_path(start, end, 3)[0, 1]
    np.testing.assert_allclose(middle, [np.cos(0.001), np.sin(0.001)], rtol=1e-4)


@pytest.mark.parametrize(
    "end",
    [
        pytest.param([1.0, 2.0], id="the start itself"),
        pytest.param([3.0, 6.0], id="the same direction"),
        pytest.param([1.0, 2.0000002], id="nearly the same direction"),
        pytest.param([-1.0, -2.0], id="the opposite direction"),
        pytest.param([-3.0, -6.000001], id="nearly the opposite direction"),
        pytest.param([0.0, 0.0], id="zero"),
    ],
)
def test_a_spherical_path_is_the_straight_line_where_no_arc_is_defined(end):
    start, end = np.float32([[1, 2]]), np.float32([end])
    np.testing.assert_allclose(spherical_path(start, end, 5), linear_path(start, end, 5), atol=1e-6)
    np.testing.assert_allclose(spherical_path(end, start, 5), linear_path(end, start, 5), atol=1e-6)


def test_a_degenerate_path_leaves_its_neighbours_alone(ends):
    start, end = (codes[:3].copy() for codes in ends)
    end[1] = 0.0
    alone = spherical_path(start[[0, 2]], end[[0, 2]], 4)
    np.testing.assert_array_equal(spherical_path(start, end, 4).numpy()[[0, 2]], alone)
