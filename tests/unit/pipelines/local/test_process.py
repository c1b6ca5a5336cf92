"""Whatever is printed goes to the log, and the terminal, the locale and Keras's own configuration cannot harm a run."""

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from pipelines.local.process import captured_output, prepare_environment


def test_python_c_and_child_processes_write_to_the_log_and_the_terminal_stays_ours(tmp_path: Path):
    log = tmp_path / "run.log"
    code = f"""
import os, subprocess, sys
from pathlib import Path
from pipelines.local.process import captured_output
print("before")
with captured_output(Path({str(log)!r})) as terminal:
    print("python out")
    print("python err", file=sys.stderr)
    os.write(2, b"from C++\\n")
    subprocess.run(["echo", "from a child"])
    print("for the person", file=terminal)
print("after")
"""

    printed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=Path.cwd())

    assert printed.stdout.split("\n") == ["before", "for the person", "after", ""]
    assert printed.stderr == ""
    assert set(log.read_text().splitlines()) == {"python out", "python err", "from C++", "from a child"}


def test_the_terminal_is_given_back_after_an_exception(tmp_path: Path, capfd):
    try:
        with captured_output(tmp_path / "run.log"):
            raise ValueError
    except ValueError:
        os.write(1, b"back\n")

    assert capfd.readouterr().out == "back\n"


PROJECT = Path(__file__).parents[4]
IN_ASCII = {"PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}


def run(code: str, environment: dict[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    """Runs code that has a `console` on the terminal, while everything else goes to `log.txt`."""
    code = (
        "import sys\nfrom pathlib import Path\nfrom rich.console import Console\n"
        "from pipelines.local.process import captured_output, prepare_streams\nprepare_streams()\n"
        f"with captured_output(Path({str(directory / 'log.txt')!r})) as terminal:\n"
        f"    console = Console(file=terminal)\n{textwrap.indent(textwrap.dedent(code), '    ')}"
    )
    (directory / "code.py").write_text(code)
    return subprocess.run(
        [sys.executable, directory / "code.py"],
        capture_output=True,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)} | environment,
    )


def test_a_terminal_that_knows_ascii_only_gets_what_looks_alike(tmp_path: Path):
    printed = run(
        """
        from pipelines.local.display import NodeResult, NodeState, RunDisplay
        RunDisplay(console).node_ended("Trainer", NodeResult(NodeState.RAN, 1, {}), 2.0)
        RunDisplay(console).node_failed("Pusher", 2.0)
        console.print("≥ 3, ≤ 4, β, ⠋, é, 😀, \\udcff", highlight=False)
        print("é")
        """,
        IN_ASCII,
        tmp_path,
    )
    assert printed.stderr == ""
    assert printed.stdout.splitlines() == [
        "+ Trainer            ran        2.0 s",
        "x Pusher             failed     2.0 s",
        ">= 3, <= 4, beta, *, \\u00e9, \\ud83d\\ude00, \\udcff",
    ]
    assert (tmp_path / "log.txt").read_text() == "\\u00e9\n"


def test_a_name_that_is_not_utf_8_can_be_printed_as_json_has_it(tmp_path: Path):
    printed = run("console.print('\\udcff é', highlight=False)", {"PYTHONUTF8": "1"}, tmp_path)
    assert (printed.stdout, printed.stderr) == ("\\udcff é\n", "")


def test_when_the_reader_goes_away_the_work_goes_on_in_the_log(tmp_path: Path):
    printed = run(
        """
        import os
        reading, writing = os.pipe()
        os.dup2(writing, terminal.fileno())
        os.close(writing)
        os.close(reading)
        for number in range(3):
            console.print("x" * 10_000)
            print(number)
        """,
        {},
        tmp_path,
    )
    assert (printed.returncode, printed.stderr) == (0, "")
    assert (tmp_path / "log.txt").read_text() == "0\n1\n2\n"


def test_what_keras_computes_in_is_ours_to_say(monkeypatch: pytest.MonkeyPatch):
    for name, value in {"KERAS_BACKEND": "jax", "KERAS_HOME": "/home/me/.keras", "KERAS_MAX_EPOCHS": "1"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("TF_CPP_MIN_LOG_LEVEL", "0")
    prepare_environment()
    assert os.environ["KERAS_BACKEND"] == "tensorflow"
    assert not (Path(os.environ["KERAS_HOME"]) / "keras.json").exists()
    assert "KERAS_MAX_EPOCHS" not in os.environ
    assert os.environ["TF_CPP_MIN_LOG_LEVEL"] == "0"
