"""Differences and numbers of the table of metrics."""

import pytest

from components.report.numbers import difference, number
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
