import itertools
import math
import random

import numpy as np
import pytest

from components.evaluator.metrics import ExactSum


def test_means_are_those_of_each_component():
    total = ExactSum.of([[1.0, -2.5]]).plus(ExactSum.of([[2.0, 0.5]])).plus(ExactSum.of([[6.0, 0.5]]))
    assert total.means() == [3.0, -0.5]


def test_the_order_of_what_is_added_does_not_matter_in_the_last_bit():
    values = [float(np.float32(random.Random(0).uniform(-1e6, 1e6))) for _ in range(3)] + [1e-7, 0.1, 1e9]
    found = set()
    for order in itertools.permutations(values):
        total = ExactSum()
        for value in order:
            total = total.plus(ExactSum.of([[value]]))
        found.add(total.means()[0])
    assert len(found) == 1
    assert found.pop() == pytest.approx(math.fsum(values) / len(values), abs=1e-9)


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_what_is_not_finite_shows_in_its_own_component_alone(bad: float):
    means = ExactSum.of([[1.0, bad]]).plus(ExactSum.of([[3.0, 4.0]])).means()
    assert means[0] == 2.0
    np.testing.assert_equal(means[1], bad)


def test_nothing_has_no_mean():
    assert ExactSum().means() == []
    assert ExactSum().plus(ExactSum.of([[2.0]])).means() == [2.0]


@pytest.mark.parametrize("largest", [1e3, 1e12, 1e200])
def test_a_batch_is_the_sum_of_its_vectors(largest: float):
    rows = np.random.default_rng(0).uniform(-largest, largest, (50, 3))
    rows[7, 1] = math.inf
    one_by_one = ExactSum()
    for row in rows:
        one_by_one = one_by_one.plus(ExactSum.of([row]))

    assert ExactSum.of(rows) == one_by_one
    assert one_by_one.units[0] == sum(round(value * 2**32) for value in rows[:, 0].tolist())
    assert ExactSum.of(rows[:0]) == ExactSum()
