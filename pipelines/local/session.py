"""One run on this machine, as `tfx-vae run` does it: checked, watched, logged, summed up."""

import datetime
import importlib.util
import logging
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from rich.console import Console

from components import bucket
from components.artifacts.dataset import find_prepared
from components.errors import ConfigurationError, PipelineError, temporary_files_fault
from components.validation.schema import check_schema
from pipelines.beam.check import check_engine
from pipelines.beam.config import BeamConfig
from pipelines.config import PipelineConfig
from pipelines.kubeflow.parameters import RUN_DATE
from pipelines.local import failures, unchanged
from pipelines.local.display import NodeResult, RunDisplay
from pipelines.local.process import captured_output, check_address_space, log_to_stderr, prepare_environment
from pipelines.local.temporary import temporary_directory
from pipelines.mlmd.lock import database_lock, try_lock
from pipelines.model_registry import register_version
from pipelines.notification import notify

_ADDRESS_SPACE: Final = 4e9
"""In bytes. With 3.1 GB the smallest run was aborted; with 4.6 GB it ran to its end."""

Work = Callable[[PipelineConfig, str, Path, Console], None]
"""What a session does: given the configuration, the run's name, its log, and where to print."""


def run(config: PipelineConfig, work: Work | None = None) -> int:
    """Runs a pipeline on this machine.

    Args:
      config: A validated configuration.
      work: What to do instead of running the pipeline once.

    Returns:
      The exit status: 0 if the run succeeded, blessed or not; 1 if it failed; 2 if the configuration asks for what cannot be
      done; 130 if it was interrupted.
    """
    run_id = datetime.datetime.now().strftime("%Y-%m-%dT%H-%M-%S.%f")
    log = config.log_dir / f"{run_id}.log"
    try:
        check(config)
        log.parent.mkdir(parents=True, exist_ok=True)
    except (PipelineError, OSError) as error:
        notify(config, run_id, failures.explain(error).message, has_started=False)
        return failures.tell(error, Console(stderr=True))
    prepare_environment()
    with captured_output(log) as terminal, failures.interrupted_by_sigterm(), own_arguments_hidden():
        console = Console(file=terminal)
        log_to_stderr()
        try:
            with temporary_directory():
                (work or _run)(config, run_id, log, console)
            register_version(config, run_id)
            notify(config, run_id)
        except KeyboardInterrupt:
            console.print("Interrupted. The same command continues after the last finished component.", highlight=False)
            return failures.INTERRUPTED
        except Exception as error:
            status = failures.tell(error, console, config.runtime.root, log)
            notify(config, run_id, failures.explain(error, config.runtime.root).message)
            with suppress(OSError):  # the disk that holds the log may be what failed
                traceback.print_exception(error)
            return status
    return 0


def run_unless_running(config: PipelineConfig) -> int:
    """Runs a pipeline for cron or a systemd timer, unless another run that this function started is still running.

    Returns:
      The exit status of `run`; 0 if there was nothing to do.

    Raises:
      PipelineError: The lock cannot be written.
    """
    path = config.runtime.root / f"{config.name}.schedule.lock"
    with try_lock(path, f"the scheduled run of {config.name}") as holder:
        if holder is None:
            return run(config)
        Console().print(f"Nothing to do: {holder} is still running.", highlight=False, markup=False, soft_wrap=True)
        return 0


def check(config: PipelineConfig) -> None:
    """Refuses what cannot work, in milliseconds unless another machine must be asked.

    Args:
      config: A configuration with absolute paths.

    Raises:
      ConfigurationError: A file or directory that the configuration names is missing, or ML Metadata is not understood, or
        Docker is wanted and not there.
      PipelineError: A directory or a temporary file cannot be written.
    """
    for key, directory in (("runtime.root", config.runtime.root), *_chosen_directories(config)):
        bucket.check(directory, key)
    # A person may have edited it, or deleted it, in the bucket.
    bucket.fetch(config.schema_path, again=True)
    if config.data.schema_path is not None or config.schema_path.exists():
        check_schema(config.schema_path)
    _check_no_pattern(config)
    for name, value in config.data.model_dump(mode="json").items():
        if RUN_DATE in str(value):
            raise ConfigurationError(
                f"data.{name}: {RUN_DATE} is the date of a run on Kubeflow (docs/kubeflow.md); elsewhere write the date itself."
            )
    if config.data.directory is not None and not config.data.directory.is_dir():
        raise ConfigurationError(f"data.directory: there is no directory {config.data.directory}.")
    _check_runner(config.runtime.beam)
    if config.infra_validator.docker:
        _check_docker()
    _ = config.metadata_location  # reads the environment, and the file with the password
    _check_writable(config.runtime.root, "runtime.root")
    _check_writable(config.serving_dir, "pusher.serving_dir")
    # A dataset that is prepared is only read; if its source files have changed, ExampleGen says that it cannot write.
    if config.data.dataset is not None and not find_prepared(config.data_dir, config.data.dataset, config.data.version):
        _check_writable(config.data_dir, "data.data_dir")
    if fault := temporary_files_fault():
        raise PipelineError(fault)
    check_address_space(_ADDRESS_SPACE)


def _chosen_directories(config: PipelineConfig) -> Iterator[tuple[str, Path]]:
    """Those that need not be below the root."""
    chosen = {"pusher.serving_dir": config.pusher.serving_dir, "data.data_dir": config.data.data_dir}
    return ((key, directory) for key, directory in chosen.items() if directory is not None)


def _check_no_pattern(config: PipelineConfig) -> None:
    """Refuses directories that TensorFlow and Beam would expand as patterns when they list the files of an artifact."""
    directories = {
        "runtime.root": config.runtime.root,
        "data.data_dir": config.data_dir,
        "data.directory": config.data.directory,
    }
    for key, directory in directories.items():
        if found := sorted(set(str(directory)) & set("*?[]\\")):
            raise ConfigurationError(
                f"{key}: {directory} contains {' '.join(found)}, which TensorFlow and Beam take for a pattern; rename it, or "
                f"choose another directory with --set {key}=DIRECTORY."
            )


def _check_writable(directory: Path, key: str) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise PipelineError(
            f"{directory} cannot be written ({error.strerror}): choose another directory with "
            f"--set {key}=DIRECTORY, or fix its permissions."
        ) from error


def _check_runner(beam: BeamConfig) -> None:
    package, _, rest = beam.runner.partition(".")
    if rest and importlib.util.find_spec(package) is None:
        raise ConfigurationError(f"runtime.beam.runner: {beam.runner} is not installed: there is no package {package}.")
    program = beam.options.get("prism_location")
    if isinstance(program, str) and "://" not in program and not Path(program).is_file():
        raise ConfigurationError(f"runtime.beam.options.prism_location: there is no file {program}.")
    check_engine(beam)


def _check_docker() -> None:
    import docker

    try:
        docker.from_env(timeout=5).ping()
    except (docker.errors.DockerException, OSError) as error:
        raise ConfigurationError(
            "infra_validator.docker: Docker does not answer on this machine; start it, set the environment variable "
            f"DOCKER_HOST, or switch it off: --set infra_validator.docker=false ({error})."
        ) from error


def _run(config: PipelineConfig, run_id: str, log: Path, console: Console) -> None:
    display = RunDisplay(console)
    with _watched(config, run_id, display):
        files = unchanged.files_read(config)
        results = unchanged.repeat(config, run_id, log, display, files)
        if results is None:
            results = _through_tfx(config, run_id, log, display)
            unchanged.remember(config, run_id, files)
    _sum_up(config, results, log, console)


def run_through_tfx(config: PipelineConfig, run_id: str, log: Path, console: Console, until: str | None = None) -> None:
    """A `Work`: runs the pipeline even if nothing has changed, as the `tfx` command line expects of the file that it calls.

    Args:
      config: See `Work`, as the next ones.
      run_id: The run's name.
      log: Its log.
      console: Where to print.
      until: The node to run with those that it needs; None runs all.
    """
    display = RunDisplay(console)
    with _watched(config, run_id, display):
        results = _through_tfx(config, run_id, log, display, until)
    _sum_up(config, results, log, console)


@contextmanager
def _watched(config: PipelineConfig, run_id: str, display: RunDisplay) -> Iterator[None]:
    purpose = f"run {run_id} of {config.name}"
    with display.running(), database_lock(config.metadata_location, purpose, display.waiting):
        yield


def _through_tfx(
    config: PipelineConfig, run_id: str, log: Path, display: RunDisplay, until: str | None = None
) -> dict[str, NodeResult]:
    with display.activity("starting TFX"):
        # Takes many seconds, so only once the configuration is known to be good.
        from pipelines.local.runner import run_pipeline
    # absl replaces the handlers of the root logger when TFX is imported.
    log_to_stderr()
    logging.getLogger("apache_beam").setLevel(logging.WARNING)
    return run_pipeline(config, run_id, log, display, until)


def _sum_up(config: PipelineConfig, results: dict[str, NodeResult], log: Path, console: Console) -> None:
    """Prints the summary; nothing if the `tfx` command line only looks for the pipeline."""
    from pipelines.local.summary import print_summary

    if results:
        print_summary(config, results, log, console)


@contextmanager
def own_arguments_hidden() -> Iterator[None]:
    """Hides the command line from TFX, which hands it to Beam and to the executors as flags."""
    arguments = sys.argv
    sys.argv = arguments[:1]
    try:
        yield
    finally:
        sys.argv = arguments
