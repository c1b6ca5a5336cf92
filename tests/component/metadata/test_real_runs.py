"""Components through TFX's launcher write, the commands read: on SQLite, on a MariaDB and on a PostgreSQL of our own."""

import contextlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from ml_metadata.proto import metadata_store_pb2
from support.history import History
from support.light_pipeline import NODES, configure, prepare_dataset, run_light
from support.servers import PASSWORD

from components.errors import PipelineError
from pipelines.config import PipelineConfig
from pipelines.local.display import NodeState
from pipelines.mlmd.connections import open_store
from pipelines.mlmd.location import PASSWORD_VARIABLE, Backend, Location
from pipelines.mlmd.record import KILLED, start_record
from tfx_vae.metadata.gc.collect import collect
from tfx_vae.metadata.gc.protection import Policy
from tfx_vae.metadata.reader import open_database, read_runs, read_snapshot

Ask = Callable[..., Result]


@pytest.fixture(scope="session")
def dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prepare_dataset(tmp_path_factory.mktemp("prepared"))


@pytest.fixture
def config(tmp_path: Path, dataset: Path) -> PipelineConfig:
    return configure(tmp_path / "runs", dataset)


def states(config: PipelineConfig) -> dict[str, NodeState]:
    return {node: result.state for node, result in run_light(config).items()}


def test_tfx_makes_anew_what_gc_deleted_and_takes_the_rest_from_the_cache(config: PipelineConfig, dataset: Path):
    two_shards = configure(config.runtime.root, dataset, "data.shards=2")
    first = run_light(config)["TfdsExampleGen"].outputs["examples"][0]
    assert states(config)["TfdsExampleGen"] is NodeState.CACHED
    second = run_light(two_shards)["TfdsExampleGen"].outputs["examples"][0]

    plan = collect(config.metadata_location, config.runtime.root, Policy(), lambda reason: contextlib.nullcontext())
    assert [freed.artifact.id for freed in plan.artifacts] == [first.id]
    assert not Path(first.uri).exists()

    assert states(two_shards) == dict.fromkeys(NODES, NodeState.CACHED)
    assert Path(second.uri).exists()
    again = run_light(config)
    assert again["TfdsExampleGen"].state is NodeState.RAN
    assert again["ImportSchemaGen"].state is NodeState.CACHED
    assert again["TfdsExampleGen"].outputs["examples"][0].id != first.id


def test_a_cached_run_differs_from_its_original_in_nothing(config: PipelineConfig, ask: Ask):
    first = run_light(config)["TfdsExampleGen"]
    assert states(config)["TfdsExampleGen"] is NodeState.CACHED
    assert first.state is NodeState.RAN
    latest, original = (run["id"] for run in json.loads(ask(config.metadata_location, "runs", "--json").stdout)["runs"])
    found = json.loads(ask(config.metadata_location, "diff", original, latest, "--json").stdout)
    assert (found["parameters"], found["data"]) == ([], [])


def test_even_the_untouched_files_of_a_deleted_artifact_are_not_served(config: PipelineConfig):
    [examples] = run_light(config)["TfdsExampleGen"].outputs["examples"]
    store = open_store(config.metadata_location)
    examples.state = examples.DELETED
    store.put_artifacts([examples])
    assert states(config)["TfdsExampleGen"] is NodeState.RAN


def test_a_component_that_fails_leaves_its_reason_in_ml_metadata(config: PipelineConfig, ask: Ask, dataset: Path):
    wrong = configure(config.runtime.root, dataset, "data.image_feature=picture")
    with pytest.raises(PipelineError):
        run_light(wrong)
    shown = json.loads(ask(config.metadata_location, "show", "latest", "--json").stdout)
    assert shown["run"]["state"] == "failed"
    assert "picture" in shown["run"]["error"]
    [failed] = [component for component in shown["components"] if component["state"] == "failed"]
    assert (failed["node"], failed["error"]) == ("TfdsExampleGen", shown["run"]["error"])


def test_the_next_run_ends_in_ml_metadata_what_was_killed(config: PipelineConfig, ask: Ask):
    config.log_dir.mkdir(parents=True)
    log = config.log_dir / "killed.log"
    log.touch()
    start_record(open_store(config.metadata_location), config.name, "killed", config.pipeline_root, log)
    run_light(config)
    runs = {run["id"]: run for run in json.loads(ask(config.metadata_location, "runs", "--json").stdout)["runs"]}
    assert (runs["killed"]["state"], runs["killed"]["error"]) == ("failed", KILLED)
    assert {run["state"] for id_, run in runs.items() if id_ != "killed"} == {"complete"}


@pytest.fixture(params=["mysql", "postgresql"])
def server(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Location:
    location: Location = request.getfixturevalue(request.param)
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    return location


def test_a_server_is_written_by_tfx_and_read_by_every_command(
    server: Location, tmp_path: Path, dataset: Path, ask: Ask, in_memory: Path
):
    config = configure(tmp_path / "runs", dataset, f"metadata.url={server}")
    assert states(config) == dict.fromkeys(NODES, NodeState.RAN)
    assert states(config) == dict.fromkeys(NODES, NodeState.CACHED)
    shown = json.loads(ask(server, "show", "latest", "--json").stdout)
    assert [component["state"] for component in shown["components"]] == ["cached", "cached"]
    [examples] = shown["components"][1]["outputs"]["examples"]
    assert (examples["properties"]["dataset"], examples["properties"]["dataset_version"]) == ("digits", "1.0.0")

    # Beside it runs to their end, and everything there is to say of them, in any language.
    history = History(in_memory / server.backend, server)
    first, second = history.run("größen", blessed=False), history.run("größen", epochs=5)
    runs = json.loads(ask(server, "runs", "--pipeline", "größen", "--json").stdout)["runs"]
    assert [(run["id"], run["pipeline"]) for run in runs] == [(second.id, "größen"), (first.id, "größen")]
    assert runs[0]["metrics"]["negative_elbo"] == 100.0
    [epochs] = json.loads(ask(server, "diff", first.id, second.id, "--json").stdout)["parameters"]
    assert (epochs["first"], epochs["second"]) == (3, 5)
    lineage = json.loads(ask(server, "lineage", runs[0]["pushed_version"], "--json").stdout)
    assert {node["kind"] for node in lineage["nodes"]} == {"artifact", "execution", "dataset", "configuration"}

    freed = json.loads(ask(server, "gc", "--json", "--set", f"runtime.root={history.root}").stdout)
    assert {artifact["id"] for artifact in freed["artifacts"]} == {
        id_ for name, id_ in first.artifacts.items() if name != "evaluation"
    }
    listed = json.loads(ask(server, "artifacts", "--type", "Model", "--json").stdout)["artifacts"]
    assert [artifact["state"] for artifact in listed] == ["live", "deleted"]
    compiled_and_logged = [path.read_bytes() for path in config.runtime.root.rglob("*") if path.is_file()]
    assert not any(PASSWORD.encode() in content for content in compiled_and_logged)


@pytest.mark.parametrize("mistake", ["password", "port", "database"])
def test_a_server_that_cannot_be_read_is_told_in_one_sentence_without_the_password(server: Location, mistake: str, ask: Ask):
    wrong = {"password": replace(server), "port": replace(server, port=1), "database": replace(server, database="nowhere")}
    environment = {PASSWORD_VARIABLE: "wr0ng-s3cret"} if mistake == "password" else {}
    result = ask(wrong[mistake], "runs", **environment)
    assert result.exit_code == 1
    assert result.stderr.startswith(f"The ML Metadata database {wrong[mistake]} cannot be read: ")
    assert len(result.stderr.splitlines()) == 1
    assert PASSWORD not in result.stderr
    assert "wr0ng-s3cret" not in result.stderr


def test_a_server_refuses_what_the_commands_would_write(server: Location):
    from pipelines.mlmd.connections import reading

    open_store(server)
    with reading(server) as connection, pytest.raises(Exception, match=r"(?i)read.only"):
        connection.cursor().execute("DELETE FROM Event")


def test_the_client_of_ml_metadata_says_what_may_keep_it_from_connecting(server: Location):
    with pytest.raises(PipelineError, match=f"ML Metadata's client cannot connect to {server}") as caught:
        open_store(replace(server, password="wr0ng-s3cret"))
    assert "wr0ng-s3cret" not in str(caught.value)
    assert ("mysql_native_password" in str(caught.value)) == (server.backend is Backend.MYSQL)


def test_texts_with_backslashes_come_back_as_they_were_and_are_read_so(server: Location, ask: Ask):
    # ML Metadata's own client for PostgreSQL refuses them as a syntax error.
    text = json.dumps({"metrics": json.dumps({"name": 'negative "elbo"'}), "path": "C:\\runs\\größe"})
    store = open_store(server)
    type_id = store.put_execution_type(metadata_store_pb2.ExecutionType(name="Backslashes"))
    execution = metadata_store_pb2.Execution(type_id=type_id)
    execution.custom_properties["text"].string_value = text
    [id_] = store.put_executions([execution])
    [stored] = store.get_executions_by_id([id_])
    assert stored.custom_properties["text"].string_value == text
    with open_database(server) as database:
        assert read_snapshot(database, read_runs(database)).executions[id_].properties["text"] == text
