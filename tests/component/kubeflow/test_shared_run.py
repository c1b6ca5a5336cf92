"""What the steps of one run write about it from different machines, on real servers."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from ml_metadata.proto import metadata_store_pb2
from support import servers
from support.concurrent_steps import RUNS, STEPS, join_together

from components.errors import PipelineError
from pipelines.mlmd import names
from pipelines.mlmd.connections import open_store
from pipelines.mlmd.location import Location


@pytest.fixture(params=["mariadb", "postgresql"])
def server(request: pytest.FixtureRequest) -> Iterator[Location]:
    with getattr(servers, request.param)() as location:
        yield location


def test_steps_that_join_and_fail_at_the_same_moment_lose_nothing_of_what_the_others_write(server: Location):
    assert join_together(server) == []

    store = open_store(server)
    [parent] = store.get_contexts_by_type("pipeline")
    runs = store.get_children_contexts_by_context(parent.id)
    assert len(runs) == RUNS
    failures = {f"Step{step} found no data" for step in range(1, STEPS, 2)}
    for run in runs:
        record = {name: value.string_value for name, value in run.custom_properties.items()}
        assert {record.pop(f"{names.ERROR} of Step{step}") for step in range(1, STEPS, 2)} == failures
        assert record[names.STATE] == "failed"
        assert record[names.ERROR] in failures


def test_the_commands_of_the_documentation_back_up_restore_and_set_a_new_password(tmp_path: Path):
    text = (Path(__file__).parents[3] / "docs" / "kubeflow.md").read_text()
    back_up, restore, connect = re.findall(r"sh -c '(mariadb.*? mlmd)'", text)
    [statement] = re.findall(r'echo "(SET PASSWORD.*?)"', text)
    with servers.mariadb() as location:
        # What the pod has: the server's port is the usual one there.
        pod = {"MYSQL_TCP_PORT": str(location.port), "MARIADB_PASSWORD": str(location.password)}

        def in_pod(command: str, standard_input: str = "") -> str:
            found = os.environ | pod | {"NEW_PASSWORD": "n3w"}
            return subprocess.run(
                ["sh", "-c", command], input=standard_input, env=found, capture_output=True, text=True, check=True
            ).stdout

        store = open_store(location)
        kept = store.put_context_type(metadata_store_pb2.ContextType(name="kept"))
        dump = in_pod(back_up)
        store.put_context_type(metadata_store_pb2.ContextType(name="made after the backup"))
        in_pod(restore, dump)
        assert [(type_.id, type_.name) for type_ in open_store(location).get_context_types()] == [(kept, "kept")]

        in_pod(connect, in_pod(f'echo "{statement}"'))
        assert open_store(replace(location, password="n3w")).get_context_types()
        with pytest.raises(PipelineError):
            open_store(location)
