"""Whether the engine that the configuration names is there, before anything runs."""

import shutil
from collections.abc import Mapping
from typing import Any, Final

from components.errors import ConfigurationError
from components.source_digest import source_digest
from pipelines.beam.config import WORKER_COMMAND, BeamConfig, Environment

SOURCE: Final = "tfx-vae-source"
"""By this name a pool of workers says, beside every answer, which source code it has loaded."""

_JOB_SERVER: Final = "/org.apache.beam.model.job_management.v1.JobService/DescribePipelineOptions"
_POOL: Final = "/org.apache.beam.model.fn_execution.v1.BeamFnExternalWorkerPool/StopWorker"
_HERE: Final = ("localhost", "127.0.0.1")
_SECONDS: Final = 10
_NO_JAVA_HERE: Final = {"job_endpoint", "flink_submit_uber_jar", "spark_submit_uber_jar", "job_server_java_launcher"}


def check_engine(beam: BeamConfig) -> None:
    """Refuses an engine that cannot do the work: in milliseconds where it is in this process, else in a second or two.

    Raises:
      ConfigurationError: The job server or the pool does not answer, or is something else; the workers have other code than
        this command; Beam needs Java and there is none.
    """
    if beam.job_server is None:
        if beam.runner in ("FlinkRunner", "SparkRunner") and not _NO_JAVA_HERE & set(beam.options) and not shutil.which("java"):
            raise ConfigurationError(
                f"runtime.beam.runner: {beam.runner} starts Beam's job server with Java, and there is no java on PATH: install "
                "it, or name a job server that runs with --set runtime.beam.job_server=HOST:PORT (docs/scale.md)."
            )
        return
    _ask(beam.job_server, _JOB_SERVER, "runtime.beam.job_server", "job server of Beam", "scripts/flink.sh start starts one")
    near = beam.job_server.partition(":")[0] in _HERE
    # On an engine elsewhere, localhost is each of its machines, and so is the path of a command.
    if beam.environment is Environment.EXTERNAL and (near or beam.workers.partition(":")[0] not in _HERE):
        said = _ask(beam.workers, _POOL, "runtime.beam.workers", "pool of workers", "tfx-vae beam-worker starts one")
        if said.get(SOURCE) != source_digest("pipelines.beam.worker"):
            raise ConfigurationError(
                f"runtime.beam.workers: the workers of {beam.workers} have other code than this command: start their pool "
                "again from this installation (scripts/flink.sh stop, then start)."
            )
    if beam.environment is Environment.PROCESS and near and not WORKER_COMMAND.exists():
        raise ConfigurationError(
            f"runtime.beam.environment: process needs {WORKER_COMMAND}, which is not there: install this project again."
        )


def _ask(address: str, method: str, key: str, what: str, remedy: str) -> Mapping[str, Any]:
    """The metadata of the answer to an empty request, which both services allow and which changes nothing."""
    import grpc

    try:
        with grpc.insecure_channel(address) as channel:
            ask: Any = channel.unary_unary(method)
            _, call = ask.with_call(b"", timeout=_SECONDS)
            return dict(call.trailing_metadata() or ())
    except grpc.RpcError as error:
        fault = f"what listens at {address} is no {what}"
        if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
            fault = f"no {what} answers at {address} ({error.code().name.lower()})"
        raise ConfigurationError(f"{key}: {fault}; {remedy} (docs/scale.md).") from error
