"""The whole pipeline, step by step, with artifacts that only TensorFlow's and Beam's file systems reach."""

import os
from pathlib import Path
from typing import Any

import pytest
from support.file_uris import FileUriSystem
from support.light_pipeline import configure, prepare_dataset

from components.errors import ConfigurationError
from pipelines.config import PipelineConfig
from pipelines.kubeflow import node
from pipelines.kubeflow.compile import upstream_of_nodes
from pipelines.kubeflow.parameters import Parameters, as_text
from pipelines.mlmd.connections import open_store
from pipelines.pipeline import create_pipeline


def configure_uri(directory: Path, uri: str, *settings: str) -> PipelineConfig:
    dataset = prepare_dataset(directory)
    quick = (
        "trainer.epochs=1", "trainer.batch_size=8", "model.hidden_units=[8]", "model.latent_dim=2",
        "evaluator.thresholds={negative_elbo: {upper: 10000}}", "evaluator.slice_by_label=false", "report.tsne=false",
    )  # fmt: skip
    return configure(
        directory / "runs", dataset, f"runtime.pipeline_root={uri}", "kubeflow.volume_claim=null", *quick, *settings
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[PipelineConfig, dict[str, int], list[str]]:
    """The configuration, the exit status of each step, and what lies in the working directory afterwards."""
    assert FileUriSystem.scheme() == "file"
    directory = tmp_path_factory.mktemp("store")
    config = configure_uri(directory, f"file://{directory}/artifacts")
    workplace = directory / "workplace"
    workplace.mkdir()
    before = Path.cwd()
    os.chdir(workplace)
    try:
        statuses = {
            name: node.run_node(name, "run", as_text(config), Parameters.of(config)) for name in upstream_of_nodes(config)
        }
    finally:
        os.chdir(before)
    return config, statuses, [path.name for path in workplace.rglob("*")]


def test_every_component_reads_and_writes_there(ran: Any):
    config, statuses, _ = ran
    assert set(statuses.values()) == {0}, statuses
    artifacts = open_store(config.metadata_location).get_artifacts()
    assert len(artifacts) > len(statuses)
    assert [artifact.uri for artifact in artifacts if not artifact.uri.startswith(f"{config.pipeline_root}/")] == []
    root = Path(config.runtime.pipeline_root.removeprefix("file://")) / config.name
    assert {path.name for path in root.iterdir()} >= set(statuses) - {"DriftResolver", "BaselineResolver"}
    [page] = root.glob("ModelReport/report/*/index.html")
    assert "<html" in page.read_text()
    assert list(root.glob("Trainer/model_run/*/eval/events*"))


def test_what_is_blessed_is_pushed_to_the_volume_whole(ran: Any):
    config, _, _ = ran
    [version] = config.serving_dir.iterdir()
    assert (version / "saved_model.pb").is_file()
    assert list((version / "variables").iterdir())


def test_no_component_takes_the_uri_for_a_path(ran: Any):
    assert ran[2] == []


def test_what_tensorflow_and_beam_do_not_both_serve_is_refused(tmp_path: Path):
    config = configure_uri(tmp_path, "ram://bucket/directory")
    with pytest.raises(ConfigurationError, match=r"runtime\.pipeline_root: .* ram://; use a path or gs://"):
        create_pipeline(config)


def test_gs_is_not_refused(tmp_path: Path):
    config = configure_uri(tmp_path, "gs://bucket/directory/")
    assert create_pipeline(config).pipeline_info.pipeline_root == "gs://bucket/directory/mnist-smoke"
