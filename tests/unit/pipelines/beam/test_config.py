import json
from pathlib import Path

import pytest

from components.errors import ConfigurationError
from pipelines.beam.config import BEAM_RUNNERS, BeamConfig
from pipelines.config import load_config


@pytest.fixture
def config_file(tmp_path: Path) -> Path:
    path = tmp_path / "config.yaml"
    path.write_text("name: study\n")
    return path


def test_beam_stays_in_process_and_offline_by_default():
    assert BeamConfig().pipeline_args() == ["--runner=FnApiRunner", "--sdk_container_image=none"]


def test_without_a_job_server_a_runner_and_its_options_are_passed_through():
    beam = BeamConfig(
        runner="FlinkRunner", options={"flink_master": "host:8081", "parallelism": 4, "streaming": False, "fast": True}
    )

    assert beam.pipeline_args() == ["--runner=FlinkRunner", "--flink_master=host:8081", "--parallelism=4", "--fast"]


def test_with_a_job_server_the_workers_are_those_of_a_pool():
    beam = BeamConfig(runner="flink", job_server="jobs:8099", workers="pool:50000", parallelism=3, options={"fast": None})

    assert beam.pipeline_args() == [
        "--runner=FlinkRunner", "--job_endpoint=jobs:8099", "--environment_type=EXTERNAL", "--environment_config=pool:50000",
        "--parallelism=3", "--sdk_container_image=none", "--fast",
    ]  # fmt: skip


def test_an_engine_can_start_the_workers_of_this_installation():
    arguments = BeamConfig(runner="spark", job_server="jobs:8099", environment="process").pipeline_args()

    [settings] = [argument.partition("=")[2] for argument in arguments if argument.startswith("--environment_config=")]
    assert Path(json.loads(settings)["command"]).name == "tfx-vae-beam-worker"


def test_dataflow_has_its_own_names_for_workers_and_files():
    beam = BeamConfig(runner="dataflow", staging="gs://bucket/tmp", parallelism=8, image="mine:1")

    assert beam.pipeline_args() == [
        "--runner=DataflowRunner", "--max_num_workers=8", "--temp_location=gs://bucket/tmp", "--sdk_container_image=mine:1",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("setting", "sentence"),
    [
        ("{runner: Flonk}", 'runtime.beam.runner: "Flonk" is not allowed: it must be one of FnApiRunner, FlinkRunner,'),
        ("{runner: a b.c}", "or the full name of a class, package.module.Class"),
        (
            "{job_server: 'localhost:1'}",
            "runtime.beam.job_server: FnApiRunner has none; choose runtime.beam.runner flink or spark",
        ),
        ("{runner: flink, job_server: 'http://x:1'}", "it must be HOST:PORT, such as localhost:8082"),
        ("{runner: flink, job_server: 'x:1', environment: docker}", "docker needs runtime.beam.image"),
        (
            "{runner: flink, parallelism: 2, options: {parallelism: 4}}",
            "runtime.beam.options.parallelism is decided by the other",
        ),
        ("{runner: spark, parallelism: 2}", "runtime.beam.parallelism: Beam's job server for Spark decides it when it starts"),
        ("{runner: flink, parallelism: 0}", "greater than or equal to 1"),
        ("{runner: dataflow, staging: tmp}", "it must be a URI such as gs://BUCKET/DIRECTORY"),
    ],
)
def test_what_cannot_be_is_refused_with_a_sentence(config_file: Path, setting: str, sentence: str):
    with pytest.raises(ConfigurationError) as refused:
        load_config(config_file, [f"runtime.beam={setting}"])

    assert sentence in str(refused.value)


@pytest.mark.parametrize("name", ["FlinkRunner", "flink", "Flink", "flinkrunner"])
def test_a_runner_is_known_by_any_name_that_beam_takes(config_file: Path, name: str):
    assert load_config(config_file, [f"runtime.beam.runner={name}"]).runtime.beam.runner == "FlinkRunner"


def test_the_runners_are_those_that_beam_knows():
    from apache_beam.options.pipeline_options import StandardOptions

    assert sorted(BEAM_RUNNERS) == sorted(StandardOptions.KNOWN_RUNNER_NAMES)
