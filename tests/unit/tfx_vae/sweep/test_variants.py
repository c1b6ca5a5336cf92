"""Which models a sweep trains, and that they keep to themselves."""

from pathlib import Path

import pytest

from components.errors import ConfigurationError
from pipelines.config import PipelineConfig, load_config
from tfx_vae.sweep.variants import variants_of


def config(**changes: str) -> PipelineConfig:
    overrides = [f"{key.replace('__', '.')}={value}" for key, value in changes.items()]
    return load_config(Path("pipelines/configs/mnist_vae.yaml"), overrides)


def test_every_value_comes_with_every_other_once():
    found = variants_of(config(), {"model.latent_dim": [2, 8, 2], "trainer.learning_rate": [0.001, 0.01]})
    expected = [(2, 0.001), (2, 0.01), (8, 0.001), (8, 0.01)]
    assert [tuple(variant.settings.values()) for variant in found] == expected
    assert [(variant.config.model.latent_dim, variant.config.trainer.learning_rate) for variant in found] == expected
    assert (found[0].title, found[0].name) == (
        "model.latent_dim 2, trainer.learning_rate 0.001",
        "latent_dim-2-learning_rate-0.001",
    )


def test_a_value_may_be_a_list():
    [narrow, wide] = variants_of(config(), {"model.hidden_units": [[64], [64, 32]]})
    assert (narrow.name, wide.name) == ("hidden_units-64", "hidden_units-64-32")
    assert wide.config.model.hidden_units == (64, 32)


def test_a_variant_has_another_name_and_no_other_difference():
    original = config(trainer__epochs="3", evaluator__thresholds="{negative_elbo: {upper: 90}}")
    [variant] = variants_of(original, {"model.latent_dim": [original.model.latent_dim]})
    assert variant.config.name == "mnist-vae-sweep"
    assert variant.config.serving_dir != original.serving_dir
    assert variant.config.model_copy(update={"name": original.name}) == original


def test_a_variant_is_not_searched():
    [variant] = variants_of(config(tuner__enabled="true"), {"model.beta": [1.0]})
    assert not variant.config.tuner.enabled


@pytest.mark.parametrize(
    ("changes", "grid", "sentence"),
    [
        ({"model__kind": "ae"}, {"model.beta": [1.0]}, "model.beta: an autoencoder has no KL divergence"),
        ({}, {"model.latent_dim": [0]}, "model.latent_dim: 0 is not allowed: it should be greater than 0"),
        ({}, {"model.beta": [-1.0]}, "model.beta: -1.0 is not allowed"),
        ({}, {"model.bta": [1.0]}, "model.bta: there is no such setting of model or trainer; did you mean model.beta"),
        ({}, {"data.shards": [1]}, "data.shards: there is no such setting of model or trainer"),
        ({"name": "a" * 60}, {"model.beta": [1.0]}, "name: "),
    ],
)
def test_what_cannot_be_trained_is_refused_beforehand(changes: dict[str, str], grid: dict[str, list[float]], sentence: str):
    with pytest.raises(ConfigurationError, match=sentence):
        variants_of(config(**changes), grid)
