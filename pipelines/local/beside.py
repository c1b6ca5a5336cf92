"""Components that run beside others, each in a process of its own, where a core is free.

TensorFlow, Keras and absl have settings that a process has once, so that two components cannot run in one. A new process would
import them for ten CPU seconds. So these are forked from the process that runs the rest: after everything is imported, and
before TensorFlow starts its threads, which a fork does not copy. They wait until they get their component.
"""

import gc
import io
import logging
import multiprocessing
import os
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final, NamedTuple, NoReturn

from tfx.proto.orchestration import pipeline_pb2

from components import bucket, progress
from components.errors import PipelineError
from components.free_space import free_memory
from components.parent_death import end_with_parent
from components.private_tensorflow import has_started
from pipelines.local import failures
from pipelines.local.display import WARNINGS_LOGGER, NodeResult, RunDisplay
from pipelines.mlmd.location import Location

BESIDE: Final = ("FeatureClassifier", "InfraValidator")
"""The components that take long and that the next ones do not need: the Trainer comes after the first, the Evaluator after the
second."""

_KIBIBYTE: Final = 1024


class Job(NamedTuple):
    """What a helper runs.

    Attributes:
      pipeline: A compiled pipeline whose run id is set.
      node: One of its nodes; those before it have run.
      location: Where ML Metadata is.
    """

    pipeline: pipeline_pb2.Pipeline
    node: pipeline_pb2.PipelineNode
    location: Location


Failed = Callable[[BaseException], None]
Launch = Callable[[pipeline_pb2.Pipeline, pipeline_pb2.PipelineNode, Location], NodeResult]


def components_at_once(setting: int | None) -> int:
    """How many components may run at the same time.

    Args:
      setting: `runtime.parallel_nodes`; None is one for each core that this process may use.
    """
    return len(os.sched_getaffinity(0)) if setting is None else setting


class Helper:
    """A process that runs one component."""

    def __init__(self, launch: Launch) -> None:
        """Forks; the process waits for its component.

        Args:
          launch: What runs a component.
        """
        self._ended = threading.Event()
        self._error: BaseException | None = None
        self._node_id = ""
        self._lock = threading.Lock()
        self._is_killed = self._has_ended = False
        self._channel, theirs = multiprocessing.Pipe()
        sys.stdout.flush()  # or both processes would print what is still in the buffer
        parent = os.getpid()
        self._process = os.fork()
        if not self._process:
            self._channel.close()
            _serve(theirs, launch, parent)
        theirs.close()

    @property
    def is_busy(self) -> bool:
        """Whether its component runs."""
        return bool(self._node_id) and not self._ended.is_set()

    def start(self, job: Job, display: RunDisplay, ended: Callable[[NodeResult], None], failed: Failed) -> None:
        """Runs a component.

        Args:
          job: The component.
          display: Shows its progress and its warnings.
          ended: Called with its result, in another thread.
          failed: Called instead with what it raised, in another thread.
        """
        self._node_id = job.node.node_info.id
        with suppress(OSError):  # it was killed, which the other end of the channel says
            self._channel.send(job)
        threading.Thread(target=self._listen, args=(display, ended, failed), daemon=True).start()

    def wait(self) -> None:
        """Waits until its component has ended, and raises what that raised, as `failures` explains it."""
        self._ended.wait()
        self.raise_if_failed()

    def raise_if_failed(self) -> None:
        """Raises what the component raised, if it has."""
        if self._error is not None:
            raise self._error

    def kill(self) -> None:
        """Ends the process, whatever it does."""
        with self._lock:
            if self._has_ended:
                return
            self._is_killed = True
            os.kill(self._process, signal.SIGKILL)
        self._reap()

    def _reap(self) -> None:
        """Takes note that the process has ended: until then, no other process gets its number."""
        with self._lock:
            if not self._has_ended:
                os.waitpid(self._process, 0)
                self._has_ended = True

    def _listen(self, display: RunDisplay, ended: Callable[[NodeResult], None], failed: Failed) -> None:
        try:
            while True:
                match self._channel.recv():
                    case progress.Progress() as reported:
                        display.update(reported, self._node_id)
                    case str(warning):
                        display.warn(warning)
                    case failures.Failure() as failure, str(trace):
                        self._error = failures.ExplainedError(failure, trace)
                        break
                    case result:
                        ended(result)
                        break
        except (EOFError, OSError):
            if self._is_killed:
                return
            self._error = PipelineError(
                f"The process of {self._node_id} was killed, perhaps because the machine had no memory left: with "
                "--set runtime.parallel_nodes=1 components run one after the other."
            )
        except Exception as error:  # the run must not wait for ever
            self._error = error
        self._reap()
        if self._error is not None:
            self._error.add_note(f"while running {self._node_id}")
            failed(self._error)
        self._ended.set()


class Helpers:
    """The helpers of a run."""

    def __init__(self, nodes: Collection[str], at_once: int, launch: Launch) -> None:
        """Forks a helper for each component that has one. Do it before TensorFlow has computed anything, or there are none.

        Args:
          nodes: The components of the run.
          at_once: How many may run at the same time, one of them in this process.
          launch: What runs a component.
        """
        self._at_once = at_once
        has_threads = has_started() or bucket.is_connected()
        wanted = [] if at_once == 1 or has_threads else [node for node in BESIDE if node in nodes]
        self._helpers = {node: Helper(launch) for node in wanted}

    def free_for(self, node_id: str) -> Helper | None:
        """The helper of a component; None if it has none, too many components run already, or memory is short."""
        helper = self._helpers.get(node_id)
        busy = sum(other.is_busy for other in self._helpers.values())
        # What this process took at most is what another one that reads the same images may take.
        needed = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KIBIBYTE
        return helper if helper and busy < self._at_once - 1 and free_memory() > needed else None

    def wait_for(self, nodes: Collection[str]) -> None:
        """Waits for components to end, and raises what any component of a helper has raised."""
        for node_id, helper in self._helpers.items():
            helper.raise_if_failed()
            if node_id in nodes and helper.is_busy:
                helper.wait()

    @contextmanager
    def ended(self) -> Iterator[None]:
        """Waits at its end for all that runs.

        If a component fails, those that run go on to their end: the next run takes what they made from the cache. An
        interruption ends them at once.
        """
        try:
            yield
            self.wait_for(self._helpers)
        except Exception:
            for helper in self._helpers.values():
                if helper.is_busy:
                    with suppress(Exception):
                        helper.wait()
            raise
        finally:
            self.kill()

    def kill(self) -> None:
        """Ends all processes, whatever they do."""
        for helper in self._helpers.values():
            helper.kill()


def _serve(channel: Connection, launch: Launch, parent: int) -> NoReturn:
    """What the forked process does; it never returns."""
    try:
        gc.freeze()  # to look through the objects of the other process would copy their memory
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # the other process gets them too, and ends this one
        end_with_parent(parent)
        with suppress(EOFError):
            job: Job = channel.recv()
            _listen_to_component(channel)
            channel.send(_outcome(job, launch))
    except BaseException:
        traceback.print_exc()  # into the log; the other process finds that this one has ended
    finally:
        with suppress(OSError, io.UnsupportedOperation):
            sys.stdout.flush()
            sys.stderr.flush()
        # Not the end of a Python program: what that cleans up belongs to the other process.
        os._exit(0)


def _outcome(job: Job, launch: Launch) -> NodeResult | tuple[failures.Failure, str]:
    try:
        return launch(job.pipeline, job.node, job.location)
    except BaseException as error:
        root = job.pipeline.runtime_spec.pipeline_root.field_value.string_value
        return failures.explain(error, Path(root)), "".join(traceback.format_exception(error))


def _listen_to_component(channel: Connection) -> None:
    """Sends progress and warnings to the other process, whose display was listening here."""
    for name in (WARNINGS_LOGGER, progress.LOGGER_NAME):
        logger = logging.getLogger(name)
        logger.handlers = [_Sender(channel)]
        logger.setLevel(logging.INFO)


class _Sender(logging.Handler):
    """Sends log records through a channel, as `pipelines.local.display` shows them."""

    def __init__(self, channel: Connection) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        reported: Any = getattr(record, progress.RECORD_ATTRIBUTE, None)
        if isinstance(reported, progress.Progress):
            self._channel.send(reported)
        elif record.levelno >= logging.WARNING:
            self._channel.send(record.getMessage())
