"""Whether two answers are the same, by hand."""

import math

import numpy as np
import pytest

from components.infra_validator.replay import describe_difference


def difference(recorded: object, answered: object, tolerance: float = 0.01) -> str | None:
    before, after = ({"image": np.array(values, np.float32)} for values in (recorded, answered))
    return describe_difference("decode", before, after, tolerance)


def test_equal_answers_do_not_differ_however_strict():
    assert difference([0.25, math.inf, -math.inf, math.nan], [0.25, math.inf, -math.inf, math.nan], 0.0) is None


def test_the_first_output_that_differs_is_named_with_its_largest_difference():
    assert difference([0.0, 0.5, 1.0], [0.0, 0.75, 0.875]) == (
        "the output image of the signature decode differs from what the Trainer computed by up to 0.25, "
        "where 0.01 is allowed (infra_validator.tolerance)"
    )


@pytest.mark.parametrize(("recorded", "allowed"), [([0.5, -0.5], 0.01), ([50.0, -200.0], 2.0), ([1e-6], 0.01), ([0.0], 0.01)])
def test_large_values_may_differ_by_more_and_small_ones_by_as_much_as_1_may(recorded: list[float], allowed: float):
    def moved(distance: float) -> list[float]:
        return [value + distance for value in recorded]

    assert difference(recorded, moved(0.9 * allowed)) is None
    assert f"where {allowed:.3g} is allowed" in str(difference(recorded, moved(1.1 * allowed)))


@pytest.mark.parametrize("answered", [[0.5, math.nan], [0.5, math.inf], [0.5, -math.inf]])
def test_what_is_no_number_differs_from_every_number(answered: list[float]):
    assert "by up to inf" in str(difference([0.5, 0.5], answered, 1e6))
    assert "by up to inf" in str(difference(answered, [0.5, 0.5], 1e6))


def test_an_infinity_among_what_was_recorded_does_not_let_everything_pass():
    assert "by up to 0.5, where 0.01 is allowed" in str(difference([math.inf, 1.0], [math.inf, 0.5]))


def test_other_shapes_and_missing_outputs_are_named():
    assert difference([[1.0, 2.0]], [1.0, 2.0]) == (
        "the output image of the signature decode has the shape (2,) instead of (1, 2)"
    )
    recorded = {"image": np.zeros(1), "score": np.zeros(1)}
    assert describe_difference("decode", recorded, {"image": np.zeros(1)}, 0.01) == (
        "the signature decode does not give the output score"
    )


def test_outputs_that_the_trainer_did_not_record_are_no_difference():
    assert describe_difference("decode", {}, {"image": np.zeros(1)}, 0.01) is None


def test_nothing_equals_nothing():
    assert difference([], []) is None
