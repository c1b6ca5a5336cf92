"""The parts of TFX below its public interface (`tfx.v1`), and all that this project does with them.

`tests/unit/components/test_private_tfx.py` says what no longer works after an upgrade.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar, Self

from ml_metadata.metadata_store.metadata_store import MetadataStore
from ml_metadata.proto import metadata_store_pb2
from tfx.components.example_gen import utils as example_gen_utils
from tfx.dsl.compiler import constants
from tfx.dsl.compiler.compiler import Compiler
from tfx.dsl.components.base import base_driver as legacy_driver
from tfx.dsl.input_resolution.ops.latest_span_op import LatestSpan
from tfx.dsl.io import fileio, filesystem_registry
from tfx.dsl.io.plugins import tensorflow_gfile
from tfx.orchestration import data_types_utils
from tfx.orchestration.metadata import Metadata
from tfx.orchestration.pipeline import Pipeline
from tfx.orchestration.portable import base_driver, data_types, runtime_parameter_utils
from tfx.proto import example_gen_pb2
from tfx.proto.orchestration import driver_output_pb2, pipeline_pb2
from tfx.types.artifact import Artifact

from components import bucket


class CompletingDriver(legacy_driver.BaseDriver, base_driver.BaseDriver):
    """A component's driver that adds execution properties before the cache is asked, so that they are part of its key.

    It has both of TFX's driver interfaces, as the stock ExampleGen has: its launcher calls `run`, the interactive context of a
    notebook calls `resolve_exec_properties`, which adds nothing here.

    Attributes:
      node: The name of the node's context in ML Metadata; empty before `run`.
      uses_cache: Whether TFX looks for an earlier result.
    """

    node = ""
    uses_cache = True

    def __init__(self, metadata_handle: Metadata) -> None:
        legacy_driver.BaseDriver.__init__(self, metadata_handle)
        base_driver.BaseDriver.__init__(self, metadata_handle)

    def run(self, execution_info: data_types.ExecutionInfo) -> driver_output_pb2.DriverOutput:
        """Called by TFX's launcher."""
        self.node = f"{execution_info.pipeline_info.id}.{execution_info.pipeline_node.node_info.id}"
        self.uses_cache = execution_info.pipeline_node.execution_options.caching_options.enable_cache
        output = driver_output_pb2.DriverOutput()
        for name, value in self.added_properties(execution_info.exec_properties, execution_info.input_dict).items():
            if value is not None:
                data_types_utils.set_metadata_value(output.exec_properties[name], value)
        return output

    def added_properties(self, parameters: dict[str, Any], inputs: Mapping[str, list[Artifact]]) -> dict[str, Any]:
        """What to add to the execution properties; None adds nothing.

        Args:
          parameters: The execution properties, as the pipeline has them.
          inputs: The input artifacts by channel.
        """
        raise NotImplementedError

    @contextmanager
    def store(self) -> Iterator[MetadataStore]:
        """Connects to ML Metadata."""
        with self._mlmd_connection as handle:
            yield handle.store


def match_spans(base: str, pattern: str) -> Iterator[tuple[str, int, int | None]]:
    """Finds everything that a pattern with `{SPAN}` or `{YYYY}`, `{MM}`, `{DD}`, and perhaps `{VERSION}`, matches.

    Args:
      base: A directory.
      pattern: Below it.

    Yields:
      The pattern with the span and the version filled in, with their leading zeros; the span; the version, if there is one.

    Raises:
      ValueError: The placeholders contradict each other, or something that matches is no number.
    """
    split = example_gen_pb2.Input.Split(name="examples", pattern=pattern)
    kinds = example_gen_utils.verify_split_pattern_specs(split)
    if not any(kinds):
        return
    glob, regex = example_gen_utils._create_matching_glob_and_regex(base, split, *kinds, range_config=None)
    for path in fileio.glob(glob):
        tokens, span, version_token, version = example_gen_utils._find_matched_span_version_from_path(path, regex, *kinds)
        names = (example_gen_utils.SPAN_FULL_REGEX,) if kinds[0] else example_gen_utils.DATE_SPECS
        filled = pattern
        for name, token in zip(names, tokens, strict=True):
            filled = re.sub(name, token, filled)
        yield re.sub(example_gen_utils.VERSION_FULL_REGEX, version_token or "", filled), span, version


def latest_spans(examples: Sequence[Artifact], count: int) -> list[Artifact]:
    """The latest version of each of the latest spans, the oldest first, as TFX's RollingRange chooses them.

    Args:
      examples: With the properties `span` and `version`.
      count: How many; 0 is all of them.
    """
    return sorted(LatestSpan.create(n=count).apply(list(examples)), key=lambda artifact: int(artifact.span))


def compile_pipeline(pipeline: Pipeline) -> pipeline_pb2.Pipeline:
    """The intermediate representation, whose nodes are in topological order; reads and writes nothing."""
    return Compiler().compile(pipeline)


def set_run_id(compiled: pipeline_pb2.Pipeline, run_id: str) -> None:
    """Names the run of a compiled pipeline, in place."""
    runtime_parameter_utils.substitute_runtime_parameter(compiled, {constants.PIPELINE_RUN_ID_PARAMETER_NAME: run_id})


class _StagedFilesystem(tensorflow_gfile.TensorflowFilesystem):
    """Local files, to which those count that would be downloaded from a bucket: TFX takes no cached output that is missing."""

    SUPPORTED_SCHEMES: ClassVar = [""]

    @staticmethod
    def exists(path: Any) -> bool:
        """See `tfx.dsl.io.filesystem.Filesystem`."""
        return bucket.exists(path) if isinstance(path, str) else tensorflow_gfile.TensorflowFilesystem.exists(path)


# TensorFlow's own has 10; the lowest wins.
filesystem_registry.DEFAULT_FILESYSTEM_REGISTRY.register(_StagedFilesystem, priority=-1)


class _StoreHandle(Metadata):
    """What TFX's launcher reaches ML Metadata by, opened as all of this project opens it."""

    def __init__(self, config: metadata_store_pb2.ConnectionConfig, open_store: Callable[[], MetadataStore]) -> None:
        super().__init__(config)
        self._open_store = open_store

    def __enter__(self) -> Self:
        self._store = _LocalUris(self._open_store())
        self._users += 1
        return self


class _LocalUris:
    """ML Metadata has the URIs of a bucket; TFX sees the paths of their copies on this machine."""

    def __init__(self, store: MetadataStore) -> None:
        self._store = store

    def __getattr__(self, name: str) -> Any:
        method = getattr(self._store, name)

        def call(*values: Any, **named: Any) -> Any:
            values = _with_uris(values, bucket.uri_of)
            named = {key: _with_uris(one, bucket.uri_of) for key, one in named.items()}
            return _with_uris(
                method(*values, **named), lambda uri: str(bucket.local(uri)) if uri.startswith(bucket.SCHEME) else uri
            )

        return call


def _with_uris(value: Any, change: Callable[[str], str]) -> Any:
    """The same value, with the URI of every artifact in it changed."""
    if isinstance(value, metadata_store_pb2.Artifact) and change(value.uri) != value.uri:
        changed = metadata_store_pb2.Artifact()
        changed.CopyFrom(value)
        changed.uri = change(value.uri)
        return changed
    if type(value) in (list, tuple):
        return type(value)(_with_uris(one, change) for one in value)
    return value


def launch(
    compiled: pipeline_pb2.Pipeline,
    node: pipeline_pb2.PipelineNode,
    config: metadata_store_pb2.ConnectionConfig,
    open_store: Callable[[], MetadataStore],
) -> int:
    """Runs one node: its driver, its executor, its publisher.

    Args:
      compiled: A compiled pipeline whose run id is set.
      node: One of its nodes; those before it have run.
      config: How ML Metadata's own client connects.
      open_store: How this project connects.

    Returns:
      The execution in ML Metadata. It has failed where the inputs could not be resolved: the launcher does not raise then.

    Raises:
      Exception: Whatever the executor raised; ML Metadata then has the execution as failed.
    """
    from tfx.orchestration.local import runner_utils
    from tfx.orchestration.portable.launcher import Launcher

    class StagedLauncher(Launcher):
        """Downloads inputs from a bucket before the executor runs; publishes outputs once they are uploaded to it."""

        def _run_executor(self, execution_info: data_types.ExecutionInfo) -> Any:
            for artifacts in execution_info.input_dict.values():
                for artifact in artifacts:
                    bucket.fetch(artifact.uri)
            output = super()._run_executor(execution_info)
            for artifacts in execution_info.output_dict.values():
                for artifact in artifacts:
                    bucket.upload(artifact.uri)
            return output

    deployment = runner_utils.extract_local_deployment_config(compiled)
    node_id = node.node_info.id
    execution = StagedLauncher(
        pipeline_node=node,
        mlmd_connection=_StoreHandle(config, open_store),
        pipeline_info=compiled.pipeline_info,
        pipeline_runtime_spec=compiled.runtime_spec,
        executor_spec=runner_utils.extract_executor_spec(deployment, node_id),
        custom_driver_spec=runner_utils.extract_custom_driver_spec(deployment, node_id),
    ).launch()
    return int(execution.execution_id)
