"""Runs and schedules, against a server that checks every request against Kubeflow's own models and keeps state."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.kubeflow_server import TOKEN, Failure, KubeflowServer

from components.errors import PipelineError
from pipelines.config import PipelineConfig
from pipelines.kubeflow import schedules
from pipelines.kubeflow.client import Connection, connected
from pipelines.kubeflow.parameters import Parameters

NIGHTLY = "0 0 3 * * *"
HOURLY = "0 0 * * * *"
PATIENCE = 2
"""Seconds, where the server never answers: short, but not for a machine with much to do."""


@pytest.fixture
def connection(server: KubeflowServer) -> Connection:
    return Connection(server.endpoint, token=TOKEN, timeout_seconds=60)


@pytest.fixture
def client(connection: Connection) -> Iterator[Any]:
    with connected(connection) as opened:
        yield opened


def schedule(connection: Connection, config: PipelineConfig, package: Path, cron: str = NIGHTLY) -> None:
    with connected(connection) as client:
        schedules.schedule(client, config, package, cron, Parameters.of(config))


def test_a_run_is_of_a_new_version_of_the_one_pipeline(
    client: Any, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    for _ in range(3):
        schedules.submit(client, smoke, golden, Parameters.of(smoke))
    assert [pipeline["display_name"] for pipeline in server.pipelines.values()] == ["mnist-smoke"]
    assert [experiment["display_name"] for experiment in server.experiments.values()] == ["mnist-smoke"]
    run_versions = [run["pipeline_version_reference"]["pipeline_version_id"] for run in server.runs.values()]
    assert sorted(run_versions) == sorted(server.versions)
    assert len(set(run_versions)) == 3
    # Where KFP keeps pipelines in Kubernetes, a version is an object of this name.
    for version in server.versions.values():
        assert re.fullmatch(r"[a-z0-9]([-a-z0-9]*[a-z0-9])?", version["display_name"])


def test_a_run_is_sent_what_differs_from_what_is_compiled_and_nothing_else(
    client: Any, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    id_ = schedules.submit(client, smoke, golden, replace(Parameters.of(smoke), epochs=7, run_date="2026-01-31"))
    assert server.runs[id_]["runtime_config"]["parameters"] == {"epochs": 7, "run_date": "2026-01-31"}
    assert server.runs[id_]["service_account"] == "tfx-vae"


def test_what_is_made_is_made_in_the_namespace_of_the_profile(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    schedule(replace(connection, namespace="alice"), smoke, golden)
    made = [*server.experiments.values(), *server.pipelines.values()]
    assert [item["namespace"] for item in made] == ["alice", "alice"]
    with connected(replace(connection, namespace="alice")) as client:
        assert [found.name for found in schedules.list_schedules(client)] == ["mnist-smoke"]


def test_a_schedule_runs_one_at_a_time_and_does_not_catch_up(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    schedule(connection, smoke, golden)
    [made] = server.schedules.values()
    assert made["trigger"] == {"cron_schedule": {"cron": NIGHTLY}}
    assert (made["max_concurrency"], made["no_catchup"], made["status"]) == ("1", True, "ENABLED")
    assert (made["display_name"], made["service_account"]) == ("mnist-smoke", "tfx-vae")


def test_scheduling_again_leaves_one_schedule_of_the_new_version(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    schedule(connection, smoke, golden)
    schedule(connection, smoke, golden, HOURLY)
    [made] = server.schedules.values()
    assert (made["trigger"]["cron_schedule"]["cron"], made["status"]) == (HOURLY, "ENABLED")
    newest = list(server.versions)[-1]
    assert made["pipeline_version_reference"]["pipeline_version_id"] == newest


def test_a_schedule_of_another_pipeline_is_left_alone(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    for name in ("one", "two", "three", "one"):
        schedule(connection, smoke.model_copy(update={"name": name}), golden)
    with connected(connection) as client:
        assert [found.name for found in schedules.list_schedules(client)] == ["one", "three", "two"]
        schedules.unschedule(client, smoke.model_copy(update={"name": "two"}))
    assert sorted(found["display_name"] for found in server.schedules.values()) == ["one", "three"]


def test_a_schedule_whose_runs_are_to_be_filed_elsewhere_takes_the_place_of_the_one_before(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    schedule(connection, smoke, golden)
    elsewhere = smoke.model_copy(update={"kubeflow": smoke.kubeflow.model_copy(update={"experiment": "nightly"})})
    schedule(connection, elsewhere, golden)
    [made] = server.schedules.values()
    assert server.experiments[made["experiment_id"]]["display_name"] == "nightly"


@pytest.mark.parametrize(("action", "status"), [(schedules.pause, "DISABLED"), (schedules.resume, "ENABLED")])
def test_to_pause_or_resume_twice_is_to_do_it_once(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path, action: Any, status: str
):
    schedule(connection, smoke, golden)
    with connected(connection) as client:
        action(client, smoke)
        action(client, smoke)
    assert [found["status"] for found in server.schedules.values()] == [status]


def test_of_two_schedules_that_were_made_by_hand_none_is_resumed(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    schedule(connection, smoke, golden)
    [made] = server.schedules.values()
    server.schedules["another"] = made | {"recurring_run_id": "another"}
    with connected(connection) as client:
        schedules.pause(client, smoke)
    with pytest.raises(PipelineError, match="There are 2 schedules for mnist-smoke: run"), connected(connection) as client:
        schedules.resume(client, smoke)
    assert server.enabled() == []
    schedule(connection, smoke, golden)
    assert [found["status"] for found in server.schedules.values()] == ["ENABLED"]


def test_a_paused_schedule_does_not_fire_until_it_is_resumed(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    schedule(connection, smoke, golden)
    with connected(connection) as client:
        schedules.pause(client, smoke)
        assert server.enabled() == []
        assert [found.enabled for found in schedules.list_schedules(client)] == [False]
        schedules.resume(client, smoke)
    assert len(server.enabled()) == 1


@pytest.mark.parametrize("action", [schedules.pause, schedules.resume, schedules.unschedule])
def test_without_a_schedule_there_is_nothing_to_change(connection: Connection, smoke: PipelineConfig, action: Any):
    with pytest.raises(PipelineError, match="There is no schedule for mnist-smoke"), connected(connection) as client:
        action(client, smoke)


CREATE = ("POST", "/recurringruns")


@pytest.mark.parametrize(
    ("status", "carried_out"),
    [(400, False), (401, False), (404, False), (409, False), (500, False), (500, True), (0, False), (0, True)],
)
@pytest.mark.parametrize("had_one", [False, True])
def test_a_create_that_fails_leaves_what_there_was_before(
    connection: Connection,
    server: KubeflowServer,
    smoke: PipelineConfig,
    golden: Path,
    status: int,
    carried_out: bool,
    had_one: bool,
):
    if had_one:
        schedule(connection, smoke, golden)
    before = {id_: dict(found) for id_, found in server.schedules.items()}
    versions = set(server.versions)
    server.failures.append(Failure(*CREATE, status, after=carried_out))

    with pytest.raises(PipelineError):
        schedule(connection if status else replace(connection, timeout_seconds=PATIENCE), smoke, golden, HOURLY)

    assert server.schedules == before
    assert set(server.versions) == versions


def test_where_the_old_schedule_cannot_be_deleted_it_stays_alone(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    schedule(connection, smoke, golden)
    before = dict(server.schedules)
    server.failures.append(Failure("DELETE", "/recurringruns/[^/]+", 500))
    with pytest.raises(PipelineError, match=r"failed \(500\)"):
        schedule(connection, smoke, golden, HOURLY)
    assert server.schedules == before


@pytest.mark.parametrize("status", [404, 500])
def test_where_the_old_schedule_is_deleted_though_the_answer_is_an_error_the_new_one_takes_its_place(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path, status: int
):
    schedule(connection, smoke, golden)
    server.failures.append(Failure("DELETE", "/recurringruns/[^/]+", status, after=True))
    schedule(connection, smoke, golden, HOURLY)
    [made] = server.schedules.values()
    assert (made["trigger"]["cron_schedule"]["cron"], made["status"]) == (HOURLY, "ENABLED")


def test_if_the_old_schedule_may_be_deleted_the_user_is_told_to_schedule_again(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    schedule(connection, smoke, golden)
    server.failures.append(Failure("DELETE", "/recurringruns/[^/]+", 500, after=True))
    server.failures.append(Failure("GET", "/recurringruns", 500, skip=1))
    with pytest.raises(PipelineError, match="run `tfx-vae kubeflow schedule` again"):
        schedule(connection, smoke, golden, HOURLY)
    assert server.enabled() == []

    schedule(connection, smoke, golden, HOURLY)
    assert [found["status"] for found in server.schedules.values()] == ["ENABLED"]


def test_a_new_schedule_that_cannot_be_enabled_says_how_to_do_it_later(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    server.failures.append(Failure("POST", ":enable", 500))
    with pytest.raises(PipelineError, match=r"did not confirm that it is enabled: .*tfx-vae kubeflow resume"):
        schedule(connection, smoke, golden)
    with connected(connection) as client:
        schedules.resume(client, smoke)
    assert len(server.enabled()) == 1


def test_never_are_there_two_schedules_that_fire(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    schedule(connection, smoke, golden)
    schedule(connection, smoke, golden, HOURLY)
    assert server.most_enabled == 1


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (401, r"refuses access \(401\): put a valid token into KF_PIPELINES_TOKEN"),
        (403, r"refuses access \(403\)"),
        (404, r"\(404\): is this the address of its API\?"),
        (409, r"already has something of that name \(409\)"),
        (500, r"failed \(500\): try again, or look at its log"),
        (0, r"did not answer within 2 seconds"),
    ],
)
def test_what_goes_wrong_is_one_sentence_with_what_the_server_says(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, status: int, sentence: str
):
    server.failures.append(Failure("GET", "/recurringruns", status, message="because of this"))
    connection = connection if status else replace(connection, timeout_seconds=PATIENCE)
    with pytest.raises(PipelineError, match=sentence) as caught, connected(connection) as client:
        schedules.list_schedules(client)
    assert server.endpoint in str(caught.value)
    assert status == 0 or str(caught.value).endswith("because of this")
    assert "\n" not in str(caught.value)


def test_a_server_that_is_not_there_is_told_at_once():
    nowhere = connected(Connection("http://127.0.0.1:1", timeout_seconds=5))
    with (
        pytest.raises(PipelineError, match=r"at http://127\.0\.0\.1:1 cannot be reached: is --endpoint right"),
        nowhere as client,
    ):
        schedules.list_schedules(client)


def test_a_wrong_token_is_refused_without_being_repeated(connection: Connection):
    refusing = connected(replace(connection, token="wr0ng-t0ken"))
    with pytest.raises(PipelineError, match=r"refuses access \(401\)") as caught, refusing as client:
        schedules.list_schedules(client)
    assert "wr0ng" not in str(caught.value)
    assert "wr0ng" not in repr(replace(connection, token="wr0ng-t0ken"))


def test_two_pipelines_of_one_name_are_not_guessed_at(
    connection: Connection, server: KubeflowServer, smoke: PipelineConfig, golden: Path
):
    server.pipelines |= {id_: {"pipeline_id": id_, "display_name": "mnist-smoke"} for id_ in ("1", "2", "3")}
    with pytest.raises(PipelineError, match="has 3 pipelines named mnist-smoke"):
        schedule(connection, smoke, golden)
    assert server.schedules == {}
