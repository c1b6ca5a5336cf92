"""The tables of metrics and settings: their columns, differences and numbers."""

import pytest

from components.artifacts.evaluation import Evaluation
from components.report.numbers import all_metrics, difference, measured, metrics_by_label, number, setting_texts
from components.report.page import Cell


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


@pytest.mark.parametrize(
    ("value", "text"),
    [(94.5678, "94.57"), (12345.678, "12,345.68"), (0.00226, "0.0023"), (0.0, "0.00"), (float("inf"), "not a number")],
)
def test_numbers_have_as_many_digits_as_they_need(value: float, text: str):
    assert number(value) == text


def test_what_is_counted_has_no_decimals():
    assert measured("active_units", 24.0) == "24"
    assert difference("active_units", 24.0, 25.0).text == "-1"


def test_a_first_run_has_no_columns_of_a_champion_and_no_bounds_where_there_are_none():
    first = Evaluation({"negative_elbo": 100.0})
    later = Evaluation(first.metrics, baseline={"negative_elbo": 101.0}, thresholds={"negative_elbo": "\u2264 110"})

    assert all_metrics(first).columns == ["metric", "unit", "this model"]
    assert all_metrics(later).columns[3:] == ["champion", "difference \u00b1 standard error", "must be"]
    assert [cell.text for cell in all_metrics(later).rows[0]][2:] == ["100.00", "101.00", "-1.00", "\u2264 110"]


def test_ten_labels_stand_beside_each_other_and_others_below():
    by_label = {label: {"example_count": 7.0, "negative_elbo": 100.0 + label} for label in range(23)}
    tables = list(metrics_by_label(Evaluation({}, metrics_by_label=by_label), lambda label: f"no. {label}"))

    assert [len(table.columns) for table in tables] == [11, 11, 4]
    assert [cell.text for cell in tables[2].rows[0]] == ["images", "7", "7", "7"]
    assert [cell.text for cell in tables[2].rows[1]] == ["negative ELBO, nats", "120.00", "121.00", "122.00"]
    assert tables[2].columns[1:] == ["no. 20", "no. 21", "no. 22"]
    assert tables[2].caption == "By label, 21 to 23 of 23"


def test_settings_read_as_in_a_configuration():
    trainer = {"augmentation": {"share": 0.0, "fade": True}, "jit_compile": False, "learning_rate": 0.004}

    assert setting_texts({"model": {"prior": None, "hidden_units": [64, 8], "decoder_units": []}, "trainer": trainer}) == {
        "model.prior": "not set",
        "model.hidden_units": "64, 8",
        "model.decoder_units": "none",
        "trainer.augmentation.share": "0.0",
        "trainer.augmentation.fade": "true",
        "trainer.jit_compile": "false",
        "trainer.learning_rate": "0.004",
    }
