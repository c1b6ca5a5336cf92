"""What goes into the container agrees with what the pipelines push, as far as can be seen without Docker."""

import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml
from google.protobuf import text_format
from support.digits import PROJECT
from tensorflow_serving.config.model_server_config_pb2 import ModelConfig, ModelServerConfig

from pipelines.config import PipelineConfig, load_config

SERVING = PROJECT / "serving"
FLAGS = {"port", "rest_api_port", "model_config_file", "model_config_file_poll_wait_seconds"}


@pytest.fixture
def service() -> Any:
    composition = yaml.safe_load((SERVING / "docker-compose.yml").read_text())
    assert composition.keys() == {"name", "services"}
    [service] = composition["services"].values()
    return service


@pytest.fixture
def mounted(service: Any) -> dict[str, Path]:
    """What lies where in the container, unless the environment says otherwise."""
    without_variables = {volume["target"]: re.sub(r"\$\{\w+:-(.*)\}", r"\1", volume["source"]) for volume in service["volumes"]}
    return {target: (SERVING / source).resolve() for target, source in without_variables.items()}


@pytest.fixture
def pipelines() -> dict[str, PipelineConfig]:
    """The pipelines of this repository by name."""
    configurations = [load_config(path, ()) for path in (PROJECT / "pipelines" / "configs").glob("*.yaml")]
    return {configuration.name: configuration for configuration in configurations}


def models(text: str) -> list[ModelConfig]:
    return list(text_format.Parse(text, ModelServerConfig()).model_config_list.config)


@pytest.fixture
def configuration() -> str:
    return (SERVING / "models.config").read_text()


@pytest.fixture
def whole_configuration(configuration: str) -> str:
    """With the entry that waits for its first push."""
    return re.sub(r"^  # (?=config \{|  |\}$)", "  ", configuration, flags=re.MULTILINE)


def test_a_server_starts_with_what_make_run_pushes_and_may_add_the_autoencoder(configuration: str, whole_configuration: str):
    assert [model.name for model in models(configuration)] == ["mnist-vae"]
    assert [model.name for model in models(whole_configuration)] == ["mnist-vae", "mnist-ae"]


def test_every_model_is_served_from_where_its_pipeline_pushes(
    whole_configuration: str, mounted: dict[str, Path], pipelines: dict[str, PipelineConfig]
):
    for model in models(whole_configuration):
        folder = Path(model.base_path)
        assert mounted[str(folder.parent)] / folder.name == (PROJECT / pipelines[model.name].serving_dir).resolve()


def test_only_the_newest_version_is_served(whole_configuration: str):
    for model in models(whole_configuration):
        assert model.model_platform == "tensorflow"
        assert model.model_version_policy.WhichOneof("policy_choice") == "latest"
        assert model.model_version_policy.latest.num_versions == 1


def test_the_image_is_of_the_tensorflow_that_exports(service: Any):
    image, _, tag = service["image"].partition(":")

    assert image == "tensorflow/serving"
    assert re.fullmatch(r"\d+\.\d+\.\d+", tag)
    assert tag.split(".")[:2] == version("tensorflow").split(".")[:2]


def test_the_command_has_flags_of_the_server_and_files_that_are_mounted(service: Any, mounted: dict[str, Path]):
    flags = dict(argument.removeprefix("--").split("=") for argument in service["command"])

    assert service["entrypoint"] == ["tensorflow_model_server"]
    assert flags.keys() == FLAGS
    assert service["ports"] == [f"127.0.0.1:{flags[port]}:{flags[port]}" for port in ("port", "rest_api_port")]
    for file in (flags["model_config_file"], service["healthcheck"]["test"][-1]):
        folder, _, name = file.rpartition("/")
        assert (mounted[folder] / name).is_file()


def test_the_container_may_only_read_and_is_not_root(service: Any):
    assert all(volume["read_only"] for volume in service["volumes"])
    assert int(service["user"].partition(":")[0]) > 0
