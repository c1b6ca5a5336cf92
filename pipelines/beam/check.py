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
_ENGINES: Final = {"FlinkRunner": "flink", "SparkRunner": "spark"}
_NO_JAVA_HERE: Final = {"job_endpoint", "flink_submit_uber_jar", "spark_submit_uber_jar", "job_server_java_launcher"}


def check_engine(beam: BeamConfig) -> None:
    """Refuses an engine that cannot do the work: in milliseconds where it is in this process, else in a second or two.

    Raises:
      ConfigurationError: The job server or the pool does not answer, or is something else; the workers have other code than
        this command; Beam needs Java and there is none.
    """
    if beam.job_server is None:
        if beam.runner in _ENGINES and not _NO_JAVA_HERE & set(beam.options) and not shutil.which("java"):
            raise ConfigurationError(
                f"runtime.beam.runner: {beam.runner} starts Beam's job server with Java, and there is no java on PATH: install "
                "it, or name a job server that runs with --set runtime.beam.job_server=HOST:PORT (docs/scale.md)."
            )
        return
    _check_job_server(beam.job_server, beam.runner)
    near = beam.job_server.partition(":")[0] in _HERE
    # On an engine elsewhere, localhost is each of its machines, and so is the path of a command.
    if beam.environment is Environment.EXTERNAL and (near or beam.workers.partition(":")[0] not in _HERE):
        _, said = _ask(beam.workers, _POOL, "runtime.beam.workers", "pool of workers", "tfx-vae beam-worker starts one")
        if said.get(SOURCE) != source_digest("pipelines.beam.worker"):
            raise ConfigurationError(
                f"runtime.beam.workers: the workers of {beam.workers} have other code than this command: start their pool "
                "again from this installation ({_script(beam.runner)} stop, then start)."
            )
    if beam.environment is Environment.PROCESS and near and not WORKER_COMMAND.exists():
        raise ConfigurationError(
            f"runtime.beam.environment: process needs {WORKER_COMMAND}, which is not there: install this project again."
        )


def _script(runner: str) -> str:
    """What starts the engine on this machine."""
    return " or ".join(f"scripts/{name}.sh" for each, name in _ENGINES.items() if runner in (each, "PortableRunner"))


def _check_job_server(address: str, runner: str) -> None:
    remedy = f"{_script(runner)} start starts one"
    options, _ = _ask(address, _JOB_SERVER, "runtime.beam.job_server", "job server of Beam", remedy)
    # A job server lists the options that it knows, among them the address of its engine.
    engines = {each: name for each, name in _ENGINES.items() if f"{name}_master".encode() in options}
    if runner in _ENGINES and engines and runner not in engines:
        [name] = engines.values()
        raise ConfigurationError(
            f"runtime.beam.runner: what listens at {address} is the job server of {name.capitalize()}; choose "
            f"runtime.beam.runner {name}, or the job server of {_ENGINES[runner].capitalize()} ({remedy})."
        )


def _ask(address: str, method: str, key: str, what: str, remedy: str) -> tuple[bytes, Mapping[str, Any]]:
    """The answer to an empty request, which both services allow and which changes nothing, and its metadata."""
    import grpc

    try:
        with grpc.insecure_channel(address) as channel:
            ask: Any = channel.unary_unary(method)
            answer, call = ask.with_call(b"", timeout=_SECONDS)
            return answer, dict(call.trailing_metadata() or ())
    except grpc.RpcError as error:
        fault = f"what listens at {address} is no {what}"
        if error.code() is not grpc.StatusCode.UNIMPLEMENTED:
            fault = f"no {what} answers at {address} ({error.code().name.lower()})"
        raise ConfigurationError(f"{key}: {fault}; {remedy} (docs/scale.md).") from error
