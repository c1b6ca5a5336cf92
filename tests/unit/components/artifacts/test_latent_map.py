"""The map of the latent space that travels with a model."""

import math
from pathlib import Path

import numpy as np
import pytest

from components.artifacts.latent_map import LATENT_MAP_FILE, PRIOR_PROBABILITIES, LatentMap, draw_map, read_map
from components.errors import DataError

TURN = np.array([[0.8, 0.6], [-0.6, 0.8]])
"""Its rows are the directions in which `ELLIPSE` was turned."""

ELLIPSE = np.array([[3, 0], [-3, 0], [0, 1], [0, -1]]) @ TURN + [10, 20]


def mapped(codes, kl_divergence=None, scores=None, labels=None, prior_codes=None) -> LatentMap:
    codes = np.asarray(codes, np.float32)
    kl = None if kl_divergence is None else np.asarray(kl_divergence, np.float32)
    prior = codes if prior_codes is None else prior_codes
    return draw_map(codes, kl, np.zeros(len(codes)) if scores is None else scores, labels, prior)


def test_the_plane_of_a_turned_ellipse_is_its_axes():
    drawn = mapped(ELLIPSE)

    assert drawn.mean == pytest.approx((10, 20))
    np.testing.assert_allclose(drawn.components, TURN, atol=1e-4)
    assert drawn.explained_variance == pytest.approx((0.9, 0.1))
    np.testing.assert_allclose(drawn.points, [[3, 0], [-3, 0], [0, 1], [0, -1]], atol=1e-3)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_component_and_its_opposite_are_written_as_the_same(sign: int):
    drawn = mapped(sign * (ELLIPSE - [10, 20]))

    np.testing.assert_allclose(drawn.components, TURN, atol=1e-4)


def test_a_point_of_the_map_is_the_code_less_the_mean_along_the_components():
    codes = np.random.default_rng(0).normal(size=(50, 7)) * np.arange(1, 8)
    drawn = mapped(codes)

    np.testing.assert_allclose(
        (codes - np.array(drawn.mean)) @ np.array(drawn.components).T, drawn.points, atol=0.01, rtol=0.001
    )


def test_the_plane_lies_through_the_mean_codes_of_the_labels_where_there_are_some():
    # Three labels in a plane, and far more variance across it that has nothing to do with them.
    labels = np.repeat([7, 8, 9], 20)
    codes = np.array([[0, 2, 0, 1], [0, -2, 0, 1], [0, 0, 0, -2]], float)[labels - 7]
    codes[:, 0] = np.tile([50, -50], 30)

    drawn = mapped(codes, labels=labels)

    # The sum of squares is 8 along one and 6 along the other.
    np.testing.assert_allclose(drawn.components, [[0, 1, 0, 0], [0, 0, 0, 1]], atol=1e-4)
    assert [(center.label, center.mean) for center in drawn.centers] == [
        (7, (0, 2, 0, 1)),
        (8, (0, -2, 0, 1)),
        (9, (0, 0, 0, -2)),
    ]
    # Of a variance of 2500 + 8/3 + 2.
    assert drawn.explained_variance == pytest.approx((0.001065, 0.0007985), rel=1e-3)


def test_a_single_difference_between_labels_leaves_the_other_axis_to_the_codes():
    labels = np.tile([0, 1], 50)
    codes = np.stack([3 * labels, np.tile([0.1, 0.1, -0.1, -0.1], 25), np.tile([5, -5, -5, 5], 25)], axis=1)

    np.testing.assert_allclose(mapped(codes, labels=labels).components, [[1, 0, 0], [0, 0, 1]], atol=1e-4)


@pytest.mark.parametrize("labels", [None, np.arange(60)], ids=["none", "more than a legend holds"])
def test_without_usable_labels_the_map_is_uncoloured(labels):
    drawn = mapped(np.random.default_rng(0).normal(size=(60, 3)), labels=labels)

    assert drawn.labels is None
    assert drawn.centers == ()


def test_a_vaes_dimensions_are_ordered_by_their_mean_kl_divergence():
    drawn = mapped([[0, 5, 1], [2, -5, 1]], kl_divergence=[[1, 0, 2], [3, 0.5, 3]])

    assert [dimension.model_dump(exclude={"prior_quantiles"}) for dimension in drawn.dimensions] == [
        {"index": 2, "mean": 1, "standard_deviation": 0, "kl_divergence": 2.5},
        {"index": 0, "mean": 1, "standard_deviation": 1, "kl_divergence": 2},
        {"index": 1, "mean": 0, "standard_deviation": 5, "kl_divergence": 0.25},
    ]


def test_an_autoencoders_dimensions_are_ordered_by_their_variance():
    drawn = mapped([[0, 5, 1], [2, -5, 1]])

    assert [dimension.index for dimension in drawn.dimensions] == [1, 0, 2]
    assert {dimension.kl_divergence for dimension in drawn.dimensions} == {None}


def test_each_dimension_has_the_quantiles_of_the_prior_in_it():
    # In the order of the dimensions' variances, the second first.
    drawn = mapped([[0, 5], [1, -5]], prior_codes=np.stack([np.arange(10_001), -2 * np.arange(10_001)], axis=1))

    second, first = (dimension.prior_quantiles for dimension in drawn.dimensions)
    assert first == pytest.approx(1e4 * np.array(PRIOR_PROBABILITIES), rel=1e-3)
    assert second == pytest.approx(-2e4 * (1 - np.array(PRIOR_PROBABILITIES)), rel=1e-3)


def test_percentiles_of_the_scores_go_from_the_least_to_the_greatest():
    scores = np.random.default_rng(0).permutation(201) / 2

    drawn = mapped(np.zeros((201, 2)), scores=scores)

    assert drawn.score_percentiles == tuple(range(101))


@pytest.mark.parametrize(
    "codes", [[[1, 2, 3]], [[4, 4], [4, 4], [4, 4]], [[1], [2]]], ids=["one code", "equal codes", "one dimension"]
)
def test_where_there_are_not_two_directions_the_missing_ones_are_zero(codes):
    drawn = mapped(codes)

    assert len(drawn.points) == len(codes)
    assert drawn.explained_variance[1] == 0
    assert set(drawn.components[1]) == {0.0}
    assert {y for _, y in drawn.points} == {0.0}
    if len(codes) == 2:
        assert drawn.points == ((-0.5, 0.0), (0.5, 0.0))


def test_a_map_of_two_thousand_codes_of_128_dimensions_stays_below_100_kilobytes_and_reads_as_it_was_written(tmp_path: Path):
    random = np.random.default_rng(0)
    drawn = mapped(
        random.normal(size=(2000, 128)),
        kl_divergence=random.random((2000, 128)),
        scores=random.normal(100, 20, 2000),
        labels=random.integers(0, 10, 2000),
    )
    path = tmp_path / LATENT_MAP_FILE
    path.parent.mkdir()
    path.write_text(drawn.model_dump_json())

    assert path.stat().st_size < 100_000
    assert read_map(tmp_path) == drawn
    assert drawn.codes is None


def test_a_map_has_the_codes_of_its_points_if_they_are_few_enough_for_a_page():
    codes = np.array([[1.0, 2.5, -3.0], [0.0, 0.25, 4.0], [2.0, 2.0, 2.0]])

    assert mapped(codes).codes == tuple(map(tuple, codes.tolist()))


def test_a_model_without_a_map_has_none(tmp_path: Path):
    assert read_map(tmp_path) is None


@pytest.mark.parametrize("content", ["", "{}", '{"mean": "here"}'])
def test_a_file_that_is_no_map_is_named(tmp_path: Path, content: str):
    path = tmp_path / LATENT_MAP_FILE
    path.parent.mkdir()
    path.write_text(content)

    with pytest.raises(DataError, match=r"The latent map .*latent_map\.json cannot be read \("):
        read_map(tmp_path)


def test_what_is_written_is_rounded_to_four_digits():
    drawn = mapped([[math.pi * 100, 1e-5 * math.pi], [0, 0]])

    assert drawn.mean == (157.1, 1.571e-05)
