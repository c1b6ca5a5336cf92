"""What is refused before anything slow is imported."""

from pathlib import Path

import pytest

from components.errors import ConfigurationError, PipelineError
from pipelines.config import PipelineConfig, load_config
from pipelines.local import preflight

PROJECT = Path(__file__).parents[4]


def config(tmp_path: Path, *overrides: str) -> PipelineConfig:
    path = tmp_path / "config.yaml"
    path.write_text(f"name: study\nruntime: {{root: {tmp_path / 'runs'}}}\n")
    return load_config(path, overrides, base=PROJECT)


def test_a_good_configuration_passes_and_its_directories_are_made(tmp_path: Path):
    preflight.check(config(tmp_path))

    assert (tmp_path / "runs" / "serving" / "study").is_dir()


def test_a_missing_schema_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"data\.schema_path: there is no file /nowhere/schema\.pbtxt"):
        preflight.check(config(tmp_path, "data.schema_path=/nowhere/schema.pbtxt"))


def test_a_missing_dataset_directory_is_named(tmp_path: Path):
    with pytest.raises(ConfigurationError, match=r"data\.directory: there is no directory /nowhere"):
        preflight.check(config(tmp_path, "data.dataset=null", "data.directory=/nowhere"))


@pytest.mark.parametrize("key", ["runtime.root", "pusher.serving_dir", "data.data_dir"])
def test_a_directory_that_cannot_be_written_is_named_with_the_way_out(tmp_path: Path, key: str):
    (tmp_path / "file").write_text("")

    with pytest.raises(PipelineError, match=rf"{tmp_path}/file/below cannot be written \(Not a directory\): .*--set {key}"):
        preflight.check(config(tmp_path, f"{key}={tmp_path}/file/below"))


def test_where_docker_is_wanted_and_not_there_the_way_out_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    preflight.check(config(tmp_path))

    with pytest.raises(
        ConfigurationError, match=r"^infra_validator\.docker: no Docker answers .* --set infra_validator\.docker=false"
    ):
        preflight.check(config(tmp_path, "infra_validator.docker=true"))
