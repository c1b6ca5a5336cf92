"""What a step is handed, and what it makes of it."""

import datetime
import json
from pathlib import Path

import pytest

from components import bucket
from components.errors import ConfigurationError
from pipelines.config import PipelineConfig, load_config
from pipelines.kubeflow.parameters import Parameters, as_text, configuration, parse_run_date

PROJECT = Path(__file__).parents[4]
SMOKE = PROJECT / "pipelines" / "configs" / "smoke.yaml"


def load(*settings: str) -> PipelineConfig:
    return load_config(SMOKE, settings, base=Path())


def test_a_step_gets_the_configuration_that_was_compiled_but_for_where_it_runs():
    config = load("kubeflow.volume_claim=null")
    rebuilt = configuration(as_text(config), Parameters.of(config))
    here = load_config(SMOKE, ["kubeflow.volume_claim=null"])
    assert rebuilt == here.model_copy(update={"kubeflow": rebuilt.kubeflow})


def test_what_a_run_writes_lies_on_the_shared_volume_and_what_it_reads_in_the_image():
    values = json.loads(as_text(load("pusher.serving_dir=served", "data.data_dir=/elsewhere")))
    assert values["runtime"]["root"] == "/mnt/tfx-vae/runs"
    assert values["pusher"]["serving_dir"] == "/mnt/tfx-vae/served"
    assert values["data"]["data_dir"] == "/elsewhere"
    assert values["data"]["schema_path"] == "schema/schema.pbtxt"


def test_a_bucket_is_the_same_for_every_step_wherever_its_copies_lie(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    text = as_text(load("runtime.root=s3://bucket/tfx-vae/", "pusher.serving_dir=s3://models/served"))
    monkeypatch.setenv(bucket.STAGING_VARIABLE, str(tmp_path))
    config = configuration(text, None)
    assert config.runtime.root == tmp_path / "bucket" / "tfx-vae"
    assert config.serving_dir == tmp_path / "models" / "served"
    assert config.settings()["runtime"]["root"] == "s3://bucket/tfx-vae"


def test_the_text_is_one_line_since_kfp_writes_it_into_a_comment():
    assert "\n" not in as_text(load())


def test_a_run_changes_what_its_parameters_say_and_nothing_else():
    config = load("data.dataset=null", "data.directory=/data/digits/1.0.0")
    parameters = Parameters.of(config).changed(("epochs=7", "latent_dim=4", "beta=0.5", "dataset=kmnist"))
    changed = configuration(as_text(config), parameters)
    assert (changed.trainer.epochs, changed.model.latent_dim, changed.model.beta) == (7, 4, 0.5)
    assert (changed.data.dataset, changed.data.directory) == ("kmnist", None)
    assert changed.trainer.batch_size == config.trainer.batch_size


def test_without_a_dataset_the_configured_directory_stays():
    config = load("data.dataset=null", "data.directory=/data/digits/1.0.0")
    assert Parameters.of(config).dataset == ""
    assert configuration(as_text(config), Parameters.of(config)).data.directory == Path("/data/digits/1.0.0")


def test_the_date_of_the_run_names_the_data_of_that_day():
    config = load("data.dataset=null", "data.directory=/data/{run_date}")
    dated = configuration(as_text(config), Parameters.of(config), datetime.date(2026, 1, 31))
    assert dated.data.directory == Path("/data/2026-01-31")
    assert dated.data.splits == config.data.splits


@pytest.mark.parametrize(
    ("word", "reason"),
    [
        ("epoch=3", "with a NAME of epochs, latent_dim, beta, dataset, run_date"),
        ("epochs", "must have the form NAME=VALUE"),
        ("epochs=3.5", "epochs must be a whole number"),
        ("beta=much", "beta must be a number"),
    ],
)
def test_a_parameter_that_does_not_exist_or_fit_is_refused(word: str, reason: str):
    with pytest.raises(ConfigurationError, match=reason):
        Parameters.of(load()).changed((word,))


def test_a_parameter_out_of_range_is_refused_by_its_full_name():
    config = load()
    with pytest.raises(ConfigurationError, match=r"trainer\.epochs: 0 is not allowed"):
        configuration(as_text(config), Parameters.of(config).changed(("epochs=0",)))


@pytest.mark.parametrize("text", ["", "{", "[]", '{"name": "x"}'])
def test_a_damaged_configuration_is_told_as_such(text: str):
    with pytest.raises(ConfigurationError, match="is damaged: compile the pipeline again"):
        configuration(text, Parameters.of(load()))


def test_a_date_is_read_or_refused():
    assert parse_run_date("") is None
    assert parse_run_date("2026-01-31") == datetime.date(2026, 1, 31)
    with pytest.raises(ConfigurationError, match=r"'31\.1\.2026' is not a date: write it as 2026-01-31"):
        parse_run_date("31.1.2026")
