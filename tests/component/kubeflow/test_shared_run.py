"""What the steps of one run write about it from different machines, on real servers."""

from collections.abc import Iterator

import pytest
from support import servers
from support.concurrent_steps import RUNS, STEPS, join_together

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
