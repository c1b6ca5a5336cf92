"""Thresholds and baselines, from hand-written files; tests/e2e/test_smoke.py has what the Evaluator writes."""

import json
import struct
import sys
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import text_format

from components.artifacts.tfma_files import _message_classes
from components.report.evaluation import read_evaluation
from components.report.metric_names import Better, describe, in_order
from components.report.page import Cell
from components.report.sections.metrics import difference, number


def metric(name: str, value: float, model: str = "") -> str:
    key = f'key {{ name: "{name}" model_name: "{model}" }}'
    return f"metric_keys_and_values {{ {key} value {{ double_value {{ value: {value} }} }} }} "


def sliced(label: int) -> str:
    return f'slice_key {{ single_slice_keys {{ column: "label" int64_value: {label} }} }} '


def write(directory: Path, slices: list[str], thresholds: dict[str, Any]) -> Path:
    records = [text_format.Parse(text, _message_classes()["MetricsForSlice"]()).SerializeToString() for text in slices]
    (directory / "metrics-00000-of-00001.tfrecord").write_bytes(
        b"".join(struct.pack("<QI", len(record), 0) + record + struct.pack("<I", 0) for record in records)
    )
    metrics = [
        {"config": json.dumps({"name": name}), "perSliceThresholds": [{"slicingSpecs": [{}], "threshold": threshold}]}
        for name, threshold in thresholds.items()
    ]
    config = {"evalConfig": {"metricsSpecs": [{"metrics": [*metrics, {"className": "ExampleCount"}]}]}}
    (directory / "eval_config.json").write_text(json.dumps(config))
    return directory


def test_metrics_of_each_label_have_those_of_the_latest_blessed_model_beside_them(tmp_path: Path):
    found = read_evaluation(
        write(
            tmp_path,
            [
                metric("loss", 3.0) + metric("loss", 4.0, "baseline"),
                sliced(1) + metric("loss", 1.0) + metric("loss", 1.5, "baseline"),
                sliced(0) + metric("loss", 5.0) + metric("loss", 6.5, "baseline"),
            ],
            {},
        )
    )
    assert (found.metrics, found.baseline) == ({"loss": 3.0}, {"loss": 4.0})
    assert list(found.metrics_by_label.items()) == [(0, {"loss": 5.0}), (1, {"loss": 1.0})]
    assert list(found.baseline_by_label.items()) == [(0, {"loss": 6.5}), (1, {"loss": 1.5})]


def test_thresholds_are_those_that_were_applied_and_the_largest_number_is_none(tmp_path: Path):
    largest = sys.float_info.max
    found = read_evaluation(
        write(
            tmp_path,
            [metric("loss", 3.0)],
            {
                "kl_divergence": {"valueThreshold": {"lowerBound": 10.0, "upperBound": 40.0}},
                "negative_elbo": {
                    "valueThreshold": {"lowerBound": -largest, "upperBound": 110.0},
                    "changeThreshold": {"absolute": 0.5, "direction": "LOWER_IS_BETTER"},
                },
                "accuracy": {"changeThreshold": {"absolute": -0.02, "direction": "HIGHER_IS_BETTER"}},
                "squared_error": {"valueThreshold": {"lowerBound": -largest, "upperBound": largest}},
            },
        )
    )
    assert found.thresholds == {
        "kl_divergence": "≥ 10, ≤ 40",
        "negative_elbo": "≤ 110, ≤ blessed + 0.5",
        "accuracy": "≥ blessed - 0.02",
    }


@pytest.mark.parametrize(
    ("metric_name", "value", "before", "cell"),
    [
        ("negative_elbo", 94.0, 95.25, Cell("-1.25", tone="good")),
        ("negative_elbo", 95.25, 94.0, Cell("+1.25", tone="bad")),
        ("negative_elbo", 94.0, 94.001, Cell("-0.00")),
        ("kl_divergence", 25.0, 24.0, Cell("+1.00")),
        ("negative_elbo", 94.0, None, Cell("")),
        ("negative_elbo", float("nan"), 94.0, Cell("not a number")),
    ],
)
def test_a_difference_says_whether_it_is_for_the_better(metric_name: str, value: float, before: float | None, cell: Cell):
    assert difference(metric_name, value, before) == cell


def test_a_metric_that_nobody_described_is_shown_under_its_own_name_after_the_others():
    assert in_order({"weird_metric", "kl_divergence", "negative_elbo", "example_count"}) == [
        "negative_elbo",
        "kl_divergence",
        "weird_metric",
    ]
    assert describe("weird_metric")[:3] == ("weird metric", "", Better.NEITHER)


def test_a_known_metric_under_a_longer_name_keeps_its_unit_and_which_way_is_better():
    assert describe("binarized/iw_nll")[:3] == ("importance-weighted NLL (binarized)", "nats", Better.LOWER)
    assert describe("latent_probe_accuracy/knn")[:3] == ("latent probe accuracy (knn)", "", Better.HIGHER)
    assert describe("passim")[:3] == ("passim", "", Better.NEITHER)


def test_the_divergences_of_single_dimensions_are_in_a_figure_and_not_in_the_table():
    assert in_order({"kl_per_dimension/0", "kl_per_dimension_1", "kl_divergence"}) == ["kl_divergence"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(94.5678, "94.57"), (12345.678, "12,345.68"), (0.00226, "0.0023"), (0.0, "0.00"), (float("inf"), "not a number")],
)
def test_numbers_have_as_many_digits_as_they_need(value: float, text: str):
    assert number(value) == text
