"""Runs in ML Metadata and on disk as the pipeline leaves them, without the hours: written by ML Metadata's own client."""

import itertools
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import text_format
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.artifacts.drift import DriftSummary, write_summary
from components.artifacts.tfma_files import _message_classes
from pipelines.mlmd.connections import open_store
from pipelines.mlmd.location import Location, sqlite_location
from pipelines.mlmd.record import finish_record, start_record

LIVE, COMPLETE, CACHED, FAILED, RUNNING = (
    mlmd.Artifact.LIVE, mlmd.Execution.COMPLETE, mlmd.Execution.CACHED, mlmd.Execution.FAILED, mlmd.Execution.RUNNING,
)  # fmt: skip


@dataclass(frozen=True)
class _Component:
    type: str
    inputs: tuple[str, ...]
    outputs: dict[str, str]


# As `tfx-vae run` writes them; outputs have names of their own throughout the pipeline.
_PIPELINE = {
    "ImportSchemaGen": _Component(
        "tfx.components.schema_gen.import_schema_gen.component.ImportSchemaGen", (), {"schema": "Schema"}
    ),
    "TfdsExampleGen": _Component("components.example_gen.component.TfdsExampleGen", (), {"examples": "Examples"}),
    "StatisticsGen": _Component(
        "tfx.components.statistics_gen.component.StatisticsGen", ("examples", "schema"), {"statistics": "ExampleStatistics"}
    ),
    "DriftGate": _Component("components.drift.component.DriftGate", ("examples",), {"drift_verdict": "DriftVerdict"}),
    "Transform": _Component(
        "components.transform.component.ImageTransform",
        ("examples", "schema"),
        {"transformed_examples": "Examples", "transform_graph": "TransformGraph", "updated_analyzer_cache": "TransformCache"},
    ),
    "Trainer": _Component(
        "tfx.components.trainer.component.Trainer",
        ("transformed_examples", "transform_graph"),
        {"model": "Model", "model_run": "ModelRun"},
    ),
    "BaselineResolver": _Component("tfx.dsl.components.common.resolver.Resolver", (), {}),
    "Evaluator": _Component(
        "tfx.components.evaluator.component.Evaluator",
        ("examples", "model", "baseline_model"),
        {"evaluation": "ModelEvaluation", "blessing": "ModelBlessing"},
    ),
    "InfraValidator": _Component(
        "components.infra_validator.component.InfraValidator", ("model",), {"infra_blessing": "InfraBlessing"}
    ),
    "Pusher": _Component(
        "tfx.components.pusher.component.Pusher", ("model", "blessing"), {"pushed_model": "PushedModel"}
    ),
}  # fmt: skip


_FOUND_BY_DRIVERS = ("version", "content_digest")
"""TFX records them only of executions that were not served from the cache."""


@dataclass
class PastRun:
    """A run that was written.

    Attributes:
      id: Its name.
      artifacts: Ids by the names of outputs.
      executions: Ids by component.
      uris: By the names of outputs.
      log: Its log.
    """

    id: str
    artifacts: dict[str, int] = field(default_factory=dict)
    executions: dict[str, int] = field(default_factory=dict)
    uris: dict[str, Path] = field(default_factory=dict)
    log: Path = Path()


class History:
    """A database and the files beside it."""

    def __init__(self, root: Path, location: Location | None = None) -> None:
        """Opens a database, which is made if it is not there; `location` is a file in `root` unless said otherwise."""
        root.mkdir(parents=True, exist_ok=True)
        self.root = root
        self.location = location or sqlite_location(root / "metadata.sqlite")
        self.store = open_store(self.location)
        self._types: dict[str, int] = {}
        # A run takes up to two of them.
        self._numbers = itertools.count(1 + 2 * len(self.store.get_contexts()))

    def run(
        self,
        pipeline: str = "mnist-vae",
        *,
        epochs: int = 3,
        elbo: float = 100.0,
        blessed: bool = True,
        refusal: str | None = None,
        drift: DriftSummary | None = None,
        cached_from: PastRun | None = None,
        baseline: PastRun | None = None,
        stops_at: str = "",
        stops_as: int = FAILED,
        error: str = "",
        record: str = "complete",
        bytes_each: int = 100,
    ) -> PastRun:
        """Writes one run.

        Args:
          pipeline: Its pipeline.
          epochs: A parameter of its Trainer.
          elbo: The negative ELBO that its Evaluator measured.
          blessed: Whether the model was, and so pushed.
          refusal: Why it failed the check before pushing, empty if it passed; None if it was not checked.
          drift: What its DriftGate found; None if it has none.
          cached_from: The run whose outputs all of its components take from the cache.
          baseline: The run whose model its Resolver chose.
          stops_at: The component that did not end well; none after it ran.
          stops_as: The state of that component.
          error: Why it failed.
          record: How the run noted that it ended; `running` for one that did not.
          bytes_each: The size of each artifact.
        """
        number = next(self._numbers)
        past = PastRun(
            f"2026-01-{1 + number // 86400:02d}T{number % 86400 // 3600:02d}-{number % 3600 // 60:02d}-{number % 60:02d}.000000"
        )
        past.log = self.root / "logs" / pipeline / f"{past.id}.log"
        past.log.parent.mkdir(parents=True, exist_ok=True)
        past.log.write_text("as it went")
        pipeline_root = self.root / "pipelines" / pipeline
        start_record(self.store, pipeline, past.id, pipeline_root, past.log)
        left_out = {"InfraValidator": refusal is None, "DriftGate": drift is None}
        for node in (node for node in _PIPELINE if not left_out.get(node)):
            state = CACHED if cached_from and node != "BaselineResolver" else stops_as if node == stops_at else COMPLETE
            properties = self._parameters(pipeline, node, epochs)
            if state == CACHED:
                for name in _FOUND_BY_DRIVERS:
                    properties.pop(name, None)
            execution = self._execute(pipeline, past, node, state, properties, baseline)
            if state in (COMPLETE, CACHED):
                found = elbo, blessed, refusal or "", bytes_each, drift
                self._publish(pipeline_root, past, node, execution, cached_from, *found)
            if node == stops_at:
                break
        if record != "running":
            finish_record(self.store, past.id, record, error)
        return past

    def state(self, artifact: int) -> int:
        """The state of an artifact."""
        [found] = self.store.get_artifacts_by_id([artifact])
        return int(found.state)

    def _execute(
        self, pipeline: str, past: PastRun, node: str, state: int, properties: dict[str, Any], baseline: PastRun | None
    ) -> mlmd.Execution:
        """Registers an execution and what it takes in; of a Resolver also what it chooses."""
        execution = mlmd.Execution(
            type_id=self._type("execution", _PIPELINE[node].type),
            last_known_state=state,
            custom_properties={name: _value(value) for name, value in properties.items()},
        )
        taken = {name: past.artifacts[name] for name in _PIPELINE[node].inputs if name in past.artifacts}
        kind = mlmd.Event.INPUT
        if baseline and node == "Evaluator":
            taken["baseline_model"] = baseline.artifacts["model"]
        if baseline and node == "BaselineResolver":
            taken = {"model": baseline.artifacts["model"], "model_blessing": baseline.artifacts["blessing"]}
            kind = mlmd.Event.INTERNAL_OUTPUT
        contexts = [self._context("pipeline", pipeline), self._context("pipeline_run", past.id)]
        contexts.append(self._context("node", f"{pipeline}.{node}"))
        known = {artifact.id: artifact for artifact in self.store.get_artifacts_by_id(list(taken.values()))}
        pairs = [(known[id_], _event(name, kind)) for name, id_ in taken.items()]
        execution.id, _, _ = self.store.put_execution(execution, pairs, contexts)
        past.executions[node] = execution.id
        return execution

    def _publish(
        self,
        pipeline_root: Path,
        past: PastRun,
        node: str,
        execution: mlmd.Execution,
        cached_from: PastRun | None,
        elbo: float,
        blessed: bool,
        refusal: str,
        bytes_each: int,
        drift: DriftSummary | None,
    ) -> None:
        """Writes the outputs, to disk and to the database."""
        pairs = []
        for name, type_ in _PIPELINE[node].outputs.items():
            if cached_from:
                [artifact] = self.store.get_artifacts_by_id([cached_from.artifacts[name]])
            else:
                directory = pipeline_root / node / name / str(execution.id)
                properties = self._output(directory, past, type_, elbo, blessed, refusal, bytes_each, drift)
                artifact = mlmd.Artifact(
                    type_id=self._type("artifact", type_),
                    uri=str(directory),
                    state=LIVE,
                    custom_properties={key: _value(value) for key, value in properties.items()},
                )
            past.uris[name] = Path(artifact.uri)
            pairs.append((artifact, _event(name, mlmd.Event.OUTPUT)))
        system = pipeline_root / node / ".system" / "executor_execution" / str(execution.id)
        system.mkdir(parents=True)
        _, ids, _ = self.store.put_execution(execution, pairs, [])
        past.artifacts |= dict(zip(_PIPELINE[node].outputs, ids, strict=True))

    def _output(
        self,
        directory: Path,
        past: PastRun,
        type_: str,
        elbo: float,
        blessed: bool,
        refusal: str,
        bytes_each: int,
        drift: DriftSummary | None,
    ) -> dict[str, Any]:
        directory.mkdir(parents=True)
        (directory / "data").write_bytes(b"x" * bytes_each)
        match type_:
            case "Examples" if directory.parent.name == "examples":
                return {"dataset": "mnist", "dataset_version": "3.0.1", "tfx_version": "1.21.0"}
            case "DriftVerdict" if drift:
                write_summary(directory, drift)
                return {"drifted": int(drift.drifted), "drift": drift.sentence()}
            case "ModelEvaluation":
                write_evaluation(directory, {"negative_elbo": elbo, "reconstruction_loss": elbo - 20, "kl_divergence": 20.0})
            case "ModelBlessing":
                return {"blessed": int(blessed), "current_model_id": past.artifacts["model"]}
            case "InfraBlessing":
                return {"blessed": int(not refusal), "refusal": refusal, "tfx_version": "1.21.0"}
            case "PushedModel" if blessed and not refusal:
                version = 1_700_000_000 + next(self._numbers)
                destination = self.root / "serving" / directory.parents[2].name / str(version)
                destination.mkdir(parents=True)
                return {"pushed": 1, "pushed_version": str(version), "pushed_destination": str(destination)}
            case "PushedModel":
                return {"pushed": 0}
        return {"tfx_version": "1.21.0"}

    def _parameters(self, pipeline: str, node: str, epochs: int) -> dict[str, Any]:
        match node:
            case "TfdsExampleGen":
                return {"dataset": "mnist", "version": "3.0.1", "splits": '{"train": "train"}', "content_digest": "a" * 64}
            case "Trainer":
                model = {"kind": "vae", "network": "dense", "latent_dim": 32}
                config = {
                    "model": json.dumps(model),
                    "trainer": json.dumps({"epochs": epochs}),
                    "checkpoint_dir": str(self.root / "checkpoints" / pipeline),
                }
                return {"custom_config": json.dumps(config), "run_fn": "components.trainer.run.run_fn"}
            case "Evaluator":
                # As long as it is in truth.
                return {"eval_config": json.dumps({"metrics_specs": [{"metrics": "m" * 4000}]})}
        return {}

    def _type(self, kind: str, name: str) -> int:
        if name not in self._types:
            put = {"artifact": self.store.put_artifact_type, "execution": self.store.put_execution_type}[kind]
            make = {"artifact": mlmd.ArtifactType, "execution": mlmd.ExecutionType}[kind]
            # TFX may have declared properties for it.
            self._types[name] = put(make(name=name), can_omit_fields=True)
        return self._types[name]

    def _context(self, type_name: str, name: str) -> mlmd.Context:
        found = self.store.get_context_by_type_and_name(type_name, name)
        if found is None:
            type_id = self.store.put_context_type(mlmd.ContextType(name=type_name))
            found = mlmd.Context(type_id=type_id, name=name)
            [found.id] = self.store.put_contexts([found])
        return found


def write_evaluation(directory: Path, metrics: Mapping[str, float]) -> None:
    """Writes a ModelEvaluation: the whole split and ten labels, as the Evaluator does. Nobody looks at the checksums."""
    records = []
    for label in (None, *range(10)):
        slice_key = "" if label is None else f'slice_key {{ single_slice_keys {{ column: "label" int64_value: {label} }} }}'
        values = " ".join(
            f'metric_keys_and_values {{ key {{ name: "{name}" }} value {{ double_value {{ value: {value} }} }} }}'
            for name, value in metrics.items()
        )
        message = text_format.Parse(f"{slice_key} {values}", _message_classes()["MetricsForSlice"]())
        data = message.SerializeToString()
        records.append(struct.pack("<QI", len(data), 0) + data + struct.pack("<I", 0))
    (directory / "metrics-00000-of-00001.tfrecord").write_bytes(b"".join(records))


def _event(channel: str, type_: int) -> mlmd.Event:
    steps = [mlmd.Event.Path.Step(key=channel), mlmd.Event.Path.Step(index=0)]
    return mlmd.Event(type=type_, path=mlmd.Event.Path(steps=steps))


def _value(value: Any) -> mlmd.Value:
    return mlmd.Value(int_value=value) if isinstance(value, int) else mlmd.Value(string_value=value)


def records(store: Any, run: str) -> list[tuple[Any, ...]]:
    """What a run has in ML Metadata: for each execution its node, state, parameters, other contexts, and artifacts.

    Not in the order of the executions, which differs where components run at the same time.
    """
    found = []
    context = store.get_context_by_type_and_name("pipeline_run", run)
    for execution in store.get_executions_by_context(context.id):
        contexts = sorted((item.type, item.name) for item in store.get_contexts_by_execution(execution.id) if item.name != run)
        events = store.get_events_by_execution_ids([execution.id])
        artifacts = sorted((event.artifact_id, event.type, str(event.path)) for event in events)
        properties = {name: value.string_value for name, value in execution.custom_properties.items()}
        found.append((execution.type, execution.last_known_state, properties, contexts, artifacts))
    return sorted(found, key=lambda record: (record[0], record[3]))
