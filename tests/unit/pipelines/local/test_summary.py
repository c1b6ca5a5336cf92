"""What a person is told when a run has ended."""

import pytest

from components.artifacts.verdict import Verdict
from components.evaluator.config import EvaluatorConfig
from pipelines.local.summary import describe_thresholds, describe_verdict, describe_versions, left_out_metrics, shown_metrics


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


def test_where_higher_is_better_the_blessed_model_sets_a_floor():
    config = EvaluatorConfig.model_validate({"thresholds": {"ssim": {"worsening": 0.01}}})

    assert describe_thresholds(config, "ssim") == "≥ blessed - 0.01"


def verdict(*metrics: str) -> Verdict:
    return Verdict(dict.fromkeys(metrics, 1.0), {}, (), {}, {}, {}, True, ())


def test_the_main_metrics_are_shown_and_those_that_are_limited():
    config = EvaluatorConfig.model_validate({"thresholds": {"ssim": {"lower": 0.5}, "negative_elbo": {"upper": 100}}})

    assert shown_metrics(verdict("marginal_kl", "ssim", "negative_elbo", "iw_nll"), config) == [
        "negative_elbo",
        "iw_nll",
        "ssim",
    ]


def test_what_is_switched_on_and_was_not_computed_is_named():
    config = EvaluatorConfig.model_validate({"importance_weighted": {"enabled": False}, "binarized": False})
    without_labels = verdict(
        "reconstruction_loss", "squared_error", "kl_divergence", "negative_elbo", "ssim", "active_units", "mutual_information",
        "marginal_kl", "latent_gaussianity",
    )  # fmt: skip

    assert left_out_metrics(without_labels, config) == [
        "latent_probe_accuracy/linear",
        "latent_probe_accuracy/knn",
        "frechet_distance",
    ]


@pytest.mark.parametrize(
    ("reasons", "refusal", "lines"),
    [
        ((), "", ["Blessed   every threshold is kept, so it was pushed"]),
        (("it is bad", "it is slow"), "", ["Not blessed, so nothing was pushed:", "  it is bad", "  it is slow"]),
        (
            (),
            "the signature decode is missing",
            [
                "Blessed   every threshold is kept",
                "It failed the check before pushing, so nothing was pushed:",
                "  the signature decode is missing",
            ],
        ),
        (
            ("it is bad",),
            "the signature decode is missing",
            [
                "Not blessed, so nothing was pushed:",
                "  it is bad",
                "It failed the check before pushing, too:",
                "  the signature decode is missing",
            ],
        ),
    ],
)
def test_why_nothing_was_pushed_is_said(reasons: tuple[str, ...], refusal: str, lines: list[str]):
    judged = Verdict({}, {}, (), {}, {}, {}, not reasons, reasons)

    assert [line.plain for line in describe_verdict(judged, refusal)] == lines
