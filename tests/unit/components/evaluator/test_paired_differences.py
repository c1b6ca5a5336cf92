import itertools
import math

import numpy as np
import pytest

from components.evaluator.metrics import PairedDifferences


def total(values: list[float]) -> PairedDifferences:
    found = PairedDifferences()
    for value in values:
        found = found.plus(PairedDifferences.of(value))
    return found


def test_mean_and_standard_error_are_those_of_the_textbook():
    # Deviations -3, -1, 1, 3: a variance of 20 / 3, over 4 images.
    found = total([1.0, 3.0, 5.0, 7.0])
    assert found.mean() == 4.0
    assert found.standard_error() == pytest.approx(math.sqrt(20 / 3 / 4), rel=1e-15)


def test_a_constant_difference_has_no_standard_error_at_all():
    # 1e6 + 0.1 is no multiple of 2^-32; sums of float64 would leave a remainder.
    assert total([1e6 + 0.1] * 1000).standard_error() == 0.0
    assert (total([0.0, 0.0]).mean(), total([0.0, 0.0]).standard_error()) == (0.0, 0.0)


def test_the_order_and_the_grouping_do_not_matter_in_the_last_bit():
    values = [float(value) for value in np.random.default_rng(0).normal(0.4, 30.0, 6)]
    found = {(total(list(order)).mean(), total(list(order)).standard_error()) for order in itertools.permutations(values)}
    grouped = total(values[:2]).plus(total(values[2:]))
    assert found == {(grouped.mean(), grouped.standard_error())}
    assert grouped.standard_error() == pytest.approx(np.std(values, ddof=1) / math.sqrt(6), rel=1e-9)


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_a_difference_that_is_not_finite_makes_both_undefined(bad: float):
    found = total([1.0, bad, 2.0])
    assert math.isnan(found.mean())
    assert math.isnan(found.standard_error())


def test_one_image_has_a_mean_and_no_standard_error():
    assert total([2.5]).mean() == 2.5
    assert math.isnan(total([2.5]).standard_error())
    assert math.isnan(total([]).mean())
