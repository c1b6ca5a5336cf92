"""What a person is told when a run has ended."""

import pytest

from components.evaluator.config import EvaluatorConfig
from pipelines.summary import describe_thresholds, describe_versions


@pytest.mark.parametrize(
    ("pushed", "served", "sentence"),
    [
        (7, [3, 7], "version 7 is the newest"),
        (3, [3, 7], "version 3, pushed by an earlier run; the newest is version 7"),
        (3, [7], "version 3, pushed by an earlier run, is no longer (--set runtime.cache=false pushes again)"),
        (None, [3, 7], "version 7 stays the newest"),
        (None, [], "no version yet"),
    ],
)
def test_the_serving_directory_is_described_as_it_is(pushed: int | None, served: list[int], sentence: str):
    assert describe_versions(pushed, served) == sentence


def test_thresholds_are_written_as_inequalities():
    config = EvaluatorConfig.model_validate(
        {"thresholds": {"negative_elbo": {"upper": 110, "worsening": 0.5}, "kl_divergence": {"lower": 10, "upper": 40}}}
    )

    assert describe_thresholds(config, "negative_elbo") == "≤ 110, ≤ blessed + 0.5"
    assert describe_thresholds(config, "kl_divergence") == "≥ 10, ≤ 40"
    assert describe_thresholds(config, "squared_error") == ""
