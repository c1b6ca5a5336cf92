"""The catalogue of metrics."""

import json
from importlib import import_module
from pathlib import Path

import pytest

from components.artifacts.metrics import CATALOGUE, PER_DIMENSION, Better, Metric, describe, in_order
from components.evaluator.config import EvaluatorConfig
from components.evaluator.eval_config import build_eval_config

PAGE = Path(__file__).parents[4] / "docs" / "metrics.md"


def row(metric: Metric) -> str:
    where = "overall, by label" if metric.by_label else "overall"
    formula = metric.formula.replace("|", "\\|")
    return f"| `{metric.name}` | {formula} | {metric.unit} | {metric.better} | {where} |"


def test_the_page_about_metrics_has_a_row_for_each_as_the_catalogue_says_it():
    rows = [line for line in PAGE.read_text(encoding="utf-8").splitlines() if line.startswith("| `") and line.count(" | ") >= 4]
    assert rows == [row(metric) for metric in (*CATALOGUE, PER_DIMENSION)]


def test_each_is_computed_by_a_class_that_exists():
    built = [each for each in build_eval_config(EvaluatorConfig(), "classifier").metrics_specs[0].metrics if each.module]
    assert [json.loads(each.config)["name"] for each in built] == [metric.name for metric in (*CATALOGUE, PER_DIMENSION)]
    for each in built:
        assert isinstance(getattr(import_module(each.module), each.class_name), type)


@pytest.mark.parametrize("metric", CATALOGUE, ids=lambda metric: metric.name)
def test_the_gate_and_the_report_agree_on_which_direction_is_better(metric: Metric):
    config = EvaluatorConfig.model_validate({"thresholds": {metric.name: {"worsening": 0.5}}})
    [built] = [
        each
        for each in build_eval_config(config, "classifier").metrics_specs[0].metrics
        if f'"name": "{metric.name}"' in each.config
    ]
    allowed = built.per_slice_thresholds[0].threshold.change_threshold.absolute.value
    assert (allowed < 0) == (describe(metric.name).better is Better.HIGHER)


def test_fewer_active_units_and_less_mutual_information_are_worse():
    assert describe("active_units").better is describe("mutual_information").better is Better.HIGHER


def test_an_unknown_metric_has_its_own_name_after_the_others():
    assert in_order({"weird_metric", "kl_divergence", "negative_elbo", "example_count"}) == [
        "kl_divergence",
        "negative_elbo",
        "weird_metric",
    ]
    weird = describe("weird_metric")
    assert (weird.title, weird.unit, weird.better) == ("weird metric", "", Better.NEITHER)


def test_a_metric_of_binary_images_has_the_unit_and_the_direction_of_that_of_grey_ones():
    binary = describe("binarized/iw_nll")
    assert (binary.title, binary.unit, binary.better) == ("importance-weighted NLL (binarized)", "nats", Better.LOWER)
    assert binary.switches == ("binarized", "importance_weighted.enabled")


def test_the_divergences_of_single_dimensions_are_in_a_figure_and_not_in_the_table():
    assert in_order({"kl_per_dimension/0", "kl_per_dimension_1", "kl_divergence"}) == ["kl_divergence"]
