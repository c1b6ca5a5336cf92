"""One run as a person has it: checked, watched, logged, summed up."""

import datetime
import logging
import signal
import sys
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType

from rich.console import Console
from rich.text import Text

from components.errors import PipelineError
from pipelines.config import PipelineConfig
from pipelines.local import failures, preflight
from pipelines.local.capture import captured_output, log_to_stderr, prepare_environment
from pipelines.local.display import RunDisplay
from pipelines.mlmd.lock import database_lock

INTERRUPTED = 130
"""128 + SIGINT, as shells have it."""


Work = Callable[[PipelineConfig, str, Path, Console], None]
"""What goes on in a session: given the configuration, the run's name, its log, and where to print."""


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
        preflight.check(config)
        log.parent.mkdir(parents=True, exist_ok=True)
    except (PipelineError, OSError) as error:
        failure = failures.explain(error)
        Console(stderr=True).print(Text(failure.message, style="red"), soft_wrap=True)
        return failure.exit_status
    prepare_environment()
    with captured_output(log) as terminal, interrupted_by_sigterm(), own_arguments_hidden():
        console = Console(file=terminal)
        log_to_stderr()
        try:
            (work or _run)(config, run_id, log, console)
        except KeyboardInterrupt:
            console.print("Interrupted. The same command carries on from the last finished component.", highlight=False)
            return INTERRUPTED
        except Exception as error:  # the one place where every failure becomes a sentence
            failure = failures.explain(error, config.runtime.root)
            console.print(Text(failure.message, style="red"), soft_wrap=True)
            console.print(f"The log with all details: {log}", highlight=False, soft_wrap=True)
            with suppress(OSError):  # what failed may be the disk that the log is on
                traceback.print_exception(error)
            return failure.exit_status
    return 0


def _run(config: PipelineConfig, run_id: str, log: Path, console: Console) -> None:
    display = RunDisplay(console)
    purpose = f"run {run_id} of {config.name}"
    with display.running(), database_lock(config.metadata_location, purpose, display.waiting):
        with display.activity("starting TFX"):
            # Many seconds, so not before the configuration is known to be good.
            from pipelines.local.runner import run_pipeline
            from pipelines.local.summary import print_summary
        # absl replaces the handlers of the root logger when TFX is imported.
        log_to_stderr()
        logging.getLogger("apache_beam").setLevel(logging.WARNING)
        results = run_pipeline(config, run_id, log, display)
    if results:
        print_summary(config, results, log, console)


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Lets systemd, Kubernetes and `kill` stop a run as cleanly as Ctrl-C does."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    previous = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


@contextmanager
def own_arguments_hidden() -> Iterator[None]:
    """TFX hands whatever stands on the command line to Beam and to the executors as flags."""
    arguments = sys.argv
    sys.argv = arguments[:1]
    try:
        yield
    finally:
        sys.argv = arguments
