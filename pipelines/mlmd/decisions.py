"""Rollback and promotion: a person makes a model the served one and the champion. Pushes it, and records it in ML Metadata."""

import datetime
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from typing import Any, Final

from components.artifacts import champion
from components.artifacts.champion import PROMOTE, ROLLBACK
from components.artifacts.serving_directory import (
    PUSHED,
    PUSHED_DESTINATION,
    PUSHED_VERSION,
    find_difference,
    find_fault,
    pushed_versions,
    version_number,
)
from components.bucket import exists, fetch, upload, uri_of
from components.errors import ConfigurationError, PipelineError
from components.pusher.versions import push
from pipelines.mlmd import names
from pipelines.mlmd.connections import open_store
from pipelines.mlmd.location import Backend, Location
from pipelines.mlmd.lock import database_lock
from pipelines.mlmd.moved_root import follow_moved_root
from pipelines.mlmd.record import finish_record, start_record, write_facts

_SERVED_MODEL: Final = "Format-Serving"
"""Where TFX's Trainer puts what is served, inside a Model."""

_NODES: Final = {ROLLBACK: "Rollback", PROMOTE: "Promote"}
"""The names of the executions; their types are `tfx_vae.Rollback` and `tfx_vae.Promote`."""


@dataclass(frozen=True)
class Place:
    """A pipeline, and where its models are served and recorded.

    Attributes:
      pipeline: Its name.
      pipeline_root: The directory of its artifacts.
      serving: The directory of the versions.
      metadata: The database.
    """

    pipeline: str
    pipeline_root: str
    serving: Path
    metadata: Location


@dataclass(frozen=True)
class Decision:
    """What was done.

    Attributes:
      model: The model that is the champion now.
      version: The version that it is served as.
      taken_back: The version that a rollback took back; None for a promotion.
    """

    model: int
    version: int
    taken_back: int | None = None


def rollback(place: Place, version: str | None, why: str, waiting: Callable[[str], AbstractContextManager[None]]) -> Decision:
    """Makes an earlier version the served one and the champion. The version taken back is never a baseline again.

    TensorFlow Serving serves the highest number, so the earlier model is copied to a new version.

    Args:
      place: The pipeline.
      version: The earlier version; `latest` or the name of the pipeline is the newest one, None the one that was pushed before
        the model that is served.
      why: The reason.
      waiting: See `database_lock`.

    Raises:
      ConfigurationError: There is no such version, or nothing to go back to.
    """
    _check_reason(why)
    with _records(place, ROLLBACK, waiting) as records:
        served = records.served()
        if served is None:
            raise ConfigurationError(
                f"No version of {place.pipeline} in {place.serving} was pushed by a run: nothing to go back from."
            )
        bad = records.model_of(served)
        earlier = records.previous(served, bad) if version is None else records.find_version(version)
        model = records.model_of(earlier)
        if model == bad:
            raise ConfigurationError(
                f"Version {earlier} is the model that is served now, as version {served}: choose another one."
            )
        if model in records.succession().taken_back:
            raise ConfigurationError(
                f"Version {earlier} was taken back by a rollback: promote it to serve it all the same "
                f"(tfx-vae promote {earlier} --why REASON)."
            )
        return records.decide(ROLLBACK, model, place.serving / str(earlier), why, served)


def promote(place: Place, target: str, why: str, waiting: Callable[[str], AbstractContextManager[None]]) -> Decision:
    """Makes a model the served one and the champion, whether it was blessed or refused.

    Args:
      place: The pipeline.
      target: A version, the id of a Model artifact, the id of a run or the beginning of one; `latest` or the name of the
        pipeline is its newest run.
      why: The reason.
      waiting: See `database_lock`.

    Raises:
      ConfigurationError: There is no such model, its files are gone, or it is the champion and served already.
    """
    _check_reason(why)
    with _records(place, PROMOTE, waiting) as records:
        model = records.find_model(target)
        served = records.served()
        is_served = served is not None and records.model_of(served) == model
        if is_served and records.succession().champion(lambda _: True) == model:
            raise ConfigurationError(f"Model {model} is the champion already, served as version {served}.")
        return records.decide(PROMOTE, model, fetch(records.models[model].uri) / _SERVED_MODEL, why)


def _check_reason(why: str) -> None:
    if not why.strip():
        raise ConfigurationError("--why needs a reason, for those who read it later.")


@contextmanager
def _records(place: Place, decision: str, waiting: Callable[[str], AbstractContextManager[None]]) -> Iterator["_Records"]:
    """The records of a pipeline, while no run can push."""
    location = place.metadata
    if location.backend is Backend.SQLITE and not location.path.is_file():
        raise ConfigurationError(
            f"There is no ML Metadata in {location.path}: run the pipeline with the same configuration first."
        )
    with database_lock(location, f"{decision} of {place.pipeline}", waiting):
        store = open_store(location)
        follow_moved_root(store, location)
        yield _Records(store, place)


class _Records:
    """What ML Metadata knows about the models of a pipeline."""

    def __init__(self, store: Any, place: Place) -> None:
        self._store, self._place = store, place
        known = [type_.name for type_ in store.get_context_types()]
        context = store.get_context_by_type_and_name("pipeline", place.pipeline) if "pipeline" in known else None
        if context is None:
            raise ConfigurationError(
                f"There is no pipeline {place.pipeline} in {place.metadata}: run it first, or choose another one with --config "
                f"or --set name=NAME."
            )
        self._context = context
        types = {type_.id: type_.name for type_ in store.get_artifact_types()}
        artifacts = store.get_artifacts_by_id(list(self._outputs(context.id)))
        of_type = {name: {a.id: a for a in artifacts if types[a.type_id] == name} for name in set(types.values())}
        self.models: dict[int, Any] = of_type.get("Model", {})
        self.blessings: dict[int, Any] = of_type.get("ModelBlessing", {})
        self.pushes: dict[int, Any] = of_type.get("PushedModel", {})

    def succession(self) -> champion.Succession:
        """The champions until now."""
        blessings = {identity: _properties(blessing) for identity, blessing in self.blessings.items()}
        return champion.succession(blessings, {identity: _properties(push) for identity, push in self.pushes.items()})

    def served(self) -> int | None:
        """The newest version of the serving directory that is recorded."""
        on_disk = [pushed.version for pushed in pushed_versions(self._place.serving)]
        recorded = self._by_version()
        return next((version for version in reversed(on_disk) if version in recorded), None)

    def previous(self, served: int, bad: int) -> int:
        """The newest version before another one that is of another model, which was not taken back."""
        taken_back = self.succession().taken_back
        for version in sorted(self._by_version(), reverse=True):
            is_there = exists(self._place.serving / str(version))
            if version < served and is_there and (model := self.model_of(version)) != bad and model not in taken_back:
                return version
        raise ConfigurationError(
            f"There is no earlier version of another model than version {served} in {self._place.serving}."
        )

    def model_of(self, version: int) -> int:
        """The model that was pushed as a version."""
        push = self._by_version().get(version)
        if push is None:
            known = ", ".join(map(str, sorted(self._by_version()))) or "none"
            raise ConfigurationError(
                f"Version {version} was not pushed by a run of {self._place.pipeline}; recorded are: {known}."
            )
        if champion.MODEL_ID in push.custom_properties:
            return int(push.custom_properties[champion.MODEL_ID].int_value)
        # A version of this project that did not record it: what the Pusher took in.
        makers = [event.execution_id for event in self._store.get_events_by_artifact_ids([push.id])]
        taken = [event.artifact_id for event in self._store.get_events_by_execution_ids(makers)]
        return next(identity for identity in taken if identity in self.models)

    def find_version(self, target: str) -> int:
        """A version by its number, or the newest one."""
        number = version_number(target)
        if number is None and target in ("latest", self._place.pipeline):
            number = max(self._by_version(), default=None)
        if number is None:
            raise ConfigurationError(
                f"{target!r} is no version of {self._place.pipeline}: `tfx-vae runs` lists them, and `latest` is the newest."
            )
        return number

    def find_model(self, target: str) -> int:
        """A model by version, by its own id, or by its run."""
        number = version_number(target)
        if number is not None and number in self._by_version():
            return self.model_of(number)
        if number is not None and number in self.models:
            return number
        runs = sorted(self._store.get_children_contexts_by_context(self._context.id), key=lambda run: run.id)
        if target in ("latest", self._place.pipeline):
            runs = [run for run in runs if names.DECISION not in run.custom_properties][-1:]
        else:
            runs = [run for run in runs if run.name.startswith(target)]
            runs = [run for run in runs if run.name == target] or runs
        if len(runs) > 1:
            raise ConfigurationError(f"{len(runs)} runs begin with {target!r}: write more of it.")
        if not runs:
            raise ConfigurationError(
                f"{target!r} is no version, model or run of {self._place.pipeline}: `tfx-vae runs` lists runs and versions."
            )
        trained = self._outputs(runs[0].id) & set(self.models)
        if len(trained) != 1:
            raise ConfigurationError(f"Run {runs[0].name} has no model of its own: name a version or the id of a model.")
        return trained.pop()

    def _outputs(self, context: int) -> set[int]:
        """What the executions of a pipeline or of a run made, or took from the cache; not what Resolvers chose."""
        executions = [execution.id for execution in self._store.get_executions_by_context(context)]
        events = self._store.get_events_by_execution_ids(executions)
        return {event.artifact_id for event in events if event.type == event.OUTPUT}

    def decide(self, decision: str, model: int, files: Path, why: str, taken_back: int | None = None) -> Decision:
        """Pushes files as a new version unless they are served already, and records it, the record in one transaction."""
        if not files.is_dir():
            raise ConfigurationError(f"The files of model {model} are not in {files} any more.")
        if fault := find_fault(files):
            raise ConfigurationError(f"The model in {files} cannot be served: {fault}.")
        version = self._push(files)
        self._record(decision, model, version, why, taken_back)
        return Decision(model, version, taken_back)

    def _push(self, files: Path) -> int:
        """The version that serves the files: the newest, if it is a copy of them already (an attempt may have been killed)."""
        newest = next(reversed(pushed_versions(self._place.serving)), None)
        if newest is not None and not find_difference(files, newest.path):
            return newest.version
        version = push(self._place.serving, lambda staging: _copy(files, staging))
        upload(version)
        return int(version.name)

    def _record(self, decision: str, model: int, version: int, why: str, taken_back: int | None) -> None:
        from ml_metadata.proto import metadata_store_pb2 as mlmd

        run_id = datetime.datetime.now().strftime("%Y-%m-%dT%H-%M-%S.%f")
        start_record(self._store, self._place.pipeline, run_id, self._place.pipeline_root, None)
        finish_record(self._store, run_id, "complete")
        run = self._store.get_context_by_type_and_name("pipeline_run", run_id)
        write_facts(self._store, run, {names.DECISION: decision, names.WHY: why})
        # put_execution writes contexts as they are given.
        run = self._store.get_context_by_type_and_name("pipeline_run", run_id)
        node = _NODES[decision]
        facts: dict[str, int | str] = {
            champion.WHY: why,
            "user": os.environ.get("USER", str(os.getuid())),
            "host": socket.gethostname(),
        }
        destination = uri_of(self._place.serving / str(version))
        pushed = mlmd.Artifact(type_id=self._artifact_type(mlmd), uri=destination, state=mlmd.Artifact.LIVE)
        outcome: dict[str, int | str] = {
            PUSHED: 1,
            PUSHED_VERSION: str(version),
            PUSHED_DESTINATION: destination,
            champion.MODEL_ID: model,
            champion.DECISION: decision,
            champion.WHY: why,
        }
        pairs = [(self.models[model], _event(mlmd, "model", mlmd.Event.INPUT))]
        if taken_back is not None:
            outcome |= {champion.TAKEN_BACK_VERSION: str(taken_back), champion.TAKEN_BACK_MODEL_ID: self.model_of(taken_back)}
            bad = self._by_version()[taken_back]
            bad.custom_properties[champion.TAKEN_BACK].string_value = why
            pairs.append((bad, _event(mlmd, "taken_back", mlmd.Event.INPUT)))
        _write_properties(pushed, outcome)
        pairs.append((pushed, _event(mlmd, "pushed_model", mlmd.Event.OUTPUT)))
        type_id = self._store.put_execution_type(
            mlmd.ExecutionType(name=f"tfx_vae.{node}"), can_add_fields=True, can_omit_fields=True
        )
        execution = mlmd.Execution(type_id=type_id, last_known_state=mlmd.Execution.COMPLETE)
        _write_properties(execution, facts)
        self._store.put_execution(execution, pairs, [self._context, run, self._node_context(mlmd, node)])

    def _artifact_type(self, mlmd: Any) -> int:
        return int(
            self._store.put_artifact_type(mlmd.ArtifactType(name="PushedModel"), can_add_fields=True, can_omit_fields=True)
        )

    def _node_context(self, mlmd: Any, node: str) -> Any:
        type_id = self._store.put_context_type(mlmd.ContextType(name="node"), can_add_fields=True, can_omit_fields=True)
        name = f"{self._place.pipeline}.{node}"
        return self._store.get_context_by_type_and_name("node", name) or mlmd.Context(type_id=type_id, name=name)

    def _by_version(self) -> Mapping[int, Any]:
        """The push of each version; of one that was decided on again, the last."""
        return {
            int(push.custom_properties[PUSHED_VERSION].string_value): push
            for _, push in sorted(self.pushes.items())
            if push.custom_properties[PUSHED].int_value == 1
        }


def _copy(files: Path, staging: Path) -> None:
    try:
        copytree(files, staging)
    except OSError as error:
        raise PipelineError(f"The model cannot be copied from {files} to {staging.parent}: {error}.") from error


def _properties(node: Any) -> dict[str, Any]:
    properties = node.custom_properties
    return {name: getattr(value, value.WhichOneof("value")) for name, value in properties.items() if value.WhichOneof("value")}


def _write_properties(node: Any, values: Mapping[str, int | str]) -> None:
    for name, value in values.items():
        setattr(node.custom_properties[name], "int_value" if isinstance(value, int) else "string_value", value)


def _event(mlmd: Any, channel: str, kind: int) -> Any:
    steps = [mlmd.Event.Path.Step(key=channel), mlmd.Event.Path.Step(index=0)]
    return mlmd.Event(type=kind, path=mlmd.Event.Path(steps=steps))
