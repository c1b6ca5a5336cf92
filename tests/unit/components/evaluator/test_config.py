import pytest
from pydantic import ValidationError

from components.evaluator.config import EvaluatorConfig


@pytest.mark.parametrize(
    ("metric", "switch"),
    [
        ("binarized/negative_elbo", "binarized"),
        ("iw_nll", "importance_weighted.enabled"),
        ("binarized/iw_nll", "importance_weighted.enabled"),
        ("mutual_information", "latent_space.enabled"),
        ("latent_probe_accuracy/knn", "latent_space.enabled"),
        ("frechet_distance", "frechet_distance.enabled"),
    ],
)
def test_a_threshold_on_a_metric_that_is_switched_off_is_refused(metric: str, switch: str):
    section, _, key = switch.partition(".")
    off = {section: {key: False} if key else False}
    assert not EvaluatorConfig.model_validate(off).measures(metric)
    with pytest.raises(ValidationError, match=rf"thresholds limits {metric}, which evaluator.{switch}=false leaves out"):
        EvaluatorConfig.model_validate({**off, "thresholds": {metric: {"upper": 1}}})


@pytest.mark.parametrize("metric", ["negative_elbo", "ssim", "active_units"])
def test_what_costs_little_has_no_switch(metric: str):
    nothing = {"enabled": False}
    config = EvaluatorConfig.model_validate(
        {"binarized": False, "importance_weighted": nothing, "latent_space": nothing, "frechet_distance": nothing}
    )
    assert config.measures(metric)


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValidationError, match="negative_elbo"):
        EvaluatorConfig.model_validate({"thresholds": {"elbo": {"upper": 1}}})
