"""What the steps of one run, each on a machine of its own, know of each other: it stands in ML Metadata."""

import datetime
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, Final

from components.errors import PipelineError
from pipelines.mlmd import names
from pipelines.mlmd.record import start_record, write_facts

if TYPE_CHECKING:
    from ml_metadata.proto import metadata_store_pb2

_RUN: Final = "pipeline_run"
_FAILURE_OF: Final = f"{names.ERROR} of "
"""And a node: why it failed, until it is tried again; a custom property of the run's context."""

RUN_DATE: Final = "run_date"
"""The date of a run, as 2026-01-31: a custom property of its context."""


class SharedRun:
    """One run, as one of its steps sees it.

    KFP starts a step when those before it have ended well. It may start one again: because it failed, or its machine was taken
    away, perhaps after all was done. So what is asked here is what ML Metadata has, not what KFP thinks.
    """

    def __init__(self, store: Any, pipeline: str, run_id: str) -> None:
        """Refers to a run.

        Args:
          store: An `ml_metadata.MetadataStore`.
          pipeline: The pipeline's name.
          run_id: The run's; the same for all steps, and for a step that is tried again.
        """
        self._store = store
        self._pipeline = pipeline
        self._run_id = run_id

    def join(self, node: str, pipeline_root: str, date: datetime.date | None) -> datetime.date:
        """Notes that the run goes on, unless another node has failed.

        Args:
          node: Which of its steps this is; if it failed before, that is no longer held against it.
          pipeline_root: The directory of its artifacts.
          date: The run's; None is the day on which its first step joined it, in UTC.

        Returns:
          The date, the same for every step.
        """
        start_record(self._store, self._pipeline, self._run_id, pipeline_root, log=None)
        context = self._context()
        began = datetime.datetime.fromtimestamp(context.create_time_since_epoch / 1000, datetime.UTC).date()
        write_facts(self._store, context, {RUN_DATE: (date or began).isoformat(), _FAILURE_OF + node: None})
        self._settle()
        return date or began

    def is_finished(self, node: str) -> bool:
        """Whether a node has done its work in this run, or was served from the cache."""
        from ml_metadata.proto import metadata_store_pb2

        ended_well = (metadata_store_pb2.Execution.COMPLETE, metadata_store_pb2.Execution.CACHED)
        return any(execution.last_known_state in ended_well for execution in self._executions(node))

    def require(self, nodes: Iterable[str]) -> None:
        """Refuses to go on where one of these has not ended well.

        Raises:
          PipelineError: Which.
        """
        if missing := [node for node in nodes if not self.is_finished(node)]:
            raise PipelineError(f"This needs {', '.join(missing)}, which did not end well in run {self._run_id}.")

    def forget_attempts(self, node: str) -> list[int]:
        """Prepares for another attempt: TFX's launcher takes up the execution of the one before, in whatever state it is.

        An attempt that failed has said so; one that was killed is still recorded as running.

        Returns:
          The executions, whose outputs may be half written.
        """
        executions = self._executions(node)
        for execution in executions:
            if names.ERROR in execution.custom_properties:
                del execution.custom_properties[names.ERROR]
        self._store.put_executions(executions)
        return [execution.id for execution in executions]

    def fail(self, node: str, error: str) -> None:
        """Notes that a node failed, and the run with it; nodes that run beside it are left alone."""
        from ml_metadata.proto import metadata_store_pb2

        states = metadata_store_pb2.Execution
        ended_well = (states.COMPLETE, states.CACHED)
        executions = [execution for execution in self._executions(node) if execution.last_known_state not in ended_well]
        for execution in executions:
            execution.last_known_state = states.FAILED
            execution.custom_properties[names.ERROR].string_value = error
        self._store.put_executions(executions)
        write_facts(self._store, self._context(), {_FAILURE_OF + node: error})
        self._settle()

    def succeed(self, nodes: Sequence[str]) -> bool:
        """Notes that the run is complete, if all these nodes are finished.

        Returns:
          Whether they are.
        """
        if all(self.is_finished(node) for node in nodes):
            write_facts(self._store, self._context(), {names.STATE: "complete", names.ERROR: ""})
            return True
        return False

    def _settle(self) -> None:
        """Has the run say that it failed as long as one of its nodes says so.

        Steps on other machines write at the same time, so it looks again at what it wrote: whoever writes last has seen all.
        """
        while True:
            context = self._context()
            found = {name: value.string_value for name, value in context.custom_properties.items()}
            errors = [value for name, value in found.items() if name.startswith(_FAILURE_OF)]
            error = found.get(names.ERROR, "")
            if error not in errors:
                error = min(errors, default="")
            settled = {names.STATE: "failed" if errors else "running", names.ERROR: error}
            if settled.items() <= found.items():
                return
            write_facts(self._store, context, settled)

    def _context(self) -> "metadata_store_pb2.Context":
        return self._store.get_context_by_type_and_name(_RUN, self._run_id)

    def _executions(self, node: str) -> "list[metadata_store_pb2.Execution]":
        of_node = self._store.get_context_by_type_and_name("node", f"{self._pipeline}.{node}")
        of_run = self._context()
        if of_node is None or of_run is None:
            return []
        in_run = {execution.id for execution in self._store.get_executions_by_context(of_run.id)}
        return [execution for execution in self._store.get_executions_by_context(of_node.id) if execution.id in in_run]
