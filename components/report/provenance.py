"""Reads from ML Metadata which executions made the inputs of a report; imports neither tfx nor tensorflow.

A cached artifact was made by an execution of an earlier run. The provenance describes that execution, so it does not change
when later runs take the artifact, or the report, from the cache.
"""

from collections.abc import Iterable
from typing import Any

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2
from pydantic import Field

from components.artifacts.champion import DECISION, MODEL_ID, WHY
from components.artifacts.training_settings import TrainingSettings
from components.settings import Section

_Execution = metadata_store_pb2.Execution
_Event = metadata_store_pb2.Event


class Step(Section):
    """An execution that actually ran: its outputs were not taken from the cache."""

    node: str
    """The node of the pipeline, e.g. `Trainer`."""

    run: str
    """The run of the execution."""

    seconds: float
    """From its start until its outputs were published."""


class Provenance(Section):
    """The executions and settings that made the inputs of a report."""

    steps: tuple[Step, ...] = ()
    """The executions, in the order in which they started."""

    model: dict[str, Any] = Field(default_factory=dict)
    """The Trainer's settings of the model; not a ModelConfig, because other versions may have other settings."""

    trainer: dict[str, Any] = Field(default_factory=dict)
    """The training's settings."""

    tfx_version: str = ""
    """The version of TFX that published the model."""

    baseline_decision: str = ""
    """`promote: REASON` or `rollback: REASON`, if a person made the baseline the champion; empty otherwise."""
    baseline_run: str = ""
    """The run that trained the champion; empty if there was none."""

    def run_of(self, node: str) -> str:
        """The run in which a node actually ran; empty if it is not known."""
        return next((step.run for step in self.steps if step.node == node), "")


def read_provenance(
    store: metadata_store.MetadataStore, artifacts: Iterable[int], model: int | None = None, baseline: int | None = None
) -> Provenance:
    """Reads the executions that made artifacts from ML Metadata.

    Args:
      store: ML Metadata.
      artifacts: Identities of the artifacts.
      model: Identity of the model; its execution has the settings.
      baseline: Identity of the champion.
    """
    # Identities increase in the order in which executions start.
    makers: dict[int, int] = {}
    for execution, finished in filter(None, (_maker(store, artifact) for artifact in artifacts)):
        makers[execution] = max(finished, makers.get(execution, 0))
    settings = _training_settings(store, model)
    [published] = store.get_artifacts_by_id([model]) if model is not None else [metadata_store_pb2.Artifact()]
    baseline_maker = None if baseline is None else _maker(store, baseline)
    return Provenance(
        steps=tuple(_step(store, execution, finished) for execution, finished in sorted(makers.items())),
        model=settings.model if settings else {},
        trainer=settings.trainer if settings else {},
        tfx_version=published.custom_properties["tfx_version"].string_value,
        baseline_decision="" if baseline is None else _decision(store, baseline),
        baseline_run=_step(store, *baseline_maker).run if baseline_maker else "",
    )


def _maker(store: metadata_store.MetadataStore, artifact: int) -> tuple[int, int] | None:
    """The execution that made an artifact (not one that took it from the cache), and the time when it published it."""
    outputs = [event for event in store.get_events_by_artifact_ids([artifact]) if event.type == _Event.OUTPUT]
    published = {event.execution_id: event.milliseconds_since_epoch for event in outputs}
    executions = store.get_executions_by_id(list(published))
    complete = [execution.id for execution in executions if execution.last_known_state == _Execution.COMPLETE]
    return (min(complete), published[min(complete)]) if complete else None


def _decision(store: metadata_store.MetadataStore, model: int) -> str:
    """The latest decision on a model."""
    pushes = (push.custom_properties for push in sorted(store.get_artifacts_by_type("PushedModel"), key=lambda push: push.id))
    found = [push for push in pushes if DECISION in push and push[MODEL_ID].int_value == model]
    return f"{found[-1][DECISION].string_value}: {found[-1][WHY].string_value}" if found else ""


def _step(store: metadata_store.MetadataStore, execution_id: int, finished: int) -> Step:
    [execution] = store.get_executions_by_id([execution_id])
    names = {context.type: context.name for context in store.get_contexts_by_execution(execution_id)}
    # The name of a node's context starts with the name of the pipeline.
    node = names.get("node", "").removeprefix(f"{names.get('pipeline', '')}.")
    seconds = max(0, finished - execution.create_time_since_epoch) / 1000
    return Step(node=node or execution.type, run=names.get("pipeline_run", ""), seconds=seconds)


def _training_settings(store: metadata_store.MetadataStore, model: int | None) -> TrainingSettings | None:
    """The Trainer's settings; None if another component made the model."""
    maker = None if model is None else _maker(store, model)
    if maker is None:
        return None
    [execution] = store.get_executions_by_id([maker[0]])
    return TrainingSettings.read(execution.custom_properties["custom_config"].string_value)
