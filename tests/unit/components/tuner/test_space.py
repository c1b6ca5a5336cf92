"""What may be searched, and in which words the rest is refused."""

from pathlib import Path

import pytest

from components.errors import ConfigurationError
from components.tuner.config import Dimension
from pipelines.config import PipelineConfig, load_config
from pipelines.strict_yaml import write_yaml

SMOKE = Path(__file__).parents[4] / "pipelines" / "configs" / "smoke.yaml"


def load(*overrides: str) -> PipelineConfig:
    return load_config(SMOKE, overrides)


@pytest.mark.parametrize(
    ("override", "sentence"),
    [
        (
            "{model.bta: [1, 4]}",
            "tuner.space.model.bta: there is no such setting of model or trainer; did you mean model.b",
        ),
        ("{runtime.root: [a, b]}", "tuner.space.runtime.root: there is no such setting of model or trainer"),
        ("{model.latent_dim: [0, 4]}", "tuner.space.model.latent_dim: 0 is not allowed: it should be greater than 0"),
        ("{model.latent_dim: [four, 8]}", 'tuner.space.model.latent_dim: "four" is not allowed: it should be a valid integer'),
        ("{model.latent_dim: [8]}", "tuner.space.model.latent_dim: [8] is not allowed: it needs two different values or more"),
        ("{model.beta: [1, 1.0]}", "tuner.space.model.beta: [1, 1.0] is not allowed: it needs two different values or more"),
        ("{model.latent_dim: 8}", "tuner.space.model.latent_dim: 8 is not allowed: it must be a list of values"),
        ("{model.beta: {min: 4, max: 1}}", "tuner.space.model.beta: min (4) must be below max (1)"),
        ("{model.beta: {min: 4}}", "tuner.space.model.beta: must be either a list of values or a range with min and max"),
        (
            "{model.beta: {min: 1, max: 4, choices: [1, 2]}}",
            "tuner.space.model.beta: must be either a list of values or",
        ),
        ("{model.beta: {min: 0, max: 4, sampling: log}}", "tuner.space.model.beta: min (0) must be above 0"),
        ("{model.beta: {min: 1, max: 4, step: 5}}", "tuner.space.model.beta: step (5) must be at most max - min"),
        ("{model.beta: {min: 1, max: 4, step: 1, sampling: log}}", "tuner.space.model.beta: step (1) must be above 1"),
        ("{model.beta: {min: 1, mx: 4}}", "tuner.space.model.beta.mx: there is no such key; did you mean max?"),
        (
            "{model.beta: {min: -1, max: 4}}",
            "tuner.space.model.beta: -1 is not allowed: it should be greater",
        ),
        ("{model.latent_dim: {min: 1.5, max: 4}}", "tuner.space.model.latent_dim: min, max and step must be whole numbers"),
        ("{model.hidden_units: {min: 1, max: 4}}", "tuner.space.model.hidden_units: it has no range: list its values"),
        ("{model.kind: [ae, vae]}", "tuner.space.model.kind: its values have losses that do not compare"),
        ("{}", "tuner.space: must name one setting or more"),
    ],
)
def test_a_space_that_cannot_be_searched_is_refused(override: str, sentence: str):
    with pytest.raises(ConfigurationError) as refused:
        load(f"tuner.space={override}")
    assert str(refused.value).startswith(sentence)
    assert "(in --set tuner.space" in str(refused.value)


@pytest.mark.parametrize(
    ("overrides", "sentence"),
    [
        (["tuner.search=hyperband", "tuner.space={trainer.epochs: [1, 2]}"], "tuner.space.trainer.epochs: hyperband"),
        (["tuner.epochs=3", "tuner.space={trainer.epochs: [1, 2]}"], "tuner.space.trainer.epochs: hyperband and tuner.epochs"),
        (["tuner.enabled=true", "trainer.distribution=multi_worker"], "tuner.enabled: trials train on one machine"),
        (
            ["tuner.enabled=true", "tuner.objective=frechet_distance", "evaluator.frechet_distance.enabled=false"],
            "tuner.objective: frechet_distance needs evaluator.frechet_distance.enabled=true",
        ),
        (["model.beta=2", "tuner.space={model.objective: [elbo, iwae]}"], 'tuner.space.model.objective: "iwae" is not allowed'),
        (["tuner.search=grid"], 'tuner.search: "grid" is not allowed'),
    ],
)
def test_a_search_that_contradicts_the_rest_of_the_configuration_is_refused(overrides: list[str], sentence: str):
    with pytest.raises(ConfigurationError) as refused:
        load(*overrides)
    assert str(refused.value).startswith(sentence)


def test_choices_may_be_anything_that_the_setting_takes():
    space = "{model.hidden_units: [[32], [64, 64]], trainer.early_stopping_patience: [null, 3], model.activation: [silu, relu]}"
    found = load(f"tuner.space={space}").tuner.space

    assert found["model.hidden_units"].choices == ([32], [64, 64])
    assert found["trainer.early_stopping_patience"].choices == (None, 3)


def test_settings_of_different_kinds_may_be_compared_by_their_samples():
    assert load("tuner.space={model.kind: [ae, vae]}", "tuner.objective=frechet_distance").tuner.space


def test_nested_keys_mean_dotted_ones_so_that_set_reaches_each_setting():
    found = load(
        "tuner.space={}", "tuner.space.model.beta={min: 1, max: 4}", "tuner.space.trainer.augmentation.share=[0.0, 0.5]"
    )

    assert found.tuner.space == {
        "model.beta": Dimension(min=1, max=4),
        "trainer.augmentation.share": Dimension(choices=(0.0, 0.5)),
    }


def test_the_printed_configuration_can_be_read_again(tmp_path: Path):
    config = load("tuner.enabled=true", "tuner.space.model.hidden_units=[[32], [64, 64]]", "tuner.search=hyperband")
    (tmp_path / "again.yaml").write_text(write_yaml(config.model_dump(mode="json")))

    assert load_config(tmp_path / "again.yaml") == config
