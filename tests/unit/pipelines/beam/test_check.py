"""Beam's own job server for Python, and a pool without its processes, both on ports of this machine."""

import multiprocessing
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest
from apache_beam.portability.api import beam_fn_api_pb2_grpc, beam_job_api_pb2
from apache_beam.runners.portability.local_job_service import LocalJobServicer

from components.errors import ConfigurationError
from pipelines.beam import check, worker
from pipelines.beam.config import BeamConfig

NOBODY = "localhost:9"


@pytest.fixture(scope="module")
def job_server() -> Iterator[str]:
    servicer = LocalJobServicer()
    port = servicer.start_grpc_server()
    yield f"localhost:{port}"
    servicer.stop()


@pytest.fixture(scope="module")
def pool() -> Iterator[str]:
    server = grpc.server(ThreadPoolExecutor(2))
    servicer = worker.Pool(multiprocessing.get_context("forkserver"))
    beam_fn_api_pb2_grpc.add_BeamFnExternalWorkerPoolServicer_to_server(servicer, server)
    port = server.add_insecure_port("localhost:0")
    server.start()
    yield f"localhost:{port}"
    server.stop(0)


def flink(**settings: Any) -> BeamConfig:
    return BeamConfig(runner="flink", **settings)


def test_an_engine_with_a_job_server_and_workers_of_the_same_code_is_accepted(job_server: str, pool: str):
    check.check_engine(flink(job_server=job_server, workers=pool))


def test_without_a_job_server_there_is_one_sentence(pool: str):
    with pytest.raises(ConfigurationError, match=r"job_server: no job server of Beam answers at localhost:9 \(unavailable\)"):
        check.check_engine(flink(job_server=NOBODY, workers=pool))


class SparkServicer(LocalJobServicer):  # type: ignore[misc, unused-ignore]  # Beam has no types
    def DescribePipelineOptions(self, *_: Any) -> Any:  # noqa: N802 (Beam's name)
        return beam_job_api_pb2.DescribePipelineOptionsResponse(options=[{"name": "runner"}, {"name": "spark_master"}])


def test_the_job_server_of_another_engine_is_told_apart(pool: str):
    servicer = SparkServicer()
    job_server = f"localhost:{servicer.start_grpc_server()}"

    with pytest.raises(
        ConfigurationError, match=r"is the job server of Spark; choose .* or .* of Flink \(scripts/flink.sh start"
    ):
        check.check_engine(flink(job_server=job_server, workers=pool))
    check.check_engine(BeamConfig(runner="spark", job_server=job_server, workers=pool))
    check.check_engine(BeamConfig(runner="PortableRunner", job_server=job_server, workers=pool))
    servicer.stop()


def test_something_else_at_its_port_is_told_apart(pool: str):
    with pytest.raises(ConfigurationError, match=r"job_server: what listens at localhost:[0-9]+ is no job server of Beam"):
        check.check_engine(flink(job_server=pool, workers=pool))


def test_without_a_pool_there_is_one_sentence(job_server: str):
    with pytest.raises(ConfigurationError, match=r"workers: no pool of workers answers at localhost:9 .* tfx-vae beam-worker"):
        check.check_engine(flink(job_server=job_server, workers=NOBODY))


def test_workers_with_other_code_are_refused(job_server: str, pool: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(check, "source_digest", lambda _: "another")

    with pytest.raises(ConfigurationError, match="have other code than this command"):
        check.check_engine(flink(job_server=job_server, workers=pool))


def test_workers_that_are_local_to_another_machine_are_not_asked(monkeypatch: pytest.MonkeyPatch):
    asked = []

    def answer(address: str, *_: Any) -> tuple[bytes, dict[str, Any]]:
        asked.append(address)
        return b"", {}

    monkeypatch.setattr(check, "_ask", answer)

    check.check_engine(flink(job_server="flink.example:8099"))

    assert asked == ["flink.example:8099"]


def test_a_job_server_that_beam_would_start_needs_java(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(shutil, "which", lambda _: None)

    with pytest.raises(
        ConfigurationError, match="FlinkRunner starts Beam's job server with Java, and there is no java on PATH"
    ):
        check.check_engine(flink())
    check.check_engine(flink(options={"job_endpoint": "localhost:1"}))
    check.check_engine(BeamConfig())
