"""The whole pipeline, step by step, each on a machine of its own that has nothing but the bucket and ML Metadata."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from support.light_pipeline import configure, prepare_dataset
from support.servers import s3

from components import bucket
from components.artifacts.serving_directory import pushed_versions
from pipelines.config import PipelineConfig
from pipelines.kubeflow import node
from pipelines.kubeflow.compile import upstream_of_nodes
from pipelines.kubeflow.parameters import Parameters, as_text
from pipelines.mlmd.connections import open_store
from tfx_vae.cli import main

ROOT = "s3://bucket/tfx-vae"
QUICK = (
    "kubeflow.volume_claim=null", "trainer.epochs=1", "trainer.batch_size=8", "model.hidden_units=[8]", "model.latent_dim=2",
    "evaluator.thresholds={negative_elbo: {upper: 10000}}", "evaluator.slice_by_label=false", "report.tsne=false",
)  # fmt: skip


class Ran(NamedTuple):
    """Two runs, the exit statuses of their steps, the bucket's objects, and the arguments of commands that read them."""

    config: PipelineConfig
    statuses: list[dict[str, int]]
    objects: Path
    where: list[str]


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ran]:
    directory = tmp_path_factory.mktemp("s3")
    staging = directory / "staging"
    with s3(directory) as variables, pytest.MonkeyPatch.context() as patch:
        for name, value in {**variables, bucket.STAGING_VARIABLE: str(staging)}.items():
            patch.setenv(name, value)
        settings = (f"metadata.url=sqlite:///{directory}/metadata.sqlite", *QUICK)
        config = configure(ROOT, prepare_dataset(directory), *settings)
        statuses = [run_steps(config, run_id, staging) for run_id in ("first", "second")]
        shutil.rmtree(staging)
        where = ["--metadata", f"sqlite:///{directory}/metadata.sqlite", "--set", f"runtime.root={ROOT}"]
        yield Ran(config, statuses, directory / "buckets" / "bucket" / "tfx-vae", where)


def run_steps(config: PipelineConfig, run_id: str, staging: Path) -> dict[str, int]:
    statuses = {}
    for name in upstream_of_nodes(config):
        shutil.rmtree(staging, ignore_errors=True)
        statuses[name] = node.run_node(name, run_id, as_text(config), Parameters.of(config))
    return statuses


def call(*words: str) -> Any:
    done = CliRunner().invoke(main, [*words, "--json"])
    assert done.exit_code == 0, done.output
    return json.loads(done.stdout)


def test_every_step_finds_what_the_others_made(ran: Ran):
    assert [set(statuses.values()) for statuses in ran.statuses] == [{0}, {0}], ran.statuses
    artifacts = open_store(ran.config.metadata_location).get_artifacts()
    assert [artifact.uri for artifact in artifacts if not artifact.uri.startswith(f"{ROOT}/pipelines/mnist-smoke/")] == []
    for artifact in artifacts:
        path = ran.objects / artifact.uri.removeprefix(f"{ROOT}/")
        assert path.with_name(f".complete-{path.name}").exists(), artifact.uri
    [page] = ran.objects.glob("pipelines/mnist-smoke/ModelReport/report/*/index.html")
    assert "<html" in page.read_text()
    assert not list(ran.objects.glob("checkpoints/mnist-smoke/*/*"))


def test_a_second_run_is_served_from_the_cache(ran: Ran):
    runs = call("runs", *ran.where)["runs"]
    assert [run["id"] for run in runs if run["metrics"]] == ["second", "first"]
    states = {one["node"]: one["state"] for one in call("show", "second", *ran.where)["components"]}
    assert {state for name, state in states.items() if "Resolver" not in name} == {"cached"}


def test_the_pushed_version_is_in_the_bucket_and_can_be_served(ran: Ran):
    [version] = pushed_versions(ran.config.serving_dir)
    assert (ran.objects / "serving" / "mnist-smoke" / str(version.version) / "saved_model.pb").is_file()
    assert (version.path / "saved_model.pb").is_file() and list((version.path / "variables").iterdir())


def test_what_is_not_kept_is_deleted_from_the_bucket(ran: Ran):
    freed = call("gc", "--dry-run", "--keep-last", "0", *ran.where)
    assert freed["artifacts"] and all(one["size"] for one in freed["artifacts"])
    call("gc", "--keep-last", "0", *ran.where)
    for one in freed["artifacts"]:
        assert not bucket.exists(one["uri"]) and not list((ran.objects / one["uri"].removeprefix(f"{ROOT}/")).rglob("*.*"))
    assert call("runs", *ran.where)["runs"][0]["metrics"]
