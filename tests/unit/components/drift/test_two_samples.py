"""Two-sample tests against closed forms, and against the libraries that measure the same."""

from collections.abc import Iterator

import numpy as np
import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2
from tfx.components.distribution_validator.executor import tfdv

from components.drift import two_samples

COUNTS = {0: 40, 1: 60, 3: 100}, {0: 70, 1: 50, 2: 30}


def test_distributions_that_do_not_overlap_differ_by_one():
    found = two_samples.of_distributions(np.arange(50.0), np.arange(50.0) + 50)

    assert found.statistic == 1.0
    assert found.p_value < 1e-20


def test_of_four_against_four_everything_may_be_chance():
    assert two_samples.of_distributions(np.arange(4.0), np.arange(4.0) + 4).p_value > 0.01


def test_infinite_scores_count_as_the_highest():
    scores = np.array([1.0, 2.0, np.inf, np.inf])

    assert two_samples.of_distributions(np.array([1.0, 2.0]), scores).statistic == 0.5


def test_shares_are_compared_exactly():
    found = two_samples.of_shares(0, 4, 4, 4)

    assert found.statistic == 1.0
    assert found.p_value == pytest.approx(2 / 70)  # 8 choose 4 tables, two of them as extreme


def test_label_shares_differ_by_what_tfdv_measures():
    def statistics(counts: dict[int, int]) -> statistics_pb2.DatasetFeatureStatisticsList:
        buckets = "".join(f'buckets {{ label: "{label}" sample_count: {count} }}' for label, count in counts.items())
        common = f"common_stats {{ num_non_missing: {sum(counts.values())} min_num_values: 1 max_num_values: 1 }}"
        feature = f'path {{ step: "label" }} type: INT string_stats {{ {common} rank_histogram {{ {buckets} }} }}'
        return text_format.Parse(
            f"datasets {{ num_examples: {sum(counts.values())} features {{ {feature} }} }}",
            statistics_pb2.DatasetFeatureStatisticsList(),
        )

    schema = text_format.Parse(
        'feature { name: "label" type: INT int_domain { is_categorical: true } '
        "drift_comparator { infinity_norm { threshold: 0.01 } } }",
        schema_pb2.Schema(),
    )
    known, new = COUNTS
    anomalies = tfdv.validate_statistics(statistics(new), schema, previous_statistics=statistics(known))
    [measured] = anomalies.drift_skew_info[0].drift_measurements

    assert two_samples.of_counts(known, new).statistic == pytest.approx(measured.value) == 0.5


def test_rare_labels_are_tested_together_and_a_label_alone_never_drifts():
    rare, others = dict.fromkeys(range(100), 1), dict.fromkeys(range(100, 200), 1)

    assert two_samples.of_counts(rare, others).p_value == 1.0
    assert two_samples.of_counts({7: 10}, {7: 30}) == (0.0, 1.0)


def test_the_discrepancy_is_the_unbiased_estimate_of_the_paper():
    random = np.random.default_rng(0)
    first, second = random.normal(size=(7, 3)), random.normal(size=(5, 3)) + 1

    codes = np.concatenate([first, second])
    squared = ((codes[:, np.newaxis] - codes) ** 2).sum(axis=2)
    kernel = np.exp(-squared / (2 * np.median(squared[np.triu_indices(12, 1)])))

    def pairs() -> Iterator[float]:
        for i in range(7):
            yield from (kernel[i, j] / (7 * 6) for j in range(7) if j != i)
            yield from (-2 * kernel[i, j] / (7 * 5) for j in range(7, 12))
        for i in range(7, 12):
            yield from (kernel[i, j] / (5 * 4) for j in range(7, 12) if j != i)

    assert two_samples.of_codes(first, second, 10).statistic == pytest.approx(sum(pairs()), abs=1e-6)


def test_a_p_value_of_permutations_is_uniform_without_drift_and_the_lowest_there_is_with_it():
    random = np.random.default_rng(1)
    p_values = [two_samples.of_codes(random.normal(size=(40, 2)), random.normal(size=(40, 2)), 99).p_value for _ in range(100)]

    assert np.mean(p_values) == pytest.approx(0.5, abs=0.1)
    assert min(p_values) >= 0.01
    assert two_samples.of_codes(random.normal(size=(40, 2)), random.normal(size=(40, 2)) + 2, 99).p_value == 0.01
    assert two_samples.of_codes(np.zeros((5, 2)), np.zeros((9, 2)), 99) == (0.0, 1.0)
