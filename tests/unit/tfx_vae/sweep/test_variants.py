"""Which models a sweep trains, and that they keep to themselves."""

from pathlib import Path

import pytest

from components.errors import ConfigurationError
from pipelines.config import PipelineConfig, load_config
from tfx_vae.sweep.variants import variants_of


def config(**changes: str) -> PipelineConfig:
    overrides = [f"{key.replace('__', '.')}={value}" for key, value in changes.items()]
    return load_config(Path("pipelines/configs/mnist_vae.yaml"), overrides)


def test_every_latent_size_comes_with_every_beta_once():
    found = variants_of(config(), [2, 8, 2], [0.5, 4.0])
    assert [(variant.latent_dim, variant.beta) for variant in found] == [(2, 0.5), (2, 4.0), (8, 0.5), (8, 4.0)]
    assert [(variant.config.model.latent_dim, variant.config.model.beta) for variant in found] == [
        (variant.latent_dim, variant.beta) for variant in found
    ]


def test_a_variant_has_another_name_and_no_other_difference():
    original = config(trainer__epochs="3", evaluator__thresholds="{negative_elbo: {upper: 90}}")
    [variant] = variants_of(original, [original.model.latent_dim], [original.model.beta])
    assert variant.config.name == "mnist-vae-sweep"
    assert variant.config.serving_dir != original.serving_dir
    assert variant.config.model_copy(update={"name": original.name}) == original


def test_a_variant_is_not_searched():
    [variant] = variants_of(config(tuner__enabled="true"), [2], [1.0])
    assert not variant.config.tuner.enabled


@pytest.mark.parametrize(
    ("changes", "latent_dims", "betas", "sentence"),
    [
        ({"model__kind": "ae"}, [2], [1.0], "no KL divergence"),
        ({}, [0], [1.0], "model.latent_dim: 0"),
        ({}, [2], [-1.0], "model.beta: -1.0"),
        ({"name": "a" * 60}, [2], [1.0], "name: "),
    ],
)
def test_what_cannot_be_trained_is_refused_beforehand(
    changes: dict[str, str], latent_dims: list[int], betas: list[float], sentence: str
):
    with pytest.raises(ConfigurationError, match=sentence):
        variants_of(config(**changes), latent_dims, betas)
