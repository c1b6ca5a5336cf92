"""What this project needs of TFX below its public interface is there, and does what it did."""

from pathlib import Path

import pytest

SENTENCE = (
    "This version of TFX no longer has what components/private_tfx.py builds on ({}): compare it with "
    "tfx/orchestration/local/local_dag_runner.py and tfx/components/example_gen/driver.py of the installed version."
)


def test_a_node_is_compiled_named_completed_by_its_driver_and_launched(tmp_path: Path):
    try:
        said, states = launch_tiny_pipeline(tmp_path)
    except (ImportError, AttributeError, TypeError, NotImplementedError) as error:
        pytest.fail(SENTENCE.format(error))
    assert said == "hello, execution 1", SENTENCE.format("the driver or the executor does something else")
    assert states == {"run-7": ["COMPLETE"]}, SENTENCE.format("ML Metadata is written in another way")


def launch_tiny_pipeline(directory: Path) -> tuple[str, dict[str, list[str]]]:
    """Launches a pipeline of one component.

    Returns:
      What its executor wrote, and the states of the executions of each run in ML Metadata.
    """
    from ml_metadata.proto import metadata_store_pb2
    from support.tiny_component import Tiny
    from tfx.orchestration.pipeline import Pipeline

    from components import private_tfx
    from pipelines.mlmd.connections import connection_config, open_store
    from pipelines.mlmd.location import sqlite_location

    location = sqlite_location(directory / "metadata.sqlite")
    compiled = private_tfx.compile_pipeline(
        Pipeline(
            "tiny",
            str(directory),
            metadata_connection_config=connection_config(location),
            components=[Tiny("hello")],
        )
    )
    private_tfx.set_run_id(compiled, "run-7")
    [node] = compiled.nodes
    opened = []

    def open_once() -> object:
        opened.append(open_store(location))
        return opened[-1]

    execution = private_tfx.launch(compiled, node.pipeline_node, connection_config(location), open_once)
    assert opened, SENTENCE.format("the launcher connects by itself")
    store = open_store(location)
    [artifact] = store.get_artifacts()
    name = metadata_store_pb2.Execution.State.Name
    assert [found.id for found in store.get_executions()] == [execution]
    runs = {
        run.name: [name(found.last_known_state) for found in store.get_executions_by_context(run.id)]
        for run in store.get_contexts_by_type("pipeline_run")
    }
    return (Path(artifact.uri) / "said.txt").read_text(), runs
