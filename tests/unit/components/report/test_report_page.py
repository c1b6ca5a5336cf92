"""What the heading of a report says."""

import pytest

from components.artifacts.evaluation import Evaluation
from components.report.report_page import model_name, verdict_sentences

REFUSAL = "the signature decode is missing"


@pytest.mark.parametrize(
    ("reasons", "refusal", "sentences"),
    [
        ((), "", ["It was blessed, so it can be served: all thresholds hold (negative ELBO ≤ 110)."]),
        (
            (),
            REFUSAL,
            [
                "It was blessed: all thresholds hold (negative ELBO ≤ 110).",
                f"It failed the check before pushing, so it is not served: {REFUSAL}.",
            ],
        ),
        (
            ("it is bad",),
            REFUSAL,
            [
                "It was not blessed, so it is not served: it is bad. The thresholds: negative ELBO ≤ 110.",
                f"It failed the check before pushing, too: {REFUSAL}.",
            ],
        ),
    ],
)
def test_it_says_whether_the_model_is_served_and_why_not(reasons: tuple[str, ...], refusal: str, sentences: list[str]):
    evaluation = Evaluation({}, thresholds={"negative_elbo": "≤ 110"}, blessed=not reasons, reasons=reasons)

    assert verdict_sentences(evaluation, refusal) == sentences


@pytest.mark.parametrize(
    ("has_posterior", "configuration", "name"),
    [
        (
            True,
            {"network": "dense", "decoder_network": "conv"},
            "a variational autoencoder with a dense encoder and a convolutional decoder",
        ),
        (
            False,
            {"network": "conv", "decoder_network": None},
            "an autoencoder with a convolutional encoder and a convolutional decoder",
        ),
        (False, {}, "an autoencoder"),
    ],
)
def test_it_names_the_networks_of_both_halves(has_posterior: bool, configuration: dict[str, str | None], name: str):
    assert model_name(has_posterior, configuration) == name
