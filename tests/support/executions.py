"""Executions and artifacts in ML Metadata, one by one, where tests/support/history.py writes whole runs."""

from pathlib import Path
from typing import Any

from ml_metadata.metadata_store import metadata_store
from ml_metadata.proto import metadata_store_pb2 as mlmd


class Executions:
    """ML Metadata in memory or in a file, and a short way to write what TFX writes."""

    def __init__(self, file: Path | None = None, pipeline: str = "digits") -> None:
        config = mlmd.ConnectionConfig()
        if file is None:
            config.fake_database.SetInParent()
        else:
            config.sqlite.filename_uri = str(file)
            config.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READWRITE_OPENCREATE
        self.pipeline = pipeline
        self.store = metadata_store.MetadataStore(config)
        self.contexts: dict[tuple[str, str], int] = {}
        self.runs: set[str] = set()

    def artifact(self, uri: str = "/somewhere", type_name: str = "Model") -> int:
        type_ = self.store.put_artifact_type(mlmd.ArtifactType(name=type_name))
        artifact = mlmd.Artifact(type_id=type_, uri=uri, state=mlmd.Artifact.LIVE)
        artifact.custom_properties["tfx_version"].string_value = "1.21.0"
        return self.store.put_artifacts([artifact])[0]

    def execution(
        self,
        node: str,
        run: str,
        output: int,
        state: Any = mlmd.Execution.COMPLETE,
        channel: str = "output",
        kind: Any = mlmd.Event.OUTPUT,
        **properties: str,
    ) -> None:
        """Writes an execution that took 2.5 seconds."""
        type_ = self.store.put_execution_type(mlmd.ExecutionType(name=f"components.{node}"))
        execution = mlmd.Execution(type_id=type_, last_known_state=state)
        for name, value in properties.items():
            execution.custom_properties[name].string_value = value
        [identity] = self.store.put_executions([execution])
        [written] = self.store.get_executions_by_id([identity])
        event = mlmd.Event(execution_id=identity, artifact_id=output, type=kind)
        event.milliseconds_since_epoch = written.create_time_since_epoch + 2500
        event.path.steps.add(key=channel)
        names = {"pipeline": self.pipeline, "pipeline_run": run, "node": f"{self.pipeline}.{node}"}
        associations = [
            mlmd.Association(context_id=self.context(kind, name), execution_id=identity) for kind, name in names.items()
        ]
        self.store.put_events([event])
        self.store.put_attributions_and_associations([], associations)
        if run not in self.runs:
            self.runs.add(run)
            parent = mlmd.ParentContext(
                child_id=self.context("pipeline_run", run), parent_id=self.context("pipeline", self.pipeline)
            )
            self.store.put_parent_contexts([parent])

    def context(self, kind: str, name: str) -> int:
        if (kind, name) not in self.contexts:
            type_ = self.store.put_context_type(mlmd.ContextType(name=kind))
            [self.contexts[kind, name]] = self.store.put_contexts([mlmd.Context(type_id=type_, name=name)])
        return self.contexts[kind, name]
