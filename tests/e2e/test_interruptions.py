"""A run that was stopped, however, is carried on by the next one."""

import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from support.workplace import PROJECT, Workplace, states

RUNNING = 2
QUICKER = (
    "report.enabled=false",
    "infra_validator.enabled=false",
    "evaluator.importance_weighted.enabled=false",
    "evaluator.frechet_distance.enabled=false",
)
"""What no interruption depends on."""


def start_and_signal(workplace: Workplace, after: str, number: signal.Signals) -> subprocess.CompletedProcess[str]:
    """Starts a run, waits until it prints `after`, and sends it a signal."""
    process = subprocess.Popen(
        workplace.command(*QUICKER),
        cwd=PROJECT,
        env=workplace.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout is not None
    printed = []
    for line in process.stdout:
        printed.append(line)
        if after in line:
            # In the middle of the work, not at its first instruction.
            time.sleep(0.5)
            process.send_signal(number)
            break
    rest, _ = process.communicate(timeout=60)
    return subprocess.CompletedProcess(process.args, process.returncode, "".join(printed) + rest)


def executions(root: Path, state: int) -> int:
    with sqlite3.connect(f"file:{root / 'metadata.sqlite'}?mode=ro", uri=True) as database:
        [count] = database.execute("SELECT COUNT(*) FROM Execution WHERE last_known_state = ?", [state]).fetchone()
    return count


@pytest.fixture(scope="module")
def killed(workplace: Workplace) -> subprocess.CompletedProcess[str]:
    return start_and_signal(workplace, "Transform started", signal.SIGKILL)


def test_kill_9_leaves_no_model_behind(killed: subprocess.CompletedProcess[str], workplace: Workplace):
    assert killed.returncode == -signal.SIGKILL
    assert workplace.versions() == []
    assert len(list(workplace.home.glob("tfx-vae-run-*"))) == 1


@pytest.fixture(scope="module")
def interrupted(killed: subprocess.CompletedProcess[str], workplace: Workplace) -> subprocess.CompletedProcess[str]:
    return start_and_signal(workplace, "Trainer started", signal.SIGINT)


def test_after_kill_9_the_next_run_carries_on_from_the_last_finished_component(
    interrupted: subprocess.CompletedProcess[str],
):
    found = states(interrupted.stdout)
    assert {found[node] for node in ("TfdsExampleGen", "StatisticsGen", "ExampleValidator", "ValidationGate")} == {"cached"}
    assert found["Transform"] == "ran"


def test_ctrl_c_ends_with_one_line_and_130(interrupted: subprocess.CompletedProcess[str], workplace: Workplace):
    assert interrupted.returncode == 130
    assert interrupted.stdout.splitlines()[-1].startswith("Interrupted.")
    assert "Traceback" not in interrupted.stdout


def test_ctrl_c_leaves_nothing_as_running_in_ml_metadata(
    interrupted: subprocess.CompletedProcess[str], killed: subprocess.CompletedProcess[str], workplace: Workplace
):
    # What was killed could not say so; the run after it did.
    assert executions(workplace.root, RUNNING) == 0


def test_after_ctrl_c_the_next_run_ends_with_a_pushed_model(
    interrupted: subprocess.CompletedProcess[str], workplace: Workplace
):
    finished = workplace.run(*QUICKER)

    assert finished.returncode == 0, finished.stdout + finished.stderr
    assert states(finished.stdout)["Transform"] == "cached"
    assert len(workplace.versions()) == 1
    # Neither the killed run nor the others have left temporary files.
    assert not list(workplace.home.glob("*tfx-vae-run-*"))
