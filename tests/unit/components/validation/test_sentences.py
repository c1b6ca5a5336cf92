"""The sentences, from hand-written statistics; tests/component/test_validation.py takes what TFDV itself writes."""

import pytest
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import anomalies_pb2, statistics_pb2

from components.validation.sentences import describe_anomalies, describe_remedies

SCHEMA = """
  feature { name: "image" type: BYTES shape {} }
  feature { name: "label" type: INT shape {} int_domain { min: 0 max: 9 } }
"""


def describe(feature: str, reasons: list[str], statistics: str, examples: int = 200) -> list[str]:
    """The sentences for one feature with the given anomalies and the given statistics."""
    reason = " ".join(f'reason {{ type: {kind} description: "TFDV says {kind}." }}' for kind in reasons)
    anomalies = text_format.Parse(
        f'baseline {{ {SCHEMA} }} anomaly_info {{ key: "{feature}" value {{ path {{ step: "{feature}" }} {reason} }} }}',
        anomalies_pb2.Anomalies(),
    )
    return describe_anomalies("eval", anomalies, statistics_of(statistics, examples))


def statistics_of(features: str, examples: int = 200) -> statistics_pb2.DatasetFeatureStatisticsList:
    return text_format.Parse(
        f"datasets {{ num_examples: {examples} {features} }}", statistics_pb2.DatasetFeatureStatisticsList()
    )


def label(*counts: tuple[int, int]) -> str:
    buckets = " ".join(f'buckets {{ label: "{value}" sample_count: {count} }}' for value, count in counts)
    return (
        'features { path { step: "label" } type: INT string_stats {'
        f" common_stats {{ min_num_values: 1 max_num_values: 1 }} rank_histogram {{ {buckets} }} }} }}"
    )


def image(common: str) -> str:
    return f'features {{ path {{ step: "image" }} type: STRING string_stats {{ common_stats {{ {common} }} }} }}'


def test_nothing_is_said_where_nothing_is_wrong() -> None:
    statistics = statistics_of(label((1, 200)))
    assert describe_anomalies("train", anomalies_pb2.Anomalies(), statistics) == []


@pytest.mark.parametrize(
    ("counts", "sentence"),
    [
        ([(3, 199), (11, 1)], "11 is outside 0 to 9 (1 of 200 examples)"),
        ([(11, 2), (-1, 1)], "-1 and 11 are outside 0 to 9 (3 of 200 examples)"),
        ([(14, 1), (13, 1), (12, 1), (11, 1), (10, 1)], "10, 11, 12 and 2 more are outside 0 to 9 (5 of 200 examples)"),
    ],
)
def test_a_wrong_label_is_named_with_what_is_allowed_and_how_often_it_occurs(
    counts: list[tuple[int, int]], sentence: str
) -> None:
    assert describe("label", ["INT_TYPE_BIG_INT"], label(*counts)) == [f"split 'eval', feature 'label': {sentence}"]


def test_a_wrong_label_is_named_without_a_count_where_the_statistics_know_only_the_extremes() -> None:
    numeric = 'features { path { step: "label" } type: INT num_stats { min: -2 max: 11 common_stats { max_num_values: 1 } } }'
    assert describe("label", ["INT_TYPE_BIG_INT"], numeric) == ["split 'eval', feature 'label': -2 and 11 are outside 0 to 9"]


def test_a_feature_that_some_examples_lack_is_missing_and_its_lost_shape_is_not_mentioned_too() -> None:
    some = image("num_non_missing: 197 num_missing: 3 min_num_values: 1 max_num_values: 1")
    assert describe("image", ["INVALID_FEATURE_SHAPE", "FEATURE_TYPE_LOW_FRACTION_PRESENT"], some) == [
        "split 'eval', feature 'image': missing in 3 of 200 examples"
    ]


def test_a_feature_that_no_example_has_is_missing_in_all() -> None:
    assert describe("image", ["SCHEMA_MISSING_COLUMN"], label((1, 200))) == [
        "split 'eval', feature 'image': missing in all 200 examples"
    ]


@pytest.mark.parametrize(
    ("feature", "statistics", "lines"),
    [("label", image("num_non_missing: 200"), 2), ("image", label((1, 200)), 1)],
)
def test_where_no_example_has_a_label_the_setting_that_chooses_it_is_named_once(
    feature: str, statistics: str, lines: int
) -> None:
    sentences = describe(feature, ["SCHEMA_MISSING_COLUMN"], statistics)
    assert sentences == [f"split 'eval', feature '{feature}': missing in all 200 examples"]
    remedies = describe_remedies([*sentences, *sentences])
    assert len(remedies.splitlines()) == lines
    assert ("Set data.label_feature to another integer feature, e.g. attributes/digit, or data.schema_path" in remedies) is (
        feature == "label"
    )


def test_a_feature_with_several_values_is_told_from_a_missing_one() -> None:
    several = image("num_non_missing: 200 min_num_values: 1 max_num_values: 2")
    assert describe("image", ["INVALID_FEATURE_SHAPE"], several) == [
        "split 'eval', feature 'image': 1 to 2 values in an example instead of one"
    ]


def test_a_feature_that_the_schema_does_not_know_is_said_to_be_so() -> None:
    weight = 'features { path { step: "weight" } num_stats { common_stats { max_num_values: 1 } } }'
    assert describe("weight", ["SCHEMA_NEW_COLUMN"], weight) == ["split 'eval', feature 'weight': not in the schema"]


def test_an_anomaly_without_words_of_our_own_keeps_those_of_tfdv() -> None:
    one = image("num_non_missing: 200 min_num_values: 1 max_num_values: 1")
    assert describe("image", ["UNEXPECTED_DATA_TYPE"], one) == ["split 'eval', feature 'image': TFDV says UNEXPECTED_DATA_TYPE"]


@pytest.mark.parametrize("data_missing", [True, False])
def test_a_split_without_examples_is_empty_whatever_tfdv_says(data_missing: bool) -> None:
    anomalies = anomalies_pb2.Anomalies(data_missing=data_missing)
    assert describe_anomalies("eval", anomalies, statistics_of("", examples=0)) == ["split 'eval' is empty"]


def test_an_anomaly_of_the_whole_split_names_no_feature() -> None:
    anomalies = text_format.Parse(
        'dataset_anomaly_info { reason { type: DATASET_LOW_NUM_EXAMPLES description: "Too few." } }', anomalies_pb2.Anomalies()
    )
    assert describe_anomalies("eval", anomalies, statistics_of(label((1, 3)), examples=3)) == ["split 'eval': Too few"]
