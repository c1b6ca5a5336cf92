"""What is freed, what stays, and what a kill at any moment leaves."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from ml_metadata.proto import metadata_store_pb2 as mlmd
from support.history import FAILED, LIVE, RUNNING, History, PastRun

from pipelines.local.temporary import temporary_directory
from pipelines.mlmd.location import sqlite_location
from pipelines.mlmd.lock import locked
from tfx_vae.metadata.disk import OwnRoot
from tfx_vae.metadata.entities import ArtifactState
from tfx_vae.metadata.gc import protection
from tfx_vae.metadata.gc.collect import collect, plan_only
from tfx_vae.metadata.gc.leftovers import LeftoverKind
from tfx_vae.metadata.gc.plan import Plan, make_plan
from tfx_vae.metadata.gc.protection import Policy
from tfx_vae.metadata.reader import open_database, read_runs, read_snapshot
from tfx_vae.metadata.runs import list_runs

DELETED = list(ArtifactState).index(ArtifactState.DELETED)
NEEDED = ("model", "transformed_examples", "transform_graph", "examples", "schema")
"""What a model was made of."""
TOGETHER = ("model_run", "updated_analyzer_cache")
"""What was made together with that."""


def free(history: History, **policy: Any) -> Plan:
    return collect(history.location, history.root, Policy(**policy), lambda reason: contextlib.nullcontext())


def live(history: History, past: PastRun) -> set[str]:
    """The outputs of a run that may be used; their files are checked by the way."""
    states = {name: history.state(id_) for name, id_ in past.artifacts.items()}
    for name, state in states.items():
        assert past.uris[name].exists() == (state == LIVE), name
        assert state in (LIVE, DELETED)
    return {name for name, state in states.items() if state == LIVE}


def test_an_old_model_that_was_neither_blessed_nor_used_goes_and_its_metrics_stay(history: History):
    old = history.run(blessed=False)
    history.run()
    plan = free(history)
    assert live(history, old) == {"evaluation"}
    assert plan.size == sum(freed.size for freed in plan.artifacts) + len("as it went")
    assert {freed.artifact.id for freed in plan.artifacts} == {
        id_ for name, id_ in old.artifacts.items() if name != "evaluation"
    }
    with open_database(history.location) as database:
        assert [run.metrics is not None for run in list_runs(database)] == [True, True]


def test_the_newest_runs_stay_whole(history: History):
    runs = [history.run(blessed=False) for _ in range(3)]
    free(history, keep_last=2)
    assert live(history, runs[0]) == {"evaluation"}
    for kept in runs[1:]:
        assert live(history, kept) == set(kept.artifacts)


def test_what_a_kept_run_took_from_the_cache_stays(history: History):
    first = history.run(blessed=False)
    history.run(cached_from=first)
    free(history)
    assert live(history, first) == set(first.artifacts)


def test_a_pushed_model_stays_with_all_that_it_was_made_of(history: History):
    pushed = history.run()
    history.run(blessed=False)
    history.run(blessed=False)
    free(history, keep_last=0)
    assert live(history, pushed) == {*NEEDED, *TOGETHER, "pushed_model", "blessing", "evaluation"}


def test_of_what_a_training_started_from_only_the_model_itself_stays(history: History):
    """Or else the images of all nights would stay for ever."""
    first, second, third = (history.run(blessed=False) for _ in range(3))
    for model, run in ((first, second), (second, third)):
        event = mlmd.Event(artifact_id=model.artifacts["model"], execution_id=run.executions["Trainer"], type=mlmd.Event.INPUT)
        event.path.steps.add(key="base_model")
        history.store.put_events([event])
    free(history)
    assert live(history, first) == {"model", "evaluation"}
    assert live(history, second) == {*NEEDED, *TOGETHER, "evaluation"}  # what the newest run used


def test_a_version_that_was_taken_out_of_the_serving_directory_no_longer_protects_its_model(history: History):
    old, newer, newest = history.run(), history.run(), history.run()
    for version in (history.root / "serving" / "mnist-vae").iterdir():
        version.rmdir()
    free(history, keep_last=0)
    assert live(history, old) == {"evaluation"}
    # The newest blessed one is what the next run is compared with, and the one before it what that itself is compared with.
    for kept in (newer, newest):
        assert {*NEEDED, "blessing"} <= live(history, kept)


def test_the_baseline_of_the_last_run_stays_though_others_were_blessed_since(history: History):
    baseline = history.run()
    others = [history.run() for _ in range(3)]
    history.run(blessed=False, baseline=baseline)
    for version in (history.root / "serving" / "mnist-vae").iterdir():
        version.rmdir()
    free(history, keep_last=0)
    assert {*NEEDED, "blessing"} <= live(history, baseline)
    assert live(history, others[0]) == {"evaluation"}


def test_each_pipeline_has_its_own_newest(history: History):
    vae = history.run("mnist-vae", blessed=False)
    ae = history.run("mnist-ae", blessed=False)
    free(history)
    assert live(history, vae) == set(vae.artifacts)
    assert live(history, ae) == set(ae.artifacts)


def test_what_was_used_within_the_given_time_stays(history: History):
    old = history.run(blessed=False)
    history.run()
    with open_database(history.location) as database:
        snapshot = read_snapshot(database, read_runs(database))
    policy = Policy(older_than=timedelta(days=30))
    assert make_plan(snapshot, OwnRoot(history.root, history.location), policy, datetime.now()).size == 0
    later = make_plan(snapshot, OwnRoot(history.root, history.location), policy, datetime.now() + timedelta(days=31))
    assert {freed.artifact.id for freed in later.artifacts} >= {old.artifacts["model"], old.artifacts["examples"]}


def test_a_run_that_goes_on_keeps_what_it_made_and_used_and_its_working_files(history: History):
    baseline = history.run(blessed=False)
    going_on = history.run(stops_at="Evaluator", stops_as=RUNNING, baseline=baseline, record="running")
    history.run(blessed=False)
    with locked(going_on.log):
        plan = plan_only(history.location, history.root, Policy(keep_last=0))
        freed = {freed.artifact.id for freed in plan.artifacts}
        assert not freed & {*going_on.artifacts.values(), *(baseline.artifacts[name] for name in NEEDED)}
        assert plan.kept[protection.GOING_ON] > len(going_on.artifacts)
        assert plan.leftovers == ()


def test_a_run_that_was_killed_is_recorded_as_failed_and_keeps_nothing(history: History):
    killed = history.run(stops_at="Evaluator", stops_as=RUNNING, record="running")
    history.run()
    with open_database(history.location) as database:
        assert [run.state for run in list_runs(database)] == ["complete", "killed"]
    free(history)
    assert live(history, killed) == set()
    [execution] = history.store.get_executions_by_id([killed.executions["Evaluator"]])
    assert execution.last_known_state == FAILED
    with open_database(history.location) as database:
        failed = list_runs(database)[1]
    assert (failed.state, failed.error) == ("failed", "the process was killed, or the machine went down")


def test_a_dry_run_says_the_same_and_changes_nothing(history: History):
    old = history.run(blessed=False)
    history.run()
    before = history.location.path.read_bytes()
    said = plan_only(history.location, history.root, Policy())
    assert history.location.path.read_bytes() == before
    assert live(history, old) == set(old.artifacts)
    done = free(history)
    assert {freed.artifact.id for freed in done.artifacts} == {freed.artifact.id for freed in said.artifacts}
    assert (done.size, done.leftovers) == (said.size, said.leftovers)


def test_leftovers_of_runs_that_are_not_kept_go_and_files_of_others_stay(history: History):
    failed = history.run(stops_at="Trainer", stops_as=FAILED, record="failed", error="it failed")
    newest = history.run()
    pipeline_root = history.root / "pipelines" / "mnist-vae"
    half_made = pipeline_root / "Trainer" / "model" / str(failed.executions["Trainer"])
    of_no_execution = pipeline_root / "Trainer" / "model" / "999"
    old_checkpoint, new_checkpoint = (history.root / "checkpoints" / "mnist-vae" / name for name in ("old", "new"))
    driver = pipeline_root / "TfdsExampleGen" / ".system" / "driver_execution" / "1795361999849356"
    notes = pipeline_root / "notes.txt"
    # One Trainer becomes a Tuner, which is told about a training and a directory.
    [tuner] = history.store.get_executions_by_id([failed.executions["Trainer"]])
    settings = tuner.custom_properties["custom_config"]
    old_search, new_search = (history.root / "tuning" / "mnist-vae" / name for name in ("old", "new"))
    told = {"directory": str(old_search.parent), "training": json.loads(settings.string_value)}
    settings.string_value = json.dumps(told)
    history.store.put_executions([tuner])
    for directory in (half_made, of_no_execution, old_checkpoint, new_checkpoint, old_search, new_search, driver):
        directory.mkdir(parents=True)
        (directory / "file").write_text("12345")
    notes.write_text("mine")
    for path in (old_checkpoint, old_search):
        for written in (path, path / "file"):
            os.utime(written, (time.time() - 3600,) * 2)

    plan = free(history)
    by_kind = {kind: {leftover.path for leftover in plan.leftovers if leftover.kind is kind} for kind in LeftoverKind}
    assert by_kind[LeftoverKind.UNFINISHED_OUTPUT] == {half_made}
    assert by_kind[LeftoverKind.CHECKPOINT] == {old_checkpoint}
    assert by_kind[LeftoverKind.SEARCH] == {old_search}
    assert by_kind[LeftoverKind.LOG] == {failed.log}
    assert driver in by_kind[LeftoverKind.SYSTEM]
    assert not any(leftover.path.exists() for leftover in plan.leftovers)
    assert all(path.exists() for path in (of_no_execution, new_checkpoint, new_search, notes, newest.log))


def test_working_files_of_a_killed_run_go_when_no_process_holds_its_log(history: History):
    killed = history.run(stops_at="Trainer", stops_as=RUNNING, record="running")
    trainer = history.root / "pipelines" / "mnist-vae" / "Trainer"
    temporary = trainer / ".system" / "executor_execution" / str(killed.executions["Trainer"]) / ".temp"
    stateful = trainer / ".system" / "stateful_working_dir" / killed.id
    for directory in (temporary, stateful):
        directory.mkdir(parents=True)
        (directory / "file").write_text("12345")
    with locked(killed.log):
        assert free(history).leftovers == ()
    assert temporary.exists()
    free(history)
    assert not temporary.exists()
    assert not stateful.exists()


def test_temporary_files_of_a_killed_run_go_and_those_of_a_running_one_stay(history: History):
    history.run()
    environment = os.environ | {"TMPDIR": tempfile.gettempdir()}
    killed = subprocess.Popen([sys.executable, "-c", HOLDS_TEMPORARY_FILES], stdout=subprocess.PIPE, text=True, env=environment)
    assert killed.stdout is not None
    left = Path(killed.stdout.readline().strip())
    with temporary_directory() as running:
        tempfile.tempdir = str(running.parent)
        assert LeftoverKind.TEMPORARY not in {leftover.kind for leftover in free(history).leftovers}
        assert (left / "file").exists()
        killed.kill()
        killed.communicate()
        [leftover] = free(history).leftovers
    assert (leftover.kind, leftover.path, leftover.size) == (LeftoverKind.TEMPORARY, left, 5)
    assert not left.exists()


def test_what_lies_elsewhere_or_was_imported_is_left_alone(history: History, tmp_path: Path):
    imported = history.run(blessed=False)
    [artifact] = history.store.get_artifacts_by_id([imported.artifacts["examples"]])
    outside = tmp_path / "my-examples"
    outside.mkdir()
    artifact.uri = str(outside)
    history.store.put_artifacts([artifact])
    [artifact] = history.store.get_artifacts_by_id([imported.artifacts["model"]])
    artifact.custom_properties["is_external"].int_value = 1
    history.store.put_artifacts([artifact])
    history.run()
    plan = free(history)
    assert plan.elsewhere == 2
    assert outside.exists()
    assert imported.uris["model"].exists()
    assert history.state(artifact.id) == LIVE


def test_runs_under_two_spellings_of_a_root_lose_nothing(history: History, tmp_path: Path):
    root = history.root
    (root / "subfolder").mkdir()
    (tmp_path / "link").symlink_to(root)
    runs = [history.run()]
    for history.root in (root / "subfolder" / "..", tmp_path / "link"):
        runs.append(history.run(stops_at="Evaluator", record="failed"))
        history.root = root
        runs.append(history.run())
        plan = free(history, keep_last=len(runs))
        assert plan.artifacts == ()
        assert LeftoverKind.UNFINISHED_OUTPUT not in {leftover.kind for leftover in plan.leftovers}
        for past in runs:
            assert live(history, past) == set(past.artifacts)


def test_files_of_a_kept_artifact_are_kept_whatever_path_leads_to_them(history: History, tmp_path: Path):
    old, kept = history.run(blessed=False), history.run(blessed=False)
    (tmp_path / "link").symlink_to(old.uris["model"].parent)
    [artifact] = history.store.get_artifacts_by_id([kept.artifacts["model"]])
    artifact.uri = str(tmp_path / "link" / old.uris["model"].name / "data")
    history.store.put_artifacts([artifact])
    plan = free(history)
    assert live(history, old) == {"evaluation", "model"}
    assert plan.kept[protection.SHARED] == 1


def test_what_an_execution_that_ended_well_has_written_is_no_leftover(history: History):
    past = history.run()
    unknown = past.uris["model"].parent / "one_more" / str(past.executions["Trainer"])
    unknown.mkdir(parents=True)
    assert not [each for each in free(history).leftovers if each.kind is LeftoverKind.UNFINISHED_OUTPUT]
    assert unknown.exists()


def test_a_copy_leaves_the_files_of_its_original_alone(history: History, tmp_path: Path):
    history.run(stops_at="Trainer", record="failed")
    history.run(blessed=False)
    history.run()
    before = sorted(history.root.rglob("*"))
    shutil.copytree(history.root, tmp_path / "copy")
    for root in (tmp_path / "copy", tmp_path / "copy" / ".." / "copy"):
        collect(sqlite_location(root / "metadata.sqlite"), root, Policy(keep_last=0), lambda _: contextlib.nullcontext())
        assert sorted(history.root.rglob("*")) == before


def test_the_root_of_another_database_is_left_alone(history: History, tmp_path: Path):
    history.run(blessed=False)
    history.run()
    before = sorted(history.root.rglob("*"))
    backup = tmp_path / "backup.sqlite"
    shutil.copy(history.location.path, backup)
    for root in (history.root, history.root.parent):
        plan = collect(sqlite_location(backup), root, Policy(), lambda _: contextlib.nullcontext())
        assert (plan.artifacts, plan.leftovers) == ((), ())
        assert sorted(history.root.rglob("*")) == before
    assert str(history.location.path) in OwnRoot(history.root, sqlite_location(backup)).describe_elsewhere()


def test_what_is_free_is_freed_through_a_link_to_the_root_too(history: History, tmp_path: Path):
    old = history.run(blessed=False)
    history.run()
    link = tmp_path / "link"
    link.symlink_to(history.root)
    plan = collect(sqlite_location(link / "metadata.sqlite"), link, Policy(), lambda _: contextlib.nullcontext())
    assert old.artifacts["model"] in {freed.artifact.id for freed in plan.artifacts}
    assert not old.uris["model"].exists()


def test_a_second_call_finds_nothing(history: History):
    history.run(blessed=False)
    history.run()
    assert free(history).artifacts
    again = free(history)
    assert (again.artifacts, again.leftovers, again.size) == ((), (), 0)


HOLDS_TEMPORARY_FILES = """
import time
from pipelines.local.temporary import temporary_directory

with temporary_directory() as directory:
    (directory / "file").write_text("12345")
    print(directory, flush=True)
    time.sleep(600)
"""

KILLED_AT = """
import contextlib, os, signal, sys
from pathlib import Path
from tfx_vae.metadata.gc import collect as module
from tfx_vae.metadata.gc.protection import Policy
from pipelines.mlmd.location import sqlite_location

moment, path = sys.argv[1:]
set_states, delete, rmtree, deletions = module._set_states, module._delete, module.shutil.rmtree, []

def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)

def delete_three(freed):
    if len(deletions) == 3:
        die()
    deletions.append(freed)
    delete(freed)

def half_of_a_directory(directory):
    (directory / "data").unlink()
    die()

def until(last):
    return lambda store, artifacts, state: die() if state.name == last else set_states(store, artifacts, state)

match moment:
    case "before marking": module._set_states = until("MARKED_FOR_DELETION")
    case "after marking": module._delete = die
    case "after three": module._delete = delete_three
    case "in a directory": module.shutil.rmtree = half_of_a_directory
    case "before recording": module._set_states = until("DELETED")
    case "before the leftovers": module._remove = die
module.collect(sqlite_location(Path(path)), Path(path).parent, Policy(), lambda reason: contextlib.nullcontext())
"""


@pytest.mark.parametrize(
    "moment",
    ["before marking", "after marking", "after three", "in a directory", "before recording", "before the leftovers"],
)
def test_killed_at_any_moment_nothing_is_lost_and_a_second_call_finishes(moment: str, history: History):
    old = history.run(blessed=False)
    kept = history.run()
    killed = subprocess.run([sys.executable, "-c", KILLED_AT, moment, str(history.location.path)], capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    # Whatever TFX may use is whole.
    for past in (old, kept):
        for name, id_ in past.artifacts.items():
            if history.state(id_) == LIVE:
                assert (past.uris[name] / "data").stat().st_size == 100, name

    free(history)
    assert live(history, old) == {"evaluation"}
    assert live(history, kept) == set(kept.artifacts)
    assert not list(history.root.rglob(".deleting-*"))
    assert free(history).artifacts == ()


def test_what_a_killed_gc_had_marked_and_a_run_needs_since_is_restored(history: History):
    old = history.run(blessed=False)
    history.run()
    subprocess.run([sys.executable, "-c", KILLED_AT, "after marking", str(history.location.path)], check=False)
    assert history.state(old.artifacts["model"]) not in (LIVE, DELETED)
    plan = free(history, keep_last=2)
    assert {artifact.id for artifact in plan.restored} == {id_ for name, id_ in old.artifacts.items() if name != "evaluation"}
    assert live(history, old) == set(old.artifacts)


def test_what_a_killed_gc_had_begun_to_delete_is_never_restored(history: History):
    old = history.run(blessed=False)
    history.run()
    subprocess.run([sys.executable, "-c", KILLED_AT, "in a directory", str(history.location.path)], check=False)
    free(history, keep_last=2)
    [begun] = set(old.artifacts) - live(history, old)
    assert history.state(old.artifacts[begun]) == DELETED


def test_gc_waits_for_a_run_and_says_so(history: History):
    history.run()
    code = (
        "import contextlib, sys, time; from pathlib import Path\n"
        "from pipelines.mlmd.location import sqlite_location\n"
        "from pipelines.mlmd.lock import database_lock\n"
        "with database_lock(sqlite_location(Path(sys.argv[1])), 'run 7 of mnist-vae', lambda r: contextlib.nullcontext()):\n"
        "    print(flush=True); time.sleep(1)"
    )
    holder = subprocess.Popen([sys.executable, "-c", code, str(history.location.path)], stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    holder.stdout.readline()
    reasons: list[str] = []

    @contextlib.contextmanager
    def waiting(reason: str) -> Iterator[None]:
        reasons.append(reason)
        yield

    collect(sqlite_location(history.location.path), history.root, Policy(), waiting)
    assert holder.wait() == 0
    assert "run 7 of mnist-vae" in reasons[0]
