"""What the terminal shows while a pipeline runs: a line for each component, and a progress bar for the long ones.

Imports no TFX, so that it appears at once.
"""

import contextlib
import logging
import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column
from rich.text import Text

from components import progress as component_progress

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2

_NAME_WIDTH = 18
_SECONDS_BETWEEN_PLAIN_LINES = 10.0
WARNINGS_LOGGER = "tfx_vae"


class NodeState(StrEnum):
    """How a node succeeded."""

    RAN = "ran"
    CACHED = "cached"


@dataclass(frozen=True)
class NodeResult:
    """How a node ended.

    Attributes:
      state: Whether it ran or was served from an earlier run.
      execution_id: Its execution in ML Metadata.
      outputs: Its output artifacts by channel name, as ML Metadata has them.
    """

    state: NodeState
    execution_id: int
    outputs: "dict[str, list[metadata_store_pb2.Artifact]]"


class RunDisplay:
    """Writes to the terminal what happens; plain lines if it is not a terminal."""

    def __init__(self, console: Console) -> None:
        """Makes a display; `running` starts it."""
        self._console = console
        self._progress = Progress(
            SpinnerColumn(),
            TextColumn(f"{{task.description:<{_NAME_WIDTH}}}"),
            TextColumn("{task.fields[place]:>5}", style="dim"),
            BarColumn(bar_width=6),
            TimeElapsedColumn(),
            TextColumn("{task.fields[earlier]}", style="dim"),
            # The one column that gives way where there is no room: the others say that they do not wrap, this one's text does.
            _FiguresColumn(table_column=Column()),
            console=console,
            transient=True,
            # What the libraries print belongs in the log, not on the terminal above the bar.
            redirect_stdout=False,
            redirect_stderr=False,
            disable=not console.is_terminal,
        )
        self._tasks: dict[str, TaskID] = {}
        self._node = ""
        self._nodes = self._nodes_started = 0
        self._last_plain_line: dict[str, float] = {}

    @contextlib.contextmanager
    def running(self) -> Iterator[None]:
        """Shows the components' progress and warnings until it is left."""
        handler = _Listener(self)
        logger = logging.getLogger(WARNINGS_LOGGER)
        # Ten times a second is right for a bar, and a flood in a log; `update` logs now and then.
        progress_logger = logging.getLogger(component_progress.LOGGER_NAME)
        progress_logger.propagate = False
        for listened in (logger, progress_logger):
            listened.addHandler(handler)
            listened.setLevel(logging.INFO)
        try:
            with self._progress:
                yield
        finally:
            progress_logger.propagate = True
            for listened in (logger, progress_logger):
                listened.removeHandler(handler)

    @contextlib.contextmanager
    def activity(self, name: str) -> Iterator[None]:
        """Shows that something may take seconds."""
        self._node = name
        self._start(name)
        try:
            yield
        finally:
            self._stop(name)

    @contextlib.contextmanager
    def waiting(self, reason: str) -> Iterator[None]:
        """Says what is waited for, until it is over."""
        self.warn(reason)
        with self.activity("waiting"):
            yield

    def run_started(self, pipeline_name: str, run_id: str, nodes: int = 0) -> None:
        """The run starts, with this many components; 0 if their number is not known."""
        for name in list(self._tasks):
            self._stop(name)
        self._nodes, self._nodes_started = nodes, 0
        self._console.print(f"[bold]{pipeline_name}[/], run {run_id}", highlight=False)

    def node_started(self, node_id: str, earlier: float | None = None, is_beside: bool = False) -> None:
        """A component starts.

        Args:
          node_id: The component.
          earlier: How many seconds it took when it ran last.
          is_beside: Whether it runs in another process, whose progress comes with its name.
        """
        self._nodes_started += 1
        if not is_beside:
            self._node = node_id
        if earlier is not None and earlier < _SECONDS_BETWEEN_PLAIN_LINES:
            earlier = None
        place = f"{self._nodes_started}/{self._nodes}" if self._nodes else ""
        self._start(node_id, place, f"of ~{_clock(earlier)}" if earlier is not None else "")
        if not self._console.is_terminal:
            place = f", {self._nodes_started} of {self._nodes}" if self._nodes else ""
            last_time = f"; last time it took {earlier:.0f} s" if earlier is not None else ""
            self._console.print(f"{node_id} started{place}{last_time}", highlight=False)

    def node_ended(self, node_id: str, result: NodeResult, seconds: float) -> None:
        """A component succeeded."""
        self._stop(node_id)
        style = "dim" if result.state is NodeState.CACHED else "green"
        self._console.print(
            f"[{style}]✓[/] {node_id:<{_NAME_WIDTH}} [{style}]{result.state:<6}[/] {seconds:7.1f} s", highlight=False
        )

    def node_failed(self, node_id: str, seconds: float) -> None:
        """A component failed."""
        self._stop(node_id)
        self._console.print(f"[red]✗[/] {node_id:<{_NAME_WIDTH}} [red]failed[/] {seconds:7.1f} s", highlight=False)

    def warn(self, message: str) -> None:
        """Shows a warning; the run continues."""
        self._console.print(Text(f"! {message}", style="yellow"), soft_wrap=True)

    def update(self, progress: component_progress.Progress, node_id: str | None = None) -> None:
        """A component reports its progress; None is the one that runs in this process."""
        name = self._node if node_id is None else node_id
        if (task := self._tasks.get(name)) is not None:
            self._progress.update(task, completed=progress.completed, total=progress.total, figures=str(progress))
        if time.monotonic() - self._last_plain_line.get(name, 0.0) > _SECONDS_BETWEEN_PLAIN_LINES:
            self._last_plain_line[name] = time.monotonic()
            logging.getLogger(__name__).info("%s: %s", name, progress)
            if not self._console.is_terminal:
                self._console.print(f"  {name}: {progress}", highlight=False, markup=False)

    def _start(self, name: str, place: str = "", earlier: str = "") -> None:
        self._last_plain_line[name] = time.monotonic()
        self._tasks[name] = self._progress.add_task(name, total=None, place=place, earlier=earlier, figures="")

    def _stop(self, name: str) -> None:
        if (task := self._tasks.pop(name, None)) is not None:
            self._progress.remove_task(task)


def _clock(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02}"


class _FiguresColumn(ProgressColumn):
    """The component's figures, beside its bar."""

    def render(self, task: Task) -> Text:
        return Text(task.fields["figures"], style="cyan", no_wrap=True, overflow="ellipsis")


class _Listener(logging.Handler):
    """Hands log records to a display."""

    def __init__(self, display: RunDisplay) -> None:
        super().__init__()
        self._display = display

    def emit(self, record: logging.LogRecord) -> None:
        progress = getattr(record, component_progress.RECORD_ATTRIBUTE, None)
        if isinstance(progress, component_progress.Progress):
            self._display.update(progress)
        elif record.levelno >= logging.WARNING:
            self._display.warn(record.getMessage())
