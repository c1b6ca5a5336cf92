"""What the heading of a report says."""

import pytest

from components.report.evaluation import Evaluation
from components.report.report_page import verdict_sentences

REFUSAL = "the signature decode is missing"


@pytest.mark.parametrize(
    ("reasons", "refusal", "sentences"),
    [
        ((), "", ["It was blessed, which means that it may be served: it kept every threshold (negative ELBO ≤ 110)."]),
        (
            (),
            REFUSAL,
            [
                "It was blessed: it kept every threshold (negative ELBO ≤ 110).",
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
    evaluation = Evaluation({}, {}, {}, {}, {"negative_elbo": "≤ 110"}, not reasons, reasons)

    assert verdict_sentences(evaluation, refusal) == sentences
