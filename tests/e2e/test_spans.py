"""Nights with and without a new span of digits: from the folder to the pushed model."""

import re
import resource
import shutil
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2
from support.spans import NIGHTLY, write_drifting_digits
from support.workplace import Workplace, states

from pipelines.mlmd.connections import open_store
from pipelines.mlmd.location import sqlite_location

pytestmark = pytest.mark.timeout(1200)


def inputs(store: Any, node: str, of_type: str = "Examples") -> list[list[int]]:
    """The spans that each execution of a node read, or the ids of its other inputs; the first execution first."""
    executions = store.get_executions_by_context(store.get_context_by_type_and_name("node", f"digits.{node}").id)
    found = []
    for execution in sorted(executions, key=lambda one: one.id):
        events = store.get_events_by_execution_ids([execution.id])
        read = [event.artifact_id for event in events if event.type == metadata_store_pb2.Event.INPUT]
        artifacts = [one for one in store.get_artifacts_by_id(read) if one.type == of_type]
        found.append(sorted(one.custom_properties["span"].int_value or one.id for one in artifacts))
    return found


def test_a_model_learns_from_a_new_span_and_a_night_without_one_trains_nothing(
    workplace: Workplace, quick: Workplace, tmp_path: Path
):
    write_drifting_digits(tmp_path / "all")
    nights = tmp_path / "nights"
    settings = (*NIGHTLY, f"data.images={nights}/span-{{SPAN}}")

    shutil.copytree(tmp_path / "all" / "span-2", nights / "span-2")
    first = quick.run(*settings, "report.enabled=false")
    assert first.returncode == 0, first.stdout + first.stderr
    shutil.rmtree(nights / "span-2")  # what was read is not needed any more
    shutil.copytree(tmp_path / "all" / "span-3", nights / "span-3")
    second = quick.run(*settings)
    assert second.returncode == 0, second.stdout + second.stderr
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    third = workplace.run(*settings)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert third.returncode == 0, third.stdout + third.stderr

    # The last span is of inverted digits.
    assert re.search(r"^Drift +.*brightness", second.stdout, re.MULTILINE), second.stdout
    good, bad = workplace.versions("digits")
    assert "all thresholds hold" in second.stdout  # it is no worse than the champion on what has arrived
    assert f"version {bad} is the newest" in second.stdout

    assert "No new images since span 3: nothing was trained." in third.stdout
    assert {name for name, state in states(third.stdout).items() if state == "ran"} == {
        "KnownSpans", "TrainingSpans", "TestSpans", "AnalysisResolver",
        "WarmStartResolver", "DriftResolver", "BaselineResolver",
    }  # fmt: skip
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 30  # other processes do not count
    store = open_store(sqlite_location(workplace.root / "metadata.sqlite"))
    assert inputs(store, "StatisticsGen") == [[2], [3], [3]]  # span 2 is looked at once
    assert inputs(store, "Transform") == [[2], [2, 3], [2, 3]]
    assert [len(caches) for caches in inputs(store, "Transform", "TransformCache")] == [0, 1, 1]
    assert inputs(store, "Evaluator") == [[2], [3], [3]]

    back = workplace.call("rollback", "--why", "inverted digits", *(word for one in settings for word in ("--set", one)))
    assert back.returncode == 0, back.stdout + back.stderr
    [served] = set(workplace.versions("digits")) - {good, bad}
    assert served > bad
    weights = {version: workplace.weights(version, "digits") for version in (good, bad, served)}
    assert weights[served] == weights[good] != weights[bad]
