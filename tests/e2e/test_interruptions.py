"""A run that was stopped, however, is carried on by the next one, in an environment that is against it."""

import json
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pytest
from support.workplace import PROJECT, Workplace, states

RUNNING = 2
QUICKER = (
    "trainer.epochs=1",
    "evaluator.importance_weighted.enabled=false",
    "evaluator.latent_space.enabled=false",
    "evaluator.frechet_distance.enabled=false",
    "evaluator.binarized=false",
    "report.tsne=false",
)
"""What no interruption depends on."""


@pytest.fixture(scope="module")
def hostile(workplace: Workplace, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An environment with the locale C, and with Keras set up for something else."""
    keras = tmp_path_factory.mktemp("keras")
    (keras / "keras.json").write_text('{"floatx": "float16", "image_data_format": "channels_first", "backend": "jax"}')
    return workplace.environment(
        KERAS_HOME=str(keras),
        KERAS_BACKEND="jax",
        KERAS_MAX_STEPS_PER_EPOCH="1",
        LC_ALL="C",
        PYTHONUTF8="0",
        PYTHONCOERCECLOCALE="0",
    )


def start_and_signal(
    workplace: Workplace, environment: dict[str, str], after: str, number: signal.Signals
) -> subprocess.CompletedProcess[str]:
    """Starts a run, waits until it prints `after`, and sends it a signal."""
    process = subprocess.Popen(
        workplace.command(*QUICKER),
        cwd=PROJECT,
        env=environment,
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
def killed(workplace: Workplace, hostile: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return start_and_signal(workplace, hostile, "Transform started", signal.SIGKILL)


def test_kill_9_leaves_no_model_behind(killed: subprocess.CompletedProcess[str], workplace: Workplace):
    assert killed.returncode == -signal.SIGKILL
    assert workplace.versions() == []
    assert len(list(workplace.home.glob("tfx-vae-run-*"))) == 1


@pytest.fixture(scope="module")
def interrupted(
    killed: subprocess.CompletedProcess[str], workplace: Workplace, hostile: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return start_and_signal(workplace, hostile, "Trainer started", signal.SIGINT)


def test_after_kill_9_the_next_run_carries_on_from_the_last_finished_component(
    interrupted: subprocess.CompletedProcess[str],
):
    found = states(interrupted.stdout.replace("+ ", "✓ "))  # as a terminal with the locale C is told
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


def test_after_ctrl_c_the_next_run_ends_with_a_pushed_model_though_its_reader_goes_away(
    interrupted: subprocess.CompletedProcess[str], workplace: Workplace, hostile: dict[str, str]
):
    with subprocess.Popen(
        workplace.command(*QUICKER), cwd=PROJECT, env=hostile, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("mnist-smoke, run ")
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 0

    shown = json.loads(workplace.call("show", "latest", "--json").stdout)
    assert {part["node"]: part["state"] for part in shown["components"]}["Transform"] == "cached"
    assert len(workplace.versions()) == 1
    # Neither the killed run nor the others have left temporary files.
    assert not list(workplace.home.glob("*tfx-vae-run-*"))

    [run, *_] = json.loads(workplace.call("runs", "--json").stdout)["runs"]
    assert (run["state"], run["error"]) == ("complete", None)
    log = max((workplace.root / "logs" / "mnist-smoke").iterdir())
    assert "Traceback" not in log.read_text(encoding="utf-8")
    assert run["metrics"]["negative_elbo"] < 350  # an untrained model has 784 ln 2 = 543, and one step changes little
