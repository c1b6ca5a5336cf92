"""What a run shows, on a terminal and in a pipe."""

import io
import logging
import re
import sys

import pytest
from rich.console import Console

from components.progress import Progress, report
from pipelines.local import display as display_module
from pipelines.local.display import NodeResult, NodeState, RunDisplay


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def piped(screen: io.StringIO) -> RunDisplay:
    return RunDisplay(Console(file=screen, width=80))


@pytest.fixture
def on_terminal(screen: io.StringIO) -> RunDisplay:
    return RunDisplay(Console(file=screen, width=80, force_terminal=True))


def test_a_component_has_a_line_when_it_starts_and_one_when_it_ends(piped: RunDisplay, screen: io.StringIO):
    with piped.running():
        piped.node_started("Transform")
        piped.node_ended("Transform", NodeResult(NodeState.RAN, 1, {}), 8.44)
        piped.node_started("Trainer")
        piped.node_ended("Trainer", NodeResult(NodeState.CACHED, 2, {}), 0.1)
        piped.node_started("Evaluator")
        piped.node_failed("Evaluator", 2.0)

    assert screen.getvalue().splitlines() == [
        "Transform started",
        "✓ Transform          ran        8.4 s",
        "Trainer started",
        "✓ Trainer            cached     0.1 s",
        "Evaluator started",
        "✗ Evaluator          failed     2.0 s",
    ]


def test_a_component_is_numbered_among_those_of_the_run(piped: RunDisplay, on_terminal: RunDisplay, screen: io.StringIO):
    for display in (piped, on_terminal):
        with display.running():
            display.run_started("mnist", "2026", nodes=13)
            for node in ("Transform", "Trainer"):
                display.node_started(node)
                if display is on_terminal:
                    report(Progress("training", 1.5, 30, "epochs", {"loss": 99.5}))
                display.node_ended(node, NodeResult(NodeState.RAN, 1, {}), 1.0)

    assert "Trainer started, 2 of 13" in screen.getvalue()
    assert "2/13" in screen.getvalue()


def test_two_components_at_the_same_time_have_a_line_each_at_80_columns(on_terminal: RunDisplay, screen: io.StringIO):
    with on_terminal.running():
        on_terminal.run_started("mnist", "2026", nodes=15)
        on_terminal.node_started("FeatureClassifier", 12.0, is_beside=True)
        on_terminal.node_started("Trainer")
        report(Progress("training", 1.5, 30, "epochs", {"loss": 99.5}))
        on_terminal.update(Progress("training a classifier", 2, 3, "epochs"), "FeatureClassifier")

    lines = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue()).splitlines()
    [*_, first] = [line for line in lines if "FeatureClassifier" in line]
    [*_, second] = [line for line in lines if "Trainer" in line]
    assert re.search(r"FeatureClassifier   1/15 [━╸╺]+ 0:00:00 of ~0:12 training a cl[a-z0-9 ]*…", first)
    assert re.search(r"Trainer             2/15 [━╸╺]+ 0:00:00 +training 1.5 of 30", second)
    assert max(len(first), len(second)) <= 80


def test_a_component_that_ends_leaves_the_line_of_the_other(on_terminal: RunDisplay, screen: io.StringIO):
    with on_terminal.running():
        on_terminal.node_started("FeatureClassifier", is_beside=True)
        on_terminal.node_started("Trainer")
        on_terminal.node_ended("FeatureClassifier", NodeResult(NodeState.RAN, 1, {}), 3.0)
        report(Progress("training", 2.5, 30, "epochs", {"loss": 98.5}))

    assert "training 2.5 of 30" in screen.getvalue()


def test_how_long_a_component_took_last_time_is_said_if_it_is_long(
    piped: RunDisplay, on_terminal: RunDisplay, screen: io.StringIO
):
    for display in (piped, on_terminal):
        with display.running():
            for node, seconds in (("Trainer", 405.2), ("Pusher", 0.2)):
                display.node_started(node, seconds)
                if display is on_terminal:
                    report(Progress("training", 1.5, 30, "epochs", {"loss": 99.5}))
                display.node_ended(node, NodeResult(NodeState.RAN, 1, {}), 1.0)

    shown = screen.getvalue()
    assert "Trainer started; last time it took 405 s\n" in shown
    assert "Pusher started\n" in shown
    assert "of ~6:45" in shown


def test_progress_becomes_a_line_now_and_then_in_a_pipe(
    piped: RunDisplay, screen: io.StringIO, monkeypatch: pytest.MonkeyPatch
):
    with piped.running():
        piped.node_started("Trainer")
        report(Progress("training", 0.5, 30, "epochs", {"loss": 101.234}))
        monkeypatch.setattr(display_module, "_SECONDS_BETWEEN_PLAIN_LINES", 0.0)
        report(Progress("training", 1.5, 30, "epochs", {"loss": 99.5}))

    assert screen.getvalue().splitlines() == ["Trainer started", "  Trainer: training 1.5 of 30 epochs, loss 99.50"]


def test_progress_is_a_bar_on_a_terminal(on_terminal: RunDisplay, screen: io.StringIO):
    with on_terminal.running():
        on_terminal.node_started("Trainer")
        report(Progress("training", 15, 30, "epochs", {"loss": 101.234}))

    assert "training 15 of 30 epochs, loss 101.23" in screen.getvalue()
    assert "━" in screen.getvalue()


def test_long_progress_is_cut_where_there_is_no_room_and_nothing_else_is(on_terminal: RunDisplay, screen: io.StringIO):
    with on_terminal.running():
        on_terminal.run_started("mnist", "2026", nodes=15)
        on_terminal.node_started("FeatureClassifier", 12.0)
        report(Progress("training a classifier on the images of the split", 1, 3, "epochs", {"training accuracy": 0.5}))

    shown = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", screen.getvalue())
    assert re.search(r"FeatureClassifier   1/15 [━╸╺]+ 0:00:00 of ~0:12 training a classifier [a-z ]*…", shown)


def test_what_the_libraries_print_does_not_come_between(
    on_terminal: RunDisplay, screen: io.StringIO, capsys: pytest.CaptureFixture[str]
):
    with on_terminal.running():
        on_terminal.node_started("Trainer")
        print("FutureWarning: a flood", file=sys.stderr)
        print("Downloading and preparing dataset")

    assert "FutureWarning" not in screen.getvalue()
    assert "Downloading" not in screen.getvalue()
    assert capsys.readouterr().err == "FutureWarning: a flood\n"


def test_a_components_warning_reaches_the_person(piped: RunDisplay, screen: io.StringIO):
    with piped.running():
        logging.getLogger("tfx_vae").warning("split 'train' has anomalies")
        logging.getLogger("apache_beam").warning("not for the user")

    assert screen.getvalue() == "! split 'train' has anomalies\n"


def test_after_the_run_nothing_is_shown(piped: RunDisplay, screen: io.StringIO):
    with piped.running():
        pass
    report(Progress("training", 1, 2, "epochs"))
    logging.getLogger("tfx_vae").warning("later")

    assert screen.getvalue() == ""
