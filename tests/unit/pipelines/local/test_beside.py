"""A component in a process of its own: what it says arrives, how it ends is known, and it ends with the run."""

import io
import logging
import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path

import psutil
import pytest
from rich.console import Console
from tfx.proto.orchestration import pipeline_pb2

from components import bucket
from components.errors import ConfigurationError, PipelineError
from components.progress import Progress, report
from pipelines.local import beside, failures
from pipelines.local.beside import Helpers, Job
from pipelines.local.display import NodeResult, NodeState, RunDisplay
from pipelines.mlmd.location import Backend, Location

CLASSIFIER, INFRA = beside.BESIDE
LOCATION = Location(Backend.SQLITE, path=Path("none"))
RESULT = NodeResult(NodeState.RAN, 7, {})


class Run:
    """A run of which one component is started."""

    def __init__(self, launch: Callable[..., NodeResult], at_once: int = 2) -> None:
        self.screen = io.StringIO()
        self.display = RunDisplay(Console(file=self.screen, width=80))
        self.helpers = Helpers(beside.BESIDE, at_once, launch)
        self.results: list[NodeResult] = []
        self.failed: list[str] = []

    def start(self, node_id: str = CLASSIFIER) -> None:
        node = pipeline_pb2.PipelineNode()
        node.node_info.id = node_id
        helper = self.helpers.free_for(node_id)
        assert helper is not None
        job = Job(pipeline_pb2.Pipeline(), node, LOCATION)
        helper.start(job, self.display, self.results.append, lambda _: self.failed.append(node_id))


@pytest.fixture(autouse=True)
def _tensorflow_has_not_started(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is forked here uses no TensorFlow."""
    monkeypatch.setattr(beside, "has_started", lambda: False)


def said_and_done(*_: object) -> NodeResult:
    report(Progress("training", 1.5, 30, "epochs", {"loss": 99.5}))
    logging.getLogger("tfx_vae.any").warning("unusual")
    return RESULT


def endless(*_: object) -> NodeResult:
    time.sleep(600)
    return RESULT


def test_progress_warnings_and_the_result_arrive():
    run = Run(said_and_done)
    with run.helpers.ended():
        run.start()
    assert run.results == [RESULT]
    assert run.screen.getvalue() == f"  {CLASSIFIER}: training 1.5 of 30 epochs, loss 99.50\n! unusual\n"


def test_what_it_raises_is_explained_as_if_it_had_been_raised_here():
    def refuse(*_: object) -> NodeResult:
        raise RuntimeError("around it") from ConfigurationError("No such split.")

    run = Run(refuse)
    with pytest.raises(failures.ExplainedError) as caught, run.helpers.ended():
        run.start()
        run.helpers.wait_for([CLASSIFIER])
    assert failures.explain(caught.value) == failures.Failure("No such split.", failures.MISUSED)
    assert "RuntimeError: around it" in "".join(caught.value.__notes__)
    assert run.failed == [CLASSIFIER]


def test_if_one_component_fails_the_other_goes_on_to_its_end():
    def after_a_while(*_: object) -> NodeResult:
        time.sleep(0.5)
        return RESULT

    run = Run(after_a_while)
    with pytest.raises(PipelineError, match="the Trainer"), run.helpers.ended():
        run.start()
        raise PipelineError("the Trainer")
    assert run.results == [RESULT]


def test_a_process_that_is_killed_is_a_failure_in_a_sentence():
    def out_of_memory(*_: object) -> NodeResult:
        os.kill(os.getpid(), signal.SIGKILL)
        return RESULT

    run = Run(out_of_memory)
    with pytest.raises(PipelineError, match=f"The process of {CLASSIFIER} was killed.*parallel_nodes=1"), run.helpers.ended():
        run.start()
    assert run.failed == [CLASSIFIER]


def test_an_interruption_ends_it_at_once_and_is_no_failure_of_it():
    before = set(psutil.Process().children())
    run = Run(endless)
    [*processes] = set(psutil.Process().children()) - before
    with pytest.raises(KeyboardInterrupt), run.helpers.ended():
        run.start()
        raise KeyboardInterrupt
    assert (len(processes), run.failed) == (2, [])
    assert not any(process.is_running() for process in processes)


def test_nothing_runs_on_when_the_run_is_killed():
    context = multiprocessing.get_context("fork")
    started = context.SimpleQueue()

    def tell_and_wait(*_: object) -> NodeResult:
        started.put(os.getpid())
        return endless()

    def run_until_killed() -> None:
        run = Run(tell_and_wait)
        run.start()
        endless()

    killed = context.Process(target=run_until_killed)
    killed.start()
    helper = psutil.Process(started.get())
    killed.kill()
    killed.join()
    assert psutil.wait_procs([helper], timeout=30)[1] == []


def test_no_more_run_than_may_and_none_where_memory_is_short(monkeypatch: pytest.MonkeyPatch):
    run = Run(endless)
    assert run.helpers.free_for("Trainer") is None
    with pytest.raises(KeyboardInterrupt), run.helpers.ended():
        run.start()
        assert run.helpers.free_for(INFRA) is None
        monkeypatch.setattr(run.helpers, "_at_once", 3)
        assert run.helpers.free_for(INFRA) is not None
        monkeypatch.setattr(beside, "free_memory", lambda: 1e6)
        assert run.helpers.free_for(INFRA) is None
        raise KeyboardInterrupt
    assert Run(endless, at_once=1).helpers.free_for(CLASSIFIER) is None


def test_nothing_is_forked_once_there_are_threads(monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as patch:
        patch.setattr(beside, "has_started", lambda: True)
        assert Run(endless).helpers.free_for(CLASSIFIER) is None
    monkeypatch.setattr(bucket, "_connect", cache(lambda: None))
    bucket._connect()
    assert Run(endless).helpers.free_for(CLASSIFIER) is None


def test_with_one_core_one_component_runs_at_a_time(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3})
    assert (beside.components_at_once(None), beside.components_at_once(2)) == (1, 2)
